import { type Instant, isAtOrBefore, isBefore, type LocalDate, laterOf } from '../core/calendar';
import type { Period } from '../core/period';
import type { PendingCoupon } from '../coupons/pending-coupon';
import { pastOf } from '../coupons/validate-coupon.query';
import { type LateCredit, loadLateCredits } from '../proration/late-credits.query';
import type { AllowanceLeft } from '../proration/unused-allowance';
import { type AllowanceTx, loadAllowancesLeft, type WindowsEnded, without } from '../proration/unused-allowance.query';
import type { UsageBill } from '../rating/usage-bill';
import { type ForeseenUsage, loadUsageBill, type UsageBillTx } from '../rating/usage-bill.query';
import type { AddonSubscription } from '../subscriptions/addon-subscription';
import type { Subscription } from '../subscriptions/subscription';
import { loadTaxInput, type TaxedDocument } from '../tax/taxes-of-lines.query';
import type { Tx } from '../tx';
import { withNewAnchor } from '../usage/metering-window';
import { assemblePeriodInvoice, type JoinedAddon, type PeriodInvoice } from './assemble-invoice';
import { type ClosedPeriod, closedBy, periodOf } from './billed-period';
import { wasCharged } from './item-charge';
import type { Closing } from './planned-document';

export type PeriodInvoiceTx = AllowanceTx &
  Pick<
    Tx,
    | 'partners'
    | 'plans'
    | 'addons'
    | 'addonSubscriptions'
    | 'pendingCoupons'
    | 'coupons'
    | 'itemCharges'
    | 'taxes'
    | 'invoices'
    | 'unusedCredits'
  > &
  UsageBillTx;

/** Which part of a subscription's time is billed. */
export interface BilledTime {
  /** The new period; of a subscription's end, the one that it ends in. */
  readonly period: Period;
  /** Later than the period's start only for a first, shorter period. */
  readonly from: Instant;
  /** The period that has ended, and where it did. */
  readonly closed?: ClosedPeriod | undefined;
  /** Nothing begins any more: what is left to bill, and no fixed price. It says which windows that ends. */
  readonly closing?: WindowsEnded | undefined;
}

/** What will be different by then, for a preview of what is yet to come. */
export interface Foreseen {
  readonly attachments?: (live: readonly AddonSubscription[]) => readonly AddonSubscription[];
  readonly coupons?: (queued: readonly PendingCoupon[]) => readonly PendingCoupon[];
  readonly usage?: ForeseenUsage;
}

export interface AssembledPeriod extends PeriodInvoice, TaxedDocument {
  readonly usage: UsageBill;
  readonly lateCredits: readonly LateCredit[];
  readonly catalogIds: ReadonlyMap<string, string>;
}

/** Loads what a period's invoice is made of, and assembles it. Who previews and who bills ask the same. */
export async function assembleFor(
  tx: PeriodInvoiceTx,
  subscription: Subscription,
  time: BilledTime,
  foreseen?: Foreseen,
): Promise<AssembledPeriod> {
  const { tenantId, item, currency, timeZone } = subscription;
  const { period, from, closed, closing } = time;
  const opened = closing ? undefined : { start: from, end: period.end };
  const [partner, plans, known, pendings, billed, lateCredits] = await Promise.all([
    tx.partners.byId(subscription.partnerId),
    tx.plans.byIds([item.planId]),
    tx.addonSubscriptions.liveOrStartedSince(tenantId, closed?.period.start ?? from),
    tx.pendingCoupons.live(tenantId),
    loadUsageBill(
      tx,
      subscription,
      { opened, closed: closed && { start: closed.period.start, end: closed.until }, after: from },
      foreseen?.usage,
    ),
    loadLateCredits(tx, subscription),
  ]);
  const usage = { ...billed, late: [...billed.late, ...lateCredits.map(({ line }) => line)] };
  const live = known.filter(({ endedAt }) => endedAt === undefined);
  const attachments = (foreseen?.attachments?.(live) ?? live).filter(
    ({ endsAt }) => !endsAt || isBefore(period.start, endsAt),
  );
  const queued = foreseen?.coupons?.(pendings) ?? pendings;
  const joined = closed ? await joinedIn(tx, known, subscription, closed) : [];
  const [ofAddons, ofCoupons, accounts] = await Promise.all([
    tx.addons.byIds([...new Set([...attachments, ...joined].map(({ addonId }) => addonId))]),
    tx.coupons.byIds(queued.map(({ couponId }) => couponId)),
    closed && joined.length > 0
      ? tx.itemCharges.accounts(tenantId, subscription.id, closed.period.start, currency, subscription.prorationBasis)
      : undefined,
  ]);
  const addons = new Map(ofAddons.map((addon) => [addon.id, addon]));
  const coupons = new Map(ofCoupons.map((coupon) => [coupon.id, coupon]));
  const waiting = queued.filter(({ status }) => status === 'PENDING').map(({ couponId }) => coupons.get(couponId)!);
  const past = await pastOf(tx, tenantId, waiting);
  const named = (attachment: AddonSubscription): JoinedAddon => ({
    attachment,
    name: addons.get(attachment.addonId)!.name,
  });
  const catalogIds = new Map<string, string>([
    [item.id, item.planId],
    ...[...attachments, ...joined].map(({ id, addonId }) => [id, addonId] as const),
  ]);
  const usedBy = [...usage.lines, ...usage.late].map(({ itemId }) => itemId);
  const tax = await loadTaxInput(tx, subscription, laterOf(from, period.start), usedBy, catalogIds);
  const uncharged = joined.filter(({ id }) => !wasCharged(accounts?.get(id)));
  const invoice = assemblePeriodInvoice({
    ...{ currency, timeZone, period, from, usage, tax },
    closing: closing !== undefined,
    closed: closed?.period,
    basis: subscription.prorationBasis,
    couponOrder: partner!.couponOrder,
    plan: { item, name: plans[0]!.name },
    addons: attachments.map(named),
    joined: uncharged.map(named),
    allowances: closed && (await allowancesOfEnded(tx, subscription, uncharged, { closed, from, closing })),
    coupons: queued.map((pending) => {
      const coupon = coupons.get(pending.couponId)!;
      return { pending, coupon, past: past(coupon) };
    }),
  });
  return { ...invoice, usage, lateCredits, catalogIds, decision: tax.decision };
}

/** What waited for an invoice and ended before it came: as its credit would have been at that instant. */
async function allowancesOfEnded(
  tx: PeriodInvoiceTx,
  subscription: Subscription,
  joined: readonly AddonSubscription[],
  { closed, from, closing }: Pick<BilledTime, 'from' | 'closing'> & { readonly closed: ClosedPeriod },
): Promise<ReadonlyMap<string, AllowanceLeft>> {
  const found = new Map<string, AllowanceLeft>();
  for (const { id: itemId, startedAt, endedAt } of joined) {
    const at = endedAt ?? (closing && from);
    if (!at || !isBefore(at, closed.period.end)) continue;
    const { shares } = await loadAllowancesLeft(tx, subscription, {
      ...{ at, isPast: endedAt !== undefined, byActor: false, lock: false },
      windows: endedAt ? 'NONE' : (closing ?? 'NONE'),
      items: [{ itemId, startedAt, period: closed.period }],
      after: without([itemId]),
    });
    for (const one of shares) found.set(...one);
  }
  return found;
}

export type AssembledClosing = AssembledPeriod & Closing;

async function assembleClosing(
  tx: PeriodInvoiceTx,
  subscription: Subscription,
  until: Instant,
  reason: AssembledClosing['reason'],
  foreseen?: Foreseen,
): Promise<AssembledClosing | undefined> {
  const closed = closedBy(subscription, until);
  if (!closed) return undefined;
  const closing = reason === 'FINAL' ? 'SUBSCRIPTION' : 'ANCHOR';
  const time = { period: closed.period, from: until, closed, closing } as const;
  return { ...(await assembleFor(tx, subscription, time, foreseen)), reason };
}

/** What is left to bill when a subscription ends. `undefined`: nothing can be, as in a trial. */
export function assembleFinal(tx: PeriodInvoiceTx, subscription: Subscription, until: Instant) {
  return assembleClosing(tx, subscription, until, 'FINAL');
}

/** What is left to bill of a subscription that has ended: what came late, or what a void invoice took back. */
export function assembleAfterEnd(tx: PeriodInvoiceTx, subscription: Subscription, at: Instant) {
  const time = { period: periodOf(subscription), from: at, closing: 'SUBSCRIPTION' } as const;
  return assembleFor(tx, subscription, time, { coupons: () => [] });
}

/**
 * What is left to bill of the period that a new anchor ends: what was used before it, in windows that end with it. A new
 * period begins in the same moment: coupons are for its invoice and the change's own, not for a third one.
 */
export function assembleReset(
  tx: PeriodInvoiceTx,
  subscription: Subscription,
  { at, after }: { readonly at: Instant; readonly after: { readonly anchorDate: LocalDate } },
) {
  return assembleClosing(tx, subscription, at, 'PLAN_CHANGE', {
    coupons: () => [],
    usage: { spans: (spans) => withNewAnchor(spans, at, after.anchorDate) },
  });
}

/**
 * What joined the closed period. A period that a new anchor began starts at its day's midnight, the day's earlier hours were in
 * the period before it: what joined and left in those was billed there.
 */
async function joinedIn(
  tx: Pick<Tx, 'meteringSpans'>,
  known: readonly AddonSubscription[],
  subscription: Subscription,
  closed: ClosedPeriod,
): Promise<AddonSubscription[]> {
  const joined = known.filter((attachment) => joinedWithin(attachment, subscription, closed));
  if (joined.every(({ endedAt }) => !endedAt)) return joined;
  const spans = await tx.meteringSpans.of(subscription.tenantId, subscription.id);
  const begins = spans.findLast(
    ({ start }) => isBefore(closed.period.start, start) && isBefore(start, closed.until),
  )?.start;
  return joined.filter(({ endedAt }) => !(begins && endedAt && isAtOrBefore(endedAt, begins)));
}

/** Attached after the period began, so that its own account says whether that was invoiced at once. Ours to bill, that is. */
function joinedWithin(
  { subscriptionId, startedAt, billedBy }: AddonSubscription,
  subscription: Subscription,
  { period, until }: ClosedPeriod,
): boolean {
  if (billedBy !== 'TOLLGATE') return false;
  return subscriptionId === subscription.id && isAtOrBefore(period.start, startedAt) && isBefore(startedAt, until);
}
