import { dateAt, type Instant, isAtOrBefore, isBefore } from '../core/calendar';
import { invariant } from '../core/invariant';
import { type Period, periodAt } from '../core/period';
import { afterUse } from '../coupons/pending-coupon';
import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import { applyPlanChange } from '../proration/apply-plan-change.command';
import { loadPlanChange } from '../proration/plan-change.query';
import type { AddonEndKind, AddonSubscription } from '../subscriptions/addon-subscription';
import type { ScheduledPlanChange } from '../subscriptions/scheduled-plan-change';
import { type Subscription, scheduleOf } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { assemblePeriodInvoice, type PeriodInvoice } from './assemble-invoice';
import type { Invoice, InvoiceReason } from './invoice';
import { issueInvoice } from './issue-invoice.command';

/** A jump over more than this many due events is refused rather than done: it is a mistake in a date. */
export const maximumDueEvents = 2_000;

export interface Billed {
  readonly invoices: readonly Invoice[];
  /** Due events that were carried out: changes, ends, renewals. */
  readonly events: number;
}

/** Loads what a period's invoice is made of, and assembles it. */
export async function assembleFor(
  tx: Pick<Tx, 'partners' | 'plans' | 'addons' | 'addonSubscriptions' | 'pendingCoupons' | 'coupons'>,
  subscription: Subscription,
  period: Period,
  from: Instant,
): Promise<PeriodInvoice> {
  const { tenantId, item, currency, timeZone } = subscription;
  const partner = (await tx.partners.byId(subscription.partnerId))!;
  const plan = (await tx.plans.byIds([item.planId]))[0]!;
  const attachments = (await tx.addonSubscriptions.live(tenantId)).filter(
    (attachment) => !attachment.endsAt || isBefore(period.start, attachment.endsAt),
  );
  const addons = new Map(
    (await tx.addons.byIds(attachments.map((attachment) => attachment.addonId))).map((addon) => [addon.id, addon]),
  );
  const queued = await tx.pendingCoupons.live(tenantId);
  const coupons = new Map(
    (await tx.coupons.byIds(queued.map((pending) => pending.couponId))).map((row) => [row.id, row]),
  );
  return assemblePeriodInvoice({
    ...{ currency, timeZone, period, from },
    basis: subscription.prorationBasis,
    couponOrder: partner.couponOrder,
    plan: { item, name: plan.name },
    addons: attachments.map((attachment) => ({ attachment, name: addons.get(attachment.addonId)!.name })),
    coupons: queued.map((pending) => ({ pending, coupon: coupons.get(pending.couponId)! })),
  });
}

/** Bills one period: the invoice, the coupons it used, the reservations that ran out. */
export async function billPeriod(
  tx: Tx,
  subscription: Subscription,
  period: Period,
  from: Instant,
  reason: InvoiceReason,
): Promise<Invoice> {
  const { lines, uses, expired } = await assembleFor(tx, subscription, period, from);
  const span = { start: period.start, end: period.end };
  const invoice = await issueInvoice(tx, { subscription, kind: 'PERIOD', reason, lines, period: span });
  for (const { queued, discount } of uses) {
    const used = { ...afterUse(queued.pending, queued.coupon, tx.now), subscriptionId: subscription.id };
    await tx.pendingCoupons.update(used);
    await tx.pendingCoupons.insertRedemption({
      id: tx.newId<'CouponRedemption'>(),
      tenantId: subscription.tenantId,
      partnerId: subscription.partnerId,
      couponId: queued.coupon.id,
      pendingCouponId: queued.pending.id,
      subscriptionId: subscription.id,
      invoiceId: invoice.id,
      periodNumber: used.periodsApplied,
      discount,
      isProrationInvolved: false,
      redeemedAt: tx.now,
    });
  }
  for (const { pending } of expired) {
    await tx.pendingCoupons.update({ ...pending, status: 'EXPIRED', endedAt: tx.now });
    await tx.coupons.giveBack(pending.couponId);
  }
  return invoice;
}

async function recordChange(
  tx: Tx,
  subscription: Subscription,
  kind: Parameters<Tx['subscriptions']['recordChange']>[1]['kind'],
  happenedAt: Instant,
  facts: Record<string, string>,
) {
  await tx.subscriptions.recordChange(subscription, {
    id: tx.newId<'SubscriptionChange'>(),
    ...{ kind, happenedAt, facts },
    actorId: tx.actorId,
  });
}

export async function endAttachment(
  tx: Tx,
  subscription: Subscription,
  attachment: AddonSubscription,
  at: Instant,
  endKind: AddonEndKind,
): Promise<AddonSubscription> {
  const ended = await tx.addonSubscriptions.update({ ...attachment, endedAt: at, endKind });
  const addon = (await tx.addons.byIds([attachment.addonId]))[0]!;
  await recordChange(tx, subscription, 'ADDON_ENDED', at, { addon: addon.name, because: endKind });
  return ended;
}

/** Ends a subscription and all that hangs on it. Money was settled by the caller. */
export async function closeSubscription(tx: Tx, subscription: Subscription, at: Instant): Promise<Subscription> {
  await tx.subscriptions.endItem(subscription, subscription.item.id, at);
  for (const attachment of await tx.addonSubscriptions.live(subscription.tenantId)) {
    await endAttachment(tx, subscription, attachment, at, 'SUBSCRIPTION_ENDED');
  }
  for (const pending of await tx.pendingCoupons.live(subscription.tenantId)) {
    const waiting = pending.status === 'PENDING';
    await tx.pendingCoupons.update({ ...pending, status: waiting ? 'REMOVED' : 'ENDED', endedAt: at });
    if (waiting) await tx.coupons.giveBack(pending.couponId);
  }
  const scheduled = await tx.subscriptions.scheduled(subscription.tenantId, subscription.id);
  if (scheduled) await tx.subscriptions.closeScheduled(subscription.tenantId, scheduled.id, 'CANCELLED');
  const closed = await tx.subscriptions.update({ ...subscription, status: 'CANCELLED', cancelledAt: at });
  await recordChange(tx, closed, 'CANCELLED', at, { reason: subscription.cancelReason ?? '' });
  await rebuildEntitlements(tx);
  await tx.emit({ type: 'subscription.cancelled', payload: { subscription: closed } });
  return closed;
}

/** Carries out a plan change that waited. A coupon or add-on that no longer fits does not stop it. */
async function applyScheduled(tx: Tx, subscription: Subscription, scheduled: ScheduledPlanChange): Promise<void> {
  const { options, planVersionId, priceId, effectiveAt: at } = scheduled;
  const reserved = options.pendingCouponId
    ? await tx.pendingCoupons.byId(subscription.tenantId, options.pendingCouponId)
    : undefined;
  // At the period's end the coupon waits on for the renewal's invoice; within the period it takes from this change.
  const usesCoupon = reserved?.status === 'PENDING' && isBefore(at, subscription.periodEnd);
  const coupon = usesCoupon ? (await tx.coupons.byIds([reserved.couponId]))[0] : undefined;
  const price = (await tx.plans.versionById(planVersionId))?.prices.find((candidate) => candidate.id === priceId);
  const plan = (await tx.plans.byIds([scheduled.planId]))[0];
  invariant(price && plan, 'a scheduled plan change points at nothing');
  const loaded = await loadPlanChange(
    tx,
    { ...tx.tenant, now: at },
    {
      plan: plan.code,
      interval: price.interval,
      quantity: Number(scheduled.quantity),
      anchor: options.anchor,
      keepRunningDiscounts: options.keepRunningDiscounts,
      // What cannot be kept ends with a credit: there is nobody left to ask.
      unavailableAddons: options.unavailableAddons === 'REFUSE' ? 'CANCEL_AND_CREDIT' : options.unavailableAddons,
    },
    { at, pinned: { planVersionId, priceId, coupon } },
  );
  invariant(loaded.ok, `a scheduled plan change was refused: ${loaded.ok ? '' : loaded.refusal.code}`);
  await tx.subscriptions.closeScheduled(subscription.tenantId, scheduled.id, 'APPLIED');
  await applyPlanChange(tx, loaded.value, {
    waived: options.waived,
    settlement: options.settlement,
    reserved: usesCoupon ? reserved : undefined,
  });
}

async function renew(tx: Tx, subscription: Subscription): Promise<Invoice> {
  const at = subscription.periodEnd;
  for (const attachment of await tx.addonSubscriptions.live(subscription.tenantId)) {
    if (attachment.endsAt && isAtOrBefore(attachment.endsAt, at)) {
      await endAttachment(tx, subscription, attachment, attachment.endsAt, 'CANCELLED');
    }
  }
  const period = periodAt(scheduleOf(subscription), subscription.periodIndex + 1);
  invariant(
    period.start.epochMilliseconds === at.epochMilliseconds,
    'a period does not begin where the last one ended',
  );
  const invoice = await billPeriod(
    tx,
    subscription,
    period,
    period.start,
    subscription.trialEnd && subscription.status === 'TRIALING' ? 'START' : 'RENEWAL',
  );
  const renewed = await tx.subscriptions.update({
    ...subscription,
    status: subscription.status === 'TRIALING' ? 'ACTIVE' : subscription.status,
    periodIndex: period.index,
    periodStart: period.start,
    periodEnd: period.end,
  });
  await recordChange(tx, renewed, 'RENEWED', at, {
    period: `${period.startDate} – ${period.endDate}`,
    invoice: invoice.number,
  });
  await rebuildEntitlements(tx);
  await tx.emit({ type: 'subscription.renewed', payload: { subscription: renewed, invoice: invoice.number } });
  return invoice;
}

/**
 * Carries out what is due up to an instant, in the order of time: scheduled changes, ends of attachments, the
 * subscription's end, renewals. Each missed period is billed once, in order. Idempotent: what was done moved the
 * subscription's own period on, and the database forbids a second invoice for a period.
 */
export async function billTenant(tx: Tx, until: Instant = tx.now): Promise<Billed> {
  await tx.tenants.lock(tx.tenant.id);
  const invoices: Invoice[] = [];
  const { sandbox } = tx.tenant;
  let events = 0;
  for (; events <= maximumDueEvents; events += 1) {
    const subscription = await tx.subscriptions.live(tx.tenant.id);
    if (!subscription) break;
    const scheduled = await tx.subscriptions.scheduled(tx.tenant.id, subscription.id);
    const ending = (await tx.addonSubscriptions.live(tx.tenant.id)).find(
      (attachment) =>
        attachment.endsAt &&
        isBefore(attachment.endsAt, subscription.periodEnd) &&
        isAtOrBefore(attachment.endsAt, until),
    );
    const next = scheduled && isAtOrBefore(scheduled.effectiveAt, subscription.periodEnd) ? scheduled : undefined;
    // A sandbox lives through its events at their own time; a live tenant's documents carry the time they were made.
    const at = (instant: Instant) => sandbox && tx.atTime(instant);
    if (ending?.endsAt && (!next || isAtOrBefore(ending.endsAt, next.effectiveAt))) {
      at(ending.endsAt);
      await endAttachment(tx, subscription, ending, ending.endsAt, 'CANCELLED');
      await rebuildEntitlements(tx);
    } else if (
      subscription.cancelAt &&
      isAtOrBefore(subscription.cancelAt, until) &&
      (!next || isAtOrBefore(subscription.cancelAt, next.effectiveAt))
    ) {
      at(subscription.cancelAt);
      await closeSubscription(tx, subscription, subscription.cancelAt);
    } else if (next && isAtOrBefore(next.effectiveAt, until)) {
      at(next.effectiveAt);
      await applyScheduled(tx, subscription, next);
    } else if (isAtOrBefore(subscription.periodEnd, until)) {
      at(subscription.periodEnd);
      invoices.push(await renew(tx, subscription));
    } else break;
  }
  invariant(
    events <= maximumDueEvents,
    `more than ${maximumDueEvents} due events before ${dateAt(until, tx.tenant.timeZone)}`,
  );
  if (sandbox && events > 0) tx.atTime(until);
  return { invoices, events };
}
