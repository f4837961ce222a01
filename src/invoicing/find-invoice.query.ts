import { decodeId } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';
import type { Invoice } from './invoice';

/** The entered tenant's invoice with this id; missing and somebody else's are the same answer. */
export async function findInvoice(
  tx: Pick<Tx, 'invoices' | 'tenant'>,
  id: string,
): Promise<Result<Invoice, 'INVOICE_NOT_FOUND'>> {
  const decoded = decodeId(id);
  const invoice =
    decoded?.kind === 'Invoice' && decoded.tenantUuid === tx.tenant.id
      ? await tx.invoices.byId(tx.tenant.id, decoded.uuid)
      : undefined;
  return invoice ? done(invoice) : refuse('INVOICE_NOT_FOUND', 'No such invoice.', { path: ['input', 'invoiceId'] });
}
