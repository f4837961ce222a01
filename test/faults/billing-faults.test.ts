import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { createSuperAdmin } from '../../src/access/create-super-admin.command';
import { demoEmail } from '../../src/seed/identities';
import { settableClock } from '../billing/support/runs';
import { startTestGateway } from '../support/gateway';
import { World } from '../support/world';
import { type Cluster, startCluster } from './cluster';
import { seeded, Worker } from './workers';

const number = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise);
/** FAULT_KILLS=2000 npx jest test/faults: as long as you like. FAULT_SEED repeats a run. */
const kills = number('FAULT_KILLS', 60);
const crashes = number('FAULT_CRASHES', 10);
const seed = number('FAULT_SEED', 20_260_101);
const tenantCount = 24;
/** Billed at the same time, all of them in mortal danger. */
const workersAtOnce = 2;

let cluster: Cluster;
/** What each tenant is billed each month, in cents. */
const monthly = new Map<string, number>();

/** Month number 0 is the first that was billed at the start. */
const dateOf = (month: number) => {
  const year = 2010 + Math.floor(month / 12);
  return `${year}-${String((month % 12) + 1).padStart(2, '0')}-05`;
};

beforeAll(async () => {
  execFileSync(process.execPath, [join(__dirname, '..', '..', 'src', 'cli', 'build.mjs')]);
  cluster = await startCluster();
  const owner = new Client({ connectionString: cluster.database.ownerUrl });
  await owner.connect();
  await createSuperAdmin(owner, demoEmail('super-admin'));
  await owner.end();
  const clock = settableClock('2010-01-05T12:00:00Z');
  const gateway = await startTestGateway({ database: cluster.database, clock });
  const world = await World.create(gateway);
  await world.plan({ code: 'basic', month: '20.00' });
  await world.addon('extra', '5.00');
  await world.coupon('TENTH', { kind: 'PERCENT', percent: '10', duration: 'FOREVER' });
  for (let index = 0; index < tenantCount; index += 1) {
    const name = `Tenant ${String(index).padStart(2, '0')}`;
    const tenant = await world.liveTenant({ name });
    await tenant.start('basic');
    if (index % 2 === 0) await tenant.subscribe('extra');
    if (index % 3 === 0) await tenant.apply('TENTH');
    // 20.00, + 5.00, − 10 %.
    const full = index % 2 === 0 ? 2_500 : 2_000;
    monthly.set(name, index % 3 === 0 ? (full * 9) / 10 : full);
  }
  await gateway.stop();
}, 120_000);
afterAll(() => cluster?.close());

interface Storm {
  readonly kills: number;
  readonly crashes: number;
  readonly firstMonth: number;
  readonly torn?: boolean;
  readonly seed: number;
  /** Looks after each tenth kill; `true` ends the storm. */
  readonly enough?: () => Promise<boolean>;
}

/** Kills workers in the middle of their work, and PostgreSQL now and then; then lets the last ones finish alone. */
async function storm({ kills: wanted, crashes: falls, firstMonth, torn = false, ...rest }: Storm): Promise<number> {
  const random = seeded(rest.seed);
  const { jobUrl } = cluster.database;
  const active: Worker[] = [];
  const warming: Worker[] = [];
  let month = firstMonth;
  const follow = () => {
    // Whoever finds nothing left opens the next month; the others come along when they are done.
    for (const worker of active) {
      if (!worker.isDone(dateOf(month))) continue;
      month += 1;
      for (const one of active) one.bill(dateOf(month));
      return;
    }
  };
  try {
    for (let index = 0; index < workersAtOnce + 1; index += 1) warming.push(new Worker(jobUrl, torn));
    for (let killed = 0; killed < wanted; killed += 1) {
      while (active.length < workersAtOnce) {
        const worker = warming.shift()!;
        warming.push(new Worker(jobUrl, torn));
        await worker.ready();
        worker.bill(dateOf(month));
        active.push(worker);
      }
      const until = performance.now() + 10 + random() * 90;
      while (performance.now() < until) {
        follow();
        await sleep(5);
      }
      if (falls > 0 && killed % Math.ceil(wanted / falls) === 5) await cluster.crash();
      const [victim] = active.splice(Math.floor(random() * active.length), 1);
      await victim!.kill();
      if (killed % 10 === 9 && (await rest.enough?.())) break;
    }
    // Nobody helps them now.
    for (const worker of active) await worker.done(dateOf(month));
    const last = warming.pop()!;
    await last.ready();
    last.bill(dateOf(month));
    await last.done(dateOf(month));
    await last.kill();
  } finally {
    await Promise.all([...active, ...warming].map((worker) => worker.kill()));
  }
  return month;
}

/** Compares all invoices with what twelve lines of arithmetic say they are, and asks the checks. */
async function verdict(firstMonth: number, lastMonth: number) {
  const invoices = await cluster.database.asOwner<{ tenant: string; date: string; total: string; lines: string }>(
    `select t.name as tenant, to_char(i.period_start at time zone 'UTC', 'YYYY-MM-DD') as date, i.total,
            (select count(*) from invoice_lines l where l.tenant_id = i.tenant_id and l.invoice_id = i.id) as lines
       from invoices i join tenants t on t.id = i.tenant_id where i.kind = 'PERIOD'`,
  );
  const found = new Map<string, number>();
  let torn = 0;
  for (const { tenant, date, total, lines } of invoices) {
    found.set(`${tenant} ${date}`, (found.get(`${tenant} ${date}`) ?? 0) + 1);
    if (date < dateOf(firstMonth)) continue;
    if (lines === '0' || Number(total) !== monthly.get(tenant)) torn += 1;
  }
  let lost = 0;
  let double = 0;
  for (const tenant of monthly.keys()) {
    for (let month = firstMonth; month <= lastMonth; month += 1) {
      const times = found.get(`${tenant} ${dateOf(month)}`) ?? 0;
      if (times === 0) lost += 1;
      if (times > 1) double += 1;
    }
  }
  const findings: string[] = [];
  const names = await cluster.database.asOwner<{ name: string }>('select app.list_checks() as name');
  for (const { name } of names) {
    // The story plays years ago: everything after its last month is overdue by the wall clock.
    if (name === 'check_overdue') continue;
    const [row] = await cluster.database.asOwner<{ findings: string }>('select * from app.run_check($1)', [name]);
    if (row!.findings !== '0') findings.push(name);
  }
  const work = await cluster.database.asOwner('select * from billing_work');
  return { lost, double, torn, findings, work };
}

let lastMonth = 0;

test(
  `${kills} kills of workers and ${crashes} immediate stops of PostgreSQL: nothing lost, double or torn; it finishes alone`,
  async () => {
    lastMonth = await storm({ kills, crashes, firstMonth: 1, seed });
    expect({ seed, ...(await verdict(1, lastMonth)) }).toEqual({
      ...{ seed, lost: 0, double: 0, torn: 0, findings: [], work: [] },
    });
    // There was something to lose: months went by, and each kill met somebody at work.
    expect(lastMonth).toBeGreaterThanOrEqual(2);
  },
  60_000 + kills * 3_000,
);

/** Until the damage is there; it takes a few kills, seldom many. */
const torn = { kills: 300, crashes: 0, torn: true } as const;

/** A state that no run of the real code leaves behind. */
const isBroken = ({ lost, double, torn, findings, work }: Awaited<ReturnType<typeof verdict>>) =>
  lost + double + torn + findings.length + work.length > 0;

test('control: where each statement commits by itself, the same storm leaves torn or lost bills, and they are noticed', async () => {
  const first = lastMonth + 1;
  const enough = async () =>
    (await cluster.database.asOwner('select 1 from billing_work where reason is not null')).length > 0;
  const last = await storm({ ...torn, firstMonth: first, seed: seed + 1, enough });
  expect(isBroken(await verdict(first, last))).toBe(true);
  lastMonth = last;
}, 240_000);

test('control: where the unique key is gone too, periods are billed twice, and that is noticed', async () => {
  await cluster.database.asOwner('drop index invoices_one_per_period');
  await cluster.database.asOwner('delete from billing_work');
  const first = lastMonth + 1;
  const enough = async () => {
    // Who was parked over other damage goes on, else the storm may end with nobody left to be billed.
    await cluster.database.asOwner('delete from billing_work where parked_at is not null');
    return (await cluster.database.asOwner('select 1 from check_double_period')).length > 0;
  };
  const last = await storm({ ...torn, firstMonth: first, seed: seed + 2, enough });
  // The first to be billed twice are those that the storm before left behind, for a month of theirs.
  const { findings, double } = await verdict(1, last);
  expect(double).toBeGreaterThan(0);
  expect(findings).toEqual(expect.arrayContaining(['check_double_period', 'check_guards']));
}, 240_000);
