import { type Addon, includesAddon } from '../catalog/addon';
import { type Instant, isBefore } from '../core/calendar';
import { isZero } from '../core/money';
import { done, type Result } from '../core/result';
import { standingOfTenant } from '../payments/standing.query';
import { usagePricesIn } from '../rating/price-model-input';
import type { AddonSubscription } from '../subscriptions/addon-subscription';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { type EntitlementSource, entitlementSources, type PlanPhase } from './entitlement';

export type RebuildTx = Pick<
  Tx,
  | 'tenant'
  | 'tenants'
  | 'plans'
  | 'addons'
  | 'features'
  | 'subscriptions'
  | 'addonSubscriptions'
  | 'licences'
  | 'licenceProducts'
  | 'collections'
  | 'entitlements'
  | 'emit'
  | 'now'
>;

export type WantedTx = Omit<RebuildTx, 'tenants' | 'emit' | 'now'>;

const earliest = (first: Instant | undefined, second: Instant | undefined) =>
  first && second && isBefore(first, second) ? first : (second ?? first);

/** What is looked at as if it were so. */
export interface Supposed {
  /** Attached too. */
  readonly attachment?: AddonSubscription | undefined;
  /** Begun, where there is none. */
  readonly subscription?: Subscription | undefined;
  /** Everything that is due was paid. */
  readonly paid?: boolean | undefined;
}

/** What the rows should be, from plan phases, attachments, licences and grants. */
export async function wantedEntitlements(tx: WantedTx, supposed: Supposed = {}): Promise<EntitlementSource[]> {
  const { id: tenantId, partnerId, now } = tx.tenant;
  const { attachment: extra, subscription: begun, paid } = supposed;
  const items = [...(await tx.subscriptions.itemsOfTenant(tenantId)), ...(begun ? [begun.item] : [])];
  const versions = new Map(
    (await tx.plans.versionsByIds([...new Set(items.map((item) => item.planVersionId))])).map((row) => [row.id, row]),
  );
  const plans = new Map(
    (await tx.plans.byIds([...new Set(items.map((item) => item.planId))])).map((plan) => [plan.id, plan]),
  );
  const attachments = [...(await tx.addonSubscriptions.all(tenantId)), ...(extra ? [extra] : [])];
  const includesAll = [...versions.values()].some((version) => version.includesAllAddons);
  const everyAddon = includesAll ? await tx.addons.onSale(partnerId) : [];
  const wantedIds = new Set([
    ...attachments.map((attachment) => attachment.addonId),
    ...[...versions.values()].flatMap((version) => version.includedAddonIds),
  ]);
  const addons = new Map<string, Addon>(everyAddon.map((addon) => [addon.id, addon]));
  for (const addon of await tx.addons.byIds([...wantedIds].filter((id) => !addons.has(id))))
    addons.set(addon.id, addon);
  const subscription = begun ?? (await tx.subscriptions.live(tenantId));
  // Without a seat left, after a refund, a licence gives nothing; nor in a year whose payment went back.
  const terms = (await tx.licences.all(tenantId)).filter(
    ({ seats, accessFrom }) => seats > 0n && !(accessFrom && isBefore(now, accessFrom)),
  );
  // While payments fail, what the subscription gives ends with the grace, and what is on trial; what was granted by hand or paid
  // for a year does not.
  const standing = subscription ?? (terms.some(({ trial }) => trial) ? await standingOfTenant(tx) : undefined);
  const accessUntil = paid ? undefined : standing?.accessUntil;
  const within = (endsAt: Instant | undefined) =>
    accessUntil && (!endsAt || isBefore(accessUntil, endsAt)) ? accessUntil : endsAt;
  const phases: PlanPhase[] = items.map((item) => {
    const version = versions.get(item.planVersionId)!;
    const plan = plans.get(item.planId)!;
    const included = [...addons.values()].filter((addon) => includesAddon(version, addon));
    const isCurrent = subscription?.item.id === item.id;
    return {
      itemId: item.id,
      planId: plan.id,
      planName: plan.name,
      allowances: version.allowances,
      usagePrices: usagePricesIn(version.allowances, item.unitAmount.currency),
      includedAddons: included,
      paid: !isZero(item.unitAmount),
      startsAt: item.startedAt,
      endsAt: item.endedAt ?? (isCurrent ? within(subscription.cancelAt) : undefined),
    };
  });
  const grants = await tx.entitlements.grants(tenantId);
  const sources = attachments.map((attachment) => {
    const addon = addons.get(attachment.addonId)!;
    return {
      sourceId: attachment.id,
      sourceName: addon.name,
      catalogId: addon.id,
      quantity: attachment.quantity,
      paid: !isZero(attachment.unitAmount),
      startsAt: attachment.startedAt,
      endsAt: earliest(attachment.endedAt ?? within(attachment.endsAt), attachment.accessUntil),
      allowances: addon.allowances,
      usagePrices: attachment.usagePrices,
    };
  });
  const products = new Map(
    (await tx.licenceProducts.byIds([...new Set(terms.map((licence) => licence.productId))])).map((row) => [
      row.id,
      row,
    ]),
  );
  const licences = terms.map((licence) => {
    const product = products.get(licence.productId)!;
    return {
      sourceId: licence.id,
      sourceName: product.name,
      catalogId: product.id,
      quantity: licence.seats,
      startsAt: licence.startsAt,
      endsAt: licence.trial ? within(licence.expiresAt) : licence.expiresAt,
      allowances: product.allowances,
    };
  });
  const featureIds = new Set(
    [
      ...phases.flatMap((phase) => [phase.allowances, ...phase.includedAddons.map((addon) => addon.allowances)].flat()),
      ...sources.flatMap((source) => source.allowances),
      ...licences.flatMap((licence) => licence.allowances),
      ...grants.map((grant) => grant.allowance),
    ].map((allowance) => allowance.featureId),
  );
  const features = new Map(
    (await tx.features.byIds([...featureIds])).map((feature) => [feature.id as string, feature]),
  );
  return entitlementSources(phases, sources, grants, features, licences);
}

export const rebuildEntitlementsRefusals = [] as const;

/** Brings the entitlement rows in step with plan, attachments, licences and grants; answers how many were not. */
export async function rebuildEntitlements(tx: RebuildTx): Promise<Result<{ changed: number }, never>> {
  await tx.tenants.lock(tx.tenant.id);
  const wanted = await wantedEntitlements(tx);
  const changed = await tx.entitlements.replace(
    { tenantId: tx.tenant.id, partnerId: tx.tenant.partnerId },
    wanted,
    tx.now,
  );
  if (changed.length > 0) {
    await tx.emit({ type: 'entitlements.updated', payload: { features: [...new Set(changed)].sort() } });
  }
  return done({ changed: changed.length });
}
