import type { Instant } from '../core/calendar';
import { decimal } from '../core/decimal';
import { groupBy } from '../core/group';
import type { Tx } from '../tx';
import { carriedInto } from '../usage/carried-usage';
import { countedIn, windowAt } from '../usage/metering-window';
import { type EntitlementSource, gate, mergeEntitlement } from './entitlement';
import { type EntitlementAnswer, resetOf, usageUpTo } from './entitlement-check';

/** It is asked what there is, not whether more may be used. */
const nothing = decimal(0);

/** Everything a tenant is entitled to, by feature. */
export async function entitlements(
  tx: Pick<Tx, 'tenantFor' | 'features' | 'entitlements' | 'meteringSpans' | 'usage'>,
  tenantId: string,
  asOf: Instant | undefined,
): Promise<readonly EntitlementAnswer[] | undefined> {
  const tenant = await tx.tenantFor(tenantId);
  if (!tenant) return undefined;
  const at = asOf ?? tenant.now;
  const byFeature = groupBy(
    await tx.entitlements.activeAt(tenant.id, at),
    (source: EntitlementSource) => source.featureId,
  );
  const features = new Map((await tx.features.byIds([...byFeature.keys()])).map((feature) => [feature.id, feature]));
  const spans = await tx.meteringSpans.since(tenant.id, at);
  const held = [...byFeature].flatMap(([featureId, sources]) => {
    const feature = features.get(featureId);
    const merged = feature && mergeEntitlement(sources, feature.valueOrder);
    if (!feature || !merged) return [];
    const window = feature.kind === 'METERED' ? windowAt(spans, merged.resetPeriod, at) : undefined;
    return [{ feature, merged, window, resetsAt: window && resetOf(window, merged.resetPeriod) }];
  });
  const uses = await tx.usage.usesOf(
    tenant.id,
    held.flatMap(({ feature, window }) => (window ? [{ featureId: feature.id, window: usageUpTo(window, asOf) }] : [])),
  );
  return held.map(({ feature, merged, resetsAt, window }) => {
    const use = uses.get(feature.id);
    const carried = carriedInto(window?.carried, feature.id, merged.sources);
    return {
      ...gate(feature.kind, merged, (use?.used ?? nothing).plus(carried), nothing),
      ...{ merged, tenant, resetsAt, at, window: window && countedIn(window) },
      featureId: feature.id,
      featureCode: feature.code,
      ...{ requested: nothing, asOf },
      aggregation: use?.aggregation,
    };
  });
}
