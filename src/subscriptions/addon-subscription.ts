import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import type { Money } from '../core/money';
import type { IntervalUnit } from '../core/period';
import type { FeatureUsagePrice } from '../rating/price-model-input';

/** When the rest of the period is charged that an add-on joins in. */
export const addonCharges = ['NOW', 'NEXT_INVOICE'] as const;
export type AddonCharge = (typeof addonCharges)[number];

export const addonEndKinds = ['CANCELLED', 'INCLUDED_IN_PLAN', 'NOT_AVAILABLE', 'SUBSCRIPTION_ENDED'] as const;
export type AddonEndKind = (typeof addonEndKinds)[number];

/** An add-on attached to a subscription, co-termed with the plan's period. Live while `endedAt` is not set. */
export interface AddonSubscription {
  readonly id: Id<'AddonSubscription'>;
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
  readonly startedAt: Instant;
  /** A cancellation to come: access lasts until then. */
  readonly endsAt?: Instant | undefined;
  readonly endedAt?: Instant | undefined;
  readonly endReason?: string | undefined;
  readonly endKind?: AddonEndKind | undefined;
  readonly version: number;
  readonly createdAt: Instant;
}

/** ACTIVE, CANCELLING (access until `endsAt`), or ENDED. */
export type AddonSubscriptionStatus = 'ACTIVE' | 'CANCELLING' | 'ENDED';

export function statusOf(attachment: AddonSubscription): AddonSubscriptionStatus {
  if (attachment.endedAt) return 'ENDED';
  return attachment.endsAt ? 'CANCELLING' : 'ACTIVE';
}
