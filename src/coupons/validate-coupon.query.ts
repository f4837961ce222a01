import type { TenantContext } from '../access/tenant';
import type { Id } from '../core/ids';
import { add, type Money } from '../core/money';
import type { IntervalUnit } from '../core/period';
import { fullPeriodAmount } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { type Coupon, type CouponReason, couponProblems } from './coupon';

export interface CouponTarget {
  readonly planId?: Id<'Plan'> | undefined;
  readonly interval?: IntervalUnit | undefined;
  readonly base?: Money | undefined;
}

export interface CouponJudgement {
  readonly coupon?: Coupon | undefined;
  /** Empty: it may be used. */
  readonly reasons: readonly CouponReason[];
}

type JudgeTx = Pick<
  Tx,
  'coupons' | 'pendingCoupons' | 'subscriptions' | 'addonSubscriptions' | 'invoices' | 'tenantFor'
>;

/** Judges a coupon for a tenant, all reasons at once; changes nothing. */
export async function judgeCoupon(
  tx: JudgeTx,
  tenant: TenantContext,
  code: string,
  target: CouponTarget = {},
): Promise<CouponJudgement> {
  const coupon = code.length <= 63 ? await tx.coupons.byCode(tenant.partnerId, code) : undefined;
  if (!coupon) return { reasons: ['COUPON_NOT_FOUND'] };
  const subscription = await tx.subscriptions.live(tenant.id);
  const attachments = await tx.addonSubscriptions.live(tenant.id);
  const live = await tx.pendingCoupons.live(tenant.id);
  // What the next regular invoice will hold: the plan and the attachments for a whole period.
  const recurring = subscription
    ? [subscription.item, ...attachments.filter((attachment) => !attachment.endsAt)]
        .map(fullPeriodAmount)
        .reduce((total, amount) => add(total, amount))
    : undefined;
  const reasons = couponProblems(coupon, {
    now: tenant.now,
    currency: tenant.currency,
    planId: target.planId ?? subscription?.item.planId,
    addonIds: attachments.map((attachment) => attachment.addonId),
    interval: target.interval ?? subscription?.interval,
    base: target.base ?? recurring,
    usedByTenant: await tx.pendingCoupons.usesOf(tenant.id, coupon.id),
    liveForTenant: live.some((pending) => pending.couponId === coupon.id),
    hasPurchased: coupon.firstPurchaseOnly && (await tx.invoices.hasPurchased(tenant.id)),
  });
  return { coupon, reasons };
}

/** Would this coupon work for the tenant's next invoice? All typed reasons why not. */
export async function validateCoupon(
  tx: JudgeTx & Pick<Tx, 'plans'>,
  tenantId: string,
  code: string,
  planId?: Id<'Plan'>,
): Promise<CouponJudgement> {
  const tenant = await tx.tenantFor(tenantId);
  // A stranger's tenant looks like a code that does not exist.
  return tenant ? judgeCoupon(tx, tenant, code, { planId }) : { reasons: ['COUPON_NOT_FOUND'] };
}

export const couponMessages: Readonly<Record<CouponReason, string>> = {
  COUPON_NOT_FOUND: 'No such coupon.',
  COUPON_INACTIVE: 'The coupon is not active.',
  COUPON_NOT_YET_VALID: 'The coupon is not valid yet.',
  COUPON_EXPIRED: 'The coupon has expired.',
  COUPON_USED_UP: 'The coupon has been used as often as it may be.',
  COUPON_TENANT_LIMIT_REACHED: 'The coupon was used before.',
  COUPON_ALREADY_APPLIED: 'The coupon is applied already.',
  COUPON_MINIMUM_NOT_MET: 'The amount is below what the coupon asks for.',
  COUPON_FIRST_PURCHASE_ONLY: 'The coupon is for a first purchase.',
  COUPON_PLAN_NOT_ELIGIBLE: 'The coupon is not for this plan.',
  COUPON_INTERVAL_NOT_ELIGIBLE: 'The coupon is not for this billing interval.',
  COUPON_CURRENCY_NOT_SUPPORTED: "The coupon has no amount in the tenant's currency.",
};
