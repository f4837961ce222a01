import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
let world: World;
let tenant: TenantOfWorld;
let few: string;

/** Rows of every kind: `addTo` grows each list that a query below reads. */
async function addTo(start: number, count: number): Promise<void> {
  for (let index = start; index < start + count; index += 1) {
    const features = [{ feature: 'calls', limit: '10', resetPeriod: 'MONTH' }];
    await world.addon(`addon${index}`, '5', {
      features,
      ...(index > 0 ? { requires: [`addon${index - 1}`] } : {}),
    });
    await world.plan({ code: `plan${index}`, rank: index, month: '10', includedAddons: [`addon${index}`], features });
    await world.coupon(`COUPON${index}`, { kind: 'PERCENT', percent: '10' });
    await world.coupon(`UPGRADE${index}`, { kind: 'PERCENT', percent: '10' });
    await world.feature(`feature${index}`);
    const other = await world.tenant('2026-01-10T00:00:00Z');
    await other.start(`plan${index}`);
    await tenant.subscribe(`addon${index}`);
    await tenant.apply(`COUPON${index}`);
    await world.act(
      'grantEntitlement',
      { tenantId: tenant.id, feature: `feature${index}`, limit: '5', resetPeriod: 'MONTH', reason: 'a gift' },
      '__typename',
    );
    await tenant.change({ plan: `plan${index}`, coupon: `UPGRADE${index}` });
  }
}

beforeAll(async () => {
  gateway = await startTestGateway();
  // Only what was paid becomes balance.
  world = await World.create(gateway, { paysAtOnce: true });
  await world.feature('calls');
  await world.plan({ code: 'first', rank: 0, month: '10' });
  tenant = await world.tenant('2026-01-10T00:00:00Z');
  await tenant.start('first');
  await addTo(0, 4);
  few = JSON.stringify(await countAll());
  await addTo(4, 20);
}, 120_000);
afterAll(() => gateway.stop());

const price = 'prices { interval amount { amount } }';
const allowances = 'allowances { limit feature { code name } }';
const lines = 'lines { kind amount { amount } description explanation { sentence } }';
const plan = `plan { code currentVersion { ${price} ${allowances} includedAddons { code } } }`;

/** Each list with whatever hangs off it, as deep as the limits on documents let it be. */
const lists: Readonly<Record<string, string>> = {
  addons: `addons(partnerId: $partner, first: 100) { nodes { code subscriberCount ${price} ${allowances} requires { code subscriberCount } } }`,
  plans: `plans(partnerId: $partner, first: 100) { nodes { code currentVersion { ${price} ${allowances} includedAddons { code subscriberCount ${price} } } } }`,
  coupons:
    'coupons(partnerId: $partner, first: 100) { nodes { code reservedCount planIds addonIds amounts { amount } } }',
  features: 'features(partnerId: $partner, first: 100) { nodes { code kind } }',
  upcomingInvoice: 'upcomingInvoice(tenantId: $tenant) { total { amount } lines { kind amount { amount } } }',
  usageBySubscription:
    'usageBySubscription(tenantId: $tenant) { feature { code } used shares { quantity source { name } amount { amount } } }',
  tenants: 'tenants(partnerId: $partner, first: 100) { nodes { name partner { code } } }',
  invoices: `invoices(tenantId: $tenant, first: 100) { nodes { number ${lines} } }`,
  creditNotes: `creditNotes(tenantId: $tenant, first: 100) { nodes { number ${lines} } }`,
  balanceEntries:
    'balanceEntries(tenantId: $tenant, first: 100) { nodes { amount { amount } balanceAfter { amount } } }',
  addonSubscriptions: `addonSubscriptions(tenantId: $tenant, first: 100) { nodes { status addon { code ${price} subscriberCount } } }`,
  pendingCoupons: 'pendingCoupons(tenantId: $tenant, first: 100) { nodes { status coupon { code } } }',
  couponRedemptions:
    'couponRedemptions(tenantId: $tenant, first: 100) { nodes { discount { amount } coupon { code } planBefore { code } planAfter { code } } }',
  planChangeProrations: 'planChangeProrations(tenantId: $tenant, first: 100) { nodes { net { amount } } }',
  entitlements: 'entitlements(tenantId: $tenant) { allowed feature { code } sources { name } }',
  subscription: `subscription(tenantId: $tenant) { items { ${plan} } addons { addon { code subscriberCount } } history(first: 100) { nodes { kind } } }`,
};

async function count(name: string): Promise<{ statements: number; rows: number }> {
  const used = lists[name]!.includes('$partner') ? '$partner: ID' : '$tenant: ID';
  gateway.statements();
  const answer = await gateway.get('super-admin', `query (${used}) { ${lists[name]} }`, {
    ...(used.startsWith('$partner') ? { partner: world.partnerId } : { tenant: tenant.id }),
  });
  const rows = Array.isArray(answer) ? answer.length : (answer.nodes ?? answer.lines ?? answer.history.nodes).length;
  // Who asks is remembered for a second: looking that up again is not the list's.
  const statements = gateway.statements().filter((sql) => !sql.includes('app.memberships_of'));
  return { statements: statements.length, rows };
}

async function countAll(): Promise<Record<string, { statements: number; rows: number }>> {
  const counts: Record<string, { statements: number; rows: number }> = {};
  for (const name of Object.keys(lists)) counts[name] = await count(name);
  return counts;
}

test.each(Object.keys(lists))('%s: five times the rows, not one statement more', async (name) => {
  const before = JSON.parse(few)[name] as { statements: number; rows: number };
  const after = await count(name);
  expect(after.rows).toBeGreaterThanOrEqual(before.rows + 20);
  expect(after.statements).toBe(before.statements);
  // The most: upcomingInvoice, which reads what each source of a bill reads.
  expect(after.statements).toBeLessThanOrEqual(25);
});

test('100 add-ons with their counts: one statement counts all of them', async () => {
  const shop = await World.create(gateway);
  for (let index = 0; index < 100; index += 1) await shop.addon(`a${index}`, '1');
  gateway.statements();
  const { nodes } = await gateway.get(
    'super-admin',
    'query ($partner: ID) { addons(partnerId: $partner, first: 100) { nodes { code subscriberCount } } }',
    { partner: shop.partnerId },
  );
  const statements = gateway.statements().filter((sql) => !sql.includes('app.memberships_of'));
  expect(nodes).toHaveLength(100);
  expect(nodes[0]).toEqual({ code: 'a0', subscriberCount: 0 });
  expect(statements.filter((sql) => sql.includes('count('))).toHaveLength(1);
  expect(statements.length).toBeLessThanOrEqual(6);
}, 60_000);
