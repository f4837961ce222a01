import type { EntityManager } from 'typeorm';
import { type Instant, instantText } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import type { Id } from '../core/ids';
import { money } from '../core/money';
import type { Share } from '../core/proration';
import { newId } from '../platform/new-id';
import { preparedRead } from '../platform/prepared-read';
import type { Subscription } from '../subscriptions/subscription';
import type { CouponTarget } from './coupon';
import { CouponDiscountEntity } from './coupon.entity';
import type { CouponDiscount } from './coupon-discount';

const rowsOfPeriod = preparedRead(
  CouponDiscountEntity,
  'where tenant_id = $1 and subscription_id = $2 and period_start = $3 and not voided and not lapsed order by id limit 10000',
);

function fromRow(row: CouponDiscountEntity): CouponDiscount {
  const currency = row.currency as CurrencyCode;
  const { returnedRemaining, returnedTotal } = row;
  return {
    id: row.id,
    pendingCouponId: row.pendingCouponId as Id<'PendingCoupon'>,
    periodNumber: row.periodNumber,
    counts: row.counts,
    period: { start: row.periodStart, end: row.periodEnd },
    item: row.itemId
      ? { id: row.itemId, target: { kind: row.targetKind, id: row.targetId } as CouponTarget }
      : undefined,
    wholePeriod: money(row.wholePeriod, currency),
    amount: money(row.amount, currency),
    share: { remaining: row.shareRemaining, total: row.shareTotal },
    invoiceId: (row.invoiceId ?? undefined) as Id<'Invoice'> | undefined,
    returned:
      returnedRemaining !== null && returnedTotal !== null
        ? { remaining: returnedRemaining, total: returnedTotal }
        : undefined,
  };
}

/** The account of each coupon in each period of a subscription. */
export class CouponDiscountRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(
    { id, tenantId, partnerId }: Pick<Subscription, 'id' | 'tenantId' | 'partnerId'>,
    given: readonly CouponDiscount[],
    now: Instant,
  ): Promise<void> {
    if (given.length === 0) return;
    await this.manager.insert(
      CouponDiscountEntity,
      given.map(({ period, item, wholePeriod, amount, share, invoiceId, ...use }) => ({
        ...{ tenantId, id: newId(), partnerId, subscriptionId: id, voided: false, lapsed: false, createdAt: now },
        ...{ pendingCouponId: use.pendingCouponId, periodNumber: use.periodNumber, counts: use.counts },
        ...{ periodStart: period.start, periodEnd: period.end, invoiceId: invoiceId ?? null },
        ...{ itemId: item?.id ?? null, targetKind: item?.target.kind ?? null, targetId: item?.target.id ?? null },
        ...{ wholePeriod: wholePeriod.minor, amount: amount.minor, currency: amount.currency },
        ...{ shareRemaining: share.remaining, shareTotal: share.total },
      })),
    );
  }

  /** What may coupons give again of what they gave in the period that begins here? Oldest first. */
  async ofPeriod(tenantId: string, subscriptionId: string, periodStart: Instant): Promise<CouponDiscount[]> {
    return (await rowsOfPeriod(this.manager, [tenantId, subscriptionId, instantText(periodStart)])).map(fromRow);
  }

  /** The unused part of what was given for these items goes back with their unused time. */
  async giveBack(
    { id, tenantId, periodStart }: Pick<Subscription, 'id' | 'tenantId' | 'periodStart'>,
    itemIds: readonly string[],
    { remaining, total }: Pick<Share, 'remaining' | 'total'>,
  ): Promise<void> {
    if (itemIds.length === 0 || remaining === 0n) return;
    await this.manager.query(
      `update coupon_discounts set returned_remaining = $5, returned_total = $6
        where tenant_id = $1 and subscription_id = $2 and period_start = $3 and item_id = any($4)
          and returned_remaining is null and not voided`,
      [tenantId, id, instantText(periodStart), itemIds, remaining.toString(), total.toString()],
    );
  }

  /** What these coupons gave in the period is not given again when it goes back: a change did not keep them. */
  async lapse(
    { id, tenantId, periodStart }: Pick<Subscription, 'id' | 'tenantId' | 'periodStart'>,
    pendingCouponIds: readonly string[],
  ): Promise<void> {
    if (pendingCouponIds.length === 0) return;
    await this.manager.query(
      `update coupon_discounts set lapsed = true
        where tenant_id = $1 and subscription_id = $2 and period_start = $3 and pending_coupon_id = any($4)`,
      [tenantId, id, instantText(periodStart), pendingCouponIds],
    );
  }

  /**
   * Takes back what was given on an invoice that is void. Of which coupons is nothing left in that period, so that it is to come
   * again?
   */
  async voidInvoice(tenantId: string, invoiceId: string): Promise<Id<'PendingCoupon'>[]> {
    const rows: { pending_coupon_id: Id<'PendingCoupon'> }[] = await this.manager.query(
      `with taken as (
         update coupon_discounts set voided = true where tenant_id = $1 and invoice_id = $2 and not voided
         returning pending_coupon_id, period_number, id,
           returned_remaining is null
             or returned_remaining::numeric * share_total < share_remaining::numeric * returned_total as stood
       )
       select t.pending_coupon_id from taken t group by t.pending_coupon_id, t.period_number
       having bool_or(t.stood) and not exists (
         select 1 from coupon_discounts d
          where d.tenant_id = $1 and d.pending_coupon_id = t.pending_coupon_id and d.period_number = t.period_number
            and d.invoice_id is distinct from $2 and not d.voided
            and (d.returned_remaining is null
                 or d.returned_remaining::numeric * d.share_total < d.share_remaining::numeric * d.returned_total))
       order by 1`,
      [tenantId, invoiceId],
    );
    return rows.map((row) => row.pending_coupon_id);
  }
}
