import { decodeId } from '../../src/core/ids';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, type TenantOfWorld, World } from '../support/world';

/** What was not paid for gets no fresh window by an act (billing rules §12): cancel and start, a new anchor, a paid plan in between. */
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const jan = (day: number, time = '00:00:00.000') => `2026-01-${String(day).padStart(2, '0')}T${time}Z`;
const calls = (limit: string, extra: object = {}) => ({ feature: 'calls', limit, resetPeriod: 'MONTH', ...extra });

/** free and gratis: 0.00 with 20 calls; selling: the same, and more at 0.10 each; a: 31.00 with 20; add-ons nought at 0.00, x at 3.10: 10 each. */
async function selling(resetPeriod = 'MONTH'): Promise<World> {
  const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
  await world.feature('calls');
  const of = (limit: string, extra: object = {}) => ({ features: [calls(limit, { resetPeriod, ...extra })] });
  const usagePrices = [{ currency: 'EUR', overage: { kind: 'PER_UNIT', amount: '0.10' } }];
  await world.plan({ code: 'free', rank: 1, month: '0.00', ...of('20') });
  await world.plan({ code: 'gratis', rank: 2, month: '0.00', ...of('20') });
  await world.plan({ code: 'selling', rank: 3, month: '0.00', ...of('20', { usagePrices }) });
  await world.plan({ code: 'a', rank: 4, month: '31.00', ...of('20') });
  await world.plan({ code: 'bare', rank: 5, month: '31.00' });
  await world.addon('nought', '0.00', of('10'));
  await world.addon('x', '3.10', of('10'));
  return world;
}

let serial = 0;
/** As a check, `entitlements` and `usageBySubscription` say it, and an enforced event is let in or not. */
async function count(world: World, tenant: TenantOfWorld): Promise<string> {
  const { used, limit, remaining } = await tenant.check('calls');
  const [listed] = await gateway.get('super-admin', 'query ($id: ID) { entitlements(tenantId: $id) { used limit } }', {
    id: tenant.id,
  });
  expect(listed).toEqual({ used, limit });
  const [usage] = await tenant.usage();
  if (usage) {
    expect({ used: usage.used, limit: usage.limit }).toEqual({ used, limit });
    const shares: { quantity: string; part: string; source?: { limit: string } }[] = usage.shares;
    expect(shares.reduce((sum, { quantity }) => sum + Number(quantity), 0)).toBe(Number(used));
  }
  serial += 1;
  const event = { tenantId: tenant.id, id: `more-${serial}`, type: 'calls', quantity: String(Number(remaining) + 1) };
  const sells = usage?.shares.some(({ part }: { part: string }) => part === 'OVERAGE');
  if (!sells) {
    const { code } = await world.act('recordUsage', { ...event, enforce: true }, 'duplicate', ', dryRun: true');
    expect(code).toBe('LIMIT_REACHED');
  }
  return `${used} of ${limit}`;
}

async function started(world: World, plan: string, used: number): Promise<TenantOfWorld> {
  const tenant = await world.tenant(jan(1));
  await tenant.start(plan, { interval: 'MONTH' });
  if (used > 0) await tenant.use('calls', used, jan(1));
  await tenant.advance(jan(10));
  return tenant;
}

const grant = (world: World, tenant: TenantOfWorld, limit: string) =>
  world.act(
    'grantEntitlement',
    { tenantId: tenant.id, feature: 'calls', limit, resetPeriod: 'MONTH', reason: 'a gift' },
    'grant { id }',
  );

describe('a free plan', () => {
  test('cancelled and started again goes on where it stood, as often as it is done', async () => {
    const world = await selling();
    const tenant = await started(world, 'free', 15);
    for (const day of [10, 11, 12]) {
      await tenant.advance(jan(day));
      await tenant.cancel({ when: 'NOW' });
      await tenant.start('free', { interval: 'MONTH' });
      expect(await count(world, tenant)).toBe('15 of 20');
    }
    await tenant.use('calls', 5, jan(12));
    await tenant.advance(jan(13));
    await tenant.cancel({ when: 'NOW' });
    await tenant.start('gratis', { interval: 'MONTH' });
    expect(await count(world, tenant)).toBe('20 of 20');
    // The window that began on the 13th ends a month later, and then there are 20 again.
    await tenant.advance('2026-02-12T23:59:59.000Z');
    expect(await count(world, tenant)).toBe('20 of 20');
    await tenant.advance('2026-02-13T00:00:00.000Z');
    expect(await count(world, tenant)).toBe('0 of 20');
  });

  test('with a new anchor goes on too', async () => {
    const world = await selling();
    const tenant = await started(world, 'free', 20);
    await tenant.change({ plan: 'free', anchor: 'RESET' });
    expect(await count(world, tenant)).toBe('20 of 20');
    await tenant.advance(jan(20));
    await tenant.change({ plan: 'gratis', anchor: 'RESET' });
    expect(await count(world, tenant)).toBe('20 of 20');
  });

  test('after some days without a subscription: until the calendar’s month is over', async () => {
    const world = await selling();
    const again = async (date: string) => {
      const tenant = await started(world, 'free', 20);
      await tenant.cancel({ when: 'NOW' });
      await tenant.advance(date);
      await tenant.start('free', { interval: 'MONTH' });
      return count(world, tenant);
    };
    expect(await again('2026-01-31T23:00:00Z')).toBe('20 of 20');
    expect(await again('2026-02-01T00:00:00Z')).toBe('0 of 20');
  });

  test('a paid one between changes nothing, and has its own 20', async () => {
    const world = await selling();
    const tenant = await started(world, 'free', 20);
    await tenant.cancel({ when: 'NOW' });
    await tenant.start('a', { interval: 'MONTH' });
    expect(await count(world, tenant)).toBe('0 of 20');
    await tenant.advance(jan(11));
    await tenant.cancel({ when: 'NOW' });
    await tenant.start('free', { interval: 'MONTH' });
    expect(await count(world, tenant)).toBe('20 of 20');
    await tenant.advance(jan(12));
    await tenant.cancel({ when: 'NOW' });
    await tenant.start('bare', { interval: 'MONTH' });
    await tenant.advance(jan(13));
    await tenant.change({ plan: 'free' });
    expect(await count(world, tenant)).toBe('20 of 20');
  });

  test('one that never starts over does not by an act', async () => {
    const world = await selling('NEVER');
    const tenant = await started(world, 'free', 20);
    await tenant.cancel({ when: 'NOW' });
    await tenant.advance('2027-01-01T00:00:00Z');
    await tenant.start('free', { interval: 'MONTH' });
    expect(await count(world, tenant)).toBe('20 of 20');
    await tenant.change({ plan: 'free', anchor: 'RESET' });
    expect(await count(world, tenant)).toBe('20 of 20');
  });

  test('what is beyond is billed as if nothing had ended', async () => {
    const world = await selling();
    const tenant = await started(world, 'selling', 15);
    await tenant.cancel({ when: 'NOW' });
    await tenant.start('selling', { interval: 'MONTH' });
    await tenant.use('calls', 10, jan(10));
    expect(await count(world, tenant)).toBe('25 of 20');
    const [usage] = await tenant.usage();
    expect(usage).toMatchObject({ overage: '5', amount: { amount: '0.50' } }); // (15 + 10 − 20) × 0.10
    const upcoming = await tenant.upcoming();
    const { invoices } = await tenant.advance('2026-02-10T00:00:00Z');
    expect(amountsOf(invoices[0])).toContain('OVERAGE 0.50');
    expect(amountsOf(upcoming)).toEqual(amountsOf(invoices[0]));
    // What is told late of that window is priced where it stood: 3 × 0.10.
    await tenant.use('calls', 3, jan(20));
    expect(amountsOf((await tenant.advance('2026-03-10T00:00:00Z')).invoices[0])).toContain('OVERAGE 0.30');
  });

  test('is no way out for who has used it up', async () => {
    const world = await selling();
    const tenant = await started(world, 'free', 20);
    await tenant.cancel({ when: 'NOW' });
    const { unlocks } = await tenant.check('calls');
    expect(unlocks.map(({ plan }: { plan: { code: string } }) => plan.code).sort()).toEqual(['a', 'selling']);
    const fresh = await world.tenant(jan(1));
    const offers = (await fresh.check('calls')).unlocks.map(({ plan }: { plan: { code: string } }) => plan.code);
    expect(offers.sort()).toEqual(['free', 'gratis', 'selling']);
  });
});

describe('beside what is paid', () => {
  test('a new anchor begins anew what is paid, and not a gift', async () => {
    const world = await selling();
    const tenant = await started(world, 'a', 0);
    await grant(world, tenant, '100');
    await tenant.use('calls', 70, jan(10)); // 20 of a's, 50 of the gift's
    await tenant.advance(jan(11));
    await tenant.change({ plan: 'a', anchor: 'RESET' });
    expect(await count(world, tenant)).toBe('50 of 120');
    await tenant.use('calls', 5, jan(11)); // of a's
    await tenant.advance(jan(12));
    await tenant.change({ plan: 'a', anchor: 'RESET' });
    expect(await count(world, tenant)).toBe('50 of 120');
    // Nothing of what is paid was used: 31.00 × 30/31 of the period that began on the 12th.
    await tenant.advance(jan(13));
    await tenant.cancel({ when: 'NOW' });
    expect(await count(world, tenant)).toBe('50 of 100');
    expect(Number(await tenant.balance())).toBeGreaterThanOrEqual(30);
  });

  test('a gift goes on through cancellation and start', async () => {
    const world = await selling();
    const tenant = await world.tenant(jan(1));
    await grant(world, tenant, '100');
    await tenant.use('calls', 60, jan(1));
    await tenant.advance(jan(10));
    expect(await count(world, tenant)).toBe('60 of 100');
    await tenant.start('a', { interval: 'MONTH' });
    expect(await count(world, tenant)).toBe('60 of 120');
    await tenant.use('calls', 40, jan(10)); // 20 of a's, 20 of the gift's
    await tenant.advance(jan(11));
    await tenant.cancel({ when: 'NOW' });
    expect(await count(world, tenant)).toBe('80 of 100');
    await tenant.start('free', { interval: 'MONTH' });
    expect(await count(world, tenant)).toBe('80 of 120');
    await tenant.use('calls', 20, jan(11));
    await tenant.advance(jan(12));
    await tenant.cancel({ when: 'NOW' });
    // The 20 were the free plan's, which has gone; the gift's 80 count on.
    expect(await count(world, tenant)).toBe('80 of 100');
    await tenant.start('free', { interval: 'MONTH' });
    expect(await count(world, tenant)).toBe('100 of 120');
  });

  test('a free add-on, beside one that is paid', async () => {
    const world = await selling();
    const tenant = await world.tenant(jan(1));
    await tenant.start('bare', { interval: 'MONTH' });
    await tenant.subscribe('nought');
    await tenant.use('calls', 10, jan(1));
    await tenant.advance(jan(2));
    await tenant.change({ plan: 'bare', anchor: 'RESET' });
    expect(await count(world, tenant)).toBe('10 of 10');
    await tenant.subscribe('x');
    expect(await count(world, tenant)).toBe('10 of 20');
    await tenant.use('calls', 10, jan(2));
    await tenant.advance(jan(3));
    await tenant.change({ plan: 'bare', anchor: 'RESET' });
    expect(await count(world, tenant)).toBe('10 of 20'); // x was paid anew
  });

  test('shares of the limit are told by the same count', async () => {
    const world = await selling();
    await world.act(
      'createMeter',
      { partnerId: world.partnerId, feature: 'calls', eventType: 'calls', aggregation: 'SUM', thresholds: [80] },
      'meter { id }',
    );
    const tenant = await started(world, 'free', 15);
    await tenant.cancel({ when: 'NOW' });
    await tenant.start('free', { interval: 'MONTH' });
    await tenant.use('calls', 1, jan(10));
    const told = await gateway.database.asOwner(
      'select percent, used::int, window_start as since from usage_thresholds where tenant_id = $1',
      [decodeId(tenant.id)!.uuid],
    );
    expect(told).toEqual([{ percent: 80, used: 16, since: new Date(jan(10)) }]); // 15 + 1 of 20
  });
});
