import { decimalText } from '../core/decimal';
import { amountText } from '../core/money';
import type { DocumentView } from '../invoicing/document-view';

/** What a spreadsheet takes for a formula, also in its full-width form and behind blanks. */
const formula = /^[\s\0]*[=+\-@\t\r＝＋－＠|%]/u;

/** Somebody else's words: an apostrophe makes a spreadsheet show what it would calculate. */
const words = (text: string | undefined): string => cell(text && formula.test(text) ? `'${text}` : (text ?? ''));
/** Our own: numbers, dates and names of kinds. */
const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

const head = [
  ...['document', 'number', 'issued', 'seller', 'buyer', 'kind', 'description', 'from', 'until', 'quantity'],
  ...['amount', 'currency', 'tax', 'tax_percent', 'tax_amount', 'tax_included', 'due'],
];

/**
 * One row for each line, then one for each total; RFC 4180, UTF-8 with the mark that spreadsheets look for. Amounts are plain
 * numbers with a point.
 */
export function documentCsv(view: DocumentView): Buffer {
  const start = [cell(view.title), cell(view.number), view.issuedOn.toString()];
  const parties = [words(view.seller.legalName), words(view.buyer.legalName)];
  const due = view.dueOn?.toString() ?? '';
  const rows = view.rows.map((row) => [
    ...[
      ...start,
      ...parties,
      row.kind,
      words(row.description),
      row.from?.toString() ?? '',
      row.until?.toString() ?? '',
    ],
    ...[decimalText(row.quantity), amountText(row.amount), view.currency],
    ...(row.tax
      ? [
          words(row.tax.rate.name),
          decimalText(row.tax.rate.percent),
          amountText(row.tax.amount),
          row.tax.rate.inclusive ? 'yes' : 'no',
        ]
      : ['', '', '', '']),
    due,
  ]);
  const totals = view.totals.map(({ label, amount }) => [
    ...[...start, ...parties, 'TOTAL', words(label), view.from?.toString() ?? '', view.until?.toString() ?? ''],
    ...['', amountText(amount), view.currency, '', '', '', '', due],
  ]);
  const text = [head, ...rows, ...totals].map((cells) => cells.join(',')).join('\r\n');
  return Buffer.from(`\uFEFF${text}\r\n`, 'utf8');
}
