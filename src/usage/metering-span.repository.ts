import type { EntityManager } from 'typeorm';
import { type Instant, instantText, type LocalDate, type TimeZone, timeZone } from '../core/calendar';
import type { Id } from '../core/ids';
import type { Prepared } from '../platform/database';
import { askPrepared, preparedRead } from '../platform/prepared-read';
import { oneOfMany } from '../platform/together';
import { type CarriedUsage, carriedFromStored, carriedToStored } from './carried-usage';
import { MeteringSpanEntity } from './metering-span.entity';
import type { MeteringSpan } from './metering-window';

const rowsOf = preparedRead(MeteringSpanEntity, 'where tenant_id = $1 and subscription_id = $2 order by starts_at');
const rowsSince = preparedRead(
  MeteringSpanEntity,
  `where tenant_id = $1 and (ends_at is null or ends_at > $2 or ends_at = (
     select max(m.ends_at) from metering_spans m where m.tenant_id = $1 and m.ends_at <= $2)) order by starts_at, ends_at`,
);

const begin: Prepared = {
  name: 'begin metering spans',
  text: `with new as materialized (
      select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::date[], $5::text[],
        $6::jsonb[]) as n(tenant_id, subscription_id, starts_at, anchor_date, time_zone, carried)
    ), last as materialized (
      select m.*, n.starts_at as new_start, n.anchor_date as new_anchor, n.time_zone as new_zone, n.carried as new_carried
        from new n
        join metering_spans m on m.tenant_id = n.tenant_id and m.subscription_id = n.subscription_id
         and m.starts_at <= n.starts_at and (m.ends_at is null or m.ends_at > n.starts_at)
    ), ended as (
      update metering_spans m set ends_at = l.new_start from last l
       where m.tenant_id = l.tenant_id and m.subscription_id = l.subscription_id and m.starts_at = l.starts_at
         and l.starts_at < l.new_start
    )
    insert into metering_spans (tenant_id, subscription_id, starts_at, partner_id, ends_at, anchor_date, time_zone, trial, count_from, carried)
    select l.tenant_id, l.subscription_id, l.new_start, l.partner_id, l.ends_at, l.new_anchor, l.new_zone, l.trial, l.count_from, l.new_carried
      from last l
    on conflict (tenant_id, subscription_id, starts_at) do update set anchor_date = excluded.anchor_date, carried = excluded.carried`,
};

function fromRow(row: MeteringSpanEntity): MeteringSpan {
  return {
    subscriptionId: row.subscriptionId as Id<'Subscription'>,
    start: row.start,
    end: row.end ?? undefined,
    anchorDate: row.anchorDate,
    timeZone: timeZone(row.timeZone),
    trial: row.trial,
    countFrom: row.countFrom,
    carried: carriedFromStored(row.carried),
    carriedAfter: carriedFromStored(row.carriedAfter),
  };
}

/** The first ones of a subscription, and the end of its last one, are written by triggers on `subscriptions`. */
export class MeteringSpanRepository {
  constructor(private readonly manager: EntityManager) {}

  /** By which spans do limits count from an instant on? With the last one before it, in order: `windowAt` needs it. */
  async since(tenantId: string, from: Instant): Promise<MeteringSpan[]> {
    return (await rowsSince(this.manager, [tenantId, instantText(from)])).map(fromRow);
  }

  /** All spans of one subscription, in order. */
  async of(tenantId: string, subscriptionId: string): Promise<MeteringSpan[]> {
    return (await rowsOf(this.manager, [tenantId, subscriptionId])).map(fromRow);
  }

  /** A new anchor: what was counted before stays in the windows that end here. A second one at the same instant takes its place. */
  async begin(
    { id, tenantId, timeZone: zone }: { readonly id: string; readonly tenantId: string; readonly timeZone: TimeZone },
    at: Instant,
    anchorDate: LocalDate,
    carried: CarriedUsage,
  ): Promise<void> {
    const kept = JSON.stringify(carriedToStored(carried));
    const span = [tenantId, id, instantText(at), anchorDate.toString(), zone, kept];
    await oneOfMany(this.manager, 'begin metering spans', span, async (all) => {
      await askPrepared(
        this.manager,
        begin,
        span.map((_, column) => all.map((values) => values[column])),
      );
      return all;
    });
  }

  /** Into the windows that a subscription's first span begins with. */
  async carryInto(tenantId: string, subscriptionId: string, start: Instant, carried: CarriedUsage): Promise<void> {
    if (carried.size === 0) return;
    await this.manager.update(
      MeteringSpanEntity,
      { tenantId, subscriptionId, start },
      { carried: carriedToStored(carried) },
    );
  }

  /** Into the windows that begin where a subscription's last span ends. */
  async carryAfter(tenantId: string, subscriptionId: string, end: Instant, carried: CarriedUsage): Promise<void> {
    if (carried.size === 0) return;
    const carriedAfter = carriedToStored(carried);
    await this.manager.update(MeteringSpanEntity, { tenantId, subscriptionId, end }, { carriedAfter });
  }
}
