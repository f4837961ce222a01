import type { TenantContext } from '../access/tenant';
import { type Instant, isAtOrBefore, laterOf } from '../core/calendar';
import { isZero, type Money, smaller, subtract } from '../core/money';
import { type Period, periodAfter } from '../core/period';
import { afterUse, type PendingCoupon } from '../coupons/pending-coupon';
import type { PlanChangeTx } from '../proration/plan-change.query';
import { plannedDocuments, type SettledAs } from '../proration/plan-change-documents';
import { type LoadedScheduledChange, loadScheduledPlanChange } from '../proration/scheduled-plan-change.query';
import { afterChange } from '../proration/source-change';
import { type Subscription, scheduleOf } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { withNewAnchor } from '../usage/metering-window';
import { closedBy, periodOf } from './billed-period';
import { type InvoiceReason, type InvoiceTotals, type LineDraft, type TimeSpan, totalsOf } from './invoice';
import {
  assembleAfterEnd,
  assembleFor,
  type BilledTime,
  type Foreseen,
  type PeriodInvoiceTx,
} from './period-invoice.query';
import { type PlannedDocument, payableOf } from './planned-document';

export interface UpcomingInvoice extends InvoiceTotals {
  readonly kind: PlannedDocument['kind'];
  readonly reason: Extract<InvoiceReason, 'START' | 'RENEWAL' | 'FINAL' | 'PLAN_CHANGE'>;
  /** When it will be issued. */
  readonly dueAt: Instant;
  /** The period that it begins; none for a final invoice, or for what a plan change makes. */
  readonly period?: TimeSpan | undefined;
  readonly lines: readonly LineDraft[];
  /** What the credit balance as it is now would pay of it. */
  readonly creditApplied: Money;
  readonly amountDue: Money;
}

export type UpcomingInvoiceTx = PeriodInvoiceTx & PlanChangeTx & Pick<Tx, 'creditNotes'>;

/** The subscription, its add-ons, coupons and sources as a plan change that waits will leave them. */
function afterScheduled(
  subscription: Subscription,
  { loaded }: LoadedScheduledChange,
): { subscription: Subscription; foreseen: Foreseen } {
  const { change, target, sources } = loaded;
  const { at, after } = change;
  const { plan, version, itemId: id, priceId, interval, unitAmount, quantity } = target;
  const item = {
    id,
    planId: plan.id,
    planVersionId: version.id,
    priceId,
    interval,
    unitAmount,
    quantity,
    startedAt: at,
  };
  const outcomes = new Map(change.attachments.map((outcome) => [outcome.attachment.id, outcome]));
  const endedCoupons = new Set(change.endingCoupons.map(({ pending }) => pending?.id));
  const usedUp = new Map(
    change.couponUses.flatMap(({ pending, coupon, discount, counts }) =>
      pending && counts && !isZero(discount)
        ? [[pending.id, afterUse(pending, coupon, at, after.interval)] as const]
        : [],
    ),
  );
  return {
    subscription: {
      ...subscription,
      ...{ item, interval: after.interval, anchorDate: after.anchorDate, periodIndex: after.index },
      ...(subscription.status === 'TRIALING' ? {} : { periodStart: after.span.start, periodEnd: after.span.end }),
      prorationBasis: plan.prorationBasis ?? subscription.prorationBasis,
    },
    foreseen: {
      attachments: (live) =>
        live
          .filter((attachment) => !sources.endedIds.has(attachment.id))
          .map((attachment) => {
            const price = outcomes.get(attachment.id)?.price;
            return price
              ? { ...attachment, interval: target.interval, priceId: price.id, unitAmount: price.amount }
              : attachment;
          }),
      coupons: (queued) =>
        queued
          .filter((pending) => !endedCoupons.has(pending.id))
          .map((pending) => usedUp.get(pending.id) ?? pending)
          .filter(({ status }: PendingCoupon) => status === 'PENDING' || status === 'RUNNING'),
      usage: {
        sources: (metered) => afterChange(metered, sources).filter(({ kind }) => kind === 'METERED'),
        spans: (spans) => (change.anchor === 'RESET' ? withNewAnchor(spans, at, after.anchorDate) : spans),
      },
    },
  };
}

/** The first document of a plan change that waits: its own, or what is left to bill of the period that it ends. */
function ofChange({ loaded }: LoadedScheduledChange, options: SettledAs, balance: Money): UpcomingInvoice | undefined {
  const [first] = plannedDocuments(loaded, options);
  if (!first) return undefined;
  const { lines } = first.document;
  return {
    ...totalsOf(lines, balance.currency),
    ...payableOf([first], balance),
    ...{ kind: first.kind, reason: 'PLAN_CHANGE', lines, dueAt: loaded.change.at },
  };
}

/** A further final invoice: what came late for a subscription that has ended, or what a void invoice took back. */
async function upcomingAfterEnd(tx: UpcomingInvoiceTx, tenant: TenantContext): Promise<UpcomingInvoice | undefined> {
  const awaited = await tx.billedUsage.awaitedAfterEnd(tenant.id);
  const ended = awaited && (await tx.subscriptions.latest(tenant.id));
  if (!ended) return undefined;
  const dueAt = laterOf(awaited, tenant.now);
  const { lines, totals } = await assembleAfterEnd(tx, ended, dueAt);
  if (lines.length === 0) return undefined;
  const creditApplied = smaller(await tx.creditNotes.balance(tenant.id, ended.currency), totals.total);
  const amountDue = subtract(totals.total, creditApplied);
  return { ...totals, kind: 'INVOICE', reason: 'FINAL', lines, dueAt, creditApplied, amountDue };
}

/**
 * The next document as it would be if nothing more happened, whatever its reason: what is scheduled taken into account, usage
 * as it stands. The very load and assembly of the acts that issue them, without the save.
 */
export async function upcomingInvoice(tx: UpcomingInvoiceTx, tenantId: string): Promise<UpcomingInvoice | undefined> {
  const tenant = await tx.tenantFor(tenantId);
  const live = tenant && (await tx.subscriptions.live(tenant.id));
  if (!live) return tenant && upcomingAfterEnd(tx, tenant);
  const scheduled = await tx.subscriptions.scheduled(tenant.id, live.id);
  // What ends the subscription at the same instant comes first.
  const isDue =
    scheduled &&
    isAtOrBefore(scheduled.effectiveAt, live.periodEnd) &&
    !(live.cancelAt && isAtOrBefore(live.cancelAt, scheduled.effectiveAt));
  const balance = await tx.creditNotes.balance(tenant.id, live.currency);
  const change = isDue ? await loadScheduledPlanChange(tx, tenant, live, scheduled) : undefined;
  const ofItself = change && scheduled && ofChange(change, scheduled.options, balance);
  if (ofItself) return ofItself;
  const { subscription, foreseen } = change
    ? afterScheduled(live, change)
    : { subscription: live, foreseen: undefined };
  const { cancelAt, periodEnd } = subscription;
  const isFinal = cancelAt !== undefined && isAtOrBefore(cancelAt, periodEnd);
  const dueAt = isFinal ? cancelAt : periodEnd;
  // A new anchor at the period's end: what was used by then, if anything, was on an invoice of its own.
  const isClosedApart =
    change?.loaded.change.anchor === 'RESET' && isAtOrBefore(live.periodEnd, change.loaded.change.at);
  const closed = isClosedApart ? undefined : closedBy(subscription, dueAt);
  const next: Period = isFinal
    ? periodOf(subscription)
    : periodAfter(scheduleOf(subscription), subscription.periodIndex);
  const time: BilledTime = {
    period: next,
    from: laterOf(next.start, dueAt),
    closed,
    closing: isFinal ? 'SUBSCRIPTION' : undefined,
  };
  const { lines, totals } = await assembleFor(tx, subscription, time, foreseen);
  // An end with nothing left to bill makes no document.
  if (isFinal && lines.length === 0) return undefined;
  const creditApplied = smaller(balance, totals.total);
  return {
    ...totals,
    ...{ kind: 'INVOICE', lines, dueAt, creditApplied },
    reason: isFinal ? 'FINAL' : subscription.status === 'TRIALING' ? 'START' : 'RENEWAL',
    period: isFinal ? undefined : { start: next.start, end: next.end },
    amountDue: subtract(totals.total, creditApplied),
  };
}
