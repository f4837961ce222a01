import { decodeId } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';
import type { PendingCoupon } from './pending-coupon';

export interface RemovePendingCouponInput {
  readonly pendingCouponId: string;
}

export const removePendingCouponRefusals = ['PENDING_COUPON_NOT_FOUND', 'COUPON_ALREADY_USED'] as const;

/** Takes a queued coupon back before its first use; the reservation is free again. Removing it twice is the same act. */
export async function removePendingCoupon(
  tx: Pick<Tx, 'tenant' | 'tenants' | 'coupons' | 'pendingCoupons' | 'now' | 'emit'>,
  input: RemovePendingCouponInput,
): Promise<Result<{ pendingCoupon: PendingCoupon }, (typeof removePendingCouponRefusals)[number]>> {
  const notFound = refuse('PENDING_COUPON_NOT_FOUND', 'No such pending coupon.', {
    path: ['input', 'pendingCouponId'],
  });
  const decoded = decodeId(input.pendingCouponId);
  if (decoded?.kind !== 'PendingCoupon' || decoded.tenantUuid !== tx.tenant.id) return notFound;
  await tx.tenants.lock(tx.tenant.id);
  const pending = await tx.pendingCoupons.byId(tx.tenant.id, decoded.uuid);
  if (!pending) return notFound;
  if (pending.status === 'REMOVED') return done({ pendingCoupon: pending });
  if (pending.status !== 'PENDING') {
    return refuse('COUPON_ALREADY_USED', 'The coupon has been used on an invoice.', {
      facts: { status: pending.status },
    });
  }
  const pendingCoupon: PendingCoupon = { ...pending, status: 'REMOVED', endedAt: tx.now };
  await tx.pendingCoupons.update(pendingCoupon);
  await tx.coupons.giveBack(pending.couponId);
  const coupon = (await tx.coupons.byIds([pending.couponId]))[0]!;
  await tx.emit({ type: 'coupon.removed', payload: { pendingCoupon, code: coupon.code } });
  return done({ pendingCoupon });
}
