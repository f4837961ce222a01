import type { Instant } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import type { Id } from '../core/ids';
import type { Money } from '../core/money';
import type { IntervalUnit } from '../core/period';
import type { ProrationBasis } from '../core/proration';
import type { FeatureAllowance } from './feature';

export const catalogStatuses = ['ACTIVE', 'ARCHIVED'] as const;
/** ARCHIVED: no longer sold; who has it keeps it. */
export type CatalogStatus = (typeof catalogStatuses)[number];

/** A fixed price for one whole period, per unit of quantity. */
export interface Price<K extends 'PlanPrice'> {
  readonly id: Id<K>;
  readonly interval: IntervalUnit;
  readonly amount: Money;
}

/** Prices, limits and included add-ons as they were sold; never changed afterwards. */
export interface PlanVersion {
  readonly id: Id<'PlanVersion'>;
  readonly planId: Id<'Plan'>;
  readonly number: number;
  readonly includesAllAddons: boolean;
  readonly includedAddonIds: readonly Id<'Addon'>[];
  /** A tenant that starts with the plan pays nothing for that many days, once. */
  readonly trialDays?: number | undefined;
  readonly prices: readonly Price<'PlanPrice'>[];
  readonly allowances: readonly FeatureAllowance[];
  readonly createdAt: Instant;
}

export interface Plan {
  readonly id: Id<'Plan'>;
  readonly partnerId: Id<'Partner'>;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  /** Add-ons are sold from a rank upwards. */
  readonly rank: number;
  readonly status: CatalogStatus;
  /** `undefined`: the partner's. */
  readonly prorationBasis?: ProrationBasis | undefined;
  readonly version: number;
  readonly createdAt: Instant;
}

export function priceFor<P extends { readonly interval: IntervalUnit; readonly amount: Money }>(
  prices: readonly P[],
  interval: IntervalUnit,
  currency: CurrencyCode,
): P | undefined {
  return prices.find((price) => price.interval === interval && price.amount.currency === currency);
}
