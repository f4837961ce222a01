import fc from 'fast-check';
import { decimal } from '../../src/core/decimal';
import {
  compareExact,
  divide,
  exactOf,
  exactText,
  fraction,
  minus,
  multiply,
  oneExact,
  plus,
  zeroExact,
} from '../../src/core/exact';
import { InvariantViolation } from '../../src/core/invariant';
import { roundHalfAwayFromZero } from '../../src/core/rounding';
import { seed } from '../support/arbitraries';

describe('rounding', () => {
  test.each([
    // The rule's own examples, in cents: 2.345 → 2.35 and −2.345 → −2.35.
    ['234.5', 235n],
    ['-234.5', -235n],
    ['2.5', 3n],
    ['-2.5', -3n],
    ['0.5', 1n],
    ['-0.5', -1n],
    ['1.5', 2n], // half to even would agree here,
    ['3.5', 4n], // and here,
    ['4.5', 5n], // but not here: 4
    ['-4.5', -5n],
    ['0.499999999999', 0n],
    ['-0.499999999999', 0n],
    ['0.500000000001', 1n],
    ['7', 7n],
    ['0', 0n],
  ])('%s → %s', (text, rounded) => {
    expect(roundHalfAwayFromZero(exactOf(decimal(text)))).toBe(rounded);
  });

  test('a fraction that no decimal holds is no tie: 1/3 → 0, 2/3 → 1, 3/6 → 1', () => {
    expect(roundHalfAwayFromZero(fraction(1n, 3n))).toBe(0n);
    expect(roundHalfAwayFromZero(fraction(2n, 3n))).toBe(1n);
    expect(roundHalfAwayFromZero(fraction(3n, 6n))).toBe(1n);
    // 60 digits would round 0.4999…9 up to a tie and the tie up to 1.
    expect(roundHalfAwayFromZero(fraction(10n ** 70n - 1n, 2n * 10n ** 70n))).toBe(0n);
  });

  test('is the nearest whole number, ties away from zero, and mirrors at zero', () => {
    const numerator = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n });
    const denominator = fc.bigInt({ min: 1n, max: 10n ** 6n });
    fc.assert(
      fc.property(numerator, denominator, (above, below) => {
        const rounded = roundHalfAwayFromZero(fraction(above, below));
        const twiceOff = 2n * (above - rounded * below);
        expect(twiceOff <= below && twiceOff >= -below).toBe(true);
        if (twiceOff === below || twiceOff === -below) {
          expect(rounded > 0n ? twiceOff === -below : twiceOff === below).toBe(true);
        }
        expect(roundHalfAwayFromZero(fraction(-above, below))).toBe(-rounded);
      }),
      { seed, numRuns: 5_000 },
    );
  });
});

describe('exact fractions', () => {
  test('arithmetic loses nothing', () => {
    const third = fraction(1n, 3n);
    expect(compareExact(plus(plus(third, third), third), oneExact)).toBe(0); // 1/3 + 1/3 + 1/3 = 1
    expect(compareExact(minus(third, third), zeroExact)).toBe(0);
    expect(compareExact(multiply(third, fraction(3n), fraction(7n)), fraction(7n))).toBe(0); // 1/3 × 3 × 7 = 7
    expect(compareExact(divide(oneExact, third), fraction(3n))).toBe(0); // 1 ÷ 1/3 = 3
    expect(compareExact(exactOf(decimal('0.1')), fraction(1n, 10n))).toBe(0);
    expect(compareExact(exactOf(decimal('-12.05')), fraction(-1205n, 100n))).toBe(0);
    expect(compareExact(exactOf(-7n), fraction(7n, -1n))).toBe(0);
  });

  test('compares across denominators and signs', () => {
    expect(compareExact(fraction(1n, 3n), fraction(1n, 2n))).toBe(-1);
    expect(compareExact(fraction(-1n, 3n), fraction(-1n, 2n))).toBe(1);
    expect(compareExact(fraction(1n, -3n), fraction(1n, 3n))).toBe(-1);
  });

  test('has no denominator 0', () => {
    expect(() => fraction(1n, 0n)).toThrow(InvariantViolation);
    expect(() => divide(oneExact, zeroExact)).toThrow(InvariantViolation);
  });

  test.each([
    [fraction(209n, 31n), 6, '6.741935…'], // 19 × 11 / 31 = 6.74193548…
    [fraction(49n, 2n), 6, '24.5'],
    [fraction(-1n, 2n), 6, '-0.5'],
    [fraction(2n, 3n), 4, '0.6666…'], // cut off, never rounded
    [fraction(0n, 5n), 6, '0'],
    [fraction(12n, 4n), 6, '3'],
    [fraction(1n, 1_000n), 2, '0.00…'],
  ])('reads %j with %s digits as %s', (value, digits, text) => {
    expect(exactText(value, digits)).toBe(text);
  });
});
