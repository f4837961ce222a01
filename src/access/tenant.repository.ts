import type { EntityManager } from 'typeorm';
import type { Instant } from '../core/calendar';
import { timeZone } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { readPage } from '../platform/paging';
import { preparedRead } from '../platform/prepared-read';
import { togetherOf } from '../platform/together';
import type { Tenant } from './tenant';
import { TenantEntity } from './tenant.entity';

function fromRow(row: TenantEntity): Tenant {
  return {
    ...row,
    id: row.id as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    externalId: row.externalId ?? undefined,
    currency: row.currency as CurrencyCode,
    timeZone: row.timeZone === null ? undefined : timeZone(row.timeZone),
    paymentNetDays: row.paymentNetDays ?? undefined,
    testClock: row.testClock ?? undefined,
  };
}

const rowsById = preparedRead(TenantEntity, 'where id = $1');

export class TenantRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(tenant: Tenant): Promise<void> {
    await this.manager.insert(TenantEntity, { ...tenant });
  }

  async byId(id: string): Promise<Tenant | undefined> {
    const [row] = await rowsById(this.manager, [id]);
    return row && fromRow(row);
  }

  async byIds(ids: readonly string[]): Promise<Tenant[]> {
    const rows = await this.manager
      .createQueryBuilder(TenantEntity, 'tenant')
      .where('tenant.id = any(:ids)', { ids })
      .getMany();
    return rows.map(fromRow);
  }

  async page(partnerId: string, request: PageRequest): Promise<Page<Tenant>> {
    const query = this.manager
      .createQueryBuilder(TenantEntity, 'tenant')
      .where('tenant.partnerId = :partnerId', { partnerId });
    return mapPage(await readPage(query, request), fromRow);
  }

  async count(partnerId: string): Promise<number> {
    return this.manager.countBy(TenantEntity, { partnerId });
  }

  /**
   * The tenant's lock: every write about a tenant takes it first, so the writes of one tenant happen one after the other
   * and their reads see each other. Held to the end of the transaction.
   */
  async lock(tenantId: string): Promise<void> {
    // A transaction of many tenants locks them all when it begins.
    if (togetherOf(this.manager)) return;
    await this.manager.query('select 1 from tenants where id = $1 for no key update', [tenantId]);
  }

  /** `undefined`: its invoices are due when the partner says. */
  async setPaymentNetDays(id: string, days: number | undefined): Promise<void> {
    await this.manager.update(TenantEntity, { id }, { paymentNetDays: days ?? null });
  }

  async setTestClock(tenantId: string, testClock: Instant): Promise<void> {
    await this.manager.update(TenantEntity, { id: tenantId }, { testClock });
  }
}
