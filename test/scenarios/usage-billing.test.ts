import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const perUnit = (amount: string) => ({ kind: 'PER_UNIT', amount });
const calls = (limit: string, price: object | undefined, extra: object = {}) => ({
  ...{ feature: 'calls', limit, resetPeriod: 'MONTH' },
  ...(price ? { usagePrices: [{ currency: 'EUR', ...price }] } : {}),
  ...extra,
});

/** The document that usage billing comes from: 1000 calls with the plan, 500 more with the add-on. */
async function sample(): Promise<World> {
  const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
  await world.feature('calls', 'METERED', { name: 'API calls', unit: 'calls' });
  await world.plan({ code: 'basic', month: '29.99', features: [calls('1000', { inside: perUnit('0.01') })] });
  const sold = { inside: perUnit('0.01'), overage: perUnit('0.02') };
  await world.addon('more_calls', '50', { features: [calls('500', sold)] });
  return world;
}

const nov1 = '2025-11-01T00:00:00Z';
const dec1 = '2025-12-01T00:00:00Z';

describe('the sample invoice', () => {
  test('fixed prices in advance, what joined, usage by its source in arrears: 123.99', async () => {
    const world = await sample();
    const tenant = await world.tenant(nov1);
    await tenant.start('basic');
    await tenant.advance('2025-11-16T00:00:00Z');
    const joined = await tenant.subscribe('more_calls', { charge: 'NEXT_INVOICE' });
    expect(joined.invoice).toBeNull();
    await tenant.advance('2025-11-20T12:00:00Z');
    await tenant.use('calls', 1700, '2025-11-20T12:00:00Z');
    const { invoices } = await tenant.advance(dec1);
    expect(invoices.map(amountsOf)).toEqual([
      [
        'PLAN_FIXED 29.99',
        'ADDON_FIXED 50.00',
        'PRORATION_CHARGE 25.00', // 50.00 × 15/30
        'PLAN_USAGE 10.00', // 1000 × 0.01
        'ADDON_USAGE 5.00', // 500 × 0.01
        'OVERAGE 4.00', // 200 × 0.02
      ],
    ]);
    expect(invoices[0].total.amount).toBe('123.99'); // 29.99 + 50.00 + 25.00 + 10.00 + 5.00 + 4.00
  });

  test.each<[string, number, string[]]>([
    ['1500: no overage', 1500, ['PLAN_USAGE 10.00', 'ADDON_USAGE 5.00']], // 1000 × 0.01, 500 × 0.01
    ['1700: 200 beyond all limits', 1700, ['PLAN_USAGE 10.00', 'ADDON_USAGE 5.00', 'OVERAGE 4.00']], // + 200 × 0.02
    ['700: the plan’s own come first', 700, ['PLAN_USAGE 7.00']], // 700 × 0.01
    ['nothing', 0, []],
  ])('attribution: %s', async (_what, used, expected) => {
    const world = await sample();
    const tenant = await world.tenant(nov1);
    await tenant.start('basic');
    await tenant.subscribe('more_calls');
    if (used > 0) await tenant.use('calls', used, nov1);
    const { invoices } = await tenant.advance(dec1);
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 29.99', 'ADDON_FIXED 50.00', ...expected]]);
    const sources = await tenant.lineSources();
    const overage = sources.find(({ kind }) => kind === 'OVERAGE');
    // The last attached source that sells overage: the add-on.
    if (used > 1500) expect(overage!.source).toEqual({ __typename: 'Addon', code: 'more_calls' });
    // A run for the same date finds nothing left to bill.
    expect((await tenant.advance(dec1)).invoices).toEqual([]);
  });

  test('an add-on bought twice over gives twice its units', async () => {
    const world = await sample();
    const tenant = await world.tenant(nov1);
    await tenant.start('basic');
    await tenant.subscribe('more_calls', { quantity: 2 });
    await tenant.use('calls', 2100, nov1);
    const { invoices } = await tenant.advance(dec1);
    expect(invoices.map(amountsOf)).toEqual([
      // 1000 × 0.01, 2 × 500 × 0.01, 100 × 0.02
      ['PLAN_FIXED 29.99', 'ADDON_FIXED 100.00', 'PLAN_USAGE 10.00', 'ADDON_USAGE 10.00', 'OVERAGE 2.00'],
    ]);
  });

  test('what joined and left again before it was invoiced pays for the days it was there', async () => {
    const world = await sample();
    const tenant = await world.tenant(nov1);
    await tenant.start('basic');
    await tenant.advance('2025-11-16T00:00:00Z');
    const { addonSubscription } = await tenant.subscribe('more_calls', { charge: 'NEXT_INVOICE' });
    await tenant.advance('2025-11-25T00:00:00Z');
    const cancelled = await tenant.cancelAddon(addonSubscription.id, { when: 'NOW' });
    expect(cancelled.creditNote).toBeNull();
    const { invoices } = await tenant.advance(dec1);
    expect(invoices.map(amountsOf)).toEqual([
      ['PLAN_FIXED 29.99', 'PRORATION_CHARGE 25.00', 'PRORATION_CREDIT -10.00'], // 50.00 × 15/30; 50.00 × 6/30
    ]);
  });

  test('nobody sells overage: what passes the hard limit all the same costs nothing', async () => {
    const world = await sample();
    const tenant = await world.tenant(nov1);
    await tenant.start('basic');
    await tenant.use('calls', 1400, nov1);
    const { invoices } = await tenant.advance(dec1);
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 29.99', 'PLAN_USAGE 10.00']]); // 1000 × 0.01
  });

  test('a gift comes after what is paid for, and its units cost nothing', async () => {
    const world = await sample();
    const tenant = await world.tenant(nov1);
    await tenant.start('basic');
    await tenant.subscribe('more_calls');
    await world.act(
      'grantEntitlement',
      { tenantId: tenant.id, feature: 'calls', limit: '100', resetPeriod: 'MONTH', reason: 'a gift' },
      'grant { id }',
    );
    await tenant.use('calls', 1700, nov1);
    const { invoices } = await tenant.advance(dec1);
    expect(amountsOf(invoices[0])).toEqual([
      // 1000 × 0.01; 500 × 0.01; 100 given; 100 × 0.02
      ...['PLAN_FIXED 29.99', 'ADDON_FIXED 50.00', 'PLAN_USAGE 10.00', 'ADDON_USAGE 5.00', 'OVERAGE 2.00'],
    ]);
  });
});

describe('price models on an invoice', () => {
  const tiers = [
    { upTo: '100', unitPrice: '0.10' },
    { upTo: '1000', unitPrice: '0.05', flat: '5' },
    { unitPrice: '0.01', flat: '20' },
  ];
  test.each<[string, object, string, string[]]>([
    ['flat: once, with the first unit', { kind: 'FLAT', amount: '7.50' }, '3', ['PLAN_USAGE 7.50']],
    ['flat without usage', { kind: 'FLAT', amount: '7.50' }, '0', []],
    ['flat at zero', { kind: 'FLAT', amount: '7.50', flatAtZero: true }, '0', ['PLAN_USAGE 7.50']],
    ['per unit: 2500 × 0.0015', perUnit('0.0015'), '2500', ['PLAN_USAGE 3.75']],
    [
      'graduated: 100 × 0.10 + 900 × 0.05 + 5 + 500 × 0.01 + 20',
      { kind: 'GRADUATED', tiers },
      '1500',
      ['PLAN_USAGE 85.00'],
    ],
    ['volume: 1500 × 0.01 + 20', { kind: 'VOLUME', tiers }, '1500', ['PLAN_USAGE 35.00']],
    ['package: 3 started × 4.00', { kind: 'PACKAGE', amount: '4', packageSize: '100' }, '201', ['PLAN_USAGE 12.00']],
    [
      'percentage: 1234.56 × 2.9 % + 0.30 = 36.10224',
      { kind: 'PERCENTAGE', percent: '2.9', fixedFee: '0.30' },
      '1234.56',
      ['PLAN_USAGE 36.10'],
    ],
    ['percentage, at most 10.00', { kind: 'PERCENTAGE', percent: '5', maximum: '10' }, '900', ['PLAN_USAGE 10.00']],
  ])('%s', async (_sum, inside, used, expected) => {
    const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
    await world.feature('calls');
    await world.plan({
      code: 'plan',
      month: '10',
      features: [calls('0', { inside }, { limit: undefined, unlimited: true })],
    });
    const tenant = await world.tenant(nov1);
    await tenant.start('plan');
    if (used !== '0') await tenant.use('calls', used, nov1);
    const { invoices } = await tenant.advance(dec1);
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 10.00', ...expected]]);
  });

  test('an allowance comes off first, tiers then price the excess', async () => {
    const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
    await world.feature('calls');
    await world.plan({
      code: 'plan',
      month: '10',
      features: [calls('1000', { overage: { kind: 'GRADUATED', tiers } })],
    });
    const tenant = await world.tenant(nov1);
    await tenant.start('plan');
    await tenant.use('calls', 1150, nov1);
    const { invoices } = await tenant.advance(dec1);
    // 1000 given; 100 × 0.10 + 50 × 0.05 + 5
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 10.00', 'OVERAGE 17.50']]);
  });

  test('a flat price in advance is on the invoice of the period it is for, used or not', async () => {
    const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
    await world.feature('calls');
    const flat = { inside: { kind: 'FLAT', amount: '7.50', timing: 'IN_ADVANCE' } };
    await world.plan({ code: 'plan', month: '10', year: '100', features: [calls('1000', flat)] });
    await world.plan({ code: 'none', month: '5' });
    const tenant = await world.tenant(nov1);
    const { invoices: first } = await tenant.start('plan');
    expect(first.map(amountsOf)).toEqual([['PLAN_FIXED 10.00', 'PLAN_USAGE 7.50']]);
    await tenant.use('calls', 10, nov1);
    const { invoices } = await tenant.advance(dec1);
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 10.00', 'PLAN_USAGE 7.50']]);
    // A year has twelve windows: 12 × 7.50.
    const yearly = await world.tenant(nov1);
    const { invoices: year } = await yearly.start('plan', { interval: 'YEAR' });
    expect(year.map(amountsOf)).toEqual([['PLAN_FIXED 100.00', 'PLAN_USAGE 90.00']]);
    // Who comes to the plan within a window pays from the next window on.
    const late = await world.tenant(nov1);
    await late.start('none');
    await late.advance('2025-11-16T00:00:00Z');
    await late.change({ plan: 'plan' });
    expect((await late.advance(dec1)).invoices.map(amountsOf)).toEqual([['PLAN_FIXED 10.00', 'PLAN_USAGE 7.50']]);
  });
});

describe('changes within a period', () => {
  const ladder = { kind: 'GRADUATED', tiers: [{ upTo: '100', unitPrice: '0.10' }, { unitPrice: '0.05' }] };
  const unlimited = (inside: object) => calls('0', { inside }, { limit: undefined, unlimited: true });

  test('a plan change keeps the position on the ladder; every unit is counted once', async () => {
    const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
    await world.feature('calls');
    await world.plan({ code: 'one', month: '30', features: [unlimited(ladder)] });
    await world.plan({ code: 'two', month: '30', rank: 20, features: [unlimited(ladder)] });
    const tenant = await world.tenant(nov1);
    await tenant.start('one');
    await tenant.use('calls', 60, nov1);
    await tenant.advance('2025-11-16T10:07:00Z');
    await tenant.change({ plan: 'two' });
    await tenant.use('calls', 1, '2025-11-16T10:06:59.999Z'); // before the change: the first plan's
    await tenant.use('calls', 80, '2025-11-16T10:07:00Z'); // at the change: the second plan's
    const { invoices } = await tenant.advance(dec1);
    expect(invoices.map(amountsOf)).toEqual([
      // 61 × 0.10; then from 61 on: 39 × 0.10 + 41 × 0.05 = 3.90 + 2.05
      ['PLAN_FIXED 30.00', 'PLAN_USAGE 6.10', 'PLAN_USAGE 5.95'],
    ]);
  });

  test('limits switch at the change: what was beyond the old limit is inside the new one from where the count stands', async () => {
    const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
    await world.feature('calls');
    await world.plan({ code: 'small', month: '10', features: [calls('100', { overage: perUnit('0.50') })] });
    await world.plan({
      ...{ code: 'large', month: '10', rank: 20 },
      features: [calls('200', { inside: perUnit('0.01'), overage: perUnit('0.20') })],
    });
    const tenant = await world.tenant(nov1);
    await tenant.start('small');
    await tenant.use('calls', 130, nov1);
    await tenant.advance('2025-11-16T00:00:00Z');
    await tenant.change({ plan: 'large' });
    await tenant.use('calls', 100, '2025-11-16T00:00:00Z');
    const { invoices } = await tenant.advance(dec1);
    expect(invoices.map(amountsOf)).toEqual([
      // 130 of 100: 30 × 0.50; from 130 to 230 of 200: 70 × 0.01 and 30 × 0.20
      ['PLAN_FIXED 10.00', 'PLAN_USAGE 0.70', 'OVERAGE 15.00', 'OVERAGE 6.00'],
    ]);
  });

  test('an add-on that joins gives its units from then on; the plan’s line stays one', async () => {
    const world = await sample();
    const tenant = await world.tenant(nov1);
    await tenant.start('basic');
    await tenant.use('calls', 600, nov1);
    await tenant.advance('2025-11-16T00:00:00Z');
    const { invoice } = await tenant.subscribe('more_calls');
    expect(amountsOf(invoice)).toEqual(['PRORATION_CHARGE 25.00']); // 50.00 × 15/30
    await tenant.use('calls', 1000, '2025-11-16T00:00:00Z');
    const { invoices } = await tenant.advance(dec1);
    expect(invoices.map(amountsOf)).toEqual([
      // 1600: 1000 × 0.01; 500 × 0.01; 100 × 0.02
      ['PLAN_FIXED 29.99', 'ADDON_FIXED 50.00', 'PLAN_USAGE 10.00', 'ADDON_USAGE 5.00', 'OVERAGE 2.00'],
    ]);
  });

  test('what was used is used: it is not credited when the plan changes', async () => {
    const world = await sample();
    await world.plan({ code: 'free', month: '0', rank: 0 });
    const tenant = await world.tenant(nov1);
    await tenant.start('basic');
    await tenant.use('calls', 1000, nov1);
    await tenant.advance('2025-12-16T00:00:00Z');
    const { creditNote } = await tenant.change({ plan: 'free' });
    expect(creditNote.total.amount).toBe('15.48'); // 29.99 × 16/31 = 15.4787; the 10.00 of usage stay
  });

  test('a new anchor: what was used before is billed by the old windows, the rest by the new ones', async () => {
    const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
    await world.feature('calls');
    await world.plan({
      code: 'plan',
      month: '30',
      year: '300',
      features: [calls('100', { inside: perUnit('0.10'), overage: perUnit('1') })],
    });
    const tenant = await world.tenant(nov1);
    await tenant.start('plan');
    await tenant.use('calls', 90, nov1);
    await tenant.advance('2025-11-16T10:00:00Z');
    await tenant.change({ plan: 'plan', interval: 'YEAR' });
    await tenant.use('calls', 5, '2025-11-16T09:00:00Z'); // late: of the window that the change has ended
    await tenant.use('calls', 40, '2025-11-16T10:00:00Z');
    expect((await tenant.invoices()).map(amountsOf)).toEqual([
      ['PLAN_FIXED 30.00'],
      ['PRORATION_CREDIT -15.00', 'PRORATION_CHARGE 300.00'], // 30.00 × 15/30
      ['PLAN_USAGE 9.00'], // 90 × 0.10
    ]);
    const { invoices } = await tenant.advance('2026-11-16T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 300.00', 'PLAN_USAGE 4.00', 'PLAN_USAGE 0.50']]); // 40 × 0.10; late, 5 × 0.10
  });
});

describe('time', () => {
  async function overageWorld(resetPeriod: string, extra: object = {}): Promise<World> {
    const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
    await world.feature('calls');
    const price = { inside: perUnit('0.01'), overage: perUnit('0.10') };
    await world.plan({
      ...{ code: 'plan', month: '10', year: '100' },
      features: [calls('100', price, { resetPeriod, ...extra })],
    });
    return world;
  }

  test('three periods missed: each is billed once, in order, with its own usage', async () => {
    const world = await overageWorld('MONTH');
    const tenant = await world.tenant('2026-02-15T00:00:00Z');
    await tenant.start('plan', { startAt: nov1 });
    expect(await tenant.advance('2026-02-15T00:00:00Z')).toMatchObject({ invoices: [] });
    const other = await world.tenant(nov1);
    await other.start('plan');
    await other.use('calls', 110, '2025-11-01T00:00:00Z');
    const { invoices } = await other.advance('2026-02-15T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([
      ['PLAN_FIXED 10.00', 'PLAN_USAGE 1.00', 'OVERAGE 1.00'], // 100 × 0.01; 10 × 0.10
      ['PLAN_FIXED 10.00'],
      ['PLAN_FIXED 10.00'],
    ]);
  });

  test('a yearly limit on a monthly plan: the position is kept from invoice to invoice', async () => {
    const world = await overageWorld('YEAR');
    const tenant = await world.tenant(nov1);
    await tenant.start('plan');
    const billed: string[][] = [];
    for (const [at, next] of [
      ['2025-11-05T00:00:00Z', dec1],
      ['2025-12-05T00:00:00Z', '2026-01-01T00:00:00Z'],
      ['2026-01-05T00:00:00Z', '2026-02-01T00:00:00Z'],
    ] as const) {
      await tenant.advance(at);
      await tenant.use('calls', 60, at);
      billed.push(amountsOf((await tenant.advance(next)).invoices[0]));
    }
    expect(billed).toEqual([
      ['PLAN_FIXED 10.00', 'PLAN_USAGE 0.60'], // 60 × 0.01
      ['PLAN_FIXED 10.00', 'PLAN_USAGE 0.40', 'OVERAGE 2.00'], // 40 × 0.01; 20 × 0.10
      ['PLAN_FIXED 10.00', 'OVERAGE 6.00'], // 60 × 0.10
    ]);
  });

  test('a monthly limit on a yearly plan: twelve windows, each on its own', async () => {
    const world = await overageWorld('MONTH');
    const tenant = await world.tenant(nov1);
    await tenant.start('plan', { interval: 'YEAR' });
    await tenant.use('calls', 110, nov1);
    await tenant.advance('2025-12-05T00:00:00Z');
    await tenant.use('calls', 90, '2025-12-05T00:00:00Z');
    const { invoices } = await tenant.advance('2026-11-01T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([
      // November: 100 × 0.01 and 10 × 0.10; December: 90 × 0.01
      ['PLAN_FIXED 100.00', 'PLAN_USAGE 1.00', 'PLAN_USAGE 0.90', 'OVERAGE 1.00'],
    ]);
  });

  test('a limit that never starts over counts from the subscription’s start', async () => {
    const world = await overageWorld('NEVER');
    const tenant = await world.tenant(nov1);
    await tenant.start('plan');
    await tenant.use('calls', 80, nov1);
    expect((await tenant.advance(dec1)).invoices.map(amountsOf)).toEqual([['PLAN_FIXED 10.00', 'PLAN_USAGE 0.80']]);
    await tenant.use('calls', 80, dec1);
    const { invoices } = await tenant.advance('2026-01-01T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 10.00', 'PLAN_USAGE 0.20', 'OVERAGE 6.00']]); // 20 × 0.01; 60 × 0.10
  });

  test('windows begin at midnight where the tenant is: at the anchor, in its zone', async () => {
    const world = await World.create(gateway, { currency: 'EUR', timeZone: 'Pacific/Auckland', paysAtOnce: true });
    await world.feature('calls');
    await world.plan({ code: 'plan', month: '10', features: [calls('100', { overage: perUnit('0.10') })] });
    const tenant = await world.tenant('2026-01-30T11:00:00Z'); // 31 January there
    await tenant.start('plan');
    await tenant.advance('2026-02-27T10:59:59.999Z');
    await tenant.use('calls', 101, '2026-02-27T10:59:59.999Z');
    const first = await tenant.advance('2026-02-27T11:00:00Z'); // 28 February there
    expect(first.invoices.map(amountsOf)).toEqual([['PLAN_FIXED 10.00', 'OVERAGE 0.10']]); // 1 × 0.10
    await tenant.use('calls', 102, '2026-02-27T11:00:00Z');
    const second = await tenant.advance('2026-03-30T11:00:00Z'); // 31 March there
    expect(second.invoices.map(amountsOf)).toEqual([['PLAN_FIXED 10.00', 'OVERAGE 0.20']]); // 2 × 0.10
  });

  test('a trial is free, and ladders begin with what is paid', async () => {
    const world = await overageWorld('NEVER');
    const tenant = await world.tenant(nov1);
    await tenant.start('plan', { trialDays: 14 });
    await tenant.use('calls', 500, nov1);
    const trial = await tenant.advance('2025-11-15T00:00:00Z');
    expect(trial.invoices.map(amountsOf)).toEqual([['PLAN_FIXED 10.00']]);
    await tenant.use('calls', 110, '2025-11-15T00:00:00Z');
    await tenant.use('calls', 7, '2025-11-02T00:00:00Z'); // late, and of the trial
    const { invoices } = await tenant.advance('2025-12-15T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 10.00', 'PLAN_USAGE 1.00', 'OVERAGE 1.00']]); // 100 × 0.01; 10 × 0.10
  });
});

describe('late usage', () => {
  test('lands on the next invoice as its own line, on the ladder of its own window; nothing is dropped, nothing twice', async () => {
    const world = await sample();
    const tenant = await world.tenant(nov1);
    await tenant.start('basic');
    await tenant.subscribe('more_calls');
    await tenant.use('calls', 900, nov1);
    const first = await tenant.advance(dec1);
    expect(amountsOf(first.invoices[0])).toEqual(['PLAN_FIXED 29.99', 'ADDON_FIXED 50.00', 'PLAN_USAGE 9.00']); // 900 × 0.01
    await tenant.use('calls', 700, '2025-11-30T23:59:59.999Z');
    await tenant.use('calls', 10, dec1);
    const second = await tenant.advance('2026-01-01T00:00:00Z');
    expect(amountsOf(second.invoices[0])).toEqual([
      ...['PLAN_FIXED 29.99', 'ADDON_FIXED 50.00', 'PLAN_USAGE 0.10'], // 10 × 0.01
      // From 900 to 1600 of November: 100 × 0.01; 500 × 0.01; 100 × 0.02
      ...['PLAN_USAGE 1.00', 'ADDON_USAGE 5.00', 'OVERAGE 2.00'],
    ]);
    expect(second.invoices[0].lines.map(({ description }: { description: string }) => description).slice(3)).toEqual([
      'Late usage: API calls (basic)',
      'Late usage: API calls (more_calls)',
      'Late usage: API calls beyond all limits (more_calls)',
    ]);
    const third = await tenant.advance('2026-02-01T00:00:00Z');
    expect(amountsOf(third.invoices[0])).toEqual(['PLAN_FIXED 29.99', 'ADDON_FIXED 50.00']);
  });

  test('of an open window: a line of its own, and the count goes on from there', async () => {
    const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
    await world.feature('calls');
    const price = { inside: perUnit('0.01'), overage: perUnit('0.10') };
    await world.plan({ code: 'plan', month: '10', features: [calls('100', price, { resetPeriod: 'YEAR' })] });
    const tenant = await world.tenant(nov1);
    await tenant.start('plan');
    await tenant.use('calls', 50, nov1);
    await tenant.advance(dec1);
    await tenant.use('calls', 20, nov1);
    await tenant.use('calls', 40, dec1);
    const { invoices } = await tenant.advance('2026-01-01T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([
      // from 70 on: 30 × 0.01 and 10 × 0.10; late, from 50 to 70: 20 × 0.01
      ['PLAN_FIXED 10.00', 'PLAN_USAGE 0.30', 'OVERAGE 1.00', 'PLAN_USAGE 0.20'],
    ]);
  });

  test('after the end: on a further final invoice', async () => {
    const world = await sample();
    const tenant = await world.tenant(nov1);
    await tenant.start('basic');
    await tenant.use('calls', 100, nov1);
    await tenant.advance('2025-11-20T00:00:00Z');
    await tenant.cancel({ when: 'NOW' });
    await tenant.use('calls', 50, '2025-11-10T00:00:00Z');
    const { invoices: final } = await tenant.advance(dec1);
    expect(final.map(amountsOf)).toEqual([['PLAN_USAGE 0.50']]); // 150 × 0.01 less the 1.00 of the final invoice before
    const { invoices } = await tenant.start('basic');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 29.99']]);
  });
});

describe('the end', () => {
  test('cancelled now: what was used is on a final invoice, which the credit for the unused days helps to pay', async () => {
    const world = await sample();
    const tenant = await world.tenant(nov1);
    await tenant.start('basic');
    await tenant.use('calls', 300, nov1);
    await tenant.advance('2025-11-16T12:00:00Z');
    const cancelled = await tenant.cancel({ when: 'NOW' });
    expect(cancelled.creditNote.total.amount).toBe('15.00'); // 29.99 × 15/30 = 14.995
    expect(cancelled.invoice).toMatchObject({
      reason: 'FINAL',
      total: { amount: '3.00' },
      amountDue: { amount: '0.00' },
    });
    expect(amountsOf(cancelled.invoice)).toEqual(['PLAN_USAGE 3.00']); // 300 × 0.01
    expect(await tenant.balance()).toBe('12.00'); // 15.00 − 3.00
  });

  test('cancelled to the period’s end', async () => {
    const world = await sample();
    const tenant = await world.tenant(nov1);
    await tenant.start('basic');
    await tenant.cancel();
    await tenant.use('calls', 300, nov1);
    const { invoices } = await tenant.advance('2026-03-01T00:00:00Z');
    expect(invoices.map(({ reason }: { reason: string }) => reason)).toEqual(['FINAL']);
    expect(invoices.map(amountsOf)).toEqual([['PLAN_USAGE 3.00']]); // 300 × 0.01
  });

  test('nothing used: no final invoice', async () => {
    const world = await sample();
    const tenant = await world.tenant(nov1);
    await tenant.start('basic');
    expect((await tenant.cancel({ when: 'NOW' })).invoice).toBeNull();
  });
});

test('a coupon takes from usage too, and counts the period once', async () => {
  const world = await sample();
  await world.coupon('HALF', { kind: 'PERCENT', percent: '50', duration: 'REPEATING', durationPeriods: 1 });
  const tenant = await world.tenant(nov1);
  await tenant.start('basic');
  await tenant.use('calls', 1000, nov1);
  await tenant.apply('HALF');
  const { invoices } = await tenant.advance('2026-01-01T00:00:00Z');
  expect(invoices.map(amountsOf)).toEqual([
    ['PLAN_FIXED 29.99', 'PLAN_USAGE 10.00', 'DISCOUNT -15.00', 'DISCOUNT -5.00'], // 39.99 × 50 % = 20.00, spread
    ['PLAN_FIXED 29.99'],
  ]);
});

test('a renewal asks the same number of statements however many features, windows and add-ons it bills', async () => {
  const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
  const codes = Array.from({ length: 9 }, (_, index) => `feature${index}`);
  for (const code of codes) await world.feature(code);
  const price = { inside: perUnit('0.01'), overage: perUnit('0.02') };
  const priced = (feature: string, resetPeriod: string) => calls('10', price, { feature, resetPeriod });
  await world.plan({ code: 'one', month: '10', features: [priced('feature0', 'MONTH')] });
  await world.plan({
    code: 'nine',
    month: '10',
    features: codes.map((code, index) => priced(code, index < 5 ? 'MONTH' : 'WEEK')),
  });
  await world.addon('extra', '1', { features: [priced('feature1', 'MONTH')] });
  const renewal = async (plan: string, used: readonly string[], addons: readonly string[]) => {
    const tenant = await world.tenant(nov1);
    await tenant.start(plan);
    for (const addon of addons) await tenant.subscribe(addon);
    for (const code of used) await tenant.use(code, 25, nov1);
    await tenant.advance('2025-11-30T00:00:00Z');
    gateway.statements();
    const { invoices } = await tenant.advance(dec1);
    // Who asks is remembered for some seconds: reading it, and what comes before the transaction, is not the renewal's.
    const sent = gateway.statements().filter((sql) => !sql.includes('app.memberships_of'));
    const statements = sent.length - sent.findIndex((sql) => sql.includes('app.enter('));
    return { statements, lines: invoices[0].lines.length };
  };
  const few = await renewal('one', ['feature0'], ['extra']);
  const many = await renewal('nine', codes, ['extra']);
  expect(few.lines).toBe(4); // plan, add-on, within, beyond
  expect(many.lines).toBeGreaterThan(20);
  expect(many.statements).toBe(few.statements);
});

test('a change to a new anchor bills usage apart, and spends no coupon on it', async () => {
  const world = await sample();
  await world.plan({ code: 'yearly', year: '300', rank: 20, features: [calls('1000', { inside: perUnit('0.01') })] });
  const running = { kind: 'PERCENT', percent: '50', duration: 'REPEATING', durationPeriods: 3 };
  await world.coupon('HALF', running);
  const tenant = await world.tenant(nov1);
  await tenant.start('basic');
  await tenant.apply('HALF');
  await tenant.advance(dec1);
  await tenant.use('calls', 100, dec1);
  await tenant.advance('2025-12-16T12:00:00Z');
  await tenant.change({ plan: 'yearly', interval: 'YEAR', keepRunningDiscounts: true });
  const { redemptions, lines } = await tenant.spent();
  expect(lines.at(-1)).toEqual(['PLAN_USAGE 1.00']); // 100 × 0.01
  expect(redemptions).toBe(1);
});
