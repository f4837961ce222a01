import { Field, ObjectType } from 'type-graphql';
import type { Instant } from '../core/calendar';
import { done, type Refused, type Result, refuse } from '../core/result';
import type { Context } from '../graphql/context';
import { DateTimeScalar } from '../graphql/scalars';
import { type PlanChangeQuote, quoteFromText } from './quote';

@ObjectType('Quote', { description: 'A price that holds: give the token to changePlan.', simpleResolvers: true })
export class QuoteType {
  @Field(() => String, { description: 'Signed; opaque.' })
  token: string;
  @Field(() => DateTimeScalar, { description: "Until when it holds, by the tenant's own clock." })
  expiresAt: Instant;
}

/** The quote that a token holds: signed here, whatever it is for. */
export async function readQuote(
  context: Context,
  token: string | null | undefined,
): Promise<Result<PlanChangeQuote | undefined, 'QUOTE_INVALID'> | Refused<'QUOTE_INVALID'>> {
  if (token === null || token === undefined) return done(undefined);
  const signed = await context.app.signer.verify(token);
  const quote = signed === undefined ? undefined : quoteFromText(signed);
  return quote ? done(quote) : refuse('QUOTE_INVALID', 'The quote was not issued here.', { path: ['quote'] });
}
