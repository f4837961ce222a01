import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { instantFromMilliseconds } from '../../src/core/calendar';
import { FakeLedger } from '../../src/payments/fake/fake-ledger';
import { FakeProvider } from '../../src/payments/fake/fake-provider';
import { PaymentWork } from '../../src/payments/payment-work.job';
import { Providers } from '../../src/payments/providers';
import { wallClock } from '../../src/platform/clock';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { Payer, payingTenant, sellingWorld } from './support';

const kills = 100;
/** Of these so many by kill -9 of a whole process; the others stop in this one, at the same line, and never go on. */
const processes = 10;

let gateway: TestGateway;
let folder: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  folder = mkdtempSync(join(tmpdir(), 'tollgate-killed-'));
});
afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

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
  /** A process that is gone after its first charge. */
  const killedProcess = () =>
    new Promise<void>((resolve, reject) => {
      const arguments_ = [join(__dirname, 'killed-worker.cjs'), gateway.database.jobUrl, file, String(lives), 'yes'];
      const child = spawn(process.execPath, arguments_, { stdio: ['ignore', 'ignore', 'inherit'] });
      child.on('exit', (_code, signal) => (signal === 'SIGKILL' ? resolve() : reject(new Error('it was not killed'))));
    });
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
  for (; lives < kills; lives += 1) await (lives < processes ? killedProcess() : stoppedWorker());

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
