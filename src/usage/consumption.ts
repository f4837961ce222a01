import { type DecimalValue, decimal, decimalText } from '../core/decimal';
import { gate, type MergedEntitlement } from '../entitlements/entitlement';
import type { Aggregation, Counting, Measured } from './meter';
import type { EventProblem } from './usage-event';

/** A feature that events count for, and what the tenant has of it. */
export interface Holding {
  readonly counting: Counting;
  /** None: the tenant does not have it. */
  readonly merged?: MergedEntitlement | undefined;
}

/** Whether there is anything to watch over: what has no limit can be used without looking. */
export function isLimited({ merged }: Holding): boolean {
  return merged !== undefined && !merged.unlimited;
}

/** What was used of a feature in a window, while events are let in one after the other. */
export interface Meterage {
  used: DecimalValue;
  /** UNIQUE_COUNT: the values that the window has seen, of those that are asked about. */
  readonly seen: Set<string>;
}

const none = decimal(0);

/** What an event adds to what was used: a value that was seen, or a smaller maximum, adds nothing. */
function added(aggregation: Aggregation, { value, unique }: Measured, { used, seen }: Meterage): DecimalValue {
  switch (aggregation) {
    case 'UNIQUE_COUNT':
      return seen.has(unique!) ? none : value;
    case 'MAX':
      return value.greaterThan(used) ? value.minus(used) : none;
    case 'LATEST':
      return value.minus(used);
    default:
      return value;
  }
}

/**
 * May this event be used up, in all that it counts for? Then it is, and `meterages` say so to the next one. An event that
 * adds nothing passes also beyond a limit.
 */
export function consume(
  measured: readonly Measured[],
  holdings: ReadonlyMap<string, Holding>,
  meterageOf: (one: Measured) => Meterage,
): EventProblem | undefined {
  const uses = measured.map((one) => {
    const { counting, merged } = holdings.get(one.featureId)!;
    const meterage = merged && !merged.unlimited ? meterageOf(one) : undefined;
    return { one, counting, merged, meterage, more: meterage ? added(counting.aggregation, one, meterage) : none };
  });
  for (const { counting, merged, meterage, more } of uses) {
    const { featureCode } = counting;
    if (!merged) return { code: 'NOT_ENTITLED', message: `The tenant does not have ${featureCode}.` };
    if (!meterage || !more.greaterThan(none)) continue;
    const { allowed, limit, remaining } = gate('METERED', merged, meterage.used, more);
    if (!allowed) {
      const [left, all] = [decimalText(remaining ?? none), decimalText(limit ?? none)];
      return {
        code: 'LIMIT_REACHED',
        message: `Of ${featureCode}, ${left} of ${all} are left.`,
        facts: { feature: featureCode, limit: all, remaining: left },
      };
    }
  }
  for (const { one, meterage, more } of uses) {
    if (!meterage) continue;
    meterage.used = meterage.used.plus(more);
    if (one.unique !== undefined) meterage.seen.add(one.unique);
  }
  return undefined;
}

/** The shares of a limit that have been reached, in percent, least first. */
export function reachedThresholds(limit: DecimalValue, used: DecimalValue, thresholds: readonly number[]): number[] {
  if (!used.greaterThan(none)) return [];
  return thresholds.filter((percent) => used.times(100).greaterThanOrEqualTo(limit.times(percent)));
}
