import { done, type Result } from '../core/result';
import { endCollection } from '../payments/end-collection.command';
import type { Tx } from '../tx';
import { findInvoice } from './find-invoice.query';
import type { Invoice } from './invoice';
import { moveInvoice } from './invoice-state';

export interface MarkInvoiceUncollectibleInput {
  readonly invoiceId: string;
}

export const markInvoiceUncollectibleRefusals = ['INVOICE_NOT_FOUND', 'INVOICE_NOT_OPEN'] as const;

/** Nobody expects the money any more. The invoice still asks for it: it may yet be paid, or voided. */
export async function markInvoiceUncollectible(
  tx: Tx,
  input: MarkInvoiceUncollectibleInput,
): Promise<Result<{ invoice: Invoice }, (typeof markInvoiceUncollectibleRefusals)[number]>> {
  await tx.tenants.lock(tx.tenant.id);
  const found = await findInvoice(tx, input.invoiceId);
  if (!found.ok) return found;
  if (found.value.status === 'UNCOLLECTIBLE') return done({ invoice: found.value });
  const moved = moveInvoice(found.value, { to: 'UNCOLLECTIBLE', at: tx.now });
  if (!moved.ok) return moved;
  await tx.invoices.updateState(moved.value);
  await endCollection(tx, moved.value, 'STOPPED');
  await tx.emit({ type: 'invoice.marked_uncollectible', payload: { invoice: moved.value } });
  return done({ invoice: moved.value });
}
