import { type Money, subtract, sum } from '../../core/money';
import { done, type Result, refuse } from '../../core/result';
import { invalid, parseLabel } from '../../core/text';
import { rebuildEntitlements } from '../../entitlements/rebuild-entitlements.command';
import { billTenant } from '../../invoicing/bill-tenant.command';
import { endDependents } from '../../invoicing/end-dependents.command';
import { endAttachment } from '../../subscriptions/end-attachment.command';
import type { Tx } from '../../tx';
import { goesBack, type StripeCheckout } from '../stripe-checkout';
import { checkoutConflict, findCheckout } from './find-checkout.query';
import { withdrawCheckout } from './settle-checkout.command';

export interface RefuseCheckoutInput {
  readonly checkoutId: string;
  readonly reason: string;
  /** Default true: what was collected goes back to where it came from. */
  readonly refund?: boolean | undefined;
  /** As the person saw it. */
  readonly expectedState?: string | undefined;
}

export const refuseCheckoutRefusals = [
  'CHECKOUT_NOT_FOUND',
  'CHECKOUT_NOT_PARKED',
  'VERSION_CONFLICT',
  'INVALID_INPUT',
] as const;

export interface RefuseCheckoutDone {
  readonly checkout: StripeCheckout;
  /** What Stripe is asked to give back. */
  readonly refund: Money;
}

/**
 * A person does not take what Stripe bills: it ends there and here, at once, and what was collected goes back: all of it where it
 * was never attached, else what was collected for periods that are not over. Stripe is asked once it is committed; what it gives
 * back is booked when it says so. Refusing again is the same act.
 */
export async function refuseCheckout(
  tx: Tx,
  input: RefuseCheckoutInput,
): Promise<Result<RefuseCheckoutDone, (typeof refuseCheckoutRefusals)[number]>> {
  const reason = parseLabel(input.reason, 500);
  if (!reason) return invalid(['reason'], 'A reason has 1 to 500 printable characters.');
  const { id: tenantId } = tx.tenant;
  await tx.tenants.lock(tenantId);
  await billTenant(tx);
  const found = await findCheckout(tx, input.checkoutId);
  if (!found.ok) return found;
  const { value: checkout } = found;
  const { addonSubscriptionId, withdrawn, unitAmount } = checkout;
  const refunds = withdrawn ? withdrawn.refunds : (input.refund ?? true);
  const attachment = addonSubscriptionId && (await tx.addonSubscriptions.byOrigin(tenantId, addonSubscriptionId));
  const collected = (await tx.stripeCheckouts.invoices([tenantId], [checkout.id])).get(checkout.id) ?? [];
  const back = goesBack(collected, { since: attachment ? (withdrawn?.at ?? tx.now) : undefined });
  const refund = sum(
    refunds ? back.map(({ amount, refunded }) => subtract(amount, refunded)) : [],
    unitAmount.currency,
  );
  if (withdrawn) return done({ checkout, refund });
  const changed = await checkoutConflict(tx, checkout, input.expectedState);
  if (changed) return changed;
  if (!checkout.parkedReason) {
    return refuse('CHECKOUT_NOT_PARKED', 'It does not wait for a person; cancel the add-on instead.', {
      path: ['input', 'checkoutId'],
      facts: { status: checkout.status },
    });
  }
  if (attachment && !attachment.endedAt) {
    const subscription = (await tx.subscriptions.byIds([tenantId], [attachment.subscriptionId]))[0]!;
    await endAttachment(
      tx,
      subscription,
      { ...attachment, endsAt: undefined },
      { at: tx.now, kind: 'CANCELLED', reason },
    );
    await endDependents(tx, subscription, tx.now);
    await rebuildEntitlements(tx);
  }
  return done({ checkout: await withdrawCheckout(tx, checkout, { reason, refunds }), refund });
}
