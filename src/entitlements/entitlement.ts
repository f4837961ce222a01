import type { Addon } from '../catalog/addon';
import type { Feature, FeatureAllowance, FeatureKind, ResetPeriod } from '../catalog/feature';
import { type Instant, isAtOrBefore, isBefore } from '../core/calendar';
import { type DecimalValue, decimal, decimalText } from '../core/decimal';
import type { Id } from '../core/ids';
import { type FeatureUsagePrice, usagePriceText } from '../rating/price-model-input';
import { overageSource, type UsagePrice } from '../rating/rate-usage';

export const entitlementSourceKinds = ['PLAN', 'ADDON', 'LICENCE', 'GRANT'] as const;
export type EntitlementSourceKind = (typeof entitlementSourceKinds)[number];

/** What one source gives of one feature, and for which time. */
export interface EntitlementSource {
  readonly featureId: Id<'Feature'>;
  readonly featureCode: string;
  readonly kind: FeatureKind;
  readonly sourceKind: EntitlementSourceKind;
  /** The plan phase, the attachment, the licence or the grant. */
  readonly sourceId: string;
  readonly sourceName: string;
  /** The plan, the add-on (also one that the plan includes), the licence product or the grant. */
  readonly catalogId: string;
  readonly quantity: bigint;
  readonly unlimited: boolean;
  /** Per unit of quantity and reset period. */
  readonly limit?: DecimalValue | undefined;
  readonly resetPeriod?: ResetPeriod | undefined;
  readonly value?: string | undefined;
  /** METERED: what its units cost the tenant. */
  readonly price?: UsagePrice | undefined;
  /** Its owner costs nothing, nor do its units: it does not start over by an act. */
  readonly free?: boolean | undefined;
  readonly startsAt: Instant;
  readonly endsAt?: Instant | undefined;
  /** What should be: the catalog, or its owner, may say something else while it lasts. Not stored. */
  readonly changes?: boolean | undefined;
}

/** A feature that the partner gives by hand. */
export interface EntitlementGrant {
  readonly id: Id<'EntitlementGrant'>;
  readonly tenantId: Id<'Tenant'>;
  readonly allowance: FeatureAllowance;
  readonly startsAt: Instant;
  readonly endsAt?: Instant | undefined;
  readonly reason: string;
  readonly createdAt: Instant;
}

export function isActiveAt(source: Pick<EntitlementSource, 'startsAt' | 'endsAt'>, at: Instant): boolean {
  return isAtOrBefore(source.startsAt, at) && (source.endsAt === undefined || isBefore(at, source.endsAt));
}

export interface MergedEntitlement {
  readonly unlimited: boolean;
  /** METERED, not unlimited. */
  readonly limit?: DecimalValue | undefined;
  readonly resetPeriod?: ResetPeriod | undefined;
  /** CONFIG: the strongest value. */
  readonly value?: string | undefined;
  /** In the order in which usage is drawn: plan, attachments by start, licences by start, grants by expiry. */
  readonly sources: readonly EntitlementSource[];
}

const drawOrder: Readonly<Record<EntitlementSourceKind, number>> = { PLAN: 0, ADDON: 1, LICENCE: 2, GRANT: 3 };
const farFuture = Number.MAX_SAFE_INTEGER;

export function inDrawOrder(sources: readonly EntitlementSource[]): EntitlementSource[] {
  const secondKey = (source: EntitlementSource): number =>
    source.sourceKind === 'GRANT' ? (source.endsAt?.epochMilliseconds ?? farFuture) : source.startsAt.epochMilliseconds;
  return [...sources].sort(
    (first, second) =>
      drawOrder[first.sourceKind] - drawOrder[second.sourceKind] ||
      secondKey(first) - secondKey(second) ||
      (first.sourceId < second.sourceId ? -1 : 1),
  );
}

/** The limit of one source: its own × quantity. */
export function limitOf(source: Pick<EntitlementSource, 'limit' | 'quantity'>): DecimalValue {
  return (source.limit ?? decimal(0)).times(source.quantity.toString());
}

/** Billing rules §5: boolean any; metered sum, unlimited wins; config largest, or the feature's explicit order. */
export function mergeEntitlement(
  sources: readonly EntitlementSource[],
  valueOrder: readonly string[],
): MergedEntitlement | undefined {
  const ordered = inDrawOrder(sources);
  const first = ordered[0];
  if (!first) return undefined;
  if (first.kind === 'METERED') {
    const unlimited = ordered.some((source) => source.unlimited);
    return {
      unlimited,
      limit: unlimited ? undefined : ordered.reduce((total, source) => total.plus(limitOf(source)), decimal(0)),
      resetPeriod: first.resetPeriod,
      sources: ordered,
    };
  }
  if (first.kind === 'CONFIG') {
    const strength = (value: string) => (valueOrder.length > 0 ? decimal(valueOrder.indexOf(value)) : decimal(value));
    const value = ordered
      .flatMap((source) => (source.value === undefined ? [] : [source.value]))
      .reduce((best, candidate) => (strength(candidate).greaterThan(strength(best)) ? candidate : best));
    return { unlimited: false, value, sources: ordered };
  }
  return { unlimited: false, sources: ordered };
}

export const gateReasons = [
  'GRANTED',
  'WITHIN_LIMIT',
  'UNLIMITED',
  'OVERAGE',
  'NOT_ENTITLED',
  'LIMIT_REACHED',
  'PAYMENT_REQUIRED',
  'FEATURE_UNKNOWN',
  'TENANT_UNKNOWN',
] as const;
export type GateReason = (typeof gateReasons)[number];

export interface Gate {
  readonly allowed: boolean;
  readonly reason: GateReason;
  readonly limit?: DecimalValue | undefined;
  readonly used?: DecimalValue | undefined;
  readonly remaining?: DecimalValue | undefined;
}

/** May the tenant use this much more of the feature now? Never writes. */
export function gate(
  kind: FeatureKind,
  merged: MergedEntitlement | undefined,
  used: DecimalValue,
  requested: DecimalValue,
): Gate {
  if (!merged) return { allowed: false, reason: 'NOT_ENTITLED' };
  if (kind !== 'METERED') return { allowed: true, reason: 'GRANTED' };
  if (merged.unlimited) return { allowed: true, reason: 'UNLIMITED', used };
  const limit = merged.limit ?? decimal(0);
  const left = limit.minus(used);
  const remaining = left.isNegative() ? decimal(0) : left;
  if (requested.lessThanOrEqualTo(left)) return { allowed: true, reason: 'WITHIN_LIMIT', limit, used, remaining };
  // Billing rules §5: no price beyond the limit anywhere, and the limit is hard.
  const sold = overageSource(merged.sources) !== undefined;
  return { allowed: sold, reason: sold ? 'OVERAGE' : 'LIMIT_REACHED', limit, used, remaining };
}

interface SourceOwner {
  readonly sourceKind: EntitlementSourceKind;
  readonly sourceId: string;
  readonly sourceName: string;
  readonly catalogId: string;
  readonly quantity: bigint;
  /** It has a price of its own, which is paid again where a new window begins. */
  readonly paid?: boolean | undefined;
  readonly startsAt: Instant;
  readonly endsAt?: Instant | undefined;
}

export interface PlanPhase {
  readonly itemId: string;
  readonly planId: string;
  readonly planName: string;
  readonly allowances: readonly FeatureAllowance[];
  /** Of the plan's own features: what it includes beside them costs nothing more. */
  readonly usagePrices?: readonly FeatureUsagePrice[] | undefined;
  readonly includedAddons: readonly Addon[];
  readonly paid?: boolean | undefined;
  readonly startsAt: Instant;
  readonly endsAt?: Instant | undefined;
}

function priceOf(prices: readonly FeatureUsagePrice[], featureId: string): UsagePrice | undefined {
  const price = prices.find((candidate) => candidate.featureId === featureId);
  return price && { inside: price.inside, overage: price.overage };
}

/**
 * What the rows should be: a pure function of plan phases, attachments, licences and grants. Plan limits are the subscription's,
 * not per seat; an attachment's limits count once for each unit, a licence's once for each seat.
 */
export function entitlementSources(
  phases: readonly PlanPhase[],
  attachments: readonly (Omit<SourceOwner, 'sourceKind'> & {
    readonly allowances: readonly FeatureAllowance[];
    readonly usagePrices?: readonly FeatureUsagePrice[] | undefined;
  })[],
  grants: readonly EntitlementGrant[],
  features: ReadonlyMap<string, Feature>,
  licences: readonly (Omit<SourceOwner, 'sourceKind'> & { readonly allowances: readonly FeatureAllowance[] })[] = [],
): EntitlementSource[] {
  const sources: EntitlementSource[] = [];
  const addAll = (
    owner: SourceOwner,
    allowances: readonly FeatureAllowance[],
    usagePrices: readonly FeatureUsagePrice[] = [],
    changes = false,
  ) => {
    for (const allowance of allowances) {
      const feature = features.get(allowance.featureId);
      if (!feature) continue;
      const { sourceKind, sourceId, sourceName, catalogId, quantity, startsAt, endsAt } = owner;
      const price = priceOf(usagePrices, feature.id);
      sources.push({
        ...{ sourceKind, sourceId, sourceName, catalogId, quantity, startsAt, endsAt },
        featureId: feature.id,
        featureCode: feature.code,
        kind: feature.kind,
        unlimited: allowance.unlimited,
        limit: allowance.limit,
        resetPeriod: allowance.resetPeriod,
        value: allowance.value,
        price,
        free: !owner.paid && price?.inside === undefined,
        changes,
      });
    }
  };
  for (const phase of phases) {
    const { itemId: sourceId, paid, startsAt } = phase;
    const owner = { sourceKind: 'PLAN' as const, sourceId, quantity: 1n, paid, startsAt };
    addAll(
      { ...owner, sourceName: phase.planName, catalogId: phase.planId, endsAt: phase.endsAt },
      phase.allowances,
      phase.usagePrices,
    );
    for (const addon of phase.includedAddons) {
      const sourceName = `${addon.name} (included in ${phase.planName})`;
      addAll({ ...owner, sourceName, catalogId: addon.id, endsAt: phase.endsAt }, addon.allowances, [], true);
    }
  }
  for (const { allowances, usagePrices, ...attachment } of attachments) {
    addAll({ ...attachment, sourceKind: 'ADDON' }, allowances, usagePrices, true);
  }
  for (const { allowances, ...licence } of licences) {
    addAll({ ...licence, sourceKind: 'LICENCE' }, allowances, [], true);
  }
  for (const grant of grants) {
    addAll(
      {
        sourceKind: 'GRANT',
        sourceId: grant.id,
        sourceName: grant.reason,
        catalogId: grant.id,
        quantity: 1n,
        startsAt: grant.startsAt,
        endsAt: grant.endsAt,
      },
      [grant.allowance],
    );
  }
  return sources;
}

/** Two sources of one metered feature that hold at the same time and start over at different times, if there are any. */
export function resetPeriodClash(
  sources: readonly EntitlementSource[],
): readonly [EntitlementSource, EntitlementSource] | undefined {
  const metered = sources.filter((source) => source.kind === 'METERED');
  for (const [index, first] of metered.entries()) {
    for (const second of metered.slice(index + 1)) {
      if (first.featureId !== second.featureId || first.resetPeriod === second.resetPeriod) continue;
      const apart =
        (first.endsAt !== undefined && isAtOrBefore(first.endsAt, second.startsAt)) ||
        (second.endsAt !== undefined && isAtOrBefore(second.endsAt, first.startsAt));
      if (!apart) return [first, second];
    }
  }
  return undefined;
}

/** Identifies a source's row; the rest of the row may change under it. */
export function sourceKey(source: EntitlementSource): string {
  return `${source.featureId} ${source.sourceKind} ${source.sourceId} ${source.catalogId}`;
}

/** Equal text: nothing to write. */
export function sourceContent(source: EntitlementSource): string {
  return JSON.stringify([
    source.sourceName,
    source.quantity.toString(),
    source.unlimited,
    source.limit ? decimalText(source.limit) : null,
    source.resetPeriod ?? null,
    source.value ?? null,
    usagePriceText(source.price),
    source.free ?? false,
    source.startsAt.epochMilliseconds,
    source.endsAt?.epochMilliseconds ?? null,
  ]);
}
