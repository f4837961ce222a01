import { type Money, subtract, zero } from '../core/money';
import { done, type Result } from '../core/result';
import { stateConflict } from '../platform/state-word';
import type { Tx } from '../tx';
import {
  type LicencePurchaseInput,
  lockedPurchase,
  noSuchPurchase,
  notParked,
  purchaseState,
} from './accept-licence-purchase.command';
import { type LicencePurchase, paidFor } from './licence-purchase';

export const refuseLicencePurchaseRefusals = [
  'LICENCE_PURCHASE_NOT_FOUND',
  'LICENCE_PURCHASE_NOT_PARKED',
  'VERSION_CONFLICT',
] as const;

export interface RefuseLicencePurchaseDone {
  readonly purchase: LicencePurchase;
  /** What the provider is asked to give back, before tax. */
  readonly refund: Money;
}

/**
 * A person does not take what was paid for a parked purchase: the provider gives it back (`keep-subscriptions-in-step.job`), and
 * what it then says of the refund closes the purchase. One that the provider opened no checkout for is closed at once: nothing was
 * paid.
 */
export async function refuseLicencePurchase(
  tx: Tx,
  input: LicencePurchaseInput,
): Promise<Result<RefuseLicencePurchaseDone, (typeof refuseLicencePurchaseRefusals)[number]>> {
  const purchase = await lockedPurchase(tx, input);
  if (!purchase) return noSuchPurchase();
  const unpaid = purchase.parkReason === 'CHECKOUT_REFUSED';
  const refund = unpaid ? zero(purchase.amount.currency) : subtract(paidFor(purchase), purchase.refunded);
  if (purchase.status === 'CLOSED' || (purchase.status === 'PARKED' && purchase.refusedAt)) {
    return done({ purchase, refund });
  }
  if (purchase.status !== 'PARKED') return notParked(purchase);
  const changed = stateConflict('purchase', input.expectedState, purchaseState(purchase));
  if (changed) return changed;
  const closed = unpaid ? ({ status: 'CLOSED', refundAskedAt: tx.now } as const) : {};
  const refused = await tx.licencePurchases.update({ ...purchase, ...closed, refusedAt: tx.now });
  await tx.emit({ type: 'licence_purchase.refused', payload: { purchase: refused } });
  return done({ purchase: refused, refund });
}
