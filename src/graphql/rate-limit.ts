import { GraphQLError } from 'graphql';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { type Refusal, refuse } from '../core/result';
import type { Context } from './context';

/**
 * Codes can be guessed, so guesses are counted for each actor and tenant, not for each request: a hundred aliases in one
 * document are a hundred guesses.
 */
const guesses = new RateLimiterMemory({ points: 60, duration: 60 });

/** Counts one guess. Over the limit a query ends with an error; a mutation is told the refusal instead. */
export async function limitGuesses(context: Context, tenantId: string, throws = true): Promise<Refusal | undefined> {
  try {
    await guesses.consume(`${context.actor.principalId} ${tenantId}`);
    return undefined;
  } catch (limited) {
    if (limited instanceof Error) throw limited;
    const seconds = Math.ceil((limited as { msBeforeNext: number }).msBeforeNext / 1_000);
    if (throws) {
      throw new GraphQLError('Too many attempts; try again later.', {
        extensions: { code: 'RATE_LIMITED', retryAfterSeconds: seconds },
      });
    }
    return refuse('RATE_LIMITED', 'Too many attempts; try again later.', {
      retryable: true,
      facts: { retryAfterSeconds: seconds },
    }).refusal;
  }
}
