import { Webhook } from 'standardwebhooks';
import { type Instant, instant } from '../../src/core/calendar';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';
import { Receiver } from './support/receiver';
import { dispatcherOf, Webhooks } from './support/webhooks';

/** A clock that stands still until it is moved. It begins now: the official library refuses signatures of other days. */
const clock = {
  at: instant(new Date(Date.now()).toISOString()),
  now(): Instant {
    return this.at;
  },
  move(duration: { seconds?: number; minutes?: number; hours?: number }) {
    this.at = this.at.add(duration);
  },
};

let gateway: TestGateway;
let receiver: Receiver;
const receivers: Receiver[] = [];
const another = async () => {
  const made = await new Receiver().start();
  receivers.push(made);
  return made;
};

beforeAll(async () => {
  gateway = await startTestGateway({ clock, loopback: true });
});
beforeEach(async () => {
  receiver = await another();
});
// `drain` is about everybody's endpoints: each test begins without those of the ones before it.
afterEach(() =>
  gateway.database.asOwner(
    `update webhook_endpoints set deleted_at = now(), status = 'DISABLED', disabled_reason = 'BY_REQUEST', lease = null`,
  ),
);
afterAll(async () => {
  await Promise.all(receivers.map((one) => one.stop()));
  await gateway.stop();
});

const fresh = async () => new Webhooks(gateway, await World.create(gateway));
const dispatch = (options = {}) => dispatcherOf(gateway, options).drain();
const couponEvents = { eventTypes: ['coupon.created'] };

test('an event arrives signed, and the official library takes it', async () => {
  const webhooks = await fresh();
  const { endpoint, secret } = await webhooks.create(receiver.url('/hooks?token=1'), couponEvents);
  const code = await webhooks.happen();
  await dispatch();
  const [{ headers, body, path }] = receiver.received as [Receiver['received'][0]];
  expect(path).toBe('/hooks?token=1');
  expect(headers['content-type']).toBe('application/json');
  const event = new Webhook(secret).verify(body, headers) as { id: string; data: object };
  expect(event).toMatchObject({ type: 'coupon.created', version: 1, sandbox: false, data: { coupon: { code } } });
  expect(headers['webhook-id']).toBe(event.id);
  expect(() => new Webhook(`whsec_${Buffer.from('another key').toString('base64')}`).verify(body, headers)).toThrow();
  expect(() => new Webhook(secret).verify(body.replace(code, 'OTHER'), headers)).toThrow();
  // The log has the same text, to the letter.
  expect((await webhooks.events()).find(({ id }) => id === event.id)).toMatchObject({ body, type: 'coupon.created' });
  expect(await webhooks.deliveries(endpoint.id)).toMatchObject([
    { status: 'SUCCEEDED', attemptCount: 1, responseStatus: 204, problem: null, attempts: [{ responseStatus: 204 }] },
  ]);
});

test('ten attempts: after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h more, all with the same id', async () => {
  const webhooks = await fresh();
  const { endpoint } = await webhooks.create(receiver.url(), couponEvents);
  receiver.answer = (_received, response) => void response.writeHead(500).end();
  await webhooks.happen();
  const begun = clock.at;
  const delays = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
  let seconds = 0;
  await dispatch();
  for (const [index, delay] of delays.entries()) {
    expect(receiver.received).toHaveLength(index + 1);
    clock.at = begun.add({ milliseconds: (seconds + delay) * 1_000 - 1 });
    expect(await dispatch()).toBe(0);
    seconds += delay;
    clock.at = begun.add({ seconds });
    expect(await dispatch()).toBe(1);
  }
  clock.move({ hours: 100 });
  expect(await dispatch()).toBe(0);
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  const [delivery] = await webhooks.deliveries(endpoint.id);
  expect(delivery).toMatchObject({ status: 'FAILED', attemptCount: 10, problem: 'BAD_STATUS', nextAttemptAt: null });
  expect(delivery.attempts).toHaveLength(10);
  // 3 days and 3.6 hours, which is less than five days: it may still recover.
  expect(await webhooks.endpoint(endpoint.id)).toMatchObject({ status: 'ENABLED', failingSince: expect.any(String) });
});

test('an endpoint that fails does not hold up another one, and a failure is not an order of arrival', async () => {
  const webhooks = await fresh();
  const good = await another();
  await webhooks.create(receiver.url(), couponEvents);
  await webhooks.create(good.url(), couponEvents);
  const poison = await webhooks.happen();
  const others = [await webhooks.happen(), await webhooks.happen()];
  const refuses = (received: { body: string }) => received.body.includes(poison);
  receiver.answer = (received, response) => void (refuses(received) && response.writeHead(503).end());
  await dispatch();
  const codes = (from: Receiver) => from.received.map(({ event }) => event.data.coupon.code);
  expect(codes(good).sort()).toEqual([poison, ...others].sort());
  // The two behind the one that failed have arrived before it.
  expect(codes(receiver).sort()).toEqual([poison, ...others].sort());
  receiver.answer = () => undefined;
  clock.move({ seconds: 5 });
  expect(await dispatch()).toBe(1);
  expect(codes(receiver).at(-1)).toBe(poison);
});

test('an endpoint that is down is asked with one event at a time, less and less often', async () => {
  const webhooks = await fresh();
  const { endpoint } = await webhooks.create(receiver.url(), couponEvents);
  receiver.answer = (_received, response) => void response.writeHead(500).end();
  for (let index = 0; index < 25; index += 1) await webhooks.happen();
  await dispatch();
  // The first ten at once; none after them while the pause of 10 s × 2^7 lasts.
  expect(receiver.received).toHaveLength(10);
  clock.move({ seconds: 1_279 });
  expect(await dispatch()).toBe(0);
  clock.move({ seconds: 1 });
  expect(await dispatch()).toBe(1);
  // It recovers: everything that waits is sent.
  receiver.answer = () => undefined;
  clock.move({ hours: 1 });
  expect(await dispatch()).toBe(25);
  expect(await webhooks.endpoint(endpoint.id)).toMatchObject({ failingSince: null, status: 'ENABLED' });
  expect((await webhooks.deliveries(endpoint.id)).every(({ status }) => status === 'SUCCEEDED')).toBe(true);
});

test('after five days without a success an endpoint is disabled, and the others are told', async () => {
  const webhooks = await fresh();
  const watching = await another();
  const { endpoint } = await webhooks.create(receiver.url(), { ...couponEvents, description: 'the one' });
  await webhooks.create(watching.url(), { eventTypes: ['webhook_endpoint.disabled'] });
  receiver.answer = (_received, response) => void response.writeHead(500).end();
  for (let hours = 0; hours < 119; hours += 1) {
    if (hours % 10 === 0) await webhooks.happen();
    await dispatch();
    clock.move({ hours: 1 });
  }
  expect(await webhooks.endpoint(endpoint.id)).toMatchObject({ status: 'ENABLED' });
  clock.move({ hours: 1 });
  await webhooks.happen();
  await dispatch();
  expect(await webhooks.endpoint(endpoint.id)).toMatchObject({ status: 'DISABLED', disabledReason: 'FAILING' });
  expect(watching.received.map(({ event }) => event.data.endpoint)).toEqual([
    expect.objectContaining({ id: endpoint.id, description: 'the one', disabledReason: 'FAILING' }),
  ]);
  // What happens now is not sent there, and what waits goes on when it is enabled.
  const sentBefore = receiver.received.length;
  await webhooks.happen();
  clock.move({ hours: 30 });
  expect(await dispatch()).toBe(0);
  expect(await webhooks.test(endpoint.id)).toMatchObject({ code: 'WEBHOOK_ENDPOINT_DISABLED' });
  receiver.answer = () => undefined;
  await webhooks.update(endpoint.id, { enabled: true });
  await dispatch();
  expect(receiver.received.length).toBeGreaterThan(sentBefore);
  expect(await webhooks.endpoint(endpoint.id)).toMatchObject({ status: 'ENABLED', failingSince: null });
});

test('410 disables at once; 429 with Retry-After waits as long as it says', async () => {
  const webhooks = await fresh();
  const { endpoint } = await webhooks.create(receiver.url(), couponEvents);
  receiver.answer = (_received, response) => void response.writeHead(429, { 'retry-after': '90' }).end();
  await webhooks.happen();
  await dispatch();
  clock.move({ seconds: 89 });
  expect(await dispatch()).toBe(0);
  clock.move({ seconds: 1 });
  receiver.answer = (_received, response) => void response.writeHead(410).end();
  expect(await dispatch()).toBe(1);
  expect(await webhooks.endpoint(endpoint.id)).toMatchObject({ status: 'DISABLED', disabledReason: 'GONE' });
});

test('a redirect is a failure and is not followed; what hangs is given up; an endless answer is not read', async () => {
  const webhooks = await fresh();
  const target = await another();
  const { endpoint } = await webhooks.create(receiver.url(), couponEvents);
  receiver.answer = (_received, response) => void response.writeHead(302, { location: target.url() }).end();
  await webhooks.happen();
  await dispatch();
  receiver.answer = () => new Promise(() => undefined);
  clock.move({ minutes: 10 });
  await dispatch({ timeoutMilliseconds: 100 });
  let written = 0;
  receiver.answer = (_received, response) =>
    new Promise<void>((resolve) => {
      response.writeHead(200);
      const chunk = Buffer.alloc(65_536);
      const more = () => {
        written += chunk.length;
        if (written < 100_000_000 && !response.destroyed) response.write(chunk, () => setImmediate(more));
      };
      response.once('close', resolve);
      more();
    });
  clock.move({ hours: 2 });
  await dispatch();
  expect(target.received).toEqual([]);
  expect(written).toBeLessThan(100_000_000);
  const [{ attempts, status }] = await webhooks.deliveries(endpoint.id);
  expect(attempts.map((one: { responseStatus: number; problem: string }) => [one.responseStatus, one.problem])).toEqual(
    [
      [302, 'BAD_STATUS'],
      [null, 'TIMEOUT'],
      [200, null],
    ],
  );
  expect(status).toBe('SUCCEEDED');
});

test('after a rotation both secrets sign until the old one ends', async () => {
  clock.at = instant(new Date(Date.now()).toISOString());
  const webhooks = await fresh();
  const { endpoint, secret: old } = await webhooks.create(receiver.url(), couponEvents);
  const { secret: young, endpoint: rotated } = await webhooks.rotate(endpoint.id, { oldSecretValidHours: 1 });
  expect(young).not.toBe(old);
  expect(rotated.previousSecretUntil).toBe(clock.at.add({ hours: 1 }).toString({ smallestUnit: 'millisecond' }));
  await webhooks.happen();
  await dispatch();
  const [first] = receiver.received as [Receiver['received'][0]];
  for (const secret of [old, young]) new Webhook(secret).verify(first.body, first.headers);
  expect(first.headers['webhook-signature']!.split(' ')).toHaveLength(2);
  clock.move({ hours: 1 });
  await webhooks.happen();
  await dispatch();
  const second = receiver.received[1]!;
  expect(second.headers['webhook-signature']!.split(' ')).toHaveLength(1);
  // By hand: the library compares with the machine's own clock.
  const sent = new Date(Number(second.headers['webhook-timestamp']) * 1_000);
  expect(second.headers['webhook-signature']).toBe(
    new Webhook(young).sign(second.headers['webhook-id']!, sent, second.body),
  );
  // At once: the old one signs no more.
  await webhooks.rotate(endpoint.id, { oldSecretValidHours: 0 });
  await webhooks.happen();
  await dispatch();
  expect(receiver.received[2]!.headers['webhook-signature']!.split(' ')).toHaveLength(1);
});

test('a test event goes to one endpoint, has no number, and leaves none out', async () => {
  const webhooks = await fresh();
  const { endpoint } = await webhooks.create(receiver.url(), couponEvents);
  const { delivery } = await webhooks.test(endpoint.id);
  expect(delivery).toMatchObject({ sequence: null, eventType: 'webhook.test', status: 'PENDING' });
  await webhooks.happen();
  await dispatch();
  const sent = receiver.received.map(({ event }) => [event.type, event.sequence]).sort();
  expect(sent).toEqual([
    ['coupon.created', 2],
    ['webhook.test', null],
  ]);
  for (const { headers, event } of receiver.received) expect(headers['webhook-id']).toBe(event.id);
});

test('replay sends again with the ids of the first time, and what is asked for during a delivery is not lost', async () => {
  const webhooks = await fresh();
  const { endpoint } = await webhooks.create(receiver.url(), couponEvents);
  for (let index = 0; index < 3; index += 1) await webhooks.happen();
  await dispatch();
  // 1 is the endpoint's own creation, which it did not ask for.
  expect(receiver.received.map(({ event }) => event.sequence).sort()).toEqual([2, 3, 4]);
  expect(await webhooks.replay(endpoint.id, '3')).toEqual({ count: 2, nextSequence: null });
  await dispatch();
  expect(
    receiver.received
      .slice(3)
      .map(({ event }) => event.sequence)
      .sort(),
  ).toEqual([3, 4]);
  const idOf = (sequence: number) =>
    receiver.received.filter(({ event }) => event.sequence === sequence).map(({ headers }) => headers['webhook-id']);
  expect(new Set(idOf(3)).size).toBe(1);
  // While it is being delivered, somebody asks for it again.
  clock.move({ seconds: 1 });
  await webhooks.replay(endpoint.id, '4');
  clock.move({ seconds: 1 });
  let once = true;
  receiver.answer = async () => {
    if (once) {
      once = false;
      clock.move({ seconds: 1 });
      await webhooks.replay(endpoint.id, '4');
    }
  };
  await dispatch();
  expect(idOf(4)).toHaveLength(4);
  expect(await webhooks.replay(endpoint.id, '0')).toMatchObject({ code: 'INVALID_INPUT' });
});

test('a worker that dies between the request and the record: sent again by another, with the same id', async () => {
  const webhooks = await fresh();
  const { endpoint } = await webhooks.create(receiver.url(), couponEvents);
  await webhooks.happen();
  const { system } = gateway.app;
  const dying = dispatcherOf(gateway, {
    // Dead as soon as the request was answered: nothing of it is written.
    system: {
      ...{ clock: system.clock, log: system.log },
      asRelay: (work) => (receiver.received.length > 0 ? new Promise(() => undefined) : system.asRelay(work)),
    },
  });
  void dying.drain();
  while (receiver.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  // The lease still holds: nobody else takes it.
  expect(await dispatch()).toBe(0);
  clock.move({ seconds: 60 });
  expect(await dispatch()).toBe(1);
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(receiver.received).toHaveLength(2);
  expect(await webhooks.deliveries(endpoint.id)).toMatchObject([{ status: 'SUCCEEDED', attemptCount: 1 }]);
});

test('a deleted endpoint gets nothing more, also of what was on its way', async () => {
  const webhooks = await fresh();
  const { endpoint } = await webhooks.create(receiver.url());
  await webhooks.happen();
  await dispatcherOf(gateway).relay();
  await webhooks.remove(endpoint.id);
  await webhooks.happen();
  expect(await dispatch()).toBe(0);
  expect(await webhooks.endpoint(endpoint.id)).toBeUndefined();
  expect(await webhooks.remove(endpoint.id)).toMatchObject({ code: 'WEBHOOK_ENDPOINT_NOT_FOUND' });
});
