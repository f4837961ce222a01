import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';
import { Receiver } from './support/receiver';
import { dispatcherOf, Webhooks } from './support/webhooks';

let gateway: TestGateway;
let receiver: Receiver;
beforeAll(async () => {
  gateway = await startTestGateway({ loopback: true });
  receiver = await new Receiver().start();
});
afterAll(async () => {
  await receiver.stop();
  await gateway.stop();
});

test('50 writers at once, three relays, a reader who goes on from the last number: no hole, nothing missed', async () => {
  const world = await World.create(gateway);
  const webhooks = new Webhooks(gateway, world);
  const relays = [1, 2, 3].map(() => dispatcherOf(gateway));
  const codes = Array.from({ length: 200 }, (_, index) => `CODE${index}`);
  let writing = true;
  const relaying = relays.map(async (relay) => {
    while (writing) await relay.relay();
    while ((await relay.relay()) > 0);
  });
  const seen: string[] = [];
  const reading = (async () => {
    let from = 1;
    for (let after = false; ; ) {
      const page = await webhooks.events(String(from));
      for (const { sequence } of page) {
        // The very next number each time, also while others write: a hole would never be filled.
        expect(Number(sequence)).toBe(from);
        from += 1;
        seen.push(sequence);
      }
      if (after && page.length === 0) return;
      after = !writing && seen.length >= codes.length;
    }
  })();
  await Promise.all(
    Array.from({ length: 50 }, async (_, writer) => {
      for (const code of codes.slice(writer * 4, writer * 4 + 4)) await webhooks.happen(code);
    }),
  );
  writing = false;
  await Promise.all(relaying);
  await reading;
  expect(seen).toHaveLength(codes.length);
  const all = [...(await webhooks.events()), ...(await webhooks.events('101'))];
  const told = new Set(all.map(({ body }) => JSON.parse(body).data.coupon.code));
  expect(told).toEqual(new Set(codes));
});

test('an event of a transaction that commits late gets a later number', async () => {
  const world = await World.create(gateway);
  const webhooks = new Webhooks(gateway, world);
  const owner = (sql: string) => gateway.database.asOwner(sql);
  const [partner] = await gateway.database.asOwner<{ id: string }>('select id from partners order by id desc limit 1');
  // As a writer that is slow between its event and its commit: its event is older than the one that is numbered first.
  await owner('begin');
  await owner(
    `insert into partner_outbox_events (partner_id, id, type, payload, occurred_at)
     values ('${partner!.id}', '01900000-0000-7000-8000-000000000001', 'plan.created', '{}', now())`,
  );
  await webhooks.happen('FAST');
  expect(await dispatcherOf(gateway).relay()).toBe(1);
  expect(await webhooks.events()).toMatchObject([{ sequence: '1', type: 'coupon.created' }]);
  await owner('commit');
  expect(await dispatcherOf(gateway).relay()).toBe(1);
  expect(await webhooks.events('2')).toMatchObject([{ sequence: '2', type: 'plan.created' }]);
});

test('what is rolled back, or only tried, is not told', async () => {
  const world = await World.create(gateway);
  const webhooks = new Webhooks(gateway, world);
  await world.act(
    'createCoupon',
    { partnerId: world.partnerId, code: 'DRY', name: 'Dry', kind: 'PERCENT', percent: '10', duration: 'ONCE' },
    'dryRun',
    ', dryRun: true',
  );
  await webhooks.happen('TWICE');
  const again = {
    partnerId: world.partnerId,
    code: 'TWICE',
    name: 'x',
    kind: 'PERCENT',
    percent: '10',
    duration: 'ONCE',
  };
  expect(await world.act('createCoupon', again, 'dryRun')).toMatchObject({ code: expect.any(String) });
  await dispatcherOf(gateway).relay();
  expect((await webhooks.events()).map(({ body }) => JSON.parse(body).data.coupon.code)).toEqual(['TWICE']);
});

test('three dispatchers at once deliver each event once, and no partner gets what is not its own', async () => {
  const worlds = await Promise.all([World.create(gateway), World.create(gateway)]);
  const sides = worlds.map((world) => new Webhooks(gateway, world));
  const endpoints = [];
  for (const [index, webhooks] of sides.entries()) {
    endpoints.push((await webhooks.create(receiver.url(`/${index}`), { eventTypes: ['coupon.created'] })).endpoint);
  }
  const dispatchers = [1, 2, 3].map(() => dispatcherOf(gateway));
  for (const dispatcher of dispatchers) dispatcher.start();
  const codes = await Promise.all(
    sides.map((webhooks) => Promise.all(Array.from({ length: 30 }, () => webhooks.happen()))),
  );
  while (receiver.received.length < 60) await new Promise((resolve) => setTimeout(resolve, 20));
  await Promise.all(dispatchers.map((dispatcher) => dispatcher.stop()));
  expect(await dispatcherOf(gateway).drain()).toBe(0);
  expect(receiver.received).toHaveLength(60);
  for (const [index, own] of codes.entries()) {
    const got = receiver.received.filter(({ path }) => path === `/${index}`);
    expect(got.map(({ event }) => event.data.coupon.code).sort()).toEqual([...own].sort());
  }
  // Nor does it find them: another partner's endpoint and log look like none at all.
  const [first, second] = sides as [Webhooks, Webhooks];
  expect(await first.deliveries(endpoints[1]!.id)).toEqual([]);
  for (const answer of [
    await first.replay(endpoints[1]!.id, '1'),
    await first.test(endpoints[1]!.id),
    await first.rotate(endpoints[1]!.id),
    await first.update(endpoints[1]!.id, { enabled: false }),
    await first.remove(endpoints[1]!.id),
  ]) {
    expect(answer).toMatchObject({ code: 'WEBHOOK_ENDPOINT_NOT_FOUND' });
  }
  const idsOf = async (webhooks: Webhooks) => (await webhooks.events()).map(({ id }) => id);
  const [ours, theirs] = [await idsOf(first), await idsOf(second)];
  expect(ours.filter((id) => theirs.includes(id))).toEqual([]);
});

test('a tenant sees nothing of its partner’s log and endpoints', async () => {
  for (const who of ['tenant-admin', 'tenant-member'] as const) {
    const answer = await gateway.ask(who, '{ events { nodes { id } } webhookEndpoints { nodes { id } } }');
    expect(answer.data ?? { events: { nodes: [] }, webhookEndpoints: { nodes: [] } }).toEqual({
      events: { nodes: [] },
      webhookEndpoints: { nodes: [] },
    });
  }
});
