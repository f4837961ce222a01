import { endAttachment } from '../subscriptions/end-attachment.command';
import { recordAddon } from '../subscriptions/record-addon.command';
import type { Subscription, SubscriptionItem } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { endKindOf } from './judge-attachments';
import type { AttachmentOutcome } from './plan-change';
import type { LoadedPlanChange } from './plan-change.query';

/** Ends the phase of the plan that there is, and begins the next. */
export async function savePhase(tx: Tx, { subscription, change, target }: LoadedPlanChange): Promise<Subscription> {
  const { at, after } = change;
  const item: SubscriptionItem = {
    id: target.itemId,
    planId: target.plan.id,
    planVersionId: target.version.id,
    priceId: target.priceId,
    interval: target.interval,
    unitAmount: target.unitAmount,
    quantity: target.quantity,
    startedAt: at,
  };
  await tx.subscriptions.endItem(subscription, subscription.item.id, at);
  await tx.subscriptions.insertItem(subscription, item);
  // What was credited off open invoices may have ended a debt.
  const current = await tx.subscriptions.asItStands(subscription);
  return tx.subscriptions.update({
    ...current,
    item,
    interval: after.interval,
    anchorDate: after.anchorDate,
    periodIndex: after.index,
    periodStart: subscription.status === 'TRIALING' ? subscription.periodStart : after.span.start,
    periodEnd: subscription.status === 'TRIALING' ? subscription.periodEnd : after.span.end,
    prorationBasis: target.plan.prorationBasis ?? subscription.prorationBasis,
  });
}

/** What was ordered: a new attachment, or the next phase of one. */
async function beginPhase(tx: Tx, subscription: Subscription, { attachment, addon, next }: AttachmentOutcome) {
  if (!next) return;
  if (next.originId === next.id) {
    await tx.addonSubscriptions.insert(next);
    await recordAddon(tx, subscription, addon, 'ADDON_SUBSCRIBED');
    await tx.emit({ type: 'addon_subscription.created', payload: { addonSubscription: next } });
    return;
  }
  await tx.addonSubscriptions.update({ ...attachment, endedAt: next.startedAt, endKind: 'QUANTITY_CHANGED' });
  await tx.addonSubscriptions.insert(next);
  const facts = { from: attachment.quantity.toString(), to: next.quantity.toString() };
  await recordAddon(tx, subscription, addon, 'ADDON_QUANTITY_CHANGED', facts);
  await tx.emit({ type: 'addon_subscription.updated', payload: { addonSubscription: next } });
}

/** What becomes of each attachment: it ends, goes on at another price or in another quantity, or begins. */
export async function saveAttachments(tx: Tx, { subscription, change, target }: LoadedPlanChange): Promise<void> {
  const { at } = change;
  for (const outcome of change.attachments) {
    const { attachment, price, next } = outcome;
    const kind = endKindOf[outcome.outcome];
    if (kind) {
      const reason = `Plan change to ${target.plan.name}`;
      await endAttachment(tx, subscription, { ...attachment, endsAt: undefined }, { at, kind, reason });
    } else if (next) {
      await beginPhase(tx, subscription, outcome);
    } else if (price && (price.id !== attachment.priceId || attachment.interval !== target.interval)) {
      const sold = { interval: target.interval, priceId: price.id, unitAmount: price.amount };
      const addonSubscription = await tx.addonSubscriptions.update({ ...attachment, ...sold });
      await tx.emit({ type: 'addon_subscription.updated', payload: { addonSubscription } });
    }
  }
}
