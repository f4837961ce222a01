import { isSameInstant } from '../core/calendar';
import { type RebuildTx, rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { standingOfTenant } from './standing.query';

const tellings = {
  PAST_DUE: { kind: 'PAST_DUE', event: 'subscription.past_due' },
  UNPAID: { kind: 'UNPAID', event: 'subscription.unpaid' },
  ACTIVE: { kind: 'RECOVERED', event: 'subscription.recovered' },
} as const;

type TellTx = Pick<Tx, 'subscriptions' | 'newId' | 'now' | 'actorId' | 'emit'>;

/** Tells where a subscription stands by its tenant's debts: that it owes, or that it owes nothing any more. */
export async function tellStanding(tx: TellTx, subscription: Subscription): Promise<void> {
  const { status, accessUntil } = subscription;
  // A trial asks for nothing yet, and a subscription that has ended has sent that event already.
  if (status === 'TRIALING' || status === 'CANCELLED') return;
  const { kind, event } = tellings[status];
  await tx.subscriptions.recordChange(subscription, {
    id: tx.newId<'SubscriptionChange'>(),
    ...{ kind, happenedAt: tx.now, actorId: tx.actorId },
    facts: accessUntil ? { accessUntil: accessUntil.toString() } : {},
  });
  await tx.emit({ type: event, payload: { subscription } });
}

/**
 * Brings the tenant's status and access in step with its unpaid invoices, whichever subscription they are of: a debt stays when a
 * subscription ends, and waits for the next one. The caller holds the tenant's lock.
 */
export async function applyStanding(tx: RebuildTx & TellTx): Promise<void> {
  const subscription = await tx.subscriptions.live(tx.tenant.id);
  if (!subscription) {
    // What a licence gives on trial follows the debt too.
    await rebuildEntitlements(tx);
    return;
  }
  const standing = await standingOfTenant(tx);
  // A trial goes on: what it is not paid for, it does not give.
  const status: Subscription['status'] = subscription.status === 'TRIALING' ? 'TRIALING' : standing.status;
  const { accessUntil } = standing;
  const sameAccess = isSameInstant(accessUntil, subscription.accessUntil);
  if (status === subscription.status && sameAccess) return;
  const updated = await tx.subscriptions.update({ ...subscription, status, accessUntil });
  await rebuildEntitlements(tx);
  if (status !== subscription.status) await tellStanding(tx, updated);
}
