import type Stripe from 'stripe';
import { reconcileSubscriptions } from '../../../src/payments/stripe/reconcile-subscriptions.job';
import { brokenInvariants, type StripeGateway, StripeTenant, startStripeGateway } from '../../support/stripe/gateway';
import type { Subscription } from '../../support/stripe/objects';

let stripe: StripeGateway;
beforeAll(async () => {
  stripe = await startStripeGateway({ at: '2027-03-01T12:00:00Z' });
});
afterAll(() => stripe.stop());
afterEach(() => {
  stripe.standIn.hooks.behave();
  stripe.standIn.calm();
  stripe.standIn.billing.afterRetries = 'cancel';
});

const plans = [
  { code: 'starter', rank: 10, month: '31.00', features: [] },
  { code: 'growth', rank: 20, month: '199.00' },
];
const books = () => stripe.standIn.books;
const client = () => stripe.standIn.client();
const day = 86_400;

async function withTrack(): Promise<StripeTenant> {
  const tenant = await StripeTenant.create(stripe, plans);
  await tenant.world.addon('track', '149.00', { minimumPlan: 'growth', features: [{ feature: 'tracks' }] });
  await tenant.start('growth');
  return tenant;
}

async function pay(tenant: StripeTenant, input: object = {}): Promise<Subscription> {
  const { checkout } = await tenant.offerAddon('track', input);
  await stripe.standIn.fillIn(checkout.url);
  await stripe.settle();
  return books().all('subscription')[0]!;
}

/** 149.00 a month, since now; paid. */
async function bought(): Promise<{ tenant: StripeTenant; subscription: Subscription }> {
  const tenant = await withTrack();
  return { tenant, subscription: await pay(tenant) };
}

const periodOf = (subscription: Subscription) => {
  const { current_period_start: start, current_period_end: end } = subscription.items.data[0]!;
  return { start, end, days: Math.round((end - start) / day) };
};
const setQuantity = (subscription: Subscription, quantity: number) =>
  client().subscriptions.update(subscription.id, {
    items: [{ id: subscription.items.data[0]!.id, quantity }],
    proration_behavior: 'none',
  });
const charges = (subscription: Subscription) =>
  stripe.standIn.taken().filter(({ customer }) => customer === subscription.customer);
const cardOf = async (subscription: Subscription, card: string) => {
  const { id } = await client().paymentMethods.attach(card, { customer: subscription.customer });
  await client().subscriptions.update(subscription.id, { default_payment_method: id });
};

const cancelAddon = async (tenant: StripeTenant, extra: object = { when: 'NOW' }) => {
  const [{ id }] = await tenant.attachments();
  const input = { addonSubscriptionId: id, reason: 'no longer needed', ...extra };
  return tenant.act('cancelAddon', input, 'addonSubscription { status } creditNote { total { amount } }');
};
const balance = async (tenant: StripeTenant): Promise<string> => {
  const query = 'query ($id: ID) { creditBalance(tenantId: $id) { amount } }';
  return (await stripe.gateway.get('super-admin', query, { id: tenant.id })).amount;
};
let serial = 0;
const termFields = 'quantity unitAmount { amount } paid { amount }';
const checkoutFields = `id state status parkedReason withdrawnReason seen { ${termFields} } accepted { ${termFields} }
  collected { amount { amount } refunded { amount } }`;
async function decide(tenant: StripeTenant, mutation: 'acceptCheckout' | 'refuseCheckout', input = {}, dryRun = false) {
  serial += 1;
  const [{ id: checkoutId }] = (await tenant.checkouts()).slice(-1);
  const extra = `, idempotencyKey: "decision-${serial}"${dryRun ? ', dryRun: true' : ''}`;
  const refund = mutation === 'refuseCheckout' ? 'refund { amount }' : '';
  return tenant.act(mutation, { checkoutId, ...input }, `dryRun checkout { ${checkoutFields} } ${refund}`, extra);
}
const checkoutOf = async (tenant: StripeTenant) => {
  const query = `query ($id: ID) { checkouts(tenantId: $id, first: 50) { nodes { ${checkoutFields} } } }`;
  return (await stripe.gateway.get('super-admin', query, { id: tenant.id })).nodes.at(-1);
};
const drift = async (options: { repair?: boolean } = {}) => {
  const { system, stripeCheckouts } = stripe.gateway.app;
  const found = await reconcileSubscriptions(system, stripe.provider, stripeCheckouts, options);
  return found.drift;
};
/** Everything at Stripe comes to an end, so that nothing of it is billed in the tests after it. */
const end = async (...subscriptions: Subscription[]) => {
  for (const { id, status } of subscriptions) if (status !== 'canceled') await client().subscriptions.cancel(id);
  await stripe.settle();
};

describe('what waits for a person', () => {
  test('is cancelled at Stripe with the add-on, and with the subscription; nothing more is collected', async () => {
    const first = await bought();
    await setQuantity(first.subscription, 2);
    await stripe.settle();
    expect(await checkoutOf(first.tenant)).toMatchObject({
      parkedReason: 'QUANTITY_DIFFERS: 2 instead of 1',
      seen: { quantity: '2', unitAmount: { amount: '149.00' } },
    });
    await cancelAddon(first.tenant, {});
    const second = await bought();
    await setQuantity(second.subscription, 3);
    await stripe.settle();
    await second.tenant.act('cancelSubscription', { reason: 'bye', when: 'NOW' }, 'subscription { status }');
    await stripe.settle();
    expect(first.subscription).toMatchObject({ cancel_at_period_end: true });
    expect(second.subscription).toMatchObject({ status: 'canceled' });
    await stripe.advanceDays(70);
    await first.tenant.bill();
    for (const { subscription } of [first, second]) {
      expect(charges(subscription).map(({ amount }) => amount)).toEqual([14_900]);
    }
    expect(await first.tenant.attachments()).toMatchObject([{ status: 'ENDED' }]);
  });

  test('is cancelled at Stripe with the subscription though it was never attached; its money waits for a person', async () => {
    const tenant = await withTrack();
    const { checkout } = await tenant.offerAddon('track');
    // 49.00 of credit in the dashboard: 149.00 − 49.00 are paid.
    await client().customers.update(books().all('customer')[0]!.id, { balance: -4_900 });
    await stripe.standIn.fillIn(checkout.url);
    await stripe.settle();
    const [subscription] = books().all('subscription');
    expect(await checkoutOf(tenant)).toMatchObject({
      parkedReason: 'AMOUNT_DIFFERS: another amount was paid',
      seen: { quantity: '1', paid: { amount: '100.00' } },
    });
    expect(await tenant.attachments()).toEqual([]);
    await tenant.act('cancelSubscription', { reason: 'bye', when: 'NOW' }, 'subscription { status }');
    await stripe.settle();
    expect(subscription!.status).toBe('canceled');
    expect(await decide(tenant, 'acceptCheckout')).toMatchObject({ checkout: { parkedReason: null } });
    // There is nothing any more that it could be attached to.
    expect(await tenant.attachments()).toEqual([]);
  });

  test('ends here when Stripe ends it, is compared by reconciliation, and is looked at again with no event', async () => {
    const { tenant, subscription } = await bought();
    stripe.standIn.hooks.misbehave({ drop: () => true });
    await setQuantity(subscription, 2);
    expect(await drift()).toMatchObject([{ kind: 'AMOUNT_DIFFERS', here: '1 × 149.00 EUR', there: '2 × 149.00 EUR' }]);
    expect((await drift({ repair: true }))[0]).toMatchObject({ repaired: false });
    expect(await checkoutOf(tenant)).toMatchObject({ parkedReason: expect.stringContaining('QUANTITY_DIFFERS') });
    // A person knows, and it goes on to differ until that one decides.
    expect(await drift()).toMatchObject([{ kind: 'AMOUNT_DIFFERS' }]);
    await stripe.advanceDays(32);
    expect((await checkoutOf(tenant)).collected).toMatchObject([
      { amount: { amount: '298.00' } },
      { amount: { amount: '149.00' } },
    ]);
    await client().subscriptions.cancel(subscription.id);
    expect(await drift()).toMatchObject([{ kind: 'STATUS_DIFFERS', here: 'active', there: 'canceled' }]);
    await stripe.advanceDays(32);
    expect(await tenant.attachments()).toMatchObject([{ status: 'ENDED', endKind: 'CANCELLED' }]);
    expect(await tenant.allowed('tracks')).toBe(false);
    expect(await drift()).toEqual([]);
  });

  test('is taken up again by itself when it fits again', async () => {
    const { tenant, subscription } = await bought();
    await setQuantity(subscription, 2);
    await stripe.settle();
    await setQuantity(subscription, 1);
    await stripe.settle();
    expect(await checkoutOf(tenant)).toMatchObject({ parkedReason: null });
    expect((await tenant.told()).filter((type) => type === 'checkout.parked')).toHaveLength(1);
    await end(subscription);
  });
});

test('cancelled here while Stripe does not answer, which collects another month: that month is credited', async () => {
  const { tenant, subscription } = await bought();
  stripe.standIn.trouble('GET /v1/subscriptions', 'ERROR_500_BEFORE', 1_000);
  await tenant.act('cancelSubscription', { reason: 'bye', when: 'NOW', settlement: 'NONE' }, 'subscription { status }');
  await stripe.settle();
  const { end: renewedAt } = periodOf(subscription);
  await stripe.standIn.advanceTo(renewedAt + 2 * day);
  stripe.standIn.calm();
  await stripe.advanceDays(1);
  expect(subscription.status).toBe('canceled');
  expect(charges(subscription).map(({ amount }) => amount)).toEqual([14_900, 14_900]);
  // The first month had ended with a credit of its own; of the second nothing was ever used.
  expect((await tenant.checkouts()).at(-1).parkedReason).toBeNull();
  expect(await balance(tenant)).toBe('149.00');
});

describe('a person decides', () => {
  test('a quantity that was changed at Stripe: previewed, accepted; two are attached and two are credited', async () => {
    const { tenant, subscription } = await bought();
    await setQuantity(subscription, 2);
    await stripe.settle();
    const shown = await decide(tenant, 'acceptCheckout', {}, true);
    expect(shown).toMatchObject({
      dryRun: true,
      checkout: { accepted: { quantity: '2', unitAmount: { amount: '149.00' } }, parkedReason: null },
    });
    expect(await checkoutOf(tenant)).toMatchObject({ accepted: null });
    expect(await decide(tenant, 'acceptCheckout')).toMatchObject({ checkout: shown.checkout });
    expect(await tenant.attachments()).toMatchObject([
      { status: 'ACTIVE', quantity: '2', checkout: { status: 'COMPLETED' } },
    ]);
    expect(await decide(tenant, 'acceptCheckout')).toMatchObject({ checkout: { parkedReason: null } });
    await stripe.advanceDays(32);
    expect((await checkoutOf(tenant)).collected[0]).toMatchObject({ amount: { amount: '298.00' } });
    expect(await tenant.checkouts(true)).toEqual([]);
    const { days, end: until } = periodOf(subscription);
    const left = Math.round((until - Date.parse(`${stripe.now().slice(0, 10)}T00:00:00Z`) / 1_000 - day / 2) / day);
    const { creditNote } = await cancelAddon(tenant);
    // 2 × 149.00 × left / days
    expect(creditNote.total.amount).toBe(((298 * left) / days).toFixed(2));
    await stripe.settle();
    expect(subscription.status).toBe('canceled');
  });

  test('what Stripe bills otherwise than it was seen is neither accepted nor refused', async () => {
    const { tenant, subscription } = await bought();
    await setQuantity(subscription, 2);
    await stripe.settle();
    const { state } = await checkoutOf(tenant);
    await stripe.settle();
    expect((await checkoutOf(tenant)).state).toBe(state);
    await setQuantity(subscription, 5);
    await stripe.settle();
    const now = await checkoutOf(tenant);
    const expectedState = state;
    const conflictNow = (value: string) => ({
      ...{ code: 'VERSION_CONFLICT', facts: expect.arrayContaining([{ name: 'currentState', value }]) },
    });
    const conflict = conflictNow(now.state);
    expect(await decide(tenant, 'acceptCheckout', { expectedState })).toMatchObject(conflict);
    expect(await decide(tenant, 'acceptCheckout', { expectedState }, true)).toMatchObject(conflict);
    expect(await decide(tenant, 'refuseCheckout', { expectedState, reason: 'no' })).toMatchObject(conflict);
    expect(await checkoutOf(tenant)).toEqual(now);
    // What was given back there since counts as well.
    await client().refunds.create({ charge: charges(subscription)[0]!.id, amount: 100 });
    await stripe.settle();
    const { state: refunded } = await checkoutOf(tenant);
    expect(await decide(tenant, 'refuseCheckout', { expectedState: now.state, reason: 'no' })).toMatchObject(
      conflictNow(refunded),
    );
    expect(await decide(tenant, 'acceptCheckout', { expectedState: refunded })).toMatchObject({
      checkout: { accepted: { quantity: '5' }, parkedReason: null },
    });
    await end(subscription);
  });

  test('accepted in the middle of a period: what one had cost is credited, no more', async () => {
    const { tenant, subscription } = await bought();
    await setQuantity(subscription, 2);
    await stripe.settle();
    await decide(tenant, 'acceptCheckout');
    // Two are attached, and 149.00 were collected: nothing of it is used.
    expect(await cancelAddon(tenant)).toMatchObject({ creditNote: { total: { amount: '149.00' } } });
    await stripe.settle();
  });

  test('what is sold for another price, or beside another item, waits for a person; only a price can be accepted', async () => {
    const { tenant, subscription } = await bought();
    const [item] = subscription.items.data;
    item!.price = { ...item!.price, unit_amount: 9_900 };
    books().emit('customer.subscription.pending_update_applied', subscription);
    await stripe.settle();
    expect(await checkoutOf(tenant)).toMatchObject({
      ...{ parkedReason: 'AMOUNT_DIFFERS: its price is another', seen: { unitAmount: { amount: '99.00' } } },
    });
    expect(await decide(tenant, 'acceptCheckout')).toMatchObject({ checkout: { parkedReason: null } });
    expect(await checkoutOf(tenant)).toMatchObject({ accepted: { unitAmount: { amount: '99.00' } } });
    subscription.items.data.push({ ...item!, id: 'si_another' });
    books().emit('customer.subscription.updated', subscription);
    await stripe.settle();
    expect(await checkoutOf(tenant)).toMatchObject({ parkedReason: 'QUANTITY_DIFFERS: 2 items', seen: null });
    expect(await tenant.allowed('tracks')).toBe(true);
    expect(await decide(tenant, 'acceptCheckout')).toMatchObject({ code: 'CHECKOUT_NOT_ACCEPTABLE' });
    subscription.items.data.pop();
    await end(subscription);
  });

  test('a discount in the dashboard: told of, and accepted for good; another one is told of again', async () => {
    const { tenant, subscription } = await bought();
    const discount = async (off: number) => {
      const { id } = await client().coupons.create({ percent_off: off, duration: 'forever' });
      await client().subscriptions.update(subscription.id, { discounts: [{ coupon: id }] });
      await stripe.advanceDays(31);
    };
    await discount(20);
    // 149.00 − 29.80
    expect(await checkoutOf(tenant)).toMatchObject({
      parkedReason: expect.stringContaining('AMOUNT_DIFFERS'),
      seen: { paid: { amount: '119.20' } },
    });
    expect(await tenant.allowed('tracks')).toBe(true);
    await decide(tenant, 'acceptCheckout');
    await stripe.advanceDays(31);
    expect(await checkoutOf(tenant)).toMatchObject({ parkedReason: null, collected: [{}, {}, {}] });
    await discount(50);
    expect(await checkoutOf(tenant)).toMatchObject({ parkedReason: expect.stringContaining('AMOUNT_DIFFERS') });
    await end(subscription);
  });

  test('refused: it ends there and here, and what was collected for time to come goes back; again is the same', async () => {
    const { tenant, subscription } = await bought();
    await stripe.advanceDays(31);
    await setQuantity(subscription, 2);
    await stripe.advanceDays(31);
    const refuse = (dryRun = false) => decide(tenant, 'refuseCheckout', { reason: 'we sold one' }, dryRun);
    // 149.00 twice are past; 2 × 149.00 are for the period that runs.
    expect(await refuse(true)).toMatchObject({ refund: { amount: '298.00' } });
    expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE' }]);
    expect(await refuse()).toMatchObject({
      refund: { amount: '298.00' },
      checkout: { status: 'WITHDRAWN', withdrawnReason: 'we sold one', parkedReason: null },
    });
    await stripe.settle();
    expect(await refuse()).toMatchObject({ checkout: { status: 'WITHDRAWN' }, refund: { amount: '0.00' } });
    expect(subscription.status).toBe('canceled');
    expect(await tenant.attachments()).toMatchObject([{ status: 'ENDED', endKind: 'CANCELLED' }]);
    expect(await tenant.allowed('tracks')).toBe(false);
    expect(charges(subscription).map(({ amount_refunded: back }) => back)).toEqual([29_800, 0, 0]);
    expect(
      (await checkoutOf(tenant)).collected.map((one: { refunded: { amount: string } }) => one.refunded.amount),
    ).toEqual(['298.00', '0.00', '0.00']);
    expect(await balance(tenant)).toBe('0.00');
    expect(await tenant.told()).toEqual(expect.arrayContaining(['checkout.withdrawn', 'checkout.refunded']));
  });

  test('refused without a refund, and while Stripe does not answer: it is asked until it has', async () => {
    const { tenant, subscription } = await bought();
    await setQuantity(subscription, 2);
    await stripe.settle();
    stripe.standIn.trouble('DELETE /v1/subscriptions', 'ERROR_500_AFTER', 1);
    await decide(tenant, 'refuseCheckout', { reason: 'no', refund: false });
    await stripe.advanceDays(0.1);
    expect(subscription.status).toBe('canceled');
    expect(charges(subscription)[0]).toMatchObject({ amount_refunded: 0 });
  });

  test('a refund that Stripe refuses is said, and asked for again by retryCheckout', async () => {
    const { tenant, subscription } = await bought();
    await setQuantity(subscription, 2);
    await stripe.settle();
    const [charge] = charges(subscription);
    charge!.disputed = true;
    await decide(tenant, 'refuseCheckout', { reason: 'no' });
    expect(await checkoutOf(tenant)).toMatchObject({
      status: 'WITHDRAWN',
      parkedReason: 'REFUND_FAILED: charge_disputed',
    });
    charge!.disputed = false;
    const { id: checkoutId } = await checkoutOf(tenant);
    await tenant.act('retryCheckout', { checkoutId }, 'checkout { parkedReason }');
    expect(charge!.amount_refunded).toBe(14_900);
    expect(await checkoutOf(tenant)).toMatchObject({ parkedReason: null });
  });

  test('what cannot be accepted, and what there is nothing to refuse of', async () => {
    const { tenant, subscription } = await bought();
    expect(await decide(tenant, 'acceptCheckout')).toMatchObject({ code: 'CHECKOUT_NOT_ACCEPTABLE' });
    expect(await decide(tenant, 'refuseCheckout', { reason: 'no' })).toMatchObject({ code: 'CHECKOUT_NOT_PARKED' });
    expect(await decide(tenant, 'refuseCheckout', { reason: '' })).toMatchObject({ code: 'INVALID_INPUT' });
    await end(subscription);
  });
});

describe('bought twice', () => {
  test('both pages are paid: one goes on, the other is ended and given back by itself', async () => {
    const tenant = await withTrack();
    const first = await tenant.offerAddon('track', { quantity: 1 });
    stripe.standIn.hooks.misbehave({ hold: true });
    await stripe.standIn.fillIn(first.checkout.url);
    const second = await tenant.offerAddon('track', { quantity: 2 });
    await stripe.standIn.fillIn(second.checkout.url);
    await stripe.standIn.hooks.release((events) => [...events, ...events].reverse());
    await stripe.settle();
    const { customer } = books().all('subscription')[0]!;
    const live = books()
      .all('subscription')
      .filter((one) => one.customer === customer && one.status === 'active');
    expect(live).toHaveLength(1);
    const [attachment] = await tenant.attachments();
    expect(Number(attachment.quantity)).toBe(live[0]!.items.data[0]!.quantity);
    // What was kept is what the one that goes on cost.
    const kept = charges(live[0]!).reduce((sum, one) => sum + one.amount - one.amount_refunded, 0);
    expect(kept).toBe(14_900 * live[0]!.items.data[0]!.quantity);
    expect((await tenant.checkouts()).map(({ status }) => status).sort()).toEqual(['COMPLETED', 'WITHDRAWN']);
    expect(await tenant.checkouts(true)).toEqual([]);
    await stripe.advanceDays(40);
    expect(charges(live[0]!).length).toBe(3);
    await end(live[0]!);
  });

  test('attached here while the page was open: the page’s money goes back', async () => {
    const tenant = await withTrack();
    const { checkout } = await tenant.offerAddon('track');
    await tenant.act('subscribeAddon', { addon: 'track' }, 'created');
    await stripe.standIn.fillIn(checkout.url);
    await stripe.settle();
    const [subscription] = books().all('subscription');
    expect(subscription!.status).toBe('canceled');
    expect(charges(subscription!)[0]).toMatchObject({ amount: 14_900, refunded: true });
    expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE', billedBy: 'TOLLGATE' }]);
  });

  test('plans: both pages are accepted, one subscription starts, and nothing waits for a person', async () => {
    const tenant = await StripeTenant.create(stripe, plans);
    const first = await tenant.offerPlan('starter');
    stripe.standIn.hooks.misbehave({ hold: true });
    await stripe.standIn.fillIn(first.checkout.url);
    const second = await tenant.offerPlan('growth');
    await stripe.standIn.fillIn(second.checkout.url);
    await stripe.standIn.hooks.release();
    await stripe.settle();
    expect((await tenant.checkouts()).map(({ status }) => status).sort()).toEqual(['COMPLETED', 'WITHDRAWN']);
    expect(await tenant.checkouts(true)).toEqual([]);
    expect((await tenant.told()).filter((type) => type === 'subscription.started')).toHaveLength(1);
  });
});

describe('states of Stripe’s subscription', () => {
  test('paused and taken up again: no access in between, both told; nothing is ended at Stripe', async () => {
    const { tenant, subscription } = await bought();
    stripe.standIn.billing.pause(subscription);
    await stripe.settle();
    expect(await tenant.allowed('tracks')).toBe(false);
    expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE' }]);
    await client().subscriptions.resume(subscription.id);
    await stripe.settle();
    expect(await tenant.allowed('tracks')).toBe(true);
    const told = await tenant.told();
    expect(told.filter((type) => /paused/.test(type))).toEqual([
      'addon_subscription.paused',
      'addon_subscription.unpaused',
    ]);
    await end(subscription);
  });

  type Behavior = Stripe.SubscriptionUpdateParams.PauseCollection.Behavior;
  const pauses = { void: false, mark_uncollectible: true, keep_as_draft: true } satisfies Record<Behavior, boolean>;
  test.each(Object.entries(pauses) as [Behavior, boolean][])(
    'collecting is paused (%s): what was paid is served, and then: %s',
    async (behavior, served) => {
      const { tenant, subscription } = await bought();
      const pause = (to: Behavior | '') =>
        client().subscriptions.update(subscription.id, { pause_collection: to && { behavior: to } });
      await pause(behavior);
      await stripe.settle();
      expect(await tenant.allowed('tracks')).toBe(true);
      await stripe.advanceDays(33);
      expect(await tenant.allowed('tracks')).toBe(served);
      expect(await checkoutOf(tenant)).toMatchObject({ parkedReason: null, collected: [{}] });
      expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE' }]);
      // Taken up again, it is collected and served.
      await pause('');
      await stripe.advanceDays(31);
      expect(await tenant.allowed('tracks')).toBe(true);
      expect((await checkoutOf(tenant)).collected).toHaveLength(2);
      await end(subscription);
    },
  );

  test('a pause that nobody here has heard of takes nothing, and a person looks', async () => {
    const { tenant, subscription } = await bought();
    Object.assign(subscription, { pause_collection: { behavior: 'on_the_moon', resumes_at: null } });
    books().emit('customer.subscription.updated', subscription);
    await stripe.settle();
    expect(await tenant.allowed('tracks')).toBe(true);
    expect(await checkoutOf(tenant)).toMatchObject({ parkedReason: expect.stringContaining('PAYLOAD_UNREADABLE') });
    Object.assign(subscription, { pause_collection: null });
    await end(subscription);
  });

  test('each of them: access, none, or the end; one that nobody has heard of takes nothing and is told of', async () => {
    const access = { active: true, trialing: true, past_due: true, incomplete: true, paused: false, on_the_moon: true };
    for (const [status, allowed] of Object.entries(access)) {
      const { tenant, subscription } = await bought();
      (subscription as { status: string }).status = status;
      books().emit('customer.subscription.updated', subscription);
      await stripe.settle();
      expect([status, await tenant.allowed('tracks')]).toEqual([status, allowed]);
      const reason = status === 'on_the_moon' ? expect.stringContaining('PAYLOAD_UNREADABLE') : null;
      expect([status, await checkoutOf(tenant)]).toMatchObject([status, { parkedReason: reason }]);
      subscription.status = 'active';
      await end(subscription);
    }
    for (const status of ['canceled', 'unpaid', 'incomplete_expired'] as const) {
      const { tenant, subscription } = await bought();
      subscription.status = status;
      books().emit('customer.subscription.updated', subscription);
      await stripe.settle();
      expect([status, await tenant.allowed('tracks')]).toEqual([status, false]);
      expect(await tenant.attachments()).toMatchObject([{ status: 'ENDED' }]);
      if (status === 'unpaid') subscription.status = 'active';
      await end(subscription);
    }
  }, 90_000);
});

test('a time that is past is not looked at again and again: each look is later, at most a day', async () => {
  const { subscription } = await bought();
  subscription.status = 'paused';
  books().setNow(books().now() + 32 * day);
  const look = async () => {
    const before = stripe.standIn.requests.length;
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), 2_000);
    await stripe.gateway.app.stripeCheckouts.runDue({ signal: abort.signal });
    clearTimeout(timer);
    return stripe.standIn.requests.slice(before).filter(({ path }) => path.endsWith(subscription.id)).length;
  };
  expect(await look()).toBe(1);
  const looks: number[] = [];
  for (let hour = 0; hour < 72; hour += 1) {
    books().setNow(books().now() + 3_600);
    looks.push(await look());
  }
  // 5, 10, 20, 40, 80 minutes, 3, 5, 11 and 21 hours, then a day each.
  const count = looks.reduce((sum, one) => sum + one, 0);
  expect(count).toBeGreaterThan(5);
  expect(count).toBeLessThan(14);
  expect(looks.slice(48).reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(2);
  subscription.status = 'active';
  await end(subscription);
});

describe('cancelled in the portal', () => {
  test('to a date: seen, with its date; taken back there; and taken back here', async () => {
    const { tenant, subscription } = await bought();
    const date = periodOf(subscription).start + 10 * day;
    await client().subscriptions.update(subscription.id, { cancel_at: date });
    await stripe.settle();
    const iso = (seconds: number) => new Date(seconds * 1_000).toISOString();
    expect(await tenant.attachments()).toMatchObject([{ status: 'CANCELLING', endsAt: iso(date) }]);
    await client().subscriptions.update(subscription.id, { cancel_at: '' });
    await stripe.settle();
    expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE', endsAt: null }]);
    await client().subscriptions.update(subscription.id, { cancel_at: date });
    await stripe.settle();
    await tenant.act('subscribeAddon', { addon: 'track' }, 'created');
    await stripe.settle();
    expect(subscription).toMatchObject({ cancel_at: null, cancel_at_period_end: false });
    expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE' }]);
    const types = ['addon_subscription.cancelled', 'addon_subscription.resumed'];
    expect((await tenant.told()).filter((type) => types.includes(type))).toHaveLength(4);
    await end(subscription);
  });

  test('to a date within the period, with no event: it ends there and here on that date', async () => {
    const { tenant, subscription } = await bought();
    stripe.standIn.hooks.misbehave({ drop: ({ type }) => type === 'customer.subscription.deleted' });
    await client().subscriptions.update(subscription.id, { cancel_at: periodOf(subscription).start + 10 * day });
    await stripe.settle();
    await stripe.advanceDays(9);
    expect(await tenant.allowed('tracks')).toBe(true);
    await stripe.advanceDays(2);
    expect(await tenant.allowed('tracks')).toBe(false);
    expect(await tenant.attachments()).toMatchObject([{ status: 'ENDED', endKind: 'CANCELLED' }]);
  });

  test('to the end of the period, then to a date: the later choice of the customer’s counts', async () => {
    const { tenant, subscription } = await bought();
    await client().subscriptions.update(subscription.id, { cancel_at_period_end: true });
    await stripe.settle();
    const date = periodOf(subscription).end + 20 * day;
    await client().subscriptions.update(subscription.id, { cancel_at: date });
    await stripe.settle();
    await stripe.advanceDays(33);
    expect(await tenant.attachments()).toMatchObject([
      { status: 'CANCELLING', checkout: { providerStatus: 'active' } },
    ]);
    expect(await tenant.allowed('tracks')).toBe(true);
    await stripe.advanceDays(20);
    expect(await tenant.allowed('tracks')).toBe(false);
    expect(subscription.status).toBe('canceled');
  });
});

describe('money that moves in the dashboard', () => {
  test('a refund there is not credited again here, whole or in part', async () => {
    const { tenant, subscription } = await bought();
    await client().refunds.create({ charge: charges(subscription)[0]!.id, amount: 10_000 });
    await stripe.settle();
    expect(await checkoutOf(tenant)).toMatchObject({ collected: [{ refunded: { amount: '100.00' } }] });
    // 149.00 − 100.00: nothing of the period is used.
    expect(await cancelAddon(tenant)).toMatchObject({ creditNote: { total: { amount: '49.00' } } });
    await stripe.settle();
    expect(await balance(tenant)).toBe('49.00');
    // Credited here, then given back there as well: it comes off the balance.
    await client().refunds.create({ charge: charges(subscription)[0]!.id });
    await stripe.settle();
    expect(await balance(tenant)).toBe('0.00');
    const whole = await bought();
    await client().refunds.create({ charge: charges(whole.subscription)[0]!.id });
    await stripe.settle();
    expect(await checkoutOf(whole.tenant)).toMatchObject({ collected: [{ refunded: { amount: '149.00' } }] });
    expect(await cancelAddon(whole.tenant)).toMatchObject({ creditNote: null });
    await stripe.settle();
  });

  test('a refund of a charge that many newer ones came after is seen all the same', async () => {
    const { tenant, subscription } = await bought();
    const [paid] = charges(subscription);
    const { id: _id, object: _object, created: _created, livemode: _live, ...like } = structuredClone(paid!);
    for (let count = 0; count < 130; count += 1)
      books().make('charge', { ...like, payment_intent: `pi_other_${count}` });
    await client().refunds.create({ charge: paid!.id });
    await stripe.settle();
    expect(await checkoutOf(tenant)).toMatchObject({ collected: [{ refunded: { amount: '149.00' } }] });
    await end(subscription);
  });

  test('an invoice in the dashboard: void or written off nothing is collected; paid out of band it is booked', async () => {
    for (const status of ['void', 'uncollectible', 'paid'] as const) {
      const { tenant, subscription } = await bought();
      await cardOf(subscription, 'pm_card_chargeCustomerFail');
      await stripe.advanceDays(32);
      const { data } = await client().invoices.list({ subscription: subscription.id, status: 'open' });
      const invoice = books().find('invoice', data[0]!.id)!;
      Object.assign(invoice, { status, next_payment_attempt: null });
      if (status === 'paid') {
        Object.assign(invoice, { amount_paid: invoice.amount_due, amount_remaining: 0 });
        Object.assign(invoice, { status_transitions: { ...invoice.status_transitions, paid_at: books().now() } });
        invoice.payments.data = [];
      }
      subscription.status = 'active';
      const types = { void: 'voided', uncollectible: 'marked_uncollectible', paid: 'paid' };
      books().emit(`invoice.${types[status]}`, invoice);
      await stripe.settle();
      expect([status, (await checkoutOf(tenant)).collected.length]).toEqual([status, status === 'paid' ? 2 : 1]);
      expect([status, await tenant.allowed('tracks')]).toEqual([status, true]);
      expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE' }]);
      await end(subscription);
    }
  }, 60_000);

  test('a dispute takes the money, and brings it back where it is won; no event is needed', async () => {
    const { tenant, subscription } = await bought();
    const dispute = stripe.standIn.payments.dispute(charges(subscription)[0]!);
    await stripe.settle();
    expect(await checkoutOf(tenant)).toMatchObject({ collected: [{ refunded: { amount: '149.00' } }] });
    stripe.standIn.payments.closeDispute(dispute, 'won');
    await stripe.settle();
    expect(await checkoutOf(tenant)).toMatchObject({ collected: [{ refunded: { amount: '0.00' } }] });
    expect(await cancelAddon(tenant)).toMatchObject({ creditNote: { total: { amount: '149.00' } } });

    const lost = await bought();
    stripe.standIn.hooks.misbehave({ drop: () => true });
    const taken = stripe.standIn.payments.dispute(charges(lost.subscription)[0]!);
    stripe.standIn.payments.closeDispute(taken, 'lost');
    await stripe.advanceDays(35);
    expect((await checkoutOf(lost.tenant)).collected).toMatchObject([
      { refunded: { amount: '0.00' } },
      { refunded: { amount: '149.00' } },
    ]);
    // Won after all, in an appeal.
    stripe.standIn.hooks.misbehave({ drop: ({ type }) => type !== 'charge.dispute.funds_reinstated' });
    stripe.standIn.payments.closeDispute(taken, 'won');
    await stripe.settle();
    expect((await checkoutOf(lost.tenant)).collected[1]).toMatchObject({ refunded: { amount: '0.00' } });
    await end(lost.subscription);
  });

  test('paid late, after Stripe gave up: what is left of the paid time is credited, to the cent', async () => {
    for (const afterRetries of ['unpaid', 'cancel'] as const) {
      const { tenant, subscription } = await bought();
      await cardOf(subscription, 'pm_card_chargeCustomerFail');
      stripe.standIn.billing.afterRetries = afterRetries;
      await stripe.advanceDays(32);
      await stripe.advanceDays(20);
      const [{ endedAt }] = await tenant.attachments();
      const { end: until, days } = periodOf(subscription);
      const { data } = await client().invoices.list({ subscription: subscription.id, status: 'open' });
      const open = books().find('invoice', data[0]!.id)!;
      const working = await client().paymentMethods.attach('pm_card_visa', { customer: subscription.customer });
      subscription.default_payment_method = working.id;
      await client().invoices.pay(open.id);
      await stripe.settle();
      expect(await tenant.allowed('tracks')).toBe(false);
      const dayOf = (at: string | number) => Math.floor(new Date(at).getTime() / 1_000 / day);
      const left = dayOf(until * 1_000) - dayOf(endedAt);
      // 149.00 × left / days
      expect([afterRetries, await balance(tenant)]).toEqual([afterRetries, ((149 * left) / days).toFixed(2)]);
      await stripe.advanceDays(1);
      expect(await balance(tenant)).toBe(((149 * left) / days).toFixed(2));
    }
  }, 60_000);
});

test('what must always hold, holds', async () => {
  expect(await brokenInvariants(stripe)).toEqual([]);
});
