import { done, type Result, refuse } from '../core/result';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';

export const cancelScheduledPlanChangeRefusals = ['SUBSCRIPTION_REQUIRED', 'NOTHING_SCHEDULED'] as const;

/** Takes a waiting plan change back, and frees the coupon that was reserved for it. */
export async function cancelScheduledPlanChange(
  tx: Tx,
): Promise<Result<{ subscription: Subscription }, (typeof cancelScheduledPlanChangeRefusals)[number]>> {
  await tx.tenants.lock(tx.tenant.id);
  const subscription = await tx.subscriptions.live(tx.tenant.id);
  if (!subscription) return refuse('SUBSCRIPTION_REQUIRED', 'The tenant has no subscription.');
  const scheduled = await tx.subscriptions.scheduled(tx.tenant.id, subscription.id);
  if (!scheduled) return refuse('NOTHING_SCHEDULED', 'No plan change waits.');
  await tx.subscriptions.closeScheduled(tx.tenant.id, scheduled.id, 'CANCELLED');
  const { pendingCouponId } = scheduled.options;
  const pending = pendingCouponId ? await tx.pendingCoupons.byId(tx.tenant.id, pendingCouponId) : undefined;
  if (pending?.status === 'PENDING') {
    const pendingCoupon = { ...pending, status: 'REMOVED', endedAt: tx.now } as const;
    await tx.pendingCoupons.update(pendingCoupon);
    await tx.coupons.giveBack(pending.couponId);
    const { code } = (await tx.coupons.byIds([pending.couponId]))[0]!;
    await tx.emit({ type: 'coupon.removed', payload: { pendingCoupon, code } });
  }
  await tx.subscriptions.recordChange(subscription, {
    id: tx.newId<'SubscriptionChange'>(),
    kind: 'PLAN_CHANGE_UNSCHEDULED',
    happenedAt: tx.now,
    actorId: tx.actorId,
    facts: {},
  });
  await tx.emit({ type: 'subscription.plan_change_unscheduled', payload: { subscription } });
  return done({ subscription });
}
