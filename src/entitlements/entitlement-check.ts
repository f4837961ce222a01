import type { TenantContext } from '../access/tenant';
import type { Feature } from '../catalog/feature';
import { type Instant, isAtOrBefore, isBefore } from '../core/calendar';
import { type DecimalValue, decimal } from '../core/decimal';
import type { Id } from '../core/ids';
import { type IntervalUnit, type Period, periodContaining } from '../core/period';
import type { Subscription } from '../subscriptions/subscription';
import { type EntitlementSource, type Gate, gate, type MergedEntitlement, mergeEntitlement } from './entitlement';

export interface EntitlementAnswer extends Gate {
  readonly featureId?: Id<'Feature'> | undefined;
  readonly featureCode: string;
  readonly merged?: MergedEntitlement | undefined;
  readonly resetsAt?: Instant | undefined;
  readonly tenant?: CheckedTenant | undefined;
}

/** What a check knows of the tenant. */
export type CheckedTenant = Pick<TenantContext, 'id' | 'partnerId' | 'now'>;

export interface EntitlementCheckInput {
  readonly tenantId: string;
  /** Its code. */
  readonly feature: string;
  /** METERED: how much is about to be used; default 1. */
  readonly quantity?: DecimalValue | undefined;
  readonly asOf?: Instant | undefined;
}

const resetUnits: Readonly<Record<string, IntervalUnit | undefined>> = {
  DAY: 'DAY',
  WEEK: 'WEEK',
  MONTH: 'MONTH',
  QUARTER: 'QUARTER',
  YEAR: 'YEAR',
};

/** The last window of each schedule: calendar arithmetic is dear, and one window answers for weeks of checks. */
const windows = new Map<string, Period>();
const mostWindows = 10_000;

/** The window in which a metered limit counts: it follows the subscription's anchor and may be shorter than its period. */
export function resetWindow(
  subscription: Pick<Subscription, 'anchorDate' | 'timeZone'> | undefined,
  merged: MergedEntitlement,
  at: Instant,
): Period | undefined {
  const interval = resetUnits[merged.resetPeriod ?? 'NEVER'];
  if (!interval || !subscription) return undefined;
  const { anchorDate: anchor, timeZone: zone } = subscription;
  const key = `${anchor} ${interval} ${zone}`;
  const known = windows.get(key);
  if (known && isAtOrBefore(known.start, at) && isBefore(at, known.end)) return known;
  const window = periodContaining({ anchor, interval, zone }, at);
  if (windows.size >= mostWindows) windows.clear();
  windows.set(key, window);
  return window;
}

/** What a check reads; see `entitlement-check.repository`. */
export interface CheckedSources {
  readonly tenant: CheckedTenant;
  readonly sources: readonly EntitlementSource[];
  /** Read only where a limit starts over. */
  readonly subscription?: Pick<Subscription, 'anchorDate' | 'timeZone'> | undefined;
}

const none = decimal(0);
const one = decimal(1);

export function unknownTenant(featureCode: string): EntitlementAnswer {
  return { allowed: false, reason: 'TENANT_UNKNOWN', featureCode };
}

export function unknownFeature({ tenant }: CheckedSources, featureCode: string): EntitlementAnswer {
  return { allowed: false, reason: 'FEATURE_UNKNOWN', featureCode, tenant };
}

/**
 * May this tenant use this feature? Never writes; unknown and foreign tenants are answered alike.
 *
 * @param findFeature asked only where the rows do not say it all: a denial (is there such a feature?) and the order of a
 * configuration feature's values
 */
export async function entitlementCheck(
  checked: CheckedSources | undefined,
  input: EntitlementCheckInput,
  findFeature: (partnerId: Id<'Partner'>) => Promise<Feature | undefined>,
): Promise<EntitlementAnswer> {
  if (!checked) return unknownTenant(input.feature);
  const { tenant, sources, subscription } = checked;
  const kind = sources[0]?.kind;
  const feature = kind === undefined || kind === 'CONFIG' ? await findFeature(tenant.partnerId) : undefined;
  if (!kind && !feature) return unknownFeature(checked, input.feature);
  const merged = mergeEntitlement(sources, feature?.valueOrder ?? []);
  const window = merged && kind === 'METERED' ? resetWindow(subscription, merged, input.asOf ?? tenant.now) : undefined;
  const { allowed, reason, limit, used, remaining } = gate(kind ?? feature!.kind, merged, none, input.quantity ?? one);
  return {
    allowed,
    reason,
    limit,
    used,
    remaining,
    merged,
    tenant,
    featureId: sources[0]?.featureId ?? feature?.id,
    featureCode: input.feature,
    resetsAt: window?.end,
  };
}
