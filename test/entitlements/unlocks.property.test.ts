import fc from 'fast-check';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';
import { type Any, centsOf, take, textOf } from './taking-offers';

/*
 * Random small catalogs and tenants. Whatever is offered is accepted at its price, and the check then allows; and where one
 * add-on, one quantity, one plan, or a plan with one add-on would do, nothing cheaper than what is offered would. What would
 * do is found here by asking for the preview of everything. A failure is shrunk, and prints its seed:
 * SEED=<seed> npx jest test/entitlements/unlocks.property; SEQUENCES=<how many> for more.
 */
const seed = Number(process.env.SEED ?? 20_261_130);
const runs = Number(process.env.SEQUENCES ?? 8);
/** In the long form each offer is taken, by a tenant of its own; else one of them is, and the others are rehearsed. */
const isLong = process.env.SEQUENCES !== undefined;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const cents = (amount: number) => (amount / 100).toFixed(2);
const reset = fc.constantFrom('MONTH', 'MONTH', 'MONTH', 'DAY');
const given = fc.record({ limit: fc.constantFrom(0, 5, 30, 60, 100), reset, track: fc.boolean() });
const story = fc.record({
  plans: fc.array(
    fc.record({
      rank: fc.integer({ min: 0, max: 3 }),
      price: fc.integer({ min: 0, max: 20_000 }),
      gives: fc.option(given),
      includes: fc.integer({ min: -4, max: 3 }),
    }),
    { minLength: 2, maxLength: 4 },
  ),
  addons: fc.array(
    fc.record({
      price: fc.integer({ min: 1, max: 9_000 }),
      minimum: fc.option(fc.integer({ min: 0, max: 3 })),
      gives: given,
      requires: fc.integer({ min: -4, max: 3 }),
      overage: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  feature: fc.constantFrom('calls', 'calls', 'track'),
  used: fc.integer({ min: 0, max: 12 }),
  quantity: fc.integer({ min: 30, max: 120 }),
  day: fc.integer({ min: 1, max: 30 }),
  attached: fc.option(fc.record({ addon: fc.integer({ min: 0, max: 3 }), quantity: fc.integer({ min: 1, max: 2 }) })),
  before: fc.constantFrom('nothing', 'nothing', 'nothing', 'nothing', 'ending', 'waiting', 'no subscription'),
  paid: fc.boolean(),
  taxed: fc.boolean(),
  take: fc.nat(),
});
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

const featuresOf = (
  { limit, reset: resetPeriod, track }: { limit: number; reset: string; track: boolean },
  extra = {},
) => [
  ...(limit > 0 ? [{ feature: 'calls', limit: String(limit), resetPeriod, ...extra }] : []),
  ...(track ? [{ feature: 'track' }] : []),
];

/** What the partner sells; what it may not sell it does not. */
async function sell({ plans, addons, taxed, paid }: Story): Promise<World> {
  const world = await World.create(gateway, { paysAtOnce: paid });
  const { partnerId } = world;
  if (taxed) {
    await world.act(
      'setPartnerBillingDetails',
      { partnerId, legalName: 'Seller', address: ['1'], country: 'DE' },
      '__typename',
    );
    await world.act(
      'createTaxRate',
      { partnerId, country: 'DE', name: 'VAT', percent: '19', validFrom: '2020-01-01' },
      '__typename',
    );
  }
  await world.feature('calls');
  await world.feature('track', 'BOOLEAN');
  const tolerated = (made: Promise<void>) => made.catch(() => undefined);
  await world.plan({ code: 'floor', rank: 0, month: '0' });
  for (const [rank] of [0, 1, 2, 3].entries()) await world.plan({ code: `rank${rank}`, rank, month: '500' });
  for (const [index, { price, minimum, gives, requires, overage }] of addons.entries()) {
    const usagePrices = [{ currency: 'USD', overage: { kind: 'PER_UNIT', amount: '0.01' } }];
    await tolerated(
      world.addon(`addon${index}`, cents(price), {
        features: featuresOf(gives, overage ? { usagePrices } : {}),
        ...(minimum === null ? {} : { minimumPlan: `rank${minimum}` }),
        ...(requires >= 0 && requires < index ? { requires: [`addon${requires}`] } : {}),
      }),
    );
  }
  for (const [index, { price, rank, gives, includes }] of plans.entries()) {
    const includedAddons = includes >= 0 && includes < addons.length ? [`addon${includes}`] : [];
    const plan = { code: `plan${index}`, rank, month: cents(price) };
    await tolerated(world.plan({ ...plan, includedAddons, features: gives ? featuresOf(gives) : [] }));
  }
  return world;
}

async function live(world: World, { used, attached, before, day, addons }: Story): Promise<TenantOfWorld> {
  const tenant = await world.tenant(`2026-01-${String(day).padStart(2, '0')}T12:00:00Z`);
  if (before === 'no subscription') return tenant;
  const started = await tenant.start('plan0', { startAt: '2026-01-01T00:00:00Z' });
  if (started.code) await tenant.start('floor', { startAt: '2026-01-01T00:00:00Z' });
  if (attached) await tenant.subscribe(`addon${attached.addon % addons.length}`, { quantity: attached.quantity });
  if (used > 0) await tenant.use('calls', used, '2026-01-01T06:00:00Z');
  if (before === 'ending') await tenant.cancel({ when: 'PERIOD_END' });
  if (before === 'waiting') await tenant.change({ plan: 'plan1', effective: 'PERIOD_END' });
  return tenant;
}

const asked = ({ feature, quantity }: Story) => (feature === 'calls' ? `, quantity: "${quantity}"` : '');

/** What the preview of an act says of the feature afterwards: would the check allow? `undefined`: it is refused. */
async function wouldDo(tenant: TenantOfWorld, change: object, { feature, quantity }: Story, check: Any) {
  const preview = await tenant.preview(change);
  if (preview.code) return undefined;
  const difference = preview.differences.find((one: Any) => one.feature.code === feature);
  const total = Math.round(Number(preview.total.amount) * 100);
  if (feature === 'track') return { total, allows: difference?.change === 'GAINED' };
  // Where nothing counted before, what was used shows only then: such offers are taken, not searched for.
  if (check.reason === 'NOT_ENTITLED') return { total, allows: false };
  const limit = Number(/^(\d+)/.exec(difference?.after ?? '')?.[1] ?? check.limit);
  const sameWindow = difference?.after
    ? difference.after.includes('month') === difference.before?.includes('month')
    : true;
  return { total, allows: sameWindow && limit - Number(check.used) >= quantity };
}

/** The least that one add-on in some quantity, one plan, or both would cost. */
async function cheapest(tenant: TenantOfWorld, one: Story, check: Any): Promise<number | undefined> {
  const found: number[] = [];
  const attached = one.attached ? `addon${one.attached.addon % one.addons.length}` : undefined;
  for (const plan of [undefined, 'floor', ...one.plans.map((_, index) => `plan${index}`)]) {
    const alone = plan ? await wouldDo(tenant, { plan }, one, check) : undefined;
    if (alone?.allows) found.push(alone.total);
    if (plan && !alone) continue;
    for (const index of one.addons.keys()) {
      const code = `addon${index}`;
      const first = code === attached ? (one.attached?.quantity ?? 0) + 1 : 1;
      for (let quantity = first; quantity < first + 5; quantity += 1) {
        const tried = await wouldDo(
          tenant,
          { ...(plan ? { plan } : {}), addons: [{ addon: code, quantity }] },
          one,
          check,
        );
        if (tried?.allows) found.push(tried.total);
        if (!tried || tried.allows) break;
      }
    }
  }
  return found.length > 0 ? Math.min(...found) : undefined;
}

test(
  `what is offered is accepted and helps, and nothing cheaper would (${runs} worlds, seed ${seed})`,
  async () => {
    const seen = new Map<string, number>();
    const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
    await fc.assert(
      fc.asyncProperty(story, async (one) => {
        const world = await sell(one);
        const tenant = await live(world, one);
        const check = await tenant.check(one.feature, asked(one));
        if (check.allowed) {
          count('allowed');
          return;
        }
        const { unlocks } = check;
        const prices = unlocks.map(centsOf);
        expect([...prices].sort((a, b) => a - b)).toEqual(prices);
        if (one.before !== 'no subscription') {
          const least = await cheapest(tenant, one, check);
          if (least !== undefined) {
            count('searched');
            expect(prices[0] ?? `nothing is offered, ${least} would do`).toBeLessThanOrEqual(least);
          }
        }
        if (unlocks.length === 0) count('no way out');
        const taken = isLong || unlocks.length === 0 ? unlocks.keys() : [one.take % unlocks.length];
        for (const index of taken) {
          const buyer = await live(world, one);
          const offer = (await buyer.check(one.feature, asked(one))).unlocks[index];
          const charged = await take(world, buyer, offer);
          expect(`${textOf(offer)} for ${charged}`).toBe(`${textOf(offer)} for ${centsOf(offer)}`);
          expect([textOf(offer), await buyer.check(one.feature, asked(one))]).toMatchObject([
            textOf(offer),
            { allowed: true },
          ]);
          count(offer.kind);
        }
      }),
      { numRuns: runs, seed, endOnFailure: !isLong },
    );
    process.stdout.write(`unlocks: ${JSON.stringify(Object.fromEntries([...seen].sort()))}\n`);
  },
  Math.max(120_000, runs * 20_000),
);
