import type { Id } from '../core/ids';
import { done, type Refused, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';
import { type Coupon, type CouponReason, couponReasons } from './coupon';
import type { PendingCoupon } from './pending-coupon';
import { couponMessages, judgeCoupon } from './validate-coupon.query';

export interface ApplyCouponInput {
  readonly code: string;
}

export const applyCouponRefusals = couponReasons;

export function refuseCoupon(reasons: readonly CouponReason[], path: string): Refused<CouponReason> {
  const reason = reasons[0]!;
  return refuse(reason, couponMessages[reason], { path: ['input', path], facts: { reasons: reasons.join(' ') } });
}

/**
 * Queues a coupon for the next invoice and reserves one redemption. Applying the same code again while it waits or runs
 * is the same act and answers the same row. The cap holds because the reservation is one conditional update.
 */
export async function applyCoupon(
  tx: Pick<
    Tx,
    | 'tenant'
    | 'tenants'
    | 'tenantFor'
    | 'coupons'
    | 'pendingCoupons'
    | 'plans'
    | 'subscriptions'
    | 'addonSubscriptions'
    | 'invoices'
    | 'newId'
    | 'now'
    | 'emit'
  >,
  input: ApplyCouponInput,
): Promise<Result<{ pendingCoupon: PendingCoupon; coupon: Coupon; created: boolean }, CouponReason>> {
  const { tenant } = tx;
  await tx.tenants.lock(tenant.id);
  const { coupon, reasons } = await judgeCoupon(tx, tenant, input.code);
  if (!coupon) return refuseCoupon(reasons, 'code');
  if (reasons.includes('COUPON_ALREADY_APPLIED')) {
    const live = (await tx.pendingCoupons.live(tenant.id)).find((pending) => pending.couponId === coupon.id);
    if (live) return done({ pendingCoupon: live, coupon, created: false });
  }
  if (reasons.length > 0) return refuseCoupon(reasons, 'code');
  const pendingCoupon = await reserveCoupon(tx, coupon);
  if (!pendingCoupon) return refuseCoupon(['COUPON_USED_UP'], 'code');
  await tx.emit({ type: 'coupon.applied', payload: { pendingCoupon, code: coupon.code } });
  return done({ pendingCoupon, coupon, created: true });
}

/** One reservation and its row; `undefined` when the coupon was used up in this very moment. */
export async function reserveCoupon(
  tx: Pick<Tx, 'tenant' | 'coupons' | 'pendingCoupons' | 'newId' | 'now'>,
  coupon: Coupon,
  subscriptionId?: Id<'Subscription'>,
): Promise<PendingCoupon | undefined> {
  if (!(await tx.coupons.reserve(coupon.id))) return undefined;
  const pendingCoupon: PendingCoupon = {
    id: tx.newId<'PendingCoupon'>(),
    tenantId: tx.tenant.id,
    partnerId: tx.tenant.partnerId,
    couponId: coupon.id,
    subscriptionId,
    status: 'PENDING',
    periodsApplied: 0,
    periodsReturned: 0,
    createdAt: tx.now,
  };
  await tx.pendingCoupons.insert(pendingCoupon);
  return pendingCoupon;
}
