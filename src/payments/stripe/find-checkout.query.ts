import { decodeId } from '../../core/ids';
import { done, type Result, refuse } from '../../core/result';
import type { Tx } from '../../tx';
import type { StripeCheckout } from '../stripe-checkout';

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
