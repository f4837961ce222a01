import { groupBy } from '../core/group';
import { amountText, isZero, negate } from '../core/money';
import { reserveCoupon } from '../coupons/apply-coupon.command';
import { couponDiscountsOf } from '../coupons/coupon-discount';
import { afterUse, type PendingCoupon } from '../coupons/pending-coupon';
import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import { issueClosing } from '../invoicing/bill-period.command';
import { type CreditNote, noteOf, type Settlement } from '../invoicing/credit-note';
import { writePlannedNote } from '../invoicing/credit-unused.command';
import type { Invoice, LineDraft } from '../invoicing/invoice';
import { issueInvoice } from '../invoicing/issue-invoice.command';
import { refundProblem } from '../payments/refund-credit.command';
import { loadCarried } from '../rating/carried-usage.query';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { accountsWithoutMoney } from './carry-over';
import type { ChangeCouponUse } from './change-coupons';
import type { LoadedPlanChange } from './plan-change.query';
import { plannedChange } from './plan-change-documents';
import type { PlanChangeProration } from './plan-change-proration';
import { saveAttachments, savePhase } from './save-plan-change.command';

export interface AppliedPlanChange {
  readonly subscription: Subscription;
  /** None where only add-ons change. */
  readonly proration?: PlanChangeProration | undefined;
  readonly invoice?: Invoice | undefined;
  readonly creditNote?: CreditNote | undefined;
}

export interface ApplyOptions {
  readonly waived: boolean;
  readonly settlement: Settlement;
  /** A coupon that was reserved when the change was scheduled. */
  readonly reserved?: PendingCoupon | undefined;
}

interface Settled {
  readonly settlement: PlanChangeProration['settlement'];
  readonly invoice?: Invoice;
  readonly creditNotes: readonly CreditNote[];
}

/** Writes the documents of a change, and moves the accounts where there is none. */
async function settle(tx: Tx, loaded: LoadedPlanChange, options: ApplyOptions): Promise<Settled> {
  const { subscription, change, split, accounts } = loaded;
  // Nothing is due either way, but the accounts move all the same: what was paid is now for the new item.
  const carryOver = (carried: { readonly lines: readonly LineDraft[] }) =>
    tx.itemCharges.insert(subscription, accountsWithoutMoney(carried, subscription.currency, accounts), {}, tx.now);
  // The unused part of what coupons gave goes back with the items that it was given for.
  const credited = change.lines.filter(({ kind }) => kind === 'PRORATION_CREDIT');
  for (const lines of groupBy(credited, ({ share }) => `${share.remaining}/${share.total}`).values()) {
    const itemIds = lines.map(({ itemId }) => itemId);
    await tx.couponDiscounts.giveBack(subscription, itemIds, lines[0]!.share);
  }
  const { moves, offDue, own } = plannedChange(loaded, options);
  if (!moves) {
    await carryOver(change);
    return { settlement: options.waived ? 'WAIVED' : 'NONE', creditNotes: [] };
  }
  await tx.unusedCredits.insert(subscription, loaded.unused, tx.wallNow);
  const creditNotes: CreditNote[] = [];
  for (const planned of offDue) creditNotes.push(await writePlannedNote(tx, subscription, planned));
  if (!own) {
    await carryOver(split.rest);
    return { settlement: offDue.length > 0 ? 'OPEN_INVOICE' : 'NONE', creditNotes };
  }
  if (own.kind === 'CREDIT_NOTE') {
    const cannot = own.settlement === 'REFUND' && (await refundProblem(tx, subscription.tenantId, negate(own.total)));
    const settlement = own.settlement === 'REFUND' && !cannot ? 'REFUND' : 'CREDIT_BALANCE';
    const note = await writePlannedNote(tx, subscription, { ...own, settlement });
    return { settlement, creditNotes: [...creditNotes, note] };
  }
  const { document } = own;
  const invoice = await issueInvoice(tx, { subscription, kind: 'ONE_TIME', reason: own.reason, document });
  return { settlement: 'INVOICE', invoice, creditNotes };
}

/** One coupon's use by the change. A kept one that takes again in a period it was counted in uses up no other. */
async function redeem(
  tx: Tx,
  { subscription, change, planBefore, target, catalogIds }: LoadedPlanChange,
  { coupon, discount, lines, ...use }: ChangeCouponUse & { readonly pending: PendingCoupon },
  invoice: Invoice | undefined,
): Promise<void> {
  const pending = { ...use.pending, subscriptionId: subscription.id };
  const used = use.counts ? afterUse(pending, coupon, change.at, change.after.interval) : pending;
  await tx.pendingCoupons.update(used);
  await tx.pendingCoupons.insertRedemption({
    id: tx.newId<'CouponRedemption'>(),
    tenantId: subscription.tenantId,
    partnerId: subscription.partnerId,
    couponId: coupon.id,
    pendingCouponId: pending.id,
    subscriptionId: subscription.id,
    invoiceId: invoice?.id,
    periodNumber: used.periodsApplied,
    discount,
    isProrationInvolved: true,
    prorationAmount: discount,
    planIdBefore: planBefore.id,
    planIdAfter: target.plan.id,
    intervalBefore: subscription.interval,
    intervalAfter: target.interval,
    redeemedAt: change.at,
  });
  const about = { pendingCouponId: pending.id, periodNumber: used.periodsApplied, counts: use.counts };
  const given = couponDiscountsOf(lines, change.lines, catalogIds, { ...about, invoiceId: invoice?.id });
  await tx.couponDiscounts.insert(subscription, given, tx.now);
  const redeemed = { pendingCoupon: used, code: coupon.code, discount, invoice };
  await tx.emit({ type: 'coupon.redeemed', payload: redeemed });
}

/**
 * Saves a decided plan change: document, phases, attachments, coupons, audit row, entitlements, history. `undefined`: its
 * coupon was used up in this very moment.
 */
export async function applyPlanChange(
  tx: Tx,
  loaded: LoadedPlanChange,
  options: ApplyOptions,
): Promise<AppliedPlanChange | undefined> {
  const { subscription, change, target, planBefore, coupon } = loaded;
  const { at } = change;
  // The coupon before the partner's numbers, whatever documents follow: two changes at once never wait for each other.
  const named = coupon && (options.reserved ?? (await reserveCoupon(tx, coupon, subscription.id)));
  if (coupon && !named) return undefined;
  const { settlement, invoice, creditNotes } = await settle(tx, loaded, options);
  const creditNote = noteOf(creditNotes);
  for (const use of change.couponUses) {
    const pending = use.running ? use.pending : named;
    if (pending && !isZero(use.discount)) await redeem(tx, loaded, { ...use, pending }, invoice);
    // There was nothing that it could take from: it waits for the next invoice.
    else if (pending && pending !== use.pending) {
      await tx.emit({ type: 'coupon.applied', payload: { pendingCoupon: pending, code: use.coupon.code } });
    }
  }
  // A new anchor cuts the windows of usage anew: what was used before is billed by the old ones.
  if (change.anchor === 'RESET') {
    const carried = await loadCarried(tx, { at, anchor: true, lock: true });
    await tx.meteringSpans.begin(subscription, at, change.after.anchorDate, carried);
  }
  await issueClosing(tx, subscription, loaded.closing);
  await tx.couponDiscounts.lapse(
    subscription,
    change.lapsingCoupons.map(({ pending }) => pending!.id),
  );
  for (const { pending, coupon } of change.endingCoupons) {
    const ended = { ...pending!, status: 'ENDED', endedAt: at } as const;
    await tx.pendingCoupons.update(ended);
    await tx.emit({ type: 'coupon.ended', payload: { pendingCoupon: ended, code: coupon.code } });
  }

  const updated = loaded.planGoesOn ? subscription : await savePhase(tx, loaded);
  await saveAttachments(tx, loaded);
  if (loaded.planGoesOn) {
    await rebuildEntitlements(tx);
    return { subscription, invoice, creditNote };
  }

  const proration: PlanChangeProration = {
    id: tx.newId<'Proration'>(),
    tenantId: subscription.tenantId,
    partnerId: subscription.partnerId,
    subscriptionId: subscription.id,
    changedAt: at,
    planIdBefore: planBefore.id,
    planIdAfter: target.plan.id,
    intervalBefore: subscription.interval,
    intervalAfter: target.interval,
    quantityBefore: subscription.item.quantity,
    quantityAfter: target.quantity,
    share: change.share,
    anchor: change.anchor,
    unusedCredit: change.unusedCredit,
    newCharge: change.newCharge,
    couponDiscount: change.discount,
    net: change.net,
    waived: options.waived,
    settlement,
    invoiceId: invoice?.id,
    creditNoteId: creditNote?.id,
    couponId: loaded.coupon?.id,
    newPeriod: change.newPeriod,
    lines: change.lines.map(({ kind, description, amount, explanation }) => ({
      ...{ kind, description, explanation },
      amount: amountText(amount),
    })),
    actorId: tx.actorId,
    createdAt: tx.now,
  };
  await tx.prorations.insert(proration);
  await rebuildEntitlements(tx);
  const facts = {
    from: planBefore.name,
    to: target.plan.name,
    net: amountText(change.net),
    currency: change.net.currency,
    ...(isZero(change.net) ? {} : { settlement }),
  };
  await tx.subscriptions.recordChange(updated, {
    id: tx.newId<'SubscriptionChange'>(),
    kind: 'PLAN_CHANGED',
    happenedAt: at,
    actorId: tx.actorId,
    facts,
  });
  await tx.emit({ type: 'subscription.plan_changed', payload: { subscription: updated, proration } });
  return { subscription: updated, proration, invoice, creditNote };
}
