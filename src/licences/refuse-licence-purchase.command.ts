import { done, type Result } from '../core/result';
import type { Tx } from '../tx';
import {
  type LicencePurchaseInput,
  lockedPurchase,
  noSuchPurchase,
  notPaid,
  notParked,
} from './accept-licence-purchase.command';
import type { LicencePurchase } from './licence-purchase';

export const refuseLicencePurchaseRefusals = [
  'LICENCE_PURCHASE_NOT_FOUND',
  'LICENCE_PURCHASE_NOT_PARKED',
  'LICENCE_PURCHASE_NOT_PAID',
] as const;

/**
 * A person does not take what was paid for a parked purchase: the provider gives it back (`keep-subscriptions-in-step.job`), and
 * what it then says of the refund closes the purchase.
 */
export async function refuseLicencePurchase(
  tx: Tx,
  input: LicencePurchaseInput,
): Promise<Result<{ purchase: LicencePurchase }, (typeof refuseLicencePurchaseRefusals)[number]>> {
  const purchase = await lockedPurchase(tx, input);
  if (!purchase) return noSuchPurchase();
  if (purchase.status === 'PARKED' && purchase.refusedAt) return done({ purchase });
  if (purchase.status !== 'PARKED') return notParked(purchase);
  if (purchase.parkReason === 'CHECKOUT_REFUSED') return notPaid('The provider opened no checkout: nothing was paid.');
  const refused = await tx.licencePurchases.update({ ...purchase, refusedAt: tx.now });
  await tx.emit({ type: 'licence_purchase.refused', payload: { purchase: refused } });
  return done({ purchase: refused });
}
