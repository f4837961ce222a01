import type { Id } from '../core/ids';
import { add, type Money } from '../core/money';
import type { Tx } from '../tx';
import { askHoldSeconds, type Payment, type Refund, type RefundReason } from './payment';

export interface WriteRefundInput {
  /** At most what is refundable; the caller has looked. */
  readonly amount: Money;
  readonly reason: RefundReason;
  readonly memo?: string | undefined;
  readonly creditNoteId?: Id<'CreditNote'> | undefined;
  /** It is asked for in a moment by the caller; else a job does, at once. */
  readonly isHeld?: boolean;
  /** It is made already: by the provider, or outside. */
  readonly made?: { readonly externalId?: string | undefined; readonly failed: boolean } | undefined;
}

/** Writes a refund before the provider is asked, and reserves its amount: of several at once none gives the same money back. */
export async function writeRefund(
  tx: Pick<Tx, 'payments' | 'newId' | 'now' | 'wallNow' | 'emit'>,
  payment: Payment,
  { amount, reason, memo, creditNoteId, isHeld, made }: WriteRefundInput,
): Promise<Refund> {
  const { tenantId, partnerId } = payment;
  const refund: Refund = {
    id: tx.newId<'Refund'>(),
    ...{ tenantId, partnerId, paymentId: payment.id, creditNoteId, reason, memo, amount },
    asked: 0,
    createdAt: tx.now,
    ...(made
      ? { status: made.failed ? 'FAILED' : 'SUCCEEDED', externalId: made.externalId, settledAt: tx.now }
      : { status: 'PENDING', askAt: isHeld ? tx.wallNow.add({ seconds: askHoldSeconds }) : tx.wallNow }),
  };
  if (!made?.failed) await tx.payments.update({ ...payment, refunded: add(payment.refunded, amount) });
  await tx.payments.insertRefund(refund);
  await tx.emit({ type: 'refund.created', payload: { refund } });
  if (made) await tx.emit({ type: made.failed ? 'refund.failed' : 'refund.succeeded', payload: { refund } });
  return refund;
}
