import { type ClientRequest, request } from 'node:http';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
let world: World;
let tenant: TenantOfWorld;
const limits = { bytes: 4 * 1024 * 1024, streams: 3 };
beforeAll(async () => {
  gateway = await startTestGateway({ http: { usage: limits } });
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

/** A request of which the body is sent bit by bit. */
class OpenRequest {
  private readonly sent: ClientRequest;
  readonly answered: Promise<{ status: number; retryAfter?: string | undefined; answer: Record<string, unknown> }>;

  constructor(bearer: string | undefined) {
    this.sent = request(new URL(`${gateway.url}/v1/usage`), {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/x-ndjson', ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) },
    });
    this.answered = new Promise((resolve, reject) => {
      this.sent.on('error', reject);
      this.sent.on('response', async (response) => {
        let text = '';
        for await (const part of response) text += part;
        const { 'retry-after': retryAfter } = response.headers;
        resolve({ status: response.statusCode!, retryAfter, answer: JSON.parse(text) });
      });
    });
    this.answered.catch(() => undefined);
  }

  write(body: string | Buffer): this {
    this.sent.write(body);
    return this;
  }

  end(body = ''): OpenRequest['answered'] {
    this.sent.end(body);
    return this.answered;
  }

  /** What the gateway has not taken yet, nor the wire. */
  get unsent(): number {
    return this.sent.socket?.writableLength ?? 0;
  }
}

const line = (index: number, more: object = {}) => `${JSON.stringify({ id: `e${index}`, type: 'calls', ...more })}\n`;
const until = async (holds: () => Promise<boolean>) => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
};

describe('a limited part of a body is held, whatever its length', () => {
  test('a thousand events: they are recorded while the rest is still to come', async () => {
    const sent = new OpenRequest(await ofTenant());
    for (let index = 0; index < 1_000; index += 1) sent.write(line(index));
    await until(async () => (await used()) === '1000');
    expect((await sent.end(line(1_000))).answer).toMatchObject({ recorded: 1_001, rejected: 0 });
  });

  test('a megabyte of events: fewer of them, where they are large', async () => {
    const sent = new OpenRequest(await ofTenant());
    // 100 × (2 × 8,000 characters and more) are over a megabyte.
    for (let index = 0; index < 100; index += 1) sent.write(line(index, { data: { x: 'x'.repeat(8_000) } }));
    await until(async () => Number(await used()) > 0);
    expect((await sent.end()).answer).toMatchObject({ recorded: 100, rejected: 0 });
  });

  test('sent a byte at a time it is read as it is', async () => {
    const sent = new OpenRequest(await ofTenant());
    for (const byte of Buffer.from(`${line(1)}\r\n${line(2, { data: { city: 'Łódź' } })}`)) sent.write(Buffer.of(byte));
    expect((await sent.end()).answer).toMatchObject({ recorded: 2, rejected: 0 });
  });

  test('while the database is slow the client waits, and nothing piles up', async () => {
    const key = await ofTenant();
    await gateway.database.asOwner('begin');
    await gateway.database.asOwner('lock table usage_locks in share mode');
    const sent = new OpenRequest(key);
    const lines = Buffer.from(line(0, { extension: 'x'.repeat(1_900) }).repeat(500));
    // 500 × 2 KB: the first batch is full with two of them, 3.9 MB are all that is allowed.
    for (let turn = 0; turn < 3; turn += 1) sent.write(lines);
    const many = line(0, { extension: 'x'.repeat(60_000) }).repeat(600);
    sent.write(many);
    let stalled = 0;
    for (let before = -1; stalled < 50; before = sent.unsent) {
      await fetch(`${gateway.url}/health/live`);
      stalled = sent.unsent === before ? stalled + 1 : 0;
    }
    // 36 MB were sent; a few are on the wire, one waits here.
    expect(sent.unsent).toBeGreaterThan(20 * 1024 * 1024);
    await gateway.database.asOwner('commit');
    expect(await sent.end()).toMatchObject({ status: 413, answer: { recorded: 1 } });
  });
});

describe('a request ends before its body where it reaches a limit, and says how far it came', () => {
  test('more bytes than allowed: what came before is recorded', async () => {
    const sent = new OpenRequest(await ofTenant());
    const padding = 'x'.repeat(1_000);
    for (let index = 0; index < 6_000; index += 1) sent.write(line(index, { extension: padding }));
    // It is answered though the body goes on.
    const { status, answer } = await sent.answered;
    expect(status).toBe(413);
    const recorded = Number(answer['recorded']);
    // 4 MB of lines of 1 KB, all of them but what was on the way.
    expect(recorded).toBeGreaterThan(3_500);
    expect(recorded).toBeLessThan(4_200);
    const [{ message, extensions }] = answer['errors'] as [{ message: string; extensions: object }];
    expect(message).toBe(
      `A request has at most ${limits.bytes} bytes; the lines before ${recorded + 1} were recorded.`,
    );
    expect(extensions).toMatchObject({ code: 'BAD_REQUEST' });
    expect(await used()).toBe(String(recorded));
  });

  test('more bytes than allowed in one line that never ends', async () => {
    const sent = new OpenRequest(await ofTenant()).write(line(0));
    for (let part = 0; part < 5 * 16; part += 1) sent.write(Buffer.alloc(64 * 1024, 0x78));
    expect(await sent.answered).toMatchObject({ status: 413, answer: { recorded: 1 } });
  });

  test('more requests at once than allowed: one ends, and another may begin', async () => {
    const key = await ofTenant();
    const open = Array.from({ length: limits.streams }, (_, index) => {
      const one = new OpenRequest(key);
      for (let event = 0; event < 1_000; event += 1) one.write(line(1_000 * index + event));
      return one;
    });
    await until(async () => (await used()) === '3000');
    const refused = await new OpenRequest(key).end(line(9_000));
    expect(refused).toMatchObject({ status: 429, retryAfter: '1' });
    expect((refused.answer['errors'] as { extensions: object }[])[0]).toMatchObject({
      extensions: { code: 'RATE_LIMITED' },
    });
    // Another actor has places of its own.
    expect(await new OpenRequest(await ofTenant()).end(line(9_001))).toMatchObject({ status: 200 });
    expect(await open[0]!.end()).toMatchObject({ status: 200, answer: { recorded: 1_000 } });
    expect(await new OpenRequest(key).end(line(9_002))).toMatchObject({ status: 200 });
    for (const one of open.slice(1)) await one.end();
  });

  test('a stranger is refused before anything is read', async () => {
    expect(await new OpenRequest(undefined).write('{').answered).toMatchObject({ status: 401 });
  });
});

test('a parameter that says neither yes nor no is refused, and nothing is recorded', async () => {
  const key = await ofTenant();
  const wrong = ['enforce=maybe', 'enforce=TRUE', 'enforce=1', 'enforce=', 'enforce', 'enforce=true&enforce=false'];
  for (const query of [...wrong, 'Enforce=true', 'enforced=true', 'tenant=x', 'tenantId=a&tenantId=b', '=x', 'x']) {
    const answer = await send(key, line(1), `?${query}`);
    expect({ query, status: answer.status }).toEqual({ query, status: 400 });
  }
  expect(await used()).toBe('0');
  expect(await send(key, line(1), '?enforce=false&')).toMatchObject({ status: 200, recorded: 1 });
});
