import type { EntityManager } from 'typeorm';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { readPage } from '../platform/paging';
import { preparedRead } from '../platform/prepared-read';
import { fromStored, toStored } from '../platform/stored-value';
import type { CurrencyUsagePrice } from '../rating/price-model-input';
import type { Feature, FeatureAllowance, FeatureKind, ResetPeriod } from './feature';
import { FeatureEntity } from './feature.entity';

function fromRow(row: FeatureEntity): Feature {
  return {
    ...row,
    id: row.id as Id<'Feature'>,
    partnerId: row.partnerId as Id<'Partner'>,
    kind: row.kind as FeatureKind,
    unit: row.unit ?? undefined,
  };
}

/** What plan, add-on and grant rows have in common. */
export interface AllowanceRow {
  readonly featureId: string;
  readonly unlimited: boolean;
  readonly limit: FeatureAllowance['limit'] | null;
  readonly resetPeriod: string | null;
  readonly value: string | null;
  /** Grants have none. */
  readonly usagePrices?: object;
}

export function allowanceFromRow(row: AllowanceRow): FeatureAllowance {
  return {
    featureId: row.featureId as Id<'Feature'>,
    unlimited: row.unlimited,
    limit: row.limit ?? undefined,
    resetPeriod: (row.resetPeriod ?? undefined) as ResetPeriod | undefined,
    value: row.value ?? undefined,
    usagePrices: row.usagePrices ? (fromStored(row.usagePrices) as CurrencyUsagePrice[]) : undefined,
  };
}

const rowsByIds = preparedRead(FeatureEntity, 'where id = any($1)');
const rowsByCode = preparedRead(FeatureEntity, 'where partner_id = $1 and code = $2');
/** The allowance of a plan version or an add-on as its row. */
export function allowanceToRow({ usagePrices, ...allowance }: FeatureAllowance) {
  return { ...allowance, usagePrices: toStored(usagePrices ?? []) as object };
}

export class FeatureRepository {
  constructor(private readonly manager: EntityManager) {}

  /** Makes the feature unless its code is taken: then `false`. */
  async insert(feature: Feature): Promise<boolean> {
    const result = await this.manager
      .createQueryBuilder()
      .insert()
      .into(FeatureEntity)
      .values({ ...feature, valueOrder: [...feature.valueOrder] })
      .orIgnore()
      .returning('id')
      .execute();
    return result.raw.length > 0;
  }

  async byCode(partnerId: string, code: string): Promise<Feature | undefined> {
    const [row] = await rowsByCode(this.manager, [partnerId, code]);
    return row ? fromRow(row) : undefined;
  }

  async byId(partnerId: string, id: string): Promise<Feature | undefined> {
    const row = await this.manager.findOneBy(FeatureEntity, { partnerId, id });
    return row ? fromRow(row) : undefined;
  }

  async byIds(ids: readonly string[]): Promise<Feature[]> {
    if (ids.length === 0) return [];
    return (await rowsByIds(this.manager, [ids])).map(fromRow);
  }

  async page(partnerId: string, request: PageRequest): Promise<Page<Feature>> {
    const query = this.manager
      .createQueryBuilder(FeatureEntity, 'feature')
      .where('feature.partnerId = :partnerId', { partnerId });
    return mapPage(await readPage(query, request), fromRow);
  }
}
