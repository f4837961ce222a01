import { invariant } from '../core/invariant';
import { isZero, smaller, subtract } from '../core/money';
import { closeSubscription } from '../invoicing/bill-tenant.command';
import { creditSubscription } from '../invoicing/credit-ending-items.command';
import type { Invoice } from '../invoicing/invoice';
import { lowerDue } from '../invoicing/lower-due.command';
import type { Tx } from '../tx';
import { applyStanding } from './apply-standing.command';
import { isTooLittle } from './carried-payments';
import { afterFailure, type Collection } from './dunning';
import { afterOutcome, asCarried, type Charge, isNoCharge, type Payment, refundable } from './payment';
import { isAnswerOf } from './payment-method';
import type { ChargeOutcome } from './provider';
import { writeRefund } from './write-refund.command';

export interface SettlePaymentInput {
  readonly paymentId: string;
  readonly outcome: ChargeOutcome;
  /** It is the collection's turn, and the payment was waiting for its customer: if it still is, it has failed once more. */
  readonly isTurn?: boolean | undefined;
}

/**
 * Records what a provider said about a payment, whoever heard it: the call itself, an event, reconciliation. The payment only
 * moves forward, and what follows from a move follows once.
 */
export async function settlePayment(tx: Tx, input: SettlePaymentInput): Promise<Charge> {
  const { id: tenantId } = tx.tenant;
  await tx.tenants.lock(tenantId);
  const before = await tx.payments.chargeById(tenantId, input.paymentId);
  invariant(before, 'a payment that is settled is there');
  const after = afterOutcome(before, input.outcome, tx.now, tx.wallNow);
  // Heard before: most of what providers tell.
  if (after === before && !input.isTurn) return before;
  invariant(!before.carriedBy, 'a payment that is carried has no outcome of its own');
  const carried = after === before ? [] : (await tx.payments.carriedBy(before)).map((one) => asCarried(one, after));
  if (after !== before) for (const payment of [after, ...carried]) await tx.payments.update(payment);
  const moved = after.status !== before.status;
  const invoice = await tx.invoices.byId(tenantId, after.invoiceId);
  invariant(invoice, 'a payment is for an invoice');
  if (moved && after.status === 'SUCCEEDED') await succeed(tx, after, invoice);
  if (moved && after.status === 'DECLINED') {
    await tx.emit({ type: 'payment.failed', payload: { payment: after } });
    await fail(tx, invoice, after, input.isTurn);
  }
  // Where nobody can say, it has not failed: it may be paid.
  const stillWaits = input.isTurn && input.outcome.status === 'REQUIRES_ACTION';
  if (after.status === 'REQUIRES_ACTION' && (moved || stillWaits)) {
    if (moved) await tx.emit({ type: 'payment.action_required', payload: { payment: after } });
    await fail(tx, invoice, after, stillWaits);
  }
  if (moved) for (const payment of carried) await settleCarried(tx, payment);
  return (await tx.payments.chargeById(tenantId, after.id))!;
}

/** It came with the one that carries it, or waits on: that it did not come is nobody's failure. */
async function settleCarried(tx: Tx, payment: Charge): Promise<void> {
  const invoice = await tx.invoices.byId(payment.tenantId, payment.invoiceId);
  invariant(invoice, 'a payment is for an invoice');
  if (payment.status === 'SUCCEEDED') await succeed(tx, payment, invoice);
  if (payment.status === 'DECLINED') await tx.emit({ type: 'payment.failed', payload: { payment } });
  if (payment.status === 'REQUIRES_ACTION') await tx.emit({ type: 'payment.action_required', payload: { payment } });
}

async function succeed(tx: Tx, payment: Payment, invoice: Invoice): Promise<void> {
  await tx.emit({ type: 'payment.succeeded', payload: { payment } });
  const due = smaller(refundable(payment), invoice.amountDue);
  if (!isZero(due)) await lowerDue(tx, invoice, 'paid', due);
  // Paid in another way meanwhile, credited, or void: what was not due any more does not belong here and goes back.
  const surplus = subtract(refundable(payment), due);
  if (isZero(surplus)) return;
  await writeRefund(tx, payment, { amount: surplus, reason: isZero(due) ? 'PAID_TWICE' : 'OVERPAID' });
}

async function fail(tx: Tx, invoice: Invoice, payment: Charge, isTurn = false): Promise<void> {
  const { id: tenantId } = tx.tenant;
  const collection = await tx.collections.byInvoice(tenantId, invoice.id);
  // An attempt that somebody asked for between two turns does not use one up.
  if (!collection || collection.endedAt || (collection.dueAt && !isTurn)) return;
  const method = await tx.paymentMethods.defaultOf(tenantId);
  if ((!isTurn || payment.status === 'DECLINED') && method && !isAnswerOf(method, payment)) {
    // Another method was given while this one was asked, or it was renewed: as it is now it is the one of this turn.
    await tx.collections.update({ ...collection, dueAt: tx.now });
    return;
  }
  if (isNoCharge(payment)) {
    // Another try would be the same: it waits, open, for the next invoice, another method or a person.
    await tx.collections.update({ ...collection, dueAt: undefined });
    await tx.emit({ type: 'invoice.not_chargeable', payload: { invoice } });
    if (isTooLittle(payment) && collection.failures > 0) await forgive(tx, collection);
    return;
  }
  await failTurn(tx, invoice, collection);
}

/**
 * It was overdue without a payment method, and there is one: that the provider does not charge so little is not the customer's failure. It
 * is no debt any more, as if it had been paid: what was kept back for it is due.
 */
async function forgive(tx: Tx, collection: Collection): Promise<void> {
  const forgiven = { failures: 0, firstFailedAt: undefined, dueAt: undefined };
  await tx.collections.update({ ...collection, ...forgiven, status: 'OPEN' });
  await applyStanding(tx);
  const method = await tx.paymentMethods.defaultOf(collection.tenantId);
  if (method) await tx.collections.wake(collection.tenantId, method.id, tx.now);
}

/** A turn has passed without money: dunning takes its next step. */
export async function failTurn(
  tx: Tx,
  invoice: Invoice,
  collection: Collection,
  type: 'invoice.payment_failed' | 'invoice.overdue' = 'invoice.payment_failed',
): Promise<void> {
  const { id: tenantId, partnerId, timeZone } = tx.tenant;
  const policy = await tx.collections.policyOf(partnerId);
  const failed = afterFailure(collection, policy, tx.now, timeZone);
  await tx.collections.update(failed.collection);
  // It was an extra one, for another method.
  if (failed.collection.failures === collection.failures) return;
  await tx.emit({
    type,
    payload: { invoice, failures: failed.collection.failures, nextAttemptAt: failed.collection.dueAt },
  });
  if (failed.final === 'CANCEL') {
    // The debt is the tenant's: it ends the subscription that there is now, whichever asked for the money. What was unused comes
    // off it; the rest stays a debt until it is paid or the partner gives it up.
    const subscription = await tx.subscriptions.live(tenantId);
    if (subscription) {
      await creditSubscription(tx, subscription, 'CREDIT_BALANCE');
      await closeSubscription(tx, { ...subscription, cancelReason: 'payment failed' }, tx.now);
      return;
    }
  }
  await applyStanding(tx);
}
