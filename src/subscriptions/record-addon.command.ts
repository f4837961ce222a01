import type { Addon } from '../catalog/addon';
import type { Tx } from '../tx';
import type { Subscription } from './subscription';

/** One entry of the history about an attachment. */
export async function recordAddon(
  tx: Tx,
  subscription: Subscription,
  addon: Addon,
  kind: 'ADDON_SUBSCRIBED' | 'ADDON_RESUMED' | 'ADDON_CANCELLED' | 'ADDON_QUANTITY_CHANGED',
  facts: Record<string, string> = {},
): Promise<void> {
  await tx.subscriptions.recordChange(subscription, {
    id: tx.newId<'SubscriptionChange'>(),
    ...{ kind, happenedAt: tx.now },
    actorId: tx.actorId,
    facts: { addon: addon.name, ...facts },
  });
}
