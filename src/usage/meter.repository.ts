import type { EntityManager } from 'typeorm';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest } from '../core/page';
import type { Prepared } from '../platform/database';
import { readPage } from '../platform/paging';
import { askPrepared } from '../platform/prepared-read';
import { type Aggregation, type Counting, defaultThresholds, type Meter, type MeterFilter } from './meter';
import { MeterEntity } from './meter.entity';

function fromRow(row: MeterEntity): Meter {
  return {
    ...row,
    id: row.id as Id<'Meter'>,
    partnerId: row.partnerId as Id<'Partner'>,
    featureId: row.featureId as Id<'Feature'>,
    aggregation: row.aggregation as Aggregation,
    valueProperty: row.valueProperty ?? undefined,
    uniqueProperty: row.uniqueProperty ?? undefined,
  };
}

interface CountingRow {
  readonly feature_id: string;
  readonly code: string;
  readonly event_type: string;
  readonly aggregation: string;
  readonly value_property: string | null;
  readonly unique_property: string | null;
  readonly filters: readonly MeterFilter[];
  readonly thresholds: readonly number[] | null;
}

const countings: Prepared = {
  name: 'usage countings',
  text: `select f.id as feature_id, f.code, coalesce(m.event_type, f.code) as event_type,
         coalesce(m.aggregation, 'SUM') as aggregation, m.value_property, m.unique_property,
         coalesce(m.filters, '[]') as filters, m.thresholds
       from features f left join meters m on m.partner_id = f.partner_id and m.feature_id = f.id
       where f.partner_id = $1 and f.kind = 'METERED' and coalesce(m.event_type, f.code) = any($2)
       order by f.id limit 1000`,
};

export class MeterRepository {
  constructor(private readonly manager: EntityManager) {}

  /** Makes the meter unless its feature has one: then `false`. */
  async insert(meter: Meter): Promise<boolean> {
    const { filters, ...row } = meter;
    const result = await this.manager
      .createQueryBuilder()
      .insert()
      .into(MeterEntity)
      .values({ ...row, thresholds: [...meter.thresholds], filters: filters as never })
      .orIgnore()
      .returning('id')
      .execute();
    return result.raw.length > 0;
  }

  async page(partnerId: string, request: PageRequest): Promise<Page<Meter>> {
    const query = this.manager
      .createQueryBuilder(MeterEntity, 'meter')
      .where('meter.partnerId = :partnerId', { partnerId });
    return mapPage(await readPage(query, request), fromRow);
  }

  /** Which features do events of these types count for? Their own code is the type of those without a meter. */
  async countingTypes(partnerId: string, eventTypes: readonly string[]): Promise<Counting[]> {
    const rows = await askPrepared<CountingRow>(this.manager, countings, [partnerId, eventTypes]);
    return rows.map((row) => ({
      featureId: row.feature_id as Id<'Feature'>,
      featureCode: row.code,
      eventType: row.event_type,
      aggregation: row.aggregation as Aggregation,
      valueProperty: row.value_property ?? undefined,
      uniqueProperty: row.unique_property ?? undefined,
      filters: row.filters,
      thresholds: row.thresholds ?? defaultThresholds,
    }));
  }

  /** Which of these features say how much there is (the largest, the latest value), so that events use nothing up? */
  async notUsedUp(partnerId: string, featureIds: readonly string[]): Promise<ReadonlySet<string>> {
    const rows: { feature_id: string }[] = await this.manager.query(
      `select feature_id from meters where partner_id = $1 and feature_id = any($2) and aggregation in ('MAX', 'LATEST')`,
      [partnerId, featureIds],
    );
    return new Set(rows.map(({ feature_id: id }) => id));
  }

  /** Has anything been counted for the feature yet, by whichever of the partner's tenants? */
  async isCounted(partnerId: string, featureId: string): Promise<boolean> {
    const rows: unknown[] = await this.manager.query(
      'select 1 from usage_rollups where partner_id = $1 and feature_id = $2 limit 1',
      [partnerId, featureId],
    );
    return rows.length > 0;
  }
}
