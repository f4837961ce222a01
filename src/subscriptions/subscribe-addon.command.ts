import type { Addon } from '../catalog/addon';
import { findAddon } from '../catalog/find-catalog.query';
import { parseSeats } from '../core/quantity';
import { done, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import { resetClash } from '../entitlements/reset-clash.query';
import { billTenant } from '../invoicing/bill-tenant.command';
import { accountEntriesOf, type Invoice, totalsOf } from '../invoicing/invoice';
import { issueInvoice } from '../invoicing/issue-invoice.command';
import type { MadeDocuments } from '../invoicing/made-documents';
import { addonStartLines } from '../proration/addon-change';
import { usagePricesIn } from '../rating/price-model-input';
import { taxesOfLines } from '../tax/taxes-of-lines.query';
import type { Tx } from '../tx';
import { addonRefusals, judgeAddon, requirementProblem } from './addon-sale.query';
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
  ...addonRefusals,
  'RESET_PERIOD_MISMATCH',
  'INVALID_INPUT',
] as const;
type Code = (typeof subscribeAddonRefusals)[number];
export interface SubscribeAddonDone {
  readonly addonSubscription: AddonSubscription;
  readonly invoice?: Invoice | undefined;
  /** All that was issued, of what fell due before it too. */
  readonly documents: MadeDocuments;
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
  if (existing && !existing.endsAt) {
    return done({ addonSubscription: existing, created: false, documents: tx.documents.made() });
  }
  if (subscription.cancelAt) {
    return refuse('SUBSCRIPTION_ENDING', 'The subscription is cancelled to a date; nothing can be added any more.');
  }
  if (existing) {
    const problem = await requirementProblem(tx, subscription, addon);
    if (problem) return problem;
    const resumed = await tx.addonSubscriptions.update({ ...existing, endsAt: undefined, endReason: undefined });
    await recordAddon(tx, subscription, addon, 'ADDON_RESUMED');
    await rebuildEntitlements(tx);
    await tx.emit({ type: 'addon_subscription.resumed', payload: { addonSubscription: resumed } });
    return done({ addonSubscription: resumed, created: false, documents: tx.documents.made() });
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
  return done({ addonSubscription: attachment, invoice, created: true, documents: tx.documents.made() });
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
