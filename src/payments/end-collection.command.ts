import type { Invoice } from '../invoicing/invoice';
import { applyStanding } from './apply-standing.command';

/** An invoice is paid, void or given up: it is not charged any more, and its tenant stands accordingly. */
export async function endCollection(
  tx: Parameters<typeof applyStanding>[0],
  invoice: Pick<Invoice, 'tenantId' | 'id'>,
  status: 'PAID' | 'STOPPED',
): Promise<void> {
  const collection = await tx.collections.byInvoice(invoice.tenantId, invoice.id);
  // What was given up and is paid after all is paid.
  if (!collection || (collection.endedAt && collection.status === status)) return;
  await tx.collections.update({ ...collection, status, dueAt: undefined, endedAt: collection.endedAt ?? tx.now });
  await applyStanding(tx);
}
