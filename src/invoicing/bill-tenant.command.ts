import { dateAt, type Instant, isAtOrBefore, isBefore, isSameInstant } from '../core/calendar';
import { invariant } from '../core/invariant';
import { periodAfter } from '../core/period';
import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import { tellStanding } from '../payments/apply-standing.command';
import { standingOfTenant } from '../payments/standing.query';
import { applyPlanChange } from '../proration/apply-plan-change.command';
import { loadScheduledPlanChange } from '../proration/scheduled-plan-change.query';
import { loadCarried } from '../rating/carried-usage.query';
import { endAttachment } from '../subscriptions/end-attachment.command';
import type { ScheduledPlanChange } from '../subscriptions/scheduled-plan-change';
import { type Subscription, scheduleOf } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { billAfterEnd, billPeriod, issueClosing } from './bill-period.command';
import { closedBy } from './billed-period';
import { creditEndingItems, endingAttachment } from './credit-ending-items.command';
import { endDependents } from './end-dependents.command';
import type { Invoice } from './invoice';
import { payFromBalance } from './pay-from-balance.command';
import { assembleFinal } from './period-invoice.query';

/** A jump over more than this many due events is refused rather than done: it is a mistake in a date. */
export const maximumDueEvents = 2_000;

export interface Billed {
  readonly invoices: readonly Invoice[];
  /** Due events that were carried out: changes, ends, renewals. */
  readonly events: number;
  /** It was asked to pause between two of them. */
  readonly paused?: boolean;
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

export interface ClosedSubscription {
  readonly subscription: Subscription;
  /** What was used up to the end. */
  readonly invoice?: Invoice | undefined;
}

/** Ends a subscription and all that hangs on it, and bills what was used. What is unused was settled by the caller. */
export async function closeSubscription(tx: Tx, subscription: Subscription, at: Instant): Promise<ClosedSubscription> {
  await payFromBalance(tx);
  const carried = await loadCarried(tx, { at, lock: true });
  const invoice = await issueClosing(tx, subscription, await assembleFinal(tx, subscription, at));
  // Usage that is being recorded at this moment is looked for once more when that has surely ended.
  await tx.billedUsage.awaitAfterEnd(subscription, at.add({ hours: 1 }));
  await tx.subscriptions.endItem(subscription, subscription.item.id, at);
  for (const attachment of await tx.addonSubscriptions.live(subscription.tenantId)) {
    await endAttachment(tx, subscription, attachment, { at, kind: 'SUBSCRIPTION_ENDED' });
  }
  await tx.stripeCheckouts.wakeUnattached(subscription.tenantId);
  const live = await tx.pendingCoupons.live(subscription.tenantId);
  const coupons = new Map((await tx.coupons.byIds(live.map(({ couponId }) => couponId))).map((row) => [row.id, row]));
  for (const pending of live) {
    const waiting = pending.status === 'PENDING';
    const ended = { ...pending, status: waiting ? 'REMOVED' : 'ENDED', endedAt: at } as const;
    await tx.pendingCoupons.update(ended);
    if (waiting) await tx.coupons.giveBack(pending.couponId);
    const { code } = coupons.get(pending.couponId)!;
    await tx.emit({ type: 'coupon.ended', payload: { pendingCoupon: ended, code } });
  }
  const scheduled = await tx.subscriptions.scheduled(subscription.tenantId, subscription.id);
  if (scheduled) await tx.subscriptions.closeScheduled(subscription.tenantId, scheduled.id, 'CANCELLED');
  // What was credited, or paid from the balance, may have ended a debt.
  const current = await tx.subscriptions.asItStands(subscription);
  const closed = await tx.subscriptions.update({ ...current, status: 'CANCELLED', cancelledAt: at });
  await tx.meteringSpans.carryAfter(closed.tenantId, closed.id, at, carried);
  await recordChange(tx, closed, 'CANCELLED', at, { reason: subscription.cancelReason ?? '' });
  await rebuildEntitlements(tx);
  await tx.emit({ type: 'subscription.cancelled', payload: { subscription: closed } });
  return { subscription: closed, invoice };
}

/**
 * What a provider bills has periods of its own: where one lasts longer than the subscription, its unused part is credited. Our
 * own items end with the period that was paid.
 */
async function creditProviderPeriods(tx: Tx, subscription: Subscription, at: Instant): Promise<void> {
  const attachments = (await tx.addonSubscriptions.live(subscription.tenantId)).filter(
    ({ providerPeriod }) => providerPeriod,
  );
  if (attachments.length === 0) return;
  const addons = new Map(
    (await tx.addons.byIds(attachments.map(({ addonId }) => addonId))).map((addon) => [addon.id, addon]),
  );
  const ending = attachments.map((attachment) => endingAttachment(attachment, addons.get(attachment.addonId)!.name));
  const credit = {
    reason: 'CANCELLATION',
    settlement: 'CREDIT_BALANCE',
    isLast: true,
    windows: 'SUBSCRIPTION',
  } as const;
  await creditEndingItems(tx, subscription, ending, at, credit);
}

/** Carries out a plan change that waited. */
async function applyScheduled(tx: Tx, subscription: Subscription, scheduled: ScheduledPlanChange): Promise<void> {
  const { loaded, reserved } = await loadScheduledPlanChange(tx, tx.tenant, subscription, scheduled, { lock: true });
  const { waived, settlement } = scheduled.options;
  await tx.subscriptions.closeScheduled(subscription.tenantId, scheduled.id, 'APPLIED');
  await applyPlanChange(tx, loaded, { waived, settlement, reserved });
}

async function renew(tx: Tx, subscription: Subscription): Promise<Invoice> {
  const at = subscription.periodEnd;
  const ending = (await tx.addonSubscriptions.live(subscription.tenantId)).filter(
    ({ endsAt }) => endsAt && isAtOrBefore(endsAt, at),
  );
  for (const attachment of ending) {
    await endAttachment(tx, subscription, attachment, { at: attachment.endsAt!, kind: 'CANCELLED' });
  }
  if (ending.length > 0) await endDependents(tx, subscription, at);
  const period = periodAfter(scheduleOf(subscription), subscription.periodIndex);
  invariant(isSameInstant(period.start, at), 'a period does not begin where the last one ended');
  const invoice = await billPeriod(
    tx,
    subscription,
    { period, from: period.start, closed: closedBy(subscription, at) },
    subscription.trialEnd && subscription.status === 'TRIALING' ? 'START' : 'RENEWAL',
  );
  // A trial ends: from now on the subscription stands as its tenant's debts say.
  const standing = subscription.status === 'TRIALING' ? await standingOfTenant(tx) : undefined;
  // What ended with an add-on may have been credited, and a debt with it.
  const current = ending.length > 0 ? await tx.subscriptions.asItStands(subscription) : subscription;
  const renewed = await tx.subscriptions.update({
    ...current,
    ...standing,
    periodIndex: period.index,
    periodStart: period.start,
    periodEnd: period.end,
  });
  await recordChange(tx, renewed, 'RENEWED', at, {
    period: `${period.startDate} – ${period.endDate}`,
    invoice: invoice.number,
  });
  // A new period by itself gives and takes nothing.
  if (ending.length > 0) await rebuildEntitlements(tx);
  await tx.emit({ type: 'subscription.renewed', payload: { subscription: renewed, invoice: invoice.number } });
  if (standing && standing.status !== 'ACTIVE') await tellStanding(tx, renewed);
  return invoice;
}

/** A subscription has ended and its final invoice was made: what was used in it and came late is on a further one. */
async function billLate(tx: Tx, until: Instant): Promise<Invoice | undefined> {
  if (!(await tx.billedUsage.takeAfterEnd(tx.tenant.id, until))) return undefined;
  const ended = await tx.subscriptions.latest(tx.tenant.id);
  return ended && billAfterEnd(tx, ended);
}

/**
 * Carries out what is due up to an instant, in the order of time: scheduled changes, ends of attachments, the
 * subscription's end, renewals. Each missed period is billed once, in order. Idempotent: what was done moved the
 * subscription's own period on, and the database forbids a second invoice for a period.
 *
 * @param pauses asked after each event: time may not go on before something outside is done
 */
export async function billTenant(tx: Tx, until: Instant = tx.now, pauses?: () => Promise<boolean>): Promise<Billed> {
  await tx.tenants.lock(tx.tenant.id);
  const invoices: Invoice[] = [];
  const { sandbox } = tx.tenant;
  let events = 0;
  for (; events <= maximumDueEvents; events += 1) {
    if (events > 0 && (await pauses?.())) return { invoices, events, paused: true };
    const subscription = await tx.subscriptions.live(tx.tenant.id);
    if (!subscription) {
      const late = await billLate(tx, until);
      if (!late) break;
      invoices.push(late);
      events += 1;
      break;
    }
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
      await endAttachment(tx, subscription, ending, { at: ending.endsAt, kind: 'CANCELLED' });
      await endDependents(tx, subscription, ending.endsAt);
      await rebuildEntitlements(tx);
    } else if (
      subscription.cancelAt &&
      isAtOrBefore(subscription.cancelAt, until) &&
      (!next || isAtOrBefore(subscription.cancelAt, next.effectiveAt))
    ) {
      at(subscription.cancelAt);
      await creditProviderPeriods(tx, subscription, subscription.cancelAt);
      const { invoice } = await closeSubscription(tx, subscription, subscription.cancelAt);
      if (invoice) invoices.push(invoice);
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
