import { Client } from 'pg';
import { dataSourceFor } from '../../ormconfig';
import { runBilling } from '../../src/billing/billing-run.job';
import { decodeId } from '../../src/core/ids';
import { createLog } from '../../src/platform/log';
import { System } from '../../src/system';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';
import { periodsOf, type SettableClock, settableClock } from './support/runs';

let gateway: TestGateway;
let clock: SettableClock;
beforeEach(async () => {
  clock = settableClock('2025-01-31T12:00:00Z');
  gateway = await startTestGateway({ clock });
});
afterEach(() => gateway.stop());

/** Runs once, with one worker, and answers the statements that it sent. */
async function statementsOfRun(batchSize: number): Promise<string[]> {
  const source = dataSourceFor({ url: gateway.database.jobUrl, poolSize: 2, name: 'test-batch' });
  const sent: string[] = [];
  source.setOptions({
    logging: ['query'],
    logger: {
      logQuery: (sql: string) => void sent.push(sql),
      logQueryError: () => undefined,
      logQuerySlow: () => undefined,
      logSchemaBuild: () => undefined,
      logMigration: () => undefined,
      log: () => undefined,
    },
  });
  await source.initialize();
  await runBilling(new System(source, clock, createLog('silent')), {
    ...{ asOf: { latest: clock.now() }, workers: 1, batchSize },
  });
  await source.destroy();
  return sent;
}

async function tenants(world: World, names: readonly string[]): Promise<TenantOfWorld[]> {
  const made = [];
  for (const name of names) {
    const tenant = await world.liveTenant({ name });
    await tenant.start('basic');
    await tenant.subscribe('extra');
    await tenant.use('calls', name.length * 100, clock.now().toString());
    made.push(tenant);
  }
  return made;
}

async function worldWithUsage(): Promise<World> {
  const world = await World.create(gateway);
  await world.feature('calls');
  const usagePrices = [{ currency: 'USD', inside: { kind: 'PER_UNIT', amount: '0.01' } }];
  await world.plan({
    code: 'basic',
    month: '20.00',
    features: [{ feature: 'calls', limit: '1000', resetPeriod: 'MONTH', usagePrices }],
  });
  await world.addon('extra', '5.00');
  return world;
}

test('the same bills whether tenants are billed one by one or together, in fewer statements', async () => {
  const world = await worldWithUsage();
  clock.set('2025-02-01T12:00:00Z');
  await tenants(world, ['A', 'BB', 'CCC', 'DDDD']);
  clock.set('2025-03-05T12:00:00Z');
  const together = await statementsOfRun(100);
  const bills = await periodsOf(gateway.database);
  clock.set('2025-04-05T12:00:00Z');
  const alone = await statementsOfRun(1);
  // 20.00 + 5.00, and 0.01 for each of 100, 200, 300, 400 calls of February.
  for (const [index, name] of ['A', 'BB', 'CCC', 'DDDD'].entries()) {
    const first = `2025-02-01 2000`;
    expect(bills.get(name)).toEqual([first, `2025-03-01 ${2_500 + 100 * (index + 1)}`]);
    expect((await periodsOf(gateway.database)).get(name)).toEqual([...bills.get(name)!, '2025-04-01 2500']);
  }
  expect(together.length).toBeLessThan(alone.length / 2);
  expect(together.filter((sql) => sql.includes('usage_counts'))).toHaveLength(1);
});

test('one that cannot be billed is parked; those beside it are billed; halves are tried, not each alone', async () => {
  const world = await worldWithUsage();
  clock.set('2025-02-01T12:00:00Z');
  const names = Array.from({ length: 8 }, (_, index) => 'ABCDEFGH'[index]!);
  await tenants(world, names);
  await gateway.database.asOwner(
    `update subscription_items set unit_amount = 9223372036854775807, quantity = 2
      where tenant_id = (select id from tenants where name = 'F')`,
  );
  clock.set('2025-03-05T12:00:00Z');
  await statementsOfRun(100);
  const bills = await periodsOf(gateway.database);
  expect(names.filter((name) => bills.get(name)!.length === 2)).toEqual(names.filter((name) => name !== 'F'));
  expect(await gateway.database.asOwner('select reason from billing_work')).toEqual([
    { reason: 'AMOUNT_OUT_OF_RANGE' },
  ]);
});

test('who enters many tenants reads and writes those, of one partner, and no others', async () => {
  const [one, two] = [await worldWithUsage(), await worldWithUsage()];
  await tenants(one, ['A', 'B', 'C']);
  await tenants(two, ['Other']);
  const ids = new Map(
    (await gateway.database.asOwner<{ id: string; name: string }>('select id, name from tenants')).map(
      ({ id, name }) => [name, id],
    ),
  );
  const job = new Client({ connectionString: gateway.database.jobUrl });
  await job.connect();
  const enter = (...names: string[]) =>
    job.query('select tenant_id from app.enter_as_system_for($1)', [names.map((name) => ids.get(name))]);
  try {
    await job.query('begin');
    expect((await enter('A', 'B')).rowCount).toBe(2);
    const seen = await job.query('select distinct tenant_id from invoices');
    expect(seen.rows.map((row) => row.tenant_id).sort()).toEqual([ids.get('A'), ids.get('B')].sort());
    expect((await job.query(`update subscriptions set version = version + 1`)).rowCount).toBe(2);
    await expect(
      job.query(
        `insert into outbox_events (tenant_id, id, partner_id, type, payload, occurred_at)
         select $1, gen_random_uuid(), partner_id, 'x', '{}', now() from invoices limit 1`,
        [ids.get('C')],
      ),
    ).rejects.toMatchObject({ code: '42501' });
    for (const names of [['A', 'Other'], ['A', 'nobody'], []]) {
      await job.query('rollback');
      await job.query('begin');
      await expect(enter(...names)).rejects.toMatchObject({ code: 'TG403' });
    }
    await job.query('rollback');
    // Nothing of it is left on the connection.
    expect((await job.query('select 1 from invoices')).rowCount).toBe(0);
  } finally {
    await job.end();
  }
});

test("each tenant's own due date, and its first turn, in a batch as alone", async () => {
  for (const batchSize of [100, 1]) {
    clock.set('2025-01-31T12:00:00Z');
    const world = await worldWithUsage();
    const partners: { code: string }[] = await gateway.database.asOwner(
      'select code from partners order by id desc limit 1',
    );
    const [own, ofPartner, hadCard, neverCard] = [
      await world.liveTenant({ name: 'own' }),
      await world.liveTenant({ name: 'partner' }),
      await world.liveTenant({ name: 'had card' }),
      await world.liveTenant({ name: 'never card' }),
    ];
    for (const tenant of [own, ofPartner, hadCard, neverCard]) await tenant.start('basic');
    const terms = (input: object) => world.act('setPaymentTerms', input, 'terms { netDays }');
    await terms({ tenantId: own.id, netDays: 30 });
    if (batchSize === 100) await terms({ partnerId: world.partnerId, netDays: 14 });
    // The fake provider takes no live tenant's card.
    await gateway.database.asOwner(
      `insert into payment_methods (tenant_id, id, partner_id, provider, customer_external_id, external_id, kind, is_default, created_at, removed_at)
       select id, gen_random_uuid(), partner_id, 'STRIPE', 'cus_1', 'pm_1', 'CARD', false, $2, $2 from tenants where id = $1`,
      [decodeId(hadCard.id)!.uuid, '2025-02-01T00:00:00Z'],
    );
    clock.set('2025-03-01T00:00:00Z');
    await statementsOfRun(batchSize);
    const rows = await gateway.database.asOwner<{ name: string; due: string; turn: string | null }>(
      `select t.name, to_char(i.due_at at time zone 'UTC', 'YYYY-MM-DD') as due, to_char(c.due_at at time zone 'UTC', 'YYYY-MM-DD') as turn
         from invoices i join tenants t on t.id = i.tenant_id join partners p on p.id = t.partner_id
         join invoice_collections c on c.tenant_id = i.tenant_id and c.invoice_id = i.id
        where p.code = $1 and i.reason = 'RENEWAL' order by t.id`,
      [partners[0]!.code],
    );
    // 1 March + 30 days; + 14 days or none.
    const others = batchSize === 100 ? '2025-03-15' : '2025-03-01';
    expect(rows).toEqual([
      { name: 'own', due: '2025-03-31', turn: '2025-03-31' },
      { name: 'partner', due: others, turn: batchSize === 100 ? others : null },
      { name: 'had card', due: others, turn: others },
      { name: 'never card', due: others, turn: batchSize === 100 ? others : null },
    ]);
  }
});
