import type { Addon } from '../catalog/addon';
import { findAddon } from '../catalog/find-catalog.query';
import { encodeId } from '../core/ids';
import { isZero } from '../core/money';
import { parseSeats } from '../core/quantity';
import { done, type Refused, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import { billTenant } from '../invoicing/bill-tenant.command';
import type { Invoice } from '../invoicing/invoice';
import { wasCharged } from '../invoicing/item-charge';
import type { MadeDocuments } from '../invoicing/made-documents';
import { type ChangePlanDone, changePlan } from '../proration/change-plan.command';
import type { PlanChangeQuote } from '../proration/quote';
import type { Tx } from '../tx';
import { addonRefusals, requirementProblem } from './addon-sale.query';
import type { AddonCharge, AddonSubscription } from './addon-subscription';
import { recordAddon } from './record-addon.command';
import type { Subscription } from './subscription';

export interface SubscribeAddonInput {
  /** Id or code. */
  readonly addon: string;
  /** Default: 1, or as many as are attached. */
  readonly quantity?: number | undefined;
  /** The rest of the period: at once (default), or as a line of the next invoice. */
  readonly charge?: AddonCharge | undefined;
}

export const subscribeAddonRefusals = [
  'SUBSCRIPTION_REQUIRED',
  'SUBSCRIPTION_ENDING',
  'ADDON_NOT_FOUND',
  ...addonRefusals,
  'ADDON_QUANTITY_DIFFERS',
  'ADDON_CHARGE_DIFFERS',
  'RESET_PERIOD_MISMATCH',
  'AMOUNT_NOT_CHARGEABLE',
  'PERIOD_NOT_BILLED',
  'QUOTE_INVALID',
  'QUOTE_EXPIRED',
  'QUOTE_STALE',
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

/** What was asked for otherwise than it is: a call that would change nothing says so. */
async function differs(
  tx: Tx,
  subscription: Subscription,
  attachment: AddonSubscription,
  {
    addon,
    quantity,
    charge,
  }: { readonly addon: Addon; readonly quantity?: bigint | undefined; readonly charge?: AddonCharge | undefined },
): Promise<Refused<'ADDON_QUANTITY_DIFFERS' | 'ADDON_CHARGE_DIFFERS'> | undefined> {
  const { id, originId, tenantId, unitAmount } = attachment;
  if (quantity !== undefined && quantity !== attachment.quantity) {
    return refuse(
      'ADDON_QUANTITY_DIFFERS',
      `${addon.name} is attached ${attachment.quantity} times; changeAddonQuantity changes that.`,
      {
        path: ['input', 'quantity'],
        facts: {
          quantity: attachment.quantity.toString(),
          addonSubscriptionId: encodeId('AddonSubscription', originId, tenantId),
        },
      },
    );
  }
  const isOfPeriod = attachment.startedAt.epochMilliseconds >= subscription.periodStart.epochMilliseconds;
  if (!charge || !isOfPeriod || isZero(unitAmount) || subscription.status === 'TRIALING') return undefined;
  const { currency, prorationBasis, periodStart } = subscription;
  const accounts = await tx.itemCharges.accounts(tenantId, subscription.id, periodStart, currency, prorationBasis);
  const charged = wasCharged(accounts.get(id)) ? 'NOW' : 'NEXT_INVOICE';
  if (charge === charged) return undefined;
  return refuse(
    'ADDON_CHARGE_DIFFERS',
    charged === 'NOW'
      ? `The rest of this period of ${addon.name} was charged when it was attached.`
      : `The rest of this period of ${addon.name} waits for the next invoice.`,
    { path: ['input', 'charge'], facts: { charge: charged } },
  );
}

/** One that was cancelled to the period's end goes on. */
async function resume(tx: Tx, subscription: Subscription, addon: Addon, attachment: AddonSubscription) {
  const problem = await requirementProblem(tx, subscription, addon);
  if (problem) return problem;
  const resumed = await tx.addonSubscriptions.update({ ...attachment, endsAt: undefined, endReason: undefined });
  await recordAddon(tx, subscription, addon, 'ADDON_RESUMED');
  await rebuildEntitlements(tx);
  await tx.emit({ type: 'addon_subscription.resumed', payload: { addonSubscription: resumed } });
  return done({ addonSubscription: resumed, created: false, documents: tx.documents.made() });
}

/**
 * Attaches an add-on and charges the prorated rest of the period at once. While it is attached, subscribing again answers
 * the same attachment; one that was cancelled to the period's end goes on.
 *
 * @param quote of a preview with just this add-on
 */
export async function subscribeAddon(
  tx: Tx,
  input: SubscribeAddonInput,
  quote?: PlanChangeQuote,
): Promise<Result<SubscribeAddonDone, Code>> {
  await tx.tenants.lock(tx.tenant.id);
  await billTenant(tx);
  const addon = await findAddon(tx, input.addon);
  if (!addon) return refuse('ADDON_NOT_FOUND', 'No such add-on.', { path: ['input', 'addon'] });
  const { charge } = input;
  const quantity = input.quantity === undefined ? undefined : parseSeats(input.quantity);
  if (input.quantity !== undefined && quantity === undefined) {
    return invalid(['quantity'], 'A quantity is a whole number from 1 to 2147483647.');
  }
  const subscription = await tx.subscriptions.live(tx.tenant.id);
  if (!subscription) return refuse('SUBSCRIPTION_REQUIRED', 'An add-on needs a subscription to hang on.');
  const existing = await tx.addonSubscriptions.liveOf(tx.tenant.id, addon.id);
  const difference = existing && (await differs(tx, subscription, existing, { addon, quantity, charge }));
  if (difference) return difference;
  if (existing && !existing.endsAt) {
    return done({ addonSubscription: existing, created: false, documents: tx.documents.made() });
  }
  if (existing && !subscription.cancelAt) return resume(tx, subscription, addon, existing);
  const order = { addon: encodeId('Addon', addon.id), quantity: Number(quantity ?? 1n), charge };
  const changed: Result<ChangePlanDone, string> = existing
    ? refuse('SUBSCRIPTION_ENDING', 'The subscription is cancelled to a date; nothing is added any more.')
    : await changePlan(tx, { request: { addons: [order] }, quote });
  // One add-on alone is refused for nothing else.
  if (!changed.ok) return changed as Refused<Code>;
  const { addons, invoice, documents } = changed.value;
  return done({ addonSubscription: addons[0]!, invoice, documents, created: true });
}
