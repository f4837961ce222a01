import { isBefore } from '../core/calendar';
import { encodeId } from '../core/ids';
import { zero } from '../core/money';
import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import type { Tx } from '../tx';
import { giveSeat } from './assign-seat.command';
import { endSubscription } from './end-subscription.command';
import { expiryAfter, type Licence, lastInstantOf } from './licence';
import { decidePurchase, decideRenewal, type PurchaseDecision } from './licence-price';
import { type LicencePurchase, type PaidCheckout, type Parking, paymentProblem, termProblem } from './licence-purchase';
import { applyLicenceRefunds } from './refund-licence-purchase.command';

export type Settled =
  | { readonly outcome: 'GRANTED'; readonly licence: Licence; readonly purchase: LicencePurchase }
  /** Granted, parked or refunded before: its status says which. */
  | { readonly outcome: 'REPEATED'; readonly purchase: LicencePurchase }
  | { readonly outcome: 'PARKED'; readonly purchase: LicencePurchase; readonly parking: Parking };

/**
 * Completes an intent that was paid, once. What is granted is what the intent says; what the provider says is only compared
 * with it, and where the two differ nothing is granted and a person is told. A subscription that the payment began, and that
 * began no term, is ended.
 *
 * @param paid as the provider has it
 * @param told as an event has it, where the provider was asked besides: it has to fit as well
 */
export async function settleLicencePurchase(
  tx: Tx,
  purchaseId: string,
  paid: PaidCheckout,
  told?: PaidCheckout,
): Promise<Settled | undefined> {
  const settled = await afterRefunds(tx, await settle(tx, purchaseId, paid, told));
  if (settled && paid.subscriptionId) await endSubscription(tx, settled.purchase, paid.provider, paid.subscriptionId);
  return settled;
}

/** Money may have gone back before it was told that it came: of what was parked, too. */
export async function afterRefunds<T extends Settled | undefined>(tx: Tx, settled: T): Promise<T> {
  if (settled?.outcome !== 'PARKED') return settled;
  return { ...settled, purchase: await applyLicenceRefunds(tx, settled.purchase) };
}

async function settle(
  tx: Tx,
  purchaseId: string,
  paid: PaidCheckout,
  told: PaidCheckout | undefined,
): Promise<Settled | undefined> {
  await tx.tenants.lock(tx.tenant.id);
  const found = await tx.licencePurchases.byId(tx.tenant.id, purchaseId);
  if (!found) return undefined;
  if (found.status !== 'OPEN') return { outcome: 'REPEATED', purchase: found };
  const purchase = { ...found, paid: paidIn(found, paid) };
  const own = opaqueIdsOf(purchase);
  const problem = paymentProblem(purchase, own, paid) ?? (told && paymentProblem(purchase, own, told));
  if (problem) return parkLicencePurchase(tx, purchase, problem);
  const product = (await tx.licenceProducts.byIds([purchase.productId]))[0]!;
  const current = await tx.licences.current(tx.tenant.id, purchase.productId);
  const priced = { name: product.name, productId: product.id, yearly: purchase.yearly };
  const decision =
    purchase.kind === 'RENEWAL'
      ? current && decideRenewal(current, priced, lastInstantOf(current))
      : decidePurchase(current, { ...priced, quantity: purchase.quantity }, tx.now, tx.tenant.timeZone);
  const changed = termProblem(purchase, current, decision);
  if (changed) return parkLicencePurchase(tx, purchase, changed);
  return grantLicencePurchase(tx, purchase, current, decision!, paid.subscriptionId);
}

/** What came for a purchase; `undefined`: something in another currency. */
export const paidIn = ({ amount }: LicencePurchase, { paid }: PaidCheckout) =>
  paid?.currency === amount.currency ? paid : undefined;

export const opaqueIdsOf = ({ tenantId, id }: LicencePurchase) => ({
  tenantId: encodeId('Tenant', tenantId),
  purchaseId: encodeId('LicencePurchase', id, tenantId),
});

export async function parkLicencePurchase(
  tx: Pick<Tx, 'licencePurchases' | 'emit'>,
  purchase: LicencePurchase,
  parking: Parking,
): Promise<Settled> {
  const parked = await tx.licencePurchases.update({
    ...purchase,
    status: 'PARKED',
    parkReason: parking.reason,
    parkDetail: parking.detail,
  });
  await tx.emit({ type: 'licence_purchase.parked', payload: { purchase: parked } });
  return { outcome: 'PARKED', purchase: parked, parking };
}

/** Gives what the purchase says. The caller has looked whether it may, and holds the tenant's lock. */
export async function grantLicencePurchase(
  tx: Tx,
  purchase: LicencePurchase,
  current: Licence | undefined,
  decision: PurchaseDecision,
  subscriptionId?: string,
): Promise<Extract<Settled, { outcome: 'GRANTED' }>> {
  let licence: Licence;
  if (decision.kind === 'CO_TERMED') {
    licence = await tx.licences.update({ ...current!, seats: current!.seats + purchase.quantity });
  } else if (decision.kind === 'RENEWAL') {
    const years = current!.years + 1;
    const expiresAt = expiryAfter(current!.startsAt, years, tx.tenant.timeZone);
    licence = await tx.licences.update({ ...current!, years, expiresAt });
  } else {
    licence = await beginTerm(tx, purchase, current, subscriptionId);
  }
  await welcomeBuyer(tx, purchase, licence);
  const completed = await tx.licencePurchases.update({
    ...purchase,
    licenceId: licence.id,
    // What it was added to, as it is now: a year's end tells which years it belongs to.
    expiryBefore: decision.before?.expiresAt,
    status: 'COMPLETED',
    completedAt: tx.now,
  });
  // What went back before it was granted, while it waited for its payment or for a person, is taken off what it grants.
  const whole = { ...completed, refunded: zero(completed.amount.currency), seatsRefunded: 0n };
  const left = await applyLicenceRefunds(tx, whole);
  await rebuildEntitlements(tx);
  const now = (await tx.licences.byId(tx.tenant.id, licence.id))!;
  await tx.emit({ type: 'licence.granted', payload: { licence: now, purchase: left } });
  return { outcome: 'GRANTED', licence: now, purchase: left };
}

/**
 * A new year of what was bought, no more: seats of a term that has ended are not bought again. Its people move along, as far as
 * there are seats, the buyer first.
 */
async function beginTerm(
  tx: Tx,
  purchase: LicencePurchase,
  before: Licence | undefined,
  providerSubscriptionId: string | undefined,
): Promise<Licence> {
  if (before) {
    // A purchase ends the trial.
    const expiresAt = before.trial && isBefore(tx.now, before.expiresAt) ? tx.now : before.expiresAt;
    await tx.licences.update({ ...before, expiresAt, replacedAt: tx.now });
    // A payment that the provider tries again could still succeed, and the next year would be billed again.
    const provider = before.providerSubscriptionId
      ? (await tx.licencePurchases.firstOf(tx.tenant.id, before.id))?.provider
      : undefined;
    if (provider) await endSubscription(tx, purchase, provider, before.providerSubscriptionId!);
  }
  const licence: Licence = {
    id: tx.newId<'Licence'>(),
    tenantId: purchase.tenantId,
    partnerId: purchase.partnerId,
    productId: purchase.productId,
    trial: false,
    startsAt: tx.now,
    years: 1,
    expiresAt: expiryAfter(tx.now, 1, tx.tenant.timeZone),
    seats: purchase.quantity,
    assigned: 0n,
    autoRenew: purchase.autoRenew && providerSubscriptionId !== undefined,
    providerSubscriptionId,
    providerSeats: providerSubscriptionId === undefined ? undefined : purchase.quantity,
    version: 1,
    createdAt: tx.now,
  };
  await tx.licences.insert(licence);
  if (!before) return licence;
  const { buyerId } = purchase;
  const welcomed = (await welcomeBuyer(tx, purchase, licence)) ? 1n : 0n;
  const had = (await tx.licences.seatOf(tx.tenant.id, before.id, buyerId)) ? 1n : 0n;
  const most = licence.seats - welcomed;
  const carried = await tx.licences.carrySeatsOver(before, licence, { most, except: buyerId }, tx.now, tx.newId);
  const leftOut = before.assigned - had - carried;
  const begun = { ...licence, assigned: welcomed + carried };
  if (leftOut > 0n) {
    await tx.emit({ type: 'licence.seats_left_out', payload: { licence: begun, leftOut } });
  }
  return begun;
}

/** The buyer is one of the licence's people, where a seat is free; somebody who has left meanwhile is not let back in. */
async function welcomeBuyer(tx: Tx, purchase: LicencePurchase, licence: Licence): Promise<boolean> {
  const buyer = await tx.memberships.profile(tx.tenant.id, purchase.buyerId);
  if (!buyer) return false;
  const seat = await tx.licences.seatOf(tx.tenant.id, licence.id, buyer.userId);
  return (seat ?? (await giveSeat(tx, licence, buyer))) !== undefined;
}
