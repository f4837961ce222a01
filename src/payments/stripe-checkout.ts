import type { Instant } from '../core/calendar';
import { exactOf, multiply } from '../core/exact';
import type { Id } from '../core/ids';
import { equals, exactMinorUnits, type Money, roundToMoney } from '../core/money';
import type { IntervalUnit } from '../core/period';
import type { TimeSpan } from '../invoicing/invoice';

export const checkoutKinds = ['ADDON', 'PLAN'] as const;
/** ADDON: Stripe bills it from then on. PLAN: a payment method is saved, and we bill. */
export type CheckoutKind = (typeof checkoutKinds)[number];
export const checkoutStatuses = ['PENDING', 'OPEN', 'COMPLETED', 'EXPIRED', 'REFUSED'] as const;
export type CheckoutStatus = (typeof checkoutStatuses)[number];

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
}

/** A subscription of Stripe's as it is now, by its own answer. */
export interface SeenSubscription {
  readonly externalId: string;
  readonly customerId: string;
  /** The checkout that it says it came from. */
  readonly reference?: string | undefined;
  readonly status: string;
  /** It ends with its period. */
  readonly cancels: boolean;
  /** Stripe gave up collecting. */
  readonly endedUnpaid: boolean;
  readonly items: readonly {
    readonly unitAmount: Money | undefined;
    readonly quantity: bigint;
    readonly interval: IntervalUnit | undefined;
    readonly period: TimeSpan | undefined;
  }[];
  readonly paid: readonly (Omit<StripeInvoice, 'amount' | 'period'> & {
    readonly amount: Money | undefined;
    readonly period: TimeSpan | undefined;
  })[];
}

/** Statuses with access. `past_due` is Stripe's own time of grace: it tries again and then says what became of it. */
const givesAccess = new Set(['active', 'trialing', 'past_due']);
const hasEnded = new Set(['canceled', 'incomplete_expired', 'unpaid']);

export const isEntitling = (status: string | undefined): boolean => status !== undefined && givesAccess.has(status);
export const isOver = (status: string | undefined): boolean => status !== undefined && hasEnded.has(status);

export function totalOf(checkout: Pick<StripeCheckout, 'unitAmount' | 'quantity'>): Money {
  const { unitAmount, quantity } = checkout;
  return roundToMoney(multiply(exactMinorUnits(unitAmount), exactOf(quantity)), unitAmount.currency);
}

export interface Contradiction {
  readonly reason: 'REFERENCE_MISMATCH' | 'AMOUNT_DIFFERS' | 'QUANTITY_DIFFERS' | 'PAYLOAD_UNREADABLE';
  readonly detail: string;
}

/** Does what Stripe says fit what was offered? The metadata is a hint: it may only agree. */
export function contradictionIn(
  checkout: StripeCheckout,
  ownReference: string,
  customerId: string | undefined,
  seen: SeenSubscription,
): Contradiction | undefined {
  if (seen.reference !== undefined && seen.reference !== ownReference) {
    return { reason: 'REFERENCE_MISMATCH', detail: 'it names another checkout' };
  }
  if (seen.customerId !== customerId) return { reason: 'REFERENCE_MISMATCH', detail: 'it is of another customer' };
  if (checkout.subscriptionExternalId !== undefined && checkout.subscriptionExternalId !== seen.externalId) {
    return { reason: 'REFERENCE_MISMATCH', detail: 'the checkout made another subscription' };
  }
  const [item, ...others] = seen.items;
  if (!item || others.length > 0) return { reason: 'QUANTITY_DIFFERS', detail: `${seen.items.length} items` };
  if (!item.unitAmount || !item.period || !item.interval) {
    return { reason: 'PAYLOAD_UNREADABLE', detail: 'an item without price or period' };
  }
  if (item.quantity !== checkout.quantity) {
    return { reason: 'QUANTITY_DIFFERS', detail: `${item.quantity} instead of ${checkout.quantity}` };
  }
  if (!equals(item.unitAmount, checkout.unitAmount) || item.interval !== checkout.interval) {
    return { reason: 'AMOUNT_DIFFERS', detail: 'its price is another' };
  }
  for (const { amount, period } of seen.paid) {
    if (!amount || !period) return { reason: 'PAYLOAD_UNREADABLE', detail: 'an invoice without amount or period' };
    if (!equals(amount, totalOf(checkout))) return { reason: 'AMOUNT_DIFFERS', detail: 'another amount was paid' };
  }
  return undefined;
}

/** Seconds until Stripe is asked again after it could not answer: 5, 10, 20 … at most an hour. */
export function pauseAfterFailure(attempts: number): number {
  return Math.min(5 * 2 ** Math.min(attempts, 12), 3_600);
}

/** A webhook that was lost is made up for: what runs is looked at an hour after its period, what waits after its end. */
export function nextLook(checkout: StripeCheckout, periodEnd: Instant | undefined): Instant | undefined {
  if (checkout.status === 'PENDING' || checkout.status === 'OPEN') return checkout.expiresAt.add({ minutes: 5 });
  if (checkout.kind === 'PLAN' || isOver(checkout.providerStatus)) return undefined;
  return periodEnd?.add({ hours: 1 });
}
