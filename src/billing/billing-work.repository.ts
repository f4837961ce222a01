import type { EntityManager } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { readPage } from '../platform/paging';
import type { Claim, ParkedTenant, ParkReason } from './billing-work';
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

  /** Is the claim still ours? Then the work is done, once this transaction commits. */
  async finish({ tenantId, worker, number }: Claim): Promise<boolean> {
    const [, count] = await this.manager.query(
      'delete from billing_work where tenant_id = $1 and worker = $2 and claims = $3',
      [tenantId, worker, number],
    );
    return count === 1;
  }

  async park({ tenantId, worker, number }: Claim, reason: ParkReason, detail: string, now: Instant): Promise<boolean> {
    const [, count] = await this.manager.query(
      `update billing_work set parked_at = $4, reason = $5, detail = $6, worker = null, lease_until = null
        where tenant_id = $1 and worker = $2 and claims = $3`,
      [tenantId, worker, number, new Date(now.epochMilliseconds), reason, detail],
    );
    return count === 1;
  }

  /** Gives the claim back, to be tried again after a while by whoever comes first. */
  async tryLater(
    { tenantId, worker, number }: Claim,
    reason: ParkReason,
    detail: string,
    seconds: number,
  ): Promise<void> {
    await this.manager.query(
      `update billing_work set worker = null, lease_until = clock_timestamp() + make_interval(secs => $6),
              reason = $4, detail = $5
        where tenant_id = $1 and worker = $2 and claims = $3`,
      [tenantId, worker, number, reason, detail, seconds],
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
