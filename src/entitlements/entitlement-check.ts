import type { TenantContext } from '../access/tenant';
import { type Feature, resetInterval } from '../catalog/feature';
import { type Instant, instant, isSameInstant, localDate, timeZone } from '../core/calendar';
import { type DecimalValue, decimal } from '../core/decimal';
import type { Id } from '../core/ids';
import { type Period, periodContaining } from '../core/period';
import type { Subscription } from '../subscriptions/subscription';
import type { Aggregation, UsageWindow } from '../usage/meter';
import {
  type EntitlementSource,
  type Gate,
  gate,
  inDrawOrder,
  type MergedEntitlement,
  mergeEntitlement,
} from './entitlement';

export interface EntitlementAnswer extends Gate {
  readonly featureId?: Id<'Feature'> | undefined;
  readonly featureCode: string;
  readonly merged?: MergedEntitlement | undefined;
  /** METERED: where it counts now. */
  readonly window?: UsageWindow | undefined;
  readonly resetsAt?: Instant | undefined;
  /** METERED. */
  readonly aggregation?: Aggregation | undefined;
  /** When this was so: the tenant's now, or the instant that was asked about. */
  readonly at?: Instant | undefined;
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

/** Where a limit that never starts over counts. */
export const ever: UsageWindow = { start: instant('1970-01-01T00:00:00Z'), end: instant('2200-01-01T00:00:00Z') };

/** When limits start over. */
export type LimitSchedule = Pick<Subscription, 'anchorDate' | 'timeZone'>;

/** A grant without a subscription counts by the calendar: this is the first day of a year, and a Monday. */
const calendar = { anchorDate: localDate('2001-01-01'), timeZone: timeZone('UTC') };

/** The window in which a metered limit counts: it follows the subscription's anchor and may be shorter than its period. */
export function resetWindow(
  subscription: LimitSchedule | undefined,
  merged: Pick<MergedEntitlement, 'resetPeriod'>,
  at: Instant,
): Period | undefined {
  const interval = resetInterval(merged.resetPeriod);
  if (!interval) return undefined;
  const { anchorDate: anchor, timeZone: zone } = subscription ?? calendar;
  return periodContaining({ anchor, interval, zone }, at);
}

/** In which window the use of what was read is to be summed up; `undefined`: it is not METERED, or nothing gives it. */
export function usageWindow(checked: CheckedSources, asOf: Instant | undefined): UsageWindow | undefined {
  // As `mergeEntitlement` says it of all of them.
  const first = inDrawOrder(checked.sources)[0];
  if (first?.kind !== 'METERED') return undefined;
  return resetWindow(checked.subscription, first, asOf ?? checked.tenant.now) ?? ever;
}

export function isSameWindow(one: UsageWindow, two: UsageWindow): boolean {
  return isSameInstant(one.start, two.start) && isSameInstant(one.end, two.end);
}

export interface Use {
  readonly window: UsageWindow;
  readonly used: DecimalValue;
  readonly aggregation: Aggregation;
}

/** What a check reads; see `entitlement-check.repository`. */
export interface CheckedSources {
  readonly tenant: CheckedTenant;
  readonly sources: readonly EntitlementSource[];
  /** Read only where a limit starts over. */
  readonly subscription?: LimitSchedule | undefined;
  /** METERED: what was used, in the window that it was read with. */
  readonly use?: Use | undefined;
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
  const { tenant, sources, use } = checked;
  const kind = sources[0]?.kind;
  const feature = kind === undefined || kind === 'CONFIG' ? await findFeature(tenant.partnerId) : undefined;
  if (!kind && !feature) return unknownFeature(checked, input.feature);
  const merged = mergeEntitlement(sources, feature?.valueOrder ?? []);
  const quantity = input.quantity ?? one;
  const { allowed, reason, limit, used, remaining } = gate(kind ?? feature!.kind, merged, use?.used ?? none, quantity);
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
    at: input.asOf ?? tenant.now,
    window: use?.window,
    resetsAt: use && !isSameWindow(use.window, ever) ? use.window.end : undefined,
    aggregation: use?.aggregation,
  };
}
