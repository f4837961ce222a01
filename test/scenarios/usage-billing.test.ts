import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const perUnit = (amount: string) => ({ kind: 'PER_UNIT', amount });
const calls = (limit: string, price: object | undefined, extra: object = {}) => ({
  ...{ feature: 'calls', limit, resetPeriod: 'MONTH' },
  ...(price ? { usagePrices: [{ currency: 'EUR', ...price }] } : {}),
  ...extra,
});

/** The document that usage billing comes from: 1000 calls with the plan, 500 more with the add-on. */
async function sample(): Promise<World> {
  const world = await World.create(gateway, { currency: 'EUR' });
  await world.feature('calls', 'METERED', { name: 'API calls', unit: 'calls' });
  await world.plan({ code: 'basic', month: '29.99', features: [calls('1000', { inside: perUnit('0.01') })] });
  const sold = { inside: perUnit('0.01'), overage: perUnit('0.02') };
  await world.addon('more_calls', '50', { features: [calls('500', sold)] });
  return world;
}

const nov1 = '2025-11-01T00:00:00Z';
const dec1 = '2025-12-01T00:00:00Z';

describe('the sample invoice', () => {
  test('fixed prices in advance, what joined, usage by its source in arrears: 123.99', async () => {
    const world = await sample();
    const tenant = await world.tenant(nov1);
    await tenant.start('basic');
    await tenant.advance('2025-11-16T00:00:00Z');
    const joined = await tenant.subscribe('more_calls', { charge: 'NEXT_INVOICE' });
    expect(joined.invoice).toBeNull();
    await tenant.advance('2025-11-20T12:00:00Z');
    await tenant.use('calls', 1700, '2025-11-20T12:00:00Z');
    const { invoices } = await tenant.advance(dec1);
    expect(invoices.map(amountsOf)).toEqual([
      [
        'PLAN_FIXED 29.99',
        'ADDON_FIXED 50.00',
        'PRORATION_CHARGE 25.00', // 50.00 × 15/30
        'PLAN_USAGE 10.00', // 1000 × 0.01
        'ADDON_USAGE 5.00', // 500 × 0.01
        'OVERAGE 4.00', // 200 × 0.02
      ],
    ]);
    expect(invoices[0].total.amount).toBe('123.99'); // 29.99 + 50.00 + 25.00 + 10.00 + 5.00 + 4.00
  });
});
