import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
let world: World;
beforeAll(async () => {
  gateway = await startTestGateway();
  world = await World.create(gateway);
  await world.feature('calls');
  await world.plan({ code: 'basic', month: '31', year: '310' });
  await world.plan({ code: 'big', rank: 20, month: '62' });
  await world.addon('extra', '10', { features: [{ feature: 'calls', limit: '5', resetPeriod: 'MONTH' }] });
});
afterAll(() => gateway.stop());

const at = (day: number, time = '00:00:00.000') => `2026-01-${String(day).padStart(2, '0')}T${time}Z`;

async function subscription(tenant: TenantOfWorld, asOf?: string): Promise<string | undefined> {
  const found = await gateway.get(
    'super-admin',
    `query ($id: ID, $at: DateTime) { subscription(tenantId: $id, asOf: $at) { status interval cancelledAt
      item { quantity plan { code } planVersion { number } endedAt } items { quantity } currentPeriod { start end }
      addons { quantity addon { code } status } scheduledChange { effectiveAt } } }`,
    { id: tenant.id, at: asOf },
  );
  if (!found) return undefined;
  const { item, addons, currentPeriod: period } = found;
  const held = addons.map((one: { quantity: string; addon: { code: string } }) => `${one.quantity} ${one.addon.code}`);
  return [
    `${found.status} ${item.quantity} ${item.plan.code} v${item.planVersion.number} of ${found.items.length}`,
    `${period.start.slice(0, 10)} to ${period.end.slice(0, 10)}`,
    ...held,
  ].join(', ');
}

test('a subscription as of an instant: plan version, quantities, add-ons and period of then', async () => {
  const tenant = await world.tenant(at(1));
  await tenant.start('basic');
  await tenant.advance(at(5));
  const { addonSubscription } = await tenant.subscribe('extra', { quantity: 2 });
  await tenant.advance(at(10));
  await tenant.changeQuantity(addonSubscription.id, 3);
  await world.act(
    'publishPlanVersion',
    {
      partnerId: world.partnerId,
      plan: 'basic',
      prices: [{ interval: 'MONTH', price: { amount: '33', currency: 'USD' } }],
    },
    'plan { id }',
  );
  await tenant.advance(at(12));
  await tenant.change({ plan: 'big', quantity: 4 });
  await tenant.advance(at(20, '10:00:00.000'));
  await tenant.change({ plan: 'basic', anchor: 'RESET' });
  await tenant.advance(at(25));
  await tenant.cancelAddon(addonSubscription.id, { when: 'NOW' });
  await tenant.advance(at(28));
  await tenant.cancel({ when: 'NOW' });
  await tenant.advance(at(30));
  await tenant.start('big');

  expect(await subscription(tenant, '2025-12-31T23:59:59.999Z')).toBeUndefined();
  expect(await subscription(tenant, at(1))).toBe('ACTIVE 1 basic v1 of 1, 2026-01-01 to 2026-02-01');
  expect(await subscription(tenant, at(9, '23:59:59.999'))).toBe(
    'ACTIVE 1 basic v1 of 1, 2026-01-01 to 2026-02-01, 2 extra',
  );
  expect(await subscription(tenant, at(10))).toBe('ACTIVE 1 basic v1 of 1, 2026-01-01 to 2026-02-01, 3 extra');
  expect(await subscription(tenant, at(12))).toBe('ACTIVE 4 big v1 of 2, 2026-01-01 to 2026-02-01, 3 extra');
  // To the instant, though the new period is counted from its day's midnight.
  expect(await subscription(tenant, at(20, '09:59:59.999'))).toBe(
    'ACTIVE 4 big v1 of 2, 2026-01-01 to 2026-02-01, 3 extra',
  );
  expect(await subscription(tenant, at(20, '10:00:00.000'))).toBe(
    'ACTIVE 4 basic v2 of 3, 2026-01-20 to 2026-02-20, 3 extra',
  );
  expect(await subscription(tenant, at(25))).toBe('ACTIVE 4 basic v2 of 3, 2026-01-20 to 2026-02-20');
  expect(await subscription(tenant, at(29))).toBe('CANCELLED 4 basic v2 of 3, 2026-01-20 to 2026-02-20');
  const now = 'ACTIVE 1 big v1 of 1, 2026-01-30 to 2026-02-28';
  expect([
    await subscription(tenant),
    await subscription(tenant, at(30)),
    await subscription(tenant, '2030-01-01T00:00:00Z'),
  ]).toEqual([now, now, now]);
});

test('a trial as of an instant: it was on trial, until its end', async () => {
  const tenant = await world.tenant(at(1));
  await tenant.start('big', { trialDays: 14 });
  await tenant.advance(at(20));
  expect(await subscription(tenant, at(10))).toBe('TRIALING 1 big v1 of 1, 2026-01-01 to 2026-01-15');
  expect(await subscription(tenant, at(15))).toBe('ACTIVE 1 big v1 of 1, 2026-01-15 to 2026-02-15');
});

test('the catalog as of an instant: the version that was sold, prices and limits of then', async () => {
  const { partnerId } = world;
  const price = (amount: string) => [{ interval: 'MONTH', price: { amount, currency: 'USD' } }];
  const before = new Date(Date.now() - 1).toISOString();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await world.plan({ code: 'sold', month: '5' });
  await world.addon('sold', '1', { features: [{ feature: 'calls', limit: '7', resetPeriod: 'MONTH' }] });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const first = new Date().toISOString();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await world.act('publishPlanVersion', { partnerId, plan: 'sold', prices: price('6') }, 'plan { id }');
  const features = [{ feature: 'calls', limit: '8', resetPeriod: 'MONTH' }];
  const changed = await world.act(
    'updateAddon',
    { partnerId, addon: 'sold', prices: price('2'), features },
    'addon { id }',
  );
  expect(changed.code).toBeUndefined();
  const catalog = async (asOf: string | undefined) => {
    const fields = 'prices { amount { amount } } allowances { limit }';
    const ask = (text: string) =>
      gateway.ask('super-admin', `query ($at: DateTime, $id: ID) { ${text} }`, { at: asOf, id: partnerId });
    const [{ data: one }, { data: many }] = await Promise.all([
      ask(`plan(id: "sold", partnerId: $id, asOf: $at) { currentVersion { number prices { amount { amount } } } }
           addon(id: "sold", partnerId: $id, asOf: $at) { ${fields} }`),
      ask(`plans(first: 50, partnerId: $id, asOf: $at) { totalCount nodes { code currentVersion { number } } }
           addons(first: 50, partnerId: $id, asOf: $at) { totalCount nodes { code ${fields} } }`),
    ]);
    type Row = { code: string; currentVersion: { number: number }; allowances: { limit: string }[] };
    const [plan] = many.plans.nodes.filter(({ code }: Row) => code === 'sold');
    const [addon] = many.addons.nodes.filter(({ code }: Row) => code === 'sold');
    expect([many.plans.totalCount, many.addons.totalCount]).toEqual([
      many.plans.nodes.length,
      many.addons.nodes.length,
    ]);
    expect(plan?.currentVersion.number).toBe(one.plan?.currentVersion.number);
    expect(addon?.allowances[0].limit).toBe(one.addon?.allowances[0].limit);
    if (!one.plan) return [one.plan, one.addon];
    const [version, sold] = [one.plan.currentVersion, one.addon];
    return [
      `v${version.number} ${version.prices[0].amount.amount}`,
      `${sold.prices.map((row: { amount: { amount: string } }) => row.amount.amount)} for ${sold.allowances[0].limit}`,
    ];
  };
  expect(await catalog(before)).toEqual([null, null]);
  expect(await catalog(first)).toEqual(['v1 5.00', '1.00 for 7']);
  expect(await catalog(undefined)).toEqual(['v2 6.00', '2.00 for 8']);
  expect(await catalog(new Date().toISOString())).toEqual(['v2 6.00', '2.00 for 8']);
});
