import fc from 'fast-check';
import { isStorable } from '../../src/core/text';
import { readEventData } from '../../src/usage/event-data';
import { happened, isProblem, readUsageEvent } from '../../src/usage/usage-event';
import { seed } from '../support/arbitraries';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';

const now = '2026-03-10T12:00:00Z';
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
const event = (members: string, id = '"bad"') => `{"id":${id},"type":"calls",${members}}`;

/** Each as it is sent: what JSON allows and no client library writes. */
const hostile: Readonly<Record<string, string>> = {
  'data 30,000 deep': event(`"data":${nested(30_000)}`),
  'data 33 deep': event(`"data":${nested(33)}`),
  'lists 30,000 deep': event(`"data":{"x":${'['.repeat(30_000)}${']'.repeat(30_000)}}`),
  'data that is a list': event('"data":[1]'),
  'data that is text': event('"data":"{}"'),
  'data of 5,000 empty lists': event(`"data":{"x":[${Array(5_000).fill('[]').join(',')}]}`),
  'data of one long text': event(`"data":{"x":"${'x'.repeat(8_192)}"}`),
  'data with NUL': event('"data":{"x":"\\u0000"}'),
  'data with half a surrogate pair': event('"data":{"x":"\\ud800"}'),
  'a key with NUL': event('"data":{"\\u0000":1}'),
  'a key with half a surrogate pair': event('"data":{"deep":{"\\udc00":1}}'),
  'a number beyond all bounds in data': event('"data":{"x":1e400}'),
  'a number of 19 digits in data': event('"data":{"x":1234567890123456789}'),
  'datacontenttype that is an object': event('"data":{},"datacontenttype":{"toString":1}'),
  'datacontenttype that is a list of itself': event('"data":{},"datacontenttype":["application/json"]'),
  'datacontenttype that is an object, without data': event('"datacontenttype":{"toString":1}'),
  'datacontenttype that is no JSON': event('"data":{},"datacontenttype":"text/xml"'),
  'specversion that is a number': event('"specversion":1.0'),
  'specversion that is an object': event('"specversion":{"valueOf":null}'),
  'specversion of another time': event('"specversion":"0.3"'),
  'an id that is a number': event('"quantity":"1"', '1'),
  'an id that is an object': event('"quantity":"1"', '{"length":3}'),
  'an id that is null': event('"quantity":"1"', 'null'),
  'an id with NUL': event('"quantity":"1"', '"a\\u0000b"'),
  'an id with half a surrogate pair': event('"quantity":"1"', '"a\\ud83d"'),
  'an id of 60,000 characters': event('"quantity":"1"', `"${'x'.repeat(60_000)}"`),
  'an id that ends as null': '{"id":"x","type":"calls","id":null}',
  'a type that is true': '{"id":"bad","type":true}',
  'a type that is a list': '{"id":"bad","type":["calls"]}',
  'a type with a line break': '{"id":"bad","type":"calls\\n"}',
  'no type': '{"id":"bad"}',
  'a source that is a number': event('"source":7'),
  'a source with half a surrogate pair': event('"source":"\\udfff"'),
  'an empty source': event('"source":""'),
  'a subject that is an object': event('"subject":{}'),
  'a subject with NUL': event('"subject":"\\u0000"'),
  'a time that is a number': event('"time":1767225600000'),
  'a time that is an object': event('"time":{"toISOString":1}'),
  'a time of hour 24': event('"time":"2026-03-01T24:00:00Z"'),
  'a time of second 60': event('"time":"2016-12-31T23:59:60Z"'),
  'the 30th of February': event('"time":"2026-02-30T00:00:00Z"'),
  'month 13': event('"time":"2025-13-01T00:00:00.000Z"'),
  'year 0': event('"time":"0000-01-01T00:00:00Z"'),
  'a moment before 1970': event('"time":"1969-12-31T23:59:59.999Z"'),
  'before 1970 by its offset': event('"time":"1970-01-01T00:00:00+01:00"'),
  'a year of six digits': event('"time":"+275760-09-13T00:00:00Z"'),
  'a time of 60,000 digits': event(`"time":"2026-03-01T00:00:00.${'0'.repeat(60_000)}Z"`),
  'a quantity beyond all bounds': event('"quantity":1e400'),
  'a quantity of 1e21': event('"quantity":1e21'),
  'a quantity of 20 digits': event('"quantity":12345678901234567890'),
  // 123456789012.1234567 is 123456789012.12346 by the time that anybody has read it.
  'a quantity that was rounded': event('"quantity":123456789012.1234567'),
  'a quantity below zero': event('"quantity":-1'),
  'a quantity of minus nothing as text': event('"quantity":"-0"'),
  'a quantity that is an object': event('"quantity":{"$decimal":"5"}'),
  'a quantity that is true': event('"quantity":true'),
  'a quantity of 60,000 digits': event(`"quantity":"${'9'.repeat(60_000)}"`),
  'a quantity with NUL': event('"quantity":"1\\u0000"'),
  'no event but text': '"calls"',
  'no event but a number': '1e400',
  'no event but a list': '[[],[]]',
  'no event but false': 'false',
};

/** What looks odd and is an event all the same. */
const odd: Readonly<Record<string, string>> = {
  'a prototype as a member': '{"id":"odd-1","type":"calls","__proto__":{"quantity":"100"},"quantity":"1"}',
  'a prototype in its data':
    '{"id":"odd-2","type":"calls","data":{"__proto__":{"x":1},"constructor":1,"hasOwnProperty":2}}',
  'a constructor and a code': '{"id":"odd-3","type":"calls","constructor":{"name":1},"code":"INVALID_EVENT"}',
  // JSON keeps the last of two.
  'a quantity twice': '{"id":"odd-4","type":"calls","quantity":"100","quantity":"1"}',
  'an attribute 20,000 deep that says nothing here': `{"id":"odd-5","type":"calls","extension":${nested(10_000)}}`,
  'every attribute null':
    '{"id":"odd-6","type":"calls","source":null,"subject":null,"time":null,"quantity":null,"data":null}',
  'backslashes that look like escapes': '{"id":"odd-7","type":"calls","data":{"path":"C:\\\\udev\\\\u0000"}}',
  'the first moment of 1970': '{"id":"odd-8","type":"calls","time":"1970-01-01T00:00:00Z"}',
  'letters of every plane': '{"id":"odd-9 \\ud83d\\ude00 ł","type":"calls","subject":"\\u2028"}',
};

let gateway: TestGateway;
let world: World;
let tenant: TenantOfWorld;
let token: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  world = await World.create(gateway);
  await world.feature('calls');
  token = await gateway.token('super-admin');
});
beforeEach(async () => {
  tenant = await world.tenant(now);
});
afterAll(() => gateway.stop());

async function post(path: string, type: string, body: string) {
  const response = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': type, authorization: `Bearer ${token}` },
    body,
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever they asked for.
  return { status: response.status, answer: (await response.json()) as any };
}

interface Rejected {
  readonly place: number;
  readonly code: string;
}
interface Outcome {
  readonly recorded: number;
  readonly rejected: readonly Rejected[];
}

async function byLine(events: readonly string[]): Promise<Outcome> {
  const { status, answer } = await post(`/v1/usage?tenantId=${tenant.id}`, 'application/x-ndjson', events.join('\n'));
  expect({ status, answer }).toMatchObject({ status: 200 });
  const { recorded, problems } = answer as { recorded: number; problems: { line: number; code: string }[] };
  return { recorded, rejected: problems.map(({ line, code }) => ({ place: line - 1, code })) };
}

async function byBatch(events: readonly string[], options = ''): Promise<Outcome> {
  const query = `mutation ($input: RecordUsageBatchInput!) { recordUsageBatch(input: $input${options}) {
    ... on RecordUsageBatchDone { recorded rejected { index code } } ... on Refused { code message } } }`;
  // Written by hand: what is hostile must arrive as it is.
  const body = `{"query":${JSON.stringify(query)},"variables":{"input":{"tenantId":"${tenant.id}","events":[${events.join(',')}]}}}`;
  const { status, answer } = await post('/graphql', 'application/json', body);
  expect({ status, errors: answer.errors }).toEqual({ status: 200, errors: undefined });
  const { recorded, rejected } = answer.data.recordUsageBatch;
  return {
    recorded,
    rejected: rejected.map(({ index, code }: { index: number; code: string }) => ({ place: index, code })),
  };
}

const good = (id: string) => JSON.stringify({ id, type: 'calls' });
/** Each between two that are good. */
const between = (events: readonly string[]) => events.flatMap((one, index) => [one, good(`good-${index}`)]);
const events = between(Object.values(hostile));
const expected: Outcome = {
  recorded: Object.keys(hostile).length,
  rejected: Object.keys(hostile).map((_name, index) => ({ place: 2 * index, code: 'INVALID_EVENT' })),
};
const rowsOf = async () => {
  const [row] = await gateway.database.asOwner<{ count: number }>(
    `select count(*)::integer as count from usage_events where event_id like 'good-%'
     and tenant_id = (select id from tenants order by id desc limit 1)`,
  );
  return row!.count;
};

describe.each([
  ['by the line', byLine],
  ['in a batch', byBatch],
] as const)('%s', (_way, send) => {
  test('each hostile event is refused by its place, and all others are recorded', async () => {
    expect(await send(events)).toEqual(expected);
    expect(await rowsOf()).toBe(expected.recorded);
    // What was refused is refused again, and the others are known.
    expect(await send(events)).toEqual({ ...expected, recorded: 0 });
  });

  test('what only looks odd counts once', async () => {
    expect(await send(Object.values(odd))).toEqual({ recorded: Object.keys(odd).length, rejected: [] });
    const [row] = await gateway.database.asOwner<{ sum: string }>(
      `select sum(coalesce(quantity, 1))::text as sum from usage_events where event_id like 'odd-%'
       and tenant_id = (select id from tenants order by id desc limit 1)`,
    );
    // 9 × 1: neither the hundred of a prototype nor the first of two.
    expect(Number(row!.sum)).toBe(9);
  });
});

test('a batch with a key is answered again as it was, whatever is in it', async () => {
  const send = () => byBatch(events, ', idempotencyKey: "hostile"');
  expect(await send()).toEqual(expected);
  expect(await send()).toEqual(expected);
});

test('all or none: the place of the first bad one is named', async () => {
  const refused = await world.act(
    'recordUsageBatch',
    { tenantId: tenant.id, events: [{ id: 'a', type: 'calls' }, 'calls', { id: 'b' }], atomic: true },
    'recorded',
  );
  expect(refused).toMatchObject({ code: 'BATCH_REJECTED', path: ['input', 'events', '1'] });
});

describe('reading an event', () => {
  const at = Date.parse(now);

  test('never throws, whatever JSON is sent, and keeps only what PostgreSQL can keep', () => {
    const names = ['id', 'type', 'source', 'subject', 'time', 'quantity', 'data', 'specversion', 'datacontenttype'];
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.string({ unit: 'binary', maxLength: 4 }),
      fc.double(),
      fc.constantFrom(
        'calls',
        '1.0',
        now,
        'application/json',
        Number.POSITIVE_INFINITY,
        {},
        { x: '\ud800' },
        { toString: 1 },
        'x'.repeat(9_000),
      ),
    );
    const sent = fc.oneof(
      value,
      fc.dictionary(fc.constantFrom(...names, '__proto__'), value),
      fc.record({
        id: fc.string({ unit: 'binary', maxLength: 4 }),
        type: fc.constant('calls'),
        data: fc.dictionary(fc.string({ unit: 'binary', maxLength: 2 }), value),
      }),
    );
    fc.assert(
      fc.property(sent, (raw) => {
        const read = readUsageEvent(raw);
        const event = isProblem(read) ? read : happened(read, at);
        if (isProblem(event)) return isStorable(read.id ?? '');
        const texts = [event.id, event.source, event.type, event.subject ?? '', event.dataText ?? ''];
        return (
          texts.every(isStorable) && JSON.stringify(JSON.parse(event.dataText ?? 'null')) === (event.dataText ?? 'null')
        );
      }),
      { seed, numRuns: 10_000 },
    );
  });

  test('looks at no more of it than may be kept', () => {
    let looked = 0;
    const watched = new Proxy([], {
      get: (_list, name) => {
        if (name === Symbol.iterator) {
          return function* () {
            for (; looked < 1_000_000; looked += 1) yield 0;
          };
        }
        return undefined;
      },
    });
    expect(readEventData({ watched })).toMatch(/at most 8192/);
    expect(looked).toBeLessThan(8_200);
  });
});
