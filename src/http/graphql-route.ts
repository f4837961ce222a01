import type { ApolloServer } from '@apollo/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type DefinitionNode, GraphQLError, Kind } from 'graphql';
import type { Actor } from '../access/actor';
import type { Authentication } from '../access/authenticate.query';
import type { App } from '../app';
import { Context } from '../graphql/context';
import { maskError } from '../graphql/errors';
import { checkLimits, limits, measureDocument } from '../graphql/limits';
import { rateLimitedError } from '../graphql/rate-limit';
import { schema } from '../graphql/schema';
import { answerOperation, type GraphqlAnswer } from '../graphql/server';
import type { Gone, Leave } from '../platform/fair-queue';
import type { Metrics } from '../platform/metrics';
import { goneOf } from './gone';
import { BodyTooLarge } from './read-body';
import { textMember } from './text-member';
import { UnreadAnswers } from './unread-answers';

/** A body of more than `limits.bodyBytes`, from a caller whose identity is known. It is not parsed yet. */
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

interface Operation {
  readonly read: ReadRequest;
  readonly cost: number;
}

interface Answered {
  readonly answer: GraphqlAnswer;
  readonly outcome: 'ok' | 'errors' | 'refused';
  readonly actor?: Actor | undefined;
}

/** What is asked, held against the limits. */
function readOperation(body: unknown): Operation {
  const read = readBodyOf(body);
  const { document, cost } = checkLimits(schema(), read.query, read.variables);
  if (document.definitions.some(isSubscription)) {
    throw new GraphQLError('There are queries and mutations here, no subscriptions.', {
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    });
  }
  return { read, cost };
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
  const unread = new UnreadAnswers();

  const whoAsks = ({ headers }: FastifyRequest): Promise<Authentication> => {
    const { authorization, 'tollgate-account': account } = headers;
    return app.authenticate(authorization, typeof account === 'string' ? account : undefined);
  };

  async function answer(request: FastifyRequest, gone: Gone): Promise<Answered> {
    const { id: requestId, body } = request;
    const mask = (error: unknown) =>
      maskError(error, requestId, (err) => app.log.error({ err, requestId }, 'request failed'));
    let leaveHeavy: Leave | undefined;
    /** Heavy requests take turns before they are worked on. */
    const takeTurn = async (who: Authentication) => {
      if (who.outcome !== 'ACTOR' || leaveHeavy) return;
      unread.check(who.actor);
      leaveHeavy = await app.admission.work(who.actor, gone);
    };
    try {
      let operation: Operation;
      try {
        if (body instanceof LongBody) await takeTurn(await whoAsks(request));
        operation = readOperation(body);
      } catch (error) {
        if ((error as { statusCode?: number }).statusCode) throw error;
        return { answer: { errors: [mask(error)] }, outcome: 'refused' };
      }
      const { read, cost } = operation;
      const authentication = await whoAsks(request);
      if (authentication.outcome === 'INVALID') {
        const error = new GraphQLError('The token or API key does not hold here.', {
          extensions: { code: 'UNAUTHENTICATED' },
        });
        return { answer: { errors: [mask(error)] }, outcome: 'refused' };
      }
      const actor = authentication.outcome === 'ACTOR' ? authentication.actor : undefined;
      const extensions = () => {
        const left = actor && app.rateLimits.left(actor);
        return { cost: { requested: cost, limit: limits.cost, ...(left !== undefined && { left }) } };
      };
      const seconds = actor && (await app.rateLimits.spend(actor, cost));
      if (seconds !== undefined) {
        const errors = [mask(rateLimitedError(seconds))];
        return { answer: { errors, extensions: extensions() }, outcome: 'refused' };
      }
      if (cost > limits.lightCost) await takeTurn(authentication);
      const context = new Context(app, authentication, requestId, gone, leaveHeavy);
      const answered = await answerOperation(server, read, context);
      return { answer: { ...answered, extensions: extensions() }, outcome: answered.errors ? 'errors' : 'ok', actor };
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode) throw error;
      return { answer: { errors: [mask(error)] }, outcome: 'errors' };
    } finally {
      leaveHeavy?.();
    }
  }

  async function handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const started = performance.now();
    const { answer: answered, outcome, actor } = await answer(request, goneOf(reply));
    metrics.requests.inc({ outcome });
    metrics.seconds.observe((performance.now() - started) / 1_000);
    const retryAfter = answered.errors?.[0]?.extensions?.['retryAfterSeconds'];
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
    const text = JSON.stringify(answered);
    if (actor) unread.hold(actor, text.length, reply.raw);
    return reply.status(httpStatus(answered)).header('content-type', 'application/json; charset=utf-8').send(text);
  }

  fastify.post('/graphql', handle);
}
