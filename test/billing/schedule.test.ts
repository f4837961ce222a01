import { Client } from 'pg';
import { runBilling } from '../../src/billing/billing-run.job';
import { startJobQueue } from '../../src/platform/job-queue';
import { createLog } from '../../src/platform/log';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';
import { openSystem, periodsOf, type SettableClock, settableClock } from './support/runs';

let gateway: TestGateway;
let clock: SettableClock;
beforeAll(async () => {
  clock = settableClock('2025-01-10T12:00:00Z');
  gateway = await startTestGateway({ clock });
  // What set-up grants on a database is not copied with a template.
  await gateway.database.asOwner(
    `do $$ begin execute format('grant create on database %I to tollgate_queue', current_database()); end $$`,
  );
});
afterAll(() => gateway.stop());

const until = async (what: () => Promise<boolean>) => {
  while (!(await what())) await new Promise((resolve) => setTimeout(resolve, 20));
};

test('the server bills on schedule, through a queue whose role reaches nothing else', async () => {
  const world = await World.create(gateway);
  await world.plan({ code: 'basic', month: '20.00' });
  await (await world.liveTenant({ name: 'Scheduled' })).start('basic');
  clock.set('2025-02-10T12:00:00Z');
  const { system, close } = await openSystem(gateway.database, clock);
  let runs = 0;
  const queue = startJobQueue({
    url: gateway.database.queueUrl,
    log: createLog('silent'),
    restartMilliseconds: 50,
    tasks: [
      {
        name: 'bill',
        schedule: '0 4 1 1 *',
        work: async (signal) => {
          await runBilling(system, { asOf: { latest: clock.now() }, workers: 2, signal });
          runs += 1;
        },
      },
    ],
  });
  await queue.ready;
  const role = new Client({ connectionString: gateway.database.queueUrl });
  await role.connect();
  try {
    await until(async () => (await role.query('select 1 from graphile_worker._private_known_crontabs')).rowCount === 1);
    for (const sql of [
      'select 1 from public.invoices',
      'select 1 from public.tenants',
      'select app.billing_work_left(null)',
    ]) {
      await expect(role.query(sql)).rejects.toMatchObject({ code: '42501' });
    }
    await role.query(`select graphile_worker.add_job('bill')`);
    await until(async () => runs === 1);
    expect((await periodsOf(gateway.database)).get('Scheduled')).toEqual(['2025-01-10 2000', '2025-02-10 2000']);

    // Its connections are cut: it comes back by itself and goes on.
    await gateway.database.asOwner(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'tollgate-queue' and datname = current_database()`,
    );
    clock.set('2025-03-10T12:00:00Z');
    await role.query(`select graphile_worker.add_job('bill')`);
    await until(async () => runs === 2);
    expect((await periodsOf(gateway.database)).get('Scheduled')).toHaveLength(3);
  } finally {
    await role.end();
    await queue.stop();
    await close();
  }
});
