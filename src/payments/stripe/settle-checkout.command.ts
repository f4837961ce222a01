import { addonAvailability } from '../../catalog/addon';
import { type Instant, isBefore, isSameInstant, laterOf } from '../../core/calendar';
import { encodeId } from '../../core/ids';
import { invariant } from '../../core/invariant';
import { equals, least, type Money, money, negate, subtract, zero } from '../../core/money';
import { fullShare } from '../../core/proration';
import { rebuildEntitlements } from '../../entitlements/rebuild-entitlements.command';
import { resetClash } from '../../entitlements/reset-clash.query';
import { billTenant } from '../../invoicing/bill-tenant.command';
import { creditEndingItems, endingAttachment } from '../../invoicing/credit-ending-items.command';
import { endDependents } from '../../invoicing/end-dependents.command';
import type { TimeSpan } from '../../invoicing/invoice';
import { accountKey } from '../../invoicing/item-charge';
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
  type Contradiction,
  contradictionIn,
  isAsSeen,
  nextLook,
  pauseAfterLook,
  type SeenSubscription,
  type StripeCheckout,
  type StripeInvoice,
  seenTerms,
  strangerIn,
  type Terms,
  termsOf,
  type Withdrawal,
} from '../stripe-checkout';
import { offeredAttachment } from './create-addon-checkout.command';
import type { SeenSession } from './stripe-billing';

export const checkoutReference = ({ id, tenantId }: StripeCheckout) => encodeId('Checkout', id, tenantId);

/** It grants nothing more until a person has looked: what Stripe says contradicts our own row. It is kept in step all the same. */
export async function parkCheckout(
  tx: Tx,
  checkout: StripeCheckout,
  reason: string,
  syncAt?: Instant | undefined,
): Promise<StripeCheckout> {
  const text = reason.slice(0, 500);
  const isNew = checkout.parkedReason !== text;
  const parkedAt = isNew ? tx.now : checkout.parkedAt;
  const parked = { ...checkout, parkedReason: text, parkedAt, syncAt };
  await tx.stripeCheckouts.update(parked);
  if (isNew) await tx.emit({ type: 'checkout.parked', payload: { checkout: parked } });
  return parked;
}

/** Ends it at Stripe and gives back what was collected, both by the job: it was bought twice, or a person refused it. */
export async function withdrawCheckout(
  tx: Tx,
  checkout: StripeCheckout,
  withdrawn: Pick<Withdrawal, 'reason' | 'refunds'>,
): Promise<StripeCheckout> {
  const gone: StripeCheckout = {
    ...checkout,
    ...{ status: 'WITHDRAWN', withdrawn: { ...withdrawn, at: tx.now }, url: undefined, attempts: 0 },
    ...{ parkedReason: undefined, parkedAt: undefined },
  };
  await tx.stripeCheckouts.update(gone);
  await tx.stripeCheckouts.wake(gone.tenantId, gone.id);
  await tx.emit({ type: 'checkout.withdrawn', payload: { checkout: gone } });
  return gone;
}

/** The row as it is now, under the tenant's lock; `undefined` where there is nothing (more) to do. */
async function current(tx: Tx, id: string, askedAt: Instant): Promise<StripeCheckout | undefined> {
  await tx.tenants.lock(tx.tenant.id);
  const checkout = await tx.stripeCheckouts.find(tx.tenant.id, { id });
  // Somebody asked later than this answer was asked for, and wrote it down already.
  return checkout?.seenAt && isBefore(askedAt, checkout.seenAt) ? undefined : checkout;
}

/** An event that came while Stripe was being asked wants another look; else the next one is by the calendar. */
function lookAgain(checkout: StripeCheckout, next: Instant | undefined): Instant | undefined {
  return checkout.syncAt?.epochMilliseconds === 0 ? checkout.syncAt : next;
}

const bookedOf = async (tx: Tx, { tenantId, id }: StripeCheckout) =>
  (await tx.stripeCheckouts.invoices([tenantId], [id])).get(id) ?? [];

/**
 * Something went back of what was collected (less than zero: it came back): off the account of the attachment, and as far as it was
 * credited before, off the credit balance. So it is never given twice, and nothing goes below zero.
 */
async function takeBack(tx: Tx, attachment: AddonSubscription, period: TimeSpan, back: Money): Promise<void> {
  const { tenantId, partnerId, subscriptionId: id, id: itemId } = attachment;
  const { currency, minor } = back;
  const isTaken = minor > 0n;
  const size = isTaken ? minor : -minor;
  const signed = (amount: bigint) => money(isTaken ? -amount : amount, currency);
  const standing = async () =>
    (await tx.itemCharges.standingOf(tenantId, id, [itemId])).get(accountKey({ itemId, period }))?.amount ?? 0n;
  const here = isTaken ? await standing() : -(await tx.itemCharges.refundedOf(tenantId, itemId, period.start));
  const moved = least(size, here > 0n ? here : 0n);
  if (moved > 0n) {
    const entry = { itemId, period, kind: 'REFUNDED' as const, amount: signed(moved), share: fullShare };
    await tx.itemCharges.insert({ id, tenantId, partnerId }, [entry], {}, tx.now);
  }
  const balance = isTaken
    ? (await tx.creditNotes.lockBalance(tenantId, partnerId, currency)).minor
    : await tx.creditNotes.takenAtProvider(tenantId, currency);
  const rest = least(size - moved, balance);
  if (rest > 0n) {
    await tx.creditNotes.moveBalance(tenantId, partnerId, { kind: 'REFUNDED', amount: signed(rest) }, tx.now);
  }
}

async function charge(tx: Tx, attachment: AddonSubscription, { period, amount }: StripeInvoice): Promise<void> {
  if (amount.minor === 0n) return;
  const { tenantId, partnerId, subscriptionId: id, id: itemId } = attachment;
  const entry = { itemId, period, kind: 'CHARGE' as const, amount, share: fullShare };
  await tx.itemCharges.insert({ id, tenantId, partnerId }, [entry], {}, tx.now);
}

/** Books what Stripe collected and what went back of it, whoever moved it. Answers what is booked for the first time. */
async function book(
  tx: Tx,
  checkout: StripeCheckout,
  attachment: AddonSubscription | undefined,
  seen: SeenSubscription,
): Promise<StripeInvoice[]> {
  const names = seen.paid.map(({ externalId }) => externalId);
  const known = await tx.stripeCheckouts.booked(checkout.tenantId, checkout.id, names);
  const booked = new Map(known.map((invoice) => [invoice.externalId, invoice]));
  const collected: StripeInvoice[] = [];
  for (const { amount, period, refunded, ...rest } of seen.paid) {
    // What cannot be read is a person's, and the others are booked all the same.
    if (!amount || !period || !refunded) continue;
    const known = booked.get(rest.externalId);
    const invoice: StripeInvoice = known ?? { ...rest, amount, period, refunded: zero(amount.currency) };
    if (!known) {
      if (!(await tx.stripeCheckouts.insertInvoice(checkout, invoice))) continue;
      await tx.emit({ type: 'checkout.paid', payload: { checkout, collected: invoice } });
      if (attachment) await charge(tx, attachment, invoice);
      collected.push(invoice);
    }
    const moved = subtract(refunded, invoice.refunded);
    if (moved.minor === 0n) continue;
    await tx.stripeCheckouts.insertRefund(checkout, invoice.externalId, moved, tx.now);
    await tx.emit({ type: 'checkout.refunded', payload: { checkout, collected: { ...invoice, refunded } } });
    if (attachment) await takeBack(tx, attachment, invoice.period, moved);
  }
  return collected;
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
  const attachment: AddonSubscription = {
    ...offeredAttachment(tx, checkout, subscription.id),
    usagePrices: usagePricesIn(addon.allowances, subscription.currency),
    providerPeriod: seen.items[0]!.period!,
    accessUntil: accessEnds(tx, seen, undefined),
    ...(seen.endsAt && { endsAt: seen.endsAt, endReason: endedThere }),
  };
  await tx.addonSubscriptions.insert(attachment);
  await recordAddon(tx, subscription, addon, 'ADDON_SUBSCRIBED', { billedBy: 'Stripe' });
  await tx.emit({ type: 'addon_subscription.created', payload: { addonSubscription: attachment } });
  // What was booked while it waited for a person.
  for (const invoice of await bookedOf(tx, checkout)) {
    await charge(tx, attachment, invoice);
    if (invoice.refunded.minor !== 0n) await takeBack(tx, attachment, invoice.period, invoice.refunded);
  }
  return attachment;
}

const endedThere = 'Cancelled at Stripe';

/** Until when it gives access, though it goes on; `undefined`: it gives it. */
function accessEnds(tx: Tx, seen: SeenSubscription, before: Instant | undefined): Instant | undefined {
  if (seen.standing === 'PAUSED') return before ?? tx.now;
  if (seen.isServed) return undefined;
  // What was paid is served.
  const paidUntil = seen.paid.flatMap(({ period }) => period?.end ?? []);
  return paidUntil.reduce<Instant>((last, end) => (isBefore(last, end) ? end : last), before ?? tx.now);
}

/**
 * Something was paid for time in which it was attached no more: that revives nothing, and what is left of the time is credited.
 */
async function creditAfterEnd(
  tx: Tx,
  subscription: Subscription,
  attachment: AddonSubscription,
  collected: readonly StripeInvoice[],
): Promise<void> {
  const addon = (await tx.addons.byIds([attachment.addonId]))[0]!;
  for (const { period: providerPeriod } of collected) {
    const ending = endingAttachment({ ...attachment, providerPeriod }, addon.name);
    const at = laterOf(attachment.endedAt!, providerPeriod.start);
    const credit = { reason: 'ADDON_CANCELLED', settlement: 'CREDIT_BALANCE', windows: 'NONE' } as const;
    await creditEndingItems(tx, subscription, [ending], at, credit);
  }
}

/** A person accepted another price or quantity. What stands on the account of the phase that ends goes on to the next. */
async function takeTerms(
  tx: Tx,
  subscription: Subscription,
  attachment: AddonSubscription,
  { quantity, unitAmount }: Terms,
): Promise<AddonSubscription> {
  if (attachment.quantity === quantity && equals(attachment.unitAmount, unitAmount)) return attachment;
  let changed: AddonSubscription;
  if (attachment.quantity === quantity) {
    changed = await tx.addonSubscriptions.update({ ...attachment, unitAmount });
  } else {
    const id = tx.newId<'AddonSubscription'>();
    await tx.addonSubscriptions.update({ ...attachment, endedAt: tx.now, endKind: 'QUANTITY_CHANGED' });
    // Past the version that the end of the phase before it wrote: the last phase is the one with the highest.
    changed = { ...attachment, id, quantity, unitAmount, startedAt: tx.now, version: attachment.version + 2 };
    await tx.addonSubscriptions.insert(changed);
    await moveAccount(tx, subscription, attachment, changed);
    const addon = (await tx.addons.byIds([attachment.addonId]))[0]!;
    const facts = { from: attachment.quantity.toString(), to: quantity.toString() };
    await recordAddon(tx, subscription, addon, 'ADDON_QUANTITY_CHANGED', facts);
  }
  await tx.emit({ type: 'addon_subscription.updated', payload: { addonSubscription: changed } });
  return changed;
}

async function moveAccount(tx: Tx, subscription: Subscription, from: AddonSubscription, to: AddonSubscription) {
  const period = from.providerPeriod!;
  const standing = await tx.itemCharges.standingOf(from.tenantId, subscription.id, [from.id]);
  const minor = standing.get(accountKey({ itemId: from.id, period }))?.amount ?? 0n;
  if (minor <= 0n) return;
  const amount = money(minor, from.unitAmount.currency);
  const both = { period, share: fullShare };
  await tx.itemCharges.insert(
    subscription,
    [
      { ...both, itemId: from.id, kind: 'CREDIT', amount: negate(amount) },
      { ...both, itemId: to.id, kind: 'CHARGE', amount },
    ],
    {},
    tx.now,
  );
}

/** Brings an attachment in step with Stripe's subscription. What has ended stays ended: a late payment revives nothing. */
async function keepInStep(
  tx: Tx,
  checkout: StripeCheckout,
  before: AddonSubscription,
  seen: SeenSubscription,
  collected: readonly StripeInvoice[],
): Promise<void> {
  const subscription = (await tx.subscriptions.byIds([before.tenantId], [before.subscriptionId]))[0]!;
  if (before.endedAt) return creditAfterEnd(tx, subscription, before, collected);
  const attachment = checkout.parkedReason ? before : await takeTerms(tx, subscription, before, termsOf(checkout));
  if (seen.standing === 'ENDED') {
    const kind = seen.endedUnpaid ? 'PAYMENT_FAILED' : 'CANCELLED';
    const ended = await endAttachment(tx, subscription, attachment, { at: tx.now, kind });
    await endDependents(tx, subscription, tx.now);
    const late = collected.filter(({ paidAt }) => seen.endedAt && isBefore(seen.endedAt, paidAt));
    return creditAfterEnd(tx, subscription, ended, late);
  }
  const period = seen.items[0]?.period ?? attachment.providerPeriod!;
  const renewed = period.start.epochMilliseconds > (attachment.providerPeriod?.start.epochMilliseconds ?? 0);
  // Only what changed there since it was last seen; what changed here is carried out there.
  const changedThere = !isSameInstant(seen.endsAt, checkout.providerEndsAt);
  const endsAt = changedThere ? seen.endsAt : attachment.endsAt;
  const endReason = endsAt ? (attachment.endReason ?? endedThere) : undefined;
  const accessUntil = accessEnds(tx, seen, attachment.accessUntil);
  const wasPaused = attachment.accessUntil !== undefined;
  const isPaused = accessUntil !== undefined;
  const moved = !isSameInstant(endsAt, attachment.endsAt);
  if (renewed || moved || !isSameInstant(accessUntil, attachment.accessUntil)) {
    const providerPeriod = renewed ? period : attachment.providerPeriod;
    const changed = { ...attachment, providerPeriod, endsAt, endReason, accessUntil };
    const payload = { addonSubscription: await tx.addonSubscriptions.update(changed) };
    if (renewed) await tx.emit({ type: 'addon_subscription.renewed', payload });
    if (moved) await tx.emit({ type: `addon_subscription.${endsAt ? 'cancelled' : 'resumed'}`, payload });
    if (isPaused !== wasPaused) {
      await tx.emit({ type: `addon_subscription.${isPaused ? 'paused' : 'unpaused'}`, payload });
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

const textOf = ({ reason, detail }: Contradiction) => `${reason}: ${detail}`;

/**
 * Writes down what Stripe says of an add-on that was bought at its checkout, held against what was offered. Any number of
 * times, in any order: what was seen later counts, and every effect happens once. What contradicts the offer grants nothing;
 * it is booked, cancelled, ended and compared all the same.
 */
export async function settleAddonCheckout(
  tx: Tx,
  id: string,
  seen: SeenSubscription,
  { askedAt, problem }: { readonly askedAt: Instant; readonly problem?: string | undefined },
): Promise<StripeCheckout | undefined> {
  await tx.tenants.lock(tx.tenant.id);
  // First: what billing ends wakes the checkout, and a row that was read before would put it to sleep again.
  await billTenant(tx);
  const checkout = await current(tx, id, askedAt);
  if (!checkout) return undefined;
  const { tenantId, addonSubscriptionId: known, withdrawn } = checkout;
  const attempts = isAsSeen(checkout, seen) ? checkout.attempts : 0;
  const syncAt = lookAgain(checkout, nextLook({ ...checkout, attempts }, askedAt, seen));
  const customers = await tx.paymentMethods.customersOf(tenantId, 'STRIPE');
  const stranger = strangerIn(checkout, checkoutReference(checkout), customers, seen);
  if (stranger && withdrawn) return tx.stripeCheckouts.update({ ...checkout, seenAt: askedAt, syncAt: undefined });
  if (stranger) return parkCheckout(tx, { ...checkout, seenAt: askedAt }, textOf(stranger), syncAt);

  const contradiction = contradictionIn(checkout, seen);
  const attached = known && (await tx.addonSubscriptions.byOrigin(tenantId, known));
  const grants = seen.standing === 'ACCESS' && seen.paid.length > 0 && !contradiction && !checkout.parkedReason;
  const found = !attached && grants && !withdrawn ? await attach(tx, checkout, seen) : attached;
  const [attachment, obstacle] = typeof found === 'string' ? [undefined, found] : [found, undefined];
  const collected = await book(tx, checkout, attachment || undefined, seen);
  const waiting = attached ? undefined : checkout.parkedReason;
  const reason = withdrawn ? problem : contradiction ? textOf(contradiction) : (obstacle ?? waiting);
  if (attached) await keepInStep(tx, { ...checkout, parkedReason: reason }, attached, seen, collected);
  if (attachment) await rebuildEntitlements(tx);

  const bought = attachment || (seen.standing !== 'WAITS' && seen.paid.length > 0);
  const over = seen.standing === 'ENDED' && checkout.status !== 'COMPLETED';
  const status = withdrawn || !(bought || over) ? checkout.status : bought ? 'COMPLETED' : 'EXPIRED';
  const settled: StripeCheckout = {
    ...checkout,
    ...{ status, attempts, url: undefined, syncAt, subscriptionExternalId: seen.externalId, seenAt: askedAt },
    completedAt: bought ? (checkout.completedAt ?? tx.now) : checkout.completedAt,
    addonSubscriptionId: attachment ? attachment.originId : known,
    ...{ providerStatus: seen.status, providerCancels: seen.endsAt !== undefined, providerEndsAt: seen.endsAt },
    seen: seenTerms(checkout, seen),
    ...(reason ? {} : { parkedReason: undefined, parkedAt: undefined }),
  };
  if (obstacle === 'ADDON_ALREADY_SUBSCRIBED') {
    return withdrawCheckout(tx, settled, { reason: 'It was bought twice', refunds: true });
  }
  await tx.stripeCheckouts.update(settled);
  if (!checkout.completedAt && settled.completedAt) {
    await tx.emit({ type: 'checkout.completed', payload: { checkout: settled } });
  }
  return reason ? parkCheckout(tx, settled, reason, syncAt) : settled;
}

/** Stripe has no such page or subscription. It grants nothing, and is looked for later and later. */
export async function settleMissing(
  tx: Tx,
  id: string,
  what: string,
  askedAt: Instant,
): Promise<StripeCheckout | undefined> {
  const checkout = await current(tx, id, askedAt);
  if (!checkout) return undefined;
  const syncAt = askedAt.add({ seconds: pauseAfterLook(checkout.attempts) });
  return parkCheckout(tx, { ...checkout, seenAt: askedAt }, what, syncAt);
}

/** Nothing comes of its page any more: it was bought or withdrawn, or it waits for a person, who has it read anew. */
const isSettled = ({ status, parkedReason }: StripeCheckout) =>
  status === 'COMPLETED' || status === 'WITHDRAWN' || parkedReason !== undefined;

/** The page has saved a payment method: the plan that was offered starts, and is paid with it. */
export async function settlePlanCheckout(
  tx: Tx,
  id: string,
  session: SeenSession,
  askedAt: Instant,
): Promise<StripeCheckout | undefined> {
  const checkout = await current(tx, id, askedAt);
  if (!checkout) return undefined;
  if (isSettled(checkout)) return tx.stripeCheckouts.update({ ...checkout, syncAt: undefined });
  const customers = await tx.paymentMethods.customersOf(tx.tenant.id, 'STRIPE');
  if (!session.customerId || !customers.includes(session.customerId)) {
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
  if (!started.ok) {
    const { code } = started.refusal;
    const live = code === 'ALREADY_SUBSCRIBED' ? await tx.subscriptions.live(tx.tenant.id) : undefined;
    // Both pages were accepted. Nothing was taken for this one, and its card is kept.
    if (live && (await tx.stripeCheckouts.startedBy(tx.tenant.id, live.id))) {
      return withdrawCheckout(tx, checkout, { reason: 'It was bought twice', refunds: false });
    }
    return parkCheckout(tx, checkout, code);
  }
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
  if (!checkout) return undefined;
  if (isSettled(checkout)) return tx.stripeCheckouts.update({ ...checkout, syncAt: undefined });
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
