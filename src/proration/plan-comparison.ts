import type { Addon } from '../catalog/addon';
import { allowanceText } from '../catalog/allowance-input';
import type { Feature, FeatureAllowance } from '../catalog/feature';

/** One feature that differs between two plans, as text for people. */
export interface FeatureDifference {
  readonly feature: Feature;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  readonly change: 'GAINED' | 'LOST' | 'CHANGED';
}

export interface PlanContents {
  readonly allowances: readonly FeatureAllowance[];
  readonly includedAddons: readonly Addon[];
}

function textsOf(side: PlanContents): Map<string, string> {
  const texts = new Map<string, string>();
  for (const allowance of [...side.allowances, ...side.includedAddons.flatMap((addon) => addon.allowances)]) {
    const existing = texts.get(allowance.featureId);
    const text = allowanceText(allowance);
    texts.set(allowance.featureId, existing && existing !== text ? `${existing} + ${text}` : text);
  }
  return texts;
}

/** What a plan change gains and loses; add-ons that are attached beside the plan are not part of it. */
export function comparePlans(
  before: PlanContents,
  after: PlanContents,
  features: ReadonlyMap<string, Feature>,
): FeatureDifference[] {
  const old = textsOf(before);
  const now = textsOf(after);
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((featureId) => {
    const feature = features.get(featureId);
    const [from, to] = [old.get(featureId), now.get(featureId)];
    if (!feature || from === to) return [];
    const change = from === undefined ? 'GAINED' : to === undefined ? 'LOST' : 'CHANGED';
    return [{ feature, before: from, after: to, change } satisfies FeatureDifference];
  });
}
