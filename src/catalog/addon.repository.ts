import { type EntityManager, LessThanOrEqual } from 'typeorm';
import { type Instant, instantText, isAtOrBefore } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { groupBy } from '../core/group';
import type { Id } from '../core/ids';
import { money } from '../core/money';
import type { Page, PageRequest } from '../core/page';
import type { IntervalUnit } from '../core/period';
import { newId } from '../platform/new-id';
import { readPage } from '../platform/paging';
import { preparedRead } from '../platform/prepared-read';
import { fromStored, toStored } from '../platform/stored-value';
import type { Addon, AddonPrice } from './addon';
import {
  AddonAllowanceHistoryEntity,
  AddonEntity,
  AddonFeatureEntity,
  AddonPriceEntity,
  AddonRequirementEntity,
} from './addon.entity';
import type { FeatureAllowance } from './feature';
import { allowanceFromRow, allowanceToRow } from './feature.repository';
import type { CatalogStatus } from './plan';

const rowsByIds = preparedRead(AddonEntity, 'where id = any($1)');
const rowsByCode = preparedRead(AddonEntity, 'where partner_id = $1 and code = $2');
const rowsOnSale = preparedRead(AddonEntity, `where partner_id = $1 and status = 'ACTIVE' order by id limit 500`);
const priceRows = preparedRead(AddonPriceEntity, 'where addon_id = any($1) and replaced_at is null order by id');
const featureRows = preparedRead(AddonFeatureEntity, 'where addon_id = any($1) order by feature_id');
const requirementRows = preparedRead(AddonRequirementEntity, 'where addon_id = any($1) order by required_addon_id');

const priceRowsAt = preparedRead(
  AddonPriceEntity,
  'where addon_id = any($1) and created_at <= $2 and (replaced_at is null or replaced_at > $2) order by id',
);
const allowancesAt = preparedRead(
  AddonAllowanceHistoryEntity,
  `h where addon_id = any($1) and id = (select id from addon_allowance_history o
     where o.addon_id = h.addon_id and o.replaced_at > $2 order by replaced_at, id limit 1)`,
);

const priceFromRow = (row: AddonPriceEntity): AddonPrice => ({
  id: row.id,
  interval: row.interval as IntervalUnit,
  amount: money(row.amount, row.currency as CurrencyCode),
});

export class AddonRepository {
  constructor(private readonly manager: EntityManager) {}

  /** Makes the add-on unless its code is taken: then `false`. */
  async insert(addon: Addon): Promise<boolean> {
    const { prices, allowances, requiredAddonIds, ...row } = addon;
    const result = await this.manager
      .createQueryBuilder()
      .insert()
      .into(AddonEntity)
      .values(row)
      .orIgnore()
      .returning('id')
      .execute();
    if (result.raw.length === 0) return false;
    await this.insertPrices(addon.partnerId, addon.id, prices, addon.createdAt);
    await this.insertAllowances(addon.partnerId, addon.id, allowances);
    if (requiredAddonIds.length > 0) {
      await this.manager.insert(
        AddonRequirementEntity,
        requiredAddonIds.map((requiredAddonId) => ({ partnerId: addon.partnerId, addonId: addon.id, requiredAddonId })),
      );
    }
    return true;
  }

  private async insertPrices(partnerId: string, addonId: string, prices: readonly AddonPrice[], createdAt: Instant) {
    if (prices.length === 0) return;
    await this.manager.insert(
      AddonPriceEntity,
      prices.map(({ id, interval, amount }) => ({
        partnerId,
        id,
        addonId,
        interval,
        currency: amount.currency,
        amount: amount.minor,
        createdAt,
      })),
    );
  }

  private async insertAllowances(partnerId: string, addonId: string, allowances: readonly FeatureAllowance[]) {
    if (allowances.length === 0) return;
    await this.manager.insert(
      AddonFeatureEntity,
      allowances.map((allowance) => ({ partnerId, addonId, ...allowanceToRow(allowance) })),
    );
  }

  /** Writes the editable fields when the row still has the version that was read; `false` when somebody was faster. */
  async update(addon: Addon): Promise<boolean> {
    const { id, partnerId, name, description, status, version } = addon;
    const result = await this.manager.update(
      AddonEntity,
      { partnerId, id, version },
      { name, description, status, minimumPlanRank: addon.minimumPlanRank ?? null, version: version + 1 },
    );
    return result.affected === 1;
  }

  /** The old prices stay as rows, replaced: attachments point at what they bought. */
  async replacePrices(partnerId: string, addonId: string, prices: readonly AddonPrice[], now: Instant): Promise<void> {
    await this.manager.query(
      'update addon_prices set replaced_at = $3 where partner_id = $1 and addon_id = $2 and replaced_at is null',
      [partnerId, addonId, now.toString()],
    );
    await this.insertPrices(partnerId, addonId, prices, now);
  }

  /** What it gave until now stays as a row of its history. */
  async replaceAllowances(
    { partnerId, id: addonId, allowances: before }: Pick<Addon, 'partnerId' | 'id' | 'allowances'>,
    allowances: readonly FeatureAllowance[],
    now: Instant,
  ): Promise<void> {
    await this.manager.insert(AddonAllowanceHistoryEntity, {
      ...{ partnerId, id: newId(), addonId, replacedAt: now },
      allowances: toStored(before) as object,
    });
    await this.manager.delete(AddonFeatureEntity, { partnerId, addonId });
    await this.insertAllowances(partnerId, addonId, allowances);
  }

  /** With the prices and limits that these add-ons had at an instant; those that were made later are left out. */
  async asOf(addons: readonly Addon[], at: Instant): Promise<Addon[]> {
    const then = addons.filter(({ createdAt }) => isAtOrBefore(createdAt, at));
    if (then.length === 0) return [];
    const asked = [then.map(({ id }) => id), instantText(at)] as const;
    const prices = groupBy(await priceRowsAt(this.manager, [...asked]), (row) => row.addonId);
    const replaced = new Map(
      (await allowancesAt(this.manager, [...asked])).map((row) => [row.addonId, row.allowances]),
    );
    return then.map((addon) => {
      const before = replaced.get(addon.id);
      return {
        ...addon,
        prices: (prices.get(addon.id) ?? []).map(priceFromRow),
        allowances: before ? (fromStored(before) as FeatureAllowance[]) : addon.allowances,
      };
    });
  }

  async byId(partnerId: string, id: string): Promise<Addon | undefined> {
    return (await this.whole(await this.manager.findBy(AddonEntity, { partnerId, id })))[0];
  }

  async byCode(partnerId: string, code: string): Promise<Addon | undefined> {
    return (await this.whole(await rowsByCode(this.manager, [partnerId, code])))[0];
  }

  async byIds(ids: readonly string[]): Promise<Addon[]> {
    if (ids.length === 0) return [];
    return this.whole(await rowsByIds(this.manager, [ids]));
  }

  async page(
    partnerId: string,
    status: CatalogStatus | undefined,
    request: PageRequest,
    asOf?: Instant,
  ): Promise<Page<Addon>> {
    const query = this.manager
      .createQueryBuilder(AddonEntity, 'addon')
      .where('addon.partnerId = :partnerId', { partnerId });
    if (status) query.andWhere('addon.status = :status', { status });
    if (asOf) query.andWhere('addon.createdAt <= :asOf', { asOf: instantText(asOf) });
    const page = await readPage(query, request);
    return { ...page, items: await this.whole(page.items) };
  }

  async count(partnerId: string, status: CatalogStatus | undefined, asOf?: Instant): Promise<number> {
    return this.manager.countBy(AddonEntity, {
      partnerId,
      ...(status ? { status } : {}),
      ...(asOf ? { createdAt: LessThanOrEqual(asOf) } : {}),
    });
  }

  /** All add-ons on sale: what could unlock a feature. */
  async onSale(partnerId: string): Promise<Addon[]> {
    return this.whole(await rowsOnSale(this.manager, [partnerId]));
  }

  /** How many live attachments has each add-on? One grouped read for the whole page; add-ons without one count zero. */
  async subscriberCounts(partnerId: string, addonIds: readonly string[]): Promise<Map<string, number>> {
    const rows: { addon_id: string; subscribers: string }[] = await this.manager.query(
      `select addon_id, count(*)::text as subscribers from partner_tenant_addon_subscriptions
        where partner_id = $1 and addon_id = any($2) and ended_at is null group by addon_id`,
      [partnerId, addonIds],
    );
    const counts = new Map(addonIds.map((id) => [id, 0]));
    for (const row of rows) counts.set(row.addon_id, Number(row.subscribers));
    return counts;
  }

  /** Add-ons with their prices, limits and requirements: three grouped reads, however many add-ons. */
  private async whole(rows: readonly AddonEntity[]): Promise<Addon[]> {
    if (rows.length === 0) return [];
    const ids = rows.map((row) => row.id);
    const [ofPrice, ofFeature, ofRequirement] = await Promise.all([
      priceRows(this.manager, [ids]),
      featureRows(this.manager, [ids]),
      requirementRows(this.manager, [ids]),
    ]);
    const prices = groupBy(ofPrice, (row) => row.addonId);
    const features = groupBy(ofFeature, (row) => row.addonId);
    const required = groupBy(ofRequirement, (row) => row.addonId);
    return rows.map((row) => ({
      ...row,
      id: row.id as Id<'Addon'>,
      partnerId: row.partnerId as Id<'Partner'>,
      minimumPlanRank: row.minimumPlanRank ?? undefined,
      status: row.status as CatalogStatus,
      prices: (prices.get(row.id) ?? []).map(priceFromRow),
      allowances: (features.get(row.id) ?? []).map(allowanceFromRow),
      requiredAddonIds: (required.get(row.id) ?? []).map((requirement) => requirement.requiredAddonId as Id<'Addon'>),
    }));
  }
}
