import { findAddon, findPlan } from '../catalog/find-catalog.query';
import { done, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import type { Tx } from '../tx';
import { categoryPattern, type TaxedItemKind } from './tax-rate';

export interface SetTaxCategoryInput {
  readonly kind: TaxedItemKind;
  /** Id or code. */
  readonly item: string;
  /** None: like everything else. */
  readonly category?: string | undefined;
}

export const setTaxCategoryRefusals = ['PLAN_NOT_FOUND', 'ADDON_NOT_FOUND', 'INVALID_INPUT'] as const;

/** Says what a plan or add-on is for the tax office. What was issued stays as it is. */
export async function setTaxCategory(
  tx: Pick<Tx, 'taxes' | 'plans' | 'addons' | 'partnerId' | 'emit'>,
  input: SetTaxCategoryInput,
): Promise<Result<{ category: string | undefined }, (typeof setTaxCategoryRefusals)[number]>> {
  const { kind, item, category } = input;
  if (category !== undefined && !categoryPattern.test(category)) {
    return invalid(['category'], 'Lower-case letters, digits, _ and -, at most 63.');
  }
  const found = kind === 'PLAN' ? await findPlan(tx, item) : await findAddon(tx, item);
  if (!found) {
    const path = ['input', 'item'];
    return kind === 'PLAN'
      ? refuse('PLAN_NOT_FOUND', 'No such plan.', { path })
      : refuse('ADDON_NOT_FOUND', 'No such add-on.', { path });
  }
  await tx.taxes.setCategory(tx.partnerId, { kind, id: found.id }, category);
  await tx.emit({ type: 'tax_category.changed', payload: { kind, id: found.id, category } });
  return done({ category });
}
