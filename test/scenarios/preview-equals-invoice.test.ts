import fc from 'fast-check';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type Document, type TenantOfWorld, World } from '../support/world';

/** `TOLLGATE_SEED=…` replays a run; it is printed with what failed. */
const seed = Number(process.env.TOLLGATE_SEED ?? Date.now() % 2 ** 31);
const lanes = 8;
const tenantsOfLane = 8;
/** Few enough that a tenant's guesses at codes stay under the limit of a minute. */
const casesOfTenant = 16;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const change = fc.record(
  {
    plan: fc.constantFrom('solo', 'duo', 'trio', 'free'),
    interval: fc.constantFrom('MONTH', 'YEAR'),
    quantity: fc.integer({ min: 1, max: 7 }),
    coupon: fc.constantFrom('PERCENT', 'THIRDS', 'FIXED', 'SCALED'),
    keepRunningDiscounts: fc.boolean(),
    anchor: fc.constantFrom('KEEP', 'RESET'),
    settlement: fc.constantFrom('CREDIT_BALANCE', 'NONE'),
    waived: fc.boolean(),
  },
  { requiredKeys: ['plan'] },
);
const oneCase = fc.record({
  minutes: fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 3_000, max: 30_000 })),
  addon: fc.option(fc.constantFrom('extra', 'seats', 'upper'), { freq: 2 }),
  coupon: fc.option(fc.constantFrom('RUNNING', 'PERCENT', 'FIXED'), { freq: 3 }),
  change,
});
type Case = typeof oneCase extends fc.Arbitrary<infer Value> ? Value : never;

const cents = (amount: { amount: string }) => BigInt(amount.amount.replace('.', ''));
const amounts = (lines: readonly { kind: string; amount: { amount: string } }[]) =>
  lines.map(({ kind, amount }) => `${kind} ${amount.amount}`);

async function sellingWorld(): Promise<World> {
  const world = await World.create(gateway, { currency: 'USD', timeZone: 'America/New_York' });
  await world.plan({ code: 'free', rank: 0, month: '0' });
  await world.plan({ code: 'solo', rank: 10, month: '19', year: '199.99' });
  await world.plan({ code: 'duo', rank: 20, month: '33.33', year: '350', prorationBasis: 'SECOND' });
  await world.plan({ code: 'trio', rank: 30, month: '101.01', year: '1000.10', includedAddons: [] });
  await world.addon('extra', '7.77', {}, '77.70');
  await world.addon('seats', '3.10', {}, '31');
  await world.addon('upper', '49', { minimumPlan: 'duo' }, '490');
  const amount = (value: string) => [{ amount: value, currency: 'USD' }];
  await world.coupon('PERCENT', { kind: 'PERCENT', percent: '20', maxRedemptionsPerTenant: 1000 });
  await world.coupon('THIRDS', { kind: 'PERCENT', percent: '33.333', maxRedemptionsPerTenant: 1000 });
  await world.coupon('FIXED', { kind: 'FIXED', amounts: amount('12.34'), maxRedemptionsPerTenant: 1000 });
  await world.coupon('SCALED', { kind: 'FIXED', amounts: amount('25'), scaled: true, maxRedemptionsPerTenant: 1000 });
  await world.coupon('RUNNING', {
    ...{ kind: 'PERCENT', percent: '15', duration: 'REPEATING', durationPeriods: 3, maxRedemptionsPerTenant: 1000 },
  });
  return world;
}

/** What was sold, previewed and changed in one lane; each case goes on where the last one ended. */
async function walk(tenant: TenantOfWorld, cases: readonly Case[], count: (outcome: string) => void): Promise<void> {
  let now = Date.parse('2026-01-31T15:30:00Z');
  await tenant.start('solo', { quantity: 2 });
  for (const { minutes, addon, coupon, change } of cases) {
    now += minutes * 60_000;
    await tenant.advance(new Date(now).toISOString());
    if (addon) await tenant.subscribe(addon, { quantity: 1 + (minutes % 3) });
    if (coupon) await tenant.apply(coupon);
    const preview = await tenant.preview(change);
    const changed = await tenant.change(change);
    if (preview.code || changed.code) {
      expect(changed.code).toBe(preview.code);
      count(preview.code);
      continue;
    }
    expect(changed.net).toEqual(preview.net);
    const documents = [changed.invoice, changed.creditNote].filter(Boolean);
    if (change.waived) {
      expect(documents).toEqual([]);
      count('waived');
      continue;
    }
    const net = cents(preview.net);
    if (net > 0n) {
      const invoice: Document = changed.invoice;
      expect(amounts(invoice.lines)).toEqual(amounts(preview.lines));
      expect(cents(invoice.total)).toBe(net);
      expect(invoice.creditApplied).toMatchObject(preview.creditApplied);
      expect(invoice.amountDue).toMatchObject(preview.amountDue);
      count('charged');
    } else {
      expect(changed.invoice).toBeNull();
      const credited = changed.creditNote ? cents(changed.creditNote.total) : 0n;
      expect(credited).toBe(change.settlement === 'NONE' ? 0n : -net);
      count(net < 0n ? 'credited' : 'even');
    }
  }
}

test(`${lanes * tenantsOfLane * casesOfTenant} random changes: the preview's lines are the invoice's, to the cent (seed ${seed})`, async () => {
  const world = await sellingWorld();
  const outcomes = new Map<string, number>();
  const count = (outcome: string) => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  const lane = async (number: number) => {
    for (let index = 0; index < tenantsOfLane; index += 1) {
      const cases = fc.sample(oneCase, { numRuns: casesOfTenant, seed: seed + number * tenantsOfLane + index });
      await walk(await world.tenant('2026-01-31T15:30:00Z'), cases, count);
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: lanes }, (_, number) => lane(number)));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  // The cases are worth something only if they end in every way.
  for (const outcome of ['charged', 'credited', 'waived']) expect(outcomes.get(outcome)).toBeGreaterThan(50);
}, 400_000);

/** How many rows each table has, and the newest transaction that wrote one: any write that stayed changes one of them. */
async function rowsOf({ database }: TestGateway): Promise<string> {
  const tables = await database.asOwner<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  );
  const states = tables.map(
    ({ name }) => `select '${name}' as name, count(*) as rows, max(xmin::text::bigint) as newest from ${name}`,
  );
  return JSON.stringify(await database.asOwner(`${states.join(' union all ')} order by 1`), undefined, 1);
}

test('a preview, a dry run and a check write no row', async () => {
  const world = await sellingWorld();
  await world.feature('reports', 'BOOLEAN');
  const tenant = await world.tenant('2026-01-31T15:30:00Z');
  await tenant.start('solo', { quantity: 2 });
  await tenant.advance('2026-02-10T00:00:00Z');
  await tenant.apply('RUNNING');
  const before = await rowsOf(gateway);
  for (const change of fc.sample(oneCase, { numRuns: 25, seed }).map((one) => one.change)) {
    await tenant.preview(change);
    await tenant.change(change, { dryRun: true });
  }
  await tenant.check('reports');
  expect(await rowsOf(gateway)).toBe(before);
  await tenant.change({ plan: 'duo' });
  expect(await rowsOf(gateway)).not.toBe(before);
});
