import type { EntityManager } from 'typeorm';
import { type Instant, instantFromDate, instantText } from '../core/calendar';
import type { Id } from '../core/ids';
import type { Invoice } from '../invoicing/invoice';
import type { Prepared } from '../platform/database';
import { askPrepared } from '../platform/prepared-read';
import { oneOfMany } from '../platform/together';
import { CollectionEntity, DunningPolicyEntity } from './collection.entity';
import {
  type Collection,
  type CollectionStatus,
  type DunningPolicy,
  defaultPolicy,
  type FinalAction,
  type WithoutMethod,
} from './dunning';

function fromRow(row: CollectionEntity): Collection {
  const { heldUntil, ...rest } = row;
  return {
    ...rest,
    tenantId: row.tenantId as Id<'Tenant'>,
    invoiceId: row.invoiceId as Id<'Invoice'>,
    partnerId: row.partnerId as Id<'Partner'>,
    subscriptionId: row.subscriptionId as Id<'Subscription'>,
    status: row.status as CollectionStatus,
    dueAt: row.dueAt ?? undefined,
    firstFailedAt: row.firstFailedAt ?? undefined,
    endedAt: row.endedAt ?? undefined,
  };
}

const begin: Prepared = {
  name: 'begin collections',
  text: `insert into invoice_collections
      (tenant_id, invoice_id, partner_id, subscription_id, sandbox, status, due_at, created_at)
    select i.tenant_id, i.invoice_id, i.partner_id, i.subscription_id, i.sandbox, 'OPEN',
      case when exists (select from payment_methods m where m.tenant_id = i.tenant_id and m.is_default)
             or app.owes_without_method(i.tenant_id) then i.due_at end,
      i.issued_at
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::boolean[], $6::timestamptz[], $7::timestamptz[])
      as i(tenant_id, invoice_id, partner_id, subscription_id, sandbox, issued_at, due_at)`,
};

export class CollectionRepository {
  constructor(private readonly manager: EntityManager) {}

  /** An invoice is to be paid: on its due date where its tenant is charged or dunned, else once there is a payment method. */
  async begin(invoice: Invoice, sandbox: boolean): Promise<void> {
    await oneOfMany(this.manager, 'begin collections', { invoice, sandbox }, async (all) => {
      await askPrepared(this.manager, begin, [
        all.map((one) => one.invoice.tenantId),
        all.map((one) => one.invoice.id),
        all.map((one) => one.invoice.partnerId),
        all.map((one) => one.invoice.subscriptionId),
        all.map((one) => one.sandbox),
        all.map((one) => instantText(one.invoice.issuedAt)),
        all.map((one) => instantText(one.invoice.dueAt)),
      ]);
      return all;
    });
  }

  /** Is the tenant dunned although there is nothing to charge? */
  async owesWithoutMethod(tenantId: string): Promise<boolean> {
    const rows = await this.manager.query('select app.owes_without_method($1) as owes', [tenantId]);
    return rows[0].owes;
  }

  async byInvoice(tenantId: string, invoiceId: string): Promise<Collection | undefined> {
    const row = await this.manager.findOneBy(CollectionEntity, { tenantId, invoiceId });
    return row ? fromRow(row) : undefined;
  }

  /** How far each of these invoices is: one read for a page. */
  async ofInvoices(tenantIds: readonly string[], invoiceIds: readonly string[]): Promise<Map<string, Collection>> {
    const rows = await this.manager
      .createQueryBuilder(CollectionEntity, 'collection')
      .where('collection.tenantId = any(:tenantIds) and collection.invoiceId = any(:invoiceIds)', {
        tenantIds,
        invoiceIds,
      })
      .getMany();
    return new Map(rows.map((row) => [row.invoiceId, fromRow(row)]));
  }

  /** Those that failed and are neither paid nor stopped, of all of the tenant's subscriptions: its debts. */
  async failed(tenantId: string): Promise<Collection[]> {
    const rows = await this.manager
      .createQueryBuilder(CollectionEntity, 'collection')
      .where('collection.tenantId = :tenantId and collection.endedAt is null', { tenantId })
      .andWhere('collection.firstFailedAt is not null')
      // The first failure decides until when access lasts.
      .orderBy('collection.firstFailedAt')
      .limit(1_000)
      .getMany();
    return rows.map(fromRow);
  }

  async update(collection: Collection): Promise<void> {
    const { tenantId, invoiceId, status, failures } = collection;
    await this.manager.update(
      CollectionEntity,
      { tenantId, invoiceId },
      {
        ...{ status, failures, heldUntil: null },
        dueAt: collection.dueAt ?? null,
        firstFailedAt: collection.firstFailedAt ?? null,
        endedAt: collection.endedAt ?? null,
      },
    );
  }

  /** What the tenant has owed for longer than this: the oldest invoice that failed and is neither paid nor given up. */
  async olderDebt({ tenantId, invoiceId, createdAt }: Collection): Promise<Collection | undefined> {
    const row = await this.manager
      .createQueryBuilder(CollectionEntity, 'collection')
      .where('collection.tenantId = :tenantId and collection.endedAt is null', { tenantId })
      .andWhere('collection.firstFailedAt is not null')
      .andWhere('(collection.createdAt, collection.invoiceId) < (:createdAt, :invoiceId)', {
        createdAt: instantText(createdAt),
        invoiceId,
      })
      .orderBy('collection.createdAt')
      .addOrderBy('collection.invoiceId')
      .limit(1)
      .getOne();
    return row ? fromRow(row) : undefined;
  }

  /**
   * This method may pay what others, or it, did not: all that is open is tried at once, debts whose tries were used up and what waits
   * for a customer to confirm another method too; what is not due yet, when it is. Not sooner than an hour after it was tried last,
   * however often it is asked for. Where the turn's own attempt is under way, what follows from it sees to that
   * (`settle-payment.command`).
   */
  async wake(tenantId: string, methodId: string, now: Instant): Promise<void> {
    await this.manager.query(
      `update invoice_collections c set held_until = null, due_at = least(c.due_at, greatest($2, i.due_at,
          (select max(p.created_at) + interval '1 hour' from payments p
            where p.tenant_id = $1 and p.invoice_id = c.invoice_id and p.payment_method_id = $3)))
         from invoices i
        where i.tenant_id = c.tenant_id and i.id = c.invoice_id and c.tenant_id = $1 and c.status in ('OPEN', 'EXHAUSTED')
          and not exists (select 1 from payments p where p.tenant_id = $1 and p.invoice_id = c.invoice_id
                           and (p.status = 'PENDING' and c.due_at is null
                             or p.status = 'REQUIRES_ACTION' and p.payment_method_id = $3))`,
      [tenantId, now.toString(), methodId],
    );
  }

  /** When the tenant's next attempt is due, in its own time. */
  async nextDue(tenantId: string): Promise<Instant | undefined> {
    const rows: { due_at: Date | null }[] = await this.manager.query(
      'select min(due_at) as due_at from invoice_collections where tenant_id = $1',
      [tenantId],
    );
    const due = rows[0]?.due_at;
    return due ? instantFromDate(due) : undefined;
  }

  async policyOf(partnerId: string): Promise<DunningPolicy> {
    const row = await this.manager.findOneBy(DunningPolicyEntity, { partnerId });
    if (!row) return defaultPolicy;
    const { retryDays, graceDays, chargesWhileOff, version } = row;
    const finalAction = row.finalAction as FinalAction;
    const withoutMethod = row.withoutMethod as WithoutMethod;
    return { retryDays, graceDays, chargesWhileOff, version, finalAction, withoutMethod };
  }

  /** False: somebody else has changed it since. */
  async setPolicy(partnerId: string, policy: DunningPolicy, now: Instant): Promise<boolean> {
    const { retryDays, graceDays, finalAction, version, chargesWhileOff, withoutMethod } = policy;
    const values = [
      ...[partnerId, retryDays, graceDays, finalAction, now.toString(), version],
      ...[chargesWhileOff, withoutMethod],
    ];
    const rows = await this.manager.query(
      `insert into partner_dunning_policies as kept (partner_id, retry_days, grace_days, final_action, updated_at, version,
         charges_while_off, without_method)
       values ($1, $2, $3, $4, $5, $6 + 1, $7, $8)
       on conflict (partner_id) do update set retry_days = $2, grace_days = $3, final_action = $4, updated_at = $5,
         version = kept.version + 1, charges_while_off = $7, without_method = $8
       where kept.version = $6 returning 1`,
      values,
    );
    return rows.length > 0;
  }
}
