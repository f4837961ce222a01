import type { Instant } from '../core/calendar';
import type { Tx } from '../tx';
import type { AddonEndKind, AddonSubscription } from './addon-subscription';
import type { Subscription } from './subscription';

export interface AttachmentEnd {
  readonly at: Instant;
  readonly kind: AddonEndKind;
  /** For people. Default: the reason that it was cancelled for, where it was. */
  readonly reason?: string | undefined;
}

/** Writes an end down, in the history too. Its money, and what hangs on it, are the caller's. */
export async function endAttachment(
  tx: Tx,
  subscription: Subscription,
  attachment: AddonSubscription,
  { at, kind, reason = attachment.endReason }: AttachmentEnd,
): Promise<AddonSubscription> {
  const ended = await tx.addonSubscriptions.update({ ...attachment, endedAt: at, endKind: kind, endReason: reason });
  const addon = (await tx.addons.byIds([attachment.addonId]))[0]!;
  await tx.subscriptions.recordChange(subscription, {
    ...{ id: tx.newId<'SubscriptionChange'>(), kind: 'ADDON_ENDED', happenedAt: at, actorId: tx.actorId },
    facts: { addon: addon.name, because: kind },
  });
  await tx.emit({ type: 'addon_subscription.ended', payload: { addonSubscription: ended } });
  return ended;
}
