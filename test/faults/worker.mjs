// A billing worker as a process of its own, to be killed. It says `ready`, then bills up to each date that it is told, and
// says `done`. With `torn` it commits after each statement: what the harness must notice.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(import.meta.url);
const { url, torn } = JSON.parse(process.argv[2]);
const { dataSourceFor } = require('../../dist/ormconfig.js');
const { runBilling } = require('../../dist/src/billing/billing-run.job.js');
const { localDate } = require('../../dist/src/core/calendar.js');
const { wallClock } = require('../../dist/src/platform/clock.js');
const { createLog } = require('../../dist/src/platform/log.js');
const { System } = require('../../dist/src/system.js');

if (torn) {
  const { Client } = require('pg');
  const { query } = Client.prototype;
  const entered = new WeakMap();
  Client.prototype.query = function (...call) {
    const text = typeof call[0] === 'string' ? call[0] : (call[0]?.text ?? '');
    const answer = query.apply(this, call);
    if (/app\.enter_as_system/.test(text)) entered.set(this, [text, call[0]?.values ?? call[1]]);
    if (/^\s*(insert|update|delete)/i.test(text) && entered.has(this)) {
      for (const [sql, values] of [['COMMIT', []], ['BEGIN', []], entered.get(this)]) {
        query.call(this, sql, values).catch(() => undefined);
      }
    }
    return answer;
  };
}

const source = dataSourceFor({ url, poolSize: 3, name: 'faults' });
// It may be started in the very moment in which the database is away.
for (let patience = 200; !source.isInitialized; patience -= 1) {
  await source.initialize().catch((error) => {
    if (patience === 0) throw error;
    return new Promise((resolve) => setTimeout(resolve, 100));
  });
}
const system = new System(source, wallClock, createLog('silent'));
process.stdout.write('ready\n');
for await (const date of createInterface({ input: process.stdin })) {
  const { tenants, parkedCount } = await runBilling(system, {
    asOf: { latest: wallClock.now(), date: localDate(date) },
    workers: 2,
    // A kill is no fault of the tenant; here there are more of them than anywhere else.
    patience: 1_000,
    holdSeconds: 0.3,
    outageSeconds: 30,
  });
  process.stdout.write(`done ${date} ${tenants} ${parkedCount}\n`);
}
await source.destroy();
