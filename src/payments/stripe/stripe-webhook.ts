import type Stripe from 'stripe';
import { type Instant, instantFromMilliseconds } from '../../core/calendar';
import { done, type Result, refuse } from '../../core/result';
import {
  codeWord,
  type InboundEvent,
  keepableEvent,
  type MethodFacts,
  type PaymentFact,
  providerText,
  type WebhookHeaders,
  type WebhookRefusal,
} from '../provider';
import { fromStripe } from '../stripe-amount';
import { outcomeOf } from './stripe-outcome';
import { disputeMeans, refundMeans, setupMeans } from './stripe-status';

/** Seconds between the signature's time and ours, either way. Stripe's own SDK takes any time in the future. */
const tolerance = 300;

/** The names under which our own rows travel as metadata. They come back as hints, never as proof. */
export const metadataNames = { reference: 'tollgate_reference', key: 'tollgate_key' } as const;

type Payload = Readonly<Record<string, unknown>>;

const text = providerText;

/** An id, or the object that it was expanded to. */
export const idOf = (value: unknown): string | undefined =>
  text(value) ?? text((value as { id?: unknown } | null | undefined)?.id);

export const referenceOf = (payload: Payload): string | undefined =>
  text((payload['metadata'] as Payload | null | undefined)?.[metadataNames.reference]);

export function verifyStripeEvent(
  webhooks: Stripe['webhooks'],
  options: { readonly secrets: readonly string[]; readonly live: boolean },
  rawBody: Buffer,
  headers: WebhookHeaders,
  now: Instant,
): Result<InboundEvent, WebhookRefusal> {
  const invalid = refuse('SIGNATURE_INVALID', 'The signature does not hold.');
  const header = headers['stripe-signature'];
  if (typeof header !== 'string' || header.length > 4_000) return invalid;
  // While a secret is rotated there are two: a signature by either of them holds. Time is judged by us, below.
  const holds = options.secrets.some((secret) => {
    try {
      return webhooks.signature!.verifyHeader(rawBody, header, secret, 0);
    } catch {
      return false;
    }
  });
  if (!holds) return invalid;
  // The SDK reads the last of several times; a header with two is nobody's.
  const times = header.split(',').filter((part) => part.trim().startsWith('t='));
  const seconds = Number(times[0]?.trim().slice(2));
  if (times.length !== 1 || !Number.isSafeInteger(seconds)) return invalid;
  if (Math.abs(now.epochMilliseconds / 1_000 - seconds) > tolerance) {
    return refuse('TIMESTAMP_OUT_OF_TOLERANCE', 'The event was signed too long ago, or in the future.');
  }
  let event: InboundEvent;
  try {
    event = readStripeEvent(rawBody.toString('utf8'));
  } catch {
    return refuse('BODY_INVALID', 'The body is not an event.');
  }
  if (event.live !== options.live) return refuse('WRONG_MODE', 'The event is of the other mode.');
  return done(event);
}

/**
 * A thin event names its subject and says nothing else of it. Some are about objects of the older kind, and are called as their
 * snapshots are, with `v1.` before it.
 */
function readThinEvent({ id, type, created, livemode, related_object }: Payload): InboundEvent {
  const at = typeof created === 'string' ? Date.parse(created) : Number.NaN;
  if (!text(id) || !text(type) || !Number.isSafeInteger(at) || typeof livemode !== 'boolean') {
    throw new TypeError('not an event');
  }
  const subject = related_object as { id?: unknown; type?: unknown } | null | undefined;
  return keepableEvent({
    ...{ provider: 'STRIPE', id: id as string, type: type as string, live: livemode },
    occurredAt: instantFromMilliseconds(at),
    payload: { id: text(subject?.id), object: text(subject?.type), thin: true },
  });
}

/** @throws where it is not an event */
export function readStripeEvent(body: string): InboundEvent {
  const whole = JSON.parse(body) as Payload;
  if (whole?.['object'] === 'v2.core.event') return readThinEvent(whole);
  const { id, object, type, created, livemode, data } = whole;
  const payload = (data as Payload | null | undefined)?.['object'];
  const isEvent =
    object === 'event' && text(id) && text(type) && Number.isSafeInteger(created) && typeof livemode === 'boolean';
  if (!isEvent || typeof payload !== 'object' || payload === null) throw new TypeError('not an event');
  return keepableEvent({
    provider: 'STRIPE',
    id: id as string,
    type: type as string,
    occurredAt: instantFromMilliseconds((created as number) * 1_000),
    live: livemode,
    // What it was before says whose method was taken away.
    payload: { ...payload, previous_attributes: (data as Payload)['previous_attributes'] ?? {} },
  });
}

/** What may be kept of a payment method. */
export function methodFacts(method: Stripe.PaymentMethod, customerId: string): MethodFacts {
  const { card } = method;
  const isDebit = method.type === 'sepa_debit' || method.type === 'us_bank_account' || method.type === 'bacs_debit';
  return {
    customerId,
    methodId: method.id,
    kind: method.type === 'card' ? 'CARD' : isDebit ? 'BANK_DEBIT' : 'OTHER',
    ...(card && {
      brand: card.brand,
      last4: card.last4,
      expiresMonth: card.exp_month,
      expiresYear: card.exp_year,
    }),
  };
}

const chargeEvents = new Set([
  'payment_intent.canceled',
  'payment_intent.succeeded',
  'payment_intent.payment_failed',
  'payment_intent.requires_action',
]);
const changeEvents = new Set([
  'payment_method.automatically_updated',
  'payment_method.card_automatically_updated',
  'payment_method.updated',
]);

/** What an event says about payments of ours. Intents without a reference are Stripe's own, for what it bills itself. */
export function stripeFactOf({ type, payload }: Pick<InboundEvent, 'type' | 'payload'>): PaymentFact | undefined {
  const reference = referenceOf(payload);
  const amount = fromStripe(payload['amount'], payload['currency']);
  const id = text(payload['id']);
  if (!id) return undefined;
  if (chargeEvents.has(type)) {
    if (!reference || !amount) return undefined;
    const outcome = outcomeOf(payload as unknown as Stripe.PaymentIntent);
    return outcome.status === 'UNKNOWN' ? undefined : { kind: 'CHARGE', chargeId: id, reference, amount, outcome };
  }
  const chargeId = idOf(payload['payment_intent']);
  if (type.startsWith('refund.') || type === 'charge.refund.updated') {
    const settled = refundMeans(text(payload['status']));
    // One that was made in the dashboard carries no reference.
    if (!chargeId || !amount || settled === 'PROCESSING') return undefined;
    return { kind: 'REFUND', refundId: id, chargeId, reference, amount, status: settled };
  }
  if (type.startsWith('charge.dispute.')) {
    if (!chargeId || !amount) return undefined;
    const status = disputeMeans(text(payload['status']));
    if (status === 'INQUIRY') return undefined;
    return {
      kind: 'DISPUTE',
      disputeId: id,
      chargeId,
      reference,
      amount,
      status,
      reason: payload['reason'] ? codeWord(payload['reason']) : 'general',
    };
  }
  const customerId = idOf(payload['customer']);
  if (type === 'setup_intent.succeeded') {
    const methodId = idOf(payload['payment_method']);
    if (!customerId || !methodId || !reference) return undefined;
    // Only setups of ours carry the key that they were made with, which is what they are called by.
    const setupId = text((payload['metadata'] as Payload)[metadataNames.key]);
    if (!setupId) return undefined;
    if (setupMeans(text(payload['status'])) !== 'SUCCEEDED') return undefined;
    const method = payload['payment_method'];
    const facts =
      typeof method === 'object'
        ? methodFacts(method as Stripe.PaymentMethod, customerId)
        : { customerId, methodId, kind: 'CARD' as const };
    return { kind: 'METHOD', setupId, reference, method: facts };
  }
  if (changeEvents.has(type)) {
    if (!customerId || typeof payload['type'] !== 'string') return undefined;
    return { kind: 'METHOD_CHANGED', method: methodFacts(payload as unknown as Stripe.PaymentMethod, customerId) };
  }
  if (type === 'payment_method.detached') {
    const before = idOf((payload['previous_attributes'] as Payload | undefined)?.['customer']);
    // It is somebody's again.
    if (!before || customerId) return undefined;
    return { kind: 'METHOD_REMOVED', customerId: before, methodId: id };
  }
  return undefined;
}
