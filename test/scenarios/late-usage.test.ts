import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const at = (date: string) => `2026-${date}T00:00:00Z`;
const perUnit = (amount: string) => ({ kind: 'PER_UNIT', amount });
const calls = (limit: string, price: object, extra: object = {}) => ({
  ...{ feature: 'calls', limit, resetPeriod: 'MONTH', usagePrices: [{ currency: 'EUR', ...price }], ...extra },
});

/** Plan a sells a call for 1.00, plan b for 3.00. */
async function twoPlans(): Promise<World> {
  const world = await World.create(gateway, { currency: 'EUR' });
  await world.feature('calls');
  await world.plan({ code: 'a', month: '31.00', year: '365.00', features: [calls('0', { overage: perUnit('1') })] });
  await world.plan({ code: 'b', month: '62.00', rank: 20, features: [calls('0', { overage: perUnit('3') })] });
  return world;
}

/** The lines of usage of everything that was invoiced. */
async function usageLines(tenant: TenantOfWorld): Promise<string[]> {
  const usage = /^(PLAN_USAGE|ADDON_USAGE|OVERAGE) /;
  const all = await tenant.invoices();
  return all.flatMap((one) => amountsOf(one).filter((line) => usage.test(line)));
}

describe('a late event is priced by what held when it happened', () => {
  test('the plan of its own time, not of the period’s end', async () => {
    const world = await twoPlans();
    const tenant = await world.tenant(at('01-01'));
    await tenant.start('a');
    await tenant.advance(at('01-10'));
    await tenant.change({ plan: 'b' });
    await tenant.advance(at('02-02'));
    await tenant.use('calls', 1, at('01-05'));
    await tenant.use('calls', 2, at('01-10'));
    const { invoices } = await tenant.advance(at('03-02'));
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 62.00', 'OVERAGE 1.00', 'OVERAGE 6.00']]); // 1 × 1; 2 × 3
    expect(invoices[0].lines.slice(1).map((line: { description: string }) => line.description)).toEqual([
      'Late usage: calls beyond all limits (a)',
      'Late usage: calls beyond all limits (b)',
    ]);
  });

  test('an add-on’s price and units while it was there, also after it has ended', async () => {
    const world = await World.create(gateway, { currency: 'EUR' });
    await world.feature('calls');
    await world.plan({ code: 'a', month: '31.00', features: [calls('10', { overage: perUnit('1') })] });
    await world.addon('more', '31.00', {
      features: [calls('10', { inside: perUnit('0.10'), overage: perUnit('0.50') })],
    });
    const tenant = await world.tenant(at('01-01'));
    await tenant.start('a');
    const { addonSubscription } = await tenant.subscribe('more');
    await tenant.use('calls', 10, at('01-01'));
    await tenant.advance(at('01-16'));
    await tenant.cancelAddon(addonSubscription.id, { when: 'NOW' });
    await tenant.advance(at('02-02'));
    // Of the time of the add-on: 10 within it, then 5 beyond all limits at its price.
    await tenant.use('calls', 15, at('01-15'));
    // After it: beyond the plan's limit, at the plan's price.
    await tenant.use('calls', 2, at('01-16'));
    const { invoices } = await tenant.advance(at('03-02'));
    expect(invoices.map(amountsOf)).toEqual([
      ['PLAN_FIXED 31.00', 'ADDON_USAGE 1.00', 'OVERAGE 2.50', 'OVERAGE 2.00'], // 10 × 0.10; 5 × 0.50; 2 × 1
    ]);
  });

  test('the limits of its own time: an add-on that gives more from the 10th on gives the same before', async () => {
    const world = await World.create(gateway, { currency: 'EUR' });
    await world.feature('calls');
    await world.plan({ code: 'none', month: '5.00' });
    const more = (limit: string) => [calls(limit, { overage: perUnit('1') })];
    await world.addon('more', '31.00', { features: more('10') });
    const tenant = await world.tenant(at('01-01'));
    await tenant.start('none');
    await tenant.subscribe('more');
    await tenant.advance(at('01-10'));
    await world.act('updateAddon', { partnerId: world.partnerId, addon: 'more', features: more('20') }, 'addon { id }');
    expect(await world.act('rebuildEntitlements', { tenantId: tenant.id }, 'changed')).toEqual({ changed: 2 });
    expect(await world.act('rebuildEntitlements', { tenantId: tenant.id }, 'changed')).toEqual({ changed: 0 });
    expect((await tenant.check('calls')).limit).toBe('20');
    expect((await tenant.check('calls', `, asOf: "${at('01-09')}"`)).limit).toBe('10');
    await tenant.advance(at('02-02'));
    await tenant.use('calls', 15, at('01-05'));
    await tenant.use('calls', 7, at('01-10'));
    const { invoices } = await tenant.advance(at('03-02'));
    // 15 of 10: 5 × 1; from 15 to 22 of 20: 2 × 1
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 5.00', 'ADDON_FIXED 31.00', 'OVERAGE 7.00']]);
  });

  test('in whichever order events come, the sum is what it would have been in time', async () => {
    const world = await World.create(gateway, { currency: 'EUR' });
    await world.feature('calls');
    const tiers = [{ upTo: '10', unitPrice: '1', flat: '2' }, { unitPrice: '0.333' }];
    const price = { inside: perUnit('0.05'), overage: { kind: 'GRADUATED', tiers } };
    await world.plan({ code: 'a', month: '31.00', features: [calls('20', price)] });
    await world.plan({ code: 'b', month: '62.00', rank: 20, features: [calls('30', { overage: perUnit('3') })] });
    const events: readonly [number, string][] = [
      [15, at('01-02')],
      [7, at('01-09')],
      [4, at('01-10')],
      [9, at('01-20')],
    ];
    const life = async (late: readonly number[]) => {
      const tenant = await world.tenant(at('01-01'));
      const send = async (isLate: boolean, until: string) => {
        for (const [index, [quantity, time]] of events.entries()) {
          if (late.includes(index) === isLate && time < until) await tenant.use('calls', quantity, time);
        }
      };
      await tenant.start('a');
      await tenant.advance(at('01-10'));
      await tenant.change({ plan: 'b' });
      await tenant.advance(at('01-31'));
      await send(false, at('02-01'));
      await tenant.advance(at('02-02'));
      await send(true, at('02-01'));
      await tenant.advance(at('03-02'));
      const lines = (await tenant.invoices()).flatMap((one) => one.lines);
      const usage = lines.filter(({ kind }) => kind === 'PLAN_USAGE' || kind === 'OVERAGE');
      return usage.reduce((sum, { amount }) => sum + Math.round(Number(amount.amount) * 100), 0);
    };
    // a: 22 of 20, 20 × 0.05 + 2 × 1 + 2 = 5.00; b: from 22 to 35 of 30, 5 × 3 = 15.00
    expect(await life([])).toBe(2000);
    for (const late of [[0], [1], [2], [3], [0, 3], [1, 2], [0, 1, 2, 3]])
      expect([late, await life(late)]).toEqual([late, 2000]);
  });

  test('across a new anchor: by the window and the plan that it fell into', async () => {
    const world = await twoPlans();
    const tenant = await world.tenant(at('01-01'));
    await tenant.start('a');
    await tenant.advance('2026-01-16T10:00:00Z');
    await tenant.change({ plan: 'b', anchor: 'RESET' });
    await tenant.use('calls', 4, '2026-01-16T09:59:59.999Z');
    await tenant.use('calls', 5, '2026-01-16T10:00:00Z');
    const { invoices } = await tenant.advance(at('02-17'));
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 62.00', 'OVERAGE 15.00', 'OVERAGE 4.00']]); // 5 × 3; late, 4 × 1
  });

  test('of a trial: free', async () => {
    const world = await twoPlans();
    const tenant = await world.tenant(at('01-01'));
    await tenant.start('a', { trialDays: 14 });
    await tenant.advance(at('01-16'));
    await tenant.use('calls', 4, at('01-14'));
    await tenant.use('calls', 5, at('01-15'));
    const { invoices } = await tenant.advance(at('02-16'));
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 31.00', 'OVERAGE 5.00']]); // 5 × 1
  });

  test('of a window that is longer than a period: on the ladder of the bill that it missed', async () => {
    const world = await World.create(gateway, { currency: 'EUR' });
    await world.feature('calls');
    const tiers = [{ upTo: '10', unitPrice: '1' }, { unitPrice: '0.50' }];
    const features = [calls('0', { overage: { kind: 'VOLUME', tiers } }, { resetPeriod: 'YEAR' })];
    await world.plan({ code: 'a', month: '31.00', features });
    const tenant = await world.tenant(at('01-01'));
    await tenant.start('a');
    await tenant.use('calls', 5, at('01-01'));
    await tenant.advance(at('02-01'));
    await tenant.use('calls', 10, at('02-01'));
    await tenant.advance(at('03-01'));
    await tenant.use('calls', 3, at('01-31'));
    const [usage] = await tenant.usage();
    expect(usage.amount.amount).toBe('13.00'); // in time: 8 × 1; from 8 to 18, 10 × 0.50
    await tenant.advance(at('04-01'));
    // January 5 × 1; February from 5 to 15, 10 × 0.50; late 8 × 1 less 5.00
    expect(await usageLines(tenant)).toEqual(['OVERAGE 5.00', 'OVERAGE 5.00', 'OVERAGE 3.00']);
  });
});

describe('after the final invoice', () => {
  test('a late event makes a further final invoice, once', async () => {
    const world = await twoPlans();
    const tenant = await world.tenant(at('01-01'));
    await tenant.start('a');
    await tenant.use('calls', 2, at('01-01'));
    await tenant.advance(at('01-16'));
    await tenant.cancel({ when: 'NOW' });
    await tenant.use('calls', 3, at('01-10'));
    const { invoices } = await tenant.advance(at('01-17'));
    expect(invoices.map((one: { reason: string }) => one.reason)).toEqual(['FINAL']);
    expect(invoices.map(amountsOf)).toEqual([['OVERAGE 3.00']]); // 5 × 1 less 2.00
    expect(invoices[0].lines[0].explanation.sentence).toBe(
      'Late usage: calls beyond all limits, price of a: 5 units × 1, less 2.00 EUR that was billed before = 3.00 EUR.',
    );
    expect((await tenant.advance(at('02-17'))).invoices).toEqual([]);
    // What happened after the end is nobody's.
    await tenant.use('calls', 7, at('01-16'));
    expect((await tenant.advance(at('03-17'))).invoices).toEqual([]);
  });

  test('of the subscription before, it is on the next invoice of the one that lives', async () => {
    const world = await twoPlans();
    const tenant = await world.tenant(at('01-01'));
    await tenant.start('a');
    await tenant.advance(at('01-16'));
    await tenant.cancel({ when: 'NOW' });
    await tenant.start('b');
    await tenant.use('calls', 3, at('01-10'));
    await tenant.use('calls', 2, at('01-16'));
    const { invoices } = await tenant.advance(at('02-16'));
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 62.00', 'OVERAGE 6.00', 'OVERAGE 3.00']]); // 2 × 3; late, 3 × 1
  });
});

describe('usage of a void invoice', () => {
  test('is billed again with the next one, at its own prices', async () => {
    const world = await twoPlans();
    const tenant = await world.tenant(at('01-01'));
    await tenant.start('a');
    await tenant.advance(at('01-10'));
    await tenant.use('calls', 4, at('01-05'));
    await tenant.change({ plan: 'b' });
    await tenant.use('calls', 2, at('01-10'));
    const first = await tenant.advance(at('02-01'));
    expect(first.invoices.map(amountsOf)).toEqual([['PLAN_FIXED 62.00', 'OVERAGE 4.00', 'OVERAGE 6.00']]); // 4 × 1; 2 × 3
    expect((await tenant.void(first.invoices[0].id)).invoice.status).toBe('VOID');
    await tenant.use('calls', 1, at('01-20'));
    const upcoming = await tenant.upcoming();
    const { invoices } = await tenant.advance(at('03-01'));
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 62.00', 'OVERAGE 4.00', 'OVERAGE 9.00']]); // 4 × 1; 3 × 3
    expect(amountsOf(upcoming)).toEqual(amountsOf(invoices[0]));
    expect(invoices[0].lines.at(-1).description).toBe('Billed again: calls beyond all limits (b)');
    expect((await tenant.advance(at('04-01'))).invoices.map(amountsOf)).toEqual([['PLAN_FIXED 62.00']]);
  });

  test('after the end it makes a further final invoice; forgiven, none', async () => {
    const world = await twoPlans();
    const tenant = await world.tenant(at('01-01'));
    await tenant.start('a');
    await tenant.advance(at('01-31'));
    await tenant.use('calls', 40, at('01-05'));
    const { invoice } = await tenant.cancel({ when: 'NOW' });
    expect(amountsOf(invoice)).toEqual(['OVERAGE 40.00']); // 40 × 1
    await tenant.void(invoice.id);
    const upcoming = await tenant.upcoming();
    expect(upcoming).toMatchObject({ reason: 'FINAL', amountDue: { amount: '40.00' }, period: null });
    const [again] = (await tenant.advance(at('02-01'))).invoices;
    expect(amountsOf(again)).toEqual(['OVERAGE 40.00']);
    expect(amountsOf(upcoming)).toEqual(amountsOf(again));
    expect(await tenant.upcoming()).toBeNull();
    const input = { tenantId: tenant.id, invoiceId: again.id, reason: 'a gift', forgiveUsage: true };
    expect((await world.act('voidInvoice', input, 'invoice { status }')).invoice.status).toBe('VOID');
    expect((await tenant.advance(at('03-01'))).invoices).toEqual([]);
  });

  test('a part that another invoice charged late stays with it', async () => {
    const world = await World.create(gateway, { currency: 'EUR' });
    await world.feature('calls');
    await world.plan({ code: 'a', month: '31.00', features: [calls('50', { overage: perUnit('1') })] });
    const tenant = await world.tenant(at('01-01'));
    await tenant.start('a');
    await tenant.advance(at('01-06'));
    await tenant.use('calls', 60, at('01-05'));
    const [january] = (await tenant.advance(at('02-01'))).invoices;
    expect(amountsOf(january)).toEqual(['PLAN_FIXED 31.00', 'OVERAGE 10.00']); // 10 × 1
    await tenant.use('calls', 5, at('01-06'));
    const [february] = (await tenant.advance(at('03-01'))).invoices;
    expect(amountsOf(february)).toEqual(['PLAN_FIXED 31.00', 'OVERAGE 5.00']); // 15 × 1 less 10.00
    await tenant.void(january.id);
    const [march] = (await tenant.advance(at('04-01'))).invoices;
    expect(amountsOf(march)).toEqual(['PLAN_FIXED 31.00', 'OVERAGE 10.00']); // 15 × 1 less 5.00
  });

  test('a price in advance comes back with the window that it was for', async () => {
    const world = await World.create(gateway, { currency: 'EUR' });
    await world.feature('calls');
    const inAdvance = { inside: { kind: 'FLAT', amount: '7.50', timing: 'IN_ADVANCE' } };
    await world.plan({ code: 'a', month: '31.00', features: [calls('50', inAdvance)] });
    const tenant = await world.tenant(at('01-01'));
    const { invoices: first } = await tenant.start('a');
    expect(first.map(amountsOf)).toEqual([['PLAN_FIXED 31.00', 'PLAN_USAGE 7.50']]);
    await tenant.void(first[0].id);
    const [usage] = await tenant.usage();
    expect(usage.amount.amount).toBe('7.50');
    const [february] = (await tenant.advance(at('02-01'))).invoices;
    // January's, and February's in advance.
    expect(amountsOf(february)).toEqual(['PLAN_FIXED 31.00', 'PLAN_USAGE 7.50', 'PLAN_USAGE 7.50']);
  });
});

describe('usageBySubscription says what the invoice will say', () => {
  const tiers = [
    { upTo: '100', unitPrice: '0.10', flat: '3' },
    { unitPrice: '0.05', flat: '20' },
  ];
  test.each<[string, object, string, string, string]>([
    ['a flat overage at zero', { overage: { kind: 'FLAT', amount: '2', flatAtZero: true } }, '5', '0', '2.00'],
    ['a flat inside at zero', { inside: { kind: 'FLAT', amount: '2', flatAtZero: true } }, '5', '0', '2.00'],
    ['a tier’s flat fee at zero', { overage: { kind: 'GRADUATED', tiers, flatAtZero: true } }, '5', '0', '3.00'],
    ['tiers with flat fees', { overage: { kind: 'GRADUATED', tiers } }, '5', '115', '33.50'], // 100 × 0.10 + 3 + 10 × 0.05 + 20
    ['volume with a flat fee', { overage: { kind: 'VOLUME', tiers } }, '5', '115', '25.50'], // 110 × 0.05 + 20
    ['packages', { overage: { kind: 'PACKAGE', amount: '4', packageSize: '10' } }, '5', '16', '8.00'], // 2 started × 4
    ['a minimum', { overage: { kind: 'PERCENTAGE', percent: '1', minimum: '5' } }, '5', '6', '5.00'], // 1 × 1 %, at least 5
    ['inside and beyond', { inside: perUnit('0.335'), overage: perUnit('1.115') }, '3', '4', '2.13'], // 3 × 0.335 = 1.005; 1 × 1.115
  ])('%s', async (_what, price, limit, used, amount) => {
    const world = await World.create(gateway, { currency: 'EUR' });
    await world.feature('calls');
    await world.plan({ code: 'a', month: '31.00', features: [calls(limit, price)] });
    const tenant = await world.tenant(at('01-01'));
    await tenant.start('a');
    if (used !== '0') await tenant.use('calls', used, at('01-01'));
    const [usage] = await tenant.usage();
    expect(usage.amount.amount).toBe(amount);
    const sum = (amounts: readonly string[]) =>
      (amounts.reduce((total, one) => total + Math.round(Number(one) * 100), 0) / 100).toFixed(2);
    expect(sum(usage.shares.map((share: { amount: { amount: string } | null }) => share.amount?.amount ?? '0'))).toBe(
      amount,
    );
    const upcoming = await tenant.upcoming();
    const usageOf = (lines: readonly { kind: string; amount: { amount: string } }[]) =>
      sum(lines.filter(({ kind }) => kind !== 'PLAN_FIXED').map((line) => line.amount.amount));
    expect(usageOf(upcoming.lines)).toBe(amount);
    const { invoices } = await tenant.advance(at('02-01'));
    expect(usageOf(invoices[0].lines)).toBe(amount);
  });
});
