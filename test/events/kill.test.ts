import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { instantFromMilliseconds } from '../../src/core/calendar';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';
import { Receiver } from './support/receiver';
import { dispatcherOf, Webhooks } from './support/webhooks';

const root = join(__dirname, '..', '..');
let gateway: TestGateway;
let receiver: Receiver;
const children: ChildProcess[] = [];
const pause = () => new Promise((resolve) => setTimeout(resolve, 10));

beforeAll(async () => {
  execFileSync(process.execPath, [join(root, 'src', 'cli', 'build.mjs')]);
  gateway = await startTestGateway({ loopback: true });
  receiver = await new Receiver().start();
});
afterAll(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await receiver.stop();
  await gateway.stop();
});

/** By a clock that is so far ahead that the leases of the one before have run out. */
function startProcess(minutesAhead: number): ChildProcess {
  const script = join(root, 'test', 'events', 'support', 'dispatcher-process.cjs');
  const child = spawn(process.execPath, [script, gateway.database.jobUrl, String(minutesAhead)], { stdio: 'inherit' });
  children.push(child);
  return child;
}

test('six dispatchers killed with -9 in the middle: every event arrives, always under its own id, and is recorded', async () => {
  const webhooks = new Webhooks(gateway, await World.create(gateway));
  const endpoints = [];
  for (const path of ['/a', '/b', '/c']) {
    endpoints.push(await webhooks.create(receiver.url(path), { eventTypes: ['coupon.created'] }));
  }
  receiver.answer = () => new Promise((resolve) => setTimeout(resolve, 30));
  const codes: string[] = [];
  for (let round = 0; round < 6; round += 1) {
    for (let count = 0; count < 12; count += 1) codes.push(await webhooks.happen());
    const child = startProcess(round * 2);
    const before = receiver.received.length;
    // At another point each time, always with requests in flight.
    while (receiver.received.length < before + 3 + round * 2) await pause();
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  const clock = { now: () => instantFromMilliseconds(Date.now() + 20 * 60_000) };
  const { system } = gateway.app;
  await dispatcherOf(gateway, {
    system: { clock, log: system.log, asRelay: (work) => system.asRelay(work) },
  }).drain();

  for (const [index, path] of ['/a', '/b', '/c'].entries()) {
    const got = receiver.received.filter((one) => one.path === path);
    expect(new Set(got.map(({ event }) => event.data.coupon.code))).toEqual(new Set(codes));
    const ids = new Map<string, string>();
    for (const { event, headers, body } of got) {
      expect(headers['webhook-id']).toBe(ids.get(event.sequence) ?? event.id);
      ids.set(event.sequence, event.id);
      const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = headers;
      const sent = new Date(Number(at) * 1_000);
      expect(signature).toBe(new Webhook(endpoints[index]!.secret).sign(id!, sent, body));
    }
    expect(ids.size).toBe(codes.length);
    const deliveries = await webhooks.deliveries(endpoints[index]!.endpoint.id);
    expect(deliveries.map(({ status }) => status)).toEqual(codes.map(() => 'SUCCEEDED'));
  }
  // The kills were felt: something came twice.
  expect(receiver.received.length).toBeGreaterThan(codes.length * 3);
  const numbers = (await webhooks.events()).map(({ sequence }) => Number(sequence));
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
});

test('a dispatcher that is stopped waits a little, then gives back what hangs, as if it had not been tried', async () => {
  const webhooks = new Webhooks(gateway, await World.create(gateway));
  const { endpoint } = await webhooks.create(receiver.url('/hangs'), { eventTypes: ['coupon.created'] });
  await webhooks.happen();
  let hangs = true;
  receiver.answer = () => (hangs ? new Promise(() => undefined) : undefined);
  const stopped = dispatcherOf(gateway, { stopMilliseconds: 50 });
  stopped.start();
  const arrived = () => receiver.received.filter(({ path }) => path === '/hangs').length;
  while (arrived() === 0) await pause();
  await stopped.stop();
  expect(await webhooks.deliveries(endpoint.id)).toMatchObject([{ status: 'PENDING', attemptCount: 0, attempts: [] }]);
  hangs = false;
  // Nobody has to wait for a lease.
  await dispatcherOf(gateway).drain();
  expect(await webhooks.deliveries(endpoint.id)).toMatchObject([{ status: 'SUCCEEDED', attemptCount: 1 }]);
});
