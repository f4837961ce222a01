import type { Refused } from '../core/result';
import type { Tx } from '../tx';
import type { Addon } from './addon';
import type { PlanVersion } from './plan';
import { differingResets, refuseDifferingResets } from './reset-period';

export type ResetPeriodTx = Pick<Tx, 'plans' | 'addons' | 'features' | 'partnerId'>;

type VersionDraft = Pick<PlanVersion, 'allowances' | 'includesAllAddons' | 'includedAddonIds'>;

async function problemOf(
  tx: ResetPeriodTx,
  name: string,
  { allowances }: Pick<VersionDraft, 'allowances'>,
  included: readonly Addon[],
): Promise<Refused<'RESET_PERIOD_MISMATCH'> | undefined> {
  const mismatch = differingResets([{ name, allowances }, ...included]);
  if (!mismatch) return undefined;
  const [feature] = await tx.features.byIds([mismatch.featureId]);
  return refuseDifferingResets(mismatch, feature!.code);
}

/** May this version be sold? What it includes (all that is on sale, too) and its own features reset together. */
export async function versionResetProblem(
  tx: ResetPeriodTx,
  name: string,
  version: VersionDraft,
): Promise<Refused<'RESET_PERIOD_MISMATCH'> | undefined> {
  await tx.plans.lockCatalog(tx.partnerId);
  const listed = await tx.addons.byIds(version.includedAddonIds);
  const all = version.includesAllAddons ? await tx.addons.onSale(tx.partnerId) : [];
  return problemOf(tx, name, version, [...listed, ...all.filter(({ id }) => !listed.some((one) => one.id === id))]);
}

/** May this add-on be on sale? It resets with every plan version that would include it and is sold or had by anybody. */
export async function addonResetProblem(
  tx: ResetPeriodTx,
  addon: Addon,
): Promise<Refused<'RESET_PERIOD_MISMATCH'> | undefined> {
  if (!addon.allowances.some(({ resetPeriod }) => resetPeriod)) return undefined;
  await tx.plans.lockCatalog(tx.partnerId);
  const versions = await tx.plans.versionsInUseWith(tx.partnerId, addon.id, addon.status === 'ACTIVE');
  if (versions.length === 0) return undefined;
  const plans = new Map((await tx.plans.byIds(versions.map(({ planId }) => planId))).map((plan) => [plan.id, plan]));
  const onSale = await tx.addons.onSale(tx.partnerId);
  const listed = await tx.addons.byIds([...new Set(versions.flatMap(({ includedAddonIds }) => includedAddonIds))]);
  for (const version of versions) {
    const included = [
      ...listed.filter(({ id }) => version.includedAddonIds.includes(id)),
      ...(version.includesAllAddons ? onSale : []),
    ].filter(({ id }) => id !== addon.id);
    const problem = await problemOf(tx, plans.get(version.planId)!.name, version, [...included, addon]);
    if (problem) return problem;
  }
  return undefined;
}
