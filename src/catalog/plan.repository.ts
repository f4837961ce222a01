import { type EntityManager, LessThanOrEqual } from 'typeorm';
import { type Instant, instantText } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { groupBy } from '../core/group';
import type { Id } from '../core/ids';
import { money } from '../core/money';
import { mapPage, type Page, type PageRequest } from '../core/page';
import type { IntervalUnit } from '../core/period';
import type { ProrationBasis } from '../core/proration';
import { readPage } from '../platform/paging';
import { preparedRead } from '../platform/prepared-read';
import { allowanceFromRow, allowanceToRow } from './feature.repository';
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

const rowsByIds = preparedRead(PlanEntity, 'where id = any($1)');
const rowsById = preparedRead(PlanEntity, 'where partner_id = $1 and id = $2');
const rowsByCode = preparedRead(PlanEntity, 'where partner_id = $1 and code = $2');
const currentRows = preparedRead(
  PlanVersionEntity,
  'v where plan_id = any($1) and number = (select max(number) from plan_versions l where l.plan_id = v.plan_id)',
);
const rowsAt = preparedRead(
  PlanVersionEntity,
  `v where plan_id = any($1) and number = (
     select max(number) from plan_versions l where l.plan_id = v.plan_id and l.created_at <= $2)`,
);
const versionRows = preparedRead(PlanVersionEntity, 'where id = any($1)');
const priceRows = preparedRead(PlanPriceEntity, 'where plan_version_id = any($1) order by id');
const featureRows = preparedRead(PlanFeatureEntity, 'where plan_version_id = any($1) order by feature_id');
const addonRows = preparedRead(PlanAddonEntity, 'where plan_version_id = any($1) order by addon_id');

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
      trialDays: version.trialDays ?? null,
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
        version.allowances.map((allowance) => ({ partnerId, planVersionId, ...allowanceToRow(allowance) })),
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
    const [row] = await rowsById(this.manager, [partnerId, id]);
    return row ? fromRow(row) : undefined;
  }

  async byCode(partnerId: string, code: string): Promise<Plan | undefined> {
    const [row] = await rowsByCode(this.manager, [partnerId, code]);
    return row ? fromRow(row) : undefined;
  }

  async byIds(ids: readonly string[]): Promise<Plan[]> {
    if (ids.length === 0) return [];
    return (await rowsByIds(this.manager, [ids])).map(fromRow);
  }

  async page(
    partnerId: string,
    status: CatalogStatus | undefined,
    request: PageRequest,
    asOf?: Instant,
  ): Promise<Page<Plan>> {
    const query = this.manager
      .createQueryBuilder(PlanEntity, 'plan')
      .where('plan.partnerId = :partnerId', { partnerId });
    if (status) query.andWhere('plan.status = :status', { status });
    if (asOf) query.andWhere('plan.createdAt <= :asOf', { asOf: instantText(asOf) });
    return mapPage(await readPage(query, request), fromRow);
  }

  async count(partnerId: string, status: CatalogStatus | undefined, asOf?: Instant): Promise<number> {
    return this.manager.countBy(PlanEntity, {
      partnerId,
      ...(status ? { status } : {}),
      ...(asOf ? { createdAt: LessThanOrEqual(asOf) } : {}),
    });
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
    return this.whole(await currentRows(this.manager, [planIds]));
  }

  /** The version that was sold at an instant, for each of these plans. */
  async versionsAt(planIds: readonly string[], at: Instant): Promise<PlanVersion[]> {
    return planIds.length === 0 ? [] : this.whole(await rowsAt(this.manager, [planIds, instantText(at)]));
  }

  async currentVersion(planId: string): Promise<PlanVersion | undefined> {
    return (await this.currentVersions([planId]))[0];
  }

  /** Who changes what plans include, and what add-ons give, does so one after the other: each is judged by the whole catalog. */
  async lockCatalog(partnerId: string): Promise<void> {
    await this.manager.query(`select pg_advisory_xact_lock(hashtextextended('catalog ' || $1, 0))`, [partnerId]);
  }

  /** Which versions that are sold, or that a live subscription has, include this add-on, by name or because they include all? */
  async versionsInUseWith(partnerId: string, addonId: string, isOnSale: boolean): Promise<PlanVersion[]> {
    const rows: { id: string }[] = await this.manager.query(
      `select v.id from plan_versions v
        where v.partner_id = $1
          and ((v.includes_all_addons and $3) or exists (
            select from plan_addons a where a.partner_id = $1 and a.plan_version_id = v.id and a.addon_id = $2))
          and (not exists (select from plan_versions n where n.partner_id = $1 and n.plan_id = v.plan_id and n.number > v.number)
               or exists (select from subscriptions s
                           where s.partner_id = $1 and s.plan_version_id = v.id and s.status <> 'CANCELLED'))
        order by v.id limit 1000`,
      [partnerId, addonId, isOnSale],
    );
    return this.versionsByIds(rows.map(({ id }) => id));
  }

  async versionsByIds(ids: readonly string[]): Promise<PlanVersion[]> {
    return ids.length === 0 ? [] : this.whole(await versionRows(this.manager, [ids]));
  }

  /** Plan versions with their prices, limits and add-ons: three grouped reads, however many versions. */
  private async whole(versions: readonly PlanVersionEntity[]): Promise<PlanVersion[]> {
    if (versions.length === 0) return [];
    const ids = versions.map((row) => row.id);
    const [ofPrice, ofFeature, ofAddon] = await Promise.all([
      priceRows(this.manager, [ids]),
      featureRows(this.manager, [ids]),
      addonRows(this.manager, [ids]),
    ]);
    const prices = groupBy(ofPrice, (row) => row.planVersionId);
    const features = groupBy(ofFeature, (row) => row.planVersionId);
    const addons = groupBy(ofAddon, (row) => row.planVersionId);
    return versions.map((row) => ({
      id: row.id as Id<'PlanVersion'>,
      planId: row.planId as Id<'Plan'>,
      number: row.number,
      includesAllAddons: row.includesAllAddons,
      trialDays: row.trialDays ?? undefined,
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
