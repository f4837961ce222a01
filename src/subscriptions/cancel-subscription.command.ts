import { add, negate, sum } from '../core/money';
import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import { billTenant, closeSubscription } from '../invoicing/bill-tenant.command';
import type { CreditNote, Settlement } from '../invoicing/credit-note';
import { creditUnused } from '../invoicing/credit-unused.command';

import type { Invoice } from '../invoicing/invoice';
import type { MadeDocuments } from '../invoicing/made-documents';

import { refundProblem } from '../payments/refund-credit.command';

import { addonEndLines } from '../proration/addon-change';
import { providerAccounts } from '../proration/plan-change.query';
import { addedTax } from '../tax/tax-lines';
import { taxesOfLines } from '../tax/taxes-of-lines.query';
import type { Tx } from '../tx';
import { providerPeriodAt } from './addon-subscription';
import { currentPeriod, type Subscription } from './subscription';

export interface CancelSubscriptionInput {
  readonly reason: string;
  /** PERIOD_END: everything lasts until then, no credit. NOW: a credit for what is unused and paid. */
  readonly when?: 'PERIOD_END' | 'NOW' | undefined;
  readonly settlement?: Settlement | undefined;
}

export const cancelSubscriptionRefusals = ['SUBSCRIPTION_REQUIRED', 'REFUND_NOT_AVAILABLE', 'INVALID_INPUT'] as const;

export interface CancelSubscriptionDone {
  readonly subscription: Subscription;
  readonly creditNote?: CreditNote | undefined;
  /** What was used up to a cancellation that takes place at once. */
  readonly invoice?: Invoice | undefined;
  /** All that was issued, of what fell due before it too. */
  readonly documents: MadeDocuments;
}

async function creditAllItems(
  tx: Tx,
  subscription: Subscription,
  settlement: Exclude<Settlement, 'NONE'>,
): Promise<Result<CreditNote | undefined, 'REFUND_NOT_AVAILABLE'>> {
  const { currency, item, prorationBasis: basis, timeZone } = subscription;
  const { tenantId, id, periodStart } = subscription;
  const accounts = await tx.itemCharges.accounts(tenantId, id, periodStart, currency, basis);
  const attachments = (await tx.addonSubscriptions.live(tenantId)).filter((attachment) => !attachment.endsAt);
  for (const [itemId, account] of await providerAccounts(tx, subscription, attachments)) accounts.set(itemId, account);
  const names = new Map<string, string>([
    ...(await tx.plans.byIds([item.planId])).map((plan) => [plan.id, plan.name] as const),
    ...(await tx.addons.byIds(attachments.map(({ addonId }) => addonId))).map((row) => [row.id, row.name] as const),
  ]);
  const moment = {
    ...{ at: tx.now, basis, timeZone },
    period: currentPeriod(subscription),
    trialing: subscription.status === 'TRIALING',
  };
  const lines = [
    { kind: 'PLAN' as const, source: item, catalogId: item.planId as string },
    ...attachments.map((source) => ({ kind: 'ADDON' as const, source, catalogId: source.addonId as string })),
  ].flatMap(({ kind, source, catalogId }) => {
    const own = 'billedBy' in source ? providerPeriodAt(source, timeZone, tx.now) : undefined;
    return addonEndLines(own ? { ...moment, ...own, trialing: false } : moment, {
      ...{ kind, itemId: source.id, name: names.get(catalogId)! },
      unitAmount: source.unitAmount,
      quantity: source.quantity,
      discounts: accounts.get(source.id)?.discounts ?? [],
      charged: accounts.get(source.id)?.charged ?? { minor: 0n, currency },
    });
  });
  const credit = sum(
    lines.map((line) => line.amount),
    currency,
  );
  if (credit.minor === 0n) return done(undefined);
  const chargedBy = new Map([...accounts].map(([itemId, account]) => [itemId, account.chargedByLineId]));
  const document = await taxesOfLines(tx, subscription, tx.now, lines, { accounts });
  const gross = negate(add(credit, addedTax(document.lines, currency)));
  const problem = settlement === 'REFUND' && (await refundProblem(tx, tenantId, gross));
  if (problem) return problem;
  return done(await creditUnused(tx, { ...{ subscription, document, settlement, chargedBy }, reason: 'CANCELLATION' }));
}

/** Ends the subscription at the period's end (default) or now. Cancelling again is the same act. */
export async function cancelSubscription(
  tx: Tx,
  input: CancelSubscriptionInput,
): Promise<Result<CancelSubscriptionDone, (typeof cancelSubscriptionRefusals)[number]>> {
  const reason = parseLabel(input.reason, 500);
  if (!reason) return invalid(['reason'], 'A reason has 1 to 500 printable characters.');
  await tx.tenants.lock(tx.tenant.id);
  await billTenant(tx);
  const live = await tx.subscriptions.live(tx.tenant.id);
  if (!live) {
    const latest = await tx.subscriptions.latest(tx.tenant.id);
    return latest
      ? done({ subscription: latest, documents: tx.documents.made() })
      : refuse('SUBSCRIPTION_REQUIRED', 'The tenant has no subscription.');
  }
  if (input.when === 'NOW') {
    const settlement = input.settlement ?? 'CREDIT_BALANCE';
    const credited = settlement === 'NONE' ? done(undefined) : await creditAllItems(tx, live, settlement);
    if (!credited.ok) return credited;
    const closed = await closeSubscription(tx, { ...live, cancelReason: reason, cancelAt: undefined }, tx.now);
    return done({ ...closed, creditNote: credited.value, documents: tx.documents.made() });
  }
  if (live.cancelAt) return done({ subscription: live, documents: tx.documents.made() });
  const subscription = await tx.subscriptions.update({ ...live, cancelAt: live.periodEnd, cancelReason: reason });
  await tx.subscriptions.recordChange(subscription, {
    id: tx.newId<'SubscriptionChange'>(),
    kind: 'CANCELLATION_SCHEDULED',
    happenedAt: tx.now,
    actorId: tx.actorId,
    facts: { reason, at: live.periodEnd.toString() },
  });
  await rebuildEntitlements(tx);
  await tx.emit({ type: 'subscription.cancellation_scheduled', payload: { subscription } });
  return done({ subscription, documents: tx.documents.made() });
}
