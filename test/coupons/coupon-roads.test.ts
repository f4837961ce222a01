import { randomFrom } from '../support/arbitraries';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
let world: World;
beforeAll(async () => {
  gateway = await startTestGateway();
  world = await World.create(gateway);
  await world.plan({ code: 'basic', rank: 10, month: '31', year: '310' });
  await world.plan({ code: 'hundred', rank: 20, month: '100', year: '1000' });
  await world.plan({ code: 'big', rank: 30, month: '300' });
  await world.plan({ code: 'free', rank: 0, month: '0' });
  await world.addon('extra', '100', {}, '1000');
});
afterAll(() => gateway.stop());

const january = '2026-01-01T00:00:00Z';
const the16th = '2026-01-16T00:00:00Z';
const usd = (amount: string) => ({ amount, currency: 'USD' });

/** Each coupon of a tenant, and each use of it: the period it is counted as and what it took. */
async function couponsOf(tenant: TenantOfWorld): Promise<{ coupons: string[]; uses: string[] }> {
  const nodesOf = (field: string, fields: string) =>
    gateway.get('super-admin', `query ($id: ID) { ${field}(tenantId: $id, first: 50) { nodes { ${fields} } } }`, {
      id: tenant.id,
    });
  const pending = await nodesOf('pendingCoupons', 'status periodsApplied coupon { code }');
  const redeemed = await nodesOf('couponRedemptions', 'periodNumber discount { amount } coupon { code }');
  type Row = Record<string, string> & { coupon: { code: string }; discount: { amount: string } };
  return {
    coupons: pending.nodes.map((row: Row) => `${row.coupon.code} ${row.status} ${row.periodsApplied}`),
    uses: redeemed.nodes.map((row: Row) => `${row.coupon.code} ${row.periodNumber}: ${row.discount.amount}`),
  };
}

/** A tenant whose invoices are paid as they come, so that a change nets against money that came in. */
async function started(plan: string, options: object = {}, coupons: readonly string[] = []): Promise<TenantOfWorld> {
  const tenant = await world.tenant(january);
  for (const code of coupons) await tenant.apply(code);
  await tenant.start(plan, options);
  await payAll(tenant);
  return tenant;
}

async function payAll(tenant: TenantOfWorld): Promise<void> {
  for (const { id, status } of await tenant.invoices()) if (status === 'FINALIZED') await tenant.pay(id);
}

const update = (coupon: string, change: object) =>
  world.act('updateCoupon', { partnerId: world.partnerId, coupon, ...change }, 'coupon { status }');

describe('a running coupon on a change is judged and counted as at a renewal', () => {
  test('for two periods, kept through six resets: two discounted periods, then the full price', async () => {
    await world.coupon('R2', { kind: 'PERCENT', percent: '100', duration: 'REPEATING', durationPeriods: 2 });
    const tenant = await started('hundred', {}, ['R2']);
    const nets: string[] = [];
    for (const day of ['2026-01-28', '2026-02-24', '2026-03-23', '2026-04-19', '2026-05-16', '2026-06-12']) {
      await tenant.advance(`${day}T00:00:00Z`);
      const { net } = await tenant.change({ plan: 'hundred', anchor: 'RESET', keepRunningDiscounts: true });
      await payAll(tenant);
      nets.push(net.amount);
    }
    expect(nets).toEqual([
      '0.00', // the second period: 100.00 − 100.00; nothing was paid for the first
      '100.00', // the third, whole; nothing was paid for the second
      '96.43', // 100.00 − 100.00 × 1/28 (to 24 March): 3.5714
      '87.10', // 100.00 − 100.00 × 4/31 (to 23 April): 12.9032
      '90.00', // 100.00 − 100.00 × 3/30 (to 19 May)
      '87.10', // 100.00 − 100.00 × 4/31 (to 16 June)
    ]);
    expect(await couponsOf(tenant)).toEqual({ coupons: ['R2 FINISHED 2'], uses: ['R2 1: 100.00', 'R2 2: 100.00'] });
  });

  test('for months only, kept on a change to a year: it ends, and the preview says so', async () => {
    await world.coupon('MON', { kind: 'PERCENT', percent: '50', duration: 'FOREVER', intervals: ['MONTH'] });
    const tenant = await started('basic', {}, ['MON']);
    await tenant.advance(the16th);
    const toYear = { plan: 'basic', interval: 'YEAR', keepRunningDiscounts: true };
    expect(await tenant.preview(toYear)).toMatchObject({
      endingCoupons: ['MON'],
      unusedCredit: { amount: '8.00' }, // (31.00 − 15.50) × 16/31
      discount: { amount: '0.00' },
      net: { amount: '302.00' }, // 310.00 − 8.00
    });
    const { invoice } = await tenant.change(toYear);
    expect(amountsOf(invoice)).toEqual(['PRORATION_CREDIT -8.00', 'PRORATION_CHARGE 310.00']);
    expect(await couponsOf(tenant)).toEqual({ coupons: ['MON ENDED 1'], uses: ['MON 1: 15.50'] });
    expect((await tenant.upcoming()).discount.amount).toBe('0.00');
  });

  test.each([
    ['so many periods', { kind: 'PERCENT', percent: '50', duration: 'REPEATING', durationPeriods: 9 }, ['ENDS']],
    ['free periods', { kind: 'FREE_PERIODS', duration: 'FOREVER' }, ['ENDS']],
    ['without end', { kind: 'PERCENT', percent: '50', duration: 'FOREVER' }, []],
  ])('of %s: whether it goes on with another interval', async (name, options, ending) => {
    const code = `INTERVAL_${name.replaceAll(' ', '_')}`;
    await world.coupon(code, options);
    const tenant = await started('basic', {}, [code]);
    const toYear = { plan: 'basic', interval: 'YEAR', keepRunningDiscounts: true };
    expect((await tenant.preview(toYear)).endingCoupons).toEqual(ending.map(() => code));
    // Also where the change waits, and then takes place at the period's end.
    await tenant.change({ ...toYear, effective: 'PERIOD_END' });
    const { discount } = await tenant.upcoming();
    const [invoice] = (await tenant.advance('2026-02-01T00:00:00Z')).invoices;
    expect([discount.amount, invoice.discount.amount]).toEqual(
      ending.length > 0 ? ['0.00', '0.00'] : ['155.00', '155.00'], // 310.00 × 50 %
    );
  });

  test('reset: every line that it applies to, as at a renewal, and one period for it', async () => {
    await world.coupon('EVERYTHING', { kind: 'PERCENT', percent: '50', duration: 'REPEATING', durationPeriods: 3 });
    await world.coupon('EXTRA', { kind: 'FIXED', amounts: [usd('40')], addons: ['extra'], duration: 'FOREVER' });
    const tenant = await started('free');
    await tenant.subscribe('extra');
    await payAll(tenant);
    await tenant.apply('EVERYTHING');
    await tenant.apply('EXTRA');
    const [february] = (await tenant.advance('2026-02-01T00:00:00Z')).invoices;
    // The one for the add-on first: 100.00 − 40.00; then half of what is left.
    expect(amountsOf(february)).toEqual([
      'PLAN_FIXED 0.00',
      'ADDON_FIXED 100.00',
      'DISCOUNT -40.00',
      'DISCOUNT -30.00',
    ]);
    await payAll(tenant);
    await tenant.advance('2026-02-15T00:00:00Z');
    const { invoice } = await tenant.change({ plan: 'hundred', anchor: 'RESET', keepRunningDiscounts: true });
    expect(amountsOf(invoice)).toEqual([
      'PRORATION_CREDIT 0.00',
      'PRORATION_CREDIT -15.00', // (100.00 − 70.00) × 14/28
      'PRORATION_CHARGE 100.00',
      'PRORATION_CHARGE 100.00',
      'DISCOUNT -40.00',
      'DISCOUNT -50.00', // half of 100.00 + 60.00, spread over both
      'DISCOUNT -30.00',
    ]);
    expect(await couponsOf(tenant)).toEqual({
      coupons: ['EVERYTHING RUNNING 2', 'EXTRA RUNNING 2'],
      uses: ['EXTRA 1: 40.00', 'EVERYTHING 1: 30.00', 'EXTRA 2: 40.00', 'EVERYTHING 2: 80.00'],
    });
    // Not kept: the plan's ends; the add-on's own was not asked about and goes on.
    await payAll(tenant);
    const again = await tenant.preview({ plan: 'big', anchor: 'RESET' });
    expect(again).toMatchObject({ endingCoupons: ['EVERYTHING'], discount: { amount: '40.00' } });
  });

  test('below its minimum it ends, whatever is asked', async () => {
    await world.coupon('FROM50', {
      kind: 'PERCENT',
      percent: '10',
      duration: 'FOREVER',
      minimumAmounts: [usd('50')],
    });
    const tenant = await started('hundred', {}, ['FROM50']);
    const kept = { keepRunningDiscounts: true };
    expect((await tenant.preview({ plan: 'basic', ...kept })).endingCoupons).toEqual(['FROM50']);
    // The whole period is what counts, not the part that is left of it.
    await tenant.advance('2026-01-31T00:00:00Z');
    expect(await tenant.preview({ plan: 'big', ...kept })).toMatchObject({
      endingCoupons: [],
      discount: { amount: '0.97' }, // 300.00 × 1/31 = 9.68; 10 % of it
    });
    await tenant.change({ plan: 'big', ...kept });
    // Within the period that it was counted in: another use, no other period.
    expect(await couponsOf(tenant)).toEqual({
      coupons: ['FROM50 RUNNING 1'],
      uses: ['FROM50 1: 10.00', 'FROM50 1: 0.97'],
    });
  });
});

describe('for each coupon and period: given less given back is never more than its due', () => {
  const kept = { keepRunningDiscounts: true };
  const netsOf = async (tenant: TenantOfWorld, ...changes: object[]) => {
    const nets: string[] = [];
    for (const change of changes) {
      const answer = await tenant.change({ ...kept, ...change });
      await payAll(tenant);
      nets.push(answer.net?.amount ?? answer.code);
    }
    return nets;
  };

  test('a fixed amount over plan and add-on: only the plan’s part is given again', async () => {
    await world.coupon('HUNDRED', { kind: 'FIXED', amounts: [usd('100')], duration: 'ONCE' });
    const tenant = await world.tenant('2026-04-01T00:00:00Z');
    await tenant.start('free');
    await tenant.subscribe('extra');
    await payAll(tenant);
    await tenant.apply('HUNDRED');
    await tenant.change({ plan: 'hundred', effective: 'PERIOD_END' });
    const [may] = (await tenant.advance('2026-05-01T00:00:00Z')).invoices;
    expect(amountsOf(may)).toEqual(['PLAN_FIXED 100.00', 'ADDON_FIXED 100.00', 'DISCOUNT -50.00', 'DISCOUNT -50.00']);
    await payAll(tenant);
    await tenant.advance('2026-05-17T12:00:00Z'); // 15 of 31 days are left
    const { invoice } = await tenant.change({ plan: 'big', ...kept });
    expect(amountsOf(invoice)).toEqual([
      'PRORATION_CREDIT -24.19', // (100.00 − 50.00) × 15/31
      'PRORATION_CHARGE 145.16', // 300.00 × 15/31
      'DISCOUNT -24.19', // 50.00 × 15/31
    ]);
    await payAll(tenant);
    // And back, and the add-on away and back: as if nothing had been.
    expect(await netsOf(tenant, { plan: 'hundred' })).toEqual(['-96.78']); // 24.19 + 24.19 − 145.16
    const { addonSubscription } = await tenant.subscribe('extra');
    const { creditNote } = await tenant.cancelAddon(addonSubscription.id, { when: 'NOW' });
    const again = await tenant.subscribe('extra');
    expect([creditNote.total.amount, again.invoice.total.amount]).toEqual(['24.19', '24.19']); // (100.00 − 50.00) × 15/31
    expect((await couponsOf(tenant)).coupons).toEqual(['HUNDRED FINISHED 1']);
  });

  test.each([
    ['PERCENT', { kind: 'PERCENT', percent: '50' }],
    ['FIXED', { kind: 'FIXED', amounts: [usd('25')] }],
    ['FREE_PERIODS', { kind: 'FREE_PERIODS' }],
  ])('%s, for one period or more: change and change back at one instant is 0', async (kind, options) => {
    for (const [duration, durationPeriods] of [
      ['ONCE', undefined],
      ['REPEATING', 2],
      ['FOREVER', undefined],
    ]) {
      const code = `BACK_${kind}_${duration}`;
      await world.coupon(code, { ...options, duration, durationPeriods });
      const tenant = await started('basic', {}, [code]);
      await tenant.advance(the16th);
      const [there, back] = await netsOf(tenant, { plan: 'big' }, { plan: 'basic' });
      expect(Number(there) + Number(back)).toBe(0);
    }
  });

  test('two free periods: a change within a period that it was not counted in takes nothing', async () => {
    await world.coupon('FREE2', { kind: 'FREE_PERIODS', duration: 'REPEATING', durationPeriods: 2 });
    const tenant = await started('basic', {}, ['FREE2']);
    await tenant.change({ plan: 'free', effective: 'PERIOD_END', ...kept });
    await tenant.advance('2026-02-15T00:00:00Z');
    // Nothing was free in February: there is nothing to give again.
    expect(await netsOf(tenant, { plan: 'basic' })).toEqual(['15.50']); // 31.00 × 14/28
    await tenant.advance('2026-04-01T00:00:00Z');
    expect(await couponsOf(tenant)).toEqual({
      coupons: ['FREE2 FINISHED 2'],
      uses: ['FREE2 1: 31.00', 'FREE2 2: 31.00'],
    });
  });

  test('a fixed amount that the plan did not use up: no more than what it gave comes again', async () => {
    await world.coupon('FIX100', { kind: 'FIXED', amounts: [usd('100')], duration: 'FOREVER' });
    const tenant = await started('basic', {}, ['FIX100']); // gives 31.00
    await tenant.advance(the16th);
    const { invoice } = await tenant.change({ plan: 'big', ...kept });
    expect(amountsOf(invoice)).toEqual([
      'PRORATION_CREDIT 0.00',
      'PRORATION_CHARGE 154.84', // 300.00 × 16/31
      'DISCOUNT -16.00', // 31.00 × 16/31 went back
    ]);
    expect((await couponsOf(tenant)).uses).toEqual(['FIX100 1: 31.00', 'FIX100 1: 16.00']);
  });

  test('a void change gives no period back that it did not use', async () => {
    await world.coupon('VOIDED', { kind: 'PERCENT', percent: '50', duration: 'REPEATING', durationPeriods: 2 });
    const tenant = await started('basic', {}, ['VOIDED']);
    await tenant.advance(the16th);
    const { invoice } = await tenant.change({ plan: 'big', ...kept });
    await tenant.void(invoice.id);
    expect((await couponsOf(tenant)).coupons).toEqual(['VOIDED RUNNING 1']);
    const { invoices } = await tenant.advance('2026-04-01T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([
      ['PLAN_FIXED 300.00', 'DISCOUNT -150.00'],
      ['PLAN_FIXED 300.00'], // Of two periods January was one.
      ['PLAN_FIXED 300.00'],
    ]);
  });

  /** SEQUENCES=200 npx jest test/coupons/coupon-roads tries more. */
  const lives = Number(process.env.SEQUENCES ?? 4);
  test(`${lives} random lives over every road: the checks find nothing`, async () => {
    const random = randomFrom(Number(process.env.SEED ?? 20_261_130));
    const codes = [
      ['L_HALF', { kind: 'PERCENT', percent: '50', duration: 'REPEATING', durationPeriods: 2 }],
      ['L_ALL', { kind: 'FREE_PERIODS', duration: 'REPEATING', durationPeriods: 2 }],
      ['L_FIX', { kind: 'FIXED', amounts: [usd('40')], duration: 'FOREVER' }],
      ['L_EXTRA', { kind: 'FIXED', amounts: [usd('60')], duration: 'ONCE', addons: ['extra'], scaled: true }],
    ] as const;
    for (const [code, options] of codes) await world.coupon(code, { ...options, maxRedemptionsPerTenant: 9 });
    const plans = ['basic', 'hundred', 'big', 'free'];
    for (let life = 0; life < lives; life += 1) {
      const tenant = await started('basic', {}, [random.pick(codes)[0], random.pick(codes)[0]]);
      let day = Date.parse(january);
      let attached: string | undefined;
      const roads: readonly (() => Promise<unknown>)[] = [
        async () => {
          day += random.whole(1, 20) * 86_400_000;
          return tenant.advance(new Date(day).toISOString());
        },
        () => tenant.change({ plan: random.pick(plans), keepRunningDiscounts: random.chance(0.8) }),
        () => tenant.change({ plan: random.pick(plans), anchor: 'RESET', keepRunningDiscounts: random.chance(0.8) }),
        () => tenant.change({ plan: random.pick(plans), effective: 'PERIOD_END', ...kept }),
        () => tenant.change({ plan: random.pick(plans), coupon: random.pick(codes)[0], ...kept }),
        () => tenant.change({ plan: 'basic', interval: random.pick(['MONTH', 'YEAR']), ...kept }),
        async () => {
          attached = (await tenant.subscribe('extra')).addonSubscription?.id ?? attached;
        },
        async () => attached && tenant.changeQuantity(attached, random.whole(1, 3)),
        async () => attached && tenant.cancelAddon(attached, { when: random.pick(['NOW', 'PERIOD_END']) }),
        () => tenant.apply(random.pick(codes)[0]),
        () => payAll(tenant),
        async () => tenant.void((await tenant.invoices()).at(-1)!.id),
        async () => random.chance(0.3) && (await tenant.cancel({ when: 'NOW' })) && tenant.start('basic'),
      ];
      for (let step = 0; step < 16; step += 1) await random.pick(roads)();
    }
    for (const view of ['check_coupon_dues', 'check_coupon_overrun', 'check_accounts', 'check_credit_overrun']) {
      expect(await gateway.database.asOwner(`select '${view}' as view, * from ${view} limit 3`)).toEqual([]);
    }
  }, 600_000);
});

describe('a coupon that waits is judged again when it is used', () => {
  test('paused: not applied, on the renewal and on a change that waited; then it is', async () => {
    await world.coupon('PAUSED', { kind: 'PERCENT', percent: '50' });
    const tenant = await started('basic');
    await tenant.apply('PAUSED');
    await update('PAUSED', { status: 'PAUSED' });
    expect((await tenant.upcoming()).discount.amount).toBe('0.00');
    const { invoices } = await tenant.advance('2026-02-01T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 31.00']]);
    expect(await couponsOf(tenant)).toEqual({ coupons: ['PAUSED PENDING 0'], uses: [] });
    await update('PAUSED', { status: 'ACTIVE' });
    const { invoices: march } = await tenant.advance('2026-03-01T00:00:00Z');
    expect(march.map(amountsOf)).toEqual([['PLAN_FIXED 31.00', 'DISCOUNT -15.50']]);

    await world.coupon('DATED', { kind: 'PERCENT', percent: '50' });
    await tenant.change({ plan: 'big', coupon: 'DATED', effective: 'DATE', effectiveDate: '2026-03-17' });
    await update('DATED', { status: 'ARCHIVED' });
    await tenant.advance('2026-03-17T00:00:00Z');
    expect(amountsOf((await tenant.invoices()).at(-1)).filter((line) => line.startsWith('DISCOUNT'))).toEqual([]);
    expect((await couponsOf(tenant)).coupons).toEqual(['PAUSED FINISHED 1', 'DATED PENDING 0']);
  });

  test('a coupon that will have expired when the change takes place is refused at once', async () => {
    await world.coupon('BRIEF', { kind: 'PERCENT', percent: '50', validUntil: '2026-01-20T00:00:00Z' });
    const tenant = await started('basic');
    const late = { plan: 'big', coupon: 'BRIEF', effective: 'DATE', effectiveDate: '2026-01-21' };
    expect(await tenant.preview(late)).toMatchObject({ code: 'COUPON_EXPIRED' });
    expect((await tenant.preview({ ...late, effectiveDate: '2026-01-19' })).discount.amount).not.toBe('0.00');
  });

  test('where nothing is charged it waits: in a trial, on a free plan, on a waived change', async () => {
    const tenants: TenantOfWorld[] = [];
    for (const code of ['INTRIAL', 'ONFREE', 'WAIVED']) await world.coupon(code, { kind: 'PERCENT', percent: '50' });
    const trial = await started('basic', { trialDays: 14 });
    await trial.change({ plan: 'hundred', coupon: 'INTRIAL' });
    const free = await started('basic');
    await free.change({ plan: 'free', coupon: 'ONFREE' });
    const waived = await started('basic');
    await waived.change({ plan: 'hundred', coupon: 'WAIVED', waived: true });
    tenants.push(trial, free, waived);
    expect(await Promise.all(tenants.map(couponsOf))).toEqual([
      { coupons: ['INTRIAL PENDING 0'], uses: [] },
      { coupons: ['ONFREE PENDING 0'], uses: [] },
      { coupons: ['WAIVED PENDING 0'], uses: [] },
    ]);
    const first = (await trial.advance('2026-01-15T00:00:00Z')).invoices;
    expect(first.map(amountsOf)).toEqual([['PLAN_FIXED 100.00', 'DISCOUNT -50.00']]);
    // A month for nothing uses nothing up.
    await free.advance('2026-02-01T00:00:00Z');
    expect(await couponsOf(free)).toEqual({ coupons: ['ONFREE PENDING 0'], uses: [] });
    const renewal = (await waived.advance('2026-02-01T00:00:00Z')).invoices;
    expect(renewal.map(amountsOf)).toEqual([['PLAN_FIXED 100.00', 'DISCOUNT -50.00']]);
  });

  test('a first purchase is one that was paid: open, given up and void invoices are none', async () => {
    await world.coupon('FIRST', { kind: 'PERCENT', percent: '50', duration: 'FOREVER', firstPurchaseOnly: true });
    const reasons = (tenant: TenantOfWorld) =>
      gateway
        .get('super-admin', 'query ($id: ID) { validateCoupon(code: "FIRST", tenantId: $id) { reasons } }', {
          id: tenant.id,
        })
        .then((answer) => answer.reasons);
    const tenant = await world.tenant(january);
    const { invoices } = await tenant.start('basic');
    expect(await reasons(tenant)).toEqual([]); // open
    await tenant.giveUp(invoices[0].id);
    expect(await reasons(tenant)).toEqual([]);
    await tenant.void(invoices[0].id);
    expect(await reasons(tenant)).toEqual([]);
    expect((await tenant.preview({ plan: 'big', coupon: 'FIRST' })).discount.amount).not.toBe('0.00');
    await tenant.apply('FIRST');
    const [february] = (await tenant.advance('2026-02-01T00:00:00Z')).invoices;
    expect(amountsOf(february)).toEqual(['PLAN_FIXED 31.00', 'DISCOUNT -15.50']);
    await tenant.pay(february.id);
    // It runs: that it was a first purchase is settled.
    expect(amountsOf((await tenant.advance('2026-03-01T00:00:00Z')).invoices[0])).toHaveLength(2);

    const other = await world.tenant(january);
    const { invoices: start } = await other.start('basic');
    await other.apply('FIRST');
    await other.pay(start[0].id);
    expect(amountsOf((await other.advance('2026-02-01T00:00:00Z')).invoices[0])).toEqual(['PLAN_FIXED 31.00']);
    expect(await couponsOf(other)).toEqual({ coupons: ['FIRST EXPIRED 0'], uses: [] });
    expect(await other.change({ plan: 'big', coupon: 'FIRST' })).toMatchObject({ code: 'COUPON_FIRST_PURCHASE_ONLY' });
  });

  test('what is asked for is judged by the plan that the next invoice will have', async () => {
    await world.coupon('BIGONLY', { kind: 'PERCENT', percent: '50', plans: ['big'] });
    await world.coupon('FROM200', { kind: 'PERCENT', percent: '50', minimumAmounts: [usd('200')] });
    const tenant = await started('basic');
    expect(await tenant.apply('BIGONLY')).toMatchObject({ code: 'COUPON_PLAN_NOT_ELIGIBLE' });
    const forBig = await gateway.get(
      'super-admin',
      'query ($id: ID) { validateCoupon(code: "FROM200", tenantId: $id, plan: "big") { reasons } }',
      { id: tenant.id },
    );
    expect(forBig.reasons).toEqual([]); // 300.00
    await tenant.change({ plan: 'big', effective: 'PERIOD_END' });
    expect((await tenant.apply('BIGONLY')).created).toBe(true);
    const { invoices } = await tenant.advance('2026-02-01T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 300.00', 'DISCOUNT -150.00']]);
  });
});

describe('a sentence says what there was', () => {
  const sentenceOf = async (tenant: TenantOfWorld, plan: string) =>
    (await tenant.preview({ plan })).lines[0].explanation.sentence;

  test('a charge that was taken back, and no discount where none was given', async () => {
    const tenant = await world.tenant(january);
    const { invoices } = await tenant.start('basic');
    await tenant.void(invoices[0].id);
    await tenant.advance(the16th);
    expect(await sentenceOf(tenant, 'hundred')).toBe(
      'Unused time on basic: 31.00 USD × 1 × 16/31, less 31.00 USD × 16/31 that was taken back or waived = 0.00 USD.',
    );
  });

  test('each discount with its number and the part of the period it was given for', async () => {
    await world.coupon('TENTH', { kind: 'PERCENT', percent: '10', duration: 'FOREVER' });
    const tenant = await started('basic', {}, ['TENTH']);
    await tenant.advance('2026-01-21T00:00:00Z');
    expect(await sentenceOf(tenant, 'hundred')).toBe(
      'Unused time on basic: 31.00 USD × 1 × 11/31, less discounts of 3.10 USD × 11/31 = 9.90 USD.', // 11.00 − 1.10
    );
    await tenant.change({ plan: 'hundred', keepRunningDiscounts: true });
    await tenant.advance('2026-01-27T00:00:00Z');
    expect(await sentenceOf(tenant, 'big')).toBe(
      // 100.00 × 11/31 = 35.48, 10 % of it 3.55; 16.129 − 1.6136 = 14.5154
      'Unused time on hundred: 100.00 USD × 1 × 5/31, less discounts of 3.55 USD × 5/11 = 14.52 USD.',
    );
  });
});
