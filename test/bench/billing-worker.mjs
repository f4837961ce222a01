// One process of a billing run, told to begin when everybody is ready.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const [url, workers] = process.argv.slice(2);
const { dataSourceFor } = require('../../dist/ormconfig.js');
const { runBilling } = require('../../dist/src/billing/billing-run.job.js');
const { localDate } = require('../../dist/src/core/calendar.js');
const { wallClock } = require('../../dist/src/platform/clock.js');
const { createLog } = require('../../dist/src/platform/log.js');
const { System } = require('../../dist/src/system.js');

const source = dataSourceFor({ url, poolSize: Number(workers) + 1, name: 'bench' });
await source.initialize();
const system = new System(source, wallClock, createLog('warn'));
process.once('message', async () => {
  const asOf = { latest: wallClock.now(), date: localDate('2025-02-01') };
  const { parkedCount } = await runBilling(system, { asOf, workers: Number(workers) });
  if (parkedCount > 0) throw new Error(`${parkedCount} tenants were parked`);
  await source.destroy();
  process.exit(0);
});
process.send('ready');
