import { type DecimalValue, decimalText } from './decimal';
import { invariant } from './invariant';

/**
 * An exact fraction. Money rules multiply prices by shares such as 11/31, which no decimal of any length holds; as a
 * fraction nothing is lost before the one rounding, and a tie is a tie. The denominator is positive.
 */
export interface Exact {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const zeroExact: Exact = { numerator: 0n, denominator: 1n };
export const oneExact: Exact = { numerator: 1n, denominator: 1n };

export function fraction(numerator: bigint, denominator = 1n): Exact {
  invariant(denominator !== 0n, 'a fraction needs a denominator');
  return denominator > 0n ? { numerator, denominator } : { numerator: -numerator, denominator: -denominator };
}

export function exactOf(value: DecimalValue | bigint): Exact {
  if (typeof value === 'bigint') return { numerator: value, denominator: 1n };
  const text = decimalText(value);
  const point = text.indexOf('.');
  if (point < 0) return { numerator: BigInt(text), denominator: 1n };
  const digits = text.length - point - 1;
  return { numerator: BigInt(text.slice(0, point) + text.slice(point + 1)), denominator: 10n ** BigInt(digits) };
}

export function multiply(first: Exact, ...others: readonly Exact[]): Exact {
  let { numerator, denominator } = first;
  for (const other of others) {
    numerator *= other.numerator;
    denominator *= other.denominator;
  }
  return { numerator, denominator };
}

export function divide(value: Exact, by: Exact): Exact {
  return fraction(value.numerator * by.denominator, value.denominator * by.numerator);
}

export function plus(first: Exact, second: Exact): Exact {
  if (first.denominator === second.denominator) {
    return { numerator: first.numerator + second.numerator, denominator: first.denominator };
  }
  return {
    numerator: first.numerator * second.denominator + second.numerator * first.denominator,
    denominator: first.denominator * second.denominator,
  };
}

export function minus(first: Exact, second: Exact): Exact {
  return plus(first, { numerator: -second.numerator, denominator: second.denominator });
}

export function compareExact(first: Exact, second: Exact): -1 | 0 | 1 {
  const left = first.numerator * second.denominator;
  const right = second.numerator * first.denominator;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** For people: at most `digits` fraction digits, cut off and marked with `…` where the fraction goes on. */
export function exactText(value: Exact, digits = 6): string {
  const negative = value.numerator < 0n;
  const size = negative ? -value.numerator : value.numerator;
  const whole = size / value.denominator;
  let rest = size % value.denominator;
  let decimals = '';
  for (let index = 0; index < digits && rest !== 0n; index += 1) {
    rest *= 10n;
    decimals += (rest / value.denominator).toString();
    rest %= value.denominator;
  }
  return `${negative ? '-' : ''}${whole}${decimals ? `.${decimals}` : ''}${rest !== 0n ? '…' : ''}`;
}
