import type { EntityManager } from 'typeorm';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { readPage } from '../platform/paging';
import type { UsageThreshold } from './usage-threshold';
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

export class UsageThresholdRepository {
  constructor(private readonly manager: EntityManager) {}

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
