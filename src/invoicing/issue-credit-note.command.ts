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

/** Gives back a part of a paid invoice, line by line: into the credit balance, back through the provider, or outside the system. */
export async function issueCreditNote(
  tx: Tx,
  input: IssueCreditNoteInput,
): Promise<Result<{ creditNote: CreditNote }, (typeof issueCreditNoteRefusals)[number]>> {
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
  if (invoice.status !== 'PAID') {
    return refuse('INVOICE_NOT_PAID', `The invoice is ${invoice.status.toLowerCase()}: nothing was paid.`, {
      path: ['input', 'invoiceId'],
      facts: { status: invoice.status, number: invoice.number },
    });
  }
  const lines = (await tx.invoices.linesOf([tenantId], [id])).get(id) ?? [];
  const lineIds = lines.map((line) => line.id);
  const charges = await tx.itemCharges.ofInvoiceLines(tenantId, lineIds);
  const itemIds = [...new Set(charges.map((charge) => charge.itemId))];
  const standing = await tx.itemCharges.standingOf(tenantId, subscriptionId, itemIds);
  const decided = decideCredit({
    ...{ invoice, lines, charges, requests },
    credited: await tx.creditNotes.creditedOf(tenantId, lineIds),
    standing,
  });
  if (!decided.ok) return decided;
  const settlement = input.settlement ?? 'CREDIT_BALANCE';
  if (settlement === 'REFUND') {
    const amounts = requests.map((request) => request.amount);
    const problem = await refundProblem(tx, tenantId, sum(amounts, currency));
    if (problem) return problem;
  }
  const creditNote = await writeCreditNote(tx, {
    subscription: { id: subscriptionId, tenantId, partnerId, currency },
    ...{ invoiceId: id, memo, reason: 'CORRECTION', settlement },
    lines: decided.value.lines,
    entries: decided.value.entries,
    tax: { taxes: decided.value.taxes, taxTreatment: invoice.taxTreatment, taxNote: invoice.taxNote },
  });
  return done({ creditNote });
}
