import { encodeId } from '../../src/core/ids';
import { newId } from '../../src/platform/new-id';
import { LicenceShop } from './licences-of-tests';

let shop: LicenceShop;
beforeAll(async () => {
  shop = await LicenceShop.open();
});
afterAll(() => shop.close());

let serial = 0;
/** A product of its own each time, so that one test's licence is not another's. */
async function intent(quantity = 3): Promise<{ code: string; id: string; transaction: string }> {
  serial += 1;
  const code = `product${serial}`;
  await shop.product(code, '200');
  const { purchase } = await shop.buy(code, quantity);
  shop.paddle.events = [];
  shop.paddle.pay(purchase.checkout.id);
  return { code, id: purchase.id, transaction: purchase.checkout.id };
}

// biome-ignore lint/suspicious/noExplicitAny: Paddle's own JSON.
type Json = any;
const completed = (change: (data: Json) => void) => (event: Json) => {
  if (event.event_type === 'transaction.completed') change(event.data);
  return event;
};

const lies: Readonly<Record<string, readonly [(data: Json) => void, string, string]>> = {
  'quantity 999': [(data) => Object.assign(data.items[0], { quantity: 999 }), 'QUANTITY_DIFFERS', 'QUANTITY_DIFFERS'],
  'a cent less': [
    (data) => Object.assign(data.details.totals, { subtotal: '59999' }),
    'AMOUNT_DIFFERS',
    'AMOUNT_DIFFERS',
  ],
  'a cent more': [
    (data) => Object.assign(data.details.totals, { subtotal: '60001' }),
    'AMOUNT_DIFFERS',
    'AMOUNT_DIFFERS',
  ],
  'a discount of all': [
    (data) => Object.assign(data.details.totals, { discount: '60000' }),
    'AMOUNT_DIFFERS',
    'AMOUNT_DIFFERS',
  ],
  'another currency': [
    (data) => {
      data.currency_code = 'JPY';
      data.details.totals.currency_code = 'JPY';
    },
    'CURRENCY_DIFFERS',
    'AMOUNT_DIFFERS',
  ],
  'another tenant': [
    (data) => Object.assign(data.custom_data, { tenant: encodeId('Tenant', newId()) }),
    'TENANT_DIFFERS',
    'REFERENCE_MISMATCH',
  ],
  'another purchase': [
    (data) => Object.assign(data.custom_data, { reference: encodeId('LicencePurchase', newId(), newId()) }),
    'CHECKOUT_DIFFERS',
    'REFERENCE_MISMATCH',
  ],
  'a year too late': [
    (data) => Object.assign(data, { billed_at: new Date(Date.now() + 366 * 86_400_000).toISOString() }),
    'INTENT_EXPIRED',
    'INTENT_EXPIRED',
  ],
};

test.each(Object.entries(lies))(
  'paid with %s: nothing is granted, the intent and the event are parked',
  async (_what, [change, reason, eventReason]) => {
    const { code, id, transaction } = await intent();
    await shop.deliver({ change: completed(change) });
    expect(await shop.licence(code)).toBeUndefined();
    expect(await shop.purchase(id)).toMatchObject({
      status: 'PARKED',
      parkReason: reason,
      parkDetail: expect.any(String),
    });
    const event = (await shop.events()).filter(({ type }) => type === 'transaction.completed').at(-1);
    expect(event).toMatchObject({ status: 'PARKED', reason: expect.stringContaining(eventReason) });
    // The partner finds it among all its tenants' purchases.
    const { nodes } = await shop.gateway.get(
      'other-partner-owner',
      '{ parkedLicencePurchases(last: 100) { nodes { id parkReason } } }',
    );
    expect(nodes).toContainEqual({ id, parkReason: reason });
    // The same once more changes nothing, and neither does the truth, which comes too late.
    shop.paddle.events.push({
      ...completed(() => undefined)({}),
      event_id: `evt_again${serial}`,
      event_type: 'transaction.completed',
      occurred_at: new Date().toISOString(),
      data: [...shop.paddle.transactions.values()].at(-1),
    });
    await shop.deliver();
    expect(await shop.licence(code)).toBeUndefined();
    // Both are there for whoever has to refund them: the second is not taken for one that was applied.
    const events = (await shop.events()).filter(({ type }) => type === 'transaction.completed').slice(-2);
    expect(events).toMatchObject([
      { status: 'PARKED' },
      { status: 'PARKED', reason: expect.stringContaining(`NEEDS_A_PERSON: ${transaction} paid for`) },
    ]);
    // Nor is the first, when it is tried again.
    expect(await shop.retried(events[0]!.event_id)).toMatchObject({
      status: 'PARKED',
      reason: expect.stringContaining(transaction),
    });
    expect(await shop.licence(code)).toBeUndefined();
  },
);

test('paid through another checkout that only names the purchase: that payment is parked, the right one is granted', async () => {
  const { code, id, transaction } = await intent();
  const right = shop.paddle.events;
  shop.paddle.events = structuredClone(right).map((event, index) => ({ ...event, event_id: `evt_named${index}` }));
  await shop.deliver({ change: completed((data) => Object.assign(data, { id: 'txn_01hostilehostilehostileho' })) });
  const parked = (await shop.events()).filter(({ type }) => type === 'transaction.completed').at(-1)!;
  expect(parked).toMatchObject({
    status: 'PARKED',
    reason: expect.stringContaining('REFERENCE_MISMATCH: txn_01hostilehostilehostileho'),
  });
  expect(await shop.purchase(id)).toMatchObject({ status: 'OPEN', checkout: { id: transaction } });
  expect(await shop.licence(code)).toBeUndefined();
  shop.paddle.events = right;
  await shop.deliver();
  expect(await shop.purchase(id)).toMatchObject({ status: 'COMPLETED' });
  expect(await shop.licence(code)).toMatchObject({ seats: '3' });
  // Tried again it is still money that nobody asked for.
  expect(await shop.retried(parked.event_id)).toMatchObject({ status: 'PARKED', reason: parked.reason });
  expect(await shop.licence(code)).toMatchObject({ seats: '3' });
});

test('what the custom data claim beside that is not read: the intent decides', async () => {
  const { code, id } = await intent(3);
  await shop.deliver({
    change: completed((data) =>
      Object.assign(data.custom_data, { quantity: 999, prorated: true, remainingDays: 1, proratedAmount: '0.01' }),
    ),
  });
  expect(await shop.purchase(id)).toMatchObject({ status: 'COMPLETED', kind: 'FIRST' });
  expect(await shop.licence(code)).toMatchObject({ seats: '3' });
});

test('a payment that names a tenant of another partner, or nobody, grants nothing anywhere', async () => {
  const globex = await shop.tenantIdOf('globex');
  const { code } = await intent();
  await shop.deliver({
    change: completed((data) => {
      data.id = 'txn_01unknownunknownunknownun';
      data.custom_data = { tenant: globex, reference: encodeId('LicencePurchase', newId(), newId()) };
    }),
  });
  expect(await shop.licence(code)).toBeUndefined();
  const licences = await shop.gateway.database.asOwner(
    'select 1 from licences l join tenants t on t.id = l.tenant_id where t.external_id <> $1',
    ['hooli'],
  );
  expect(licences).toEqual([]);
  expect((await shop.events()).at(-1)).toMatchObject({ status: 'PARKED' });
});

test('a payload without what it should have, as an older version sends it: what Paddle answers counts', async () => {
  const { code, id } = await intent();
  await shop.deliver({ change: completed((data) => delete data.details.totals.subtotal) });
  expect((await shop.events()).at(-1)).toMatchObject({ status: 'APPLIED' });
  expect(await shop.purchase(id)).toMatchObject({ status: 'COMPLETED' });
  expect(await shop.licence(code)).toMatchObject({ seats: '3' });
});

test('neither the event nor Paddle’s answer can be read: it is parked, never read as nothing', async () => {
  const { code, id, transaction } = await intent();
  const { details } = shop.paddle.transactions.get(transaction);
  delete details.totals.subtotal;
  await shop.deliver({ change: completed((data) => delete data.details.totals.subtotal) });
  expect((await shop.events()).at(-1)).toMatchObject({ status: 'PARKED', reason: 'PAYLOAD_UNREADABLE' });
  expect(await shop.purchase(id)).toMatchObject({ status: 'OPEN' });
  expect(await shop.licence(code)).toBeUndefined();
});

test('an event says what was asked for and Paddle answers less: Paddle counts', async () => {
  const { code, id, transaction } = await intent();
  shop.paddle.transactions.get(transaction).details.totals.subtotal = '59999';
  await shop.deliver();
  expect(await shop.purchase(id)).toMatchObject({ status: 'PARKED', parkReason: 'AMOUNT_DIFFERS' });
  expect(await shop.licence(code)).toBeUndefined();
});

test('Paddle does not answer: the event waits, and is asked about again', async () => {
  const { code } = await intent();
  shop.paddle.faults = [{ route: 'GET /transactions/:id', kind: 'SERVER_ERROR' }];
  await shop.deliver();
  expect(await shop.licence(code)).toBeUndefined();
  await shop.gateway.database.asOwner(`update inbound_events set next_try_at = now() where status = 'RECEIVED'`);
  await shop.deliver();
  expect(await shop.licence(code)).toMatchObject({ seats: '3' });
});

describe('signatures', () => {
  const url = () => `${shop.gateway.url}/webhooks/paddle`;
  const body = () =>
    JSON.stringify({
      event_id: `evt_${newId()}`,
      event_type: 'price.updated',
      occurred_at: new Date().toISOString(),
      data: {},
    });
  const post = async (text: string, headers: Record<string, string>) => {
    const response = await fetch(url(), { method: 'POST', body: text, headers });
    return [response.status, ((await response.json()) as { error?: string }).error];
  };
  const stored = async (text: string) =>
    (await shop.events()).filter(({ event_id: id }) => id === JSON.parse(text).event_id).length;

  test('by the SDK, over the bytes as they came', async () => {
    const text = body();
    expect(await post(text, shop.paddle.sign(text))).toEqual([200, undefined]);
    // While the secret is rotated Paddle signs with both.
    const rotated = body();
    const signed = shop.paddle.sign(rotated, [shop.paddle.webhookSecret, 'pdl_ntfset_the_one_that_comes_next']);
    expect(await post(rotated, signed)).toEqual([200, undefined]);
    expect([await stored(text), await stored(rotated)]).toEqual([1, 1]);
  });

  test.each([
    ['none', () => ({}), 'SIGNATURE_INVALID'],
    [
      'another secret',
      (text: string) => shop.paddle.sign(text, ['pdl_ntfset_somebody_elses_secret']),
      'SIGNATURE_INVALID',
    ],
    ['an empty secret', (text: string) => shop.paddle.sign(text, ['']), 'SIGNATURE_INVALID'],
    ['of other text', (text: string) => shop.paddle.sign(`${text} `), 'SIGNATURE_INVALID'],
    ['a minute old', (text: string) => shop.paddle.sign(text, undefined, 60), 'TIMESTAMP_OUT_OF_TOLERANCE'],
    ['a minute ahead', (text: string) => shop.paddle.sign(text, undefined, -60), 'TIMESTAMP_OUT_OF_TOLERANCE'],
    [
      'with a time that is none',
      (text: string) => ({
        'paddle-signature': shop.paddle.sign(text)['paddle-signature']!.replace(/ts=\d+/, 'ts=now'),
      }),
      'SIGNATURE_INVALID',
    ],
  ])('%s: refused, nothing stored', async (_what, sign, error) => {
    const text = body();
    expect(await post(text, { 'content-type': 'application/json', ...sign(text) })).toEqual([400, error]);
    expect(await stored(text)).toBe(0);
  });
});
