import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import { featureCodePattern, isFreeCode } from './catalog-reference';
import type { Feature, FeatureKind } from './feature';

export interface CreateFeatureInput {
  readonly code: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly kind: FeatureKind;
  readonly unit?: string | undefined;
  readonly valueOrder?: readonly string[] | undefined;
}

export const createFeatureRefusals = ['CODE_TAKEN', 'INVALID_INPUT'] as const;

/** Names a capability that plans, add-ons and grants can give. */
export async function createFeature(
  tx: Pick<Tx, 'features' | 'partnerId' | 'now' | 'newId' | 'emit'>,
  input: CreateFeatureInput,
): Promise<Result<{ feature: Feature }, (typeof createFeatureRefusals)[number]>> {
  if (!isFreeCode('Feature', input.code, featureCodePattern))
    return invalid(['code'], 'A code is lower-case letters, digits, . _ and -.');
  const name = parseLabel(input.name);
  if (!name) return invalid(['name'], 'A name has 1 to 200 printable characters.');
  if (input.valueOrder?.length && input.kind !== 'CONFIG')
    return invalid(['valueOrder'], 'Only configuration features have values.');
  const valueOrder = input.valueOrder ?? [];
  if (
    valueOrder.length > 100 ||
    new Set(valueOrder).size !== valueOrder.length ||
    valueOrder.some((value) => !parseLabel(value))
  ) {
    return invalid(['valueOrder'], 'At most 100 different values.');
  }
  const feature: Feature = {
    id: tx.newId<'Feature'>(),
    partnerId: tx.partnerId,
    code: input.code,
    name,
    description: parseLabel(input.description ?? '', 2_000) ?? '',
    kind: input.kind,
    unit: input.unit === undefined ? undefined : parseLabel(input.unit, 40),
    valueOrder,
    createdAt: tx.now,
  };
  if (!(await tx.features.insert(feature))) {
    return refuse('CODE_TAKEN', `There is a feature ${input.code} already.`, { path: ['input', 'code'] });
  }
  await tx.emit({ type: 'feature.created', payload: { feature } });
  return done({ feature });
}
