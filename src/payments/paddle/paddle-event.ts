import { type Instant, instant } from '../../core/calendar';
import { isCurrencyCode } from '../../core/currency';
import { type Money, maximumMinorUnits, money } from '../../core/money';
import { type InboundEvent, keepableEvent, providerText } from '../provider';
import type { RefundKind, RefundStatus, Returned } from '../returned-money';
import {
  adjustmentActions,
  adjustmentStatuses,
  meaningOf,
  scheduledChanges,
  subscriptionStatuses,
  transactionOrigins,
} from './paddle-states';

/**
 * What Paddle's events say, read strictly: a member that is missing or of another shape, as a newer version of its API may
 * send it, makes the whole unreadable instead of being taken for nothing.
 */
type Json = Readonly<Record<string, unknown>>;

const objectOf = (value: unknown): Json | undefined =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : undefined;
const textOf = providerText;

function timeOf(value: unknown): Instant | undefined {
  const text = textOf(value);
  if (!text || !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/.test(text)) return undefined;
  try {
    return instant(text).round({ smallestUnit: 'millisecond', roundingMode: 'floor' });
  } catch {
    return undefined;
  }
}

/** Amounts are texts of whole minor units. */
function amountOf(value: unknown): bigint | undefined {
  if (typeof value !== 'string' || !/^\d{1,19}$/.test(value)) return undefined;
  const amount = BigInt(value);
  return amount <= maximumMinorUnits ? amount : undefined;
}

/** @throws where it is not an event of Paddle */
export function readPaddleEvent(body: string, live: boolean): InboundEvent {
  const envelope = objectOf(JSON.parse(body));
  const id = textOf(envelope?.['event_id']);
  const type = textOf(envelope?.['event_type']);
  const occurredAt = timeOf(envelope?.['occurred_at']);
  const payload = objectOf(envelope?.['data']);
  if (!id || !type || !occurredAt || !payload) throw new TypeError('not an event of Paddle');
  return keepableEvent({ provider: 'PADDLE', id, type, occurredAt, live, payload });
}

export interface PaddleTransaction {
  readonly id: string;
  readonly status: string;
  readonly origin: string;
  /** Before tax, after discounts. */
  readonly net: Money | undefined;
  readonly quantity: bigint;
  readonly subscriptionId: string | undefined;
  readonly billedAt: Instant;
  /** What its own data name: anybody who opens a checkout can write that. */
  readonly reference: string | undefined;
  readonly tenant: string | undefined;
}

/** Paddle learnt another card: a transaction of zero, which pays for nothing. */
export function isMethodChange(payload: Json): boolean {
  return meaningOf(transactionOrigins, textOf(payload['origin']) ?? '') === 'METHOD_CHANGE';
}

export function paddleTransaction(payload: Json): PaddleTransaction | undefined {
  const id = textOf(payload['id']);
  const status = textOf(payload['status']);
  const origin = textOf(payload['origin']);
  const totals = objectOf(objectOf(payload['details'])?.['totals']);
  const currency = textOf(payload['currency_code']);
  const subtotal = amountOf(totals?.['subtotal']);
  const discount = amountOf(totals?.['discount']);
  const items = Array.isArray(payload['items']) ? payload['items'].map(objectOf) : undefined;
  const billedAt = timeOf(payload['billed_at'] ?? payload['updated_at']);
  if (!id || !status || !origin || !currency || subtotal === undefined || discount === undefined) return undefined;
  if (!items || items.length === 0 || !billedAt || totals?.['currency_code'] !== currency) return undefined;
  let quantity = 0n;
  for (const item of items) {
    const units = item?.['quantity'];
    if (typeof units !== 'number' || !Number.isSafeInteger(units) || units < 1) return undefined;
    quantity += BigInt(units);
  }
  const data = objectOf(payload['custom_data']);
  return {
    ...{ id, status, origin, quantity, billedAt },
    net: isCurrencyCode(currency) && subtotal >= discount ? money(subtotal - discount, currency) : undefined,
    subscriptionId: textOf(payload['subscription_id']),
    reference: textOf(data?.['reference']),
    tenant: textOf(data?.['tenant']),
  };
}

export interface PaddleSubscription {
  readonly id: string;
  readonly ended: boolean;
  /** It will be billed again: it runs, and no cancellation or pause waits. */
  readonly renews: boolean;
  /** As many as its lines bill together. `undefined`: they do not say. */
  readonly quantity: bigint | undefined;
  readonly reference: string | undefined;
  /** When it was changed last; `undefined`: it does not say. */
  readonly changedAt: Instant | undefined;
}

function quantityOf(items: unknown): bigint | undefined {
  if (!Array.isArray(items)) return undefined;
  let quantity = 0n;
  for (const item of items) {
    const units = objectOf(item)?.['quantity'];
    if (typeof units !== 'number' || !Number.isSafeInteger(units) || units < 0) return undefined;
    quantity += BigInt(units);
  }
  return quantity;
}

export function paddleSubscription(payload: Json): PaddleSubscription | undefined {
  const id = textOf(payload['id']);
  const status = meaningOf(subscriptionStatuses, textOf(payload['status']) ?? '');
  if (!id || !status || !('scheduled_change' in payload)) return undefined;
  const waits = payload['scheduled_change'];
  const change = waits === null ? 'GOES_ON' : meaningOf(scheduledChanges, textOf(objectOf(waits)?.['action']) ?? '');
  if (!change) return undefined;
  return {
    id,
    ended: status === 'ENDED',
    renews: status === 'RENEWS' && change === 'GOES_ON',
    quantity: quantityOf(payload['items']),
    reference: textOf(objectOf(payload['custom_data'])?.['reference']),
    changedAt: timeOf(payload['updated_at']),
  };
}

export interface PaddleAdjustment {
  readonly id: string;
  /** In words of ours; `undefined`: Paddle says something that has no meaning here. */
  readonly action: RefundKind | 'NOTHING' | undefined;
  readonly status: RefundStatus | undefined;
  readonly transactionId: string;
  /** Before tax. */
  readonly net: Money;
  /** When it was changed last; `undefined`: it does not say. */
  readonly changedAt: Instant | undefined;
  /** As Paddle says it, for people. */
  readonly said: string;
}

/** Only tax goes back, as where a buyer gives a tax number afterwards: what was bought is paid as before. */
function isTaxOnly(payload: Json): boolean {
  const items = Array.isArray(payload['items']) ? payload['items'] : [];
  return payload['type'] === 'tax' || (items.length > 0 && items.every((item) => objectOf(item)?.['type'] === 'tax'));
}

export function paddleAdjustment(payload: Json): PaddleAdjustment | undefined {
  const id = textOf(payload['id']);
  const action = textOf(payload['action']);
  const status = textOf(payload['status']);
  const transactionId = textOf(payload['transaction_id']);
  const currency = textOf(payload['currency_code']);
  const subtotal = isTaxOnly(payload) ? 0n : amountOf(objectOf(payload['totals'])?.['subtotal']);
  if (!id || !action || !status || !transactionId || subtotal === undefined) return undefined;
  if (!currency || !isCurrencyCode(currency)) return undefined;
  return {
    ...{ id, transactionId },
    action: meaningOf(adjustmentActions, action),
    status: meaningOf(adjustmentStatuses, status),
    net: money(subtotal, currency),
    changedAt: timeOf(payload['updated_at']),
    said: `${action}, ${status}`,
  };
}

/** As what the payment's account counts; `undefined`: it moves no money, or says something that has no meaning here. */
export function returnedBy({ action, status, net }: PaddleAdjustment): Returned | undefined {
  return action && action !== 'NOTHING' && status ? { kind: action, status, amount: net } : undefined;
}
