import { couponDiscountsOf } from '../coupons/coupon-discount';
import { afterUse } from '../coupons/pending-coupon';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import type { Invoice, InvoiceReason } from './invoice';
import { issueInvoice } from './issue-invoice.command';
import {
  type AssembledClosing,
  type AssembledPeriod,
  assembleAfterEnd,
  assembleFor,
  type BilledTime,
} from './period-invoice.query';

/** Issues what was assembled, and keeps what it used up: coupons, and the usage that is billed now. */
async function issue(
  tx: Tx,
  subscription: Subscription,
  assembled: AssembledPeriod,
  issued: Pick<Parameters<typeof issueInvoice>[1], 'kind' | 'reason' | 'period'>,
): Promise<Invoice> {
  const { uses, expired, usage, lateCredits, catalogIds } = assembled;
  const invoice = await issueInvoice(tx, { subscription, document: assembled, ...issued });
  for (const { queued, discount, lines } of uses) {
    const used = {
      ...afterUse(queued.pending, queued.coupon, tx.now, subscription.interval),
      subscriptionId: subscription.id,
    };
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
    const about = { pendingCouponId: used.id, periodNumber: used.periodsApplied, counts: true, invoiceId: invoice.id };
    const given = couponDiscountsOf(lines, assembled.lines, catalogIds, about);
    await tx.couponDiscounts.insert(subscription, given, tx.now);
    const redeemed = { pendingCoupon: used, code: queued.coupon.code, discount, invoice };
    await tx.emit({ type: 'coupon.redeemed', payload: redeemed });
  }
  for (const { pending, coupon } of expired) {
    const ended = { ...pending, status: 'EXPIRED', endedAt: tx.now } as const;
    await tx.pendingCoupons.update(ended);
    await tx.coupons.giveBack(pending.couponId);
    await tx.emit({ type: 'coupon.ended', payload: { pendingCoupon: ended, code: coupon.code } });
  }
  await tx.billedUsage.save(subscription, usage.billed, tx.wallNow);
  await tx.billedUsage.saveCharges(subscription, invoice.id, usage.charges);
  for (const { credit, owed } of lateCredits) {
    await tx.unusedCredits.lower(subscription.tenantId, credit.id, owed, tx.wallNow);
  }
  return invoice;
}

/** Bills one period: fixed prices of the new one, usage of the one that it follows. */
export async function billPeriod(
  tx: Tx,
  subscription: Subscription,
  time: BilledTime,
  reason: InvoiceReason,
): Promise<Invoice> {
  const assembled = await assembleFor(tx, subscription, time);
  const { start, end } = time.period;
  return issue(tx, subscription, assembled, { kind: 'PERIOD', reason, period: { start, end } });
}

/** Bills what is left of a period that ends before a new one is billed. Nothing is left: no invoice. */
export async function issueClosing(
  tx: Tx,
  subscription: Subscription,
  closing: AssembledClosing | undefined,
): Promise<Invoice | undefined> {
  if (!closing) return undefined;
  if (closing.lines.length === 0) {
    await tx.billedUsage.save(subscription, closing.usage.billed, tx.wallNow);
    return undefined;
  }
  return issue(tx, subscription, closing, { kind: 'ONE_TIME', reason: closing.reason });
}

/** Bills what is left of an ended subscription's usage: what came late, or what a void invoice took back. Nothing: no invoice. */
export async function billAfterEnd(tx: Tx, subscription: Subscription): Promise<Invoice | undefined> {
  const assembled = await assembleAfterEnd(tx, subscription, tx.now);
  if (assembled.lines.length > 0) return issue(tx, subscription, assembled, { kind: 'ONE_TIME', reason: 'FINAL' });
  await tx.billedUsage.save(subscription, assembled.usage.billed, tx.wallNow);
  return undefined;
}
