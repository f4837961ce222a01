/**
 * A worker of payments in a process of its own, which kills itself between the provider's charge and the record of it: as hard
 * as a machine that loses its power. `killed.test.ts` starts it again and again; the provider's list is a file that outlives it.
 *
 * Arguments: the job role's URL, the file of the provider's list, whether to be killed.
 */
const { resolve } = require('node:path');
const { transformFileSync } = require('@swc/core');

const options = {
  swcrc: false,
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: false, useDefineForClassFields: false },
  },
  module: { type: 'commonjs' },
};
require.extensions['.ts'] = (module, file) => module._compile(transformFileSync(file, options).code, file);
require('reflect-metadata');
const root = resolve(__dirname, '..', '..');
const { dataSourceFor } = require(resolve(root, 'ormconfig.ts'));
const { FakeLedger } = require(resolve(root, 'src/payments/fake/fake-ledger.ts'));
const { FakeProvider } = require(resolve(root, 'src/payments/fake/fake-provider.ts'));
const { PaymentWork } = require(resolve(root, 'src/payments/payment-work.job.ts'));
const { Providers } = require(resolve(root, 'src/payments/providers.ts'));
const { instantFromMilliseconds } = require(resolve(root, 'src/core/calendar.ts'));
const { createLog } = require(resolve(root, 'src/platform/log.ts'));
const { System } = require(resolve(root, 'src/system.ts'));

const [url, file, ahead, kills] = process.argv.slice(2);
// Each life is two minutes later than the one before: what the last one was at when it was killed comes back.
const clock = { now: () => instantFromMilliseconds(Date.now() + Number(ahead) * 120_000) };

async function main() {
  const source = dataSourceFor({ url, poolSize: 2, name: 'killed' });
  await source.initialize();
  const provider = new FakeProvider({
    clock,
    webhookSecrets: ['secret'],
    ledger: new FakeLedger(file),
    afterCharge: () => kills === 'yes' && process.kill(process.pid, 'SIGKILL'),
  });
  const work = new PaymentWork(new System(source, clock, createLog('silent')), new Providers([provider]));
  const count = await work.runDue({ workers: 1 });
  await source.destroy();
  process.stdout.write(String(count));
}
main();
