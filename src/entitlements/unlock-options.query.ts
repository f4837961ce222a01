import type { TenantContext } from '../access/tenant';
import { type Addon, addonAvailability } from '../catalog/addon';
import { type Plan, type PlanVersion, priceFor } from '../catalog/plan';
import { isAtOrBefore } from '../core/calendar';
import { add, type Money } from '../core/money';
import type { IntervalUnit } from '../core/period';
import { totalsOf } from '../invoicing/invoice';
import { addonStartLines } from '../proration/addon-change';
import { loadPlanChange, type PlanChangeTx } from '../proration/plan-change.query';
import { currentPeriod, type Subscription } from '../subscriptions/subscription';
import { taxesOfLines } from '../tax/taxes-of-lines.query';
import type { Tx } from '../tx';
import type { EntitlementAnswer } from './entitlement-check';

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

/** How many ways are priced: enough to choose from, few enough to answer at once. */
const mostUnlocks = 5;

type UnlockTx = PlanChangeTx & Pick<Tx, 'features' | 'tenantFor'>;

/** What would unlock the feature, and for how much: add-ons of the present plan first, then plans from the weakest up. */
export async function unlockOptions(tx: UnlockTx, answer: EntitlementAnswer): Promise<Unlock[]> {
  const { featureId: wanted } = answer;
  const tenant = answer.allowed || !answer.tenant ? undefined : await tx.tenantFor(answer.tenant.id);
  if (!tenant || !wanted) return [];
  const gives = (allowances: Addon['allowances']) => allowances.some(({ featureId }) => featureId === wanted);
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
    const { recurring, gross } = change.value;
    options.push({ kind: 'PLAN', plan, dueNow: gross, recurring, interval });
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
    const catalogIds = new Map<string, string>([[addon.id, addon.id]]);
    const { total } = totalsOf(
      (await taxesOfLines(tx, subscription, tenant.now, lines, { catalogIds })).lines,
      currency,
    );
    const availability = addonAvailability(plan, version, addon);
    if (availability === 'AVAILABLE') {
      unlocks.push({ kind: 'ADDON', addon, dueNow: total, recurring: price.amount, interval });
    } else if (availability === 'NOT_AVAILABLE') {
      const seller = plans.find(({ rank }) => rank >= (addon.minimumPlanRank ?? 0));
      const change = seller && (await loadPlanChange(tx, tenant, { plan: seller.code }));
      if (!change?.ok) continue;
      unlocks.push({
        ...{ kind: 'ADDON', addon, plan: seller, interval },
        dueNow: add(change.value.gross, total),
        recurring: add(change.value.recurring, price.amount),
      });
    }
  }
  return unlocks;
}
