import { Decimal } from 'decimal.js';
import { invariant } from './invariant';

/**
 * Rates, unit prices, percentages and quantities: exact decimals with at most 12 fraction digits.
 * A clone of our own, so that no other code's `Decimal.set` can change how we calculate.
 */
const ExactDecimal = Decimal.clone({ precision: 60, toExpNeg: -40, toExpPos: 60, rounding: Decimal.ROUND_HALF_UP });
export type DecimalValue = Decimal;

export const maximumFractionDigits = 12;
/** 10^20 is beyond every amount that anybody bills, and still far inside PostgreSQL's `numeric(38, 12)`. */
export const maximumIntegerDigits = 20;

/**
 * Strict on purpose: `new Decimal('1e100000000').toFixed(2)` takes 15 s and 3 GB, and decimal.js accepts NaN, Infinity
 * and hex. The length is looked at before the pattern, so a megabyte of digits is refused at once.
 */
const pattern = /^-?(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,12})?$/;
const maximumLength = 1 + maximumIntegerDigits + 1 + maximumFractionDigits;

export function isDecimalText(text: string): boolean {
  return text.length <= maximumLength && pattern.test(text) && text !== '-0' && !/^-0\.0+$/.test(text);
}

/** `undefined` for anything but a plain decimal such as `-12.50`: no exponent, hex, NaN, Infinity, sign `+` or blank. */
export function parseDecimal(text: string): DecimalValue | undefined {
  return isDecimalText(text) ? new ExactDecimal(text) : undefined;
}

/** For text that our own database or code wrote; anything else is a bug. */
export function decimal(text: string | number | bigint): DecimalValue {
  const parsed = parseDecimal(typeof text === 'string' ? text : text.toString());
  invariant(parsed, `not a decimal: ${String(text).slice(0, 40)}`);
  return parsed;
}

/** Plain notation without trailing zeros: `0.002`, `12`, `-3.5`. */
export function decimalText(value: DecimalValue): string {
  return value.toFixed();
}
