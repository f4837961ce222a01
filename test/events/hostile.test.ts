import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';
import { dispatcherOf, Webhooks } from './support/webhooks';

let gateway: TestGateway;
let world: World;
let webhooks: Webhooks;
beforeAll(async () => {
  gateway = await startTestGateway();
  world = await World.create(gateway);
  webhooks = new Webhooks(gateway, world);
});
afterAll(() => gateway.stop());

const codeOf = async (answer: Promise<{ code?: string; endpoint?: object }>) => (await answer).code ?? 'done';

test('25 endpoints made at once: the 20 that a partner may have', async () => {
  const other = new Webhooks(gateway, await World.create(gateway));
  const made = await Promise.all(
    Array.from({ length: 25 }, (_, index) => codeOf(other.create(`https://hooks-${index}.example.com/`))),
  );
  expect(made.filter((code) => code === 'done')).toHaveLength(20);
  expect(made.filter((code) => code === 'WEBHOOK_ENDPOINT_LIMIT_REACHED')).toHaveLength(5);
});

test('ten changes at once of the version that was read: one is made', async () => {
  const { endpoint } = await webhooks.create('https://hooks.example.com/versions');
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      codeOf(webhooks.update(endpoint.id, { expectedVersion: 1, description: `number ${index}` })),
    ),
  );
  expect(answers.filter((code) => code === 'done')).toHaveLength(1);
  expect(answers.filter((code) => code === 'VERSION_CONFLICT')).toHaveLength(9);
});

test('what cannot be stored or meant is refused, and nothing of it is an error of ours', async () => {
  const { endpoint } = await webhooks.create('https://hooks.example.com/hostile');
  const refused: Promise<{ code?: string }>[] = [
    webhooks.create('https://hooks.example.com/ä'),
    webhooks.create('https://hooks.example.com/', { description: 'a\u202eb' }),
    webhooks.create('https://hooks.example.com/', { description: 'x'.repeat(201) }),
    webhooks.create('https://hooks.example.com/', { eventTypes: ['invoice.*'] }),
    webhooks.create('https://hooks.example.com/', { eventTypes: ['__proto__'] }),
    webhooks.create('https://hooks.example.com/', { eventTypes: ['constructor'] }),
    webhooks.create('https://hooks.example.com/', { eventTypes: ['webhook.test'] }),
    webhooks.create('https://hooks.example.com/', { eventTypes: [''] }),
    webhooks.rotate(endpoint.id, { oldSecretValidHours: -1 }),
    webhooks.rotate(endpoint.id, { oldSecretValidHours: 2_147_483_647 }),
    webhooks.replay(endpoint.id, '-9999999999999999999'),
  ];
  for (const one of refused) expect((await one).code).toBe('INVALID_INPUT');
  expect(await webhooks.replay(endpoint.id, '9999999999999999999')).toEqual({ count: 0, nextSequence: null });
  const missing: Promise<{ code?: string }>[] = [
    webhooks.test('webhook_00000000000000000000000000'),
    webhooks.remove(''),
    webhooks.rotate("webhook_' or 1=1 --"),
    webhooks.update(world.partnerId, { enabled: true }),
  ];
  for (const one of missing) expect((await one).code).toBe('WEBHOOK_ENDPOINT_NOT_FOUND');
  // An endpoint with the same type a thousand times wants it once.
  const many = await webhooks.create('https://hooks.example.com/', {
    eventTypes: Array.from({ length: 1_000 }, () => 'plan.created'),
  });
  expect(many.endpoint.eventTypes).toEqual(['plan.created']);
});

test('fifty replays at once are one row for each event', async () => {
  const { endpoint } = await webhooks.create('https://replays.example.com/', { eventTypes: ['coupon.created'] });
  for (let index = 0; index < 20; index += 1) await webhooks.happen();
  await dispatcherOf(gateway).relay();
  const answers = await Promise.all(Array.from({ length: 50 }, () => webhooks.replay(endpoint.id, '1')));
  expect(new Set(answers.map(({ count }) => count))).toEqual(new Set([20]));
  expect(await webhooks.deliveries(endpoint.id)).toHaveLength(20);
});

test('a name that leads nowhere public is a failed attempt like others, and says no more than that', async () => {
  const { endpoint } = await webhooks.create('https://inside.example.com/', { eventTypes: ['coupon.created'] });
  await webhooks.happen();
  const resolve = async (name: string) => (name === 'inside.example.com' ? ['10.1.2.3'] : []);
  await dispatcherOf(gateway, { resolve }).drain();
  const [delivery] = await webhooks.deliveries(endpoint.id);
  expect(delivery).toMatchObject({
    status: 'PENDING',
    attemptCount: 1,
    problem: 'NO_PUBLIC_ADDRESS',
    responseStatus: null,
  });
  expect(JSON.stringify(delivery)).not.toContain('10.1.2.3');
});

test('viewers of a partner read and change nothing; its live key writes, its test key sees nothing of it', async () => {
  const list = '{ webhookEndpoints { nodes { id } } events { nodes { id } } }';
  const create = `mutation { createWebhookEndpoint(input: { url: "https://viewer.example.com/" }) {
    ... on CreateWebhookEndpointDone { secret } ... on Refused { code } } }`;
  expect((await gateway.get('partner-viewer', create)).code).toBe('FORBIDDEN');
  for (const who of ['tenant-admin', 'tenant-member'] as const) {
    expect((await gateway.get(who, create)).code).toBe('FORBIDDEN');
  }
  const key = async (live: boolean) => {
    const { secret } = await gateway.get(
      'partner-owner',
      `mutation { createApiKey(input: { name: "k", live: ${live}, scopes: [READ, WRITE] }) { ... on CreateApiKeyDone { secret } } }`,
    );
    return { bearer: secret as string };
  };
  await gateway.get('partner-owner', create);
  const live = await key(true);
  const test = await key(false);
  expect((await gateway.get(live, create)).secret).toMatch(/^whsec_/);
  expect((await gateway.get(test, create)).code).toBe('FORBIDDEN');
  expect((await gateway.ask(test, list)).data ?? null).toEqual({
    webhookEndpoints: { nodes: [] },
    events: { nodes: [] },
  });
  expect((await gateway.ask(live, list)).data.webhookEndpoints.nodes).toHaveLength(2);
});
