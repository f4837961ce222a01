import { decodeId, encodeId } from '../core/ids';
import { parseSeats } from '../core/quantity';
import { done, type Refused, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import { billTenant } from '../invoicing/bill-tenant.command';
import type { CreditNote, Settlement } from '../invoicing/credit-note';
import type { Invoice } from '../invoicing/invoice';
import type { MadeDocuments } from '../invoicing/made-documents';
import { changePlan } from '../proration/change-plan.command';
import type { PlanChangeQuote } from '../proration/quote';
import type { Tx } from '../tx';
import { addonRefusals } from './addon-sale.query';
import type { AddonSubscription } from './addon-subscription';

export interface ChangeAddonQuantityInput {
  readonly addonSubscriptionId: string;
  /** From now on. */
  readonly quantity: number;
  readonly settlement?: Settlement | undefined;
}

export const changeAddonQuantityRefusals = [
  'ADDON_SUBSCRIPTION_NOT_FOUND',
  'ADDON_SUBSCRIPTION_ENDED',
  'SUBSCRIPTION_ENDING',
  ...addonRefusals,
  'ADDON_BILLED_BY_PROVIDER',
  'REFUND_NOT_AVAILABLE',
  'AMOUNT_NOT_CHARGEABLE',
  'PERIOD_NOT_BILLED',
  'QUOTE_INVALID',
  'QUOTE_EXPIRED',
  'QUOTE_STALE',
  'INVALID_INPUT',
] as const;
type Code = (typeof changeAddonQuantityRefusals)[number];

export interface ChangeAddonQuantityDone {
  readonly addonSubscription: AddonSubscription;
  /** `false`: it has this quantity already, and nothing was charged. */
  readonly changed: boolean;
  readonly invoice?: Invoice | undefined;
  readonly creditNote?: CreditNote | undefined;
  /** All that was issued, of what fell due before it too. */
  readonly documents: MadeDocuments;
}

/**
 * An attachment goes on in another quantity, at the price that it was bought at: the unused rest of the old one is credited
 * and the new one charged, on one document. The quantity that it has already is the same act.
 *
 * @param quote of a preview with just this add-on in this quantity
 */
export async function changeAddonQuantity(
  tx: Tx,
  input: ChangeAddonQuantityInput,
  quote?: PlanChangeQuote,
): Promise<Result<ChangeAddonQuantityDone, Code>> {
  const notFound = refuse('ADDON_SUBSCRIPTION_NOT_FOUND', 'No such add-on subscription.', {
    path: ['input', 'addonSubscriptionId'],
  });
  const decoded = decodeId(input.addonSubscriptionId);
  if (decoded?.kind !== 'AddonSubscription' || decoded.tenantUuid !== tx.tenant.id) return notFound;
  const quantity = parseSeats(input.quantity);
  if (quantity === undefined) return invalid(['quantity'], 'A quantity is a whole number from 1 to 2147483647.');
  await tx.tenants.lock(tx.tenant.id);
  await billTenant(tx);
  const attachment = await tx.addonSubscriptions.byOrigin(tx.tenant.id, decoded.uuid);
  if (!attachment) return notFound;
  if (attachment.endedAt) {
    return refuse('ADDON_SUBSCRIPTION_ENDED', 'The add-on subscription has ended; subscribe again.', {
      facts: { endedAt: attachment.endedAt.toString() },
    });
  }
  if (quantity === attachment.quantity) {
    return done({ addonSubscription: attachment, changed: false, documents: tx.documents.made() });
  }
  const order = { addon: encodeId('Addon', attachment.addonId), quantity: Number(quantity) };
  const changed = await changePlan(tx, { request: { addons: [order], settlement: input.settlement }, quote });
  // One add-on alone is refused for nothing else.
  if (!changed.ok) return changed as Refused<Code>;
  const { addons, invoice, creditNote, documents } = changed.value;
  return done({ addonSubscription: addons[0]!, changed: true, invoice, creditNote, documents });
}
