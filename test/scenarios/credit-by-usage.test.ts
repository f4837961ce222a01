import { Client } from 'pg';
import { decodeId } from '../../src/core/ids';
import { recordUsage } from '../../src/usage/record-usage.command';
import { Payer } from '../payments/support';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const jan = (day: number, time = '00:00:00.000') => `2026-01-${String(day).padStart(2, '0')}T${time}Z`;
const of = (feature: string, limit: string, resetPeriod = 'MONTH', extra: object = {}) => ({
  ...{ feature, limit, resetPeriod },
  ...extra,
});

/** Plan a: 31.00 a month with 20 calls; b: 310.00 with 200; add-on x: 3.10 with 10 more. */
async function selling(): Promise<World> {
  const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
  for (const code of ['calls', 'exports', 'storage']) await world.feature(code);
  await world.plan({ code: 'a', rank: 1, month: '31.00', year: '365.00', features: [of('calls', '20')] });
  await world.plan({ code: 'b', rank: 2, month: '310.00', year: '3650.00', features: [of('calls', '200')] });
  await world.addon('x', '3.10', { features: [of('calls', '10')] }, '36.50');
  return world;
}

/** Started on 1 January, used at once; it is the 16th: 16 of 31 days are left. */
async function using(
  world: World,
  used: Readonly<Record<string, number>>,
  { plan = 'a', interval = 'MONTH' }: { plan?: string; interval?: string } = {},
): Promise<TenantOfWorld> {
  const tenant = await world.tenant(jan(1));
  await tenant.start(plan, { interval });
  for (const [feature, quantity] of Object.entries(used)) await tenant.use(feature, quantity, jan(1));
  await tenant.advance(jan(16));
  return tenant;
}

/** The lines of all that an act made. */
const linesOf = (answer: { invoices?: object[]; creditNotes?: object[] }): string[] =>
  [...(answer.invoices ?? []), ...(answer.creditNotes ?? [])].flatMap((document) => amountsOf(document as never));

/** A key of the tenant's own. */
async function keyOf(world: World, tenant: TenantOfWorld): Promise<{ readonly bearer: string }> {
  const input = { partnerId: world.partnerId, tenantId: tenant.id, live: false, name: 'k', scopes: ['READ', 'WRITE'] };
  const { secret } = await world.act('createApiKey', input, 'secret');
  return { bearer: secret };
}

/** From now on the tenant previews and changes by itself. */
async function byItself(world: World, tenant: TenantOfWorld): Promise<TenantOfWorld> {
  tenant.by = await keyOf(world, tenant);
  return tenant;
}

describe('an act that ends a window credits what is left of it', () => {
  test.each([
    [0, '16.00'], // 31.00 × 16/31
    [5, '16.00'], // 31.00 × min(16/31, 15/20)
    [18, '3.10'], // 31.00 × min(16/31, 2/20)
    [20, '0.00'],
    [25, '0.00'],
  ])('cancelled on 16 January with %i of 20 used: %s', async (used, credit) => {
    const tenant = await using(await selling(), { calls: used });
    const rehearsed = await tenant.cancel({ when: 'NOW' });
    expect(rehearsed.creditNote?.total.amount ?? '0.00').toBe(credit);
    expect(await tenant.balance()).toBe(credit);
  });

  test.each([
    [5, '16.00', '15.00'], // 31.00 − 16.00
    [18, '3.10', '27.90'], // 31.00 − 3.10
    [20, '0.00', '31.00'],
  ])('a new anchor with %i of 20 used: %s back, as previewed and quoted', async (used, credit, net) => {
    const tenant = await using(await selling(), { calls: used });
    const input = { plan: 'a', anchor: 'RESET' };
    const preview = await tenant.preview(input);
    expect(preview).toMatchObject({
      unusedCredit: { amount: credit },
      net: { amount: net },
      share: { remaining: '16' },
    });
    const rehearsed = await tenant.change(input, { dryRun: true });
    const changed = await tenant.change(input, { quote: preview.quote.token });
    expect([rehearsed.net.amount, changed.net.amount]).toEqual([net, net]);
    expect(changed.proration).toMatchObject({ unusedCredit: { amount: credit } });
    // What has begun anew is whole.
    expect(await tenant.check('calls')).toMatchObject({ used: '0', remaining: '20' });
  });

  test('a new anchor each day sells a month for a month, each time', async () => {
    const tenant = await (await selling()).tenant(jan(1));
    await tenant.start('a', { interval: 'MONTH' });
    for (const day of [2, 3, 4]) {
      await tenant.use('calls', 20, jan(day - 1));
      await tenant.advance(jan(day));
      expect((await tenant.change({ plan: 'a', anchor: 'RESET' })).net.amount).toBe('31.00'); // 31.00 − 0.00
    }
  });

  test('used, cancelled, started again on one day: nothing of it is free', async () => {
    const tenant = await (await selling()).tenant(jan(1));
    for (const hour of ['01', '02', '03']) {
      await tenant.start('a', { interval: 'MONTH' });
      await tenant.use('calls', 20, jan(1, `${hour === '01' ? '00' : hour}:00:00.000`));
      await tenant.cancel({ when: 'NOW' });
      expect(await tenant.balance()).toBe('0.00');
      await tenant.advance(jan(1, `${String(Number(hour) + 1).padStart(2, '0')}:00:00.000`));
    }
    expect(await tenant.spent()).toMatchObject({
      lines: [['PLAN_FIXED 31.00'], ['PLAN_FIXED 31.00'], ['PLAN_FIXED 31.00']],
    });
  });

  test('another interval', async () => {
    const tenant = await using(await selling(), { calls: 18 });
    const changed = await tenant.change({ plan: 'a', interval: 'YEAR' });
    // 365.00 − 31.00 × 2/20
    expect(linesOf({ invoices: [changed.invoice] })).toEqual(['PRORATION_CREDIT -3.10', 'PRORATION_CHARGE 365.00']);
  });

  test('the explanation says which share decided', async () => {
    const world = await selling();
    const explained = async (used: number) => {
      const tenant = await using(world, { calls: used });
      const { lines } = await tenant.preview({ plan: 'a', anchor: 'RESET' });
      return lines[0].explanation.sentence;
    };
    expect(await explained(0)).toBe('Unused time on a: 31.00 EUR × 1 × 16/31 = 16.00 EUR.');
    expect(await explained(5)).toBe(
      'Unused time on a: 31.00 EUR × 1 × 16/31 (of the time, not more than the 15/20 that is left of calls) = 16.00 EUR.',
    );
    expect(await explained(18)).toBe(
      'Unused part of a: 31.00 EUR × 1 × 2/20 (what is left of calls, less than 16/31 of the time) = 3.10 EUR.',
    );
  });

  test('of two allowances the smallest share decides; a discount goes back in the same part', async () => {
    const world = await selling();
    const both = [of('calls', '20'), of('exports', '100')];
    await world.plan({ code: 'both', rank: 1, month: '31.00', features: both });
    await world.coupon('HALF', { kind: 'PERCENT', percent: '50', duration: 'ONCE' });
    const tenant = await world.tenant(jan(1));
    await tenant.apply('HALF');
    await tenant.start('both', { interval: 'MONTH' });
    await tenant.use('calls', 5, jan(1));
    await tenant.use('exports', 90, jan(1));
    await tenant.advance(jan(16));
    await tenant.cancel({ when: 'NOW' });
    expect(await tenant.balance()).toBe('1.55'); // (31.00 − 15.50) × min(16/31, 15/20, 10/100)
  });

  test('a year with a window each month: what has not begun is whole', async () => {
    const world = await selling();
    const balance = async (used: number) => {
      const tenant = await using(world, { calls: used }, { interval: 'YEAR' });
      await tenant.cancel({ when: 'NOW' });
      return tenant.balance();
    };
    expect(await balance(0)).toBe('350.00'); // 365.00 × 350/365
    expect(await balance(5)).toBe('350.00'); // min(350, 334 + 31 × 15/20 = 357.25)
    expect(await balance(18)).toBe('337.10'); // 365.00 × (334 + 31 × 2/20)/365
    expect(await balance(30)).toBe('334.00'); // 365.00 × 334/365
  });

  test('a limit that never starts over is not cut by a new anchor, but by the end', async () => {
    const world = await selling();
    await world.plan({ code: 'once', rank: 1, month: '31.00', features: [of('exports', '5', 'NEVER')] });
    const tenant = await using(world, { exports: 5 }, { plan: 'once' });
    expect((await tenant.change({ plan: 'once', anchor: 'RESET' })).net.amount).toBe('15.00'); // 31.00 − 31.00 × 16/31
    await tenant.cancel({ when: 'NOW' });
    expect(await tenant.balance()).toBe('0.00'); // 31.00 × min(31/31, 0/5)
  });

  test('what is paid by the unit, has no limit, or says how much there is goes by time', async () => {
    const world = await selling();
    const meter = { partnerId: world.partnerId, feature: 'storage', aggregation: 'MAX' };
    await world.act('createMeter', meter, 'meter { id }');
    const usagePrices = [{ currency: 'EUR', inside: { kind: 'PER_UNIT', amount: '0.01' } }];
    const features: Record<string, object> = {
      paid: of('calls', '20', 'MONTH', { usagePrices }),
      endless: { feature: 'calls', unlimited: true, resetPeriod: 'MONTH' },
      stored: of('storage', '20'),
    };
    for (const [code, feature] of Object.entries(features)) {
      await world.plan({ code, rank: 1, month: '31.00', features: [feature] });
      const used: Record<string, number> = { [code === 'stored' ? 'storage' : 'calls']: 20 };
      const { creditNote } = await (await using(world, used, { plan: code })).cancel({ when: 'NOW' });
      expect([code, creditNote.total.amount]).toEqual([code, '16.00']); // 31.00 × 16/31
    }
  });

  test('a trial is free: nothing comes back of it, and its usage takes nothing from what follows', async () => {
    const world = await selling();
    const tenant = await world.tenant(jan(1));
    await tenant.start('a', { interval: 'MONTH', trialDays: 14 });
    await tenant.use('calls', 20, jan(1));
    await tenant.advance(jan(16));
    await tenant.use('calls', 5, jan(15));
    await tenant.cancel({ when: 'NOW' });
    expect(await tenant.balance()).toBe('23.25'); // 31.00 × min(30/31, 15/20)
  });
});

describe('several sources of a feature', () => {
  /** Plan a and add-on x: 20 and 10 calls. */
  async function withX(used: number, options: object = {}) {
    const world = await selling();
    const tenant = await world.tenant(jan(1));
    await tenant.start('a', { interval: 'MONTH' });
    const { addonSubscription } = await tenant.subscribe('x', options);
    if (used > 0) await tenant.use('calls', used, jan(1));
    await tenant.advance(jan(16));
    return { tenant, id: addonSubscription.id as string };
  }

  test.each([
    [20, '1.60'], // 3.10 × 16/31: the plan's 20 were used, none of the add-on's
    [25, '1.55'], // 3.10 × min(16/31, 5/10)
    [30, '0.00'],
  ])('an add-on that ends at once with %i of 20 + 10 used: %s', async (used, credit) => {
    const { tenant, id } = await withX(used);
    await tenant.cancelAddon(id, { when: 'NOW' });
    expect(await tenant.balance()).toBe(credit);
    // What is left is the plan's.
    await tenant.cancel({ when: 'NOW' });
    expect(await tenant.balance()).toBe(credit);
  });

  test('the whole subscription, each item by what was drawn from it', async () => {
    const { tenant } = await withX(25);
    const { creditNote } = await tenant.cancel({ when: 'NOW' });
    expect(creditNote.total.amount).toBe('1.55'); // a: 0/20, x: 5/10 of 3.10
  });

  test('a gift bears what it can while the window goes on, and nothing at its end', async () => {
    const { tenant, id } = await withX(25);
    const { world } = { world: tenant['world' as never] as World };
    const grant = { tenantId: tenant.id, feature: 'calls', limit: '100', resetPeriod: 'MONTH', reason: 'a gift' };
    await world.act('grantEntitlement', grant, 'grant { id }');
    await tenant.cancelAddon(id, { when: 'NOW' });
    expect(await tenant.balance()).toBe('1.60'); // 3.10 × 16/31: the gift bears the 5 that the plan does not
    await tenant.cancel({ when: 'NOW' });
    expect(await tenant.balance()).toBe('1.60'); // a: 0/20
  });

  test('what waited for the next invoice ends as if it had been charged', async () => {
    const { tenant, id } = await withX(28, { charge: 'NEXT_INVOICE' });
    await tenant.cancelAddon(id, { when: 'NOW' });
    const upcoming = await tenant.upcoming();
    const { invoices } = await tenant.advance('2026-02-01T00:00:00Z');
    // 3.10 − 3.10 × min(16/31, 2/10)
    expect(amountsOf(invoices[0])).toEqual(['PLAN_FIXED 31.00', 'PRORATION_CHARGE 3.10', 'PRORATION_CREDIT -0.62']);
    expect(amountsOf(upcoming)).toEqual(amountsOf(invoices[0]));
  });

  test('who joined late paid for its days, and gets back of those', async () => {
    const tenant = await using(await selling(), { calls: 20 });
    const { addonSubscription } = await tenant.subscribe('x');
    await tenant.use('calls', 4, jan(16));
    await tenant.cancelAddon(addonSubscription.id, { when: 'NOW' });
    expect(await tenant.balance()).toBe('0.96'); // 3.10 × 16/31 × 6/10
  });
});

describe('a change within a period, whose windows go on, by the tenant itself', () => {
  test('up, used, and down again on one day: what only the larger one included is paid', async () => {
    const world = await selling();
    const there = async (used: number) => {
      const tenant = await world.tenant(jan(1));
      await tenant.start('a', { interval: 'MONTH' });
      await byItself(world, tenant);
      await tenant.change({ plan: 'b' });
      if (used > 0) await tenant.use('calls', used, jan(1));
      const preview = await tenant.preview({ plan: 'a' });
      const back = await tenant.change({ plan: 'a' }, { quote: preview.quote.token });
      expect(back.net.amount).toBe(preview.net.amount);
      return { tenant, net: back.net.amount as string };
    };
    expect((await there(0)).net).toBe('-279.00'); // 31.00 − 310.00: there and back is nothing
    expect((await there(20)).net).toBe('-279.00'); // the smaller one includes them
    expect((await there(21)).net).toBe('-277.45'); // 31.00 − 310.00 × (200 − 1)/200
    const { tenant, net } = await there(150);
    expect(net).toBe('-77.50'); // 31.00 − 310.00 × (200 − 130)/200; paid by now 31.00 + 279.00 − 77.50 = 150 × 1.55
    await tenant.cancel({ when: 'NOW' });
    expect(await tenant.balance()).toBe('77.50'); // a: 0/20
    expect((await there(200)).net).toBe('0.00'); // 31.00 − 310.00 × 20/200
  });

  test('later in the period: by time until more than that was used', async () => {
    const world = await selling();
    const net = async (used: number) => {
      const tenant = await byItself(world, await using(world, { calls: used }, { plan: 'b' }));
      return (await tenant.change({ plan: 'a' })).net.amount;
    };
    expect(await net(20)).toBe('-144.00'); // 16.00 − 160.00
    expect(await net(110)).toBe('-144.00'); // 200 − 90 are left: 110/200 > 16/31
    expect(await net(170)).toBe('-61.50'); // 16.00 − 310.00 × (200 − 150)/200
  });

  test('a kept coupon gives again what went back, which is less where more was used up', async () => {
    const world = await selling();
    await world.plan({ code: 'c', rank: 3, month: '200.00', features: [of('calls', '20')] });
    const amounts = [{ amount: '100.00', currency: 'EUR' }];
    await world.coupon('OFF100', { kind: 'FIXED', amounts, duration: 'FOREVER' });
    const tenant = await world.tenant(jan(1));
    await tenant.apply('OFF100');
    await tenant.start('b', { interval: 'MONTH' });
    await tenant.use('calls', 150, jan(1));
    await byItself(world, tenant);
    const input = { plan: 'c', keepRunningDiscounts: true };
    const preview = await tenant.preview(input);
    expect(preview).toMatchObject({
      unusedCredit: { amount: '73.50' }, // (310.00 − 100.00) × (200 − 130)/200
      discount: { amount: '35.00' }, // 100.00 × 70/200
      net: { amount: '91.50' }, // 200.00 − 73.50 − 35.00
    });
    expect((await tenant.change(input, { quote: preview.quote.token })).net.amount).toBe('91.50');
    expect(await gateway.database.asOwner('select * from check_coupon_dues')).toEqual([]);
  });

  test('what ends with it, last drawn first', async () => {
    const world = await selling();
    await world.addon('y', '3.10', { features: [of('calls', '10')], minimumPlan: 'b' });
    const tenant = await world.tenant(jan(1));
    await tenant.start('b', { interval: 'MONTH' });
    await tenant.subscribe('y');
    await tenant.use('calls', 205, jan(1));
    await tenant.advance(jan(16));
    await byItself(world, tenant);
    const preview = await tenant.preview({ plan: 'a' });
    expect(preview).toMatchObject({
      addons: [{ addon: { code: 'y' }, outcome: 'ENDS_NOT_AVAILABLE', credit: { amount: '1.55' } }], // 3.10 × 5/10
      unusedCredit: { amount: '32.55' }, // and 310.00 × (200 − 180)/200
    });
    expect((await tenant.change({ plan: 'a' })).net.amount).toBe('-16.55'); // 16.00 − 32.55
  });

  test.each([
    [30, '-3.20'], // (3.10 − 9.30) × 16/31, rounded each: 1.60 − 4.80
    [45, '-3.05'], // 1.60 − 9.30 × min(16/31, (30 − 15)/30)
    [50, '-1.50'], // 1.60 − 9.30 × 10/30
  ])('fewer of an add-on, 3 → 1, with %i of 20 + 30 used', async (used, net) => {
    const world = await selling();
    const tenant = await world.tenant(jan(1));
    await tenant.start('a', { interval: 'MONTH' });
    const { addonSubscription } = await tenant.subscribe('x', { quantity: 3 });
    await tenant.use('calls', used, jan(1));
    await tenant.advance(jan(16));
    await byItself(world, tenant);
    const preview = await tenant.preview({ addons: [{ addon: 'x', quantity: 1 }] });
    expect(preview.net.amount).toBe(net);
    const changed = await tenant.changeQuantity(addonSubscription.id, 1, { quote: preview.quote.token });
    expect(changed.changed).toBe(true);
    const total = linesOf(changed).reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
    expect(Math.abs(total).toFixed(2)).toBe(net.slice(1));
  });
});

test('what has no limit is not had for nothing, a day at a time', async () => {
  const world = await selling();
  const features = [{ feature: 'calls', unlimited: true, resetPeriod: 'MONTH' }];
  await world.plan({ code: 'endless', rank: 3, month: '620.00', features });
  const there = async (used: number, until: string) => {
    const tenant = await world.tenant(jan(1));
    await tenant.start('a', { interval: 'MONTH' });
    await byItself(world, tenant);
    await tenant.change({ plan: 'endless' });
    if (used > 0) await tenant.use('calls', used, jan(1));
    await tenant.advance(until);
    const preview = await tenant.preview({ plan: 'a' });
    const back = await tenant.change({ plan: 'a' }, { quote: preview.quote.token });
    expect(back.net.amount).toBe(preview.net.amount);
    return back.net.amount as string;
  };
  expect(await there(20, jan(1, '20:00:00.000'))).toBe('-589.00'); // 31.00 − 620.00: the smaller one includes them
  expect(await there(1_000, jan(1, '20:00:00.000'))).toBe('-569.00'); // 31.00 − 620.00 × 30/31
  expect(await there(1_000, jan(2))).toBe('-570.00'); // 30.00 − 620.00 × 30/31
  // Nor by ending it on the day on which it began.
  const tenant = await world.tenant(jan(1));
  await tenant.start('endless', { interval: 'MONTH' });
  await tenant.use('calls', 1, jan(1));
  await tenant.advance(jan(1, '20:00:00.000'));
  await tenant.cancel({ when: 'NOW' });
  expect(await tenant.balance()).toBe('600.00'); // 620.00 × 30/31
});

test('a change within a period that the partner makes goes by time, whatever was used', async () => {
  const tenant = await using(await selling(), { calls: 170 }, { plan: 'b' });
  expect((await tenant.change({ plan: 'a' })).net.amount).toBe('-144.00'); // 16.00 − 310.00 × 16/31 = 16.00 − 160.00
});

test('usage between a quote and the act is a stale quote', async () => {
  const world = await selling();
  const tenant = await byItself(world, await using(world, { calls: 30 }, { plan: 'b' }));
  const { quote } = await tenant.preview({ plan: 'a' });
  await tenant.use('calls', 140, jan(16));
  const stale = await tenant.change({ plan: 'a' }, { quote: quote.token });
  expect(stale.code).toBe('QUOTE_STALE');
  const renewed = await tenant.preview({ plan: 'a' });
  expect((await tenant.change({ plan: 'a' }, { quote: renewed.quote.token })).net.amount).toBe('-61.50'); // as above
});

test('a change that waits is decided by what was used by then, as the upcoming invoice says', async () => {
  const tenant = await using(await selling(), { calls: 18 });
  await tenant.change({ plan: 'a', anchor: 'RESET', effective: 'DATE', effectiveDate: '2026-01-20' });
  expect(amountsOf(await tenant.upcoming())).toEqual(['PRORATION_CREDIT -3.10', 'PRORATION_CHARGE 31.00']); // 2/20
  await tenant.use('calls', 1, jan(16));
  const upcoming = await tenant.upcoming();
  const { invoices } = await tenant.advance(jan(20));
  expect(amountsOf(invoices[0])).toEqual(['PRORATION_CREDIT -1.55', 'PRORATION_CHARGE 31.00']); // 1/20
  expect(amountsOf(upcoming)).toEqual(amountsOf(invoices[0]));
});

test('a partner chooses time, for its own acts or for all', async () => {
  const world = await selling();
  const balance = async (creditBasis: string, byTenant: boolean) => {
    const set = await world.act(
      'setCreditPolicy',
      { partnerId: world.partnerId, creditBasis },
      'policy { creditBasis }',
    );
    expect(set.policy).toEqual({ creditBasis });
    const tenant = await using(world, { calls: 20 });
    if (byTenant) {
      await gateway.get(
        await keyOf(world, tenant),
        'mutation { cancelSubscription(input: { reason: "enough", when: NOW }) { __typename } }',
      );
    } else await tenant.cancel({ when: 'NOW' });
    return tenant.balance();
  };
  expect(await balance('TIME_FOR_PARTNER', true)).toBe('0.00'); // 31.00 × 0/20
  expect(await balance('TIME_FOR_PARTNER', false)).toBe('16.00'); // 31.00 × 16/31
  expect(await balance('TIME', true)).toBe('16.00');
  expect(await balance('USAGE', false)).toBe('0.00');
  // A change that waits keeps the basis of whoever asked for it.
  await world.act(
    'setCreditPolicy',
    { partnerId: world.partnerId, creditBasis: 'TIME_FOR_PARTNER' },
    'policy { version }',
  );
  const tenant = await using(world, { calls: 20 });
  await tenant.change({ plan: 'a', anchor: 'RESET', effective: 'DATE', effectiveDate: '2026-01-20' });
  const { invoices } = await tenant.advance(jan(20));
  expect(amountsOf(invoices[0])).toEqual(['PRORATION_CREDIT -12.00', 'PRORATION_CHARGE 31.00']); // 31.00 × 12/31
});

test('dunning that cancels, after access had ended', async () => {
  const world = await selling();
  const policy = { retryDays: [5, 10], graceDays: 3, finalAction: 'CANCEL' };
  await world.act('setDunningPolicy', { partnerId: world.partnerId, ...policy }, 'policy { version }');
  const unpaying = await world.tenant(jan(1));
  const payer = new Payer({ world, tenant: unpaying, gateway, uuid: '' });
  await payer.addMethod('card_declined');
  // The world pays what an act answers; the start is asked for by hand.
  await world.act('startSubscription', { tenantId: unpaying.id, plan: 'a', interval: 'MONTH' }, 'subscription { id }');
  await unpaying.use('calls', 18, jan(1));
  await unpaying.advance(jan(20));
  expect(await payer.subscription()).toMatchObject({ status: 'CANCELLED', cancelledAt: jan(11) });
  const { nodes } = await gateway.get(
    'super-admin',
    'query ($id: ID) { invoices(tenantId: $id) { nodes { total { amount } credited { amount } } } }',
    { id: unpaying.id },
  );
  // 31.00 × min(21/31, 2/20) comes off what is still due.
  expect(nodes).toEqual([{ total: { amount: '31.00' }, credited: { amount: '3.10' } }]);
});

test('an add-on that the next plan includes goes by time: what it gave goes on', async () => {
  const world = await selling();
  await world.addon('more', '3.10', { features: [of('calls', '10')], requires: ['x'] });
  const tenant = await world.tenant(jan(1));
  await tenant.start('b', { interval: 'MONTH' });
  await tenant.subscribe('x');
  await tenant.subscribe('more');
  await tenant.use('calls', 216, jan(1));
  await tenant.advance(jan(16));
  await world.plan({ code: 'with', rank: 3, month: '310.00', features: [of('calls', '200')], includedAddons: ['x'] });
  // x is in the plan from now on, and bears its 10; more goes on.
  expect((await tenant.preview({ plan: 'with' })).addons).toEqual([
    { addon: { code: 'x' }, outcome: 'ENDS_INCLUDED', credit: { amount: '1.60' } }, // 3.10 × 16/31
    { addon: { code: 'more' }, outcome: 'CONTINUES', credit: { amount: '0.00' } },
  ]);
});

describe('what is counted stands still', () => {
  test('nothing is let into a window that an act ended: what was left of it was given back', async () => {
    const world = await selling();
    const tenant = await using(world, { calls: 5 });
    await tenant.change({ plan: 'a', anchor: 'RESET' });
    const late = { tenantId: tenant.id, id: 'late', type: 'calls', time: jan(15), enforce: true };
    expect(await world.act('recordUsage', late, 'duplicate')).toMatchObject({
      code: 'LIMIT_REACHED',
      message: 'What was left of calls then was given back.',
    });
  });

  test('an event that waited for a cancellation is judged after it', async () => {
    const world = await selling();
    const tenant = await world.liveTenant();
    await tenant.start('a', { interval: 'MONTH' });
    const event = (id: string) =>
      world.act('recordUsage', { tenantId: tenant.id, id, type: 'calls', enforce: true }, 'duplicate');
    expect((await event('first')).code).toBeUndefined();
    // Whoever counts, or lets in, waits for this row.
    const holder = new Client({ connectionString: gateway.database.ownerUrl });
    await holder.connect();
    await holder.query('begin');
    const { uuid } = decodeId(tenant.id)!;
    await holder.query('select from usage_locks where tenant_id = $1 for update', [uuid]);
    const waiting = async (count: number) => {
      for (let tries = 0; tries < 500; tries += 1) {
        const { rows } = await holder.query(`select count(*)::int from pg_stat_activity
          where wait_event_type = 'Lock' and datname = current_database()`);
        if (rows[0].count >= count) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`never ${count} are waiting`);
    };
    let isCancelled = false;
    const cancelled = tenant.cancel({ when: 'NOW' }).then(() => {
      isCancelled = true;
    });
    await waiting(1);
    // In one process a tenant's acts take turns; this is another process's.
    const late = gateway.app.asSystem(uuid, (tx) => recordUsage(tx, { id: 'second', type: 'calls', enforce: true }));
    await waiting(2);
    expect(isCancelled).toBe(false);
    await holder.query('commit');
    await holder.end();
    await cancelled;
    expect(await late).toMatchObject({ ok: false, refusal: { code: 'NOT_ENTITLED' } });
    expect(await tenant.balance()).toBe('29.45'); // 31.00 × 19/20, on the first day
  });
});
