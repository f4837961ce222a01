import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import { billTenant, closeSubscription } from '../invoicing/bill-tenant.command';
import { creditSubscription } from '../invoicing/credit-ending-items.command';
import { type CreditNote, noteOf, type Settlement } from '../invoicing/credit-note';

import type { Invoice } from '../invoicing/invoice';
import type { MadeDocuments } from '../invoicing/made-documents';

import type { Tx } from '../tx';
import type { Subscription } from './subscription';

export interface CancelSubscriptionInput {
  readonly reason: string;
  /** PERIOD_END: everything lasts until then, no credit. NOW: a credit for what is unused and paid. */
  readonly when?: 'PERIOD_END' | 'NOW' | undefined;
  readonly settlement?: Settlement | undefined;
}

export const cancelSubscriptionRefusals = ['SUBSCRIPTION_REQUIRED', 'REFUND_NOT_AVAILABLE', 'INVALID_INPUT'] as const;

export interface CancelSubscriptionDone {
  readonly subscription: Subscription;
  /** In the tenant's favour; without one, one that came off an open invoice. */
  readonly creditNote?: CreditNote | undefined;
  /** What was used up to a cancellation that takes place at once. */
  readonly invoice?: Invoice | undefined;
  /** All that was issued, of what fell due before it too. */
  readonly documents: MadeDocuments;
}

/** Ends the subscription at the period's end (default) or now. Cancelling again is the same act. */
export async function cancelSubscription(
  tx: Tx,
  input: CancelSubscriptionInput,
): Promise<Result<CancelSubscriptionDone, (typeof cancelSubscriptionRefusals)[number]>> {
  const reason = parseLabel(input.reason, 500);
  if (!reason) return invalid(['reason'], 'A reason has 1 to 500 printable characters.');
  if (input.settlement === 'REFUND' && input.when !== 'NOW') {
    return invalid(['settlement'], 'Nothing is credited at the end of the period: a refund goes with when: NOW.');
  }
  await tx.tenants.lock(tx.tenant.id);
  await billTenant(tx);
  const live = await tx.subscriptions.live(tx.tenant.id);
  if (!live) {
    const latest = await tx.subscriptions.latest(tx.tenant.id);
    return latest
      ? done({ subscription: latest, documents: tx.documents.made() })
      : refuse('SUBSCRIPTION_REQUIRED', 'The tenant has no subscription.');
  }
  if (input.when === 'NOW') {
    const settlement = input.settlement ?? 'CREDIT_BALANCE';
    const credited = settlement === 'NONE' ? done([]) : await creditSubscription(tx, live, settlement, true);
    if (!credited.ok) return credited;
    const closed = await closeSubscription(tx, { ...live, cancelReason: reason, cancelAt: undefined }, tx.now);
    return done({ ...closed, creditNote: noteOf(credited.value), documents: tx.documents.made() });
  }
  if (live.cancelAt) return done({ subscription: live, documents: tx.documents.made() });
  const subscription = await tx.subscriptions.update({ ...live, cancelAt: live.periodEnd, cancelReason: reason });
  await tx.subscriptions.recordChange(subscription, {
    id: tx.newId<'SubscriptionChange'>(),
    kind: 'CANCELLATION_SCHEDULED',
    happenedAt: tx.now,
    actorId: tx.actorId,
    facts: { reason, at: live.periodEnd.toString() },
  });
  await rebuildEntitlements(tx);
  await tx.emit({ type: 'subscription.cancellation_scheduled', payload: { subscription } });
  return done({ subscription, documents: tx.documents.made() });
}
