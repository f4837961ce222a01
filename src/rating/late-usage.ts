import { type Instant, isBefore, isSameInstant } from '../core/calendar';
import { decimal } from '../core/decimal';
import { groupBy } from '../core/group';
import { add, type Money, money, negate, roundToMoney, sum, zero } from '../core/money';
import type { EntitlementSource } from '../entitlements/entitlement';
import type { LineDraft } from '../invoicing/invoice';
import type { MeteringSpan } from '../usage/metering-window';
import type { BilledCharge, BilledWindow } from './billed-usage';
import { lessBilled } from './price-model';
import { chargesOf, lineOfCharge, type Named, type UsageCharge } from './usage-charge';
import { type Counts, drawBills, piecesOfWindow, type UsagePiece } from './usage-pieces';

/** A window that was billed and has grown since, or whose bill was voided. */
export interface GrownWindow {
  readonly window: BilledWindow;
  /** Its pieces bill by bill, with the sources that held then. */
  readonly bills: readonly { readonly until: Instant; readonly pieces: readonly UsagePiece[] }[];
}

export function grownWindow(
  window: BilledWindow,
  sources: readonly EntitlementSource[],
  spans: readonly MeteringSpan[],
): GrownWindow {
  const { start, end, until, boundaries } = window;
  const edges = boundaries.length > 0 ? boundaries : [start, until];
  // By its first instant's span, as every window that something is carried into.
  const span = spans.find((one) => isSameInstant(one.start, start));
  const counted = { start, end, carried: span?.carried };
  return {
    window,
    bills: edges.slice(1).map((edge, index) => ({
      until: edge,
      pieces: piecesOfWindow(counted, sources, { start: edges[index]!, end: edge }),
    })),
  };
}

interface Rated {
  readonly until: Instant;
  readonly charge: UsageCharge;
}

const chargeKey = (
  until: Instant,
  { sourceId, catalogId, part }: Pick<BilledCharge, 'sourceId' | 'catalogId' | 'part'>,
) => `${until.epochMilliseconds} ${sourceId} ${catalogId} ${part}`;

const keyOfRated = ({ until, charge: { source, way } }: Rated) =>
  chargeKey(until, { sourceId: source.sourceId, catalogId: source.catalogId, part: way.part });

/** The charges of a window as if every event had come in time, bill by bill, and its count. */
function rate({ window, bills }: GrownWindow, counts: Counts, named: Named) {
  const each = drawBills(
    bills.map(({ pieces }) => pieces),
    counts,
  );
  const rated = each.flatMap(({ ways }, bill): Rated[] => {
    const { until } = bills[bill]!;
    return chargesOf(ways, () => window.paidInAdvance, named).map((charge) => ({ until, charge }));
  });
  return { rated, count: each.flatMap(({ ends }) => [...ends.values()]).at(-1) };
}

/** What was billed before its charges were kept: the same window with no more than the count that was billed. */
function billedByCount(grown: GrownWindow, counts: Counts, named: Named): BilledCharge[] {
  const { subscriptionId, featureId, start: windowStart, quantity: most } = grown.window;
  const capped: Counts = (asked) => {
    const count = counts(asked);
    return count.greaterThan(most) ? most : count;
  };
  return rate(grown, capped, named).rated.map(({ until, charge: { source, way, quantity, price } }) => ({
    ...{ subscriptionId, featureId, windowStart, until, quantity },
    ...{ sourceId: source.sourceId, catalogId: source.catalogId, part: way.part },
    amount: roundToMoney(price.exact, named.currency),
  }));
}

/** What is still to be charged of a source's part of a window. */
interface Difference {
  readonly rated: Rated | undefined;
  readonly record: BilledCharge;
  /** All that it costs in other lines, and what was billed of it. */
  readonly before: Money;
}

function differencesOf(
  window: BilledWindow,
  rated: readonly Rated[],
  billed: readonly BilledCharge[],
  { currency }: Named,
): Difference[] {
  const now = groupBy(rated, keyOfRated);
  const before = groupBy(
    billed.filter(({ part }) => part !== 'ADVANCE'),
    (charge) => chargeKey(charge.until, charge),
  );
  return [...new Set([...now.keys(), ...before.keys()])].map((key) => {
    const charged = now.get(key) ?? [];
    const paid = before.get(key) ?? [];
    const last = charged.at(-1);
    const others = charged.slice(0, -1).map(({ charge }) => roundToMoney(charge.price.exact, currency));
    const billedBefore = sum([...paid.map(({ amount }) => amount), ...others.map(negate)], currency);
    const whole = last ? roundToMoney(last.charge.price.exact, currency) : zero(currency);
    const quantity = charged.reduce((total, { charge }) => total.plus(charge.quantity), decimal(0));
    const { source, way } = last?.charge ?? {};
    const { subscriptionId, featureId, start: windowStart } = window;
    return {
      rated: last,
      before: billedBefore,
      record: {
        ...{ subscriptionId, featureId, windowStart },
        until: last?.until ?? paid[0]!.until,
        sourceId: source?.sourceId ?? paid[0]!.sourceId,
        catalogId: source?.catalogId ?? paid[0]!.catalogId,
        part: way?.part ?? paid[0]!.part,
        quantity: paid.reduce((rest, { quantity: one }) => rest.minus(one), quantity),
        amount: add(whole, negate(billedBefore)),
      },
    };
  });
}

/** The lines of what is left to be charged, the largest bearing what a late event has moved away from other sources. */
function linesOf(differences: readonly Difference[], window: BilledWindow, named: Named): LineDraft[] {
  const owed = differences
    .filter(({ record }) => record.amount.minor > 0n)
    .map((difference, place) => ({ ...difference, place }));
  let moved = differences.reduce(
    (total, { record }) => total + (record.amount.minor < 0n ? -record.amount.minor : 0n),
    0n,
  );
  const bySize = [...owed].sort((one, two) => (one.record.amount.minor < two.record.amount.minor ? 1 : -1));
  const lines = bySize.flatMap(({ rated, record, before, place }) => {
    const taken = moved < record.amount.minor ? moved : record.amount.minor;
    moved -= taken;
    if (taken === record.amount.minor) return [];
    const { charge } = rated!;
    const quantity = record.quantity.isNegative() ? decimal(0) : record.quantity;
    const price = lessBilled(charge.price, add(before, money(taken, named.currency)));
    const why = window.reopened ? 'Billed again: ' : 'Late usage: ';
    return [{ place, line: lineOfCharge({ ...charge, quantity, price }, named, why) }];
  });
  return lines.sort((one, two) => one.place - two.place).map(({ line }) => line);
}

export interface LateUsage {
  readonly lines: readonly LineDraft[];
  readonly charges: readonly BilledCharge[];
  readonly window: BilledWindow;
}

/**
 * What a window costs with the events that came late, less what was billed of it: each event is priced by what held when it
 * happened, and the whole is to the cent what it would have been had all come in time. Nothing is given back where that is
 * less, as with a count that falls.
 */
export function lateUsage(
  grown: GrownWindow,
  counts: Counts,
  billed: readonly BilledCharge[],
  named: Named,
): LateUsage {
  const { window } = grown;
  const { rated, count } = rate(grown, counts, named);
  const before = window.boundaries.length > 0 ? billed : billedByCount(grown, counts, named);
  const differences = differencesOf(window, rated, before, named);
  const total = sum(
    differences.map(({ record }) => record.amount),
    named.currency,
  );
  const isOwed = total.minor > 0n;
  return {
    lines: isOwed ? linesOf(differences, window, named) : [],
    charges: isOwed ? differences.map(({ record }) => record).filter(hasMoved) : [],
    window: {
      ...window,
      quantity: count?.greaterThan(window.quantity) ? count : window.quantity,
      reopened: false,
    },
  };
}

const hasMoved = ({ amount, quantity }: BilledCharge) => amount.minor !== 0n || !quantity.isZero();

/** May something be owed for it? */
export function hasGrown(window: BilledWindow, counts: Counts): boolean {
  const { featureId, start, until } = window;
  if (window.reopened) return true;
  return isBefore(start, until) && counts({ featureId, window: { start, end: until } }).greaterThan(window.quantity);
}
