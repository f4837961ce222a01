import type { EntityManager } from 'typeorm';
import { instantText } from '../core/calendar';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest } from '../core/page';
import type { Prepared } from '../platform/database';
import { readPage } from '../platform/paging';
import { askPrepared } from '../platform/prepared-read';
import type { UsageAsked } from './meter';
import type { ToldThreshold, UsageThreshold } from './usage-threshold';
import { UsageThresholdEntity } from './usage-threshold.entity';

function fromRow(row: UsageThresholdEntity): UsageThreshold {
  return {
    id: row.id as Id<'UsageThreshold'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    featureId: row.featureId as Id<'Feature'>,
    percent: row.percent,
    limit: row.limit,
    used: row.used,
    windowStart: row.windowStart,
    windowEnd: row.windowEnd ?? undefined,
    reachedAt: row.reachedAt,
  };
}

const told: Prepared = {
  name: 'usage thresholds told',
  text: `select t.feature_id, t.percent from unnest($2::uuid[], $3::timestamptz[]) a(feature_id, window_start)
    join usage_thresholds t on t.tenant_id = $1 and t.feature_id = a.feature_id and t.window_start = a.window_start`,
};

export class UsageThresholdRepository {
  constructor(private readonly manager: EntityManager) {}

  /** What was told in these windows. */
  async toldIn(tenantId: string, asked: readonly UsageAsked[]): Promise<readonly ToldThreshold[]> {
    if (asked.length === 0) return [];
    const rows = await askPrepared<{ feature_id: string; percent: number }>(this.manager, told, [
      tenantId,
      asked.map(({ featureId }) => featureId),
      asked.map(({ window }) => instantText(window.start)),
    ]);
    return rows.map(({ feature_id: featureId, percent }) => ({ featureId, percent }));
  }

  /** Keeps those that were not told yet in their window; answers which they are. */
  async insertNew(partnerId: string, thresholds: readonly UsageThreshold[]): Promise<UsageThreshold[]> {
    if (thresholds.length === 0) return [];
    const { raw } = await this.manager
      .createQueryBuilder()
      .insert()
      .into(UsageThresholdEntity)
      .values(thresholds.map((threshold) => ({ ...threshold, partnerId })))
      .orIgnore()
      .returning('id')
      .execute();
    const told = new Set((raw as { id: string }[]).map(({ id }) => id));
    return thresholds.filter(({ id }) => told.has(id));
  }

  async page(tenantId: string, request: PageRequest): Promise<Page<UsageThreshold>> {
    const query = this.manager
      .createQueryBuilder(UsageThresholdEntity, 'threshold')
      .where('threshold.tenantId = :tenantId', { tenantId });
    return mapPage(await readPage(query, request), fromRow);
  }
}
