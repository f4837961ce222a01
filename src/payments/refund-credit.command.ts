import { add, amountText, type Money, money, smaller, subtract } from '../core/money';
import { type Refused, refuse } from '../core/result';
import type { CreditNote } from '../invoicing/credit-note';
import type { Tx } from '../tx';
import { type Payment, refundable } from './payment';
import { writeRefund } from './write-refund.command';

/** Why this much cannot go back to where it came from; `undefined`: it can. */
export async function refundProblem(
  tx: Pick<Tx, 'payments'>,
  tenantId: string,
  amount: Money,
): Promise<Refused<'REFUND_NOT_AVAILABLE'> | undefined> {
  const payments = await tx.payments.refundable(tenantId, amount.currency);
  const left = payments.reduce((total, payment) => total + refundable(payment).minor, 0n);
  if (left >= amount.minor) return undefined;
  return refuse('REFUND_NOT_AVAILABLE', 'Less than that was paid through a provider and can go back.', {
    path: ['input', 'settlement'],
    facts: { refundable: amountText(money(left, amount.currency)), currency: amount.currency },
  });
}

/**
 * Sends a credit note's money back to where it came from: the payments of its own invoice first, then the newest. What is kept
 * goes into the balance.
 */
export async function refundCredit(
  tx: Pick<Tx, 'payments' | 'creditNotes' | 'tenant' | 'newId' | 'now' | 'wallNow' | 'emit'>,
  note: CreditNote,
  kept: Money = money(0n, note.total.currency),
): Promise<void> {
  const payments = await tx.payments.refundable(tx.tenant.id, note.total.currency);
  const isOwn = (payment: Payment) => (payment.invoiceId === note.invoiceId ? 0 : 1);
  let left = subtract(note.total, kept);
  for (const payment of [...payments].sort((first, second) => isOwn(first) - isOwn(second))) {
    if (left.minor === 0n) break;
    const amount = smaller(left, refundable(payment));
    await writeRefund(tx, payment, { amount, reason: 'CREDIT_NOTE', creditNoteId: note.id });
    left = money(left.minor - amount.minor, left.currency);
  }
  // Nothing of it is lost: what cannot go back pays the next invoices.
  const balance = add(left, kept);
  if (balance.minor > 0n) {
    const movement = { kind: 'CREDIT_NOTE', amount: balance, creditNoteId: note.id } as const;
    await tx.creditNotes.moveBalance(note.tenantId, note.partnerId, movement, tx.now);
  }
}
