import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

test('a year that is shared by the second: void gives back a coupon of which a part went back before', async () => {
  const world = await World.create(gateway, { currency: 'EUR' });
  await world.plan({ code: 'duo', rank: 20, month: '30', year: '365', prorationBasis: 'SECOND' });
  await world.plan({ code: 'trio', rank: 30, month: '60', year: '730', prorationBasis: 'SECOND' });
  await world.coupon('TENTH', { kind: 'PERCENT', percent: '10' });
  const tenant = await world.tenant('2026-01-01T00:00:00Z');
  const { invoices } = await tenant.start('duo', { interval: 'YEAR' });
  await tenant.pay(invoices[0].id);
  // 2 January: 364 of 365 days are 31,449,600,000 of 31,536,000,000 ms; two such numbers make more than a bigint holds.
  await tenant.advance('2026-01-02T00:00:00Z');
  const { invoice } = await tenant.change({ plan: 'trio', coupon: 'TENTH' });
  // 730.00 × 364/365 = 728.00, less 10 % = 72.80, less the unused 365.00 × 364/365 = 364.00
  expect(invoice.total.amount).toBe('291.20');
  await tenant.advance('2026-01-03T00:00:00Z');
  expect((await tenant.change({ plan: 'duo', waived: true })).code).toBeUndefined();
  expect((await tenant.void(invoice.id)).invoice).toMatchObject({ status: 'VOID' });
});
