import type { EntityManager } from 'typeorm';
import type { CurrencyCode } from '../core/currency';
import type { Id } from '../core/ids';
import { money } from '../core/money';
import { mapPage, type Page, type PageRequest } from '../core/page';
import type { IntervalUnit } from '../core/period';
import { readPage } from '../platform/paging';
import { preparedRead } from '../platform/prepared-read';
import { CouponRedemptionEntity, PendingCouponEntity } from './coupon.entity';
import type { CouponRedemption, PendingCoupon, PendingCouponStatus } from './pending-coupon';

function fromRow(row: PendingCouponEntity): PendingCoupon {
  return {
    id: row.id as Id<'PendingCoupon'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    couponId: row.couponId as Id<'Coupon'>,
    subscriptionId: (row.subscriptionId ?? undefined) as Id<'Subscription'> | undefined,
    status: row.status as PendingCouponStatus,
    periodsApplied: row.periodsApplied,
    periodsReturned: row.periodsReturned,
    countsIn: (row.countsIn ?? undefined) as IntervalUnit | undefined,
    createdAt: row.createdAt,
    endedAt: row.endedAt ?? undefined,
  };
}

function redemptionFromRow(row: CouponRedemptionEntity): CouponRedemption {
  const currency = row.currency as CurrencyCode;
  return {
    id: row.id as Id<'CouponRedemption'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    couponId: row.couponId as Id<'Coupon'>,
    pendingCouponId: row.pendingCouponId as Id<'PendingCoupon'>,
    subscriptionId: row.subscriptionId as Id<'Subscription'>,
    invoiceId: (row.invoiceId ?? undefined) as Id<'Invoice'> | undefined,
    periodNumber: row.periodNumber,
    discount: money(row.discount, currency),
    isProrationInvolved: row.isProrationInvolved,
    prorationAmount: row.prorationAmount === null ? undefined : money(row.prorationAmount, currency),
    planIdBefore: (row.planIdBefore ?? undefined) as Id<'Plan'> | undefined,
    planIdAfter: (row.planIdAfter ?? undefined) as Id<'Plan'> | undefined,
    intervalBefore: (row.intervalBefore ?? undefined) as IntervalUnit | undefined,
    intervalAfter: (row.intervalAfter ?? undefined) as IntervalUnit | undefined,
    redeemedAt: row.redeemedAt,
  };
}

const liveRows = preparedRead(
  PendingCouponEntity,
  `where tenant_id = $1 and status in ('PENDING', 'RUNNING') order by created_at, id limit 500`,
);

const rowsByIds = preparedRead(PendingCouponEntity, 'where tenant_id = $1 and id = any($2) order by created_at, id');

export class PendingCouponRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(pending: PendingCoupon): Promise<void> {
    await this.manager.insert(PendingCouponEntity, { ...pending });
  }

  async update(pending: PendingCoupon): Promise<void> {
    const { tenantId, id, status, periodsApplied, periodsReturned } = pending;
    await this.manager.update(
      PendingCouponEntity,
      { tenantId, id },
      {
        status,
        periodsApplied,
        periodsReturned,
        countsIn: pending.countsIn ?? null,
        endedAt: pending.endedAt ?? null,
        subscriptionId: pending.subscriptionId ?? null,
      },
    );
  }

  async byId(tenantId: string, id: string): Promise<PendingCoupon | undefined> {
    const row = await this.manager.findOneBy(PendingCouponEntity, { tenantId, id });
    return row ? fromRow(row) : undefined;
  }

  /** Queued and running coupons, oldest first: the order in which they take from an invoice. */
  async live(tenantId: string): Promise<PendingCoupon[]> {
    return (await liveRows(this.manager, [tenantId])).map(fromRow);
  }

  async byIds(tenantId: string, ids: readonly string[]): Promise<PendingCoupon[]> {
    return ids.length === 0 ? [] : (await rowsByIds(this.manager, [tenantId, ids])).map(fromRow);
  }

  /** Which of these are used up? */
  async finishedOf(tenantId: string, ids: readonly string[]): Promise<PendingCoupon[]> {
    return (await this.byIds(tenantId, ids)).filter(({ status }) => status === 'FINISHED');
  }

  /** How often has the tenant used these coupons, counting what is queued? Taken back and expired ones do not count. */
  async usesOf(tenantId: string, couponIds: readonly string[]): Promise<Map<string, number>> {
    if (couponIds.length === 0) return new Map();
    const rows: { coupon_id: string; uses: number }[] = await this.manager.query(
      `select coupon_id, count(*)::int as uses from tenant_pending_coupons
        where tenant_id = $1 and coupon_id = any($2) and status not in ('REMOVED', 'EXPIRED') group by coupon_id`,
      [tenantId, couponIds],
    );
    return new Map(rows.map((row) => [row.coupon_id, row.uses]));
  }

  async page(tenantId: string, request: PageRequest): Promise<Page<PendingCoupon>> {
    const query = this.manager
      .createQueryBuilder(PendingCouponEntity, 'pending')
      .where('pending.tenantId = :tenantId', { tenantId });
    return mapPage(await readPage(query, request), fromRow);
  }

  async insertRedemption(redemption: CouponRedemption): Promise<void> {
    const { discount, prorationAmount, ...row } = redemption;
    await this.manager.insert(CouponRedemptionEntity, {
      ...row,
      discount: discount.minor,
      currency: discount.currency,
      prorationAmount: prorationAmount?.minor ?? null,
    });
  }

  async redemptions(tenantId: string, request: PageRequest): Promise<Page<CouponRedemption>> {
    const query = this.manager
      .createQueryBuilder(CouponRedemptionEntity, 'redemption')
      .where('redemption.tenantId = :tenantId', { tenantId });
    return mapPage(await readPage(query, request), redemptionFromRow);
  }
}
