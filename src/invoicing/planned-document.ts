import { add, atLeastZero, type Money, negate, smaller, subtract, sum, zero } from '../core/money';
import type { TaxDecision } from '../tax/tax';
import type { TaxedLines } from '../tax/tax-lines';
import type { PeriodInvoice } from './assemble-invoice';
import type { CreditNoteReason, CreditSettlement } from './credit-note';
import type { Invoice, InvoiceReason } from './invoice';
import { grossOf, type SplitDocument } from './split-document';

/** Lines with their tax, and which rules decided about it. */
export interface DraftedDocument extends TaxedLines {
  readonly decision: TaxDecision;
}

/** A document as an act will make it. */
export type PlannedDocument = {
  /** Signed like an invoice's: charges positive, discounts and credits negative. */
  readonly document: DraftedDocument;
  /** With tax; negative for a credit note. */
  readonly total: Money;
} & (
  | { readonly kind: 'INVOICE'; readonly reason: InvoiceReason }
  | {
      readonly kind: 'CREDIT_NOTE';
      readonly reason: CreditNoteReason;
      readonly settlement: CreditSettlement;
      /** OPEN_INVOICE: what it comes off. */
      readonly invoice?: Invoice | undefined;
    }
);
export type PlannedCreditNote = Extract<PlannedDocument, { kind: 'CREDIT_NOTE' }>;

/** The credit notes of an act's credits for what is still due: one for each open invoice, in their order. */
export function plannedOffDue(
  { onOpenInvoices }: SplitDocument,
  decision: TaxDecision,
  reason: CreditNoteReason,
): PlannedCreditNote[] {
  return onOpenInvoices.map(({ invoice, ...lines }) => ({
    ...{ kind: 'CREDIT_NOTE', reason, settlement: 'OPEN_INVOICE', invoice },
    document: { ...lines, decision },
    total: grossOf(lines, invoice.total.currency),
  }));
}

export interface Payable {
  /** What the credit balance pays of the invoices, with what earlier documents of the same act add to it. */
  readonly creditApplied: Money;
  /** What is left to pay of the invoices. */
  readonly amountDue: Money;
  /** The same of each of them. */
  readonly dues: readonly Money[];
}

/** What is to be paid of documents that are made one after the other, with a credit balance as it is before them. */
export function payableOf(documents: readonly PlannedDocument[], balance: Money): Payable {
  const { currency } = balance;
  let left = balance;
  let creditApplied = zero(currency);
  const dues: Money[] = [];
  for (const planned of documents) {
    if (planned.kind === 'CREDIT_NOTE') {
      if (planned.settlement === 'CREDIT_BALANCE') left = add(left, negate(planned.total));
      continue;
    }
    const applied = smaller(left, atLeastZero(planned.total));
    left = subtract(left, applied);
    creditApplied = add(creditApplied, applied);
    dues.push(subtract(planned.total, applied));
  }
  return { creditApplied, amountDue: sum(dues, currency), dues };
}

/** What is left to bill of a period that ends before a new one is billed. */
export interface Closing extends PeriodInvoice, DraftedDocument {
  readonly reason: Extract<InvoiceReason, 'FINAL' | 'PLAN_CHANGE'>;
}

/** Its invoice, where anything is left. */
export function plannedClosing(closing: Closing | undefined): PlannedDocument[] {
  if (!closing || closing.lines.length === 0) return [];
  return [{ kind: 'INVOICE', reason: closing.reason, document: closing, total: closing.totals.total }];
}
