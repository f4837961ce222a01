import type { EntityManager } from 'typeorm';
import { type Instant, instantFromDate, instantText } from '../core/calendar';
import { decimal, decimalText } from '../core/decimal';
import type { Id } from '../core/ids';
import type { Prepared } from '../platform/database';
import { askPrepared } from '../platform/prepared-read';
import { gatheredQuery, oneOfMany } from '../platform/together';
import type { BilledWindow } from './usage-bill';

interface Row {
  readonly subscription_id: string;
  readonly feature_id: string;
  readonly window_start: Date;
  readonly window_end: Date | null;
  readonly billed_until: Date;
  readonly quantity: string;
  readonly paid_in_advance: string[];
}

function fromRow(row: Row): BilledWindow {
  return {
    subscriptionId: row.subscription_id as Id<'Subscription'>,
    featureId: row.feature_id as Id<'Feature'>,
    start: instantFromDate(row.window_start),
    end: row.window_end ? instantFromDate(row.window_end) : undefined,
    until: instantFromDate(row.billed_until),
    quantity: decimal(row.quantity),
    paidInAdvance: row.paid_in_advance,
  };
}

const save: Prepared = {
  name: 'save billed usage',
  text: `insert into billed_usage as b (tenant_id, partner_id, subscription_id, feature_id, window_start, window_end,
         billed_until, quantity, paid_in_advance, billed_at)
       select w.tenant_id, w.partner_id, w.subscription_id, w.feature_id, w.window_start, w.window_end, w.billed_until, w.quantity,
         w.paid_in_advance::uuid[], w.billed_at
       from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::timestamptz[], $7::timestamptz[],
         $8::timestamptz[], $9::numeric[], $10::text[]) as w(tenant_id, partner_id, billed_at, subscription_id, feature_id, window_start, window_end, billed_until, quantity, paid_in_advance)
       on conflict (tenant_id, subscription_id, feature_id, window_start) do update set
         billed_until = greatest(b.billed_until, excluded.billed_until),
         quantity = greatest(b.quantity, excluded.quantity),
         paid_in_advance = excluded.paid_in_advance,
         billed_at = excluded.billed_at`,
};

export class BilledUsageRepository {
  constructor(private readonly manager: EntityManager) {}

  /**
   * Which windows of these features are still open at an instant, or may have been added to since they were billed? Days
   * of usage are looked at, not events. An hour is allowed for transactions that were still open when the window was billed.
   */
  async openOrGrown(tenantId: string, featureIds: readonly string[], at: Instant): Promise<BilledWindow[]> {
    const rows = await gatheredQuery<Row>(
      this.manager,
      {
        text: `select b.subscription_id, b.feature_id, b.window_start, b.window_end, b.billed_until,
              trim_scale(b.quantity)::text as quantity, b.paid_in_advance
         from billed_usage b
        where b.tenant_id = $1 and b.feature_id = any($2)
          and (b.window_end is null or b.window_end > $3
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
        ],
      },
      [tenantId, featureIds, instantText(at)],
    );
    return rows.map(fromRow);
  }

  /** Keeps how far these windows are billed; all of them in one statement. */
  async save(
    { tenantId, partnerId }: { readonly tenantId: string; readonly partnerId: string },
    windows: readonly BilledWindow[],
    wallNow: Instant,
  ): Promise<void> {
    if (windows.length === 0) return;
    const rows = windows.map((window) => ({ ...window, tenantId, partnerId, wallNow }));
    await oneOfMany(this.manager, 'save billed usage', rows, async (all) => {
      await this.saveAll(all.flat());
      return all;
    });
  }

  private async saveAll(
    windows: readonly (BilledWindow & {
      readonly tenantId: string;
      readonly partnerId: string;
      readonly wallNow: Instant;
    })[],
  ): Promise<void> {
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
    ]);
  }
}
