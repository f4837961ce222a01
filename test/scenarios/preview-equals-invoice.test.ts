import fc from 'fast-check';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type Document, type TenantOfWorld, World } from '../support/world';

/** `TOLLGATE_SEED=…` replays a run; it is printed with what failed. `TENANTS=20` is a longer one. */
const seed = Number(process.env.TOLLGATE_SEED ?? Date.now() % 2 ** 31);
const lanes = 8;
const tenantsOfLane = Number(process.env.TENANTS ?? 2);
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
  /** Charged with the next invoice. */
  later: fc.boolean(),
  calls: fc.option(fc.integer({ min: 1, max: 300 }), { freq: 2 }),
  coupon: fc.option(fc.constantFrom('RUNNING', 'PERCENT', 'FIXED'), { freq: 3 }),
  change,
});
type Case = typeof oneCase extends fc.Arbitrary<infer Value> ? Value : never;

const cents = (amount: { amount: string }) => BigInt(amount.amount.replace('.', ''));
const amounts = (lines: readonly { kind: string; amount: { amount: string } }[]) =>
  lines.map(({ kind, amount }) => `${kind} ${amount.amount}`);

async function sellingWorld(): Promise<World> {
  const world = await World.create(gateway, { currency: 'USD', timeZone: 'America/New_York', paysAtOnce: true });
  await world.plan({ code: 'free', rank: 0, month: '0' });
  await world.feature('calls');
  const overage = { kind: 'PER_UNIT', amount: '0.033' };
  const features = [
    { feature: 'calls', limit: '50', resetPeriod: 'MONTH', usagePrices: [{ currency: 'USD', overage }] },
  ];
  await world.plan({ code: 'solo', rank: 10, month: '19', year: '199.99', features });
  await world.plan({ code: 'duo', rank: 20, month: '33.33', year: '350', prorationBasis: 'SECOND', features });
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
  for (const { minutes, addon, later, calls, coupon, change } of cases) {
    now += minutes * 60_000;
    await tenant.advance(new Date(now).toISOString());
    if (addon) {
      const charge = later ? 'NEXT_INVOICE' : 'NOW';
      await tenant.subscribe(addon, { quantity: 1 + (minutes % 3), charge });
    }
    if (calls) await tenant.use('calls', calls, new Date(now).toISOString());
    if (coupon) await tenant.apply(coupon);
    const preview = await tenant.preview(change);
    const changed = await tenant.change(change);
    if (preview.code || changed.code) {
      expect(changed.code).toBe(preview.code);
      count(preview.code);
      continue;
    }
    expect(changed.net).toEqual(preview.net);
    // Every document that was made is the one that was foretold, and their sum is the quote.
    const invoices: Document[] = changed.invoices;
    const creditNotes: Document[] = changed.creditNotes;
    expect(invoices.map(foretold)).toEqual(preview.documents.filter(isInvoice).map(foretold));
    expect(creditNotes.map(foretold)).toEqual(
      preview.documents
        .filter((one: Planned) => !isInvoice(one))
        .map(foretold)
        .map(turned),
    );
    const added = (values: readonly { amount: string }[]) => values.reduce((sum, value) => sum + cents(value), 0n);
    const made = added(invoices.map(({ total }) => total)) - added(creditNotes.map(({ total }) => total));
    expect(made).toBe(cents(preview.total));
    expect(added(invoices.map(({ amountDue }) => amountDue))).toBe(cents(preview.amountDue));
    expect(added(invoices.map(({ creditApplied }) => creditApplied))).toBe(cents(preview.creditApplied));
    const own = cents(preview.newCharge) - cents(preview.unusedCredit) - cents(preview.discount);
    expect(own + cents(preview.closing)).toBe(cents(preview.net));
    expect(added(preview.lines.map(({ amount }: { amount: { amount: string } }) => amount))).toBe(cents(preview.net));
    if (cents(preview.closing) > 0n) count('closing');
    if (change.waived) {
      expect(made).toBe(cents(preview.closing));
      count('waived');
    } else {
      expect(made).toBe(own < 0n && change.settlement === 'NONE' ? cents(preview.closing) : cents(preview.net));
      count(own > 0n ? 'charged' : own < 0n ? 'credited' : 'even');
    }
  }
}

type Planned = Pick<Document, 'total' | 'lines'> & { readonly kind: string };
const isInvoice = ({ kind }: Planned) => kind === 'INVOICE';
const foretold = ({ total, lines }: Pick<Document, 'total' | 'lines'>) => [total.amount, ...amounts(lines)];
/** As a credit note says it: in the tenant's favour. */
const turned = (texts: readonly string[]) =>
  texts.map((text) =>
    text.replace(/(-?)(\d[\d.]*)$/, (_, sign, digits) => `${sign || Number(digits) === 0 ? '' : '-'}${digits}`),
  );

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
  for (const outcome of ['charged', 'credited', 'waived', 'closing'])
    expect(outcomes.get(outcome)).toBeGreaterThan(8 * tenantsOfLane);
}, 400_000);

/** How many rows each table has, and the newest transaction that wrote one: any write that stayed changes one of them.
 * How much an actor has asked is counted all the same. */
async function rowsOf({ database }: TestGateway): Promise<string> {
  const tables = await database.asOwner<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema')
        and tablename <> 'request_budgets' order by 1`,
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
