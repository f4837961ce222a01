import { InvariantViolation } from '../../src/core/invariant';
import {
  accountEntriesOf,
  creditNoteNumber,
  invoiceNumber,
  type LineKind,
  noMoney,
  totalsOf,
} from '../../src/invoicing/invoice';
import { decidePlanChange } from '../../src/proration/plan-change';
import { changeOf, chargedWhole, eur, percentOff, textOf } from '../support/arbitraries';

const line = (kind: LineKind, text: string) => ({ kind, amount: eur(text) });

test('the header is the sum of rounded lines, never rounded again', () => {
  const totals = totalsOf(
    [line('PLAN_FIXED', '29.99'), line('ADDON_FIXED', '50.00'), line('DISCOUNT', '-3.34'), line('DISCOUNT', '-3.33')],
    'EUR',
  );
  // 29.99 + 50.00 = 79.99; 3.34 + 3.33 = 6.67; 79.99 − 6.67 = 73.32
  expect([totals.subtotal, totals.discount, totals.total].map(textOf)).toEqual(['79.99', '6.67', '73.32']);
});

test('S003’s sample', () => {
  const lines = ['29.99', '50.00', '25.00', '10.00', '5.00', '4.00'].map((text) => line('PLAN_FIXED', text));
  expect(textOf(totalsOf(lines, 'EUR').total)).toBe('123.99'); // 29.99 + 50.00 + 25.00 + 10.00 + 5.00 + 4.00
});

test('credits lower the subtotal; only discounts are discounts', () => {
  const totals = totalsOf([line('PRORATION_CREDIT', '-6.74'), line('PRORATION_CHARGE', '17.39')], 'EUR');
  expect([totals.subtotal, totals.discount, totals.total].map(textOf)).toEqual(['10.65', '0.00', '10.65']);
});

test('a discount that adds is a bug', () => {
  expect(() => totalsOf([line('DISCOUNT', '1.00')], 'EUR')).toThrow(InvariantViolation);
});

test('lines of another currency are a bug', () => {
  expect(() => totalsOf([line('PLAN_FIXED', '1.00')], 'USD')).toThrow(InvariantViolation);
});

test('no lines, no money', () => {
  expect(totalsOf([], 'EUR')).toEqual(noMoney('EUR'));
});

test('every line moves the account of its item; a discount the account of the line it takes from', () => {
  const decided = decidePlanChange(
    changeOf(
      chargedWhole(eur('19.00')),
      { unitAmount: eur('49.00') },
      { coupons: [{ coupon: percentOff('20'), running: false }] },
    ),
  );
  const entries = accountEntriesOf(decided.ok ? decided.value.lines : []);
  expect(entries.map(({ itemId, kind, amount, lineIndex }) => [itemId, kind, textOf(amount), lineIndex])).toEqual([
    ['old-item', 'CREDIT', '-6.74', 0],
    ['new-item', 'CHARGE', '17.39', 1],
    ['new-item', 'DISCOUNT', '-3.48', 2],
  ]);
  expect(entries.map(({ share }) => `${share.remaining}/${share.total}`)).toEqual(['11/31', '11/31', '11/31']);
});

test('what was used is on an account of its own, its line, as a discount on it is: nothing of it is credited as unused', () => {
  const decided = decidePlanChange(changeOf(chargedWhole(eur('19.00')), { unitAmount: eur('49.00') }));
  const [credit, charge] = decided.ok ? decided.value.lines : [];
  const used = { ...charge!, kind: 'OVERAGE' as const };
  const discount = { ...charge!, kind: 'DISCOUNT' as const, amount: eur('-1.00'), discountsLine: 1 };
  const entries = accountEntriesOf([credit!, used, discount, charge!]);
  expect(entries.map(({ kind, lineIndex, accountOfLine }) => [kind, lineIndex, accountOfLine])).toEqual([
    ['CREDIT', 0, undefined],
    ['CHARGE', 1, 1],
    ['DISCOUNT', 2, 1],
    ['CHARGE', 3, undefined],
  ]);
});

test('numbers are readable and sort by number', () => {
  expect(invoiceNumber('acme', 42n)).toBe('ACME-000042');
  expect(invoiceNumber('acme', 1_234_567n)).toBe('ACME-1234567');
  expect(creditNoteNumber('acme', 7n)).toBe('ACME-CN-000007');
});
