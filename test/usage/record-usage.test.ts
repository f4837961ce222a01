import { instant } from '../../src/core/calendar';
import { decimalText } from '../../src/core/decimal';
import { decodeId } from '../../src/core/ids';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';

const now = '2026-03-10T12:00:00Z';
let gateway: TestGateway;
let world: World;
beforeAll(async () => {
  gateway = await startTestGateway();
  world = await World.create(gateway);
  await world.feature('calls');
  await world.feature('tokens');
  await world.feature('flag', 'BOOLEAN');
  const tokens = { feature: 'tokens', aggregation: 'SUM', eventType: 'prompt', valueProperty: 'tokens' };
  await meter({ ...tokens, filters: [{ property: 'model', values: ['small', 'large'] }] });
});
afterAll(() => gateway.stop());

const meter = (input: object) =>
  world.act('createMeter', { partnerId: world.partnerId, ...input }, 'meter { id aggregation thresholds }');
const record = (tenant: TenantOfWorld, input: object) =>
  world.act('recordUsage', { tenantId: tenant.id, ...input }, 'duplicate dryRun');
const batch = (tenant: TenantOfWorld, events: readonly unknown[], more: object = {}) =>
  world.act(
    'recordUsageBatch',
    { tenantId: tenant.id, events, ...more },
    'recorded duplicates rejected { index id code message }',
  );

const featureIds = new Map<string, Promise<string>>();
function featureId(code: string): Promise<string> {
  const known =
    featureIds.get(code) ??
    gateway.database
      .asOwner<{ id: string }>('select id from features where partner_id = $1 and code = $2', [
        decodeId(world.partnerId)!.uuid,
        code,
      ])
      .then((rows) => rows[0]!.id);
  featureIds.set(code, known);
  return known;
}

async function used(tenant: TenantOfWorld, code: string, start = '1970-01-01T00:00:00Z', end = '2100-01-01T00:00:00Z') {
  const feature = await featureId(code);
  const id = decodeId(tenant.id)!.uuid;
  return gateway.app.asSystem(id, async (tx) =>
    decimalText(await tx.usage.quantityIn(id, feature, { start: instant(start), end: instant(end) })),
  );
}

const rowsOf = async (tenant: TenantOfWorld, table: string) =>
  Number(
    (
      await gateway.database.asOwner<{ count: string }>(`select count(*) from ${table} where tenant_id = $1`, [
        decodeId(tenant.id)!.uuid,
      ])
    )[0]!.count,
  );

describe('one event', () => {
  test('is counted once, however often it is sent; the quantity is 1 where none is said', async () => {
    const tenant = await world.tenant(now);
    expect(await record(tenant, { id: 'a', type: 'calls', quantity: '2.5' })).toMatchObject({ duplicate: false });
    expect(await record(tenant, { id: 'a', type: 'calls', quantity: '2.50' })).toMatchObject({ duplicate: true });
    expect(await record(tenant, { id: 'b', type: 'calls' })).toMatchObject({ duplicate: false });
    // 2.5 + 1
    expect(await used(tenant, 'calls')).toBe('3.5');
    expect(await rowsOf(tenant, 'usage_events')).toBe(2);
  });

  test('with the id of another content is a conflict, and the first stays', async () => {
    const tenant = await world.tenant(now);
    const first = { id: 'a', type: 'calls', quantity: '1', time: '2026-03-01T00:00:00Z', data: { x: 1, y: [2] } };
    await record(tenant, first);
    expect(await record(tenant, { ...first, data: { y: [2], x: 1 } })).toMatchObject({ duplicate: true });
    for (const change of [
      { quantity: '2' },
      { time: '2026-03-01T00:00:00.001Z' },
      { data: { x: 1 } },
      { subject: 's' },
    ]) {
      expect(await record(tenant, { ...first, ...change })).toMatchObject({ code: 'EVENT_CONFLICT' });
    }
    // Another source has ids of its own.
    expect(await record(tenant, { ...first, source: 'elsewhere', quantity: '4' })).toMatchObject({ duplicate: false });
    // 1 + 4
    expect(await used(tenant, 'calls')).toBe('5');
  });

  test.each([
    ['an unknown type', { type: 'nothing' }, 'EVENT_TYPE_UNKNOWN'],
    ['a feature that is not metered', { type: 'flag' }, 'EVENT_TYPE_UNKNOWN'],
    ['six minutes ahead', { time: '2026-03-10T12:06:00Z' }, 'EVENT_IN_FUTURE'],
    ['a negative quantity', { quantity: '-1' }, 'INVALID_INPUT'],
    ['a quantity of 13 digits', { quantity: '1000000000000' }, 'INVALID_INPUT'],
    ['an empty id', { id: '' }, 'INVALID_INPUT'],
    ['an id of 201 characters', { id: 'x'.repeat(201) }, 'INVALID_INPUT'],
    ['9 KB of data', { data: { x: 'x'.repeat(9_000) } }, 'INVALID_INPUT'],
    ['no value where one is counted', { type: 'prompt', data: { model: 'small' } }, 'INVALID_INPUT'],
    ['a value that is none', { type: 'prompt', data: { model: 'small', tokens: 'many' } }, 'INVALID_INPUT'],
  ])('%s: refused, and nothing is kept', async (_name, change, code) => {
    const tenant = await world.tenant(now);
    expect(await record(tenant, { id: 'a', type: 'calls', ...change })).toMatchObject({ code });
    expect(await rowsOf(tenant, 'usage_event_keys')).toBe(0);
    expect(await rowsOf(tenant, 'usage_events')).toBe(0);
  });

  test('a little ahead of the clock is taken: clocks differ', async () => {
    const tenant = await world.tenant(now);
    expect(await record(tenant, { id: 'a', type: 'calls', time: '2026-03-10T12:04:59Z' })).toMatchObject({
      duplicate: false,
    });
  });

  test('the filters of a meter leave events out, which are kept all the same', async () => {
    const tenant = await world.tenant(now);
    await record(tenant, { id: 'a', type: 'prompt', data: { model: 'small', tokens: 7 } });
    await record(tenant, { id: 'b', type: 'prompt', data: { model: 'large', tokens: '0.5' } });
    await record(tenant, { id: 'c', type: 'prompt', data: { model: 'other', tokens: 100 } });
    await record(tenant, { id: 'd', type: 'prompt' });
    // 7 + 0.5
    expect(await used(tenant, 'tokens')).toBe('7.5');
    expect(await rowsOf(tenant, 'usage_events')).toBe(4);
  });

  test('a dry run counts nothing', async () => {
    const tenant = await world.tenant(now);
    const answer = await world.act(
      'recordUsage',
      { tenantId: tenant.id, id: 'a', type: 'calls' },
      'duplicate dryRun',
      ', dryRun: true',
    );
    expect(answer).toMatchObject({ duplicate: false, dryRun: true });
    expect(await used(tenant, 'calls')).toBe('0');
  });
});

describe('a batch', () => {
  test('says which events are bad by their place, and records the rest', async () => {
    const tenant = await world.tenant(now);
    await record(tenant, { id: 'old', type: 'calls', quantity: '3' });
    const answer = await batch(tenant, [
      { id: 'one', type: 'calls' },
      { id: 'old', type: 'calls', quantity: '3' },
      { id: 'old', type: 'calls', quantity: '4' },
      { id: 'two', type: 'nothing' },
      { id: 'one', type: 'calls' },
      { id: 'one', type: 'calls', quantity: 2 },
      { type: 'calls' },
      { id: 'future', type: 'calls', time: '2027-01-01T00:00:00Z' },
      { id: 'three', type: 'calls', quantity: 5 },
    ]);
    expect(answer).toMatchObject({
      recorded: 2,
      duplicates: 2,
      rejected: [
        { index: 2, id: 'old', code: 'EVENT_CONFLICT' },
        { index: 3, id: 'two', code: 'EVENT_TYPE_UNKNOWN' },
        { index: 5, id: 'one', code: 'EVENT_CONFLICT' },
        { index: 6, id: null, code: 'INVALID_EVENT' },
        { index: 7, id: 'future', code: 'EVENT_IN_FUTURE' },
      ],
    });
    // 3 + 1 + 5
    expect(await used(tenant, 'calls')).toBe('9');
  });

  test('atomic: one bad event, and nothing is recorded', async () => {
    const tenant = await world.tenant(now);
    const events = [
      { id: 'one', type: 'calls' },
      { id: 'two', type: 'calls', quantity: 'x' },
    ];
    expect(await batch(tenant, events, { atomic: true })).toMatchObject({
      code: 'BATCH_REJECTED',
      path: ['input', 'events', '1'],
    });
    expect(await rowsOf(tenant, 'usage_event_keys')).toBe(0);
    expect(await batch(tenant, events.slice(0, 1), { atomic: true })).toMatchObject({ recorded: 1 });
  });

  test('takes CloudEvents as OpenMeter’s users send them', async () => {
    const tenant = await world.tenant(now);
    const event = {
      specversion: '1.0',
      type: 'prompt',
      id: '00001',
      time: '2026-03-09T00:00:00.001Z',
      source: 'service-0',
      subject: 'customer-1',
      datacontenttype: 'application/json',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      data: { tokens: '1500', model: 'large', type: 'input' },
    };
    expect(await batch(tenant, [event])).toMatchObject({ recorded: 1, rejected: [] });
    expect(await batch(tenant, [event, { ...event, id: '00002', specversion: '0.3' }])).toMatchObject({
      recorded: 0,
      duplicates: 1,
      rejected: [{ index: 1, code: 'INVALID_EVENT' }],
    });
    expect(await used(tenant, 'tokens')).toBe('1500');
  });

  test('has 1 to 1000 events and may be larger than other requests, up to a megabyte', async () => {
    const tenant = await world.tenant(now);
    const events = Array.from({ length: 1_000 }, (_, index) => ({
      id: `event-${index}`,
      type: 'calls',
      time: new Date(Date.parse(now) - index * 60_000).toISOString(),
      data: { note: 'x'.repeat(700) },
    }));
    expect(JSON.stringify(events).length).toBeGreaterThan(700_000);
    expect(await batch(tenant, events)).toMatchObject({ recorded: 1_000, duplicates: 0, rejected: [] });
    expect(await used(tenant, 'calls')).toBe('1000');
    expect(await batch(tenant, [])).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await batch(tenant, [...events.map(({ id }) => ({ id, type: 'calls' })), {}])).toMatchObject({
      code: 'INVALID_INPUT',
    });
    const { status } = await gateway.ask('super-admin', 'query ($x: [JSONObject]) { viewer { account } }', {
      x: events,
    });
    expect(status).toBe(413);
  });

  test('50 identical ones at once: each event once', async () => {
    const tenant = await world.tenant(now);
    const events = Array.from({ length: 40 }, (_, index) => ({ id: `event-${index}`, type: 'calls', quantity: '2' }));
    const answers = await Promise.all(Array.from({ length: 50 }, () => batch(tenant, events)));
    expect(answers.map(({ rejected }) => rejected)).toEqual(answers.map(() => []));
    expect(answers.reduce((total, { recorded }) => total + recorded, 0)).toBe(40);
    expect(answers.reduce((total, { duplicates }) => total + duplicates, 0)).toBe(49 * 40);
    // 40 × 2
    expect(await used(tenant, 'calls')).toBe('80');
    expect(await rowsOf(tenant, 'usage_events')).toBe(40);
  });

  test('overlapping ones in every order at once wait for each other, never in a circle', async () => {
    const tenant = await world.tenant(now);
    const events = Array.from({ length: 60 }, (_, index) => ({
      id: `event-${index}`,
      type: index % 2 === 0 ? 'calls' : 'prompt',
      time: new Date(Date.parse(now) - (index % 7) * 3_600_000).toISOString(),
      data: { model: 'small', tokens: 1 },
    }));
    const sent = Array.from({ length: 30 }, (_, start) => {
      const turned = [...events.slice(start), ...events.slice(0, start)].slice(0, 45);
      return start % 2 === 0 ? turned : turned.toReversed();
    });
    const answers = await Promise.all(sent.map((some) => batch(tenant, some)));
    expect(answers.map(({ recorded, duplicates }) => recorded + duplicates)).toEqual(sent.map(() => 45));
    expect(answers.reduce((total, { recorded }) => total + recorded, 0)).toBe(60);
    expect([await used(tenant, 'calls'), await used(tenant, 'tokens')]).toEqual(['30', '30']);
  });

  test('late events and events in any order land where they happened, whatever month that was', async () => {
    const tenant = await world.tenant(now);
    const times = ['2026-03-09T23:59:59.999Z', '1970-01-01T00:00:00Z', '2026-01-31T23:00:00Z', '2026-03-01T00:00:00Z'];
    await batch(
      tenant,
      times.map((time, index) => ({ id: `${index}`, type: 'calls', time, quantity: `${10 ** index}` })),
    );
    expect(await used(tenant, 'calls')).toBe('1111');
    // Half-open: the first instant of March is March's.
    expect(await used(tenant, 'calls', '2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z')).toBe('0');
    expect(await used(tenant, 'calls', '2026-03-01T00:00:00Z', '2026-04-01T00:00:00Z')).toBe('1001');
    expect(await used(tenant, 'calls', '2026-01-01T00:00:00+02:00', '2026-02-01T00:00:00+02:00')).toBe('0');
    expect(await used(tenant, 'calls', '2026-01-31T23:00:00Z', '2026-01-31T23:00:00.001Z')).toBe('100');
  });
});

test('what was added to a billed window since is found', async () => {
  const tenant = await world.tenant(now);
  const id = decodeId(tenant.id)!.uuid;
  await record(tenant, { id: 'a', type: 'calls', time: '2026-02-27T10:20:00Z' });
  // Whoever billed an hour ago has seen nothing of it.
  const lateSince = (minutes: number, before = '2026-03-01T00:00:00Z') =>
    gateway.app.asSystem(id, (tx) =>
      tx.usage.lateSince(id, { before: instant(before), since: tx.wallNow.add({ minutes }) }),
    );
  expect((await lateSince(-60)).map(({ bucketStart }) => bucketStart.toString())).toEqual(['2026-02-27T10:15:00Z']);
  expect(await lateSince(-60, '2026-02-27T10:00:00Z')).toEqual([]);
  expect(await lateSince(60)).toEqual([]);
});

describe('a meter', () => {
  test('is made once, for a METERED feature that nothing was counted for', async () => {
    await world.feature('fresh');
    await world.feature('counted');
    const tenant = await world.tenant(now);
    await record(tenant, { id: 'a', type: 'counted' });
    expect(await meter({ feature: 'fresh', aggregation: 'COUNT' })).toMatchObject({
      meter: { aggregation: 'COUNT', thresholds: [80, 100] },
    });
    expect(await meter({ feature: 'fresh', aggregation: 'COUNT' })).toMatchObject({ code: 'METER_EXISTS' });
    expect(await meter({ feature: 'counted', aggregation: 'COUNT' })).toMatchObject({ code: 'USAGE_EXISTS' });
    expect(await meter({ feature: 'flag', aggregation: 'COUNT' })).toMatchObject({ code: 'FEATURE_NOT_METERED' });
    expect(await meter({ feature: 'missing', aggregation: 'COUNT' })).toMatchObject({ code: 'FEATURE_NOT_FOUND' });
  });

  test.each([
    ['COUNT of a value', { aggregation: 'COUNT', valueProperty: 'x' }],
    ['UNIQUE_COUNT of nothing', { aggregation: 'UNIQUE_COUNT' }],
    ['SUM of what is told apart', { aggregation: 'SUM', uniqueProperty: 'x' }],
    ['an empty type', { aggregation: 'SUM', eventType: '' }],
    ['a filter without values', { aggregation: 'SUM', filters: [{ property: 'x', values: [] }] }],
    ['a threshold of 0', { aggregation: 'SUM', thresholds: [0] }],
    ['a threshold twice', { aggregation: 'SUM', thresholds: [80, 80] }],
  ])('%s: refused', async (_name, input) => {
    await world.feature('unmade');
    expect(await meter({ feature: 'unmade', ...input })).toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('made beside events of its type counts from then on, and trips over nothing that came before', async () => {
    await world.feature('before');
    await world.feature('after');
    await meter({ feature: 'before', aggregation: 'COUNT', eventType: 'shared' });
    const tenant = await world.tenant(now);
    await record(tenant, { id: 'a', type: 'shared', time: '2026-03-01T10:01:00Z', data: { size: 'huge' } });
    await meter({ feature: 'after', aggregation: 'SUM', eventType: 'shared', valueProperty: 'size' });
    await record(tenant, { id: 'b', type: 'shared', time: '2026-03-01T10:02:00Z', data: { size: '3' } });
    const window = ['2026-03-01T10:00:30Z', '2026-03-01T10:05:00Z'] as const;
    expect([await used(tenant, 'before', ...window), await used(tenant, 'after', ...window)]).toEqual(['2', '3']);
  });
});
