import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

/** x from plan a, y needs x, z needs y; 31 days, so that each day of x is 0.10, of y 0.20, of z 0.30. */
async function chain(): Promise<World> {
  const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
  await world.plan({ code: 'low', rank: 1, month: '10.00', year: '100.00' });
  await world.plan({ code: 'a', rank: 2, month: '31.00', year: '365.00' });
  await world.plan({ code: 'b', rank: 3, month: '62.00' });
  await world.addon('x', '3.10', { minimumPlan: 'a' }, '36.50');
  await world.addon('y', '6.20', { requires: ['x'] }, '73.00');
  await world.addon('z', '9.30', { requires: ['y'] }, '109.50');
  await world.plan({ code: 'withx', rank: 2, month: '31.00', includedAddons: ['x'] });
  await world.plan({ code: 'bare', rank: 2, month: '31.00' });
  return world;
}

/** On plan a since 1 January, with all three attached since then. */
async function attachedAll(world: World, addons = ['x', 'y', 'z'], plan = 'a') {
  const tenant = await world.tenant('2026-01-01T00:00:00Z');
  await tenant.start(plan, { interval: 'MONTH' });
  const ids: Record<string, string> = {};
  for (const addon of addons) ids[addon] = (await tenant.subscribe(addon)).addonSubscription.id;
  return { tenant, ids };
}

async function attached(tenant: TenantOfWorld): Promise<string[]> {
  const { nodes } = await gateway.get(
    'super-admin',
    'query ($id: ID) { addonSubscriptions(tenantId: $id, first: 100) { nodes { addon { code } status endKind } } }',
    { id: tenant.id },
  );
  return nodes.map((one: { addon: { code: string }; status: string; endKind: string | null }) =>
    [one.addon.code, one.status, one.endKind].filter(Boolean).join(' '),
  );
}

const outcomes = (preview: { addons: { addon: { code: string }; outcome: string; credit: { amount: string } }[] }) =>
  preview.addons.map(({ addon, outcome, credit }) => `${addon.code} ${outcome} ${credit.amount}`);

const kinds = (documents: { lines: { kind: string; description: string; amount: { amount: string } }[] }[]) =>
  documents.flatMap(({ lines }) => lines.map(({ description, amount }) => `${description} ${amount.amount}`));

describe('a plan change that ends an add-on ends all that hang on it', () => {
  test('at once: the preview lists each with its credit, the change does so, and nothing is billed afterwards', async () => {
    const { tenant } = await attachedAll(await chain());
    await tenant.advance('2026-01-16T00:00:00Z');
    const preview = await tenant.preview({ plan: 'low' });
    // 16 of 31 days are left.
    expect(outcomes(preview)).toEqual([
      'x ENDS_NOT_AVAILABLE 1.60', // 3.10 × 16/31
      'y ENDS_REQUIREMENT_MISSING 3.20', // 6.20 × 16/31
      'z ENDS_REQUIREMENT_MISSING 4.80', // 9.30 × 16/31
    ]);
    // 10.00 × 16/31 = 5.16 − 31.00 × 16/31 = 16.00 − 1.60 − 3.20 − 4.80
    expect(preview.net.amount).toBe('-20.44');
    const changed = await tenant.change({ plan: 'low' }, { quote: preview.quote.token });
    expect(changed.net.amount).toBe('-20.44');
    expect(await attached(tenant)).toEqual([
      'x ENDED NOT_AVAILABLE',
      'y ENDED REQUIREMENT_MISSING',
      'z ENDED REQUIREMENT_MISSING',
    ]);
    const { invoices } = await tenant.advance('2026-02-02T00:00:00Z');
    expect(kinds(invoices)).toEqual(['low 10.00']);
  });

  test('REFUSE names what hangs; KEEP keeps the chain whole', async () => {
    const { tenant } = await attachedAll(await chain(), ['x', 'y']);
    expect(await tenant.preview({ plan: 'low', unavailableAddons: 'REFUSE' })).toMatchObject({
      code: 'ADDON_NOT_AVAILABLE_WITH_PLAN',
    });
    expect(outcomes(await tenant.preview({ plan: 'low', unavailableAddons: 'KEEP' }))).toEqual([
      'x KEPT 0.00',
      'y CONTINUES 0.00',
    ]);
  });

  test('what the new plan includes is there all the same; what only the old plan included is gone', async () => {
    const world = await chain();
    const first = await attachedAll(world, ['x', 'y']);
    expect(outcomes(await first.tenant.preview({ plan: 'withx' }))).toEqual([
      'x ENDS_INCLUDED 3.10',
      'y CONTINUES 0.00',
    ]);
    const second = await attachedAll(world, ['y', 'z'], 'withx');
    for (const unavailableAddons of ['CANCEL_AND_CREDIT', 'KEEP']) {
      expect(outcomes(await second.tenant.preview({ plan: 'bare', unavailableAddons }))).toEqual([
        'y ENDS_REQUIREMENT_MISSING 6.20',
        'z ENDS_REQUIREMENT_MISSING 9.30',
      ]);
    }
    expect(await second.tenant.preview({ plan: 'bare', unavailableAddons: 'REFUSE' })).toMatchObject({
      message: 'y needs x, which bare leaves out.',
    });
  });

  test('a new version of the plan that leaves it out', async () => {
    const world = await chain();
    const { tenant } = await attachedAll(world, ['y'], 'withx');
    const price = [{ interval: 'MONTH', price: { amount: '31.00', currency: 'EUR' } }];
    await world.act('publishPlanVersion', { partnerId: world.partnerId, plan: 'withx', prices: price }, 'plan { id }');
    // Who has the plan keeps the version they bought …
    await tenant.advance('2026-02-01T00:00:00Z');
    expect(await attached(tenant)).toEqual(['y ACTIVE']);
    // … until they buy the new one.
    expect(outcomes(await tenant.preview({ plan: 'withx', quantity: 2 }))).toEqual(['y ENDS_REQUIREMENT_MISSING 6.20']);
  });

  test('a change that waits: for the period’s end or a date', async () => {
    const world = await chain();
    const atEnd = await attachedAll(world);
    await atEnd.tenant.change({ plan: 'low', effective: 'PERIOD_END' });
    const { invoices } = await atEnd.tenant.advance('2026-02-02T00:00:00Z');
    expect(kinds(invoices)).toEqual(['low 10.00']);
    expect((await attached(atEnd.tenant)).every((text) => text.includes('ENDED'))).toBe(true);

    const onDate = await attachedAll(world, ['x', 'y']);
    await onDate.tenant.change({ plan: 'low', effective: 'DATE', effectiveDate: '2026-01-16' });
    await onDate.tenant.advance('2026-01-20T00:00:00Z');
    expect(await attached(onDate.tenant)).toEqual(['x ENDED NOT_AVAILABLE', 'y ENDED REQUIREMENT_MISSING']);
    // 31.00 + 3.10 + 6.20 of which 16/31 comes back, and 10.00 × 16/31 = 5.16 is charged: 20.80 − 5.16
    expect(await onDate.tenant.balance()).toBe('15.64');
  });
});

describe('what was cancelled to a date is judged like the others', () => {
  test('a change that ends it gives back the rest; one that does not leaves it its date', async () => {
    const world = await chain();
    const { tenant, ids } = await attachedAll(world, ['x', 'y']);
    await tenant.cancelAddon(ids.y!);
    await tenant.cancelAddon(ids.x!);
    await tenant.advance('2026-01-16T00:00:00Z');
    expect(outcomes(await tenant.preview({ plan: 'low' }))).toEqual([
      'x ENDS_NOT_AVAILABLE 1.60',
      'y ENDS_REQUIREMENT_MISSING 3.20',
    ]);
    expect(outcomes(await tenant.preview({ plan: 'withx' }))).toEqual(['x ENDS_INCLUDED 1.60', 'y CONTINUES 0.00']);
    // The period that it was cancelled to the end of ends now: no new one is charged.
    const yearly = await tenant.preview({ plan: 'a', interval: 'YEAR' });
    expect(outcomes(yearly)).toEqual(['x ENDS_CANCELLED 1.60', 'y ENDS_CANCELLED 3.20']);
    expect(yearly.newCharge.amount).toBe('365.00');
    expect(outcomes(await tenant.preview({ plan: 'b' }))).toEqual(['x CONTINUES 0.00', 'y CONTINUES 0.00']);
    await tenant.change({ plan: 'b' });
    const { invoices } = await tenant.advance('2026-02-02T00:00:00Z');
    expect(kinds(invoices)).toEqual(['b 62.00']);
    expect(await attached(tenant)).toEqual(['x ENDED CANCELLED', 'y ENDED CANCELLED']);
  });
});

describe('cancelling, resuming and adding', () => {
  test('what is required may be cancelled to the day on which all that hangs on it ends', async () => {
    const { tenant, ids } = await attachedAll(await chain(), ['x', 'y']);
    for (const when of ['NOW', 'PERIOD_END']) {
      expect(await tenant.cancelAddon(ids.x!, { when })).toMatchObject({ code: 'ADDON_REQUIRED_BY_ADDON' });
    }
    await tenant.cancelAddon(ids.y!);
    expect(await tenant.cancelAddon(ids.x!, { when: 'NOW' })).toMatchObject({ code: 'ADDON_REQUIRED_BY_ADDON' });
    expect((await tenant.cancelAddon(ids.x!)).addonSubscription.status).toBe('CANCELLING');
    // y alone cannot go on, and z cannot hang on what ends.
    expect(await tenant.subscribe('y')).toMatchObject({
      code: 'ADDON_REQUIRES_ADDON',
      message: 'y needs x, which is cancelled to a date.',
      facts: [
        { name: 'addon', value: 'x' },
        { name: 'endsAt', value: '2026-02-01T00:00:00Z' },
      ],
    });
    expect(await tenant.subscribe('z')).toMatchObject({ code: 'ADDON_REQUIRES_ADDON' });
    await tenant.subscribe('x');
    expect((await tenant.subscribe('y')).addonSubscription.status).toBe('ACTIVE');
  });

  test('a waiting change judges what is added by the plan that it will have', async () => {
    const world = await chain();
    const { tenant } = await attachedAll(world, ['x']);
    await tenant.change({ plan: 'low', effective: 'PERIOD_END' });
    expect(await tenant.subscribe('y')).toMatchObject({
      code: 'ADDON_REQUIRES_ADDON',
      message: 'y needs x, which ends with the plan change that waits.',
    });
    const kept = await attachedAll(world, ['x']);
    await kept.tenant.change({ plan: 'low', effective: 'PERIOD_END', unavailableAddons: 'KEEP' });
    expect((await kept.tenant.subscribe('y')).created).toBe(true);
  });

  test('what is archived: who has it keeps it, and what hangs on it stays', async () => {
    const world = await chain();
    const { tenant } = await attachedAll(world, ['x', 'y']);
    await world.act('archiveAddon', { partnerId: world.partnerId, addon: 'x' }, 'addon { status }');
    await world.plan({ code: 'all', rank: 9, month: '93.00', includesAllAddons: true });
    const { invoices } = await tenant.advance('2026-02-01T00:00:00Z');
    expect(kinds(invoices)).toEqual(['a 31.00', 'x 3.10', 'y 6.20']);
    // "All" is what is on sale: x is not given by the plan, so it is not taken away either.
    expect(outcomes(await tenant.preview({ plan: 'all' }))).toEqual(['x CONTINUES 0.00', 'y ENDS_INCLUDED 6.20']);
  });

  test('a new start begins without them', async () => {
    const { tenant } = await attachedAll(await chain(), ['x', 'y']);
    await tenant.cancel({ when: 'NOW' });
    await tenant.start('a', { interval: 'MONTH' });
    expect(await tenant.subscribe('y')).toMatchObject({ code: 'ADDON_REQUIRES_ADDON' });
  });
});

describe('what a change gains and loses is what the tenant has before and after, from all sources', () => {
  async function featured() {
    const world = await World.create(gateway, { currency: 'EUR' });
    for (const code of ['export', 'report']) await world.feature(code, 'BOOLEAN');
    await world.feature('api');
    const api = (limit: string, resetPeriod = 'MONTH') => [{ feature: 'api', limit, resetPeriod }];
    await world.plan({ code: 'low', rank: 1, month: '10.00', features: api('20') });
    await world.plan({ code: 'a', rank: 2, month: '31.00', features: api('100') });
    await world.plan({ code: 'daily', rank: 2, month: '31.00', features: api('5', 'DAY') });
    await world.addon('exporting', '3.10', { minimumPlan: 'a', features: [{ feature: 'export' }] });
    await world.addon('reporting', '3.10', { requires: ['exporting'], features: [{ feature: 'report' }] });
    await world.addon('calls', '3.10', { features: api('30') });
    await world.plan({ code: 'full', rank: 3, month: '62.00', features: api('100'), includedAddons: ['exporting'] });
    const tenant = await world.tenant('2026-01-01T00:00:00Z');
    await tenant.start('a');
    return { world, tenant };
  }
  const differences = async (tenant: TenantOfWorld, plan: string) =>
    (await tenant.preview({ plan })).differences
      .map((one: { change: string; feature: { code: string }; before: string; after: string }) =>
        [one.feature.code, one.change, one.before, one.after].join(' '),
      )
      .sort();

  test('an attached add-on that ends is lost, with all that hangs on it; one that the plan now has is not gained', async () => {
    const { world, tenant } = await featured();
    await tenant.subscribe('exporting');
    await tenant.subscribe('reporting');
    await tenant.subscribe('calls', { quantity: 2 });
    const grant = { tenantId: tenant.id, feature: 'api', limit: '7', resetPeriod: 'MONTH', reason: 'a promise' };
    await world.act('grantEntitlement', grant, 'grant { id }');
    expect(await differences(tenant, 'low')).toEqual([
      'api CHANGED 167 per month 87 per month', // 100 + 2 × 30 + 7, and 20 + 2 × 30 + 7
      'export LOST yes ',
      'report LOST yes ',
    ]);
    expect(await differences(tenant, 'full')).toEqual([]);
  });

  test('what it promises is what is there afterwards', async () => {
    const { tenant } = await featured();
    await tenant.subscribe('calls');
    expect(await differences(tenant, 'full')).toEqual(['export GAINED  yes']);
    await tenant.change({ plan: 'full' });
    expect(await tenant.check('export')).toMatchObject({ allowed: true });
    expect(await tenant.check('api')).toMatchObject({ limit: '130' });
  });

  test('a plan whose limit starts over at another time than an add-on’s that goes on is refused, and says which', async () => {
    const { tenant } = await featured();
    await tenant.subscribe('calls');
    for (const asked of [tenant.preview({ plan: 'daily' }), tenant.change({ plan: 'daily' })]) {
      expect(await asked).toMatchObject({ code: 'RESET_PERIOD_MISMATCH' });
    }
  });
});
