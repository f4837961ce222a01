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
