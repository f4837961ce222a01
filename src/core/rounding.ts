import type { Exact } from './exact';

export type RoundingMode = 'HALF_AWAY_FROM_ZERO';

/**
 * The only place where a fraction of a minor unit disappears (billing rules §1), and only when a line's amount is fixed.
 * 2.5 → 3, −2.5 → −3.
 */
export function roundHalfAwayFromZero(value: Exact): bigint {
  const negative = value.numerator < 0n;
  const size = negative ? -value.numerator : value.numerator;
  const rounded = (2n * size + value.denominator) / (2n * value.denominator);
  return negative ? -rounded : rounded;
}
