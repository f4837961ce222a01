import { zero } from '../core/money';
import type { Tx } from '../tx';
import { endSubscription } from './end-subscription.command';
import { type Licence, lastInstantOf } from './licence';
import { decideRenewal } from './licence-price';
import { intentLifetime, type LicencePurchase, type PaidCheckout } from './licence-purchase';
import {
  afterRefunds,
  paidIn,
  parkLicencePurchase,
  type Settled,
  settleLicencePurchase,
} from './settle-licence-purchase.command';

/**
 * The provider billed another year by itself. Nobody made an intent for it here, so one is made of our own rows: as many seats
 * as there are, at the price they were bought for. What the provider billed is then held against it like any payment.
 */
export async function renewByProvider(
  tx: Tx,
  licence: Licence,
  paid: PaidCheckout,
  told?: PaidCheckout,
): Promise<Settled | undefined> {
  await tx.tenants.lock(tx.tenant.id);
  const first = await tx.licencePurchases.firstOf(tx.tenant.id, licence.id);
  if (!first) return undefined;
  const product = (await tx.licenceProducts.byIds([licence.productId]))[0]!;
  const current = await tx.licences.current(tx.tenant.id, licence.productId);
  const priced = { name: product.name, productId: product.id, yearly: first.yearly };
  const decision =
    current && current.id === licence.id ? decideRenewal(current, priced, lastInstantOf(current)) : undefined;
  const { yearly, buyerId } = first;
  const purchase: LicencePurchase = {
    id: tx.newId<'LicencePurchase'>(),
    tenantId: licence.tenantId,
    partnerId: licence.partnerId,
    productId: licence.productId,
    licenceId: licence.id,
    kind: 'RENEWAL',
    quantity: decision?.quantity ?? first.quantity,
    yearly,
    amount: decision?.amount ?? first.amount,
    explanation: decision?.explanation ?? first.explanation,
    expiryBefore: licence.expiresAt,
    seatsBefore: licence.seats,
    autoRenew: true,
    buyerId,
    status: 'OPEN',
    provider: paid.provider,
    checkoutId: paid.checkoutId,
    payableUntil: paid.paidAt.add(intentLifetime),
    createdAt: tx.now,
    refunded: zero(yearly.currency),
    seatsRefunded: 0n,
  };
  await tx.licencePurchases.insert(purchase);
  if (!decision) {
    const detail = 'The licence was replaced, or all of it was refunded.';
    if (paid.subscriptionId) await endSubscription(tx, purchase, paid.provider, paid.subscriptionId);
    const came = { ...purchase, paid: paidIn(purchase, paid) };
    return afterRefunds(tx, await parkLicencePurchase(tx, came, { reason: 'TERM_CHANGED', detail }));
  }
  // Its data name the purchase that began the subscription, which is the one we know it by.
  const unnamed = (words: PaidCheckout) => ({ ...words, namedPurchaseId: undefined });
  return settleLicencePurchase(tx, purchase.id, unnamed(paid), told && unnamed(told));
}
