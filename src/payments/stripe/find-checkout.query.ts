import { decodeId } from '../../core/ids';
import { done, type Refused, type Result, refuse } from '../../core/result';
import { stateConflict } from '../../platform/state-word';
import type { Tx } from '../../tx';
import type { StripeCheckout } from '../stripe-checkout';
import { checkoutState } from './checkout-state';

/** The entered tenant's checkout with this id; missing and somebody else's are the same answer. */
export async function findCheckout(
  tx: Pick<Tx, 'stripeCheckouts' | 'tenant'>,
  checkoutId: string,
): Promise<Result<StripeCheckout, 'CHECKOUT_NOT_FOUND'>> {
  const { id: tenantId } = tx.tenant;
  const decoded = decodeId(checkoutId);
  const checkout =
    decoded?.kind === 'Checkout' && decoded.tenantUuid === tenantId
      ? await tx.stripeCheckouts.find(tenantId, { id: decoded.uuid })
      : undefined;
  return checkout
    ? done(checkout)
    : refuse('CHECKOUT_NOT_FOUND', 'No such checkout.', { path: ['input', 'checkoutId'] });
}

/** It stands otherwise than whoever decides about it has seen; `undefined`: as seen. */
export async function checkoutConflict(
  tx: Tx,
  checkout: StripeCheckout,
  expectedState: string | undefined,
): Promise<Refused<'VERSION_CONFLICT'> | undefined> {
  if (expectedState === undefined) return undefined;
  const { tenantId, id } = checkout;
  const collected = (await tx.stripeCheckouts.invoices([tenantId], [id])).get(id) ?? [];
  return stateConflict('checkout', expectedState, checkoutState(checkout, collected));
}
