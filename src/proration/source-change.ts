import type { Addon } from '../catalog/addon';
import { allowanceText } from '../catalog/allowance-input';
import type { Feature } from '../catalog/feature';
import type { Plan, PlanVersion } from '../catalog/plan';
import { earlierOf, type Instant, isBefore } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { groupBy } from '../core/group';
import {
  type EntitlementSource,
  entitlementSources,
  isActiveAt,
  type MergedEntitlement,
  mergeEntitlement,
} from '../entitlements/entitlement';
import { usagePricesIn } from '../rating/price-model-input';
import { endKindOf } from './judge-attachments';
import type { AttachmentOutcome } from './plan-change';

/** What a plan change does to what the tenant has: by source, whatever gives it. */
export interface SourceChange {
  readonly at: Instant;
  /** The plan phases and attachments that end. */
  readonly endedIds: ReadonlySet<string>;
  /** What the new phase of the plan gives. */
  readonly gained: readonly EntitlementSource[];
}

export function sourceChange(input: {
  readonly at: Instant;
  readonly itemBeforeId: string;
  readonly attachments: readonly AttachmentOutcome[];
  readonly target: {
    readonly itemId: string;
    readonly plan: Plan;
    readonly version: PlanVersion;
    /** The phase that there is goes on. */
    readonly goesOn: boolean;
  };
  readonly included: readonly Addon[];
  readonly features: readonly Feature[];
  readonly currency: CurrencyCode;
  /** While payments fail, what the subscription gives ends with the grace. */
  readonly accessUntil: Instant | undefined;
}): SourceChange {
  const { at, target, included, features, currency } = input;
  const { plan, version } = target;
  const phase = {
    ...{ itemId: target.itemId, planId: plan.id, planName: plan.name, allowances: version.allowances },
    ...{ usagePrices: usagePricesIn(version.allowances, currency), includedAddons: included },
    ...{ startsAt: at, endsAt: input.accessUntil },
  };
  const ended = input.attachments
    .filter(({ outcome }) => endKindOf[outcome] || outcome === 'QUANTITY_CHANGED')
    .map(({ attachment }) => attachment.id);
  const begun = input.attachments.flatMap(({ addon, next }) => {
    if (!next) return [];
    const { id: sourceId, quantity, usagePrices, endsAt } = next;
    const owner = { sourceId, sourceName: addon.name, catalogId: addon.id, quantity, startsAt: at };
    const until = endsAt && input.accessUntil ? earlierOf(endsAt, input.accessUntil) : (endsAt ?? input.accessUntil);
    return [{ ...owner, endsAt: until, allowances: addon.allowances, usagePrices }];
  });
  const byId = new Map(features.map((feature) => [feature.id as string, feature]));
  return {
    at,
    endedIds: new Set<string>([...(target.goesOn ? [] : [input.itemBeforeId]), ...ended]),
    gained: entitlementSources(target.goesOn ? [] : [phase], begun, [], byId),
  };
}

/** All sources as they will be after the change: what ends has its end, and what is gained its beginning. */
export function afterChange(
  sources: readonly EntitlementSource[],
  { at, endedIds, gained }: SourceChange,
): EntitlementSource[] {
  const ends = ({ sourceId, endsAt }: EntitlementSource) =>
    endedIds.has(sourceId) && (endsAt === undefined || isBefore(at, endsAt));
  return [...sources.map((source) => (ends(source) ? { ...source, endsAt: at } : source)), ...gained];
}

/** One feature that the tenant has otherwise before and after, as text for people. */
export interface FeatureDifference {
  readonly feature: Feature;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  readonly change: 'GAINED' | 'LOST' | 'CHANGED';
}

function textOf(merged: MergedEntitlement | undefined): string | undefined {
  const first = merged?.sources[0];
  if (!merged || !first) return undefined;
  const { unlimited, limit, resetPeriod, value } = merged;
  return allowanceText({ featureId: first.featureId, unlimited, limit, resetPeriod, value });
}

/** What the tenant gains and loses, from all sources together. */
export function featureDifferences(
  sources: readonly EntitlementSource[],
  change: SourceChange,
  features: ReadonlyMap<string, Feature>,
): FeatureDifference[] {
  const { at } = change;
  const now = sources.filter((source) => isActiveAt(source, at));
  const then = afterChange(now, change).filter((source) => isActiveAt(source, at));
  const [had, has] = [now, then].map((side) => groupBy(side, (source: EntitlementSource) => source.featureId));
  return [...new Set([...had!.keys(), ...has!.keys()])].flatMap((featureId) => {
    const feature = features.get(featureId);
    if (!feature) return [];
    const [before, after] = [had!, has!].map((side) =>
      textOf(mergeEntitlement(side.get(featureId) ?? [], feature.valueOrder)),
    );
    if (before === after) return [];
    const kind = before === undefined ? 'GAINED' : after === undefined ? 'LOST' : 'CHANGED';
    return [{ feature, before, after, change: kind } satisfies FeatureDifference];
  });
}
