import { includesAddon } from '../catalog/addon';
import { withoutRequirement } from '../catalog/addon-requirement';
import { requiredBeside } from '../catalog/required-addons.query';
import type { Instant } from '../core/calendar';
import type { AddonSubscription } from '../subscriptions/addon-subscription';
import { endAttachment } from '../subscriptions/end-attachment.command';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { creditEndingItems, endingAttachment } from './credit-ending-items.command';

/**
 * What hangs together stays together (billing rules §12): ends every attachment that misses what it requires, with a credit
 * for what is unused and paid, and answers them. To be called after whatever ended others outside a plan change, which
 * judges for itself.
 */
export async function endDependents(tx: Tx, subscription: Subscription, at: Instant): Promise<AddonSubscription[]> {
  const live = await tx.addonSubscriptions.live(subscription.tenantId);
  const addons = await tx.addons.byIds(live.map(({ addonId }) => addonId));
  if (!addons.some(({ requiredAddonIds }) => requiredAddonIds.length > 0)) return [];
  const version = (await tx.plans.versionById(subscription.item.planVersionId))!;
  const required = await requiredBeside(tx, addons);
  const byId = new Map([...addons, ...required].map((addon) => [addon.id, addon]));
  const missing = withoutRequirement(
    live.map((attachment) => ({ attachment, addon: byId.get(attachment.addonId)! })),
    (id) => includesAddon(version, byId.get(id)!),
  );
  const ending = missing.map(({ member }) => member);
  await creditEndingItems(
    tx,
    subscription,
    ending.map(({ attachment, addon }) => endingAttachment(attachment, addon.name)),
    at,
    { reason: 'ADDON_CANCELLED', settlement: 'CREDIT_BALANCE', windows: 'NONE' },
  );
  const ended: AddonSubscription[] = [];
  for (const { member, requiredAddonId } of missing) {
    const reason = `${byId.get(requiredAddonId)!.name} ended`;
    const attachment = { ...member.attachment, endsAt: undefined };
    ended.push(await endAttachment(tx, subscription, attachment, { at, kind: 'REQUIREMENT_MISSING', reason }));
  }
  return ended;
}
