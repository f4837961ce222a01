import type { PlanVersion } from '../catalog/plan';
import { done, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import type { Tx } from '../tx';
import { isTrialDays, longestTrialDays, type Trial, trialOf } from './trial';

type TrialTx = Pick<Tx, 'subscriptions' | 'tenant'>;

/** The trial to start a plan with: what is asked, else the plan's own where the tenant had none before. */
export async function trialFor(
  tx: TrialTx,
  asked: number | undefined,
  version: PlanVersion,
): Promise<Result<Trial | undefined, 'INVALID_INPUT'>> {
  if (asked !== undefined && asked !== 0 && !isTrialDays(asked)) {
    return invalid(['trialDays'], `0 to ${longestTrialDays} days; 0: no trial.`);
  }
  const isOfPlan = asked === undefined && version.trialDays !== undefined;
  return done(trialOf(asked, version.trialDays, isOfPlan && (await tx.subscriptions.hadTrial(tx.tenant.id))));
}

/** The trial that was offered at a checkout: a plan's own may have been used up since. */
export async function offeredTrial(
  tx: TrialTx,
  offered: Trial | undefined,
): Promise<Result<Trial | undefined, 'TRIAL_USED'>> {
  if (!offered?.ofPlan || !(await tx.subscriptions.hadTrial(tx.tenant.id))) return done(offered);
  return refuse('TRIAL_USED', 'The tenant has had a trial since this one was offered.');
}
