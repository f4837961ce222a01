import { least } from '../core/money';

/** The part of an item's account that one invoice line asked for. Minor units. */
export interface Lot {
  /** `undefined`: no invoice asks for it, it was paid in another way. */
  readonly originLineId?: string | undefined;
  /** Without the tax that came on top. */
  readonly amount: bigint;
  readonly tax: bigint;
}

/** Half away from zero, of what is not negative. */
const shareOf = (whole: bigint, part: bigint, of: bigint): bigint => (2n * whole * part + of) / (2n * of);

/** Takes an amount out of lots, the first ones first, and with it its part of the tax. What no lot holds has no line. */
export function takeFromLots(
  lots: readonly Lot[],
  wanted: { readonly amount: bigint; readonly tax: bigint },
): { readonly taken: Lot[]; readonly left: Lot[] } {
  let { amount, tax } = wanted;
  const taken: Lot[] = [];
  const left: Lot[] = [];
  for (const lot of lots) {
    const part = least(amount, lot.amount);
    if (part <= 0n) {
      left.push(lot);
      continue;
    }
    const taxPart = shareOf(tax, part, amount);
    taken.push({ ...lot, amount: part, tax: taxPart });
    left.push({ ...lot, amount: lot.amount - part, tax: lot.tax - taxPart });
    amount -= part;
    tax -= taxPart;
  }
  if (amount !== 0n || tax !== 0n) taken.push({ amount, tax });
  return { taken, left: left.filter(({ amount: rest, tax: taxRest }) => rest !== 0n || taxRest !== 0n) };
}

/** What stands by the invoice lines that asked for it, in the order of the movements. */
export function lotsOf(movements: readonly Lot[]): Lot[] {
  const byLine = new Map<string | undefined, { amount: bigint; tax: bigint }>();
  for (const { originLineId, amount, tax } of movements) {
    const lot = byLine.get(originLineId) ?? { amount: 0n, tax: 0n };
    byLine.set(originLineId, { amount: lot.amount + amount, tax: lot.tax + tax });
  }
  const lots = [...byLine].map(([originLineId, lot]) => ({ originLineId, ...lot }));
  const unnamed = lots.find(({ originLineId }) => originLineId === undefined);
  if (!unnamed || unnamed.amount >= 0n) return lots.filter(({ amount, tax }) => amount !== 0n || tax !== 0n);
  // Written by a version that named no lines: it can only have taken from what stood there.
  const others = lots.filter((lot) => lot !== unnamed);
  return takeFromLots(others, { amount: -unnamed.amount, tax: -unnamed.tax }).left;
}

/** The one invoice line that asked for all of it. `undefined`: none, or several, after a change for which no money moved. */
export function onlyLineOf(lots: readonly Lot[]): string | undefined {
  const [first, ...others] = new Set(lots.map(({ originLineId }) => originLineId));
  return others.length === 0 ? first : undefined;
}
