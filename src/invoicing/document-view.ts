import { dateAt, type Instant, instantFromMilliseconds, type LocalDate, type TimeZone } from '../core/calendar';
import { type DecimalValue, decimalText } from '../core/decimal';
import { isZero, type Money, negate, subtract } from '../core/money';
import type { BillingParty } from '../tax/billing-details';
import type { AppliedRate, LineTax } from '../tax/tax';
import type { CreditNote, CreditNoteLine } from './credit-note';
import type { DocumentTax, Invoice, InvoiceLine, TimeSpan } from './invoice';

export interface DocumentRow {
  readonly kind: string;
  readonly description: string;
  readonly quantity: DecimalValue;
  readonly amount: Money;
  readonly tax?: LineTax | undefined;
  /** The first and the last day it is for. */
  readonly from?: LocalDate | undefined;
  readonly until?: LocalDate | undefined;
}

export interface DocumentTotal {
  readonly label: string;
  readonly amount: Money;
}

/** What a paper says, whoever prints it: the same for an invoice and a credit note, for PDF and CSV. */
export interface DocumentView {
  readonly title: 'Invoice' | 'Credit note';
  readonly number: string;
  readonly currency: string;
  readonly issuedAt: Instant;
  readonly issuedOn: LocalDate;
  /** An invoice's last day, in the tenant's zone. */
  readonly dueOn?: LocalDate | undefined;
  readonly from?: LocalDate | undefined;
  readonly until?: LocalDate | undefined;
  /** Written across the pages. */
  readonly stamp?: 'VOID' | 'PAID' | undefined;
  readonly seller: Partial<BillingParty> & Pick<BillingParty, 'legalName'>;
  readonly buyer: Partial<BillingParty> & Pick<BillingParty, 'legalName'>;
  readonly rows: readonly DocumentRow[];
  /** The last one is what counts. */
  readonly totals: readonly DocumentTotal[];
  readonly notes: readonly string[];
}

interface Names {
  readonly partner: string;
  readonly tenant: string;
  readonly timeZone: TimeZone;
  /** CORRECTION: the invoice that is credited. */
  readonly invoiceNumber?: string | undefined;
}

/** Half-open spans as people write them: with their last day. */
function daysOf(span: TimeSpan | undefined, zone: TimeZone) {
  if (!span) return {};
  const last = instantFromMilliseconds(span.end.epochMilliseconds - 1);
  return { from: dateAt(span.start, zone), until: dateAt(last, zone) };
}

function rowOf(line: InvoiceLine | CreditNoteLine, zone: TimeZone): DocumentRow {
  const { kind, description, quantity, amount, tax } = line;
  // Tax is on what stands above it, of whatever time that is.
  return { kind, description, quantity, amount, tax, ...(kind === 'TAX' ? {} : daysOf(line.covers, zone)) };
}

export const rateText = ({ name, percent }: Pick<AppliedRate, 'name' | 'percent'>): string =>
  `${name} ${decimalText(percent)} %`;

/** What comes on top stands in the sum; what the prices hold is told below. */
function taxTotals({ taxes }: DocumentTax): { added: DocumentTotal[]; held: DocumentTotal[] } {
  const said = (inclusive: boolean) =>
    taxes
      .filter(({ rate, amount }) => rate.inclusive === inclusive && !isZero(amount))
      .map(({ rate, amount }) => ({ label: `${inclusive ? 'including ' : ''}${rateText(rate)}`, amount }));
  return { added: said(false), held: said(true) };
}

function partiesOf({ billing }: DocumentTax, names: Names): Pick<DocumentView, 'seller' | 'buyer'> {
  return {
    seller: billing.seller ?? { legalName: names.partner },
    buyer: billing.buyer ?? { legalName: names.tenant },
  };
}

export function viewOfInvoice(invoice: Invoice, lines: readonly InvoiceLine[], names: Names): DocumentView {
  const { timeZone } = names;
  const { added, held } = taxTotals(invoice);
  const { discount, creditApplied, credited } = invoice;
  const paidSince = subtract(invoice.paid, creditApplied);
  return {
    title: 'Invoice',
    number: invoice.number,
    currency: invoice.total.currency,
    issuedAt: invoice.issuedAt,
    issuedOn: dateAt(invoice.issuedAt, timeZone),
    dueOn: dateAt(invoice.dueAt, timeZone),
    ...daysOf(invoice.period, timeZone),
    stamp: invoice.status === 'VOID' ? 'VOID' : invoice.status === 'PAID' ? 'PAID' : undefined,
    ...partiesOf(invoice, names),
    rows: lines.filter(({ kind }) => kind !== 'TAX').map((line) => rowOf(line, timeZone)),
    totals: [
      { label: 'Subtotal', amount: invoice.subtotal },
      ...(isZero(discount) ? [] : [{ label: 'Discount', amount: negate(discount) }]),
      ...added,
      { label: 'Total', amount: invoice.total },
      ...held,
      ...(isZero(creditApplied) ? [] : [{ label: 'Credit balance', amount: negate(creditApplied) }]),
      ...(isZero(credited) ? [] : [{ label: 'Credited', amount: negate(credited) }]),
      ...(isZero(paidSince) ? [] : [{ label: 'Paid', amount: negate(paidSince) }]),
      { label: 'Amount due', amount: invoice.amountDue },
    ],
    notes: [
      ...(invoice.taxNote ? [invoice.taxNote] : []),
      ...(invoice.voidedAt ? [`Void since ${dateAt(invoice.voidedAt, timeZone)}: ${invoice.voidReason}`] : []),
      ...(invoice.paidAt && !isZero(paidSince)
        ? [
            `Paid on ${dateAt(invoice.paidAt, timeZone)}${invoice.paymentReference ? `: ${invoice.paymentReference}` : ''}`,
          ]
        : []),
    ],
  };
}

const settlementText: Readonly<Record<CreditNote['settlement'], string>> = {
  CREDIT_BALANCE: 'The amount is in your credit balance and pays for your next invoices.',
  REFUND: 'The amount is paid back the way it was paid.',
  OUTSIDE: 'The amount is paid back to you.',
  OPEN_INVOICE: 'So much less of the invoice is to be paid.',
};

export function viewOfCreditNote(note: CreditNote, lines: readonly CreditNoteLine[], names: Names): DocumentView {
  const { timeZone, invoiceNumber } = names;
  const { added, held } = taxTotals(note);
  const net = { minor: note.total.minor - note.tax.minor, currency: note.total.currency };
  return {
    title: 'Credit note',
    number: note.number,
    currency: note.total.currency,
    issuedAt: note.issuedAt,
    issuedOn: dateAt(note.issuedAt, timeZone),
    ...partiesOf(note, names),
    rows: lines.filter(({ kind }) => kind !== 'TAX').map((line) => rowOf(line, timeZone)),
    totals: [{ label: 'Subtotal', amount: net }, ...added, ...held, { label: 'Total credit', amount: note.total }],
    notes: [
      ...(invoiceNumber ? [`For invoice ${invoiceNumber}`] : []),
      ...(note.memo ? [note.memo] : []),
      settlementText[note.settlement],
      ...(note.taxNote ? [note.taxNote] : []),
    ],
  };
}
