import type { DecimalValue } from '../core/decimal';
import type { Measurement } from './meter';
import { keyOf, type UsageEvent } from './usage-event';

/** A UTC day, and a quarter of an hour: every zone's midnight is the edge of one. */
export type Grain = 'DAY' | 'QUARTER';
const lengths: Readonly<Record<Grain, number>> = { DAY: 86_400_000, QUARTER: 900_000 };

export interface Measured extends Measurement {
  readonly event: UsageEvent;
}

/** What the events of one bucket come to, by every aggregation at once. Times are milliseconds since 1970. */
export interface BucketSum {
  readonly featureId: string;
  readonly grain: Grain;
  readonly bucketStart: number;
  quantity: DecimalValue;
  events: number;
  maximum: DecimalValue;
  latestQuantity: DecimalValue;
  latestAt: number;
  latestKey: string;
}

export interface BucketUnique {
  readonly featureId: string;
  readonly grain: Grain;
  readonly bucketStart: number;
  readonly value: string;
}

/** Of two events of the same instant the one with the larger key is the later one, in whichever order they come. */
function isLater(event: UsageEvent, sum: BucketSum): boolean {
  return (
    event.at > sum.latestAt ||
    (event.at === sum.latestAt && Buffer.compare(Buffer.from(keyOf(event)), Buffer.from(sum.latestKey)) > 0)
  );
}

function include(sums: Map<string, BucketSum>, grain: Grain, { featureId, value, event }: Measured): void {
  const bucketStart = event.at - (event.at % lengths[grain]);
  const key = `${featureId} ${grain} ${bucketStart}`;
  const sum = sums.get(key);
  if (!sum) {
    sums.set(key, {
      ...{ featureId, grain, bucketStart, quantity: value, events: 1, maximum: value },
      ...{ latestQuantity: value, latestAt: event.at, latestKey: keyOf(event) },
    });
    return;
  }
  sum.quantity = sum.quantity.plus(value);
  sum.events += 1;
  if (value.greaterThan(sum.maximum)) sum.maximum = value;
  if (isLater(event, sum)) {
    sum.latestQuantity = value;
    sum.latestAt = event.at;
    sum.latestKey = keyOf(event);
  }
}

/** One row for each feature and bucket, whatever number of events: what a batch adds to the rollups. */
export function rollUp(measured: readonly Measured[]): { sums: BucketSum[]; uniques: BucketUnique[] } {
  const sums = new Map<string, BucketSum>();
  const uniques = new Map<string, BucketUnique>();
  for (const one of measured) {
    for (const grain of ['DAY', 'QUARTER'] as const) {
      include(sums, grain, one);
      if (one.unique === undefined) continue;
      const { featureId, unique: value, event } = one;
      const bucketStart = event.at - (event.at % lengths[grain]);
      uniques.set(`${featureId} ${grain} ${bucketStart} ${value}`, { featureId, grain, bucketStart, value });
    }
  }
  return { sums: [...sums.values()], uniques: [...uniques.values()] };
}
