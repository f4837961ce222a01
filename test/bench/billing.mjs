// `npm run bench:billing`: invoices a second of a billing run, beside one hand-written set-based SQL statement that writes the
// same rows, in the same PostgreSQL; and how both grow with the number of tenants.
import { fork } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { billBySql } from './billing-sql.mjs';
import { copyTenants, makeWorld } from './billing-world.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '..', '..');
const require = createRequire(import.meta.url);
const { Client } = require('pg');
const { startEmbeddedPostgres } = require(join(root, 'dist/src/platform/embedded-postgres.js'));
const { roleUrls } = require(join(root, 'dist/src/platform/database-setup.js'));

/** BENCH_TENANTS=1000,10000,100000 for more. */
const sizes = (process.env.BENCH_TENANTS ?? '1000,10000').split(',').map(Number);
const processes = Number(process.env.BENCH_PROCESSES ?? 2);
const workers = Number(process.env.BENCH_WORKERS ?? 1);
const began = performance.now();
const say = (text) =>
  process.stderr.write(`  ${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${text}\n`);

const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
chmodSync(folder, 0o755);
const cluster = await startEmbeddedPostgres({
  dataFolder: join(folder, 'database'),
  durable: true,
  settings: { shared_buffers: '512MB', max_connections: '60', max_wal_size: '4GB' },
});
const urlOf = (name) => {
  const url = new URL(cluster.superuserUrl);
  url.pathname = `/${name}`;
  return url.toString();
};
const asOwner = async (name, work) => {
  const client = new Client({ connectionString: urlOf(name) });
  await client.connect();
  return work(client).finally(() => client.end());
};

/** What was written for the copies: so that nobody is fast by leaving something out. */
const written = (name) =>
  asOwner(name, async (client) => {
    const counted = {};
    for (const table of [
      'invoices',
      'invoice_lines',
      'invoice_collections',
      'item_charges',
      'subscription_changes',
      'outbox_events',
      'billed_usage',
      'credit_balances',
    ]) {
      const { rows } = await client.query(
        `select count(*)::int as n from ${table} x join tenants t on t.id = x.tenant_id where t.name like 'Copy %'`,
      );
      counted[table] = rows[0].n;
    }
    const { rows } = await client.query(
      `select sum(total)::text as total, sum(amount_due)::text as due from invoices i join tenants t on t.id = i.tenant_id where t.name like 'Copy %'`,
    );
    return { ...counted, ...rows[0] };
  });

async function billByRun(name) {
  const { jobUrl } = roleUrls(urlOf(name));
  const started = [];
  for (let index = 0; index < processes; index += 1) {
    const child = fork(join(here, 'billing-worker.mjs'), [jobUrl, String(workers)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    started.push(new Promise((ready) => child.once('message', () => ready(child))));
  }
  const children = await Promise.all(started);
  const begin = performance.now();
  await Promise.all(
    children.map((child) => {
      child.send('go');
      return new Promise((done) => child.once('exit', done));
    }),
  );
  return (performance.now() - begin) / 1_000;
}

try {
  say('making the tenant to copy');
  await asOwner('postgres', (client) => client.query('create database world template template0'));
  await makeWorld(urlOf('world'), join(folder, 'data'));
  const report = [];
  for (const size of sizes) {
    const contenders = [
      ['billing run', billByRun],
      ['one SQL statement', (name) => asOwner(name, billBySql)],
    ];
    const outcomes = [];
    for (const [contender, bill] of contenders) {
      say(`${size} tenants: ${contender}`);
      await asOwner('postgres', (client) => client.query('create database bench template world'));
      await copyTenants(urlOf('bench'), size);
      await asOwner('postgres', (client) => client.query('checkpoint'));
      say('copied');
      const before = await written('bench');
      const seconds = await bill('bench');
      say(`${seconds.toFixed(2)} s`);
      const after = await written('bench');
      const rows = Object.fromEntries(
        Object.entries(after).map(([key, value]) => [key, Number(value) - Number(before[key])]),
      );
      outcomes.push({ contender, seconds, rows });
      report.push({ size, contender, invoices: rows.invoices, rate: rows.invoices / seconds });
      await asOwner('postgres', (client) => client.query('drop database bench with (force)'));
    }
    const [run, sql] = outcomes;
    if (JSON.stringify(run.rows) !== JSON.stringify(sql.rows)) {
      throw new Error(`they wrote different rows:\n${JSON.stringify(run.rows)}\n${JSON.stringify(sql.rows)}`);
    }
    say(`each wrote ${JSON.stringify(run.rows)}`);
  }
  console.log(`\n  ${processes} process(es) of ${workers} workers each; PostgreSQL on the same cores\n`);
  console.log(
    '  tenants   contender            invoices/s   of the SQL statement   of its own rate at the smallest size',
  );
  for (const { size, contender, rate } of report) {
    const sql = report.find((row) => row.size === size && row.contender === 'one SQL statement').rate;
    const first = report.find((row) => row.contender === contender).rate;
    console.log(
      `  ${String(size).padStart(7)}   ${contender.padEnd(20)}${rate.toFixed(0).padStart(11)}${(rate / sql).toFixed(2).padStart(23)}${(rate / first).toFixed(2).padStart(20)}`,
    );
  }
  console.log();
} finally {
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}
