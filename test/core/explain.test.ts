import { fraction, multiply } from '../../src/core/exact';
import { explain } from '../../src/core/explain';
import { exactMinorUnits } from '../../src/core/money';
import { eur } from '../support/arbitraries';
import { checkExplanation, recalculate } from './recalculate';

const because = {
  rule: 'PRORATED_PRICE',
  formula: 'price * quantity * remaining / total',
  operands: [
    { name: 'price', value: '19.00', unit: 'EUR', source: { kind: 'PLAN' as const, id: 'plan', name: 'Pro' } },
    { name: 'quantity', value: '1', unit: 'units' },
    { name: 'remaining', value: '11', unit: 'days' },
    { name: 'total', value: '31', unit: 'days' },
  ],
  sentence: (amount: string) => `19.00 EUR × 11/31 = ${amount}.`,
};

test('an amount comes with the account of how it came about', () => {
  const exact = multiply(exactMinorUnits(eur('19.00')), fraction(11n, 31n));
  expect(explain(exact, 'EUR', because)).toEqual({
    amount: eur('6.74'), // 19.00 × 11/31 = 6.7419 → 6.74
    explanation: {
      rule: 'PRORATED_PRICE',
      formula: 'price * quantity * remaining / total',
      operands: because.operands,
      exact: '6.741935483870…',
      rounding: 'HALF_AWAY_FROM_ZERO',
      result: '6.74',
      sentence: '19.00 EUR × 11/31 = 6.74 EUR.',
    },
  });
});

test.each([
  ['JPY' as const, fraction(5n, 2n), '2.5', '3'],
  ['KWD' as const, fraction(5n, 2n), '0.0025', '0.003'],
  ['EUR' as const, fraction(-5n, 2n), '-0.025', '-0.03'],
])('in %s: %j minor units are %s, rounded %s', (currency, exact, text, result) => {
  const { explanation } = explain(exact, currency, because);
  expect([explanation.exact, explanation.result]).toEqual([text, result]);
});

describe('the independent calculator that other tests judge explanations with', () => {
  const account = (formula: string, operands: Record<string, string>, digits = 2) => ({
    ...explain(fraction(0n), 'EUR', because).explanation,
    formula,
    operands: Object.entries(operands).map(([name, value]) => ({ name, value, unit: '1' })),
    result: (0).toFixed(digits),
  });
  test.each<[string, Record<string, string>, string, string]>([
    ['a + b * c', { a: '1', b: '2', c: '3' }, '7', '7.00'],
    ['(a + b) * c', { a: '1', b: '2', c: '3' }, '9', '9.00'],
    ['a - b - c', { a: '1', b: '2', c: '3' }, '-4', '-4.00'],
    ['a / b / c', { a: '12', b: '2', c: '3' }, '2', '2.00'],
    ['amount * percent / 100', { amount: '17.39', percent: '20' }, '3.478', '3.48'],
    ['min(a, b)', { a: '1.01', b: '1.001' }, '1.001', '1.00'],
    ['max(a - b, 0)', { a: '1', b: '2' }, '0', '0.00'],
    ['a / b', { a: '1', b: '3' }, '0.333333333333…', '0.33'],
    ['a', { a: '-2.345' }, '-2.345', '-2.35'],
    // 10.00 over 4.90, 14.90 and 0.20: 2.45, 7.45, 0.10
    ['spread(a)', { a: '10', line1: '4.90', line2: '14.90', line3: '0.20', position: '2' }, '7.45', '7.45'],
    // 1.00 over three equal lines: the first gets the cent that is left
    ['spread(a)', { a: '1', line1: '5', line2: '5', line3: '5', position: '1' }, '0.333333333333…', '0.34'],
  ])('%s with %j is %s → %s', (formula, operands, exact, result) => {
    expect(recalculate(account(formula, operands))).toEqual({ exact, result });
  });

  test('does not accept what does not follow from the operands', () => {
    expect(() => recalculate(account('a * b', { a: '1' }))).toThrow('no operand b');
    expect(() => recalculate(account('a b', { a: '1', b: '1' }))).toThrow('is not understood');
    expect(() => checkExplanation(account('a', { a: '5' }))).toThrow('is said to be');
  });
});
