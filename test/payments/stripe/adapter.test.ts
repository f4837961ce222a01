import { instantFromMilliseconds } from '../../../src/core/calendar';
import type { CurrencyCode } from '../../../src/core/currency';
import { encodeId } from '../../../src/core/ids';
import { money } from '../../../src/core/money';
import type { PaymentFact } from '../../../src/payments/provider';
import { StripeProvider } from '../../../src/payments/stripe/stripe-provider';
import { fromStripe, toStripe } from '../../../src/payments/stripe-amount';
import { newId } from '../../../src/platform/new-id';
import { collectingLog } from '../../support/stripe/collecting-log';
import { signatureOf } from '../../support/stripe/hooks';
import { type StripeStandIn, startStripe } from '../../support/stripe/stand-in';

const secrets = ['whsec_adapter_tests_0001', 'whsec_adapter_tests_0002'];
let standIn: StripeStandIn;
let provider: StripeProvider;
const { log, lines } = collectingLog();

beforeAll(async () => {
  standIn = await startStripe();
  provider = new StripeProvider({
    ...{ secretKey: standIn.secretKey, webhookSecrets: secrets, apiUrl: standIn.url, live: false, log },
    timeoutMilliseconds: 1_500,
  });
});
afterAll(() => standIn.stop());
afterEach(() => standIn.calm());

let serial = 0;
const tenant = newId();
const reference = () => encodeId('Invoice', newId(), tenant);

async function customerWith(card: string) {
  serial += 1;
  const made = await provider.createCustomer({ key: `customer-${serial}`, reference: reference(), name: 'Globex' });
  if (made.status !== 'SUCCEEDED') throw new Error(made.status);
  const { customerId } = made;
  const attached = await provider.attachMethod({ key: `attach-${serial}`, customerId, token: card });
  return { customerId, attached, methodId: attached.status === 'SUCCEEDED' ? attached.method.methodId : '' };
}

async function request(card = 'pm_card_visa', amount = money(1_900n, 'USD')) {
  const { customerId, methodId } = await customerWith(card);
  serial += 1;
  const own = { key: `charge-${serial}`, reference: reference(), description: 'ACME-000001' };
  return { ...own, amount, customerId, methodId };
}

describe('amounts', () => {
  test.each<[CurrencyCode, bigint, number | undefined]>([
    ['USD', 1_234n, 1_234],
    ['JPY', 500n, 500],
    ['KWD', 5_120n, 5_120],
    // 5.124 KWD: Stripe takes two of the three decimals.
    ['KWD', 5_124n, undefined],
    // 500 shillings are written 500.00
    ['UGX', 500n, 50_000],
    ['ISK', 150n, 15_000],
    // 500.00 ariary have no decimals at Stripe
    ['MGA', 50_000n, 500],
    ['MGA', 50_020n, undefined],
    ['USD', 99_999_999n, 99_999_999],
    ['USD', 100_000_000n, undefined],
    ['USD', -1n, undefined],
  ])('%s %s', (currency, minor, units) => {
    const sent = toStripe(money(minor, currency));
    expect(sent?.units).toBe(units);
    if (sent) expect(fromStripe(sent.units, sent.currency)).toEqual(money(minor, currency));
  });

  test.each([
    [1.5, 'usd'],
    ['19', 'usd'],
    [19, 'zzz'],
    [50_001, 'ugx'],
  ])('what is no amount is none: %s %s', (units, currency) => {
    expect(fromStripe(units, currency)).toBeUndefined();
  });
});

describe('methods', () => {
  test('a card is kept by its facts, never by its number', async () => {
    const { attached, customerId } = await customerWith('pm_card_visa');
    expect(attached).toEqual({
      status: 'SUCCEEDED',
      method: {
        ...{ customerId, methodId: expect.stringMatching(/^pm_/), kind: 'CARD', brand: 'visa', last4: '4242' },
        ...{ expiresMonth: 12, expiresYear: 2034 },
      },
    });
  });

  test.each([
    ['pm_card_visa_chargeDeclined', 'CARD_DECLINED'],
    ['pm_card_visa_chargeDeclinedInsufficientFunds', 'INSUFFICIENT_FUNDS'],
    ['pm_card_chargeDeclinedExpiredCard', 'EXPIRED_METHOD'],
    ['pm_card_visa_chargeDeclinedLostCard', 'LOST_OR_STOLEN'],
    ['pm_nobody_knows', 'METHOD_NOT_FOUND'],
  ])('%s is declined: %s', async (card, code) => {
    expect((await customerWith(card)).attached).toEqual({ status: 'DECLINED', code });
  });

  test('the page that saves a card tells of it in an event that carries our key', async () => {
    const { customerId } = await customerWith('pm_card_visa');
    const row = reference();
    const setup = await provider.createSetup({
      key: 'setup-1',
      reference: row,
      customerId,
      returnUrl: 'https://x.example/',
    });
    if (setup.status !== 'SUCCEEDED') throw new Error(setup.status);
    await standIn.fillIn(setup.url);
    const event = standIn.books
      .all('event')
      .find(({ type, data }) => type === 'setup_intent.succeeded' && JSON.stringify(data).includes(row));
    const fact = provider.factOf(provider.readEvent(JSON.stringify(event)));
    expect(fact).toMatchObject({ kind: 'METHOD', setupId: 'setup-1', reference: row, method: { customerId } });
  });
});

describe('charges', () => {
  test('off session, in our amount, under our key; again is the same', async () => {
    const asked = await request();
    const before = standIn.taken().length;
    const first = await provider.charge(asked);
    expect(first).toEqual({ status: 'SUCCEEDED', chargeId: expect.stringMatching(/^pi_/) });
    expect(await provider.charge(asked)).toEqual(first);
    expect(standIn.taken().length).toBe(before + 1);
    expect(standIn.taken()[0]).toMatchObject({ amount: 1_900, currency: 'usd', customer: asked.customerId });
    const chargeId = first.status === 'SUCCEEDED' ? first.chargeId : '';
    expect(await provider.findCharge({ chargeId, reference: asked.reference })).toEqual(first);
    expect(await provider.findCharge({ chargeId: 'pi_none', reference: asked.reference })).toBeUndefined();
  });

  test.each([
    ['pm_card_chargeCustomerFail', 'CARD_DECLINED'],
    // Off session there is nobody to ask, and nothing that could still be confirmed.
    ['pm_card_authenticationRequired', 'AUTHENTICATION_REQUIRED'],
  ])('%s: %s', async (card, code) => {
    const asked = await request(card);
    const declined = { status: 'DECLINED', chargeId: expect.stringMatching(/^pi_/), code };
    expect(await provider.charge(asked)).toEqual(declined);
    const event = standIn.books
      .all('event')
      .find(
        ({ type, data }) => type === 'payment_intent.payment_failed' && JSON.stringify(data).includes(asked.reference),
      );
    expect(provider.factOf(provider.readEvent(JSON.stringify(event)))).toMatchObject({ outcome: declined });
  });

  test('one that can still be confirmed waits for its customer, with the page where', () => {
    const next_action = { type: 'redirect_to_url', redirect_to_url: { url: 'https://bank.example/3ds' } };
    const object = {
      id: 'pi_1',
      amount: 5,
      currency: 'usd',
      status: 'requires_action',
      metadata: { tollgate_reference: 'r' },
    };
    const event = {
      ...{ id: 'evt_1', object: 'event', type: 'payment_intent.requires_action', created: 1, livemode: false },
      data: { object: { ...object, next_action } },
    };
    expect(provider.factOf(provider.readEvent(JSON.stringify(event)))).toMatchObject({
      outcome: { status: 'REQUIRES_ACTION', chargeId: 'pi_1', actionUrl: 'https://bank.example/3ds' },
    });
  });

  test('one that waits is taken back, as often as it is asked; one that was paid is not', async () => {
    const own = reference();
    const { customerId, methodId } = await customerWith('pm_card_authenticationRequired');
    const { id: chargeId } = await standIn.client().paymentIntents.create({
      ...{ amount: 500, currency: 'usd', customer: customerId, payment_method: methodId, confirm: true },
      metadata: { tollgate_reference: own },
    });
    const waits = { chargeId, reference: own };
    expect(await provider.findCharge(waits)).toMatchObject({ status: 'REQUIRES_ACTION' });
    standIn.trouble('POST /v1/payment_intents', 'ERROR_500_AFTER');
    expect(await provider.cancelCharge(waits)).toMatchObject({ status: 'UNKNOWN' });
    const cancelled = { status: 'DECLINED', chargeId, code: 'CANCELLED' };
    expect(await provider.cancelCharge(waits)).toEqual(cancelled);
    expect(await provider.cancelCharge(waits)).toEqual(cancelled);
    const asked = await request();
    const paid = await provider.charge(asked);
    const which = { chargeId: paid.status === 'SUCCEEDED' ? paid.chargeId : '', reference: asked.reference };
    expect(await provider.cancelCharge(which)).toEqual(paid);
  });

  test('an amount that Stripe cannot move, a method that is gone: declined, nothing sent twice', async () => {
    const asked = await request();
    const odd = { ...asked, amount: money(5_124n, 'KWD') };
    expect(await provider.charge(odd)).toEqual({ status: 'DECLINED', code: 'AMOUNT_NOT_ALLOWED' });
    const gone = { ...asked, methodId: 'pm_gone' };
    expect(await provider.charge(gone)).toEqual({ status: 'DECLINED', code: 'METHOD_NOT_FOUND' });
  });

  test('another request under the same key is a fault of ours, and says so', async () => {
    const asked = await request();
    await provider.charge(asked);
    await expect(provider.charge({ ...asked, amount: money(2_000n, 'USD') })).rejects.toThrow('StripeIdempotencyError');
  });

  test.each([
    ['HANG_BEFORE', 'TIMEOUT'],
    ['HANG_AFTER', 'TIMEOUT'],
    ['RESET_BEFORE', 'CONNECTION_LOST'],
    ['RESET_AFTER', 'CONNECTION_LOST'],
    ['ERROR_500_BEFORE', 'SERVER_ERROR'],
    ['ERROR_500_AFTER', 'SERVER_ERROR'],
    ['TOO_MANY_REQUESTS', 'RATE_LIMITED'],
  ] as const)('%s is unknown (%s) and, asked again, one charge', async (mishap, reason) => {
    const asked = await request();
    const before = standIn.taken().length;
    // A connection that was closed is tried once more by the SDK itself, with the same key.
    standIn.trouble('POST /v1/payment_intents', mishap, 2);
    expect(await provider.charge(asked)).toMatchObject({ status: 'UNKNOWN', reason });
    standIn.calm();
    expect(await provider.charge(asked)).toMatchObject({ status: 'SUCCEEDED' });
    expect(standIn.taken().length).toBe(before + 1);
  });

  test('a charge that was never heard of is found by its reference', async () => {
    const asked = await request();
    standIn.trouble('POST /v1/payment_intents', 'ERROR_500_AFTER');
    expect(await provider.charge(asked)).toMatchObject({ status: 'UNKNOWN' });
    await standIn.advanceTo(standIn.books.now() + 3 * 86_400);
    expect(await provider.findCharge({ reference: asked.reference })).toMatchObject({ status: 'SUCCEEDED' });
    expect(await provider.findCharge({ reference: reference() })).toBeUndefined();
    standIn.trouble('GET /v1/payment_intents/search', 'ERROR_500_BEFORE');
    expect(await provider.findCharge({ reference: asked.reference })).toMatchObject({ status: 'UNKNOWN' });
  });

  test('a wrong API key is our fault and not the customer’s: unknown', async () => {
    const asked = await request();
    const stranger = new StripeProvider({
      ...{ secretKey: 'sk_test_wrong_0123456789', webhookSecrets: secrets, apiUrl: standIn.url, live: false, log },
    });
    expect(await stranger.charge(asked)).toMatchObject({ status: 'UNKNOWN', reason: 'SERVER_ERROR' });
  });
});

describe('refunds and the list', () => {
  test('never more than the charge; the list has what is left', async () => {
    const asked = await request();
    const charged = await provider.charge(asked);
    const chargeId = charged.status === 'SUCCEEDED' ? charged.chargeId : '';
    const refund = (key: string, minor: bigint) =>
      provider.refund({ key, reference: reference(), chargeId, amount: money(minor, 'USD') });
    const row = { key: 'refund-1', reference: reference(), chargeId, amount: money(700n, 'USD') };
    const first = await provider.refund(row);
    expect(first).toMatchObject({ status: 'SUCCEEDED' });
    expect(await provider.refund(row)).toEqual(first);
    // 1,900 − 700 = 1,200
    expect(await refund('refund-2', 1_201n)).toMatchObject({ status: 'FAILED' });
    expect(await refund('refund-3', 1_200n)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await refund('refund-4', 1n)).toEqual({ status: 'FAILED', code: 'charge_already_refunded' });
    const page = await provider.listCharges(instantFromMilliseconds((standIn.books.now() - 60) * 1_000));
    if ('status' in page) throw new Error(page.reason);
    expect(page.charges.find((charge) => charge.chargeId === chargeId)).toMatchObject({
      ...{ reference: asked.reference, status: 'SUCCEEDED' },
      amount: money(1_900n, 'USD'),
      refunded: money(1_900n, 'USD'),
    });
  });
});

describe('a refund is looked up', () => {
  const given = async (card: string) => {
    const charged = await provider.charge(await request(card));
    serial += 1;
    const chargeId = charged.status === 'SUCCEEDED' ? charged.chargeId : '';
    return { key: `refund-found-${serial}`, reference: reference(), chargeId, amount: money(700n, 'USD') };
  };

  test('that is on its way: its id is known, and what becomes of it; its key only repeats the first answer', async () => {
    const asked = await given('pm_card_pendingRefund');
    const pending = await provider.refund(asked);
    expect(pending).toMatchObject({ status: 'UNKNOWN', reason: 'PROCESSING', refundId: expect.stringMatching(/^re_/) });
    const refundId = 'refundId' in pending ? pending.refundId! : '';
    expect(await provider.findRefund({ ...asked, refundId })).toEqual(pending);
    standIn.payments.finishRefund(standIn.books.get('refund', refundId), 'succeeded');
    expect(await provider.refund(asked)).toEqual(pending);
    expect(await provider.findRefund({ ...asked, refundId })).toEqual({ status: 'SUCCEEDED', refundId });
    standIn.payments.finishRefund(standIn.books.get('refund', refundId), 'failed');
    const failed = { status: 'FAILED', refundId, code: 'expired_or_canceled_card' };
    expect(await provider.findRefund(asked)).toEqual(failed);
  });

  test('that nobody heard of: by its reference among the refunds of its charge', async () => {
    const asked = await given('pm_card_visa');
    expect(await provider.findRefund(asked)).toBeUndefined();
    standIn.trouble('POST /v1/refunds', 'ERROR_500_AFTER');
    expect(await provider.refund(asked)).toMatchObject({ status: 'UNKNOWN' });
    expect(await provider.findRefund(asked)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await provider.findRefund({ ...asked, reference: reference() })).toBeUndefined();
  });

  test('of another account: nobody knows', async () => {
    const asked = await given('pm_card_visa');
    expect(await provider.findRefund({ ...asked, refundId: 're_of_nobody' })).toMatchObject({ status: 'UNKNOWN' });
    standIn.trouble('GET /v1/refunds', 'ERROR_500_BEFORE');
    expect(await provider.findRefund(asked)).toMatchObject({ status: 'UNKNOWN' });
  });
});

describe('checkout and portal', () => {
  test('a checkout names our row; the portal belongs to the customer', async () => {
    const { customerId } = await customerWith('pm_card_visa');
    const row = reference();
    const lines = [
      { description: 'Importer', unitAmount: money(14_900n, 'EUR'), quantity: 2n, interval: 'MONTH' as const },
    ];
    const asked = {
      key: 'checkout-1',
      reference: row,
      customerId,
      lines,
      successUrl: 'https://x.example/',
      cancelUrl: 'https://x.example/',
    };
    const made = await provider.createCheckout(asked);
    if (made.status !== 'SUCCEEDED') throw new Error(made.status);
    expect(await provider.createCheckout(asked)).toEqual(made);
    // 2 × 149.00
    expect(standIn.books.get('checkout.session', made.checkoutId)).toMatchObject({
      ...{ amount_total: 29_800, client_reference_id: row, mode: 'subscription' },
    });
    await standIn.fillIn(made.url);
    expect(standIn.books.all('subscription')[0]!.metadata).toEqual({ tollgate_reference: row });
    expect(await provider.createPortalLink(customerId, 'https://x.example/')).toContain('/p/session/');
    expect(await provider.createPortalLink('cus_none', 'https://x.example/')).toBeUndefined();
  });
});

describe('webhooks', () => {
  const now = () => instantFromMilliseconds(standIn.books.now() * 1_000);
  const event = (over: object = {}) =>
    JSON.stringify({
      ...{ id: 'evt_1', object: 'event', type: 'payment_intent.succeeded', created: 1, livemode: false },
      data: { object: { id: 'pi_1' } },
      ...over,
    });
  const verify = (body: string | Buffer, header: string | undefined, at = now()) =>
    provider.verifyWebhook(Buffer.from(body), header === undefined ? {} : { 'stripe-signature': header }, at);
  const codeOf = (result: ReturnType<typeof verify>) => (result.ok ? result.value.id : result.refusal.code);
  const seconds = () => standIn.books.now();

  test('by either secret while one is rotated, by no other', () => {
    const body = event();
    for (const secret of secrets) expect(codeOf(verify(body, signatureOf(body, [secret], seconds())))).toBe('evt_1');
    const both = signatureOf(body, ['whsec_unknown', secrets[1]!], seconds());
    expect(codeOf(verify(body, both))).toBe('evt_1');
    for (const header of [
      undefined,
      '',
      'v1=,t=',
      `t=${seconds()}`,
      `t=${seconds()},v1=${'0'.repeat(64)}`,
      `t=${seconds()},v0=${signatureOf(body, [secrets[0]!], seconds()).split('v1=')[1]}`,
      signatureOf(body, [''], seconds()),
      signatureOf(body, ['whsec_unknown'], seconds()),
      `t=1,${signatureOf(body, [secrets[0]!], seconds())}`,
    ]) {
      expect(codeOf(verify(body, header))).toBe('SIGNATURE_INVALID');
    }
  });

  test('over the raw bytes: one byte more, or the same JSON written otherwise, does not hold', () => {
    const body = event();
    const header = signatureOf(body, [secrets[0]!], seconds());
    expect(codeOf(verify(`${body} `, header))).toBe('SIGNATURE_INVALID');
    expect(codeOf(verify(JSON.stringify(JSON.parse(body), null, 1), header))).toBe('SIGNATURE_INVALID');
  });

  test('too old and too far in the future are both refused', () => {
    const body = event();
    for (const shift of [-301, 302]) {
      const header = signatureOf(body, [secrets[0]!], seconds() + shift);
      expect(codeOf(verify(body, header))).toBe('TIMESTAMP_OUT_OF_TOLERANCE');
    }
  });

  test('the other mode and what is no event', () => {
    const live = event({ livemode: true });
    expect(codeOf(verify(live, signatureOf(live, [secrets[0]!], seconds())))).toBe('WRONG_MODE');
    for (const body of ['[]', 'null', '{"object":"event"}', event({ id: '' }), event({ data: {} }), '{']) {
      expect(codeOf(verify(body, signatureOf(body, [secrets[0]!], seconds())))).toBe('BODY_INVALID');
    }
  });

  test.each<[string, object, PaymentFact | undefined]>([
    // Without a reference it is not ours: Stripe made it for what it bills itself.
    [
      'payment_intent.succeeded',
      { id: 'pi_1', amount: 5, currency: 'usd', status: 'succeeded', metadata: {} },
      undefined,
    ],
    [
      'payment_intent.succeeded',
      { id: 'pi_1', amount: 50_000, currency: 'ugx', status: 'succeeded', metadata: { tollgate_reference: 'r' } },
      {
        ...{ kind: 'CHARGE', chargeId: 'pi_1', reference: 'r', amount: money(500n, 'UGX') },
        outcome: { status: 'SUCCEEDED', chargeId: 'pi_1' },
      },
    ],
    [
      'charge.dispute.closed',
      { id: 'du_1', amount: 5, currency: 'usd', status: 'lost', reason: 'fraudulent', payment_intent: 'pi_1' },
      {
        ...{ kind: 'DISPUTE', disputeId: 'du_1', chargeId: 'pi_1', reference: undefined, amount: money(5n, 'USD') },
        ...{ status: 'LOST', reason: 'fraudulent' },
      },
    ],
    ['charge.dispute.created', { id: 'du_1', amount: 'all', currency: 'usd', payment_intent: 'pi_1' }, undefined],
    ['something.new', { id: 'x_1' }, undefined],
  ])('%s says', (type, object, fact) => {
    expect(provider.factOf(provider.readEvent(event({ type, data: { object } })))).toEqual(fact);
  });
});

test('no secret, no card and no words of Stripe reach the log', () => {
  const written = lines().join('');
  expect(lines().length).toBeGreaterThan(5);
  for (const secret of [standIn.secretKey, 'sk_test', ...secrets, '4242', 'Invalid API Key', 'declined.']) {
    expect(written).not.toContain(secret);
  }
});
