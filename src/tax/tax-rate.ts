import { compareDates, type Instant, type LocalDate } from '../core/calendar';
import type { DecimalValue } from '../core/decimal';
import type { Id } from '../core/ids';
import type { AppliedRate, TaxDecision, TaxTreatment } from './tax';

/** One row of a partner's rate table. All but its end is fixed for good: a new rate is a new row. */
export interface TaxRate {
  readonly id: Id<'TaxRate'>;
  readonly partnerId: Id<'Partner'>;
  /** ISO 3166-1, e.g. DE. */
  readonly country: string;
  /** ISO 3166-2 without the country, e.g. CA of US-CA; none: the whole country. */
  readonly region?: string | undefined;
  /** A category of goods; none: every category without a rate of its own. */
  readonly category?: string | undefined;
  readonly name: string;
  readonly percent: DecimalValue;
  readonly inclusive: boolean;
  readonly validFrom: LocalDate;
  /** The first day on which it does not hold any more. */
  readonly validTo?: LocalDate | undefined;
  readonly version: number;
  readonly createdAt: Instant;
}

export const taxedItemKinds = ['PLAN', 'ADDON'] as const;
export type TaxedItemKind = (typeof taxedItemKinds)[number];

/** What may have a category of its own. */
export interface TaxedItem {
  readonly kind: TaxedItemKind;
  readonly id: string;
}

export const countryPattern = /^[A-Z]{2}$/;
export const regionPattern = /^[A-Z0-9]{1,3}$/;
export const categoryPattern = /^[a-z][a-z0-9_-]{0,62}$/;

/** Does it hold in this place on this day? */
export function holds(
  rate: Pick<TaxRate, 'country' | 'region' | 'validFrom' | 'validTo'>,
  place: { readonly country: string; readonly region?: string | undefined },
  date: LocalDate,
): boolean {
  return (
    rate.country === place.country &&
    (rate.region === undefined || rate.region === place.region) &&
    compareDates(rate.validFrom, date) <= 0 &&
    (rate.validTo === undefined || compareDates(date, rate.validTo) < 0)
  );
}

/** A region's rate before its country's; of two of one place the one that began later. */
function isCloser(first: TaxRate, second: TaxRate): boolean {
  if ((first.region === undefined) !== (second.region === undefined)) return first.region !== undefined;
  return compareDates(first.validFrom, second.validFrom) > 0;
}

/**
 * One rate for each category: the closest one that holds. A category without a row of its own has the general rate; a
 * region's general rate stands before the country's rate of a category, for it is the law of the place.
 */
export function decideRates(
  rates: readonly TaxRate[],
  place: { readonly country: string; readonly region?: string | undefined } | undefined,
  date: LocalDate,
  treatment: TaxTreatment,
  note: string | undefined,
): TaxDecision {
  const closest = new Map<string, TaxRate>();
  if (treatment === 'TAXABLE' && place) {
    for (const rate of rates) {
      if (!holds(rate, place, date)) continue;
      const known = closest.get(rate.category ?? '');
      if (!known || isCloser(rate, known)) closest.set(rate.category ?? '', rate);
    }
    const general = closest.get('');
    for (const [category, rate] of closest) {
      if (general?.region !== undefined && rate.region === undefined) closest.set(category, general);
    }
  }
  return {
    treatment,
    note,
    rates: new Map(
      [...closest].map(([category, { id, name, percent, inclusive }]): [string, AppliedRate] => [
        category,
        { id, name, percent, inclusive },
      ]),
    ),
  };
}
