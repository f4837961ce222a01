import type { ProrationBasis } from '../core/proration';
import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import { isFreeCode } from './catalog-reference';
import type { Plan, PlanVersion } from './plan';
import { draftPlanVersion, type PlanVersionInput } from './publish-plan-version.command';

export interface CreatePlanInput extends PlanVersionInput {
  readonly code: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly rank: number;
  readonly prorationBasis?: ProrationBasis | undefined;
}

export const createPlanRefusals = [
  'CODE_TAKEN',
  'ADDON_NOT_FOUND',
  'FEATURE_NOT_FOUND',
  'RESET_PERIOD_MISMATCH',
  'INVALID_INPUT',
] as const;

/** A plan and its first version. */
export async function createPlan(
  tx: Pick<Tx, 'plans' | 'addons' | 'features' | 'partnerId' | 'now' | 'newId' | 'emit'>,
  input: CreatePlanInput,
): Promise<Result<{ plan: Plan; planVersion: PlanVersion }, (typeof createPlanRefusals)[number]>> {
  if (!isFreeCode('Plan', input.code)) return invalid(['code'], 'A code is lower-case letters, digits, _ and -.');
  const name = parseLabel(input.name);
  if (!name) return invalid(['name'], 'A name has 1 to 200 printable characters.');
  if (input.rank < 0 || input.rank > 1_000_000) return invalid(['rank'], 'A rank is between 0 and 1000000.');
  const plan: Plan = {
    id: tx.newId<'Plan'>(),
    partnerId: tx.partnerId,
    code: input.code,
    name,
    description: parseLabel(input.description ?? '', 2_000) ?? '',
    rank: input.rank,
    status: 'ACTIVE',
    prorationBasis: input.prorationBasis,
    version: 1,
    createdAt: tx.now,
  };
  const drafted = await draftPlanVersion(tx, plan, 1, input);
  if (!drafted.ok) return drafted;
  if (!(await tx.plans.insert(plan))) {
    return refuse('CODE_TAKEN', `There is a plan ${input.code} already.`, { path: ['input', 'code'] });
  }
  await tx.plans.insertVersion(tx.partnerId, drafted.value);
  await tx.emit({ type: 'plan.created', payload: { plan, planVersion: drafted.value } });
  return done({ plan, planVersion: drafted.value });
}
