import type { CouponOrder } from '../access/partner';
import { type Coupon, isTargeted } from './coupon';

const groupOf: Readonly<Record<CouponOrder, (coupon: Coupon) => number>> = {
  TARGETED_FIRST: (coupon) => (isTargeted(coupon) ? 0 : 1),
  PERCENT_FIRST: (coupon) => (coupon.kind === 'FIXED' ? 1 : 0),
  FIXED_FIRST: (coupon) => (coupon.kind === 'FIXED' ? 0 : 1),
};

/** The order in which coupons take from an invoice: the partner's groups, each oldest first (billing rules §4). */
export function inCouponOrder<T extends { readonly coupon: Coupon }>(
  order: CouponOrder,
  oldestFirst: readonly T[],
): T[] {
  const group = groupOf[order];
  return oldestFirst
    .map((entry, age) => ({ entry, age }))
    .sort((first, second) => group(first.entry.coupon) - group(second.entry.coupon) || first.age - second.age)
    .map(({ entry }) => entry);
}
