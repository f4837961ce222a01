import type { EntityManager, SelectQueryBuilder } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest, pageOf } from '../core/page';
import type { Event } from './event';
import { EventEntity } from './event.entity';

export function eventFromRow(row: EventEntity): Event {
  return {
    ...row,
    id: row.id as Id<'Event'>,
    partnerId: row.partnerId as Id<'Partner'>,
    tenantId: (row.tenantId ?? undefined) as Id<'Tenant'> | undefined,
  };
}

export interface EventFilter {
  readonly fromSequence?: bigint | undefined;
  /** None: all. */
  readonly types: readonly string[];
}

export class EventRepository {
  constructor(private readonly manager: EntityManager) {}

  private matching(partnerId: string, { fromSequence, types }: EventFilter): SelectQueryBuilder<EventEntity> {
    const query = this.manager
      .createQueryBuilder(EventEntity, 'event')
      .where('event.partnerId = :partnerId', { partnerId });
    if (fromSequence !== undefined) query.andWhere('event.sequence >= :from', { from: fromSequence.toString() });
    if (types.length > 0) query.andWhere('event.type = any(:types)', { types });
    return query;
  }

  /** Which events stand on this page of the log? By number; a cursor is the id of an event. */
  async page(partnerId: string, filter: EventFilter, request: PageRequest): Promise<Page<Event>> {
    const query = this.matching(partnerId, filter);
    if (request.beyond) {
      query.andWhere(
        `event.sequence ${request.backward ? '<' : '>'}
           (select e.sequence from partner_events e where e.partner_id = :partnerId and e.id = :beyond)`,
        { beyond: request.beyond },
      );
    }
    const rows = await query
      .orderBy('event.sequence', request.backward ? 'DESC' : 'ASC')
      .limit(request.limit + 1)
      .getMany();
    return mapPage(pageOf(rows, request), eventFromRow);
  }

  /** The first so many events from a number on: what is replayed. */
  async from(partnerId: string, filter: EventFilter, limit: number): Promise<Event[]> {
    const rows = await this.matching(partnerId, filter).orderBy('event.sequence', 'ASC').limit(limit).getMany();
    return rows.map(eventFromRow);
  }

  async bySequences(partnerId: string, sequences: readonly bigint[]): Promise<Event[]> {
    const rows = await this.manager
      .createQueryBuilder(EventEntity, 'event')
      .where('event.partnerId = :partnerId', { partnerId })
      .andWhere('event.sequence = any(:sequences)', { sequences: sequences.map(String) })
      .getMany();
    return rows.map(eventFromRow);
  }

  /** Removes the oldest events of each partner that were numbered before a time; answers how many. Asked by the relay. */
  async clear(before: Instant, limit: number): Promise<number> {
    const [, removed]: [unknown, number] = await this.manager.query(
      `delete from partner_events e using (
         select old.partner_id, old.sequence
           from partner_event_numbers n cross join lateral (
             select o.partner_id, o.sequence, o.numbered_at from partner_events o
              where o.partner_id = n.partner_id order by o.sequence limit $2) old
          where old.numbered_at < $1
          limit $2) gone
        where e.partner_id = gone.partner_id and e.sequence = gone.sequence`,
      [new Date(before.epochMilliseconds), limit],
    );
    return removed;
  }
}
