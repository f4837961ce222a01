import { dateAt, type Instant, isBefore, type TimeZone } from '../core/calendar';
import type { Id } from '../core/ids';
import type { Money } from '../core/money';
import type { IntervalUnit, Period } from '../core/period';
import type { TimeSpan } from '../invoicing/invoice';
import type { FeatureUsagePrice } from '../rating/price-model-input';

/** When the rest of the period is charged that an add-on joins in. */
export const addonCharges = ['NOW', 'NEXT_INVOICE'] as const;
export type AddonCharge = (typeof addonCharges)[number];

export const shownAddonEndKinds = [
  'CANCELLED',
  'INCLUDED_IN_PLAN',
  'NOT_AVAILABLE',
  'SUBSCRIPTION_ENDED',
  'PAYMENT_FAILED',
  'REQUIREMENT_MISSING',
] as const;
/** Why an attachment ended, as the API says it. */
export type ShownAddonEndKind = (typeof shownAddonEndKinds)[number];
/** QUANTITY_CHANGED: a phase only; the attachment goes on. */
export type AddonEndKind = ShownAddonEndKind | 'QUANTITY_CHANGED';

export const addonBillers = ['TOLLGATE', 'STRIPE'] as const;
/** TOLLGATE: on the subscription's invoices. STRIPE: bought at its checkout and billed by it, in periods of its own. */
export type AddonBiller = (typeof addonBillers)[number];

/** An add-on attached to a subscription in one quantity, co-termed with the plan's period. Live while `endedAt` is not set. */
export interface AddonSubscription {
  /** Of this phase: what its account, its entitlements and the lines for it go by. */
  readonly id: Id<'AddonSubscription'>;
  /** What the API calls it: the id of its first phase. A change of quantity ends a phase and begins the next. */
  readonly originId: Id<'AddonSubscription'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly subscriptionId: Id<'Subscription'>;
  readonly addonId: Id<'Addon'>;
  readonly priceId: string;
  readonly interval: IntervalUnit;
  /** A snapshot: later catalog edits do not touch it. */
  readonly unitAmount: Money;
  /** Likewise: what the units of its features cost. */
  readonly usagePrices: readonly FeatureUsagePrice[];
  readonly quantity: bigint;
  readonly billedBy: AddonBiller;
  /** Billed by a provider: the period that it has been paid for there. */
  readonly providerPeriod?: TimeSpan | undefined;
  readonly startedAt: Instant;
  /** A cancellation to come: access lasts until then. */
  readonly endsAt?: Instant | undefined;
  readonly endedAt?: Instant | undefined;
  /** Paused at its provider: it goes on, and gives nothing from then on. */
  readonly accessUntil?: Instant | undefined;
  readonly endReason?: string | undefined;
  readonly endKind?: AddonEndKind | undefined;
  readonly version: number;
  readonly createdAt: Instant;
}

/**
 * The period in which a provider bills it, with its days in the billing zone, and where in it an instant lies: a sandbox's
 * clock may stand anywhere. `undefined`: it is billed here, in the subscription's period.
 */
export function providerPeriodAt(
  attachment: Pick<AddonSubscription, 'providerPeriod'>,
  zone: TimeZone,
  at: Instant,
): { readonly period: Period; readonly at: Instant } | undefined {
  if (!attachment.providerPeriod) return undefined;
  const { start, end } = attachment.providerPeriod;
  const period = { index: 0, start, end, startDate: dateAt(start, zone), endDate: dateAt(end, zone) };
  return { period, at: isBefore(at, start) ? start : isBefore(end, at) ? end : at };
}

/** ACTIVE, CANCELLING (access until `endsAt`), or ENDED. */
export type AddonSubscriptionStatus = 'ACTIVE' | 'CANCELLING' | 'ENDED';

export function statusOf(attachment: AddonSubscription): AddonSubscriptionStatus {
  if (attachment.endedAt) return 'ENDED';
  return attachment.endsAt ? 'CANCELLING' : 'ACTIVE';
}
