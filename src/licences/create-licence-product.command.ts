import { type AllowanceInput, parseAllowances } from '../catalog/allowance-input';
import { isFreeCode } from '../catalog/catalog-reference';
import { findFeature } from '../catalog/find-catalog.query';
import type { AmountInput } from '../catalog/price-input';
import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import type { LicenceProduct } from './licence-product';
import { parseTrial, parseYearlyPrices, pricedAllowance, type TrialInput } from './licence-product-input';

export interface CreateLicenceProductInput {
  readonly code: string;
  readonly name: string;
  readonly description?: string | undefined;
  /** For one seat and a whole year, one for each currency. */
  readonly yearlyPrices: readonly AmountInput[];
  readonly features?: readonly AllowanceInput[] | undefined;
  readonly trial?: TrialInput | undefined;
}

export const createLicenceProductRefusals = ['CODE_TAKEN', 'FEATURE_NOT_FOUND', 'INVALID_INPUT'] as const;

/** Something that a partner sells to organisations by the seat and the year. */
export async function createLicenceProduct(
  tx: Pick<Tx, 'licenceProducts' | 'features' | 'partnerId' | 'now' | 'newId' | 'emit'>,
  input: CreateLicenceProductInput,
): Promise<Result<{ product: LicenceProduct }, (typeof createLicenceProductRefusals)[number]>> {
  if (!isFreeCode('LicenceProduct', input.code)) {
    return invalid(['code'], 'A code is lower-case letters, digits, _ and -.');
  }
  const name = parseLabel(input.name);
  if (!name) return invalid(['name'], 'A name has 1 to 200 printable characters.');
  const prices = parseYearlyPrices(input.yearlyPrices);
  if (!prices.ok) return prices;
  const allowances = await parseAllowances(input.features ?? [], (text) => findFeature(tx, text), 'features');
  if (!allowances.ok) return allowances;
  const priced = pricedAllowance(allowances.value);
  if (priced) return priced;
  const trial = input.trial && parseTrial(input.trial);
  if (trial && !trial.ok) return trial;
  const product: LicenceProduct = {
    id: tx.newId<'LicenceProduct'>(),
    partnerId: tx.partnerId,
    code: input.code,
    name,
    description: parseLabel(input.description ?? '', 2_000) ?? '',
    status: 'ACTIVE',
    prices: prices.value.map((yearly) => ({ id: tx.newId(), yearly })),
    allowances: allowances.value,
    trial: trial?.value,
    version: 1,
    createdAt: tx.now,
  };
  if (!(await tx.licenceProducts.insert(product))) {
    return refuse('CODE_TAKEN', `There is a licence product ${input.code} already.`, { path: ['input', 'code'] });
  }
  await tx.emit({ type: 'licence_product.created', payload: { product } });
  return done({ product });
}
