import type { Invoice } from '../invoicing/invoice';
import { isOpen } from '../invoicing/invoice-state';
import type { Tx } from '../tx';
import { applyStanding } from './apply-standing.command';

/**
 * An invoice is paid, void or given up: it is not charged any more, and its tenant stands accordingly. Where nothing can be paid, an
 * attempt that waits for its customer is taken back. What else the tenant owes was kept back for a debt, or its method pays again: it is
 * due now.
 */
export async function endCollection(
  tx: Parameters<typeof applyStanding>[0] & Pick<Tx, 'payments' | 'paymentMethods' | 'wallNow'>,
  invoice: Pick<Invoice, 'tenantId' | 'id' | 'status'>,
  status: 'PAID' | 'STOPPED',
): Promise<void> {
  if (!isOpen(invoice)) await tx.payments.withdrawWaiting(invoice.tenantId, invoice.id, tx.wallNow);
  const collection = await tx.collections.byInvoice(invoice.tenantId, invoice.id);
  // What was given up and is paid after all is paid.
  if (!collection || (collection.endedAt && collection.status === status)) return;
  await tx.collections.update({ ...collection, status, dueAt: undefined, endedAt: collection.endedAt ?? tx.now });
  await applyStanding(tx);
  const method = collection.firstFailedAt && (await tx.paymentMethods.defaultOf(invoice.tenantId));
  if (method) await tx.collections.wake(invoice.tenantId, method.id, tx.now);
}
