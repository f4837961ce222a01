import { done, type Result } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import { endCollection } from '../payments/end-collection.command';
import type { Tx } from '../tx';
import { findInvoice } from './find-invoice.query';
import type { Invoice } from './invoice';
import { moveInvoice } from './invoice-state';

export interface MarkInvoicePaidInput {
  readonly invoiceId: string;
  /** Where the money can be found: a bank reference, a cheque's number. */
  readonly reference: string;
}

export const markInvoicePaidRefusals = ['INVOICE_NOT_FOUND', 'INVOICE_NOT_OPEN', 'INVALID_INPUT'] as const;

/** All that was due came outside the system. Again with the same reference is the same act. */
export async function markInvoicePaid(
  tx: Tx,
  input: MarkInvoicePaidInput,
): Promise<Result<{ invoice: Invoice }, (typeof markInvoicePaidRefusals)[number]>> {
  const reference = parseLabel(input.reference);
  if (!reference) return invalid(['reference'], 'A reference has 1 to 200 printable characters.');
  await tx.tenants.lock(tx.tenant.id);
  const found = await findInvoice(tx, input.invoiceId);
  if (!found.ok) return found;
  if (found.value.status === 'PAID' && found.value.paymentReference === reference)
    return done({ invoice: found.value });
  const moved = moveInvoice(found.value, { to: 'PAID', at: tx.now, reference });
  if (!moved.ok) return moved;
  await tx.invoices.updateState(moved.value);
  await endCollection(tx, moved.value, 'PAID');
  await tx.emit({ type: 'invoice.paid', payload: { invoice: moved.value } });
  return done({ invoice: moved.value });
}
