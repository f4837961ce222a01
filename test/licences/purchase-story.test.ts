import { LicenceShop } from './licences-of-tests';

let shop: LicenceShop;
beforeAll(async () => {
  shop = await LicenceShop.open();
});
afterAll(() => shop.close());

/** hooli's clock stands at 2025-12-21 in New York when the world begins. */
test('quote, checkout, webhook, seats, co-termed purchase, renewal, refund, expiry', async () => {
  await shop.product('cad', '200', { features: [] });

  // First purchase: 5 × 200.00 = 1000.00 for a year.
  const quoted = await shop.quote('cad', 5);
  expect(quoted).toMatchObject({ kind: 'FIRST', amount: { amount: '1000.00', currency: 'USD' }, seatsAfter: '5' });
  const { purchase } = await shop.buy('cad', 5, { quote: quoted.quote.token });
  expect(purchase).toMatchObject({ kind: 'FIRST', status: 'OPEN', amount: { amount: '1000.00' } });
  expect(await shop.licences()).toEqual([]);
  shop.paddle.pay(purchase.checkout.id);
  expect(await shop.deliver()).toContain(200);
  const first = await shop.licence('cad');
  expect(first).toMatchObject({ status: 'ACTIVE', seats: '5', assigned: '1', expiresAt: quoted.expiresAtAfter });
  expect((await shop.purchase(purchase.id)).status).toBe('COMPLETED');
});
