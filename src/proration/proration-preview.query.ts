import type { Instant } from '../core/calendar';
import { done, type Result, refuse } from '../core/result';
import { type Payable, payableOf } from '../invoicing/planned-document';
import type { Tx } from '../tx';
import type { PlanChangeRequest } from './plan-change';
import { type LoadedPlanChange, loadPlanChange, type PlanChangeRefusal, type PlanChangeTx } from './plan-change.query';
import { type QuotedChange, quoteChange, settledAs } from './plan-change-documents';
import { type PlanChangeQuote, quoteLifetimeMinutes, requestText } from './quote';
import { type FeatureDifference, featureDifferences } from './source-change';

export interface ProrationPreview {
  readonly tenantId: string;
  readonly loaded: LoadedPlanChange;
  readonly differences: readonly FeatureDifference[];
  readonly quoted: QuotedChange;
  readonly payable: Payable;
  /** Signed and handed out by the resolver. */
  readonly quote: PlanChangeQuote;
}

/** What would this plan change cost and do? The very load and decision of `changePlan`, without the save. */
export async function prorationPreview(
  tx: PlanChangeTx & Pick<Tx, 'creditNotes'>,
  tenantId: string,
  request: PlanChangeRequest,
  at?: Instant,
): Promise<Result<ProrationPreview, PlanChangeRefusal>> {
  const tenant = await tx.tenantFor(tenantId);
  if (!tenant) return refuse('TENANT_NOT_FOUND', 'No such tenant.');
  const loaded = await loadPlanChange(tx, tenant, request, { at });
  if (!loaded.ok) return loaded;
  const { change, sources, sourcesBefore, features } = loaded.value;
  const balance = await tx.creditNotes.balance(tenantId, change.net.currency);
  const quoted = quoteChange(loaded.value, settledAs(request));
  return done({
    tenantId,
    loaded: loaded.value,
    differences: featureDifferences(sourcesBefore, sources, features),
    quoted,
    payable: payableOf(quoted.documents, balance),
    quote: {
      tenantId,
      request: requestText(request, loaded.value),
      at: at ?? tenant.now,
      totalMinor: quoted.total.minor,
      currency: change.net.currency,
      expiresAt: tenant.now.add({ minutes: quoteLifetimeMinutes }),
    },
  });
}
