import { keepSubscriptionsInStep } from '../../src/licences/keep-subscriptions-in-step.job';
import { LicenceShop } from './licences-of-tests';

let shop: LicenceShop;
beforeAll(async () => {
  shop = await LicenceShop.open();
});
afterAll(() => shop.close());

const admin = 'other-partner-tenant-admin';

test('the same webhook ten times, at once and one after the other, grants once', async () => {
  await shop.product('ten', '200');
  const { purchase } = await shop.buy('ten', 3);
  shop.paddle.pay(purchase.checkout.id);
  const waiting = [...shop.paddle.events];
  expect(await shop.deliver({ repeat: 10, parallel: true })).toEqual(Array(waiting.length * 10).fill(200));
  shop.paddle.events = waiting;
  await shop.deliver({ repeat: 10 });
  expect(await shop.licence('ten')).toMatchObject({ seats: '3', assigned: '1' });
  // Also under other ids, as if Paddle had told it anew.
  shop.paddle.events = waiting.map((event, index) => ({ ...event, event_id: `evt_other${index}` }));
  await shop.deliver({ repeat: 2 });
  expect(await shop.licence('ten')).toMatchObject({ seats: '3', assigned: '1' });
  const granted = await shop.gateway.database.asOwner(`select 1 from outbox_events where type = 'licence.granted'`);
  expect(granted).toHaveLength(1);
});

test('a refund that is told before its payment, then the payment: what is left is the same', async () => {
  await shop.product('order', '200');
  const before = await shop.bought('order', 2);
  const { purchase } = await shop.buy('order', 3);
  shop.paddle.pay(purchase.checkout.id);
  // One of three seats: the year has just begun, 600.00 / 3 = 200.00.
  shop.paddle.decide(shop.paddle.refund(purchase.checkout.id, 20_000n), 'approved');
  await shop.deliver({ order: (events) => [...events].reverse() });
  // What came too early waits in the inbox and is tried again.
  await shop.gateway.database.asOwner(`update inbound_events set next_try_at = now() where status = 'RECEIVED'`);
  await shop.deliver();
  expect(await shop.licence('order')).toMatchObject({ seats: '4' });
  expect(await shop.purchase(purchase.id)).toMatchObject({
    ...{ status: 'COMPLETED', refunded: { amount: '200.00' }, seatsRefunded: '1' },
  });
  expect(await shop.purchase(before.id)).toMatchObject({ status: 'COMPLETED', seatsRefunded: '0' });
});

test('what Paddle refuses to give back takes no seat; a chargeback does; parts add up', async () => {
  await shop.product('parts', '200');
  const bought = await shop.bought('parts', 3);
  shop.paddle.decide(shop.paddle.refund(bought.checkout.id), 'rejected');
  await shop.deliver();
  expect(await shop.licence('parts')).toMatchObject({ seats: '3' });
  // 150.00 is no whole seat of 200.00; with 50.00 more it is one, and 400.00 more are all three.
  for (const [amount, seats] of [
    [15_000n, '3'],
    [5_000n, '2'],
  ] as const) {
    shop.paddle.decide(shop.paddle.refund(bought.checkout.id, amount), 'approved');
    await shop.deliver({ repeat: 3 });
    expect(await shop.licence('parts')).toMatchObject({ seats });
  }
  shop.paddle.decide(shop.paddle.refund(bought.checkout.id, 40_000n, 'chargeback'), 'approved');
  await shop.deliver({ repeat: 3, parallel: true });
  expect(await shop.licence('parts')).toMatchObject({ seats: '0', status: 'REFUNDED', overAssigned: '1' });
  expect(await shop.purchase(bought.id)).toMatchObject({ status: 'REFUNDED', refunded: { amount: '600.00' } });
  // Nothing runs any more: what is bought next is a new term.
  expect(await shop.quote('parts', 1)).toMatchObject({ kind: 'FIRST', amount: { amount: '200.00' } });
});

test('a refunded renewal takes the year back, and no seat', async () => {
  await shop.product('year', '200');
  await shop.bought('year', 2);
  const { expiresAt } = await shop.licence('year');
  const { purchase } = await shop.renew('year');
  shop.paddle.pay(purchase.checkout.id);
  await shop.deliver();
  expect((await shop.licence('year')).expiresAt > expiresAt).toBe(true);
  shop.paddle.decide(shop.paddle.refund(purchase.checkout.id), 'approved');
  await shop.deliver({ repeat: 2 });
  expect(await shop.licence('year')).toMatchObject({ expiresAt, seats: '2' });
});

describe('a licence that Paddle renews by itself', () => {
  test('the first payment begins a subscription; each of its payments renews once', async () => {
    await shop.product('auto', '200');
    await shop.bought('auto', 2, { autoRenew: true });
    const first = await shop.licence('auto');
    expect(first).toMatchObject({ autoRenew: true, seats: '2', expiresAt: '2026-12-21T15:00:00.000Z' });
    const [subscription] = [...shop.paddle.subscriptions.keys()];
    const transaction = shop.paddle.renew(subscription!);
    await shop.deliver({ repeat: 5, parallel: true });
    expect(await shop.licence('auto')).toMatchObject({ id: first.id, expiresAt: '2027-12-21T15:00:00.000Z' });
    const { nodes } = await shop.gateway.get(
      admin,
      '{ licencePurchases(last: 1) { nodes { kind status amount { amount } checkout { id } quantity } } }',
    );
    expect(nodes).toMatchObject([
      { kind: 'RENEWAL', status: 'COMPLETED', amount: { amount: '400.00' }, quantity: '2' },
    ]);
    expect(shop.paddle.transactions.get(transaction)?.origin).toBe('subscription_recurring');
  });

  test('cancelled, taken back, cancelled: the last word counts, in whatever order it comes; what was bought stays', async () => {
    const [subscription] = [...shop.paddle.subscriptions.keys()];
    const wait = () => new Promise((resolve) => setTimeout(resolve, 5));
    shop.paddle.cancel(subscription!, 'next_billing_period');
    await shop.deliver();
    expect(await shop.licence('auto')).toMatchObject({ autoRenew: false, status: 'ACTIVE' });
    shop.paddle.resume(subscription!);
    await wait();
    shop.paddle.cancel(subscription!);
    expect(shop.paddle.events.map(({ event_type: type }) => type)).toEqual([
      'subscription.updated',
      'subscription.canceled',
    ]);
    await shop.deliver({ order: (events) => [...events].reverse() });
    expect(await shop.licence('auto')).toMatchObject({
      ...{ autoRenew: false, status: 'ACTIVE', expiresAt: '2027-12-21T15:00:00.000Z', seats: '2' },
    });
  });

  test('seats are added and refunded: the next year is billed for as many as there are', async () => {
    await shop.product('step', '200');
    await shop.bought('step', 2, { autoRenew: true });
    const subscription = [...shop.paddle.subscriptions.keys()].at(-1)!;
    const billed = () => shop.paddle.subscriptions.get(subscription).items[0].quantity;
    const { system, providers } = shop.gateway.app;
    const more = await shop.bought('step', 3);
    expect(billed()).toBe(2);
    shop.paddle.faults = [{ route: 'PATCH /subscriptions/:id', kind: 'SERVER_ERROR', after: true }];
    expect(await keepSubscriptionsInStep(system, providers)).toBe(0);
    // It is not asked again at once, but later.
    expect(await keepSubscriptionsInStep(system, providers)).toBe(0);
    await shop.waitForSteps();
    expect(await keepSubscriptionsInStep(system, providers)).toBe(1);
    await shop.waitForSteps();
    expect(await keepSubscriptionsInStep(system, providers)).toBe(0);
    expect(billed()).toBe(5);
    // 5 × 200.00
    const transaction = shop.paddle.renew(subscription);
    await shop.deliver();
    expect(await shop.licence('step')).toMatchObject({ seats: '5', expiresAt: '2027-12-21T15:00:00.000Z' });
    shop.paddle.decide(shop.paddle.refund(more.checkout.id), 'approved');
    await shop.deliver();
    expect(await keepSubscriptionsInStep(system, providers)).toBe(1);
    expect(billed()).toBe(2);
    const all = (await shop.licencePurchases()).filter(
      ({ kind, product }) => product.code === 'step' && kind === 'FIRST',
    );
    shop.paddle.decide(shop.paddle.refund(all[0].checkout.id), 'approved');
    await shop.deliver();
    // The second year was paid on its own: it stays, with the two of its seats that were not added and refunded.
    expect(await shop.licence('step')).toMatchObject({ seats: '2', status: 'ACTIVE' });
    shop.paddle.decide(shop.paddle.refund(transaction), 'approved');
    await shop.deliver();
    await keepSubscriptionsInStep(system, providers);
    await shop.deliver();
    // Nothing is left to renew: Paddle's subscription has ended.
    expect(shop.paddle.subscriptions.get(subscription).status).toBe('canceled');
    expect(await shop.licence('step')).toMatchObject({ seats: '0', status: 'REFUNDED', autoRenew: false });
  });

  test('billed for another quantity: the renewal is parked, the expiry stays', async () => {
    await shop.product('odd', '200');
    await shop.bought('odd', 2, { autoRenew: true });
    const subscription = [...shop.paddle.subscriptions.keys()].at(-1)!;
    const { expiresAt } = await shop.licence('odd');
    shop.paddle.subscriptions.get(subscription).items[0].quantity = 1;
    shop.paddle.renew(subscription);
    await shop.deliver({ repeat: 3 });
    expect(await shop.licence('odd')).toMatchObject({ expiresAt, seats: '2' });
    const { nodes } = await shop.gateway.get(
      admin,
      '{ licencePurchases(last: 1) { nodes { kind status parkReason } } }',
    );
    expect(nodes).toEqual([{ kind: 'RENEWAL', status: 'PARKED', parkReason: 'AMOUNT_DIFFERS' }]);
  });
});

test('bought twice at the same price before either is paid: the second adds seats; at another price it is parked', async () => {
  await shop.product('twice', '200');
  const one = await shop.buy('twice', 1);
  const two = await shop.buy('twice', 2);
  shop.paddle.pay(one.purchase.checkout.id);
  shop.paddle.pay(two.purchase.checkout.id);
  await shop.deliver();
  // The whole year is left: co-termed costs the same 2 × 200.00.
  expect(await shop.licence('twice')).toMatchObject({ seats: '3' });
  const renewal = await shop.renew('twice');
  const more = await shop.buy('twice', 1);
  shop.paddle.pay(more.purchase.checkout.id);
  await shop.deliver();
  // Paid for three seats, four are there: somebody has to look.
  shop.paddle.pay(renewal.purchase.checkout.id);
  await shop.deliver();
  expect(await shop.purchase(renewal.purchase.id)).toMatchObject({ status: 'PARKED', parkReason: 'TERM_CHANGED' });
  expect(await shop.licence('twice')).toMatchObject({ seats: '4', expiresAt: '2026-12-21T15:00:00.000Z' });
  // Its refund at Paddle settles it, and takes nothing that was never granted.
  shop.paddle.decide(shop.paddle.refund(renewal.purchase.checkout.id), 'approved');
  await shop.deliver();
  expect(await shop.purchase(renewal.purchase.id)).toMatchObject({ status: 'REFUNDED' });
  expect(await shop.licence('twice')).toMatchObject({ seats: '4', expiresAt: '2026-12-21T15:00:00.000Z' });
});
