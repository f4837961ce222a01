import { type DecimalValue, parseDecimal } from './decimal';
import { type Exact, exactOf } from './exact';

/** A percentage as people write it: 20 is 20 %. Above 0, at most 100, at most 12 fraction digits. */
export type Percent = DecimalValue & { readonly brand: 'Percent' };

export function parsePercent(text: string): Percent | undefined {
  const value = parseDecimal(text);
  return value?.greaterThan(0) && value.lessThanOrEqualTo(100) ? (value as Percent) : undefined;
}

export function percentFraction(percent: Percent): Exact {
  const { numerator, denominator } = exactOf(percent);
  return { numerator, denominator: denominator * 100n };
}
