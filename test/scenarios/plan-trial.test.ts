import { decodeId } from '../../src/core/ids';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
let world: World;
beforeAll(async () => {
  gateway = await startTestGateway();
  world = await World.create(gateway, { currency: 'EUR' });
  await world.plan({ code: 'tried', rank: 10, month: '31.00', trialDays: 14 });
  await world.plan({ code: 'also_tried', rank: 20, month: '62.00', trialDays: 30 });
  await world.plan({ code: 'plain', rank: 30, month: '100.00' });
});
afterAll(() => gateway.stop());

let serial = 0;
async function keyOf(tenant: TenantOfWorld): Promise<{ readonly bearer: string }> {
  const input = { partnerId: world.partnerId, tenantId: tenant.id, live: false, name: 'k', scopes: ['READ', 'WRITE'] };
  return { bearer: (await world.act('createApiKey', input, 'secret')).secret };
}

async function withKey(now = '2026-01-01T00:00:00Z') {
  const tenant = await world.tenant(now);
  return { tenant, key: await keyOf(tenant) };
}

/** As the tenant itself. */
function start(key: { readonly bearer: string }, input: object) {
  serial += 1;
  return gateway.get(
    key,
    `mutation ($input: StartSubscriptionInput!) { startSubscription(input: $input, idempotencyKey: "trial-${serial}") {
      ... on StartSubscriptionDone { subscription { status trialEnd } invoices { total { amount } } }
      ... on Refused { code path facts { name value } } } }`,
    { input },
  );
}
function cancelNow(key: { readonly bearer: string }) {
  return gateway.get(
    key,
    `mutation { cancelSubscription(input: { reason: "enough", when: NOW }) {
      ... on CancelSubscriptionDone { subscription { status } } ... on Refused { code } } }`,
  );
}

// 14 days from 1 January: to 15 January.
const trial = { subscription: { status: 'TRIALING', trialEnd: '2026-01-15T00:00:00.000Z' }, invoices: [] };
const noTrial = (amount: string) => ({
  subscription: { status: 'ACTIVE', trialEnd: null },
  invoices: [{ total: { amount } }],
});

test('a tenant gives itself no trial, whatever the length and however often; the partner may, again and again', async () => {
  const { tenant, key } = await withKey();
  for (const trialDays of [730, 1]) {
    expect(await start(key, { plan: 'plain', trialDays })).toEqual({
      code: 'FORBIDDEN',
      path: ['input', 'trialDays'],
      facts: [{ name: 'right', value: 'TRIAL_DAYS' }],
    });
  }
  // Two years from 1 January 2026: 365 + 365 days.
  for (let time = 0; time < 2; time += 1) {
    const given = await tenant.start('plain', { trialDays: 730 });
    expect(given.subscription.status).toBe('TRIALING');
    await cancelNow(key);
  }
});

test('a plan’s own trial is given once, across cancelling and starting again, and whichever plan it is of', async () => {
  const { tenant, key } = await withKey();
  expect(await start(key, { plan: 'tried' })).toEqual(trial);
  await cancelNow(key);
  expect(await start(key, { plan: 'tried' })).toEqual(noTrial('31.00'));
  await cancelNow(key);
  expect(await start(key, { plan: 'also_tried' })).toEqual(noTrial('62.00'));
  await cancelNow(key);
  await tenant.advance('2027-01-01T00:00:00Z');
  expect(await start(key, { plan: 'also_tried' })).toEqual(noTrial('62.00'));
});

test('what the partner gave was the tenant’s trial too', async () => {
  const { tenant, key } = await withKey();
  await tenant.start('plain', { trialDays: 3 });
  await cancelNow(key);
  expect(await start(key, { plan: 'tried' })).toEqual(noTrial('31.00'));
});

test('a trial that runs to its end is billed from then on', async () => {
  const { tenant, key } = await withKey();
  await start(key, { plan: 'tried' });
  const { invoices } = await tenant.advance('2026-01-20T00:00:00Z');
  // One month from 15 January.
  expect(invoices.map(({ period, total }: { period: object; total: object }) => ({ period, total }))).toEqual([
    {
      period: { start: '2026-01-15T00:00:00.000Z', end: '2026-02-15T00:00:00.000Z' },
      total: { amount: '31.00', currency: 'EUR' },
    },
  ]);
});

test('going without the trial keeps it for later', async () => {
  const { tenant, key } = await withKey();
  expect(await start(key, { plan: 'tried', trialDays: 0 })).toEqual(noTrial('31.00'));
  await cancelNow(key);
  expect(await start(key, { plan: 'tried' })).toEqual(trial);
  await cancelNow(key);
  // With a day on which periods begin there is no trial; the partner says so.
  expect(await tenant.start('tried', { anchorDay: 11, trialDays: 5 })).toMatchObject({ path: ['input', 'anchorDay'] });
  const fresh = await world.tenant('2026-01-01T00:00:00Z');
  expect(await fresh.start('tried', { anchorDay: 11 })).toMatchObject({
    code: 'INVALID_INPUT',
    message:
      'After a trial, periods begin on the day the trial ends. trialDays 0 starts without the trial of the plan.',
  });
  // 10 of 31 days: 31.00 × 10/31 = 10.00.
  expect((await fresh.start('tried', { anchorDay: 11, trialDays: 0 })).invoices[0].total.amount).toBe('10.00');
});

test('fifty at once start one trial, twice over; and the database keeps a second one out', async () => {
  const { tenant, key } = await withKey();
  const fifty = () => Promise.all(Array.from({ length: 50 }, () => start(key, { plan: 'tried' })));
  const first = await fifty();
  expect(first.filter(({ subscription }) => subscription)).toEqual([trial]);
  expect(new Set(first.flatMap(({ code }) => code ?? []))).toEqual(new Set(['ALREADY_SUBSCRIBED']));
  await cancelNow(key);
  const second = await fifty();
  expect(second.filter(({ subscription }) => subscription)).toEqual([noTrial('31.00')]);
  await cancelNow(key);
  const uuid = decodeId(tenant.id)!.uuid;
  const rows = await gateway.database.asOwner<{ plan_trial: boolean }>(
    'select plan_trial from subscriptions where tenant_id = $1 order by id',
    [uuid],
  );
  expect(rows.map(({ plan_trial }) => plan_trial)).toEqual([true, false]);
  await expect(
    gateway.database.asOwner('update subscriptions set plan_trial = true where tenant_id = $1', [uuid]),
  ).rejects.toThrow('subscriptions_one_plan_trial');
});

test('it belongs to the version that is sold, and is 1 to 730 days', async () => {
  const version = (input: object) =>
    world.act(
      'publishPlanVersion',
      {
        partnerId: world.partnerId,
        plan: 'dated',
        prices: [{ interval: 'MONTH', price: { amount: '31.00', currency: 'EUR' } }],
        ...input,
      },
      'plan { currentVersion { number trialDays } }',
    );
  await world.plan({ code: 'dated', month: '31.00', trialDays: 14 });
  expect(await version({ trialDays: 7 })).toEqual({ plan: { currentVersion: { number: 2, trialDays: 7 } } });
  for (const trialDays of [0, -1, 731]) {
    expect(await version({ trialDays })).toMatchObject({ code: 'INVALID_INPUT', path: ['input', 'trialDays'] });
  }
  const { key } = await withKey();
  // 7 days from 1 January.
  expect((await start(key, { plan: 'dated' })).subscription.trialEnd).toBe('2026-01-08T00:00:00.000Z');
  expect(await version({})).toEqual({ plan: { currentVersion: { number: 3, trialDays: null } } });
  const other = await withKey();
  expect(await start(other.key, { plan: 'dated' })).toEqual(noTrial('31.00'));
});
