import { type AmountInput, parseAmount } from '../catalog/price-input';
import { decodeId, type Id } from '../core/ids';
import { sum } from '../core/money';
import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import { refundProblem } from '../payments/refund-credit.command';
import type { Tx } from '../tx';
import { type CreditRequest, decideCredit } from './credit-lines';
import type { CreditNote, IssuedSettlement } from './credit-note';
import { findInvoice } from './find-invoice.query';
import { standingByLine } from './open-invoices.query';
import { dueByLine } from './split-credit';
import { writeCreditNote } from './write-credit-note.command';

export interface IssueCreditNoteInput {
  readonly invoiceId: string;
  readonly lines: readonly { readonly invoiceLineId: string; readonly amount: AmountInput }[];
  /** Default CREDIT_BALANCE. */
  readonly settlement?: IssuedSettlement | undefined;
  /** Why, for the document. */
  readonly memo?: string | undefined;
}

export const issueCreditNoteRefusals = [
  'INVOICE_NOT_FOUND',
  'INVOICE_NOT_PAID',
  'INVOICE_LINE_NOT_FOUND',
  'CREDIT_EXCEEDS_LINE',
  'REFUND_NOT_AVAILABLE',
  'INVALID_INPUT',
] as const;

/** As many lines as an invoice is likely to have; more come in another note. */
const mostLines = 100;

/**
 * Credits a part of an invoice, line by line. What is still due of a line comes off it; what was paid goes into the credit balance,
 * back through the provider, or outside the system.
 */
export async function issueCreditNote(
  tx: Tx,
  input: IssueCreditNoteInput,
): Promise<Result<{ creditNotes: readonly CreditNote[] }, (typeof issueCreditNoteRefusals)[number]>> {
  const memo = input.memo === undefined ? undefined : parseLabel(input.memo, 500);
  if (input.memo !== undefined && !memo) return invalid(['memo'], 'A memo has 1 to 500 printable characters.');
  if (input.lines.length === 0 || input.lines.length > mostLines) {
    return invalid(['lines'], `A credit note has 1 to ${mostLines} lines.`);
  }
  await tx.tenants.lock(tx.tenant.id);
  const found = await findInvoice(tx, input.invoiceId);
  if (!found.ok) return found;
  const { value: invoice } = found;
  const { id, tenantId, partnerId, subscriptionId } = invoice;
  const { currency } = invoice.total;
  const requests: CreditRequest[] = [];
  for (const [index, line] of input.lines.entries()) {
    const path = ['lines', String(index)];
    const decoded = decodeId(line.invoiceLineId);
    if (decoded?.kind !== 'InvoiceLine' || decoded.tenantUuid !== tenantId) {
      return refuse('INVOICE_LINE_NOT_FOUND', 'No such charge on this invoice.', {
        path: ['input', ...path, 'invoiceLineId'],
      });
    }
    const amount = parseAmount(line.amount);
    if (!amount || amount.minor === 0n || amount.currency !== currency) {
      return invalid([...path, 'amount'], `Not an amount above zero in ${currency}.`);
    }
    if (requests.some((other) => other.invoiceLineId === decoded.uuid)) {
      return invalid([...path, 'invoiceLineId'], 'The line is named twice.');
    }
    requests.push({ invoiceLineId: decoded.uuid as Id<'InvoiceLine'>, amount });
  }
  if (invoice.status === 'VOID') {
    return refuse('INVOICE_NOT_PAID', 'The invoice is void: nothing was paid, and nothing is due.', {
      path: ['input', 'invoiceId'],
      facts: { status: invoice.status, number: invoice.number },
    });
  }
  const lines = (await tx.invoices.linesOf([tenantId], [id])).get(id) ?? [];
  const lineIds = lines.map((line) => line.id);
  const charges = await tx.itemCharges.ofInvoiceLines(tenantId, lineIds);
  const itemIds = [...new Set(charges.map((charge) => charge.itemId))];
  const due = dueByLine(invoice.amountDue.minor, await standingByLine(tx, tenantId, lines));
  const decided = decideCredit({
    ...{ invoice, lines, charges, requests },
    open: [{ invoice, due }],
    credited: await tx.creditNotes.creditedOf(tenantId, lineIds),
    standing: await tx.itemCharges.standingOf(tenantId, subscriptionId, itemIds),
  });
  if (!decided.ok) return decided;
  const { open, paid } = decided.value;
  const settlement = input.settlement ?? 'CREDIT_BALANCE';
  const toTenant = sum(
    paid.lines.map((line) => line.amount),
    currency,
  );
  const problem = settlement === 'REFUND' && (await refundProblem(tx, tenantId, toTenant));
  if (problem) return problem;
  const creditNotes: CreditNote[] = [];
  for (const { note, to } of [
    { note: open, to: 'OPEN_INVOICE' as const },
    { note: paid, to: settlement },
  ]) {
    if (note.lines.length === 0) continue;
    const { taxTreatment, taxNote } = invoice;
    const written = await writeCreditNote(tx, {
      subscription: { id: subscriptionId, tenantId, partnerId, currency },
      ...{ invoice, memo, reason: 'CORRECTION', settlement: to },
      ...{ lines: note.lines, entries: note.entries, tax: { taxes: note.taxes, taxTreatment, taxNote } },
    });
    creditNotes.push(written);
  }
  return done({ creditNotes });
}
