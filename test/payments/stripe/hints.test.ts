import Stripe from 'stripe';
import { stripeHandlers } from '../../../src/payments/stripe/stripe-events.job';
import { problemOf, setupProblem, wantedEvents } from '../../../src/payments/stripe/stripe-setup';
import { stripeFactOf } from '../../../src/payments/stripe/stripe-webhook';
import { apiVersion } from '../../support/stripe/books';
import { brokenInvariants, type StripeGateway, StripeTenant, startStripeGateway } from '../../support/stripe/gateway';
import type { StripeEvent } from '../../support/stripe/objects';

let stripe: StripeGateway;
beforeAll(async () => {
  stripe = await startStripeGateway({ at: '2027-03-01T12:00:00Z' });
});
afterAll(() => stripe.stop());
afterEach(() => {
  stripe.standIn.hooks.behave();
  stripe.standIn.calm();
  stripe.standIn.books.eventVersion = apiVersion;
});

const plans = [
  { code: 'starter', rank: 10, month: '31.00' },
  { code: 'growth', rank: 20, month: '199.00' },
];
const books = () => stripe.standIn.books;
const client = () => stripe.standIn.client();
let serial = 0;
async function card(tenant: StripeTenant, token = 'pm_card_visa', makeDefault = true) {
  serial += 1;
  const input = { provider: 'STRIPE', token, makeDefault };
  const fields = 'paymentMethod { id last4 expiresMonth expiresYear }';
  return tenant.act('addPaymentMethod', input, fields, `, idempotencyKey: "card-${serial}"`);
}
const methods = async (tenant: StripeTenant) => {
  const query = `query ($id: ID) { paymentMethods(tenantId: $id, first: 9) { nodes { last4 expiresMonth expiresYear } } }`;
  return (await stripe.gateway.get('super-admin', query, { id: tenant.id })).nodes;
};
async function onPlan(token?: string): Promise<StripeTenant> {
  const tenant = await StripeTenant.create(stripe, plans);
  await card(tenant, token);
  await tenant.start('starter');
  await stripe.settle();
  return tenant;
}
async function withTrack(): Promise<StripeTenant> {
  const tenant = await StripeTenant.create(stripe, plans);
  await tenant.world.addon('track', '149.00', { minimumPlan: 'growth', features: [{ feature: 'tracks' }] });
  await tenant.start('growth');
  return tenant;
}
const eventsAbout = (tenant: StripeTenant) =>
  stripe.gateway.database.asOwner<{ type: string; status: string; reason: string | null }>(
    'select type, status, reason from inbound_events where tenant_id = $1 order by id',
    [tenant.uuid],
  );

describe('an event is a hint', () => {
  test.each(['2019-12-03', '2024-06-20'])(
    'an endpoint of version %s: bought, renewed and ended all the same',
    async (version) => {
      books().eventVersion = version;
      const tenant = await withTrack();
      const { checkout } = await tenant.offerAddon('track');
      await stripe.standIn.fillIn(checkout.url);
      await stripe.settle();
      expect(await tenant.allowed('tracks')).toBe(true);
      await stripe.advanceDays(32);
      expect((await tenant.checkouts())[0].collected).toHaveLength(2);
      await client().subscriptions.cancel(books().all('subscription')[0]!.id);
      await stripe.settle();
      expect(await tenant.allowed('tracks')).toBe(false);
      expect((await eventsAbout(tenant)).filter(({ status }) => status === 'PARKED')).toEqual([]);
    },
  );

  test('a charge, a refund and a dispute that lie: what is written down is what Stripe has', async () => {
    const tenant = await onPlan();
    const [intent] = books().all('payment_intent');
    const lie = (type: string, object: object, about: object) => books().emit(type, { ...object, ...about });
    lie('payment_intent.payment_failed', intent!, { status: 'requires_payment_method' });
    lie('payment_intent.succeeded', intent!, { amount: 1 });
    await stripe.settle();
    expect(await tenant.invoices()).toMatchObject([{ status: 'PAID', amountDue: { amount: '0.00' } }]);
    expect((await eventsAbout(tenant)).filter(({ status }) => status === 'PARKED')).toEqual([]);
    books().emit('payment_intent.succeeded', { ...intent!, id: 'pi_nobody' });
    await stripe.settle();
    const [last] = await stripe.gateway.database.asOwner<{ reason: string }>(
      `select reason from inbound_events where status = 'PARKED' order by id desc limit 1`,
    );
    expect(last!.reason).toContain('SUBJECT_UNKNOWN');
  });

  test('a dispute that is lost takes the payment; won after all, the money is there again', async () => {
    const tenant = await onPlan();
    const { payments } = stripe.standIn;
    const dispute = payments.dispute(stripe.standIn.taken()[0]!);
    payments.closeDispute(dispute, 'lost');
    await stripe.settle();
    const refunded = async () => {
      const query = 'query ($id: ID) { invoices(tenantId: $id, first: 9) { nodes { status refunded { amount } } } }';
      return (await stripe.gateway.get('super-admin', query, { id: tenant.id })).nodes;
    };
    expect(await refunded()).toEqual([{ status: 'PAID', refunded: { amount: '31.00' } }]);
    // The bank is asked anew: until it answers, the money is away.
    Object.assign(dispute, { status: 'appeal_under_review' });
    books().emit('charge.dispute.updated', dispute);
    await stripe.settle();
    expect(await refunded()).toEqual([{ status: 'PAID', refunded: { amount: '31.00' } }]);
    stripe.standIn.hooks.misbehave({ drop: ({ type }) => type !== 'charge.dispute.funds_reinstated' });
    payments.closeDispute(dispute, 'won');
    await stripe.settle();
    expect(await refunded()).toEqual([{ status: 'PAID', refunded: { amount: '0.00' } }]);
    const cancelled = await tenant.act(
      'cancelSubscription',
      { reason: 'bye', when: 'NOW' },
      'creditNote { total { amount } }',
    );
    expect(cancelled).toMatchObject({ creditNote: { total: { amount: '31.00' } } });
  });

  test('while Stripe does not answer it waits, and is applied afterwards', async () => {
    const tenant = await onPlan();
    stripe.standIn.trouble('GET /v1/payment_methods', 'ERROR_500_BEFORE', 1);
    await client().paymentMethods.detach(books().all('payment_method')[0]!.id);
    await stripe.settle();
    expect(await methods(tenant)).toHaveLength(1);
    await stripe.advanceDays(0.01);
    expect(await methods(tenant)).toEqual([]);
  });

  test('a thin event is taken, and says which object to ask for', async () => {
    const tenant = await withTrack();
    const { checkout } = await tenant.offerAddon('track');
    stripe.standIn.hooks.misbehave({ drop: () => true });
    await stripe.standIn.fillIn(checkout.url);
    stripe.standIn.hooks.behave();
    const [subscription] = books().all('subscription');
    const thin = (id: string, type: string, related: object | null) => {
      const event = {
        ...{ id, object: 'v2.core.event', type, livemode: true, related_object: related },
        created: new Date(books().now() * 1_000).toISOString(),
      };
      return stripe.standIn.hooks.deliver({ id } as StripeEvent, { body: JSON.stringify(event) });
    };
    const of = { id: subscription!.id, type: 'subscription', url: `/v1/subscriptions/${subscription!.id}` };
    expect(await thin('evt_thin_1', 'v1.customer.subscription.created', of)).toMatchObject([{ status: 200 }]);
    await stripe.settle();
    expect(await tenant.allowed('tracks')).toBe(true);
    const about = { id: 'mtr_1', type: 'billing.meter', url: '/v1/billing/meters/mtr_1' };
    expect(await thin('evt_thin_2', 'v1.billing.meter.error_report_triggered', about)).toMatchObject([{ status: 200 }]);
    expect(await thin('evt_thin_3', 'v2.core.event_destination.ping', null)).toMatchObject([{ status: 200 }]);
    expect(await thin('evt_thin_4', 'v1.customer.subscription.created', { ...of, id: 'sub_none' })).toMatchObject([
      { status: 200 },
    ]);
    await stripe.settle();
    const rows = await stripe.gateway.database.asOwner<{ status: string }>(
      `select status from inbound_events where event_id like 'evt_thin_%' order by event_id`,
    );
    expect(rows.map(({ status }) => status)).toEqual(['APPLIED', 'IGNORED', 'IGNORED', 'PARKED']);
  });

  test('a card that its network renewed is kept as it is now', async () => {
    const tenant = await onPlan();
    const [method] = books().all('payment_method');
    stripe.standIn.payments.renewCard(method!, { month: 7, year: 2041 });
    await stripe.settle();
    expect(await methods(tenant)).toMatchObject([{ expiresMonth: 7, expiresYear: 2041 }]);
    expect(await tenant.told()).toContain('payment_method.updated');
  });

  test('a card that its network renewed pays what the old one did not', async () => {
    const tenant = await onPlan('pm_card_chargeCustomerFail');
    expect(await tenant.invoices()).toMatchObject([{ status: 'FINALIZED' }]);
    const [method] = books().all('payment_method');
    await stripe.advanceDays(1);
    stripe.standIn.payments.renewCard(method!, { month: 7, year: 2041 }, 'pm_card_visa');
    await stripe.settle();
    expect(await tenant.invoices()).toMatchObject([{ status: 'PAID' }]);
  });

  test('an intent that was cancelled in the dashboard is no longer waited for', async () => {
    const tenant = await onPlan('pm_card_chargeCustomerFail');
    const [intent] = books().all('payment_intent');
    intent!.status = 'requires_action';
    await stripe.gateway.database.asOwner(
      `update payments set status = 'REQUIRES_ACTION', decline_code = null, settled_at = null where tenant_id = $1`,
      [tenant.uuid],
    );
    await client().paymentIntents.cancel(intent!.id);
    await stripe.settle();
    const rows = await stripe.gateway.database.asOwner(
      'select status, decline_code from payments where tenant_id = $1',
      [tenant.uuid],
    );
    expect(rows).toEqual([{ status: 'DECLINED', decline_code: 'CANCELLED' }]);
  });

  test('a bank that only asks has taken nothing', () => {
    const dispute = { id: 'du_1', amount: 100, currency: 'eur', payment_intent: 'pi_1' };
    const factOf = (status: string) =>
      stripeFactOf({ type: 'charge.dispute.created', payload: { ...dispute, status } } as never)?.kind;
    const states = ['needs_response', 'under_review', 'won', 'lost', 'appeal_needs_response', 'appeal_under_review'];
    expect(states.map(factOf)).toEqual(states.map(() => 'DISPUTE'));
    const inquiries = ['warning_needs_response', 'warning_under_review', 'warning_closed', 'prevented'];
    expect(inquiries.map(factOf)).toEqual(inquiries.map(() => undefined));
  });
});

describe('it is gone at Stripe', () => {
  test('the customer: its cards are gone with it, it is made anew when a card is given, with and without the event', async () => {
    for (const isHeard of [true, false]) {
      const tenant = await onPlan();
      if (!isHeard) stripe.standIn.hooks.misbehave({ drop: () => true });
      const before = books().all('customer')[0]!.id;
      await client().customers.del(before);
      await stripe.settle();
      expect(await methods(tenant)).toHaveLength(isHeard ? 0 : 1);
      expect(await card(tenant)).toMatchObject({ paymentMethod: { last4: '4242' } });
      expect(await methods(tenant)).toHaveLength(1);
      expect(books().all('customer')[0]!.id).not.toBe(before);
      stripe.standIn.hooks.behave();
    }
  });

  test('the customer, at a checkout, a setup page and the portal: none of them is an outage', async () => {
    const tenant = await onPlan();
    stripe.standIn.hooks.misbehave({ drop: () => true });
    const kill = () => client().customers.del(books().all('customer')[0]!.id);
    await kill();
    serial += 1;
    const setup = { provider: 'STRIPE', returnUrl: 'https://shop.example/' };
    expect(
      await tenant.act('startPaymentMethodSetup', setup, 'url', `, idempotencyKey: "setup-${serial}"`),
    ).toMatchObject({
      url: expect.stringContaining('/c/pay/'),
    });
    await kill();
    await tenant.world.addon('track', '149.00', { minimumPlan: 'starter' });
    expect(await tenant.offerAddon('track')).toMatchObject({ checkout: { status: 'OPEN' } });
    await kill();
    const portal = () => tenant.act('createPortalLink', { returnUrl: 'https://shop.example/' }, 'url');
    expect(await portal()).toMatchObject({ code: 'CUSTOMER_NOT_FOUND' });
    await card(tenant);
    expect(await portal()).toMatchObject({ url: expect.any(String) });
  });

  test('the customer, with what Stripe billed it: that ends here, and can be bought again', async () => {
    const tenant = await withTrack();
    const buy = async () => {
      const { checkout } = await tenant.offerAddon('track');
      await stripe.standIn.fillIn(checkout.url);
      await stripe.settle();
    };
    await buy();
    await client().customers.del(books().all('customer')[0]!.id);
    await stripe.settle();
    expect(await tenant.attachments()).toMatchObject([{ status: 'ENDED' }]);
    await buy();
    expect(await tenant.allowed('tracks')).toBe(true);
    expect(await tenant.checkouts(true)).toEqual([]);
    await client().subscriptions.cancel(books().all('subscription')[0]!.id);
    await stripe.settle();
  });

  test('the card, found out by a charge: it is forgotten, so that nothing is charged to it again', async () => {
    const tenant = await onPlan();
    stripe.standIn.hooks.misbehave({ drop: () => true });
    await client().paymentMethods.detach(books().all('payment_method')[0]!.id);
    await stripe.advanceDays(32);
    await tenant.bill();
    expect(await methods(tenant)).toEqual([]);
    expect(await tenant.told()).toContain('payment_method.removed');
  });

  test.each(['heard of', 'found out by a charge'])('the card, %s: the other one on file pays', async (way) => {
    const tenant = await onPlan();
    await card(tenant, 'pm_card_mastercard', false);
    if (way !== 'heard of') stripe.standIn.hooks.misbehave({ drop: () => true });
    await client().paymentMethods.detach(books().all('payment_method')[1]!.id);
    await stripe.settle();
    await stripe.advanceDays(32);
    await tenant.bill();
    expect(await methods(tenant)).toMatchObject([{ last4: '4444' }]);
    expect((await tenant.invoices()).map(({ status }) => status)).toEqual(['PAID', 'PAID']);
    expect(await tenant.told()).not.toContain('subscription.past_due');
  });

  test('the price: the page states it itself', async () => {
    const tenant = await withTrack();
    await stripe.gateway.database.asOwner(
      `insert into stripe_prices (partner_id, live, price_id, product_external_id, external_id, currency, amount, created_at)
       select a.partner_id, true, a.id, 'prod_gone', 'price_gone', a.currency, a.amount, now() from addon_prices a
         join tenants t on t.partner_id = a.partner_id where t.id = $1`,
      [tenant.uuid],
    );
    const { checkout } = await tenant.offerAddon('track');
    expect(checkout).toMatchObject({ status: 'OPEN' });
    await stripe.standIn.fillIn(checkout.url);
    await stripe.settle();
    expect(await tenant.allowed('tracks')).toBe(true);
    await client().subscriptions.cancel(books().all('subscription')[0]!.id);
    await stripe.settle();
  });

  test('the subscription, without a trace: a person is told, and nothing is taken away', async () => {
    const tenant = await withTrack();
    const { checkout } = await tenant.offerAddon('track');
    await stripe.standIn.fillIn(checkout.url);
    await stripe.settle();
    books().drop('subscription', books().all('subscription')[0]!.id);
    await stripe.advanceDays(40);
    expect(await tenant.checkouts(true)).toMatchObject([{ parkedReason: expect.stringContaining('SUBJECT_UNKNOWN') }]);
    expect(await tenant.allowed('tracks')).toBe(true);
  });
});

describe('how the endpoint is set up', () => {
  const endpoint = { url: 'https://billing.example/webhooks/stripe', status: 'enabled', enabled_events: ['*'] };
  const right = { ...endpoint, api_version: Stripe.API_VERSION };
  test.each([
    ['right', [right], undefined],
    ['none', [{ ...right, url: 'https://other.example/hooks' }], 'no webhook endpoint'],
    ['off', [{ ...right, status: 'disabled' }], 'is disabled'],
    ['older', [{ ...right, api_version: '2019-12-03' }], 'sends API version 2019-12-03'],
    ['the account’s', [{ ...right, api_version: null }], 'of the account'],
    ['deaf', [{ ...right, enabled_events: wantedEvents.slice(1) as string[] }], 'lacks charge.dispute.closed.'],
    ['one of two is right', [{ ...right, api_version: '2019-12-03' }, right], undefined],
  ])('%s', (_name, endpoints, problem) => {
    const said = problemOf(endpoints);
    if (problem === undefined) expect(said).toBeUndefined();
    else expect(said).toContain(problem);
    expect(said ?? '').not.toContain('\n');
  });

  test('it is read from Stripe; where it may not be read, that is said', async () => {
    expect(await setupProblem(stripe.provider)).toContain('no webhook endpoint');
    const { url, enabled_events } = right;
    await client().webhookEndpoints.create({ url, enabled_events: enabled_events as ['*'], api_version: '2019-12-03' });
    expect(await setupProblem(stripe.provider)).toContain('sends API version 2019-12-03');
    stripe.standIn.trouble('GET /v1/webhook_endpoints', 'ERROR_500_BEFORE');
    expect(await setupProblem(stripe.provider)).toContain('be read');
  });

  test('what is asked for is understood', () => {
    const facts = /^(payment_intent|payment_method|setup_intent)\./;
    expect(wantedEvents.filter((type) => !stripeHandlers[type] && !facts.test(type))).toEqual([]);
  });
});

test('what must always hold, holds', async () => {
  expect(await brokenInvariants(stripe)).toEqual([]);
});
