import type { EntityManager } from 'typeorm';
import type { FeatureAllowance } from '../catalog/feature';
import { allowanceFromRow } from '../catalog/feature.repository';
import type { CatalogStatus } from '../catalog/plan';
import type { Instant } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { groupBy } from '../core/group';
import type { Id } from '../core/ids';
import { money } from '../core/money';
import type { Page, PageRequest } from '../core/page';
import { readPage } from '../platform/paging';
import { preparedRead } from '../platform/prepared-read';
import { LicencePriceEntity, LicenceProductEntity, LicenceProductFeatureEntity } from './licence.entity';
import type { LicencePrice, LicenceProduct } from './licence-product';

const rowsByIds = preparedRead(LicenceProductEntity, 'where id = any($1)');
const rowsByCode = preparedRead(LicenceProductEntity, 'where partner_id = $1 and code = $2');
const rowsOnSale = preparedRead(
  LicenceProductEntity,
  `where partner_id = $1 and status = 'ACTIVE' order by id limit 500`,
);
const priceRows = preparedRead(
  LicencePriceEntity,
  'where licence_product_id = any($1) and replaced_at is null order by id',
);
const featureRows = preparedRead(LicenceProductFeatureEntity, 'where licence_product_id = any($1) order by feature_id');

export class LicenceProductRepository {
  constructor(private readonly manager: EntityManager) {}

  /** Makes the product unless its code is taken: then `false`. */
  async insert(product: LicenceProduct): Promise<boolean> {
    const { prices, allowances, trial, ...row } = product;
    const result = await this.manager
      .createQueryBuilder()
      .insert()
      .into(LicenceProductEntity)
      .values({ ...row, trialDays: trial?.days ?? null, trialSeats: trial?.seats ?? null })
      .orIgnore()
      .returning('id')
      .execute();
    if (result.raw.length === 0) return false;
    await this.insertPrices(product.partnerId, product.id, prices, product.createdAt);
    await this.insertAllowances(product.partnerId, product.id, allowances);
    return true;
  }

  private async insertPrices(
    partnerId: string,
    productId: string,
    prices: readonly LicencePrice[],
    createdAt: Instant,
  ) {
    if (prices.length === 0) return;
    await this.manager.insert(
      LicencePriceEntity,
      prices.map(({ id, yearly }) => ({
        ...{ partnerId, id, productId, createdAt },
        currency: yearly.currency,
        yearlyAmount: yearly.minor,
      })),
    );
  }

  private async insertAllowances(partnerId: string, productId: string, allowances: readonly FeatureAllowance[]) {
    if (allowances.length === 0) return;
    await this.manager.insert(
      LicenceProductFeatureEntity,
      allowances.map(({ usagePrices: _none, ...allowance }) => ({ partnerId, productId, ...allowance })),
    );
  }

  /** Writes the editable fields when the row still has the version that was read; `false` when somebody was faster. */
  async update(product: LicenceProduct): Promise<boolean> {
    const { id, partnerId, name, description, status, version, trial } = product;
    const result = await this.manager.update(
      LicenceProductEntity,
      { partnerId, id, version },
      {
        ...{ name, description, status },
        trialDays: trial?.days ?? null,
        trialSeats: trial?.seats ?? null,
        version: version + 1,
      },
    );
    return result.affected === 1;
  }

  /** The old prices stay as rows, replaced: purchases name what they were made with. */
  async replacePrices(
    partnerId: string,
    productId: string,
    prices: readonly LicencePrice[],
    now: Instant,
  ): Promise<void> {
    await this.manager.query(
      `update licence_prices set replaced_at = $3
        where partner_id = $1 and licence_product_id = $2 and replaced_at is null`,
      [partnerId, productId, now.toString()],
    );
    await this.insertPrices(partnerId, productId, prices, now);
  }

  async replaceAllowances(
    partnerId: string,
    productId: string,
    allowances: readonly FeatureAllowance[],
  ): Promise<void> {
    await this.manager.delete(LicenceProductFeatureEntity, { partnerId, productId });
    await this.insertAllowances(partnerId, productId, allowances);
  }

  async byId(partnerId: string, id: string): Promise<LicenceProduct | undefined> {
    return (await this.whole(await this.manager.findBy(LicenceProductEntity, { partnerId, id })))[0];
  }

  async byCode(partnerId: string, code: string): Promise<LicenceProduct | undefined> {
    return (await this.whole(await rowsByCode(this.manager, [partnerId, code])))[0];
  }

  async byIds(ids: readonly string[]): Promise<LicenceProduct[]> {
    if (ids.length === 0) return [];
    return this.whole(await rowsByIds(this.manager, [ids]));
  }

  async page(
    partnerId: string,
    status: CatalogStatus | undefined,
    request: PageRequest,
  ): Promise<Page<LicenceProduct>> {
    const query = this.manager
      .createQueryBuilder(LicenceProductEntity, 'product')
      .where('product.partnerId = :partnerId', { partnerId });
    if (status) query.andWhere('product.status = :status', { status });
    const page = await readPage(query, request);
    return { ...page, items: await this.whole(page.items) };
  }

  /** All products on sale: what could unlock a feature. */
  async onSale(partnerId: string): Promise<LicenceProduct[]> {
    return this.whole(await rowsOnSale(this.manager, [partnerId]));
  }

  /** Products with their prices and allowances: two grouped reads, however many products. */
  private async whole(rows: readonly LicenceProductEntity[]): Promise<LicenceProduct[]> {
    if (rows.length === 0) return [];
    const ids = rows.map((row) => row.id);
    const [ofPrice, ofFeature] = await Promise.all([priceRows(this.manager, [ids]), featureRows(this.manager, [ids])]);
    const prices = groupBy(ofPrice, (row) => row.productId);
    const features = groupBy(ofFeature, (row) => row.productId);
    return rows.map(({ trialDays, trialSeats, ...row }) => ({
      ...row,
      id: row.id as Id<'LicenceProduct'>,
      partnerId: row.partnerId as Id<'Partner'>,
      status: row.status as CatalogStatus,
      prices: (prices.get(row.id) ?? []).map((price) => ({
        id: price.id,
        yearly: money(price.yearlyAmount, price.currency as CurrencyCode),
      })),
      allowances: (features.get(row.id) ?? []).map(allowanceFromRow),
      trial: trialDays !== null && trialSeats !== null ? { days: trialDays, seats: trialSeats } : undefined,
    }));
  }
}
