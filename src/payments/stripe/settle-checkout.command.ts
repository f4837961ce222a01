import { addonAvailability } from '../../catalog/addon';
import { type Instant, isBefore, isSameInstant } from '../../core/calendar';
import { encodeId } from '../../core/ids';
import { invariant } from '../../core/invariant';
import { fullShare } from '../../core/proration';
import { rebuildEntitlements } from '../../entitlements/rebuild-entitlements.command';
import { resetClash } from '../../entitlements/reset-clash.query';
import { billTenant } from '../../invoicing/bill-tenant.command';
import { endDependents } from '../../invoicing/end-dependents.command';
import { usagePricesIn } from '../../rating/price-model-input';
import { requirementProblem } from '../../subscriptions/addon-sale.query';
import type { AddonSubscription } from '../../subscriptions/addon-subscription';
import { endAttachment } from '../../subscriptions/end-attachment.command';
import { recordAddon } from '../../subscriptions/record-addon.command';
import { startSubscription } from '../../subscriptions/start-subscription.command';
import type { Subscription } from '../../subscriptions/subscription';
import type { Tx } from '../../tx';
import { keepPaymentMethod } from '../keep-payment-method.command';
import {
  contradictionIn,
  isEntitling,
  isOver,
  nextLook,
  type SeenSubscription,
  type StripeCheckout,
  type StripeInvoice,
} from '../stripe-checkout';
import { offeredAttachment } from './create-addon-checkout.command';
import type { SeenSession } from './stripe-billing';

export const checkoutReference = ({ id, tenantId }: StripeCheckout) => encodeId('Checkout', id, tenantId);

/** Nothing more is done about it until a person has looked: what contradicts our own row grants nothing. */
export async function parkCheckout(tx: Tx, checkout: StripeCheckout, reason: string): Promise<StripeCheckout> {
  const parked = { ...checkout, parkedReason: reason.slice(0, 500), parkedAt: tx.now, syncAt: undefined };
  await tx.stripeCheckouts.update(parked);
  await tx.emit({ type: 'checkout.parked', payload: { checkout: parked } });
  return parked;
}

/** The row as it is now, under the tenant's lock; `undefined` where there is nothing (more) to do. */
async function current(tx: Tx, id: string, askedAt: Instant): Promise<StripeCheckout | undefined> {
  await tx.tenants.lock(tx.tenant.id);
  const checkout = await tx.stripeCheckouts.find(tx.tenant.id, { id });
  if (!checkout || checkout.parkedReason) return undefined;
  // Somebody asked later than this answer was asked for, and wrote it down already.
  if (checkout.seenAt && isBefore(askedAt, checkout.seenAt)) return undefined;
  return checkout;
}

/** An event that came while Stripe was being asked wants another look; else the next one is by the calendar. */
function lookAgain(checkout: StripeCheckout, next: Instant | undefined): Instant | undefined {
  return checkout.syncAt?.epochMilliseconds === 0 ? checkout.syncAt : next;
}

/** Books what Stripe collected, on the account of the attachment too: a credit is never more than that. */
async function book(
  tx: Tx,
  checkout: StripeCheckout,
  attachment: AddonSubscription | undefined,
  seen: SeenSubscription,
) {
  const booked = (await tx.stripeCheckouts.invoices([checkout.tenantId], [checkout.id])).get(checkout.id) ?? [];
  const known = new Set(booked.map(({ externalId }) => externalId));
  for (const { amount, period, ...rest } of seen.paid) {
    if (known.has(rest.externalId)) continue;
    invariant(amount && period, 'an unreadable invoice was not parked');
    const invoice: StripeInvoice = { ...rest, amount, period };
    if (!(await tx.stripeCheckouts.insertInvoice(checkout, invoice))) continue;
    await tx.emit({ type: 'checkout.paid', payload: { checkout, collected: invoice } });
    if (!attachment || amount.minor === 0n) continue;
    const { tenantId, partnerId, subscriptionId: id } = attachment;
    const entry = { itemId: attachment.id, period, kind: 'CHARGE' as const, amount, share: fullShare };
    await tx.itemCharges.insert({ id, tenantId, partnerId }, [entry], {}, tx.now);
  }
}

/** Why it cannot be attached after all, although it was paid; a person gives the money back or makes room. */
async function obstacleTo(tx: Tx, checkout: StripeCheckout, subscription: Subscription | undefined) {
  if (!subscription || subscription.cancelAt) return 'SUBSCRIPTION_REQUIRED';
  const addon = (await tx.addons.byIds([checkout.addonId!]))[0]!;
  if (await tx.addonSubscriptions.liveOf(checkout.tenantId, addon.id)) return 'ADDON_ALREADY_SUBSCRIBED';
  const version = (await tx.plans.versionById(subscription.item.planVersionId))!;
  const plan = (await tx.plans.byIds([version.planId]))[0]!;
  const availability = addonAvailability(plan, version, addon);
  if (availability === 'INCLUDED') return 'ADDON_INCLUDED_IN_PLAN';
  if (availability === 'NOT_AVAILABLE') return 'ADDON_NOT_AVAILABLE_WITH_PLAN';
  // One that is there to a date only will do: it was paid for, and ends with a credit where that one ends.
  const required = await requirementProblem(tx, subscription, addon, { endings: 'ARE_THERE' });
  if (required) return required.refusal.code;
  const clash = await resetClash(tx, { attachment: offeredAttachment(tx, checkout, subscription.id) });
  return clash?.refusal.code;
}

async function attach(tx: Tx, checkout: StripeCheckout, seen: SeenSubscription): Promise<AddonSubscription | string> {
  const subscription = await tx.subscriptions.live(checkout.tenantId);
  const obstacle = await obstacleTo(tx, checkout, subscription);
  if (obstacle || !subscription) return obstacle ?? 'SUBSCRIPTION_REQUIRED';
  const addon = (await tx.addons.byIds([checkout.addonId!]))[0]!;
  const period = seen.items[0]!.period!;
  const attachment: AddonSubscription = {
    ...offeredAttachment(tx, checkout, subscription.id),
    usagePrices: usagePricesIn(addon.allowances, subscription.currency),
    providerPeriod: period,
    ...(seen.cancels && { endsAt: period.end, endReason: endedThere }),
  };
  await tx.addonSubscriptions.insert(attachment);
  await recordAddon(tx, subscription, addon, 'ADDON_SUBSCRIBED', { billedBy: 'Stripe' });
  await tx.emit({ type: 'addon_subscription.created', payload: { addonSubscription: attachment } });
  return attachment;
}

const endedThere = 'Cancelled at Stripe';

/** Brings an attachment in step with Stripe's subscription. What has ended stays ended: a late payment revives nothing. */
async function keepInStep(
  tx: Tx,
  checkout: StripeCheckout,
  attachment: AddonSubscription,
  seen: SeenSubscription,
): Promise<void> {
  if (attachment.endedAt) return;
  const period = seen.items[0]!.period!;
  const subscription = (await tx.subscriptions.byIds([attachment.tenantId], [attachment.subscriptionId]))[0]!;
  if (isOver(seen.status)) {
    const kind = seen.endedUnpaid ? 'PAYMENT_FAILED' : 'CANCELLED';
    await endAttachment(tx, subscription, attachment, { at: tx.now, kind });
    await endDependents(tx, subscription, tx.now);
    return;
  }
  const renewed = period.start.epochMilliseconds > (attachment.providerPeriod?.start.epochMilliseconds ?? 0);
  // Only what changed there since it was last seen; what changed here is carried out there.
  const changedThere = seen.cancels !== checkout.providerCancels;
  const endsAt = changedThere
    ? seen.cancels
      ? period.end
      : undefined
    : attachment.endsAt && (seen.cancels ? period.end : attachment.endsAt);
  const endReason = endsAt ? (attachment.endReason ?? endedThere) : undefined;
  const same = !renewed && isSameInstant(endsAt, attachment.endsAt);
  if (!same) {
    const changed = await tx.addonSubscriptions.update({ ...attachment, providerPeriod: period, endsAt, endReason });
    if (renewed) await tx.emit({ type: 'addon_subscription.renewed', payload: { addonSubscription: changed } });
    if (changedThere) {
      const type = endsAt ? 'addon_subscription.cancelled' : 'addon_subscription.resumed';
      await tx.emit({ type, payload: { addonSubscription: changed } });
    }
  }
  if (
    seen.status !== checkout.providerStatus &&
    (seen.status === 'past_due' || checkout.providerStatus === 'past_due')
  ) {
    const type = seen.status === 'past_due' ? 'addon_subscription.past_due' : 'addon_subscription.recovered';
    await tx.emit({ type, payload: { addonSubscription: attachment } });
  }
}

/**
 * Writes down what Stripe says of an add-on that was bought at its checkout, held against what was offered. Any number of
 * times, in any order: what was seen later counts, and every effect happens once.
 */
export async function settleAddonCheckout(
  tx: Tx,
  id: string,
  seen: SeenSubscription,
  askedAt: Instant,
): Promise<StripeCheckout | undefined> {
  await tx.tenants.lock(tx.tenant.id);
  // First: what billing ends wakes the checkout, and a row that was read before would put it to sleep again.
  await billTenant(tx);
  const checkout = await current(tx, id, askedAt);
  if (!checkout) return undefined;
  const customerId = await tx.paymentMethods.customerOf(tx.tenant.id, 'STRIPE');
  const contradiction = contradictionIn(checkout, checkoutReference(checkout), customerId, seen);
  if (contradiction) return parkCheckout(tx, checkout, `${contradiction.reason}: ${contradiction.detail}`);
  const known = checkout.addonSubscriptionId;
  let attachment = known && (await tx.addonSubscriptions.byId(checkout.tenantId, known));
  if (!attachment && isEntitling(seen.status)) {
    const attached = await attach(tx, checkout, seen);
    if (typeof attached === 'string') {
      await book(tx, checkout, undefined, seen);
      return parkCheckout(tx, { ...checkout, subscriptionExternalId: seen.externalId }, attached);
    }
    attachment = attached;
  }
  await book(tx, checkout, attachment, seen);
  if (attachment && known) await keepInStep(tx, checkout, attachment, seen);
  if (attachment) await rebuildEntitlements(tx);
  const settled: StripeCheckout = {
    ...checkout,
    ...{ status: 'COMPLETED', completedAt: checkout.completedAt ?? tx.now, url: undefined, attempts: 0 },
    subscriptionExternalId: seen.externalId,
    addonSubscriptionId: attachment?.id,
    ...{ providerStatus: seen.status, providerCancels: seen.cancels, seenAt: askedAt },
  };
  const syncAt = lookAgain(checkout, nextLook(settled, seen.items[0]?.period?.end));
  await tx.stripeCheckouts.update({ ...settled, syncAt });
  if (!checkout.completedAt) await tx.emit({ type: 'checkout.completed', payload: { checkout: settled } });
  return settled;
}

/** The page has saved a payment method: the plan that was offered starts, and is paid with it. */
export async function settlePlanCheckout(
  tx: Tx,
  id: string,
  session: SeenSession,
  askedAt: Instant,
): Promise<StripeCheckout | undefined> {
  const checkout = await current(tx, id, askedAt);
  if (!checkout || checkout.status === 'COMPLETED') return checkout;
  const customerId = await tx.paymentMethods.customerOf(tx.tenant.id, 'STRIPE');
  if (session.customerId !== customerId) {
    return parkCheckout(tx, checkout, 'REFERENCE_MISMATCH: it is of another customer');
  }
  if (!session.method) return parkCheckout(tx, checkout, 'PAYLOAD_UNREADABLE: a page without a payment method');
  const setup = await tx.paymentMethods.setupById(tx.tenant.id, checkout.id);
  invariant(setup, 'a checkout of a plan has a setup');
  await keepPaymentMethod(tx, 'STRIPE', session.method, setup);
  const { planId, planVersionId, planPriceId, interval, quantity, trialDays, planTrial } = checkout;
  invariant(planId && planVersionId && planPriceId, 'a checkout of a plan has one');
  const started = await startSubscription(
    tx,
    { plan: encodeId('Plan', planId), interval, quantity: Number(quantity) },
    {
      offered: {
        planVersionId,
        priceId: planPriceId,
        trial: trialDays ? { days: trialDays, ofPlan: planTrial ?? false } : undefined,
      },
    },
  );
  if (!started.ok) return parkCheckout(tx, checkout, started.refusal.code);
  const settled: StripeCheckout = {
    ...checkout,
    ...{ status: 'COMPLETED', completedAt: tx.now, url: undefined, attempts: 0, syncAt: undefined, seenAt: askedAt },
    subscriptionId: started.value.subscription.id,
  };
  await tx.stripeCheckouts.update(settled);
  await tx.emit({ type: 'checkout.completed', payload: { checkout: settled } });
  return settled;
}

/** Nobody paid in time, or another offer took its place. */
export async function settleExpiredCheckout(tx: Tx, id: string, askedAt: Instant): Promise<StripeCheckout | undefined> {
  const checkout = await current(tx, id, askedAt);
  if (!checkout || checkout.status === 'COMPLETED') return checkout;
  const expired: StripeCheckout = {
    ...checkout,
    status: 'EXPIRED',
    url: undefined,
    syncAt: undefined,
    seenAt: askedAt,
  };
  await tx.stripeCheckouts.update(expired);
  await tx.emit({ type: 'checkout.expired', payload: { checkout: expired } });
  return expired;
}
