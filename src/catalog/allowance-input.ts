import { type DecimalValue, decimalText } from '../core/decimal';
import type { Money } from '../core/money';
import { type Done, done, type Refused, refuse } from '../core/result';
import { invalid } from '../core/text';
import { parseUsagePrices, type UsagePriceInput } from '../rating/price-model-input';
import {
  type AllowanceProblem,
  allowanceProblem,
  type Feature,
  type FeatureAllowance,
  type ResetPeriod,
} from './feature';

/** What a plan or add-on gives of a feature, as it is asked for. */
export interface AllowanceInput {
  /** Id or code. */
  readonly feature: string;
  readonly unlimited?: boolean | undefined;
  readonly limit?: DecimalValue | undefined;
  readonly resetPeriod?: ResetPeriod | undefined;
  readonly value?: string | undefined;
  readonly usagePrices?: readonly UsagePriceInput[] | undefined;
}

const messages: Readonly<Record<AllowanceProblem, string>> = {
  LIMIT_REQUIRED: 'A metered feature needs either a limit or unlimited.',
  LIMIT_NOT_APPLICABLE: 'Only metered features have limits and reset periods.',
  RESET_PERIOD_REQUIRED: 'A metered feature needs a reset period.',
  VALUE_REQUIRED: 'A configuration feature needs a value.',
  VALUE_NOT_APPLICABLE: 'Only configuration features have a value.',
  VALUE_UNKNOWN: "The value is not one of the feature's values, or not a number where it has none.",
  PRICES_NOT_APPLICABLE: 'Only the units of metered features have prices.',
};

export async function parseAllowances(
  inputs: readonly AllowanceInput[],
  findFeature: (reference: string) => Promise<Feature | undefined>,
  path: string,
): Promise<Done<FeatureAllowance[]> | Refused<'FEATURE_NOT_FOUND' | 'INVALID_INPUT'>> {
  const allowances: FeatureAllowance[] = [];
  for (const [index, input] of inputs.entries()) {
    const feature = await findFeature(input.feature);
    if (!feature) {
      return refuse('FEATURE_NOT_FOUND', 'No such feature.', {
        path: ['input', path, String(index), 'feature'],
        facts: { feature: input.feature.slice(0, 100) },
      });
    }
    const prices = parseUsagePrices(input.usagePrices ?? []);
    if (!prices.ok) return invalid([path, String(index), 'usagePrices', ...prices.path], prices.message);
    const allowance: FeatureAllowance = {
      featureId: feature.id,
      unlimited: input.unlimited ?? false,
      limit: input.limit,
      resetPeriod: input.resetPeriod,
      value: input.value,
      usagePrices: prices.prices,
    };
    const problem = allowanceProblem(feature, allowance);
    if (problem) return invalid([path, String(index)], messages[problem]);
    if (allowance.limit?.isNegative()) return invalid([path, String(index), 'limit'], 'A limit is not negative.');
    if (allowances.some((other) => other.featureId === feature.id)) {
      return invalid([path, String(index)], `${feature.code} is listed twice.`);
    }
    allowances.push(allowance);
  }
  return done(allowances);
}

/** Whoever sells units in one currency and the rest in two would give them away in the second. */
export function missingUsagePrice(
  allowances: readonly FeatureAllowance[],
  prices: readonly { readonly amount: Money }[],
  pathOf: (index: number) => readonly string[] = (index) => ['features', String(index), 'usagePrices'],
): Refused<'INVALID_INPUT'> | undefined {
  for (const [index, { usagePrices = [] }] of allowances.entries()) {
    if (usagePrices.length === 0) continue;
    const unpriced = prices.find(({ amount }) => !usagePrices.some(({ currency }) => currency === amount.currency));
    if (unpriced) {
      const { currency } = unpriced.amount;
      return invalid(pathOf(index), `It is sold in ${currency}, but its units have no price there.`);
    }
  }
  return undefined;
}

export function allowanceText(allowance: FeatureAllowance): string {
  if (allowance.unlimited) return 'unlimited';
  const { limit, resetPeriod } = allowance;
  if (limit && resetPeriod === 'NEVER') return `${decimalText(limit)} in all`;
  if (limit) return `${decimalText(limit)} per ${resetPeriod?.toLowerCase() ?? 'period'}`;
  return allowance.value ?? 'yes';
}
