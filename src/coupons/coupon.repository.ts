import type { EntityManager } from 'typeorm';
import type { CurrencyCode } from '../core/currency';
import { groupBy } from '../core/group';
import type { Id } from '../core/ids';
import { money } from '../core/money';
import type { Page, PageRequest } from '../core/page';
import type { Percent } from '../core/percent';
import type { IntervalUnit } from '../core/period';
import { readPage } from '../platform/paging';
import { preparedRead } from '../platform/prepared-read';
import type { Coupon, CouponDuration, CouponKind, CouponStatus } from './coupon';
import { CouponAmountEntity, CouponEntity } from './coupon.entity';

const rowsByIds = preparedRead(CouponEntity, 'where id = any($1)');
const rowsByCode = preparedRead(CouponEntity, 'where partner_id = $1 and lower(code) = lower($2)');
const amountRows = preparedRead(CouponAmountEntity, 'where coupon_id = any($1) order by currency');

export class CouponRepository {
  constructor(private readonly manager: EntityManager) {}

  /** Makes the coupon unless its code is taken, whatever its case: then `false`. */
  async insert(coupon: Coupon): Promise<boolean> {
    const { amounts, minimumAmounts, ...row } = coupon;
    const result = await this.manager
      .createQueryBuilder()
      .insert()
      .into(CouponEntity)
      .values({ ...row, planIds: [...row.planIds], addonIds: [...row.addonIds], intervals: [...row.intervals] })
      .orIgnore()
      .returning('id')
      .execute();
    if (result.raw.length === 0) return false;
    const amountRows = [
      ...amounts.map((amount) => ({ purpose: 'DISCOUNT', amount })),
      ...minimumAmounts.map((amount) => ({ purpose: 'MINIMUM', amount })),
    ].map(({ purpose, amount }) => ({
      partnerId: coupon.partnerId,
      couponId: coupon.id,
      purpose,
      currency: amount.currency,
      amount: amount.minor,
    }));
    if (amountRows.length > 0) await this.manager.insert(CouponAmountEntity, amountRows);
    return true;
  }

  /**
   * Writes the editable fields when the row still has the version that was read, and no more redemptions are reserved than
   * the new cap allows; `false` when somebody was faster.
   */
  async update(coupon: Coupon): Promise<boolean> {
    const { id, partnerId, version, name, status, maxRedemptionsPerTenant } = coupon;
    const result = await this.manager
      .createQueryBuilder()
      .update(CouponEntity)
      .set({
        ...{ name, status, maxRedemptionsPerTenant },
        validFrom: coupon.validFrom ?? null,
        validUntil: coupon.validUntil ?? null,
        maxRedemptions: coupon.maxRedemptions ?? null,
        version: version + 1,
      })
      .where('partner_id = :partnerId and id = :id and version = :version', { partnerId, id, version })
      .andWhere('(:cap::integer is null or reserved_count <= :cap::integer)', { cap: coupon.maxRedemptions ?? null })
      .execute();
    return result.affected === 1;
  }

  /** Takes one redemption if there is one left; the update and the cap are one statement, so the cap always holds. */
  async reserve(couponId: string): Promise<boolean> {
    return (await this.manager.query('select app.reserve_coupon($1, 1) as done', [couponId]))[0].done;
  }

  async giveBack(couponId: string): Promise<void> {
    await this.manager.query('select app.reserve_coupon($1, -1)', [couponId]);
  }

  async byId(partnerId: string, id: string): Promise<Coupon | undefined> {
    return (await this.whole(await this.manager.findBy(CouponEntity, { partnerId, id })))[0];
  }

  /** Codes are unique per partner without regard to case. */
  async byCode(partnerId: string, code: string): Promise<Coupon | undefined> {
    return (await this.whole(await rowsByCode(this.manager, [partnerId, code])))[0];
  }

  async byIds(ids: readonly string[]): Promise<Coupon[]> {
    if (ids.length === 0) return [];
    return this.whole(await rowsByIds(this.manager, [ids]));
  }

  async page(partnerId: string, request: PageRequest): Promise<Page<Coupon>> {
    const query = this.manager
      .createQueryBuilder(CouponEntity, 'coupon')
      .where('coupon.partnerId = :partnerId', { partnerId });
    const page = await readPage(query, request);
    return { ...page, items: await this.whole(page.items) };
  }

  async count(partnerId: string): Promise<number> {
    return this.manager.countBy(CouponEntity, { partnerId });
  }

  private async whole(rows: readonly CouponEntity[]): Promise<Coupon[]> {
    if (rows.length === 0) return [];
    const amounts = groupBy(await amountRows(this.manager, [rows.map((row) => row.id)]), (row) => row.couponId);
    return rows.map((row) => {
      const ofPurpose = (purpose: string) =>
        (amounts.get(row.id) ?? [])
          .filter((amount) => amount.purpose === purpose)
          .map((amount) => money(amount.amount, amount.currency as CurrencyCode));
      return {
        id: row.id as Id<'Coupon'>,
        partnerId: row.partnerId as Id<'Partner'>,
        code: row.code,
        name: row.name,
        kind: row.kind as CouponKind,
        percent: (row.percent ?? undefined) as Percent | undefined,
        amounts: ofPurpose('DISCOUNT'),
        duration: row.duration as CouponDuration,
        durationPeriods: row.durationPeriods ?? undefined,
        scaled: row.scaled,
        validFrom: row.validFrom ?? undefined,
        validUntil: row.validUntil ?? undefined,
        maxRedemptions: row.maxRedemptions ?? undefined,
        maxRedemptionsPerTenant: row.maxRedemptionsPerTenant,
        minimumAmounts: ofPurpose('MINIMUM'),
        firstPurchaseOnly: row.firstPurchaseOnly,
        planIds: row.planIds as Id<'Plan'>[],
        addonIds: row.addonIds as Id<'Addon'>[],
        intervals: row.intervals as IntervalUnit[],
        status: row.status as CouponStatus,
        reservedCount: row.reservedCount,
        version: row.version,
        createdAt: row.createdAt,
      };
    });
  }
}
