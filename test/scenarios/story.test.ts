import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, type Document, type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const dueOf = ({ total, amountDue }: Document) => `${total.amount} due ${amountDue.amount}`;

/**
 * 26 months of one customer, whose trial ends on a 31st: 17 January 2026 to 17 March 2028, and the end of the paid period.
 * The same dates and so the same amounts in a zone that is hours ahead of the server's day and in one that is hours behind it.
 */
describe.each([
  ['Pacific/Tongatapu', '+13:00'],
  ['Pacific/Honolulu', '-10:00'],
])('26 months in %s', (timeZone, offset) => {
  /** Early and late on a day of the customer's: at either the server has another date in one of the zones. */
  const early = (date: string) => `${date}T00:30:00${offset}`;
  const late = (date: string) => `${date}T23:30:00${offset}`;
  const midnight = (date: string) => new Date(`${date}T00:00:00${offset}`).toISOString();

  let world: World;
  let tenant: TenantOfWorld;
  let audit: string;

  beforeAll(async () => {
    world = await World.create(gateway, { currency: 'USD', timeZone, paysAtOnce: true });
    await world.feature('reports', 'BOOLEAN');
    await world.feature('audit_log', 'BOOLEAN');
    await world.feature('calls', 'METERED', { unit: 'calls' });
    const calls = (limit: string, amount: string) => ({
      ...{ feature: 'calls', limit, resetPeriod: 'MONTH' },
      usagePrices: [{ currency: 'USD', overage: { kind: 'PER_UNIT', amount } }],
    });
    await world.plan({
      ...{ code: 'basic', rank: 10, month: '30' },
      features: [{ feature: 'reports' }, calls('1000', '0.02')],
    });
    await world.plan({
      ...{ code: 'team', rank: 20, month: '90' },
      features: [{ feature: 'reports' }, calls('5000', '0.01')],
    });
    await world.addon('audit', '20', { minimumPlan: 'team', features: [{ feature: 'audit_log' }] });
    await world.addon('backup', '12');
    await world.coupon('THREE', { kind: 'PERCENT', percent: '25', duration: 'REPEATING', durationPeriods: 3 });
    tenant = await world.tenant(early('2026-01-17'));
  });

  test('January 2026: fourteen days free, then a first period that begins on the 31st', async () => {
    const { subscription, invoices } = await tenant.start('basic', { trialDays: 14 });
    expect(invoices).toEqual([]);
    expect(subscription).toEqual(
      expect.objectContaining({
        status: 'TRIALING',
        currentPeriod: { start: new Date(early('2026-01-17')).toISOString(), end: midnight('2026-01-31') },
      }),
    );
    expect((await tenant.check('reports')).allowed).toBe(true);
    await tenant.use('calls', 3000, early('2026-01-17')); // beyond the limit, and free
    const first = await tenant.advance(early('2026-01-31'));
    expect(first.invoices.map(amountsOf)).toEqual([['PLAN_FIXED 30.00']]);
    expect(first.invoices[0].period).toEqual({ start: midnight('2026-01-31'), end: midnight('2026-02-28') });
  });

  test('February: an upgrade with half of the 28 days left', async () => {
    await tenant.advance(late('2026-02-14'));
    const { net, invoice } = await tenant.change({ plan: 'team' });
    // unused 30.00 × 14/28 = 15.00; 90.00 × 14/28 = 45.00
    expect(amountsOf(invoice)).toEqual(['PRORATION_CREDIT -15.00', 'PRORATION_CHARGE 45.00']);
    expect(net.amount).toBe('30.00');
    expect((await tenant.advance(early('2026-02-28'))).invoices.map(amountsOf)).toEqual([['PLAN_FIXED 90.00']]);
  });

  test('March: an add-on for the last 21 of 31 days; both in full from the 31st', async () => {
    await tenant.advance(late('2026-03-10'));
    const subscribed = await tenant.subscribe('audit');
    audit = subscribed.addonSubscription.id;
    expect(amountsOf(subscribed.invoice)).toEqual(['PRORATION_CHARGE 13.55']); // 20.00 × 21/31 = 13.548
    expect((await tenant.check('audit_log')).allowed).toBe(true);
    const { invoices } = await tenant.advance(early('2026-03-31'));
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 90.00', 'ADDON_FIXED 20.00']]);
    expect(invoices[0].period).toEqual({ start: midnight('2026-03-31'), end: midnight('2026-04-30') });
  });

  test('April to July: a coupon for three periods, then none; overage in May, some of it told in June', async () => {
    await tenant.advance(late('2026-04-15'));
    await tenant.apply('THREE');
    const april = await tenant.advance(late('2026-05-20'));
    const fixed = ['PLAN_FIXED 90.00', 'ADDON_FIXED 20.00'];
    const quarters = ['DISCOUNT -22.50', 'DISCOUNT -5.00']; // 25 % each
    expect(april.invoices.map(amountsOf)).toEqual([[...fixed, ...quarters]]);
    expect(april.invoices.map(dueOf)).toEqual(['82.50 due 82.50']); // 110.00 − 27.50
    await tenant.use('calls', 5400, late('2026-05-20'));
    const may = await tenant.advance(late('2026-06-10'));
    // 400 × 0.01; 25 % of it
    expect(may.invoices.map(amountsOf)).toEqual([[...fixed, 'OVERAGE 4.00', ...quarters, 'DISCOUNT -1.00']]);
    expect(may.invoices.map(dueOf)).toEqual(['85.50 due 85.50']); // 114.00 − 28.50
    await tenant.use('calls', 100, late('2026-05-30'));
    const { invoices } = await tenant.advance(early('2026-07-31'));
    expect(invoices.map(amountsOf)).toEqual([
      [...fixed, 'OVERAGE 1.00', ...quarters, 'DISCOUNT -0.25'], // late: 100 × 0.01
      fixed,
    ]);
    expect(invoices[0].lines[2].description).toBe('Late usage: calls beyond all limits (team)');
    expect(invoices.map(dueOf)).toEqual(['83.25 due 83.25', '110.00 due 110.00']); // 111.00 − 27.75
  });

  test('August: three of an add-on, given back after eleven days; the credit pays a part of the next invoice', async () => {
    await tenant.advance(late('2026-08-10'));
    const backup = await tenant.subscribe('backup', { quantity: 3 });
    expect(amountsOf(backup.invoice)).toEqual(['PRORATION_CHARGE 24.39']); // 12.00 × 3 × 21/31 = 24.387
    await tenant.advance(early('2026-08-21'));
    const { creditNote } = await tenant.cancelAddon(backup.addonSubscription.id, { when: 'NOW' });
    expect(creditNote.total.amount).toBe('11.61'); // 12.00 × 3 × 10/31 = 11.613
    expect(await tenant.balance()).toBe('11.61');
    const { invoices } = await tenant.advance(early('2026-08-31'));
    expect(invoices.map(dueOf)).toEqual(['110.00 due 98.39']); // 110.00 − 11.61
    expect(await tenant.balance()).toBe('0.00');
  });

  test('October: a second seat for the last 16 of 31 days', async () => {
    const september = await tenant.advance(early('2026-09-30'));
    expect(september.invoices.map(dueOf)).toEqual(['110.00 due 110.00']); // 90.00 + 20.00
    await tenant.advance(late('2026-10-15'));
    const { invoice } = await tenant.change({ plan: 'team', quantity: 2 });
    // unused 90.00 × 16/31 = 46.452; 90.00 × 2 × 16/31 = 92.903
    expect(amountsOf(invoice)).toEqual(['PRORATION_CREDIT -46.45', 'PRORATION_CHARGE 92.90']);
    const { invoices } = await tenant.advance(early('2026-10-31'));
    expect(invoices.map(dueOf)).toEqual(['200.00 due 200.00']); // 90.00 × 2 + 20.00
  });

  test('December: a downgrade ends the add-on that needs the larger plan; nothing is due, nothing is lost', async () => {
    const november = await tenant.advance(early('2026-11-30'));
    expect(november.invoices.map(dueOf)).toEqual(['200.00 due 200.00']);
    await tenant.advance(late('2026-12-10'));
    await tenant.use('calls', 4000, early('2026-12-10')); // within the limit of the larger plan
    const request = { plan: 'basic', quantity: 2 };
    const preview = await tenant.preview(request);
    expect(preview.addons).toEqual([
      { addon: { code: 'audit' }, outcome: 'ENDS_NOT_AVAILABLE', credit: { amount: '13.55' } }, // 20.00 × 21/31 = 13.548
    ]);
    const { net, invoice } = await tenant.change(request, { quote: preview.quote.token });
    // 30.00 × 2 × 21/31 = 40.645, less 90.00 × 2 × 21/31 = 121.935 and 13.55
    expect(net.amount).toBe('-94.84'); // 40.65 − 121.94 − 13.55
    expect(net.amount).toBe(preview.net.amount);
    expect(invoice).toBeNull();
    expect(await tenant.balance()).toBe('94.84');
    expect((await tenant.check('audit_log')).allowed).toBe(false);
    expect(await tenant.cancelAddon(audit, { when: 'NOW' })).toMatchObject({ creditNote: null });
    await tenant.use('calls', 300, late('2026-12-10')); // beyond the limit of the smaller one, from the 4000th on
  });

  test('the credit pays two renewals as far as it goes', async () => {
    const { invoices } = await tenant.advance(early('2027-01-31'));
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 60.00', 'OVERAGE 6.00'], ['PLAN_FIXED 60.00']]); // 300 × 0.02
    expect(invoices.map(dueOf)).toEqual([
      '66.00 due 0.00', // 30.00 × 2 + 6.00; 94.84 − 66.00 = 28.84 stay
      '60.00 due 31.16', // 60.00 − 28.84
    ]);
    expect(await tenant.balance()).toBe('0.00');
  });

  test('2027: six months in one step, each period by its own date', async () => {
    const { invoices } = await tenant.advance(early('2027-06-30'));
    expect(invoices.map((invoice: { period: { start: string } }) => invoice.period.start)).toEqual(
      ['2027-02-28', '2027-03-31', '2027-04-30', '2027-05-31', '2027-06-30'].map(midnight),
    );
    expect(invoices.map(dueOf)).toEqual(Array(5).fill('60.00 due 60.00')); // 30.00 × 2
  });

  test('July 2027: a change that waits for the period end moves no money of its own', async () => {
    await tenant.advance(late('2027-07-12'));
    const { scheduled, invoice } = await tenant.change({ plan: 'team', quantity: 1, effective: 'PERIOD_END' });
    expect(scheduled.effectiveAt).toBe(midnight('2027-07-31'));
    expect(invoice).toBeNull();
    const { invoices } = await tenant.advance(early('2027-07-31'));
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 90.00']]);
  });

  test('to February 2028, a leap year: the 29th is the last day, March is the 31st again', async () => {
    const { invoices } = await tenant.advance(late('2028-03-01'));
    expect(invoices.map((invoice: { period: { start: string; end: string } }) => invoice.period)).toEqual(
      [
        ['2027-08-31', '2027-09-30'],
        ['2027-09-30', '2027-10-31'],
        ['2027-10-31', '2027-11-30'],
        ['2027-11-30', '2027-12-31'],
        ['2027-12-31', '2028-01-31'],
        ['2028-01-31', '2028-02-29'],
        ['2028-02-29', '2028-03-31'],
      ].map(([start, end]) => ({ start: midnight(start!), end: midnight(end!) })),
    );
    expect(invoices.map(dueOf)).toEqual(Array(7).fill('90.00 due 90.00'));
  });

  test('17 March 2028: cancelled; access until the 31st, then an invoice of what was used', async () => {
    await tenant.advance(early('2028-03-17'));
    const cancelled = await world.act(
      'cancelSubscription',
      { tenantId: tenant.id, reason: 'the project is over' },
      'subscription { status cancelAt }',
    );
    expect(cancelled.subscription.cancelAt).toBe(midnight('2028-03-31'));
    await tenant.advance(late('2028-03-30'));
    expect((await tenant.check('reports')).allowed).toBe(true);
    await tenant.use('calls', 5100, late('2028-03-30'));
    const { invoices } = await tenant.advance(late('2028-04-30'));
    expect(invoices.map(amountsOf)).toEqual([['OVERAGE 1.00']]); // 100 × 0.01
    expect(invoices[0].reason).toBe('FINAL');
    expect((await tenant.check('reports')).allowed).toBe(false);
  });

  test('all of it: 31 documents, numbered without a gap, with these sums', async () => {
    const invoices = (await tenant.invoices()).sort((first, second) => (first.number < second.number ? -1 : 1));
    const serials = invoices.map(({ number }) => Number(number.match(/\d+$/)![0]));
    expect(serials).toEqual(Array.from({ length: 31 }, (_, index) => index + 1));
    const minor = (amounts: readonly string[]) =>
      amounts.reduce((sum, amount) => sum + BigInt(amount.replace('.', '')), 0n);
    // 30 + 30 + 90 + 13.55 + 110 + 82.50 + 85.50 + 83.25 + 110 + 24.39 + 110 + 110 + 46.45 + 200 + 200 + 66 + 60 + 5 × 60
    // + 90 + 7 × 90 + 1
    expect(minor(invoices.map(({ total }) => total.amount))).toBe(247_264n);
    // less 11.61 and 94.84 of credit that was spent
    const byBalance = minor(invoices.map(({ creditApplied }) => creditApplied.amount));
    expect(minor(invoices.map(({ paid }) => paid.amount)) - byBalance).toBe(236_619n);
    expect(minor(invoices.map(({ amountDue }) => amountDue.amount))).toBe(0n);
  });
});
