import { type Money, moneyText } from '../../core/money';
import { stateWord } from '../../platform/state-word';
import type { StripeCheckout, StripeInvoice } from '../stripe-checkout';

const text = (amount: Money | undefined) => amount && moneyText(amount);

/** What a person decides by: what Stripe bills, and what it collected and gave back. */
export function checkoutState(
  { status, parkedReason, providerStatus, providerEndsAt, seen }: StripeCheckout,
  collected: readonly Pick<StripeInvoice, 'externalId' | 'amount' | 'refunded'>[],
): string {
  return stateWord(
    ...[status, parkedReason, providerStatus, providerEndsAt?.toString()],
    ...[seen?.quantity, text(seen?.unitAmount), text(seen?.paid)],
    ...collected.flatMap(({ externalId, amount, refunded }) => [externalId, text(amount), text(refunded)]),
  );
}
