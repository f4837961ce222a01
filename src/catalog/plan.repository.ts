import type { EntityManager } from 'typeorm';
import type { CurrencyCode } from '../core/currency';
import { groupBy } from '../core/group';
import type { Id } from '../core/ids';
import { money } from '../core/money';
import { mapPage, type Page, type PageRequest } from '../core/page';
import type { IntervalUnit } from '../core/period';
import type { ProrationBasis } from '../core/proration';
import { readPage } from '../platform/paging';
import { allowanceFromRow } from './feature.repository';
import type { CatalogStatus, Plan, PlanVersion } from './plan';
import { PlanAddonEntity, PlanEntity, PlanFeatureEntity, PlanPriceEntity, PlanVersionEntity } from './plan.entity';

function fromRow(row: PlanEntity): Plan {
  return {
    ...row,
    id: row.id as Id<'Plan'>,
    partnerId: row.partnerId as Id<'Partner'>,
    status: row.status as CatalogStatus,
    prorationBasis: (row.prorationBasis ?? undefined) as ProrationBasis | undefined,
  };
}

export class PlanRepository {
  constructor(private readonly manager: EntityManager) {}

  /** Makes the plan unless its code is taken: then `false`. */
  async insert(plan: Plan): Promise<boolean> {
    const result = await this.manager
      .createQueryBuilder()
      .insert()
      .into(PlanEntity)
      .values({ ...plan })
      .orIgnore()
      .returning('id')
      .execute();
    return result.raw.length > 0;
  }

  async insertVersion(partnerId: string, version: PlanVersion): Promise<void> {
    const { id: planVersionId } = version;
    await this.manager.insert(PlanVersionEntity, {
      partnerId,
      id: planVersionId,
      planId: version.planId,
      number: version.number,
      includesAllAddons: version.includesAllAddons,
      createdAt: version.createdAt,
    });
    await this.manager.insert(
      PlanPriceEntity,
      version.prices.map(({ id, interval, amount }) => ({
        partnerId,
        id,
        planVersionId,
        interval,
        currency: amount.currency,
        amount: amount.minor,
      })),
    );
    if (version.allowances.length > 0) {
      await this.manager.insert(
        PlanFeatureEntity,
        version.allowances.map((allowance) => ({ partnerId, planVersionId, ...allowance })),
      );
    }
    if (version.includedAddonIds.length > 0) {
      await this.manager.insert(
        PlanAddonEntity,
        version.includedAddonIds.map((addonId) => ({ partnerId, planVersionId, addonId })),
      );
    }
  }

  /** Writes the editable fields when the row still has the version that was read; `false` when somebody was faster. */
  async update(plan: Plan): Promise<boolean> {
    const { id, partnerId, name, description, rank, status, version } = plan;
    const result = await this.manager.update(
      PlanEntity,
      { partnerId, id, version },
      { name, description, rank, status, prorationBasis: plan.prorationBasis ?? null, version: version + 1 },
    );
    return result.affected === 1;
  }

  async byId(partnerId: string, id: string): Promise<Plan | undefined> {
    const row = await this.manager.findOneBy(PlanEntity, { partnerId, id });
    return row ? fromRow(row) : undefined;
  }

  async byCode(partnerId: string, code: string): Promise<Plan | undefined> {
    const row = await this.manager.findOneBy(PlanEntity, { partnerId, code });
    return row ? fromRow(row) : undefined;
  }

  async byIds(ids: readonly string[]): Promise<Plan[]> {
    if (ids.length === 0) return [];
    const rows = await this.manager
      .createQueryBuilder(PlanEntity, 'plan')
      .where('plan.id = any(:ids)', { ids })
      .getMany();
    return rows.map(fromRow);
  }

  async page(partnerId: string, status: CatalogStatus | undefined, request: PageRequest): Promise<Page<Plan>> {
    const query = this.manager
      .createQueryBuilder(PlanEntity, 'plan')
      .where('plan.partnerId = :partnerId', { partnerId });
    if (status) query.andWhere('plan.status = :status', { status });
    return mapPage(await readPage(query, request), fromRow);
  }

  async count(partnerId: string, status: CatalogStatus | undefined): Promise<number> {
    return this.manager.countBy(PlanEntity, status ? { partnerId, status } : { partnerId });
  }

  /** All plans on sale, weakest first: what could unlock a feature. A partner has few plans; the read is bounded. */
  async onSale(partnerId: string): Promise<Plan[]> {
    const rows = await this.manager
      .createQueryBuilder(PlanEntity, 'plan')
      .where(`plan.partnerId = :partnerId and plan.status = 'ACTIVE'`, { partnerId })
      .orderBy('plan.rank')
      .addOrderBy('plan.id')
      .limit(200)
      .getMany();
    return rows.map(fromRow);
  }

  /** The version that is sold now, for each of these plans. */
  async currentVersions(planIds: readonly string[]): Promise<PlanVersion[]> {
    if (planIds.length === 0) return [];
    const rows: { id: string }[] = await this.manager.query(
      'select distinct on (plan_id) id from plan_versions where plan_id = any($1) order by plan_id, number desc',
      [planIds],
    );
    return this.versionsByIds(rows.map((row) => row.id));
  }

  async currentVersion(planId: string): Promise<PlanVersion | undefined> {
    return (await this.currentVersions([planId]))[0];
  }

  /** Plan versions whole: four grouped reads, however many versions. */
  async versionsByIds(ids: readonly string[]): Promise<PlanVersion[]> {
    if (ids.length === 0) return [];
    const versions = await this.manager
      .createQueryBuilder(PlanVersionEntity, 'version')
      .where('version.id = any(:ids)', { ids })
      .getMany();
    const prices = groupBy(
      await this.manager
        .createQueryBuilder(PlanPriceEntity, 'price')
        .where('price.planVersionId = any(:ids)', { ids })
        .orderBy('price.id')
        .getMany(),
      (row) => row.planVersionId,
    );
    const features = groupBy(
      await this.manager
        .createQueryBuilder(PlanFeatureEntity, 'feature')
        .where('feature.planVersionId = any(:ids)', { ids })
        .orderBy('feature.featureId')
        .getMany(),
      (row) => row.planVersionId,
    );
    const addons = groupBy(
      await this.manager
        .createQueryBuilder(PlanAddonEntity, 'addon')
        .where('addon.planVersionId = any(:ids)', { ids })
        .orderBy('addon.addonId')
        .getMany(),
      (row) => row.planVersionId,
    );
    return versions.map((row) => ({
      id: row.id as Id<'PlanVersion'>,
      planId: row.planId as Id<'Plan'>,
      number: row.number,
      includesAllAddons: row.includesAllAddons,
      includedAddonIds: (addons.get(row.id) ?? []).map((addon) => addon.addonId as Id<'Addon'>),
      prices: (prices.get(row.id) ?? []).map((price) => ({
        id: price.id as Id<'PlanPrice'>,
        interval: price.interval as IntervalUnit,
        amount: money(price.amount, price.currency as CurrencyCode),
      })),
      allowances: (features.get(row.id) ?? []).map(allowanceFromRow),
      createdAt: row.createdAt,
    }));
  }

  async versionById(id: string): Promise<PlanVersion | undefined> {
    return (await this.versionsByIds([id]))[0];
  }
}
