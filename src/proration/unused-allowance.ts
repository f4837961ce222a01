import { dateAt, earlierOf, type Instant, isBefore, laterOf, startOfDay, type TimeZone } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { type DecimalValue, decimal, decimalText } from '../core/decimal';
import { compareExact, divide, type Exact, exactOf, multiply, plus } from '../core/exact';
import type { Operand } from '../core/explain';
import type { Id } from '../core/ids';
import type { Period } from '../core/period';
import { type ProrationBasis, remainingShare, type Share, shareFraction } from '../core/proration';
import { type EntitlementSource, sourceKey } from '../entitlements/entitlement';
import { exactPrice } from '../rating/price-model';
import { rateUsage } from '../rating/rate-usage';
import type { RatedSource } from '../rating/usage-pieces';
import type { UsageWindow } from '../usage/meter';
import type { MeteringWindow } from '../usage/metering-window';

/**
 * What is left of what an item includes of one feature, in the time that it was charged for (billing rules §12, "a window that
 * ends early is worth what is left of it"). The window that counts now weighs as many days as it has of that time, the windows that have
 * not begun are whole, those before are over: (later + current × left / included) / total.
 */
export interface AllowanceLeft {
  readonly featureId: Id<'Feature'>;
  readonly featureCode: string;
  /** Units of one window. */
  readonly included: DecimalValue;
  readonly left: DecimalValue;
  /** Days (DAY) or milliseconds (SECOND), as the share of time counts them. */
  readonly current: bigint;
  readonly later: bigint;
  readonly total: bigint;
}

/** One METERED feature at an act. */
export interface FeatureUse {
  readonly window: Pick<MeteringWindow, 'start' | 'end'>;
  /** What it is drawn from just before the act, in that order. */
  readonly held: readonly RatedSource[];
  /** What it goes on to be drawn from in the same window; nothing where the act ends the window. */
  readonly after: readonly RatedSource[];
  readonly used: DecimalValue;
}

/** With what it was counted in, by the act. */
export interface CountedUse extends FeatureUse {
  readonly featureId: Id<'Feature'>;
  readonly counted: UsageWindow;
}

/** An item of which something may be credited, in the period that it is charged in. */
export interface CreditedItem {
  readonly itemId: string;
  readonly startedAt: Instant;
  readonly period: Period;
}

/** The act, and how its time is shared. */
interface How {
  readonly at: Instant;
  readonly basis: ProrationBasis;
  readonly timeZone: TimeZone;
  readonly currency: CurrencyCode;
}

const none = decimal(0);
const least = (one: DecimalValue, other: DecimalValue) => (one.lessThan(other) ? one : other);

/** Its units cost nothing by themselves: they are paid with the item. */
export function isPrepaid({ price, limit, unlimited }: RatedSource, currency: CurrencyCode): boolean {
  const model = price?.inside;
  // A flat fee for the whole is no price of a unit.
  if (!model || model.kind === 'FLAT') return true;
  const to = unlimited ? decimal(1_000_000) : limit;
  return exactPrice(model, { from: none, to, opening: false }, currency).numerator === 0n;
}

interface Spent {
  readonly included: DecimalValue;
  readonly gone: DecimalValue;
  /** It includes as much as is used. */
  readonly unlimited?: boolean;
}

/**
 * By item that ends: what it includes of the feature, and what of that was used up. Each unit that was used lies with the source
 * that it was drawn from; where the window goes on, what the sources after the act include bears the units first, and only what none of them does is used up, last drawn first.
 */
export function spentBy({ held, after, used }: FeatureUse, currency: CurrencyCode): ReadonlyMap<string, Spent> {
  const prepaid = (sources: readonly RatedSource[]) =>
    rateUsage(sources, none, used).flatMap(({ part, source, quantity }) =>
      part === 'INSIDE' && source && isPrepaid(source, currency) ? [{ source, quantity }] : [],
    );
  const total = (shares: readonly { readonly quantity: DecimalValue }[]) =>
    shares.reduce((sum, { quantity }) => sum.plus(quantity), none);
  const before = prepaid(held);
  const staying = new Set(after.map(({ sourceId }) => sourceId));
  const ending = held.filter((source) => !staying.has(source.sourceId));
  const drawn = new Map(before.map(({ source, quantity }) => [sourceKey(source), quantity]));
  let beyond = total(before).minus(total(prepaid(after)));
  const spent = new Map<string, Spent>();
  const unlimited = new Set(ending.filter((source) => source.unlimited).map(({ sourceId }) => sourceId));
  for (const source of ending.toReversed()) {
    if (!isPrepaid(source, currency)) continue;
    const gone = beyond.isPositive() ? least(drawn.get(sourceKey(source)) ?? none, beyond) : none;
    beyond = beyond.minus(gone);
    if (unlimited.has(source.sourceId)) {
      const all = gone.plus(spent.get(source.sourceId)?.gone ?? none);
      if (all.greaterThan(none)) spent.set(source.sourceId, { included: all, gone: all, unlimited: true });
      continue;
    }
    if (source.limit.isZero()) continue;
    const known = spent.get(source.sourceId) ?? { included: none, gone: none };
    spent.set(source.sourceId, { included: known.included.plus(source.limit), gone: known.gone.plus(gone) });
  }
  return spent;
}

export function allowanceFraction({ included, left, current, later, total }: AllowanceLeft): Exact {
  const now = multiply(exactOf(current), divide(exactOf(left), exactOf(included)));
  return divide(plus(exactOf(later), now), exactOf(total));
}

/**
 * Of what has no limit no share could be left. It is worth its time, and the day on which it began is used up with what was used of
 * it: else it could be had for nothing, a day at a time.
 */
function firstDayOf(
  { startedAt }: CreditedItem,
  { at, timeZone }: Pick<How, 'at' | 'timeZone'>,
): FeatureUse['window'] | undefined {
  const date = dateAt(startedAt, timeZone);
  if (!date.equals(dateAt(at, timeZone))) return undefined;
  return { start: startedAt, end: startOfDay(date.add({ days: 1 }), timeZone) };
}

/** The part of the period that a feature's current window has, and what comes after it. */
function weigh(
  { startedAt, period }: CreditedItem,
  window: FeatureUse['window'],
  { basis, timeZone }: Pick<How, 'basis' | 'timeZone'>,
): Pick<AllowanceLeft, 'current' | 'later' | 'total'> | undefined {
  const start = laterOf(laterOf(window.start, startedAt), period.start);
  const end = window.end ? earlierOf(window.end, period.end) : period.end;
  if (!isBefore(start, end)) return undefined;
  const from = remainingShare(basis, period, start, timeZone);
  const later = remainingShare(basis, period, end, timeZone).remaining;
  return { later, current: from.remaining - later, total: from.total };
}

/** The smallest share of an allowance that is left, by item; none where nothing of it was used up. */
export function smallestAllowances(
  items: readonly CreditedItem[],
  uses: readonly FeatureUse[],
  how: How,
): ReadonlyMap<string, AllowanceLeft> {
  const spent = uses.map((use) => ({ use, by: spentBy(use, how.currency) }));
  return new Map(
    items.flatMap((item) => {
      const shares = spent.flatMap(({ use, by }): AllowanceLeft[] => {
        const own = by.get(item.itemId);
        if (!own?.gone.greaterThan(none)) return [];
        const window = own.unlimited ? firstDayOf(item, how) : use.window;
        const weight = window && weigh(item, window, how);
        const { featureId, featureCode } = use.held[0]!;
        return weight
          ? [{ featureId, featureCode, included: own.included, left: own.included.minus(own.gone), ...weight }]
          : [];
      });
      const [first, ...others] = shares;
      if (!first) return [];
      const smallest = others.reduce(
        (found, one) => (compareExact(allowanceFraction(one), allowanceFraction(found)) < 0 ? one : found),
        first,
      );
      return [[item.itemId, smallest] as const];
    }),
  );
}

/** What one of these items includes of a METERED feature: with a limit, or on the day on which the item began. */
export const mayBeUsedUp = (
  source: EntitlementSource,
  items: readonly CreditedItem[],
  how: Pick<How, 'at' | 'timeZone'>,
) =>
  source.kind === 'METERED' &&
  items.some((item) => item.itemId === source.sourceId && (!source.unlimited || firstDayOf(item, how) !== undefined));

/** Shares are kept as whole numbers: of one that has no end, no more than a millionth is left out. */
const finest = 1_000_000n;

/** The share that a credit goes by: what coupons gave goes back by it too. */
export function creditedShare(share: Share, allowance: AllowanceLeft | undefined): Share {
  const exact = allowance && allowanceFraction(allowance);
  if (!exact || compareExact(exact, shareFraction(share)) >= 0) return share;
  const { numerator, denominator } = exact;
  const fine = denominator <= finest;
  return {
    basis: share.basis,
    remaining: fine ? numerator : (numerator * finest) / denominator,
    total: fine ? denominator : finest,
  };
}

/** The part of a full price that is left, and why: a formula, its operands, and words. */
export interface UnusedShare {
  readonly exact: Exact;
  readonly formula: string;
  readonly operands: readonly Operand[];
  readonly text: string;
  /** Which share decided, where there are two. */
  readonly why: string;
  readonly byAllowance: boolean;
}

/** The share of time that is left, or that of an allowance where that is smaller. */
export function unusedShare(share: Share, allowance: AllowanceLeft | undefined): UnusedShare {
  const time = shareFraction(share);
  const timeText = `${share.remaining}/${share.total}`;
  if (!allowance)
    return { exact: time, formula: 'remaining / total', operands: [], text: timeText, why: '', byAllowance: false };
  const { featureId, featureCode, included, left, current, later, total } = allowance;
  const units = (name: string, value: DecimalValue): Operand => ({
    ...{ name, value: decimalText(value), unit: 'units' },
    source: { kind: 'FEATURE', id: featureId, name: featureCode },
  });
  const days = (name: string, value: bigint): Operand => ({
    ...{ name, value: value.toString(), unit: share.basis === 'SECOND' ? 'milliseconds' : 'days' },
  });
  const whole = later === 0n && current === total;
  const part = `${decimalText(left)}/${decimalText(included)}`;
  const text = whole ? part : `(${later} + ${current} × ${part})/${total}`;
  const exact = allowanceFraction(allowance);
  const decides = compareExact(exact, time) < 0;
  return {
    exact: decides ? exact : time,
    formula: `min(remaining / total, ${whole ? 'left / included' : '(later + current * left / included) / total'})`,
    operands: [
      units('left', left),
      units('included', included),
      ...(whole ? [] : [days('later', later), days('current', current)]),
    ],
    text: decides ? text : timeText,
    byAllowance: decides,
    why: decides
      ? ` (what is left of ${featureCode}, less than ${timeText} of the time)`
      : ` (of the time, not more than the ${text} that is left of ${featureCode})`,
  };
}
