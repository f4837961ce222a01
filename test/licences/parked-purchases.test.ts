import { keepSubscriptionsInStep } from '../../src/licences/keep-subscriptions-in-step.job';
import { LicenceShop, purchaseFields } from './licences-of-tests';

let shop: LicenceShop;
beforeAll(async () => {
  shop = await LicenceShop.open();
});
afterAll(() => shop.close());

const owner = 'other-partner-owner';
const keep = () => keepSubscriptionsInStep(shop.gateway.app.system, shop.gateway.app.providers);
const decide = async (mutation: string, purchaseId: string, extra = '', more = {}) => {
  const tenantId = await shop.tenantIdOf('hooli');
  const licence = mutation === 'acceptLicencePurchase' ? 'licence { seats status }' : 'refund { amount }';
  return shop.act(
    owner,
    mutation,
    { tenantId, purchaseId, ...more },
    `dryRun purchase { ${purchaseFields} } ${licence}`,
    extra,
  );
};
/** Three seats of 200.00, of which 500.00 came: a discount that the partner gave in Paddle's dashboard. */
async function discounted(code: string, autoRenew = false) {
  await shop.product(code, '200');
  const { purchase } = await shop.buy(code, 3, { autoRenew });
  shop.paddle.discounts.set(purchase.checkout.id, 10_000n);
  shop.paddle.pay(purchase.checkout.id);
  await shop.deliver();
  expect(await shop.purchase(purchase.id)).toMatchObject({
    ...{ status: 'PARKED', parkReason: 'AMOUNT_DIFFERS', paid: { amount: '500.00' } },
  });
  return purchase;
}

test('accepted: what was bought is granted, once, and refunds count by what was paid', async () => {
  const { id, checkout } = await discounted('accept', true);
  const rehearsed = await decide('acceptLicencePurchase', id, ', dryRun: true');
  expect(rehearsed).toMatchObject({ dryRun: true, licence: { seats: '3', status: 'ACTIVE' } });
  expect(await shop.licence('accept')).toBeUndefined();
  const answers = await Promise.all([decide('acceptLicencePurchase', id), decide('acceptLicencePurchase', id)]);
  for (const answer of answers) {
    expect(answer).toMatchObject({
      purchase: { status: 'COMPLETED', paid: { amount: '500.00' } },
      licence: { seats: '3' },
    });
  }
  // Its subscription was ended when it was parked: it is not billed for a price that nobody agreed to.
  expect(await keep()).toBe(1);
  await shop.deliver();
  expect(await shop.licence('accept')).toMatchObject({ seats: '3', autoRenew: false });
  expect(await decide('refuseLicencePurchase', id)).toMatchObject({ code: 'LICENCE_PURCHASE_NOT_PARKED' });
  // 500.00 for three: 333.34 are two of them; all of it is 500.00.
  shop.paddle.chargeBack(checkout.id, 33_334n);
  await shop.deliver();
  expect(await shop.licence('accept')).toMatchObject({ seats: '1' });
  shop.paddle.chargeBack(checkout.id, 16_666n);
  await shop.deliver();
  expect(await shop.licence('accept')).toMatchObject({ seats: '0', status: 'REFUNDED' });
  expect(await shop.purchase(id)).toMatchObject({ status: 'REFUNDED', refunded: { amount: '500.00' } });
});

test('a part of it went back while it waited: accepted, it grants the seats that are still paid', async () => {
  const { id, checkout } = await discounted('part-back');
  // 166.67 of 500.00 are one seat of three.
  shop.paddle.chargeBack(checkout.id, 16_667n);
  await shop.deliver();
  expect(await shop.purchase(id)).toMatchObject({
    status: 'PARKED',
    refunded: { amount: '166.67' },
    seatsRefunded: '1',
  });
  expect(await decide('acceptLicencePurchase', id)).toMatchObject({
    purchase: { status: 'COMPLETED', refunded: { amount: '166.67' }, seatsRefunded: '1' },
    licence: { seats: '2' },
  });
  // The bank gives it back: all three are paid.
  shop.paddle.reverse([...shop.paddle.adjustments.keys()].at(-1)!);
  await shop.deliver();
  expect(await shop.licence('part-back')).toMatchObject({ seats: '3' });
});

test('refused: Paddle gives all of it back, once, though its answer is lost; then it is closed', async () => {
  const { id, checkout } = await discounted('refuse');
  for (const _time of [1, 2]) {
    expect(await decide('refuseLicencePurchase', id)).toMatchObject({
      purchase: { status: 'PARKED', refusedAt: expect.any(String) },
    });
  }
  expect(await decide('acceptLicencePurchase', id)).toMatchObject({ code: 'LICENCE_PURCHASE_NOT_PARKED' });
  shop.paddle.faults = [{ route: 'POST /adjustments', kind: 'RESET', after: true }];
  expect(await keep()).toBe(0);
  await shop.waitForSteps();
  expect(await keep()).toBe(1);
  await shop.waitForSteps();
  expect(await keep()).toBe(0);
  const refunds = [...shop.paddle.adjustments.values()].filter((row) => row.transaction_id === checkout.id);
  expect(refunds).toMatchObject([{ action: 'refund', type: 'full' }]);
  shop.paddle.decide(refunds[0].id, 'approved');
  await shop.deliver();
  expect(await shop.purchase(id)).toMatchObject({ status: 'REFUNDED', refunded: { amount: '500.00' } });
  expect(await shop.licence('refuse')).toBeUndefined();
});

test('a renewal that came after seats were added: accepted, all of them have another year', async () => {
  await shop.product('renewal', '200');
  await shop.bought('renewal', 2);
  const renewal = await shop.renew('renewal');
  await shop.bought('renewal', 1);
  shop.paddle.pay(renewal.purchase.checkout.id);
  await shop.deliver();
  expect(await shop.purchase(renewal.purchase.id)).toMatchObject({ status: 'PARKED', parkReason: 'TERM_CHANGED' });
  expect(await decide('acceptLicencePurchase', renewal.purchase.id)).toMatchObject({ licence: { seats: '3' } });
  expect(await shop.licence('renewal')).toMatchObject({ seats: '3', expiresAt: '2027-12-21T15:00:00.000Z' });
});

test('the provider opened no checkout: nothing was paid, so nothing can be accepted; refused, it is put away', async () => {
  await shop.product('unopened', '200');
  const { apiKey } = shop.paddle;
  Object.assign(shop.paddle, { apiKey: 'pdl_sdbx_apikey_another' });
  const { purchase } = await shop.buy('unopened', 1);
  Object.assign(shop.paddle, { apiKey });
  expect(await shop.purchase(purchase.id)).toMatchObject({ status: 'PARKED', parkReason: 'CHECKOUT_REFUSED' });
  expect(await decide('acceptLicencePurchase', purchase.id)).toMatchObject({ code: 'LICENCE_PURCHASE_NOT_PAID' });
  const waiting = async () =>
    (await shop.gateway.get(owner, '{ parkedLicencePurchases(first: 50) { nodes { id } } }')).nodes;
  expect(await waiting()).toContainEqual({ id: purchase.id });
  for (const _time of [1, 2]) {
    expect(await decide('refuseLicencePurchase', purchase.id)).toMatchObject({
      ...{ purchase: { status: 'CLOSED' }, refund: { amount: '0.00' } },
    });
  }
  expect(await waiting()).not.toContainEqual({ id: purchase.id });
  // Nobody is asked to give anything back.
  expect(await keep()).toBe(0);
});

test('what stands otherwise than it was seen is neither accepted nor refused', async () => {
  const { id, checkout } = await discounted('seen');
  const seen = async () => (await shop.purchase(id)).state;
  const state = await seen();
  expect(await seen()).toBe(state);
  // A part of it is refunded in Paddle's dashboard meanwhile.
  shop.paddle.decide(shop.paddle.refund(checkout.id, 10_000n), 'approved');
  await shop.deliver();
  const now = await seen();
  for (const mutation of ['acceptLicencePurchase', 'refuseLicencePurchase']) {
    expect(await decide(mutation, id, '', { expectedState: state })).toMatchObject({
      ...{ code: 'VERSION_CONFLICT', facts: expect.arrayContaining([{ name: 'currentState', value: now }]) },
    });
  }
  expect(await shop.purchase(id)).toMatchObject({ status: 'PARKED' });
  // 500.00 − 100.00
  expect(await decide('refuseLicencePurchase', id, ', dryRun: true', { expectedState: now })).toMatchObject({
    ...{ dryRun: true, refund: { amount: '400.00' } },
  });
  expect(await decide('acceptLicencePurchase', id, '', { expectedState: now })).toMatchObject({
    purchase: { status: 'COMPLETED' },
  });
});
