import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import type { Addon } from './addon';
import { type AllowanceInput, missingUsagePrice, parseAllowances } from './allowance-input';
import { findAddon, findFeature, findPlan } from './find-catalog.query';
import type { CatalogStatus } from './plan';
import { type PriceInput, parsePrices } from './price-input';
import { addonResetProblem } from './reset-period.query';

export interface UpdateAddonInput {
  readonly addon: string;
  readonly expectedVersion?: number | undefined;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** `null`: with every plan. */
  readonly minimumPlan?: string | null | undefined;
  /** All prices from now on; live attachments keep theirs. */
  readonly prices?: readonly PriceInput[] | undefined;
  readonly features?: readonly AllowanceInput[] | undefined;
  readonly status?: CatalogStatus | undefined;
}

export const updateAddonRefusals = [
  'ADDON_NOT_FOUND',
  'PLAN_NOT_FOUND',
  'FEATURE_NOT_FOUND',
  'RESET_PERIOD_MISMATCH',
  'VERSION_CONFLICT',
  'INVALID_INPUT',
] as const;

export async function updateAddon(
  tx: Pick<Tx, 'plans' | 'addons' | 'features' | 'partnerId' | 'now' | 'newId' | 'emit'>,
  input: UpdateAddonInput,
): Promise<Result<{ addon: Addon }, (typeof updateAddonRefusals)[number]>> {
  const addon = await findAddon(tx, input.addon);
  if (!addon) return refuse('ADDON_NOT_FOUND', 'No such add-on.', { path: ['input', 'addon'] });
  const name = input.name === undefined ? addon.name : parseLabel(input.name);
  if (!name) return invalid(['name'], 'A name has 1 to 200 printable characters.');
  let { minimumPlanRank } = addon;
  if (input.minimumPlan !== undefined) {
    const plan = input.minimumPlan === null ? undefined : await findPlan(tx, input.minimumPlan);
    if (input.minimumPlan !== null && !plan) {
      return refuse('PLAN_NOT_FOUND', 'No such plan.', { path: ['input', 'minimumPlan'] });
    }
    minimumPlanRank = plan?.rank;
  }
  const prices = input.prices && parsePrices(input.prices);
  if (prices && !prices.ok) return prices;
  const allowances =
    input.features && (await parseAllowances(input.features, (text) => findFeature(tx, text), 'features'));
  if (allowances && !allowances.ok) return allowances;
  const updated: Addon = {
    ...addon,
    name,
    description: input.description === undefined ? addon.description : (parseLabel(input.description, 2_000) ?? ''),
    minimumPlanRank,
    status: input.status ?? addon.status,
    prices: prices ? prices.value.map((price) => ({ id: tx.newId(), ...price })) : addon.prices,
    allowances: allowances ? allowances.value : addon.allowances,
  };
  const unpriced = missingUsagePrice(updated.allowances, updated.prices, input.features ? undefined : () => ['prices']);
  if (unpriced) return unpriced;
  const mismatch = input.features || input.status === 'ACTIVE' ? await addonResetProblem(tx, updated) : undefined;
  if (mismatch) return mismatch;
  if ((input.expectedVersion ?? addon.version) !== addon.version) {
    return refuse('VERSION_CONFLICT', 'The add-on was changed meanwhile.', {
      facts: { expectedVersion: input.expectedVersion, currentVersion: addon.version },
    });
  }
  // Another request was faster: decide again from what it left.
  if (!(await tx.addons.update(updated))) return updateAddon(tx, input);
  if (prices) await tx.addons.replacePrices(addon.partnerId, addon.id, updated.prices, tx.now);
  if (allowances) await tx.addons.replaceAllowances(addon, updated.allowances, tx.now);
  const saved = { ...updated, version: addon.version + 1 };
  await tx.emit({ type: 'addon.updated', payload: { addon: saved } });
  return done({ addon: saved });
}
