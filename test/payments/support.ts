import { decodeId } from '../../src/core/ids';
import type { FakeProvider } from '../../src/payments/fake/fake-provider';
import type { TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';

export interface PayingTenant {
  readonly world: World;
  readonly tenant: TenantOfWorld;
  readonly gateway: TestGateway;
  readonly uuid: string;
}

let serial = 0;

const paymentFields =
  'id status amount { amount } refunded { amount } declineCode chargeId refunds { id status reason amount { amount } } disputes { status }';

/** A partner that sells one plan for 30.00 a month and a bigger one, with a feature that both give. */
export async function sellingWorld(gateway: TestGateway): Promise<World> {
  const world = await World.create(gateway);
  await world.feature('reports', 'BOOLEAN');
  await world.plan({ code: 'basic', month: '30.00', features: [{ feature: 'reports' }] });
  await world.plan({ code: 'bigger', rank: 20, month: '60.00', features: [{ feature: 'reports' }] });
  return world;
}

/** A sandbox tenant of such a partner. */
export async function payingTenant(
  gateway: TestGateway,
  { now = '2026-01-01T00:00:00Z', world }: { now?: string; world?: World } = {},
): Promise<PayingTenant> {
  const place = world ?? (await sellingWorld(gateway));
  const tenant = await place.tenant(now);
  return { world: place, tenant, gateway, uuid: decodeId(tenant.id)!.uuid };
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever they asked for.
type Any = any;

export class Payer {
  constructor(readonly paying: PayingTenant) {}

  private key(): string {
    serial += 1;
    return `, idempotencyKey: "pay-${serial}"`;
  }

  addMethod(token = 'card_ok', makeDefault = true): Promise<Any> {
    const { world, tenant } = this.paying;
    const input = { tenantId: tenant.id, provider: 'FAKE', token, makeDefault };
    return world.act('addPaymentMethod', input, 'paymentMethod { id isDefault last4 brand }', this.key());
  }

  pay(invoiceId: string, extra: object = {}, key = this.key()): Promise<Any> {
    const { world, tenant } = this.paying;
    const fields = `replayed dryRun payment { ${paymentFields} } invoice { status }`;
    return world.act('payInvoice', { tenantId: tenant.id, invoiceId, ...extra }, fields, key);
  }

  refund(paymentId: string, extra: object = {}): Promise<Any> {
    const { world, tenant } = this.paying;
    const fields = `refund { id status amount { amount } } payment { ${paymentFields} }`;
    return world.act('refundPayment', { tenantId: tenant.id, paymentId, ...extra }, fields, this.key());
  }

  async invoices(): Promise<Any[]> {
    const { gateway, tenant } = this.paying;
    const { nodes } = await gateway.get(
      'super-admin',
      `query ($id: ID) { invoices(tenantId: $id, first: 50) { nodes { id number status issuedAt amountDue { amount } lines { id }
        payments { ${paymentFields} createdAt } collection { status failures nextAttemptAt paymentMethodMissing } } } }`,
      { id: tenant.id },
    );
    return nodes;
  }

  async subscription(): Promise<Any> {
    const { gateway, tenant } = this.paying;
    return gateway.get(
      'super-admin',
      'query ($id: ID) { subscription(tenantId: $id) { status accessUntil cancelledAt history(first: 100) { nodes { kind happenedAt } } } }',
      {
        id: tenant.id,
      },
    );
  }

  /** Types of the tenant's events, oldest first, of these nouns. */
  async events(...nouns: string[]): Promise<string[]> {
    const rows = await this.paying.gateway.database.asOwner<{ type: string }>(
      'select type from outbox_events where tenant_id = $1 order by id',
      [this.paying.uuid],
    );
    return rows.map(({ type }) => type).filter((type) => nouns.includes(type.split('.')[0]!));
  }
}

export const chargesOf = (fake: FakeProvider) =>
  fake.charges.map(({ status, amount, refunded }) => `${status} ${amount.minor} ${refunded.minor}`);
