import { isSameInstant } from '../core/calendar';
import { type RebuildTx, rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { standingOf } from './dunning';

const tellings = {
  PAST_DUE: { kind: 'PAST_DUE', event: 'subscription.past_due' },
  UNPAID: { kind: 'UNPAID', event: 'subscription.unpaid' },
  ACTIVE: { kind: 'RECOVERED', event: 'subscription.recovered' },
} as const;

/** Brings a subscription's status and access in step with its unpaid invoices. The caller holds the tenant's lock. */
export async function applyStanding(
  tx: RebuildTx & Pick<Tx, 'collections' | 'newId' | 'now' | 'actorId'>,
  subscriptionId: string,
): Promise<void> {
  const { id: tenantId, partnerId } = tx.tenant;
  const subscription = await tx.subscriptions.live(tenantId);
  if (subscription?.id !== subscriptionId) return;
  const policy = await tx.collections.policyOf(partnerId);
  const open = await tx.collections.unended(tenantId, subscriptionId);
  const standing = standingOf(open, policy, subscription.timeZone);
  // A trial goes on: what it is not paid for, it does not give.
  const status: Subscription['status'] = subscription.status === 'TRIALING' ? 'TRIALING' : standing.status;
  const { accessUntil } = standing;
  const sameAccess = isSameInstant(accessUntil, subscription.accessUntil);
  if (status === subscription.status && sameAccess) return;
  const updated = await tx.subscriptions.update({ ...subscription, status, accessUntil });
  await rebuildEntitlements(tx);
  if (status === subscription.status) return;
  const { kind, event } = tellings[standing.status];
  await tx.subscriptions.recordChange(updated, {
    id: tx.newId<'SubscriptionChange'>(),
    ...{ kind, happenedAt: tx.now, actorId: tx.actorId },
    facts: accessUntil ? { accessUntil: accessUntil.toString() } : {},
  });
  await tx.emit({ type: event, payload: { subscription: updated } });
}
