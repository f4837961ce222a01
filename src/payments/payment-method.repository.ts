import { type EntityManager, In, IsNull, MoreThan } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { readPage } from '../platform/paging';
import type { PaymentMethod, PaymentSetup } from './payment-method';
import {
  FormerProviderCustomerEntity,
  PaymentMethodEntity,
  PaymentSetupEntity,
  ProviderCustomerEntity,
} from './payment-method.entity';
import type { MethodFacts, ProviderName } from './provider';

function fromRow(row: PaymentMethodEntity): PaymentMethod {
  return {
    ...row,
    id: row.id as Id<'PaymentMethod'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    provider: row.provider as ProviderName,
    kind: row.kind as MethodFacts['kind'],
    brand: row.brand ?? undefined,
    last4: row.last4 ?? undefined,
    expiresMonth: row.expiresMonth ?? undefined,
    expiresYear: row.expiresYear ?? undefined,
    renewedAt: row.renewedAt ?? undefined,
    removedAt: row.removedAt ?? undefined,
  };
}

function setupFromRow(row: PaymentSetupEntity): PaymentSetup {
  return {
    ...row,
    id: row.id as Id<'PaymentSetup'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    provider: row.provider as ProviderName,
    status: row.status as PaymentSetup['status'],
    externalId: row.externalId ?? undefined,
    paymentMethodId: (row.paymentMethodId ?? undefined) as Id<'PaymentMethod'> | undefined,
    settledAt: row.settledAt ?? undefined,
  };
}

export class PaymentMethodRepository {
  constructor(private readonly manager: EntityManager) {}

  async customerOf(tenantId: string, provider: ProviderName): Promise<string | undefined> {
    const row = await this.manager.findOneBy(ProviderCustomerEntity, { tenantId, provider });
    return row?.externalId;
  }

  /** Those that are gone at the provider: what still names them is the tenant's all the same. */
  async formerCustomers(tenantId: string, provider: ProviderName): Promise<string[]> {
    const rows = await this.manager.find(FormerProviderCustomerEntity, { where: { tenantId, provider }, take: 1_000 });
    return rows.map(({ externalId }) => externalId);
  }

  /** All that it is, or was, called there. */
  async customersOf(tenantId: string, provider: ProviderName): Promise<string[]> {
    const current = await this.customerOf(tenantId, provider);
    return [...(current ? [current] : []), ...(await this.formerCustomers(tenantId, provider))];
  }

  /** False: another one is the tenant's by now. */
  async forgetCustomer(
    tenantId: string,
    partnerId: string,
    provider: ProviderName,
    externalId: string,
    now: Instant,
  ): Promise<boolean> {
    const { affected } = await this.manager.delete(ProviderCustomerEntity, { tenantId, provider, externalId });
    if (!affected) return false;
    await this.manager.query(
      `insert into former_provider_customers (tenant_id, provider, external_id, partner_id, gone_at)
       values ($1, $2, $3, $4, $5) on conflict do nothing`,
      [tenantId, provider, externalId, partnerId, now.toString()],
    );
    return true;
  }

  /** What is still kept of a customer. */
  async ofCustomer(tenantId: string, provider: ProviderName, customerExternalId: string): Promise<PaymentMethod[]> {
    const rows = await this.manager.find(PaymentMethodEntity, {
      where: { tenantId, provider, customerExternalId, removedAt: IsNull() },
      order: { id: 'ASC' },
      take: 1_000,
    });
    return rows.map(fromRow);
  }

  /** The first one stands: who comes second made the same one, under the same key. */
  async keepCustomer(
    tenantId: string,
    partnerId: string,
    provider: ProviderName,
    externalId: string,
    now: Instant,
  ): Promise<void> {
    await this.manager.query(
      `insert into provider_customers (tenant_id, provider, partner_id, external_id, created_at) values ($1, $2, $3, $4, $5)
       on conflict (tenant_id, provider) do nothing`,
      [tenantId, provider, partnerId, externalId, now.toString()],
    );
  }

  async insert(method: PaymentMethod): Promise<void> {
    await this.manager.insert(PaymentMethodEntity, { ...method });
  }

  async update(method: PaymentMethod): Promise<void> {
    const { tenantId, id, isDefault } = method;
    await this.manager.update(
      PaymentMethodEntity,
      { tenantId, id },
      {
        isDefault,
        brand: method.brand ?? null,
        last4: method.last4 ?? null,
        expiresMonth: method.expiresMonth ?? null,
        expiresYear: method.expiresYear ?? null,
        renewedAt: method.renewedAt ?? null,
        removedAt: method.removedAt ?? null,
      },
    );
  }

  async byId(tenantId: string, id: string): Promise<PaymentMethod | undefined> {
    const row = await this.manager.findOneBy(PaymentMethodEntity, { tenantId, id });
    return row ? fromRow(row) : undefined;
  }

  async byExternalId(tenantId: string, provider: ProviderName, externalId: string): Promise<PaymentMethod | undefined> {
    const row = await this.manager.findOneBy(PaymentMethodEntity, { tenantId, provider, externalId });
    return row ? fromRow(row) : undefined;
  }

  /** What invoices are paid with. */
  async defaultOf(tenantId: string): Promise<PaymentMethod | undefined> {
    const row = await this.manager.findOneBy(PaymentMethodEntity, { tenantId, isDefault: true });
    return row ? fromRow(row) : undefined;
  }

  /** Of these tenants those that have something to pay with. */
  async withDefault(tenantIds: readonly string[]): Promise<Set<string>> {
    const where = { tenantId: In([...tenantIds]), isDefault: true };
    const rows = await this.manager.find(PaymentMethodEntity, { select: { tenantId: true }, where, take: 1_000 });
    return new Set(rows.map(({ tenantId }) => tenantId));
  }

  /** The one that was given last. */
  async latestOf(tenantId: string): Promise<PaymentMethod | undefined> {
    const row = await this.manager.findOne(PaymentMethodEntity, {
      where: { tenantId, removedAt: IsNull() },
      order: { id: 'DESC' },
    });
    return row ? fromRow(row) : undefined;
  }

  async page(tenantId: string, request: PageRequest): Promise<Page<PaymentMethod>> {
    const query = this.manager
      .createQueryBuilder(PaymentMethodEntity, 'method')
      .where('method.tenantId = :tenantId and method.removedAt is null', { tenantId });
    return mapPage(await readPage(query, request), fromRow);
  }

  async insertSetup(setup: PaymentSetup): Promise<void> {
    await this.manager.insert(PaymentSetupEntity, { ...setup });
  }

  async updateSetup(setup: PaymentSetup): Promise<void> {
    const { tenantId, id, status } = setup;
    await this.manager.update(
      PaymentSetupEntity,
      { tenantId, id },
      {
        status,
        externalId: setup.externalId ?? null,
        paymentMethodId: setup.paymentMethodId ?? null,
        settledAt: setup.settledAt ?? null,
      },
    );
  }

  /** Has one that was begun after this one made its method the default already? */
  async isOutdone({ tenantId, id }: PaymentSetup): Promise<boolean> {
    const later = { tenantId, id: MoreThan(id), makeDefault: true, status: 'SUCCEEDED' };
    return this.manager.existsBy(PaymentSetupEntity, later);
  }

  async setupById(tenantId: string, id: string): Promise<PaymentSetup | undefined> {
    const row = await this.manager.findOneBy(PaymentSetupEntity, { tenantId, id });
    return row ? setupFromRow(row) : undefined;
  }
}
