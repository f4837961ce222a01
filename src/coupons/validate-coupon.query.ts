import type { TenantContext } from '../access/tenant';
import type { Plan } from '../catalog/plan';
import { priceFor } from '../catalog/plan';
import type { Money } from '../core/money';
import { fullPeriodAmount, type Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { baseOf, type Coupon, type CouponReason, type CouponTarget, type CouponUse, couponProblems } from './coupon';

export interface CouponJudgement {
  readonly coupon?: Coupon | undefined;
  /** Empty: it may be used. */
  readonly reasons: readonly CouponReason[];
}

/** What only the tenant's past says about a coupon. */
export type CouponPast = Pick<CouponUse, 'usedByTenant' | 'liveForTenant' | 'hasPurchased'>;

type PastTx = Pick<Tx, 'pendingCoupons' | 'invoices'>;
type JudgeTx = PastTx & Pick<Tx, 'coupons' | 'plans' | 'subscriptions' | 'addonSubscriptions' | 'tenantFor'>;

/** The past of several coupons, each question asked once for all of them. */
export async function pastOf(
  tx: PastTx,
  tenantId: string,
  coupons: readonly Coupon[],
): Promise<(coupon: Coupon) => CouponPast> {
  if (coupons.length === 0) return () => ({ usedByTenant: 0, liveForTenant: false, hasPurchased: false });
  const uses = await tx.pendingCoupons.usesOf(
    tenantId,
    coupons.map(({ id }) => id),
  );
  const live = new Set((await tx.pendingCoupons.live(tenantId)).map(({ couponId }) => couponId));
  const hasPurchased =
    coupons.some(({ firstPurchaseOnly }) => firstPurchaseOnly) && (await tx.invoices.hasPurchased(tenantId));
  return ({ id }) => ({ usedByTenant: uses.get(id) ?? 0, liveForTenant: live.has(id), hasPurchased });
}

export async function findCouponByCode(
  tx: Pick<Tx, 'coupons'>,
  tenant: Pick<TenantContext, 'partnerId'>,
  code: string,
): Promise<Coupon | undefined> {
  return code.length <= 63 ? tx.coupons.byCode(tenant.partnerId, code) : undefined;
}

type NextInvoice = Pick<CouponUse, 'planId' | 'interval' | 'addonIds'> & {
  readonly items: readonly { readonly target: CouponTarget; readonly amount: Money }[];
};

/** The plan of the next regular invoice: one that is asked about, one that a change waits for, or the current one. */
async function nextPlan(tx: JudgeTx, subscription: Subscription, asked: Plan | undefined) {
  const { item, interval, currency } = subscription;
  const { quantity } = item;
  if (asked && asked.id !== item.planId) {
    const prices = (await tx.plans.currentVersion(asked.id))?.prices ?? [];
    return { planId: asked.id, interval, quantity, unitAmount: priceFor(prices, interval, currency)?.amount };
  }
  const scheduled = asked ? undefined : await tx.subscriptions.scheduled(subscription.tenantId, subscription.id);
  if (!scheduled) return { planId: item.planId, interval, quantity, unitAmount: item.unitAmount };
  const version = await tx.plans.versionById(scheduled.planVersionId);
  const price = version?.prices.find(({ id }) => id === scheduled.priceId);
  return {
    planId: scheduled.planId,
    interval: price?.interval ?? interval,
    quantity: scheduled.quantity,
    unitAmount: price?.amount,
  };
}

/** What the next regular invoice will hold, for a whole period. */
async function nextInvoice(tx: JudgeTx, tenant: TenantContext, asked: Plan | undefined): Promise<NextInvoice> {
  const subscription = await tx.subscriptions.live(tenant.id);
  if (!subscription) return { planId: asked?.id, addonIds: [], items: [] };
  const attachments = (await tx.addonSubscriptions.live(tenant.id)).filter(({ endsAt }) => !endsAt);
  const { planId, interval, quantity, unitAmount } = await nextPlan(tx, subscription, asked);
  const plan = unitAmount && {
    target: { kind: 'PLAN' as const, id: planId },
    amount: fullPeriodAmount({ unitAmount, quantity }),
  };
  const addons = attachments
    .filter(({ billedBy }) => billedBy === 'TOLLGATE')
    .map((attachment) => ({
      target: { kind: 'ADDON' as const, id: attachment.addonId },
      amount: fullPeriodAmount(attachment),
    }));
  const addonIds = attachments.map(({ addonId }) => addonId);
  return { planId, interval, addonIds, items: plan ? [plan, ...addons] : addons };
}

/** Judges a coupon for a tenant's next invoice, all reasons at once; changes nothing. */
export async function judgeCoupon(
  tx: JudgeTx,
  tenant: TenantContext,
  code: string,
  plan?: Plan,
): Promise<CouponJudgement> {
  const coupon = await findCouponByCode(tx, tenant, code);
  if (!coupon) return { reasons: ['COUPON_NOT_FOUND'] };
  const past = await pastOf(tx, tenant.id, [coupon]);
  const { items, ...target } = await nextInvoice(tx, tenant, plan);
  const reasons = couponProblems(coupon, {
    stage: 'NEW',
    now: tenant.now,
    currency: tenant.currency,
    ...target,
    base: baseOf(coupon, items),
    ...past(coupon),
  });
  return { coupon, reasons };
}

/** Would this coupon work for the tenant's next invoice? All typed reasons why not. */
export async function validateCoupon(
  tx: JudgeTx,
  tenantId: string,
  code: string,
  plan?: Plan,
): Promise<CouponJudgement> {
  const tenant = await tx.tenantFor(tenantId);
  // A stranger's tenant looks like a code that does not exist.
  return tenant ? judgeCoupon(tx, tenant, code, plan) : { reasons: ['COUPON_NOT_FOUND'] };
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
