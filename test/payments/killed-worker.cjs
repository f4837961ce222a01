/**
 * A worker of payments in a process of its own, to be killed between what a provider did and our record of it: as hard as a
 * machine that loses its power. For charges it does that itself, with the fake, whose list is a file that outlives it; at Stripe
 * and Paddle it waits for an answer that never comes, and `killed.test.ts` kills it then. Runs what `build.mjs` has built.
 *
 * Argument: what to do, as JSON.
 */
const { resolve } = require('node:path');

require('reflect-metadata');
const dist = (path) => require(resolve(__dirname, '..', '..', 'dist', path));
const { dataSourceFor } = dist('ormconfig.js');
const { instantFromMilliseconds } = dist('src/core/calendar.js');
const { createLog } = dist('src/platform/log.js');
const { System } = dist('src/system.js');
const { Providers } = dist('src/payments/providers.js');

const { url, work, tenantId, ledger, purchaseId, provider: options, customerId } = JSON.parse(process.argv[2]);
const clock = { now: () => instantFromMilliseconds(Date.now()) };
const log = createLog('silent');

async function charge(system) {
  const { FakeLedger } = dist('src/payments/fake/fake-ledger.js');
  const { FakeProvider } = dist('src/payments/fake/fake-provider.js');
  const { PaymentWork } = dist('src/payments/payment-work.job.js');
  const provider = new FakeProvider({
    clock,
    webhookSecrets: ['secret'],
    ledger: new FakeLedger(ledger),
    afterCharge: () => process.kill(process.pid, 'SIGKILL'),
  });
  await new PaymentWork(system, new Providers([provider])).runDue({ tenantId, workers: 1 });
}

async function openPage(system) {
  const { StripeProvider } = dist('src/payments/stripe/stripe-provider.js');
  const { StripeCheckouts } = dist('src/payments/stripe/stripe-checkouts.job.js');
  const providers = new Providers([new StripeProvider({ ...options, log })]);
  const customers = { find: async () => ({ id: customerId, renewals: 0 }), forget: async () => undefined };
  await new StripeCheckouts(system, providers, customers).runDue({ tenantId, workers: 1 });
}

async function openLicence(system) {
  const { PaddleProvider } = dist('src/payments/paddle/paddle-provider.js');
  const { openLicenceCheckout } = dist('src/licences/open-licence-checkout.job.js');
  await openLicenceCheckout(system, new Providers([new PaddleProvider(options)]), tenantId, purchaseId);
}

async function main() {
  const source = dataSourceFor({ url, poolSize: 2, name: 'killed' });
  await source.initialize();
  await { charge, openPage, openLicence }[work](new System(source, clock, log));
  await source.destroy();
}
main();
