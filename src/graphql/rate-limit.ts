import { GraphQLError } from 'graphql';
import type { Refusal } from '../core/result';
import { rateLimited, rateLimitedMessage } from '../rate-limits';
import type { Context } from './context';

/** What a query ends with that asks for too much. */
export const rateLimitedError = (seconds: number) =>
  new GraphQLError(rateLimitedMessage, { extensions: { code: 'RATE_LIMITED', retryAfterSeconds: seconds } });

/** Counts one guess of a coupon's code. Over the limit a query ends with an error; a mutation gets the refusal to answer with. */
export async function limitGuesses(context: Context, tenantId: string, throws = true): Promise<Refusal | undefined> {
  const seconds = await context.app.rateLimits.couponCode(context.actor, tenantId);
  if (seconds === undefined) return undefined;
  if (throws) throw rateLimitedError(seconds);
  return rateLimited(seconds).refusal;
}
