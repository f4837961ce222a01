import { type Instant, isBefore } from '../core/calendar';
import { decimal } from '../core/decimal';
import { groupBy } from '../core/group';
import type { EntitlementSource } from '../entitlements/entitlement';
import type { Tx } from '../tx';
import { type Carried, type CarriedUsage, carriedAs, nothingCarried } from '../usage/carried-usage';
import { type MeteringSpan, windowAt } from '../usage/metering-window';
import { countAll } from './usage-bill.query';
import { type Counts, countsOf, drawUsage, piecesOfWindow, type UsagePiece } from './usage-pieces';

export interface CarryingAct {
  readonly at: Instant;
  /** A new anchor: a limit that never starts over goes on by itself. */
  readonly anchor?: boolean | undefined;
  /** It is done, not previewed: no event is added to what is counted until then. */
  readonly lock?: boolean | undefined;
}

export type CarryingTx = Pick<Tx, 'tenant' | 'entitlements' | 'meters' | 'meteringSpans' | 'usage'>;

/** A feature at an act. */
export interface CarriedFeature {
  readonly featureId: string;
  readonly before: Carried | undefined;
  /** Of its window, up to the act. */
  readonly pieces: readonly UsagePiece[];
}

const none: Carried = { sold: decimal(0), given: decimal(0) };
const isFree = ({ free, unlimited }: EntitlementSource) => free === true && !unlimited;

/** The windows that an act ends before their time, of the features that something free gives or gave. */
export function cutWindows(
  sources: readonly EntitlementSource[],
  spans: readonly MeteringSpan[],
  { at, anchor }: CarryingAct,
): CarriedFeature[] {
  return [...groupBy(sources, ({ featureId }) => featureId)].flatMap(([featureId, own]): CarriedFeature[] => {
    if (!own.some(isFree)) return [];
    const last = own.reduce((latest, one) => (isBefore(one.startsAt, latest.startsAt) ? latest : one));
    const window = windowAt(spans, last.resetPeriod, at);
    const before = window.carried?.get(featureId);
    const goesOn = anchor && last.resetPeriod === 'NEVER';
    const time = { start: window.start, end: at };
    const pieces = !goesOn && isBefore(window.start, at) ? piecesOfWindow(window, own, time) : [];
    return [{ featureId, before, pieces }];
  });
}

/** What was used up of what is free in these windows, with what was carried into them. */
export function carriedOn(features: readonly CarriedFeature[], counts: Counts): CarriedUsage {
  const carried = features.map(({ featureId, before, pieces }) => {
    const sum = { ...(before ?? none) };
    for (const { part, source, quantity } of drawUsage(pieces, counts).ways) {
      if (part === 'INSIDE' && source && isFree(source)) {
        sum[carriedAs(source)] = sum[carriedAs(source)].plus(quantity);
      }
    }
    return [featureId, sum] as const;
  });
  return new Map(carried.filter(([, { sold, given }]) => !sold.isZero() || !given.isZero()));
}

/**
 * What counts in the windows that an act begins: units of what is free, which were used in those that it ends before their
 * time. A meter of the largest or the latest value uses nothing up. Two reads where nothing is free.
 */
export async function loadCarried(tx: CarryingTx, act: CarryingAct): Promise<CarriedUsage> {
  const { id: tenantId, partnerId } = tx.tenant;
  const [sources, spans] = await Promise.all([
    tx.entitlements.metered(tenantId, act.at),
    tx.meteringSpans.since(tenantId, act.at),
  ]);
  const found = cutWindows(sources, spans, act);
  if (found.length === 0) return nothingCarried;
  const featureIds = found.map(({ featureId }) => featureId);
  const totalled = await tx.meters.notUsedUp(partnerId, featureIds);
  const consumed = found.filter(({ featureId }) => !totalled.has(featureId));
  if (act.lock) {
    await tx.usage.lockFeatures(
      tx.tenant,
      consumed.map(({ featureId }) => featureId),
    );
  }
  return carriedOn(
    consumed,
    await countAll(
      tx,
      tenantId,
      consumed.flatMap(({ pieces }) => countsOf(pieces)),
    ),
  );
}
