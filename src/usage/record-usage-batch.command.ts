import { earlierOf, type Instant, instantFromMilliseconds, isBefore } from '../core/calendar';
import { decimalText } from '../core/decimal';
import { groupBy } from '../core/group';
import { done, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import { type EntitlementSource, sourceContent, sourceKey } from '../entitlements/entitlement';
import { ChangedMeanwhile } from '../platform/database';
import { overageSource } from '../rating/rate-usage';
import type { Tx } from '../tx';
import { carriedInto } from './carried-usage';
import { consume, isLimited, type Meterage } from './consumption';
import { type HeldOverTime, heldOverTime } from './held-over-time';
import { type Counting, type Measured, measure } from './meter';
import { countedIn, type MeteringSpan, wasCutShort, windowAt } from './metering-window';
import { tellThresholds, watchedOf } from './tell-thresholds.command';
import {
  type EventProblem,
  happened,
  inKeyOrder,
  isProblem,
  isSameEvent,
  keyOf,
  type SentEvent,
  type UnreadEvent,
  type UsageEvent,
} from './usage-event';

export interface RecordUsageBatchInput {
  /** One that could not be read is reported, and the rest is recorded. */
  readonly events: readonly (SentEvent | UnreadEvent)[];
  /** All or none. */
  readonly atomic?: boolean | undefined;
  /** Only what the limits allow. */
  readonly enforce?: boolean | undefined;
}

export interface RejectedEvent extends EventProblem {
  /** Its place in the batch, from 0. */
  readonly index: number;
  readonly id?: string | undefined;
}

export interface RecordUsageBatchDone {
  readonly recorded: number;
  /** Sent before, and the same: nothing was counted again. */
  readonly duplicates: number;
  readonly rejected: readonly RejectedEvent[];
}

export const mostEvents = 1_000;

export const recordUsageBatchRefusals = ['BATCH_REJECTED', 'INVALID_INPUT'] as const;

export type UsageTx = Pick<
  Tx,
  | 'tenant'
  | 'now'
  | 'newId'
  | 'emit'
  | 'meters'
  | 'usage'
  | 'usageThresholds'
  | 'entitlements'
  | 'meteringSpans'
  | 'billedUsage'
>;

/** An event, and what it counts for. */
interface Readable extends Sent {
  readonly measured: readonly Measured[];
}

interface Sent {
  /** Where it stands in the batch: once, or again and the same. */
  readonly places: number[];
  readonly event: UsageEvent;
}

type Reject = (places: readonly number[], id: string | undefined, problem: EventProblem) => void;

const conflict: EventProblem = {
  code: 'EVENT_CONFLICT',
  message: 'An event with this id says something else.',
};

/** Dates and measures; what cannot be is rejected. Equal events within the batch are one. */
async function readEvents(tx: UsageTx, events: readonly (SentEvent | UnreadEvent)[], reject: Reject) {
  const first = new Map<string, Sent>();
  const now = tx.now.epochMilliseconds;
  for (const [index, sent] of events.entries()) {
    const event = isProblem(sent) ? sent : happened(sent, now);
    if (isProblem(event)) {
      reject([index], sent.id, event);
      continue;
    }
    const key = keyOf(event);
    const known = first.get(key);
    if (!known) first.set(key, { places: [index], event });
    else if (isSameEvent(known.event, event)) known.places.push(index);
    else reject([index], event.id, conflict);
  }
  const types = new Set([...first.values()].map(({ event }) => event.type));
  const since = earlierOf(
    tx.now,
    instantFromMilliseconds(Math.min(now, ...[...first.values()].map(({ event }) => event.at))),
  );
  const [countings, spans] = await Promise.all([
    tx.meters.countingTypes(tx.tenant.partnerId, [...types]),
    tx.meteringSpans.since(tx.tenant.id, since),
  ]);
  const byType = groupBy(countings, ({ eventType }) => eventType);
  const readable: Readable[] = [];
  for (const { places, event } of first.values()) {
    const measured = measureAll(byType.get(event.type) ?? [], event);
    if (Array.isArray(measured)) readable.push({ places, event, measured });
    else reject(places, event.id, measured);
  }
  return { readable, countings, spans, since };
}

function measureAll(countings: readonly Counting[], event: UsageEvent): Measured[] | EventProblem {
  if (countings.length === 0) {
    return {
      code: 'EVENT_TYPE_UNKNOWN',
      message: `No meter counts events of type ${event.type}, and no metered feature has this code.`,
    };
  }
  const measured: Measured[] = [];
  for (const counting of countings) {
    const counted = measure(counting, event);
    if (typeof counted === 'string') return { code: 'INVALID_EVENT', message: counted };
    if (counted) measured.push(counted);
  }
  return measured;
}

/** What the tenant has, and had since an instant, of the features that are counted. */
const sourcesOf = (tx: UsageTx, countings: readonly Counting[], since: Instant) =>
  tx.entitlements.since(
    tx.tenant.id,
    since,
    countings.map(({ featureId }) => featureId),
  );

/** Equal text: the same sources and windows. */
function textOf(sources: readonly EntitlementSource[], spans: readonly MeteringSpan[]): string {
  return JSON.stringify([sources.map((source) => [sourceKey(source), sourceContent(source)]), spans]);
}

/** Lets in what the limits allow that held when it happened, in the order of the batch. The features' locks are held. */
async function letIn(
  tx: UsageTx,
  events: readonly Readable[],
  held: HeldOverTime,
  spans: readonly MeteringSpan[],
  reject: Reject,
): Promise<Readable[]> {
  const askedOf = (one: Measured) => {
    const { merged } = held.at(one.event.at).get(one.featureId)!;
    const { carried, ...cut } = windowAt(spans, merged!.resetPeriod, instantFromMilliseconds(one.event.at));
    const window = countedIn(cut);
    const before = carriedInto(carried, one.featureId, merged!.sources);
    return { key: `${one.featureId} ${window.start.epochMilliseconds}`, featureId: one.featureId, window, before };
  };
  /** What was left of a window that an act ended was given back. */
  const givenBack = ({ featureId, event: { at } }: Measured): EventProblem | undefined => {
    const { merged, counting } = held.at(at).get(featureId)!;
    const isHard = merged && !merged.unlimited && overageSource(merged.sources) === undefined;
    if (!isHard || !wasCutShort(spans, merged.resetPeriod, instantFromMilliseconds(at), tx.now)) return undefined;
    const { featureCode: feature } = counting;
    const facts = { feature, limit: decimalText(merged.limit!), remaining: '0' };
    return { code: 'LIMIT_REACHED', message: `What was left of ${feature} then was given back.`, facts };
  };
  const limited = events
    .flatMap(({ measured }) => measured)
    .filter(({ featureId, event }) => isLimited(held.at(event.at).get(featureId)!))
    .map((one) => ({ ...askedOf(one), unique: one.unique }));
  const asked = [...new Map(limited.map((one) => [one.key, one])).values()];
  const used = await tx.usage.countsIn(tx.tenant.id, asked);
  const meterages = new Map(
    asked.map(({ key, before }, index): [string, Meterage] => [
      key,
      { used: used[index]!.plus(before), seen: new Set() },
    ]),
  );
  const told = limited.flatMap(({ unique, ...one }) => (unique === undefined ? [] : [{ ...one, value: unique }]));
  for (const { key, value } of await tx.usage.seen(tx.tenant.id, told)) meterages.get(key)!.seen.add(value);
  return events.filter(({ places, event, measured }) => {
    const problem =
      measured.flatMap((one) => givenBack(one) ?? []).at(0) ??
      consume(measured, held.at(event.at), (one) => meterages.get(askedOf(one).key)!);
    if (problem) reject(places, event.id, problem);
    return !problem;
  });
}

/** Of a subscription that has ended, while none is live: no next invoice bills it. */
function isAfterEnd(fresh: readonly Readable[], spans: readonly MeteringSpan[], now: Instant): boolean {
  if (spans.some(({ end }) => !end || isBefore(now, end))) return false;
  return fresh.some(({ event }) => windowAt(spans, 'NEVER', instantFromMilliseconds(event.at)).span?.trial === false);
}

const eventsOf = (readable: readonly Readable[]) => readable.map(({ event }) => event);
const measuredOf = (readable: readonly Readable[]) => readable.flatMap(({ measured }) => measured);

/**
 * Records what happened, once for each event id, and adds it up in the same transaction. A batch of any order and with
 * repeats of earlier ones changes nothing that is recorded.
 */
export async function ingestUsage(
  tx: UsageTx,
  events: readonly (SentEvent | UnreadEvent)[],
  enforce: boolean,
): Promise<RecordUsageBatchDone> {
  const { tenant } = tx;
  const rejected: RejectedEvent[] = [];
  const reject: Reject = (places, id, problem) => {
    for (const index of places) rejected.push({ ...problem, index, id });
  };
  const answer = (recorded: number): RecordUsageBatchDone => ({
    recorded,
    duplicates: events.length - rejected.length - recorded,
    rejected: rejected.sort((one, two) => one.index - two.index),
  });

  const { readable, countings, spans, since } = await readEvents(tx, events, reject);
  if (readable.length === 0) return answer(0);
  const sources = await sourcesOf(tx, countings, since);
  const held = heldOverTime(countings, sources, { since, now: tx.now });
  const { limitedIds } = held;

  let before: ReadonlyMap<string, boolean> = new Map();
  let wanted = readable;
  if (enforce) {
    // Whoever adds to a limited feature does so one after the other, so that what is read of it is all there is.
    await tx.usage.lockFeatures(tenant, limitedIds);
    // Sent before: a repeat is answered as one, also where the limit has been reached since.
    const [recorded, sourcesNow, spansNow] = await Promise.all([
      tx.usage.recorded(tenant.id, eventsOf(readable)),
      sourcesOf(tx, countings, since),
      tx.meteringSpans.since(tenant.id, since),
    ]);
    before = recorded;
    // A cancellation or a change that gives back what is unused had these locks: what happens now happens after it.
    if (textOf(sourcesNow, spansNow) !== textOf(sources, spans)) {
      throw new ChangedMeanwhile('what the tenant has changed while its usage waited');
    }
    const unknown = readable.filter(({ event }) => !before.has(keyOf(event)));
    wanted = await letIn(tx, unknown, held, spans, reject);
  }
  wanted = wanted.toSorted((one, two) => inKeyOrder(one.event, two.event));
  const watched = watchedOf([...held.now.values()], spans, tx.now);
  // Sent together, and done in this order: a batch waits once for the database.
  const [, told, added] = await Promise.all([
    // What is enforced was locked before it was let in.
    tx.usage.lockFeatures(tenant, enforce ? [] : limitedIds),
    tx.usageThresholds.toldIn(tenant.id, watched),
    tx.usage.addNew(tenant, { events: eventsOf(wanted), measured: measuredOf(wanted), asked: watched }),
  ]);
  let counted = added;
  let fresh = wanted;
  let same = before;
  if (!counted) {
    const taken = await tx.usage.claim(tenant, eventsOf(wanted));
    const repeated = wanted.filter((_, place) => taken.has(place));
    same = new Map([...before, ...(await tx.usage.recorded(tenant.id, eventsOf(repeated)))]);
    fresh = wanted.filter((_, place) => !taken.has(place));
    await tx.usage.add(tenant, eventsOf(fresh), measuredOf(fresh));
    counted = await tx.usage.countsIn(tenant.id, watched);
  }
  for (const { places, event } of same.size > 0 ? readable : []) {
    if (same.get(keyOf(event)) === false) reject(places, event.id, conflict);
  }
  if (fresh.length > 0) await tellThresholds(tx, watched, counted, told);
  if (isAfterEnd(fresh, spans, tx.now)) {
    await tx.billedUsage.awaitAfterEnd({ tenantId: tenant.id, partnerId: tenant.partnerId }, tx.now);
  }
  return answer(fresh.length);
}

/** At most 1,000 events. What is wrong with one is said by its place, and the rest is recorded; or none, where asked. */
export async function recordUsageBatch(
  tx: UsageTx,
  input: RecordUsageBatchInput,
): Promise<Result<RecordUsageBatchDone, (typeof recordUsageBatchRefusals)[number]>> {
  const { events, atomic = false, enforce = false } = input;
  if (events.length === 0 || events.length > mostEvents) {
    return invalid(['events'], `A batch has 1 to ${mostEvents} events.`);
  }
  const outcome = await ingestUsage(tx, events, enforce);
  const first = outcome.rejected[0];
  if (!atomic || !first) return done(outcome);
  return refuse('BATCH_REJECTED', `Nothing was recorded: event ${first.index} was rejected. ${first.message}`, {
    path: ['input', 'events', String(first.index)],
    facts: { rejected: outcome.rejected.length, index: first.index, id: first.id, code: first.code },
  });
}
