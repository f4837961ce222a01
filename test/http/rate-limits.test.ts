import { Client } from 'pg';
import type { DemoIdentity } from '../../src/seed/identities';
import { createDatabase, type TestDatabase } from '../support/database';
import { startTestGateway, type TestGateway } from '../support/gateway';

let database: TestDatabase;
/** Two processes on one database; a point a second, and 600 of them saved up. */
let here: TestGateway;
let there: TestGateway;
let invoiceId: string;
const rates = { actor: 1, account: 20, burstSeconds: 600, documents: 3, couponCodes: 10 };
beforeAll(async () => {
  database = await createDatabase('demo');
  here = await startTestGateway({ database, rates });
  there = await startTestGateway({ database, rates });
  const { nodes } = await here.get('other-partner-tenant-admin', '{ invoices(last: 1) { nodes { id } } }');
  invoiceId = nodes[0].id;
});
afterAll(async () => {
  await here.stop();
  await there.stop();
  await database.drop();
});

const small = '{ viewer { role } }';
/** More than 1,000 points: three lists of 100 add-ons with some fields each. */
const list = 'addons(first: 100) { nodes { id code name } }';
const large = `{ a: ${list} b: ${list} c: ${list} }`;
const codeOf = (answer: { errors?: readonly { extensions: { code: string } }[] | undefined }) =>
  answer.errors?.[0]?.extensions.code ?? 'DATA';

/** Until it is refused: each process lets a part of a budget in before it has heard that there is none. */
async function untilRefused<T>(ask: () => Promise<T>, isRefused: (answer: T) => boolean): Promise<T> {
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await ask();
    if (isRefused(answer)) return answer;
  }
  throw new Error('never refused');
}

async function post(gateway: TestGateway, who: DemoIdentity, path: string, body: string | undefined, type: string) {
  const authorization = `Bearer ${await gateway.token(who)}`;
  return fetch(`${gateway.url}${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body }),
    headers: { authorization, ...(body === undefined ? {} : { 'content-type': type }) },
  });
}

test('an answer says what it cost and about how much is left', async () => {
  const { extensions } = (await here.ask('partner-viewer', small)) as unknown as {
    extensions: { cost: { requested: number; limit: number; left: number } };
  };
  expect(extensions.cost).toEqual({ requested: 2, limit: 50_000, left: 598 });
});

test('who has used up its points in one process is refused in the other, on every route, and says when to come back', async () => {
  expect(codeOf(await here.ask('tenant-admin', large))).toBe('DATA');
  const query = await untilRefused(
    () => there.ask('tenant-admin', small),
    (answer) => codeOf(answer) === 'RATE_LIMITED',
  );
  expect(query.status).toBe(429);
  const body = JSON.stringify({ query: small });
  const response = await post(here, 'tenant-admin', '/graphql', body, 'application/json');
  const { errors, extensions } = (await response.json()) as { errors: { extensions: object }[]; extensions: object };
  expect(response.status).toBe(429);
  const retryAfter = Number(response.headers.get('retry-after'));
  expect(retryAfter).toBeGreaterThan(0);
  expect(errors[0]!.extensions).toMatchObject({ code: 'RATE_LIMITED', retryAfterSeconds: retryAfter });
  expect(extensions).toMatchObject({ cost: { requested: 2, left: 0 } });

  const usage = await post(
    there,
    'tenant-admin',
    '/v1/usage',
    '{"id":"1","type":"api_calls"}\n',
    'application/x-ndjson',
  );
  expect([usage.status, Number(usage.headers.get('retry-after')) > 0]).toEqual([429, true]);
  expect(await usage.json()).toMatchObject({ errors: [{ extensions: { code: 'RATE_LIMITED' } }], recorded: 0 });

  // A colleague has points of its own, and another tenant has.
  expect(codeOf(await there.ask('tenant-member', small))).toBe('DATA');
  expect(codeOf(await here.ask('other-tenant-admin', small))).toBe('DATA');
});

test('a write costs more than its fields, and is refused by an answer with a code', async () => {
  const rebuild =
    'mutation { rebuildEntitlements(input: {}) { __typename ... on Refused { code retryable facts { name } } } }';
  const refused = await untilRefused(
    () => here.ask('other-tenant-admin', rebuild),
    ({ data }) => data?.rebuildEntitlements.__typename === 'Refused' || data === undefined,
  );
  // The document of 5 fields is paid for before its write, so either may be what is too much.
  if (refused.data) {
    expect(refused.data.rebuildEntitlements).toEqual({
      ...{ __typename: 'Refused', code: 'RATE_LIMITED', retryable: true },
      facts: [{ name: 'retryAfterSeconds' }],
    });
  } else expect(codeOf(refused)).toBe('RATE_LIMITED');
});

test('all people of a tenant share what the tenant has, beside what each has', async () => {
  const shared = await startTestGateway({ database, rates: { ...rates, actor: 0, account: 1 } });
  try {
    expect(codeOf(await shared.ask('tenant-admin', large))).toBe('DATA');
    await untilRefused(
      () => shared.ask('tenant-member', small),
      (answer) => codeOf(answer) === 'RATE_LIMITED',
    );
    expect(codeOf(await shared.ask('other-partner-tenant-admin', small))).toBe('DATA');
  } finally {
    await shared.stop();
  }
});

test('coupon codes that are tried in both processes are counted together', async () => {
  const started = Date.now();
  const tenant = await here.idOf('globex');
  const guess = 'query ($code: String!, $tenant: ID!) { validateCoupon(code: $code, tenantId: $tenant) { valid } }';
  const answers = await Promise.all(
    Array.from({ length: 24 }, (_, n) =>
      (n % 2 ? here : there).ask('partner-owner', guess, { code: `GUESS${n}`, tenant }),
    ),
  );
  const passed = answers.filter((answer) => codeOf(answer) === 'DATA').length;
  expect(passed).toBeGreaterThanOrEqual(10);
  // Ten a minute come back while this goes on.
  expect(passed).toBeLessThanOrEqual(10 + Math.ceil(((Date.now() - started) / 60_000) * 10));
  const refused = answers.filter((answer) => codeOf(answer) === 'RATE_LIMITED');
  expect(refused).toHaveLength(24 - passed);
});

test('documents are counted for an actor in both processes', async () => {
  const statuses: number[] = [];
  const started = Date.now();
  for (let n = 0; n < 8; n += 1) {
    const answer = await post(n % 2 ? here : there, 'other-partner-owner', `/invoices/${invoiceId}.csv`, undefined, '');
    await answer.arrayBuffer();
    statuses.push(answer.status);
    if (answer.status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  const passed = statuses.filter((status) => status === 200).length;
  expect(statuses.slice(0, 3)).toEqual([200, 200, 200]);
  expect(passed).toBeLessThanOrEqual(3 + Math.ceil(((Date.now() - started) / 60_000) * 3));
});

test('fifty that take at once get what there is, and no more; a table that only the function reaches', async () => {
  const take = async (client: Client, backwards: boolean) => {
    const values = [
      ['b', 'a', 'c'],
      [0, 0, 0],
      [1, 1, 1],
      [0, 0, 0],
      [20, 100, 1],
    ];
    // In any order: they take the rows in the same one.
    if (backwards) for (const list of values) list.reverse();
    const { rows } = await client.query('select * from app.take_budgets($1, $2, $3, $4, $5)', values);
    const granted = rows.toSorted((one, two) => one.place - two.place).map((row): number => row.granted);
    return backwards ? granted.toReversed() : granted;
  };
  const granted = await Promise.all(
    Array.from({ length: 10 }, async (_, n) => {
      const client = new Client({ connectionString: database.appUrl });
      await client.connect();
      const taken: number[][] = [];
      for (let round = 0; round < 5; round += 1) taken.push(await take(client, n % 2 === 1));
      await expect(client.query('select * from request_budgets')).rejects.toThrow('permission denied');
      await client.end();
      return taken;
    }),
  );
  const sums = granted.flat().reduce((all, row) => all.map((one, place) => one + row[place]!));
  expect(sums).toEqual([20, 50, 1]);
});
