import { type Refused, refuse } from '../core/result';
import type { FeatureAllowance, ResetPeriod } from './feature';

/** Something that gives features: a plan, or an add-on that it includes. */
export interface Giving {
  readonly name: string;
  readonly allowances: readonly FeatureAllowance[];
}

export interface DifferingResets {
  readonly featureId: string;
  readonly first: { readonly name: string; readonly resetPeriod: ResetPeriod };
  readonly second: { readonly name: string; readonly resetPeriod: ResetPeriod };
}

/** All sources of one METERED feature share a reset period: the first two of these that do not, if there are any. */
export function differingResets(givings: readonly Giving[]): DifferingResets | undefined {
  const known = new Map<string, DifferingResets['first']>();
  for (const { name, allowances } of givings) {
    for (const { featureId, resetPeriod } of allowances) {
      if (!resetPeriod) continue;
      const first = known.get(featureId);
      if (first && first.resetPeriod !== resetPeriod) return { featureId, first, second: { name, resetPeriod } };
      if (!first) known.set(featureId, { name, resetPeriod });
    }
  }
  return undefined;
}

export function refuseDifferingResets(
  { first, second }: DifferingResets,
  featureCode: string,
): Refused<'RESET_PERIOD_MISMATCH'> {
  return refuse('RESET_PERIOD_MISMATCH', `${first.name} and ${second.name} reset ${featureCode} at different times.`, {
    facts: {
      feature: featureCode,
      first: `${first.name}: ${first.resetPeriod}`,
      second: `${second.name}: ${second.resetPeriod}`,
    },
  });
}
