import type { Feature } from '../catalog/feature';
import { type Instant, isAtOrBefore, isSameInstant } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { type DecimalValue, decimal } from '../core/decimal';
import type { Explanation } from '../core/explain';
import { groupBy } from '../core/group';
import { type Money, sum, zero } from '../core/money';
import { mergeEntitlement } from '../entitlements/entitlement';
import type { Tx } from '../tx';
import { carriedOf } from '../usage/carried-usage';
import { futureTolerance } from '../usage/usage-event';
import { explainPrice, timingOf } from './price-model';
import { countAll, loadUsageSchedule } from './usage-bill.query';
import { chargesOf } from './usage-charge';
import {
  countsOf,
  currentPieces,
  drawBills,
  piecesByBill,
  type RatedSource,
  type UsageWay,
  wholeLimit,
} from './usage-pieces';

/** What one source bears of a window's units, or what is beyond all of them. */
export interface SourceUsage {
  readonly part: UsageWay['part'];
  /** OVERAGE: whose price it has; none where nobody sells any. */
  readonly source?: RatedSource | undefined;
  readonly quantity: DecimalValue;
  /** None where nobody prices it. */
  readonly amount?: Money | undefined;
  readonly explanation?: Explanation | undefined;
}

export interface FeatureUsage {
  readonly feature: Feature;
  readonly since: Instant;
  /** None: it never starts over. */
  readonly resetsAt?: Instant | undefined;
  readonly used: DecimalValue;
  /** None: unlimited. */
  readonly limit?: DecimalValue | undefined;
  readonly overage: DecimalValue;
  readonly shares: readonly SourceUsage[];
  readonly amount: Money;
  /** On average since the window began. */
  readonly perDay: DecimalValue;
  /** When the limit will be reached at this rate, if before it starts over. */
  readonly exhaustedAt?: Instant | undefined;
}

const dayLength = 86_400_000;

/** At the rate since the window began. */
function projection(
  used: DecimalValue,
  limit: DecimalValue | undefined,
  since: Instant,
  now: Instant,
  resetsAt: Instant | undefined,
): Pick<FeatureUsage, 'perDay' | 'exhaustedAt'> {
  const elapsed = Math.max(now.epochMilliseconds - since.epochMilliseconds, 1);
  const perDay = used.times(dayLength).dividedBy(elapsed).toDecimalPlaces(6);
  if (!limit || used.isZero() || used.greaterThanOrEqualTo(limit)) return { perDay };
  const wait = limit.minus(used).times(elapsed).dividedBy(used).ceil();
  // Centuries are no date to tell anybody.
  if (wait.greaterThan(dayLength * 36_525)) return { perDay };
  const exhaustedAt = now.add({ milliseconds: wait.toNumber() });
  return {
    perDay,
    exhaustedAt: resetsAt && exhaustedAt.epochMilliseconds >= resetsAt.epochMilliseconds ? undefined : exhaustedAt,
  };
}

/**
 * What the live subscription has used of each METERED feature in its current window, which source bears which part, and
 * what it costs so far. Drawn and priced by the very functions that bill it; during a trial it costs nothing.
 */
export async function usageBySubscription(
  tx: Pick<Tx, 'tenantFor' | 'subscriptions' | 'entitlements' | 'features' | 'usage' | 'meteringSpans' | 'billedUsage'>,
  tenantId: string,
): Promise<readonly FeatureUsage[]> {
  const tenant = await tx.tenantFor(tenantId);
  const subscription = tenant && (await tx.subscriptions.live(tenant.id));
  if (!subscription) return [];
  const { now } = tenant;
  // As far as events are taken: what a client whose clock is ahead has sent counts, here as in a check.
  const until = now.add({ milliseconds: futureTolerance + 1 });
  const trialing = subscription.status === 'TRIALING';
  const schedule = await loadUsageSchedule(tx, subscription);
  const metered = await tx.entitlements.metered(tenant.id, now);
  const current = [...groupBy(metered, (source) => source.featureId)].flatMap(([featureId, sources]) => {
    const found = currentPieces(schedule, sources, now, until);
    return found ? [{ featureId, sources, ...found }] : [];
  });
  const featureIds = current.map(({ featureId }) => featureId);
  const [features, open] = await Promise.all([
    tx.features.byIds(featureIds),
    tx.billedUsage.openOrGrown(tenant.id, featureIds, now),
  ]);
  const billed = open.filter(({ subscriptionId }) => subscriptionId === subscription.id);
  const boundariesOf = (featureId: string, start: Instant) =>
    billed.find((one) => one.featureId === featureId && isSameInstant(one.start, start))?.boundaries ?? [];
  const asked = current.flatMap(({ featureId, window, pieces }) =>
    piecesByBill(pieces, boundariesOf(featureId, window.start)).flatMap(countsOf),
  );
  const counts = await countAll(tx, tenant.id, asked);
  const byId = new Map(features.map((feature) => [feature.id as string, feature]));
  const currency: CurrencyCode = subscription.currency;
  return current.flatMap(({ featureId, window, pieces }) => {
    const feature = byId.get(featureId);
    const last = pieces.at(-1);
    const present = pieces.findLast(({ start }) => isAtOrBefore(start, now));
    const merged =
      present &&
      mergeEntitlement(
        present.sources.map((source) => ({ ...source, limit: wholeLimit(source), quantity: 1n })),
        [],
      );
    if (!feature || !last || !merged) return [];
    const isLast = ({ covers }: UsageWay) => isSameInstant(covers.end, last.end);
    const row = billed.find((one) => one.featureId === featureId && isSameInstant(one.start, window.start));
    const bills = drawBills(piecesByBill(pieces, row?.boundaries ?? []), counts);
    const counted = bills.flatMap(({ ends }) => [...ends.values()]).at(-1) ?? decimal(0);
    const used = counted.plus(carriedOf(present.sources));
    const ways = bills.flatMap((bill) => bill.ways);
    const named = { currency, features: byId };
    const charges = new Map(
      (trialing ? [] : chargesOf(ways, () => row?.paidInAdvance ?? [], named)).map(({ way, price }) => [
        way,
        explainPrice(price, currency),
      ]),
    );
    const shares = ways
      // Whoever gives units now is shown even where none of them was used.
      .filter((way) => !way.quantity.isZero() || charges.has(way) || (way.part === 'INSIDE' && isLast(way)))
      .map((way): SourceUsage => {
        const { part, source } = way;
        const before = part === 'INSIDE' && isLast(way) ? source?.carried : undefined;
        const quantity = before ? way.quantity.plus(before) : way.quantity;
        const charge = charges.get(way);
        const isPriced =
          !trialing && source !== undefined && way.price !== undefined && timingOf(way.price) !== 'IN_ADVANCE';
        return {
          ...{ part, source, quantity },
          amount: charge?.amount ?? (isPriced ? zero(currency) : undefined),
          explanation: charge?.explanation,
        };
      });
    return [
      {
        ...{ feature, used, shares, since: window.start, resetsAt: window.end, limit: merged.limit },
        overage: shares
          .filter(({ part }) => part === 'OVERAGE')
          .reduce((total, { quantity }) => total.plus(quantity), decimal(0)),
        amount: sum(
          shares.flatMap(({ amount }) => amount ?? []),
          currency,
        ),
        ...projection(used, merged.limit, window.start, now, window.end),
      },
    ];
  });
}
