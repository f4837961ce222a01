import { type Instant, instantFromMilliseconds, isBefore, laterOf } from '../core/calendar';
import { type DecimalValue, decimal } from '../core/decimal';
import type { EntitlementAnswer } from './entitlement-check';

/** How fast a limit is used, and when it will be used up if that goes on. */
export interface UsagePace {
  /** Rounded to six decimals. */
  readonly perDay: DecimalValue;
  /** Before the limit starts over; `undefined`: not before then, not at all, or it is used up already. */
  readonly exhaustedAt?: Instant | undefined;
}

const day = 86_400_000;
/** Where a date is no forecast any more. */
const latest = Date.parse('2200-01-01T00:00:00Z');

/**
 * A straight line from the beginning of the window, or from when the tenant had the feature at all, to now. What does not
 * add up (the largest value, the latest one) has none.
 */
export function usagePace(answer: EntitlementAnswer): UsagePace | undefined {
  const { merged, window, used, remaining, aggregation, at, resetsAt } = answer;
  if (!merged || !window || !used || !at || !aggregation || aggregation === 'MAX' || aggregation === 'LATEST') {
    return undefined;
  }
  const since = merged.sources
    .map(({ startsAt }) => startsAt)
    .reduce((first, start) => (isBefore(start, first) ? start : first));
  const begin = laterOf(window.start, since);
  const elapsed = at.epochMilliseconds - begin.epochMilliseconds;
  if (elapsed <= 0) return undefined;
  const perDay = used.times(day).dividedBy(elapsed).toDecimalPlaces(6);
  if (!remaining || remaining.isZero() || used.isZero()) return { perDay };
  const left = remaining.times(elapsed).dividedBy(used).ceil();
  const end = Math.min(resetsAt?.epochMilliseconds ?? latest, latest);
  if (left.plus(at.epochMilliseconds).greaterThanOrEqualTo(decimal(end))) return { perDay };
  return { perDay, exhaustedAt: instantFromMilliseconds(at.epochMilliseconds + left.toNumber()) };
}
