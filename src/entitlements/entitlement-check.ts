import type { TenantContext } from '../access/tenant';
import { type Feature, type ResetPeriod, resetInterval } from '../catalog/feature';
import { earlierOf, type Instant, isSameInstant } from '../core/calendar';
import { type DecimalValue, decimal } from '../core/decimal';
import type { Id } from '../core/ids';
import { carriedInto } from '../usage/carried-usage';
import type { Aggregation, UsageWindow } from '../usage/meter';
import { countedIn, type MeteringSpan, type MeteringWindow, windowAt } from '../usage/metering-window';
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
  /** METERED: how much is about to be used. */
  readonly requested?: DecimalValue | undefined;
  readonly merged?: MergedEntitlement | undefined;
  /** METERED: where it counts now. */
  readonly window?: UsageWindow | undefined;
  readonly resetsAt?: Instant | undefined;
  /** METERED. */
  readonly aggregation?: Aggregation | undefined;
  /** When this was so: the tenant's now, or the instant that was asked about. */
  readonly at?: Instant | undefined;
  /** An instant was asked about. */
  readonly asOf?: Instant | undefined;
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

const justAfter = (at: Instant) => at.add({ milliseconds: 1 });

/** Where the limit of what was read counts; `undefined`: it is not METERED, or nothing gives it. */
function windowOfCheck(checked: CheckedSources, asOf: Instant | undefined): MeteringWindow | undefined {
  // As `mergeEntitlement` says it of all of them.
  const first = inDrawOrder(checked.sources)[0];
  if (first?.kind !== 'METERED') return undefined;
  return windowAt(checked.span ? [checked.span] : [], first.resetPeriod, asOf ?? checked.tenant.now);
}

/** What a window has seen: all of it by now, or what had happened at an instant. */
export function usageUpTo(window: Pick<MeteringWindow, 'start' | 'end'>, asOf: Instant | undefined): UsageWindow {
  const counted = countedIn(window);
  return asOf ? { start: counted.start, end: earlierOf(counted.end, justAfter(asOf)) } : counted;
}

/** In which window the use of what was read is to be summed up. */
export function usageWindow(checked: CheckedSources, asOf: Instant | undefined): UsageWindow | undefined {
  const window = windowOfCheck(checked, asOf);
  return window && usageUpTo(window, asOf);
}

/** When the count begins anew, if it does; a limit that never starts over does so at a trial's end only. */
export function resetOf(window: MeteringWindow, resetPeriod: ResetPeriod | undefined): Instant | undefined {
  return resetInterval(resetPeriod) || window.span?.trial ? window.end : undefined;
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
  /** METERED: the stretch that the instant lies in, or the last one before it. */
  readonly span?: MeteringSpan | undefined;
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

/** What a check asks beside its one statement, and only where that does not say it all. */
export interface CheckFurther {
  /** A denial (is there such a feature?), and the order of a configuration feature's values. */
  readonly findFeature: (partnerId: Id<'Partner'>) => Promise<Feature | undefined>;
  /** A denial where nothing of a subscription holds: would it be allowed, were what is due paid? */
  readonly allowedOncePaid: (denied: EntitlementAnswer) => Promise<boolean>;
}

/** A subscription's own sources end together when it is cut off. */
const isOfSubscription = ({ sourceKind }: EntitlementSource) => sourceKind === 'PLAN' || sourceKind === 'ADDON';

/** May this tenant use this feature? Never writes; unknown and foreign tenants are answered alike. */
export async function entitlementCheck(
  checked: CheckedSources | undefined,
  input: EntitlementCheckInput,
  { findFeature, allowedOncePaid }: CheckFurther,
): Promise<EntitlementAnswer> {
  if (!checked) return unknownTenant(input.feature);
  const { tenant, sources, use } = checked;
  const kind = sources[0]?.kind;
  const feature = kind === undefined || kind === 'CONFIG' ? await findFeature(tenant.partnerId) : undefined;
  if (!kind && !feature) return unknownFeature(checked, input.feature);
  const merged = mergeEntitlement(sources, feature?.valueOrder ?? []);
  const quantity = input.quantity ?? one;
  const window = windowOfCheck(checked, input.asOf);
  const carried = carriedInto(window?.carried, sources[0]?.featureId ?? '', sources);
  const counted = (use?.used ?? none).plus(carried);
  const { allowed, reason, limit, used, remaining } = gate(kind ?? feature!.kind, merged, counted, quantity);
  const answer: EntitlementAnswer = {
    allowed,
    reason,
    limit,
    used,
    remaining,
    merged,
    tenant,
    featureId: sources[0]?.featureId ?? feature?.id,
    featureCode: input.feature,
    requested: quantity,
    asOf: input.asOf,
    at: input.asOf ?? tenant.now,
    window: window && countedIn(window),
    resetsAt: window && resetOf(window, merged?.resetPeriod),
    aggregation: use?.aggregation,
  };
  if (allowed || sources.some(isOfSubscription) || !(await allowedOncePaid(answer))) return answer;
  return { ...answer, reason: 'PAYMENT_REQUIRED' };
}
