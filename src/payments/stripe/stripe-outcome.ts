import Stripe from 'stripe';
import { InvariantViolation } from '../../core/invariant';
import type { Log } from '../../platform/log';
import { type ChargeOutcome, codeWord, type DeclineCode, type RefundOutcome, type Unknown } from '../provider';
import { intentMeans, refundMeans } from './stripe-status';

const { errors } = Stripe;

/** Stripe's decline codes in the words that all providers share. What is not here is CARD_DECLINED. */
const declines: Readonly<Record<string, DeclineCode>> = {
  insufficient_funds: 'INSUFFICIENT_FUNDS',
  card_velocity_exceeded: 'INSUFFICIENT_FUNDS',
  withdrawal_count_limit_exceeded: 'INSUFFICIENT_FUNDS',
  expired_card: 'EXPIRED_METHOD',
  invalid_expiry_month: 'EXPIRED_METHOD',
  invalid_expiry_year: 'EXPIRED_METHOD',
  invalid_account: 'METHOD_NOT_FOUND',
  new_account_information_available: 'METHOD_NOT_FOUND',
  lost_card: 'LOST_OR_STOLEN',
  stolen_card: 'LOST_OR_STOLEN',
  pickup_card: 'LOST_OR_STOLEN',
  restricted_card: 'LOST_OR_STOLEN',
  fraudulent: 'FRAUD_SUSPECTED',
  merchant_blacklist: 'FRAUD_SUSPECTED',
  security_violation: 'FRAUD_SUSPECTED',
  invalid_amount: 'AMOUNT_NOT_ALLOWED',
  currency_not_supported: 'AMOUNT_NOT_ALLOWED',
  authentication_required: 'AUTHENTICATION_REQUIRED',
};

const amountCodes = new Set(['amount_too_large', 'amount_too_small', 'invalid_amount_for_currency']);

export function declineOf(code: string | null | undefined): DeclineCode {
  return (code && Object.hasOwn(declines, code) ? declines[code] : undefined) ?? 'CARD_DECLINED';
}

/**
 * What can be said after a call failed. `undefined`: Stripe answered, and the answer is no; nothing was done. Everything else
 * is unknown until it is asked again with the same key, a wrong API key too: that is our fault and not the customer's.
 */
export function unknownOf(error: unknown): Unknown | undefined {
  if (error instanceof errors.StripeConnectionError) {
    const timedOut = (error.detail as { code?: string } | undefined)?.code === 'ETIMEDOUT';
    return { status: 'UNKNOWN', reason: timedOut ? 'TIMEOUT' : 'CONNECTION_LOST' };
  }
  if (error instanceof errors.StripeRateLimitError) {
    const seconds = Number(error.headers?.['retry-after']);
    return {
      status: 'UNKNOWN',
      reason: 'RATE_LIMITED',
      retryAfterSeconds: Number.isFinite(seconds) && seconds > 0 ? Math.min(Math.ceil(seconds), 3_600) : undefined,
    };
  }
  if (
    error instanceof errors.StripeAPIError ||
    error instanceof errors.StripeAuthenticationError ||
    error instanceof errors.StripePermissionError
  ) {
    return { status: 'UNKNOWN', reason: 'SERVER_ERROR' };
  }
  return undefined;
}

/** Says in the log what went wrong. Never the message: Stripe puts ends of keys and words of customers into it. */
export function logFailure(log: Log, operation: string, error: unknown): void {
  if (!(error instanceof errors.StripeError)) return;
  const { type, code, statusCode, requestId, param } = error;
  const level = error instanceof errors.StripeCardError ? 'info' : 'warn';
  const said = { type, code: code && codeWord(code), statusCode, requestId, param };
  log[level]({ provider: 'STRIPE', operation, ...said }, 'a call to Stripe failed');
}

/** What Stripe said and nobody expected, to be thrown on: a bug of ours, told without Stripe's message and headers. */
export function withoutWords(operation: string, error: unknown): unknown {
  if (!(error instanceof errors.StripeError)) return error;
  return new InvariantViolation(`Stripe refused ${operation} (${error.type})`);
}

/** What an intent says about the charge that it is. */
export function outcomeOf(intent: Stripe.PaymentIntent): ChargeOutcome {
  const { id: chargeId, status, last_payment_error: failure, next_action: next } = intent;
  const meaning = intentMeans(status);
  switch (meaning) {
    case 'SUCCEEDED':
      return { status: meaning, chargeId };
    case 'PROCESSING':
      return { status: 'UNKNOWN', reason: meaning, chargeId };
    case 'REQUIRES_ACTION':
      return { status: meaning, chargeId, actionUrl: next?.redirect_to_url?.url ?? undefined };
    case 'CANCELLED':
      return { status: 'DECLINED', chargeId, code: meaning };
    case 'DECLINED':
      return { status: meaning, chargeId, code: declineOf(failure?.decline_code ?? failure?.code) };
  }
}

/** One that is on its way is named, so that it can be looked up: under its key Stripe would repeat its first answer. */
export function refundOutcomeOf({ id: refundId, status, failure_reason: why }: Stripe.Refund): RefundOutcome {
  const meaning = refundMeans(status);
  if (meaning === 'FAILED') return { status: meaning, refundId, code: codeWord(why ?? status) };
  return meaning === 'SUCCEEDED' ? { status: meaning, refundId } : { status: 'UNKNOWN', reason: meaning, refundId };
}

/** Stripe has no such customer, or no such method of it: not the card's fault, and no outage. `undefined`: it said something else. */
export function goneOf(error: unknown): 'CUSTOMER' | 'METHOD' | undefined {
  if (!(error instanceof errors.StripeInvalidRequestError)) return undefined;
  if (error.param === 'customer' && error.code === 'resource_missing') return 'CUSTOMER';
  // One that was detached is there, and can never be used again.
  return error.param === 'payment_method' ? 'METHOD' : undefined;
}

/** Why Stripe said no to a charge: the card's issuer, or Stripe itself. */
export function refusedCharge(error: unknown): ChargeOutcome {
  if (error instanceof errors.StripeCardError) {
    const intent = error.payment_intent;
    if (intent) return outcomeOf(intent);
    return { status: 'DECLINED', code: declineOf(error.decline_code ?? error.code) };
  }
  if (error instanceof errors.StripeInvalidRequestError) {
    if (error.code && amountCodes.has(error.code)) return { status: 'DECLINED', code: 'AMOUNT_NOT_ALLOWED' };
    if (goneOf(error)) return { status: 'DECLINED', code: 'METHOD_NOT_FOUND' };
    return { status: 'DECLINED', code: 'OTHER' };
  }
  throw error;
}
