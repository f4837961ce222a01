import type { FeatureAllowance } from '../catalog/feature';
import type { CatalogStatus } from '../catalog/plan';
import type { Instant } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import type { Id } from '../core/ids';
import type { Money } from '../core/money';

/** What one seat costs for a whole year. */
export interface LicencePrice {
  readonly id: string;
  readonly yearly: Money;
}

/** A kind of licence that a partner sells to organisations by the seat and the year. */
export interface LicenceProduct {
  readonly id: Id<'LicenceProduct'>;
  readonly partnerId: Id<'Partner'>;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  readonly status: CatalogStatus;
  /** One for each currency. */
  readonly prices: readonly LicencePrice[];
  /** What a running licence gives, a metered limit for each seat. */
  readonly allowances: readonly FeatureAllowance[];
  /** How an organisation may try it; `undefined`: it may not. */
  readonly trial?: { readonly days: number; readonly seats: bigint } | undefined;
  readonly version: number;
  readonly createdAt: Instant;
}

export function yearlyPriceIn(product: LicenceProduct, currency: CurrencyCode): LicencePrice | undefined {
  return product.prices.find((price) => price.yearly.currency === currency);
}
