import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const calls = (resetPeriod: string, limit = '500') => [{ feature: 'calls', limit, resetPeriod }];
const price = [{ interval: 'MONTH', price: { amount: '10.00', currency: 'EUR' } }];

async function worldWith(addonReset?: string): Promise<World> {
  const world = await World.create(gateway, { currency: 'EUR' });
  await world.feature('calls');
  if (addonReset) await world.addon('more', '5.00', { features: calls(addonReset, '5') });
  return world;
}
const makePlan = (world: World, extra: object) =>
  world.act(
    'createPlan',
    { partnerId: world.partnerId, code: 'all', name: 'All', rank: 1, prices: price, ...extra },
    'plan { id }',
  );
const makeAddon = (world: World, code: string, extra: object) =>
  world.act('createAddon', { partnerId: world.partnerId, code, name: code, prices: price, ...extra }, 'addon { id }');
const refused = (first: string, second: string) => ({
  code: 'RESET_PERIOD_MISMATCH',
  facts: [
    { name: 'feature', value: 'calls' },
    { name: 'first', value: first },
    { name: 'second', value: second },
  ],
});

test('a plan that includes all add-ons resets with each of them, those to come too', async () => {
  const world = await worldWith('DAY');
  expect(await makePlan(world, { includesAllAddons: true, features: calls('MONTH') })).toMatchObject(
    refused('All: MONTH', 'more: DAY'),
  );
  expect((await makePlan(world, { includesAllAddons: true, features: calls('DAY') })).code).toBeUndefined();
  expect(await makeAddon(world, 'monthly', { features: calls('MONTH') })).toMatchObject(
    refused('All: DAY', 'monthly: MONTH'),
  );
  const update = { partnerId: world.partnerId, addon: 'more', features: calls('MONTH') };
  expect(await world.act('updateAddon', update, 'addon { id }')).toMatchObject(refused('All: DAY', 'more: MONTH'));
  const version = { partnerId: world.partnerId, plan: 'all', prices: price, includesAllAddons: true };
  expect(await world.act('publishPlanVersion', { ...version, features: calls('WEEK') }, 'plan { id }')).toMatchObject(
    refused('All: WEEK', 'more: DAY'),
  );
  // What is no longer sold is not included, until it is sold again.
  await world.act('archiveAddon', { partnerId: world.partnerId, addon: 'more' }, 'addon { id }');
  expect(
    (await world.act('publishPlanVersion', { ...version, features: calls('WEEK') }, 'plan { id }')).code,
  ).toBeUndefined();
  const again = { partnerId: world.partnerId, addon: 'more', status: 'ACTIVE' };
  expect(await world.act('updateAddon', again, 'addon { id }')).toMatchObject(refused('All: WEEK', 'more: DAY'));
});

test('two included add-ons reset together, also where the plan itself does not give the feature', async () => {
  const world = await worldWith('DAY');
  await makeAddon(world, 'monthly', { features: calls('MONTH') });
  expect((await makePlan(world, { includedAddons: ['more', 'monthly'] })).code).toBe('RESET_PERIOD_MISMATCH');
  expect((await makePlan(world, { includesAllAddons: true })).code).toBe('RESET_PERIOD_MISMATCH');
});

test('a version that a live subscription has is held against an add-on too', async () => {
  const world = await worldWith();
  await makePlan(world, { includesAllAddons: true, features: calls('MONTH') });
  const tenant = await world.tenant('2026-01-01T00:00:00Z');
  await tenant.start('all');
  const version = { partnerId: world.partnerId, plan: 'all', prices: price, features: calls('DAY') };
  await world.act('publishPlanVersion', version, 'plan { id }');
  expect(await makeAddon(world, 'daily', { features: calls('DAY') })).toMatchObject(
    refused('All: MONTH', 'daily: DAY'),
  );
  expect((await makeAddon(world, 'monthly', { features: calls('MONTH') })).code).toBeUndefined();
});

test('at once, a plan and an add-on that do not fit never both come to be', async () => {
  const world = await worldWith();
  const codes = await Promise.all([
    makePlan(world, { includesAllAddons: true, features: calls('MONTH') }),
    ...['one', 'two', 'three'].map((code) => makeAddon(world, code, { features: calls('DAY') })),
  ]).then((all) => all.map(({ code }) => code));
  const [plan, ...addons] = codes;
  expect(plan === undefined && addons.some((code) => code === undefined)).toBe(false);
});

test('a gift that resets otherwise keeps a plan from being started', async () => {
  const world = await worldWith();
  await world.plan({ code: 'a', month: '31.00', features: calls('MONTH') });
  const tenant = await world.tenant('2026-01-01T00:00:00Z');
  const grant = { tenantId: tenant.id, feature: 'calls', limit: '5', resetPeriod: 'DAY', reason: 'a gift' };
  await world.act('grantEntitlement', grant, 'grant { id }');
  expect((await tenant.start('a')).code).toBe('RESET_PERIOD_MISMATCH');
});
