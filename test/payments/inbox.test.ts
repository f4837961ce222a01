import { admissionLimits } from '../../src/admission';
import { FakeProvider } from '../../src/payments/fake/fake-provider';
import { wallClock } from '../../src/platform/clock';
import { fakeWebhookSecret, startTestGateway, type TestGateway } from '../support/gateway';

const poolSize = 4;
const otherSecret = 'the_secret_that_comes_next';
let gateway: TestGateway;
let fake: FakeProvider;
beforeAll(async () => {
  fake = new FakeProvider({ clock: wallClock, webhookSecrets: [fakeWebhookSecret, otherSecret] });
  gateway = await startTestGateway({ providers: [fake], poolSize });
});
afterAll(() => gateway.stop());

let serial = 0;
const bodyOf = (type = 'something.happened', data: object = {}) => {
  serial += 1;
  return JSON.stringify({
    id: `fevt_test_${serial}`,
    type,
    created: wallClock.now().epochMilliseconds,
    live: false,
    data,
  });
};
async function post(body: string | Buffer, headers: Record<string, string>, provider = 'fake') {
  const response = await fetch(`${gateway.url}/webhooks/${provider}`, { method: 'POST', body, headers });
  return { status: response.status, body: await response.json() };
}
const stored = async (body: string) =>
  gateway.database.asOwner<{ status: string; body: string }>(
    'select status, body from inbound_events where event_id = $1',
    [(JSON.parse(body) as { id: string }).id],
  );

test('a signed event is stored as it came, once', async () => {
  const body = `${bodyOf().slice(0, -1)}  , "odd": "\\u0000 ł" }`;
  const signed = fake.sign(body);
  expect(await post(signed.body, signed.headers)).toEqual({ status: 200, body: { received: true } });
  const twenty = await Promise.all(Array.from({ length: 20 }, () => post(signed.body, signed.headers)));
  expect(twenty.map(({ status }) => status)).toEqual(Array(20).fill(200));
  expect(await stored(body)).toEqual([{ status: 'RECEIVED', body }]);
});

describe('what is not signed now by a current secret leaves nothing', () => {
  const by = (secret: string) => new FakeProvider({ clock: wallClock, webhookSecrets: [secret] });
  const at = (minutes: number) =>
    new FakeProvider({
      clock: { now: () => wallClock.now().add({ minutes }) },
      webhookSecrets: [fakeWebhookSecret],
    });
  const forged: Record<string, (body: string) => { body: string | Buffer; headers: Record<string, string> }> = {
    'no signature': (body) => ({ body, headers: { 'content-type': 'application/json' } }),
    'an empty signature': (body) => ({ body, headers: { 'fake-signature': '' } }),
    'an empty secret': (body) => by('').sign(body),
    'another secret': (body) => by('guessed').sign(body),
    'one byte changed': (body) => ({ ...fake.sign(body), body: body.replace('happened', 'happenee') }),
    'written anew': (body) => ({ ...fake.sign(body), body: JSON.stringify(JSON.parse(body), null, 1) }),
    'signed ten minutes ago': (body) => at(-10).sign(body),
    'signed in ten minutes': (body) => at(10).sign(body),
    'bytes that are no text': (body) => ({ ...fake.sign(body), body: Buffer.from([0xff, 0xfe, 0x00]) }),
    'no event': () => fake.sign('{"hello": "world"}'),
  };
  test.each(Object.entries(forged))('%s', async (_what, forge) => {
    const body = bodyOf();
    const sent = forge(body);
    const answer = await post(sent.body, { ...sent.headers });
    expect(answer.status).toBe(400);
    expect(await stored(body)).toEqual([]);
  });
});

test('while a secret is rotated both hold', async () => {
  for (const secret of [fakeWebhookSecret, otherSecret]) {
    const body = bodyOf();
    const signed = new FakeProvider({ clock: wallClock, webhookSecrets: [secret] }).sign(body);
    expect((await post(signed.body, signed.headers)).status).toBe(200);
    expect(await stored(body)).toHaveLength(1);
  }
});

test('a provider that is off, and one that nobody knows, are not there', async () => {
  const signed = fake.sign(bodyOf());
  for (const provider of ['stripe', 'nobody', '__proto__', 'FAKE']) {
    expect(await post(signed.body, signed.headers, provider)).toEqual({ status: 404, body: { error: 'NOT_FOUND' } });
  }
});

describe('while a customer is locked by something long', () => {
  const globex = async () =>
    (await gateway.database.asOwner<{ id: string }>(`select id from tenants where external_id = 'globex'`))[0]!.id;
  const posted = async () => {
    const body = bodyOf();
    const signed = fake.sign(body);
    expect(await post(signed.body, signed.headers)).toEqual({ status: 200, body: { received: true } });
    expect(await stored(body)).toHaveLength(1);
  };

  test('an event is stored', async () => {
    await gateway.app.system.asTenant(await globex(), async (tx) => {
      await tx.tenants.lock(tx.tenant.id);
      await posted();
    });
  });

  test('also when more requests wait for it than there are connections for requests', async () => {
    const waiting: Promise<unknown>[] = [];
    await gateway.app.system.asTenant(await globex(), async (tx) => {
      await tx.tenants.lock(tx.tenant.id);
      const mutation = `mutation { applyCoupon(input: { code: "WELCOME10" }) { ... on Refused { code } } }`;
      for (let index = 0; index < poolSize + 2; index += 1) waiting.push(gateway.ask('tenant-admin', mutation));
      const busy = async () =>
        (
          await gateway.database.asOwner(
            `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          )
        ).length;
      // Of a tenant's writes only its share is let in to the database; the others wait without a connection.
      while ((await busy()) < admissionLimits(poolSize).writes.tenant)
        await new Promise((resolve) => setTimeout(resolve, 20));
      await posted();
    });
    await Promise.all(waiting);
  });
});

test('what cannot be stored now is answered with 503, sent again and stored once', async () => {
  const body = bodyOf();
  const signed = fake.sign(body);
  await gateway.database.asOwner('begin');
  await gateway.database.asOwner('lock table inbound_events');
  const answer = await post(signed.body, signed.headers);
  expect(answer).toEqual({ status: 503, body: { error: 'SERVICE_UNAVAILABLE' } });
  await gateway.database.asOwner('commit');
  expect((await post(signed.body, signed.headers)).status).toBe(200);
  expect(await stored(body)).toHaveLength(1);
});
