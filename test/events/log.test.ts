import { type Instant, instant } from '../../src/core/calendar';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';
import { Receiver } from './support/receiver';
import { dispatcherOf, Webhooks } from './support/webhooks';

const clock = {
  at: instant(new Date(Date.now()).toISOString()),
  now(): Instant {
    return this.at;
  },
};
let gateway: TestGateway;
let receiver: Receiver;
beforeAll(async () => {
  gateway = await startTestGateway({ clock, loopback: true });
  receiver = await new Receiver().start();
});
afterAll(async () => {
  await receiver.stop();
  await gateway.stop();
});

const query = `query ($id: ID, $from: BigInt, $types: [String!], $first: Int, $after: String, $last: Int, $before: String) {
  events(partnerId: $id, fromSequence: $from, types: $types, first: $first, after: $after, last: $last, before: $before) {
    nodes { sequence type } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;

test('pages of the log, forwards and backwards, of all types and of some, beside the plain answer', async () => {
  const world = await World.create(gateway);
  const webhooks = new Webhooks(gateway, world);
  for (let index = 0; index < 12; index += 1) {
    await webhooks.happen();
    if (index % 3 === 0) await world.feature(`f${index}`);
    if (index % 5 === 0) await world.plan({ code: `p${index}`, month: '1.00' });
  }
  await dispatcherOf(gateway).relay();
  const all: { sequence: string; type: string }[] = await webhooks.events();
  expect(all.map(({ sequence }) => Number(sequence))).toEqual(all.map((_, index) => index + 1));
  expect(all).toHaveLength(12 + 4 + 3);
  const page = (variables: object) => gateway.get('super-admin', query, { id: world.partnerId, ...variables });
  const numbers = (nodes: { sequence: string }[]) => nodes.map(({ sequence }) => Number(sequence));

  for (const types of [
    undefined,
    [],
    ['coupon.created'],
    ['plan.created', 'feature.created'],
    ['plan.created', 'nonsense'],
  ]) {
    for (const from of [undefined, '1', '7', '19']) {
      const wanted = numbers(
        all.filter(
          ({ sequence, type }) =>
            Number(sequence) >= Number(from ?? 1) && (!types || types.length === 0 || types.includes(type)),
        ),
      );
      for (const size of [4, 100]) {
        const forwards: number[] = [];
        for (let after: string | undefined; ; ) {
          const { nodes, pageInfo } = await page({ types, from, first: size, after });
          forwards.push(...numbers(nodes));
          if (!pageInfo.hasNextPage) break;
          after = pageInfo.endCursor;
        }
        expect(forwards).toEqual(wanted);
        const backwards: number[] = [];
        for (let before: string | undefined; ; ) {
          const { nodes, pageInfo } = await page({ types, from, last: size, before });
          backwards.unshift(...numbers(nodes));
          if (!pageInfo.hasPreviousPage) break;
          before = pageInfo.startCursor;
        }
        expect(backwards).toEqual(wanted);
      }
    }
  }
  for (const from of ['0', '-5', '-9999999999999999999']) {
    expect(numbers((await page({ from, first: 100 })).nodes)).toEqual(numbers(all));
  }
  for (const from of ['20', '9223372036854775807', '9999999999999999999']) {
    expect((await page({ from, first: 100 })).nodes).toEqual([]);
  }
  expect((await page({ types: ['nonsense'] })).nodes).toEqual([]);
  // A cursor of nothing of ours: any 128 bits.
  const strange = Buffer.from('ffffffff-ffff-ffff-ffff-ffffffffffff').toString('base64url');
  await expect(page({ first: 5, after: strange })).rejects.toThrow('Not a cursor');
  await expect(page({ last: 100, before: strange })).rejects.toThrow('Not a cursor');
});

test('what is old goes in bounded steps, numbers and cursors go on', async () => {
  const world = await World.create(gateway);
  const webhooks = new Webhooks(gateway, world);
  const { endpoint } = await webhooks.create(receiver.url(), { eventTypes: ['coupon.created'] });
  const { endpoint: deleted } = await webhooks.create(receiver.url(), { eventTypes: ['coupon.created'] });
  await webhooks.happen();
  const dispatcher = dispatcherOf(gateway);
  await dispatcher.drain();
  await webhooks.remove(deleted.id);
  await dispatcher.relay();
  const { pageInfo } = await gateway.get('super-admin', query, { id: world.partnerId, first: 1 });
  expect(await webhooks.deliveries(endpoint.id)).toHaveLength(1);

  /** The dispatcher clears in passing, as soon as it runs. */
  const clearBy = async (days: number) => {
    clock.at = clock.at.add({ hours: 24 * days });
    const clearing = dispatcherOf(gateway);
    clearing.start();
    await webhooks.happen();
    for (const { sequence } of await webhooks.events()) void sequence;
    await clearing.stop();
    await dispatcher.drain();
  };
  await clearBy(29);
  expect((await webhooks.deliveries(endpoint.id)).length).toBe(2);
  await clearBy(2);
  // The first one is 31 days old; the one of two days ago and the newest are there.
  expect((await webhooks.deliveries(endpoint.id)).length).toBe(2);
  expect((await gateway.database.asOwner('select 1 from webhook_endpoints where deleted_at is not null')).length).toBe(
    0,
  );
  const before = (await webhooks.events()).length;
  expect(before).toBe(6);
  await clearBy(60);
  const after = await webhooks.events();
  // 1, 2 (endpoints), 3 (coupon) and 4 (deletion) are 91 days old.
  expect(after.map(({ sequence }) => sequence)).toEqual(['5', '6', '7']);
  const next = await gateway.get('super-admin', query, { id: world.partnerId, first: 1, after: pageInfo.endCursor });
  expect(next.nodes).toMatchObject([{ sequence: '5' }]);
  expect(await webhooks.replay(endpoint.id, '1')).toEqual({ count: 3, nextSequence: null });
});

test('a secret is nowhere in the database', async () => {
  const world = await World.create(gateway);
  const webhooks = new Webhooks(gateway, world);
  const made = await world.act(
    'createWebhookEndpoint',
    { partnerId: world.partnerId, url: receiver.url() },
    'secret endpoint { id }',
    ', idempotencyKey: "made"',
  );
  const rotated = await webhooks.rotate(made.endpoint.id);
  await webhooks.test(made.endpoint.id);
  await dispatcherOf(gateway).drain();
  const tables = await gateway.database.asOwner<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`,
  );
  for (const secret of [made.secret, rotated.secret]) {
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    for (const { name } of tables) {
      const found = await gateway.database.asOwner(`select 1 from ${name} t where t::text like $1`, [
        `%${secret.slice(6, 30)}%`,
      ]);
      expect({ name, found }).toEqual({ name, found: [] });
    }
  }
});
