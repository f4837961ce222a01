import { Payer } from '../payments/support';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';

// What others lost money by: nothing that was never paid is credited, collected, or given access for.

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

async function place() {
  const world = await World.create(gateway, { currency: 'EUR' });
  await world.feature('reports', 'BOOLEAN');
  await world.plan({ code: 'big', month: '62.00', rank: 20, features: [{ feature: 'reports' }] });
  await world.plan({ code: 'middle', month: '31.00', features: [{ feature: 'reports' }] });
  await world.plan({ code: 'small', month: '3.10', rank: 5 });
  const tenant = await world.tenant('2026-01-01T00:00:00Z');
  return { tenant, payer: new Payer({ world, tenant, gateway, uuid: '' }) };
}
const amounts = async (tenant: TenantOfWorld) =>
  (await tenant.invoices()).map(
    ({ status, total, credited, paid, amountDue }) =>
      `${status} ${total.amount} − ${credited.amount} − ${paid.amount} = ${amountDue.amount}`,
  );

test('a downgrade of a plan that was never paid leaves nothing to spend', async () => {
  const { tenant } = await place();
  await tenant.start('big');
  // On the first day all of it is unused: 62.00 come off the open invoice, and the small plan is asked for.
  expect(await tenant.change({ plan: 'small' })).toMatchObject({ creditNote: { total: { amount: '62.00' } } });
  expect(await tenant.balance()).toBe('0.00');
  await tenant.advance('2026-12-02T00:00:00Z');
  // Twelve months of 3.10, none of them paid by a credit.
  expect(await amounts(tenant)).toEqual([
    'PAID 62.00 − 62.00 − 0.00 = 0.00',
    ...Array(12).fill('FINALIZED 3.10 − 0.00 − 0.00 = 3.10'),
  ]);
  expect(await tenant.balance()).toBe('0.00');
});

test('after a cancellation on the second day only that day is collected', async () => {
  const { tenant, payer } = await place();
  await payer.addMethod('card_no_funds');
  await tenant.start('middle');
  await tenant.advance('2026-01-02T00:00:00Z');
  // 30 of 31 days are unused: 31.00 × 30/31 = 30.00.
  expect(await tenant.cancel({ when: 'NOW' })).toMatchObject({ creditNote: { total: { amount: '30.00' } } });
  expect(await tenant.balance()).toBe('0.00');
  await payer.addMethod('card_ok');
  await tenant.advance('2026-01-06T00:00:00Z');
  expect(await amounts(tenant)).toEqual(['PAID 31.00 − 30.00 − 1.00 = 0.00']);
  expect((await payer.invoices())[0].payments).toMatchObject([
    { status: 'DECLINED', amount: { amount: '31.00' } },
    { status: 'SUCCEEDED', amount: { amount: '1.00' } },
  ]);
});

test('who cancels after the grace and subscribes again has no access, and no credit from what was never paid', async () => {
  const { tenant, payer } = await place();
  await payer.addMethod('card_declined');
  await tenant.start('big');
  // The grace of seven days is over.
  await tenant.advance('2026-01-09T00:00:00Z');
  expect(await tenant.check('reports')).toMatchObject({ allowed: false });
  // 62.00 × 23/31 = 46.00
  expect(await tenant.cancel({ when: 'NOW' })).toMatchObject({ creditNote: { total: { amount: '46.00' } } });
  await tenant.start('big');
  expect(await tenant.check('reports')).toMatchObject({ allowed: false });
  expect(await payer.subscription()).toMatchObject({ status: 'PAST_DUE', accessUntil: '2026-01-08T00:00:00.000Z' });
  expect(await amounts(tenant)).toEqual([
    'FINALIZED 62.00 − 46.00 − 0.00 = 16.00',
    'FINALIZED 62.00 − 0.00 − 0.00 = 62.00',
  ]);
});
