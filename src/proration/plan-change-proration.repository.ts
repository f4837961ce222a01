import type { EntityManager } from 'typeorm';
import type { CurrencyCode } from '../core/currency';
import type { Id } from '../core/ids';
import { money } from '../core/money';
import { mapPage, type Page, type PageRequest } from '../core/page';
import type { IntervalUnit } from '../core/period';
import type { ProrationBasis } from '../core/proration';
import { readPage } from '../platform/paging';
import type { AnchorMode } from './plan-change';
import type { PlanChangeProration } from './plan-change-proration';
import { PlanChangeProrationEntity } from './plan-change-proration.entity';

function fromRow(row: PlanChangeProrationEntity): PlanChangeProration {
  const currency = row.currency as CurrencyCode;
  return {
    id: row.id as Id<'Proration'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    subscriptionId: row.subscriptionId as Id<'Subscription'>,
    changedAt: row.changedAt,
    planIdBefore: row.planIdBefore as Id<'Plan'>,
    planIdAfter: row.planIdAfter as Id<'Plan'>,
    intervalBefore: row.intervalBefore as IntervalUnit,
    intervalAfter: row.intervalAfter as IntervalUnit,
    quantityBefore: row.quantityBefore,
    quantityAfter: row.quantityAfter,
    share: { basis: row.basis as ProrationBasis, remaining: row.shareRemaining, total: row.shareTotal },
    anchor: row.anchorMode as AnchorMode,
    unusedCredit: money(row.unusedCredit, currency),
    newCharge: money(row.newCharge, currency),
    couponDiscount: money(row.couponDiscount, currency),
    net: money(row.netAmount, currency),
    waived: row.waived,
    settlement: row.settlement as PlanChangeProration['settlement'],
    invoiceId: (row.invoiceId ?? undefined) as Id<'Invoice'> | undefined,
    creditNoteId: (row.creditNoteId ?? undefined) as Id<'CreditNote'> | undefined,
    couponId: (row.couponId ?? undefined) as Id<'Coupon'> | undefined,
    newPeriod:
      row.newPeriodStart && row.newPeriodEnd ? { start: row.newPeriodStart, end: row.newPeriodEnd } : undefined,
    lines: row.lines,
    actorId: row.actorId ?? undefined,
    createdAt: row.createdAt,
  };
}

export class PlanChangeProrationRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(proration: PlanChangeProration): Promise<void> {
    const { share, anchor, unusedCredit, newCharge, couponDiscount, net, newPeriod, ...row } = proration;
    await this.manager.insert(PlanChangeProrationEntity, {
      ...row,
      lines: [...proration.lines],
      basis: share.basis,
      anchorMode: anchor,
      shareRemaining: share.remaining,
      shareTotal: share.total,
      currency: net.currency,
      unusedCredit: unusedCredit.minor,
      newCharge: newCharge.minor,
      couponDiscount: couponDiscount.minor,
      netAmount: net.minor,
      newPeriodStart: newPeriod?.start ?? null,
      newPeriodEnd: newPeriod?.end ?? null,
      invoiceId: row.invoiceId ?? null,
      creditNoteId: row.creditNoteId ?? null,
      couponId: row.couponId ?? null,
      actorId: row.actorId ?? null,
    });
  }

  async byId(tenantId: string, id: string): Promise<PlanChangeProration | undefined> {
    const row = await this.manager.findOneBy(PlanChangeProrationEntity, { tenantId, id });
    return row ? fromRow(row) : undefined;
  }

  async page(tenantId: string, subscriptionId: string, request: PageRequest): Promise<Page<PlanChangeProration>> {
    const query = this.manager
      .createQueryBuilder(PlanChangeProrationEntity, 'proration')
      .where('proration.tenantId = :tenantId and proration.subscriptionId = :subscriptionId', {
        tenantId,
        subscriptionId,
      });
    return mapPage(await readPage(query, request), fromRow);
  }
}
