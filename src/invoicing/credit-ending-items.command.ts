import type { Instant } from '../core/calendar';
import { type Money, money, negate, smaller, subtract, sum, zero } from '../core/money';
import { remainingShare } from '../core/proration';
import { done, type Result } from '../core/result';
import { refundProblem } from '../payments/refund-credit.command';
import { addonEndLines, type Moment } from '../proration/addon-change';
import type { ChargedItem } from '../proration/charged-item';
import { providerAccounts } from '../proration/plan-change.query';
import { type AllowanceLeft, creditedShare } from '../proration/unused-allowance';
import { loadAllowancesLeft, type WindowsEnded, without } from '../proration/unused-allowance.query';
import { unusedCreditsOf } from '../proration/unused-credit';
import { type AddonSubscription, providerPeriodAt } from '../subscriptions/addon-subscription';
import { currentPeriod, type Subscription } from '../subscriptions/subscription';
import { taxesOfLines } from '../tax/taxes-of-lines.query';
import type { Tx } from '../tx';
import type { CreditNote, CreditNoteReason, Settlement } from './credit-note';
import { writePlannedNote } from './credit-unused.command';
import { openInvoicesOf } from './open-invoices.query';
import { plannedOffDue } from './planned-document';
import { beforeTax, grossOf, splitDocument } from './split-document';

/** The plan, or an attachment, that ends before what was charged for it does. */
export type EndingItem = Pick<ChargedItem, 'kind' | 'name' | 'catalogId' | 'unitAmount' | 'quantity'> & {
  readonly id: string;
  readonly startedAt: Instant;
  /** It is billed by a provider, in periods of its own. */
  readonly attachment?: AddonSubscription | undefined;
};

export interface CreditEndingInput {
  readonly reason: CreditNoteReason;
  /** Where what was paid goes. */
  readonly settlement: Exclude<Settlement, 'NONE'>;
  /** The subscription ends with them: what is left to pay is paid with the credit before anything goes back. */
  readonly isLast?: boolean | undefined;
  /** Which windows end with them. */
  readonly windows: WindowsEnded;
  /** A request asks for it; else it falls due by itself. */
  readonly byActor?: boolean | undefined;
}

export const endingAttachment = (attachment: AddonSubscription, name: string): EndingItem => ({
  ...{ kind: 'ADDON', id: attachment.id, name, catalogId: attachment.addonId, attachment },
  unitAmount: attachment.unitAmount,
  startedAt: attachment.startedAt,
  quantity: attachment.quantity,
});

/** The unused part of what coupons gave goes back, also where nothing was left to pay for the item. Providers' items have none. */
async function giveBackDiscounts(
  tx: Tx,
  subscription: Subscription,
  items: readonly EndingItem[],
  { at, basis, timeZone, period, trialing }: Moment,
  allowances: ReadonlyMap<string, AllowanceLeft>,
): Promise<void> {
  const own = items.filter(({ attachment }) => !attachment?.providerPeriod).map(({ id }) => id);
  // A provider's period may lie past the end of the subscription's last one.
  if (trialing || own.length === 0) return;
  const time = remainingShare(basis, period, at, timeZone);
  const byTime = own.filter((id) => !allowances.has(id));
  await tx.couponDiscounts.giveBack(subscription, byTime, time);
  for (const id of own.filter((one) => allowances.has(one))) {
    await tx.couponDiscounts.giveBack(subscription, [id], creditedShare(time, allowances.get(id)));
  }
}

/** What the balance does not cover of the tenant's unpaid invoices, at most so much. */
async function stillToPay(tx: Tx, { tenantId, currency }: Subscription, most: Money): Promise<Money> {
  const due = (await tx.invoices.unpaid(tenantId)).filter(({ total }) => total.currency === currency);
  const left = subtract(
    sum(
      due.map(({ amountDue }) => amountDue),
      currency,
    ),
    await tx.creditNotes.balance(tenantId, currency),
  );
  return left.minor <= 0n ? money(0n, currency) : smaller(left, most);
}

/**
 * Credits what is unused of items that end at once, each in the period that it is billed in: first off what is still due for the
 * same item, then, as far as it was paid, in the tenant's favour.
 */
export async function creditEndingItems(
  tx: Tx,
  subscription: Subscription,
  items: readonly EndingItem[],
  at: Instant,
  { reason, settlement, isLast, windows, byActor = false }: CreditEndingInput,
): Promise<Result<CreditNote[], 'REFUND_NOT_AVAILABLE'>> {
  if (items.length === 0) return done([]);
  const { tenantId, id, periodStart, currency, timeZone, prorationBasis: basis } = subscription;
  const accounts = await tx.itemCharges.accounts(tenantId, id, periodStart, currency, basis);
  const attachments = items.flatMap(({ attachment }) => attachment ?? []);
  for (const [itemId, account] of await providerAccounts(tx, subscription, attachments)) accounts.set(itemId, account);
  const moment = {
    ...{ at, basis, timeZone, period: currentPeriod(subscription) },
    trialing: subscription.status === 'TRIALING',
  };
  const paid = items.map((item) => ({
    ...item,
    own: item.attachment && providerPeriodAt(item.attachment, timeZone, at),
  }));
  const charging = paid.filter(({ own }) => own || !moment.trialing);
  const credited = charging.map(({ id: itemId, startedAt, own }) => ({
    itemId,
    startedAt,
    period: own?.period ?? moment.period,
  }));
  const { shares: allowances, uses } = await loadAllowancesLeft(tx, subscription, {
    ...{ at, windows, byActor, lock: true },
    items: credited,
    after: without(items.map(({ id }) => id)),
  });
  const endings = paid.map(({ id: itemId, attachment: _, own, ...item }) => {
    const { charged = zero(currency), discounts = [] } = accounts.get(itemId) ?? {};
    return { own, ending: { ...item, itemId, charged, discounts } };
  });
  const lines = endings.flatMap(({ own, ending }) => {
    const time = own ? { ...moment, ...own, trialing: false } : moment;
    return addonEndLines(time, ending, allowances.get(ending.itemId));
  });
  const unused = unusedCreditsOf({
    ...{ at, basis, timeZone, lines, uses },
    charged: endings.map(({ ending }) => ending),
    // What a provider bills has periods of its own.
    items: credited.filter(({ period }) => period === moment.period),
  });
  await giveBackDiscounts(tx, subscription, items, moment, allowances);
  if (lines.length === 0) return done([]);
  const document = await taxesOfLines(tx, subscription, at, lines, { accounts });
  const ending = new Map(lines.flatMap(({ itemId }) => [[itemId, accounts.get(itemId) ?? { lots: [] }] as const]));
  const split = splitDocument(document, accounts, await openInvoicesOf(tx, tenantId, ending));
  const { rest } = split;
  const { decision } = document;
  const total = grossOf(rest, currency);
  const toTenant = negate(total);
  const problem = settlement === 'REFUND' && (await refundProblem(tx, tenantId, toTenant));
  if (problem) return problem;
  await tx.unusedCredits.insert(subscription, unused, tx.wallNow);
  const notes: CreditNote[] = [];
  for (const planned of plannedOffDue(split, decision, reason)) {
    notes.push(await writePlannedNote(tx, subscription, planned));
  }
  if (toTenant.minor === 0n || beforeTax(rest, currency).minor === 0n) return done(notes);
  const kept = isLast && settlement === 'REFUND' ? await stillToPay(tx, subscription, toTenant) : undefined;
  const planned = { kind: 'CREDIT_NOTE', reason, settlement, document: { ...rest, decision }, total } as const;
  return done([...notes, await writePlannedNote(tx, subscription, planned, kept)]);
}

/**
 * What is unused of all that a subscription has, when it ends before its period does.
 *
 * @param byActor a request asks for it; else it falls due by itself
 */
export async function creditSubscription(
  tx: Tx,
  subscription: Subscription,
  settlement: Exclude<Settlement, 'NONE'>,
  byActor = false,
): Promise<Result<CreditNote[], 'REFUND_NOT_AVAILABLE'>> {
  const { tenantId, item } = subscription;
  // What is about to end has been paid to its end.
  const attachments = (await tx.addonSubscriptions.live(tenantId)).filter((attachment) => !attachment.endsAt);
  const [plan] = await tx.plans.byIds([item.planId]);
  const addons = await tx.addons.byIds(attachments.map(({ addonId }) => addonId));
  const names = new Map(addons.map(({ id, name }) => [id as string, name]));
  const items: EndingItem[] = [
    { ...item, kind: 'PLAN', name: plan!.name, catalogId: plan!.id },
    ...attachments.map((attachment) => endingAttachment(attachment, names.get(attachment.addonId)!)),
  ];
  const credit = { reason: 'CANCELLATION', settlement, isLast: true, windows: 'SUBSCRIPTION', byActor } as const;
  return creditEndingItems(tx, subscription, items, tx.now, credit);
}
