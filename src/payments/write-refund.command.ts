import type { Id } from '../core/ids';
import { add, type Money } from '../core/money';
import type { Tx } from '../tx';
import { askHoldSeconds } from './begin-payment.command';
import type { Payment, Refund, RefundReason } from './payment';

export interface WriteRefundInput {
  /** At most what is refundable; the caller has looked. */
  readonly amount: Money;
  readonly reason: RefundReason;
  readonly memo?: string | undefined;
  readonly creditNoteId?: Id<'CreditNote'> | undefined;
  /** It is asked for in a moment by the caller; else a job does, at once. */
  readonly isHeld?: boolean;
}

/** Writes a refund before the provider is asked, and reserves its amount: of several at once none gives the same money back. */
export async function writeRefund(
  tx: Pick<Tx, 'payments' | 'newId' | 'now' | 'wallNow' | 'emit'>,
  payment: Payment,
  { amount, reason, memo, creditNoteId, isHeld }: WriteRefundInput,
): Promise<Refund> {
  const { tenantId, partnerId } = payment;
  const refund: Refund = {
    id: tx.newId<'Refund'>(),
    ...{ tenantId, partnerId, paymentId: payment.id, creditNoteId, reason, memo, amount },
    status: 'PENDING',
    asked: 0,
    askAt: isHeld ? tx.wallNow.add({ seconds: askHoldSeconds }) : tx.wallNow,
    createdAt: tx.now,
  };
  await tx.payments.update({ ...payment, refunded: add(payment.refunded, amount) });
  await tx.payments.insertRefund(refund);
  await tx.emit({ type: 'refund.created', payload: { refund } });
  return refund;
}
