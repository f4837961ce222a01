import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
let world: World;
beforeAll(async () => {
  gateway = await startTestGateway();
  world = await World.create(gateway, { timeZone: 'Pacific/Auckland' });
  for (const code of ['calls', 'seats', 'storage', 'sold', 'members']) await world.feature(code);
  await world.feature('flag', 'BOOLEAN');
  for (const [feature, meter] of [
    ['storage', { aggregation: 'MAX' }],
    ['members', { aggregation: 'UNIQUE_COUNT', uniqueProperty: 'member' }],
  ] as const) {
    await world.act('createMeter', { partnerId: world.partnerId, feature, ...meter }, 'meter { id }');
  }
  const usagePrices = [{ currency: 'USD', overage: { kind: 'PER_UNIT', amount: '0.02' } }];
  await world.plan({
    code: 'basic',
    month: '10',
    features: [
      { feature: 'calls', limit: '100', resetPeriod: 'MONTH' },
      { feature: 'seats', limit: '5', resetPeriod: 'NEVER' },
      { feature: 'storage', limit: '10', resetPeriod: 'DAY' },
      { feature: 'members', limit: '3', resetPeriod: 'MONTH' },
      { feature: 'sold', limit: '10', resetPeriod: 'MONTH', usagePrices },
      { feature: 'flag' },
    ],
  });
});
afterAll(() => gateway.stop());

// 31 January in Auckland (UTC+13); so its days begin at 11:00 UTC.
const now = '2026-01-30T12:00:00Z';
async function tenantAt(at = now) {
  const tenant = await world.tenant(at);
  const started = await tenant.start('basic');
  expect(started.code).toBeUndefined();
  return tenant;
}
const batch = (tenant: TenantOfWorld, events: readonly object[]) =>
  world.act(
    'recordUsageBatch',
    { tenantId: tenant.id, events: events.map((event, index) => ({ id: `${index}`, ...event })) },
    'recorded rejected { index code }',
  );
const check = (tenant: TenantOfWorld, feature: string, more = '') =>
  gateway.get(
    'super-admin',
    `query ($id: ID, $feature: ID!) { entitlementCheck(tenantId: $id, feature: $feature${more}) {
      allowed reason limit used remaining resetsAt perDay exhaustedAt } }`,
    { id: tenant.id, feature },
  );

describe('a check', () => {
  test('says what was used in the reset window of the anchor, in the billing zone, and what is left', async () => {
    const tenant = await tenantAt();
    // The first window: from the start on 31 January to 28 February in Auckland.
    await tenant.advance('2026-02-27T10:59:59Z');
    await batch(tenant, [
      // Of the same day, but before the subscription.
      { type: 'calls', quantity: '7', time: '2026-01-30T11:59:59.999Z' },
      { type: 'calls', quantity: '20', time: '2026-01-30T12:00:00Z' },
      { type: 'calls', quantity: '0.5', time: '2026-02-14T05:06:07Z' },
      { type: 'calls', quantity: '1', time: '2026-02-27T10:59:59Z' },
      // Clocks differ: two seconds ahead, and in the next window.
      { type: 'calls', quantity: '3', time: '2026-02-27T11:00:01Z' },
    ]);
    // 20 + 0.5 + 1
    expect(await check(tenant, 'calls')).toMatchObject({
      ...{ allowed: true, reason: 'WITHIN_LIMIT', limit: '100', used: '21.5', remaining: '78.5' },
      resetsAt: '2026-02-27T11:00:00.000Z',
    });
    expect(await check(tenant, 'calls', ', quantity: "78.5"')).toMatchObject({ allowed: true });
    expect(await check(tenant, 'calls', ', quantity: "78.6"')).toMatchObject({
      allowed: false,
      reason: 'LIMIT_REACHED',
    });
    await tenant.advance('2026-02-27T11:00:01Z');
    expect(await check(tenant, 'calls')).toMatchObject({ used: '3', resetsAt: '2026-03-30T11:00:00.000Z' });
    // The past is answered in its own window, and knows nothing of what came after: 20, then 20 + 0.5, then 20 + 0.5 + 1.
    for (const [at, used] of [
      ['2026-01-30T12:00:00Z', '20'],
      ['2026-02-14T05:06:06.999Z', '20'],
      ['2026-02-14T05:06:07Z', '20.5'],
      ['2026-02-27T10:59:59.999Z', '21.5'],
    ]) {
      expect(await check(tenant, 'calls', `, asOf: "${at}"`)).toMatchObject({
        used,
        resetsAt: '2026-02-27T11:00:00.000Z',
      });
    }
    expect(await check(tenant, 'calls')).toMatchObject({ used: '3' });
  });

  test('of what never starts over, of the largest value of a day, of different members', async () => {
    const tenant = await tenantAt();
    await tenant.advance('2026-02-10T12:00:00Z');
    await batch(tenant, [
      { type: 'seats', quantity: '2', time: '1999-12-31T00:00:00Z' },
      { type: 'seats', quantity: '3', time: '2026-02-10T00:00:00Z' },
      { type: 'storage', quantity: '9', time: '2026-02-10T10:59:00Z' },
      { type: 'storage', quantity: '4', time: '2026-02-10T11:00:00Z' },
      { type: 'storage', quantity: '3', time: '2026-02-10T12:00:00Z' },
      { type: 'members', data: { member: 'a' } },
      { type: 'members', data: { member: 'b' } },
      { type: 'members', data: { member: 'a' }, time: '2026-02-01T00:00:00Z' },
    ]);
    // It counts from the subscription's start: 3.
    expect(await check(tenant, 'seats')).toMatchObject({ used: '3', remaining: '2', allowed: true, resetsAt: null });
    expect(await check(tenant, 'storage')).toMatchObject({ used: '4', perDay: null, exhaustedAt: null });
    expect(await check(tenant, 'members')).toMatchObject({ used: '2', remaining: '1', allowed: true });
  });

  test('answers as the list of entitlements does', async () => {
    const tenant = await tenantAt();
    await tenant.advance('2026-02-10T12:00:00Z');
    await batch(tenant, [
      { type: 'calls', quantity: '3' },
      { type: 'seats' },
      { type: 'storage', quantity: '4' },
      { type: 'members', data: { member: 'a' } },
      { type: 'sold', quantity: '12' },
    ]);
    const fields = 'featureCode reason limit used remaining resetsAt perDay exhaustedAt unlimited';
    const list = await gateway.get('super-admin', `query ($id: ID) { entitlements(tenantId: $id) { ${fields} } }`, {
      id: tenant.id,
    });
    expect(list).toHaveLength(6);
    for (const one of list) {
      const checked = await gateway.get(
        'super-admin',
        `query ($id: ID, $feature: ID!) { entitlementCheck(tenantId: $id, feature: $feature, quantity: "0") { ${fields} } }`,
        { id: tenant.id, feature: one.featureCode },
      );
      expect(checked).toEqual(one);
    }
  });

  test('beyond the limit is allowed where that is sold, and denied where it is not', async () => {
    const tenant = await tenantAt();
    await batch(tenant, [
      { type: 'sold', quantity: '10' },
      { type: 'calls', quantity: '101' },
    ]);
    expect(await check(tenant, 'sold')).toMatchObject({ allowed: true, reason: 'OVERAGE', used: '10', remaining: '0' });
    expect(await check(tenant, 'calls')).toMatchObject({
      ...{ allowed: false, reason: 'LIMIT_REACHED', used: '101', remaining: '0' },
    });
  });

  test('is one statement once its window is known, and from the first for what is not metered', async () => {
    const tenant = await tenantAt();
    const statements = async (feature: string) => {
      gateway.statements();
      await check(tenant, feature);
      return gateway.statements().filter((sql) => sql.includes('check_entitlements')).length;
    };
    expect(await statements('flag')).toBe(1);
    expect(await statements('calls')).toBe(2);
    expect(await statements('calls')).toBe(1);
    // The window is over: asked again once.
    await tenant.advance('2026-03-05T00:00:00Z');
    expect(await statements('calls')).toBe(2);
    expect(await statements('calls')).toBe(1);
  });

  test('a grant without a subscription counts by the calendar', async () => {
    const tenant = await world.tenant('2026-02-10T12:00:00Z');
    await world.act(
      'grantEntitlement',
      { tenantId: tenant.id, feature: 'calls', limit: '10', resetPeriod: 'MONTH', reason: 'a gift' },
      'grant { id }',
    );
    await batch(tenant, [
      { type: 'calls', quantity: '4', time: '2026-01-31T23:59:59Z' },
      { type: 'calls', quantity: '3', time: '2026-02-01T00:00:00Z' },
    ]);
    expect(await check(tenant, 'calls')).toMatchObject({ used: '3', resetsAt: '2026-03-01T00:00:00.000Z' });
  });
});

describe('the pace', () => {
  test('is a straight line since the window began', async () => {
    const tenant = await tenantAt('2026-01-30T11:00:00Z');
    await tenant.advance('2026-02-09T11:00:00Z');
    await batch(tenant, [{ type: 'calls', quantity: '80' }]);
    // 80 in 10 days: 8 a day, and the 20 that are left last 2.5 days.
    expect(await check(tenant, 'calls')).toMatchObject({ perDay: '8', exhaustedAt: '2026-02-11T23:00:00.000Z' });
  });

  test('has no date where the limit starts over first, nothing was used, or all of it', async () => {
    const tenant = await tenantAt('2026-01-30T11:00:00Z');
    await tenant.advance('2026-02-09T11:00:00Z');
    expect(await check(tenant, 'calls')).toMatchObject({ perDay: '0', exhaustedAt: null });
    // 30 in 10 days; the 70 that are left would last 23 days, and it starts over in 18.
    await batch(tenant, [{ type: 'calls', quantity: '30' }]);
    expect(await check(tenant, 'calls')).toMatchObject({ perDay: '3', exhaustedAt: null });
    await batch(tenant, [{ id: 'more', type: 'calls', quantity: '70' }]);
    expect(await check(tenant, 'calls')).toMatchObject({ perDay: '10', exhaustedAt: null });
  });
});
