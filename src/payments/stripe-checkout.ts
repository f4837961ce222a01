import { type Instant, isBefore, isSameInstant } from '../core/calendar';
import { exactOf, multiply } from '../core/exact';
import type { Id } from '../core/ids';
import { equals, exactMinorUnits, type Money, roundToMoney } from '../core/money';
import type { IntervalUnit } from '../core/period';
import type { TimeSpan } from '../invoicing/invoice';

export const checkoutKinds = ['ADDON', 'PLAN'] as const;
/** ADDON: Stripe bills it from then on. PLAN: a payment method is saved, and we bill. */
export type CheckoutKind = (typeof checkoutKinds)[number];
export const checkoutStatuses = ['PENDING', 'OPEN', 'COMPLETED', 'EXPIRED', 'REFUSED', 'WITHDRAWN'] as const;
/** WITHDRAWN: bought twice, or refused by a person. It is ended at Stripe, and grants nothing. */
export type CheckoutStatus = (typeof checkoutStatuses)[number];

/** What one unit costs, and how many there are. */
export interface Terms {
  readonly quantity: bigint;
  readonly unitAmount: Money;
}

/** Terms other than the offer's that a person accepted. What was paid before then is accepted too. */
export interface AcceptedTerms extends Terms {
  /** What Stripe collected for a period, where that is not quantity × unit amount: less a discount. */
  readonly paid?: Money | undefined;
  readonly at: Instant;
}

/** A person refused it, or it was bought twice. */
export interface Withdrawal {
  readonly at: Instant;
  /** What was collected goes back: all of it where it was never attached, else what was collected for time to come. */
  readonly refunds: boolean;
  readonly reason: string;
}

/** What was offered to a customer at a hosted page: everything that Stripe says about it later is held against this. */
export interface StripeCheckout {
  readonly id: Id<'Checkout'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly kind: CheckoutKind;
  readonly status: CheckoutStatus;
  readonly live: boolean;
  readonly addonId?: Id<'Addon'> | undefined;
  readonly addonPriceId?: string | undefined;
  readonly planId?: Id<'Plan'> | undefined;
  readonly planVersionId?: Id<'PlanVersion'> | undefined;
  readonly planPriceId?: Id<'PlanPrice'> | undefined;
  readonly trialDays?: number | undefined;
  /** The trial is the plan's own. */
  readonly planTrial?: boolean | undefined;
  readonly interval: IntervalUnit;
  readonly unitAmount: Money;
  readonly quantity: bigint;
  /** What the page says is bought. */
  readonly description: string;
  readonly priceExternalId?: string | undefined;
  readonly successUrl: string;
  readonly cancelUrl: string;
  readonly sessionExternalId?: string | undefined;
  readonly url?: string | undefined;
  readonly subscriptionExternalId?: string | undefined;
  readonly addonSubscriptionId?: Id<'AddonSubscription'> | undefined;
  readonly subscriptionId?: Id<'Subscription'> | undefined;
  /** Stripe's subscription as it was last seen. */
  readonly providerStatus?: string | undefined;
  readonly providerCancels: boolean;
  /** When it ends there, with its period or at a date of its own; `undefined`: it goes on. */
  readonly providerEndsAt?: Instant | undefined;
  /** Its terms there, and what was collected last; `undefined`: they cannot be read. */
  readonly seen?: (Terms & { readonly paid?: Money | undefined }) | undefined;
  readonly accepted?: AcceptedTerms | undefined;
  readonly withdrawn?: Withdrawal | undefined;
  /** When what was last seen was asked for: an older answer never overtakes it. */
  readonly seenAt?: Instant | undefined;
  readonly parkedReason?: string | undefined;
  readonly parkedAt?: Instant | undefined;
  /** When Stripe is asked (again), by the wall clock; `undefined`: no more. */
  readonly syncAt?: Instant | undefined;
  readonly attempts: number;
  readonly expiresAt: Instant;
  readonly createdAt: Instant;
  readonly completedAt?: Instant | undefined;
}

/** What Stripe collected for one period. */
export interface StripeInvoice {
  readonly externalId: string;
  readonly amount: Money;
  readonly period: TimeSpan;
  readonly paidAt: Instant;
  /** How much of it went back, whoever moved it. */
  readonly refunded: Money;
  /** Which payment of Stripe's paid it; none where nothing was to be paid, or it was paid elsewhere. */
  readonly paymentId?: string | undefined;
}

/**
 * What a state of Stripe's means here.
 * - `WAITS`: its first payment is not made yet
 * - `ACCESS`: it is paid, in a trial, or Stripe tries again
 * - `PAUSED`: it goes on and gives nothing
 * - `ENDED`: for good, as far as we are concerned
 * - `UNKNOWN`: a state that this version does not know: a person looks
 */
export type SubscriptionStanding = 'WAITS' | 'ACCESS' | 'PAUSED' | 'ENDED' | 'UNKNOWN';

/** A subscription of Stripe's as it is now, by its own answer. */
export interface SeenSubscription {
  readonly externalId: string;
  readonly customerId: string;
  /** The checkout that it says it came from. */
  readonly reference?: string | undefined;
  readonly status: string;
  readonly standing: SubscriptionStanding;
  /** False: its invoices are void for a while, since the partner does not serve it. What was paid before is served. */
  readonly isServed: boolean;
  /** When it ends, with its period or at a date of its own; `undefined`: it goes on. */
  readonly endsAt?: Instant | undefined;
  /** At a date of its own. */
  readonly endsByDate: boolean;
  /** It has ended there, and when. */
  readonly endedAt?: Instant | undefined;
  /** Stripe gave up collecting. */
  readonly endedUnpaid: boolean;
  readonly items: readonly {
    readonly unitAmount: Money | undefined;
    readonly quantity: bigint;
    readonly interval: IntervalUnit | undefined;
    readonly period: TimeSpan | undefined;
  }[];
  readonly paid: readonly (Omit<StripeInvoice, 'amount' | 'period' | 'refunded'> & {
    readonly amount: Money | undefined;
    readonly period: TimeSpan | undefined;
    readonly refunded: Money | undefined;
  })[];
}

/** What it is sold for: as offered, or as a person accepted it. */
export const termsOf = ({ quantity, unitAmount, accepted }: StripeCheckout): Terms =>
  accepted ?? { quantity, unitAmount };

export function totalOf({ unitAmount, quantity }: Terms): Money {
  return roundToMoney(multiply(exactMinorUnits(unitAmount), exactOf(quantity)), unitAmount.currency);
}

/** Its only item, where it has one that can be read in our words. */
export function seenTerms(checkout: StripeCheckout, seen: SeenSubscription): StripeCheckout['seen'] {
  const [item, ...others] = seen.items;
  if (!item?.unitAmount || others.length > 0 || item.quantity < 1n || item.interval !== checkout.interval)
    return undefined;
  if (item.unitAmount.currency !== checkout.unitAmount.currency) return undefined;
  const [last] = [...seen.paid].sort((one, other) => other.paidAt.epochMilliseconds - one.paidAt.epochMilliseconds);
  const paid = last?.amount?.currency === checkout.unitAmount.currency ? last.amount : undefined;
  return { quantity: item.quantity, unitAmount: item.unitAmount, paid };
}

export interface Contradiction {
  readonly reason: 'REFERENCE_MISMATCH' | 'AMOUNT_DIFFERS' | 'QUANTITY_DIFFERS' | 'PAYLOAD_UNREADABLE';
  readonly detail: string;
}

/** Is it the subscription of this checkout at all? The metadata is a hint: it may only agree. */
export function strangerIn(
  checkout: StripeCheckout,
  ownReference: string,
  customers: readonly string[],
  seen: SeenSubscription,
): Contradiction | undefined {
  const { subscriptionExternalId: known } = checkout;
  if (known === seen.externalId) return undefined;
  if (known) return { reason: 'REFERENCE_MISMATCH', detail: 'the checkout made another subscription' };
  if (seen.reference !== undefined && seen.reference !== ownReference) {
    return { reason: 'REFERENCE_MISMATCH', detail: 'it names another checkout' };
  }
  if (customers.includes(seen.customerId)) return undefined;
  return { reason: 'REFERENCE_MISMATCH', detail: 'it is of another customer' };
}

/** Does what Stripe bills fit what was offered, or accepted? */
export function contradictionIn(checkout: StripeCheckout, seen: SeenSubscription): Contradiction | undefined {
  if (seen.standing === 'UNKNOWN')
    return { reason: 'PAYLOAD_UNREADABLE', detail: 'a status or a pause that is not known' };
  const [item, ...others] = seen.items;
  if (!item || others.length > 0) return { reason: 'QUANTITY_DIFFERS', detail: `${seen.items.length} items` };
  if (!item.unitAmount || !item.period || !item.interval) {
    return { reason: 'PAYLOAD_UNREADABLE', detail: 'an item without price or period' };
  }
  const terms = termsOf(checkout);
  if (item.quantity !== terms.quantity) {
    return { reason: 'QUANTITY_DIFFERS', detail: `${item.quantity} instead of ${terms.quantity}` };
  }
  if (!equals(item.unitAmount, terms.unitAmount) || item.interval !== checkout.interval) {
    return { reason: 'AMOUNT_DIFFERS', detail: 'its price is another' };
  }
  const { accepted } = checkout;
  for (const { amount, period, paidAt } of seen.paid) {
    if (!amount || !period) return { reason: 'PAYLOAD_UNREADABLE', detail: 'an invoice without amount or period' };
    if (accepted && !isBefore(accepted.at, paidAt)) continue;
    const fits = equals(amount, totalOf(terms)) || (accepted?.paid !== undefined && equals(amount, accepted.paid));
    if (!fits) return { reason: 'AMOUNT_DIFFERS', detail: 'another amount was paid' };
  }
  return undefined;
}

/** What of it goes back when it is withdrawn: all, or what was collected for time after an instant. */
export function goesBack<T extends Pick<SeenSubscription['paid'][number], 'amount' | 'refunded' | 'period'>>(
  collected: readonly T[],
  { since }: { readonly since: Instant | undefined },
): T[] {
  return collected.filter(({ amount, refunded, period }) => {
    if (since && period && !isBefore(since, period.end)) return false;
    return !amount || !refunded || refunded.minor < amount.minor;
  });
}

/** May a person accept what differs? Only what can be read, and only money and quantity. */
export const canBeAccepted = ({ parkedReason, seen }: StripeCheckout): boolean =>
  seen !== undefined && /^(AMOUNT_DIFFERS|QUANTITY_DIFFERS)\b/.test(parkedReason ?? '');

/** Seconds until Stripe is asked again after it could not answer: 5, 10, 20 … at most an hour. */
export function pauseAfterFailure(attempts: number): number {
  return Math.min(5 * 2 ** Math.min(attempts, 12), 3_600);
}

const longestPauseSeconds = 24 * 3_600;

/**
 * Seconds until what was to have happened by now is looked for again: 5 minutes, 10, 20 … at most a day. An instant that Stripe
 * named may lie in the past for as long as it likes; a look costs the same each time.
 */
export function pauseAfterLook(attempts: number): number {
  return Math.min(300 * 2 ** Math.min(Math.max(attempts - 1, 0), 12), longestPauseSeconds);
}

/**
 * A webhook that was lost is made up for: what runs is looked at an hour after its period, what waits after its end. Never
 * before now: where that has passed, later and later. `undefined`: nothing can come of it any more.
 */
export function nextLook(
  checkout: Pick<StripeCheckout, 'status' | 'kind' | 'expiresAt' | 'attempts'>,
  now: Instant,
  seen?: Pick<SeenSubscription, 'standing' | 'endsAt' | 'items'>,
): Instant | undefined {
  const floor = now.add({ seconds: pauseAfterLook(checkout.attempts) });
  const notBefore = (at: Instant) => (isBefore(at, floor) ? floor : at);
  if (!seen) {
    const waits = checkout.status === 'PENDING' || checkout.status === 'OPEN';
    return waits ? notBefore(checkout.expiresAt.add({ minutes: 5 })) : undefined;
  }
  if (checkout.kind === 'PLAN' || seen.standing === 'ENDED') return undefined;
  const ends = seen.items.flatMap(({ period }) => period?.end ?? []);
  const [first] = [...ends, ...(seen.endsAt ? [seen.endsAt] : [])].sort(
    (one, other) => one.epochMilliseconds - other.epochMilliseconds,
  );
  const soonest = seen.standing === 'WAITS' || !first ? floor : first.add({ hours: 1 });
  const latest = now.add({ hours: 35 * 24 });
  const at = notBefore(soonest);
  return isBefore(latest, at) ? latest : at;
}

/** Did anything move since it was seen last? Where nothing did, the next look is later. */
export const isAsSeen = (checkout: StripeCheckout, seen: SeenSubscription): boolean =>
  checkout.providerStatus === seen.status && isSameInstant(checkout.providerEndsAt, seen.endsAt);
