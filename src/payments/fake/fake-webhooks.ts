import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Instant, instantFromMilliseconds } from '../../core/calendar';
import { isCurrencyCode } from '../../core/currency';
import { type Money, money } from '../../core/money';
import { done, type Result, refuse } from '../../core/result';
import {
  type InboundEvent,
  keepableEvent,
  type PaymentFact,
  providerText,
  type WebhookHeaders,
  type WebhookRefusal,
} from '../provider';

/** Seconds between the signature's time and ours, either way. */
const tolerance = 300;

/** An event as it is sent: the body and the header that signs it. */
export interface SignedEvent {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

const signatureOf = (secret: string, seconds: number, body: string | Buffer) =>
  createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex');

export function signEvent(body: string, secrets: readonly string[], now: Instant): SignedEvent {
  const seconds = Math.floor(now.epochMilliseconds / 1_000);
  const signatures = secrets.map((secret) => `v1=${signatureOf(secret, seconds, body)}`);
  return {
    body,
    headers: { 'content-type': 'application/json', 'fake-signature': [`t=${seconds}`, ...signatures].join(',') },
  };
}

const sameText = (first: string, second: string) =>
  first.length === second.length && timingSafeEqual(Buffer.from(first), Buffer.from(second));

export function verifyEvent(
  rawBody: Buffer,
  headers: WebhookHeaders,
  secrets: readonly string[],
  now: Instant,
): Result<InboundEvent, WebhookRefusal> {
  const invalid = refuse('SIGNATURE_INVALID', 'The signature does not hold.');
  const header = headers['fake-signature'];
  if (typeof header !== 'string' || header.length > 1_000 || secrets.length === 0) return invalid;
  const parts = header.split(',').map((part) => part.split('=', 2));
  const time = parts.find(([name]) => name === 't')?.[1] ?? '';
  if (!/^\d{1,12}$/.test(time)) return invalid;
  const seconds = Number(time);
  const given = parts.flatMap(([name, value]) => (name === 'v1' && value ? [value] : []));
  // While a secret is rotated there are two: a signature by either of them holds.
  const holds = secrets.some((secret) => {
    const wanted = signatureOf(secret, seconds, rawBody);
    return given.some((signature) => sameText(signature, wanted));
  });
  if (!holds) return invalid;
  if (Math.abs(now.epochMilliseconds / 1_000 - seconds) > tolerance) {
    return refuse('TIMESTAMP_OUT_OF_TOLERANCE', 'The event was signed too long ago, or in the future.');
  }
  try {
    return done(readFakeEvent(rawBody.toString('utf8')));
  } catch {
    return refuse('BODY_INVALID', 'The body is not an event.');
  }
}

/** @throws where it is not an event */
export function readFakeEvent(body: string): InboundEvent {
  const { id, type, created, live, data } = JSON.parse(body) as Record<string, unknown>;
  if (typeof id !== 'string' || typeof type !== 'string' || typeof created !== 'number' || typeof live !== 'boolean') {
    throw new TypeError('not an event');
  }
  const payload = data !== null && typeof data === 'object' ? (data as Record<string, unknown>) : {};
  return keepableEvent({ provider: 'FAKE', id, type, occurredAt: instantFromMilliseconds(created), live, payload });
}

const text = providerText;

export function amountOf(payload: InboundEvent['payload']): Money | undefined {
  const { minor, currency } = (payload['amount'] ?? {}) as { minor?: unknown; currency?: unknown };
  if (typeof minor !== 'string' || !/^\d{1,19}$/.test(minor) || typeof currency !== 'string') return undefined;
  return isCurrencyCode(currency) ? money(BigInt(minor), currency) : undefined;
}

const chargeOutcomes = {
  'charge.succeeded': 'SUCCEEDED',
  'charge.failed': 'DECLINED',
  'charge.requires_action': 'REQUIRES_ACTION',
} as const;
const disputeStatuses = { 'dispute.opened': 'OPEN', 'dispute.won': 'WON', 'dispute.lost': 'LOST' } as const;

export function fakeFactOf({ type, payload }: InboundEvent): PaymentFact | undefined {
  const reference = text(payload['reference']);
  const chargeId = text(payload['chargeId']);
  const amount = amountOf(payload);
  if (Object.hasOwn(chargeOutcomes, type) && chargeId && amount) {
    const status = chargeOutcomes[type as keyof typeof chargeOutcomes];
    const outcome =
      status === 'DECLINED' ? ({ status, chargeId, code: 'CARD_DECLINED' } as const) : ({ status, chargeId } as const);
    return { kind: 'CHARGE', chargeId, reference, amount, outcome };
  }
  const refundId = text(payload['refundId']);
  if ((type === 'refund.succeeded' || type === 'refund.failed') && refundId && chargeId && amount) {
    const status = type === 'refund.succeeded' ? 'SUCCEEDED' : 'FAILED';
    return { kind: 'REFUND', refundId, chargeId, reference, amount, status };
  }
  const disputeId = text(payload['disputeId']);
  if (Object.hasOwn(disputeStatuses, type) && disputeId && chargeId && amount) {
    const status = disputeStatuses[type as keyof typeof disputeStatuses];
    return {
      kind: 'DISPUTE',
      disputeId,
      chargeId,
      reference,
      amount,
      status,
      reason: text(payload['reason']) ?? 'general',
    };
  }
  const customerId = text(payload['customerId']);
  const methodId = text(payload['methodId']);
  const setupId = text(payload['setupId']);
  if (type === 'method.attached' && setupId && customerId && methodId) {
    const method = { customerId, methodId, kind: 'CARD', brand: 'fake', last4: '4242' } as const;
    return { kind: 'METHOD', setupId, reference, method };
  }
  if (type === 'method.changed' && customerId && methodId) {
    const { expiresYear: year } = payload;
    const expires = { expiresMonth: 12, ...(typeof year === 'number' ? { expiresYear: year } : {}) };
    const method = { customerId, methodId, kind: 'CARD', brand: 'fake', last4: '4242', ...expires } as const;
    return { kind: 'METHOD_CHANGED', method };
  }
  if (type === 'method.removed' && customerId && methodId) return { kind: 'METHOD_REMOVED', customerId, methodId };
  return undefined;
}
