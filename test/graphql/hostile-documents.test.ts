import { request as httpRequest } from 'node:http';
import { errorCodes } from '../../src/graphql/errors';
import { limits } from '../../src/graphql/limits';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { leakIn } from './support/leaks';

let gateway: TestGateway;
/** As in production: strangers learn nothing about the schema. */
let closed: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
  closed = await startTestGateway({ introspection: false, database: gateway.database });
});
afterAll(async () => {
  await closed.stop();
  await gateway.stop();
});

const many = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index)).join(' ');
const nested = (depth: number, open: string, middle: string, close = '}') =>
  open.repeat(depth) + middle + close.repeat(depth);

/** Each fragment spreads the next one twice: 2^count leaves in a few bytes. */
const doubling = (count: number, leaf: string, type = 'Query') =>
  `{ ...f0 } ${many(count, (index) => `fragment f${index} on ${type} { ...f${index + 1} ...f${index + 1} }`)} fragment f${count} on ${type} { ${leaf} }`;

interface Hostile {
  readonly code: string;
  readonly query: string;
  readonly variables?: object;
}

const complex = (query: string, variables?: object): Hostile => ({
  code: 'QUERY_TOO_COMPLEX',
  query,
  ...(variables && { variables }),
});
const invalid = (query: string, variables?: object): Hostile => ({
  code: 'GRAPHQL_VALIDATION_FAILED',
  query,
  ...(variables && { variables }),
});
const syntax = (query: string): Hostile => ({ code: 'GRAPHQL_PARSE_FAILED', query });
const input = (query: string, variables?: object): Hostile => ({
  code: 'BAD_USER_INPUT',
  query,
  ...(variables && { variables }),
});

/** All of these are sent by somebody who may ask, so that nothing is refused for another reason. */
const documents: Readonly<Record<string, Hostile>> = {
  '1,000 aliases': complex(`{ ${many(1_000, (index) => `a${index}: __typename`)} }`),
  '61 aliases': complex(`{ ${many(61, (index) => `a${index}: __typename`)} }`),
  '61 aliases through fragments': complex(
    `{ ${many(20, () => '...f')} } fragment f on Query { a: __typename b: __typename c: __typename d: __typename }`,
  ),
  '1,000 repeats of a field': complex(`{ ${many(1_000, () => '__typename')} }`),
  '500 directives': complex(`{ viewer { role ${many(500, () => '@a')} } }`),
  '61 directives': complex(`{ viewer { role ${many(61, () => '@a')} } }`),
  'depth 50': complex(`{ viewer ${nested(50, '{ partner ', '{ code }')} }`),
  'depth 3,000': complex(nested(3_000, '{ viewer ', '{ role }')),
  '3,000 inline fragments in each other': complex(`{ ${nested(3_000, '... { ', '__typename')} }`),
  'depth hidden in fragments': complex(
    `{ addons { nodes { ...f0 } } } ${many(20, (index) => `fragment f${index} on Addon { requires { ...f${index + 1} } }`)} fragment f20 on Addon { code }`,
  ),
  'circular fragments': complex('{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }'),
  'a fragment in itself': complex('{ ...a } fragment a on Query { ...a }'),
  'circular fragments that nobody spreads': invalid(
    '{ __typename } fragment a on Query { ...b } fragment b on Query { ...a }',
  ),
  'doubling fragments that end nowhere': invalid(doubling(90, '...nowhere')),
  'doubling fragments that end in a field': complex(doubling(90, '__typename')),
  'doubling fragments that end in a page': complex(doubling(90, 'addons(first: 100) { nodes { code } }')),
  'doubling fragments in lists': complex(
    `{ addons { nodes { ...f0 } } } ${many(10, (index) => `fragment f${index} on Addon { requires { ...f${index + 1} ...f${index + 1} } }`)} fragment f10 on Addon { code }`,
  ),
  '20,000 tokens': complex(`{ ${many(20_000, () => 'a')} }`),
  '1,001 tokens': complex(`{ ${many(999, () => 'a')} }`),
  'a thousand validation errors': invalid(`{ ${many(950, (index) => `a${index}`)} }`),
  'fields that conflict in pairs': invalid(
    `{ ${many(29, (index) => `a: viewer { b: ${index % 2 ? 'role' : 'account'} }`)} }`,
  ),
  'first: 99999999': complex('{ addons(first: 99999999) { nodes { code } } }'),
  'first: 99999999, as a variable': complex('query ($n: Int) { addons(first: $n) { nodes { code } } }', {
    n: 99_999_999,
  }),
  'first: 99999999, as a default': complex('query ($n: Int = 99999999) { addons(first: $n) { nodes { code } } }'),
  'first: 99999999 of nothing': input('{ addons(first: 99999999) { totalCount } }'),
  'lists in a page': complex(
    '{ plans(first: 100) { nodes { currentVersion { includedAddons { requires { requires { requires { code } } } } } } } }',
  ),
  'lists in lists': complex(`{ addons { nodes ${nested(6, '{ requires ', '{ code }')} } }`),
  'the schema in itself': complex(`{ __schema { types ${nested(4, '{ fields { type ', '{ name }', '} }')} } }`),
  'the schema five times': complex(`{ ${many(5, (index) => `s${index}: __schema { types { name } }`)} }`),
  '50 mutations behind one fragment': complex(
    `mutation { ...m } fragment m on Mutation { ${many(50, (index) => `a${index}: rebuildEntitlements(input: {}, dryRun: true) { __typename }`)} }`,
  ),
  '21 mutations': complex(
    `mutation { ${many(21, (index) => `a${index}: rebuildEntitlements(input: {}, dryRun: true) { __typename }`)} }`,
  ),
  '@defer': invalid('{ ... @defer { viewer { role } } }'),
  '@stream': invalid('{ addons { nodes @stream { code } } }'),
  'a subscription': invalid('subscription { viewer { role } }'),
  'no operation': invalid('fragment f on Query { __typename }'),
  'only a comment': syntax(`# ${'x'.repeat(1_000)}`),
  'nothing but spaces': syntax('   '),
  'an unclosed bracket': syntax('{ viewer { role }'),
  'a schema definition': invalid('type Query { hacked: String }'),
  'a NUL in the document': syntax('{ viewer { role } } \u0000'),
  'a NUL in a literal': input('{ addon(id: "a\\u0000b") { code } }'),
  'a NUL in a block string': input('{ addon(id: """a\u0000b""") { code } }'),
  'half a surrogate pair in a literal': syntax('{ addon(id: "\\uD800") { code } }'),
  'a list literal 400 deep': invalid(`{ addon(id: ${nested(400, '[', '1', ']')}) { code } }`),
  'an integer of 30,000 digits': invalid(`{ addons(first: ${'9'.repeat(30_000)}) { totalCount } }`),
  'variables 40 deep': input('query ($i: ID!) { addon(id: $i) { code } }', {
    i: JSON.parse(nested(40, '[', '1', ']')),
  }),
  'variables called like members of every object': input(
    'query ($constructor: ID) { tenant(id: $constructor) { name } }',
  ),
  'a variable called __proto__': input(
    'query ($__proto__: ID) { tenant(id: $__proto__) { name } }',
    JSON.parse('{"__proto__": "x"}'),
  ),
  'an object for a string': input('query ($i: ID!) { addon(id: $i) { code } }', { i: { toString: 'x' } }),
  'null for what has a default and may not be null': input(
    'query ($c: String = "x") { validateCoupon(code: $c) { valid } }',
    { c: null },
  ),
  'a variable that is not there': input('query ($i: ID!) { addon(id: $i) { code } }'),
};

interface Raw {
  readonly status: number;
  readonly text: string;
  readonly type: string;
  readonly requestId: string | null;
}

async function send(to: TestGateway, init: RequestInit & { readonly path?: string }): Promise<Raw> {
  const { path = '/graphql', ...rest } = init;
  const response = await fetch(`${to.url}${path}`, rest);
  const text = await response.text();
  return {
    status: response.status,
    text,
    type: response.headers.get('content-type') ?? '',
    requestId: response.headers.get('x-request-id'),
  };
}

const post = (query: unknown, more: object = {}, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify({ query, ...more }),
});

/** The errors of an answer, after everything that holds for each of them was held against it. */
function errorsOf(name: string, raw: Raw): { message: string; code: string }[] {
  expect(`${name}: ${raw.type}`).toBe(`${name}: application/json; charset=utf-8`);
  expect({ name, leak: leakIn(raw.text) }).toEqual({ name, leak: undefined });
  const { errors } = JSON.parse(raw.text) as {
    errors: { message: string; extensions: { code: string; requestId: string } }[];
  };
  expect(`${name}: ${errors.length > 0 && errors.length <= limits.errors}`).toBe(`${name}: true`);
  expect(raw.text.length).toBeLessThan(60_000);
  return errors.map(({ message, extensions: { code, requestId } }) => {
    expect(errorCodes).toContain(code);
    // What a person tells the support: the same id in the answer and in the header.
    expect(`${name}: ${requestId}`).toBe(`${name}: ${raw.requestId}`);
    expect(message.length).toBeLessThan(1_100);
    return { message, code };
  });
}

test.each(Object.entries(documents))(
  '%s: refused before it is carried out, with a code',
  async (name, { code, query, variables }) => {
    const authorization = `Bearer ${await gateway.token('partner-owner')}`;
    const raw = await send(gateway, post(query, { variables }, { authorization }));
    const codes = errorsOf(name, raw).map((error) => error.code);
    expect({ name, codes: [...new Set(codes)], status: raw.status }).toEqual({
      name,
      codes: [code],
      status: raw.status,
    });
    expect([200, 400]).toContain(raw.status);
  },
);

test('all of them at once, ten times over, and a customer beside them is served', async () => {
  const authorization = `Bearer ${await gateway.token('partner-owner')}`;
  const hostile = Array.from({ length: 10 }, () => Object.values(documents)).flat();
  const attack = Promise.all(
    hostile.map(({ query, variables }) => send(gateway, post(query, { variables }, { authorization }))),
  );
  for (let turn = 0; turn < 10; turn += 1) {
    const check = await gateway.get('tenant-admin', '{ entitlementCheck(feature: "api_calls") { allowed } }');
    expect(check).toEqual({ allowed: true });
  }
  expect((await attack).filter(({ status }) => status >= 500)).toEqual([]);
});

test('what is just within the limits is answered', async () => {
  const served = [
    `{ ${many(60, (index) => `a${index}: __typename`)} }`,
    `{ ${many(200, () => '__typename')} }`,
    `# ${'x'.repeat(60_000)}\n{ __typename }`,
    doubling(12, '__typename'),
    `{ ${nested(300, '... { ', '__typename')} }`,
    `{ addons(first: 100) { totalCount nodes { code requires { code } prices { amount { amount currency formatted } } } } }`,
    `mutation { ${many(20, (index) => `a${index}: rebuildEntitlements(input: {}, dryRun: true) { __typename }`)} }`,
  ];
  for (const query of served) {
    const { errors, status } = await gateway.ask('tenant-admin', query);
    expect({ query: query.slice(0, 80), errors, status }).toEqual({
      query: query.slice(0, 80),
      errors: undefined,
      status: 200,
    });
  }
});

test('the introspection of GraphiQL is within the limits', async () => {
  const { getIntrospectionQuery } = await import('graphql');
  const { data, errors } = await gateway.ask('tenant-admin', getIntrospectionQuery());
  expect(errors).toBeUndefined();
  expect(data.__schema.types.length).toBeGreaterThan(100);
});

test('lists in lists that hold more than anybody could foresee end the request, not the gateway', async () => {
  const mutation = `mutation ($input: CreateAddonInput!) { createAddon(input: $input) { __typename } }`;
  const codes: string[] = [];
  // Each needs all before it: three steps down are 30 × 29 × 28 / 6 objects, four are 27,405.
  for (let index = 0; index < 30; index += 1) {
    const prices = [{ interval: 'MONTH', price: { amount: '1', currency: 'USD' } }];
    await gateway.get('other-partner-owner', mutation, {
      input: { code: `dag_${index}`, name: 'Dag', prices, requires: codes },
    });
    codes.push(`dag_${index}`);
  }
  const { data, errors } = await gateway.ask(
    'other-partner-owner',
    '{ addon(id: "dag_29") { requires { requires { requires { requires { requires { code } } } } } } }',
  );
  expect(data).toEqual({ addon: null });
  expect(new Set(errors!.map(({ extensions }) => extensions.code))).toEqual(new Set(['QUERY_TOO_COMPLEX']));
  expect(errors!.length).toBeLessThanOrEqual(limits.errors);
});

test('text that graphql-jit would run as code stays text', async () => {
  // The marker stands in the source of graphql-jit: a literal that begins with it became `new Date(…)` with any code in it.
  const marker = '__MAGIC_DATE__33a9e76d_02e0_4128_8e92_3530ad3da74d';
  const world = globalThis as { taken?: string };
  for (const text of [`${marker}globalThis.taken = 'yes'`, `${marker}globalThis.taken = \`yes\``]) {
    const escaped = text.replace('__MAGIC', '\\u005f\\u005fMAGIC');
    for (const literal of [`"${text}"`, `"${escaped}"`, `"""${text}"""`]) {
      await gateway.ask(null, `{ addon(id: ${literal}) { id } }`);
      await gateway.ask(null, `query ($id: ID = ${literal}) { tenant(id: $id) { id } }`);
      await gateway.ask(null, `{ prorationPreview(input: { plan: ${literal}, coupon: ${literal} }) { __typename } }`);
    }
    await gateway.ask(null, 'query ($id: ID!) { addon(id: $id) { id } }', { id: text });
  }
  expect(world.taken).toBeUndefined();
});

describe('variables', () => {
  const query = 'mutation ($input: RecordUsageBatchInput!) { recordUsageBatch(input: $input) { __typename } }';
  const other = 'query ($x: Decimal) { entitlementCheck(feature: "api_calls", quantity: $x) { allowed } }';
  const ask = async (body: string) => {
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${await gateway.token('tenant-admin')}`,
    };
    const raw = await send(gateway, { method: 'POST', headers, body });
    const { errors, data } = JSON.parse(raw.text);
    return { status: raw.status, code: errors?.[0].extensions.code, data };
  };
  const refused = (status: number, code: string) => ({ status, code, data: undefined });

  test('have at most 2,000 members in one place, 10,000 values in all, 32 in each other', async () => {
    for (const x of [Array(2_001).fill(0), Array(6).fill(Array(2_000).fill(0)), JSON.parse(nested(32, '[', '', ']'))]) {
      expect(await ask(JSON.stringify({ query: other, variables: { x } }))).toEqual(refused(400, 'BAD_USER_INPUT'));
    }
  });

  test('are long for a batch of usage only, whoever asks', async () => {
    const events = Array.from({ length: 900 }, (_, index) => ({
      id: `long-${index}`,
      type: 'nothing',
      x: 'x'.repeat(100),
    }));
    const input = { events };
    expect(await ask(JSON.stringify({ query, variables: { input } }))).toMatchObject({
      ...{ status: 200, data: { recordUsageBatch: { __typename: 'RecordUsageBatchDone' } } },
    });
    expect(await ask(JSON.stringify({ query: other, variables: { input } }))).toEqual(refused(413, 'BAD_REQUEST'));
    // Which of two is meant is not guessed from one of them and done by the other.
    const two = `{"query":${JSON.stringify(query)},"variables":${JSON.stringify({ input })},"query":${JSON.stringify(other)}}`;
    expect(await ask(two)).toEqual(refused(413, 'BAD_REQUEST'));
    expect(await ask(`{"variables":${JSON.stringify({ input })}}`)).toEqual(refused(400, 'BAD_REQUEST'));
    expect(await ask(`{"query":${JSON.stringify(query)},"variables":${JSON.stringify({ input })}`)).toEqual(
      refused(400, 'BAD_REQUEST'),
    );
  });
});

describe('the envelope', () => {
  const query = '{ __typename }';
  const json = JSON.stringify({ query });
  const type = (value: string, body: string = json): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': value },
    body,
  });
  const body = (value: string): RequestInit => type('application/json', value);

  const envelopes: Readonly<Record<string, readonly [number, RequestInit & { readonly path?: string }]>> = {
    'a batch': [400, body(`[${json}, ${json}]`)],
    'an empty batch': [400, body('[]')],
    'a GET': [405, { method: 'GET', path: `/graphql?query=${encodeURIComponent(query)}` }],
    'a mutation by GET': [
      405,
      {
        method: 'GET',
        path: `/graphql?query=${encodeURIComponent('mutation { rebuildEntitlements(input: {}) { __typename } }')}`,
      },
    ],
    'a GET that says it is JSON': [
      405,
      { method: 'GET', path: `/graphql?query=${query}`, headers: { 'content-type': 'application/json' } },
    ],
    'a PUT': [405, { ...body(json), method: 'PUT' }],
    'a DELETE': [405, { method: 'DELETE' }],
    'a PATCH': [405, { ...body(json), method: 'PATCH' }],
    'a form': [415, type('application/x-www-form-urlencoded', `query=${encodeURIComponent(query)}`)],
    'plain text': [415, type('text/plain')],
    'plain text that says charset': [415, type('text/plain; charset=utf-8')],
    multipart: [
      415,
      type(
        'multipart/form-data; boundary=x',
        `--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n${json}\r\n--x--`,
      ),
    ],
    'a JSON-like type': [415, type('application/jsonp')],
    'a graphql type': [415, type('application/graphql', query)],
    'a type that is none': [415, type('nonsense')],
    'UTF-16': [415, type('application/json; charset=utf-16')],
    'UTF-7': [415, type('application/json;charset="utf-7"')],
    'ISO 8859-1': [415, type('application/json; charset=iso-8859-1')],
    'two charsets': [415, type('application/json; charset=utf-8; charset=utf-16')],
    'not JSON': [400, body('{ "query": ')],
    'an empty body': [400, body('')],
    'a JSON null': [400, body('null')],
    'a JSON number': [400, body('1e400')],
    'a JSON text': [400, body('"query"')],
    'JSON 30,000 deep': [400, body(nested(30_000, '[', '', ']'))],
    'a query that is a number': [400, body('{"query": 1}')],
    'a query that is empty': [400, body('{"query": ""}')],
    'a query that is a list': [400, body('{"query": ["{ __typename }"]}')],
    'variables that are a list': [400, body('{"query": "{ __typename }", "variables": []}')],
    'variables that are text': [400, body('{"query": "{ __typename }", "variables": "{}"}')],
    'an operation name that is an object': [400, body('{"query": "{ __typename }", "operationName": {}}')],
    '70 KB': [413, body(JSON.stringify({ query, variables: { x: 'x'.repeat(70_000) } }))],
    'a megabyte of text in a variable': [413, body(JSON.stringify({ query, variables: { x: 'x'.repeat(1_000_000) } }))],
    '100 KB of inline fragments': [413, body(JSON.stringify({ query: `{ ${many(14_000, () => '...{a}')} }` }))],
    '60 KB of inline fragments': [400, body(JSON.stringify({ query: `{ ${many(7_500, () => '...{a}')} }` }))],
    'a persisted query': [400, body('{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}}')],
    'packed by gzip': [
      400,
      { ...body('\u001f\u008b\u0008'), headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } },
    ],
  };

  test.each(Object.entries(envelopes))('%s: refused as JSON', async (name, [status, init]) => {
    const raw = await send(gateway, init);
    const [error] = errorsOf(name, raw);
    expect({ name, status: raw.status, code: error!.code }).toEqual({
      name,
      status,
      code: name === '60 KB of inline fragments' ? 'QUERY_TOO_COMPLEX' : 'BAD_REQUEST',
    });
  });

  test('UTF-8 may be said in every way that the standard allows', async () => {
    for (const value of [
      'application/json',
      'application/json; charset=utf-8',
      'application/json;charset="UTF-8"',
      'Application/JSON; Charset=UTF8',
    ]) {
      const raw = await send(gateway, type(value));
      expect({ value, status: raw.status, text: raw.text }).toEqual({
        value,
        status: 200,
        text: expect.stringContaining('"Query"'),
      });
    }
  });

  test('a body without a type is not guessed', async () => {
    const answer = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const request = httpRequest(`${gateway.url}/graphql`, { method: 'POST' }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode!, text }));
      });
      request.on('error', reject);
      request.end(json);
    });
    expect(answer.status).toBe(415);
    expect(JSON.parse(answer.text).errors[0].extensions.code).toBe('BAD_REQUEST');
  });

  test('a hash beside a query changes nothing and keeps nothing', async () => {
    const extensions = { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } };
    const raw = await send(gateway, post(query, { extensions }));
    expect(JSON.parse(raw.text).data).toEqual({ __typename: 'Query' });
    const again = await send(gateway, post(undefined, { extensions }));
    expect(again.status).toBe(400);
  });

  test('which operation is meant is never guessed', async () => {
    const two =
      'query A { viewer { role } } mutation B { rebuildEntitlements(input: {}, dryRun: true) { __typename } }';
    const authorization = `Bearer ${await gateway.token('tenant-admin')}`;
    const named = async (operationName: unknown, text = two) =>
      JSON.parse((await send(gateway, post(text, { operationName }, { authorization }))).text);
    expect((await named('A')).data).toEqual({ viewer: { role: 'ADMIN' } });
    expect((await named('B')).data).toEqual({ rebuildEntitlements: { __typename: 'RebuildEntitlementsDone' } });
    // The compiled form of one operation is not taken for another of the same document.
    expect((await named('A')).data).toEqual({ viewer: { role: 'ADMIN' } });
    for (const none of [undefined, null, 'C', 'a', '__proto__', 'constructor', 'x'.repeat(10_000)]) {
      const { errors, data } = await named(none);
      expect(data).toBeUndefined();
      expect(errors[0].extensions.code).toBe('OPERATION_RESOLUTION_FAILURE');
      expect(errors[0].message.length).toBeLessThan(1_100);
    }
    const clash = await named('A', 'query A { viewer { role } } query A { viewer { account } }');
    expect(clash.errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });
});

describe('in production', () => {
  const enumOf = (kind: 'query' | 'mutation') =>
    kind === 'query'
      ? 'query ($status: CatalogStatus) { addons(status: $status) { nodes { code } } }'
      : 'mutation ($input: UpdateAddonInput!) { updateAddon(input: $input, dryRun: true) { __typename } }';

  const curious: Readonly<Record<string, readonly [string, object?]>> = {
    'the schema': ['{ __schema { types { name } } }'],
    'a type': ['{ __type(name: "Query") { fields { name } } }'],
    'the schema through a fragment': ['{ ...f } fragment f on Query { __schema { queryType { name } } }'],
    'a field that is nearly right': ['{ addon(id: "x") { codee } }'],
    'a root field that is nearly right': ['{ addonz { nodes { code } } }'],
    'an argument that is nearly right': ['{ addon(idd: "x") { code } }'],
    'a type that is nearly right': ['query ($x: CreateAddonInpu!) { addon(id: $x) { code } }'],
    'a fragment on a type that is nearly right': ['{ node(id: "x") { ... on Addonn { code } } }'],
    'an enum that is nearly right': ['{ addons(status: ACTIV) { nodes { code } } }'],
    'a member of an input that is nearly right': ['mutation { createAddon(input: { cod: "x" }) { __typename } }'],
    'an enum in a variable of a query': [enumOf('query'), { status: 'ACTIV' }],
    'an enum in a variable of a mutation': [enumOf('mutation'), { input: { addon: 'x', status: 'ACTIV' } }],
    'a member in a variable of a mutation': [enumOf('mutation'), { input: { addon: 'x', statu: 'ACTIVE' } }],
  };

  test.each(Object.entries(curious))('%s is not told to strangers', async (name, [query, variables]) => {
    const raw = await send(closed, post(query, { variables }));
    for (const { message, code } of errorsOf(name, raw)) {
      expect({ name, message, suggests: /did you mean/i.test(message) }).toEqual({ name, message, suggests: false });
      expect(['GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT']).toContain(code);
    }
    expect(raw.text).not.toMatch(/"data":\{/);
  });

  test('where the schema is open, mistakes are met with suggestions', async () => {
    const { errors } = await gateway.ask(null, '{ addon(id: "x") { codee } }');
    expect(errors![0]!.message).toMatch(/did you mean/i);
  });
});
