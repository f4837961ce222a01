import type { Feature } from '../catalog/feature';
import { earlierOf, type Instant, isAtOrBefore, isBefore, isSameInstant, laterOf } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { type DecimalValue, decimal, decimalText } from '../core/decimal';
import { exactOf, multiply } from '../core/exact';
import { type Explained, explain } from '../core/explain';
import { groupBy } from '../core/group';
import type { Id } from '../core/ids';
import { exactMinorUnitsOf } from '../core/money';
import { type EntitlementSource, inDrawOrder, isActiveAt, limitOf, sourceKey } from '../entitlements/entitlement';
import type { LineDraft, LineKind, TimeSpan } from '../invoicing/invoice';
import { type MeteringSpan, type MeteringWindow, windowAt, windowsBetween } from '../usage/metering-window';
import { type PriceModel, priceOf, timingOf } from './price-model';
import { rateUsage, type UsageShare } from './rate-usage';

/** How far a window of a feature is billed. Whatever its count is above `quantity` is billed once more, and only that. */
export interface BilledWindow {
  readonly subscriptionId: Id<'Subscription'>;
  readonly featureId: Id<'Feature'>;
  readonly start: Instant;
  /** None: it never starts over. */
  readonly end?: Instant | undefined;
  readonly until: Instant;
  /** The window's count up to `until`, as it was billed. */
  readonly quantity: DecimalValue;
  /** The sources whose price for this window was due before it began. */
  readonly paidInAdvance: readonly string[];
}

export interface CountAsked {
  readonly featureId: Id<'Feature'>;
  readonly window: TimeSpan;
}

/** What a feature's windows are cut from. */
export interface UsageSchedule {
  readonly subscriptionId: Id<'Subscription'>;
  /** All of the subscription's, in order. */
  readonly spans: readonly MeteringSpan[];
}

export interface UsageBillInput extends UsageSchedule {
  readonly currency: CurrencyCode;
  /** Billed in arrears. */
  readonly closed?: TimeSpan | undefined;
  /** Billed in advance. */
  readonly opened?: TimeSpan | undefined;
  /** Of METERED features, those that ended too. */
  readonly sources: readonly EntitlementSource[];
  readonly features: ReadonlyMap<string, Pick<Feature, 'name' | 'unit'>>;
  /** Windows that are still open, and those that may have been added to since they were billed. */
  readonly billed: readonly BilledWindow[];
}

export interface UsageBill {
  readonly lines: readonly LineDraft[];
  /** Of windows that were billed before. */
  readonly late: readonly LineDraft[];
  /** What is billed with these lines. */
  readonly billed: readonly BilledWindow[];
}

/** A time within one window in which a feature's sources stay the same. */
export interface UsagePiece {
  readonly featureId: Id<'Feature'>;
  readonly window: { readonly start: Instant; readonly end?: Instant | undefined };
  readonly start: Instant;
  readonly end: Instant;
  readonly sources: readonly RatedSource[];
}

/** With the limit of all its units. */
export interface RatedSource extends EntitlementSource {
  readonly limit: DecimalValue;
}

/** A trial is free, and outside of a subscription there is nothing to bill. */
const isBillable = ({ span }: MeteringWindow) => span !== undefined && !span.trial;

const larger = (first: DecimalValue, second: DecimalValue) => (second.greaterThan(first) ? second : first);

const drawn = (sources: readonly EntitlementSource[]): RatedSource[] =>
  inDrawOrder(sources).map((source) => ({ ...source, limit: limitOf(source) }));

/** A feature's time, cut where a window starts over and where its sources change. */
function piecesOf(
  { spans }: UsageSchedule,
  sources: readonly EntitlementSource[],
  span: TimeSpan,
  isMeant: (window: MeteringWindow) => boolean = isBillable,
): UsagePiece[] {
  const edges = [span.start, span.end, ...sources.flatMap(({ startsAt, endsAt }) => [startsAt, endsAt ?? startsAt])]
    .filter((edge) => isAtOrBefore(span.start, edge) && isAtOrBefore(edge, span.end))
    .sort((first, second) => first.epochMilliseconds - second.epochMilliseconds);
  const pieces: UsagePiece[] = [];
  for (const [index, end] of edges.entries()) {
    const from = edges[index - 1];
    if (!from || isSameInstant(from, end)) continue;
    const active = drawn(sources.filter((source) => isActiveAt(source, from)));
    const first = active[0];
    if (!first) continue;
    for (const window of windowsBetween(spans, first.resetPeriod, { start: from, end })) {
      if (!isMeant(window)) continue;
      const piece = { start: laterOf(from, window.start), end: window.end ? earlierOf(end, window.end) : end };
      if (isBefore(piece.start, piece.end)) {
        pieces.push({ featureId: first.featureId, window, ...piece, sources: active });
      }
    }
  }
  return pieces;
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

/** Where on its own ladder a source, or overage at its price, was climbed. */
export interface UsageWay extends UsageShare<RatedSource> {
  readonly featureId: Id<'Feature'>;
  readonly window: UsagePiece['window'];
  /** It begins with its window. */
  readonly opening: boolean;
  readonly covers: TimeSpan;
  readonly late: boolean;
}

/** Goes on where the way before it stands: one way, so that a change of somebody else's does not cut a line in two. */
function goesOn(last: UsageWay, way: UsageWay): boolean {
  return (
    last.part === way.part &&
    last.source !== undefined &&
    way.source !== undefined &&
    sourceKey(last.source) === sourceKey(way.source) &&
    isSameInstant(last.window.start, way.window.start) &&
    last.to.equals(way.from)
  );
}

function addWays(ways: UsageWay[], added: readonly UsageWay[]): void {
  for (const way of added) {
    const index = way.late ? -1 : ways.findLastIndex((last) => !last.late && goesOn(last, way));
    const last = ways[index];
    if (last) {
      const covers = { start: last.covers.start, end: way.covers.end };
      ways[index] = { ...last, to: way.to, quantity: last.quantity.plus(way.quantity), covers };
    } else ways.push(way);
  }
}

export type Counts = (asked: CountAsked) => DecimalValue;
export const countKey = ({ featureId, window }: CountAsked) =>
  `${featureId} ${window.start.epochMilliseconds} ${window.end.epochMilliseconds}`;

/** Which pieces of a feature's time cost anything? What nobody prices is not billed, however much it is. */
const isPriced = ({ sources }: Pick<UsagePiece, 'sources'>) => sources.some(({ price }) => price !== undefined);

const isBilled = ({ start, until }: BilledWindow) => isBefore(start, until);

/** What is to be billed, before anything is counted. */
export interface UsageToBill {
  readonly pieces: readonly UsagePiece[];
  /** Windows whose count may have grown since, with the sources that they ended with. */
  readonly grown: readonly { readonly window: BilledWindow; readonly sources: readonly RatedSource[] }[];
}

export function usageToBill(input: UsageBillInput): UsageToBill {
  const { closed, billed } = input;
  const byFeature = groupBy(input.sources, (source) => source.featureId);
  const pieces = closed
    ? [...byFeature].flatMap(([featureId, sources]) => {
        const before = billed.filter((row) => row.featureId === featureId && isBilled(row) && isOwn(input, row));
        const start = before.reduce((from, { until }) => laterOf(from, until), closed.start);
        return isBefore(start, closed.end) ? piecesOf(input, sources, { start, end: closed.end }).filter(isPriced) : [];
      })
    : [];
  const grown = billed.filter(isBilled).flatMap((window) => {
    const { until } = window;
    const sources = (byFeature.get(window.featureId) ?? []).filter(
      ({ startsAt, endsAt }) => isBefore(startsAt, until) && (endsAt === undefined || isAtOrBefore(until, endsAt)),
    );
    return sources.length > 0 ? [{ window, sources: drawn(sources) }] : [];
  });
  return { pieces, grown };
}

const isOwn = ({ subscriptionId }: UsageSchedule, row: BilledWindow) => row.subscriptionId === subscriptionId;

/** Everything that has to be counted, each once. */
export function countsAsked({ pieces, grown }: UsageToBill): CountAsked[] {
  const asked = new Map<string, CountAsked>();
  const ask = (featureId: Id<'Feature'>, start: Instant, end: Instant) => {
    const one = { featureId, window: { start, end } };
    if (isBefore(start, end)) asked.set(countKey(one), one);
  };
  for (const { featureId, window, start, end } of pieces) {
    ask(featureId, window.start, start);
    ask(featureId, window.start, end);
  }
  for (const { window } of grown) ask(window.featureId, window.start, window.until);
  return [...asked.values()];
}

function waysOf(
  piece: UsagePiece,
  { from, to, late }: { readonly from: DecimalValue; readonly to: DecimalValue; readonly late: boolean },
): UsageWay[] {
  const { featureId, window, start, end, sources } = piece;
  return rateUsage(sources, from, to).map((share) => ({
    ...share,
    ...{ featureId, window, late },
    opening: !late && isSameInstant(start, window.start),
    covers: { start, end },
  }));
}

/** Which source bears which units of the pieces, from where each window's count stands. */
export function drawUsage(
  pieces: readonly UsagePiece[],
  counts: Counts,
  standing: (piece: UsagePiece) => DecimalValue | undefined = () => undefined,
): { readonly ways: readonly UsageWay[]; readonly ends: ReadonlyMap<UsagePiece, DecimalValue> } {
  const ways: UsageWay[] = [];
  const ends = new Map<UsagePiece, DecimalValue>();
  const reached = new Map<string, DecimalValue>();
  for (const piece of pieces) {
    const { featureId, window, start, end } = piece;
    const key = windowKey(featureId, window.start);
    const count = (at: Instant) => counts({ featureId, window: { start: window.start, end: at } });
    // A count can fall (the latest value): what was counted once is neither given back nor charged again.
    const from = larger(reached.get(key) ?? standing(piece) ?? decimal(0), count(start));
    const to = larger(from, count(end));
    reached.set(key, to);
    ends.set(piece, to);
    addWays(ways, waysOf(piece, { from, to, late: false }));
  }
  return { ways, ends };
}

const windowKey = (featureId: string, start: Instant) => `${featureId} ${start.epochMilliseconds}`;

interface UsageLine {
  readonly explained: Explained;
  readonly quantity: DecimalValue;
}

const kindOf = ({ part, source }: UsageWay): LineKind =>
  part === 'OVERAGE' ? 'OVERAGE' : source?.sourceKind === 'ADDON' ? 'ADDON_USAGE' : 'PLAN_USAGE';

function usageLine(
  source: EntitlementSource,
  kind: LineKind,
  description: string,
  covers: TimeSpan,
  { explained, quantity }: UsageLine,
): LineDraft {
  return {
    kind,
    source: { kind: source.sourceKind === 'ADDON' ? 'ADDON' : 'PLAN', id: source.sourceId },
    itemId: source.sourceId,
    description,
    quantity,
    amount: explained.amount,
    covers,
    period: covers,
    // What was used is never prorated.
    share: { basis: 'DAY', remaining: 1n, total: 1n },
    explanation: explained.explanation,
  };
}

type Named = Pick<UsageBillInput, 'currency' | 'features'>;

/** What a way costs; nothing where nobody prices it, or nothing moved. */
export function priceOfWay(way: UsageWay, { currency, features }: Named): Explained | undefined {
  const { price: model, source } = way;
  if (!model || !source || timingOf(model) === 'IN_ADVANCE') return undefined;
  const feature = features.get(way.featureId);
  const where = way.part === 'OVERAGE' ? 'beyond all limits, price of' : 'within';
  return priceOf(model, way, currency, {
    name: `${way.late ? 'Late usage: ' : ''}${feature?.name ?? source.featureCode} ${where} ${source.sourceName}`,
    unit: feature?.unit || 'units',
    source: source.sourceId,
  });
}

function lineOfWay(way: UsageWay, named: Named): LineDraft[] {
  const explained = priceOfWay(way, named);
  if (!explained || (way.quantity.isZero() && explained.amount.minor === 0n)) return [];
  const source = way.source!;
  const name = named.features.get(way.featureId)?.name ?? source.featureCode;
  const beyond = way.part === 'OVERAGE' ? ' beyond all limits' : '';
  const description = `${way.late ? 'Late usage: ' : ''}${name}${beyond} (${source.sourceName})`;
  return [usageLine(source, kindOf(way), description, way.covers, { explained, quantity: way.quantity })];
}

/** A price for whole windows, known before anything is used. */
function windowsPrice(
  model: Extract<PriceModel, { kind: 'FLAT' }>,
  windows: number,
  source: EntitlementSource,
  { currency, features }: Named,
): UsageLine {
  const quantity = decimal(windows);
  const name = features.get(source.featureId)?.name ?? source.featureCode;
  const exact = multiply(exactMinorUnitsOf(model.amount, currency), exactOf(quantity));
  const price = decimalText(model.amount);
  return {
    quantity,
    explained: explain(exact, currency, {
      rule: 'USAGE_FLAT_IN_ADVANCE',
      formula: 'windows * price',
      operands: [
        { name: 'windows', value: String(windows), unit: 'windows', source: source.sourceId },
        { name: 'price', value: price, unit: currency },
      ],
      sentence: (amount) => `${name} within ${source.sourceName}, in advance: ${windows} × ${price} = ${amount}.`,
    }),
  };
}

/** Prices that are due before their windows begin, for all windows that begin in the new period. */
function inAdvance(input: UsageBillInput, billed: Map<string, BilledWindow>): LineDraft[] {
  const { opened, subscriptionId } = input;
  if (!opened) return [];
  const lines: LineDraft[] = [];
  const paying = input.sources.filter((source) => isActiveAt(source, opened.start) && advanceModel(source));
  for (const source of drawn(paying)) {
    const windows = [...windowsBetween(input.spans, source.resetPeriod, opened)].filter(
      (window) => isBillable(window) && isAtOrBefore(opened.start, window.start),
    );
    const unpaid = windows.filter((window) => {
      const key = windowKey(source.featureId, window.start);
      const row = billed.get(key);
      if (row?.paidInAdvance.includes(source.sourceId)) return false;
      const { start, end } = window;
      const blank = { subscriptionId, featureId: source.featureId, start, end, until: start, quantity: decimal(0) };
      const paidInAdvance = [...(row?.paidInAdvance ?? []), source.sourceId];
      billed.set(key, { ...(row ?? blank), paidInAdvance });
      return true;
    });
    if (unpaid.length === 0) continue;
    const line = windowsPrice(advanceModel(source)!, unpaid.length, source, input);
    const kind = source.sourceKind === 'ADDON' ? 'ADDON_USAGE' : 'PLAN_USAGE';
    const name = input.features.get(source.featureId)?.name ?? source.featureCode;
    lines.push(usageLine(source, kind, `${name} (${source.sourceName}), in advance`, opened, line));
  }
  return lines;
}

function advanceModel({ price }: EntitlementSource): Extract<PriceModel, { kind: 'FLAT' }> | undefined {
  return price?.inside?.kind === 'FLAT' && price.inside.inAdvance ? price.inside : undefined;
}

/** A price that is due in advance and was not paid so, because its source was there when the window began, but no bill was. */
function owedFromTheStart(way: UsageWay, paid: BilledWindow | undefined, named: Named): LineDraft[] {
  const { source, part } = way;
  const model = source && part === 'INSIDE' ? advanceModel(source) : undefined;
  if (!source || !model || !way.opening || paid?.paidInAdvance.includes(source.sourceId)) return [];
  const line = windowsPrice(model, 1, source, named);
  const name = named.features.get(way.featureId)?.name ?? source.featureCode;
  return [usageLine(source, kindOf(way), `${name} (${source.sourceName})`, way.covers, line)];
}

/** The lines of what was used, and how far each window is billed with them. */
export function billUsage(input: UsageBillInput, { pieces, grown }: UsageToBill, counts: Counts): UsageBill {
  const rows = new Map<string, BilledWindow>();
  const own = new Map<string, BilledWindow>();
  for (const row of input.billed) {
    if (isOwn(input, row)) own.set(windowKey(row.featureId, row.start), row);
  }
  const late: UsageWay[] = [];
  const others: BilledWindow[] = [];
  for (const { window, sources } of grown) {
    const { featureId, start, end, until } = window;
    const to = counts({ featureId, window: { start, end: until } });
    if (!to.greaterThan(window.quantity)) continue;
    const piece = { featureId, window: { start, end }, start, end: until, sources };
    late.push(...waysOf(piece, { from: window.quantity, to, late: true }));
    const counted = { ...window, quantity: to };
    if (isOwn(input, window)) rows.set(windowKey(featureId, start), counted);
    else others.push(counted);
  }
  const standing = ({ featureId, window }: UsagePiece) => {
    const key = windowKey(featureId, window.start);
    return (rows.get(key) ?? own.get(key))?.quantity;
  };
  const { ways, ends } = drawUsage(pieces, counts, standing);
  for (const [{ featureId, window, end }, quantity] of ends) {
    const key = windowKey(featureId, window.start);
    const { subscriptionId } = input;
    const paidInAdvance = own.get(key)?.paidInAdvance ?? [];
    rows.set(key, { subscriptionId, featureId, ...window, until: end, quantity, paidInAdvance });
  }
  const lines = ways.flatMap((way) => [
    ...lineOfWay(way, input),
    ...owedFromTheStart(way, own.get(windowKey(way.featureId, way.window.start)), input),
  ]);
  const known = new Map([...own, ...rows]);
  const advance = inAdvance(input, known);
  for (const [key, row] of known) if (own.get(key) !== row) rows.set(key, row);
  return {
    lines: [...lines, ...advance],
    late: late.flatMap((way) => lineOfWay(way, input)),
    billed: [...rows.values(), ...others],
  };
}
