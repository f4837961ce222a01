import { earlierOf, type Instant, isAtOrBefore, isBefore, isSameInstant, laterOf } from '../core/calendar';
import { type DecimalValue, decimal } from '../core/decimal';
import type { Id } from '../core/ids';
import { type EntitlementSource, inDrawOrder, isActiveAt, limitOf, sourceKey } from '../entitlements/entitlement';
import type { TimeSpan } from '../invoicing/invoice';
import { lessCarried } from '../usage/carried-usage';
import { type MeteringSpan, type MeteringWindow, windowAt, windowsBetween } from '../usage/metering-window';
import { usagePriceText } from './price-model-input';
import { rateUsage, type UsageShare } from './rate-usage';

export interface CountAsked {
  readonly featureId: Id<'Feature'>;
  readonly window: TimeSpan;
}

/** What each window came to. */
export type Counts = (asked: CountAsked) => DecimalValue;

export const countKey = ({ featureId, window }: CountAsked) =>
  `${featureId} ${window.start.epochMilliseconds} ${window.end.epochMilliseconds}`;

/** What a feature's windows are cut from. */
export interface UsageSchedule {
  readonly subscriptionId: Id<'Subscription'>;
  /** All of the subscription's, in order. */
  readonly spans: readonly MeteringSpan[];
}

/** With the limit of all its units. */
export interface RatedSource extends EntitlementSource {
  readonly limit: DecimalValue;
  /** So much more, which was used before its window began. */
  readonly carried?: DecimalValue | undefined;
}

/** A time within one window in which a feature's sources stay the same. */
export interface UsagePiece {
  readonly featureId: Id<'Feature'>;
  readonly window: Pick<MeteringWindow, 'start' | 'end' | 'carried'>;
  readonly start: Instant;
  readonly end: Instant;
  readonly sources: readonly RatedSource[];
}

/** A trial is free, and outside of a subscription there is nothing to bill. */
export const isBillable = ({ span }: MeteringWindow) => span !== undefined && !span.trial;

/** With what of it was used before its window began. */
export const wholeLimit = ({ limit, carried }: Pick<RatedSource, 'limit' | 'carried'>): DecimalValue =>
  carried ? limit.plus(carried) : limit;

export const drawn = (sources: readonly EntitlementSource[]): RatedSource[] =>
  inDrawOrder(sources).map((source) => ({ ...source, limit: limitOf(source) }));

interface Held {
  readonly time: TimeSpan;
  readonly sources: readonly RatedSource[];
}

/** A time, cut where a feature's sources change; what nothing gives is left out. */
function cutBySources(sources: readonly EntitlementSource[], time: TimeSpan): Held[] {
  const edges = [time.start, time.end, ...sources.flatMap(({ startsAt, endsAt }) => [startsAt, endsAt ?? startsAt])]
    .filter((edge) => isAtOrBefore(time.start, edge) && isAtOrBefore(edge, time.end))
    .sort((first, second) => first.epochMilliseconds - second.epochMilliseconds);
  return edges.flatMap((end, index) => {
    const start = edges[index - 1];
    if (!start || isSameInstant(start, end)) return [];
    const active = drawn(sources.filter((source) => isActiveAt(source, start)));
    return active.length > 0 ? [{ time: { start, end }, sources: active }] : [];
  });
}

/** A feature's time, cut where a window starts over and where its sources change. */
export function piecesOf(
  { spans }: UsageSchedule,
  sources: readonly EntitlementSource[],
  time: TimeSpan,
  isMeant: (window: MeteringWindow) => boolean = isBillable,
): UsagePiece[] {
  return cutBySources(sources, time).flatMap(({ time: held, sources: active }) => {
    const { featureId, resetPeriod } = active[0]!;
    return [...windowsBetween(spans, resetPeriod, held)].filter(isMeant).flatMap((window) => {
      const start = laterOf(held.start, window.start);
      const end = window.end ? earlierOf(held.end, window.end) : held.end;
      const left = lessCarried(active, window.carried?.get(featureId));
      return isBefore(start, end) ? [{ featureId, window, start, end, sources: left }] : [];
    });
  });
}

/** A time of one window, cut where its sources change. */
export function piecesOfWindow(
  window: UsagePiece['window'],
  sources: readonly EntitlementSource[],
  time: TimeSpan,
): UsagePiece[] {
  return cutBySources(sources, time).map(({ time: { start, end }, sources: active }) => {
    const { featureId } = active[0]!;
    return { featureId, window, start, end, sources: lessCarried(active, window.carried?.get(featureId)) };
  });
}

/** The window that a feature is in at an instant, a trial's too, and its pieces up to its end or to another instant. */
export function currentPieces(
  schedule: UsageSchedule,
  sources: readonly EntitlementSource[],
  now: Instant,
  until: Instant,
): { readonly window: MeteringWindow; readonly pieces: readonly UsagePiece[] } | undefined {
  const active = inDrawOrder(sources.filter((source) => isActiveAt(source, now)))[0];
  if (!active) return undefined;
  const window = windowAt(schedule.spans, active.resetPeriod, now);
  const time = { start: window.start, end: window.end ? earlierOf(window.end, until) : until };
  const isCurrent = ({ start }: MeteringWindow) => isSameInstant(start, window.start);
  return { window, pieces: piecesOf(schedule, sources, time, isCurrent) };
}

/** What has to be counted to draw the usage of these pieces. */
export function countsOf(pieces: readonly UsagePiece[]): CountAsked[] {
  return pieces.flatMap(({ featureId, window, start, end }) =>
    [start, end]
      .filter((at) => isBefore(window.start, at))
      .map((at) => ({ featureId, window: { start: window.start, end: at } })),
  );
}

/** Where on its own ladder a source, or overage at its price, was climbed. */
export interface UsageWay extends UsageShare<RatedSource> {
  readonly featureId: Id<'Feature'>;
  readonly window: UsagePiece['window'];
  /** It begins with its window. */
  readonly opening: boolean;
  readonly covers: TimeSpan;
}

/** Goes on where the way before it stands: one way, so that a change of another source does not cut a line in two. */
function goesOn(last: UsageWay, way: UsageWay): boolean {
  return (
    last.part === way.part &&
    last.source !== undefined &&
    way.source !== undefined &&
    sourceKey(last.source) === sourceKey(way.source) &&
    usagePriceText(last.source.price) === usagePriceText(way.source.price) &&
    isSameInstant(last.window.start, way.window.start) &&
    last.to.equals(way.from)
  );
}

function addWays(ways: UsageWay[], added: readonly UsageWay[]): void {
  for (const way of added) {
    const index = ways.findLastIndex((last) => goesOn(last, way));
    const last = ways[index];
    if (last) {
      const covers = { start: last.covers.start, end: way.covers.end };
      ways[index] = { ...last, to: way.to, quantity: last.quantity.plus(way.quantity), covers };
    } else ways.push(way);
  }
}

export const windowKey = (featureId: string, start: Instant) => `${featureId} ${start.epochMilliseconds}`;

const larger = (first: DecimalValue, second: DecimalValue) => (second.greaterThan(first) ? second : first);

export interface DrawnUsage {
  readonly ways: readonly UsageWay[];
  /** What the window of each piece had come to at its end. */
  readonly ends: ReadonlyMap<UsagePiece, DecimalValue>;
}

/**
 * Which source bears which units of the pieces, from where each window's count stands. The one rule for what is billed, what
 * is billed late, what is previewed and what `usageBySubscription` shows.
 */
export function drawUsage(
  pieces: readonly UsagePiece[],
  counts: Counts,
  standing: (piece: UsagePiece) => DecimalValue | undefined = () => undefined,
): DrawnUsage {
  const ways: UsageWay[] = [];
  const ends = new Map<UsagePiece, DecimalValue>();
  const reached = new Map<string, DecimalValue>();
  for (const piece of pieces) {
    const { featureId, window, start, end, sources } = piece;
    const key = windowKey(featureId, window.start);
    const count = (at: Instant) =>
      isBefore(window.start, at) ? counts({ featureId, window: { start: window.start, end: at } }) : decimal(0);
    // A count can fall (the latest value): what was counted once is neither given back nor charged again.
    const from = larger(reached.get(key) ?? standing(piece) ?? decimal(0), count(start));
    const to = larger(from, count(end));
    reached.set(key, to);
    ends.set(piece, to);
    const opening = isSameInstant(start, window.start);
    const covers = { start, end };
    addWays(
      ways,
      rateUsage(sources, from, to).map((share) => ({ ...share, featureId, window, opening, covers })),
    );
  }
  return { ways, ends };
}

/**
 * The usage of one window, bill by bill: each bill is charged for its own part, and goes on where the one before it stands.
 *
 * @param bills the pieces of each bill, in order
 */
export function drawBills(bills: readonly (readonly UsagePiece[])[], counts: Counts): DrawnUsage[] {
  let reached: DecimalValue | undefined;
  return bills.map((pieces) => {
    const one = drawUsage(pieces, counts, () => reached);
    reached = [...one.ends.values()].at(-1) ?? reached;
    return one;
  });
}

/** The pieces of a window, cut where its bills ended; what no bill was made for yet comes last. */
export function piecesByBill(pieces: readonly UsagePiece[], boundaries: readonly Instant[]): UsagePiece[][] {
  const edges = boundaries.slice(1);
  const cut = pieces.flatMap((piece) => {
    const inner = edges.filter((edge) => isBefore(piece.start, edge) && isBefore(edge, piece.end));
    const ends = [...inner, piece.end];
    return ends.map((end, index) => ({ ...piece, start: index === 0 ? piece.start : ends[index - 1]!, end }));
  });
  const billOf = ({ end }: UsagePiece) => edges.filter((edge) => isBefore(edge, end)).length;
  return [...edges, undefined].map((_, bill) => cut.filter((piece) => billOf(piece) === bill));
}
