import { type CurrencyCode, fractionDigitsOf } from './currency';
import type { DecimalValue } from './decimal';
import { type Exact, exactOf } from './exact';
import { invariant } from './invariant';
import { roundHalfAwayFromZero } from './rounding';

/** An integer number of minor units (cents, yen, fils) of one currency. `Money<'EUR'>` and `Money<'USD'>` do not mix. */
export interface Money<C extends CurrencyCode = CurrencyCode> {
  readonly minor: bigint;
  readonly currency: C;
}

/** PostgreSQL `bigint`. Nothing that is billed comes near it; what does is refused at the edge. */
export const maximumMinorUnits = 9_223_372_036_854_775_807n;

/** Nothing broke: what was asked for, say two thousand million seats, multiplies to more than can be kept. */
export class AmountOutOfRange extends Error {
  override readonly name = 'AmountOutOfRange';
}

/** @throws AmountOutOfRange beyond 2^63 minor units */
export function money<C extends CurrencyCode>(minor: bigint, currency: C): Money<C> {
  if (minor > maximumMinorUnits || minor < -maximumMinorUnits) {
    throw new AmountOutOfRange('an amount is beyond 2^63 minor units');
  }
  return { minor, currency };
}

export function zero<C extends CurrencyCode>(currency: C): Money<C> {
  return { minor: 0n, currency };
}

function sameCurrency(first: Money, second: Money): void {
  invariant(first.currency === second.currency, `currencies do not mix: ${first.currency} and ${second.currency}`);
}

export function add<C extends CurrencyCode>(first: Money<C>, second: Money<NoInfer<C>>): Money<C> {
  sameCurrency(first, second);
  return money(first.minor + second.minor, first.currency);
}

export function subtract<C extends CurrencyCode>(first: Money<C>, second: Money<NoInfer<C>>): Money<C> {
  sameCurrency(first, second);
  return money(first.minor - second.minor, first.currency);
}

export function negate<C extends CurrencyCode>(amount: Money<C>): Money<C> {
  return money(-amount.minor, amount.currency);
}

export function sum<C extends CurrencyCode>(amounts: Iterable<Money<NoInfer<C>>>, currency: C): Money<C> {
  let total = zero(currency);
  for (const amount of amounts) total = add(total, amount);
  return total;
}

export function smaller<C extends CurrencyCode>(first: Money<C>, second: Money<NoInfer<C>>): Money<C> {
  sameCurrency(first, second);
  return first.minor <= second.minor ? first : second;
}

/** Of minor units: the least of them. */
export const least = (...minor: readonly [bigint, ...bigint[]]): bigint =>
  minor.reduce((one, other) => (other < one ? other : one));

export function atLeastZero<C extends CurrencyCode>(amount: Money<C>): Money<C> {
  return amount.minor < 0n ? zero(amount.currency) : amount;
}

export function isZero(amount: Money): boolean {
  return amount.minor === 0n;
}

export function equals(first: Money, second: Money): boolean {
  return first.currency === second.currency && first.minor === second.minor;
}

/** Fixes an exact number of minor units as an amount: the one rounding a line knows. */
export function roundToMoney<C extends CurrencyCode>(exactMinorUnits: Exact, currency: C): Money<C> {
  return money(roundHalfAwayFromZero(exactMinorUnits), currency);
}

/** An amount as an exact number of minor units, to calculate with. */
export function exactMinorUnits(amount: Money): Exact {
  return { numerator: amount.minor, denominator: 1n };
}

/** A decimal of the major unit (a rate such as 0.0025 EUR per call) as an exact number of minor units. */
export function exactMinorUnitsOf(majorUnits: DecimalValue, currency: CurrencyCode): Exact {
  const { numerator, denominator } = exactOf(majorUnits);
  return { numerator: numerator * 10n ** BigInt(fractionDigitsOf(currency)), denominator };
}

const amountPattern = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$/;
/** A sign, the 19 digits of the largest amount, and a point. */
const longestAmount = 21;

/** `undefined` unless the text is a plain amount with at most the currency's own fraction digits: `12`, `12.5`, `-0.05`. */
export function parseMoney<C extends CurrencyCode>(text: string, currency: C): Money<C> | undefined {
  if (text.length > longestAmount) return undefined;
  const match = amountPattern.exec(text);
  if (!match) return undefined;
  const digits = fractionDigitsOf(currency);
  const decimals = match[3] ?? '';
  if (decimals.length > digits) return undefined;
  const minor = BigInt(match[2]! + decimals.padEnd(digits, '0'));
  if (minor > maximumMinorUnits || (match[1] === '-' && minor === 0n)) return undefined;
  return { minor: match[1] === '-' ? -minor : minor, currency };
}

/** The amount in major units with the currency's own fraction digits: `12.50`, `500` (JPY), `-0.050` (KWD). */
export function amountText(amount: Money): string {
  const digits = fractionDigitsOf(amount.currency);
  const size = (amount.minor < 0n ? -amount.minor : amount.minor).toString().padStart(digits + 1, '0');
  const sign = amount.minor < 0n ? '-' : '';
  return digits === 0 ? sign + size : `${sign}${size.slice(0, -digits)}.${size.slice(-digits)}`;
}

export function moneyText(amount: Money): string {
  return `${amountText(amount)} ${amount.currency}`;
}
