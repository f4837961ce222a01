import { type Instant, isBefore } from '../core/calendar';
import type { Money } from '../core/money';
import { done, type Result } from '../core/result';
import { refuseCoupon, reserveCoupon } from '../coupons/apply-coupon.command';
import { billTenant } from '../invoicing/bill-tenant.command';
import type { CreditNote } from '../invoicing/credit-note';
import type { Invoice } from '../invoicing/invoice';
import type { MadeDocuments } from '../invoicing/made-documents';
import type { AddonSubscription } from '../subscriptions/addon-subscription';
import type { ScheduledPlanChange } from '../subscriptions/scheduled-plan-change';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { applyPlanChange } from './apply-plan-change.command';
import { creditsByTime } from './credit-policy';
import type { PlanChangeRequest } from './plan-change';
import { type LoadedPlanChange, loadPlanChange, planChangeRefusals } from './plan-change.query';
import { quoteChange, settledAs } from './plan-change-documents';
import type { PlanChangeProration } from './plan-change-proration';
import { type PlanChangeQuote, quoteMismatch, quoteProblem, requestText } from './quote';

export interface ChangePlanInput {
  readonly request: PlanChangeRequest;
  /** Verified by the caller: signature and shape. */
  readonly quote?: PlanChangeQuote | undefined;
}

export const changePlanRefusals = [...planChangeRefusals, 'QUOTE_INVALID', 'QUOTE_EXPIRED', 'QUOTE_STALE'] as const;
type Code = (typeof changePlanRefusals)[number];

export interface ChangePlanDone {
  readonly subscription: Subscription;
  /** As in the preview. */
  readonly net: Money;
  /** All that was issued, of what fell due before it too. */
  readonly documents: MadeDocuments;
  readonly proration?: PlanChangeProration | undefined;
  readonly invoice?: Invoice | undefined;
  readonly creditNote?: CreditNote | undefined;
  readonly scheduled?: ScheduledPlanChange | undefined;
  /** The attachments that it added, or that go on in another quantity. */
  readonly addons: readonly AddonSubscription[];
}

async function schedule(
  tx: Tx,
  loaded: LoadedPlanChange,
  request: PlanChangeRequest,
  net: Money,
): Promise<Result<ChangePlanDone, Code>> {
  const { subscription, target, change, coupon } = loaded;
  const reserved = coupon && (await reserveCoupon(tx, coupon, subscription.id));
  if (coupon && !reserved) return refuseCoupon(['COUPON_USED_UP'], 'coupon');
  if (coupon && reserved) {
    await tx.emit({ type: 'coupon.applied', payload: { pendingCoupon: reserved, code: coupon.code } });
  }
  const scheduled: ScheduledPlanChange = {
    id: tx.newId(),
    tenantId: subscription.tenantId,
    subscriptionId: subscription.id,
    effectiveAt: change.at,
    planId: target.plan.id,
    planVersionId: target.version.id,
    priceId: target.priceId,
    quantity: target.quantity,
    options: {
      anchor: change.anchor,
      unavailableAddons: request.unavailableAddons ?? 'CANCEL_AND_CREDIT',
      ...settledAs(request),
      keepRunningDiscounts: request.keepRunningDiscounts ?? false,
      pendingCouponId: reserved?.id,
      creditsByTime: creditsByTime(
        (await tx.creditPolicies.current(subscription.partnerId)).creditBasis,
        tx.account,
        change.anchor !== 'RESET',
      ),
    },
    createdAt: tx.now,
  };
  await tx.subscriptions.schedule(scheduled, subscription.partnerId);
  await tx.subscriptions.recordChange(subscription, {
    id: tx.newId<'SubscriptionChange'>(),
    kind: 'PLAN_CHANGE_SCHEDULED',
    happenedAt: tx.now,
    actorId: tx.actorId,
    facts: { to: target.plan.name, at: change.at.toString() },
  });
  await tx.emit({ type: 'subscription.plan_change_scheduled', payload: { subscription, scheduled } });
  return done({ subscription, net, scheduled, documents: tx.documents.made(), addons: [] });
}

const attachedSince = async (tx: Tx): Promise<Instant[]> =>
  (await tx.addonSubscriptions.live(tx.tenant.id)).map(({ startedAt }) => startedAt);

/**
 * Changes plan, interval, quantity and add-ons in one act: now, or without add-ons at the period's end or on a date of the
 * period. With a quote the money is what was quoted to the cent, or the call is refused with the difference.
 */
export async function changePlan(tx: Tx, input: ChangePlanInput): Promise<Result<ChangePlanDone, Code>> {
  await tx.tenants.lock(tx.tenant.id);
  const problem = quoteProblem(input.quote, { tenantId: tx.tenant.id, now: tx.now });
  if (problem) return problem;
  await billTenant(tx);
  const { request, quote } = input;
  const live = await tx.subscriptions.live(tx.tenant.id);
  // What it was decided from is gone: another period, or another phase of the plan or of an add-on, has begun since.
  const begun = [live?.periodStart, live?.item.startedAt, ...(await attachedSince(tx))];
  const isPast = begun.some((start) => quote && start && isBefore(quote.at, start));
  const loaded = await loadPlanChange(tx, tx.tenant, request, {
    at: isPast ? undefined : quote?.at,
    lock: true,
  });
  if (!loaded.ok) return loaded;
  const { total, net } = quoteChange(loaded.value, settledAs(request));
  const asked = requestText(request, loaded.value);
  const mismatch = quoteMismatch(quote, { request: asked, total, isPast });
  if (mismatch) return mismatch;
  if (loaded.value.waits) return schedule(tx, loaded.value, request, net);
  const applied = await applyPlanChange(tx, loaded.value, settledAs(request));
  if (!applied) return refuseCoupon(['COUPON_USED_UP'], 'coupon');
  const addons = loaded.value.change.attachments.flatMap(({ next }) => (next ? [next] : []));
  return done({ ...applied, net, addons, documents: tx.documents.made() });
}
