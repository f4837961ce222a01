import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { instantFromMilliseconds } from '../../src/core/calendar';
import { decodeId } from '../../src/core/ids';
import { FakeLedger } from '../../src/payments/fake/fake-ledger';
import { FakeProvider } from '../../src/payments/fake/fake-provider';
import { PaymentWork } from '../../src/payments/payment-work.job';
import { Providers } from '../../src/payments/providers';
import { wallClock } from '../../src/platform/clock';
import { LicenceShop } from '../licences/licences-of-tests';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { StripeTenant, startStripeGateway, stripeWebhookSecret } from '../support/stripe/gateway';
import { Payer, payingTenant, sellingWorld } from './support';

const kills = 100;
/**
 * Of these so many by kill -9 of a whole process, 100 where there is time for it; the others stop in this process, at the same
 * line, and never go on.
 */
const processes = Number(process.env.KILLED_PROCESSES ?? 12);
/** Of pages at Stripe and at Paddle, each. */
const pageKills = Number(process.env.KILLED_PAGES ?? 5);

let gateway: TestGateway;
let folder: string;
const closing: (() => Promise<void>)[] = [];
beforeAll(async () => {
  // The worker runs what was built: it starts in half a second.
  execFileSync(process.execPath, [join(__dirname, '..', '..', 'src', 'cli', 'build.mjs')]);
  gateway = await startTestGateway();
  folder = mkdtempSync(join(tmpdir(), 'tollgate-killed-'));
});
afterAll(async () => {
  for (const close of closing) await close();
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

/** A worker of its own process, and how it ended: by a signal, or by itself. */
function startWorker(what: object) {
  const arguments_ = [join(__dirname, 'killed-worker.cjs'), JSON.stringify(what)];
  const child = spawn(process.execPath, arguments_, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('exit', (_code, signal) => resolve(signal)));
  return { child, ended };
}

/** Two at a time. */
async function inPairs<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const next = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all([next(), next()]);
}

/** A time that runs ahead of the wall: each life of a worker begins after the last one's hold has ended. */
const clockAhead = (lives: number) => ({
  now: () => instantFromMilliseconds(wallClock.now().epochMilliseconds + lives * 120_000),
});

test(`killed between the charge and its record, ${kills} times: one charge each, under the same key after the restart`, async () => {
  const file = join(folder, 'charges.jsonl');
  const ledger = new FakeLedger(file);
  const payers: Payer[] = [];
  const world = await sellingWorld(gateway);
  for (let tenant = 0; tenant < kills; tenant += 1) {
    const place = await payingTenant(gateway, { world });
    const payer = new Payer(place);
    payers.push(payer);
    await payer.addMethod();
    await place.tenant.start('basic');
  }
  let lives = 0;
  /** A worker of this process that gets no further than its first charge. */
  const stoppedWorker = () =>
    new Promise<void>((charged) => {
      const clock = clockAhead(lives);
      const provider = new FakeProvider({
        clock,
        webhookSecrets: ['secret'],
        ledger,
        afterCharge: () => {
          charged();
          return new Promise<never>(() => undefined);
        },
      });
      void workOf(provider, clock).runDue({ workers: 1 });
    });
  const workOf = (provider: FakeProvider, clock: typeof wallClock) => {
    const { system } = gateway.app;
    const own = Object.create(system, { clock: { value: clock } }) as typeof system;
    return new PaymentWork(own, new Providers([provider]));
  };
  await inPairs(payers.slice(0, processes), async ({ paying: { uuid: tenantId } }) => {
    const url = gateway.database.jobUrl;
    expect(await startWorker({ work: 'charge', url, tenantId, ledger: file }).ended).toBe('SIGKILL');
  });
  ledger.refresh();
  for (lives = 1; lives <= kills - processes; lives += 1) await stoppedWorker();

  ledger.refresh();
  const before = new Map([...ledger.charges.values()].map((charge) => [charge.reference, charge.key]));
  expect(before.size).toBe(kills);
  const rows = () =>
    gateway.database.asOwner<{ status: string; count: string }>(
      `select status, count(*) from payments group by status order by status`,
    );
  expect(await rows()).toEqual([{ status: 'PENDING', count: String(kills) }]);

  // The next life takes over what they were at.
  lives += 1;
  const clock = clockAhead(lives);
  const asked: string[] = [];
  const survivor = new FakeProvider({
    ...{ clock, ledger, webhookSecrets: ['secret'] },
    fault: (operation, key) => {
      if (operation === 'charge') asked.push(key);
      return undefined;
    },
  });
  await workOf(survivor, clock).runDue();
  expect(await rows()).toEqual([{ status: 'SUCCEEDED', count: String(kills) }]);
  expect(ledger.charges.size).toBe(kills);
  expect([...asked].sort()).toEqual([...before.values()].sort());
  for (const payer of [payers[0]!, payers.at(-1)!]) {
    expect(await payer.invoices()).toMatchObject([{ status: 'PAID', payments: [{ status: 'SUCCEEDED' }] }]);
  }
}, 600_000);

/** Looks until it is so: another process gets there in its own time. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 10));
}

test(`killed after Stripe had made a page, ${pageKills} times: the same page under the same key after the restart`, async () => {
  const stripe = await startStripeGateway();
  closing.push(() => stripe.stop());
  const { standIn } = stripe;
  const asked = () =>
    standIn.requests.filter(({ method, path }) => method === 'POST' && path === '/v1/checkout/sessions');
  const tenants: StripeTenant[] = [];
  for (let index = 0; index < pageKills; index += 1) {
    const tenant = await StripeTenant.create(stripe, [{ code: 'basic', rank: 10, month: '30.00' }]);
    await tenant.world.addon('track', '15.00', { minimumPlan: 'basic', features: [{ feature: 'tracks' }] });
    await tenant.start('basic');
    // The offer is committed, and nobody has asked for its page yet.
    standIn.trouble('POST /v1/checkout/sessions', 'ERROR_500_BEFORE');
    await tenant.offerAddon('track');
    expect(await tenant.checkouts()).toMatchObject([{ status: 'PENDING', url: null }]);
    tenants.push(tenant);
  }
  await stripe.gateway.database.asOwner('update stripe_checkouts set sync_at = to_timestamp(0)');
  const url = stripe.gateway.database.jobUrl;
  const provider = {
    ...{ secretKey: standIn.secretKey, webhookSecrets: [stripeWebhookSecret], apiUrl: standIn.url, live: true },
  };
  for (const { uuid: tenantId } of tenants) {
    const [row] = await stripe.gateway.database.asOwner<{ external_id: string }>(
      'select external_id from provider_customers where tenant_id = $1',
      [tenantId],
    );
    const before = asked().length;
    standIn.trouble('POST /v1/checkout/sessions', 'HANG_AFTER');
    const worker = startWorker({ work: 'openPage', url, tenantId, provider, customerId: row!.external_id });
    await until(() => asked().length > before);
    worker.child.kill('SIGKILL');
    expect(await worker.ended).toBe('SIGKILL');
  }
  standIn.calm();
  const made = standIn.books.all('checkout.session').map(({ id }) => id);
  expect(made).toHaveLength(pageKills);
  const lost = asked()
    .filter(({ status }) => status === 'LOST')
    .map(({ idempotencyKey }) => idempotencyKey);

  // What they had taken comes back after its hold.
  await stripe.gateway.database.asOwner('update stripe_checkouts set sync_at = to_timestamp(0)');
  const restart = asked().length;
  await stripe.settle();
  expect(
    asked()
      .slice(restart)
      .map(({ idempotencyKey }) => idempotencyKey)
      .sort(),
  ).toEqual([...lost].sort());
  expect(standIn.books.all('checkout.session').map(({ id }) => id)).toEqual(made);
  for (const tenant of tenants) {
    const [checkout] = await tenant.checkouts();
    expect(checkout).toMatchObject({ status: 'OPEN' });
    expect((await standIn.fillIn(checkout.url)).status).toBe(200);
  }
  await stripe.settle();
  for (const tenant of tenants) expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE' }]);
  expect(standIn.taken()).toHaveLength(pageKills);
}, 120_000);

test(`killed after Paddle had opened a licence's checkout, ${pageKills} times: one that nobody wrote down pays for nothing`, async () => {
  const shop = await LicenceShop.open();
  closing.push(() => shop.close());
  const { paddle, gateway: own } = shop;
  const product = await shop.product('cad', '200.00');
  const { apiKey, webhookSecret, url: apiUrl } = paddle;
  const provider = { apiKey, webhookSecrets: [webhookSecret], apiUrl, live: false };
  for (let index = 0; index < pageKills; index += 1) {
    const key = `killed-${index}`;
    paddle.faults = [{ route: 'POST /transactions', kind: 'SERVER_ERROR' }];
    await shop.buy(product, 1, {}, { key });
    const [row] = await own.database.asOwner<{ id: string; tenant_id: string; checkout_id: string | null }>(
      'select id, tenant_id, checkout_id from licence_purchases order by id desc limit 1',
    );
    expect(row!.checkout_id).toBeNull();
    const before = paddle.transactions.size;
    paddle.faults = [{ route: 'POST /transactions', kind: 'HANG', after: true }];
    const worker = startWorker({
      ...{ work: 'openLicence', url: own.database.jobUrl, provider },
      ...{ tenantId: row!.tenant_id, purchaseId: row!.id },
    });
    await until(() => paddle.transactions.size > before);
    worker.child.kill('SIGKILL');
    expect(await worker.ended).toBe('SIGKILL');
    const lost = [...paddle.transactions.keys()].at(-1)!;

    // The same request again: the same purchase, with a checkout that is written down.
    const { purchase, replayed } = await shop.buy(product, 1, {}, { key });
    expect([decodeId(purchase.id)!.uuid, replayed]).toEqual([row!.id, true]);
    expect(purchase.checkout.id).not.toBe(lost);
    paddle.pay(purchase.checkout.id);
    await shop.deliver({ repeat: 2 });
    expect(await shop.purchase(purchase.id)).toMatchObject({ status: 'COMPLETED' });
    // Nobody was shown the lost one; should somebody pay it all the same, it buys nothing.
    paddle.pay(lost);
    await shop.deliver({ repeat: 2 });
    expect(await shop.licence('cad')).toMatchObject({ seats: `${index + 1}` });
  }
  const parked = (await shop.events()).filter(({ status }) => status === 'PARKED');
  expect(parked.map(({ reason }) => reason?.split(':')[0])).toEqual(Array(pageKills).fill('REFERENCE_MISMATCH'));
}, 120_000);
