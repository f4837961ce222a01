import { findAddon } from '../../catalog/find-catalog.query';
import { isBefore } from '../../core/calendar';
import { invariant } from '../../core/invariant';
import { parseSeats } from '../../core/quantity';
import { done, type Result, refuse } from '../../core/result';
import { invalid } from '../../core/text';
import { resetClash } from '../../entitlements/reset-clash.query';
import { billTenant } from '../../invoicing/bill-tenant.command';
import { judgeAddon } from '../../subscriptions/addon-sale.query';
import type { AddonSubscription } from '../../subscriptions/addon-subscription';
import type { Tx } from '../../tx';
import { providerOff } from '../providers';
import { isReturnUrl } from '../start-payment-method-setup.command';
import { toStripe } from '../stripe-amount';
import { type StripeCheckout, termsOf, totalOf } from '../stripe-checkout';

export interface ReturnAddresses {
  /** Where Stripe's page sends the customer after paying. */
  readonly successUrl: string;
  readonly cancelUrl: string;
}

export interface CreateAddonCheckoutInput extends ReturnAddresses {
  /** Id or code. */
  readonly addon: string;
  readonly quantity?: number | undefined;
}

export const createAddonCheckoutRefusals = [
  'PROVIDER_NOT_CONFIGURED',
  'PROVIDER_UNAVAILABLE',
  'SUBSCRIPTION_REQUIRED',
  'SUBSCRIPTION_ENDING',
  'ADDON_NOT_FOUND',
  'ADDON_ARCHIVED',
  'ADDON_INCLUDED_IN_PLAN',
  'ADDON_NOT_AVAILABLE_WITH_PLAN',
  'ADDON_REQUIRES_ADDON',
  'ADDON_ALREADY_SUBSCRIBED',
  'PRICE_NOT_FOUND',
  'RESET_PERIOD_MISMATCH',
  'AMOUNT_NOT_CHARGEABLE',
  'INVALID_INPUT',
] as const;

/** Whether Stripe takes this tenant's money: live tenants' with live keys, sandboxes' with test keys. */
export interface StripeMode {
  readonly live: boolean;
}

/** How long a page may be paid: Stripe's own longest, less what it takes until Stripe has made it. */
const opensFor = { hours: 23 };

export function addressProblem({ successUrl, cancelUrl }: ReturnAddresses) {
  if (!isReturnUrl(successUrl)) return invalid(['successUrl'], 'Not an https address.');
  return isReturnUrl(cancelUrl) ? undefined : invalid(['cancelUrl'], 'Not an https address.');
}

/** The same offer as one that waits: it is answered again. Another one takes its place, and its page is closed. */
export async function takePlaceOf(
  tx: Tx,
  open: StripeCheckout | undefined,
  wanted: StripeCheckout,
): Promise<StripeCheckout | undefined> {
  if (!open) return undefined;
  const same =
    open.unitAmount.minor === wanted.unitAmount.minor &&
    open.quantity === wanted.quantity &&
    open.addonPriceId === wanted.addonPriceId &&
    open.planPriceId === wanted.planPriceId &&
    open.trialDays === wanted.trialDays &&
    (open.planTrial ?? false) === (wanted.planTrial ?? false) &&
    open.successUrl === wanted.successUrl &&
    open.cancelUrl === wanted.cancelUrl &&
    open.live === wanted.live &&
    isBefore(tx.wallNow.add({ hours: 1 }), open.expiresAt);
  if (same) return open;
  await tx.stripeCheckouts.update({ ...open, status: 'EXPIRED' });
  await tx.stripeCheckouts.wake(open.tenantId, open.id);
  return undefined;
}

/** The columns of every new checkout. */
export function newCheckout(
  tx: Tx,
  fields: Omit<
    StripeCheckout,
    'id' | 'tenantId' | 'partnerId' | 'status' | keyof typeof unseen | 'expiresAt' | 'createdAt'
  >,
): StripeCheckout {
  const { id: tenantId, partnerId } = tx.tenant;
  const expiresAt = tx.wallNow.add(opensFor);
  return {
    ...{ id: tx.newId<'Checkout'>(), tenantId, partnerId, status: 'PENDING', ...unseen, ...fields },
    // Whoever asked opens the page at once; if nobody does, the job will.
    ...{ expiresAt, createdAt: tx.now, syncAt: tx.wallNow.add({ minutes: 1 }) },
  };
}

const unseen = { providerCancels: false, attempts: 0, syncAt: undefined } as const;

/**
 * Writes down what is offered: everything that Stripe says later is held against it. The page itself is made once this is
 * committed. While one is open for the add-on, the same offer is the same page.
 */
export async function createAddonCheckout(
  tx: Tx,
  input: CreateAddonCheckoutInput,
  mode: StripeMode | undefined,
): Promise<Result<{ checkout: StripeCheckout }, (typeof createAddonCheckoutRefusals)[number]>> {
  const { id: tenantId, partnerId, sandbox } = tx.tenant;
  if (!mode || mode.live === sandbox) return providerOff('STRIPE');
  const addressRefused = addressProblem(input);
  if (addressRefused) return addressRefused;
  const quantity = parseSeats(input.quantity ?? 1);
  if (quantity === undefined) return invalid(['quantity'], 'A quantity is a whole number from 1 to 2147483647.');
  await tx.tenants.lock(tenantId);
  await billTenant(tx);
  const addon = await findAddon(tx, input.addon);
  if (!addon) return refuse('ADDON_NOT_FOUND', 'No such add-on.', { path: ['input', 'addon'] });
  const subscription = await tx.subscriptions.live(tenantId);
  if (!subscription) return refuse('SUBSCRIPTION_REQUIRED', 'An add-on needs a subscription to hang on.');
  if (subscription.cancelAt) {
    return refuse('SUBSCRIPTION_ENDING', 'The subscription is cancelled to a date; nothing can be added any more.');
  }
  if (await tx.addonSubscriptions.liveOf(tenantId, addon.id)) {
    return refuse('ADDON_ALREADY_SUBSCRIBED', `${addon.name} is attached already.`);
  }
  const sold = await judgeAddon(tx, subscription, addon, { billedBy: 'STRIPE' });
  if (!sold.ok) return sold;
  const { id: addonPriceId, interval, amount: unitAmount } = sold.value;
  const wanted = newCheckout(tx, {
    ...{ kind: 'ADDON', live: mode.live, addonId: addon.id, addonPriceId, interval, unitAmount, quantity },
    description: addon.name,
    priceExternalId: await tx.stripeCheckouts.priceFor(partnerId, mode.live, addonPriceId, unitAmount),
    ...{ successUrl: input.successUrl, cancelUrl: input.cancelUrl },
  });
  if (!toStripe(unitAmount) || !toStripe(totalOf(wanted))) {
    return refuse('AMOUNT_NOT_CHARGEABLE', 'Stripe cannot charge exactly this amount.', {
      facts: { currency: unitAmount.currency },
    });
  }
  const clash = await resetClash(tx, { attachment: offeredAttachment(tx, wanted, subscription.id) });
  if (clash) return clash;
  const open = await takePlaceOf(tx, await tx.stripeCheckouts.openOne(tenantId, addon.id), wanted);
  if (open) return done({ checkout: open });
  await tx.stripeCheckouts.insert(wanted);
  await tx.emit({ type: 'checkout.created', payload: { checkout: wanted } });
  return done({ checkout: wanted });
}

/** What would be attached once it is paid. */
export function offeredAttachment(
  tx: Pick<Tx, 'newId' | 'now'>,
  checkout: StripeCheckout,
  subscriptionId: AddonSubscription['subscriptionId'],
): AddonSubscription {
  const { tenantId, partnerId, addonId, addonPriceId, interval } = checkout;
  const { unitAmount, quantity } = termsOf(checkout);
  invariant(addonId && addonPriceId, 'a checkout of an add-on has one');
  const id = tx.newId<'AddonSubscription'>();
  return {
    ...{ id, originId: id, tenantId, partnerId, subscriptionId, addonId, priceId: addonPriceId },
    ...{ interval, unitAmount, quantity, usagePrices: [], billedBy: 'STRIPE' },
    ...{ startedAt: tx.now, version: 1, createdAt: tx.now },
  };
}
