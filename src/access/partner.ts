import type { Instant, TimeZone } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import type { Id } from '../core/ids';
import type { ProrationBasis } from '../core/proration';

export const couponOrders = ['TARGETED_FIRST', 'PERCENT_FIRST', 'FIXED_FIRST'] as const;
/** In which order several coupons take from one invoice; within a group the oldest first. */
export type CouponOrder = (typeof couponOrders)[number];

/** A reseller: sells plans and add-ons to its tenants. */
export interface Partner {
  readonly id: Id<'Partner'>;
  readonly code: string;
  readonly name: string;
  readonly currency: CurrencyCode;
  readonly timeZone: TimeZone;
  readonly prorationBasis: ProrationBasis;
  readonly couponOrder: CouponOrder;
  /** How many days after its issue an invoice is due; `undefined`: nobody said, at once. */
  readonly paymentNetDays?: number | undefined;
  readonly version: number;
  readonly createdAt: Instant;
}
