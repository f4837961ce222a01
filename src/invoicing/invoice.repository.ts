import type { EntityManager } from 'typeorm';
import type { CouponOrder } from '../access/partner';
import type { Instant } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { groupBy } from '../core/group';
import type { Id } from '../core/ids';
import { money } from '../core/money';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { readPage } from '../platform/paging';
import { fromStored, toStored } from '../platform/stored-value';
import { oneOfMany } from '../platform/together';
import type { LineTax, TaxTreatment } from '../tax/tax';
import type {
  DocumentTax,
  Invoice,
  InvoiceKind,
  InvoiceLine,
  InvoiceReason,
  InvoiceStatus,
  LineKind,
  SourceKind,
  TimeSpan,
} from './invoice';
import { InvoiceEntity, InvoiceLineEntity } from './invoice.entity';

export function spanFromRow(row: { periodStart: TimeSpan['start'] | null; periodEnd: TimeSpan['end'] | null }) {
  return row.periodStart && row.periodEnd ? { start: row.periodStart, end: row.periodEnd } : undefined;
}

/** What a document keeps of tax and parties: JSON that knows its bigints, decimals and instants. */
export function documentTaxFromRow(
  row: Pick<InvoiceEntity, 'taxes' | 'taxTreatment' | 'taxNote' | 'billing'>,
): DocumentTax {
  return {
    taxes: fromStored(row.taxes) as DocumentTax['taxes'],
    taxTreatment: row.taxTreatment as TaxTreatment,
    taxNote: row.taxNote ?? undefined,
    billing: fromStored(row.billing) as DocumentTax['billing'],
  };
}

export function documentTaxToRow({ taxes, taxTreatment, taxNote, billing }: DocumentTax) {
  return {
    taxes: toStored(taxes) as object,
    taxTreatment,
    taxNote: taxNote ?? null,
    billing: toStored(billing) as object,
  };
}

export const lineTaxFromRow = (tax: object | null) => (tax ? (fromStored(tax) as LineTax) : undefined);
export const lineTaxToRow = (tax: LineTax | undefined) => (tax ? (toStored(tax) as object) : null);

function fromRow(row: InvoiceEntity): Invoice {
  const currency = row.currency as CurrencyCode;
  return {
    id: row.id as Id<'Invoice'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    subscriptionId: row.subscriptionId as Id<'Subscription'>,
    number: row.number,
    kind: row.kind as InvoiceKind,
    reason: row.reason as InvoiceReason,
    status: row.status as InvoiceStatus,
    subtotal: money(row.subtotal, currency),
    discount: money(row.discount, currency),
    tax: money(row.tax, currency),
    total: money(row.total, currency),
    creditApplied: money(row.creditApplied, currency),
    credited: money(row.credited, currency),
    paid: money(row.creditApplied + row.paid, currency),
    amountDue: money(row.status === 'VOID' ? 0n : row.amountDue - row.credited - row.paid, currency),
    period: spanFromRow(row),
    couponOrder: row.couponOrder as CouponOrder,
    ...documentTaxFromRow(row),
    paidAt: row.paidAt ?? undefined,
    paymentReference: row.paymentReference ?? undefined,
    voidedAt: row.voidedAt ?? undefined,
    voidReason: row.voidReason ?? undefined,
    uncollectibleAt: row.uncollectibleAt ?? undefined,
    issuedAt: row.issuedAt,
    // A gateway of the version before this one says nothing: it was due when it was issued.
    dueAt: row.dueAt ?? row.issuedAt,
  };
}

function lineFromRow(row: InvoiceLineEntity): InvoiceLine {
  return {
    id: row.id as Id<'InvoiceLine'>,
    invoiceId: row.invoiceId as Id<'Invoice'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    position: row.position,
    kind: row.kind as LineKind,
    source: { kind: row.sourceKind as SourceKind, id: row.sourceId },
    discountsLineId: (row.discountsLineId ?? undefined) as Id<'InvoiceLine'> | undefined,
    description: row.description,
    quantity: row.quantity,
    amount: money(row.amount, row.currency as CurrencyCode),
    covers: spanFromRow(row),
    tax: lineTaxFromRow(row.tax),
    explanation: row.explanation,
  };
}

export class InvoiceRepository {
  constructor(private readonly manager: EntityManager) {}

  /** The next gap-free number of the partner; held to the end of the transaction. */
  async takeNumber(kind: 'INVOICE' | 'CREDIT_NOTE'): Promise<bigint> {
    return oneOfMany(this.manager, `take ${kind}`, kind, async (all) => {
      const rows = await this.manager.query('select app.take_numbers($1, $2) as first', [kind, all.length]);
      const first = BigInt(rows[0].first);
      return all.map((_kind, index) => first + BigInt(index));
    });
  }

  async insert(invoice: Invoice, lines: readonly InvoiceLine[]): Promise<void> {
    const { subtotal, discount, tax, total, creditApplied, amountDue, credited, paid, period, ...row } = invoice;
    const { tenantId, partnerId } = invoice;
    await this.manager.insert(InvoiceEntity, {
      ...row,
      currency: total.currency,
      subtotal: subtotal.minor,
      discount: discount.minor,
      tax: tax.minor,
      ...documentTaxToRow(invoice),
      total: total.minor,
      creditApplied: creditApplied.minor,
      amountDue: amountDue.minor,
      credited: credited.minor,
      paid: paid.minor - creditApplied.minor,
      periodStart: period?.start ?? null,
      periodEnd: period?.end ?? null,
      createdAt: invoice.issuedAt,
    });
    if (lines.length === 0) return;
    await this.manager.insert(
      InvoiceLineEntity,
      lines.map(({ source, amount, covers, tax, ...line }) => ({
        ...line,
        tax: lineTaxToRow(tax),
        ...{ tenantId, partnerId },
        sourceKind: source.kind,
        sourceId: source.id,
        amount: amount.minor,
        currency: amount.currency,
        periodStart: covers?.start ?? null,
        periodEnd: covers?.end ?? null,
      })),
    );
  }

  /** Writes where an invoice stands; the rest of it never changes. */
  async updateState(invoice: Invoice): Promise<void> {
    const { tenantId, id, status, paidAt, paymentReference, voidedAt, voidReason, uncollectibleAt } = invoice;
    const { credited, paid, creditApplied } = invoice;
    await this.manager.update(
      InvoiceEntity,
      { tenantId, id },
      {
        status,
        credited: credited.minor,
        paid: paid.minor - creditApplied.minor,
        paidAt: paidAt ?? null,
        paymentReference: paymentReference ?? null,
        voidedAt: voidedAt ?? null,
        voidReason: voidReason ?? null,
        uncollectibleAt: uncollectibleAt ?? null,
      },
    );
  }

  async byId(tenantId: string, id: string): Promise<Invoice | undefined> {
    const row = await this.manager.findOneBy(InvoiceEntity, { tenantId, id });
    return row ? fromRow(row) : undefined;
  }

  async byNumber(tenantId: string, number: string): Promise<Invoice | undefined> {
    const row = await this.manager.findOneBy(InvoiceEntity, { tenantId, number });
    return row ? fromRow(row) : undefined;
  }

  /** The lines of each of these invoices, in their order: one read for a page. */
  async linesOf(tenantIds: readonly string[], invoiceIds: readonly string[]): Promise<Map<string, InvoiceLine[]>> {
    const rows = await this.manager
      .createQueryBuilder(InvoiceLineEntity, 'line')
      .where('line.tenantId = any(:tenantIds) and line.invoiceId = any(:invoiceIds)', { tenantIds, invoiceIds })
      .orderBy('line.position')
      .getMany();
    return groupBy(rows.map(lineFromRow), (line) => line.invoiceId);
  }

  /** The invoices of these lines that still ask for money, oldest first. */
  async openOfLines(tenantId: string, lineIds: readonly string[]): Promise<Invoice[]> {
    return this.openWhere(
      tenantId,
      'invoice.id in (select l.invoice_id from invoice_lines l where l.tenant_id = :tenantId and l.id = any(:lineIds))',
      { lineIds },
    );
  }

  /** What the tenant has not paid yet and is still asked for, oldest first. */
  async unpaid(tenantId: string): Promise<Invoice[]> {
    return this.openWhere(tenantId, `invoice.status = 'FINALIZED'`);
  }

  private async openWhere(tenantId: string, condition: string, parameters: object = {}): Promise<Invoice[]> {
    const rows = await this.manager
      .createQueryBuilder(InvoiceEntity, 'invoice')
      .where(`invoice.tenantId = :tenantId and invoice.status in ('FINALIZED', 'UNCOLLECTIBLE')`, { tenantId })
      .andWhere(condition, parameters)
      .orderBy('invoice.issuedAt')
      .addOrderBy('invoice.id')
      .limit(1_000)
      .getMany();
    return rows.map(fromRow);
  }

  /** A line, and the one that it takes from. */
  async linesBeside(tenantId: string, lineId: string): Promise<InvoiceLine[]> {
    const rows = await this.manager
      .createQueryBuilder(InvoiceLineEntity, 'line')
      .where(
        'line.tenantId = :tenantId and line.id in (:lineId, (select discounts_line_id from invoice_lines d where d.tenant_id = :tenantId and d.id = :lineId))',
        {
          tenantId,
          lineId,
        },
      )
      .getMany();
    return rows.map(lineFromRow);
  }

  /** What was issued after one instant, up to another, oldest first. */
  async issuedBetween(tenantId: string, after: Instant, until: Instant): Promise<Invoice[]> {
    const rows = await this.manager
      .createQueryBuilder(InvoiceEntity, 'invoice')
      .where('invoice.tenantId = :tenantId and invoice.issuedAt > :after and invoice.issuedAt <= :until', {
        tenantId,
        after: after.toString(),
        until: until.toString(),
      })
      .orderBy('invoice.issuedAt')
      .addOrderBy('invoice.id')
      .limit(5_000)
      .getMany();
    return rows.map(fromRow);
  }

  async page(tenantId: string, request: PageRequest): Promise<Page<Invoice>> {
    const query = this.manager
      .createQueryBuilder(InvoiceEntity, 'invoice')
      .where('invoice.tenantId = :tenantId', { tenantId });
    return mapPage(await readPage(query, request), fromRow);
  }

  async count(tenantId: string): Promise<number> {
    return this.manager.countBy(InvoiceEntity, { tenantId });
  }

  /** Which plan or add-on stands behind these plan phases and attachments? */
  async catalogSources(
    tenantIds: readonly string[],
    ids: readonly string[],
  ): Promise<Map<string, { readonly planId?: string; readonly addonId?: string }>> {
    const rows: { id: string; plan_id: string | null; addon_id: string | null }[] = await this.manager.query(
      `select id, plan_id, null::uuid as addon_id from subscription_items where tenant_id = any($1) and id = any($2)
       union all
       select id, null, addon_id from partner_tenant_addon_subscriptions where tenant_id = any($1) and id = any($2)`,
      [tenantIds, ids],
    );
    return new Map(
      rows.map((row) => [row.id, row.plan_id ? { planId: row.plan_id } : { addonId: row.addon_id ?? undefined }]),
    );
  }

  /**
   * Has the tenant ever paid for an invoice, and was not given all of it back? What is open, given up, void or credited was not
   * bought.
   */
  async hasPurchased(tenantId: string): Promise<boolean> {
    const rows = await this.manager.query(
      `select exists (
         select 1 from invoices i
          where i.tenant_id = $1 and i.status = 'PAID'
            and i.credit_applied + i.paid > coalesce((
              select sum(p.disputed + coalesce(
                       (select sum(r.amount) from refunds r
                         where r.tenant_id = p.tenant_id and r.payment_id = p.id and r.status <> 'FAILED'
                           and r.reason in ('REQUESTED', 'AT_PROVIDER', 'OUTSIDE', 'CREDIT_NOTE')), 0))
                from payments p where p.tenant_id = i.tenant_id and p.invoice_id = i.id), 0)) as found`,
      [tenantId],
    );
    return rows[0].found;
  }
}
