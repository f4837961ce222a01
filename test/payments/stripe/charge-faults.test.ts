import { type StripeGateway, StripeTenant, startStripeGateway } from '../../support/stripe/gateway';
import type { Mishap } from '../../support/stripe/stand-in';

let stripe: StripeGateway;
beforeAll(async () => {
  stripe = await startStripeGateway();
});
afterAll(() => stripe.stop());
beforeEach(() => stripe.standIn.calm());

const charges = () =>
  stripe.standIn.requests.filter(({ method, path }) => method === 'POST' && path === '/v1/payment_intents');
const rowOf = async ({ uuid }: StripeTenant) =>
  (
    await stripe.gateway.database.asOwner<{ status: string; unknown_reason: string | null }>(
      'select status, unknown_reason from payments where tenant_id = $1',
      [uuid],
    )
  )[0];
/** No event says what became of it: only asking again does. */
const deaf = () => stripe.standIn.hooks.misbehave({ drop: ({ type }) => type.startsWith('payment_intent.') });

/** A tenant whose card its checkout saves; its first invoice is due at once. */
async function checkedOut(card?: string): Promise<StripeTenant> {
  const tenant = await StripeTenant.create(stripe, [{ code: 'basic', rank: 10, month: '30.00' }]);
  const { checkout } = await tenant.offerPlan('basic');
  await stripe.standIn.fillIn(checkout.url, card);
  return tenant;
}

// The SDK itself sends once more, under the same key, where a connection was closed: both are lost.
test.each<[Mishap, number, string]>([
  ['HANG_BEFORE', 1, 'TIMEOUT'],
  ['HANG_AFTER', 1, 'TIMEOUT'],
  ['RESET_BEFORE', 2, 'CONNECTION_LOST'],
  ['RESET_AFTER', 2, 'CONNECTION_LOST'],
  ['ERROR_500_BEFORE', 1, 'SERVER_ERROR'],
  ['ERROR_500_AFTER', 1, 'SERVER_ERROR'],
  ['TOO_MANY_REQUESTS', 1, 'RATE_LIMITED'],
])('%s: Stripe is asked again under the same key, and takes the money once', async (mishap, times, reason) => {
  const tenant = await checkedOut();
  const [before, taken] = [charges().length, stripe.standIn.taken().length];
  stripe.standIn.trouble('POST /v1/payment_intents', mishap, times);
  deaf();
  await stripe.settle();
  expect(await rowOf(tenant)).toEqual({ status: 'PENDING', unknown_reason: reason });
  expect((await tenant.invoices())[0]).toMatchObject({ status: 'FINALIZED' });
  expect(stripe.standIn.taken().length - taken).toBe(mishap.endsWith('_AFTER') ? 1 : 0);
  await stripe.gateway.database.asOwner(`update payments set ask_at = to_timestamp(0) where status = 'PENDING'`);
  await stripe.settle();
  stripe.standIn.hooks.behave();
  expect(await rowOf(tenant)).toEqual({ status: 'SUCCEEDED', unknown_reason: null });
  expect((await tenant.invoices())[0]).toMatchObject({ status: 'PAID' });
  expect(stripe.standIn.taken().length - taken).toBe(1);
  const asked = charges().slice(before);
  expect(asked).toHaveLength(times + 1);
  expect(new Set(asked.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
});

test('while Stripe hangs no transaction is open, and reads and writes go on', async () => {
  const tenant = await checkedOut();
  const before = charges().length;
  stripe.standIn.trouble('POST /v1/payment_intents', 'HANG_AFTER');
  const settled = stripe.settle();
  while (charges().length === before) await new Promise((resolve) => setTimeout(resolve, 10));
  const open = await stripe.gateway.database.asOwner(
    `select state, query from pg_stat_activity where datname = current_database() and xact_start is not null
        and pid <> pg_backend_pid()`,
  );
  expect(open).toEqual([]);
  expect((await tenant.invoices())[0]).toMatchObject({ status: 'FINALIZED' });
  // The tenant's own lock is free.
  expect(
    await tenant.act(
      'cancelSubscription',
      { when: 'PERIOD_END', reason: 'closing' },
      'subscription { cancelAt }',
      ', idempotencyKey: "c"',
    ),
  ).toMatchObject({ subscription: { cancelAt: expect.any(String) } });
  expect((await rowOf(tenant))?.status).toBe('PENDING');
  await settled;
  // Its event was delivered meanwhile, or it is asked again: paid once either way.
  await stripe.gateway.database.asOwner(`update payments set ask_at = to_timestamp(0) where status = 'PENDING'`);
  await stripe.settle();
  expect((await rowOf(tenant))?.status).toBe('SUCCEEDED');
});

test('a bank that wants its customer declines; another card pays', async () => {
  const tenant = await checkedOut('pm_card_authenticationRequired');
  await stripe.settle();
  const payments = async () =>
    stripe.gateway.database.asOwner(
      'select status, decline_code, action_url from payments where tenant_id = $1 order by id',
      [tenant.uuid],
    );
  const declined = { status: 'DECLINED', decline_code: 'AUTHENTICATION_REQUIRED', action_url: null };
  expect(await payments()).toEqual([declined]);
  const card = { provider: 'STRIPE', token: 'pm_card_visa', makeDefault: true };
  await tenant.act('addPaymentMethod', card, 'paymentMethod { id }', ', idempotencyKey: "m"');
  const { nodes } = await stripe.gateway.get(
    'super-admin',
    'query ($id: ID) { invoices(tenantId: $id, first: 5) { nodes { id } } }',
    {
      id: tenant.id,
    },
  );
  const paid = await tenant.act(
    'payInvoice',
    { invoiceId: nodes[0].id },
    'invoice { status }',
    ', idempotencyKey: "p"',
  );
  expect(paid).toMatchObject({ invoice: { status: 'PAID' } });
  expect(await payments()).toMatchObject([declined, { status: 'SUCCEEDED' }]);
});

test.each(['refunded in the dashboard', 'lost in a dispute'])(
  '%s: what went back is not credited again',
  async (road) => {
    const tenant = await checkedOut();
    await stripe.settle();
    const charge = stripe.standIn.taken()[0]!;
    if (road === 'lost in a dispute') {
      const dispute = stripe.standIn.payments.dispute(charge);
      await stripe.settle();
      stripe.standIn.payments.closeDispute(dispute, 'lost');
    } else await stripe.standIn.client().refunds.create({ charge: charge.id });
    await stripe.settle();
    const { nodes } = await stripe.gateway.get(
      'super-admin',
      'query ($id: ID) { invoices(tenantId: $id, first: 5) { nodes { status refunded { amount } } } }',
      { id: tenant.id },
    );
    expect(nodes).toEqual([{ status: 'PAID', refunded: { amount: '30.00' } }]);
    const ended = await tenant.act(
      'cancelSubscription',
      { when: 'NOW', reason: 'closing' },
      'creditNote { total { amount } }',
      ', idempotencyKey: "e"',
    );
    expect(ended).toEqual({ creditNote: null });
    expect(
      await stripe.gateway.database.asOwner('select 1 from credit_balance_entries where tenant_id = $1', [tenant.uuid]),
    ).toEqual([]);
  },
);

test('a refund that the bank sends back days after it took it has failed', async () => {
  const tenant = await checkedOut();
  await stripe.settle();
  const payment = async () => {
    const fields = 'nodes { payments { id refunded { amount } refunds { status } } }';
    const query = `query ($id: ID) { invoices(tenantId: $id, first: 5) { ${fields} } }`;
    return (await stripe.gateway.get('super-admin', query, { id: tenant.id })).nodes[0].payments[0];
  };
  const { id } = await payment();
  await tenant.act('refundPayment', { paymentId: id }, 'refund { status }', ', idempotencyKey: "r"');
  await stripe.settle();
  expect(await payment()).toMatchObject({ refunded: { amount: '30.00' }, refunds: [{ status: 'SUCCEEDED' }] });
  await stripe.advanceDays(3);
  stripe.standIn.payments.finishRefund(stripe.standIn.books.all('refund')[0]!, 'failed');
  await stripe.settle();
  expect(await payment()).toMatchObject({ refunded: { amount: '0.00' }, refunds: [{ status: 'FAILED' }] });
});

describe('a refund that is unknown for longer than Stripe remembers keys', () => {
  /** Half of a payment is asked back, and two days pass in which no event comes. */
  async function twoDays(card: string | undefined, mishap?: Mishap) {
    const tenant = await checkedOut(card);
    await stripe.settle();
    const paid = '{ nodes { payments { id refunded { amount } refunds { status } } } }';
    const payment = async () => {
      const invoices = await stripe.gateway.get(
        'super-admin',
        `query ($id: ID) { invoices(tenantId: $id, first: 5) ${paid} }`,
        {
          id: tenant.id,
        },
      );
      return invoices.nodes[0].payments[0];
    };
    const intents = new Set(
      stripe.standIn.books
        .all('payment_intent')
        .slice(0, 1)
        .map(({ id }) => id),
    );
    const made = () => stripe.standIn.books.all('refund').filter(({ payment_intent }) => intents.has(payment_intent));
    if (mishap) stripe.standIn.trouble('POST /v1/refunds', mishap);
    stripe.standIn.hooks.misbehave({ drop: ({ type }) => type.startsWith('refund.') });
    const input = { paymentId: (await payment()).id, amount: { amount: '15.00', currency: 'EUR' } };
    await tenant.act('refundPayment', input, 'refund { status }', ', idempotencyKey: "r"');
    expect((await payment()).refunds).toEqual([{ status: 'PENDING' }]);
    await stripe.advanceDays(2);
    return { tenant, payment, made };
  }
  afterEach(() => stripe.standIn.hooks.behave());

  test('is on its way there: it is looked up until it is through, and given once', async () => {
    const { payment, made } = await twoDays('pm_card_pendingRefund');
    expect(made()).toHaveLength(1);
    expect((await payment()).refunds).toEqual([{ status: 'PENDING' }]);
    stripe.standIn.payments.finishRefund(made()[0]!, 'succeeded');
    await stripe.advanceDays(1);
    expect(await payment()).toEqual({
      ...{ id: expect.any(String), refunded: { amount: '15.00' } },
      refunds: [{ status: 'SUCCEEDED' }],
    });
    expect(made()).toHaveLength(1);
  });

  test('was given, and nobody heard of it: found, and given once', async () => {
    const { payment, made } = await twoDays(undefined, 'ERROR_500_AFTER');
    expect((await payment()).refunds).toEqual([{ status: 'SUCCEEDED' }]);
    expect(made()).toHaveLength(1);
  });

  test('never arrived: it failed, and may be asked for again', async () => {
    const { payment, made } = await twoDays(undefined, 'ERROR_500_BEFORE');
    expect(await payment()).toMatchObject({ refunded: { amount: '0.00' }, refunds: [{ status: 'FAILED' }] });
    expect(made()).toEqual([]);
  });
});

test.each(['Stripe', 'its bank'])(
  'an amount that %s does not take: only what the bank says is a failure',
  async (who) => {
    // Stripe makes no charge below 0.50 EUR; a bank says no to a charge that Stripe has made.
    const month = who === 'Stripe' ? '0.30' : '3.00';
    const tenant = await StripeTenant.create(stripe, [{ code: 'tiny', rank: 10, month }]);
    const { checkout } = await tenant.offerPlan('tiny');
    await stripe.standIn.fillIn(checkout.url, who === 'Stripe' ? undefined : 'pm_card_chargeCustomerFail');
    await stripe.settle();
    const [collection] = await stripe.gateway.database.asOwner<object>(
      'select status, failures, due_at is null as waits from invoice_collections where tenant_id = $1',
      [tenant.uuid],
    );
    expect(collection).toEqual(
      who === 'Stripe' ? { status: 'OPEN', failures: 0, waits: true } : { status: 'OPEN', failures: 1, waits: false },
    );
    const { status } = await stripe.gateway.get(
      'super-admin',
      'query ($id: ID) { subscription(tenantId: $id) { status } }',
      {
        id: tenant.id,
      },
    );
    expect(status).toBe(who === 'Stripe' ? 'ACTIVE' : 'PAST_DUE');
  },
);
