import type { Addon } from '../catalog/addon';
import { type Instant, isAtOrBefore } from '../core/calendar';
import { decodeId } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import { billTenant } from '../invoicing/bill-tenant.command';
import { creditEndingItems, endingAttachment } from '../invoicing/credit-ending-items.command';
import { type CreditNote, noteOf, type Settlement } from '../invoicing/credit-note';
import type { MadeDocuments } from '../invoicing/made-documents';
import type { Tx } from '../tx';
import { type AddonSubscription, providerPeriodAt } from './addon-subscription';
import { recordAddon } from './record-addon.command';

export interface CancelAddonInput {
  readonly addonSubscriptionId: string;
  readonly reason: string;
  /** PERIOD_END: access until then, no credit. NOW: a credit for the unused, effectively paid part. */
  readonly when?: 'PERIOD_END' | 'NOW' | undefined;
  readonly settlement?: Settlement | undefined;
}

export const cancelAddonRefusals = [
  'ADDON_SUBSCRIPTION_NOT_FOUND',
  'ADDON_REQUIRED_BY_ADDON',
  'REFUND_NOT_AVAILABLE',
  'INVALID_INPUT',
] as const;
type Code = (typeof cancelAddonRefusals)[number];

export interface CancelAddonDone {
  readonly addonSubscription: AddonSubscription;
  readonly creditNote?: CreditNote | undefined;
  /** All that was issued, of what fell due before it too. */
  readonly documents: MadeDocuments;
}

/** An add-on that is attached for longer than this attachment will be, and requires it. */
async function outliving(tx: Tx, attachment: AddonSubscription, endsAt: Instant): Promise<Addon | undefined> {
  const lasting = (await tx.addonSubscriptions.live(attachment.tenantId)).filter(
    (other) => other.id !== attachment.id && !(other.endsAt && isAtOrBefore(other.endsAt, endsAt)),
  );
  const addons = await tx.addons.byIds(lasting.map(({ addonId }) => addonId));
  return addons.find(({ requiredAddonIds }) => requiredAddonIds.includes(attachment.addonId));
}

/** Cancels an attachment. Cancelling one that has ended, or again to the period's end, is the same act. */
export async function cancelAddon(tx: Tx, input: CancelAddonInput): Promise<Result<CancelAddonDone, Code>> {
  const notFound = refuse('ADDON_SUBSCRIPTION_NOT_FOUND', 'No such add-on subscription.', {
    path: ['input', 'addonSubscriptionId'],
  });
  const decoded = decodeId(input.addonSubscriptionId);
  if (decoded?.kind !== 'AddonSubscription' || decoded.tenantUuid !== tx.tenant.id) return notFound;
  const reason = parseLabel(input.reason, 500);
  if (!reason) return invalid(['reason'], 'A reason has 1 to 500 printable characters.');
  if (input.settlement === 'REFUND' && input.when !== 'NOW') {
    return invalid(['settlement'], 'Nothing is credited at the end of the period: a refund goes with when: NOW.');
  }
  await tx.tenants.lock(tx.tenant.id);
  await billTenant(tx);
  const attachment = await tx.addonSubscriptions.byOrigin(tx.tenant.id, decoded.uuid);
  if (!attachment) return notFound;
  const now = input.when === 'NOW';
  if (attachment.endedAt || (attachment.endsAt && !now)) {
    return done({ addonSubscription: attachment, documents: tx.documents.made() });
  }
  const subscription = (await tx.subscriptions.live(tx.tenant.id))!;
  const addon = (await tx.addons.byIds([attachment.addonId]))[0]!;
  const own = providerPeriodAt(attachment, subscription.timeZone, tx.now);
  const endsAt = now ? tx.now : own ? own.period.end : subscription.periodEnd;
  const dependent = await outliving(tx, attachment, endsAt);
  if (dependent) {
    return refuse('ADDON_REQUIRED_BY_ADDON', `${dependent.name} needs ${addon.name}; cancel that first.`, {
      facts: { addon: dependent.code },
    });
  }

  let creditNote: CreditNote | undefined;
  let cancelled: AddonSubscription;
  if (now) {
    const { settlement = 'CREDIT_BALANCE' } = input;
    if (settlement !== 'NONE') {
      const credit = { reason: 'ADDON_CANCELLED', settlement, windows: 'NONE', byActor: true } as const;
      const credited = await creditEndingItems(
        tx,
        subscription,
        [endingAttachment(attachment, addon.name)],
        tx.now,
        credit,
      );
      if (!credited.ok) return credited;
      creditNote = noteOf(credited.value);
    }
    cancelled = await tx.addonSubscriptions.update({
      ...attachment,
      endsAt: undefined,
      endedAt: tx.now,
      endReason: reason,
      endKind: 'CANCELLED',
    });
  } else {
    cancelled = await tx.addonSubscriptions.update({
      ...attachment,
      endsAt,
      endReason: reason,
    });
  }
  await recordAddon(tx, subscription, addon, 'ADDON_CANCELLED', { reason, when: now ? 'NOW' : 'PERIOD_END' });
  await rebuildEntitlements(tx);
  await tx.emit({ type: 'addon_subscription.cancelled', payload: { addonSubscription: cancelled } });
  return done({ addonSubscription: cancelled, creditNote, documents: tx.documents.made() });
}
