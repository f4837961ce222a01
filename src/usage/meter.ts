import type { Instant } from '../core/calendar';
import { type DecimalValue, decimal } from '../core/decimal';
import type { Id } from '../core/ids';
import { quantityOf, type UsageEvent } from './usage-event';

/** Half-open. */
export interface UsageWindow {
  readonly start: Instant;
  readonly end: Instant;
}

/** How much was used of a feature in a window? */
export interface UsageAsked {
  readonly featureId: string;
  readonly window: UsageWindow;
}

export const aggregations = ['SUM', 'COUNT', 'MAX', 'UNIQUE_COUNT', 'LATEST'] as const;
/** What the events of a window come to. */
export type Aggregation = (typeof aggregations)[number];

/** An event counts where this property is one of these values. */
export interface MeterFilter {
  readonly property: string;
  readonly values: readonly string[];
}

/** How a METERED feature is counted. */
export interface Meter {
  readonly id: Id<'Meter'>;
  readonly partnerId: Id<'Partner'>;
  readonly featureId: Id<'Feature'>;
  readonly aggregation: Aggregation;
  readonly eventType: string;
  /** SUM, MAX, LATEST: the property that holds the value; none: the event's quantity. */
  readonly valueProperty?: string | undefined;
  /** UNIQUE_COUNT: whose values are told apart. */
  readonly uniqueProperty?: string | undefined;
  readonly filters: readonly MeterFilter[];
  /** Percent of the limit. */
  readonly thresholds: readonly number[];
  readonly createdAt: Instant;
}

/** What counting needs to know of a feature, whether it has a meter of its own or not. */
export type Counting = Omit<Meter, 'id' | 'partnerId' | 'createdAt'> & { readonly featureCode: string };

export const defaultThresholds = [80, 100] as const;

/** What one event counts for one feature. */
export interface Measured {
  readonly featureId: string;
  readonly event: UsageEvent;
  readonly value: DecimalValue;
  readonly unique?: string | undefined;
}

const one = decimal(1);
export const longestUniqueValue = 200;

/** What the event counts: `undefined`: the filters leave it out; a text: why it cannot be counted. */
export function measure(counting: Counting, event: UsageEvent): Measured | string | undefined {
  const { featureId, aggregation, filters, valueProperty, uniqueProperty } = counting;
  for (const { property, values } of filters) {
    const value = propertyText(event, property);
    if (value === undefined || !values.includes(value)) return undefined;
  }
  if (aggregation === 'UNIQUE_COUNT') {
    const unique = propertyText(event, uniqueProperty!);
    if (unique === undefined || unique === '' || unique.length > longestUniqueValue) {
      return `data.${uniqueProperty} is what is told apart: 1 to ${longestUniqueValue} characters.`;
    }
    return { featureId, event, value: one, unique };
  }
  if (aggregation === 'COUNT') return { featureId, event, value: one };
  if (valueProperty === undefined) return { featureId, event, value: event.quantity ?? one };
  const value = quantityOf(event.data?.[valueProperty]);
  return value
    ? { featureId, event, value }
    : `data.${valueProperty} is what is counted: a decimal that is not negative.`;
}

function propertyText(event: UsageEvent, property: string): string | undefined {
  const value = event.data && Object.hasOwn(event.data, property) ? event.data[property] : undefined;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}
