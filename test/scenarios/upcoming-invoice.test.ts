import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, type Document, type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
let world: World;
beforeAll(async () => {
  gateway = await startTestGateway();
  world = await World.create(gateway, { currency: 'EUR' });
  await world.feature('calls', 'METERED', { unit: 'calls' });
  const perUnit = (amount: string) => ({ kind: 'PER_UNIT', amount });
  const calls = (limit: string, price: object) => [
    { feature: 'calls', limit, resetPeriod: 'MONTH', usagePrices: [{ currency: 'EUR', ...price }] },
  ];
  await world.plan({ code: 'small', month: '20', features: calls('100', { overage: perUnit('0.10') }) });
  const inAdvance = { kind: 'FLAT', amount: '3', timing: 'IN_ADVANCE' };
  await world.plan({
    ...{ code: 'large', month: '50', year: '500', rank: 20 },
    features: calls('1000', { inside: inAdvance, overage: perUnit('0.05') }),
  });
  await world.addon('more', '10', { features: calls('50', { inside: perUnit('0.02'), overage: perUnit('0.08') }) });
  await world.coupon('FIFTH', { kind: 'PERCENT', percent: '20', duration: 'REPEATING', durationPeriods: 3 });
});
afterAll(() => gateway.stop());

const jan1 = '2026-01-01T00:00:00Z';
const feb1 = '2026-02-01T00:00:00Z';

type Story = (tenant: TenantOfWorld) => Promise<unknown>;
const subscribed =
  (plan: string, options: object = {}): Story =>
  (tenant) =>
    tenant.start(plan, options);
const inTurn =
  (...acts: readonly Story[]): Story =>
  async (tenant) => {
    for (const act of acts) await act(tenant);
  };
const used =
  (quantity: number, at = jan1): Story =>
  (tenant) =>
    tenant.use('calls', quantity, at);
const at =
  (time: string): Story =>
  (tenant) =>
    tenant.advance(time);

test.each<[string, Story, string, string[]]>([
  ['nothing used', subscribed('small'), '20.00', ['PLAN_FIXED 20.00']],
  ['overage: 30 × 0.10', inTurn(subscribed('small'), used(130)), '23.00', ['PLAN_FIXED 20.00', 'OVERAGE 3.00']],
  [
    'an add-on that joins with the next invoice: 10.00 × 16/31; 20 × 0.02; the coupon takes 20 % of all but what joined',
    inTurn(
      subscribed('small'),
      at('2026-01-16T00:00:00Z'),
      (tenant) => tenant.subscribe('more', { charge: 'NEXT_INVOICE' }),
      used(120, '2026-01-16T00:00:00Z'),
      (tenant) => tenant.apply('FIFTH'),
    ),
    '29.48', // 20.00 + 10.00 + 0.40 = 30.40 − 6.08 = 24.32; + 5.16
    [
      ...['PLAN_FIXED 20.00', 'ADDON_FIXED 10.00', 'PRORATION_CHARGE 5.16', 'ADDON_USAGE 0.40'],
      ...['DISCOUNT -4.00', 'DISCOUNT -2.00', 'DISCOUNT -0.08'],
    ],
  ],
  [
    'an add-on that is about to end is not billed again',
    inTurn(subscribed('small'), async (tenant) => {
      const { addonSubscription } = await tenant.subscribe('more');
      await tenant.cancelAddon(addonSubscription.id);
    }),
    '20.00',
    ['PLAN_FIXED 20.00'],
  ],
  [
    'a plan change at the period’s end, with its coupon: the closed period by the old plan, the new one in advance',
    inTurn(subscribed('small'), used(130), (tenant) =>
      tenant.change({ plan: 'large', effective: 'PERIOD_END', coupon: 'FIFTH' }),
    ),
    '44.80', // 50.00 + 3.00 + 3.00 = 56.00 − 11.20
    ['PLAN_FIXED 50.00', 'PLAN_USAGE 3.00', 'OVERAGE 3.00', 'DISCOUNT -10.00', 'DISCOUNT -0.60', 'DISCOUNT -0.60'],
  ],
  [
    'a plan change on a date that makes no document: what follows is drawn from the new plan, from where the count stands',
    inTurn(subscribed('small'), used(130), (tenant) =>
      tenant.change({ plan: 'large', effective: 'DATE', effectiveDate: '2026-01-16', waived: true }),
    ),
    '56.00',
    ['PLAN_FIXED 50.00', 'PLAN_USAGE 3.00', 'OVERAGE 3.00'], // in advance for February; 30 × 0.10
  ],
  [
    'a cancellation to the period’s end: what was used',
    inTurn(subscribed('small'), used(130), (tenant) => tenant.cancel()),
    '3.00',
    ['OVERAGE 3.00'],
  ],
  [
    'the end of a trial: the first period, nothing of the trial',
    inTurn(subscribed('large', { trialDays: 31 }), used(5000)),
    '53.00',
    ['PLAN_FIXED 50.00', 'PLAN_USAGE 3.00'],
  ],
])('%s: the upcoming invoice is the invoice', async (_what, story, total, lines) => {
  const tenant = await world.tenant(jan1);
  await story(tenant);
  const upcoming = await tenant.upcoming();
  expect(amountsOf(upcoming)).toEqual(lines);
  expect(upcoming.total.amount).toBe(total);
  expect(upcoming.dueAt).toBe('2026-02-01T00:00:00.000Z');
  await tenant.advance(feb1);
  const { number, kind, status, currency, ...invoice } = (await tenant.invoices()).at(-1)! as Document & {
    kind: string;
    currency: string;
  };
  expect({ ...invoice, lines: invoice.lines.map(withoutCurrency) }).toMatchObject({
    ...{ reason: upcoming.reason, period: upcoming.period, subtotal: upcoming.subtotal, discount: upcoming.discount },
    ...{ total: upcoming.total, creditApplied: upcoming.creditApplied, amountDue: upcoming.amountDue },
    lines: upcoming.lines,
  });
});

const withoutCurrency = ({ amount: { amount }, ...line }: Document['lines'][number]) => ({
  ...line,
  amount: { amount },
});

test('a preview writes nothing, and takes the credit balance into account', async () => {
  const tenant = await world.tenant(jan1);
  await tenant.start('large');
  await tenant.payAll();
  await tenant.change({ plan: 'small' });
  expect(await tenant.balance()).toBe('30.00'); // 50.00 − 20.00
  const statements = () => gateway.statements().filter((text) => /^\s*(insert|update|delete|with)/i.test(text));
  statements();
  expect(await tenant.upcoming()).toMatchObject({
    ...{ total: { amount: '20.00' }, creditApplied: { amount: '20.00' }, amountDue: { amount: '0.00' } },
  });
  expect(statements()).toEqual([]);
});

test('no subscription, no upcoming invoice', async () => {
  const tenant = await world.tenant(jan1);
  expect(await tenant.upcoming()).toBeNull();
  expect(await tenant.usage()).toEqual([]);
});

test('an end that leaves nothing to bill makes no invoice', async () => {
  const tenant = await world.tenant(jan1);
  await tenant.start('small');
  await tenant.cancel();
  expect(await tenant.upcoming()).toBeNull();
  await tenant.use('calls', 130, jan1);
  expect(await tenant.upcoming()).toMatchObject({ reason: 'FINAL', total: { amount: '3.00' } }); // 30 × 0.10
  expect((await tenant.advance(feb1)).invoices).toMatchObject([{ reason: 'FINAL', total: { amount: '3.00' } }]);
  expect(await tenant.upcoming()).toBeNull();
});

test('a line explains itself: rule, formula, numbers, one sentence', async () => {
  const tenant = await world.tenant(jan1);
  await tenant.start('small');
  await tenant.use('calls', 130, jan1);
  await tenant.apply('FIFTH');
  await tenant.advance(feb1);
  const { nodes } = await gateway.get(
    'super-admin',
    'query ($id: ID) { invoices(tenantId: $id, last: 1) { nodes { number lines { id kind } } } }',
    { id: tenant.id },
  );
  const explain = (kind: string, nth = 0) =>
    gateway.get(
      'super-admin',
      `query ($id: ID!) { explainInvoiceLine(id: $id) { invoice { number } discounts { kind } line { amount { amount }
        explanation { rule formula sentence operands { name value unit } } } } }`,
      { id: nodes[0].lines.filter((line: { kind: string }) => line.kind === kind)[nth].id },
    );
  expect(await explain('OVERAGE')).toEqual({
    invoice: { number: nodes[0].number },
    discounts: null,
    line: {
      amount: { amount: '3.00' },
      explanation: {
        rule: 'USAGE_PER_UNIT',
        formula: 'units * price',
        operands: [
          { name: 'units', value: '30', unit: 'calls' },
          { name: 'price', value: '0.1', unit: 'EUR' },
        ],
        sentence: 'calls beyond all limits, price of small: 30 calls × 0.1 = 3.00 EUR.',
      },
    },
  });
  expect((await explain('DISCOUNT', 1)).discounts).toEqual({ kind: 'OVERAGE' });
});

test('usage by source, what is beyond, what it costs, and when the limit will be reached', async () => {
  const tenant = await world.tenant(jan1);
  await tenant.start('small');
  await tenant.subscribe('more');
  await tenant.advance('2026-01-11T00:00:00Z');
  await tenant.use('calls', 120, '2026-01-11T00:00:00Z');
  const share = (part: string, quantity: string, amount: string | null, source: object) => ({
    ...{ part, quantity, amount: amount === null ? null : { amount } },
    source,
    explanation: amount === null ? null : { sentence: expect.any(String) },
  });
  const small = { kind: 'PLAN', name: 'small', limit: '100' };
  const more = { kind: 'ADDON', name: 'more', limit: '50' };
  expect(await tenant.usage()).toEqual([
    {
      ...{ feature: { code: 'calls' }, since: '2026-01-01T00:00:00.000Z', resetsAt: '2026-02-01T00:00:00.000Z' },
      ...{ used: '120', limit: '150', remaining: '30', overage: '0' },
      perDay: '12', // 120 / 10 days
      exhaustedAt: '2026-01-13T12:00:00.000Z', // 30 more at 12 a day: 2.5 days
      amount: { amount: '0.40' }, // 20 × 0.02
      shares: [share('INSIDE', '100', null, small), share('INSIDE', '20', '0.40', more)],
    },
  ]);
  await tenant.use('calls', 80, '2026-01-11T00:00:00Z');
  expect((await tenant.usage())[0]).toMatchObject({
    ...{ used: '200', remaining: '0', overage: '50', exhaustedAt: null },
    amount: { amount: '5.00' }, // 50 × 0.02 + 50 × 0.08
    shares: [
      share('INSIDE', '100', null, small),
      share('INSIDE', '50', '1.00', more),
      share('OVERAGE', '50', '4.00', more),
    ],
  });
});
