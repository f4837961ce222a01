import Stripe from 'stripe';
import { signatureOf } from '../../support/stripe/hooks';
import { startSink, type WebhookSink } from '../../support/stripe/sink';
import { type StripeStandIn, startStripe } from '../../support/stripe/stand-in';

let standIn: StripeStandIn;
let stripe: Stripe;

beforeAll(async () => {
  standIn = await startStripe();
  stripe = standIn.client();
});
afterAll(() => standIn.stop());
afterEach(() => standIn.calm());

/** The error that a call ends with. */
async function errorOf(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error;
    throw error;
  }
  throw new Error('it should have been refused');
}

const chargeOf = (customer: Stripe.Customer, method: string, amount = 1_900) => ({
  ...{ amount, currency: 'usd', customer: customer.id, payment_method: method },
  ...{ off_session: true, confirm: true },
});

async function customerWith(card: string): Promise<{ customer: Stripe.Customer; method: Stripe.PaymentMethod }> {
  const customer = await stripe.customers.create({ name: 'Globex', metadata: { tenant: 't1' } });
  const method = await stripe.paymentMethods.attach(card, { customer: customer.id });
  return { customer, method };
}

describe('requests', () => {
  test('unknown routes and parameters are errors, a foreign key too', async () => {
    const { rawRequest } = stripe;
    expect(await errorOf(rawRequest.call(stripe, 'GET', '/v1/unheard_of'))).toMatchObject({
      type: 'StripeInvalidRequestError',
      statusCode: 404,
    });
    const unknown = { name: 'X', colour: 'red' } as Stripe.CustomerCreateParams;
    expect(await errorOf(stripe.customers.create(unknown))).toMatchObject({ code: 'parameter_unknown' });
    expect(await errorOf(standIn.client({ key: 'sk_test_other' }).customers.list())).toMatchObject({
      type: 'StripeAuthenticationError',
    });
    expect(await errorOf(stripe.customers.retrieve('cus_none'))).toMatchObject({
      ...{ statusCode: 404, code: 'resource_missing' },
    });
  });

  test('nested form bodies arrive as they were sent', async () => {
    const { customer } = await customerWith('pm_card_visa');
    const product = await stripe.products.create({ name: 'Track & trace', metadata: { a: 'ä=&[x]' } });
    const price = await stripe.prices.create({
      ...{ product: product.id, currency: 'eur', unit_amount: 14_900, recurring: { interval: 'month' } },
    });
    const session = await stripe.checkout.sessions.create({
      mode: 'subscription',
      customer: customer.id,
      line_items: [{ price: price.id, quantity: 2 }],
      subscription_data: { metadata: { intent: 'i1' } },
      metadata: { intent: 'i1' },
      success_url: 'https://shop.example/done?x=1&y=2',
    });
    expect(product.metadata).toEqual({ a: 'ä=&[x]' });
    expect(price.unit_amount_decimal?.toString()).toBe('14900');
    expect(session).toMatchObject({ amount_total: 29_800, status: 'open', metadata: { intent: 'i1' } });
    expect(session.success_url).toBe('https://shop.example/done?x=1&y=2');
  });

  test('lists are pages, newest first, and the SDK walks them', async () => {
    const { id } = await stripe.products.create({ name: 'Paged' });
    const made: string[] = [];
    for (let amount = 1; amount <= 25; amount += 1) {
      const price = await stripe.prices.create({ product: id, currency: 'usd', unit_amount: amount });
      made.unshift(price.id);
    }
    const first = await stripe.prices.list({ product: id, limit: 10 });
    expect(first.has_more).toBe(true);
    expect(first.data.map((price) => price.id)).toEqual(made.slice(0, 10));
    const walked: string[] = [];
    for await (const price of stripe.prices.list({ product: id, limit: 10 })) walked.push(price.id);
    expect(walked).toEqual(made);
  });

  test('ids are expanded into their objects', async () => {
    const { customer, method } = await customerWith('pm_card_visa');
    const intent = await stripe.paymentIntents.create({ ...chargeOf(customer, method.id), expand: ['latest_charge'] });
    expect(intent.latest_charge).toMatchObject({ object: 'charge', paid: true, amount: 1_900 });
  });
});

describe('idempotency keys', () => {
  test('the same key and body is one charge, and the first answer', async () => {
    const { customer, method } = await customerWith('pm_card_visa');
    const before = standIn.taken().length;
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        stripe.paymentIntents.create(chargeOf(customer, method.id), { idempotencyKey: 'once' }),
      ),
    );
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(standIn.taken().length).toBe(before + 1);
    const last = await stripe.paymentIntents.create(chargeOf(customer, method.id), { idempotencyKey: 'once' });
    expect(last.lastResponse.headers['idempotent-replayed']).toBe('true');
  });

  test('the same key with another body or on another route is an error', async () => {
    const { customer, method } = await customerWith('pm_card_visa');
    await stripe.paymentIntents.create(chargeOf(customer, method.id), { idempotencyKey: 'mine' });
    const other = stripe.paymentIntents.create(chargeOf(customer, method.id, 2_000), { idempotencyKey: 'mine' });
    expect(await errorOf(other)).toMatchObject({ type: 'StripeIdempotencyError' });
    expect(await errorOf(stripe.customers.create({}, { idempotencyKey: 'mine' }))).toMatchObject({
      type: 'StripeIdempotencyError',
    });
  });

  test('a declined card is an answer that is kept; a refused parameter leaves the key free', async () => {
    const { customer, method } = await customerWith('pm_card_chargeCustomerFail');
    const before = standIn.books.all('charge').length;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const declined = stripe.paymentIntents.create(chargeOf(customer, method.id), { idempotencyKey: 'declined' });
      expect(await errorOf(declined)).toMatchObject({ code: 'card_declined' });
    }
    expect(standIn.books.all('charge').length).toBe(before + 1);
    const wrong = stripe.paymentIntents.create({ amount: 100, currency: 'zzz' }, { idempotencyKey: 'corrected' });
    expect(await errorOf(wrong)).toMatchObject({ param: 'currency' });
    const right = stripe.paymentIntents.create({ amount: 100, currency: 'usd' }, { idempotencyKey: 'corrected' });
    expect((await right).amount).toBe(100);
  });

  test('a key is forgotten after a day, as Stripe forgets it', async () => {
    const { customer, method } = await customerWith('pm_card_visa');
    const first = await stripe.paymentIntents.create(chargeOf(customer, method.id), { idempotencyKey: 'a-day' });
    await standIn.advanceTo(standIn.books.now() + 86_401);
    const second = await stripe.paymentIntents.create(chargeOf(customer, method.id), { idempotencyKey: 'a-day' });
    expect(second.id).not.toBe(first.id);
  });
});

describe('money', () => {
  // Stripe's smallest unit: yen have no decimals, dinars three of which the last is 0, shillings are written with two.
  test.each([
    ['jpy', 500, undefined],
    ['kwd', 5_120, undefined],
    ['kwd', 5_124, 'invalid_amount_for_currency'],
    ['ugx', 500, undefined],
    ['ugx', 501, 'invalid_amount_for_currency'],
    ['isk', 150, 'invalid_amount_for_currency'],
    ['usd', 100_000_000, 'amount_too_large'],
    ['usd', 0, 'parameter_invalid_integer'],
  ])('%s %i', async (currency, amount, code) => {
    const call = stripe.paymentIntents.create({ amount, currency });
    if (code) expect(await errorOf(call)).toMatchObject({ code, statusCode: 400 });
    else expect(await call).toMatchObject({ amount, currency });
  });

  test.each([
    ['pm_card_chargeCustomerFail', 'card_declined', 'generic_decline'],
    ['pm_card_authenticationRequired', 'authentication_required', 'authentication_required'],
  ])('%s: the charge fails and says why, with the intent in the error', async (card, code, decline) => {
    const { customer, method } = await customerWith(card);
    const error = await errorOf(stripe.paymentIntents.create(chargeOf(customer, method.id)));
    expect(error).toMatchObject({ type: 'StripeCardError', statusCode: 402, code, decline_code: decline });
    expect(error.payment_intent).toMatchObject({ status: 'requires_payment_method', amount: 1_900 });
  });

  test.each([
    ['pm_card_visa_chargeDeclined', 'generic_decline'],
    ['pm_card_visa_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card'],
  ])('%s cannot even be attached', async (card, decline) => {
    const customer = await stripe.customers.create({});
    const attach = stripe.paymentMethods.attach(card, { customer: customer.id });
    expect(await errorOf(attach)).toMatchObject({ type: 'StripeCardError', decline_code: decline });
  });

  test('a card that was set up for it is charged without its holder', async () => {
    const customer = await stripe.customers.create({});
    const setup = await stripe.setupIntents.create({
      ...{ customer: customer.id, payment_method: 'pm_card_authenticationRequiredOnSetup', confirm: true },
    });
    expect(setup.status).toBe('succeeded');
    const intent = await stripe.paymentIntents.create(chargeOf(customer, setup.payment_method as string));
    expect(intent.status).toBe('succeeded');
  });

  test('refunds never exceed the charge', async () => {
    const { customer, method } = await customerWith('pm_card_visa');
    const intent = await stripe.paymentIntents.create(chargeOf(customer, method.id));
    await stripe.refunds.create({ payment_intent: intent.id, amount: 1_000 });
    const more = stripe.refunds.create({ payment_intent: intent.id, amount: 901 });
    expect(await errorOf(more)).toMatchObject({ param: 'amount' });
    // 1,900 − 1,000 = 900
    expect((await stripe.refunds.create({ payment_intent: intent.id })).amount).toBe(900);
    expect(await errorOf(stripe.refunds.create({ payment_intent: intent.id }))).toMatchObject({
      code: 'charge_already_refunded',
    });
  });

  test('a disputed charge is not refunded', async () => {
    const { customer, method } = await customerWith('pm_card_createDispute');
    const intent = await stripe.paymentIntents.create(chargeOf(customer, method.id));
    const disputes = await stripe.disputes.list({ payment_intent: intent.id });
    expect(disputes.data).toMatchObject([{ amount: 1_900, status: 'needs_response', reason: 'fraudulent' }]);
    expect(await errorOf(stripe.refunds.create({ payment_intent: intent.id }))).toMatchObject({
      code: 'charge_disputed',
    });
  });
});

describe('trouble', () => {
  test.each(['HANG_BEFORE', 'HANG_AFTER', 'RESET_AFTER', 'ERROR_500_BEFORE', 'ERROR_500_AFTER'] as const)(
    '%s: unknown at first, one charge once it is asked again with the key',
    async (mishap) => {
      const { customer, method } = await customerWith('pm_card_visa');
      const before = standIn.taken().length;
      const client = standIn.client({ timeout: 150 });
      const key = `trouble-${mishap}`;
      // The SDK itself asks once more where the connection was closed.
      standIn.trouble('POST /v1/payment_intents', mishap, 2);
      const first = client.paymentIntents.create(chargeOf(customer, method.id), { idempotencyKey: key });
      expect((await errorOf(first)).type).toMatch(/StripeConnectionError|StripeAPIError/);
      standIn.calm();
      const intent = await stripe.paymentIntents.create(chargeOf(customer, method.id), { idempotencyKey: key });
      expect(intent.status).toBe('succeeded');
      expect(standIn.taken().length).toBe(before + 1);
    },
  );

  test('too many requests', async () => {
    standIn.trouble('GET /v1/customers', 'TOO_MANY_REQUESTS');
    expect(await errorOf(stripe.customers.list())).toMatchObject({ type: 'StripeRateLimitError', statusCode: 429 });
    expect((await stripe.customers.list()).object).toBe('list');
  });
});

describe('checkout and subscriptions', () => {
  async function subscribed(card = 'pm_card_visa', amount = 14_900) {
    const customer = await stripe.customers.create({});
    const product = await stripe.products.create({ name: 'Importer & Distributor' });
    const price = await stripe.prices.create({
      ...{ product: product.id, currency: 'eur', unit_amount: amount, recurring: { interval: 'month' } },
    });
    const session = await stripe.checkout.sessions.create({
      ...{ mode: 'subscription', customer: customer.id, success_url: 'https://shop.example' },
      line_items: [{ price: price.id, quantity: 1 }],
    });
    const filled = await standIn.fillIn(session.url!, card);
    return { customer, price, filled, session: await stripe.checkout.sessions.retrieve(session.id) };
  }

  test('a session that is paid for makes a subscription with its first invoice paid', async () => {
    const { session } = await subscribed();
    expect(session).toMatchObject({ status: 'complete', payment_status: 'paid' });
    const subscription = await stripe.subscriptions.retrieve(session.subscription as string, {
      expand: ['latest_invoice'],
    });
    expect(subscription).toMatchObject({
      status: 'active',
      latest_invoice: { status: 'paid', amount_paid: 14_900, billing_reason: 'subscription_create' },
    });
    const [item] = subscription.items.data;
    expect(item!.current_period_end).toBeGreaterThan(item!.current_period_start);
  });

  test('a declined card leaves the session open and nothing behind', async () => {
    const { session, filled } = await subscribed('pm_card_chargeCustomerFail');
    expect(filled).toEqual({ status: 402, message: 'Your card was declined.' });
    expect(session).toMatchObject({ status: 'open', subscription: null });
  });

  test('renewal, failed payment, retries, recovery, end', async () => {
    const { session, customer } = await subscribed();
    const id = session.subscription as string;
    const periodEnd = async () => (await stripe.subscriptions.retrieve(id)).items.data[0]!.current_period_end;
    await standIn.advanceTo(await periodEnd());
    const invoices = async () => (await stripe.invoices.list({ subscription: id })).data;
    expect((await invoices()).map(({ status, billing_reason }) => [status, billing_reason])).toEqual([
      ['paid', 'subscription_cycle'],
      ['paid', 'subscription_create'],
    ]);

    const failing = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer: customer.id });
    await stripe.subscriptions.update(id, { default_payment_method: failing.id });
    await standIn.advanceTo(await periodEnd());
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('past_due');
    expect((await invoices())[0]).toMatchObject({ status: 'open', attempt_count: 1, amount_remaining: 14_900 });

    const working = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    await stripe.subscriptions.update(id, { default_payment_method: working.id });
    await standIn.advanceTo((await invoices())[0]!.next_payment_attempt!);
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('active');
    expect((await invoices())[0]).toMatchObject({ status: 'paid', attempt_count: 2 });

    await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    await standIn.advanceTo(await periodEnd());
    expect((await stripe.subscriptions.retrieve(id)).status).toBe('canceled');
  });

  test('setup mode saves a card', async () => {
    const customer = await stripe.customers.create({});
    const session = await stripe.checkout.sessions.create({
      ...{ mode: 'setup', currency: 'usd', customer: customer.id, success_url: 'https://shop.example' },
    });
    await standIn.fillIn(session.url!);
    const { setup_intent } = await stripe.checkout.sessions.retrieve(session.id, { expand: ['setup_intent'] });
    const method = (setup_intent as Stripe.SetupIntent).payment_method as string;
    expect((await stripe.customers.listPaymentMethods(customer.id)).data.map(({ id }) => id)).toEqual([method]);
  });

  test('portal', async () => {
    const customer = await stripe.customers.create({});
    const { url } = await stripe.billingPortal.sessions.create({ customer: customer.id });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/p\/session\/bps_/);
  });
});

describe('webhooks', () => {
  let sink: WebhookSink;
  beforeAll(async () => {
    sink = await startSink();
    standIn.hooks.endpoints.push({ url: sink.url, secrets: ['whsec_one'] });
  });
  afterAll(async () => {
    standIn.hooks.endpoints.pop();
    await sink.stop();
  });
  beforeEach(() => {
    sink.received.length = 0;
    standIn.hooks.behave();
  });

  const read = ({ body, signature }: { body: string; signature: string }, secret: string) =>
    stripe.webhooks.constructEvent(body, signature, secret, 300, undefined, standIn.books.now() * 1_000);

  test('are signed so that the SDK accepts them, with each secret while one is rotated', async () => {
    standIn.hooks.endpoints[0]!.secrets = ['whsec_new', 'whsec_one'];
    await stripe.customers.create({ name: 'Hooked' });
    await standIn.hooks.settled();
    standIn.hooks.endpoints[0]!.secrets = ['whsec_one'];
    const [hook] = sink.received;
    for (const secret of ['whsec_one', 'whsec_new']) {
      expect(read(hook!, secret)).toMatchObject({ type: 'customer.created', data: { object: { name: 'Hooked' } } });
    }
    expect(() => read(hook!, 'whsec_other')).toThrow('No signatures found');
    expect(() => read({ ...hook!, body: hook!.body.replace('Hooked', 'hooked') }, 'whsec_one')).toThrow();
    const old = { ...hook!, signature: signatureOf(hook!.body, ['whsec_one'], standIn.books.now() - 301) };
    expect(() => read(old, 'whsec_one')).toThrow('tolerance');
  });

  test('can be repeated, dropped, held back and delivered in another order', async () => {
    standIn.hooks.misbehave({ repeat: 3, delayMilliseconds: 5 });
    await stripe.customers.create({ name: 'Thrice' });
    await standIn.hooks.settled();
    expect(new Set(sink.received.map(({ body }) => JSON.parse(body).id)).size).toBe(1);
    expect(sink.received).toHaveLength(3);

    sink.received.length = 0;
    standIn.hooks.behave();
    standIn.hooks.misbehave({ drop: ({ type }) => type === 'customer.created', hold: true });
    const customer = await stripe.customers.create({ name: 'A' });
    await stripe.customers.update(customer.id, { name: 'B' });
    await stripe.customers.update(customer.id, { name: 'C' });
    expect(sink.received).toHaveLength(0);
    await standIn.hooks.release((events) => events.reverse());
    const names = sink.received.map(({ body }) => JSON.parse(body).data.object.name);
    expect(names).toEqual(['C', 'B']);
  });
});
