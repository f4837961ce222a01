import { ApiError, type Environment, LogLevel, Paddle } from '@paddle/paddle-node-sdk';
import { instant } from '../../src/core/calendar';
import { encodeId } from '../../src/core/ids';
import { money } from '../../src/core/money';
import { PaddleProvider } from '../../src/payments/paddle/paddle-provider';
import { newId } from '../../src/platform/new-id';
import { type PaddleFault, PaddleStandIn } from '../support/paddle-stand-in';

let paddle: PaddleStandIn;
let provider: PaddleProvider;
const printed: unknown[] = [];
const spies: jest.SpyInstance[] = [];
beforeAll(async () => {
  for (const name of ['log', 'warn', 'error', 'info'] as const) {
    spies.push(jest.spyOn(console, name).mockImplementation((...said: unknown[]) => void printed.push(said)));
  }
  paddle = await PaddleStandIn.start();
  provider = new PaddleProvider({
    ...{ apiKey: paddle.apiKey, webhookSecrets: [paddle.webhookSecret], apiUrl: `${paddle.url}/`, live: false },
    timeoutMilliseconds: 2_000,
  });
});
afterAll(async () => {
  for (const spy of spies) spy.mockRestore();
  await paddle.stop();
});
beforeEach(() => {
  paddle.faults = [];
});

const request = (quantity = 3n, minor = 9_863n) => ({
  key: `key-${newId()}`,
  reference: encodeId('LicencePurchase', newId(), newId()),
  lines: [{ description: 'CAD: 180 days', unitAmount: money(minor, 'USD'), quantity }],
  ...{ successUrl: '', cancelUrl: '' },
});

async function paid(quantity = 3n): Promise<string> {
  const outcome = await provider.createCheckout(request(quantity));
  if (outcome.status !== 'SUCCEEDED') throw new Error(outcome.status);
  paddle.pay(outcome.checkoutId);
  return outcome.checkoutId;
}

test('a checkout is at a price of our own, before tax, in a quantity that the buyer cannot change', async () => {
  const asked = request();
  const outcome = await provider.createCheckout(asked);
  expect(outcome).toEqual({
    status: 'SUCCEEDED',
    checkoutId: expect.stringMatching(/^txn_/),
    url: expect.stringContaining('_ptxn='),
  });
  const transaction = [...paddle.transactions.values()].at(-1);
  expect(transaction.items[0]).toMatchObject({
    quantity: 3,
    price: {
      unit_price: { amount: '9863', currency_code: 'USD' },
      quantity: { minimum: 3, maximum: 3 },
      tax_mode: 'external',
    },
  });
  expect(transaction.custom_data).toEqual({ reference: asked.reference, tenant: expect.stringMatching(/^tenant_/) });
  // 3 × 98.63 = 295.89, and 19 % on top is Paddle's business.
  paddle.pay(transaction.id);
  expect(transaction.details.totals).toMatchObject({ subtotal: '29589', tax: '5621', total: '35210' });
});

test('a currency that Paddle does not take is refused, not tried for ever', async () => {
  const asked = request();
  const lines = [{ ...asked.lines[0]!, unitAmount: money(1_000n, 'KWD') }];
  expect(await provider.createCheckout({ ...asked, lines })).toEqual({ status: 'REFUSED', code: 'bad_request' });
});

test.each<[PaddleFault['kind'], string, object]>([
  ['HANG', 'TIMEOUT', {}],
  ['SERVER_ERROR', 'SERVER_ERROR', {}],
  ['HTML', 'SERVER_ERROR', {}],
  ['RATE_LIMITED', 'RATE_LIMITED', { retryAfterSeconds: 7 }],
  ['RESET', 'CONNECTION_LOST', {}],
])('%s is unknown', async (kind, reason, more) => {
  paddle.faults = [{ route: 'POST /transactions', kind }];
  const outcome = await provider.createCheckout(request());
  expect(outcome).toEqual({ status: 'UNKNOWN', reason, ...more });
});

test('a refund is made once for its key, also where nobody heard of the first', async () => {
  const chargeId = await paid();
  const refund = { key: 'refund-1', reference: 'r', chargeId, amount: money(9_863n, 'USD') };
  paddle.faults = [{ route: 'POST /adjustments', kind: 'RESET', after: true }];
  expect(await provider.refund(refund)).toEqual({ status: 'UNKNOWN', reason: 'CONNECTION_LOST' });
  const again = await provider.refund(refund);
  expect(again).toEqual({ status: 'SUCCEEDED', refundId: expect.stringMatching(/^adj_/) });
  expect(await provider.refund(refund)).toEqual(again);
  expect(await provider.findRefund(refund)).toEqual(again);
  expect(await provider.findRefund({ ...refund, key: 'never-made' })).toBeUndefined();
  const made = [...paddle.adjustments.values()].filter((row) => row.transaction_id === chargeId);
  expect(made).toHaveLength(1);
  expect(made[0]).toMatchObject({ type: 'partial', totals: { subtotal: '9863' } });
});

test('all of it, too much of it, and what was never paid', async () => {
  const chargeId = await paid();
  const whole = { key: 'refund-2', reference: 'r', chargeId, amount: money(29_589n, 'USD') };
  expect(await provider.refund({ ...whole, key: 'more', amount: money(29_590n, 'USD') })).toEqual({
    status: 'FAILED',
    code: 'amount_too_large',
  });
  expect(await provider.refund({ ...whole, key: 'euro', amount: money(1n, 'EUR') })).toMatchObject({
    status: 'FAILED',
  });
  expect(await provider.refund(whole)).toMatchObject({ status: 'SUCCEEDED' });
  expect([...paddle.adjustments.values()].at(-1)).toMatchObject({ type: 'full', totals: { subtotal: '29589' } });
  // Paddle takes one at a time.
  expect(await provider.refund({ ...whole, key: 'twice' })).toMatchObject({ status: 'FAILED' });
  const open = await provider.createCheckout(request());
  const openId = open.status === 'SUCCEEDED' ? open.checkoutId : '';
  expect(await provider.refund({ ...whole, key: 'open', chargeId: openId })).toMatchObject({ status: 'FAILED' });
  expect(await provider.refund({ ...whole, key: 'none', chargeId: 'txn_01nothing' })).toMatchObject({
    status: 'FAILED',
  });
});

test('charges are found, and listed page by page', async () => {
  const from = instant(new Date().toISOString());
  const ids: string[] = [];
  for (let index = 0; index < 55; index += 1) ids.push(await paid(1n));
  const pageAfter = async (after?: string) => {
    const page = await provider.listCharges(from, after);
    if ('status' in page) throw new Error(page.reason);
    return page;
  };
  const first = await pageAfter();
  const second = await pageAfter(first.next);
  expect([...first.charges, ...second.charges].map(({ chargeId }) => chargeId)).toEqual(ids);
  expect(second.next).toBeUndefined();
  expect(first.charges[0]).toMatchObject({ amount: { minor: 9_863n, currency: 'USD' }, status: 'SUCCEEDED' });
  expect(await provider.findCharge({ chargeId: ids[0]! })).toEqual({ status: 'SUCCEEDED', chargeId: ids[0] });
  expect(await provider.findCharge({ chargeId: 'txn_01nothing' })).toBeUndefined();
});

test('without a secret worth the name it does not start: the SDK would take what anybody signs with nothing', () => {
  const options = { apiKey: paddle.apiKey, apiUrl: paddle.url, live: false };
  for (const webhookSecrets of [[], [''], ['short'], [paddle.webhookSecret, '']]) {
    expect(() => new PaddleProvider({ ...options, webhookSecrets })).toThrow('webhook secrets');
  }
});

test('the stand-in says no like Paddle does: unknown routes and a wrong key are errors of the SDK', async () => {
  const options = { environment: paddle.url as Environment, logLevel: LogLevel.none };
  const sdk = new Paddle(paddle.apiKey, options);
  await expect(sdk.discounts.get('dsc_01')).rejects.toBeInstanceOf(ApiError);
  await expect(sdk.transactions.get('txn_01nothing')).rejects.toMatchObject({ code: 'not_found' });
  const stranger = new Paddle('pdl_sdbx_apikey_somebody_else', options);
  await expect(stranger.transactions.get('txn_01nothing')).rejects.toMatchObject({ code: 'authentication_malformed' });
  const customer = await sdk.customers.create({ email: 'a@b.example', name: 'A' });
  expect(await provider.createPortalLink(customer.id)).toContain(customer.id);
  await expect(sdk.customers.create({ email: 'a@b.example' })).rejects.toMatchObject({
    code: 'customer_already_exists',
  });
});

test('no secret is in what was answered or printed', async () => {
  const outcomes: unknown[] = [];
  for (const kind of ['HANG', 'SERVER_ERROR', 'HTML', 'RATE_LIMITED', 'RESET'] as const) {
    paddle.faults = [{ route: 'POST /transactions', kind }];
    outcomes.push(await provider.createCheckout(request()));
  }
  const text = JSON.stringify([outcomes, printed]);
  for (const secret of [paddle.apiKey, paddle.webhookSecret]) expect(text).not.toContain(secret);
  expect(printed).toEqual([]);
});
