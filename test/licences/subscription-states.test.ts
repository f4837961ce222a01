import { LicenceShop } from './licences-of-tests';

let shop: LicenceShop;
beforeAll(async () => {
  shop = await LicenceShop.open();
});
afterAll(() => shop.close());

let serial = 0;
async function renewing(): Promise<{ code: string; subscription: string }> {
  serial += 1;
  const code = `state${serial}`;
  await shop.product(code, '200');
  await shop.bought(code, 2, { autoRenew: true });
  return { code, subscription: [...shop.paddle.subscriptions.keys()].at(-1)! };
}
const parked = async () => (await shop.events()).filter(({ status }) => status === 'PARKED');
const wait = () => new Promise((resolve) => setTimeout(resolve, 5));

test('paused, at once or at the end of the period, it is not billed again; resumed, it is; what was bought stays', async () => {
  const { code, subscription } = await renewing();
  const after = async (act: () => void) => {
    await wait();
    act();
    await shop.deliver();
    const { autoRenew, status, seats } = await shop.licence(code);
    return [autoRenew, status, seats];
  };
  const { paddle } = shop;
  expect(await after(() => paddle.pause(subscription))).toEqual([false, 'ACTIVE', '2']);
  expect(await after(() => paddle.unpause(subscription))).toEqual([true, 'ACTIVE', '2']);
  expect(await after(() => paddle.pause(subscription, 'next_billing_period'))).toEqual([false, 'ACTIVE', '2']);
  expect(await after(() => paddle.resume(subscription))).toEqual([true, 'ACTIVE', '2']);
  // With a day on which it goes on: until then nothing is billed.
  expect(await after(() => paddle.pause(subscription, 'immediately', '2027-06-01T00:00:00Z'))).toEqual([
    ...[false, 'ACTIVE', '2'],
  ]);
  expect(await after(() => paddle.unpause(subscription))).toEqual([true, 'ACTIVE', '2']);
  // Its card is declined: Paddle goes on trying.
  expect(await after(() => paddle.miss(subscription))).toEqual([true, 'ACTIVE', '2']);
  expect(await after(() => paddle.cancel(subscription))).toEqual([false, 'ACTIVE', '2']);
  expect(await parked()).toEqual([]);
});

test('told in the wrong order, twice, the first lost: the newest word counts', async () => {
  const { code, subscription } = await renewing();
  shop.paddle.pause(subscription);
  await wait();
  shop.paddle.unpause(subscription);
  await shop.deliver({ order: (events) => [...events].reverse(), repeat: 2 });
  expect(await shop.licence(code)).toMatchObject({ autoRenew: true });
  await wait();
  shop.paddle.pause(subscription);
  shop.paddle.events = shop.paddle.events.slice(0, 1);
  await wait();
  shop.paddle.unpause(subscription);
  // Of four events the oldest alone arrives; Paddle is asked, and says how it stands now.
  shop.paddle.events = shop.paddle.events.slice(0, 1);
  await shop.deliver();
  expect(await shop.licence(code)).toMatchObject({ autoRenew: true });
});

test('an event in an older shape, without its scheduled change: Paddle is asked', async () => {
  const { code, subscription } = await renewing();
  await wait();
  shop.paddle.cancel(subscription, 'next_billing_period');
  await shop.deliver({
    change: (event) => {
      delete event.data.scheduled_change;
      return event;
    },
  });
  expect(await shop.licence(code)).toMatchObject({ autoRenew: false });
});

test('a status that nobody here knows waits for a person', async () => {
  const { code, subscription } = await renewing();
  shop.paddle.subscriptions.get(subscription).status = 'hibernating';
  shop.paddle.resume(subscription);
  await shop.deliver();
  expect((await parked()).at(-1)).toMatchObject({ reason: 'PAYLOAD_UNREADABLE' });
  expect(await shop.licence(code)).toMatchObject({ autoRenew: true });
});

test('another card is nothing for a person, also where it is somebody else’s', async () => {
  const { code, subscription } = await renewing();
  const before = await parked();
  shop.paddle.changeCard(subscription);
  await shop.deliver({ repeat: 2 });
  shop.paddle.changeCard(subscription);
  await shop.deliver({
    change: (event) => {
      if (event.event_type.startsWith('transaction.')) {
        Object.assign(event.data, { custom_data: null, subscription_id: 'sub_01elsewhereelsewhereelsewhe' });
      }
      return event;
    },
  });
  expect(await parked()).toEqual(before);
  expect(shop.paddle.subscriptions.get(subscription).status).toBe('active');
  expect(await shop.licence(code)).toMatchObject({ seats: '2', autoRenew: true });
});
