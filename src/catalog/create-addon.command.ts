import type { Id } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import type { Addon } from './addon';
import { type AllowanceInput, missingUsagePrice, parseAllowances } from './allowance-input';
import { isFreeCode } from './catalog-reference';
import { findAddon, findFeature, findPlan } from './find-catalog.query';
import { type PriceInput, parsePrices } from './price-input';
import { addonResetProblem } from './reset-period.query';

export interface CreateAddonInput {
  readonly code: string;
  readonly name: string;
  readonly description?: string | undefined;
  /** Id or code of the weakest plan it is sold with. */
  readonly minimumPlan?: string | undefined;
  readonly prices: readonly PriceInput[];
  readonly features?: readonly AllowanceInput[] | undefined;
  /** Ids or codes of add-ons that must be there already. */
  readonly requires?: readonly string[] | undefined;
}

export const createAddonRefusals = [
  'CODE_TAKEN',
  'PLAN_NOT_FOUND',
  'ADDON_NOT_FOUND',
  'FEATURE_NOT_FOUND',
  'RESET_PERIOD_MISMATCH',
  'INVALID_INPUT',
] as const;

/** Something that partners sell beside a plan. */
export async function createAddon(
  tx: Pick<Tx, 'plans' | 'addons' | 'features' | 'partnerId' | 'now' | 'newId' | 'emit'>,
  input: CreateAddonInput,
): Promise<Result<{ addon: Addon }, (typeof createAddonRefusals)[number]>> {
  if (!isFreeCode('Addon', input.code)) return invalid(['code'], 'A code is lower-case letters, digits, _ and -.');
  const name = parseLabel(input.name);
  if (!name) return invalid(['name'], 'A name has 1 to 200 printable characters.');
  const minimumPlan = input.minimumPlan === undefined ? undefined : await findPlan(tx, input.minimumPlan);
  if (input.minimumPlan !== undefined && !minimumPlan) {
    return refuse('PLAN_NOT_FOUND', 'No such plan.', { path: ['input', 'minimumPlan'] });
  }
  if (input.prices.length === 0) return invalid(['prices'], 'An add-on needs at least one price; a free one costs 0.');
  const prices = parsePrices(input.prices);
  if (!prices.ok) return prices;
  const allowances = await parseAllowances(input.features ?? [], (text) => findFeature(tx, text), 'features');
  if (!allowances.ok) return allowances;
  const unpriced = missingUsagePrice(allowances.value, prices.value);
  if (unpriced) return unpriced;
  const requiredAddonIds: Id<'Addon'>[] = [];
  for (const [index, text] of (input.requires ?? []).entries()) {
    const required = await findAddon(tx, text);
    if (!required) return refuse('ADDON_NOT_FOUND', 'No such add-on.', { path: ['input', 'requires', String(index)] });
    if (!requiredAddonIds.includes(required.id)) requiredAddonIds.push(required.id);
  }
  const addon: Addon = {
    id: tx.newId<'Addon'>(),
    partnerId: tx.partnerId,
    code: input.code,
    name,
    description: parseLabel(input.description ?? '', 2_000) ?? '',
    minimumPlanRank: minimumPlan?.rank,
    status: 'ACTIVE',
    prices: prices.value.map((price) => ({ id: tx.newId(), ...price })),
    allowances: allowances.value,
    requiredAddonIds,
    version: 1,
    createdAt: tx.now,
  };
  const mismatch = await addonResetProblem(tx, addon);
  if (mismatch) return mismatch;
  if (!(await tx.addons.insert(addon))) {
    return refuse('CODE_TAKEN', `There is an add-on ${input.code} already.`, { path: ['input', 'code'] });
  }
  await tx.emit({ type: 'addon.created', payload: { addon } });
  return done({ addon });
}
