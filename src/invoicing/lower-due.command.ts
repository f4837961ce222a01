import type { Money } from '../core/money';
import { endCollection } from '../payments/end-collection.command';
import type { Tx } from '../tx';
import type { Invoice } from './invoice';
import { lowerAmountDue } from './invoice-state';

export type LowerDueTx = Parameters<typeof endCollection>[0] & Pick<Tx, 'invoices' | 'documents'>;

/** Lowers what is due of an invoice. When nothing is left, its collection ends. The caller holds the tenant's lock. */
export async function lowerDue(
  tx: LowerDueTx,
  invoice: Invoice,
  by: 'paid' | 'credited',
  amount: Money,
): Promise<Invoice> {
  const lower = lowerAmountDue(invoice, by, amount, tx.now);
  await tx.invoices.updateState(lower);
  tx.documents.renewInvoice(lower);
  if (lower.status === 'PAID') {
    await tx.emit({ type: 'invoice.paid', payload: { invoice: lower } });
    await endCollection(tx, lower, 'PAID');
  } else {
    await tx.emit({ type: 'invoice.amount_due_lowered', payload: { invoice: lower } });
  }
  return lower;
}
