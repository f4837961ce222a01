import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';
import { numberFaults, periodsOf, run, type SettableClock, settableClock } from './support/runs';

let gateway: TestGateway;
let clock: SettableClock;
beforeEach(async () => {
  clock = settableClock('2025-01-31T12:00:00Z');
  gateway = await startTestGateway({ world: 'demo', clock });
});
afterEach(() => gateway.stop());

async function worldWithPlan(options: { timeZone?: string } = {}): Promise<World> {
  const world = await World.create(gateway, options);
  await world.plan({ code: 'basic', month: '20.00' });
  await world.addon('extra', '5.00');
  return world;
}

async function tenants(world: World, count: number): Promise<TenantOfWorld[]> {
  const made = [];
  for (let index = 0; index < count; index += 1) {
    const tenant = await world.liveTenant({ name: `Live ${String(index).padStart(2, '0')}` });
    await tenant.start('basic');
    made.push(tenant);
  }
  return made;
}

const parkedTenants = () =>
  gateway.get(
    'super-admin',
    '{ parkedTenants(first: 10) { nodes { tenantId reason message dueAt tenant { name } } } }',
  );
const unpark = (tenantId: string) =>
  gateway.get(
    'super-admin',
    `mutation ($input: UnparkTenantInput!) { unparkTenant(input: $input) {
      ... on UnparkTenantDone { tenantId parked { reason } } ... on Refused { code } } }`,
    { input: { tenantId } },
  );

test('bills each live tenant for its next period, with its add-ons, and leaves the sandbox alone', async () => {
  const world = await worldWithPlan();
  const [first, second] = await tenants(world, 3);
  await first!.subscribe('extra');
  await world.coupon('TEN', { kind: 'PERCENT', percent: '10' });
  await second!.apply('TEN');
  const sandbox = await world.tenant('2024-01-31T12:00:00Z');
  await sandbox.start('basic');
  clock.set('2025-02-28T00:00:00Z');

  const billed: number[] = [];
  const summary = await run(gateway.database, clock, { onTenant: (count) => billed.push(count) });
  // 20.00 + 5.00, 20.00 − 10 % and 20.00: 63.00 in three invoices.
  expect(summary).toMatchObject({ tenants: 3, invoices: 3, parked: [], parkedCount: 0, stopped: false });
  expect([...summary.totals]).toEqual([['USD', { invoices: 3, minor: 6_300n }]]);
  expect(billed).toEqual([1, 2, 3]);
  // Anchor 31: February's period begins on its last day.
  expect((await periodsOf(gateway.database)).get('Live 00')).toEqual(['2025-01-31 2000', '2025-02-28 2500']);
  expect((await periodsOf(gateway.database)).get('Live 01')).toEqual(['2025-01-31 2000', '2025-02-28 1800']);
  expect(await sandbox.invoices()).toHaveLength(1);
  expect(await gateway.database.asOwner('select 1 from billing_work')).toEqual([]);
  const again = await run(gateway.database, clock);
  expect(again).toMatchObject({ tenants: 0, invoices: 0 });
});

test('a date means the end of that day in each zone, and nothing before it is due', async () => {
  clock.set('2025-01-01T12:00:00Z');
  const world = await worldWithPlan();
  for (const [name, timeZone] of [
    ['East', 'Pacific/Tongatapu'],
    ['Middle', 'UTC'],
    ['West', 'Pacific/Honolulu'],
  ]) {
    await (await world.liveTenant({ name: name!, timeZone: timeZone! })).start('basic');
  }
  // 1 February began 10:00 the day before in UTC+13, and begins at 10:00 in UTC−10.
  clock.set('2025-02-01T05:00:00Z');
  const billed = async () =>
    [...(await periodsOf(gateway.database))].filter(([, periods]) => periods.length > 1).map(([name]) => name);
  await run(gateway.database, clock, { date: '2025-01-31' });
  // Tonga began its period on 2 January: it was already tomorrow there.
  expect(await billed()).toEqual([]);
  await run(gateway.database, clock, { date: '2025-02-01' });
  expect(await billed()).toEqual(['Middle']);
  clock.set('2025-02-01T10:00:00Z');
  await run(gateway.database, clock, { date: '2025-02-01' });
  expect(await billed()).toEqual(['Middle', 'West']);
  clock.set('2025-02-01T12:00:00Z');
  await run(gateway.database, clock, { date: '2025-02-02' });
  expect(await billed()).toEqual(['East', 'Middle', 'West']);
});

test('two runs at once, five runs of one date, three months skipped: no period twice, none missing', async () => {
  const world = await worldWithPlan();
  await tenants(world, 20);
  clock.set('2025-04-30T00:00:00Z');
  const together = await Promise.all([
    run(gateway.database, clock, { date: '2025-04-30' }),
    run(gateway.database, clock, { date: '2025-04-30' }),
  ]);
  expect(together.reduce((sum, { tenants: count }) => sum + count, 0)).toBe(20);
  for (let index = 0; index < 3; index += 1) {
    expect(await run(gateway.database, clock, { date: '2025-04-30' })).toMatchObject({ tenants: 0, invoices: 0 });
  }
  const periods = await periodsOf(gateway.database);
  expect(periods.size - 20).toBe((await sandboxNames()).length);
  for (const name of Array.from({ length: 20 }, (_, index) => `Live ${String(index).padStart(2, '0')}`)) {
    expect(periods.get(name)).toEqual(['2025-01-31 2000', '2025-02-28 2000', '2025-03-31 2000', '2025-04-30 2000']);
  }
  expect(await numberFaults(gateway.database)).toEqual([]);
});

const sandboxNames = () =>
  gateway.database.asOwner(
    `select distinct t.name from tenants t join invoices i on i.tenant_id = t.id where t.sandbox and i.kind = 'PERIOD'`,
  );

test('a scheduled change, an end of an add-on and a cancellation are carried out in their order', async () => {
  const world = await worldWithPlan();
  await world.plan({ code: 'big', month: '50.00', rank: 20 });
  const [changing, dropping, leaving] = await tenants(world, 3);
  await changing!.change({ plan: 'big', effective: 'PERIOD_END' });
  const { addonSubscription } = await dropping!.subscribe('extra');
  await dropping!.cancelAddon(addonSubscription.id);
  await world.act(
    'cancelSubscription',
    { tenantId: leaving!.id, reason: 'closing down' },
    'subscription { id }',
    ', idempotencyKey: "leave"',
  );
  clock.set('2025-04-01T00:00:00Z');
  await run(gateway.database, clock);
  const periods = await periodsOf(gateway.database);
  expect(periods.get('Live 00')).toEqual(['2025-01-31 2000', '2025-02-28 5000', '2025-03-31 5000']);
  expect(periods.get('Live 01')).toEqual(['2025-01-31 2000', '2025-02-28 2000', '2025-03-31 2000']);
  expect(periods.get('Live 02')).toEqual(['2025-01-31 2000']);
});

test('a tenant that cannot be billed is parked with a reason; the others are billed; unparked, it is too', async () => {
  const world = await worldWithPlan();
  const [broken] = await tenants(world, 4);
  const [{ id: itemId }] = (await gateway.database.asOwner<{ id: string }>(
    `update subscription_items set unit_amount = 9223372036854775807, quantity = 2
      where tenant_id = (select id from tenants where name = 'Live 00') returning id`,
  )) as [{ id: string }];
  clock.set('2025-02-28T00:00:00Z');
  const summary = await run(gateway.database, clock);
  expect(summary).toMatchObject({ tenants: 3, invoices: 3, parkedCount: 1 });
  expect(summary.parked).toMatchObject([{ tenantName: 'Live 00', reason: 'AMOUNT_OUT_OF_RANGE' }]);
  expect(await parkedTenants()).toMatchObject({
    nodes: [
      {
        tenantId: broken!.id,
        reason: 'AMOUNT_OUT_OF_RANGE',
        message: expect.stringContaining('Correct the price'),
        dueAt: '2025-02-28T00:00:00.000Z',
        tenant: { name: 'Live 00' },
      },
    ],
  });
  expect(await run(gateway.database, clock)).toMatchObject({ tenants: 0, parkedCount: 1 });
  expect((await periodsOf(gateway.database)).get('Live 00')).toHaveLength(1);
  expect(await numberFaults(gateway.database)).toEqual([]);

  await gateway.database.asOwner('update subscription_items set unit_amount = 2000, quantity = 1 where id = $1', [
    itemId,
  ]);
  expect(await unpark(broken!.id)).toMatchObject({ parked: { reason: 'AMOUNT_OUT_OF_RANGE' } });
  expect(await unpark(broken!.id)).toMatchObject({ parked: null });
  expect(await run(gateway.database, clock)).toMatchObject({ tenants: 1, invoices: 1, parkedCount: 0 });
  expect((await periodsOf(gateway.database)).get('Live 00')).toEqual(['2025-01-31 2000', '2025-02-28 2000']);
  const events = await gateway.database.asOwner<{ type: string }>(
    `select type from outbox_events where type like 'tenant.billing%' order by recorded_at`,
  );
  expect(events.map(({ type }) => type)).toEqual(['tenant.billing_parked', 'tenant.billing_unparked']);
});

test('a second invoice for a period is refused by the database, and the tenant is parked', async () => {
  const world = await worldWithPlan();
  await tenants(world, 2);
  await gateway.database.asOwner(
    `insert into invoices select (jsonb_populate_record(i, jsonb_build_object('id', gen_random_uuid(), 'number', 'X-1',
        'period_start', '2025-02-28T00:00:00Z', 'period_end', '2025-03-31T00:00:00Z'))).*
       from invoices i where i.tenant_id = (select id from tenants where name = 'Live 01')`,
  );
  clock.set('2025-02-28T00:00:00Z');
  const summary = await run(gateway.database, clock);
  expect(summary).toMatchObject({ tenants: 1, parkedCount: 1 });
  expect(summary.parked).toMatchObject([{ tenantName: 'Live 01', reason: 'CONSTRAINT_BROKEN' }]);
});

test('a tenant that workers die of is given up, and says so', async () => {
  const world = await worldWithPlan();
  await tenants(world, 2);
  clock.set('2025-02-28T00:00:00Z');
  await gateway.database.asOwner(
    `insert into billing_work (tenant_id, partner_id, due_at, bill_until, attempts, held_until, created_at)
     select id, partner_id, $1, $1, 6, now() - interval '1 second', $1 from tenants where name = 'Live 01'`,
    ['2025-02-28T00:00:00Z'],
  );
  const summary = await run(gateway.database, clock);
  expect(summary).toMatchObject({ tenants: 1, parkedCount: 1 });
  expect(summary.parked).toMatchObject([{ tenantName: 'Live 01', reason: 'WORKER_LOST' }]);
});

test('a tenant that another transaction holds is billed after it; a run that is told to stops', async () => {
  const world = await worldWithPlan();
  await tenants(world, 3);
  clock.set('2025-02-28T00:00:00Z');
  const stopped = await run(gateway.database, clock, { workers: 1, signal: AbortSignal.abort() });
  expect(stopped).toMatchObject({ tenants: 0, stopped: true });
  // Another worker is at it, and then it is gone: its lock goes with its connection.
  await gateway.database.asOwner('begin');
  await gateway.database.asOwner(`select 1 from tenants where name = 'Live 01' for no key update`);
  const running = run(gateway.database, clock);
  const billedOthers = async () =>
    (await gateway.database.asOwner(`select 1 from invoices where period_start = '2025-02-28T00:00:00Z'`)).length;
  while ((await billedOthers()) < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  await gateway.database.asOwner('rollback');
  expect(await running).toMatchObject({ tenants: 3, invoices: 3 });
});
