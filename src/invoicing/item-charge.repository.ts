import type { EntityManager } from 'typeorm';
import { type Instant, instantFromDate, instantText } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { groupBy } from '../core/group';
import type { Id } from '../core/ids';
import { add, money, negate, zero } from '../core/money';
import type { ProrationBasis } from '../core/proration';
import { newId } from '../platform/new-id';
import { preparedRead } from '../platform/prepared-read';
import { fromStored, toStored } from '../platform/stored-value';
import type { Subscription } from '../subscriptions/subscription';
import type { AppliedRate } from '../tax/tax';
import type { AccountEntry } from './invoice';
import { accountKey, type ItemAccount, type ItemCharge, type Standing } from './item-charge';
import { ItemChargeEntity } from './item-charge.entity';
import { lotsOf } from './lot';

const rowsOfPeriod = preparedRead(
  ItemChargeEntity,
  'where tenant_id = $1 and subscription_id = $2 and period_start = $3 order by id limit 10000',
);

/** What moves the accounts: the lines of a document, in their order, or money that goes back. */
interface MovedBy {
  readonly invoice?: readonly string[];
  readonly creditNote?: readonly string[];
  readonly refundId?: string;
  readonly disputeId?: string;
}

/** What takes money of an invoice back. */
export type TakenBy = { readonly refundId: string } | { readonly disputeId: string };

/** A gateway of an earlier version names no line: a charge is about its own. */
const originOf = (row: ItemChargeEntity) =>
  row.originLineId ?? (row.kind === 'CHARGE' ? row.invoiceLineId : null) ?? undefined;

const fromRow = (row: ItemChargeEntity): ItemCharge => ({
  invoiceLineId: (row.invoiceLineId ?? undefined) as Id<'InvoiceLine'> | undefined,
  originLineId: originOf(row) as Id<'InvoiceLine'> | undefined,
  itemId: row.itemId,
  period: { start: row.periodStart, end: row.periodEnd },
  kind: row.kind as AccountEntry['kind'],
  amount: money(row.amount, row.currency as CurrencyCode),
  tax: money(row.tax, row.currency as CurrencyCode),
  share: { basis: 'DAY', remaining: row.shareRemaining, total: row.shareTotal },
});

export class ItemChargeRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(
    subscription: Pick<Subscription, 'id' | 'tenantId' | 'partnerId'>,
    entries: readonly AccountEntry[],
    lineIds: MovedBy,
    now: Instant,
  ): Promise<void> {
    if (entries.length === 0) return;
    const lineOf = (ids: readonly string[] | undefined, index: number | undefined) =>
      index === undefined ? null : (ids?.[index] ?? null);
    const { refundId = null, disputeId = null } = lineIds;
    await this.manager.insert(
      ItemChargeEntity,
      entries.map((entry) => ({
        tenantId: subscription.tenantId,
        id: newId(),
        partnerId: subscription.partnerId,
        subscriptionId: subscription.id,
        itemId: lineOf(lineIds.invoice, entry.accountOfLine) ?? entry.itemId,
        periodStart: entry.period.start,
        periodEnd: entry.period.end,
        kind: entry.kind,
        amount: entry.amount.minor,
        tax: entry.tax?.minor ?? 0n,
        taxRate: entry.taxRate ? (toStored(entry.taxRate) as object) : null,
        currency: entry.amount.currency,
        shareRemaining: entry.share.remaining,
        shareTotal: entry.share.total,
        invoiceLineId: lineOf(lineIds.invoice, entry.lineIndex),
        creditNoteLineId: lineOf(lineIds.creditNote, entry.lineIndex),
        originLineId: entry.originLineId ?? lineOf(lineIds.invoice, entry.originIndex),
        ...{ refundId, disputeId },
        createdAt: now,
      })),
    );
  }

  /** The movements that these invoice lines made, and those of the money that they ask for. */
  async ofInvoiceLines(tenantId: string, invoiceLineIds: readonly string[]): Promise<ItemCharge[]> {
    const rows = await this.manager
      .createQueryBuilder(ItemChargeEntity, 'charge')
      .where('charge.tenantId = :tenantId', { tenantId })
      .andWhere('(charge.originLineId = any(:invoiceLineIds) or charge.invoiceLineId = any(:invoiceLineIds))', {
        invoiceLineIds,
      })
      .orderBy('charge.id')
      .getMany();
    return rows.map(fromRow);
  }

  /** What stands of the money that each of these invoice lines asked for, in minor units, and the tax with it? */
  async standingOfLines(tenantId: string, invoiceLineIds: readonly string[]): Promise<Map<string, Standing>> {
    const rows: { line_id: string; standing: string; tax: string }[] = await this.manager.query(
      `select coalesce(origin_line_id, invoice_line_id) as line_id, sum(amount)::text as standing, sum(tax)::text as tax
         from item_charges
        where tenant_id = $1 and (origin_line_id = any($2)
              or origin_line_id is null and kind = 'CHARGE' and invoice_line_id = any($2))
        group by 1`,
      [tenantId, invoiceLineIds],
    );
    return new Map(rows.map((row) => [row.line_id, { amount: BigInt(row.standing), tax: BigInt(row.tax) }]));
  }

  /** What stands on these items' accounts, in minor units, by `accountKey`? */
  async standingOf(
    tenantId: string,
    subscriptionId: string,
    itemIds: readonly string[],
  ): Promise<Map<string, Standing>> {
    const rows: { item_id: string; period_start: Date; standing: string; tax: string }[] = await this.manager.query(
      `select item_id, period_start, sum(amount)::text as standing, sum(tax)::text as tax from item_charges
       where tenant_id = $1 and subscription_id = $2 and item_id = any($3) group by item_id, period_start`,
      [tenantId, subscriptionId, itemIds],
    );
    return new Map(
      rows.map((row) => [
        accountKey({ itemId: row.item_id, period: { start: instantFromDate(row.period_start) } }),
        { amount: BigInt(row.standing), tax: BigInt(row.tax) },
      ]),
    );
  }

  /** The invoices of which something that was paid stands on an account, the newest first. */
  async paidInvoices(tenantId: string, currency: CurrencyCode): Promise<string[]> {
    const rows: { id: string }[] = await this.manager.query(
      `select i.id from invoices i
         join invoice_lines l on l.tenant_id = i.tenant_id and l.invoice_id = i.id
         join item_charges c on c.tenant_id = l.tenant_id and c.origin_line_id = l.id
        where i.tenant_id = $1 and i.currency = $2
        group by i.tenant_id, i.id
       having sum(c.amount + case when coalesce((l.tax -> 'rate' ->> 'inclusive')::boolean, false) then 0 else c.tax end)
                > case when i.status in ('FINALIZED', 'UNCOLLECTIBLE') then i.amount_due - i.credited - i.paid else 0 end
        order by i.issued_at desc, i.id desc limit 1000`,
      [tenantId, currency],
    );
    return rows.map(({ id }) => id);
  }

  /** A refund failed, or a dispute was won after all: each account has what is still taken from it again. */
  async putBack(tenantId: string, by: TakenBy, now: Instant): Promise<void> {
    const moved = await this.manager.findBy(ItemChargeEntity, { tenantId, ...by });
    const accounts = groupBy(moved, ({ itemId, periodStart, originLineId }) =>
      [itemId, instantText(periodStart), originLineId].join(' '),
    );
    const again = [...accounts.values()].flatMap((rows) => {
      const sumOf = (part: 'amount' | 'tax') => rows.reduce((sum, row) => sum + row[part], 0n);
      const [amount, tax] = [-sumOf('amount'), -sumOf('tax')];
      return amount === 0n && tax === 0n ? [] : [{ ...rows[0]!, id: newId(), amount, tax, createdAt: now }];
    });
    if (again.length > 0) await this.manager.insert(ItemChargeEntity, again as object[]);
  }

  /** What was really charged for each item in the period that begins here? */
  async accounts(
    tenantId: string,
    subscriptionId: string,
    periodStart: Instant,
    currency: CurrencyCode,
    basis: ProrationBasis,
  ): Promise<Map<string, ItemAccount>> {
    const rows = await rowsOfPeriod(this.manager, [tenantId, subscriptionId, instantText(periodStart)]);
    const accounts = new Map<string, ItemAccount>();
    for (const [itemId, entries] of groupBy(rows, (row) => row.itemId)) {
      const charged = entries.reduce((total, row) => add(total, money(row.amount, currency)), zero(currency));
      const tax = entries.reduce((total, row) => add(total, money(row.tax, currency)), zero(currency));
      const rates = entries.flatMap((row) => (row.taxRate ? [fromStored(row.taxRate) as AppliedRate] : []));
      // An attachment that is charged anew in the same period was credited before: what was given then is settled.
      const lastCharge = entries.findLastIndex((row) => row.kind === 'CHARGE');
      const reductions = entries
        .slice(lastCharge + 1)
        .filter((row) => row.kind === 'DISCOUNT' || row.kind === 'WAIVED');
      accounts.set(itemId, {
        ...{ charged, tax },
        lots: lotsOf(entries.map((row) => ({ originLineId: originOf(row), amount: row.amount, tax: row.tax }))),
        taxRate: rates.at(-1),
        discounts: reductions.map((row) => ({
          kind: row.kind as 'DISCOUNT' | 'WAIVED',
          amount: negate(money(row.amount, currency)),
          share: { basis, remaining: row.shareRemaining, total: row.shareTotal },
        })),
        chargedByLineId: entries.filter((row) => row.kind === 'CHARGE').at(-1)?.invoiceLineId ?? undefined,
      });
    }
    return accounts;
  }

  /** How much was taken back of an item in the period that begins here? Zero or less, in minor units. */
  async refundedOf(tenantId: string, itemId: string, periodStart: Instant): Promise<bigint> {
    const rows: { refunded: string }[] = await this.manager.query(
      `select coalesce(sum(amount), 0)::text as refunded from item_charges
        where tenant_id = $1 and item_id = $2 and period_start = $3 and kind = 'REFUNDED'`,
      [tenantId, itemId, instantText(periodStart)],
    );
    return BigInt(rows[0]!.refunded);
  }
}
