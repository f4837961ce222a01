import { type DecimalValue, decimal } from '../core/decimal';
import type { PriceModel } from './price-model';

/** What units of a feature cost that a source gives: within its allowance, and beyond everybody's. */
export interface UsagePrice {
  /** None: what is inside costs nothing. */
  readonly inside?: PriceModel | undefined;
  /** None: this source sells nothing beyond the limit. */
  readonly overage?: PriceModel | undefined;
}

/** A source that usage is drawn from. */
export interface UsageSource {
  readonly sourceKind: 'PLAN' | 'ADDON' | 'LICENCE' | 'GRANT';
  readonly unlimited: boolean;
  /** All of it: × quantity. */
  readonly limit: DecimalValue;
  readonly price?: UsagePrice | undefined;
}

export const usageParts = ['INSIDE', 'OVERAGE'] as const;
export type UsagePart = (typeof usageParts)[number];

/** The units that one source bears, or that nobody's allowance bears. */
export interface UsageShare<S extends UsageSource = UsageSource> {
  readonly part: UsagePart;
  /** OVERAGE: whose price it is; none where nobody sells overage. */
  readonly source?: S | undefined;
  /** Where these units begin and end on the source's own ladder. */
  readonly from: DecimalValue;
  readonly to: DecimalValue;
  readonly quantity: DecimalValue;
  readonly price?: PriceModel | undefined;
}

/** Whose price overage has: the last attached source's that has one, else the plan's (billing rules §5). */
export function overageSource<S extends Pick<UsageSource, 'sourceKind' | 'price'>>(
  sources: readonly S[],
): S | undefined {
  const selling = sources.filter((source) => source.price?.overage !== undefined);
  return selling.findLast((source) => source.sourceKind === 'ADDON') ?? selling.at(-1);
}

const between = (value: DecimalValue, least: DecimalValue, most: DecimalValue | undefined) => {
  if (value.lessThan(least)) return least;
  return most?.lessThan(value) ? most : value;
};

/**
 * Lays the sources end to end in the order in which they are drawn from, and answers which of the units between two
 * counts of a window each of them bears. A change within the window asks again with other sources and goes on where the
 * count stands: usage is counted once, limits switch, positions on the ladders are kept.
 *
 * @param sources plan, attachments by start, grants by expiry
 * @param from the window's count before the units in question
 * @param to the count with them; not below `from`
 */
export function rateUsage<S extends UsageSource>(
  sources: readonly S[],
  from: DecimalValue,
  to: DecimalValue,
): UsageShare<S>[] {
  const shares: UsageShare<S>[] = [];
  let below = decimal(0);
  for (const source of sources) {
    const end = source.unlimited ? undefined : below.plus(source.limit);
    const [first, last] = [between(from, below, end).minus(below), between(to, below, end).minus(below)];
    shares.push({
      part: 'INSIDE',
      source,
      from: first,
      to: last,
      quantity: last.minus(first),
      price: source.price?.inside,
    });
    if (!end) return shares;
    below = end;
  }
  const [first, last] = [between(from, below, undefined).minus(below), between(to, below, undefined).minus(below)];
  const seller = overageSource(sources);
  shares.push({
    part: 'OVERAGE',
    source: seller,
    ...{ from: first, to: last },
    quantity: last.minus(first),
    price: seller?.price?.overage,
  });
  return shares;
}
