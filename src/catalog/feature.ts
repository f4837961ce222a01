import type { Instant } from '../core/calendar';
import { type DecimalValue, isDecimalText } from '../core/decimal';
import type { Id } from '../core/ids';
import type { IntervalUnit } from '../core/period';
import type { CurrencyUsagePrice } from '../rating/price-model-input';

export const featureKinds = ['BOOLEAN', 'METERED', 'CONFIG'] as const;
/** BOOLEAN: may or may not. METERED: a limit per reset period. CONFIG: a value. */
export type FeatureKind = (typeof featureKinds)[number];

export const resetPeriods = ['NEVER', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR'] as const;
/** When a metered limit starts over, counted from the subscription's anchor; may be shorter than the billing interval. */
export type ResetPeriod = (typeof resetPeriods)[number];

/** Over which interval a limit starts over; `undefined`: it never does. */
export const resetInterval = (reset: ResetPeriod | undefined): IntervalUnit | undefined =>
  reset === 'NEVER' ? undefined : reset;

export interface Feature {
  readonly id: Id<'Feature'>;
  readonly partnerId: Id<'Partner'>;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  readonly kind: FeatureKind;
  /** METERED: what is counted, e.g. `calls`. */
  readonly unit?: string | undefined;
  /** CONFIG: the values from weakest to strongest; empty: numbers, the largest wins. */
  readonly valueOrder: readonly string[];
  readonly createdAt: Instant;
}

/** What one source (a plan version, an add-on, a grant) gives of one feature. */
export interface FeatureAllowance {
  readonly featureId: Id<'Feature'>;
  readonly unlimited: boolean;
  /** METERED, not unlimited: the limit per reset period. */
  readonly limit?: DecimalValue | undefined;
  /** METERED. */
  readonly resetPeriod?: ResetPeriod | undefined;
  /** CONFIG. */
  readonly value?: string | undefined;
  /** METERED: what units cost, one for each currency. Grants have none. */
  readonly usagePrices?: readonly CurrencyUsagePrice[] | undefined;
}

export type AllowanceProblem =
  | 'LIMIT_REQUIRED'
  | 'LIMIT_NOT_APPLICABLE'
  | 'RESET_PERIOD_REQUIRED'
  | 'VALUE_REQUIRED'
  | 'VALUE_NOT_APPLICABLE'
  | 'VALUE_UNKNOWN'
  | 'PRICES_NOT_APPLICABLE';

/** What is wrong with an allowance for a feature of this kind; `undefined`: nothing. */
export function allowanceProblem(feature: Feature, allowance: FeatureAllowance): AllowanceProblem | undefined {
  const hasLimit = allowance.unlimited || allowance.limit !== undefined;
  if (feature.kind === 'METERED') {
    if (!hasLimit || (allowance.unlimited && allowance.limit !== undefined)) return 'LIMIT_REQUIRED';
    if (allowance.value !== undefined) return 'VALUE_NOT_APPLICABLE';
    return allowance.resetPeriod === undefined ? 'RESET_PERIOD_REQUIRED' : undefined;
  }
  if (hasLimit || allowance.resetPeriod !== undefined) return 'LIMIT_NOT_APPLICABLE';
  if (allowance.usagePrices?.length) return 'PRICES_NOT_APPLICABLE';
  if (feature.kind === 'BOOLEAN') return allowance.value === undefined ? undefined : 'VALUE_NOT_APPLICABLE';
  if (allowance.value === undefined || allowance.value === '') return 'VALUE_REQUIRED';
  if (feature.valueOrder.length > 0) {
    return feature.valueOrder.includes(allowance.value) ? undefined : 'VALUE_UNKNOWN';
  }
  // What is compared when sources are merged; `007` is a number to others, and would stop every check of the feature.
  return isDecimalText(allowance.value) ? undefined : 'VALUE_UNKNOWN';
}
