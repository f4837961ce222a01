import { LicenceShop } from './licences-of-tests';

let shop: LicenceShop;
beforeAll(async () => {
  shop = await LicenceShop.open();
});
afterAll(() => shop.close());

test('what a licence gives is offered by the seat, with its quote; bought and paid, the check allows', async () => {
  const feature = { code: 'renders', name: 'Renders', kind: 'METERED' };
  await shop.act('other-partner-owner', 'createFeature', feature, 'feature { id }');
  const features = [{ feature: 'renders', limit: '10', resetPeriod: 'MONTH' }];
  await shop.product('cad', '200', { features });
  const check = () =>
    shop.gateway.get(
      'other-partner-tenant-admin',
      `{ entitlementCheck(feature: "renders", quantity: "25") { allowed reason unlocks { __typename ... on LicenceUnlock {
        kind product { code } quantity dueNow { amount } recurring { amount } explanation { sentence } quote { token } } } } }`,
    );
  const denied = await check();
  // 25 take 3 seats of 10 each: 200.00 × 3.
  expect(denied).toMatchObject({
    allowed: false,
    reason: 'NOT_ENTITLED',
    unlocks: [
      {
        ...{ kind: 'LICENCE', product: { code: 'cad' }, quantity: '3' },
        ...{ dueNow: { amount: '600.00' }, recurring: { amount: '600.00' } },
        explanation: { sentence: 'cad: 200.00 USD a year × 3 = 600.00 USD.' },
      },
    ],
  });
  const [offer] = denied.unlocks;
  const bought = await shop.bought('cad', Number(offer.quantity), { quote: offer.quote.token });
  expect(bought).toMatchObject({ status: 'COMPLETED', amount: { amount: '600.00' } });
  expect(await check()).toMatchObject({ allowed: true, unlocks: [] });
});
