import { type Instant, isAtOrBefore, isBefore, laterOf } from '../core/calendar';
import { type DecimalValue, decimal } from '../core/decimal';
import { groupBy } from '../core/group';
import type { Id } from '../core/ids';
import { roundToMoney } from '../core/money';
import { type EntitlementSource, isActiveAt } from '../entitlements/entitlement';
import type { LineDraft, TimeSpan } from '../invoicing/invoice';
import { type MeteringSpan, windowsBetween } from '../usage/metering-window';
import type { BilledCharge, BilledCharges, BilledWindow } from './billed-usage';
import { type GrownWindow, grownWindow, lateUsage } from './late-usage';
import { advanceModel, chargesOf, lineOfCharge, type Named, priceOfWindows, usageLine } from './usage-charge';
import {
  type CountAsked,
  type Counts,
  countKey,
  countsOf,
  drawn,
  drawUsage,
  isBillable,
  piecesOf,
  type UsagePiece,
  type UsageSchedule,
  type UsageWay,
  windowKey,
} from './usage-pieces';

export interface UsageBillInput extends UsageSchedule, Named {
  /** Billed in arrears. */
  readonly closed?: TimeSpan | undefined;
  /** Billed in advance. */
  readonly opened?: TimeSpan | undefined;
  /** Of METERED features, those that ended too. */
  readonly sources: readonly EntitlementSource[];
  /** Windows that are still open, and those that may have been added to since they were billed. */
  readonly billed: readonly BilledWindow[];
}

export interface UsageBill {
  readonly lines: readonly LineDraft[];
  /** Of windows that were billed before. */
  readonly late: readonly LineDraft[];
  /** How far each window is billed with these lines. */
  readonly billed: readonly BilledWindow[];
  /** What these lines charge for each of them. */
  readonly charges: readonly BilledCharge[];
}

/** Which pieces of a feature's time cost anything? What nobody prices is not billed, however much it is. */
const isPriced = ({ sources }: Pick<UsagePiece, 'sources'>) => sources.some(({ price }) => price !== undefined);

const isBilled = ({ start, until }: BilledWindow) => isBefore(start, until);
const isOwn = ({ subscriptionId }: UsageSchedule, row: BilledWindow) => row.subscriptionId === subscriptionId;

/** What is to be billed, before anything is counted. */
export interface UsageToBill {
  readonly pieces: readonly UsagePiece[];
  /** Windows whose count may have grown since. */
  readonly suspects: readonly BilledWindow[];
}

export function usageToBill(input: UsageBillInput): UsageToBill {
  const { closed, billed } = input;
  const pieces = closed
    ? [...groupBy(input.sources, (source) => source.featureId)].flatMap(([featureId, sources]) => {
        const before = billed.filter((row) => row.featureId === featureId && isBilled(row) && isOwn(input, row));
        const start = before.reduce((from, { until }) => laterOf(from, until), closed.start);
        return isBefore(start, closed.end) ? piecesOf(input, sources, { start, end: closed.end }).filter(isPriced) : [];
      })
    : [];
  return { pieces, suspects: billed.filter((row) => isBilled(row) || row.reopened) };
}

function eachOnce(asked: readonly CountAsked[]): CountAsked[] {
  return [...new Map(asked.map((one) => [countKey(one), one])).values()];
}

/** Everything that has to be counted, each once. */
export function countsAsked({ pieces, suspects }: UsageToBill): CountAsked[] {
  const totals = suspects.map(({ featureId, start, until }) => ({ featureId, window: { start, end: until } }));
  return eachOnce([...countsOf(pieces), ...totals.filter(({ window }) => isBefore(window.start, window.end))]);
}

/** Windows that have grown, with all that has to be counted to say what they cost now. */
export function grownWindows(
  input: Pick<UsageBillInput, 'sources'>,
  windows: readonly BilledWindow[],
  spans: readonly MeteringSpan[],
): { readonly grown: readonly GrownWindow[]; readonly asked: readonly CountAsked[] } {
  const byFeature = groupBy(input.sources, (source) => source.featureId);
  const grown = windows.map((window) => grownWindow(window, byFeature.get(window.featureId) ?? [], spans));
  return { grown, asked: eachOnce(grown.flatMap(({ bills }) => bills.flatMap(({ pieces }) => countsOf(pieces)))) };
}

/** The rows of the windows, as they will stand with this bill. */
class Ledger {
  private readonly rows = new Map<string, BilledWindow>();
  private readonly changed = new Set<string>();

  constructor(private readonly input: UsageBillInput) {
    for (const row of input.billed) this.rows.set(this.keyOf(row), row);
  }

  private keyOf({ subscriptionId, featureId, start }: Pick<BilledWindow, 'subscriptionId' | 'featureId' | 'start'>) {
    return `${subscriptionId} ${windowKey(featureId, start)}`;
  }

  own(featureId: Id<'Feature'>, start: Instant): BilledWindow | undefined {
    return this.rows.get(this.keyOf({ subscriptionId: this.input.subscriptionId, featureId, start }));
  }

  put(row: BilledWindow): void {
    const key = this.keyOf(row);
    this.rows.set(key, row);
    this.changed.add(key);
  }

  /** A window's row, or what it begins with. */
  rowOf(featureId: Id<'Feature'>, { start, end }: UsagePiece['window']): BilledWindow {
    const { subscriptionId } = this.input;
    const blank = { subscriptionId, featureId, start, end, until: start, quantity: decimal(0) };
    return this.own(featureId, start) ?? { ...blank, paidInAdvance: [], boundaries: [], reopened: false };
  }

  /** Billed from where it stands, or from a piece's start, to its end. */
  close({ featureId, window, start, end }: UsagePiece, quantity: DecimalValue): void {
    const row = this.rowOf(featureId, window);
    // What was billed before its boundaries were kept has none.
    const isOld = isBilled(row) && row.boundaries.length === 0;
    const boundaries = isOld ? [] : [...(row.boundaries.length === 0 ? [start] : row.boundaries), end];
    this.put({ ...row, until: end, quantity, boundaries });
  }

  all(): BilledWindow[] {
    return [...this.changed].map((key) => this.rows.get(key)!);
  }
}

/** Prices that are due before their windows begin, for all windows that begin in the new period. */
function inAdvance(input: UsageBillInput, ledger: Ledger): { lines: LineDraft[]; charges: BilledCharge[] } {
  const { opened, subscriptionId, currency } = input;
  const lines: LineDraft[] = [];
  const charges: BilledCharge[] = [];
  if (!opened) return { lines, charges };
  const paying = input.sources.filter((source) => isActiveAt(source, opened.start) && advanceModel(source));
  for (const source of drawn(paying)) {
    const { featureId, sourceId, catalogId } = source;
    const model = advanceModel(source)!;
    const unpaid = [...windowsBetween(input.spans, source.resetPeriod, opened)].filter(
      (window) =>
        isBillable(window) &&
        isAtOrBefore(opened.start, window.start) &&
        !ledger.own(featureId, window.start)?.paidInAdvance.includes(sourceId),
    );
    if (unpaid.length === 0) continue;
    for (const window of unpaid) {
      const row = ledger.rowOf(featureId, window);
      ledger.put({ ...row, paidInAdvance: [...row.paidInAdvance, sourceId] });
      charges.push({
        ...{ subscriptionId, featureId, windowStart: window.start, until: window.start, sourceId, catalogId },
        part: 'ADVANCE',
        quantity: decimal(1),
        amount: roundToMoney(priceOfWindows(model, 1, source, input).exact, currency),
      });
    }
    const name = input.features.get(featureId)?.name ?? source.featureCode;
    const what = {
      kind: source.sourceKind === 'ADDON' ? ('ADDON_USAGE' as const) : ('PLAN_USAGE' as const),
      description: `${name} (${source.sourceName}), in advance`,
      quantity: decimal(unpaid.length),
    };
    lines.push(usageLine(source, what, opened, priceOfWindows(model, unpaid.length, source, input), input));
  }
  return { lines, charges };
}

/** The lines of what was used, and how far each window is billed with them. */
export function billUsage(
  input: UsageBillInput,
  { pieces }: UsageToBill,
  counts: Counts,
  grown: readonly GrownWindow[] = [],
  before: BilledCharges = () => [],
): UsageBill {
  const { subscriptionId, currency } = input;
  const ledger = new Ledger(input);
  const late = grown.map((one) => lateUsage(one, counts, before(one.window), input));
  for (const { window } of late) ledger.put(window);
  const standing = ({ featureId, window }: UsagePiece) => ledger.own(featureId, window.start)?.quantity;
  const { ways, ends } = drawUsage(pieces, counts, standing);
  const paidInAdvance = ({ featureId, window }: UsageWay) => ledger.own(featureId, window.start)?.paidInAdvance ?? [];
  const charged = chargesOf(ways, paidInAdvance, input);
  // With each window's last piece: the bill's boundary in it.
  const lastOf = new Map([...ends.keys()].map((piece) => [windowKey(piece.featureId, piece.window.start), piece]));
  const firstOf = new Map(
    [...ends.keys()].reverse().map((piece) => [windowKey(piece.featureId, piece.window.start), piece]),
  );
  for (const [key, last] of lastOf) {
    ledger.close({ ...last, start: firstOf.get(key)!.start }, ends.get(last)!);
  }
  const advance = inAdvance(input, ledger);
  return {
    lines: [...charged.map((charge) => lineOfCharge(charge, input)), ...advance.lines],
    late: late.flatMap(({ lines }) => lines),
    billed: ledger.all(),
    charges: [
      ...charged.map(({ way, source, quantity, price }) => ({
        ...{ subscriptionId, featureId: way.featureId, windowStart: way.window.start, quantity },
        until: lastOf.get(windowKey(way.featureId, way.window.start))!.end,
        ...{ sourceId: source.sourceId, catalogId: source.catalogId, part: way.part },
        amount: roundToMoney(price.exact, currency),
      })),
      ...late.flatMap(({ charges }) => charges),
      ...advance.charges,
    ],
  };
}
