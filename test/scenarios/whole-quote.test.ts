import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const january = '2026-01-01T00:00:00Z';
const the10th = '2026-01-10T00:00:00Z';

/** Every unit of api beyond 0 costs 1.00. */
async function selling(): Promise<World> {
  const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
  await world.feature('api');
  const overage = { kind: 'PER_UNIT', amount: '1' };
  const features = [{ feature: 'api', limit: '0', resetPeriod: 'MONTH', usagePrices: [{ currency: 'EUR', overage }] }];
  await world.plan({ code: 'a', rank: 1, month: '31.00', year: '365.00', features });
  await world.plan({ code: 'b', rank: 2, month: '62.00' });
  await world.plan({ code: 'low', rank: 0, month: '15.50' });
  await world.addon('x', '3.10', {}, '36.50');
  return world;
}

type Made = readonly { readonly reason?: string; readonly total: { readonly amount: string } }[];
const totals = (documents: Made) =>
  documents.map(({ reason, total }) => [reason, total.amount].filter(Boolean).join(' '));

describe('a change that ends a period is quoted with what is left to bill of it', () => {
  test('usage: 343.00 for the year and 500 units at 1.00 are one quote, and both invoices are answered', async () => {
    const tenant = await (await selling()).tenant(january);
    await tenant.start('a', { interval: 'MONTH' });
    await tenant.use('api', 500, january);
    await tenant.advance(the10th);
    const preview = await tenant.preview({ plan: 'a', interval: 'YEAR' });
    expect(preview).toMatchObject({
      newCharge: { amount: '365.00' },
      unusedCredit: { amount: '22.00' }, // 31.00 × 22/31
      closing: { amount: '500.00' },
      net: { amount: '843.00' }, // 365.00 − 22.00 + 500.00
      total: { amount: '843.00' },
      amountDue: { amount: '843.00' },
    });
    expect(totals(preview.documents)).toEqual(['PLAN_CHANGE 343.00', 'PLAN_CHANGE 500.00']);
    const dry = await tenant.change({ plan: 'a', interval: 'YEAR' }, { quote: preview.quote.token, dryRun: true });
    expect(totals(dry.invoices)).toEqual(['PLAN_CHANGE 343.00', 'PLAN_CHANGE 500.00']);
    const changed = await tenant.change({ plan: 'a', interval: 'YEAR' }, { quote: preview.quote.token, key: 'once' });
    expect(totals(changed.invoices)).toEqual(['PLAN_CHANGE 343.00', 'PLAN_CHANGE 500.00']);
    expect(changed).toMatchObject({
      net: { amount: '843.00' },
      creditNotes: [],
      invoice: { total: { amount: '343.00' } },
    });
    const again = await tenant.change({ plan: 'a', interval: 'YEAR' }, { quote: preview.quote.token, key: 'once' });
    expect(again).toMatchObject({ replayed: true, invoices: changed.invoices });
  });

  test('what is used after the preview makes its quote stale, by the difference', async () => {
    const tenant = await (await selling()).tenant(january);
    await tenant.start('a', { interval: 'MONTH' });
    await tenant.advance(the10th);
    const { quote } = await tenant.preview({ plan: 'a', interval: 'YEAR' });
    await tenant.use('api', 7, '2026-01-09T12:00:00Z');
    const stale = await tenant.change({ plan: 'a', interval: 'YEAR' }, { quote: quote.token });
    expect(stale).toMatchObject({ code: 'QUOTE_STALE' });
    expect(stale.facts).toContainEqual({ name: 'difference', value: '7.00' });
  });

  test('an add-on that waited for its invoice, and a change that gives back more than it charges', async () => {
    const tenant = await (await selling()).tenant(january);
    await tenant.start('a', { interval: 'MONTH' });
    await tenant.subscribe('x', { charge: 'NEXT_INVOICE' });
    await tenant.advance(the10th);
    const preview = await tenant.preview({ plan: 'low', anchor: 'RESET', unavailableAddons: 'KEEP' });
    expect(preview).toMatchObject({
      unusedCredit: { amount: '22.00' }, // 31.00 × 22/31; nothing was charged for x yet
      newCharge: { amount: '18.60' }, // 15.50 + 3.10
      closing: { amount: '0.90' }, // 3.10 − 3.10 × 22/31 = 2.20
      net: { amount: '-2.50' }, // 18.60 − 22.00 + 0.90
      total: { amount: '-2.50' },
      creditApplied: { amount: '0.90' }, // out of the 3.40 that the change gives back
      amountDue: { amount: '0.00' },
    });
    const changed = await tenant.change(
      { plan: 'low', anchor: 'RESET', unavailableAddons: 'KEEP' },
      { quote: preview.quote.token },
    );
    expect(totals(changed.creditNotes)).toEqual(['PLAN_CHANGE 3.40']);
    expect(totals(changed.invoices)).toEqual(['PLAN_CHANGE 0.90']);
    expect(changed.invoices[0].amountDue.amount).toBe('0.00');
  });

  test('a waived change waives its own price, not what was used', async () => {
    const tenant = await (await selling()).tenant(january);
    await tenant.start('a', { interval: 'MONTH' });
    await tenant.use('api', 5, january);
    await tenant.advance(the10th);
    const preview = await tenant.preview({ plan: 'a', interval: 'YEAR', waived: true });
    expect(preview).toMatchObject({ total: { amount: '5.00' }, amountDue: { amount: '5.00' } });
    const changed = await tenant.change({ plan: 'a', interval: 'YEAR', waived: true }, { quote: preview.quote.token });
    expect(totals(changed.invoices)).toEqual(['PLAN_CHANGE 5.00']);
  });
});

describe('a preview refuses what the change would', () => {
  test('a change that waits, a subscription that ends', async () => {
    const tenant = await (await selling()).tenant(january);
    await tenant.start('a', { interval: 'MONTH' });
    await tenant.change({ plan: 'b', effective: 'PERIOD_END' });
    expect(await tenant.preview({ plan: 'low' })).toMatchObject({ code: 'CHANGE_ALREADY_SCHEDULED' });
    const ending = await (await selling()).tenant(january);
    await ending.start('a', { interval: 'MONTH' });
    await ending.cancel();
    expect(await ending.preview({ plan: 'b' })).toMatchObject({ code: 'SUBSCRIPTION_ENDING' });
  });

  test('a quote over what has changed since: another phase of the plan', async () => {
    const tenant = await (await selling()).tenant(january);
    await tenant.start('a', { interval: 'MONTH' });
    const { quote } = await tenant.preview({ plan: 'b' });
    await tenant.advance('2026-01-01T00:10:00Z');
    await tenant.change({ plan: 'low' });
    await tenant.change({ plan: 'a' });
    const stale = await tenant.change({ plan: 'b' }, { quote: quote.token });
    expect(stale).toMatchObject({ code: 'QUOTE_STALE' });
  });
});

describe('every act answers every document that it made', () => {
  test('the clock: renewals, a change at a date that credits, the end', async () => {
    const tenant = await (await selling()).tenant(january);
    await tenant.start('a', { interval: 'MONTH' });
    await tenant.change({ plan: 'low', effective: 'DATE', effectiveDate: '2026-01-16' });
    await tenant.use('api', 2, january);
    expect(await tenant.upcoming()).toMatchObject({
      ...{ kind: 'CREDIT_NOTE', reason: 'PLAN_CHANGE', dueAt: '2026-01-16T00:00:00.000Z', period: null },
      total: { amount: '-8.00' }, // 15.50 × 16/31 − 31.00 × 16/31
      amountDue: { amount: '0.00' },
      lines: [{ amount: { amount: '-16.00' } }, { amount: { amount: '8.00' } }],
    });
    const { invoices, creditNotes } = await tenant.advance('2026-03-01T00:00:00Z');
    expect(totals(creditNotes)).toEqual(['PLAN_CHANGE 8.00']);
    expect(creditNotes[0].issuedAt).toBe('2026-01-16T00:00:00.000Z');
    // February: 15.50 and two units; March: 15.50.
    expect(totals(invoices)).toEqual(['RENEWAL 17.50', 'RENEWAL 15.50']);
  });

  test('what comes next is a change at a date, whatever it makes; then the renewal', async () => {
    const tenant = await (await selling()).tenant(january);
    await tenant.start('a', { interval: 'MONTH' });
    await tenant.use('api', 2, january);
    await tenant.change({ plan: 'b', effective: 'DATE', effectiveDate: '2026-01-16' });
    const first = await tenant.upcoming();
    expect(first).toMatchObject({ kind: 'INVOICE', reason: 'PLAN_CHANGE', total: { amount: '16.00' } }); // (62.00 − 31.00) × 16/31
    const changed = await tenant.advance('2026-01-20T00:00:00Z');
    expect(totals(changed.invoices)).toEqual(['PLAN_CHANGE 16.00']);
    expect(await tenant.upcoming()).toMatchObject({ reason: 'RENEWAL', total: { amount: '64.00' } }); // 62.00 + 2 × 1.00
  });

  test('a new anchor at the period’s end: first what was used, on an invoice of its own', async () => {
    const tenant = await (await selling()).tenant(january);
    await tenant.start('a', { interval: 'MONTH' });
    await tenant.use('api', 2, january);
    const input = { plan: 'a', interval: 'YEAR', effective: 'PERIOD_END' };
    // The period is billed at its end whether the plan changes or not.
    expect(await tenant.preview(input)).toMatchObject({ closing: { amount: '0.00' }, total: { amount: '0.00' } });
    await tenant.change(input);
    expect(await tenant.upcoming()).toMatchObject({ reason: 'PLAN_CHANGE', total: { amount: '2.00' } });
    const { invoices } = await tenant.advance('2026-02-01T00:00:00Z');
    expect(totals(invoices)).toEqual(['PLAN_CHANGE 2.00', 'RENEWAL 365.00']);
  });

  test('start in the past, subscribe, cancel an add-on, cancel', async () => {
    const tenant = await (await selling()).tenant('2026-02-10T00:00:00Z');
    const started = await tenant.start('a', { interval: 'MONTH', startAt: january });
    expect(totals(started.invoices)).toEqual(['START 31.00', 'RENEWAL 31.00']);
    const { addonSubscription, ...joined } = await tenant.subscribe('x');
    expect(totals(joined.invoices)).toEqual(['ADDON 2.10']); // 3.10 × 19/28 = 2.1036
    expect(totals((await tenant.subscribe('x')).invoices)).toEqual([]);
    await tenant.use('api', 3, '2026-02-09T00:00:00Z');
    const left = await tenant.cancelAddon(addonSubscription.id, { when: 'NOW' });
    expect([totals(left.creditNotes), totals(left.invoices)]).toEqual([['ADDON_CANCELLED 2.10'], []]);
    const ended = await tenant.cancel({ when: 'NOW' });
    expect(totals(ended.creditNotes)).toEqual(['CANCELLATION 21.04']); // 31.00 × 19/28 = 21.0357
    expect(totals(ended.invoices)).toEqual(['FINAL 3.00']);
  });
});
