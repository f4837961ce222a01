import { type Addon, type AddonPrice, addonAvailability } from '../catalog/addon';
import { findAddon } from '../catalog/find-catalog.query';
import { priceFor } from '../catalog/plan';
import { parseSeats } from '../core/quantity';
import { done, type Refused, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import { resetClash } from '../entitlements/reset-clash.query';
import { billTenant } from '../invoicing/bill-tenant.command';
import { accountEntriesOf, type Invoice, totalsOf } from '../invoicing/invoice';
import { issueInvoice } from '../invoicing/issue-invoice.command';
import { addonStartLines } from '../proration/addon-change';
import { usagePricesIn } from '../rating/price-model-input';
import { taxesOfLines } from '../tax/taxes-of-lines.query';
import type { Tx } from '../tx';
import type { AddonCharge, AddonSubscription } from './addon-subscription';
import { currentPeriod, type Subscription } from './subscription';

export interface SubscribeAddonInput {
  /** Id or code. */
  readonly addon: string;
  readonly quantity?: number | undefined;
  /** The rest of the period: at once (default), or as a line of the next invoice. */
  readonly charge?: AddonCharge | undefined;
}

export const subscribeAddonRefusals = [
  'SUBSCRIPTION_REQUIRED',
  'SUBSCRIPTION_ENDING',
  'ADDON_NOT_FOUND',
  'ADDON_ARCHIVED',
  'ADDON_INCLUDED_IN_PLAN',
  'ADDON_NOT_AVAILABLE_WITH_PLAN',
  'ADDON_REQUIRES_ADDON',
  'PRICE_NOT_FOUND',
  'RESET_PERIOD_MISMATCH',
  'INVALID_INPUT',
] as const;
type Code = (typeof subscribeAddonRefusals)[number];
export type AddonRefusal = Extract<
  Code,
  | 'ADDON_ARCHIVED'
  | 'ADDON_INCLUDED_IN_PLAN'
  | 'ADDON_NOT_AVAILABLE_WITH_PLAN'
  | 'ADDON_REQUIRES_ADDON'
  | 'PRICE_NOT_FOUND'
>;

/** May it be attached to the plan as it is, and to the plan that waits? */
async function availabilityProblem(
  tx: Tx,
  subscription: Subscription,
  addon: Addon,
): Promise<Refused<'ADDON_INCLUDED_IN_PLAN' | 'ADDON_NOT_AVAILABLE_WITH_PLAN'> | undefined> {
  const scheduled = await tx.subscriptions.scheduled(tx.tenant.id, subscription.id);
  const versionIds = [subscription.item.planVersionId, ...(scheduled ? [scheduled.planVersionId] : [])];
  for (const version of await tx.plans.versionsByIds(versionIds)) {
    const plan = (await tx.plans.byIds([version.planId]))[0]!;
    const availability = addonAvailability(plan, version, addon);
    if (availability === 'INCLUDED' && version.id === subscription.item.planVersionId) {
      return refuse('ADDON_INCLUDED_IN_PLAN', `${plan.name} includes ${addon.name}.`, { facts: { plan: plan.code } });
    }
    if (availability === 'NOT_AVAILABLE') {
      const sellers = (await tx.plans.onSale(tx.tenant.partnerId)).filter(({ rank }) => rank >= addon.minimumPlanRank!);
      return refuse('ADDON_NOT_AVAILABLE_WITH_PLAN', `${addon.name} is not available with ${plan.name}.`, {
        facts: { plan: plan.code, availableFrom: sellers[0]?.code, minimumPlanRank: addon.minimumPlanRank },
      });
    }
  }
  return undefined;
}

async function missingRequirement(tx: Tx, subscription: Subscription, addon: Addon): Promise<Addon | undefined> {
  if (addon.requiredAddonIds.length === 0) return undefined;
  const live = new Set((await tx.addonSubscriptions.live(tx.tenant.id)).map((attachment) => attachment.addonId));
  const version = (await tx.plans.versionById(subscription.item.planVersionId))!;
  const missing = addon.requiredAddonIds.filter(
    (id) => !live.has(id) && !version.includesAllAddons && !version.includedAddonIds.includes(id),
  );
  return (await tx.addons.byIds(missing.slice(0, 1)))[0];
}

/** May this add-on be bought with this subscription, and at which price? */
export async function judgeAddon(
  tx: Tx,
  subscription: Subscription,
  addon: Addon,
): Promise<Result<AddonPrice, AddonRefusal>> {
  if (addon.status === 'ARCHIVED') return refuse('ADDON_ARCHIVED', `${addon.name} is no longer sold.`);
  const problem = await availabilityProblem(tx, subscription, addon);
  if (problem) return problem;
  const required = await missingRequirement(tx, subscription, addon);
  if (required) {
    return refuse('ADDON_REQUIRES_ADDON', `${addon.name} needs ${required.name}.`, { facts: { addon: required.code } });
  }
  const price = priceFor(addon.prices, subscription.interval, subscription.currency);
  if (!price) {
    const { interval, currency } = subscription;
    return refuse('PRICE_NOT_FOUND', `${addon.name} has no price per ${interval.toLowerCase()} in ${currency}.`, {
      facts: { interval, currency },
    });
  }
  return done(price);
}

export interface SubscribeAddonDone {
  readonly addonSubscription: AddonSubscription;
  readonly invoice?: Invoice | undefined;
  /** `false`: it was attached already and nothing was charged. */
  readonly created: boolean;
}

/**
 * Attaches an add-on and charges the prorated rest of the period at once. While it is attached, subscribing again answers
 * the same attachment; one that was cancelled to the period's end goes on.
 */
export async function subscribeAddon(tx: Tx, input: SubscribeAddonInput): Promise<Result<SubscribeAddonDone, Code>> {
  await tx.tenants.lock(tx.tenant.id);
  await billTenant(tx);
  const addon = await findAddon(tx, input.addon);
  if (!addon) return refuse('ADDON_NOT_FOUND', 'No such add-on.', { path: ['input', 'addon'] });
  const quantity = parseSeats(input.quantity ?? 1);
  if (quantity === undefined) return invalid(['quantity'], 'A quantity is a whole number from 1 to 2147483647.');
  const subscription = await tx.subscriptions.live(tx.tenant.id);
  if (!subscription) return refuse('SUBSCRIPTION_REQUIRED', 'An add-on needs a subscription to hang on.');
  const existing = await tx.addonSubscriptions.liveOf(tx.tenant.id, addon.id);
  if (existing && !existing.endsAt) return done({ addonSubscription: existing, created: false });
  if (subscription.cancelAt) {
    return refuse('SUBSCRIPTION_ENDING', 'The subscription is cancelled to a date; nothing can be added any more.');
  }
  if (existing) {
    const resumed = await tx.addonSubscriptions.update({ ...existing, endsAt: undefined, endReason: undefined });
    await recordAddon(tx, subscription, addon, 'ADDON_RESUMED');
    await rebuildEntitlements(tx);
    await tx.emit({ type: 'addon_subscription.resumed', payload: { addonSubscription: resumed } });
    return done({ addonSubscription: resumed, created: false });
  }
  const sold = await judgeAddon(tx, subscription, addon);
  if (!sold.ok) return sold;
  const price = sold.value;

  const attachment: AddonSubscription = {
    id: tx.newId<'AddonSubscription'>(),
    tenantId: tx.tenant.id,
    partnerId: tx.tenant.partnerId,
    subscriptionId: subscription.id,
    addonId: addon.id,
    priceId: price.id,
    interval: subscription.interval,
    unitAmount: price.amount,
    usagePrices: usagePricesIn(addon.allowances, subscription.currency),
    quantity,
    billedBy: 'TOLLGATE',
    startedAt: tx.now,
    version: 1,
    createdAt: tx.now,
  };
  await tx.addonSubscriptions.insert(attachment);
  const clash = await resetClash(tx);
  if (clash) return clash;
  const lines = addonStartLines(
    {
      at: tx.now,
      basis: subscription.prorationBasis,
      timeZone: subscription.timeZone,
      period: currentPeriod(subscription),
      trialing: subscription.status === 'TRIALING',
    },
    { itemId: attachment.id, name: addon.name, unitAmount: price.amount, quantity },
  );
  let invoice: Invoice | undefined;
  const catalogIds = new Map<string, string>([[attachment.id, addon.id]]);
  const document = await taxesOfLines(tx, subscription, tx.now, lines, { catalogIds });
  if (input.charge === 'NEXT_INVOICE') {
    // Its account stays empty: that is how the next invoice knows that the rest of this period is still owed.
  } else if (totalsOf(document.lines, subscription.currency).total.minor > 0n) {
    invoice = await issueInvoice(tx, { subscription, kind: 'ONE_TIME', reason: 'ADDON', document });
  } else {
    const entries = accountEntriesOf(lines).map(({ lineIndex: _noLine, ...entry }) => entry);
    await tx.itemCharges.insert(subscription, entries, {}, tx.now);
  }
  await recordAddon(tx, subscription, addon, 'ADDON_SUBSCRIBED');
  await rebuildEntitlements(tx);
  await tx.emit({ type: 'addon_subscription.created', payload: { addonSubscription: attachment } });
  return done({ addonSubscription: attachment, invoice, created: true });
}

export async function recordAddon(
  tx: Tx,
  subscription: Subscription,
  addon: Addon,
  kind: 'ADDON_SUBSCRIBED' | 'ADDON_RESUMED' | 'ADDON_CANCELLED',
  facts: Record<string, string> = {},
): Promise<void> {
  await tx.subscriptions.recordChange(subscription, {
    id: tx.newId<'SubscriptionChange'>(),
    ...{ kind, happenedAt: tx.now },
    actorId: tx.actorId,
    facts: { addon: addon.name, ...facts },
  });
}
