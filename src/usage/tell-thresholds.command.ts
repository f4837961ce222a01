import type { Instant } from '../core/calendar';
import { type DecimalValue, decimal } from '../core/decimal';
import type { Tx } from '../tx';
import { carriedInto } from './carried-usage';
import { type Holding, isLimited, reachedThresholds } from './consumption';
import type { UsageWindow } from './meter';
import { countedIn, type MeteringSpan, windowAt } from './metering-window';
import type { ToldThreshold, UsageThreshold } from './usage-threshold';

/** A limit whose shares are told as they are reached, in the window that it counts in now. */
export interface Watched extends Holding {
  readonly featureId: string;
  readonly window: UsageWindow;
  /** None: it never starts over. */
  readonly windowEnd?: Instant | undefined;
  /** It counts too. */
  readonly carried: DecimalValue;
}

/** Which of these are watched. */
export function watchedOf(holdings: readonly Holding[], spans: readonly MeteringSpan[], now: Instant): Watched[] {
  return holdings
    .filter((holding) => isLimited(holding) && holding.counting.thresholds.length > 0)
    .map((holding) => {
      const window = windowAt(spans, holding.merged!.resetPeriod, now);
      const { featureId } = holding.counting;
      const carried = carriedInto(window.carried, featureId, holding.merged!.sources);
      return { ...holding, featureId, window: countedIn(window), windowEnd: window.end, carried };
    });
}

/**
 * Tells which shares of a limit have been reached, once in each window. Whoever calls holds the lock of each feature
 * (`usage.lockFeatures`): nobody adds between what was added and this look at it.
 *
 * @param used of each in its window, by now
 * @param told in these windows before: as good as always all that was reached, and nothing is left to be done
 */
export async function tellThresholds(
  tx: Pick<Tx, 'tenant' | 'now' | 'usageThresholds' | 'newId' | 'emit'>,
  watched: readonly Watched[],
  used: readonly DecimalValue[],
  told: readonly ToldThreshold[],
): Promise<void> {
  const { tenant, now } = tx;
  const isTold = ({ featureId, percent }: ToldThreshold) =>
    told.some((one) => one.featureId === featureId && one.percent === percent);
  const reached = watched.flatMap(({ counting, merged, window, windowEnd, carried }, index): UsageThreshold[] => {
    const limit = merged!.limit ?? decimal(0);
    const count = used[index]!.plus(carried);
    return reachedThresholds(limit, count, counting.thresholds).map((percent) => ({
      id: tx.newId<'UsageThreshold'>(),
      tenantId: tenant.id,
      featureId: counting.featureId,
      ...{ percent, limit, used: count },
      windowStart: window.start,
      windowEnd,
      reachedAt: now,
    }));
  });
  const news = reached.filter((threshold) => !isTold(threshold));
  const codes = new Map(watched.map(({ counting }) => [counting.featureId, counting.featureCode]));
  for (const threshold of await tx.usageThresholds.insertNew(tenant.partnerId, news)) {
    await tx.emit({
      type: 'usage.threshold_reached',
      payload: { threshold, featureCode: codes.get(threshold.featureId)! },
    });
  }
}
