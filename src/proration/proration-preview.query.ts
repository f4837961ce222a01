import type { Addon } from '../catalog/addon';
import type { PlanVersion } from '../catalog/plan';
import type { Instant } from '../core/calendar';
import { done, type Result, refuse } from '../core/result';
import { type Payable, payableOf } from '../invoicing/planned-document';
import type { Tx } from '../tx';
import type { PlanChangeRequest } from './plan-change';
import { type LoadedPlanChange, loadPlanChange, type PlanChangeRefusal, type PlanChangeTx } from './plan-change.query';
import { type QuotedChange, quoteChange, settledAs } from './plan-change-documents';
import { comparePlans, type FeatureDifference, type PlanContents } from './plan-comparison';
import { type PlanChangeQuote, quoteLifetimeMinutes, requestText } from './quote';

export interface ProrationPreview {
  readonly tenantId: string;
  readonly loaded: LoadedPlanChange;
  readonly differences: readonly FeatureDifference[];
  readonly quoted: QuotedChange;
  readonly payable: Payable;
  /** Signed and handed out by the resolver. */
  readonly quote: PlanChangeQuote;
}

/** The add-ons that a plan version includes; "all" means what is on sale now, and what it names. */
export async function includedAddons(
  tx: Pick<Tx, 'addons'>,
  partnerId: string,
  version: PlanVersion,
): Promise<Addon[]> {
  const [all, named] = await Promise.all([
    version.includesAllAddons ? tx.addons.onSale(partnerId) : [],
    tx.addons.byIds(version.includedAddonIds),
  ]);
  return [...all, ...named.filter((addon) => !all.some(({ id }) => id === addon.id))];
}

/** What would this plan change cost and do? The very load and decision of `changePlan`, without the save. */
export async function prorationPreview(
  tx: PlanChangeTx & Pick<Tx, 'features' | 'creditNotes'>,
  tenantId: string,
  request: PlanChangeRequest,
  at?: Instant,
): Promise<Result<ProrationPreview, PlanChangeRefusal>> {
  const tenant = await tx.tenantFor(tenantId);
  if (!tenant) return refuse('TENANT_NOT_FOUND', 'No such tenant.');
  const loaded = await loadPlanChange(tx, tenant, request, { at });
  if (!loaded.ok) return loaded;
  const { versionBefore, target, change } = loaded.value;
  const contentsOf = async (version: PlanVersion): Promise<PlanContents> => ({
    allowances: version.allowances,
    includedAddons: await includedAddons(tx, tenant.partnerId, version),
  });
  const { currency } = change.net;
  const [before, after, balance] = await Promise.all([
    contentsOf(versionBefore),
    contentsOf(target.version),
    tx.creditNotes.balance(tenantId, currency),
  ]);
  const quoted = quoteChange(loaded.value, settledAs(request));
  const featureIds = [before, after].flatMap((side) =>
    [...side.allowances, ...side.includedAddons.flatMap((addon) => addon.allowances)].map(({ featureId }) => featureId),
  );
  const features = await tx.features.byIds([...new Set(featureIds)]);
  return done({
    tenantId,
    loaded: loaded.value,
    differences: comparePlans(before, after, new Map(features.map((feature) => [feature.id as string, feature]))),
    quoted,
    payable: payableOf(quoted.documents, balance),
    quote: {
      tenantId,
      request: requestText(request),
      at: at ?? tenant.now,
      totalMinor: quoted.total.minor,
      currency: change.net.currency,
      expiresAt: tenant.now.add({ minutes: quoteLifetimeMinutes }),
    },
  });
}
