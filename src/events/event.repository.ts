import type { EntityManager } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest, pageOf } from '../core/page';
import { type Event, sequenceAtPlace } from './event';
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

interface Bounds {
  readonly from: bigint;
  readonly to: bigint;
  readonly backward: boolean;
  readonly limit: number;
}

const largestSequence = 2n ** 63n - 1n;
const atLeastOne = (sequence: bigint | undefined) => (sequence === undefined || sequence < 1n ? 1n : sequence);

export class EventRepository {
  constructor(private readonly manager: EntityManager) {}

  /**
   * The first or last so many events of some types, or of all, between two numbers. Each type is read by itself and the
   * first of all of them are taken: a type that is rare costs no walk over what is not asked for.
   */
  private async find(
    partnerId: string,
    { types, from, to, backward, limit }: EventFilter & Bounds,
  ): Promise<EventEntity[]> {
    if (from > largestSequence || to < 1n) return [];
    const order = backward ? 'DESC' : 'ASC';
    const query = this.manager
      .createQueryBuilder(EventEntity, 'event')
      .where('event.partnerId = :partnerId', { partnerId })
      .andWhere('event.sequence between :from and :to', {
        from: from.toString(),
        to: (to > largestSequence ? largestSequence : to).toString(),
      });
    if (types.length > 0) {
      query.andWhere(
        `event.sequence = any(array(
           select found.sequence from unnest(:types::text[]) wanted (type) cross join lateral (
             select e.sequence from partner_events e
              where e.partner_id = :partnerId and e.type = wanted.type and e.sequence between :from and :to
              order by e.sequence ${order} limit :limit) found
            order by found.sequence ${order} limit :limit))`,
        { types: [...new Set(types)], limit },
      );
    }
    return query.orderBy('event.sequence', order).limit(limit).getMany();
  }

  /** Which events stand on this page of the log? By number, so that a cursor outlives the event that it stands for. */
  async page(partnerId: string, filter: EventFilter, request: PageRequest): Promise<Page<Event>> {
    const { after, before, backward, limit } = request;
    const least = atLeastOne(filter.fromSequence);
    const behind = after === undefined ? 0n : sequenceAtPlace(after);
    const from = behind >= least ? behind + 1n : least;
    const to = before === undefined ? largestSequence : sequenceAtPlace(before) - 1n;
    const rows = await this.find(partnerId, { ...filter, from, to, backward, limit: limit + 1 });
    return mapPage(pageOf(rows, request), eventFromRow);
  }

  /** The first so many events from a number on: what is replayed. */
  async from(partnerId: string, filter: EventFilter, limit: number): Promise<Event[]> {
    const from = atLeastOne(filter.fromSequence);
    const rows = await this.find(partnerId, { ...filter, from, to: largestSequence, backward: false, limit });
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
      `with partners_with_old as materialized (
         select n.partner_id from partner_event_numbers n cross join lateral (
           select o.numbered_at from partner_events o where o.partner_id = n.partner_id order by o.sequence limit 1) oldest
          where oldest.numbered_at < $1 limit 10)
       delete from partner_events e using partners_with_old p cross join lateral (
         select o.sequence from partner_events o
          where o.partner_id = p.partner_id and o.numbered_at < $1 order by o.sequence limit $2) gone
        where e.partner_id = p.partner_id and e.sequence = gone.sequence`,
      [new Date(before.epochMilliseconds), limit],
    );
    return removed;
  }
}
