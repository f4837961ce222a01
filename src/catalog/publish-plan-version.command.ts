import { type Done, done, type Refused, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import { isTrialDays, longestTrialDays } from '../subscriptions/trial';
import type { Tx } from '../tx';
import type { Addon } from './addon';
import { type AllowanceInput, missingUsagePrice, parseAllowances } from './allowance-input';
import { findAddon, findFeature, findPlan } from './find-catalog.query';
import type { Plan, PlanVersion } from './plan';
import { type PriceInput, parsePrices } from './price-input';
import { versionResetProblem } from './reset-period.query';

export interface PlanVersionInput {
  readonly prices: readonly PriceInput[];
  readonly features?: readonly AllowanceInput[] | undefined;
  /** Ids or codes. */
  readonly includedAddons?: readonly string[] | undefined;
  readonly includesAllAddons?: boolean | undefined;
  /** Free days for a tenant that starts with the plan, once. */
  readonly trialDays?: number | undefined;
}

export interface PublishPlanVersionInput extends PlanVersionInput {
  readonly plan: string;
}

const versionRefusals = ['ADDON_NOT_FOUND', 'FEATURE_NOT_FOUND', 'RESET_PERIOD_MISMATCH', 'INVALID_INPUT'] as const;
export const publishPlanVersionRefusals = ['PLAN_NOT_FOUND', ...versionRefusals] as const;

type CatalogTx = Pick<Tx, 'plans' | 'addons' | 'features' | 'partnerId' | 'now' | 'newId'>;

export async function draftPlanVersion(
  tx: CatalogTx,
  { id: planId, name: planName }: Pick<Plan, 'id' | 'name'>,
  number: number,
  input: PlanVersionInput,
): Promise<Done<PlanVersion> | Refused<(typeof versionRefusals)[number]>> {
  if (input.prices.length === 0) return invalid(['prices'], 'A plan needs at least one price; a free plan costs 0.');
  if (input.trialDays !== undefined && !isTrialDays(input.trialDays)) {
    return invalid(['trialDays'], `A trial lasts 1 to ${longestTrialDays} days.`);
  }
  const prices = parsePrices(input.prices);
  if (!prices.ok) return prices;
  const allowances = await parseAllowances(input.features ?? [], (text) => findFeature(tx, text), 'features');
  if (!allowances.ok) return allowances;
  const unpriced = missingUsagePrice(allowances.value, prices.value);
  if (unpriced) return unpriced;
  const included: Addon[] = [];
  for (const [index, text] of (input.includedAddons ?? []).entries()) {
    const addon = await findAddon(tx, text);
    if (!addon) {
      return refuse('ADDON_NOT_FOUND', 'No such add-on.', { path: ['input', 'includedAddons', String(index)] });
    }
    if (!included.some((other) => other.id === addon.id)) included.push(addon);
  }
  const includedAddonIds = included.map((addon) => addon.id);
  const { includesAllAddons = false } = input;
  const problem = await versionResetProblem(tx, planName, {
    allowances: allowances.value,
    ...{ includesAllAddons, includedAddonIds },
  });
  if (problem) return problem;
  return done({
    id: tx.newId<'PlanVersion'>(),
    planId,
    number,
    includesAllAddons: input.includesAllAddons ?? false,
    trialDays: input.trialDays,
    includedAddonIds: included.map((addon) => addon.id),
    prices: prices.value.map((price) => ({ id: tx.newId<'PlanPrice'>(), ...price })),
    allowances: allowances.value,
    createdAt: tx.now,
  });
}

/** New prices, limits and included add-ons for what is sold from now on; who has the plan keeps the version they bought. */
export async function publishPlanVersion(
  tx: CatalogTx & Pick<Tx, 'emit'>,
  input: PublishPlanVersionInput,
): Promise<Result<{ plan: Plan; planVersion: PlanVersion }, (typeof publishPlanVersionRefusals)[number]>> {
  const plan = await findPlan(tx, input.plan);
  if (!plan) return refuse('PLAN_NOT_FOUND', 'No such plan.', { path: ['input', 'plan'] });
  const current = await tx.plans.currentVersion(plan.id);
  const drafted = await draftPlanVersion(tx, plan, (current?.number ?? 0) + 1, input);
  if (!drafted.ok) return drafted;
  // The plan's row is the lock: two versions that are published at once get two numbers.
  const updated = { ...plan, version: plan.version + 1 };
  if (!(await tx.plans.update(plan))) {
    return publishPlanVersion(tx, input);
  }
  await tx.plans.insertVersion(tx.partnerId, drafted.value);
  await tx.emit({ type: 'plan.version_published', payload: { plan: updated, planVersion: drafted.value } });
  return done({ plan: updated, planVersion: drafted.value });
}
