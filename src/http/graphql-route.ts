import type { ApolloServer } from '@apollo/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type DefinitionNode, GraphQLError, Kind } from 'graphql';
import type { App } from '../app';
import { Context } from '../graphql/context';
import { maskError } from '../graphql/errors';
import { checkLimits, limits, measureDocument } from '../graphql/limits';
import { rateLimitedError } from '../graphql/rate-limit';
import { schema } from '../graphql/schema';
import { answerOperation, type GraphqlAnswer } from '../graphql/server';
import type { Gone } from '../platform/fair-queue';
import type { Metrics } from '../platform/metrics';
import { goneOf } from './gone';
import { BodyTooLarge } from './read-body';
import { textMember } from './text-member';

/** A body of more than `limits.bodyBytes`, by somebody who has said who they are. Nothing is made of it yet. */
export class LongBody {
  constructor(readonly bytes: Buffer) {}
}

export interface GraphqlRouteParts {
  readonly app: App;
  readonly server: ApolloServer<Context>;
  readonly metrics: Metrics;
}

interface ReadRequest {
  readonly query: string;
  readonly variables: Record<string, unknown>;
  readonly operationName?: string | undefined;
}

const badRequest = (message: string) => new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readRequest(body: unknown): ReadRequest {
  if (Array.isArray(body)) throw badRequest('One operation a request: batches are not taken.');
  if (!isObject(body)) throw badRequest('The body is a JSON object with a query.');
  const { query, variables, operationName } = body;
  if (typeof query !== 'string' || query.length === 0) throw badRequest('The body has no query.');
  if (variables !== undefined && variables !== null && !isObject(variables))
    throw badRequest('variables is an object.');
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string') {
    throw badRequest('operationName is a string.');
  }
  return { query, variables: variables ?? {}, operationName: operationName ?? undefined };
}

/** Nothing but batches of usage events: what may be long are their variables. */
const isUsageBatch = (definition: DefinitionNode) =>
  definition.kind !== Kind.OPERATION_DEFINITION ||
  definition.selectionSet.selections.every(
    (selection) => selection.kind === Kind.FIELD && selection.name.value === 'recordUsageBatch',
  );
const tooLarge = () => Object.assign(new Error('too large'), { statusCode: 413 });

/**
 * Nothing but batches of usage may be long, so the document is read first, and the rest only where it is one.
 */
function readLong({ bytes }: LongBody): ReadRequest {
  const query = textMember(bytes, 'query');
  if (!query) throw badRequest('The body is a JSON object with a query.');
  if (query.length > limits.bodyBytes) throw tooLarge();
  if (!measureDocument(query).document.definitions.every(isUsageBatch)) throw tooLarge();
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw Object.assign(new Error('not JSON'), { statusCode: 400 });
  }
  const read = readRequest(body);
  if (read.query !== query) throw badRequest('The body has two queries.');
  return read;
}

function readBodyOf(body: unknown): ReadRequest {
  if (body instanceof BodyTooLarge) throw tooLarge();
  return body instanceof LongBody ? readLong(body) : readRequest(body);
}

const isSubscription = (definition: DefinitionNode) =>
  definition.kind === Kind.OPERATION_DEFINITION && definition.operation === 'subscription';

const statusOf: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  SERVICE_UNAVAILABLE: 503,
  RATE_LIMITED: 429,
};

/** 200 wherever there is data; without any the status says what kind of failure it was. */
function httpStatus(answer: GraphqlAnswer): number {
  if (!answer.errors?.length || (answer.data !== undefined && answer.data !== null)) return 200;
  const code = String(answer.errors[0]?.extensions?.['code']);
  return statusOf[code] ?? (code === 'INTERNAL_SERVER_ERROR' ? 500 : 400);
}

/**
 * POST /graphql. Everything that costs something comes after the cheap checks: the media type, the body's size, its shape,
 * the document's limits; then who asks; then Apollo. Of a long body who asks is known before anything else is read.
 */
export function registerGraphqlRoute(fastify: FastifyInstance, parts: GraphqlRouteParts): void {
  const { app, server, metrics } = parts;

  async function answer(
    request: FastifyRequest,
    requestId: string,
    gone: Gone,
  ): Promise<{ answer: GraphqlAnswer; outcome: string }> {
    const report = (error: unknown) => app.log.error({ err: error, requestId }, 'request failed');
    let read: ReadRequest;
    let cost: number;
    try {
      read = readBodyOf(request.body);
      const limited = checkLimits(schema(), read.query, read.variables);
      if (limited.document.definitions.some(isSubscription)) {
        throw new GraphQLError('There are queries and mutations here, no subscriptions.', {
          extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
        });
      }
      cost = limited.cost;
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode) throw error;
      return { answer: { errors: [maskError(error, requestId, report)] }, outcome: 'refused' };
    }
    try {
      const account = request.headers['tollgate-account'];
      const authentication = await app.authenticate(
        request.headers.authorization,
        typeof account === 'string' ? account : undefined,
      );
      if (authentication.outcome === 'INVALID') {
        const error = new GraphQLError('The token or API key does not hold here.', {
          extensions: { code: 'UNAUTHENTICATED' },
        });
        return { answer: { errors: [maskError(error, requestId, report)] }, outcome: 'refused' };
      }
      const actor = authentication.outcome === 'ACTOR' ? authentication.actor : undefined;
      const extensions = () => {
        const left = actor && app.rateLimits.left(actor);
        return { cost: { requested: cost, limit: limits.cost, ...(left !== undefined && { left }) } };
      };
      const seconds = actor && (await app.rateLimits.spend(actor, cost));
      if (seconds !== undefined) {
        const errors = [maskError(rateLimitedError(seconds), requestId, report)];
        return { answer: { errors, extensions: extensions() }, outcome: 'refused' };
      }
      const context = new Context(app, authentication, requestId, gone);
      const answered = await answerOperation(server, read, context);
      return { answer: { ...answered, extensions: extensions() }, outcome: answered.errors ? 'errors' : 'ok' };
    } catch (error) {
      return { answer: { errors: [maskError(error, requestId, report)] }, outcome: 'errors' };
    }
  }

  async function handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const started = performance.now();
    const requestId = request.id;
    const { answer: answered, outcome } = await answer(request, requestId, goneOf(reply));
    metrics.requests.inc({ outcome });
    metrics.seconds.observe((performance.now() - started) / 1_000);
    const retryAfter = answered.errors?.[0]?.extensions?.['retryAfterSeconds'];
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
    return reply
      .status(httpStatus(answered))
      .header('content-type', 'application/json; charset=utf-8')
      .send(JSON.stringify(answered));
  }

  fastify.post('/graphql', handle);
}
