import type { EntityManager } from 'typeorm';
import { type Instant, instant } from '../core/calendar';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { newId } from '../platform/new-id';
import { readPage } from '../platform/paging';
import type { Event } from './event';
import { EventRepository } from './event.repository';
import {
  type DeliveryAttempt,
  type DeliveryProblem,
  type DeliveryStatus,
  mostAttemptsKept,
  type WebhookDelivery,
} from './webhook-delivery';
import { WebhookDeliveryEntity } from './webhook-delivery.entity';

function fromRow(row: WebhookDeliveryEntity): WebhookDelivery {
  return {
    id: row.id as Id<'WebhookDelivery'>,
    partnerId: row.partnerId as Id<'Partner'>,
    endpointId: row.endpointId as Id<'WebhookEndpoint'>,
    sequence: row.sequence ?? undefined,
    eventType: row.eventType,
    status: row.status as DeliveryStatus,
    attempts: row.attempts,
    nextAttemptAt: row.nextAttemptAt,
    lastAttemptAt: row.lastAttemptAt ?? undefined,
    responseStatus: row.responseStatus ?? undefined,
    problem: (row.problem ?? undefined) as DeliveryProblem | undefined,
    attemptLog: row.attemptLog.map(({ at, status, problem, milliseconds }) => ({
      at: instant(at),
      responseStatus: status ?? undefined,
      problem: (problem ?? undefined) as DeliveryProblem | undefined,
      milliseconds,
    })),
    createdAt: row.createdAt,
  };
}

/** What is due, with the event that it is about; none for a test event. */
export interface DueDelivery {
  readonly delivery: WebhookDelivery;
  readonly event?: Event | undefined;
}

/** A delivery after an attempt. */
export interface DeliveryAfter {
  readonly before: WebhookDelivery;
  readonly attempt: DeliveryAttempt;
  readonly status: DeliveryStatus;
  readonly nextAttemptAt: Instant;
}

/** Ids grow with the time at which they were made: those from this one on were made at that time or later. */
function firstIdAt(at: Instant): string {
  const hex = at.epochMilliseconds.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

const date = (at: Instant) => new Date(at.epochMilliseconds);

export class WebhookDeliveryRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(delivery: WebhookDelivery): Promise<void> {
    await this.manager.insert(WebhookDeliveryEntity, { ...delivery, attemptLog: [] });
  }

  /** Puts these events on their way to an endpoint, those that went there before as well: each is one row all the same. */
  async enqueueAgain(
    endpoint: { readonly partnerId: string; readonly id: string },
    events: readonly Event[],
    now: Instant,
  ): Promise<void> {
    await this.manager.query(
      `insert into webhook_deliveries (partner_id, id, endpoint_id, sequence, event_type, next_attempt_at, created_at)
       select $1, event.id, $2, event.sequence, event.type, $6, $6
         from unnest($3::uuid[], $4::bigint[], $5::text[]) event (id, sequence, type)
       on conflict (partner_id, endpoint_id, sequence) do update
         set status = 'PENDING', attempts = 0, next_attempt_at = excluded.next_attempt_at`,
      [
        endpoint.partnerId,
        endpoint.id,
        events.map(() => newId()),
        events.map(({ sequence }) => sequence.toString()),
        events.map(({ type }) => type),
        date(now),
      ],
    );
  }

  /** Puts newly numbered events on their way, each to everybody who wants it. Asked by the relay. */
  async enqueue(
    partnerId: string,
    pairs: readonly { readonly endpointId: string; readonly sequence: bigint; readonly type: string }[],
    now: Instant,
  ): Promise<void> {
    await this.manager.query(
      `insert into webhook_deliveries (partner_id, id, endpoint_id, sequence, event_type, next_attempt_at, created_at)
       select $1, pair.id, pair.endpoint, pair.sequence, pair.type, $6, $6
         from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::text[]) pair (id, endpoint, sequence, type)`,
      [
        partnerId,
        pairs.map(() => newId()),
        pairs.map(({ endpointId }) => endpointId),
        pairs.map(({ sequence }) => sequence.toString()),
        pairs.map(({ type }) => type),
        date(now),
      ],
    );
  }

  /** What is to be sent to an endpoint now? In the order of the log where nothing has failed. Asked by the relay. */
  async due(partnerId: string, endpointId: string, now: Instant, limit: number): Promise<DueDelivery[]> {
    const rows = await this.manager
      .createQueryBuilder(WebhookDeliveryEntity, 'delivery')
      .where('delivery.partnerId = :partnerId and delivery.endpointId = :endpointId', { partnerId, endpointId })
      .andWhere(`delivery.status = 'PENDING' and delivery.nextAttemptAt <= :now`, { now: date(now) })
      .orderBy('delivery.nextAttemptAt')
      .addOrderBy('delivery.sequence')
      .limit(limit)
      .getMany();
    const sequences = rows.flatMap(({ sequence }) => (sequence === null ? [] : [sequence]));
    const events = new Map(
      (await new EventRepository(this.manager).bySequences(partnerId, sequences)).map((event) => [
        event.sequence,
        event,
      ]),
    );
    return rows.map((row) => ({
      delivery: fromRow(row),
      event: row.sequence === null ? undefined : events.get(row.sequence),
    }));
  }

  /**
   * Writes down what became of attempts. A delivery that was put back to the start meanwhile stays there: what was asked for
   * after the attempt had begun is not answered by it.
   */
  async record(partnerId: string, after: readonly DeliveryAfter[]): Promise<void> {
    await this.manager.query(
      `update webhook_deliveries d
          set status = r.status, attempts = d.attempts + 1, next_attempt_at = r.next, last_attempt_at = r.at::timestamptz,
              response_status = r.response, problem = r.problem,
              attempt_log = (case when jsonb_array_length(d.attempt_log) >= $10 then d.attempt_log - 0
                             else d.attempt_log end)
                || jsonb_build_object('at', r.at, 'status', r.response, 'problem', r.problem, 'milliseconds', r.took)
         from unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::timestamptz[], $6::text[], $7::integer[],
                     $8::text[], $9::integer[]) r (id, was_due, status, next, at, response, problem, took)
        where d.partner_id = $1 and d.id = r.id and d.status = 'PENDING' and d.next_attempt_at = r.was_due`,
      [
        partnerId,
        after.map(({ before }) => before.id),
        after.map(({ before }) => date(before.nextAttemptAt)),
        after.map(({ status }) => status),
        after.map(({ nextAttemptAt }) => date(nextAttemptAt)),
        after.map(({ attempt }) => attempt.at.toString()),
        after.map(({ attempt }) => attempt.responseStatus ?? null),
        after.map(({ attempt }) => attempt.problem ?? null),
        after.map(({ attempt }) => Math.round(attempt.milliseconds)),
        mostAttemptsKept,
      ],
    );
  }

  /**
   * Removes what has ended, or waits for an endpoint that is disabled, and was not tried since a time; answers how many.
   * Asked by the relay.
   */
  async clear(before: Instant, limit: number): Promise<number> {
    const [, removed]: [unknown, number] = await this.manager.query(
      `delete from webhook_deliveries d using (
         select old.partner_id, old.id
           from webhook_endpoints e cross join lateral (
             select o.partner_id, o.id, o.status, coalesce(o.last_attempt_at, o.created_at) as since
               from webhook_deliveries o
              where o.partner_id = e.partner_id and o.endpoint_id = e.id and o.id < $3 order by o.id limit $2) old
          where old.since < $1 and (old.status <> 'PENDING' or e.status = 'DISABLED')
          limit $2) gone
        where d.partner_id = gone.partner_id and d.id = gone.id`,
      [date(before), limit, firstIdAt(before)],
    );
    return removed;
  }

  async page(
    partnerId: string,
    endpointId: string,
    status: DeliveryStatus | undefined,
    request: PageRequest,
  ): Promise<Page<WebhookDelivery>> {
    const query = this.manager
      .createQueryBuilder(WebhookDeliveryEntity, 'delivery')
      .where('delivery.partnerId = :partnerId and delivery.endpointId = :endpointId', { partnerId, endpointId });
    if (status) query.andWhere('delivery.status = :status', { status });
    return mapPage(await readPage(query, request), fromRow);
  }
}
