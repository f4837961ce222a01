import type { EntityManager } from 'typeorm';
import { type Instant, instantFromDate, instantText } from '../core/calendar';
import { type DecimalValue, decimal, decimalText } from '../core/decimal';
import type { Id } from '../core/ids';
import { decimalOfNumeric } from '../platform/columns';
import { inOrder, type Prepared, sqlState } from '../platform/database';
import { askPrepared } from '../platform/prepared-read';
import { oneOfMany } from '../platform/together';
import type { Aggregation, Measured, UsageAsked, UsageWindow } from './meter';
import { rollUp } from './rollup';
import { keyOf, type UsageEvent } from './usage-event';

export interface LateUsage {
  readonly featureId: Id<'Feature'>;
  /** The quarter of an hour that was added to. */
  readonly bucketStart: Instant;
}

interface CountQuestion extends UsageAsked {
  readonly tenantId: string;
}

interface NewUsage {
  readonly events: readonly UsageEvent[];
  readonly measured: readonly Measured[];
  readonly asked: readonly UsageAsked[];
}

interface Owner {
  readonly id: string;
  readonly partnerId: string;
}

const timeOf = (at: number) => new Date(at).toISOString();

export class UsageRepository {
  constructor(private readonly manager: EntityManager) {}

  /**
   * Who adds to a limited feature does so one after the other, to the end of the transaction: it reads what was used, and
   * tells what was reached. In one order for all, so that two never wait for each other.
   */
  async lockFeatures(owner: Owner, featureIds: readonly string[]): Promise<void> {
    if (featureIds.length > 0) await askPrepared(this.manager, lock, [owner.id, owner.partnerId, featureIds]);
  }

  /**
   * Where all events are new, as almost always: takes their keys, keeps them, adds what they count to the rollups, and
   * answers what the windows come to by then. Where one was sent before, nothing of it stays, and the answer is `undefined`: `claim` tells which ones are new.
   *
   * @param events in the order of `inKeyOrder`, here and for `claim`: two that take the same keys never wait for each other
   * @param asked what is to be counted afterwards
   */
  async addNew(owner: Owner, { events, measured, asked }: NewUsage): Promise<readonly DecimalValue[] | undefined> {
    if (events.length === 0) return [];
    try {
      const [, , counted] = await inOrder(
        askPrepared(this.manager, savepoint, []),
        askPrepared(this.manager, addNew, added(owner, events, measured)),
        this.countsIn(owner.id, asked),
      );
      return counted;
    } catch (error) {
      if (sqlState(error) !== uniqueViolation) throw error;
      await askPrepared(this.manager, backToSavepoint, []);
      return undefined;
    }
  }

  /** Takes the keys that are free, and answers the places of the events whose key was taken before. */
  async claim(owner: Owner, events: readonly UsageEvent[]): Promise<ReadonlySet<number>> {
    const rows = await askPrepared<{ place: number }>(this.manager, claim, [
      owner.id,
      owner.partnerId,
      plainArray(events.map(({ atText }) => atText)),
      labels(events.map(({ id }) => id)),
      labels(events.map(({ source }) => source)),
    ]);
    return new Set(rows.map(({ place }) => place - 1));
  }

  /** Which of these events were recorded before, by their keys, and does what was recorded say the same? */
  async recorded(tenantId: string, events: readonly UsageEvent[]): Promise<Map<string, boolean>> {
    if (events.length === 0) return new Map();
    const rows = await askPrepared<{ event_id: string; source: string; same: boolean }>(this.manager, compareRecorded, [
      tenantId,
      labels(events.map(({ id }) => id)),
      labels(events.map(({ source }) => source)),
      events.map((event) => (event.timeGiven ? event.atText : null)),
      ...contentOf(events),
    ]);
    return new Map(rows.map(({ event_id: id, source, same }) => [keyOf({ id, source }), same]));
  }

  /** Keeps the events, whose keys are taken, and adds what they count to the rollups. */
  async add(owner: Owner, events: readonly UsageEvent[], measured: readonly Measured[]): Promise<void> {
    if (events.length > 0) await askPrepared(this.manager, addClaimed, added(owner, events, measured));
  }

  /** How much of the feature was used in the window, by its meter? */
  async quantityIn(tenantId: string, featureId: string, window: UsageWindow): Promise<DecimalValue> {
    const quantities = await this.quantitiesIn(tenantId, [featureId], window);
    return quantities.get(featureId) ?? decimal(0);
  }

  /** The same of several features in one statement; each has an entry, 0 where nothing was used. */
  async quantitiesIn(
    tenantId: string,
    featureIds: readonly string[],
    window: UsageWindow,
  ): Promise<ReadonlyMap<string, DecimalValue>> {
    if (featureIds.length === 0) return new Map();
    return this.quantitiesOf(
      tenantId,
      featureIds.map((featureId) => ({ featureId, window })),
    );
  }

  /** The same, each feature in a window of its own. */
  async quantitiesOf(tenantId: string, asked: readonly UsageAsked[]): Promise<ReadonlyMap<string, DecimalValue>> {
    const counted = await this.countsIn(tenantId, asked);
    return new Map(asked.map(({ featureId }, index) => [featureId, counted[index]!]));
  }

  /** The same for any number of windows of a feature: an answer for each question, in one statement. */
  async countsIn(tenantId: string, asked: readonly UsageAsked[]): Promise<DecimalValue[]> {
    if (asked.length === 0) return [];
    const questions = asked.map((one): CountQuestion => ({ tenantId, ...one }));
    return oneOfMany(this.manager, 'usage counts', questions, async (all) => {
      const counted = await this.count(all.flat());
      let from = 0;
      return all.map(({ length }) => {
        from += length;
        return counted.slice(from - length, from);
      });
    });
  }

  private async count(questions: readonly CountQuestion[]): Promise<DecimalValue[]> {
    const rows = await askPrepared<{ used: string }>(this.manager, counts, [
      questions.map(({ tenantId }) => tenantId),
      ...windowsOf(questions),
    ]);
    return rows.map(({ used }) => decimalOfNumeric(used));
  }

  /** Which of these values has its window seen? */
  async seen<Asked extends UsageAsked & { readonly value: string }>(
    tenantId: string,
    asked: readonly Asked[],
  ): Promise<Asked[]> {
    if (asked.length === 0) return [];
    const rows: { place: string }[] = await this.manager.query(
      `select i.place from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::text[]) with ordinality
         as i(feature_id, window_start, window_end, value, place)
       where exists (select from usage_uniques u where u.tenant_id = $1 and u.feature_id = i.feature_id and u.grain = 'QUARTER'
         and u.value = i.value and u.bucket_start >= i.window_start and u.bucket_start < i.window_end)`,
      [tenantId, ...windowsOf(asked), asked.map(({ value }) => value)],
    );
    return rows.map(({ place }) => asked[Number(place) - 1]!);
  }

  /** The same, with how each feature is counted. */
  async usesOf(
    tenantId: string,
    asked: readonly UsageAsked[],
  ): Promise<ReadonlyMap<string, { readonly used: DecimalValue; readonly aggregation: Aggregation }>> {
    if (asked.length === 0) return new Map();
    const rows: { feature_id: string; used: string; aggregation: Aggregation }[] = await this.manager.query(
      `select a.feature_id, u.used::text as used, u.aggregation
       from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) as a(feature_id, window_start, window_end),
            app.use_of($1, a.feature_id, a.window_start, a.window_end) u`,
      [tenantId, ...windowsOf(asked)],
    );
    return new Map(
      rows.map((row) => [row.feature_id, { used: decimalOfNumeric(row.used), aggregation: row.aggregation }]),
    );
  }

  /**
   * Which quarters of an hour before an instant were added to since another? A hint where to look for late usage, and never
   * one too few: what is to be billed for it is `quantityIn` of the billed window less what was billed.
   *
   * @param since by the server's clock (`tx.wallNow` of the billing), not by a sandbox's
   */
  async lateSince(
    tenantId: string,
    asked: { readonly before: Instant; readonly since: Instant },
  ): Promise<readonly LateUsage[]> {
    const rows: { feature_id: string; bucket_start: Date }[] = await this.manager.query(
      `select feature_id, bucket_start from usage_rollups
       where tenant_id = $1 and grain = 'QUARTER' and bucket_start < $2 and changed_at >= $3::timestamptz - interval '10 minutes'
       order by feature_id, bucket_start limit 10000`,
      [tenantId, instantText(asked.before), instantText(asked.since)],
    );
    return rows.map((row) => ({
      featureId: row.feature_id as Id<'Feature'>,
      bucketStart: instantFromDate(row.bucket_start),
    }));
  }
}

const windowsOf = (asked: readonly UsageAsked[]): unknown[] => [
  asked.map(({ featureId }) => featureId),
  asked.map(({ window }) => instantText(window.start)),
  asked.map(({ window }) => instantText(window.end)),
];

/** Text without control characters: JSON writes a list of it as PostgreSQL writes an array. */
const labels = (texts: readonly (string | null)[]): string => `{${JSON.stringify(texts).slice(1, -1)}}`;
/** Text that is never quoted: ids, times, numbers. */
const plainArray = (values: readonly (string | number)[]): string => `{${values.join(',')}}`;

function contentOf(events: readonly UsageEvent[]): unknown[] {
  return [
    labels(events.map(({ type }) => type)),
    labels(events.map(({ subject }) => subject ?? null)),
    labels(events.map(({ quantityText }) => quantityText ?? null)),
    labels(events.map(({ dataText }) => dataText ?? null)),
  ];
}

/** What both statements below are given. */
function added(owner: Owner, events: readonly UsageEvent[], measured: readonly Measured[]): unknown[] {
  const { sums, uniques } = rollUp(measured);
  return [
    owner.id,
    owner.partnerId,
    plainArray(events.map(({ atText }) => atText)),
    labels(events.map(({ id }) => id)),
    labels(events.map(({ source }) => source)),
    ...contentOf(events),
    plainArray(sums.map((sum) => sum.featureId)),
    plainArray(sums.map((sum) => sum.grain)),
    plainArray(sums.map((sum) => timeOf(sum.bucketStart))),
    plainArray(sums.map((sum) => decimalText(sum.quantity))),
    plainArray(sums.map((sum) => sum.events)),
    plainArray(sums.map((sum) => decimalText(sum.maximum))),
    plainArray(sums.map((sum) => decimalText(sum.latestQuantity))),
    plainArray(sums.map((sum) => sum.latest.atText)),
    sums.map((sum) => keyOf(sum.latest)),
    plainArray(uniques.map((unique) => unique.featureId)),
    plainArray(uniques.map((unique) => unique.grain)),
    plainArray(uniques.map((unique) => timeOf(unique.bucketStart))),
    uniques.map((unique) => unique.value),
  ];
}

/** In the select list: as functions in `from` each list would be written to a store of its own first, and then all again. */
const input = `input as materialized (
  select unnest($3::timestamptz[]) as happened_at, unnest($4::text[]) as event_id, unnest($5::text[]) as source,
    unnest($6::text[]) as type, unnest($7::text[]) as subject, unnest($8::numeric[]) as quantity, unnest($9::text[]) as data)`;

/** Everything that is added, in one order for all, so that two never wait for each other in a circle. */
const additions = `kept as (
  insert into usage_events (tenant_id, partner_id, happened_at, event_id, source, type, subject, quantity, data)
  select $1, $2, i.happened_at, i.event_id, i.source, i.type, i.subject, i.quantity, i.data::jsonb from input i
), seen as (
  insert into usage_uniques (tenant_id, partner_id, feature_id, grain, bucket_start, value)
  select $1, $2, u.* from unnest($19::uuid[], $20::text[], $21::timestamptz[], $22::text[])
    as u(feature_id, grain, bucket_start, value)
  order by u.feature_id, u.grain collate "C", u.bucket_start, u.value collate "C"
  on conflict do nothing
), summed as (
  insert into usage_rollups as r (tenant_id, partner_id, feature_id, grain, bucket_start, quantity, events, maximum,
    latest_quantity, latest_at, latest_key, changed_at)
  select $1, $2, s.*, clock_timestamp()
  from unnest($10::uuid[], $11::text[], $12::timestamptz[], $13::numeric[], $14::bigint[], $15::numeric[], $16::numeric[],
    $17::timestamptz[], $18::text[])
    as s(feature_id, grain, bucket_start, quantity, events, maximum, latest_quantity, latest_at, latest_key)
  order by s.feature_id, s.grain collate "C", s.bucket_start
  on conflict (tenant_id, feature_id, grain, bucket_start) do update set
    quantity = r.quantity + excluded.quantity,
    events = r.events + excluded.events,
    maximum = greatest(r.maximum, excluded.maximum),
    latest_quantity = case when (excluded.latest_at, excluded.latest_key) > (r.latest_at, r.latest_key)
      then excluded.latest_quantity else r.latest_quantity end,
    latest_at = greatest(r.latest_at, excluded.latest_at),
    latest_key = case when (excluded.latest_at, excluded.latest_key) > (r.latest_at, r.latest_key)
      then excluded.latest_key else r.latest_key end,
    changed_at = excluded.changed_at
)`;

const takeKeys = `insert into usage_event_keys (tenant_id, event_id, source, partner_id, happened_at)
    select $1, i.event_id, i.source, $2, i.happened_at from input i`;

/** A key that is taken fails the whole: looking each one up first, as `on conflict` does, takes twice as long. */
const addNew: Prepared = {
  name: 'usage add new',
  text: `with ${input}, taken as (${takeKeys}), ${additions} select`,
};
const savepoint: Prepared = { name: 'usage savepoint', text: 'savepoint usage' };
const backToSavepoint: Prepared = { name: 'usage back', text: 'rollback to savepoint usage' };
const uniqueViolation = '23505';

const claim: Prepared = {
  name: 'usage claim',
  text: `with input as materialized (
    select * from unnest($3::timestamptz[], $4::text[], $5::text[]) with ordinality as i(happened_at, event_id, source, place)
  ), claimed as (${takeKeys} on conflict do nothing returning event_id, source)
  select i.place::integer as place from input i
  where not exists (select from claimed c where c.event_id = i.event_id and c.source = i.source)`,
};

const addClaimed: Prepared = { name: 'usage add', text: `with ${input}, ${additions} select` };

const compareRecorded: Prepared = {
  name: 'usage compare',
  text: `select k.event_id, k.source,
      (i.happened_at is null or e.happened_at = i.happened_at) and e.type = i.type
      and e.subject is not distinct from i.subject and e.quantity is not distinct from i.quantity
      and e.data is not distinct from i.data::jsonb as same
    from unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::numeric[], $8::text[])
      as i(event_id, source, happened_at, type, subject, quantity, data)
    join usage_event_keys k on k.tenant_id = $1 and k.event_id = i.event_id and k.source = i.source
    join usage_events e on e.tenant_id = $1 and e.happened_at = k.happened_at and e.event_id = k.event_id and e.source = k.source`,
};

const counts: Prepared = {
  name: 'usage counts',
  text: 'select used::text from app.usage_counts($1, $2, $3, $4) order by place',
};

/** A row that is not there cannot be locked: it is made in the same statement, before anything is added. */
const lock: Prepared = {
  name: 'usage lock',
  text: `insert into usage_locks (tenant_id, partner_id, feature_id)
    select $1, $2, f.id from unnest($3::uuid[]) f(id) order by f.id
    on conflict (tenant_id, feature_id) do update set locked = excluded.locked where false`,
};
