import type { Feature } from '../catalog/feature';
import type { CurrencyCode } from '../core/currency';
import { type DecimalValue, decimal, decimalText } from '../core/decimal';
import { exactOf, multiply } from '../core/exact';
import { catalogSource, type OperandSource } from '../core/explain';
import { exactMinorUnitsOf } from '../core/money';
import type { EntitlementSource } from '../entitlements/entitlement';
import type { LineDraft, LineKind, TimeSpan } from '../invoicing/invoice';
import { explainPrice, type PriceModel, timingOf, type UnroundedPrice, unroundedPrice } from './price-model';
import type { RatedSource, UsageWay } from './usage-pieces';

/** What a document says about features. */
export interface Named {
  readonly currency: CurrencyCode;
  readonly features: ReadonlyMap<string, Pick<Feature, 'name' | 'unit'>>;
}

/** What a way costs: what one line is made of. */
export interface UsageCharge {
  readonly way: UsageWay;
  readonly source: RatedSource;
  readonly quantity: DecimalValue;
  readonly price: UnroundedPrice;
}

export type FlatPrice = Extract<PriceModel, { kind: 'FLAT' }>;

export function advanceModel({ price }: EntitlementSource): FlatPrice | undefined {
  return price?.inside?.kind === 'FLAT' && price.inside.inAdvance ? price.inside : undefined;
}

const nameOf = (source: EntitlementSource, { features }: Named) =>
  features.get(source.featureId)?.name ?? source.featureCode;

const sellerOf = ({ sourceKind, catalogId, sourceName: name }: EntitlementSource): OperandSource | undefined =>
  catalogSource(sourceKind === 'ADDON' ? 'ADDON' : 'PLAN', { catalogId, name }).source;

/** A price for whole windows, known before anything is used. */
export function priceOfWindows(
  model: FlatPrice,
  windows: number,
  source: EntitlementSource,
  named: Named,
): UnroundedPrice {
  const price = decimalText(model.amount);
  return {
    exact: multiply(exactMinorUnitsOf(model.amount, named.currency), exactOf(decimal(windows))),
    rule: 'USAGE_FLAT_IN_ADVANCE',
    formula: 'windows * price',
    operands: [
      { name: 'windows', value: String(windows), unit: 'windows', source: sellerOf(source) },
      { name: 'price', value: price, unit: named.currency },
    ],
    words: `${nameOf(source, named)} within ${source.sourceName}, in advance: ${windows} × ${price}`,
  };
}

/**
 * What a way costs; nothing where no source has a price for it. A price that is due in advance, and was not paid so because no bill was
 * made when its window began, is due with the window's first way.
 */
function chargeOfWay(way: UsageWay, paidInAdvance: readonly string[], named: Named): UsageCharge | undefined {
  const { price: model, source, part, quantity, opening } = way;
  if (!model || !source) return undefined;
  if (timingOf(model) === 'IN_ADVANCE') {
    const isOwed = opening && part === 'INSIDE' && !paidInAdvance.includes(source.sourceId);
    if (!isOwed) return undefined;
    return { way, source, quantity: decimal(1), price: priceOfWindows(model as FlatPrice, 1, source, named) };
  }
  const where = part === 'OVERAGE' ? 'beyond all limits, price of' : 'within';
  const price = unroundedPrice(model, way, named.currency, {
    name: `${nameOf(source, named)} ${where} ${source.sourceName}`,
    unit: named.features.get(way.featureId)?.unit || 'units',
    source: sellerOf(source),
  });
  return quantity.isZero() && price.exact.numerator === 0n ? undefined : { way, source, quantity, price };
}

/** Everything that these ways cost, each with its sum. */
export function chargesOf(
  ways: readonly UsageWay[],
  paidInAdvance: (way: UsageWay) => readonly string[],
  named: Named,
): UsageCharge[] {
  return ways.flatMap((way) => chargeOfWay(way, paidInAdvance(way), named) ?? []);
}

const kindOf = ({ part, source }: UsageWay): LineKind =>
  part === 'OVERAGE' ? 'OVERAGE' : source?.sourceKind === 'ADDON' ? 'ADDON_USAGE' : 'PLAN_USAGE';

export function usageLine(
  source: EntitlementSource,
  what: { readonly kind: LineKind; readonly description: string; readonly quantity: DecimalValue },
  covers: TimeSpan,
  price: UnroundedPrice,
  { currency }: Named,
): LineDraft {
  const { amount, explanation } = explainPrice(price, currency);
  return {
    ...what,
    source: { kind: source.sourceKind === 'ADDON' ? 'ADDON' : 'PLAN', id: source.sourceId },
    itemId: source.sourceId,
    ...{ amount, covers, explanation },
    period: covers,
    // What was used is never prorated.
    share: { basis: 'DAY', remaining: 1n, total: 1n },
  };
}

/** @param why before what it is for: that it came late */
export function lineOfCharge({ way, source, quantity, price }: UsageCharge, named: Named, why = ''): LineDraft {
  const beyond = way.part === 'OVERAGE' ? ' beyond all limits' : '';
  const description = `${why}${nameOf(source, named)}${beyond} (${source.sourceName})`;
  const words = `${why}${price.words}`;
  return usageLine(source, { kind: kindOf(way), description, quantity }, way.covers, { ...price, words }, named);
}
