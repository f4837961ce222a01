import { subtract, sum } from '../core/money';
import { done, type Result } from '../core/result';
import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import { resetClash } from '../entitlements/reset-clash.query';
import { billPeriod } from '../invoicing/bill-period.command';
import { billTenant } from '../invoicing/bill-tenant.command';
import type { MadeDocuments } from '../invoicing/made-documents';
import { tellStanding } from '../payments/apply-standing.command';
import { tooLargeToCharge } from '../payments/too-large.query';
import { type PlanChangeQuote, quoteMismatch, quoteProblem } from '../proration/quote';
import { loadCarried } from '../rating/carried-usage.query';
import type { Tx } from '../tx';
import {
  loadStart,
  type OfferedStart,
  type StartSubscriptionInput,
  startRefusals,
  startRequestText,
  startSums,
} from './start-subscription.query';
import type { Subscription } from './subscription';

export const startSubscriptionRefusals = [
  ...startRefusals,
  'RESET_PERIOD_MISMATCH',
  'QUOTE_INVALID',
  'QUOTE_EXPIRED',
  'QUOTE_STALE',
] as const;
type Code = (typeof startSubscriptionRefusals)[number];

/**
 * Starts the tenant's subscription, bills its first period, and every further one that has begun since.
 *
 * @param quote of an offer to start with this plan
 */
export async function startSubscription(
  tx: Tx,
  input: StartSubscriptionInput,
  { offered, quote }: { readonly offered?: OfferedStart; readonly quote?: PlanChangeQuote | undefined } = {},
): Promise<Result<{ subscription: Subscription; documents: MadeDocuments }, Code>> {
  const { tenant } = tx;
  await tx.tenants.lock(tenant.id);
  const problem = quoteProblem(quote, { tenantId: tenant.id, now: tx.now });
  if (problem) return problem;
  const { now } = tx;
  const loaded = await loadStart(tx, input, offered);
  if (!loaded.ok) return loaded;
  const { subscription, plan, period } = loaded.value;
  const { startedAt, trialEnd, interval } = subscription;

  if (tenant.sandbox) tx.atTime(startedAt);
  const carried = await loadCarried(tx, { at: startedAt, lock: true });
  await tx.subscriptions.insert(subscription);
  await tx.meteringSpans.carryInto(tenant.id, subscription.id, startedAt, carried);
  await tx.subscriptions.recordChange(subscription, {
    id: tx.newId<'SubscriptionChange'>(),
    kind: 'STARTED',
    happenedAt: startedAt,
    actorId: tx.actorId,
    facts: { plan: plan.name, interval, ...(trialEnd ? { trialEnd: trialEnd.toString() } : {}) },
  });
  // What was offered at a checkout has been paid: it is given, whatever else the tenant has.
  const clash = offered ? undefined : await resetClash(tx);
  if (clash) return clash;
  await tx.emit({ type: 'subscription.started', payload: { subscription } });
  if (subscription.status !== 'ACTIVE') await tellStanding(tx, subscription);
  // First what the tenant may use: some of it is billed before it is used.
  await rebuildEntitlements(tx);
  if (!trialEnd) await billPeriod(tx, subscription, { period, from: startedAt }, 'START');
  await billTenant(tx, now);
  if (tenant.sandbox) tx.atTime(now);
  const documents = tx.documents.made();
  const dues = documents.invoices.map(({ amountDue }) => amountDue);
  // What was offered at a checkout was judged when it was.
  const tooLarge = offered ? undefined : await tooLargeToCharge(tx, tenant.id, startSums(loaded.value, dues));
  if (tooLarge) return tooLarge;
  const total = subtract(
    sum(
      documents.invoices.map((invoice) => invoice.total),
      tenant.currency,
    ),
    sum(
      documents.creditNotes.map((note) => note.total),
      tenant.currency,
    ),
  );
  const mismatch = quoteMismatch(quote, { request: startRequestText(input, plan), total, isPast: false });
  if (mismatch) return mismatch;
  return done({ subscription: (await tx.subscriptions.live(tenant.id))!, documents });
}
