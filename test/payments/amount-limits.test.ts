import { decodeId } from '../../src/core/ids';
import { money } from '../../src/core/money';
import { limitBelow } from '../../src/payments/charge-limits';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';
import { Payer } from './support';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

test.each([
  ['STRIPE', 'EUR', 99_999_999n],
  ['STRIPE', 'JPY', 99_999_999n],
  // Written with two decimals there: UGX 999,999.00.
  ['STRIPE', 'UGX', 999_999n],
  // MGA 99,999,999 there, with two decimals here.
  ['STRIPE', 'MGA', 9_999_999_900n],
  ['FAKE', 'EUR', 99_999_999n],
] as const)('%s moves at most so much %s at once', (provider, currency, most) => {
  expect(limitBelow(provider, money(most, currency))).toBeUndefined();
  expect(limitBelow(provider, money(most + 1n, currency))).toEqual(money(most, currency));
});

async function place(card?: string) {
  const world = await World.create(gateway);
  await world.feature('reports', 'BOOLEAN');
  await world.plan({ code: 'basic', month: '30.00', features: [{ feature: 'reports' }] });
  await world.plan({ code: 'largest', rank: 20, month: '999999.99' });
  await world.plan({ code: 'larger', rank: 30, month: '1000000.00' });
  await world.addon('big', '400000.00');
  const tenant = await world.tenant('2026-01-01T00:00:00Z');
  const uuid = decodeId(tenant.id)!.uuid;
  const payer = new Payer({ world, tenant, gateway, uuid });
  if (card) await payer.addMethod(card);
  return { world, tenant, payer, uuid };
}
const refused = (amount: string) => ({
  code: 'AMOUNT_NOT_CHARGEABLE',
  facts: expect.arrayContaining([
    { name: 'amount', value: amount },
    { name: 'most', value: '999999.99' },
  ]),
});
const written = async (uuid: string) =>
  (
    await gateway.database.asOwner<{ count: number }>(
      `select (select count(*) from subscriptions where tenant_id = $1)::int + (select count(*) from invoices where tenant_id = $1)::int
         + (select count(*) from partner_tenant_addon_subscriptions where tenant_id = $1)::int as count`,
      [uuid],
    )
  )[0]!.count;

describe('more than the provider charges at once is not sold', () => {
  test('a start, tried or done, with a trial too; at the limit it is, and who has no method pays in another way', async () => {
    const { tenant, uuid } = await place('card_ok');
    expect(await tenant.start('larger')).toMatchObject(refused('1000000.00'));
    expect(await tenant.start('larger', { trialDays: 7 })).toMatchObject(refused('1000000.00'));
    // 30.00 × 40,000
    expect(await tenant.start('basic', { quantity: 40_000 })).toMatchObject(refused('1200000.00'));
    expect(await written(uuid)).toBe(0);
    expect(await tenant.start('largest')).toHaveProperty('subscription');
    const other = await place();
    expect(await other.tenant.start('larger')).toHaveProperty('subscription');
  });

  test('a plan change: in the preview, in a dry run, done, and at the end of the period', async () => {
    const { tenant, uuid } = await place('card_ok');
    await tenant.start('basic');
    await tenant.advance('2026-01-25T00:00:00Z');
    const before = await written(uuid);
    // 7/31 of it could be charged now; the next month could not.
    const input = { plan: 'larger' };
    expect(await tenant.preview(input)).toMatchObject(refused('1000000.00'));
    expect(await tenant.change(input, { dryRun: true })).toMatchObject(refused('1000000.00'));
    expect(await tenant.change(input)).toMatchObject(refused('1000000.00'));
    expect(await tenant.change({ ...input, effective: 'PERIOD_END' })).toMatchObject(refused('1000000.00'));
    expect(await written(uuid)).toBe(before);
    expect(await tenant.change({ plan: 'largest' })).toHaveProperty('invoice');
  });

  test('an add-on, and more of it', async () => {
    const { tenant, uuid, world } = await place('card_ok');
    await tenant.start('basic');
    const before = await written(uuid);
    // 400,000.00 × 3
    expect(await tenant.subscribe('big', { quantity: 3 })).toMatchObject(refused('1200000.00'));
    expect(await tenant.subscribe('big', { quantity: 3, charge: 'NEXT_INVOICE' })).toMatchObject(refused('1200000.00'));
    expect(await written(uuid)).toBe(before);
    const { addonSubscription } = await tenant.subscribe('big', { quantity: 2 });
    const more = { tenantId: tenant.id, addonSubscriptionId: addonSubscription.id, quantity: 3 };
    expect(await world.act('changeAddonQuantity', more, 'changed', ', idempotencyKey: "more"')).toMatchObject(
      refused('1200000.00'),
    );
    expect(await tenant.change({ plan: 'basic', quantity: 2 })).toHaveProperty('invoice');
  });

  test('what the credit balance pays is not charged', async () => {
    const { tenant, world } = await place('card_ok');
    await tenant.start('largest');
    await tenant.payAll();
    const cancel = { tenantId: tenant.id, when: 'NOW', reason: 'a pause' };
    await world.act('cancelSubscription', cancel, 'subscription { status }', ', idempotencyKey: "c"');
    // 999,999.99 are in the balance: 1,000,000.00 − 999,999.99 = 0.01
    expect(await tenant.start('larger')).toHaveProperty('subscription');
  });
});

test('an invoice that is too large all the same: nobody has failed, the partner is told once, and a bank can pay it', async () => {
  const { tenant, payer, world } = await place();
  await tenant.start('larger');
  await payer.addMethod('card_ok');
  await tenant.advance('2026-02-20T00:00:00Z');
  const invoices = await payer.invoices();
  expect(invoices).toMatchObject(
    [1, 2].map(() => ({
      ...{ status: 'FINALIZED', amountDue: { amount: '1000000.00' } },
      collection: { status: 'OPEN', failures: 0, nextAttemptAt: null },
      payments: [{ status: 'DECLINED', declineCode: 'AMOUNT_NOT_ALLOWED', chargeId: null }],
    })),
  );
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
  expect((await payer.events('invoice')).filter((type) => type === 'invoice.not_chargeable')).toHaveLength(2);
  const paid = { tenantId: tenant.id, invoiceId: invoices[0].id, reference: 'bank 1' };
  expect(await world.act('markInvoicePaid', paid, 'invoice { status }', ', idempotencyKey: "bank"')).toEqual({
    invoice: { status: 'PAID' },
  });
});
