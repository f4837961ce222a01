import type { ResetPeriod } from '../catalog/feature';
import { type Instant, isAtOrBefore } from '../core/calendar';
import { type DecimalValue, decimal } from '../core/decimal';
import { standingOfTenant } from '../payments/standing.query';
import type { Tx } from '../tx';
import { type CarriedUsage, carriedInto } from '../usage/carried-usage';
import { type MeteringSpan, windowAt } from '../usage/metering-window';
import { usageUpTo } from './entitlement-check';
import { type WantedTx, wantedEntitlements } from './rebuild-entitlements.command';
import type { Holding, Wanted } from './unlock';

/** What was used in the window that counts, for each of the ways in which the limit might start over: one read each. */
export async function usedBy(
  tx: Pick<Tx, 'usage'>,
  tenantId: string,
  { feature, at, asOf }: Wanted,
  { spans, resetPeriods }: { readonly spans: readonly MeteringSpan[]; readonly resetPeriods: Iterable<ResetPeriod> },
): Promise<Holding['used']> {
  const found = new Map<ResetPeriod, { readonly used: DecimalValue; readonly carried: CarriedUsage | undefined }>();
  for (const resetPeriod of new Set(resetPeriods)) {
    const window = windowAt(spans, resetPeriod, at);
    const uses = await tx.usage.usesOf(tenantId, [{ featureId: feature.id, window: usageUpTo(window, asOf) }]);
    found.set(resetPeriod, { used: uses.get(feature.id)?.used ?? decimal(0), carried: window.carried });
  }
  return (merged) => {
    const count = merged?.resetPeriod && found.get(merged.resetPeriod);
    if (!count) return decimal(0);
    return count.used.plus(carriedInto(count.carried, feature.id, merged.sources));
  };
}

/** Has the grace of the tenant's debts ended? */
export async function isCutOff(tx: Pick<Tx, 'tenant' | 'collections'>, at: Instant): Promise<boolean> {
  const { accessUntil } = await standingOfTenant(tx);
  return accessUntil !== undefined && isAtOrBefore(accessUntil, at);
}

/** What a tenant that is cut off would have of a feature, were all that is due paid. */
export async function holdingOncePaid(
  tx: WantedTx & Pick<Tx, 'meteringSpans' | 'usage'>,
  wanted: Wanted,
): Promise<Holding> {
  const { tenant } = tx;
  const all = await wantedEntitlements(tx, { paid: true });
  const sources = all.filter(({ featureId }) => featureId === wanted.feature.id);
  const spans = await tx.meteringSpans.since(tenant.id, wanted.at);
  const resetPeriods = sources.flatMap(({ resetPeriod }) => resetPeriod ?? []);
  return { sources, used: await usedBy(tx, tenant.id, wanted, { spans, resetPeriods }) };
}
