import type { EntityManager } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { groupBy } from '../core/group';
import type { Id } from '../core/ids';
import { type Money, money } from '../core/money';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { newId } from '../platform/new-id';
import { readPage } from '../platform/paging';
import { oneOfMany } from '../platform/together';
import type {
  BalanceEntry,
  CreditNote,
  CreditNoteLine,
  CreditNoteLineKind,
  CreditNoteReason,
  CreditSettlement,
} from './credit-note';
import {
  CreditBalanceEntity,
  CreditBalanceEntryEntity,
  CreditNoteEntity,
  CreditNoteLineEntity,
} from './credit-note.entity';
import type { SourceKind } from './invoice';
import { documentTaxFromRow, documentTaxToRow, lineTaxFromRow, lineTaxToRow, spanFromRow } from './invoice.repository';
import type { Standing } from './item-charge';
import type { TakenBy } from './item-charge.repository';

function fromRow(row: CreditNoteEntity): CreditNote {
  return {
    id: row.id as Id<'CreditNote'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    subscriptionId: row.subscriptionId as Id<'Subscription'>,
    invoiceId: (row.invoiceId ?? undefined) as Id<'Invoice'> | undefined,
    number: row.number,
    reason: row.reason as CreditNoteReason,
    memo: row.memo ?? undefined,
    settlement: row.settlement as CreditSettlement,
    tax: money(row.tax, row.currency as CurrencyCode),
    total: money(row.total, row.currency as CurrencyCode),
    ...documentTaxFromRow(row),
    issuedAt: row.issuedAt,
  };
}

function lineFromRow(row: CreditNoteLineEntity): CreditNoteLine {
  return {
    id: row.id as Id<'CreditNoteLine'>,
    creditNoteId: row.creditNoteId as Id<'CreditNote'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    position: row.position,
    kind: row.kind as CreditNoteLineKind,
    source: { kind: row.sourceKind as SourceKind, id: row.sourceId },
    invoiceLineId: (row.invoiceLineId ?? undefined) as Id<'InvoiceLine'> | undefined,
    description: row.description,
    quantity: row.quantity,
    amount: money(row.amount, row.currency as CurrencyCode),
    covers: spanFromRow(row),
    tax: lineTaxFromRow(row.tax),
    explanation: row.explanation,
  };
}

function entryFromRow(row: CreditBalanceEntryEntity): BalanceEntry {
  const currency = row.currency as CurrencyCode;
  return {
    id: row.id as Id<'BalanceEntry'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    kind: row.kind as BalanceEntry['kind'],
    amount: money(row.amount, currency),
    balanceAfter: money(row.balanceAfter, currency),
    creditNoteId: (row.creditNoteId ?? undefined) as Id<'CreditNote'> | undefined,
    invoiceId: (row.invoiceId ?? undefined) as Id<'Invoice'> | undefined,
    refundId: row.refundId ?? undefined,
    disputeId: row.disputeId ?? undefined,
    createdAt: row.createdAt,
  };
}

export class CreditNoteRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(note: CreditNote, lines: readonly CreditNoteLine[]): Promise<void> {
    const { tenantId, partnerId } = note;
    await this.manager.insert(CreditNoteEntity, {
      ...note,
      tax: note.tax.minor,
      total: note.total.minor,
      ...documentTaxToRow(note),
      currency: note.total.currency,
      createdAt: note.issuedAt,
    });
    await this.manager.insert(
      CreditNoteLineEntity,
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

  async byId(tenantId: string, id: string): Promise<CreditNote | undefined> {
    const row = await this.manager.findOneBy(CreditNoteEntity, { tenantId, id });
    return row ? fromRow(row) : undefined;
  }

  async linesOf(tenantIds: readonly string[], noteIds: readonly string[]): Promise<Map<string, CreditNoteLine[]>> {
    const rows = await this.manager
      .createQueryBuilder(CreditNoteLineEntity, 'line')
      .where('line.tenantId = any(:tenantIds) and line.creditNoteId = any(:noteIds)', { tenantIds, noteIds })
      .orderBy('line.position')
      .getMany();
    return groupBy(rows.map(lineFromRow), (line) => line.creditNoteId);
  }

  /** What has been credited of each of these invoice lines, in minor units, and of the tax on it? */
  async creditedOf(tenantId: string, invoiceLineIds: readonly string[]): Promise<Map<string, Standing>> {
    const rows: { invoice_line_id: string; credited: string; tax: string }[] = await this.manager.query(
      `select invoice_line_id, sum(amount)::text as credited,
         coalesce(sum((tax -> 'amount' -> 'minor' ->> '$bigint')::bigint), 0)::text as tax
       from credit_note_lines
       where tenant_id = $1 and invoice_line_id = any($2) group by invoice_line_id`,
      [tenantId, invoiceLineIds],
    );
    return new Map(rows.map((row) => [row.invoice_line_id, { amount: BigInt(row.credited), tax: BigInt(row.tax) }]));
  }

  /** What was issued after one instant, up to another, oldest first. */
  async issuedBetween(tenantId: string, after: Instant, until: Instant): Promise<CreditNote[]> {
    const rows = await this.manager
      .createQueryBuilder(CreditNoteEntity, 'note')
      .where('note.tenantId = :tenantId and note.issuedAt > :after and note.issuedAt <= :until', {
        tenantId,
        after: after.toString(),
        until: until.toString(),
      })
      .orderBy('note.issuedAt')
      .addOrderBy('note.id')
      .limit(5_000)
      .getMany();
    return rows.map(fromRow);
  }

  async page(tenantId: string, request: PageRequest): Promise<Page<CreditNote>> {
    const query = this.manager
      .createQueryBuilder(CreditNoteEntity, 'note')
      .where('note.tenantId = :tenantId', { tenantId });
    return mapPage(await readPage(query, request), fromRow);
  }

  async balance(tenantId: string, currency: CurrencyCode): Promise<Money> {
    const row = await this.manager.findOneBy(CreditBalanceEntity, { tenantId, currency });
    return money(row?.balance ?? 0n, currency);
  }

  /** The balance under its own lock. A row that does not exist yet cannot be locked: it is made first. */
  async lockBalance(tenantId: string, partnerId: string, currency: CurrencyCode): Promise<Money> {
    const asked = { tenantId, partnerId, currency };
    return money(await oneOfMany(this.manager, 'lock balance', asked, (all) => this.lockBalances(all)), currency);
  }

  private async lockBalances(
    all: readonly { readonly tenantId: string; readonly partnerId: string; readonly currency: string }[],
  ): Promise<bigint[]> {
    const [tenants, partners, currencies] = [
      all.map(({ tenantId }) => tenantId),
      all.map(({ partnerId }) => partnerId),
      all.map(({ currency }) => currency),
    ];
    await this.manager.query(
      `insert into credit_balances (tenant_id, currency, partner_id)
       select * from unnest($1::uuid[], $2::text[], $3::uuid[]) order by 1, 2
       on conflict (tenant_id, currency) do nothing`,
      [tenants, currencies, partners],
    );
    const rows: { tenant_id: string; currency: string; balance: string }[] = await this.manager.query(
      `select tenant_id, currency, balance from credit_balances
        where tenant_id = any($1) and currency = any($2) order by tenant_id, currency for update`,
      [tenants, [...new Set(currencies)]],
    );
    const balances = new Map(rows.map((row) => [`${row.tenant_id} ${row.currency}`, BigInt(row.balance)]));
    return all.map(({ tenantId, currency }) => balances.get(`${tenantId} ${currency}`)!);
  }

  /** Moves the balance and writes the movement, together. */
  async moveBalance(
    tenantId: Id<'Tenant'>,
    partnerId: string,
    movement: Pick<BalanceEntry, 'kind' | 'amount' | 'creditNoteId' | 'invoiceId' | 'refundId' | 'disputeId'>,
    now: Instant,
  ): Promise<Money> {
    const { currency } = movement.amount;
    const before = await this.lockBalance(tenantId, partnerId, currency);
    const balanceAfter = money(before.minor + movement.amount.minor, currency);
    await this.manager.update(CreditBalanceEntity, { tenantId, currency }, { balance: balanceAfter.minor });
    await this.manager.insert(CreditBalanceEntryEntity, {
      ...movement,
      tenantId,
      id: newId(),
      partnerId,
      currency,
      amount: movement.amount.minor,
      balanceAfter: balanceAfter.minor,
      createdAt: now,
    });
    return balanceAfter;
  }

  /** How much of it was taken for what went back of what a provider bills by itself, in minor units? */
  async takenAtProvider(tenantId: string, currency: CurrencyCode): Promise<bigint> {
    const rows: { taken: string }[] = await this.manager.query(
      `select coalesce(-sum(amount), 0)::text as taken from credit_balance_entries
        where tenant_id = $1 and currency = $2 and kind = 'REFUNDED' and refund_id is null and dispute_id is null`,
      [tenantId, currency],
    );
    return BigInt(rows[0]!.taken);
  }

  /** By how much a refund or a dispute has moved the balance. */
  async movedBy(tenantId: string, by: TakenBy, currency: CurrencyCode): Promise<Money> {
    const [column, id] = 'refundId' in by ? ['refund_id', by.refundId] : ['dispute_id', by.disputeId];
    const rows: { moved: string }[] = await this.manager.query(
      `select coalesce(sum(amount), 0)::text as moved from credit_balance_entries
        where tenant_id = $1 and ${column} = $2 and currency = $3`,
      [tenantId, id, currency],
    );
    return money(BigInt(rows[0]!.moved), currency);
  }

  async entries(tenantId: string, request: PageRequest): Promise<Page<BalanceEntry>> {
    const query = this.manager
      .createQueryBuilder(CreditBalanceEntryEntity, 'entry')
      .where('entry.tenantId = :tenantId', { tenantId });
    return mapPage(await readPage(query, request), entryFromRow);
  }
}
