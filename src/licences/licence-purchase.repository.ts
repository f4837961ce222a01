import type { EntityManager } from 'typeorm';
import type { CurrencyCode } from '../core/currency';
import type { Explanation } from '../core/explain';
import type { Id } from '../core/ids';
import { money } from '../core/money';
import { mapPage, type Page, type PageRequest } from '../core/page';
import type { ProviderName } from '../payments/provider';
import type { RefundKind, RefundStatus } from '../payments/returned-money';
import { readPage } from '../platform/paging';
import { LicencePurchaseEntity, LicenceRefundEntity } from './licence.entity';
import type { PurchaseKind } from './licence-price';
import type { LicencePurchase, LicenceRefund, ParkReason, PurchaseStatus } from './licence-purchase';

function fromRow(row: LicencePurchaseEntity): LicencePurchase {
  const currency = row.currency as CurrencyCode;
  const { yearlyAmount, amount, paidAmount, refundedAmount, currency: _currency, ...rest } = row;
  return {
    ...rest,
    id: row.id as Id<'LicencePurchase'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    productId: row.productId as Id<'LicenceProduct'>,
    licenceId: (row.licenceId ?? undefined) as Id<'Licence'> | undefined,
    kind: row.kind as PurchaseKind,
    yearly: money(yearlyAmount, currency),
    amount: money(amount, currency),
    paid: paidAmount === null ? undefined : money(paidAmount, currency),
    refunded: money(refundedAmount, currency),
    explanation: row.explanation as Explanation,
    remainingDays: row.remainingDays ?? undefined,
    expiryBefore: row.expiryBefore ?? undefined,
    seatsBefore: row.seatsBefore ?? undefined,
    status: row.status as PurchaseStatus,
    parkReason: (row.parkReason ?? undefined) as ParkReason | undefined,
    parkDetail: row.parkDetail ?? undefined,
    provider: (row.provider ?? undefined) as ProviderName | undefined,
    checkoutId: row.checkoutId ?? undefined,
    checkoutUrl: row.checkoutUrl ?? undefined,
    completedAt: row.completedAt ?? undefined,
    refusedAt: row.refusedAt ?? undefined,
    refundAskedAt: row.refundAskedAt ?? undefined,
  };
}

function refundFromRow({ amount, currency, ...row }: LicenceRefundEntity): LicenceRefund {
  return {
    ...row,
    id: row.id as Id<'LicenceRefund'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    purchaseId: row.purchaseId as Id<'LicencePurchase'>,
    provider: row.provider as ProviderName,
    amount: money(amount, currency as CurrencyCode),
    kind: row.kind as RefundKind,
    status: row.status as RefundStatus,
    changedAt: row.changedAt ?? undefined,
  };
}

export class LicencePurchaseRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(purchase: LicencePurchase): Promise<void> {
    const { yearly, amount, paid, refunded, explanation, ...row } = purchase;
    await this.manager.insert(LicencePurchaseEntity, {
      ...row,
      currency: amount.currency,
      yearlyAmount: yearly.minor,
      amount: amount.minor,
      paidAmount: paid?.minor ?? null,
      refundedAmount: refunded.minor,
      explanation: explanation as object,
    });
  }

  /** Writes what becomes of an intent. The caller holds the tenant's lock. */
  async update(purchase: LicencePurchase): Promise<LicencePurchase> {
    const { tenantId, id, status, refunded, seatsRefunded } = purchase;
    await this.manager.update(
      LicencePurchaseEntity,
      { tenantId, id },
      {
        ...{ status, seatsRefunded },
        refundedAmount: refunded.minor,
        paidAmount: purchase.paid?.minor ?? null,
        refusedAt: purchase.refusedAt ?? null,
        refundAskedAt: purchase.refundAskedAt ?? null,
        licenceId: purchase.licenceId ?? null,
        expiryBefore: purchase.expiryBefore ?? null,
        parkReason: purchase.parkReason ?? null,
        parkDetail: purchase.parkDetail ?? null,
        provider: purchase.provider ?? null,
        checkoutId: purchase.checkoutId ?? null,
        checkoutUrl: purchase.checkoutUrl ?? null,
        completedAt: purchase.completedAt ?? null,
      },
    );
    return purchase;
  }

  async byId(tenantId: string, id: string): Promise<LicencePurchase | undefined> {
    const row = await this.manager.findOneBy(LicencePurchaseEntity, { tenantId, id });
    return row ? fromRow(row) : undefined;
  }

  async byCheckout(tenantId: string, provider: ProviderName, checkoutId: string): Promise<LicencePurchase | undefined> {
    const row = await this.manager.findOneBy(LicencePurchaseEntity, { tenantId, provider, checkoutId });
    return row ? fromRow(row) : undefined;
  }

  /** The purchase that the term began with: the first that was paid. Its provider's own renewals are made like it. */
  async firstOf(tenantId: string, licenceId: string): Promise<LicencePurchase | undefined> {
    const row = await this.manager
      .createQueryBuilder(LicencePurchaseEntity, 'purchase')
      .where('purchase.tenantId = :tenantId and purchase.licenceId = :licenceId', { tenantId, licenceId })
      .orderBy('purchase.completedAt', 'ASC', 'NULLS LAST')
      .addOrderBy('purchase.id')
      .limit(1)
      .getOne();
    return row ? fromRow(row) : undefined;
  }

  /** Which purchases of all of a partner's tenants wait for a person? */
  async parked(partnerId: string, request: PageRequest): Promise<Page<LicencePurchase>> {
    const query = this.manager
      .createQueryBuilder(LicencePurchaseEntity, 'purchase')
      .where(`purchase.partnerId = :partnerId and purchase.status = 'PARKED'`, { partnerId });
    return mapPage(await readPage(query, request), fromRow);
  }

  async page(
    tenantId: string,
    status: PurchaseStatus | undefined,
    request: PageRequest,
  ): Promise<Page<LicencePurchase>> {
    const query = this.manager
      .createQueryBuilder(LicencePurchaseEntity, 'purchase')
      .where('purchase.tenantId = :tenantId', { tenantId });
    if (status) query.andWhere('purchase.status = :status', { status });
    return mapPage(await readPage(query, request), fromRow);
  }

  async insertRefund(refund: LicenceRefund): Promise<void> {
    const { amount, ...row } = refund;
    await this.manager.insert(LicenceRefundEntity, { ...row, amount: amount.minor, currency: amount.currency });
  }

  async updateRefund(refund: LicenceRefund): Promise<void> {
    const { tenantId, id, status, amount, changedAt } = refund;
    await this.manager.update(
      LicenceRefundEntity,
      { tenantId, id },
      { status, amount: amount.minor, changedAt: changedAt ?? null },
    );
  }

  async refundByProviderId(
    tenantId: string,
    provider: ProviderName,
    providerRefundId: string,
  ): Promise<LicenceRefund | undefined> {
    const row = await this.manager.findOneBy(LicenceRefundEntity, { tenantId, provider, providerRefundId });
    return row ? refundFromRow(row) : undefined;
  }

  /** What went back of a purchase, and came back again: a provider makes a handful of them. */
  async refundsOf(tenantId: string, purchaseId: string): Promise<LicenceRefund[]> {
    const rows = await this.manager
      .createQueryBuilder(LicenceRefundEntity, 'refund')
      .where('refund.tenantId = :tenantId and refund.purchaseId = :purchaseId', { tenantId, purchaseId })
      .orderBy('refund.id')
      .limit(1_000)
      .getMany();
    return rows.map(refundFromRow);
  }

  /** Which purchases made a term what it is? */
  async completedOf(tenantId: string, licenceId: string): Promise<LicencePurchase[]> {
    const found: LicencePurchase[] = [];
    const batch = 1_000;
    for (;;) {
      const query = this.manager
        .createQueryBuilder(LicencePurchaseEntity, 'purchase')
        .where('purchase.tenantId = :tenantId and purchase.licenceId = :licenceId', { tenantId, licenceId })
        .andWhere('purchase.completedAt is not null');
      const last = found.at(-1);
      if (last) query.andWhere('purchase.id > :last', { last: last.id });
      const rows = await query.orderBy('purchase.id').limit(batch).getMany();
      found.push(...rows.map(fromRow));
      if (rows.length < batch) return found;
    }
  }
}
