import { invariant } from '../core/invariant';
import { subtract } from '../core/money';
import { putBack } from '../invoicing/take-back.command';
import type { Tx } from '../tx';
import { afterRefundOutcome, type Refund, takesBack } from './payment';
import type { RefundOutcome } from './provider';
import { takeForDisputes } from './settle-dispute.command';

/**
 * Records what a provider said about a refund. One that failed, before or after it seemed to succeed, gives its reservation back, and
 * what it took stands again; where it settled a credit note, or gave back what was not due, the money goes into the balance instead:
 * it is the tenant's either way.
 */
export async function settleRefund(tx: Tx, refundId: string, outcome: RefundOutcome): Promise<Refund> {
  const { id: tenantId } = tx.tenant;
  await tx.tenants.lock(tenantId);
  const before = await tx.payments.refundById(tenantId, refundId);
  invariant(before, 'a refund that is settled is there');
  const after = afterRefundOutcome(before, outcome, tx.now, tx.wallNow);
  if (after === before) return before;
  await tx.payments.updateRefund(after);
  if (after.status === 'SUCCEEDED') await tx.emit({ type: 'refund.succeeded', payload: { refund: after } });
  if (after.status === 'FAILED') {
    const payment = await tx.payments.byId(tenantId, after.paymentId);
    invariant(payment, 'a refund is of a payment');
    await tx.payments.update({ ...payment, refunded: subtract(payment.refunded, after.amount) });
    const { amount, creditNoteId } = after;
    if (takesBack(after)) {
      await putBack(tx, { refundId: after.id }, amount);
      await takeForDisputes(tx, payment.id);
    } else {
      const movement = creditNoteId
        ? ({ kind: 'CREDIT_NOTE', amount, creditNoteId } as const)
        : ({ kind: 'OVERPAID', amount, invoiceId: payment.invoiceId } as const);
      await tx.creditNotes.moveBalance(after.tenantId, after.partnerId, movement, tx.now);
    }
    await tx.emit({ type: 'refund.failed', payload: { refund: after } });
  }
  return after;
}
