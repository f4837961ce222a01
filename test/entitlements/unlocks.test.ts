import { Payer } from '../payments/support';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';
import { type Any, centsOf, take, textOf } from './taking-offers';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const monthly = (limit: string, extra: object = {}) => ({
  features: [{ feature: 'calls', limit, resetPeriod: 'MONTH', ...extra }],
});
const january = '2026-01-01T00:00:00Z';
/** 16 of 31 days are left. */
const the16th = '2026-01-16T00:00:00Z';

async function selling(options: { paysAtOnce?: boolean } = { paysAtOnce: true }): Promise<World> {
  const world = await World.create(gateway, options);
  await world.feature('calls');
  await world.feature('track', 'BOOLEAN');
  await world.plan({ code: 'starter', rank: 10, month: '20', ...monthly('100') });
  return world;
}

async function started(world: World, plan = 'starter'): Promise<TenantOfWorld> {
  const tenant = await world.tenant(the16th);
  await tenant.start(plan, { startAt: january });
  return tenant;
}

async function offers(tenant: TenantOfWorld, feature = 'calls', quantity?: number): Promise<Any[]> {
  const { allowed, unlocks } = await tenant.check(feature, quantity ? `, quantity: "${quantity}"` : '');
  expect(allowed).toBe(false);
  return unlocks;
}
const texts = async (...asked: Parameters<typeof offers>) => (await offers(...asked)).map(textOf);

/** Each offer by itself, for a tenant of its own, is accepted at its price, and the check then allows. */
async function allHold(
  world: World,
  asked: { feature?: string; quantity?: number; prepare?: (tenant: TenantOfWorld) => Promise<unknown> },
) {
  const { feature = 'calls', quantity, prepare } = asked;
  const count = await (async () => {
    const tenant = await started(world);
    await prepare?.(tenant);
    return (await offers(tenant, feature, quantity)).length;
  })();
  for (let index = 0; index < count; index += 1) {
    const tenant = await started(world);
    await prepare?.(tenant);
    const offer = (await offers(tenant, feature, quantity))[index];
    expect(`${textOf(offer)}: ${await take(world, tenant, offer)}`).toBe(`${textOf(offer)}: ${centsOf(offer)}`);
    expect(await tenant.check(feature, quantity ? `, quantity: "${quantity}"` : '')).toMatchObject({ allowed: true });
  }
}

describe('what would be refused is not offered', () => {
  test('an add-on whose limit starts over at another time', async () => {
    const world = await selling();
    await world.addon('a_day', '1', { features: [{ feature: 'calls', limit: '500', resetPeriod: 'DAY' }] });
    await world.addon('a_month', '31', monthly('500'));
    const tenant = await started(world);
    // 31.00 × 16/31; a day of 500 for 1.00 would be refused.
    expect(await texts(tenant, 'calls', 400)).toEqual(['ADDON a_month 16.00']);
    expect(await tenant.subscribe('a_day')).toMatchObject({ code: 'RESET_PERIOD_MISMATCH' });
  });

  test('an add-on without what it requires: it is offered with it, where that is sold', async () => {
    const world = await selling();
    await world.addon('base', '31');
    await world.addon('lost', '31');
    await world.addon('on_base', '62', { requires: ['base'], features: [{ feature: 'track' }] });
    await world.addon('on_lost', '1', { requires: ['lost'], features: [{ feature: 'track' }] });
    await world.act('archiveAddon', { partnerId: world.partnerId, addon: 'lost' }, 'addon { id }');
    const tenant = await started(world);
    // (31.00 + 62.00) × 16/31.
    expect(await texts(tenant, 'track')).toEqual(['ADDON base+on_base 48.00']);
    await allHold(world, { feature: 'track' });
  });

  test('anything for a subscription that is cancelled to a date', async () => {
    const world = await selling();
    await world.addon('big', '31', monthly('500'));
    await world.plan({ code: 'growth', rank: 20, month: '51', ...monthly('900') });
    const tenant = await started(world);
    expect(await texts(tenant, 'calls', 400)).toEqual(['ADDON big 16.00', 'PLAN growth 16.00']); // (51 − 20) × 16/31
    await tenant.cancel({ when: 'PERIOD_END' });
    expect(await texts(tenant, 'calls', 400)).toEqual([]);
    expect(await tenant.subscribe('big')).toMatchObject({ code: 'SUBSCRIPTION_ENDING' });
  });

  test('an add-on that a waiting downgrade would end, and another plan while that waits', async () => {
    const world = await selling();
    await world.plan({ code: 'free', rank: 0, month: '0' });
    await world.plan({ code: 'growth', rank: 20, month: '51', features: [{ feature: 'track' }] });
    await world.addon('track', '31', { minimumPlan: 'starter', features: [{ feature: 'track' }] });
    await world.addon('track_any', '62', { features: [{ feature: 'track' }] });
    const tenant = await started(world);
    await tenant.change({ plan: 'free', effective: 'PERIOD_END' });
    // 62.00 × 16/31.
    expect(await texts(tenant, 'track')).toEqual(['ADDON track_any 32.00']);
    expect(await tenant.subscribe('track')).toMatchObject({ code: 'ADDON_NOT_AVAILABLE_WITH_PLAN' });
  });
});

describe('what would not help is not offered, and what would is', () => {
  test('enough units of an add-on that is too small, by one unit exactly', async () => {
    const world = await selling();
    await world.addon('pack', '3.10', monthly('5'));
    await world.plan({ code: 'growth', rank: 20, month: '51', ...monthly('499') });
    const tenant = await started(world);
    await tenant.use('calls', 1, '2026-01-10T00:00:00Z');
    // 99 are left: 301 more are 61 packs of 5. 3.10 × 61 × 16/31 = 97.60. Growth leaves 498: (51 − 20) × 16/31.
    expect(await texts(tenant, 'calls', 400)).toEqual(['PLAN growth 16.00', 'ADDON pack×61 97.60']);
    expect(await texts(tenant, 'calls', 499)).not.toContain('PLAN growth 16.00');
    await allHold(world, { quantity: 400 });
  });

  test('more of an add-on that is attached, at the price that it was bought at', async () => {
    const world = await selling();
    await world.addon('pack', '3.10', monthly('50'));
    const tenant = await started(world);
    await tenant.subscribe('pack', { quantity: 2 });
    await world.act(
      'updateAddon',
      {
        partnerId: world.partnerId,
        addon: 'pack',
        prices: [{ interval: 'MONTH', price: { amount: '310', currency: 'USD' } }],
      },
      'addon { id }',
    );
    // 200 of them are there; 400 take 4 packs more: 3.10 × 4 × 16/31 = 6.40. Each full period 6 × 3.10.
    const [offer] = await offers(tenant, 'calls', 400);
    expect(textOf(offer)).toBe('MORE_UNITS pack×6 6.40');
    expect(offer).toMatchObject({
      recurring: { amount: '18.60' },
      toPlan: null,
      addons: [{ addonSubscriptionId: expect.stringMatching(/^addonsub_/) }],
      lines: [
        { kind: 'PRORATION_CREDIT' },
        { kind: 'PRORATION_CHARGE', explanation: { sentence: expect.any(String) } },
      ],
    });
    expect(await take(world, tenant, offer)).toBe(640);
    expect(await tenant.check('calls', ', quantity: "400"')).toMatchObject({ allowed: true, limit: '400' });
  });

  test('a plan with an add-on in one act, where only a far dearer plan was offered', async () => {
    const world = await selling();
    await world.plan({ code: 'growth', rank: 20, month: '70', ...monthly('200') });
    await world.plan({ code: 'enterprise', rank: 40, month: '450.25', includesAllAddons: true, ...monthly('900') });
    await world.addon('track', '62.32', { minimumPlan: 'growth', features: [{ feature: 'track' }] });
    const tenant = await started(world);
    const [both, plan, ...none] = await offers(tenant, 'track');
    // (70.00 − 20.00) × 16/31 = 36.13 − 10.32, and 62.32 × 16/31 = 32.17: 57.98, to the cent by lines.
    expect(textOf(both)).toBe('PLAN_WITH_ADDON growth+track 57.98');
    expect(both).toMatchObject({ recurring: { amount: '132.32' } });
    // 450.25 × 16/31 = 232.39 − 10.32.
    expect(textOf(plan)).toBe('PLAN enterprise 222.07');
    expect(none).toEqual([]);
    expect(both.differences).toContainEqual({ feature: { code: 'track' }, change: 'GAINED' });
    await allHold(world, { feature: 'track' });
  });

  test('a plan of which the limit is not enough alone, with more of what goes on under it', async () => {
    const world = await selling();
    await world.addon('pack', '31', monthly('10', {}));
    await world.plan({ code: 'growth', rank: 20, month: '51', ...monthly('350') });
    const tenant = await started(world);
    await tenant.subscribe('pack');
    // 400 of 350 + 10: 4 packs more at 16.00; the plan is 16.00 more.
    expect(await texts(tenant, 'calls', 400)).toEqual([
      'PLAN_WITH_ADDON growth+pack×5 80.00',
      'MORE_UNITS pack×30 464.00',
    ]);
    await allHold(world, { quantity: 400, prepare: (one) => one.subscribe('pack') });
  });

  test('units beyond the limit may be for sale: one is enough', async () => {
    const world = await selling();
    const usagePrices = [{ currency: 'USD', overage: { kind: 'PER_UNIT', amount: '0.01' } }];
    await world.addon('metered', '31', monthly('1', { usagePrices }));
    const tenant = await started(world);
    expect(await texts(tenant, 'calls', 5000)).toEqual(['ADDON metered 16.00']);
    await allHold(world, { quantity: 5000 });
  });

  test('a plan that is sold by the year only: its period begins anew, and so does the count', async () => {
    const world = await selling();
    await world.plan({ code: 'yearly', rank: 20, year: '365', ...monthly('100') });
    const tenant = await started(world);
    await tenant.use('calls', 90, '2026-01-10T00:00:00Z');
    const [offer] = await offers(tenant, 'calls', 50);
    expect(offer).toMatchObject({ kind: 'PLAN', toPlan: { code: 'yearly' }, interval: 'YEAR' });
    expect(await take(world, tenant, offer)).toBe(centsOf(offer));
    expect(await tenant.check('calls', ', quantity: "50"')).toMatchObject({ allowed: true, used: '0' });
  });

  test('nothing for the past, and nothing that no number of units would do', async () => {
    const world = await selling();
    await world.addon('none', '1', monthly('0'));
    await world.addon('pack', '3.10', monthly('5'));
    const tenant = await started(world);
    expect((await tenant.check('calls', ', quantity: "400", asOf: "2026-01-05T00:00:00Z"')).unlocks).toEqual([]);
    expect((await tenant.check('calls', ', quantity: "99999999999999"')).unlocks).toEqual([]);
    expect((await tenant.check('calls', ', quantity: "5000000000"')).unlocks).toMatchObject([{ kind: 'ADDON' }]);
  });
});

test('without a subscription: plans to start with, at the price that the first invoice has, or after their trial', async () => {
  const world = await selling();
  await world.plan({ code: 'tried', rank: 20, month: '51', trialDays: 14, ...monthly('900') });
  const { partnerId } = world;
  const party = { legalName: 'Seller', address: ['1 Street'], country: 'DE' };
  await world.act('setPartnerBillingDetails', { partnerId, ...party }, '__typename');
  const rate = { partnerId, country: 'DE', name: 'VAT', percent: '19', validFrom: '2020-01-01' };
  await world.act('createTaxRate', rate, 'taxRate { id }');
  const tenant = await world.tenant(the16th);
  const [trial, whole, ...none] = await offers(tenant, 'calls', 50);
  // 20.00 and 19 % of it.
  expect([trial, whole].map(textOf)).toEqual(['PLAN tried 0.00', 'PLAN starter 23.80']);
  expect(trial).toMatchObject({
    __typename: 'StartUnlock',
    trialEnd: '2026-01-30T00:00:00.000Z',
    recurring: { amount: '51.00' },
  });
  expect(none).toEqual([]);
  // The quote is for a start with the trial.
  expect(
    await world.act(
      'startSubscription',
      { tenantId: tenant.id, plan: 'tried', trialDays: 0 },
      '__typename',
      `, quote: ${JSON.stringify(trial.quote.token)}`,
    ),
  ).toMatchObject({ code: 'QUOTE_INVALID' });
  expect(await take(world, tenant, whole)).toBe(2_380);
  expect(await tenant.check('calls', ', quantity: "50"')).toMatchObject({ allowed: true });
  expect(await take(world, tenant, trial)).toBe('ALREADY_SUBSCRIBED');
});

describe('a tenant that is locked out for its debts', () => {
  async function debtor() {
    const world = await selling({});
    await world.addon('track', '31', { features: [{ feature: 'track' }] });
    await world.addon('big', '31', monthly('5000'));
    const policy = { retryDays: [3], graceDays: 7, finalAction: 'UNPAID' };
    await world.act('setDunningPolicy', { partnerId: world.partnerId, ...policy }, 'policy { version }');
    const tenant = await world.tenant(january);
    const payer = new Payer({ world, tenant, gateway, uuid: tenant.id });
    await payer.addMethod('card_declined');
    await tenant.start('starter');
    await tenant.advance('2026-02-20T00:00:00Z');
    return { world, tenant, payer };
  }

  test('pays what is due, oldest first; nothing that hangs on the subscription is sold to it', async () => {
    const { world, tenant, payer } = await debtor();
    await payer.addMethod('card_ok');
    const check = await tenant.check('calls');
    expect(check).toMatchObject({ allowed: false, reason: 'PAYMENT_REQUIRED' });
    const [pay, ...none] = check.unlocks;
    // January and February.
    expect(pay).toMatchObject({
      kind: 'PAYMENT',
      dueNow: { amount: '40.00' },
      invoices: [{ amountDue: { amount: '20.00' } }, { amountDue: { amount: '20.00' } }],
    });
    expect(none).toEqual([]);
    expect(await take(world, tenant, pay)).toBe(4_000);
    expect(await tenant.check('calls')).toMatchObject({ allowed: true });
  });

  test('is told so only where paying would do', async () => {
    const { tenant } = await debtor();
    expect(await tenant.check('track')).toMatchObject({ reason: 'NOT_ENTITLED', unlocks: [] });
    expect(await tenant.check('calls', ', quantity: "500"')).toMatchObject({ allowed: false, unlocks: [] });
    // Within the grace it was allowed, and before it is no debt.
    expect(await tenant.check('calls', ', asOf: "2026-01-05T00:00:00Z"')).toMatchObject({ allowed: true });
  });

  test('a grant that is used up does not hide it', async () => {
    const { world, tenant } = await debtor();
    const grant = { feature: 'calls', limit: '1', resetPeriod: 'MONTH', reason: 'goodwill' };
    await world.act('grantEntitlement', { tenantId: tenant.id, ...grant }, 'grant { id }');
    expect(await tenant.check('calls')).toMatchObject({ allowed: true });
    expect(await tenant.check('calls', ', quantity: "50"')).toMatchObject({ reason: 'PAYMENT_REQUIRED' });
  });
});

test('a check with offers asks a bounded number of statements, however much is on sale', async () => {
  const world = await selling();
  const grow = async (from: number, to: number) => {
    for (let index = from; index < to; index += 1) {
      await world.addon(`big${index}`, '32', monthly('500'));
      await world.plan({ code: `plan${index}`, rank: 20, month: '51', ...monthly('200') });
    }
  };
  await grow(0, 1);
  const tenant = await started(world);
  const count = async () => {
    await tenant.check('calls', ', quantity: "400"');
    gateway.statements();
    await tenant.check('calls', ', quantity: "400"');
    return gateway.statements().length;
  };
  const one = await count();
  await grow(1, 9);
  const nine = await count();
  await grow(9, 14);
  // A job may ask something in between; one statement for each of ten more things on sale would be ten.
  expect(Math.abs((await count()) - nine)).toBeLessThan(5);
  process.stdout.write(
    `statements of a check with offers: ${one} with an add-on and a plan more, ${nine} with nine or fourteen\n`,
  );
  expect(nine).toBeLessThan(150);
});
