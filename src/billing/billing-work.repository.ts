import type { EntityManager } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { readPage } from '../platform/paging';
import { oneOfMany, togetherOf } from '../platform/together';
import type { ParkedTenant, ParkReason } from './billing-work';
import { BillingWorkEntity } from './billing-work.entity';

function fromRow(row: BillingWorkEntity): ParkedTenant {
  return {
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    reason: row.reason as ParkReason,
    dueAt: row.dueAt,
    parkedAt: row.parkedAt!,
  };
}

/** One tenant's row of the work table, seen from the tenant's own transaction. */
export class BillingWorkRepository {
  constructor(private readonly manager: EntityManager) {}

  /** Locks the row for the transaction that bills: of several workers one gets it. */
  async take(tenantId: string): Promise<boolean> {
    // Of many tenants only those are entered whose rows were locked.
    if (togetherOf(this.manager)) return true;
    const rows = await this.manager.query(
      'select 1 from billing_work where tenant_id = $1 and parked_at is null for update skip locked',
      [tenantId],
    );
    return rows.length === 1;
  }

  /** The work is done, once this transaction commits. */
  async finish(tenantId: string): Promise<void> {
    await oneOfMany(this.manager, 'finish billing work', tenantId, async (all) => {
      await this.manager.query('delete from billing_work where tenant_id = any($1)', [all]);
      return all;
    });
  }

  async park(tenantId: string, reason: ParkReason, detail: string, now: Instant): Promise<boolean> {
    const [, count] = await this.manager.query(
      `update billing_work set parked_at = $2, reason = $3, detail = $4, held_until = null
        where tenant_id = $1 and parked_at is null`,
      [tenantId, new Date(now.epochMilliseconds), reason, detail],
    );
    return count === 1;
  }

  /** To be tried again after a while by whoever comes first. */
  async tryLater(tenantId: string, reason: ParkReason, detail: string, seconds: number): Promise<void> {
    await this.manager.query(
      `update billing_work set held_until = clock_timestamp() + make_interval(secs => $4), reason = $2, detail = $3
        where tenant_id = $1 and parked_at is null`,
      [tenantId, reason, detail, seconds],
    );
  }

  /** Is anything of the tenant due up to here? */
  async isDue(tenantId: string, until: Instant): Promise<boolean> {
    const rows = await this.manager.query(
      'select exists (select 1 from billing_due where tenant_id = $1 and due_at <= $2) as due',
      [tenantId, new Date(until.epochMilliseconds)],
    );
    return rows[0].due;
  }

  async parked(tenantId: string): Promise<ParkedTenant | undefined> {
    const row = await this.manager
      .createQueryBuilder(BillingWorkEntity, 'work')
      .where('work.tenantId = :tenantId and work.parkedAt is not null', { tenantId })
      .getOne();
    return row ? fromRow(row) : undefined;
  }

  /** The next run finds the tenant again. */
  async unpark(tenantId: string): Promise<void> {
    await this.manager.query('delete from billing_work where tenant_id = $1 and parked_at is not null', [tenantId]);
  }

  /** The parked tenants of a partner; without one, all that may be seen. */
  async parkedPage(partnerId: string | undefined, request: PageRequest): Promise<Page<ParkedTenant>> {
    const query = this.manager.createQueryBuilder(BillingWorkEntity, 'work').where('work.parkedAt is not null');
    if (partnerId) query.andWhere('work.partnerId = :partnerId', { partnerId });
    return mapPage(await readPage(query, request, 'tenantId'), fromRow);
  }
}
