import { stripeSync } from '../../../src/cli/stripe-sync';
import { createLog } from '../../../src/platform/log';
import { startTestGateway, type TestGateway } from '../../support/gateway';
import { type StripeStandIn, startStripe } from '../../support/stripe/stand-in';
import { World } from '../../support/world';

let gateway: TestGateway;
let standIn: StripeStandIn;
let world: World;
let code: string;

beforeAll(async () => {
  standIn = await startStripe();
  gateway = await startTestGateway({ world: 'demo' });
  world = await World.create(gateway, { currency: 'EUR' });
  const [row] = await gateway.database.asOwner<{ code: string }>(
    'select code from partners order by created_at desc, id desc limit 1',
  );
  code = row!.code;
  await world.plan({ code: 'growth', rank: 20, month: '199.00', year: '1990.00' });
  await world.addon('track', '149.00');
});
afterAll(async () => {
  await gateway.stop();
  await standIn.stop();
});

async function sync(apply: boolean): Promise<string[]> {
  const lines: string[] = [];
  const stripe = {
    secretKey: standIn.secretKey,
    webhookSecrets: ['whsec_0123456789abcdef'],
    apiUrl: standIn.url,
    live: false,
  };
  const query = (sql: string, values?: unknown[]) => gateway.database.asOwner(sql, values);
  await stripeSync({ providerSecrets: { stripe } }, query, createLog('silent'), { apply, partner: code }, (line) =>
    lines.push(line),
  );
  return lines;
}
const ofStripe = () => ({
  products: standIn.books
    .all('product')
    .map(({ name, active }) => `${name} ${active}`)
    .sort(),
  prices: standIn.books
    .all('price')
    .map((price) => `${price.unit_amount} ${price.recurring?.interval} ${price.active}`)
    .sort(),
});
const kept = () =>
  gateway.database.asOwner<{ external_id: string }>('select external_id from stripe_prices order by amount');

test('a plan is shown before it is applied, and a second run has nothing to do', async () => {
  const shown = await sync(false);
  expect(shown).toEqual([
    `+ product ${code}/growth  growth`,
    `+ price   ${code}/growth  199.00 EUR per month`,
    `+ price   ${code}/growth  1990.00 EUR per year`,
    `+ product ${code}/track  track`,
    `+ price   ${code}/track  149.00 EUR per month`,
    '5 to create. Nothing was changed: add --apply.',
  ]);
  expect(standIn.books.all('product')).toEqual([]);
  expect(await kept()).toEqual([]);

  expect((await sync(true)).at(-1)).toBe('5 steps done.');
  expect(ofStripe()).toEqual({
    products: ['growth true', 'track true'],
    prices: ['14900 month true', '19900 month true', '199000 year true'],
  });
  expect(await kept()).toHaveLength(3);
  expect(await sync(true)).toEqual(['Stripe (test mode) is in step with the catalog.']);
});

test('another amount is another price, and the old one is archived; what is archived here is archived there', async () => {
  const { addon } = await gateway
    .get('super-admin', 'query ($id: ID) { addons(partnerId: $id, first: 1) { nodes { id code version } } }', {
      id: world.partnerId,
    })
    .then(({ nodes }) => ({ addon: nodes[0] }));
  const updated = await world.act(
    'updateAddon',
    {
      partnerId: world.partnerId,
      addon: addon.id,
      expectedVersion: addon.version,
      name: 'Track & Trace',
      prices: [{ interval: 'MONTH', price: { amount: '159.00', currency: 'EUR' } }],
    },
    'addon { version }',
  );
  expect(updated.code).toBeUndefined();
  const lines = await sync(true);
  expect(lines.map((line) => line.replace(/\(price_.*\)/, '(…)'))).toEqual([
    `~ product ${code}/track  name track → Track & Trace`,
    `+ price   ${code}/track  159.00 EUR per month`,
    `- price   ${code}/track  149.00 EUR per month (…)`,
    '3 steps done.',
  ]);
  expect(ofStripe().prices).toContain('14900 month false');
  expect(await kept()).toHaveLength(3);
});

test('killed after Stripe made a price and before it was noted: the next run finds it by its name', async () => {
  await gateway.database.asOwner('delete from stripe_prices');
  const before = standIn.books.all('price').length;
  const lines = await sync(true);
  expect(lines.filter((line) => line.startsWith('= price'))).toHaveLength(3);
  expect(standIn.books.all('price')).toHaveLength(before);
  expect(await kept()).toHaveLength(3);
});

test('what Stripe cannot charge is named and left out', async () => {
  const { partner } = await gateway.get(
    'super-admin',
    'mutation ($input: CreatePartnerInput!) { createPartner(input: $input) { ... on CreatePartnerDone { partner { id code } } } }',
    { input: { code: 'dinars', name: 'Dinars', currency: 'KWD', timeZone: 'UTC' } },
  );
  await world.act(
    'createAddon',
    {
      partnerId: partner.id,
      code: 'odd',
      name: 'odd',
      prices: [{ interval: 'MONTH', price: { amount: '5.124', currency: 'KWD' } }],
    },
    'addon { id }',
  );
  code = 'dinars';
  expect(await sync(false)).toContain(
    '! price   dinars/odd  5.124 KWD per month: Stripe cannot charge exactly this amount',
  );
});
