import type { Instant } from '../core/calendar';
import { decimal } from '../core/decimal';
import { groupBy } from '../core/group';
import type { Tx } from '../tx';
import { type EntitlementSource, gate, mergeEntitlement } from './entitlement';
import { type EntitlementAnswer, resetWindow } from './entitlement-check';

/** Everything a tenant is entitled to, by feature. */
export async function entitlements(
  tx: Pick<Tx, 'tenantFor' | 'features' | 'entitlements' | 'subscriptions'>,
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
  const subscription = await tx.subscriptions.live(tenant.id);
  return [...byFeature].flatMap(([featureId, sources]) => {
    const feature = features.get(featureId);
    const merged = feature && mergeEntitlement(sources, feature.valueOrder);
    if (!feature || !merged) return [];
    const window = feature.kind === 'METERED' ? resetWindow(subscription, merged, at) : undefined;
    return [
      {
        ...gate(feature.kind, merged, decimal(0), decimal(0)),
        ...{ featureId, merged, tenant },
        featureCode: feature.code,
        resetsAt: window?.end,
      },
    ];
  });
}
