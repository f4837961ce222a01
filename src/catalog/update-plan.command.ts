import type { ProrationBasis } from '../core/proration';
import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import { findPlan } from './find-catalog.query';
import type { CatalogStatus, Plan } from './plan';

export interface UpdatePlanInput {
  readonly plan: string;
  readonly expectedVersion?: number | undefined;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly rank?: number | undefined;
  readonly status?: CatalogStatus | undefined;
  readonly prorationBasis?: ProrationBasis | undefined;
}

export const updatePlanRefusals = ['PLAN_NOT_FOUND', 'VERSION_CONFLICT', 'INVALID_INPUT'] as const;

/** What may change on a plan that is sold already; prices and limits are a new version's. */
export async function updatePlan(
  tx: Pick<Tx, 'plans' | 'partnerId' | 'emit'>,
  input: UpdatePlanInput,
): Promise<Result<{ plan: Plan }, (typeof updatePlanRefusals)[number]>> {
  const plan = await findPlan(tx, input.plan);
  if (!plan) return refuse('PLAN_NOT_FOUND', 'No such plan.', { path: ['input', 'plan'] });
  const name = input.name === undefined ? plan.name : parseLabel(input.name);
  if (!name) return invalid(['name'], 'A name has 1 to 200 printable characters.');
  if (input.rank !== undefined && (input.rank < 0 || input.rank > 1_000_000)) {
    return invalid(['rank'], 'A rank is between 0 and 1000000.');
  }
  const updated: Plan = {
    ...plan,
    name,
    description: input.description === undefined ? plan.description : (parseLabel(input.description, 2_000) ?? ''),
    rank: input.rank ?? plan.rank,
    status: input.status ?? plan.status,
    prorationBasis: input.prorationBasis ?? plan.prorationBasis,
  };
  if ((input.expectedVersion ?? plan.version) !== plan.version) {
    return refuse('VERSION_CONFLICT', 'The plan was changed meanwhile.', {
      facts: { expectedVersion: input.expectedVersion, currentVersion: plan.version },
    });
  }
  // Another request was faster: decide again from what it left.
  if (!(await tx.plans.update(updated))) return updatePlan(tx, input);
  const plan2 = { ...updated, version: plan.version + 1 };
  await tx.emit({ type: 'plan.updated', payload: { plan: plan2 } });
  return done({ plan: plan2 });
}
