import type { Addon } from '../catalog/addon';
import type { Instant } from '../core/calendar';
import { zero } from '../core/money';
import { addonEndLines } from '../proration/addon-change';
import { providerAccounts } from '../proration/plan-change.query';
import { type AddonSubscription, providerPeriodAt } from '../subscriptions/addon-subscription';
import { currentPeriod, type Subscription } from '../subscriptions/subscription';
import { taxesOfLines } from '../tax/taxes-of-lines.query';
import type { Tx } from '../tx';
import type { CreditNote, CreditNoteReason } from './credit-note';
import { creditUnused } from './credit-unused.command';

/**
 * Credits what is unused and paid of attachments that end without having been cancelled, into the balance: in the period
 * that each is billed in, its provider's or the subscription's.
 */
export async function creditAttachments(
  tx: Tx,
  subscription: Subscription,
  ending: readonly { readonly attachment: AddonSubscription; readonly addon: Pick<Addon, 'name'> }[],
  at: Instant,
  reason: CreditNoteReason,
): Promise<CreditNote | undefined> {
  if (ending.length === 0) return undefined;
  const { tenantId, id, periodStart, currency, timeZone, prorationBasis: basis } = subscription;
  const accounts = await tx.itemCharges.accounts(tenantId, id, periodStart, currency, basis);
  const ofProviders = await providerAccounts(
    tx,
    subscription,
    ending.map(({ attachment }) => attachment),
  );
  for (const [itemId, account] of ofProviders) accounts.set(itemId, account);
  const moment = {
    ...{ at, basis, timeZone, period: currentPeriod(subscription) },
    trialing: subscription.status === 'TRIALING',
  };
  const lines = ending.flatMap(({ attachment, addon }) => {
    const { id: itemId, unitAmount, quantity } = attachment;
    const own = providerPeriodAt(attachment, timeZone, at);
    const { charged = zero(currency), discounts = [] } = accounts.get(itemId) ?? {};
    const item = { kind: 'ADDON' as const, itemId, name: addon.name, unitAmount, quantity };
    return addonEndLines(own ? { ...moment, ...own, trialing: false } : moment, { ...item, charged, discounts });
  });
  if (lines.length === 0) return undefined;
  const document = await taxesOfLines(tx, subscription, at, lines, { accounts });
  const chargedBy = new Map([...accounts].map(([itemId, account]) => [itemId, account.chargedByLineId]));
  return creditUnused(tx, { subscription, document, settlement: 'CREDIT_BALANCE', chargedBy, reason });
}
