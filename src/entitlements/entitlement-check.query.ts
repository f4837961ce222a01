import type { TenantContext } from '../access/tenant';
import { type Addon, addonAvailability } from '../catalog/addon';
import type { Feature } from '../catalog/feature';
import { type Plan, type PlanVersion, priceFor } from '../catalog/plan';
import { type Instant, isAtOrBefore, isBefore } from '../core/calendar';
import { type DecimalValue, decimal } from '../core/decimal';
import { groupBy } from '../core/group';
import { add, type Money } from '../core/money';
import { type IntervalUnit, type Period, periodContaining } from '../core/period';
import { totalsOf } from '../invoicing/invoice';
import { addonStartLines } from '../proration/addon-change';
import { loadPlanChange, type PlanChangeTx } from '../proration/plan-change.query';
import { currentPeriod, type Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { type EntitlementSource, type Gate, gate, type MergedEntitlement, mergeEntitlement } from './entitlement';

/** One way to get what was denied, with its price now. */
export type Unlock =
  | {
      readonly kind: 'ADDON';
      readonly addon: Addon;
      /** The plan does not sell it: this one, the weakest that does, is needed first. Its price is in the amounts. */
      readonly plan?: Plan | undefined;
      /** The prorated rest of the period. */
      readonly dueNow: Money;
      readonly recurring: Money;
      readonly interval: IntervalUnit;
    }
  | {
      readonly kind: 'PLAN';
      readonly plan: Plan;
      /** The net of the change; negative: in the tenant's favour. */
      readonly dueNow: Money;
      readonly recurring: Money;
      readonly interval: IntervalUnit;
    };

export interface EntitlementAnswer extends Gate {
  readonly feature?: Feature | undefined;
  readonly featureCode: string;
  readonly merged?: MergedEntitlement | undefined;
  readonly resetsAt?: Instant | undefined;
  readonly tenant?: TenantContext | undefined;
}

export interface EntitlementCheckInput {
  readonly tenantId: string;
  /** Code or id. */
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
  readonly tenant: TenantContext;
  readonly feature?: Feature | undefined;
  readonly sources: readonly EntitlementSource[];
  readonly subscription?: Pick<Subscription, 'anchorDate' | 'timeZone'> | undefined;
}

/** May this tenant use this feature? Never writes; unknown and foreign tenants are answered alike. */
export function entitlementCheck(checked: CheckedSources | undefined, input: EntitlementCheckInput): EntitlementAnswer {
  if (!checked) return { allowed: false, reason: 'TENANT_UNKNOWN', featureCode: input.feature };
  const { tenant, feature, sources, subscription } = checked;
  if (!feature) return { allowed: false, reason: 'FEATURE_UNKNOWN', featureCode: input.feature, tenant };
  const merged = mergeEntitlement(sources, feature.valueOrder);
  const window =
    merged && feature.kind === 'METERED' ? resetWindow(subscription, merged, input.asOf ?? tenant.now) : undefined;
  return {
    ...gate(feature.kind, merged, decimal(0), input.quantity ?? decimal(1)),
    ...{ feature, merged, tenant },
    featureCode: feature.code,
    resetsAt: window?.end,
  };
}

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
        ...{ feature, merged, tenant },
        featureCode: feature.code,
        resetsAt: window?.end,
      },
    ];
  });
}

/** How many ways are priced: enough to choose from, few enough to answer at once. */
const mostUnlocks = 5;

type UnlockTx = PlanChangeTx & Pick<Tx, 'features'>;

/** What would unlock the feature, and for how much: add-ons of the present plan first, then plans from the weakest up. */
export async function unlockOptions(tx: UnlockTx, answer: EntitlementAnswer): Promise<Unlock[]> {
  const { tenant, feature } = answer;
  if (answer.allowed || !tenant || !feature) return [];
  const gives = (allowances: Addon['allowances']) => allowances.some(({ featureId }) => featureId === feature.id);
  const subscription = await tx.subscriptions.live(tenant.id);
  const addons = (await tx.addons.onSale(tenant.partnerId)).filter((addon) => gives(addon.allowances));
  const plans = await tx.plans.onSale(tenant.partnerId);
  const versions = await tx.plans.currentVersions(plans.map((plan) => plan.id));
  const options: Unlock[] = [];
  if (subscription && isAtOrBefore(subscription.periodStart, tenant.now)) {
    options.push(...(await addonUnlocks(tx, tenant, subscription, addons, plans)));
  }
  const includes = (version: PlanVersion) =>
    gives(version.allowances) ||
    addons.some((addon) => version.includesAllAddons || version.includedAddonIds.includes(addon.id));
  for (const plan of plans) {
    if (options.length >= mostUnlocks) break;
    const version = versions.find((candidate) => candidate.planId === plan.id);
    if (!version || !includes(version) || plan.id === subscription?.item.planId) continue;
    const interval = subscription?.interval ?? 'MONTH';
    const price = priceFor(version.prices, interval, tenant.currency);
    if (!price) continue;
    if (!subscription) {
      options.push({ kind: 'PLAN', plan, dueNow: price.amount, recurring: price.amount, interval });
      continue;
    }
    const change = await loadPlanChange(tx, tenant, { plan: plan.code, interval });
    if (!change.ok) continue;
    const { recurring } = change.value;
    options.push({ kind: 'PLAN', plan, dueNow: change.value.change.net, recurring, interval });
  }
  return options.slice(0, mostUnlocks);
}

async function addonUnlocks(
  tx: UnlockTx,
  tenant: TenantContext,
  subscription: Subscription,
  addons: readonly Addon[],
  plans: readonly Plan[],
): Promise<Unlock[]> {
  const { item, interval, currency, timeZone } = subscription;
  const version = (await tx.plans.versionById(item.planVersionId))!;
  const plan = (await tx.plans.byIds([item.planId]))[0]!;
  const attached = new Set((await tx.addonSubscriptions.live(subscription.tenantId)).map(({ addonId }) => addonId));
  const unlocks: Unlock[] = [];
  for (const addon of addons) {
    const price = priceFor(addon.prices, interval, currency);
    if (!price || attached.has(addon.id) || unlocks.length >= mostUnlocks) continue;
    const moment = {
      ...{ at: tenant.now, basis: subscription.prorationBasis, timeZone },
      period: currentPeriod(subscription),
      trialing: subscription.status === 'TRIALING',
    };
    const lines = addonStartLines(moment, {
      ...{ itemId: addon.id, name: addon.name, unitAmount: price.amount },
      quantity: 1n,
    });
    const { total } = totalsOf(lines, currency);
    const availability = addonAvailability(plan, version, addon);
    if (availability === 'AVAILABLE') {
      unlocks.push({ kind: 'ADDON', addon, dueNow: total, recurring: price.amount, interval });
    } else if (availability === 'NOT_AVAILABLE') {
      const seller = plans.find(({ rank }) => rank >= (addon.minimumPlanRank ?? 0));
      const change = seller && (await loadPlanChange(tx, tenant, { plan: seller.code }));
      if (!change?.ok) continue;
      unlocks.push({
        ...{ kind: 'ADDON', addon, plan: seller, interval },
        dueNow: add(change.value.change.net, total),
        recurring: add(change.value.recurring, price.amount),
      });
    }
  }
  return unlocks;
}
