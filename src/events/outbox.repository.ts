import type { EntityManager } from 'typeorm';
import type { Instant } from '../core/calendar';
import { newId } from '../platform/new-id';
import { PartnerOutboxEventEntity } from '../platform/outbox.entity';
import { type DomainEvent, toldOf } from './event-catalogue';

/** What has happened and has no number yet. Reached as the relay only. */
export class OutboxRepository {
  constructor(private readonly manager: EntityManager) {}

  /** Which partners have events without a number? From one partner of the index to the next, however many rows wait. */
  async partnersWaiting(): Promise<string[]> {
    const rows: { partner_id: string }[] = await this.manager.query(
      `with recursive ofTenants as (
         (select partner_id from outbox_events order by partner_id limit 1)
         union all
         select (select o.partner_id from outbox_events o where o.partner_id > w.partner_id order by 1 limit 1)
           from ofTenants w where w.partner_id is not null
       ), ofPartners as (
         (select partner_id from partner_outbox_events order by partner_id limit 1)
         union all
         select (select o.partner_id from partner_outbox_events o where o.partner_id > w.partner_id order by 1 limit 1)
           from ofPartners w where w.partner_id is not null
       )
       select partner_id from ofTenants where partner_id is not null
       union select partner_id from ofPartners where partner_id is not null`,
    );
    return rows.map(({ partner_id }) => partner_id);
  }

  /**
   * Takes a partner's counter until the transaction ends; `undefined` where another relay has it. Numbers are given and
   * become visible in the same order because of this lock: what commits later has a higher number.
   */
  async takeCounter(partnerId: string): Promise<bigint | undefined> {
    await this.manager.query(
      'insert into partner_event_numbers (partner_id) values ($1) on conflict (partner_id) do nothing',
      [partnerId],
    );
    const rows: { last_sequence: string }[] = await this.manager.query(
      'select last_sequence from partner_event_numbers where partner_id = $1 for update skip locked',
      [partnerId],
    );
    return rows[0] && BigInt(rows[0].last_sequence);
  }

  /**
   * Moves a partner's oldest events from the outbox into its log, under the next numbers. The order is that of the ids,
   * which grow with the time at which the event was emitted.
   */
  async number(
    partnerId: string,
    last: bigint,
    limit: number,
    now: Instant,
  ): Promise<{ readonly sequence: bigint; readonly type: string }[]> {
    const rows: { sequence: string; type: string }[] = await this.manager.query(
      `with waiting as materialized (
         (select tenant_id, id from outbox_events where partner_id = $1 order by id limit $3)
         union all
         (select null::uuid, id from partner_outbox_events where partner_id = $1 order by id limit $3)
         order by id limit $3
       ), of_tenants as (
         delete from outbox_events o using waiting w
          where o.partner_id = $1 and o.tenant_id = w.tenant_id and o.id = w.id
          returning o.id, o.tenant_id, o.sandbox, o.type, o.version, o.payload, o.occurred_at
       ), of_partner as (
         delete from partner_outbox_events o using waiting w
          where o.partner_id = $1 and w.tenant_id is null and o.id = w.id
          returning o.id, null::uuid, false, o.type, o.version, o.payload, o.occurred_at
       ), numbered as (
         insert into partner_events (partner_id, sequence, id, tenant_id, sandbox, type, version, data, occurred_at, numbered_at)
         select $1, $2::bigint + row_number() over (order by id), taken.*, $4
           from (select * from of_tenants union all select * from of_partner)
                taken (id, tenant_id, sandbox, type, version, data, occurred_at)
         returning sequence, type
       ), counted as (
         update partner_event_numbers set last_sequence = $2::bigint + (select count(*) from numbered)
          where partner_id = $1 returning 1
       )
       select sequence, type from numbered, counted order by sequence`,
      [partnerId, last.toString(), limit, new Date(now.epochMilliseconds)],
    );
    return rows.map(({ sequence, type }) => ({ sequence: BigInt(sequence), type }));
  }

  /** The relay's own events: nobody was entered who could emit them. */
  async emitFor(partnerId: string, event: DomainEvent, occurredAt: Instant) {
    const { version, data } = toldOf(event);
    const row = { partnerId, id: newId(), type: event.type, version, payload: data, occurredAt };
    await this.manager.insert(PartnerOutboxEventEntity, row);
  }
}
