import type { EntityManager } from 'typeorm';
import { type Instant, instantFromDate, instantText } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { decimal, decimalText } from '../core/decimal';
import type { Id } from '../core/ids';
import { money } from '../core/money';
import type { Prepared } from '../platform/database';
import { newId } from '../platform/new-id';
import { askPrepared } from '../platform/prepared-read';
import { gatheredQuery, oneOfMany } from '../platform/together';
import type { BilledCharge, BilledWindow } from './billed-usage';

interface Owner {
  readonly tenantId: string;
  readonly partnerId: string;
}

interface Row {
  readonly subscription_id: string;
  readonly feature_id: string;
  readonly window_start: Date;
  readonly window_end: Date | null;
  readonly billed_until: Date;
  readonly quantity: string;
  readonly paid_in_advance: string[];
  readonly boundaries: Date[];
  readonly reopened: boolean;
}

function fromRow(row: Row): BilledWindow {
  const boundaries = row.boundaries.map(instantFromDate);
  const until = instantFromDate(row.billed_until);
  return {
    subscriptionId: row.subscription_id as Id<'Subscription'>,
    featureId: row.feature_id as Id<'Feature'>,
    start: instantFromDate(row.window_start),
    end: row.window_end ? instantFromDate(row.window_end) : undefined,
    until,
    quantity: decimal(row.quantity),
    paidInAdvance: row.paid_in_advance,
    // A bill of the version before has kept none: nothing of the window is known by its charges then.
    boundaries: boundaries.at(-1)?.epochMilliseconds === until.epochMilliseconds ? boundaries : [],
    reopened: row.reopened,
  };
}

const save: Prepared = {
  name: 'save billed usage',
  text: `insert into billed_usage as b (tenant_id, partner_id, subscription_id, feature_id, window_start, window_end,
         billed_until, quantity, paid_in_advance, boundaries, reopened, billed_at)
       select w.tenant_id, w.partner_id, w.subscription_id, w.feature_id, w.window_start, w.window_end, w.billed_until, w.quantity,
         w.paid_in_advance::uuid[], w.boundaries::timestamptz[], w.reopened, w.billed_at
       from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::timestamptz[], $7::timestamptz[],
         $8::timestamptz[], $9::numeric[], $10::text[], $11::text[], $12::boolean[]) as w(tenant_id, partner_id, billed_at,
         subscription_id, feature_id, window_start, window_end, billed_until, quantity, paid_in_advance, boundaries, reopened)
       on conflict (tenant_id, subscription_id, feature_id, window_start) do update set
         billed_until = greatest(b.billed_until, excluded.billed_until),
         quantity = greatest(b.quantity, excluded.quantity),
         paid_in_advance = excluded.paid_in_advance,
         boundaries = excluded.boundaries,
         reopened = excluded.reopened,
         billed_at = excluded.billed_at`,
};

const saveCharges: Prepared = {
  name: 'save billed charges',
  text: `insert into billed_usage_charges (tenant_id, id, partner_id, subscription_id, feature_id, window_start, billed_until, source_id,
         catalog_id, part, quantity, amount, currency, invoice_id)
       select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::timestamptz[], $7::timestamptz[],
         $8::uuid[], $9::uuid[], $10::text[], $11::numeric[], $12::bigint[], $13::text[], $14::uuid[])`,
};

interface ChargeRow {
  readonly subscription_id: string;
  readonly feature_id: string;
  readonly window_start: Date;
  readonly billed_until: Date;
  readonly source_id: string;
  readonly catalog_id: string;
  readonly part: BilledCharge['part'];
  readonly quantity: string;
  readonly amount: string;
  readonly currency: string;
}

function chargeFromRow(row: ChargeRow): BilledCharge {
  return {
    subscriptionId: row.subscription_id as Id<'Subscription'>,
    featureId: row.feature_id as Id<'Feature'>,
    windowStart: instantFromDate(row.window_start),
    until: instantFromDate(row.billed_until),
    sourceId: row.source_id,
    catalogId: row.catalog_id,
    part: row.part,
    quantity: decimal(row.quantity),
    amount: money(BigInt(row.amount), row.currency as CurrencyCode),
  };
}

const instants = (all: readonly Instant[]) => `{${all.map(instantText).join(',')}}`;

export class BilledUsageRepository {
  constructor(private readonly manager: EntityManager) {}

  /**
   * Which windows of these features are still open at an instant, or may have been added to since they were billed, or are to
   * be billed again? Days of usage are looked at, not events. An hour is allowed for transactions that were still open when
   * the window was billed.
   */
  async openOrGrown(tenantId: string, featureIds: readonly string[], at: Instant): Promise<BilledWindow[]> {
    const rows = await gatheredQuery<Row>(
      this.manager,
      {
        text: `select b.subscription_id, b.feature_id, b.window_start, b.window_end, b.billed_until,
              trim_scale(b.quantity)::text as quantity, b.paid_in_advance, b.boundaries, b.reopened
         from billed_usage b
        where b.tenant_id = $1 and b.feature_id = any($2)
          and (b.window_end is null or b.window_end > $3 or b.reopened
               or exists (select from usage_rollups r
                           where r.tenant_id = b.tenant_id and r.feature_id = b.feature_id and r.grain = 'DAY'
                             and r.bucket_start > b.window_start - interval '1 day' and r.bucket_start < b.billed_until
                             and r.changed_at > b.billed_at - interval '1 hour'))
        order by b.feature_id, b.window_start`,
        types: ['uuid', 'uuid[]', 'timestamptz'],
        columns: [
          'subscription_id',
          'feature_id',
          'window_start',
          'window_end',
          'billed_until',
          'quantity',
          'paid_in_advance',
          'boundaries',
          'reopened',
        ],
      },
      [tenantId, featureIds, instantText(at)],
    );
    return rows.map(fromRow);
  }

  /** What was charged for these windows and stands: what a void invoice charged does not. */
  async chargesOf(tenantId: string, windows: readonly BilledWindow[]): Promise<BilledCharge[]> {
    if (windows.length === 0) return [];
    const rows = await gatheredQuery<ChargeRow>(
      this.manager,
      {
        text: `select c.subscription_id, c.feature_id, c.window_start, c.billed_until, c.source_id, c.catalog_id, c.part,
              trim_scale(c.quantity)::text as quantity, c.amount::text as amount, c.currency
         from billed_usage_charges c
        where c.tenant_id = $1 and c.feature_id = any($2) and c.window_start = any($3) and not c.returned
        order by c.id`,
        types: ['uuid', 'uuid[]', 'timestamptz[]'],
        columns: [
          'subscription_id',
          'feature_id',
          'window_start',
          'billed_until',
          'source_id',
          'catalog_id',
          'part',
          'quantity',
          'amount',
          'currency',
        ],
      },
      [
        tenantId,
        [...new Set(windows.map(({ featureId }) => featureId))],
        [...new Set(windows.map(({ start }) => instantText(start)))],
      ],
    );
    return rows.map(chargeFromRow);
  }

  /** Keeps how far these windows are billed; all of them in one statement. */
  async save({ tenantId, partnerId }: Owner, windows: readonly BilledWindow[], wallNow: Instant): Promise<void> {
    if (windows.length === 0) return;
    const rows = windows.map((window) => ({ ...window, tenantId, partnerId, wallNow }));
    await oneOfMany(this.manager, 'save billed usage', rows, async (all) => {
      await this.saveAll(all.flat());
      return all;
    });
  }

  private async saveAll(windows: readonly (BilledWindow & Owner & { readonly wallNow: Instant })[]): Promise<void> {
    await askPrepared(this.manager, save, [
      windows.map(({ tenantId }) => tenantId),
      windows.map(({ partnerId }) => partnerId),
      windows.map(({ wallNow }) => instantText(wallNow)),
      windows.map(({ subscriptionId }) => subscriptionId),
      windows.map(({ featureId }) => featureId),
      windows.map(({ start }) => instantText(start)),
      windows.map(({ end }) => (end ? instantText(end) : null)),
      windows.map(({ until }) => instantText(until)),
      windows.map(({ quantity }) => decimalText(quantity)),
      windows.map(({ paidInAdvance }) => `{${paidInAdvance.join(',')}}`),
      windows.map(({ boundaries }) => instants(boundaries)),
      windows.map(({ reopened }) => reopened),
    ]);
  }

  /** Keeps what an invoice charges for its windows. */
  async saveCharges(owner: Owner, invoiceId: string, charges: readonly BilledCharge[]): Promise<void> {
    if (charges.length === 0) return;
    const rows = charges.map((charge) => ({ ...charge, ...owner, invoiceId }));
    await oneOfMany(this.manager, 'save billed charges', rows, async (all) => {
      const each = all.flat();
      await askPrepared(this.manager, saveCharges, [
        each.map(({ tenantId }) => tenantId),
        each.map(() => newId()),
        each.map(({ partnerId }) => partnerId),
        each.map(({ subscriptionId }) => subscriptionId),
        each.map(({ featureId }) => featureId),
        each.map(({ windowStart }) => instantText(windowStart)),
        each.map(({ until }) => instantText(until)),
        each.map(({ sourceId }) => sourceId),
        each.map(({ catalogId }) => catalogId),
        each.map(({ part }) => part),
        each.map(({ quantity }) => decimalText(quantity)),
        each.map(({ amount }) => amount.minor.toString()),
        each.map(({ amount }) => amount.currency),
        each.map((charge) => charge.invoiceId),
      ]);
      return all;
    });
  }

  /** Takes back what an invoice charged: its windows are billed again. Answers whether there was anything. */
  async returnChargesOf(tenantId: string, invoiceId: string): Promise<boolean> {
    const [rows] = await this.manager.query(
      `with returned as (
         update billed_usage_charges set returned = true where tenant_id = $1 and invoice_id = $2 and not returned
         returning subscription_id, feature_id, window_start, source_id, part
       )
       update billed_usage b set reopened = true, paid_in_advance = array(
           select paid from unnest(b.paid_in_advance) paid
            where not exists (select from returned r where r.part = 'ADVANCE' and r.subscription_id = b.subscription_id
                                and r.feature_id = b.feature_id and r.window_start = b.window_start and r.source_id = paid))
        where b.tenant_id = $1 and (b.subscription_id, b.feature_id, b.window_start) in (
          select r.subscription_id, r.feature_id, r.window_start from returned r)
       returning b.feature_id`,
      [tenantId, invoiceId],
    );
    return rows.length > 0;
  }

  /** Usage may be left to bill though the subscription has ended: to be looked at from an instant on. */
  async awaitAfterEnd({ tenantId, partnerId }: Owner, dueAt: Instant): Promise<void> {
    await oneOfMany(this.manager, 'await usage after end', { tenantId, partnerId, dueAt }, async (all) => {
      await askPrepared(this.manager, awaitAfterEnd, [
        all.map((one) => one.tenantId),
        all.map((one) => one.partnerId),
        all.map((one) => instantText(one.dueAt)),
      ]);
      return all;
    });
  }

  /** From when on usage is waited for though the subscription has ended. */
  async awaitedAfterEnd(tenantId: string): Promise<Instant | undefined> {
    const [row]: { due_at: Date }[] = await this.manager.query(
      'select due_at from usage_after_end where tenant_id = $1',
      [tenantId],
    );
    return row && instantFromDate(row.due_at);
  }

  /** Whether usage has been waited for since before an instant: then the caller looks for it. */
  async takeAfterEnd(tenantId: string, until: Instant): Promise<boolean> {
    const rows = await this.manager.query(
      'delete from usage_after_end where tenant_id = $1 and due_at <= $2 returning tenant_id',
      [tenantId, instantText(until)],
    );
    return rows[0].length > 0;
  }
}

const awaitAfterEnd: Prepared = {
  name: 'await usage after end',
  text: `insert into usage_after_end as u (tenant_id, partner_id, due_at)
    select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[])
    on conflict (tenant_id) do update set due_at = least(u.due_at, excluded.due_at)`,
};
