import fc from 'fast-check';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type Document, type TenantOfWorld, World } from '../support/world';

/** `TOLLGATE_SEED=…` replays a run; it is printed with what failed. */
const seed = Number(process.env.TOLLGATE_SEED ?? Date.now() % 2 ** 31);
const lanes = 6;
const tenantsOfLane = 2;
const periodsOfTenant = 8;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const tier = (upTo: string | undefined, unitPrice: string, flat?: string) => ({ upTo, unitPrice, flat });
const models = {
  flat: { kind: 'FLAT', amount: '2.50' },
  inAdvance: { kind: 'FLAT', amount: '1.75', timing: 'IN_ADVANCE' },
  perUnit: { kind: 'PER_UNIT', amount: '0.0033' },
  graduated: {
    kind: 'GRADUATED',
    tiers: [tier('50', '0.10'), tier('200', '0.07', '1'), tier(undefined, '0.015', '3')],
  },
  volume: { kind: 'VOLUME', tiers: [tier('80', '0.09'), tier(undefined, '0.04', '0.5')] },
  packages: { kind: 'PACKAGE', amount: '1.99', packageSize: '25' },
  percentage: { kind: 'PERCENTAGE', percent: '1.7', fixedFee: '0.10', maximum: '4' },
} as const;

/** Features with windows shorter than a period, as long and longer; every price model, within limits and beyond. */
async function sellingWorld(): Promise<World> {
  const world = await World.create(gateway, { currency: 'USD', timeZone: 'America/New_York' });
  for (const code of ['calls', 'tokens', 'mails']) await world.feature(code);
  const gives = (feature: string, resetPeriod: string, limit: string, inside?: object, overage?: object) => ({
    ...{ feature, resetPeriod, limit },
    usagePrices: [{ currency: 'USD', inside, overage: overage ?? models.perUnit }],
  });
  const { flat, inAdvance, perUnit, graduated, volume, packages, percentage } = models;
  await world.plan({
    ...{ code: 'solo', rank: 10, month: '19' },
    features: [
      gives('calls', 'MONTH', '100', perUnit, graduated),
      gives('tokens', 'WEEK', '40', flat, volume),
      gives('mails', 'YEAR', '300', graduated, packages),
    ],
  });
  await world.plan({
    ...{ code: 'duo', rank: 20, month: '33.33' },
    features: [
      gives('calls', 'MONTH', '150', inAdvance, packages),
      gives('tokens', 'WEEK', '0', undefined, graduated),
      gives('mails', 'YEAR', '200', volume, percentage),
    ],
  });
  await world.addon('extra', '7.77', { features: [gives('calls', 'MONTH', '60', percentage, volume)] });
  await world.addon('weekly', '3.10', { features: [gives('tokens', 'WEEK', '25', packages)] });
  const amounts = [{ amount: '12.34', currency: 'USD' }];
  await world.coupon('FIXED', { kind: 'FIXED', amounts, maxRedemptionsPerTenant: 1000 });
  const running = { kind: 'PERCENT', percent: '33.333', duration: 'REPEATING', durationPeriods: 2 };
  await world.coupon('RUNNING', { ...running, maxRedemptionsPerTenant: 1000 });
  return world;
}

const usage = fc.record({
  feature: fc.constantFrom('calls', 'tokens', 'mails'),
  quantity: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 60, max: 260 })),
  /** Of the time that has passed in the period; below zero it belongs to the one before. */
  share: fc.integer({ min: -30, max: 100 }),
});
const onePeriod = fc.record({
  usage: fc.array(usage, { maxLength: 4 }),
  day: fc.integer({ min: 1, max: 24 }),
  act: fc.constantFrom(
    'none',
    'none',
    'extra',
    'weekly',
    'later extra',
    'drop',
    'change',
    'schedule',
    'FIXED',
    'RUNNING',
  ),
  more: fc.array(usage, { maxLength: 3 }),
});
type OnePeriod = typeof onePeriod extends fc.Arbitrary<infer Value> ? Value : never;

const dayLength = 86_400_000;
const stampOf = (at: number) => new Date(at).toISOString();

async function live(tenant: TenantOfWorld, act: string, plan: string): Promise<string> {
  switch (act) {
    case 'extra':
    case 'weekly':
      await tenant.subscribe(act);
      return plan;
    case 'later extra':
      await tenant.subscribe('extra', { charge: 'NEXT_INVOICE' });
      return plan;
    case 'drop': {
      const { addonSubscription } = await tenant.subscribe('extra');
      await tenant.cancelAddon(addonSubscription.id, { when: 'NOW' });
      return plan;
    }
    case 'change':
    case 'schedule': {
      const target = plan === 'solo' ? 'duo' : 'solo';
      const changed = await tenant.change({ plan: target, effective: act === 'change' ? 'NOW' : 'PERIOD_END' });
      expect(changed.code).toBeUndefined();
      return target;
    }
    case 'FIXED':
    case 'RUNNING':
      await tenant.apply(act);
      return plan;
    default:
      return plan;
  }
}

/** A year of a tenant: something happens in each period, the next invoice is foretold, and issued. */
async function year(
  tenant: TenantOfWorld,
  periods: readonly OnePeriod[],
  count: (kind: string) => void,
): Promise<void> {
  const { subscription } = await tenant.start('solo');
  let { start, end } = {
    start: Date.parse(subscription.currentPeriod.start),
    end: Date.parse(subscription.currentPeriod.end),
  };
  let plan = 'solo';
  for (const { usage: before, day, act, more } of periods) {
    const now = start + day * dayLength;
    const record = async (events: OnePeriod['usage']) => {
      for (const { feature, quantity, share } of events) {
        await tenant.use(feature, quantity, stampOf(start + Math.trunc(((now - start) * share) / 100)));
      }
    };
    await tenant.advance(stampOf(now));
    await record(before);
    plan = await live(tenant, act, plan);
    await record(more);
    const upcoming = await tenant.upcoming();
    expect(upcoming.dueAt).toBe(stampOf(end));
    const { invoices } = await tenant.advance(stampOf(end));
    const invoice: Document & { period: { start: string; end: string } } = invoices[0];
    expect(linesOf(invoice)).toEqual(linesOf(upcoming));
    expect(amountsOf(invoice)).toEqual(amountsOf(upcoming));
    for (const { kind, description } of invoice.lines) count(description.startsWith('Late') ? `late ${kind}` : kind);
    ({ start, end } = { start: Date.parse(invoice.period.start), end: Date.parse(invoice.period.end) });
  }
}

const linesOf = ({ lines }: Document) =>
  lines.map(({ kind, description, amount }) => `${kind} ${amount.amount} ${description}`);
const amountsOf = ({ total, creditApplied, amountDue }: Document) =>
  [total, creditApplied, amountDue].map(({ amount }) => amount);

test(`${lanes * tenantsOfLane * periodsOfTenant} random periods: the upcoming invoice is the invoice, line by line, to the cent (seed ${seed})`, async () => {
  const world = await sellingWorld();
  const kinds = new Map<string, number>();
  const count = (kind: string) => void kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const lane = async (number: number) => {
    for (let index = 0; index < tenantsOfLane; index += 1) {
      const periods = fc.sample(onePeriod, { numRuns: periodsOfTenant, seed: seed + number * tenantsOfLane + index });
      await year(await world.tenant('2026-01-31T15:30:00Z'), periods, count);
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: lanes }, (_, number) => lane(number)));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  // The periods are worth something only if they are billed in every way.
  for (const kind of [
    'PLAN_USAGE',
    'ADDON_USAGE',
    'OVERAGE',
    'DISCOUNT',
    'PRORATION_CHARGE',
    'late PLAN_USAGE',
    'late OVERAGE',
  ]) {
    expect(kinds.get(kind)).toBeGreaterThan(0);
  }
}, 120_000);
