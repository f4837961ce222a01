import { compareDates, type LocalDate } from '../core/calendar';
import { parseDecimal } from '../core/decimal';
import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import { categoryPattern, countryPattern, regionPattern, type TaxRate } from './tax-rate';

export interface CreateTaxRateInput {
  readonly country: string;
  readonly region?: string | undefined;
  readonly category?: string | undefined;
  readonly name: string;
  readonly percent: string;
  readonly inclusive?: boolean | undefined;
  readonly validFrom: LocalDate;
  readonly validTo?: LocalDate | undefined;
}

export const createTaxRateRefusals = ['TAX_RATE_TAKEN', 'INVALID_INPUT'] as const;

/** A row of the rate table. From its first day on it stands before older rows of its place and category. */
export async function createTaxRate(
  tx: Pick<Tx, 'taxes' | 'partnerId' | 'newId' | 'now' | 'emit'>,
  input: CreateTaxRateInput,
): Promise<Result<{ taxRate: TaxRate }, (typeof createTaxRateRefusals)[number]>> {
  const { country, region, category, validFrom, validTo } = input;
  if (!countryPattern.test(country)) return invalid(['country'], 'Two letters of ISO 3166-1, e.g. DE.');
  if (region !== undefined && !regionPattern.test(region)) {
    return invalid(['region'], 'The part of ISO 3166-2 after the country, e.g. CA.');
  }
  if (category !== undefined && !categoryPattern.test(category)) {
    return invalid(['category'], 'Lower-case letters, digits, _ and -, at most 63.');
  }
  const name = parseLabel(input.name);
  if (!name) return invalid(['name'], 'A name has 1 to 200 printable characters.');
  const percent = parseDecimal(input.percent);
  if (!percent || percent.isNegative() || percent.greaterThan(100)) {
    return invalid(['percent'], 'A plain decimal from 0 to 100.');
  }
  if (validTo && compareDates(validTo, validFrom) <= 0) return invalid(['validTo'], 'After validFrom.');
  const taxRate: TaxRate = {
    id: tx.newId<'TaxRate'>(),
    partnerId: tx.partnerId,
    ...{ country, region, category, name, percent, validFrom, validTo },
    inclusive: input.inclusive ?? false,
    version: 1,
    createdAt: tx.now,
  };
  if (!(await tx.taxes.insertRate(taxRate))) {
    return refuse('TAX_RATE_TAKEN', 'A rate of this place and category begins on that day already.', {
      path: ['input', 'validFrom'],
    });
  }
  await tx.emit({ type: 'tax_rate.created', payload: { taxRate } });
  return done({ taxRate });
}
