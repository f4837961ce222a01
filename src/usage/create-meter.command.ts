import { findFeature } from '../catalog/find-catalog.query';
import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import { type Aggregation, defaultThresholds, type Meter, type MeterFilter } from './meter';

export interface CreateMeterInput {
  /** Id or code. */
  readonly feature: string;
  readonly aggregation: Aggregation;
  readonly eventType?: string | undefined;
  readonly valueProperty?: string | undefined;
  readonly uniqueProperty?: string | undefined;
  readonly filters?: readonly MeterFilter[] | undefined;
  readonly thresholds?: readonly number[] | undefined;
}

export const createMeterRefusals = [
  'FEATURE_NOT_FOUND',
  'FEATURE_NOT_METERED',
  'METER_EXISTS',
  'USAGE_EXISTS',
  'INVALID_INPUT',
] as const;
type Code = (typeof createMeterRefusals)[number];

const mostFilters = 10;
const mostFilterValues = 100;
const mostThresholds = 10;
const longestProperty = 100;

function filtersProblem(filters: readonly MeterFilter[]): boolean {
  return (
    filters.length > mostFilters ||
    filters.some(
      ({ property, values }) =>
        parseLabel(property, longestProperty) !== property ||
        values.length === 0 ||
        values.length > mostFilterValues ||
        values.some((value) => value.length > 200 || !value.isWellFormed()),
    )
  );
}

/** Says how a METERED feature is counted, before anything is: what was counted stays counted the way it was. */
export async function createMeter(
  tx: Pick<Tx, 'features' | 'meters' | 'partnerId' | 'now' | 'newId' | 'emit'>,
  input: CreateMeterInput,
): Promise<Result<{ meter: Meter }, Code>> {
  const feature = await findFeature(tx, input.feature);
  if (!feature) return refuse('FEATURE_NOT_FOUND', 'No such feature.', { path: ['input', 'feature'] });
  if (feature.kind !== 'METERED') {
    return refuse('FEATURE_NOT_METERED', `${feature.code} is ${feature.kind}: only METERED features are counted.`, {
      path: ['input', 'feature'],
    });
  }
  const { aggregation, valueProperty, uniqueProperty, filters = [], thresholds = defaultThresholds } = input;
  const eventType = input.eventType ?? feature.code;
  if (parseLabel(eventType) !== eventType) return invalid(['eventType'], 'A type has 1 to 200 printable characters.');
  const takesValue = aggregation !== 'COUNT' && aggregation !== 'UNIQUE_COUNT';
  if (valueProperty !== undefined && (!takesValue || parseLabel(valueProperty, longestProperty) !== valueProperty)) {
    return invalid(['valueProperty'], 'SUM, MAX and LATEST take a property of 1 to 100 characters.');
  }
  if (
    (aggregation === 'UNIQUE_COUNT') !== (uniqueProperty !== undefined) ||
    (uniqueProperty !== undefined && parseLabel(uniqueProperty, longestProperty) !== uniqueProperty)
  ) {
    return invalid(
      ['uniqueProperty'],
      'UNIQUE_COUNT, and nothing else, takes the property whose values are told apart.',
    );
  }
  if (filtersProblem(filters)) return invalid(['filters'], 'At most 10 properties with 1 to 100 values each.');
  if (
    thresholds.length > mostThresholds ||
    new Set(thresholds).size !== thresholds.length ||
    thresholds.some((percent) => !Number.isInteger(percent) || percent < 1 || percent > 1_000)
  ) {
    return invalid(['thresholds'], 'At most 10 different whole percentages from 1 to 1000.');
  }
  const meter: Meter = {
    id: tx.newId<'Meter'>(),
    partnerId: tx.partnerId,
    featureId: feature.id,
    ...{ aggregation, eventType, valueProperty, uniqueProperty },
    filters: filters.map(({ property, values }) => ({ property, values: [...values] })),
    thresholds: [...thresholds].sort((first, second) => first - second),
    createdAt: tx.now,
  };
  if (!(await tx.meters.insert(meter))) return refuse('METER_EXISTS', `${feature.code} has a meter already.`);
  if (await tx.meters.isCounted(tx.partnerId, feature.id)) {
    return refuse(
      'USAGE_EXISTS',
      `Usage of ${feature.code} has been counted already, by the quantities of its events.`,
    );
  }
  await tx.emit({ type: 'meter.created', payload: { meter } });
  return done({ meter });
}
