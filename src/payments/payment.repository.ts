import { type EntityManager, In, IsNull, Not } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { groupBy } from '../core/group';
import { decodeId, type Id } from '../core/ids';
import { money } from '../core/money';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { readPage } from '../platform/paging';
import {
  type Charge,
  type Dispute,
  type DisputeStatus,
  isCharge,
  type Payment,
  type PaymentStatus,
  type Refund,
  type RefundReason,
  type RefundStatus,
} from './payment';
import { DisputeEntity, PaymentEntity, RefundEntity } from './payment.entity';
import type { DeclineCode, ProviderName, UnknownReason } from './provider';

function fromRow(row: PaymentEntity): Payment {
  const currency = row.currency as CurrencyCode;
  return {
    id: row.id as Id<'Payment'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    invoiceId: row.invoiceId as Id<'Invoice'>,
    paymentMethodId: (row.paymentMethodId ?? undefined) as Id<'PaymentMethod'> | undefined,
    carriedBy: (row.carriedBy ?? undefined) as Id<'Payment'> | undefined,
    provider: (row.provider ?? undefined) as ProviderName | undefined,
    reference: row.reference ?? undefined,
    amount: money(row.amount, currency),
    status: row.status as PaymentStatus,
    externalId: row.externalId ?? undefined,
    declineCode: (row.declineCode ?? undefined) as DeclineCode | undefined,
    actionUrl: row.actionUrl ?? undefined,
    asked: row.asked,
    askAt: row.askAt ?? undefined,
    unknownReason: (row.unknownReason ?? undefined) as UnknownReason | undefined,
    refunded: money(row.refunded, currency),
    disputed: money(row.disputed, currency),
    createdAt: row.createdAt,
    firstAskedAt: row.firstAskedAt,
    settledAt: row.settledAt ?? undefined,
  };
}

function refundFromRow(row: RefundEntity): Refund {
  return {
    id: row.id as Id<'Refund'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    paymentId: row.paymentId as Id<'Payment'>,
    creditNoteId: (row.creditNoteId ?? undefined) as Id<'CreditNote'> | undefined,
    reason: row.reason as RefundReason,
    memo: row.memo ?? undefined,
    amount: money(row.amount, row.currency as CurrencyCode),
    status: row.status as RefundStatus,
    externalId: row.externalId ?? undefined,
    failureCode: row.failureCode ?? undefined,
    asked: row.asked,
    askAt: row.askAt ?? undefined,
    unknownReason: (row.unknownReason ?? undefined) as UnknownReason | undefined,
    createdAt: row.createdAt,
    firstAskedAt: row.firstAskedAt ?? undefined,
    settledAt: row.settledAt ?? undefined,
  };
}

function disputeFromRow(row: DisputeEntity): Dispute {
  return {
    id: row.id as Id<'Dispute'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    paymentId: row.paymentId as Id<'Payment'>,
    externalId: row.externalId,
    status: row.status as DisputeStatus,
    reason: row.reason,
    amount: money(row.amount, row.currency as CurrencyCode),
    taken: money(row.taken, row.currency as CurrencyCode),
    openedAt: row.openedAt,
    closedAt: row.closedAt ?? undefined,
  };
}

export class PaymentRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(payment: Payment): Promise<void> {
    const { amount, refunded, disputed, ...row } = payment;
    await this.manager.insert(PaymentEntity, {
      ...row,
      amount: amount.minor,
      currency: amount.currency,
      refunded: refunded.minor,
      disputed: disputed.minor,
    });
  }

  /** Books what came outside; false: the partner has booked this reference already. */
  async insertOutside(payment: Payment, sandbox: boolean): Promise<boolean> {
    const { tenantId, id, partnerId, invoiceId, amount, reference, createdAt, firstAskedAt, settledAt } = payment;
    const rows = await this.manager.query(
      `insert into payments (tenant_id, id, partner_id, invoice_id, amount, currency, status, reference, sandbox, created_at,
                             first_asked_at, settled_at)
       values ($1, $2, $3, $4, $5, $6, 'SUCCEEDED', $7, $8, $9, $10, $11)
       on conflict (partner_id, sandbox, reference) where reference is not null and refunded < amount do nothing returning 1`,
      [
        ...[tenantId, id, partnerId, invoiceId, amount.minor.toString(), amount.currency, reference, sandbox],
        ...[createdAt, firstAskedAt, settledAt!].map(String),
      ],
    );
    return rows.length > 0;
  }

  /** Writes where a payment stands. The caller holds the tenant's lock. */
  async update(payment: Payment): Promise<void> {
    const { tenantId, id, status, asked, refunded, disputed } = payment;
    await this.manager.update(
      PaymentEntity,
      { tenantId, id },
      {
        ...{ status, asked, refunded: refunded.minor, disputed: disputed.minor },
        externalId: payment.externalId ?? null,
        declineCode: payment.declineCode ?? null,
        actionUrl: payment.actionUrl ?? null,
        askAt: payment.askAt ?? null,
        unknownReason: payment.unknownReason ?? null,
        settledAt: payment.settledAt ?? null,
      },
    );
  }

  async byId(tenantId: string, id: string): Promise<Payment | undefined> {
    const row = await this.manager.findOneBy(PaymentEntity, { tenantId, id });
    return row ? fromRow(row) : undefined;
  }

  async chargeById(tenantId: string, id: string): Promise<Charge | undefined> {
    const payment = await this.byId(tenantId, id);
    return payment && isCharge(payment) ? payment : undefined;
  }

  /** The payment that the provider knows by this id; what it carries along has the same. */
  async byExternalId(tenantId: string, provider: ProviderName, externalId: string): Promise<Payment | undefined> {
    const row = await this.manager.findOneBy(PaymentEntity, { tenantId, provider, externalId, carriedBy: IsNull() });
    return row ? fromRow(row) : undefined;
  }

  /** What the charge of this payment takes along, oldest first. */
  async carriedBy({ tenantId, id }: Pick<Payment, 'tenantId' | 'id'>): Promise<Charge[]> {
    const rows = await this.manager.find(PaymentEntity, { where: { tenantId, carriedBy: id }, order: { id: 'ASC' } });
    return rows.map((row) => fromRow(row) as Charge);
  }

  /** The payments of each one's charge, the one that carries the others first: one read for a page. */
  async chargedTogether(tenantIds: readonly string[], ids: readonly string[]): Promise<Map<string, Payment[]>> {
    const rows = await this.manager
      .createQueryBuilder(PaymentEntity, 'payment')
      .where('payment.tenantId = any(:tenantIds)', { tenantIds })
      .andWhere(
        `coalesce(payment.carriedBy, payment.id) in
           (select coalesce(own.carried_by, own.id) from payments own where own.tenant_id = any(:tenantIds) and own.id = any(:ids))`,
        { ids },
      )
      .orderBy('payment.carriedBy', 'ASC', 'NULLS FIRST')
      .addOrderBy('payment.id')
      .limit(10_000)
      .getMany();
    const charges = groupBy(rows.map(fromRow), (payment) => payment.carriedBy ?? payment.id);
    return new Map([...charges.values()].flatMap((together) => together.map(({ id }) => [id, together] as const)));
  }

  /** Invoices that are open, and whose last attempt the provider did not take for their amount: they wait. Oldest first. */
  async notCharged(tenantId: string, currency: CurrencyCode, besideInvoiceId: string): Promise<Id<'Invoice'>[]> {
    const rows: { id: Id<'Invoice'> }[] = await this.manager.query(
      `select i.id
         from invoice_collections c
         join invoices i on i.tenant_id = c.tenant_id and i.id = c.invoice_id and i.status = 'FINALIZED' and i.currency = $2
         cross join lateral (select * from payments p
                              where p.tenant_id = c.tenant_id and p.invoice_id = c.invoice_id and p.provider is not null
                                and p.carried_by is null order by p.id desc limit 1) last
        where c.tenant_id = $1 and c.ended_at is null and c.invoice_id <> $3
          and last.status = 'DECLINED' and last.decline_code = 'AMOUNT_NOT_ALLOWED' and last.external_id is null
          and not exists (select from payments p where p.tenant_id = c.tenant_id and p.invoice_id = c.invoice_id
                                                   and p.status in ('PENDING', 'REQUIRES_ACTION'))
        order by i.issued_at, i.id limit 50`,
      [tenantId, currency, besideInvoiceId],
    );
    return rows.map(({ id }) => id);
  }

  /** The attempt that is under way for an invoice; there is at most one. */
  async openOf(tenantId: string, invoiceId: string): Promise<Charge | undefined> {
    const row = await this.manager
      .createQueryBuilder(PaymentEntity, 'payment')
      .where('payment.tenantId = :tenantId and payment.invoiceId = :invoiceId', { tenantId, invoiceId })
      .andWhere(`payment.status in ('PENDING', 'REQUIRES_ACTION')`)
      .getOne();
    // What came outside is never under way.
    return row ? (fromRow(row) as Charge) : undefined;
  }

  /** Nobody is to confirm it any more: it is taken back at its provider soon. What is carried is left to the one that carries it. */
  async withdrawWaiting(tenantId: string, invoiceId: string, wallNow: Instant): Promise<void> {
    const waiting = { tenantId, invoiceId, status: 'REQUIRES_ACTION', carriedBy: IsNull() };
    await this.manager.update(PaymentEntity, waiting, { askAt: wallNow });
  }

  /** Is anybody asking a provider about a payment of this tenant, or about to? */
  async isAsking(tenantId: string): Promise<boolean> {
    const rows = await this.manager.query(
      `select exists (select 1 from payments where tenant_id = $1 and status = 'PENDING') as asking`,
      [tenantId],
    );
    return rows[0].asking;
  }

  /** The latest attempt to charge an invoice by a charge of its own. */
  async lastCharge(tenantId: string, invoiceId: string): Promise<Charge | undefined> {
    const row = await this.manager.findOne(PaymentEntity, {
      where: { tenantId, invoiceId, provider: Not(IsNull()), carriedBy: IsNull() },
      order: { id: 'DESC' },
    });
    return row ? (fromRow(row) as Charge) : undefined;
  }

  /** What can go back to where a provider took it from, the newest payment first. */
  async refundable(tenantId: string, currency: CurrencyCode): Promise<Payment[]> {
    const rows = await this.manager
      .createQueryBuilder(PaymentEntity, 'payment')
      .where(`payment.tenantId = :tenantId and payment.currency = :currency and payment.status = 'SUCCEEDED'`, {
        tenantId,
        currency,
      })
      .andWhere('payment.provider is not null and payment.refunded + payment.disputed < payment.amount')
      .orderBy('payment.id', 'DESC')
      .limit(200)
      .getMany();
    return rows.map(fromRow);
  }

  async page(tenantId: string, request: PageRequest): Promise<Page<Payment>> {
    const query = this.manager
      .createQueryBuilder(PaymentEntity, 'payment')
      .where('payment.tenantId = :tenantId', { tenantId });
    return mapPage(await readPage(query, request), fromRow);
  }

  /** The attempts of each of these invoices, oldest first: one read for a page. */
  async ofInvoices(tenantIds: readonly string[], invoiceIds: readonly string[]): Promise<Map<string, Payment[]>> {
    const rows = await this.manager
      .createQueryBuilder(PaymentEntity, 'payment')
      .where('payment.tenantId = any(:tenantIds) and payment.invoiceId = any(:invoiceIds)', { tenantIds, invoiceIds })
      .orderBy('payment.id')
      .limit(10_000)
      .getMany();
    return groupBy(rows.map(fromRow), (payment) => payment.invoiceId);
  }

  async insertRefund(refund: Refund): Promise<void> {
    const { amount, ...row } = refund;
    await this.manager.insert(RefundEntity, { ...row, amount: amount.minor, currency: amount.currency });
  }

  async updateRefund(refund: Refund): Promise<void> {
    const { tenantId, id, status, asked } = refund;
    await this.manager.update(
      RefundEntity,
      { tenantId, id },
      {
        ...{ status, asked },
        externalId: refund.externalId ?? null,
        failureCode: refund.failureCode ?? null,
        askAt: refund.askAt ?? null,
        unknownReason: refund.unknownReason ?? null,
        firstAskedAt: refund.firstAskedAt ?? null,
        settledAt: refund.settledAt ?? null,
      },
    );
  }

  async refundById(tenantId: string, id: string): Promise<Refund | undefined> {
    const row = await this.manager.findOneBy(RefundEntity, { tenantId, id });
    return row ? refundFromRow(row) : undefined;
  }

  /** The refund of a payment that the partner, or the provider, knows by this id. */
  async refundByExternalId(tenantId: string, paymentId: string, externalId: string): Promise<Refund | undefined> {
    return (await this.refundsByExternalId(tenantId, [paymentId], externalId))[0];
  }

  /** What one refund of the provider's is of these payments, which are of one charge. */
  async refundsByExternalId(tenantId: string, paymentIds: readonly string[], externalId: string): Promise<Refund[]> {
    const where = { tenantId, paymentId: In([...paymentIds]), externalId };
    return (await this.manager.find(RefundEntity, { where, order: { id: 'ASC' } })).map(refundFromRow);
  }

  /** The refund of one of these payments that the provider was asked for under this reference. */
  async refundNamed(tenantId: string, paymentIds: readonly string[], reference: string): Promise<Refund | undefined> {
    const decoded = decodeId(reference);
    if (decoded?.kind !== 'Refund') return undefined;
    const where = { tenantId, paymentId: In([...paymentIds]), id: decoded.uuid };
    const row = await this.manager.findOneBy(RefundEntity, where);
    return row ? refundFromRow(row) : undefined;
  }

  async refundsOf(tenantIds: readonly string[], paymentIds: readonly string[]): Promise<Map<string, Refund[]>> {
    const rows = await this.manager
      .createQueryBuilder(RefundEntity, 'refund')
      .where('refund.tenantId = any(:tenantIds) and refund.paymentId = any(:paymentIds)', { tenantIds, paymentIds })
      .orderBy('refund.id')
      .limit(10_000)
      .getMany();
    return groupBy(rows.map(refundFromRow), (refund) => refund.paymentId);
  }

  /** What went back of each of these invoices: by refunds of their payments that settle no credit note, and by lost disputes. */
  async wentBackOf(tenantIds: readonly string[], invoiceIds: readonly string[]): Promise<Map<string, bigint>> {
    const rows: { invoice_id: string; back: string }[] = await this.manager.query(
      `select p.invoice_id, sum(p.disputed + coalesce(r.amount, 0))::text as back
         from payments p
         left join lateral (select sum(amount) as amount from refunds r
                             where r.tenant_id = p.tenant_id and r.payment_id = p.id and r.status <> 'FAILED'
                               and r.reason in ('REQUESTED', 'AT_PROVIDER', 'OUTSIDE')) r on true
        where p.tenant_id = any($1) and p.invoice_id = any($2) group by p.invoice_id`,
      [tenantIds, invoiceIds],
    );
    return new Map(rows.map((row) => [row.invoice_id, BigInt(row.back)]));
  }

  async insertDispute(dispute: Dispute): Promise<void> {
    const { amount, taken, ...row } = dispute;
    const amounts = { amount: amount.minor, taken: taken.minor, currency: amount.currency };
    await this.manager.insert(DisputeEntity, { ...row, ...amounts });
  }

  async updateDispute({ tenantId, id, status, closedAt, taken }: Dispute): Promise<void> {
    await this.manager.update(DisputeEntity, { tenantId, id }, { status, closedAt, taken: taken.minor });
  }

  async disputeByExternalId(tenantId: string, paymentId: string, externalId: string): Promise<Dispute | undefined> {
    return (await this.disputesByExternalId(tenantId, [paymentId], externalId))[0];
  }

  /** What one dispute of the provider's is about of these payments, which are of one charge. */
  async disputesByExternalId(tenantId: string, paymentIds: readonly string[], externalId: string): Promise<Dispute[]> {
    const where = { tenantId, paymentId: In([...paymentIds]), externalId };
    return (await this.manager.find(DisputeEntity, { where, order: { id: 'ASC' } })).map(disputeFromRow);
  }

  async disputesOf(tenantIds: readonly string[], paymentIds: readonly string[]): Promise<Map<string, Dispute[]>> {
    const rows = await this.manager
      .createQueryBuilder(DisputeEntity, 'dispute')
      .where('dispute.tenantId = any(:tenantIds) and dispute.paymentId = any(:paymentIds)', { tenantIds, paymentIds })
      .orderBy('dispute.id')
      .limit(10_000)
      .getMany();
    return groupBy(rows.map(disputeFromRow), (dispute) => dispute.paymentId);
  }
}
