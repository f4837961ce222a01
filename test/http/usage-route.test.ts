import { request } from 'node:http';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
let world: World;
let tenant: TenantOfWorld;
beforeAll(async () => {
  gateway = await startTestGateway();
  world = await World.create(gateway);
  await world.feature('calls');
  await world.plan({
    code: 'basic',
    month: '10',
    features: [{ feature: 'calls', limit: '10', resetPeriod: 'MONTH' }],
  });
});
beforeEach(async () => {
  tenant = await world.tenant('2026-01-10T12:00:00Z');
  await tenant.start('basic');
});
afterAll(() => gateway.stop());

async function keyOf(input: object): Promise<string> {
  const made = await world.act('createApiKey', { partnerId: world.partnerId, name: 'bulk', ...input }, 'secret');
  return made.secret;
}
async function send(bearer: string, body: string | Buffer, query = '', type = 'application/x-ndjson') {
  const response = await fetch(`${gateway.url}/v1/usage${query}`, {
    method: 'POST',
    headers: { 'content-type': type, ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) },
    body: body as string,
  });
  return { status: response.status, ...((await response.json()) as Record<string, unknown>) };
}
const lines = (events: readonly unknown[]) => events.map((event) => JSON.stringify(event)).join('\n');
const ofTenant = () => keyOf({ tenantId: tenant.id, live: false, scopes: ['USAGE'] });
const used = async () => (await tenant.check('calls')).used;

test('records one event a line with a tenant’s key, thousands of them, each once', async () => {
  const key = await ofTenant();
  const events = Array.from({ length: 3_500 }, (_, index) => ({ id: `e${index}`, type: 'calls', quantity: '0.5' }));
  expect(await send(key, lines(events))).toEqual({
    ...{ status: 200, recorded: 3_500, duplicates: 0, rejected: 0, problems: [] },
  });
  expect(await send(key, `${lines(events.slice(0, 1_200))}\n`)).toMatchObject({ recorded: 0, duplicates: 1_200 });
  // 3,500 × 0.5
  expect(await used()).toBe('1750');
});

test('says of each line that is none what is wrong with it, and records the others', async () => {
  const key = await ofTenant();
  const good = (id: string) => JSON.stringify({ id, type: 'calls' });
  const body = Buffer.concat([
    Buffer.from([good('a'), '{', '', '   ', '[1]', 'null', '"text"', good('a'), '{"id":"b","type":"x"}'].join('\n')),
    Buffer.from(`\r\n${good('c')}\r\n`),
    Buffer.from([0x22, 0xff, 0x22, 0x0a]),
    Buffer.from(`{"id":"${'x'.repeat(70_000)}"}\n`),
    Buffer.from('{"id":"d","type":"calls","data":{"x":"\\u0000"}}\n'),
    Buffer.from(good('e')),
  ]);
  const answer = await send(key, body);
  expect(answer).toMatchObject({ status: 200, recorded: 3, duplicates: 1, rejected: 8 });
  const { problems } = answer as unknown as { problems: { line: number; id?: string; code: string }[] };
  expect(problems.map(({ line, code }) => `${line} ${code}`).toSorted()).toEqual(
    [2, 5, 6, 7, 11, 12, 13]
      .map((line) => `${line} INVALID_EVENT`)
      .concat('9 EVENT_TYPE_UNKNOWN')
      .toSorted(),
  );
  expect(await used()).toBe('3');
});

test('enforces where asked', async () => {
  const key = await ofTenant();
  const events = Array.from({ length: 12 }, (_, index) => ({ id: `e${index}`, type: 'calls' }));
  expect(await send(key, lines(events), '?enforce=true')).toMatchObject({
    ...{ recorded: 10, rejected: 2 },
    problems: [
      { line: 11, id: 'e10', code: 'LIMIT_REACHED' },
      { line: 12, id: 'e11', code: 'LIMIT_REACHED' },
    ],
  });
});

test('a partner’s key names the tenant; a stranger’s looks like none', async () => {
  const key = await keyOf({ live: false, scopes: ['USAGE'] });
  const event = lines([{ id: 'a', type: 'calls' }]);
  const codeOf = ({ errors }: Record<string, unknown>) =>
    (errors as { extensions: { code: string } }[])[0]!.extensions.code;
  expect(await send(key, event, `?tenantId=${tenant.id}`)).toMatchObject({ status: 200, recorded: 1 });
  const none = await send(key, event);
  expect([none.status, codeOf(none)]).toEqual([400, 'INVALID_INPUT']);
  const foreign = await send(key, event, `?tenantId=${await gateway.idOf('hooli')}`);
  expect([foreign.status, codeOf(foreign)]).toEqual([404, 'TENANT_NOT_FOUND']);
  const reader = await keyOf({ tenantId: tenant.id, live: false, scopes: ['READ'] });
  const forbidden = await send(reader, event);
  expect([forbidden.status, codeOf(forbidden)]).toEqual([403, 'FORBIDDEN']);
  expect((await send('', event)).status).toBe(401);
  expect((await send('tg_test_nothing', event)).status).toBe(401);
  expect((await send(key, event, '', 'text/plain')).status).toBe(415);
});

test('holds a limited part of a body, whatever its length: it is recorded while the rest is still to come', async () => {
  const key = await ofTenant();
  const url = new URL(`${gateway.url}/v1/usage`);
  const sent = request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${key}` },
  });
  const answered = new Promise<string>((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve(text));
    });
  });
  const event = (index: number) => `${JSON.stringify({ id: `e${index}`, type: 'calls' })}\n`;
  for (let index = 0; index < 1_000; index += 1) sent.write(event(index));
  // The request has not ended; its first thousand lines are counted all the same.
  while ((await used()) !== '1000') await new Promise((resolve) => setTimeout(resolve, 20));
  sent.end(event(1_000));
  expect(JSON.parse(await answered)).toMatchObject({ recorded: 1_001, rejected: 0 });
});

test('what was cut off is sent again, and counted once', async () => {
  const key = await ofTenant();
  const events = Array.from({ length: 2_500 }, (_, index) => ({ id: `e${index}`, type: 'calls' }));
  const sent = request(`${gateway.url}/v1/usage`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${key}` },
  });
  sent.on('error', () => undefined);
  sent.write(`${lines(events.slice(0, 1_500))}\n`);
  while ((await used()) === '0') await new Promise((resolve) => setTimeout(resolve, 20));
  sent.destroy();
  expect(await send(key, lines(events))).toMatchObject({ status: 200, rejected: 0 });
  expect(await used()).toBe('2500');
});
