import { type AllowanceInput, parseAllowances } from '../catalog/allowance-input';
import { findFeature } from '../catalog/find-catalog.query';
import type { CatalogStatus } from '../catalog/plan';
import type { AmountInput } from '../catalog/price-input';
import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import { findLicenceProduct } from './find-licence-product.query';
import type { LicenceProduct } from './licence-product';
import { parseTrial, parseYearlyPrices, pricedAllowance, type TrialInput } from './licence-product-input';

export interface UpdateLicenceProductInput {
  readonly product: string;
  readonly expectedVersion?: number | undefined;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** All prices from now on; purchases that are open keep theirs. */
  readonly yearlyPrices?: readonly AmountInput[] | undefined;
  readonly features?: readonly AllowanceInput[] | undefined;
  /** `null`: it can no longer be tried. */
  readonly trial?: TrialInput | null | undefined;
  readonly status?: CatalogStatus | undefined;
}

export const updateLicenceProductRefusals = [
  'LICENCE_PRODUCT_NOT_FOUND',
  'FEATURE_NOT_FOUND',
  'VERSION_CONFLICT',
  'INVALID_INPUT',
] as const;

export async function updateLicenceProduct(
  tx: Pick<Tx, 'licenceProducts' | 'features' | 'partnerId' | 'now' | 'newId' | 'emit'>,
  input: UpdateLicenceProductInput,
): Promise<Result<{ product: LicenceProduct }, (typeof updateLicenceProductRefusals)[number]>> {
  const product = await findLicenceProduct(tx, input.product);
  if (!product) return refuse('LICENCE_PRODUCT_NOT_FOUND', 'No such licence product.', { path: ['input', 'product'] });
  const name = input.name === undefined ? product.name : parseLabel(input.name);
  if (!name) return invalid(['name'], 'A name has 1 to 200 printable characters.');
  const prices = input.yearlyPrices && parseYearlyPrices(input.yearlyPrices);
  if (prices && !prices.ok) return prices;
  const allowances =
    input.features && (await parseAllowances(input.features, (text) => findFeature(tx, text), 'features'));
  if (allowances && !allowances.ok) return allowances;
  const priced = pricedAllowance(allowances?.value ?? []);
  if (priced) return priced;
  const trial = input.trial && parseTrial(input.trial);
  if (trial && !trial.ok) return trial;
  const { description } = input;
  const updated: LicenceProduct = {
    ...product,
    name,
    description: description === undefined ? product.description : (parseLabel(description, 2_000) ?? ''),
    status: input.status ?? product.status,
    prices: prices ? prices.value.map((yearly) => ({ id: tx.newId(), yearly })) : product.prices,
    allowances: allowances ? allowances.value : product.allowances,
    trial: input.trial === undefined ? product.trial : trial?.value,
  };
  if ((input.expectedVersion ?? product.version) !== product.version) {
    return refuse('VERSION_CONFLICT', 'The licence product was changed meanwhile.', {
      facts: { expectedVersion: input.expectedVersion, currentVersion: product.version },
    });
  }
  // Another request was faster: decide again from what it left.
  if (!(await tx.licenceProducts.update(updated))) return updateLicenceProduct(tx, input);
  const { partnerId, id } = product;
  if (prices) await tx.licenceProducts.replacePrices(partnerId, id, updated.prices, tx.now);
  if (allowances) await tx.licenceProducts.replaceAllowances(partnerId, id, updated.allowances);
  const saved = { ...updated, version: product.version + 1 };
  await tx.emit({ type: 'licence_product.updated', payload: { product: saved } });
  return done({ product: saved });
}
