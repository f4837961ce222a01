import { decodeId } from '../../src/core/ids';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';

const now = '2026-01-10T12:00:00Z';
let gateway: TestGateway;
let world: World;
beforeAll(async () => {
  gateway = await startTestGateway();
  world = await World.create(gateway);
  for (const code of ['calls', 'sold', 'free', 'storage', 'members', 'level', 'missing']) await world.feature(code);
  const meters = [
    { feature: 'storage', aggregation: 'MAX', valueProperty: 'size', thresholds: [] },
    { feature: 'members', aggregation: 'UNIQUE_COUNT', uniqueProperty: 'member', thresholds: [100] },
    { feature: 'level', aggregation: 'LATEST', thresholds: [50] },
  ];
  for (const meter of meters) await world.act('createMeter', { partnerId: world.partnerId, ...meter }, 'meter { id }');
  const limit = (feature: string, amount: string, more: object = {}) => ({
    ...{ feature, limit: amount, resetPeriod: 'MONTH' },
    ...more,
  });
  const usagePrices = [{ currency: 'USD', overage: { kind: 'PER_UNIT', amount: '0.02' } }];
  await world.plan({
    code: 'basic',
    month: '10',
    features: [
      limit('calls', '10'),
      limit('sold', '10', { usagePrices }),
      { feature: 'free', unlimited: true, resetPeriod: 'MONTH' },
      limit('storage', '100'),
      limit('members', '3'),
      limit('level', '8'),
    ],
  });
});
afterAll(() => gateway.stop());

async function aTenant(): Promise<TenantOfWorld> {
  const tenant = await world.tenant('2026-01-01T00:00:00Z');
  await tenant.start('basic');
  await tenant.advance(now);
  return tenant;
}
const one = (tenant: TenantOfWorld, input: object) =>
  world.act('recordUsage', { tenantId: tenant.id, enforce: true, ...input }, 'duplicate');
const batch = (tenant: TenantOfWorld, events: readonly object[], more: object = {}) =>
  world.act(
    'recordUsageBatch',
    { tenantId: tenant.id, events, enforce: true, ...more },
    'recorded duplicates rejected { index code }',
  );
const used = async (tenant: TenantOfWorld, feature: string) => (await tenant.check(feature)).used;

describe('enforced', () => {
  test('50 at once against a limit of 10: exactly 10 are let in', async () => {
    const tenant = await aTenant();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => one(tenant, { id: `e${index}`, type: 'calls' })),
    );
    expect(answers.filter(({ duplicate }) => duplicate === false)).toHaveLength(10);
    expect(answers.filter(({ code }) => code === 'LIMIT_REACHED')).toHaveLength(40);
    expect(await used(tenant, 'calls')).toBe('10');
  });

  test('batches and single events at once, with each other’s ids: never past the limit, each id once', async () => {
    const tenant = await aTenant();
    const events = Array.from({ length: 12 }, (_, index) => ({ id: `e${index}`, type: 'calls' }));
    await Promise.all(
      Array.from({ length: 24 }, (_, turn) =>
        turn % 3 === 0
          ? one(tenant, events[turn % 12]!)
          : batch(tenant, [...events.slice(turn % 12), ...events.slice(0, turn % 12)]),
      ),
    );
    expect(await used(tenant, 'calls')).toBe('10');
  });

  test('the same events in opposite orders at once, of a feature that nobody locks: each once', async () => {
    const tenant = await aTenant();
    const events = Array.from({ length: 1_000 }, (_, index) => ({ id: `e${index}`, type: 'free' }));
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, turn) =>
        batch(tenant, turn % 2 === 0 ? events : events.toReversed(), { enforce: false }),
      ),
    );
    const recorded = answers.reduce((sum, answer) => sum + answer.recorded, 0);
    expect({ recorded, used: await used(tenant, 'free') }).toEqual({ recorded: 1_000, used: '1000' });
  });

  test('a refused event is not recorded: sent again when the limit starts over, it is let in', async () => {
    const tenant = await aTenant();
    await one(tenant, { id: 'most', type: 'calls', quantity: '9.5' });
    const refused = await one(tenant, { id: 'a', type: 'calls' });
    expect(refused).toMatchObject({ code: 'LIMIT_REACHED', message: 'Of calls, 0.5 of 10 are left.' });
    expect(await one(tenant, { id: 'b', type: 'calls', quantity: '0.5' })).toMatchObject({ duplicate: false });
    // A repeat is one, however full the limit is.
    expect(await one(tenant, { id: 'most', type: 'calls', quantity: '9.5' })).toMatchObject({ duplicate: true });
    expect(await one(tenant, { id: 'most', type: 'calls', quantity: '9' })).toMatchObject({ code: 'EVENT_CONFLICT' });
    await tenant.advance('2026-02-01T00:00:00Z');
    expect(await one(tenant, { id: 'a', type: 'calls' })).toMatchObject({ duplicate: false });
    expect(await used(tenant, 'calls')).toBe('1');
    // What happened in January counts in January.
    const january = { id: 'late', type: 'calls', time: '2026-01-20T00:00:00Z' };
    expect(await one(tenant, january)).toMatchObject({ code: 'LIMIT_REACHED' });
  });

  test('a batch lets in what fits, in its order', async () => {
    const tenant = await aTenant();
    const events = [4, 5, 3, 1, 1].map((quantity, index) => ({ id: `e${index}`, type: 'calls', quantity }));
    // 4 + 5 = 9; 3 does not fit, 1 does, and then nothing.
    expect(await batch(tenant, events)).toEqual({
      ...{ recorded: 3, duplicates: 0 },
      rejected: [
        { index: 2, code: 'LIMIT_REACHED' },
        { index: 4, code: 'LIMIT_REACHED' },
      ],
    });
    expect(await batch(tenant, events.slice(0, 3), { atomic: true })).toMatchObject({ code: 'BATCH_REJECTED' });
  });

  test('a feature that the tenant does not have, has without a limit, or pays for beyond it', async () => {
    const tenant = await aTenant();
    expect(await one(tenant, { id: 'a', type: 'missing' })).toMatchObject({ code: 'NOT_ENTITLED' });
    expect(await one(tenant, { id: 'b', type: 'free', quantity: '1000000' })).toMatchObject({ duplicate: false });
    expect(await one(tenant, { id: 'c', type: 'sold', quantity: '25' })).toMatchObject({ duplicate: false });
    expect(await used(tenant, 'sold')).toBe('25');
    // Not enforced, everything is recorded: what happened, happened.
    expect(await one(tenant, { id: 'd', type: 'missing', enforce: false })).toMatchObject({ duplicate: false });
  });

  test('what adds nothing passes: a member who was seen, a size below the largest', async () => {
    const tenant = await aTenant();
    const member = (id: string, name: string) => ({ id, type: 'members', data: { member: name } });
    expect(
      await batch(
        tenant,
        ['a', 'b', 'a', 'c', 'd', 'b'].map((name, index) => member(`e${index}`, name)),
      ),
    ).toEqual({
      ...{ recorded: 5, duplicates: 0 },
      rejected: [{ index: 4, code: 'LIMIT_REACHED' }],
    });
    expect(await one(tenant, member('again', 'c'))).toMatchObject({ duplicate: false });
    expect(await one(tenant, member('new', 'e'))).toMatchObject({ code: 'LIMIT_REACHED' });
    const stored = (id: string, size: number) => ({ id, type: 'storage', data: { size } });
    const sizes = [stored('s1', 90), stored('s2', 101), stored('s3', 100), stored('s4', 50), stored('s5', 100)];
    expect(await batch(tenant, sizes)).toMatchObject({
      ...{ recorded: 4, rejected: [{ index: 1, code: 'LIMIT_REACHED' }] },
    });
    const level = (id: string, quantity: number) => ({ id, type: 'level', quantity });
    expect(await batch(tenant, [level('l1', 8), level('l2', 9), level('l3', 2)])).toMatchObject({
      ...{ recorded: 2, rejected: [{ index: 1, code: 'LIMIT_REACHED' }] },
    });
  });

  test('a dry run says what would be, and takes nothing', async () => {
    const tenant = await aTenant();
    const input = { tenantId: tenant.id, enforce: true, id: 'a', type: 'calls', quantity: '10' };
    expect(await world.act('recordUsage', input, 'duplicate dryRun', ', dryRun: true')).toMatchObject({ dryRun: true });
    expect(await one(tenant, { id: 'b', type: 'calls', quantity: '10' })).toMatchObject({ duplicate: false });
  });
});

describe('thresholds', () => {
  const told = async (tenant: TenantOfWorld) => {
    const page = await gateway.get(
      'super-admin',
      `query ($id: ID) { usageThresholds(tenantId: $id, first: 100) {
        nodes { feature { code } percent limit used windowStart windowEnd reachedAt } } }`,
      { id: tenant.id },
    );
    const events = await gateway.database.asOwner<{ payload: { threshold: { percent: number } } }>(
      `select payload from outbox_events where tenant_id = $1 and type = 'usage.threshold_reached' order by id`,
      [decodeId(tenant.id)!.uuid],
    );
    expect(events.map(({ payload }) => payload.threshold.percent)).toEqual(
      page.nodes.map(({ percent }: { percent: number }) => percent),
    );
    return page.nodes.map(
      (node: { feature: { code: string }; percent: number; used: string; limit: string }) =>
        `${node.feature.code} ${node.percent} % (${node.used} of ${node.limit})`,
    );
  };
  const record = (tenant: TenantOfWorld, events: readonly object[]) => batch(tenant, events, { enforce: false });

  test('are told once in each window, as they are reached', async () => {
    const tenant = await aTenant();
    await record(tenant, [{ id: 'a', type: 'calls', quantity: '7.9' }]);
    expect(await told(tenant)).toEqual([]);
    await record(tenant, [{ id: 'b', type: 'calls', quantity: '0.1' }]);
    expect(await told(tenant)).toEqual(['calls 80 % (8 of 10)']);
    await record(tenant, [{ id: 'c', type: 'calls', quantity: '1' }]);
    await record(tenant, [{ id: 'd', type: 'calls', quantity: '11' }]);
    await record(tenant, [{ id: 'e', type: 'calls', quantity: '1' }]);
    expect(await told(tenant)).toEqual(['calls 80 % (8 of 10)', 'calls 100 % (20 of 10)']);
    await tenant.advance('2026-02-01T00:00:00Z');
    // Late for January: told of January only if February's were reached by it, and they are not.
    await record(tenant, [{ id: 'late', type: 'calls', quantity: '10', time: '2026-01-31T00:00:00Z' }]);
    expect(await told(tenant)).toHaveLength(2);
    await record(tenant, [{ id: 'f', type: 'calls', quantity: '10' }]);
    expect(await told(tenant)).toEqual([
      ...['calls 80 % (8 of 10)', 'calls 100 % (20 of 10)'],
      ...['calls 80 % (10 of 10)', 'calls 100 % (10 of 10)'],
    ]);
  });

  test('once each under 50 at once, whichever quarter of an hour they add to, and never none', async () => {
    // More than once, for the first events of a tenant are the ones that find nothing to lock.
    for (let turn = 0; turn < 5; turn += 1) {
      const tenant = await aTenant();
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => {
          const time = new Date(Date.parse(now) - index * 4 * 3_600_000).toISOString();
          return record(tenant, [{ id: `e${index}`, type: 'calls', quantity: '0.2', time }]);
        }),
      );
      expect(answers).toEqual(answers.map(() => ({ recorded: 1, duplicates: 0, rejected: [] })));
      // 50 × 0.2 = 10 of 10; 80 % was reached with the 40th, whichever that was.
      expect(await told(tenant)).toEqual(['calls 80 % (8 of 10)', 'calls 100 % (10 of 10)']);
    }
  });

  test('are the meter’s own: none, one, of the latest value', async () => {
    const tenant = await aTenant();
    await record(tenant, [
      { id: 'a', type: 'storage', data: { size: 100 } },
      ...['a', 'b', 'c'].map((member) => ({ id: member.repeat(2), type: 'members', data: { member } })),
      { id: 'l', type: 'level', quantity: '4' },
      { id: 'u', type: 'free', quantity: '1000' },
    ]);
    expect((await told(tenant)).toSorted()).toEqual(['level 50 % (4 of 8)', 'members 100 % (3 of 3)']);
  });

  test('a dry run tells nobody', async () => {
    const tenant = await aTenant();
    const input = { tenantId: tenant.id, id: 'a', type: 'calls', quantity: '10' };
    await world.act('recordUsage', input, 'duplicate', ', dryRun: true');
    expect(await told(tenant)).toEqual([]);
  });
});
