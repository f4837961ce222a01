import type { FastifyReply, FastifyRequest } from 'fastify';
import { crowdedError, type ErrorCode, unauthenticated } from '../graphql/errors';
import type { Crowded } from '../platform/fair-queue';
import { rateLimitedMessage } from '../rate-limits';

/** Every refusal is JSON in the shape of a GraphQL answer, whatever refused it. */
export const refusalBody = (code: ErrorCode | string, message: string, requestId: string, more: object = {}) => ({
  errors: [{ message, extensions: { code, ...more, requestId } }],
});

const refusals: Readonly<Record<number, { message: string; code: ErrorCode }>> = {
  400: { message: 'The body is not JSON.', code: 'BAD_REQUEST' },
  401: { message: unauthenticated, code: 'UNAUTHENTICATED' },
  404: { message: 'There is nothing here.', code: 'BAD_REQUEST' },
  405: { message: 'POST a JSON body to /graphql.', code: 'BAD_REQUEST' },
  408: { message: 'The request took too long to arrive.', code: 'BAD_REQUEST' },
  413: { message: 'The body is too large.', code: 'BAD_REQUEST' },
  415: { message: 'The body is application/json in UTF-8.', code: 'BAD_REQUEST' },
  431: { message: 'The headers are too large.', code: 'BAD_REQUEST' },
  500: { message: 'Something went wrong on our side.', code: 'INTERNAL_SERVER_ERROR' },
};

/** What is said where no more is known than the status. */
export function refusalOf(status: number, requestId: string) {
  const { message, code } = refusals[status] ?? { message: 'The request cannot be read.', code: 'BAD_REQUEST' };
  return refusalBody(code, message, requestId);
}

/** The database, or the issuer of tokens, is away: on every route the same answer, and when to come back. */
export function refuseOutage(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const message = 'The service is busy or restarting; try again in a moment.';
  return reply
    .status(503)
    .header('retry-after', '2')
    .send(refusalBody('SERVICE_UNAVAILABLE', message, request.id, { retryable: true }));
}

/** The account has asked for too much: on every route the same answer. */
export function refuseRate(seconds: number, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const more = { retryable: true, retryAfterSeconds: seconds };
  return reply
    .status(429)
    .header('retry-after', String(seconds))
    .send(refusalBody('RATE_LIMITED', rateLimitedMessage, request.id, more));
}

/** There was no place for it; nothing was begun. */
export function refuseCrowded(crowded: Crowded, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { code, message, retryAfterSeconds } = crowdedError(crowded);
  return reply
    .status(code === 'RATE_LIMITED' ? 429 : 503)
    .header('retry-after', String(retryAfterSeconds))
    .send(refusalBody(code, message, request.id, { retryable: true, retryAfterSeconds }));
}
