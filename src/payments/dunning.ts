import { daysAfter, type Instant, isBefore, type TimeZone } from '../core/calendar';
import type { Id } from '../core/ids';
import type { SubscriptionStatus } from '../subscriptions/subscription';

export const finalActions = ['UNPAID', 'CANCEL'] as const;
export type FinalAction = (typeof finalActions)[number];

export const withoutMethods = ['DUN', 'WAIT'] as const;
/**
 * What is done about an invoice that is due while its tenant has no payment method. DUN: its turn passes as one that was declined, where
 * the tenant has or had a method, or was told terms. WAIT: nothing, until there is one.
 */
export type WithoutMethod = (typeof withoutMethods)[number];

/** What a partner does about an invoice that is due and not paid. */
export interface DunningPolicy {
  /** Days after the first failure on which the payment is tried again, ascending. */
  readonly retryDays: readonly number[];
  /** Access goes on for that long after the first failure. */
  readonly graceDays: number;
  /** After the last try: UNPAID keeps the subscription, without access; CANCEL ends it. The debt stays in either case. */
  readonly finalAction: FinalAction;
  /** Renewals and purchases are charged while access is off, too; else all waits for the oldest debt. */
  readonly chargesWhileOff: boolean;
  readonly withoutMethod: WithoutMethod;
  readonly version: number;
}

export const defaultPolicy: DunningPolicy = {
  retryDays: [3, 7, 14],
  graceDays: 7,
  finalAction: 'UNPAID',
  chargesWhileOff: false,
  withoutMethod: 'DUN',
  version: 0,
};

export const collectionStatuses = ['OPEN', 'PAID', 'EXHAUSTED', 'STOPPED'] as const;
/** EXHAUSTED: no more tries on the policy's days, the debt stays. STOPPED: void, or given up as uncollectible. */
export type CollectionStatus = (typeof collectionStatuses)[number];

/** An invoice on its way to being paid. */
export interface Collection {
  readonly tenantId: Id<'Tenant'>;
  readonly invoiceId: Id<'Invoice'>;
  readonly partnerId: Id<'Partner'>;
  /** The subscription that asked for it; the debt is the tenant's. */
  readonly subscriptionId: Id<'Subscription'>;
  readonly sandbox: boolean;
  readonly status: CollectionStatus;
  readonly failures: number;
  /** Its next turn, in the tenant's time; `undefined` while an attempt is under way, or where it waits for a payment method. */
  readonly dueAt?: Instant | undefined;
  readonly firstFailedAt?: Instant | undefined;
  readonly createdAt: Instant;
  readonly endedAt?: Instant | undefined;
}

export interface Failure {
  readonly collection: Collection;
  /** What the policy says is to be done now that the last try has failed. */
  readonly final?: FinalAction | undefined;
}

/** When the policy lets the next attempt be made; `undefined`: at any time, none has failed, or there is no such day. */
function policyDay(
  { failures, firstFailedAt }: Collection,
  policy: DunningPolicy,
  zone: TimeZone,
): Instant | undefined {
  const days = failures > 0 ? policy.retryDays[failures - 1] : undefined;
  return firstFailedAt && days !== undefined ? daysAfter(firstFailedAt, days, zone) : undefined;
}

/** An attempt now is the policy's own, and no extra one before its day, or after the last of them. */
export function isPolicyTurn(collection: Collection, policy: DunningPolicy, now: Instant, zone: TimeZone): boolean {
  const day = policyDay(collection, policy, zone);
  return collection.status === 'OPEN' && !(day && isBefore(now, day));
}

/**
 * An attempt has failed: the next one, or the end of them. One that was made before its day, because another method was given,
 * uses no day up.
 */
export function afterFailure(collection: Collection, policy: DunningPolicy, now: Instant, zone: TimeZone): Failure {
  if (collection.status === 'EXHAUSTED') return { collection: { ...collection, dueAt: undefined } };
  const day = policyDay(collection, policy, zone);
  if (day && isBefore(now, day)) return { collection: { ...collection, dueAt: day } };
  const failures = collection.failures + 1;
  const firstFailedAt = collection.firstFailedAt ?? now;
  const failed = { ...collection, failures, firstFailedAt };
  // A partner may have shortened the list since: what lies in the past is not made up for.
  const next = policy.retryDays
    .map((days) => daysAfter(firstFailedAt, days, zone))
    .find((at, index) => index >= collection.failures && isBefore(now, at));
  if (next) return { collection: { ...failed, dueAt: next } };
  return { collection: { ...failed, status: 'EXHAUSTED', dueAt: undefined }, final: policy.finalAction };
}

export interface Standing {
  readonly status: Exclude<SubscriptionStatus, 'CANCELLED' | 'TRIALING'>;
  readonly accessUntil?: Instant | undefined;
}

/**
 * Where a tenant stands by all of its debts: unpaid where the tries of one are used up, past due where one failed, else active.
 * Access ends with the grace of the first failure: neither another debt nor another subscription begins a new one.
 */
export function standingOf(
  open: readonly Pick<Collection, 'status' | 'firstFailedAt' | 'endedAt'>[],
  policy: Pick<DunningPolicy, 'graceDays'>,
  zone: TimeZone,
): Standing {
  const failed = open.filter((row) => row.firstFailedAt && !row.endedAt);
  if (failed.length === 0) return { status: 'ACTIVE' };
  const first = failed.map((row) => row.firstFailedAt!).reduce((a, b) => (isBefore(b, a) ? b : a));
  return {
    status: failed.some((row) => row.status === 'EXHAUSTED') ? 'UNPAID' : 'PAST_DUE',
    accessUntil: daysAfter(first, policy.graceDays, zone),
  };
}
