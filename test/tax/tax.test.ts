import fc from 'fast-check';
import { localDate } from '../../src/core/calendar';
import { decimal } from '../../src/core/decimal';
import type { Id } from '../../src/core/ids';
import { type Money, money } from '../../src/core/money';
import { decideCredit } from '../../src/invoicing/credit-lines';
import type { InvoiceLine, LineDraft } from '../../src/invoicing/invoice';
import { accountKey, type ItemCharge } from '../../src/invoicing/item-charge';
import { dueByLine } from '../../src/invoicing/split-credit';
import type { AppliedRate } from '../../src/tax/tax';
import { addedTax, taxLines } from '../../src/tax/tax-lines';
import { decideRates, type TaxRate } from '../../src/tax/tax-rate';
import { recalculate } from '../core/recalculate';
import { eur, periodFrom, textOf } from '../support/arbitraries';

const january = periodFrom('2026-01-01');
const span = { start: january.start, end: january.end };
const share = { basis: 'DAY', remaining: 31n, total: 31n } as const;

function line(itemId: string, amount: Money, more: Partial<LineDraft> = {}): LineDraft {
  return {
    kind: 'ADDON_FIXED',
    source: { kind: 'ADDON', id: itemId },
    ...{ itemId, amount, share, period: span, covers: span },
    description: itemId,
    quantity: decimal(1n),
    explanation: {} as never,
    ...more,
  };
}

const rate = (percent: string, inclusive = false, id = `rate ${percent}`): AppliedRate => ({
  ...{ id, inclusive },
  name: 'VAT',
  percent: decimal(percent),
});
const at = (general: AppliedRate, others: Record<string, AppliedRate> = {}) => ({
  decision: { treatment: 'TAXABLE' as const, rates: new Map([['', general], ...Object.entries(others)]) },
  categories: new Map<string, string>(),
  accounts: new Map(),
});
const taxOf = (lines: readonly LineDraft[]) => lines.map(({ tax }) => tax && textOf(tax.amount));

describe('which rate', () => {
  let number = 0;
  const row = (country: string, percent: string, more: Partial<TaxRate> = {}): TaxRate => {
    number += 1;
    return {
      ...{ id: `r${number}` as Id<'TaxRate'>, partnerId: 'p' as Id<'Partner'>, country, name: 'VAT', inclusive: false },
      ...{ percent: decimal(percent), validFrom: localDate('2020-01-01'), version: 1, createdAt: january.start },
      ...more,
    };
  };
  const percentOf = (rows: TaxRate[], place: { country: string; region?: string }, day: string, category = '') => {
    const { rates } = decideRates(rows, place, localDate(day), 'TAXABLE', undefined);
    const found = rates.get(category) ?? rates.get('');
    return found?.percent.toString();
  };
  const germany = [
    row('DE', '19'),
    row('DE', '16', { validFrom: localDate('2020-07-01'), validTo: localDate('2021-01-01') }),
    row('DE', '7', { category: 'books' }),
    row('ES', '21'),
    row('ES', '4', { category: 'books' }),
    row('ES', '7', { region: 'CN' }),
  ];

  test.each([
    ['DE', undefined, '2020-06-30', '', '19'],
    ['DE', undefined, '2020-07-01', '', '16'], // the later row stands before the older one
    ['DE', undefined, '2020-12-31', '', '16'],
    ['DE', undefined, '2021-01-01', '', '19'], // its end does not belong to it
    ['DE', undefined, '2026-01-01', 'books', '7'],
    ['DE', undefined, '2026-01-01', 'toys', '19'], // no row of its own
    ['DE', undefined, '2019-12-31', '', undefined], // before the first row
    ['ES', 'CN', '2026-01-01', '', '7'], // the region before its country
    ['ES', 'CN', '2026-01-01', 'books', '7'], // and before the country's rate of a category
    ['ES', 'MD', '2026-01-01', 'books', '4'],
    ['FR', undefined, '2026-01-01', '', undefined],
  ])('%s %s on %s for %p: %s', (country, region, day, category, percent) => {
    const place = region === undefined ? { country } : { country, region };
    expect(percentOf(germany, place, day, category)).toBe(percent);
    expect(percentOf([...germany].reverse(), place, day, category)).toBe(percent);
  });

  test('reverse charge and exempt: none, whatever the table says', () => {
    const place = { country: 'DE' };
    for (const treatment of ['REVERSE_CHARGE', 'EXEMPT'] as const) {
      const decision = decideRates(germany, place, localDate('2026-01-01'), treatment, 'why');
      expect(decision).toEqual({ treatment, note: 'why', rates: new Map() });
    }
  });
});

describe('on the lines', () => {
  test('rounded once for each rate, spread by largest remainder', () => {
    const taxed = taxLines([line('a', eur('10.01')), line('b', eur('10.02'))], at(rate('19')), 'EUR');
    // 20.03 × 19 % = 3.8057 → 3.81; by lines it would be 1.90 + 1.90 = 3.80.
    expect(textOf(addedTax(taxed.lines, 'EUR'))).toBe('3.81');
    // 3.81 × 10.01/20.03 = 1.9040…, 3.81 × 10.02/20.03 = 1.9059…: the cent goes to the larger remainder.
    expect(taxOf(taxed.lines)).toEqual(['1.90', '1.91', undefined]);
    expect(taxed.taxes.map(({ base, amount }) => [textOf(base), textOf(amount)])).toEqual([['20.03', '3.81']]);
  });

  test('after discounts; a discount has no tax of its own', () => {
    const drafts = [line('a', eur('50.00')), line('a', eur('-5.00'), { kind: 'DISCOUNT', discountsLine: 0 })];
    const taxed = taxLines(drafts, at(rate('19')), 'EUR');
    expect(taxOf(taxed.lines)).toEqual(['8.55', undefined, undefined]); // 45.00 × 19 %
  });

  test('held by the price: told, not added', () => {
    const taxed = taxLines([line('a', eur('119.00'))], at(rate('19', true)), 'EUR');
    expect(taxed.lines).toHaveLength(1);
    expect(taxOf(taxed.lines)).toEqual(['19.00']); // 119.00 × 19/119
    expect(taxed.taxes.map(({ base, amount }) => [textOf(base), textOf(amount)])).toEqual([['100.00', '19.00']]);
  });

  test('each category at its own rate, one TAX line for each rate', () => {
    const input = at(rate('19'), { books: rate('7') });
    input.categories.set('b', 'books');
    const taxed = taxLines([line('a', eur('10.00')), line('b', eur('20.00')), line('c', eur('5.00'))], input, 'EUR');
    expect(taxed.lines.slice(3).map(({ kind, amount }) => `${kind} ${textOf(amount)}`)).toEqual([
      'TAX 2.85', // (10.00 + 5.00) × 19 %
      'TAX 1.40', // 20.00 × 7 %
    ]);
  });

  test('a credit takes its share of what was charged with it, at the rate of then', () => {
    const account = { charged: eur('19.00'), tax: eur('3.61'), taxRate: rate('19') };
    const drafts = [
      line('old', eur('-6.74'), { kind: 'PRORATION_CREDIT' }),
      line('new', eur('17.39'), { kind: 'PRORATION_CHARGE' }),
    ];
    const taxed = taxLines(drafts, { ...at(rate('21')), accounts: new Map([['old', account]]) }, 'EUR');
    expect(taxOf(taxed.lines).slice(0, 2)).toEqual([
      '-1.28', // 3.61 × 6.74/19.00 = 1.2806
      '3.65', // 17.39 × 21 % = 3.6519
    ]);
    expect(textOf(addedTax(taxed.lines, 'EUR'))).toBe('2.37'); // 3.65 − 1.28
  });

  const amount = fc.bigInt({ min: 0n, max: 10_000_000n }).map((minor) => money(minor, 'EUR'));
  const anyRate = fc.record({
    percent: fc.constantFrom('0', '0.5', '7', '8.1', '19', '20', '33.333', '100'),
    inclusive: fc.boolean(),
  });

  test('law: parts sum to the whole, every explanation recalculates', () => {
    fc.assert(
      fc.property(fc.array(amount, { minLength: 1, maxLength: 12 }), anyRate, (amounts, { percent, inclusive }) => {
        const drafts = amounts.map((each, index) => line(`item${index}`, each));
        const taxed = taxLines(drafts, at(rate(percent, inclusive)), 'EUR');
        const [row] = taxed.taxes;
        const parts = taxed.lines.reduce((total, { tax }) => total + (tax?.amount.minor ?? 0n), 0n);
        expect(parts).toBe(row!.amount.minor);
        const gross = amounts.reduce((total, each) => total + each.minor, 0n);
        expect(row!.base.minor + (inclusive ? row!.amount.minor : 0n)).toBe(gross);
        expect(addedTax(taxed.lines, 'EUR').minor).toBe(inclusive ? 0n : row!.amount.minor);
        for (const { kind, explanation } of taxed.lines) {
          if (kind !== 'TAX') continue;
          expect(recalculate(explanation)).toEqual({ exact: explanation.exact, result: explanation.result });
        }
      }),
      { numRuns: 500 },
    );
  });

  test('law: credits of every line, in whatever steps, are the invoice to the cent: what is due comes off, what was paid is given back', () => {
    const steps = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 0, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(amount, steps), { minLength: 1, maxLength: 6 }),
        anyRate,
        fc.integer({ min: 0, max: 100 }),
        (given, { percent, inclusive }, paidPercent) => {
          const drafts = given.map(([each], index) => line(`item${index}`, each));
          const taxed = taxLines(drafts, at(rate(percent, inclusive)), 'EUR');
          const total = taxed.lines.reduce((sum, each) => sum + each.amount.minor, 0n);
          const lines = taxed.lines.map((draft, index) => ({
            ...draft,
            id: `line${index}`,
          })) as unknown as InvoiceLine[];
          const charges = drafts.map((draft, index) => ({
            ...{ invoiceLineId: `line${index}`, originLineId: `line${index}`, itemId: draft.itemId, period: span },
            ...{ kind: 'CHARGE', share },
            amount: draft.amount,
            tax: taxed.lines[index]!.tax!.amount,
          })) as unknown as ItemCharge[];
          const credited = new Map<string, { amount: bigint; tax: bigint }>();
          const standing = new Map(
            charges.map((row) => [accountKey(row), { amount: row.amount.minor, tax: row.tax.minor }]),
          );
          const paid = (total * BigInt(paidPercent)) / 100n;
          let due = total - paid;
          let givenBack = 0n;
          const grossOf = (row: { amount: bigint; tax: bigint }) => (inclusive ? row.amount : row.amount + row.tax);
          const creditOne = (index: number, minor: bigint) => {
            const invoiceLineId = `line${index}` as Id<'InvoiceLine'>;
            const requests = [{ invoiceLineId, amount: money(minor, 'EUR') }];
            const tax = addedTax(taxed.lines, 'EUR');
            const ids = { id: 'A-1' as Id<'Invoice'>, tenantId: 'tenant' as Id<'Tenant'> };
            const invoice = { ...ids, number: 'A-1', total: money(total, 'EUR'), tax };
            const stands = new Map(
              charges.map((row) => [row.invoiceLineId as string, grossOf(standing.get(accountKey(row))!)]),
            );
            const open = [{ invoice: { id: 'A-1' } as never, due: dueByLine(due, stands) }];
            const decided = decideCredit({ invoice, lines, credited, charges, standing, open, requests });
            if (!decided.ok) throw new Error(decided.refusal.code);
            const sumOf = (each: { lines: readonly { amount: { minor: bigint } }[] }) =>
              each.lines.reduce((sum, { amount: { minor: part } }) => sum + part, 0n);
            due -= sumOf(decided.value.open);
            givenBack += sumOf(decided.value.paid);
            expect(givenBack).toBeLessThanOrEqual(paid);
            for (const entry of [...decided.value.open.entries, ...decided.value.paid.entries]) {
              const { amount, tax: entryTax } = entry;
              const before = credited.get(invoiceLineId) ?? { amount: 0n, tax: 0n };
              credited.set(invoiceLineId, { amount: before.amount - amount.minor, tax: before.tax - entryTax!.minor });
              const stood = standing.get(accountKey(entry))!;
              standing.set(accountKey(entry), {
                amount: stood.amount + amount.minor,
                tax: stood.tax + entryTax!.minor,
              });
            }
          };
          for (const [index, [each, parts]] of given.entries()) {
            let left = each.minor;
            for (const part of parts) {
              const minor = (left * BigInt(part)) / 100n;
              if (minor > 0n) creditOne(index, minor);
              left -= minor;
            }
            if (left > 0n) creditOne(index, left);
          }
          expect({ due, givenBack }).toEqual({ due: 0n, givenBack: paid });
          for (const row of standing.values()) expect(row).toEqual({ amount: 0n, tax: 0n });
        },
      ),
      { numRuns: 500 },
    );
  });
});
