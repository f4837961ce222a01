import { keepSubscriptionsInStep } from '../../src/licences/keep-subscriptions-in-step.job';
import { LicenceShop } from './licences-of-tests';

let shop: LicenceShop;
beforeAll(async () => {
  shop = await LicenceShop.open();
});
afterAll(() => shop.close());

const keep = () => keepSubscriptionsInStep(shop.gateway.app.system, shop.gateway.app.providers);
const lastSubscription = () => [...shop.paddle.subscriptions.keys()].at(-1)!;
const statusOf = (subscription: string) => shop.paddle.subscriptions.get(subscription).status;

test('what cannot be done stands in nobody’s way: sixty that cannot be brought in step, and one that can', async () => {
  const subscriptions: string[] = [];
  for (const code of ['stuck', 'good']) {
    await shop.product(code, '200');
    await shop.bought(code, 2, { autoRenew: true });
    subscriptions.push(lastSubscription());
  }
  const { database } = shop.gateway;
  // Sixty older terms of products that were sold long ago, whose subscriptions nobody knows any more.
  await database.asOwner(
    `insert into licence_products (partner_id, id, code, name, created_at)
     select partner_id, gen_random_uuid(), 'gone' || n, 'gone', created_at
       from licence_products, generate_series(1, 60) n where code = 'stuck'`,
  );
  await database.asOwner(
    `insert into licences (tenant_id, id, partner_id, licence_product_id, trial, starts_at, years, expires_at, seats,
                           auto_renew, provider_subscription_id, provider_seats, created_at)
     select l.tenant_id, ('00000000' || substr(p.id::text, 9))::uuid, l.partner_id, p.id, false, l.starts_at, 1, l.expires_at, 2,
            true, 'sub_gone', 1, l.created_at
       from licences l join licence_products s on s.id = l.licence_product_id and s.code = 'stuck'
       join licence_products p on p.name = 'gone'`,
  );
  await shop.bought('good', 3);
  expect(await keep()).toBe(1);
  expect(shop.paddle.subscriptions.get(subscriptions[1]!).items[0].quantity).toBe(5);
  // Each is asked once, and then later and later.
  const asked = () =>
    database.asOwner<{ steps: number }>('select distinct steps from licences where next_step_at > now()');
  expect(await asked()).toEqual([{ steps: 1 }]);
  await shop.waitForSteps();
  expect(await keep()).toBe(0);
  expect(await asked()).toEqual([{ steps: 2 }]);
  // Nothing is asked for ever: after forty times it is left to reconciliation.
  await database.asOwner(`update licences set steps = 40 where provider_subscription_id = 'sub_gone'`);
  await shop.waitForSteps();
  const calls = shop.paddle.calls.length;
  expect(await keep()).toBe(0);
  expect(shop.paddle.calls).toHaveLength(calls);
  await database.asOwner(`delete from licences where provider_subscription_id = 'sub_gone'`);
});

test('two processes at once take different ones', async () => {
  await shop.product('both', '200');
  await shop.bought('both', 1, { autoRenew: true });
  await shop.bought('both', 1);
  const calls = shop.paddle.calls.length;
  const done = await Promise.all([keep(), keep(), keep()]);
  expect(done.sort()).toEqual([0, 0, 1]);
  expect(shop.paddle.calls.slice(calls)).toHaveLength(1);
  expect(statusOf(lastSubscription())).toBe('active');
});

describe('a subscription that no current term lives by is ended at Paddle', () => {
  const parkedEvents = async () => (await shop.events()).filter(({ status }) => status === 'PARKED');

  test('two are bought before either is paid: the second adds seats, and its own subscription ends', async () => {
    await shop.product('twice', '200');
    const [one, two] = [
      await shop.buy('twice', 1, { autoRenew: true }),
      await shop.buy('twice', 2, { autoRenew: true }),
    ];
    const subscriptions: string[] = [];
    for (const { purchase } of [one, two]) {
      shop.paddle.pay(purchase.checkout.id);
      subscriptions.push(lastSubscription());
      await shop.deliver({ repeat: 2 });
    }
    expect(await shop.licence('twice')).toMatchObject({ seats: '3', autoRenew: true });
    // Ended, and the other bills three from the next year on. Paddle hangs up after it did it: it is asked again.
    shop.paddle.faults = [{ route: 'POST /subscriptions/:id/cancel', kind: 'SERVER_ERROR', after: true }];
    expect(await keep()).toBe(1);
    expect(await keep()).toBe(0);
    await shop.waitForSteps();
    expect(await keep()).toBe(1);
    expect(subscriptions.map(statusOf)).toEqual(['active', 'canceled']);
    expect(shop.paddle.subscriptions.get(subscriptions[0]!).items[0].quantity).toBe(3);
    await shop.deliver();
    expect(await shop.licence('twice')).toMatchObject({ seats: '3', autoRenew: true });
    expect(await parkedEvents()).toEqual([]);
    // Once.
    const calls = shop.paddle.calls.length;
    await shop.waitForSteps();
    expect(await keep()).toBe(0);
    expect(shop.paddle.calls).toHaveLength(calls);
    // What is left renews.
    shop.paddle.renew(subscriptions[0]!);
    await shop.deliver();
    expect(await shop.licence('twice')).toMatchObject({ expiresAt: '2027-12-21T15:00:00.000Z' });
  });

  test('what is billed next has the price of the purchase that began the term, whichever was opened first', async () => {
    await shop.product('dearer', '200');
    const cheap = await shop.buy('dearer', 1);
    await shop.act(
      'other-partner-owner',
      'updateLicenceProduct',
      { product: 'dearer', yearlyPrices: [{ amount: '250', currency: 'USD' }] },
      'product { id }',
    );
    await shop.bought('dearer', 1, { autoRenew: true });
    await shop.advance('2025-12-21T16:00:00Z');
    shop.paddle.pay(cheap.purchase.checkout.id);
    await shop.deliver();
    expect(await shop.licence('dearer')).toMatchObject({ seats: '2' });
    expect(await keep()).toBe(1);
    expect(shop.paddle.subscriptions.get(lastSubscription()).items).toMatchObject([
      { quantity: 2, price: { unit_price: { amount: '25000' } } },
    ]);
    shop.paddle.renew(lastSubscription());
    await shop.deliver();
    expect((await shop.licencePurchases()).at(-1)).toMatchObject({
      ...{ kind: 'RENEWAL', status: 'COMPLETED', quantity: '2', amount: { amount: '500.00' } },
    });
  });

  test('paid with another amount: the purchase is parked, and its subscription ends', async () => {
    await shop.product('less', '200');
    const { purchase } = await shop.buy('less', 1, { autoRenew: true });
    shop.paddle.pay(purchase.checkout.id);
    await shop.deliver({
      change: (event) => {
        if (event.event_type === 'transaction.completed') event.data.details.totals.subtotal = '1';
        return event;
      },
    });
    expect(await shop.purchase(purchase.id)).toMatchObject({ status: 'PARKED', parkReason: 'AMOUNT_DIFFERS' });
    expect(await keep()).toBe(1);
    expect(statusOf(lastSubscription())).toBe('canceled');
    const parked = await parkedEvents();
    await shop.deliver();
    expect(await parkedEvents()).toEqual(parked);
  });

  test('paid through a checkout that nobody was shown: what it began ends, and the right one is granted', async () => {
    await shop.product('lost', '200');
    shop.paddle.faults = [{ route: 'POST /transactions', kind: 'RESET', after: true }];
    await shop.buy('lost', 1, { autoRenew: true }, { key: 'lost' });
    const lost = [...shop.paddle.transactions.keys()].at(-1)!;
    const { purchase } = await shop.buy('lost', 1, { autoRenew: true }, { key: 'lost' });
    const subscriptions: string[] = [];
    for (const checkout of [lost, purchase.checkout.id]) {
      shop.paddle.pay(checkout);
      subscriptions.push(lastSubscription());
      await shop.deliver();
    }
    expect(await shop.licence('lost')).toMatchObject({ seats: '1', autoRenew: true });
    expect(await keep()).toBe(1);
    expect(subscriptions.map(statusOf)).toEqual(['canceled', 'active']);
    await shop.deliver();
    expect(await shop.licence('lost')).toMatchObject({ seats: '1', autoRenew: true });
  });

  test('the term expired while its payment was tried again, and was bought anew: the old subscription ends', async () => {
    await shop.product('anew', '200');
    await shop.bought('anew', 1, { autoRenew: true });
    const old = lastSubscription();
    await shop.advance('2027-01-05T15:00:00Z');
    expect(await shop.bought('anew', 1, { autoRenew: true })).toMatchObject({ kind: 'AFTER_EXPIRY' });
    const current = lastSubscription();
    const { id, expiresAt } = await shop.licence('anew');
    expect(await keep()).toBe(1);
    await shop.deliver();
    expect([old, current].map(statusOf)).toEqual(['canceled', 'active']);
    const terms = (await shop.licences()).filter(({ product }) => product.code === 'anew');
    expect(terms).toMatchObject([{ autoRenew: false }, { id, expiresAt, autoRenew: true }]);
  });

  test('one that has ended already is ended: Paddle is not asked for ever', async () => {
    await shop.product('over', '200');
    const { purchase } = await shop.buy('over', 1, { autoRenew: true });
    const second = await shop.buy('over', 1, { autoRenew: true });
    shop.paddle.pay(purchase.checkout.id);
    shop.paddle.pay(second.purchase.checkout.id);
    await shop.deliver();
    shop.paddle.cancel(lastSubscription());
    shop.paddle.events = [];
    const outcome = { subscriptionId: lastSubscription(), line: undefined };
    expect(await shop.provider.changeSubscription(outcome)).toEqual({ status: 'SUCCEEDED' });
    await keep();
    const waiting = await shop.gateway.database.asOwner(
      'select 1 from licence_subscription_ends where ended_at is null',
    );
    expect(waiting).toEqual([]);
  });
});
