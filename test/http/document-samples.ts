import { instant, localDate } from '../../src/core/calendar';
import { decimal } from '../../src/core/decimal';
import { type Money, money } from '../../src/core/money';
import type { DocumentRow, DocumentView } from '../../src/invoicing/document-view';

const eur = (minor: number): Money => money(BigInt(minor), 'EUR');
const rate = { id: 'r', name: 'VAT', percent: decimal('19'), inclusive: false };

const row = (
  kind: string,
  description: string,
  minor: number,
  tax: number | undefined,
  quantity = '1',
): DocumentRow => ({
  ...{ kind, description, quantity: decimal(quantity), amount: eur(minor) },
  tax: tax === undefined ? undefined : { rate, amount: eur(tax) },
  ...{ from: localDate('2026-01-01'), until: localDate('2026-01-31') },
});

/** S003's sample, with 19 % on top: 29.99 + 50.00 + 25.00 + 10.00 + 5.00 + 4.00 = 123.99. */
const rows = [
  row('PLAN_FIXED', 'Starter', 2_999, 570),
  row('ADDON_FIXED', 'Importer & Distributor', 5_000, 950),
  row('PRORATION_CHARGE', 'Remaining time on Provider Track', 2_500, 475),
  row('PLAN_USAGE', 'API calls within Starter', 1_000, 190, '1000'),
  row('ADDON_USAGE', 'API calls within Importer & Distributor', 500, 95, '500'),
  row('OVERAGE', 'API calls beyond all limits', 400, 76, '200'),
];

export const plain: DocumentView = {
  title: 'Invoice',
  number: 'ACME-000042',
  currency: 'EUR',
  issuedAt: instant('2026-02-01T00:00:00Z'),
  issuedOn: localDate('2026-02-01'),
  from: localDate('2026-01-01'),
  until: localDate('2026-01-31'),
  seller: {
    legalName: 'Acme Compliance GmbH',
    address: ['Torstraße 1', '10119 Berlin'],
    ...{ country: 'DE', taxId: 'DE123456789', email: 'billing@acme.example' },
  },
  buyer: {
    legalName: 'Łódź Imports Sp. z o.o.',
    address: ['ul. Piotrkowska 104', '90-926 Łódź'],
    ...{ country: 'PL', taxId: 'PL7250028902' },
  },
  rows,
  totals: [
    { label: 'Subtotal', amount: eur(12_399) },
    { label: 'VAT 19 %', amount: eur(2_356) },
    { label: 'Total', amount: eur(14_755) },
    { label: 'Credit balance', amount: eur(-1_000) },
    { label: 'Amount due', amount: eur(13_755) },
  ],
  notes: ['VAT is owed by the recipient (Article 196 of Directive 2006/112/EC)'],
};

/** What has broken printers before. */
export const hostileTexts = [
  '=cmd|"/C calc"!A0',
  '+1+1',
  '-2+3',
  '@SUM(A1)',
  '\t=1+1',
  '＝1+1',
  'a "quoted", text; with\nlines',
  'Ж Ω ł ₹ € א ע 中文 日本 😀 👩‍👩‍👧 \u202eright\u202c to left \u200b\u0301\u0301\u0301',
  'مرحبا بالعالم שלום',
  '<script>alert(1)</script> & (escaped) \\( /Name <<>> %comment',
  '\ufeff\ufffe\u0007\u0000',
  'x'.repeat(500),
  'word '.repeat(100),
];

export function sampleViews(): Record<string, DocumentView> {
  const many = Array.from({ length: 120 }, (_none, index) =>
    row('ADDON_FIXED', `Add-on number ${index + 1}`, 1_234_567 + index, 100),
  );
  return {
    plain,
    paid: { ...plain, stamp: 'PAID', notes: ['Paid on 2026-02-03: bank transfer 4711'] },
    void: { ...plain, stamp: 'VOID', notes: ['Void since 2026-02-02: billed by mistake'] },
    long: { ...plain, rows: many },
    longVoid: { ...plain, rows: many, stamp: 'VOID' },
    hostile: {
      ...plain,
      seller: { ...plain.seller, legalName: hostileTexts[9]!, address: hostileTexts.slice(5, 9) },
      buyer: { ...plain.buyer, legalName: hostileTexts[0]! },
      rows: hostileTexts.map((text, index) => row('PLAN_FIXED', text, index * 100 - 300, undefined)),
      notes: hostileTexts,
    },
    letter: {
      ...plain,
      seller: { legalName: 'Bare seller', country: 'US' },
      buyer: { legalName: 'Bare buyer' },
      notes: [],
    },
    creditNote: {
      ...plain,
      title: 'Credit note',
      number: 'ACME-CN-000007',
      from: undefined,
      until: undefined,
      rows: [{ ...row('CORRECTION', 'Credit for Starter', 1_000, 190), kind: 'CORRECTION' }],
      totals: [
        { label: 'Subtotal', amount: eur(1_000) },
        { label: 'VAT 19 %', amount: eur(190) },
        { label: 'Total credit', amount: eur(1_190) },
      ],
      notes: ['For invoice ACME-000042', 'A day without service'],
    },
  };
}
