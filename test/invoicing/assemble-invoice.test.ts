import fc from 'fast-check';
import { type CouponOrder, couponOrders } from '../../src/access/partner';
import { type Instant, instant, timeZone } from '../../src/core/calendar';
import { type Money, money } from '../../src/core/money';
import type { IntervalUnit, Period } from '../../src/core/period';
import type { Coupon } from '../../src/coupons/coupon';
import type { PendingCoupon } from '../../src/coupons/pending-coupon';
import {
  assemblePeriodInvoice,
  type PeriodInvoice,
  type PeriodInvoiceInput,
  type QueuedCoupon,
} from '../../src/invoicing/assemble-invoice';
import { checkExplanation } from '../core/recalculate';
import {
  amountsOf,
  eur,
  fixedOff,
  id,
  noon,
  percentOff,
  periodFrom,
  seed,
  someAddon,
  someAttachment,
  someCoupon,
  somePending,
  textOf,
  untaxed,
  utc,
} from '../support/arbitraries';

const pro = id<'Plan'>('pro');
const january = periodFrom('2026-01-01');

interface World {
  readonly price?: string | Money;
  readonly quantity?: bigint;
  readonly interval?: IntervalUnit;
  readonly period?: Period;
  readonly from?: Instant;
  readonly basis?: PeriodInvoiceInput['basis'];
  readonly addons?: readonly (readonly [code: string, price: string | Money])[];
  readonly order?: CouponOrder;
  /** Oldest first; queued unless it says otherwise. */
  readonly coupons?: readonly (Coupon | readonly [Coupon, Partial<PendingCoupon>, QueuedCoupon['past']?])[];
}

const inEur = (price: string | Money) => (typeof price === 'string' ? eur(price) : price);

function inputOf(world: World): PeriodInvoiceInput {
  const period = world.period ?? january;
  const unitAmount = inEur(world.price ?? '49.00');
  return {
    currency: unitAmount.currency,
    timeZone: utc,
    basis: world.basis ?? 'DAY',
    couponOrder: world.order ?? 'TARGETED_FIRST',
    tax: untaxed,
    period,
    from: world.from ?? period.start,
    plan: {
      name: 'Pro',
      item: {
        ...{ id: id<'SubscriptionItem'>('item'), planId: pro, planVersionId: id<'PlanVersion'>('version') },
        ...{ priceId: id<'PlanPrice'>('price'), interval: world.interval ?? 'MONTH', startedAt: period.start },
        ...{ unitAmount, quantity: world.quantity ?? 1n },
      },
    },
    addons: (world.addons ?? []).map(([code, price]) => ({
      attachment: someAttachment(someAddon({ code }), inEur(price)),
      name: code,
    })),
    joined: [],
    usage: { lines: [], late: [], billed: [], charges: [] },
    coupons: (world.coupons ?? []).map((entry) => {
      const [coupon, change, past] = 'kind' in entry ? [entry, {}] : entry;
      return { coupon, past, pending: somePending(coupon, change) };
    }),
  };
}

function assemble(world: World): PeriodInvoice {
  const invoice = assemblePeriodInvoice(inputOf(world));
  for (const line of invoice.lines) {
    checkExplanation(line.explanation);
    const size = textOf({ ...line.amount, minor: line.amount.minor < 0n ? -line.amount.minor : line.amount.minor });
    expect(line.explanation.result).toBe(size);
  }
  return invoice;
}

const discountsOf = (invoice: PeriodInvoice) =>
  invoice.uses.map(({ queued, discount }) => `${queued.coupon.code} ${textOf(discount)}`);
const totalOf = (invoice: PeriodInvoice) => textOf(invoice.totals.total);

describe('fixed prices of the period', () => {
  test('the plan and its add-ons, whole', () => {
    const invoice = assemble({
      price: '29.99',
      addons: [
        ['one', '50.00'],
        ['two', '25.00'],
      ],
    });
    expect(amountsOf(invoice.lines)).toEqual([
      ['PLAN_FIXED', '29.99'],
      ['ADDON_FIXED', '50.00'],
      ['ADDON_FIXED', '25.00'],
    ]);
    expect(totalOf(invoice)).toBe('104.99'); // 29.99 + 50.00 + 25.00
    expect(invoice.lines.map(({ source }) => source.id)).toEqual(['item', 'attachment-one', 'attachment-two']);
  });

  test('price × quantity', () => {
    expect(totalOf(assemble({ price: '3.33', quantity: 7n }))).toBe('23.31'); // 3.33 × 7
  });

  test('a first, shorter period is divided by the full period in which it lies', () => {
    // From 16 January, billed on the 1st: 16 of 31 days.
    const invoice = assemble({ from: noon('2026-01-16'), addons: [['one', '31.00']] });
    expect(amountsOf(invoice.lines)).toEqual([
      ['PLAN_FIXED', '25.29'], // 49.00 × 16/31 = 25.2903
      ['ADDON_FIXED', '16.00'], // 31.00 × 16/31
    ]);
    expect(invoice.lines[0]!.covers.start.toString()).toBe('2026-01-16T12:00:00Z');
    expect(invoice.lines[0]!.period.start.toString()).toBe('2026-01-01T00:00:00Z');
  });

  test('a whole period is whole by any basis', () => {
    for (const basis of ['DAY', 'SECOND', 'NONE'] as const) expect(totalOf(assemble({ basis }))).toBe('49.00');
  });

  test('a whole period is whole where a day is left out of the calendar', () => {
    const zone = timeZone('Pacific/Apia');
    const period = periodFrom('2011-12-30', 'MONTH', zone); // the 30th was left out in Samoa
    const input = { ...inputOf({ period }), timeZone: zone };
    expect(totalOf(assemblePeriodInvoice(input))).toBe('49.00');
  });
});

describe('the order of coupons', () => {
  // Oldest first: invoice-wide 10.00, half off the plan, a quarter off everything, 5.00 off the add-on.
  const coupons = [
    fixedOff(eur('10.00'), { code: 'TEN' }),
    percentOff('50', { code: 'HALF', planIds: [pro] }),
    percentOff('25', { code: 'QUARTER' }),
    fixedOff(eur('5.00'), { code: 'FIVE', addonIds: [id<'Addon'>('addon-one')] }),
  ];
  const world: World = { price: '60.00', addons: [['one', '40.00']], coupons };

  test('TARGETED_FIRST: what names its lines, then the whole invoice, each group oldest first', () => {
    const invoice = assemble({ ...world, order: 'TARGETED_FIRST' });
    expect(discountsOf(invoice)).toEqual([
      'HALF 30.00', // 60.00 × 50 %: plan 30.00
      'FIVE 5.00', // add-on 35.00
      'TEN 10.00', // of 65.00, spread 4.62 + 5.38: plan 25.38, add-on 29.62
      'QUARTER 13.75', // (65.00 − 10.00) × 25 %
    ]);
    expect(totalOf(invoice)).toBe('41.25'); // 100.00 − 30.00 − 5.00 − 10.00 − 13.75
  });

  test('PERCENT_FIRST: percentages, then fixed amounts, each group oldest first', () => {
    const invoice = assemble({ ...world, order: 'PERCENT_FIRST' });
    expect(discountsOf(invoice)).toEqual([
      'HALF 30.00', // plan 30.00
      'QUARTER 17.50', // (30.00 + 40.00) × 25 %: plan 22.50, add-on 30.00
      'TEN 10.00', // of 52.50, spread 4.29 + 5.71
      'FIVE 5.00',
    ]);
    expect(totalOf(invoice)).toBe('37.50'); // 100.00 − 30.00 − 17.50 − 10.00 − 5.00
  });

  test('FIXED_FIRST: fixed amounts, then percentages, each group oldest first', () => {
    const invoice = assemble({ ...world, order: 'FIXED_FIRST' });
    expect(discountsOf(invoice)).toEqual([
      'TEN 10.00', // spread 6.00 + 4.00: plan 54.00, add-on 36.00
      'FIVE 5.00', // add-on 31.00
      'HALF 27.00', // 54.00 × 50 %: plan 27.00
      'QUARTER 14.50', // (27.00 + 31.00) × 25 %
    ]);
    expect(totalOf(invoice)).toBe('43.50'); // 100.00 − 10.00 − 5.00 − 27.00 − 14.50
  });

  test.each(couponOrders)('%s: two of one group keep their age', (order) => {
    const first = percentOff('10', { code: 'FIRST' });
    const second = percentOff('50', { code: 'SECOND' });
    expect(discountsOf(assemble({ order, coupons: [first, second] }))).toEqual(['FIRST 4.90', 'SECOND 22.05']); // 44.10 × 50 %
    expect(discountsOf(assemble({ order, coupons: [second, first] }))).toEqual(['SECOND 24.50', 'FIRST 2.45']); // 24.50 × 10 %
  });

  test.each(couponOrders)('%s: two large coupons, in both orders of age, never go below zero', (order) => {
    const most = fixedOff(eur('45.00'), { code: 'MOST' });
    const ninety = percentOff('90', { code: 'NINETY' });
    const more = fixedOff(eur('30.00'), { code: 'MORE' });
    for (const coupons of [
      [most, ninety],
      [ninety, most],
      [most, more],
      [more, most],
    ]) {
      const invoice = assemble({ order, coupons });
      expect(invoice.totals.total.minor).toBeGreaterThanOrEqual(0n);
      expect(invoice.totals.total.minor + invoice.totals.discount.minor).toBe(4900n);
    }
    // 45.00 and then what is left of the 30.00: 4.00
    expect(discountsOf(assemble({ order, coupons: [most, more] }))).toEqual(['MOST 45.00', 'MORE 4.00']);
  });
});

describe('how much a coupon takes', () => {
  test('100 %', () => {
    const invoice = assemble({ addons: [['one', '31.00']], coupons: [percentOff('100')] });
    expect(totalOf(invoice)).toBe('0.00');
    expect(textOf(invoice.totals.discount)).toBe('80.00'); // 49.00 + 31.00
  });

  test('larger than what it takes from', () => {
    const invoice = assemble({ coupons: [fixedOff(eur('100.00'))] });
    expect(discountsOf(invoice)).toEqual(['CODE 49.00']);
    expect(totalOf(invoice)).toBe('0.00');
  });

  test('it is spread over the lines by largest remainder, and the parts are the whole', () => {
    const invoice = assemble({
      price: '10.00',
      addons: [
        ['one', '10.00'],
        ['two', '10.00'],
      ],
      coupons: [fixedOff(eur('10.00'))],
    });
    const discounts = invoice.lines.filter(({ kind }) => kind === 'DISCOUNT');
    expect(amountsOf(discounts).map(([, text]) => text)).toEqual(['-3.34', '-3.33', '-3.33']); // 10.00 / 3
    expect(discounts.map(({ discountsLine, itemId }) => [discountsLine, itemId])).toEqual([
      [0, 'item'],
      [1, 'attachment-one'],
      [2, 'attachment-two'],
    ]);
    expect(discountsOf(invoice)).toEqual(['CODE 10.00']);
  });

  test('each part explains itself: enough to calculate it outside the system', () => {
    const invoice = assemble({ price: '10.00', addons: [['one', '20.00']], coupons: [percentOff('33')] });
    const [onPlan, onAddon] = invoice.lines.filter(({ kind }) => kind === 'DISCOUNT');
    // 33 % of 30.00 = 9.90, over 10.00 and 20.00: 3.30 and 6.60
    expect(onPlan!.explanation).toMatchObject({
      rule: 'COUPON_PERCENT',
      formula: 'spread(amount * percent / 100)',
      operands: [
        { name: 'amount', value: '30.00', unit: 'EUR' },
        { name: 'percent', value: '33', unit: '%', source: { kind: 'COUPON', id: 'coupon-CODE', name: 'CODE' } },
        { name: 'line1', value: '10.00', unit: 'EUR', source: { kind: 'PLAN', id: 'pro', name: 'Pro' } },
        { name: 'line2', value: '20.00', unit: 'EUR', source: { kind: 'ADDON', id: 'addon-one', name: 'one' } },
        { name: 'position', value: '1', unit: '1' },
      ],
      exact: '3.3',
      result: '3.30',
      sentence: '33 % of 30.00 by coupon CODE: 9.90 EUR. Spread over 2 lines by largest remainder: 3.30 EUR.',
    });
    expect(onAddon!.explanation).toMatchObject({ exact: '6.6', result: '6.60' });
  });

  test('free periods take the plan’s fixed line and nothing else', () => {
    const invoice = assemble({ addons: [['one', '31.00']], coupons: [someCoupon({ kind: 'FREE_PERIODS' })] });
    expect(amountsOf(invoice.lines)).toEqual([
      ['PLAN_FIXED', '49.00'],
      ['ADDON_FIXED', '31.00'],
      ['DISCOUNT', '-49.00'],
    ]);
    expect(totalOf(invoice)).toBe('31.00');
  });

  test('free periods of another plan take nothing and keep waiting', () => {
    const invoice = assemble({ coupons: [someCoupon({ kind: 'FREE_PERIODS', planIds: [id('starter')] })] });
    expect([totalOf(invoice), invoice.uses, invoice.expired]).toEqual(['49.00', [], []]);
  });

  test('a coupon for an add-on takes from that add-on alone', () => {
    const coupon = percentOff('50', { addonIds: [id('addon-two')] });
    const invoice = assemble({
      addons: [
        ['one', '31.00'],
        ['two', '25.00'],
      ],
      coupons: [coupon],
    });
    expect(amountsOf(invoice.lines).at(-1)).toEqual(['DISCOUNT', '-12.50']); // 25.00 × 50 %
    expect(invoice.lines.at(-1)).toMatchObject({ discountsLine: 2, itemId: 'attachment-two' });
  });

  test('a coupon for the plan and an add-on takes from both', () => {
    const coupon = percentOff('50', { planIds: [pro], addonIds: [id('addon-two')] });
    const addons = [
      ['one', '31.00'],
      ['two', '25.00'],
    ] as const;
    expect(discountsOf(assemble({ addons, coupons: [coupon] }))).toEqual(['CODE 37.00']); // (49.00 + 25.00) × 50 %
  });

  test('on a first, shorter period it takes from the prorated price', () => {
    const invoice = assemble({ from: noon('2026-01-16'), coupons: [percentOff('50')] });
    expect(discountsOf(invoice)).toEqual(['CODE 12.65']); // 25.29 × 50 % = 12.645 → 12.65
  });
});

describe('coupons that wait', () => {
  test('for an amount: below the minimum it keeps waiting', () => {
    const coupon = percentOff('50', { minimumAmounts: [eur('49.01')] });
    const invoice = assemble({ coupons: [coupon] });
    expect([invoice.uses, invoice.expired, totalOf(invoice)]).toEqual([[], [], '49.00']);
    expect(discountsOf(assemble({ price: '49.01', coupons: [coupon] }))).toEqual(['CODE 24.51']); // 24.505
  });

  test('for an amount: one that runs takes nothing below its minimum, and nothing of it is used up', () => {
    const coupon = percentOff('50', { minimumAmounts: [eur('49.01')], duration: 'FOREVER' });
    const runs = { status: 'RUNNING', periodsApplied: 1 } as const;
    expect(discountsOf(assemble({ coupons: [[coupon, runs]] }))).toEqual([]);
    expect(discountsOf(assemble({ price: '49.01', coupons: [[coupon, runs]] }))).toEqual(['CODE 24.51']); // 24.505
  });

  test.each<[string, Partial<Coupon>, QueuedCoupon['past'], 'waits' | 'expires']>([
    ['paused meanwhile', { status: 'PAUSED' }, undefined, 'waits'],
    ['archived meanwhile', { status: 'ARCHIVED' }, undefined, 'waits'],
    ['its first day moved', { validFrom: instant('2026-01-01T00:00:00.001Z') }, undefined, 'waits'],
    ['fewer for each tenant than it has', {}, { usedByTenant: 2, hasPurchased: false }, 'waits'],
    [
      'for a first purchase, which was made',
      { firstPurchaseOnly: true },
      { usedByTenant: 1, hasPurchased: true },
      'expires',
    ],
  ])('judged again when it is used: %s', (_name, change, past, outcome) => {
    const coupon = percentOff('50', { duration: 'FOREVER', ...change });
    const waiting = assemble({ coupons: [[coupon, {}, past]] });
    expect([waiting.uses, waiting.expired.length, totalOf(waiting)]).toEqual([
      [],
      outcome === 'expires' ? 1 : 0,
      '49.00',
    ]);
    // Whether it may be taken up is settled with its first use: what runs goes on.
    const running = assemble({ coupons: [[coupon, { status: 'RUNNING', periodsApplied: 1 }, past]] });
    expect([discountsOf(running), running.expired]).toEqual([['CODE 24.50'], []]);
  });

  test('one that counts months takes nothing from a year; one without end does', () => {
    const year = { period: periodFrom('2026-01-01', 'YEAR'), interval: 'YEAR' as const };
    const months = { status: 'RUNNING', periodsApplied: 1, countsIn: 'MONTH' } as const;
    const repeating = percentOff('50', { duration: 'REPEATING', durationPeriods: 3 });
    const free = someCoupon({ kind: 'FREE_PERIODS', duration: 'FOREVER' });
    for (const coupon of [repeating, free]) {
      expect(discountsOf(assemble({ ...year, coupons: [[coupon, months]] }))).toEqual([]);
      expect(discountsOf(assemble({ coupons: [[coupon, months]] }))).toHaveLength(1);
    }
    const forever = percentOff('50', { duration: 'FOREVER' });
    expect(discountsOf(assemble({ ...year, coupons: [[forever, months]] }))).toEqual(['CODE 24.50']);
  });

  test('for something to take from: on a free plan it keeps waiting', () => {
    expect(assemble({ price: '0.00', coupons: [percentOff('50')] }).uses).toEqual([]);
    expect(assemble({ coupons: [percentOff('100', { code: 'ALL' }), percentOff('50')] }).uses).toHaveLength(1);
  });

  test('one that runs and finds nothing to take from uses no period up', () => {
    const coupon = percentOff('50', { duration: 'REPEATING', durationPeriods: 3 });
    const runs = { status: 'RUNNING', periodsApplied: 1 } as const;
    expect(assemble({ price: '0.00', coupons: [[coupon, runs]] }).uses).toEqual([]);
    // Less than half of a cent is nothing, too: 0.01 × 40 % = 0.004.
    expect(assemble({ price: '0.01', coupons: [[percentOff('40'), runs]] }).uses).toEqual([]);
  });

  test('for its interval: a coupon for years takes nothing from a month', () => {
    const coupon = percentOff('50', { intervals: ['YEAR'] });
    const invoice = assemble({ coupons: [coupon], addons: [['one', '31.00']] });
    expect([invoice.uses, invoice.expired, totalOf(invoice)]).toEqual([[], [], '80.00']);
    const year = periodFrom('2026-01-01', 'YEAR');
    expect(discountsOf(assemble({ period: year, interval: 'YEAR', coupons: [coupon] }))).toEqual(['CODE 24.50']);
  });
});

describe('coupons whose time runs out', () => {
  const until = (text: string, change: Partial<Coupon> = {}) =>
    percentOff('50', { validUntil: instant(text), ...change });

  test('while they wait: their reservation goes back', () => {
    const invoice = assemble({ coupons: [until('2026-01-01T00:00:00Z')] });
    expect([invoice.uses, invoice.expired.map(({ coupon }) => coupon.code), totalOf(invoice)]).toEqual([
      [],
      ['CODE'],
      '49.00',
    ]);
  });

  test('a moment after the period began: still good', () => {
    expect(discountsOf(assemble({ coupons: [until('2026-01-01T00:00:00.001Z')] }))).toEqual(['CODE 24.50']);
  });

  test('in a first, shorter period it is the start that counts, not the period it lies in', () => {
    // Billed on the 1st, started on the 16th: a coupon until the 10th had run out by then.
    const from = noon('2026-01-16');
    expect(assemble({ from, coupons: [until('2026-01-10T00:00:00Z')] })).toMatchObject({
      uses: [],
      expired: [{ coupon: { code: 'CODE' } }],
    });
    expect(assemble({ from, coupons: [until('2026-01-16T12:00:00.001Z')] }).uses).toHaveLength(1);
  });

  test('while they run: a discount that was given goes on', () => {
    const coupon = until('2025-12-15T00:00:00Z', { duration: 'FOREVER' });
    const invoice = assemble({ coupons: [[coupon, { status: 'RUNNING', periodsApplied: 1 }]] });
    expect([discountsOf(invoice), invoice.expired]).toEqual([['CODE 24.50'], []]);
  });
});

test('whatever the coupons and their order: never below zero, header = sum of lines, uses = discounts', () => {
  const price = fc.bigInt({ min: 0n, max: 100_000n });
  const targets = fc.constantFrom<Partial<Coupon>>(
    {},
    { planIds: [pro] },
    { addonIds: [id<'Addon'>('addon-0')] },
    { planIds: [pro], addonIds: [id<'Addon'>('addon-1')] },
    { minimumAmounts: [eur('100.00')] },
    { intervals: ['YEAR'] },
  );
  const coupon = fc.oneof(
    fc.tuple(fc.integer({ min: 1, max: 100 }), targets).map(([size, change]) => percentOff(`${size}`, change)),
    fc
      .tuple(fc.bigInt({ min: 1n, max: 150_000n }), targets)
      .map(([size, change]) => fixedOff(money(size, 'EUR'), change)),
    fc.constant(someCoupon({ kind: 'FREE_PERIODS' })),
  );
  const status = fc.constantFrom<Partial<PendingCoupon>>({}, { status: 'RUNNING', periodsApplied: 1 });
  fc.assert(
    fc.property(
      price,
      fc.array(price, { maxLength: 4 }),
      fc.array(fc.tuple(coupon, status), { maxLength: 5 }),
      fc.constantFrom(...couponOrders),
      fc.integer({ min: 1, max: 31 }),
      (plan, addons, coupons, order, day) => {
        const invoice = assemble({
          price: money(plan, 'EUR'),
          addons: addons.map((addon, number) => [`${number}`, money(addon, 'EUR')] as const),
          from: noon(`2026-01-${String(day).padStart(2, '0')}`),
          ...{ order, coupons },
        });
        const { lines, totals, uses } = invoice;
        const sum = lines.reduce((total, { amount }) => total + amount.minor, 0n);
        expect(totals.total.minor).toBe(sum);
        expect(totals.subtotal.minor - totals.discount.minor).toBe(sum);
        expect(uses.reduce((total, { discount }) => total + discount.minor, 0n)).toBe(totals.discount.minor);
        for (const [index, line] of lines.entries()) {
          if (line.kind === 'DISCOUNT') continue;
          const own = lines.filter(({ discountsLine }) => discountsLine === index);
          const left = own.reduce((total, { amount }) => total + amount.minor, line.amount.minor);
          expect(left >= 0n && own.every(({ amount, itemId }) => amount.minor < 0n && itemId === line.itemId)).toBe(
            true,
          );
        }
      },
    ),
    { seed, numRuns: 1_000 },
  );
});
