import { done, type Result, refuse } from '../../core/result';
import type { Tx } from '../../tx';
import { canBeAccepted, type StripeCheckout } from '../stripe-checkout';
import { checkoutConflict, findCheckout } from './find-checkout.query';

export interface AcceptCheckoutInput {
  readonly checkoutId: string;
  /** As the person saw it. */
  readonly expectedState?: string | undefined;
}

export const acceptCheckoutRefusals = ['CHECKOUT_NOT_FOUND', 'CHECKOUT_NOT_ACCEPTABLE', 'VERSION_CONFLICT'] as const;

/**
 * A person takes what Stripe bills for what was sold, as it was seen last: a discount of the partner's, another price or quantity.
 * Stripe is asked again once it is committed, and held against that. Accepting again is the same act.
 */
export async function acceptCheckout(
  tx: Tx,
  { checkoutId, expectedState }: AcceptCheckoutInput,
): Promise<Result<{ checkout: StripeCheckout }, (typeof acceptCheckoutRefusals)[number]>> {
  await tx.tenants.lock(tx.tenant.id);
  const found = await findCheckout(tx, checkoutId);
  if (!found.ok) return found;
  const { value: checkout } = found;
  if (checkout.accepted && !checkout.parkedReason) return done({ checkout });
  const changed = await checkoutConflict(tx, checkout, expectedState);
  if (changed) return changed;
  if (!checkout.seen || !canBeAccepted(checkout)) {
    return refuse('CHECKOUT_NOT_ACCEPTABLE', 'There is no other amount or quantity to accept.', {
      path: ['input', 'checkoutId'],
      facts: { parkedReason: checkout.parkedReason },
    });
  }
  const accepted = { ...checkout.seen, at: tx.now };
  const taken = { ...checkout, accepted, parkedReason: undefined, parkedAt: undefined, attempts: 0 };
  await tx.stripeCheckouts.update(taken);
  await tx.stripeCheckouts.wake(checkout.tenantId, checkout.id);
  await tx.emit({ type: 'checkout.accepted', payload: { checkout: taken } });
  return done({ checkout: taken });
}
