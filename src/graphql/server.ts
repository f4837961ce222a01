import { ApolloServer, type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import {
  type ASTNode,
  BREAK,
  type DocumentNode,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getNamedType,
  isLeafType,
  isValueNode,
  Kind,
  TypeInfo,
  type ValueNode,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import { LRUCache } from 'lru-cache';
import type { Log } from '../platform/log';
import type { Context } from './context';
import { maskError } from './errors';
import { limits } from './limits';
import { schema } from './schema';

const thrown = Symbol('thrown');

function thrownOf(error: unknown): unknown {
  return (error as { [thrown]?: unknown })?.[thrown] ?? error;
}

export interface GraphqlServerOptions {
  /** Whether strangers may ask about the schema. Whoever says who they are always may. */
  readonly introspection: boolean;
  readonly log: Log;
}

/**
 * May this document become code? graphql-jit prints literals and variable defaults into the code it makes by way of JSON:
 * an instant or a date arrives at its resolver as text, and text with one of its own markers (`__MAGIC_DATE__…`) is run as
 * JavaScript. It also mixes up the conditions of fragments that are spread twice, and takes the alias `__proto__` for the
 * prototype. Clients that send their values as variables meet none of this; the rest is answered by graphql-js.
 */
export function mayCompile(document: DocumentNode, schemaOfIt: GraphQLSchema): boolean {
  const types = new TypeInfo(schemaOfIt);
  const isPlain = (literal: ValueNode): boolean => {
    const type = getNamedType(types.getInputType());
    if (!isLeafType(type)) return false;
    try {
      const value: unknown = type.parseLiteral(literal, undefined);
      return typeof value === 'string'
        ? !value.includes('__MAGIC_')
        : typeof value === 'boolean' || Number.isFinite(value);
    } catch {
      return false;
    }
  };
  let may = true;
  visit(
    document,
    visitWithTypeInfo(types, {
      enter: (node) => {
        if (node.kind === Kind.DIRECTIVE) may = false;
        else if (node.kind === Kind.FIELD) may &&= !node.alias?.value.startsWith('__');
        else if (isConstLeaf(node)) may &&= isPlain(node);
        return may ? undefined : BREAK;
      },
    }),
  );
  return may;
}

function isConstLeaf(node: ASTNode): node is ValueNode {
  return isValueNode(node) && ![Kind.VARIABLE, Kind.LIST, Kind.OBJECT, Kind.NULL].includes(node.kind as Kind.NULL);
}

/**
 * Executes operations by compiled code instead of graphql-js's interpreter; docs/benchmarks.md says how fast that is.
 * The cache is bounded; an operation that cannot be compiled is answered by graphql-js.
 */
function compiledExecution(): ApolloServerPlugin<Context> {
  const compiled = new LRUCache<string, CompiledQuery | 'INTERPRET'>({ max: 500 });
  return {
    async requestDidStart() {
      return {
        async responseForOperation({ request, document, operation, operationName, contextValue, queryHash }) {
          // Mutations are rare and dear by themselves; queries are what is asked on every request.
          if (operation?.operation !== 'query') return null;
          const key = `${queryHash} ${operationName ?? ''}`;
          let query = compiled.get(key);
          if (!query) {
            const result = mayCompile(document, schema())
              ? compileQuery(schema(), document, operationName ?? undefined)
              : undefined;
            query = result && isCompiledQuery(result) ? (result as CompiledQuery) : 'INTERPRET';
            compiled.set(key, query);
          }
          if (query === 'INTERPRET') return null;
          const result = await query.query(undefined, contextValue, request.variables ?? {});
          return { http: { headers: new HeaderMap() }, body: { kind: 'single', singleResult: result as never } };
        },
      };
    },
  };
}

function asksSchema(document: DocumentNode): boolean {
  let asks = false;
  visit(document, {
    enter: (node) => {
      asks ||= node.kind === Kind.FIELD && (node.name.value === '__schema' || node.name.value === '__type');
      return asks ? BREAK : undefined;
    },
  });
  return asks;
}

/** Callers who have not said who they are get neither the schema nor the names that they nearly guessed. */
function strangersLearnNothing(): ApolloServerPlugin<Context> {
  const isStranger = (context: Context) => context.authentication.outcome === 'ANONYMOUS';
  return {
    async requestDidStart() {
      return {
        async didResolveOperation({ document, contextValue }) {
          if (!isStranger(contextValue) || !asksSchema(document)) return;
          throw new GraphQLError('Say who you are to ask about the schema.', {
            extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
          });
        },
        async didEncounterErrors({ errors, contextValue }) {
          if (!isStranger(contextValue)) return;
          for (const error of errors) error.message = error.message.replace(/ ?Did you mean .+\?$/s, '');
        },
      };
    },
  };
}

/** Apollo Server without its HTTP part: the route in `http/` has read, limited and identified the request already. */
export function createGraphqlServer(options: GraphqlServerOptions): ApolloServer<Context> {
  return new ApolloServer<Context>({
    schema: schema(),
    introspection: true,
    persistedQueries: false,
    allowBatchedHttpRequests: false,
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    parseOptions: { maxTokens: limits.tokens },
    // Masking needs the request's id, which is not known here: what was thrown is carried along instead.
    formatError: (formatted, error) => Object.assign({ ...formatted }, { [thrown]: error }),
    logger: options.log,
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ...(options.introspection ? [] : [strangersLearnNothing()]),
      compiledExecution(),
    ],
  });
}

export interface GraphqlAnswer {
  readonly data?: unknown;
  readonly errors?: readonly GraphQLFormattedError[];
  readonly extensions?: Record<string, unknown>;
}

export interface GraphqlRequest {
  readonly query: string;
  readonly variables: Record<string, unknown>;
  readonly operationName?: string | undefined;
}

/** One operation; always an answer, never a throw. Ends whatever the context opened. */
export async function answerOperation(
  server: ApolloServer<Context>,
  request: GraphqlRequest,
  context: Context,
): Promise<GraphqlAnswer> {
  const report = (error: unknown) =>
    context.app.log.error({ err: error, requestId: context.requestId }, 'request failed');
  const mask = (error: unknown) => maskError(thrownOf(error), context.requestId, report);
  try {
    const response = await server.executeOperation(
      { query: request.query, variables: request.variables, operationName: request.operationName },
      { contextValue: context },
    );
    if (response.body.kind !== 'single') throw new Error('an incremental answer');
    const { data, errors } = response.body.singleResult as GraphqlAnswer;
    return { ...(data !== undefined && { data }), ...(errors && { errors: errors.slice(0, limits.errors).map(mask) }) };
  } catch (error) {
    return { errors: [mask(error)] };
  } finally {
    await context.close().catch(report);
  }
}
