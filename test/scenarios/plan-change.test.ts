import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

/** pro 19 and pro_max 49 a month, 228 and 588 a year, in UTC. */
async function proWorld(): Promise<World> {
  const world = await World.create(gateway, { paysAtOnce: true });
  await world.plan({ code: 'free', rank: 0, month: '0', year: '0' });
  await world.plan({ code: 'pro', rank: 10, month: '19', year: '228' });
  await world.plan({ code: 'pro_max', rank: 20, month: '49', year: '588' });
  await world.coupon('UPGRADE20', { kind: 'PERCENT', percent: '20' });
  await world.coupon('UPGRADE50', { kind: 'PERCENT', percent: '50', duration: 'REPEATING', durationPeriods: 3 });
  return world;
}

describe('the worked examples of the billing rules, through the API', () => {
  test('19 → 49, 11 of 31 days left, 20 % off the new plan', async () => {
    const world = await proWorld();
    const tenant = await world.tenant('2025-12-21T00:00:00Z');
    await tenant.start('pro', { startAt: '2025-12-01T00:00:00Z' });
    const input = { plan: 'pro_max', coupon: 'UPGRADE20' };
    const preview = await tenant.preview(input);
    expect(preview).toMatchObject({
      unusedCredit: { amount: '6.74' }, // 19.00 × 11/31 = 6.7419
      newCharge: { amount: '17.39' }, // 49.00 × 11/31 = 17.3871
      discount: { amount: '3.48' }, // 20 % of 17.39 = 3.478
      net: { amount: '7.17' }, // 17.39 − 6.74 − 3.48
      share: { remaining: '11', total: '31' },
      recurring: { amount: '49.00' },
    });
    const changed = await tenant.change(input, { quote: preview.quote.token });
    expect(changed.net.amount).toBe('7.17');
    expect(amountsOf(changed.invoice)).toEqual(['PRORATION_CREDIT -6.74', 'PRORATION_CHARGE 17.39', 'DISCOUNT -3.48']);
    expect(changed.invoice.amountDue.amount).toBe('7.17');
    // The coupon was for once: the renewal is at the full price.
    const { invoices } = await tenant.advance('2026-01-01T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 49.00']]);
  });

  test('effective 9.50 → 49, 10 of 30, 20 %: the credit is for what was really paid', async () => {
    const world = await proWorld();
    await world.coupon('PROMO50', { kind: 'PERCENT', percent: '50', duration: 'REPEATING', durationPeriods: 2 });
    const tenant = await world.tenant('2025-11-21T00:00:00Z');
    // The coupon waits before the subscription starts, so that the first invoice is 19.00 − 9.50.
    await tenant.apply('PROMO50');
    const { invoices } = await tenant.start('pro', { startAt: '2025-11-01T00:00:00Z' });
    expect(amountsOf(invoices[0])).toEqual(['PLAN_FIXED 19.00', 'DISCOUNT -9.50']);
    const preview = await tenant.preview({ plan: 'pro_max', coupon: 'UPGRADE20' });
    expect(preview).toMatchObject({
      unusedCredit: { amount: '3.17' }, // (19.00 − 9.50) × 10/30 = 3.1667
      newCharge: { amount: '16.33' }, // 49.00 × 10/30 = 16.3333
      discount: { amount: '3.27' }, // 20 % of 16.33 = 3.266
      net: { amount: '9.89' }, // 16.33 − 3.17 − 3.27: the sum of rounded lines
      endingCoupons: ['PROMO50'],
    });
    await tenant.change({ plan: 'pro_max', coupon: 'UPGRADE20' });
    // S004: the old discount no longer applies after the change.
    const { invoices: renewals } = await tenant.advance('2025-12-01T00:00:00Z');
    expect(renewals.map(amountsOf)).toEqual([['PLAN_FIXED 49.00']]);
  });

  test('free → 49 with 50 % for 3 months: 24.50, 24.50, 24.50, then 49.00', async () => {
    const world = await proWorld();
    const tenant = await world.tenant('2025-12-01T00:00:00Z');
    await tenant.start('free', { startAt: '2025-12-01T00:00:00Z' });
    const changed = await tenant.change({ plan: 'pro_max', coupon: 'UPGRADE50' });
    // A credit of 0.00 for the free plan stands on it too.
    expect(changed.invoice.total.amount).toBe('24.50'); // 49.00 × 31/31 − 50 %
    const { invoices } = await tenant.advance('2026-03-01T00:00:00Z');
    expect(invoices.map((invoice: { total: { amount: string } }) => invoice.total.amount)).toEqual([
      '24.50', // January: 49.00 − 24.50
      '24.50', // February
      '49.00', // March: three periods are over
    ]);
    const { nodes } = await gateway.get(
      'super-admin',
      'query ($id: ID) { couponRedemptions(tenantId: $id) { nodes { periodNumber discount { amount } isProrationInvolved prorationAmount { amount } planBefore { code } planAfter { code } intervalBefore intervalAfter } } }',
      { id: tenant.id },
    );
    expect(nodes).toEqual([
      {
        periodNumber: 1,
        discount: { amount: '24.50' },
        isProrationInvolved: true,
        prorationAmount: { amount: '24.50' },
        planBefore: { code: 'free' },
        planAfter: { code: 'pro_max' },
        intervalBefore: 'MONTH',
        intervalAfter: 'MONTH',
      },
      expect.objectContaining({
        periodNumber: 2,
        discount: { amount: '24.50' },
        isProrationInvolved: false,
        planBefore: null,
      }),
      expect.objectContaining({ periodNumber: 3, discount: { amount: '24.50' } }),
    ]);
  });

  test('paid 24.50, → 19, 15 of 30 left: 2.75 to the credit balance, 0.00 due', async () => {
    const world = await proWorld();
    const tenant = await world.tenant('2025-11-16T00:00:00Z');
    await tenant.apply('UPGRADE50');
    const { invoices } = await tenant.start('pro_max', { startAt: '2025-11-01T00:00:00Z' });
    expect(invoices[0].total.amount).toBe('24.50'); // 49.00 − 50 %
    const preview = await tenant.preview({ plan: 'pro' });
    expect(preview).toMatchObject({
      unusedCredit: { amount: '12.25' }, // (49.00 − 24.50) × 15/30
      newCharge: { amount: '9.50' }, // 19.00 × 15/30
      net: { amount: '-2.75' },
      amountDue: { amount: '0.00' },
      surplus: { amount: '2.75' },
    });
    const changed = await tenant.change({ plan: 'pro' });
    expect(changed.invoice).toBeNull();
    expect(changed.creditNote).toMatchObject({
      total: { amount: '2.75' },
      settlement: 'CREDIT_BALANCE',
      lines: [
        { kind: 'PRORATION_CREDIT', amount: { amount: '12.25' }, invoiceLineId: expect.any(String) },
        { kind: 'PRORATION_CHARGE', amount: { amount: '-9.50' }, invoiceLineId: null },
      ],
    });
    expect(await tenant.balance()).toBe('2.75');
    // The balance pays for a part of the next invoice.
    const { invoices: renewals } = await tenant.advance('2025-12-01T00:00:00Z');
    expect(renewals[0]).toMatchObject({
      total: { amount: '19.00' },
      creditApplied: { amount: '2.75' },
      amountDue: { amount: '16.25' }, // 19.00 − 2.75
    });
    expect(await tenant.balance()).toBe('0.00');
  });

  test('annual 228 → annual 588, 47 of 365 left, RESET', async () => {
    const world = await proWorld();
    const tenant = await world.tenant('2025-11-15T00:00:00Z');
    await tenant.start('pro', { interval: 'YEAR', startAt: '2025-01-01T00:00:00Z' });
    const changed = await tenant.change({ plan: 'pro_max', anchor: 'RESET' });
    expect(amountsOf(changed.invoice)).toEqual([
      'PRORATION_CREDIT -29.36', // 228.00 × 47/365 = 29.3589
      'PRORATION_CHARGE 588.00',
    ]);
    expect(changed.net.amount).toBe('558.64'); // 588.00 − 29.36
    expect(changed.subscription.currentPeriod).toEqual({
      start: '2025-11-15T00:00:00.000Z',
      end: '2026-11-15T00:00:00.000Z',
    });
  });

  test('30 → 40 → 50: credits are computed from full-period values, never from the last charge', async () => {
    const world = await World.create(gateway, { paysAtOnce: true });
    for (const amount of ['30', '40', '50']) await world.plan({ code: `plan${amount}`, month: amount });
    const tenant = await world.tenant('2025-12-11T00:00:00Z');
    await tenant.start('plan30', { startAt: '2025-12-01T00:00:00Z' });
    const first = await tenant.change({ plan: 'plan40' });
    expect(amountsOf(first.invoice)).toEqual(['PRORATION_CREDIT -20.32', 'PRORATION_CHARGE 27.10']); // 30 and 40 × 21/31
    expect(first.net.amount).toBe('6.78');
    await tenant.advance('2025-12-16T00:00:00Z');
    const second = await tenant.change({ plan: 'plan50' });
    expect(amountsOf(second.invoice)).toEqual(['PRORATION_CREDIT -20.65', 'PRORATION_CHARGE 25.81']); // 40 and 50 × 16/31
    expect(second.net.amount).toBe('5.16');
  });

  test('a fixed coupon larger than the prorated charge takes the charge and no more', async () => {
    const world = await proWorld();
    await world.coupon('FIFTY', { kind: 'FIXED', amounts: [{ amount: '50.00', currency: 'USD' }] });
    const tenant = await world.tenant('2025-12-21T00:00:00Z');
    await tenant.start('pro', { startAt: '2025-12-01T00:00:00Z' });
    const preview = await tenant.preview({ plan: 'pro_max', coupon: 'FIFTY' });
    expect(preview).toMatchObject({
      newCharge: { amount: '17.39' },
      discount: { amount: '17.39' },
      net: { amount: '-6.74' }, // never below −credit
    });
  });
});

describe('laws of a plan change', () => {
  test('preview and execution are the same money, and a preview writes nothing', async () => {
    const world = await proWorld();
    const tenant = await world.tenant('2025-12-09T12:34:56Z');
    await tenant.start('pro', { startAt: '2025-12-01T00:00:00Z' });
    const before = await gateway.database.asOwner('select count(*) from outbox_events');
    const preview = await tenant.preview({ plan: 'pro_max' });
    expect(await gateway.database.asOwner('select count(*) from outbox_events')).toEqual(before);
    const changed = await tenant.change({ plan: 'pro_max' });
    expect(changed.net).toEqual(preview.net);
    expect(amountsOf(changed.invoice)).toEqual(
      preview.lines.map((line: { kind: string; amount: { amount: string } }) => `${line.kind} ${line.amount.amount}`),
    );
  });

  test('change and change back at the same instant nets to 0', async () => {
    const world = await proWorld();
    const tenant = await world.tenant('2025-12-21T00:00:00Z');
    await tenant.start('pro', { startAt: '2025-12-01T00:00:00Z' });
    const up = await tenant.change({ plan: 'pro_max' });
    const down = await tenant.change({ plan: 'pro' });
    expect(up.net.amount).toBe('10.65'); // 17.39 − 6.74
    expect(down.net.amount).toBe('-10.65');
  });

  test('a waived change moves no money, is audited, and a later change credits only what was paid', async () => {
    const world = await proWorld();
    const tenant = await world.tenant('2025-12-21T00:00:00Z');
    await tenant.start('pro', { startAt: '2025-12-01T00:00:00Z' });
    const waived = await tenant.change({ plan: 'pro_max', waived: true });
    expect(waived).toMatchObject({
      invoice: null,
      creditNote: null,
      proration: { waived: true, settlement: 'WAIVED', net: { amount: '10.65' } },
    });
    // What was paid for pro (6.74 for these days) was carried over, so changing back nets to 0 and not to −10.65.
    expect((await tenant.preview({ plan: 'pro' })).net.amount).toBe('0.00');
    // Five days later 6.74 × 5/11 is unused: 49.00 × 5/31 − (17.39 − 6.74) × 5/11 = 7.9032 − 4.8409 = 3.0623.
    await tenant.advance('2025-12-27T00:00:00Z');
    expect((await tenant.preview({ plan: 'free' })).net.amount).toBe('-3.06');
  });

  test('a quote pins the money; when something changed the call is refused with the difference', async () => {
    const world = await proWorld();
    const tenant = await world.tenant('2025-12-21T00:00:00Z');
    await tenant.start('pro', { startAt: '2025-12-01T00:00:00Z' });
    const { quote } = await tenant.preview({ plan: 'pro_max' });
    await world.act(
      'publishPlanVersion',
      {
        partnerId: world.partnerId,
        plan: 'pro_max',
        prices: [{ interval: 'MONTH', price: { amount: '59', currency: 'USD' } }],
      },
      'plan { id }',
    );
    const stale = await tenant.change({ plan: 'pro_max' }, { quote: quote.token });
    expect(stale).toMatchObject({ code: 'QUOTE_STALE' });
    expect(stale.facts).toEqual(
      expect.arrayContaining([
        { name: 'quoted', value: '10.65' },
        { name: 'now', value: '14.20' }, // 59.00 × 11/31 = 20.94 − 6.74
        { name: 'difference', value: '3.55' },
      ]),
    );
    expect(await tenant.change({ plan: 'free' }, { quote: quote.token })).toMatchObject({ code: 'QUOTE_INVALID' });
    await tenant.advance('2025-12-21T00:30:00Z');
    expect(await tenant.change({ plan: 'pro_max' }, { quote: quote.token })).toMatchObject({ code: 'QUOTE_EXPIRED' });
  });

  test('at the period end nothing is prorated, and the renewal has the new plan', async () => {
    const world = await proWorld();
    const tenant = await world.tenant('2025-12-21T00:00:00Z');
    await tenant.start('pro_max', { startAt: '2025-12-01T00:00:00Z' });
    const changed = await tenant.change({ plan: 'pro', effective: 'PERIOD_END' });
    expect(changed).toMatchObject({
      net: { amount: '0.00' },
      scheduled: { effectiveAt: '2026-01-01T00:00:00.000Z', plan: { code: 'pro' } },
      subscription: { item: { plan: { code: 'pro_max' } } },
    });
    expect(await tenant.change({ plan: 'free' })).toMatchObject({ code: 'CHANGE_ALREADY_SCHEDULED' });
    const { invoices } = await tenant.advance('2026-01-02T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 19.00']]);
  });

  test('an interval change at the period end begins the new interval there', async () => {
    const world = await proWorld();
    const tenant = await world.tenant('2025-12-21T00:00:00Z');
    await tenant.start('pro', { startAt: '2025-12-01T00:00:00Z' });
    await tenant.change({ plan: 'pro', interval: 'YEAR', effective: 'PERIOD_END' });
    const { invoices } = await tenant.advance('2026-02-15T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 228.00']]);
    expect(invoices[0].period).toEqual({ start: '2026-01-01T00:00:00.000Z', end: '2027-01-01T00:00:00.000Z' });
  });

  test('on a date of the period: prorated then, with the coupon that was reserved', async () => {
    const world = await proWorld();
    const tenant = await world.tenant('2025-12-10T00:00:00Z');
    await tenant.start('pro', { startAt: '2025-12-01T00:00:00Z' });
    const input = { plan: 'pro_max', coupon: 'UPGRADE20', effective: 'DATE', effectiveDate: '2025-12-21' };
    expect((await tenant.preview(input)).net.amount).toBe('7.17');
    await tenant.change(input);
    const { invoices: none } = await tenant.advance('2025-12-20T23:59:59Z');
    expect(none).toEqual([]);
    await tenant.advance('2025-12-21T00:00:00Z');
    const invoices = await tenant.invoices();
    expect(invoices.at(-1)?.total.amount).toBe('7.17');
    expect(await tenant.change({ ...input, effectiveDate: '2026-01-05' })).toMatchObject({
      code: 'EFFECTIVE_DATE_OUTSIDE_PERIOD',
    });
  });

  test('50 parallel changes with one idempotency key are one change', async () => {
    const world = await proWorld();
    const tenant = await world.tenant('2025-12-21T00:00:00Z');
    await tenant.start('pro', { startAt: '2025-12-01T00:00:00Z' });
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => tenant.change({ plan: 'pro_max' }, { key: 'one-change' })),
    );
    expect(new Set(answers.map((answer) => answer.invoice.number)).size).toBe(1);
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
    expect(await tenant.invoices()).toHaveLength(2);
  });

  test('a running discount goes on where it is kept and applies to the new plan', async () => {
    const world = await proWorld();
    const tenant = await world.tenant('2025-12-16T00:00:00Z');
    await tenant.apply('UPGRADE50');
    await tenant.start('pro', { startAt: '2025-12-01T00:00:00Z' });
    const preview = await tenant.preview({ plan: 'pro_max', keepRunningDiscounts: true });
    expect(preview).toMatchObject({
      unusedCredit: { amount: '4.90' }, // (19.00 − 9.50) × 16/31 = 4.9032
      newCharge: { amount: '25.29' }, // 49.00 × 16/31 = 25.2903
      discount: { amount: '12.65' }, // 50 % of 25.29 = 12.645
      net: { amount: '7.74' }, // 25.29 − 4.90 − 12.65
      endingCoupons: [],
    });
    await tenant.change({ plan: 'pro_max', keepRunningDiscounts: true });
    const { invoices } = await tenant.advance('2026-03-01T00:00:00Z');
    expect(invoices.map((invoice: { total: { amount: string } }) => invoice.total.amount)).toEqual([
      '24.50',
      '24.50',
      '49.00',
    ]);
  });
});
