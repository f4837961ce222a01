import type { DecimalValue } from '../core/decimal';
import type { Measured } from './meter';
import { keyOf, type UsageEvent } from './usage-event';

/** A UTC day, and a quarter of an hour: every zone's midnight is the edge of one. */
export type Grain = 'DAY' | 'QUARTER';
const lengths: Readonly<Record<Grain, number>> = { DAY: 86_400_000, QUARTER: 900_000 };

/** What the events of one bucket come to, by every aggregation at once. Times are milliseconds since 1970. */
export interface BucketSum {
  readonly featureId: string;
  readonly grain: Grain;
  readonly bucketStart: number;
  quantity: DecimalValue;
  events: number;
  maximum: DecimalValue;
  latestQuantity: DecimalValue;
  latest: UsageEvent;
}

export interface BucketUnique {
  readonly featureId: string;
  readonly grain: Grain;
  readonly bucketStart: number;
  readonly value: string;
}

const startOf = (at: number, grain: Grain) => at - (at % lengths[grain]);

/** Of two events of the same instant the one with the larger key is the later one, in whichever order they come. */
function isLater(one: UsageEvent, two: UsageEvent): boolean {
  return one.at > two.at || (one.at === two.at && Buffer.compare(Buffer.from(keyOf(one)), Buffer.from(keyOf(two))) > 0);
}

type Part = Pick<BucketSum, 'quantity' | 'events' | 'maximum' | 'latestQuantity' | 'latest'>;

/** The sums of one grain, each event or finer bucket in the one that it falls into. */
class Buckets {
  private readonly ofFeature = new Map<string, Map<number, BucketSum>>();

  constructor(private readonly grain: Grain) {}

  private bucketsOf(featureId: string): Map<number, BucketSum> {
    let buckets = this.ofFeature.get(featureId);
    if (!buckets) {
      buckets = new Map();
      this.ofFeature.set(featureId, buckets);
    }
    return buckets;
  }

  addEvent({ featureId, value, event }: Measured): void {
    const sum = this.bucketsOf(featureId).get(startOf(event.at, this.grain));
    if (!sum) {
      this.add(featureId, event.at, {
        quantity: value,
        events: 1,
        maximum: value,
        latestQuantity: value,
        latest: event,
      });
      return;
    }
    sum.quantity = sum.quantity.plus(value);
    sum.events += 1;
    if (value.greaterThan(sum.maximum)) sum.maximum = value;
    if (!isLater(event, sum.latest)) return;
    sum.latest = event;
    sum.latestQuantity = value;
  }

  add(featureId: string, at: number, { quantity, events, maximum, latestQuantity, latest }: Part): void {
    const buckets = this.bucketsOf(featureId);
    const { grain } = this;
    const bucketStart = startOf(at, grain);
    const sum = buckets.get(bucketStart);
    if (!sum) {
      buckets.set(bucketStart, {
        ...{ featureId, grain, bucketStart },
        ...{ quantity, events, maximum, latestQuantity, latest },
      });
      return;
    }
    sum.quantity = sum.quantity.plus(quantity);
    sum.events += events;
    if (maximum.greaterThan(sum.maximum)) sum.maximum = maximum;
    if (!isLater(latest, sum.latest)) return;
    sum.latest = latest;
    sum.latestQuantity = latestQuantity;
  }

  sums(): BucketSum[] {
    return [...this.ofFeature.values()].flatMap((buckets) => [...buckets.values()]);
  }
}

/** One row for each feature and bucket, whatever number of events: what a batch adds to the rollups. */
export function rollUp(measured: readonly Measured[]): { sums: BucketSum[]; uniques: BucketUnique[] } {
  const quarters = new Buckets('QUARTER');
  const uniques = new Map<string, BucketUnique>();
  for (const one of measured) {
    quarters.addEvent(one);
    const { featureId, unique, event } = one;
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
