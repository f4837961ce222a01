import fc from 'fast-check';
import { type CurrencyCode, currencyCodes, fractionDigitsOf, isCurrencyCode } from '../../src/core/currency';
import { decimal } from '../../src/core/decimal';
import { exactText, fraction, multiply } from '../../src/core/exact';
import { InvariantViolation } from '../../src/core/invariant';
import {
  AmountOutOfRange,
  add,
  amountText,
  atLeastZero,
  equals,
  exactMinorUnits,
  exactMinorUnitsOf,
  isZero,
  type Money,
  maximumMinorUnits,
  money,
  moneyText,
  negate,
  parseMoney,
  roundToMoney,
  smaller,
  subtract,
  sum,
  zero,
} from '../../src/core/money';
import { eur, seed } from '../support/arbitraries';
import { hostileNumbers } from './hostile-numbers';

describe('reading an amount', () => {
  test.each<[string, CurrencyCode, bigint]>([
    ['12', 'EUR', 1200n],
    ['12.5', 'EUR', 1250n],
    ['12.50', 'EUR', 1250n],
    ['0.05', 'EUR', 5n],
    ['-0.05', 'EUR', -5n],
    ['0', 'EUR', 0n],
    ['0.00', 'EUR', 0n],
    ['5000', 'JPY', 5000n],
    ['1.234', 'KWD', 1234n],
    ['-1.2', 'KWD', -1200n],
    ['0.0001', 'CLF', 1n],
    ['92233720368547758.07', 'EUR', maximumMinorUnits],
    ['-92233720368547758.07', 'EUR', -maximumMinorUnits],
    ['9223372036854775807', 'JPY', maximumMinorUnits],
  ])('%s %s is %s minor units', (text, currency, minor) => {
    expect(parseMoney(text, currency)).toEqual({ minor, currency });
  });

  test.each<[string, CurrencyCode]>([
    ['12.345', 'EUR'],
    ['1.5', 'JPY'],
    ['1.0', 'JPY'],
    ['1.2345', 'KWD'],
    ['92233720368547758.08', 'EUR'],
    ['9223372036854775808', 'JPY'],
    ...hostileNumbers.map(([, text]): [string, CurrencyCode] => [text, 'EUR']),
  ])('%s is not an amount in %s', (text, currency) => {
    expect(parseMoney(text, currency)).toBeUndefined();
  });

  // Whoever writes out the digits first does not get through a thousand of these within the runner's limit.
  test.each(hostileNumbers)('%s is refused unread, a thousand times', (_name, text) => {
    for (let round = 0; round < 1_000; round += 1) expect(parseMoney(text, 'EUR')).toBeUndefined();
  });
});

describe('writing an amount', () => {
  test.each<[bigint, CurrencyCode, string]>([
    [1250n, 'EUR', '12.50'],
    [5n, 'EUR', '0.05'],
    [-5n, 'EUR', '-0.05'],
    [0n, 'EUR', '0.00'],
    [5000n, 'JPY', '5000'],
    [-5000n, 'JPY', '-5000'],
    [0n, 'JPY', '0'],
    [-50n, 'KWD', '-0.050'],
    [1234n, 'KWD', '1.234'],
    [7n, 'CLF', '0.0007'],
  ])('%s %s is %s', (minor, currency, text) => {
    expect(amountText(money(minor, currency))).toBe(text);
    expect(moneyText(money(minor, currency))).toBe(`${text} ${currency}`);
  });

  test('what is written is read again as the same amount, in every currency', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...currencyCodes),
        fc.bigInt({ min: -maximumMinorUnits, max: maximumMinorUnits }),
        (currency, minor) => {
          expect(parseMoney(amountText(money(minor, currency)), currency)).toEqual({ minor, currency });
        },
      ),
      { seed, numRuns: 2_000 },
    );
  });
});

describe('calculating', () => {
  test('adds, subtracts, negates, sums', () => {
    expect(add(eur('0.10'), eur('0.20'))).toEqual(eur('0.30')); // 0.10 + 0.20, which a float makes 0.30000000000000004
    expect(subtract(eur('9.50'), eur('12.25'))).toEqual(eur('-2.75')); // 9.50 − 12.25
    expect(negate(eur('2.75'))).toEqual(eur('-2.75'));
    expect(sum([eur('29.99'), eur('50.00'), eur('25.00'), eur('10.00'), eur('5.00'), eur('4.00')], 'EUR')).toEqual(
      eur('123.99'), // 29.99 + 50.00 + 25.00 + 10.00 + 5.00 + 4.00
    );
    expect(sum([], 'KWD')).toEqual(zero('KWD'));
  });

  test('compares', () => {
    expect(smaller(eur('1.00'), eur('2.00'))).toEqual(eur('1.00'));
    expect(smaller(eur('2.00'), eur('-1.00'))).toEqual(eur('-1.00'));
    expect(atLeastZero(eur('-0.01'))).toEqual(eur('0'));
    expect(atLeastZero(eur('0.01'))).toEqual(eur('0.01'));
    expect(isZero(eur('0.00'))).toBe(true);
    expect(isZero(eur('0.01'))).toBe(false);
    expect(equals(eur('1.00'), eur('1'))).toBe(true);
    expect(equals(money(100n, 'EUR'), money(100n, 'USD'))).toBe(false);
  });

  // The compiler refuses these (test/types); here the types are widened, as they are for amounts read from a row.
  const one: Money = money(100n, 'EUR');
  const other: Money = money(100n, 'USD');
  test.each<[string, () => unknown]>([
    ['add', () => add(one, other)],
    ['subtract', () => subtract(one, other)],
    ['smaller', () => smaller(one, other)],
    ['sum', () => sum<CurrencyCode>([one, other], 'EUR')],
    ['sum into another currency', () => sum<CurrencyCode>([one], 'USD')],
  ])('%s refuses to mix currencies', (_name, mix) => {
    expect(mix).toThrow(InvariantViolation);
    expect(mix).toThrow(/currencies do not mix/);
  });

  test('an amount beyond what the database holds is refused, not a wrong number', () => {
    const largest = money(maximumMinorUnits, 'EUR');
    expect(() => add(largest, money(1n, 'EUR'))).toThrow(AmountOutOfRange);
    expect(() => subtract(negate(largest), money(1n, 'EUR'))).toThrow(AmountOutOfRange);
  });
});

describe('fixing an exact number as an amount', () => {
  test('a rate is never rounded on the way: 200.00 a year, 180 days, 3 licences', () => {
    // 200 / 365 × 180 × 3 = 295.8904 → 295.89; a daily rate rounded to 0.548 gives 295.92, and S002 prints 296.40
    const exact = multiply(exactMinorUnits(eur('200.00')), fraction(180n * 3n, 365n));
    expect(roundToMoney(exact, 'EUR')).toEqual(eur('295.89'));
  });

  test.each<[string, CurrencyCode, string, bigint]>([
    ['0.0025', 'EUR', '0.25', 0n],
    ['0.005', 'EUR', '0.5', 1n],
    ['-0.005', 'EUR', '-0.5', -1n],
    ['0.116', 'EUR', '11.6', 12n], // 4 × 2.9 % = 0.116
    ['0.5', 'JPY', '0.5', 1n],
    ['0.0005', 'KWD', '0.5', 1n],
    ['0.00049', 'KWD', '0.49', 0n],
  ])('%s %s is %s minor units', (rate, currency, exact, rounded) => {
    const units = exactMinorUnitsOf(decimal(rate), currency);
    expect(exactText(units)).toBe(exact);
    expect(roundToMoney(units, currency).minor).toBe(rounded);
  });

  test('what does not fit is refused, not a wrong number', () => {
    expect(() => roundToMoney(exactMinorUnitsOf(decimal('99999999999999999999'), 'EUR'), 'EUR')).toThrow(
      AmountOutOfRange,
    );
  });
});

describe('currencies', () => {
  test('fraction digits come from the published list', () => {
    expect(currencyCodes.filter((code) => fractionDigitsOf(code) === 0).join(' ')).toBe(
      'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
    );
    expect(currencyCodes.filter((code) => fractionDigitsOf(code) === 3).join(' ')).toBe('BHD IQD JOD KWD LYD OMR TND');
    expect(currencyCodes.filter((code) => fractionDigitsOf(code) === 4).join(' ')).toBe('CLF UYW');
    expect(currencyCodes.length).toBeGreaterThan(160);
  });

  test.each(['EUR', 'JPY', 'KWD', 'UGX'])('%s is one', (text) => expect(isCurrencyCode(text)).toBe(true));
  test.each(['eur', 'EURO', '', 'XXX', 'DEM', '__proto__', 'constructor', 'toString'])('%s is none', (text) =>
    expect(isCurrencyCode(text)).toBe(false),
  );
});
