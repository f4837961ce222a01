import { compareDates, type LocalDate } from '../core/calendar';
import { decodeId } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import type { Tx } from '../tx';
import type { TaxRate } from './tax-rate';

export interface EndTaxRateInput {
  readonly taxRateId: string;
  /** The first day on which it does not hold any more. */
  readonly validTo: LocalDate;
}

export const endTaxRateRefusals = ['TAX_RATE_NOT_FOUND', 'INVALID_INPUT'] as const;

/** Says when a rate ends. What it was charged on stays as it was issued. */
export async function endTaxRate(
  tx: Pick<Tx, 'taxes' | 'partnerId' | 'emit'>,
  input: EndTaxRateInput,
): Promise<Result<{ taxRate: TaxRate }, (typeof endTaxRateRefusals)[number]>> {
  const decoded = decodeId(input.taxRateId);
  const rate = decoded?.kind === 'TaxRate' ? await tx.taxes.lockRate(tx.partnerId, decoded.uuid) : undefined;
  if (!rate) return refuse('TAX_RATE_NOT_FOUND', 'No such tax rate.', { path: ['input', 'taxRateId'] });
  if (compareDates(input.validTo, rate.validFrom) <= 0) return invalid(['validTo'], 'After validFrom.');
  if (rate.validTo && compareDates(rate.validTo, input.validTo) === 0) return done({ taxRate: rate });
  const taxRate = await tx.taxes.endRate(rate, input.validTo);
  await tx.emit({ type: 'tax_rate.ended', payload: { taxRate } });
  return done({ taxRate });
}
