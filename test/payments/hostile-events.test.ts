import { createHmac } from 'node:crypto';
import { FakeProvider } from '../../src/payments/fake/fake-provider';
import { PaddleProvider } from '../../src/payments/paddle/paddle-provider';
import { processInbox } from '../../src/payments/process-inbox.job';
import { StripeProvider } from '../../src/payments/stripe/stripe-provider';
import { wallClock } from '../../src/platform/clock';
import { createLog } from '../../src/platform/log';
import { fakeWebhookSecret, startTestGateway, type TestGateway } from '../support/gateway';
import { signatureOf } from '../support/stripe/hooks';

/* Whose signature holds may still send anything: by a fault, a newer version, or a secret that was stolen. */

const secrets = { stripe: 'whsec_of_the_hostile_tests_01', paddle: 'pdl_ntfset_of_the_hostile_tests' };
const nowhere = 'http://127.0.0.1:1';
const fake = new FakeProvider({ clock: wallClock, webhookSecrets: [fakeWebhookSecret] });
let gateway: TestGateway;
beforeAll(async () => {
  const log = createLog('silent');
  const stripe = { secretKey: 'sk_test_0123456789abcdef', webhookSecrets: [secrets.stripe], apiUrl: nowhere };
  const paddle = { apiKey: 'pdl_sdbx_apikey_hostile', webhookSecrets: [secrets.paddle], apiUrl: nowhere };
  gateway = await startTestGateway({
    providers: [
      fake,
      new StripeProvider({ ...stripe, live: false, log }),
      new PaddleProvider({ ...paddle, live: false }),
    ],
  });
});
afterAll(() => gateway.stop());

const seconds = () => Math.floor(Date.now() / 1_000);

/** JSON as it is sent: what JSON.stringify would not write. */
type Json = string;
const nested = (depth: number): Json => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

interface Envelope {
  readonly id: Json;
  readonly type: Json;
  readonly time: Json;
  readonly payload: Json;
}

interface Sender {
  /** What an event of it looks like, where nothing is wrong with it. */
  readonly good: (id: string) => Envelope;
  readonly body: (parts: Envelope) => string;
  readonly headers: (body: string) => Record<string, string>;
  /** Times of which it must not fall. */
  readonly times: readonly Json[];
  /** What it tells, and by which members. */
  readonly types: readonly string[];
  readonly members: readonly string[];
}

const senders: Readonly<Record<string, Sender>> = {
  stripe: {
    good: (id) => ({ id: `"evt_${id}"`, type: '"charge.updated"', time: String(seconds()), payload: '{"id":"ch_1"}' }),
    body: ({ id, type, time, payload }) =>
      `{"object":"event","id":${id},"type":${type},"created":${time},"livemode":false,"data":{"object":${payload}}}`,
    headers: (body) => ({ 'stripe-signature': signatureOf(body, [secrets.stripe], seconds()) }),
    times: ['1e400', '8640000000001', '-62135596801', '1.5', '"now"', '9007199254740991', 'null', '-1'],
    types: [
      ...['payment_intent.succeeded', 'payment_intent.payment_failed', 'refund.updated', 'charge.dispute.created'],
      ...['setup_intent.succeeded', 'payment_method.detached', 'checkout.session.completed', 'invoice.paid'],
      ...['checkout.session.expired', 'customer.subscription.updated', 'customer.subscription.deleted'],
    ],
    members: [
      ...[
        'id',
        'customer',
        'subscription',
        'payment_intent',
        'payment_method',
        'status',
        'amount',
        'currency',
        'items',
      ],
      ...['metadata', 'previous_attributes', 'cancellation_details', 'reason', 'parent', 'lines', 'quantity'],
    ],
  },
  paddle: {
    good: (id) => ({
      ...{ id: `"evt_${id}"`, type: '"customer.updated"' },
      time: JSON.stringify(new Date().toISOString()),
      payload: '{"id":"ctm_1"}',
    }),
    body: ({ id, type, time, payload }) =>
      `{"event_id":${id},"event_type":${type},"occurred_at":${time},"notification_id":"ntf_1","data":${payload}}`,
    headers: (body) => {
      const time = seconds();
      const signature = createHmac('sha256', secrets.paddle).update(`${time}:${body}`).digest('hex');
      return { 'paddle-signature': `ts=${time};h1=${signature}` };
    },
    times: ['"0000-01-01T00:00:00Z"', '"9999-12-31T23:59:59Z"', '"2026-02-30T00:00:00Z"', '7', '"\\u0000"', 'null'],
    types: ['transaction.completed', 'subscription.updated', 'subscription.canceled', 'adjustment.updated'],
    members: [
      ...['id', 'status', 'origin', 'currency_code', 'details', 'items', 'billed_at', 'custom_data', 'totals'],
      ...['subscription_id', 'transaction_id', 'action', 'scheduled_change'],
    ],
  },
  fake: {
    good: (id) => ({
      ...{ id: `"fevt_${id}"`, type: '"something.happened"', time: String(Date.now()), payload: '{}' },
    }),
    body: ({ id, type, time, payload }) =>
      `{"id":${id},"type":${type},"created":${time},"live":false,"data":${payload}}`,
    headers: (body) => ({ ...fake.sign(body).headers }),
    times: ['1e400', '8640000000000001', '-62135596800001', '1.5', '"now"', 'null', '-1'],
    types: [
      ...[
        'charge.succeeded',
        'charge.failed',
        'refund.succeeded',
        'dispute.opened',
        'method.attached',
        'method.removed',
      ],
      ...['checkout.completed'],
    ],
    members: [
      ...['reference', 'chargeId', 'refundId', 'disputeId', 'customerId', 'methodId', 'setupId', 'checkoutId'],
      ...['amount', 'reason', 'quantity', 'tenant'],
    ],
  },
};

const hostileTexts: Readonly<Record<string, Json>> = {
  NUL: '"a\\u0000b"',
  'half a surrogate pair': '"a\\ud800"',
  'an empty text': '""',
  '300 characters': `"${'x'.repeat(300)}"`,
  '500,000 characters': `"${'x'.repeat(500_000)}"`,
  'a number': '7',
  'an object': '{"toString":1,"length":3}',
  'a list': '["a"]',
  null: 'null',
  '30,000 deep': nested(30_000),
};

async function post(slug: string, body: string) {
  const headers = { ...senders[slug]!.headers(body), 'content-type': 'application/json' };
  const response = await fetch(`${gateway.url}/webhooks/${slug}`, { method: 'POST', body, headers });
  return { status: response.status, text: await response.text() };
}

/** Processes what was stored, once; answers what still waits and why. */
async function processed() {
  await processInbox(gateway.app.system, gateway.app.providers);
  return gateway.database.asOwner<{ type: string; reason: string }>(
    `select left(type, 40) as type, reason from inbound_events where status = 'RECEIVED'`,
  );
}

let serial = 0;
const fresh = () => {
  serial += 1;
  return `hostile_${serial}`;
};

describe.each(Object.entries(senders))('%s', (slug, { good, body, types, members, times }) => {
  const refused = { status: 400, text: '{"error":"BODY_INVALID"}' };

  test.each(Object.entries(hostileTexts))('its id or type is %s: refused, whoever signed it', async (_what, text) => {
    expect(await post(slug, body({ ...good(fresh()), id: text }))).toEqual(refused);
    expect(await post(slug, body({ ...good(fresh()), type: text }))).toEqual(refused);
  });

  test('its time is none: refused', async () => {
    for (const time of times)
      expect({ time, ...(await post(slug, body({ ...good(fresh()), time }))) }).toEqual({ time, ...refused });
  });

  test.each(['', '{', 'null', '[]', '7', '"event"', nested(30_000), `[${'['.repeat(30_000)}`])(
    'it is no event: refused (%#)',
    async (text) => {
      expect((await post(slug, text)).status).toBe(400);
    },
  );

  test('a type that nobody knows is kept and ignored', async () => {
    for (const type of ['"__proto__"', '"constructor"', '"toString"', '"something.new"']) {
      expect(await post(slug, body({ ...good(fresh()), type }))).toEqual({ status: 200, text: '{"received":true}' });
    }
    expect(await processed()).toEqual([]);
  });

  test('whatever stands in its payload, it is settled at once and never tried for days', async () => {
    const { '500,000 characters': _tooLong, ...short } = hostileTexts;
    const more = { '30,000 deep': nested(3_000), 'a list in lists': `${'['.repeat(3_000)}${']'.repeat(3_000)}` };
    const texts = { ...short, ...more, 'an id': '"ch_unknown"', 'less than nothing': '-1', endless: '1e400' };
    const statuses = new Set<number>();
    for (const type of types) {
      for (const text of Object.values(texts)) {
        const all = members.map((name) => `"${name}":${text}`).join(',');
        // All of it, and each but the ids, which are looked up first.
        const ids = members.filter((name) => /id$/i.test(name) || /^(customer|subscription|payment_)/.test(name));
        const rest = members.map((name) => `"${name}":${ids.includes(name) ? '"known"' : text}`).join(',');
        for (const payload of [`{${all}}`, `{${rest}}`]) {
          const answer = await post(slug, body({ ...good(fresh()), type: `"${type}"`, payload }));
          statuses.add(answer.status);
        }
      }
    }
    expect([...statuses]).toEqual([200]);
    expect(await processed()).toEqual([]);
  });

  test('its payload is none, or deep', async () => {
    for (const payload of ['null', '7', '"text"', '[]', nested(30_000)]) {
      const { status } = await post(slug, body({ ...good(fresh()), type: `"${types[0]}"`, payload }));
      expect([200, 400]).toContain(status);
    }
    expect(await processed()).toEqual([]);
  });
});

test('a body of more than a megabyte is not read', async () => {
  for (const slug of Object.keys(senders)) {
    expect(await post(slug, `{"x":"${'x'.repeat(1_100_000)}"}`)).toEqual({
      ...{ status: 413, text: '{"error":"BODY_TOO_LARGE"}' },
    });
  }
});
