import type { Feature } from '../catalog/feature';
import { includedAddons } from '../catalog/included-addons.query';
import type { Plan, PlanVersion } from '../catalog/plan';
import type { EntitlementSource } from '../entitlements/entitlement';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import type { PlanChange } from './plan-change';
import { type SourceChange, sourceChange } from './source-change';

export interface LoadedSources {
  /** What the tenant has at the instant of the change, from all sources, and what the change does to it. */
  readonly sourcesBefore: readonly EntitlementSource[];
  readonly sources: SourceChange;
  /** Those of all sources, before and after. */
  readonly features: ReadonlyMap<string, Feature>;
}

/** What the tenant has from all sources, and what a change does to it. */
export async function loadSources(
  tx: Pick<Tx, 'addons' | 'entitlements' | 'features'>,
  { tenantId, partnerId, item, currency, accessUntil }: Subscription,
  target: { readonly itemId: string; readonly plan: Plan; readonly version: PlanVersion; readonly goesOn: boolean },
  { at, attachments }: PlanChange,
): Promise<LoadedSources> {
  const [sourcesBefore, included] = await Promise.all([
    tx.entitlements.activeAt(tenantId, at),
    includedAddons(tx, partnerId, target.version),
  ]);
  const beginning = attachments.flatMap(({ addon, next }) => (next ? [addon] : []));
  const allowances = [target.version, ...included, ...beginning].flatMap((one) => one.allowances);
  const features = await tx.features.byIds([
    ...new Set([...sourcesBefore, ...allowances].map(({ featureId }) => featureId)),
  ]);
  return {
    sourcesBefore,
    sources: sourceChange({
      ...{ at, itemBeforeId: item.id, attachments, target, included, features, currency, accessUntil },
    }),
    features: new Map(features.map((feature) => [feature.id, feature])),
  };
}
