import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, type TenantOfWorld, World } from '../support/world';

/** Usage that is told after an act gave back what seemed unused: it is charged as if it had been told in time (billing rules §12). */
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const jan = (day: number, time = '00:00:00.000') => `2026-01-${String(day).padStart(2, '0')}T${time}Z`;
const of = (limit: string, extra: object = {}) => ({
  features: [{ feature: 'calls', limit, resetPeriod: 'MONTH', ...extra }],
});

async function selling(): Promise<World> {
  const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
  await world.feature('calls');
  const usagePrices = [{ currency: 'EUR', overage: { kind: 'PER_UNIT', amount: '0.10' } }];
  await world.plan({ code: 'a', rank: 1, month: '31.00', ...of('20') });
  await world.plan({ code: 'b', rank: 2, month: '310.00', ...of('200') });
  await world.plan({ code: 'more', rank: 3, month: '31.00', ...of('20', { usagePrices }) });
  await world.addon('x', '3.10', of('10'));
  return world;
}

async function started(world: World, plan: string): Promise<TenantOfWorld> {
  const tenant = await world.tenant(jan(1));
  await tenant.start(plan, { interval: 'MONTH' });
  await tenant.advance(jan(16));
  return tenant;
}

/** From now on it acts by itself. */
async function byItself(world: World, tenant: TenantOfWorld): Promise<void> {
  const input = { partnerId: world.partnerId, tenantId: tenant.id, live: false, name: 'k', scopes: ['READ', 'WRITE'] };
  const { secret } = await world.act('createApiKey', input, 'secret');
  tenant.by = { bearer: secret };
}

const leaks = async () => {
  const found: object[] = [];
  for (const { name } of await gateway.database.asOwner<{ name: string }>('select app.list_checks() as name')) {
    found.push(...(await gateway.database.asOwner(`select '${name}' as name, * from ${name} limit 3`)));
  }
  return found;
};

/** What a further bill says, and that the upcoming one said it. */
async function billedBy(tenant: TenantOfWorld, date: string): Promise<string[]> {
  const upcoming = await tenant.upcoming();
  const { invoices } = await tenant.advance(date);
  if (upcoming && invoices[0]) expect(amountsOf(upcoming)).toEqual(amountsOf(invoices[0]));
  return invoices.flatMap((invoice: never) => amountsOf(invoice));
}

test('after a cancellation: a further final invoice, each time something is told', async () => {
  const tenant = await started(await selling(), 'a');
  await tenant.use('calls', 5, jan(5));
  await tenant.cancel({ when: 'NOW' });
  expect(await tenant.balance()).toBe('16.00'); // 31.00 × min(16/31, 15/20)
  await tenant.use('calls', 4, jan(10));
  expect(await billedBy(tenant, jan(17))).toEqual([]); // 11/20 are left: time decides still
  await tenant.use('calls', 9, jan(15));
  expect(await billedBy(tenant, jan(18))).toEqual(['PRORATION_CHARGE 12.90']); // 16.00 − 31.00 × 2/20
  expect(await tenant.balance()).toBe('3.10'); // 16.00 − 12.90
  await tenant.use('calls', 100, jan(16, '00:00:00.001')); // after it: of no window of its
  expect(await billedBy(tenant, jan(19))).toEqual([]);
  await tenant.use('calls', 2, jan(15, '23:59:59.999'));
  expect(await billedBy(tenant, jan(20))).toEqual(['PRORATION_CHARGE 3.10']); // 3.10 − 31.00 × 0/20
  await tenant.use('calls', 50, jan(15));
  expect(await billedBy(tenant, jan(21))).toEqual([]);
  expect(await tenant.balance()).toBe('0.00');
  const [last] = (await tenant.invoices()).filter(({ lines }) => lines[0]?.kind === 'PRORATION_CHARGE');
  expect(last!.lines[0]!.description).toBe('Late usage of what was credited of a');
  expect(await leaks()).toEqual([]);
});

test('after a new anchor: on the next bill, and beyond the allowance as ever', async () => {
  const world = await selling();
  const tenant = await started(world, 'more');
  await tenant.change({ plan: 'more', anchor: 'RESET' });
  await tenant.use('calls', 25, jan(10));
  const lines = await billedBy(tenant, '2026-02-16T00:00:00Z');
  expect(lines.sort()).toEqual([
    'OVERAGE 0.50', // 5 × 0.10
    'PLAN_FIXED 31.00',
    'PRORATION_CHARGE 16.00', // 16.00 − 31.00 × 0/20
  ]);
  expect(await leaks()).toEqual([]);
});

test('who starts again pays it with the first bill, as its quote says', async () => {
  const world = await selling();
  const tenant = await started(world, 'a');
  await tenant.cancel({ when: 'NOW' });
  await tenant.use('calls', 20, jan(10));
  const offer = (await tenant.check('calls')).unlocks.find(({ plan }: { plan: { code: string } }) => plan.code === 'a');
  expect(offer.dueNow.amount).toBe('47.00'); // 31.00 + 16.00
  const { invoices } = await tenant.start('a', { interval: 'MONTH' });
  expect(invoices.flatMap(amountsOf)).toEqual(['PLAN_FIXED 31.00', 'PRORATION_CHARGE 16.00']);
  expect(await tenant.balance()).toBe('0.00'); // 16.00 was applied
});

test('up, back on the same day, and then told: what only the larger one included is paid', async () => {
  const world = await selling();
  const tenant = await world.tenant(jan(1));
  await tenant.start('a', { interval: 'MONTH' });
  await byItself(world, tenant);
  await tenant.change({ plan: 'b' });
  await tenant.advance(jan(1, '12:00:00.000'));
  await tenant.change({ plan: 'a' });
  expect(await tenant.balance()).toBe('279.00'); // 310.00 − 31.00
  await tenant.use('calls', 150, jan(1, '06:00:00.000'));
  const lines = await billedBy(tenant, '2026-02-01T00:00:00Z');
  expect(lines).toEqual(['PLAN_FIXED 31.00', 'PRORATION_CHARGE 201.50']); // 310.00 − 310.00 × (200 − 130)/200
  expect(await leaks()).toEqual([]);
});

test('an add-on that ended, and a coupon that had given half', async () => {
  const world = await selling();
  await world.coupon('HALF', { kind: 'PERCENT', percent: '50' });
  const tenant = await world.tenant(jan(1));
  await tenant.apply('HALF');
  await tenant.start('a', { interval: 'MONTH' });
  const { addonSubscription } = await tenant.subscribe('x');
  await tenant.advance(jan(16));
  await tenant.cancelAddon(addonSubscription.id, { when: 'NOW' });
  expect(await tenant.balance()).toBe('1.60'); // 3.10 × 16/31
  await tenant.cancel({ when: 'NOW' });
  expect(await tenant.balance()).toBe('9.60'); // and 15.50 × 16/31 = 8.00
  await tenant.use('calls', 25, jan(10));
  // x: 1.60 − 3.10 × 5/10 (20 are a's); a: 8.00 − 15.50 × 0/20
  expect((await billedBy(tenant, jan(17))).sort()).toEqual(['PRORATION_CHARGE 0.05', 'PRORATION_CHARGE 8.00']);
  expect(await leaks()).toEqual([]);
});

test('where credits go by time, nothing comes back', async () => {
  const world = await selling();
  await world.act('setCreditPolicy', { partnerId: world.partnerId, creditBasis: 'TIME' }, 'policy { version }');
  const tenant = await started(world, 'a');
  await tenant.cancel({ when: 'NOW' });
  await tenant.use('calls', 20, jan(10));
  expect(await billedBy(tenant, jan(17))).toEqual([]);
});
