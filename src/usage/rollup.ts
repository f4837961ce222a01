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

type Part = Omit<BucketSum, 'featureId' | 'grain' | 'bucketStart'>;

const startOf = (at: number, grain: Grain) => at - (at % lengths[grain]);

/** Of two events of the same instant the one with the larger key is the later one, in whichever order they come. */
function isLater(part: Part, sum: BucketSum): boolean {
  return (
    part.latestAt > sum.latestAt ||
    (part.latestAt === sum.latestAt && Buffer.compare(Buffer.from(part.latestKey), Buffer.from(sum.latestKey)) > 0)
  );
}

function include(sum: BucketSum, part: Part): void {
  sum.quantity = sum.quantity.plus(part.quantity);
  sum.events += part.events;
  if (part.maximum.greaterThan(sum.maximum)) sum.maximum = part.maximum;
  if (!isLater(part, sum)) return;
  sum.latestQuantity = part.latestQuantity;
  sum.latestAt = part.latestAt;
  sum.latestKey = part.latestKey;
}

/** The sums of one grain, each event or finer bucket in the one that it falls into. */
class Buckets {
  private readonly ofFeature = new Map<string, Map<number, BucketSum>>();

  constructor(private readonly grain: Grain) {}

  add(featureId: string, at: number, part: Part): void {
    let buckets = this.ofFeature.get(featureId);
    if (!buckets) {
      buckets = new Map();
      this.ofFeature.set(featureId, buckets);
    }
    const bucketStart = startOf(at, this.grain);
    const sum = buckets.get(bucketStart);
    if (sum) include(sum, part);
    else {
      const { quantity, events, maximum, latestQuantity, latestAt, latestKey } = part;
      buckets.set(bucketStart, {
        featureId,
        grain: this.grain,
        bucketStart,
        quantity,
        events,
        maximum,
        latestQuantity,
        latestAt,
        latestKey,
      });
    }
  }

  sums(): BucketSum[] {
    return [...this.ofFeature.values()].flatMap((buckets) => [...buckets.values()]);
  }
}

/** One row for each feature and bucket, whatever number of events: what a batch adds to the rollups. */
export function rollUp(measured: readonly Measured[]): { sums: BucketSum[]; uniques: BucketUnique[] } {
  const quarters = new Buckets('QUARTER');
  const uniques = new Map<string, BucketUnique>();
  for (const { featureId, value, unique, event } of measured) {
    quarters.add(featureId, event.at, {
      quantity: value,
      events: 1,
      maximum: value,
      latestQuantity: value,
      latestAt: event.at,
      latestKey: keyOf(event),
    });
    if (unique === undefined) continue;
    for (const grain of ['DAY', 'QUARTER'] as const) {
      const bucketStart = startOf(event.at, grain);
      uniques.set(`${featureId} ${grain} ${bucketStart} ${unique}`, { featureId, grain, bucketStart, value: unique });
    }
  }
  const days = new Buckets('DAY');
  for (const sum of quarters.sums()) days.add(sum.featureId, sum.bucketStart, sum);
  return { sums: [...quarters.sums(), ...days.sums()], uniques: [...uniques.values()] };
}
