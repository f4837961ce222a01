import { done, type Result } from '../../core/result';
import type { Tx } from '../../tx';
import type { StripeCheckout } from '../stripe-checkout';
import { findCheckout } from './find-checkout.query';

export interface RetryCheckoutInput {
  readonly checkoutId: string;
}

export const retryCheckoutRefusals = ['CHECKOUT_NOT_FOUND'] as const;

/**
 * A person has put right what kept a checkout from being carried out: Stripe is asked again, and judged anew. Of one that is
 * not parked it is just another look.
 */
export async function retryCheckout(
  tx: Tx,
  { checkoutId }: RetryCheckoutInput,
): Promise<Result<{ checkout: StripeCheckout }, (typeof retryCheckoutRefusals)[number]>> {
  await tx.tenants.lock(tx.tenant.id);
  const found = await findCheckout(tx, checkoutId);
  if (!found.ok) return found;
  const { value: checkout } = found;
  if (!checkout.parkedReason) return done({ checkout });
  const retried = { ...checkout, parkedReason: undefined, parkedAt: undefined, attempts: 0 };
  await tx.stripeCheckouts.update(retried);
  await tx.stripeCheckouts.wake(checkout.tenantId, checkout.id);
  return done({ checkout: retried });
}
