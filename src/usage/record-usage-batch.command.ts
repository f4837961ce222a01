import { groupBy } from '../core/group';
import { done, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import type { Tx } from '../tx';
import { type Counting, measure } from './meter';
import type { Measured } from './rollup';
import {
  type EventProblem,
  type EventProblemCode,
  eventProblems,
  isProblem,
  isSameEvent,
  keyOf,
  parseUsageEvent,
  type UsageEvent,
} from './usage-event';

export interface RecordUsageBatchInput {
  /** As the client sent them: one that cannot be read is reported, and the rest is recorded. */
  readonly events: readonly unknown[];
  /** All or none. */
  readonly atomic?: boolean | undefined;
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

export type UsageTx = Pick<Tx, 'tenant' | 'now' | 'meters' | 'usage'>;

interface Sent {
  readonly index: number;
  readonly event: UsageEvent;
}

/** Reads and measures; what cannot be is rejected. Equal events within the batch are one. */
async function readEvents(tx: UsageTx, events: readonly unknown[]) {
  const rejected: RejectedEvent[] = [];
  const first = new Map<string, Sent>();
  let duplicates = 0;
  const reject = (index: number, id: unknown, problem: EventProblem) =>
    rejected.push({ index, id: typeof id === 'string' ? id.slice(0, 200) : undefined, ...problem });
  const now = tx.now.epochMilliseconds;
  for (const [index, raw] of events.entries()) {
    const event = parseUsageEvent(raw, now);
    if (isProblem(event)) {
      reject(index, (raw as { id?: unknown } | null)?.id, event);
      continue;
    }
    const known = first.get(keyOf(event));
    if (!known) first.set(keyOf(event), { index, event });
    else if (isSameEvent(known.event, event)) duplicates += 1;
    else reject(index, event.id, conflict);
  }
  const types = new Set([...first.values()].map(({ event }) => event.type));
  const countings = await tx.meters.countingTypes(tx.tenant.partnerId, [...types]);
  const byType = groupBy(countings, ({ eventType }) => eventType);
  const readable: { sent: Sent; measured: Measured[] }[] = [];
  for (const sent of first.values()) {
    const measured = measureAll(byType.get(sent.event.type) ?? [], sent.event);
    if (Array.isArray(measured)) readable.push({ sent, measured });
    else reject(sent.index, sent.event.id, measured);
  }
  return { readable, rejected, duplicates, countings };
}

const conflict: EventProblem = {
  code: 'EVENT_CONFLICT',
  message: 'An event with this id says something else.',
};

function measureAll(countings: readonly Counting[], event: UsageEvent): Measured[] | EventProblem {
  if (countings.length === 0) {
    return {
      code: 'EVENT_TYPE_UNKNOWN',
      message: `No meter counts events of type ${event.type}, and no metered feature has this code.`,
    };
  }
  const measured: Measured[] = [];
  for (const counting of countings) {
    const measurement = measure(counting, event);
    if (typeof measurement === 'string') return { code: 'INVALID_EVENT', message: measurement };
    if (measurement) measured.push({ ...measurement, event });
  }
  return measured;
}

/**
 * Records what happened, once for each event id, and adds it up in the same transaction. A batch of any order and with
 * repeats of earlier ones changes nothing that is recorded.
 */
export async function ingestUsage(tx: UsageTx, events: readonly unknown[]): Promise<RecordUsageBatchDone> {
  const { readable, rejected, duplicates, countings: _countings } = await readEvents(tx, events);
  if (readable.length === 0) return { recorded: 0, duplicates, rejected };
  const taken = new Set(
    await tx.usage.claim(
      tx.tenant,
      readable.map(({ sent }) => sent.event),
    ),
  );
  const repeated = readable.filter((_, place) => taken.has(place)).map(({ sent }) => sent);
  if (repeated.length > 0) {
    const same = await tx.usage.sameAsRecorded(
      tx.tenant.id,
      repeated.map(({ event }) => event),
    );
    for (const { index, event } of repeated) {
      if (!same.has(keyOf(event))) rejected.push({ index, id: event.id, ...conflict });
    }
  }
  const fresh = readable.filter((_, place) => !taken.has(place));
  await tx.usage.add(
    tx.tenant,
    fresh.map(({ sent }) => sent.event),
    fresh.flatMap(({ measured }) => measured),
  );
  const accepted = events.length - rejected.length;
  return {
    recorded: fresh.length,
    duplicates: accepted - fresh.length,
    rejected: rejected.sort((one, two) => one.index - two.index),
  };
}

/** At most 1,000 events. What is wrong with one is said by its place, and the rest is recorded; or none, where asked. */
export async function recordUsageBatch(
  tx: UsageTx,
  input: RecordUsageBatchInput,
): Promise<Result<RecordUsageBatchDone, (typeof recordUsageBatchRefusals)[number]>> {
  const { events, atomic = false } = input;
  if (events.length === 0 || events.length > mostEvents) {
    return invalid(['events'], `A batch has 1 to ${mostEvents} events.`);
  }
  const outcome = await ingestUsage(tx, events);
  const first = outcome.rejected[0];
  if (!atomic || !first) return done(outcome);
  return refuse('BATCH_REJECTED', `Nothing was recorded: event ${first.index} was rejected. ${first.message}`, {
    path: ['input', 'events', String(first.index)],
    facts: { rejected: outcome.rejected.length, index: first.index, id: first.id, code: first.code },
  });
}

export const usageEventCodes: readonly EventProblemCode[] = eventProblems;
