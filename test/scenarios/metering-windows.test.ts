import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeId } from '../../src/core/ids';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const jan = (day: number, time = '00:00:00.000') => `2026-01-${String(day).padStart(2, '0')}T${time}Z`;

/** Plans that give 100 calls, hard: used up is locked out. */
async function worldWith(resetPeriod = 'MONTH', extra: object = {}): Promise<World> {
  const world = await World.create(gateway, { currency: 'EUR' });
  await world.feature('calls');
  const features = [{ feature: 'calls', limit: '100', resetPeriod, ...extra }];
  await world.plan({ code: 'a', month: '31.00', year: '365.00', features });
  await world.plan({ code: 'b', month: '62.00', rank: 20, features });
  await world.plan({ code: 'none', month: '5.00', rank: 1 });
  return world;
}

/** What a check, the list of entitlements, `usageBySubscription` and an enforced event say: always the same. */
async function counted(tenant: TenantOfWorld, asOf?: string) {
  const at = asOf ? `, asOf: "${asOf}"` : '';
  const fields = 'allowed limit used remaining resetsAt';
  const [checked, list] = await Promise.all([
    gateway.get(
      'super-admin',
      `query ($id: ID) { entitlementCheck(tenantId: $id, feature: "calls", quantity: "0"${at}) { ${fields} } }`,
      { id: tenant.id },
    ),
    gateway.get('super-admin', `query ($id: ID) { entitlements(tenantId: $id${at}) { featureCode ${fields} } }`, {
      id: tenant.id,
    }),
  ]);
  expect(list.filter(({ featureCode }: { featureCode: string }) => featureCode === 'calls')).toEqual([
    { featureCode: 'calls', ...checked },
  ]);
  if (!asOf) {
    const [usage] = await tenant.usage();
    if (usage) {
      const { used, limit, remaining, resetsAt } = usage;
      expect({ used, limit, remaining, resetsAt }).toEqual({
        ...{ used: checked.used, limit: checked.limit, remaining: checked.remaining, resetsAt: checked.resetsAt },
      });
    }
  }
  return checked;
}

async function enforced(world: World, tenant: TenantOfWorld, quantity: number, time: string): Promise<string> {
  const id = `${tenant.id} ${quantity} ${time} ${Math.random()}`;
  const input = { tenantId: tenant.id, id, type: 'calls', quantity: String(quantity), time, enforce: true };
  const { code } = await world.act('recordUsage', input, 'duplicate');
  return code ?? 'RECORDED';
}

describe('a window begins', () => {
  test.each(['MONTH', 'NEVER'])(
    'at the subscription’s start: what was used before does not count (%s)',
    async (reset) => {
      const world = await worldWith(reset);
      const tenant = await world.tenant(jan(10, '10:07:30.000'));
      await tenant.use('calls', 100, jan(10, '10:07:29.999'));
      await tenant.start('a');
      expect(await counted(tenant)).toMatchObject({ allowed: true, used: '0', remaining: '100' });
      expect(await enforced(world, tenant, 100, jan(10, '10:07:30.000'))).toBe('RECORDED');
      expect(await counted(tenant)).toMatchObject({ used: '100', remaining: '0' });
      expect(await enforced(world, tenant, 1, jan(10, '10:07:30.000'))).toBe('LIMIT_REACHED');
      // An event of before is judged by what held then: nothing did.
      expect(await enforced(world, tenant, 1, jan(10, '10:07:29.999'))).toBe('NOT_ENTITLED');
    },
  );

  test.each(['MONTH', 'NEVER'])(
    'at the trial’s end; a trial has one of its own, limited like any other (%s)',
    async (reset) => {
      const world = await worldWith(reset, { usagePrices: undefined });
      const tenant = await world.tenant(jan(1));
      await tenant.start('a', { trialDays: 14 });
      expect(await enforced(world, tenant, 100, jan(1))).toBe('RECORDED');
      expect(await enforced(world, tenant, 1, jan(1))).toBe('LIMIT_REACHED');
      expect(await counted(tenant)).toMatchObject({ used: '100', remaining: '0', resetsAt: jan(15) });
      await tenant.advance(jan(15));
      expect(await counted(tenant)).toMatchObject({
        ...{ used: '0', remaining: '100', resetsAt: reset === 'NEVER' ? null : '2026-02-15T00:00:00.000Z' },
      });
      expect(await enforced(world, tenant, 100, jan(15))).toBe('RECORDED');
      // Late, of the trial, which was used up.
      expect(await enforced(world, tenant, 1, jan(14))).toBe('LIMIT_REACHED');
      expect(await counted(tenant, jan(14))).toMatchObject({ used: '100', resetsAt: jan(15) });
    },
  );

  test('at a new anchor, to the millisecond; a limit that never starts over goes on', async () => {
    const world = await worldWith();
    await world.feature('seats');
    await world.plan({
      ...{ code: 'both', month: '31.00' },
      features: [
        { feature: 'calls', limit: '100', resetPeriod: 'MONTH' },
        { feature: 'seats', limit: '5', resetPeriod: 'NEVER' },
      ],
    });
    const tenant = await world.tenant(jan(1));
    await tenant.start('both');
    await tenant.advance(jan(16, '10:07:00.000'));
    await tenant.use('calls', 90, jan(16, '10:06:59.999'));
    await tenant.use('seats', 5, jan(16));
    await tenant.change({ plan: 'both', anchor: 'RESET' });
    expect(await counted(tenant)).toMatchObject({ used: '0', resetsAt: '2026-02-16T00:00:00.000Z' });
    await tenant.use('calls', 7, jan(16, '10:07:00.000'));
    expect(await counted(tenant)).toMatchObject({ used: '7' });
    expect(await tenant.check('seats')).toMatchObject({ allowed: false, used: '5', resetsAt: null });
    // The past is answered by the windows that it had.
    expect(await counted(tenant, jan(16, '10:06:59.999'))).toMatchObject({
      used: '90',
      resetsAt: jan(16, '10:07:00.000'),
    });
    expect(await counted(tenant, jan(16, '10:06:59.998'))).toMatchObject({ used: '0' });
  });

  test('with each subscription, also two of one day', async () => {
    const world = await worldWith('NEVER');
    const tenant = await world.tenant(jan(1));
    await tenant.start('a');
    await tenant.use('calls', 100, jan(1));
    await tenant.advance(jan(1, '10:00:00.000'));
    await tenant.cancel({ when: 'NOW' });
    await tenant.advance(jan(1, '10:07:00.000'));
    await tenant.start('a');
    expect(await counted(tenant)).toMatchObject({ used: '0', remaining: '100' });
    await tenant.use('calls', 3, jan(1, '10:07:00.000'));
    expect(await counted(tenant)).toMatchObject({ used: '3' });
    expect(await counted(tenant, jan(1, '09:59:59.999'))).toMatchObject({ used: '100' });
  });

  test('a gift counts by the calendar from the subscription’s end on', async () => {
    const world = await worldWith();
    const tenant = await world.tenant(jan(1));
    const grant = { tenantId: tenant.id, feature: 'calls', limit: '10', resetPeriod: 'MONTH', reason: 'a gift' };
    await world.act('grantEntitlement', grant, 'grant { id }');
    await tenant.start('a');
    await tenant.use('calls', 104, jan(1));
    expect(await counted(tenant)).toMatchObject({ limit: '110', used: '104' });
    await tenant.advance(jan(10, '10:00:00.000'));
    await tenant.cancel({ when: 'NOW' });
    await tenant.use('calls', 4, jan(10, '10:00:00.000'));
    // The 4 of before were the gift's too: 104 − 100 of the plan.
    expect(await counted(tenant)).toMatchObject({ limit: '10', used: '8', resetsAt: '2026-02-01T00:00:00.000Z' });
  });
});

describe('a plan change within a period', () => {
  test('keeps the window; an event is judged by the limits that held when it happened', async () => {
    const world = await worldWith();
    const tenant = await world.tenant(jan(1));
    await tenant.start('none');
    await tenant.advance(jan(10));
    await tenant.change({ plan: 'a' });
    await tenant.use('calls', 60, jan(10));
    await tenant.advance(jan(20));
    await tenant.change({ plan: 'b' });
    expect(await counted(tenant)).toMatchObject({ used: '60', remaining: '40', resetsAt: '2026-02-01T00:00:00.000Z' });
    expect(await enforced(world, tenant, 1, jan(9))).toBe('NOT_ENTITLED');
    expect(await enforced(world, tenant, 40, jan(15))).toBe('RECORDED');
    expect(await enforced(world, tenant, 1, jan(20))).toBe('LIMIT_REACHED');
  });
});

describe('thresholds', () => {
  test('are told once in each window: again after a new anchor, and after a trial', async () => {
    const world = await worldWith();
    const tenant = await world.tenant(jan(1));
    await tenant.start('a', { trialDays: 9 });
    const told = async () => {
      const { nodes } = await gateway.get(
        'super-admin',
        `query ($id: ID) { usageThresholds(tenantId: $id, first: 50) { nodes { percent used windowStart windowEnd } } }`,
        { id: tenant.id },
      );
      return nodes.map(
        (one: { percent: number; used: string; windowStart: string; windowEnd: string }) =>
          `${one.percent} % with ${one.used} from ${one.windowStart} to ${one.windowEnd}`,
      );
    };
    await tenant.use('calls', 80, jan(1));
    await tenant.advance(jan(10));
    await tenant.use('calls', 80, jan(10));
    await tenant.advance(jan(16, '12:00:00.000'));
    await tenant.change({ plan: 'a', anchor: 'RESET' });
    await tenant.use('calls', 79, jan(16, '12:00:00.000'));
    expect((await told()).sort()).toEqual([
      `80 % with 80 from ${jan(1)} to ${jan(10)}`,
      `80 % with 80 from ${jan(10)} to 2026-02-10T00:00:00.000Z`,
    ]);
    await tenant.use('calls', 1, jan(16, '12:00:00.000'));
    expect((await told()).sort()).toContain(`80 % with 80 from ${jan(16, '12:00:00.000')} to 2026-02-16T00:00:00.000Z`);
  });
});

test('a customer who has just paid is let in: the check, the usage so far and the bill count alike', async () => {
  const world = await worldWith('MONTH', {
    usagePrices: [{ currency: 'EUR', inside: { kind: 'PER_UNIT', amount: '0.01' } }],
  });
  const tenant = await world.tenant(jan(1));
  await tenant.use('calls', 100, jan(1));
  await tenant.advance(jan(2));
  await tenant.start('a');
  await tenant.use('calls', 30, jan(2));
  expect(await counted(tenant)).toMatchObject({ allowed: true, used: '30', remaining: '70' });
  const [usage] = await tenant.usage();
  expect(usage.amount.amount).toBe('0.30'); // 30 × 0.01
  const upcoming = await tenant.upcoming();
  expect(amountsOf(upcoming)).toEqual(['PLAN_FIXED 31.00', 'PLAN_USAGE 0.30']);
  const { invoices } = await tenant.advance('2026-02-02T00:00:00Z');
  expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 31.00', 'PLAN_USAGE 0.30']]);
});

test('the migration finds the windows of what was there before', async () => {
  const world = await worldWith();
  const tenant = await world.tenant(jan(1, '08:00:00.000'));
  await tenant.start('a', { trialDays: 9 });
  await tenant.advance(jan(20));
  await tenant.change({ plan: 'a', anchor: 'RESET' });
  await tenant.advance(jan(25));
  await tenant.cancel({ when: 'NOW' });
  await tenant.advance(jan(26, '10:00:00.000'));
  await tenant.start('a', { anchorDay: 10 });
  const { uuid } = decodeId(tenant.id)!;
  const spans = () =>
    gateway.database.asOwner(
      `select starts_at, ends_at, anchor_date::text, time_zone, trial, count_from from metering_spans
        where tenant_id = $1 order by starts_at`,
      [uuid],
    );
  const before = await spans();
  expect(before).toHaveLength(4); // the trial, what was paid, the new anchor; and the second subscription
  await gateway.database.asOwner('delete from metering_spans');
  const migration = readFileSync(join(__dirname, '../../migrations/1767225622100-metering-spans.sql'), 'utf8');
  await gateway.database.asOwner(/^with marks as[\s\S]*?;$/m.exec(migration)![0]);
  expect(await spans()).toEqual(before);
});
