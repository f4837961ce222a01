import { type DecimalValue, decimal, decimalText } from '../core/decimal';
import { type EntitlementSource, limitOf } from '../entitlements/entitlement';

/**
 * Units of what is free that were used in a window which an act ended before its time. They count in the window that begins:
 * what was not paid for does not start over by an act.
 */
export interface Carried {
  /** Of plans and add-ons. */
  readonly sold: DecimalValue;
  /** Of grants and licences, which go on without a subscription. */
  readonly given: DecimalValue;
}

/** By feature. */
export type CarriedUsage = ReadonlyMap<string, Carried>;

/** As it is kept. */
export type StoredCarriedUsage = Readonly<Record<string, { readonly sold: string; readonly given: string }>>;

export const nothingCarried: CarriedUsage = new Map();
const none = decimal(0);

/** From which of both the units of a source are taken. */
export const carriedAs = ({ sourceKind }: Pick<EntitlementSource, 'sourceKind'>): keyof Carried =>
  sourceKind === 'GRANT' || sourceKind === 'LICENCE' ? 'given' : 'sold';

type Drawn = Pick<EntitlementSource, 'sourceKind' | 'free' | 'unlimited'> & {
  readonly limit: DecimalValue;
  readonly carried?: DecimalValue | undefined;
};

/** Sources in the order in which they are drawn from, each with what is left of it by what was carried into the window. */
export function lessCarried<S extends Drawn>(sources: readonly S[], carried: Carried | undefined): readonly S[] {
  if (!carried) return sources;
  const left = { sold: carried.sold, given: carried.given };
  return sources.map((source) => {
    if (!source.free || source.unlimited) return source;
    const kind = carriedAs(source);
    const taken = left[kind].lessThan(source.limit) ? left[kind] : source.limit;
    left[kind] = left[kind].minus(taken);
    return { ...source, limit: source.limit.minus(taken), carried: taken };
  });
}

/** How much of these was used before their window began: it counts as if it had been used in it. */
export function carriedInto(
  carried: CarriedUsage | undefined,
  featureId: string,
  sources: readonly EntitlementSource[],
): DecimalValue {
  const drawn = sources.map((source): Drawn => ({ ...source, limit: limitOf(source) }));
  return carriedOf(lessCarried(drawn, carried?.get(featureId)));
}

export const carriedOf = (sources: readonly Pick<Drawn, 'carried'>[]): DecimalValue =>
  sources.reduce((sum, { carried }) => sum.plus(carried ?? none), none);

export function carriedFromStored(stored: StoredCarriedUsage): CarriedUsage {
  return new Map(
    Object.entries(stored).map(([featureId, { sold, given }]) => [
      featureId,
      { sold: decimal(sold), given: decimal(given) },
    ]),
  );
}

export function carriedToStored(carried: CarriedUsage): StoredCarriedUsage {
  return Object.fromEntries(
    [...carried].map(([featureId, { sold, given }]) => [
      featureId,
      { sold: decimalText(sold), given: decimalText(given) },
    ]),
  );
}
