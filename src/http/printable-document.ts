import { decimalText } from '../core/decimal';
import { amountText, type Money } from '../core/money';
import type { DocumentView } from '../invoicing/document-view';

/** A party as its lines stand on paper. */
export interface PrintableParty {
  readonly name: string;
  readonly country?: string | undefined;
  readonly lines: readonly string[];
}

/** A document as it is printed: text only, so that it can be handed to the thread that prints. */
export interface PrintableDocument {
  readonly title: string;
  readonly number: string;
  readonly currency: string;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  readonly issuedOn: string;
  readonly dueOn?: string | undefined;
  readonly period?: string | undefined;
  readonly stamp?: string | undefined;
  readonly seller: PrintableParty;
  readonly buyer: PrintableParty;
  readonly rows: readonly {
    readonly description: string;
    readonly period?: string | undefined;
    readonly quantity?: string | undefined;
    readonly tax?: string | undefined;
    readonly amount: string;
  }[];
  readonly totals: readonly { readonly label: string; readonly amount: string }[];
  readonly notes: readonly string[];
}

const countries = new Intl.DisplayNames('en', { type: 'region' });
function countryName(code: string): string {
  try {
    return countries.of(code) ?? code;
  } catch {
    return code;
  }
}

/** Controls print as boxes or turn the line around: what is left is what people read. */
const printable = (words: string) => words.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').toWellFormed();

/** 1234567.89 → 1,234,567.89; the minus sign as printers set it. */
function figures(amount: Money): string {
  const [whole = '', decimals] = amountText(amount).replace('-', '−').split('.');
  const grouped = whole.replaceAll(/\B(?=(\d{3})+(?!\d))/g, ',');
  return decimals === undefined ? grouped : `${grouped}.${decimals}`;
}

function partyOf({ legalName, address, country, region, taxId, email }: DocumentView['seller']): PrintableParty {
  const lines = [
    ...(address ?? []).map(printable),
    ...(country ? [[region, countryName(country)].filter(Boolean).join(', ')] : []),
    ...(taxId ? [`Tax id ${printable(taxId)}`] : []),
    ...(email ? [printable(email)] : []),
  ];
  return { name: printable(legalName), country, lines };
}

const spanOf = ({ from, until }: Pick<DocumentView, 'from' | 'until'>) => (from ? `${from} – ${until}` : undefined);

export function printableDocument(view: DocumentView): PrintableDocument {
  const { title, number, currency, issuedAt, issuedOn, stamp } = view;
  return {
    ...{ title, number, currency, stamp },
    ...{ issuedAt: issuedAt.epochMilliseconds, issuedOn: issuedOn.toString(), dueOn: view.dueOn?.toString() },
    period: spanOf(view),
    ...{ seller: partyOf(view.seller), buyer: partyOf(view.buyer) },
    rows: view.rows.map((row) => ({
      description: printable(row.description),
      period: spanOf(row),
      // A discount or a correction has no price for one.
      quantity: row.kind === 'DISCOUNT' || row.kind === 'CORRECTION' ? undefined : decimalText(row.quantity),
      tax: row.tax && `${decimalText(row.tax.rate.percent)} %`,
      amount: figures(row.amount),
    })),
    totals: view.totals.map(({ label, amount }) => ({ label: printable(label), amount: figures(amount) })),
    notes: view.notes.map(printable),
  };
}
