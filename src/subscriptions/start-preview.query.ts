import { sum } from '../core/money';
import { done, type Result } from '../core/result';
import type { EntitlementSource } from '../entitlements/entitlement';
import { type WantedTx, wantedEntitlements } from '../entitlements/rebuild-entitlements.command';
import { resetMismatch } from '../entitlements/reset-mismatch';
import { assembleFor, type PeriodInvoiceTx } from '../invoicing/period-invoice.query';
import { type Payable, type PlannedDocument, payableOf } from '../invoicing/planned-document';
import { tooLargeToCharge } from '../payments/too-large.query';
import { type PlanChangeQuote, quoteLifetimeMinutes } from '../proration/quote';
import { type CarryingTx, loadCarried } from '../rating/carried-usage.query';
import type { Tx } from '../tx';
import type { CarriedUsage } from '../usage/carried-usage';
import type { MeteringSpan } from '../usage/metering-window';
import type { startSubscriptionRefusals } from './start-subscription.command';
import {
  type LoadedStart,
  loadStart,
  type StartSubscriptionInput,
  startRequestText,
  startSums,
} from './start-subscription.query';
import type { Subscription } from './subscription';

export interface StartPreview extends LoadedStart {
  /** All that the tenant would have. */
  readonly sources: readonly EntitlementSource[];
  /** By which limits would count from then on. */
  readonly spans: readonly MeteringSpan[];
  readonly documents: readonly PlannedDocument[];
  readonly payable: Payable;
  /** Signed and handed out by the resolver. */
  readonly quote: PlanChangeQuote;
}

/** As `app.begin_metering` writes them. */
function spansOf(
  { id, startedAt, trialEnd, anchorDate, timeZone }: Subscription,
  carried: CarriedUsage,
): MeteringSpan[] {
  const countFrom = trialEnd ?? startedAt;
  const span = { subscriptionId: id, anchorDate, timeZone };
  return [
    ...(trialEnd ? [{ ...span, start: startedAt, end: trialEnd, trial: true, countFrom: startedAt, carried }] : []),
    { ...span, start: countFrom, trial: false, countFrom, carried: trialEnd ? undefined : carried },
  ];
}

/** What would starting with this plan cost and give? The very load and decision of `startSubscription`, without the save. */
export async function startPreview(
  tx: PeriodInvoiceTx & WantedTx & CarryingTx & Pick<Tx, 'creditNotes' | 'paymentMethods' | 'newId' | 'partnerId'>,
  input: StartSubscriptionInput,
): Promise<Result<StartPreview, (typeof startSubscriptionRefusals)[number]>> {
  const { tenant } = tx;
  const loaded = await loadStart(tx, input);
  if (!loaded.ok) return loaded;
  const { subscription, period, plan } = loaded.value;
  const { startedAt, item, currency } = subscription;
  const sources = await wantedEntitlements(tx, { subscription });
  const mismatch = resetMismatch(sources);
  if (mismatch) return mismatch;
  const spans = spansOf(subscription, await loadCarried(tx, { at: startedAt }));
  const documents: PlannedDocument[] = [];
  if (!subscription.trialEnd) {
    const begun = sources.filter(({ sourceId, kind }) => sourceId === item.id && kind === 'METERED');
    const document = await assembleFor(
      tx,
      subscription,
      { period, from: startedAt },
      { usage: { sources: (metered) => [...metered, ...begun], spans: () => spans } },
    );
    documents.push({ kind: 'INVOICE', reason: 'START', document, total: document.totals.total });
  }
  const payable = payableOf(documents, await tx.creditNotes.balance(tenant.id, currency));
  const problem = await tooLargeToCharge(tx, tenant.id, startSums(loaded.value, payable.dues));
  if (problem) return problem;
  return done({
    ...loaded.value,
    ...{ sources, spans, documents, payable },
    quote: {
      tenantId: tenant.id,
      request: startRequestText(input, plan),
      at: tenant.now,
      totalMinor: sum(
        documents.map(({ total }) => total),
        currency,
      ).minor,
      currency,
      expiresAt: tenant.now.add({ minutes: quoteLifetimeMinutes }),
    },
  });
}
