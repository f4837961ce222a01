import { Client } from 'pg';
import { type Answer, startTestGateway, type TestGateway } from '../support/gateway';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ poolSize: 20 });
});
afterAll(() => gateway.stop());

/** Until it holds: what is waited for is another process's doing, so that there is no event. */
async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; !(await what()); tries += 1) {
    if (tries > 1_000) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Holds the tenants' rows, as a long transaction of theirs would; answers how to let them go. */
async function lock(where: string): Promise<() => Promise<void>> {
  const holder = new Client({ connectionString: gateway.database.ownerUrl });
  await holder.connect();
  await holder.query('begin');
  await holder.query(`select 1 from tenants where ${where} for update`);
  return async () => {
    await holder.query('rollback');
    await holder.end();
  };
}

/** Connections of requests that are held by a transaction. */
async function held(): Promise<number> {
  const [row] = await gateway.database.asOwner<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
      where application_name = 'tollgate-test' and datname = current_database() and state <> 'idle'`,
  );
  return row!.count;
}

let serial = 0;
const changePlan = `mutation ($input: PlanChangeInput!, $key: String!) { changePlan(input: $input, idempotencyKey: $key) {
  __typename ... on Refused { code retryable facts { name value } } } }`;
const change = (input: object = {}, who: Parameters<TestGateway['ask']>[0] = 'tenant-admin') => {
  serial += 1;
  return gateway.ask(who, changePlan, {
    input: { plan: serial % 2 ? 'pro' : 'starter', ...input },
    key: `neighbours-${serial}`,
  });
};
const many = (count: number, work: (n: number) => Promise<Answer>) => Array.from({ length: count }, (_, n) => work(n));
const rebuild =
  'mutation ($id: ID) { rebuildEntitlements(input: { tenantId: $id }) { __typename ... on Refused { code } } }';
const invoices = '{ invoices(first: 5) { nodes { number lines { description } } } }';
const waiting = () => gateway.app.admission.transactions.state().waiting;

test('sixty writes of a tenant that wait for its lock: others read and write meanwhile, over connections that are free', async () => {
  const release = await lock(`external_id = 'globex'`);
  let answered = 0;
  const writes = [...many(10, () => change()), ...many(50, () => gateway.ask('tenant-admin', rebuild))].map((asked) =>
    asked.finally(() => (answered += 1)),
  );
  // 20 connections: 16 places, 10 of them for writes, of which a tenant has a quarter: 2.
  await until(() => waiting() === 58);
  await until(async () => (await held()) === 2);

  const others = await Promise.all([
    gateway.ask('other-tenant-admin', invoices),
    gateway.ask('other-tenant-admin', rebuild),
    gateway.ask('other-partner-tenant-admin', invoices),
    gateway.ask('other-partner-tenant-admin', rebuild),
    gateway.ask('partner-owner', '{ tenants(first: 5) { nodes { name } } }'),
    // Its own reads do not wait for its writes either.
    gateway.ask('tenant-admin', invoices),
    gateway.ask('tenant-member', '{ entitlementCheck(feature: "api_calls") { allowed } }'),
  ]);
  for (const { errors, data } of others) {
    expect(errors).toBeUndefined();
    expect(JSON.stringify(data)).not.toContain('Refused');
  }
  expect(answered).toBe(0);
  expect(await held()).toBe(2);

  await release();
  const outcomes = (await Promise.all(writes)).map(({ data }) => {
    const [outcome] = Object.values(data) as { __typename: string; code?: string }[];
    return outcome!.code ?? outcome!.__typename;
  });
  // On a slow machine the last ones wait for longer than they may: that is an answer, too.
  const expected = ['ChangePlanDone', 'NO_CHANGE', 'RebuildEntitlementsDone', 'BUSY'];
  expect(outcomes.filter((outcome) => !expected.includes(outcome))).toEqual([]);
  expect(outcomes).toContain('ChangePlanDone');
  expect(gateway.app.admission.transactions.state()).toEqual({ busy: 0, waiting: 0 });
});

test('what is too much to wait is refused at once, and says when to come back; who hangs up makes room', async () => {
  const release = await lock(`external_id = 'globex'`);
  const bearer = await gateway.token('tenant-admin');
  const hangUp = new AbortController();
  const send = () =>
    fetch(`${gateway.url}/graphql`, {
      ...{ method: 'POST', signal: hangUp.signal },
      headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
      body: JSON.stringify({ query: rebuild, variables: {} }),
    }).then(
      () => 'answered',
      () => 'hung up',
    );
  // 2 at it, 250 that wait.
  const crowd = Array.from({ length: 252 }, send);
  await until(() => waiting() === 250);
  const { data, status } = await change();
  expect([status, data.changePlan]).toEqual([
    200,
    { __typename: 'Refused', code: 'BUSY', retryable: true, facts: [{ name: 'retryAfterSeconds', value: '2' }] },
  ]);
  const other = await gateway.ask('other-tenant-admin', rebuild);
  expect(other.data.rebuildEntitlements.__typename).toBe('RebuildEntitlementsDone');

  hangUp.abort();
  expect(new Set(await Promise.all(crowd))).toEqual(new Set(['hung up']));
  await until(() => waiting() === 0);
  await release();
  await until(() => gateway.app.admission.transactions.state().busy === 0);
  expect((await gateway.ask('tenant-admin', rebuild)).data.rebuildEntitlements.__typename).toBe(
    'RebuildEntitlementsDone',
  );
});

test('a partner whose tenants are all locked does not take the places of another partner', async () => {
  const made = await Promise.all(
    many(12, (n) =>
      gateway.ask(
        'partner-owner',
        'mutation ($input: CreateTenantInput!) { createTenant(input: $input) { ... on CreateTenantDone { tenant { id } } } }',
        { input: { name: `Locked ${n}`, currency: 'EUR' } },
      ),
    ),
  );
  const ids: string[] = made.map(({ data }) => data.createTenant.tenant.id);
  const release = await lock(`name like 'Locked %'`);
  const writes = [
    ...ids.map((id) => gateway.ask('partner-owner', rebuild, { id })),
    ...ids.map((id) => gateway.ask('super-admin', rebuild, { id })),
  ];
  // Of 10 places for writes one actor has two fifths: 4 of the owner's. The super admin belongs to no partner and has its own.
  await until(() => waiting() === writes.length - 8);
  const reads = await Promise.all([
    gateway.ask('other-partner-owner', '{ tenants(first: 5) { nodes { name } } }'),
    gateway.ask('partner-owner', '{ tenants(first: 5) { nodes { name } } }'),
  ]);
  for (const { errors } of reads) expect(errors).toBeUndefined();
  await release();
  for (const { data } of await Promise.all(writes)) expect(data.rebuildEntitlements.__typename).not.toBe('Refused');
});

test('a dry run gives its place back when its answer has been read', async () => {
  const dry = `mutation { rebuildEntitlements(input: {}, dryRun: true) { __typename } }`;
  await Promise.all(many(12, () => gateway.ask('tenant-admin', dry)));
  expect(gateway.app.admission.transactions.state()).toEqual({ busy: 0, waiting: 0 });
});

describe('requests that ask for much', () => {
  const list = 'addons(first: 100) { nodes { id code name } }';
  /** Some 1,200 points: more than is answered without a turn. */
  const dear = `{ a: ${list} b: ${list} c: ${list} }`;
  const actorOf = async (who: 'tenant-admin') => {
    const authentication = await gateway.app.authenticate(`Bearer ${await gateway.token(who)}`, undefined);
    if (authentication.outcome !== 'ACTOR') throw new Error(authentication.outcome);
    return authentication.actor;
  };

  test('of one actor are worked on one after the other; what is light, and what others ask, does not wait for them', async () => {
    const { heavy } = gateway.app.admission;
    const leave = await gateway.app.admission.work(await actorOf('tenant-admin'));
    let answered = 0;
    const events = Array.from({ length: 700 }, (_, n) => ({
      ...{ id: `long-${n}`, type: 'api_calls', time: new Date(Date.now() - 60_000).toISOString() },
      data: { note: 'a body of more than 64 KB is long' },
    }));
    const own = [
      gateway.ask('tenant-admin', dear),
      gateway.ask(
        'tenant-admin',
        'mutation ($input: RecordUsageBatchInput!) { recordUsageBatch(input: $input) { __typename } }',
        { input: { events } },
      ),
    ].map((asked) => asked.finally(() => (answered += 1)));
    await until(() => heavy.state().waiting === 2);
    for (const [who, query] of [
      ['tenant-admin', invoices],
      ['other-partner-owner', dear],
      ['other-tenant-admin', dear],
    ] as const) {
      expect((await gateway.ask(who, query)).errors).toBeUndefined();
    }
    expect(answered).toBe(0);
    leave();
    for (const { errors, data } of await Promise.all(own)) expect([errors, data]).not.toContain('Refused');
    expect(heavy.state()).toEqual({ busy: 0, waiting: 0 });
  });

  test('give their turn back before they write: a tenant that is locked keeps nobody from working', async () => {
    const release = await lock(`external_id = 'globex'`);
    const write = gateway.ask(
      'tenant-admin',
      `mutation { changePlan(input: { plan: "enterprise" }, idempotencyKey: "dear") { __typename
        ... on ChangePlanDone { subscription { history(first: 100) { nodes { id kind happenedAt facts } } } } } }`,
    );
    await until(async () => (await held()) === 1);
    expect(gateway.app.admission.heavy.state().busy).toBe(0);
    expect((await gateway.ask('tenant-admin', dear)).errors).toBeUndefined();
    await release();
    expect((await write).errors).toBeUndefined();
  });
});
