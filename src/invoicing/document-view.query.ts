import { decodeId } from '../core/ids';
import type { Tx } from '../tx';
import { type DocumentView, viewOfCreditNote, viewOfInvoice } from './document-view';

/** The paper of an invoice or a credit note; `undefined`: there is none for this actor. */
export async function documentView(
  tx: Pick<Tx, 'invoices' | 'creditNotes' | 'tenantFor' | 'tenants' | 'partners'>,
  id: string,
): Promise<DocumentView | undefined> {
  const decoded = decodeId(id);
  if (!decoded?.tenantUuid || (decoded.kind !== 'Invoice' && decoded.kind !== 'CreditNote')) return undefined;
  const { uuid, tenantUuid, kind } = decoded;
  const [context, tenant] = [await tx.tenantFor(tenantUuid), await tx.tenants.byId(tenantUuid)];
  const partner = context && (await tx.partners.byId(context.partnerId));
  if (!context || !tenant || !partner) return undefined;
  const names = { partner: partner.name, tenant: tenant.name, timeZone: context.timeZone };
  if (kind === 'Invoice') {
    const invoice = await tx.invoices.byId(tenantUuid, uuid);
    const lines = await tx.invoices.linesOf([tenantUuid], [uuid]);
    return invoice && viewOfInvoice(invoice, lines.get(uuid) ?? [], names);
  }
  const note = await tx.creditNotes.byId(tenantUuid, uuid);
  if (!note) return undefined;
  const credited = note.invoiceId && (await tx.invoices.byId(tenantUuid, note.invoiceId));
  const lines = await tx.creditNotes.linesOf([tenantUuid], [uuid]);
  return viewOfCreditNote(note, lines.get(uuid) ?? [], { ...names, invoiceNumber: credited?.number });
}
