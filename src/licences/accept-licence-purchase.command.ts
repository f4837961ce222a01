import { decodeId } from '../core/ids';
import { moneyText } from '../core/money';
import { done, type Result, refuse } from '../core/result';
import { stateConflict, stateWord } from '../platform/state-word';
import type { Tx } from '../tx';
import type { Licence } from './licence';
import { decidePurchase, decideRenewal } from './licence-price';
import type { LicencePurchase } from './licence-purchase';
import { grantLicencePurchase } from './settle-licence-purchase.command';

export interface LicencePurchaseInput {
  readonly purchaseId: string;
  /** As the person saw it. */
  readonly expectedState?: string | undefined;
}

export const acceptLicencePurchaseRefusals = [
  'LICENCE_PURCHASE_NOT_FOUND',
  'LICENCE_PURCHASE_NOT_PARKED',
  'LICENCE_PURCHASE_NOT_PAID',
  'LICENCE_NOT_RUNNING',
  'VERSION_CONFLICT',
] as const;

const path = ['input', 'purchaseId'];

/** One of the tenant's purchases, under its lock. */
export async function lockedPurchase(
  tx: Tx,
  { purchaseId }: LicencePurchaseInput,
): Promise<LicencePurchase | undefined> {
  await tx.tenants.lock(tx.tenant.id);
  const decoded = decodeId(purchaseId);
  return decoded?.kind === 'LicencePurchase' && decoded.tenantUuid === tx.tenant.id
    ? tx.licencePurchases.byId(tx.tenant.id, decoded.uuid)
    : undefined;
}

export const noSuchPurchase = () => refuse('LICENCE_PURCHASE_NOT_FOUND', 'No such purchase.', { path });
export const notParked = ({ status, refusedAt }: LicencePurchase) =>
  refuse('LICENCE_PURCHASE_NOT_PARKED', 'The purchase does not wait for anybody.', {
    path,
    facts: { status: refusedAt ? 'REFUSED' : status },
  });
/** What a person decides by. */
export const purchaseState = ({ status, parkReason, parkDetail, paid, refunded, refusedAt }: LicencePurchase): string =>
  stateWord(status, parkReason, parkDetail, paid && moneyText(paid), moneyText(refunded), refusedAt?.toString());

export const notPaid = (message: string) => refuse('LICENCE_PURCHASE_NOT_PAID', message, { path });

/**
 * A person takes what was paid for a parked purchase as it is: what it says is granted, to the term that there is now. What was
 * really paid counts from then on, in refunds too.
 */
export async function acceptLicencePurchase(
  tx: Tx,
  input: LicencePurchaseInput,
): Promise<Result<{ purchase: LicencePurchase; licence: Licence }, (typeof acceptLicencePurchaseRefusals)[number]>> {
  const purchase = await lockedPurchase(tx, input);
  if (!purchase) return noSuchPurchase();
  const accepted = purchase.status === 'COMPLETED' && purchase.parkReason !== undefined;
  if (accepted) return done({ purchase, licence: (await tx.licences.byId(tx.tenant.id, purchase.licenceId!))! });
  if (purchase.status !== 'PARKED' || purchase.refusedAt) return notParked(purchase);
  const changed = stateConflict('purchase', input.expectedState, purchaseState(purchase));
  if (changed) return changed;
  if (purchase.parkReason === 'CHECKOUT_REFUSED') return notPaid('The provider opened no checkout: nothing was paid.');
  if (purchase.parkReason === 'CURRENCY_DIFFERS') return notPaid('It was paid in another currency: refuse it.');
  const { kind, quantity, yearly, productId } = purchase;
  const product = (await tx.licenceProducts.byIds([productId]))[0]!;
  const current = await tx.licences.current(tx.tenant.id, productId);
  const priced = { name: product.name, productId: product.id, yearly };
  const decision =
    kind === 'RENEWAL'
      ? decideRenewal(current, priced, tx.now)
      : decidePurchase(current, { ...priced, quantity }, tx.now, tx.tenant.timeZone);
  if (!decision) {
    return refuse('LICENCE_NOT_RUNNING', `There is no running licence of ${product.name} to renew: refuse it.`, {
      path,
    });
  }
  const granted = await grantLicencePurchase(tx, purchase, current, decision);
  return done({ purchase: granted.purchase, licence: granted.licence });
}
