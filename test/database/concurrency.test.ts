import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { DataSource } from 'typeorm';
import { dataSourceFor } from '../../ormconfig';
import { type Entry, writeTransaction } from '../../src/platform/database';
import { createDatabase, type TestDatabase } from '../support/database';
import { idOf, type Principal, partnerId, plantWorld, principalId, type TenantLabel, tenantId } from './world';

let database: TestDatabase;
let source: DataSource;
const poolErrors: Error[] = [];
beforeAll(async () => {
  database = await createDatabase();
  await plantWorld(database);
  // PostgreSQL looks for deadlocks after a second only.
  await database.asOwner(`alter database ${database.name} set deadlock_timeout = '50ms'`);
  source = dataSourceFor({
    url: database.appUrl,
    poolSize: 20,
    name: 'crowd',
    onPoolError: (error) => poolErrors.push(error),
  });
  await source.initialize();
});
afterAll(async () => {
  await source.destroy();
  await database.drop();
});

const admins: [TenantLabel, Principal][] = [
  ['A1', 'admin of A1'],
  ['A2', 'admin of A2'],
];
/** The two tenants of partner A by turns. */
const entryOf = (number: number): Entry => {
  const [label, who] = admins[number % admins.length]!;
  return { principalId: principalId(who), tenantId: tenantId(label) };
};
const parallel = <T>(count: number, work: (number: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, number) => work(number)));

test('sixty redemptions at once of a coupon with ten left: exactly ten', async () => {
  const coupon = idOf('partner_coupons A planted');
  const reserved = await parallel(60, (number) =>
    writeTransaction(source, entryOf(number), async ({ manager }) => {
      const [row] = await manager.query('select app.reserve_coupon($1, 1) as done', [coupon]);
      return row.done as boolean;
    }),
  );
  expect(reserved.filter(Boolean)).toHaveLength(10);
  expect(await database.asOwner('select reserved_count from partner_coupons where id = $1', [coupon])).toEqual([
    { reserved_count: 10 },
  ]);
});

class ChangedMyMind extends Error {}

test('fifty documents at once, a third of them rolled back: numbers without a gap or a double', async () => {
  const taken = await parallel(50, (number) =>
    writeTransaction(source, entryOf(number), async ({ manager }) => {
      const [row] = await manager.query(`select app.take_numbers('INVOICE', $1) as first`, [1 + (number % 2)]);
      if (number % 3 === 0) throw new ChangedMyMind();
      return Array.from({ length: 1 + (number % 2) }, (_, place) => Number(row.first) + place);
    }).catch((error) => {
      if (error instanceof ChangedMyMind) return [];
      throw error;
    }),
  );
  const numbers = taken.flat().sort((first, second) => first - second);
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, place) => place + 1));
  expect(numbers.length).toBeGreaterThan(40);
  const [counter] = await database.asOwner('select next_invoice from invoice_numbers where partner_id = $1', [
    partnerId('A'),
  ]);
  expect(counter).toEqual({ next_invoice: String(numbers.length + 1) });
});

test('a number that was taken in a savepoint goes back with it', async () => {
  const numbers = await writeTransaction(
    source,
    { principalId: principalId('admin of B1'), tenantId: tenantId('B1') },
    async ({ manager }) => {
      const take = async () => (await manager.query(`select app.take_numbers('CREDIT_NOTE', 1) as first`))[0].first;
      const first = await take();
      await manager.query('savepoint attempt');
      await take();
      await manager.query('rollback to savepoint attempt');
      return [first, await take()];
    },
  );
  expect(numbers).toEqual(['1', '2']);
});

test('two that lock each other out are both carried out', async () => {
  let arrived = 0;
  let open: () => void = () => undefined;
  const both = new Promise<void>((go) => {
    open = go;
  });
  const entry = { principalId: principalId('owner of A'), partnerId: partnerId('A') };
  const update = 'update plans set version = version + 1 where partner_id = $1 and id = $2';
  await database.asOwner(
    `insert into plans (partner_id, id, code, name, rank, created_at) values ($1, $2, 'second', 'Second', 2, now())`,
    [partnerId('A'), idOf('second plan')],
  );
  const plans = [idOf('plans A planted'), idOf('second plan')];
  await Promise.all(
    [plans, [...plans].reverse()].map((order) =>
      writeTransaction(source, entry, async ({ manager }) => {
        await manager.query(update, [partnerId('A'), order[0]]);
        arrived += 1;
        if (arrived >= 2) open();
        await both;
        await manager.query(update, [partnerId('A'), order[1]]);
      }),
    ),
  );
  expect(await database.asOwner('select version from plans where id = any($1)', [plans])).toEqual([
    { version: 3 },
    { version: 3 },
  ]);
});

test('idle connections that the server ends are replaced, and the process lives', async () => {
  const count = () => parallel(10, async () => (await source.query('select 1 as one'))[0].one);
  expect(await count()).toEqual(Array(10).fill(1));
  poolErrors.length = 0;
  const [{ killed }] = (await database.asOwner<{ killed: number }>(
    `select count(pg_terminate_backend(pid))::int as killed from pg_stat_activity
      where datname = current_database() and application_name = 'tollgate-crowd'`,
  )) as [{ killed: number }];
  expect(killed).toBeGreaterThan(0);
  for (let wait = 0; poolErrors.length < killed && wait < 100; wait += 1) await new Promise((go) => setTimeout(go, 10));
  expect(poolErrors).toHaveLength(killed);
  expect(await count()).toEqual(Array(10).fill(1));
});

test('a connection that is killed in the middle of a transaction leaves nothing of it, and goes back to no one', async () => {
  const work = writeTransaction(source, entryOf(0), async ({ manager }) => {
    await manager.query('update credit_balances set balance = 0');
    const [{ pid }] = await manager.query('select pg_backend_pid() as pid');
    await database.asOwner('select pg_terminate_backend($1)', [pid]);
    await manager.query('select 1');
  });
  await expect(work).rejects.toThrow();
  expect(await database.asOwner('select balance from credit_balances where tenant_id = $1', [tenantId('A1')])).toEqual([
    { balance: '100' },
  ]);
  expect(
    await parallel(25, async () => (await source.query('select count(*)::int as rows from invoices'))[0].rows),
  ).toEqual(Array(25).fill(0));
});

/** Values as they arrive in a process that lives in a given time zone; TZ is read when Node starts. */
async function valuesIn(timeZone: string): Promise<unknown> {
  const script = `
    const { transformFileSync } = require('@swc/core');
    const options = { swcrc: false, module: { type: 'commonjs' }, jsc: { target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: false, useDefineForClassFields: false } } };
    require.extensions['.ts'] = (module, file) => module._compile(transformFileSync(file, options).code, file);
    const { dataSourceFor } = require('./ormconfig.ts');
    const { openRead } = require('./src/platform/database.ts');
    const { SubscriptionEntity } = require('./src/subscriptions/subscription.entity.ts');
    const { CouponEntity } = require('./src/coupons/coupon.entity.ts');
    (async () => {
      const source = dataSourceFor({ url: process.argv[1], poolSize: 1, name: 'zone' });
      await source.initialize();
      const open = await openRead(source, { principalId: process.argv[2], tenantId: process.argv[3] });
      const [raw] = await open.manager.query(
        "select anchor_date, period_index::bigint as whole, 9007199254740993 as large, 0.1 + 0.2 as exact, sum(9007199254740993) over () as total, started_at from subscriptions");
      const subscription = await open.manager.findOneByOrFail(SubscriptionEntity, {});
      const coupon = await open.manager.findOneByOrFail(CouponEntity, {});
      await open.end();
      await source.destroy();
      console.log(JSON.stringify({ zone: new Date(0).getTimezoneOffset(), raw, anchorDate: subscription.anchorDate.toString(),
        startedAt: subscription.startedAt.toString(), percent: coupon.percent.toString() }));
    })();`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['-e', script, database.appUrl, principalId('admin of A1'), tenantId('A1')],
    { cwd: resolve(__dirname, '..', '..'), env: { ...process.env, TZ: timeZone } },
  );
  return JSON.parse(stdout);
}

test('days stay the day they are and numbers stay exact, wherever the process lives', async () => {
  const expected = {
    raw: {
      anchor_date: '2026-01-01',
      whole: '0',
      large: '9007199254740993',
      exact: '0.3',
      total: '9007199254740993',
      started_at: '2026-01-01T00:00:00.000Z',
    },
    anchorDate: '2026-01-01',
    startedAt: '2026-01-01T00:00:00Z',
    percent: '10',
  };
  const [east, west] = await Promise.all([valuesIn('Pacific/Auckland'), valuesIn('America/Los_Angeles')]);
  expect(east).toEqual({ zone: -720, ...expected });
  expect(west).toEqual({ zone: 480, ...expected });
});
