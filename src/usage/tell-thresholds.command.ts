import { decimal } from '../core/decimal';
import { ever, type LimitSchedule, resetWindow } from '../entitlements/entitlement-check';
import type { Tx } from '../tx';
import { type Holding, isLimited, reachedThresholds } from './consumption';
import type { UsageThreshold } from './usage-threshold';

/**
 * Tells which shares of a limit have been reached, once in each window. Whoever calls holds the lock of each feature
 * (`usage.lockFeatures`): nobody adds between what was added and this look at it.
 */
export async function tellThresholds(
  tx: Pick<Tx, 'tenant' | 'now' | 'usage' | 'usageThresholds' | 'newId' | 'emit'>,
  holdings: readonly Holding[],
  schedule: LimitSchedule | undefined,
): Promise<void> {
  const { tenant, now } = tx;
  const watched = holdings.filter((holding) => isLimited(holding) && holding.counting.thresholds.length > 0);
  const asked = watched.map(({ counting, merged }) => ({
    featureId: counting.featureId,
    window: resetWindow(schedule, merged!, now) ?? ever,
  }));
  const used = await tx.usage.countsIn(tenant.id, asked);
  const reached = watched.flatMap(({ counting, merged }, index): UsageThreshold[] => {
    const limit = merged!.limit ?? decimal(0);
    const { window } = asked[index]!;
    return reachedThresholds(limit, used[index]!, counting.thresholds).map((percent) => ({
      id: tx.newId<'UsageThreshold'>(),
      tenantId: tenant.id,
      featureId: counting.featureId,
      ...{ percent, limit, used: used[index]! },
      windowStart: window.start,
      windowEnd: window === ever ? undefined : window.end,
      reachedAt: now,
    }));
  });
  const codes = new Map(watched.map(({ counting }) => [counting.featureId, counting.featureCode]));
  for (const threshold of await tx.usageThresholds.insertNew(tenant.partnerId, reached)) {
    await tx.emit({
      type: 'usage.threshold_reached',
      payload: { threshold, featureCode: codes.get(threshold.featureId)! },
    });
  }
}
