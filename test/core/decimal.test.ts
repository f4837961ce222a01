import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { decimal, decimalText, isDecimalText, parseDecimal } from '../../src/core/decimal';
import { exactText } from '../../src/core/exact';
import { InvariantViolation } from '../../src/core/invariant';
import { parsePercent, percentFraction } from '../../src/core/percent';
import { maximumSeats, parseQuantity, parseSeats } from '../../src/core/quantity';
import { seed } from '../support/arbitraries';
import { hostileNumbers } from './hostile-numbers';

describe('decimals', () => {
  test.each([
    ['0', '0'],
    ['12.50', '12.5'],
    ['-12.50', '-12.5'],
    ['0.002', '0.002'],
    ['0.000000000001', '0.000000000001'],
    ['99999999999999999999.999999999999', '99999999999999999999.999999999999'],
    ['-0.5', '-0.5'],
  ])('%s is %s', (text, plain) => {
    expect(decimalText(parseDecimal(text)!)).toBe(plain);
  });

  test.each<readonly [string, string]>([
    ...hostileNumbers,
    ['13 fraction digits', '0.0000000000001'],
    ['21 integer digits', '100000000000000000000'],
  ])('%s is refused', (_name, text) => {
    expect(parseDecimal(text)).toBeUndefined();
    expect(parseQuantity(text)).toBeUndefined();
    expect(parsePercent(text)).toBeUndefined();
    expect(() => decimal(text)).toThrow(InvariantViolation);
  });

  // Whoever writes out the digits first does not get through a thousand of these within the runner's limit.
  test.each(hostileNumbers)('%s is refused unread, a thousand times', (_name, text) => {
    for (let round = 0; round < 1_000; round += 1) expect(parseDecimal(text)).toBeUndefined();
  });

  test('numbers and bigints of our own code', () => {
    expect(decimalText(decimal(3))).toBe('3');
    expect(decimalText(decimal(-1))).toBe('-1');
    expect(decimalText(decimal(2n ** 53n + 1n))).toBe('9007199254740993'); // a float would end in …992
    expect(() => decimal(1e21)).toThrow(InvariantViolation);
    expect(() => decimal(Number.NaN)).toThrow(InvariantViolation);
  });

  test('nobody else’s settings change how we calculate, and 10^20 + 0.005 keeps the 0.005', () => {
    const before = Decimal.precision;
    try {
      Decimal.set({ precision: 3 });
      // With 20 digits, the default of decimal.js, the sum would be 100000000000000000000.
      expect(decimalText(decimal('99999999999999999999').plus(1).plus('0.005'))).toBe('100000000000000000000.005');
    } finally {
      Decimal.set({ precision: before });
    }
  });

  test('reading and writing agree for every decimal of the pattern', () => {
    const text = fc
      .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 20n - 1n }), fc.stringMatching(/^([0-9]{0,11}[1-9])?$/))
      .map(([negative, whole, decimals]) => {
        const size = decimals ? `${whole}.${decimals}` : `${whole}`;
        return negative && size !== '0' ? `-${size}` : size;
      });
    fc.assert(
      fc.property(text, (plain) => {
        expect(isDecimalText(plain)).toBe(true);
        expect(decimalText(parseDecimal(plain)!)).toBe(plain);
      }),
      { seed, numRuns: 2_000 },
    );
  });
});

describe('percentages', () => {
  test.each(['0.000000000001', '20', '33.333333333333', '100', '100.00'])('%s %%', (text) =>
    expect(parsePercent(text)).toBeDefined(),
  );
  test.each(['0', '0.00', '-1', '100.01', '100.000000000001', '1000'])('not %s %%', (text) =>
    expect(parsePercent(text)).toBeUndefined(),
  );
  test('as a fraction', () => {
    expect(exactText(percentFraction(parsePercent('20')!))).toBe('0.2'); // 20 / 100
    expect(exactText(percentFraction(parsePercent('12.5')!))).toBe('0.125'); // 12.5 / 100
  });
});

describe('quantities', () => {
  test.each<[number | bigint, bigint]>([
    [1, 1n],
    [7n, 7n],
    [2_147_483_647, maximumSeats],
  ])('%s seats', (value, seats) => expect(parseSeats(value)).toBe(seats));

  test.each<[number | bigint]>([
    [0],
    [-1],
    [1.5],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [2 ** 31],
    [2 ** 53 + 2],
    [2n ** 53n + 1n],
    [0n],
    [-1n],
  ])('not %s seats', (value) => expect(parseSeats(value)).toBeUndefined());

  test('a measured quantity is an exact decimal that is not negative', () => {
    expect(decimalText(parseQuantity('0')!)).toBe('0');
    expect(decimalText(parseQuantity('14.28444999')!)).toBe('14.28444999');
    expect(parseQuantity('-0.1')).toBeUndefined();
  });
});
