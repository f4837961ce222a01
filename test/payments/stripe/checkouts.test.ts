import { stripeHandlers } from '../../../src/payments/stripe/stripe-events.job';
import { metricsHeaders } from '../../support/gateway';
import { collectingLog } from '../../support/stripe/collecting-log';
import {
  brokenInvariants,
  type StripeGateway,
  StripeTenant,
  startStripeGateway,
  stripeWebhookSecret,
} from '../../support/stripe/gateway';
import type { StripeEvent } from '../../support/stripe/objects';

let stripe: StripeGateway;
const { log, lines } = collectingLog();
beforeAll(async () => {
  stripe = await startStripeGateway({ log, at: '2027-03-01T12:00:00Z' });
});
afterAll(() => stripe.stop());
afterEach(() => {
  stripe.standIn.hooks.behave();
  stripe.standIn.calm();
  stripe.standIn.billing.afterRetries = 'cancel';
});

const plans = [
  { code: 'starter', rank: 10, month: '49.00', year: '490.00' },
  { code: 'growth', rank: 20, month: '199.00', year: '1990.00' },
];

async function withTrack(): Promise<StripeTenant> {
  const tenant = await StripeTenant.create(stripe, plans);
  await tenant.world.addon('track', '149.00', { minimumPlan: 'growth', features: [{ feature: 'tracks' }] });
  await tenant.start('growth');
  return tenant;
}

const newestSubscription = () => stripe.standIn.books.all('subscription')[0]!;

async function bought(quantity = 1): Promise<StripeTenant> {
  const tenant = await withTrack();
  const { checkout } = await tenant.offerAddon('track', { quantity });
  await stripe.standIn.fillIn(checkout.url);
  await stripe.settle();
  return tenant;
}

const parkedEvents = async (tenant: StripeTenant) => {
  const rows = await stripe.gateway.database.asOwner<{ reason: string }>(
    `select reason from inbound_events where status = 'PARKED' and tenant_id = $1`,
    [tenant.uuid],
  );
  return rows.map(({ reason }) => reason);
};

describe('what is offered', () => {
  test('each refusal, and nothing is asked of Stripe', async () => {
    const tenant = await withTrack();
    await tenant.world.addon('priceless', undefined, {}, '90.00');
    await tenant.world.addon('top', '9.00', { minimumPlan: 'growth' });
    await tenant.world.addon('needy', '9.00', { requires: ['top'] });
    const before = stripe.standIn.requests.length;
    const code = async (addon: string, input: object = {}) => (await tenant.offerAddon(addon, input)).code;
    expect(await code('nothing')).toBe('ADDON_NOT_FOUND');
    expect(await code('priceless')).toBe('PRICE_NOT_FOUND');
    expect(await code('needy')).toBe('ADDON_REQUIRES_ADDON');
    expect(await code('track', { quantity: 0 })).toBe('INVALID_INPUT');
    // 10,000 × 149.00 is more than Stripe charges at once.
    expect(await code('track', { quantity: 10_000 })).toBe('AMOUNT_NOT_CHARGEABLE');
    for (const successUrl of ['http://shop.example/', 'javascript:alert(1)', 'https://a:b@shop.example/', 'x']) {
      expect(await code('track', { successUrl })).toBe('INVALID_INPUT');
    }
    const other = await StripeTenant.of(stripe, tenant.world);
    expect((await other.offerAddon('track')).code).toBe('SUBSCRIPTION_REQUIRED');
    await other.start('starter');
    expect((await other.offerAddon('track')).code).toBe('ADDON_NOT_AVAILABLE_WITH_PLAN');
    const sandbox = await StripeTenant.of(stripe, tenant.world, { sandbox: true });
    expect((await sandbox.offerAddon('track')).code).toBe('PROVIDER_NOT_CONFIGURED');
    expect(stripe.standIn.requests.length).toBe(before);
  });

  test('a dry run writes nothing and asks nobody; the same key is the same page; so is the same offer', async () => {
    const tenant = await withTrack();
    const before = stripe.standIn.requests.length;
    const dry = await tenant.offerAddon('track', {}, { dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, checkout: { status: 'PENDING', url: null } });
    expect(stripe.standIn.requests.length).toBe(before);
    expect(await tenant.checkouts()).toEqual([]);

    const first = await tenant.offerAddon('track', {}, { key: 'one' });
    const again = await tenant.offerAddon('track', {}, { key: 'one' });
    const other = await tenant.offerAddon('track', {}, { key: 'two' });
    expect(again).toMatchObject({ replayed: true, checkout: { id: first.checkout.id, url: first.checkout.url } });
    expect(other).toMatchObject({ replayed: false, checkout: { id: first.checkout.id, url: first.checkout.url } });
    expect((await tenant.offerAddon('track', { quantity: 2 }, { key: 'one' })).code).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  test('twenty at once are one page', async () => {
    const tenant = await withTrack();
    const sessions = stripe.standIn.books.all('checkout.session').length;
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => {
        for (;;) {
          const answer = await tenant.offerAddon('track');
          if (answer.code !== 'BUSY') return answer;
        }
      }),
    );
    expect(new Set(answers.map(({ checkout }) => checkout.url)).size).toBe(1);
    expect(stripe.standIn.books.all('checkout.session').length).toBe(sessions + 1);
  });

  test('another offer takes its place, and the page before is closed', async () => {
    const tenant = await withTrack();
    const first = await tenant.offerAddon('track');
    const second = await tenant.offerAddon('track', { quantity: 3 });
    await stripe.settle();
    await stripe.advanceDays(0.001);
    expect((await stripe.standIn.fillIn(first.checkout.url)).status).toBe(400);
    await stripe.standIn.fillIn(second.checkout.url);
    await stripe.settle();
    expect(await tenant.attachments()).toMatchObject([{ quantity: '3', status: 'ACTIVE' }]);
    expect((await tenant.checkouts()).map(({ status }) => status)).toEqual(['EXPIRED', 'COMPLETED']);
  });

  test.each(['HANG_AFTER', 'RESET_AFTER', 'ERROR_500_AFTER', 'ERROR_500_BEFORE', 'TOO_MANY_REQUESTS'] as const)(
    '%s: Stripe cannot be heard; the same key opens the one page',
    async (mishap) => {
      const tenant = await withTrack();
      const sessions = stripe.standIn.books.all('checkout.session').length;
      stripe.standIn.trouble('POST /v1/checkout/sessions', mishap, 2);
      const key = `trouble-${mishap}`;
      expect(await tenant.offerAddon('track', {}, { key })).toMatchObject({
        code: 'PROVIDER_UNAVAILABLE',
        retryable: true,
      });
      stripe.standIn.calm();
      const { checkout } = await tenant.offerAddon('track', {}, { key });
      expect(checkout.status).toBe('OPEN');
      expect(stripe.standIn.books.all('checkout.session').length).toBe(sessions + 1);
    },
  );

  test('nobody pays: it expires', async () => {
    const tenant = await withTrack();
    await tenant.offerAddon('track');
    await stripe.advanceDays(1);
    expect(await tenant.checkouts()).toMatchObject([{ status: 'EXPIRED', url: null }]);
    expect(await tenant.attachments()).toEqual([]);
  });
});

describe('events that lie', () => {
  type Payload = Record<string, unknown>;
  type Lie = (object: Payload, other: StripeTenant, checkoutOfOther: string) => void;
  const itemOf = (object: Payload) => (object['items'] as { data: Payload[] }).data[0]!;
  const lies: [string, string, Lie][] = [
    [
      'another tenant',
      'checkout.session.completed',
      (object, _other, id) => Object.assign(object, { metadata: { tollgate_reference: id } }),
    ],
    ['another amount', 'checkout.session.completed', (object) => Object.assign(object, { amount_total: 1 })],
    ['another currency', 'checkout.session.completed', (object) => Object.assign(object, { currency: 'usd' })],
    [
      'a price in another currency',
      'customer.subscription.created',
      (object) => Object.assign(itemOf(object)['price'] as Payload, { currency: 'jpy' }),
    ],
    ['another currency paid', 'invoice.paid', (object) => Object.assign(object, { currency: 'usd' })],
    ['quantity 999', 'customer.subscription.created', (object) => Object.assign(itemOf(object), { quantity: 999 })],
    [
      'another price',
      'customer.subscription.created',
      (object) => Object.assign(itemOf(object)['price'] as Payload, { unit_amount: 1 }),
    ],
    [
      'no period, as another version might have it',
      'customer.subscription.created',
      (object) => delete itemOf(object)['current_period_end'],
    ],
    ['another amount paid', 'invoice.paid', (object) => Object.assign(object, { total: 5 })],
    ['no status', 'customer.subscription.created', (object) => delete object['status']],
    ['no items', 'customer.subscription.created', (object) => delete object['items']],
  ];

  test('each, one after the other: an event is a hint, and what Stripe answers is granted, no more and no less', async () => {
    const other = await withTrack();
    const foreign = (await other.offerAddon('track')).checkout.id;
    for (const [name, type, lie] of lies) {
      const tenant = await withTrack();
      const { checkout } = await tenant.offerAddon('track');
      stripe.standIn.hooks.misbehave({ hold: true });
      await stripe.standIn.fillIn(checkout.url);
      const held: StripeEvent[] = [];
      await stripe.standIn.hooks.release((events) => {
        held.push(...events);
        return [];
      });
      const event = structuredClone(held.find((candidate) => candidate.type === type)!);
      lie(event.data.object as Payload, other, foreign);
      expect(await stripe.standIn.hooks.deliver(event)).toMatchObject([{ status: 200 }]);
      await stripe.settle();
      expect([name, await tenant.attachments()]).toMatchObject([name, [{ status: 'ACTIVE', quantity: '1' }]]);
      expect(await tenant.checkouts()).toMatchObject([
        { id: checkout.id, parkedReason: null, collected: [{ amount: { amount: '149.00' } }] },
      ]);
      expect(await parkedEvents(tenant)).toEqual([]);
    }
    expect(await other.attachments()).toEqual([]);
  }, 60_000);

  test('the other customer, in every event: nothing is granted to either, and all of them are parked', async () => {
    const other = await withTrack();
    const foreign = (await other.offerAddon('track')).checkout.id;
    const sessions = stripe.standIn.books.all('checkout.session');
    const tenant = await withTrack();
    const { checkout } = await tenant.offerAddon('track');
    stripe.standIn.hooks.misbehave({ hold: true });
    await stripe.standIn.fillIn(checkout.url);
    await stripe.standIn.hooks.release((events) =>
      events
        .filter(({ type }) => stripeHandlers[type])
        .map((event) => {
          const lie = structuredClone(event);
          Object.assign(lie.data.object, { customer: sessions[0]!.customer });
          return lie;
        }),
    );
    await stripe.settle();
    expect(await tenant.attachments()).toEqual([]);
    expect(await other.attachments()).toEqual([]);
    expect(await other.checkouts()).toMatchObject([{ id: foreign, status: 'OPEN', parkedReason: null }]);
    const reasons = await parkedEvents(other);
    expect(reasons.length).toBeGreaterThanOrEqual(3);
    expect(new Set(reasons)).toEqual(new Set(['REFERENCE_MISMATCH: it names a checkout of another tenant']));
  });

  test('Stripe itself says 999: nothing more is granted', async () => {
    const tenant = await bought();
    const subscription = newestSubscription();
    const [item] = subscription.items.data;
    await stripe.standIn.client().subscriptions.update(subscription.id, { items: [{ id: item!.id, quantity: 999 }] });
    await stripe.settle();
    expect(await tenant.attachments()).toMatchObject([{ quantity: '1', status: 'ACTIVE' }]);
    expect(await tenant.checkouts(true)).toMatchObject([{ parkedReason: expect.stringContaining('QUANTITY_DIFFERS') }]);
    const retried = await tenant.act(
      'retryCheckout',
      { checkoutId: (await tenant.checkouts())[0].id },
      'checkout { parkedReason }',
    );
    expect(retried.checkout.parkedReason).toContain('QUANTITY_DIFFERS');
  });

  test('forged, altered, old and of the other mode: refused, nothing is stored', async () => {
    const { hooks, books } = stripe.standIn;
    await stripe.settle();
    const count = async () => (await stripe.gateway.database.asOwner('select 1 from inbound_events')).length;
    const before = await count();
    const event = { ...books.all('event')[0]!, id: 'evt_forged' };
    const deliver = async (...args: Parameters<typeof hooks.deliver>) => (await hooks.deliver(...args))[0]!.status;
    expect(await deliver(event, { secrets: ['whsec_of_somebody_else_01'] })).toBe(400);
    expect(await deliver(event, { seconds: books.now() - 301 })).toBe(400);
    expect(await deliver({ ...event, livemode: false })).toBe(400);
    expect(await deliver(event, { body: '{}' })).toBe(400);
    expect(await count()).toBe(before);
    expect(await deliver(event)).toBe(200);
    expect(await count()).toBe(before + 1);
  });
});

describe('events in any order', () => {
  const orders: [string, (events: StripeEvent[]) => StripeEvent[]][] = [
    ['reversed', (events) => [...events].reverse()],
    [
      'three times each, shuffled',
      (events) => [...events, ...events, ...events].sort((a, b) => (a.id < b.id ? -1 : 1)),
    ],
    ['only the last', (events) => events.slice(-1)],
    ['only invoice.paid', (events) => events.filter(({ type }) => type === 'invoice.paid')],
  ];
  test.each(orders)('%s: the end is the same', async (_name, order) => {
    const tenant = await withTrack();
    const { checkout } = await tenant.offerAddon('track');
    stripe.standIn.hooks.misbehave({ hold: true });
    await stripe.standIn.fillIn(checkout.url);
    await stripe.standIn.hooks.release(order);
    await stripe.settle();
    expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE', checkout: { providerStatus: 'active' } }]);
    expect((await tenant.checkouts())[0].collected).toHaveLength(1);
    const told = await tenant.told();
    for (const type of ['addon_subscription.created', 'checkout.paid', 'checkout.completed']) {
      expect(told.filter((one) => one === type)).toHaveLength(1);
    }
  });

  test('none at all: what is paid is found by looking', async () => {
    const tenant = await withTrack();
    const { checkout } = await tenant.offerAddon('track');
    stripe.standIn.hooks.misbehave({ drop: () => true });
    await stripe.standIn.fillIn(checkout.url);
    await stripe.settle();
    expect(await tenant.attachments()).toEqual([]);
    // The page would have ended by now.
    await stripe.advanceDays(1);
    expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE' }]);
    // A renewal that nobody told of is seen an hour after it.
    await stripe.advanceDays(32);
    expect((await tenant.checkouts())[0].collected).toHaveLength(2);
  });

  test('an event that comes while the job hears that nobody has paid yet is not slept over', async () => {
    const tenant = await withTrack();
    const { checkout } = await tenant.offerAddon('track');
    stripe.standIn.hooks.misbehave({ drop: () => true });
    await stripe.standIn.fillIn(checkout.url);
    const [row] = await stripe.gateway.database.asOwner<{ id: string }>(
      'select id from stripe_checkouts where tenant_id = $1',
      [tenant.uuid],
    );
    await stripe.gateway.app.asSystem(tenant.uuid, async (tx) => {
      await tx.stripeCheckouts.wake(tenant.uuid, row!.id);
      // What the job does with the older answer.
      await tx.stripeCheckouts.postpone(tenant.uuid, row!.id, tx.wallNow.add({ hours: 1 }));
    });
    await stripe.settle();
    expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE' }]);
  });

  test('while Stripe does not answer the event waits, reads go on, and nothing is lost', async () => {
    const tenant = await withTrack();
    const { checkout } = await tenant.offerAddon('track');
    stripe.standIn.trouble('GET /v1/checkout/sessions', 'ERROR_500_BEFORE', 3);
    await stripe.standIn.fillIn(checkout.url);
    await stripe.settle();
    expect(await tenant.attachments()).toEqual([]);
    expect(await tenant.allowed('tracks')).toBe(false);
    stripe.standIn.calm();
    await stripe.advanceDays(0.1);
    expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE' }]);
  });
});

describe('ends', () => {
  test('the card fails until Stripe gives up: it ends, and a late payment revives nothing', async () => {
    const tenant = await bought();
    const subscription = newestSubscription();
    const client = stripe.standIn.client();
    const failing = await client.paymentMethods.attach('pm_card_chargeCustomerFail', {
      customer: subscription.customer,
    });
    await client.subscriptions.update(subscription.id, { default_payment_method: failing.id });
    stripe.standIn.billing.afterRetries = 'unpaid';
    await stripe.advanceDays(32);
    expect(await tenant.allowed('tracks')).toBe(true);
    await stripe.advanceDays(20);
    expect(await tenant.attachments()).toMatchObject([{ status: 'ENDED', endKind: 'PAYMENT_FAILED' }]);
    expect(await tenant.allowed('tracks')).toBe(false);
    expect(newestSubscription().status).toBe('unpaid');

    const working = await client.paymentMethods.attach('pm_card_visa', { customer: subscription.customer });
    await client.subscriptions.update(subscription.id, { default_payment_method: working.id });
    await client.invoices.pay(subscription.latest_invoice as string);
    await stripe.settle();
    // The money is booked, Stripe's subscription is ended because ours is, and nobody has access.
    expect((await tenant.checkouts())[0].collected).toHaveLength(2);
    expect(newestSubscription().status).toBe('canceled');
    expect(await tenant.allowed('tracks')).toBe(false);
  });

  test('what hangs on it ends with it, with a credit for its unused days, on whichever side it is billed', async () => {
    const tenant = await withTrack();
    await tenant.world.addon('report', '31.00', { requires: ['track'] });
    await tenant.world.addon('export', '20.00', { requires: ['report'] });
    const { checkout } = await tenant.offerAddon('track');
    await stripe.standIn.fillIn(checkout.url);
    await stripe.settle();
    const { id } = newestSubscription();
    const report = await tenant.act('subscribeAddon', { addon: 'report' }, 'invoice { total { amount } }');
    await tenant.payAll();
    const page = await tenant.offerAddon('export');
    await stripe.standIn.fillIn(page.checkout.url);
    await stripe.settle();
    const paidThere = newestSubscription();
    expect(await tenant.attachments()).toMatchObject([
      { status: 'ACTIVE' },
      { status: 'ACTIVE' },
      { status: 'ACTIVE' },
    ]);
    await stripe.standIn.client().subscriptions.cancel(id);
    await stripe.settle();
    expect(await tenant.attachments()).toMatchObject([
      { status: 'ENDED', endKind: 'CANCELLED' },
      { status: 'ENDED', endKind: 'REQUIREMENT_MISSING' },
      { status: 'ENDED', endKind: 'REQUIREMENT_MISSING' },
    ]);
    expect(stripe.standIn.books.all('subscription').find((one) => one.id === paidThere.id)!.status).toBe('canceled');
    // Both were bought a moment ago: all of report's invoice and of the 20.00 that Stripe collected comes back.
    const balance = await stripe.gateway.get(
      'super-admin',
      'query ($id: ID) { creditBalance(tenantId: $id) { amount } }',
      {
        id: tenant.id,
      },
    );
    expect(balance.amount).toBe((Number(report.invoice.total.amount) + 20).toFixed(2));
  });

  test('cancelled in the portal, resumed here: each side follows the other', async () => {
    const tenant = await bought();
    const { id } = newestSubscription();
    await stripe.standIn.client().subscriptions.update(id, { cancel_at_period_end: true });
    await stripe.settle();
    expect(await tenant.attachments()).toMatchObject([{ status: 'CANCELLING' }]);
    await tenant.act('subscribeAddon', { addon: 'track' }, 'created addonSubscription { status }');
    await stripe.settle();
    expect(newestSubscription().cancel_at_period_end).toBe(false);
    expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE' }]);
    expect(
      stripe.standIn.books.all('subscription').filter(({ customer }) => customer === newestSubscription().customer),
    ).toHaveLength(1);
  });

  test('cancelled now: the unused part of what Stripe collected is credited here, and Stripe credits nothing', async () => {
    const tenant = await bought(2);
    const [{ id, providerPeriod }] = await tenant.attachments();
    await stripe.advanceDays(10);
    const cancelled = await tenant.act(
      'cancelAddon',
      { addonSubscriptionId: id, reason: 'no longer needed', when: 'NOW' },
      'addonSubscription { status } creditNote { total { amount } lines { amount { amount } explanation { sentence } } }',
    );
    const days = (from: string, to: string) =>
      Math.round((Date.parse(to.slice(0, 10)) - Date.parse(from.slice(0, 10))) / 86_400_000);
    const total = days(providerPeriod.start, providerPeriod.end);
    const left = days(stripe.now(), providerPeriod.end);
    // 2 × 149.00 × left / total
    expect(cancelled.creditNote.total.amount).toBe(((298 * left) / total).toFixed(2));
    await stripe.settle();
    expect(newestSubscription().status).toBe('canceled');
    expect(stripe.standIn.books.all('refund')).toEqual([]);
  });

  test('the subscription is cancelled: what Stripe bills ends with it, there too', async () => {
    const tenant = await bought();
    await tenant.act(
      'cancelSubscription',
      { reason: 'bye', when: 'NOW' },
      'subscription { status } creditNote { number }',
    );
    await stripe.settle();
    expect(newestSubscription().status).toBe('canceled');
    expect(await tenant.attachments()).toMatchObject([{ status: 'ENDED', endKind: 'SUBSCRIPTION_ENDED' }]);
  });
});

test('the subscription ends with its period, which Stripe’s outlasts: what is left of that is credited', async () => {
  const tenant = await withTrack();
  await stripe.advanceDays(10);
  const { checkout } = await tenant.offerAddon('track');
  await stripe.standIn.fillIn(checkout.url);
  await stripe.settle();
  await tenant.act('cancelSubscription', { reason: 'bye' }, 'subscription { cancelAt }');
  await stripe.advanceDays(25);
  await tenant.bill();
  expect(newestSubscription().status).toBe('canceled');
  const { nodes } = await stripe.gateway.get(
    'super-admin',
    'query ($id: ID) { creditNotes(tenantId: $id, first: 5) { nodes { reason lines { explanation { sentence } } } } }',
    { id: tenant.id },
  );
  expect(nodes).toMatchObject([
    { reason: 'CANCELLATION', lines: [{ explanation: { sentence: expect.stringContaining('Unused time on track') } }] },
  ]);
});

test('no canary is in the log, in an event, in an error or in a metric', async () => {
  const metrics = await (await fetch(`${stripe.gateway.url}/metrics`, { headers: metricsHeaders })).text();
  const told = await stripe.gateway.database.asOwner<{ payload: object }>('select payload from outbox_events');
  const written = [...lines(), metrics, JSON.stringify(told)].join('\n');
  expect(lines().length).toBeGreaterThan(5);
  for (const canary of [stripe.standIn.secretKey, 'sk_live', stripeWebhookSecret, 'whsec_', '4242', 'pm_card']) {
    expect(written).not.toContain(canary);
  }
});

test('what must always hold, holds', async () => {
  expect(await brokenInvariants(stripe)).toEqual([]);
});
