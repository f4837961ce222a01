import { keepSubscriptionsInStep } from '../../src/licences/keep-subscriptions-in-step.job';
import { LicenceShop } from './licences-of-tests';

let shop: LicenceShop;
beforeAll(async () => {
  shop = await LicenceShop.open();
});
afterAll(() => shop.close());

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever they asked for.
type Any = any;
const [firstYear, secondYear] = ['2026-12-21T15:00:00.000Z', '2027-12-21T15:00:00.000Z'];

/** Four seats for 800.00, renewed for 800.00. */
async function twoYears(code: string): Promise<{ first: string; second: string; purchases: Any[] }> {
  await shop.product(code, '200');
  const bought = await shop.bought(code, 4);
  const { purchase } = await shop.renew(code);
  shop.paddle.pay(purchase.checkout.id);
  await shop.deliver();
  return { first: bought.checkout.id, second: purchase.checkout.id, purchases: [bought, purchase] };
}
const tried = async () => {
  await shop.gateway.database.asOwner(`update inbound_events set next_try_at = now() where status = 'RECEIVED'`);
  await shop.deliver();
};
const parked = async () => (await shop.events()).filter(({ status }) => status === 'PARKED');
const told = async (type: string) =>
  (await shop.gateway.database.asOwner('select 1 from outbox_events where type = $1', [type])).length;

describe('each year of a term stands on its own payment', () => {
  test.each(['chargeback', 'refund'])(
    'a %s of the first leaves the second, and of both leaves nothing',
    async (action) => {
      const { first, second } = await twoYears(`first-${action}`);
      const back = (transaction: string) => {
        if (action === 'chargeback') shop.paddle.chargeBack(transaction);
        else shop.paddle.decide(shop.paddle.refund(transaction), 'approved');
      };
      back(first);
      await shop.deliver({ repeat: 2 });
      expect(await shop.licence(`first-${action}`)).toMatchObject({
        status: 'ACTIVE',
        seats: '4',
        expiresAt: secondYear,
      });
      back(second);
      await shop.deliver();
      expect(await shop.licence(`first-${action}`)).toMatchObject({
        status: 'REFUNDED',
        seats: '0',
        expiresAt: firstYear,
      });
    },
  );

  test('a chargeback that is won gives back what it took: of the seats, and of the second year', async () => {
    const { first, second } = await twoYears('won');
    const [one, two] = [shop.paddle.chargeBack(first), shop.paddle.chargeBack(second)];
    await shop.deliver();
    expect(await shop.licence('won')).toMatchObject({ status: 'REFUNDED', seats: '0', expiresAt: firstYear });
    shop.paddle.reverse(one);
    await shop.deliver({ repeat: 3, parallel: true });
    expect(await shop.licence('won')).toMatchObject({ status: 'ACTIVE', seats: '4', expiresAt: firstYear });
    shop.paddle.reverse(two);
    await shop.deliver();
    expect(await shop.licence('won')).toMatchObject({ status: 'ACTIVE', seats: '4', expiresAt: secondYear });
    expect((await shop.licencePurchases()).slice(-2)).toMatchObject([
      { status: 'COMPLETED', refunded: { amount: '0.00' }, seatsRefunded: '0' },
      { status: 'COMPLETED', refunded: { amount: '0.00' }, seatsRefunded: '0' },
    ]);
    expect(await told('licence.restored')).toBe(2);
  });

  test('a chargeback and its reversal are told in the wrong order, and the first of them is lost', async () => {
    await shop.product('order', '200');
    const bought = await shop.bought('order', 5);
    shop.paddle.reverse(shop.paddle.chargeBack(bought.checkout.id));
    await shop.deliver({ order: (events) => [...events].reverse() });
    expect(await shop.licence('order')).toMatchObject({ status: 'ACTIVE', seats: '5' });
    const lost = shop.paddle.chargeBack(bought.checkout.id, 20_000n);
    shop.paddle.events = [];
    shop.paddle.reverse(lost);
    await shop.deliver();
    expect(await shop.licence('order')).toMatchObject({ status: 'ACTIVE', seats: '5' });
    expect(await shop.purchase(bought.id)).toMatchObject({ refunded: { amount: '0.00' } });
  });

  test('it was bought anew before the chargeback was won: both were paid, and both give seats', async () => {
    await shop.product('anew', '200');
    const old = await shop.bought('anew', 2);
    const chargeback = shop.paddle.chargeBack(old.checkout.id);
    await shop.deliver();
    await shop.bought('anew', 3);
    shop.paddle.reverse(chargeback);
    await shop.deliver();
    const terms = (await shop.licences()).filter(({ product }) => product.code === 'anew');
    expect(terms.map(({ status, seats }) => [status, seats])).toEqual([
      ['ACTIVE', '2'],
      ['ACTIVE', '3'],
    ]);
  });
});

describe('what went back of a purchase of 800.00 for four seats', () => {
  const bought = async (code: string) => {
    await shop.product(code, '200');
    return shop.bought(code, 4);
  };
  const outcome = async (code: string, id: string) => {
    await shop.deliver({ repeat: 2 });
    const [{ seats }, { refunded }] = [await shop.licence(code), await shop.purchase(id)];
    return [seats, refunded.amount];
  };

  test('the tax alone takes no seat', async () => {
    const { id, checkout } = await bought('tax');
    shop.paddle.refundTax(checkout.id);
    expect(await outcome('tax', id)).toEqual(['4', '0.00']);
  });

  test('a warning moves no money, nor does the end of it', async () => {
    const { id, checkout } = await bought('warned');
    const before = (await parked()).length;
    shop.paddle.reverse(shop.paddle.warnOfChargeback(checkout.id));
    expect(await outcome('warned', id)).toEqual(['4', '0.00']);
    expect(await parked()).toHaveLength(before);
  });

  test('a credit at Paddle takes the seats it paid for, and its reversal gives them back', async () => {
    const { id, checkout } = await bought('credited');
    // 400.00 of 800.00: two seats of four.
    const credit = shop.paddle.credit(checkout.id, 40_000n);
    expect(await outcome('credited', id)).toEqual(['2', '400.00']);
    shop.paddle.reverse(credit);
    expect(await outcome('credited', id)).toEqual(['4', '0.00']);
  });

  test('a refund of 400.00 and a chargeback of all: 800.00; won: 400.00', async () => {
    const { id, checkout } = await bought('twice-back');
    shop.paddle.decide(shop.paddle.refund(checkout.id, 40_000n), 'approved');
    const chargeback = shop.paddle.chargeBack(checkout.id);
    expect(await outcome('twice-back', id)).toEqual(['0', '800.00']);
    shop.paddle.reverse(chargeback);
    expect(await outcome('twice-back', id)).toEqual(['2', '400.00']);
  });

  test('a refund that Paddle rejects after all gives back what it took', async () => {
    const { id, checkout } = await bought('rejected');
    const refund = shop.paddle.refund(checkout.id);
    shop.paddle.decide(refund, 'approved');
    expect(await outcome('rejected', id)).toEqual(['0', '800.00']);
    await new Promise((resolve) => setTimeout(resolve, 5));
    shop.paddle.decide(refund, 'rejected');
    expect(await outcome('rejected', id)).toEqual(['4', '0.00']);
  });

  test('of a renewal that is not here yet it waits, and is taken off when that comes', async () => {
    await shop.product('waits', '200');
    await shop.bought('waits', 2, { autoRenew: true });
    const transaction = shop.paddle.renew([...shop.paddle.subscriptions.keys()].at(-1)!);
    const payment = shop.paddle.events;
    shop.paddle.events = [];
    shop.paddle.chargeBack(transaction);
    await shop.deliver();
    shop.paddle.events = payment;
    await shop.deliver();
    await tried();
    expect(await shop.licence('waits')).toMatchObject({ seats: '2', expiresAt: firstYear });
    expect((await shop.licencePurchases()).at(-1)).toMatchObject({ kind: 'RENEWAL', status: 'REFUNDED' });
  });

  test('an event in an older shape: Paddle’s answer has what it is about', async () => {
    const { id, checkout } = await bought('older');
    shop.paddle.chargeBack(checkout.id, 20_000n);
    await shop.deliver({
      change: (event) => {
        delete event.data.totals;
        return event;
      },
    });
    expect(await outcome('older', id)).toEqual(['3', '200.00']);
  });

  test('an action that nobody here knows waits for a person', async () => {
    const { id, checkout } = await bought('unknown');
    const adjustment = shop.paddle.chargeBack(checkout.id, 20_000n);
    shop.paddle.adjustments.get(adjustment).action = 'gift';
    await shop.deliver({
      change: (event) => {
        event.data.action = 'gift';
        return event;
      },
    });
    expect((await parked()).at(-1)).toMatchObject({ reason: 'NEEDS_A_PERSON: An adjustment of kind gift, approved.' });
    expect(await outcome('unknown', id)).toEqual(['4', '0.00']);
  });

  test('a purchase that is parked is refunded before its payment is told: it is closed', async () => {
    await shop.product('parked', '200');
    const { purchase } = await shop.buy('parked', 1);
    shop.paddle.pay(purchase.checkout.id);
    shop.paddle.transactions.get(purchase.checkout.id).items[0].quantity = 7;
    shop.paddle.chargeBack(purchase.checkout.id);
    await shop.deliver({ order: (events) => [...events].reverse() });
    await tried();
    expect(await shop.purchase(purchase.id)).toMatchObject({ status: 'REFUNDED', parkReason: 'QUANTITY_DIFFERS' });
  });
});

test('seats go by the year that paid for them: a part of a renewal, and seats that come back after a renewal without them', async () => {
  const { second } = await twoYears('part');
  // 400.00 of 800.00: two of the four seats of the second year.
  shop.paddle.decide(shop.paddle.refund(second, 40_000n), 'approved');
  await shop.deliver({ repeat: 2 });
  expect(await shop.licence('part')).toMatchObject({ status: 'ACTIVE', seats: '4', expiresAt: secondYear });
  expect((await shop.licencePurchases()).at(-1)).toMatchObject({ status: 'COMPLETED', seatsRefunded: '2' });

  await shop.product('fewer', '200');
  await shop.bought('fewer', 4);
  const added = await shop.bought('fewer', 3);
  const chargeback = shop.paddle.chargeBack(added.checkout.id);
  await shop.deliver();
  const { purchase } = await shop.renew('fewer');
  shop.paddle.pay(purchase.checkout.id);
  await shop.deliver();
  expect(await shop.licence('fewer')).toMatchObject({ seats: '4', expiresAt: secondYear });
  shop.paddle.reverse(chargeback);
  await shop.deliver();
  expect(await shop.licence('fewer')).toMatchObject({ seats: '7', expiresAt: secondYear });

  const keep = () => keepSubscriptionsInStep(shop.gateway.app.system, shop.gateway.app.providers);
  await keep();
  expect(await shop.licence('fewer')).toMatchObject({ seats: '7' });
  await shop.advance('2026-12-21T15:00:00Z');
  // Twice at once: each turns once.
  await Promise.all([keep(), keep()]);
  expect(await shop.licence('part')).toMatchObject({ status: 'ACTIVE', seats: '2', expiresAt: secondYear });
  expect(await shop.licence('fewer')).toMatchObject({ status: 'ACTIVE', seats: '4', expiresAt: secondYear });
  const broken = await shop.gateway.database.asOwner(
    `select * from check_seats union all select * from check_entitlement_sources`,
  );
  expect(broken).toEqual([]);
});

test('the first year goes back and the second is paid: nothing is given until that one begins', async () => {
  await shop.act(
    'other-partner-owner',
    'createFeature',
    { code: 'drawing', name: 'Drawing', kind: 'BOOLEAN' },
    'feature { id }',
  );
  await shop.product('gap', '200', { features: [{ feature: 'drawing' }] });
  const { checkout } = await shop.bought('gap', 4);
  const { purchase } = await shop.renew('gap');
  shop.paddle.pay(purchase.checkout.id);
  await shop.deliver();
  const { expiresAt } = await shop.licence('gap');
  const given = async () => {
    const rows = await shop.gateway.database.asOwner<{ quantity: string }>(
      `select e.quantity from tenant_entitlements e join licences l on l.id = e.source_id
         join licence_products p on p.id = l.licence_product_id join tenants t on t.id = e.tenant_id
        where p.code = 'gap' and e.starts_at <= t.test_clock and coalesce(e.ends_at, 'infinity') > t.test_clock`,
    );
    return rows.map(({ quantity }) => String(quantity));
  };
  expect(await given()).toEqual(['4']);
  const chargeback = shop.paddle.chargeBack(checkout.id);
  await shop.deliver();
  expect(await given()).toEqual([]);
  expect(await shop.licence('gap')).toMatchObject({ status: 'ACTIVE', seats: '4', expiresAt });
  shop.paddle.reverse(chargeback);
  await shop.deliver();
  expect(await given()).toEqual(['4']);
  // It goes back again, and the second year begins.
  shop.paddle.chargeBack(checkout.id);
  await shop.deliver();
  expect(await given()).toEqual([]);
  await shop.advance(expiresAt.replace(/^\d{4}/, (to: string) => String(Number(to) - 1)));
  await keepSubscriptionsInStep(shop.gateway.app.system, shop.gateway.app.providers);
  expect(await given()).toEqual(['4']);
});
