import { isBefore } from '../core/calendar';
import { invariant } from '../core/invariant';
import type { PendingCoupon } from '../coupons/pending-coupon';
import type { ScheduledPlanChange } from '../subscriptions/scheduled-plan-change';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { type LoadedPlanChange, type LoadOptions, loadPlanChange, type PlanChangeTx } from './plan-change.query';

export interface LoadedScheduledChange {
  readonly loaded: LoadedPlanChange;
  /** The coupon that was reserved for it, where it takes from this change. */
  readonly reserved?: PendingCoupon | undefined;
}

/** A plan change that waited, decided for its own time. A coupon or add-on that no longer fits does not stop it. */
export async function loadScheduledPlanChange(
  tx: PlanChangeTx,
  tenant: Tx['tenant'],
  subscription: Subscription,
  scheduled: ScheduledPlanChange,
  { lock }: Pick<LoadOptions, 'lock'> = {},
): Promise<LoadedScheduledChange> {
  const { options, planVersionId, priceId, effectiveAt: at } = scheduled;
  const waiting = options.pendingCouponId
    ? await tx.pendingCoupons.byId(subscription.tenantId, options.pendingCouponId)
    : undefined;
  // At the period's end the coupon waits on for the renewal's invoice; within the period it takes from this change.
  const reserved = waiting?.status === 'PENDING' && isBefore(at, subscription.periodEnd) ? waiting : undefined;
  const coupon = reserved && (await tx.coupons.byIds([reserved.couponId]))[0];
  const price = (await tx.plans.versionById(planVersionId))?.prices.find((candidate) => candidate.id === priceId);
  const plan = (await tx.plans.byIds([scheduled.planId]))[0];
  invariant(price && plan, 'a scheduled plan change points at nothing');
  const loaded = await loadPlanChange(
    tx,
    { ...tenant, now: at },
    {
      plan: plan.code,
      interval: price.interval,
      quantity: Number(scheduled.quantity),
      anchor: options.anchor,
      keepRunningDiscounts: options.keepRunningDiscounts,
      waived: options.waived,
      // What cannot be kept ends with a credit: there is nobody left to ask.
      unavailableAddons: options.unavailableAddons === 'REFUSE' ? 'CANCEL_AND_CREDIT' : options.unavailableAddons,
    },
    { at, lock, pinned: { planVersionId, priceId, coupon, reserved, creditsByTime: options.creditsByTime } },
  );
  invariant(loaded.ok, `a scheduled plan change was refused: ${loaded.ok ? '' : loaded.refusal.code}`);
  return { loaded: loaded.value, reserved };
}
