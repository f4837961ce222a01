import { instant } from '../../src/core/calendar';
import { type Money, money } from '../../src/core/money';
import { fullShare } from '../../src/core/proration';
import {
  appliesToInterval,
  appliesToPlan,
  type Coupon,
  type CouponReason,
  type CouponUse,
  couponProblems,
  couponReasons,
  discountOn,
  isTargeted,
  meetsMinimum,
  periodsOf,
} from '../../src/coupons/coupon';
import { afterUse } from '../../src/coupons/pending-coupon';
import { checkExplanation } from '../core/recalculate';
import {
  amount,
  eur,
  fixedOff,
  id,
  percentOff,
  shareOf,
  someCoupon,
  somePending,
  textOf,
} from '../support/arbitraries';

const now = instant('2026-01-15T12:00:00Z');
const pro = id<'Plan'>('pro');
const starter = id<'Plan'>('starter');
const track = id<'Addon'>('track');

const use = (change: Partial<CouponUse> = {}): CouponUse => ({
  stage: 'NEW',
  now,
  currency: 'EUR',
  planId: pro,
  addonIds: [],
  interval: 'MONTH',
  base: eur('49.00'),
  usedByTenant: 0,
  liveForTenant: false,
  hasPurchased: false,
  ...change,
});

describe('why a coupon may not be used', () => {
  const millisecond = { milliseconds: 1 };
  test.each<[string, Coupon, Partial<CouponUse>, CouponReason[]]>([
    ['nothing is wrong', percentOff('20'), {}, []],
    ['paused', percentOff('20', { status: 'PAUSED' }), {}, ['COUPON_INACTIVE']],
    ['archived', percentOff('20', { status: 'ARCHIVED' }), {}, ['COUPON_INACTIVE']],
    ['not valid yet', percentOff('20', { validFrom: now.add(millisecond) }), {}, ['COUPON_NOT_YET_VALID']],
    ['valid from this instant', percentOff('20', { validFrom: now }), {}, []],
    ['valid for a moment more', percentOff('20', { validUntil: now.add(millisecond) }), {}, []],
    ['valid until this instant', percentOff('20', { validUntil: now }), {}, ['COUPON_EXPIRED']],
    ['used up', percentOff('20', { maxRedemptions: 3, reservedCount: 3 }), {}, ['COUPON_USED_UP']],
    ['one use left', percentOff('20', { maxRedemptions: 3, reservedCount: 2 }), {}, []],
    ['used before by the tenant', percentOff('20'), { usedByTenant: 1 }, ['COUPON_TENANT_LIMIT_REACHED']],
    ['may be used twice', percentOff('20', { maxRedemptionsPerTenant: 2 }), { usedByTenant: 1 }, []],
    // Its own reservation is one of the uses: that it is applied is the reason, not that it was used up.
    [
      'applied already',
      percentOff('20', { maxRedemptions: 1, reservedCount: 1 }),
      { liveForTenant: true, usedByTenant: 1 },
      ['COUPON_ALREADY_APPLIED'],
    ],
    ['below the minimum', percentOff('20', { minimumAmounts: [eur('49.01')] }), {}, ['COUPON_MINIMUM_NOT_MET']],
    ['at the minimum', percentOff('20', { minimumAmounts: [eur('49.00')] }), {}, []],
    [
      'a minimum in other currencies only',
      percentOff('20', { minimumAmounts: [money(100n, 'USD')] }),
      {},
      ['COUPON_MINIMUM_NOT_MET'],
    ],
    ['a minimum, but no base to judge yet', percentOff('20', { minimumAmounts: [eur('99')] }), { base: undefined }, []],
    [
      'not the first purchase',
      percentOff('20', { firstPurchaseOnly: true }),
      { hasPurchased: true },
      ['COUPON_FIRST_PURCHASE_ONLY'],
    ],
    ['the first purchase', percentOff('20', { firstPurchaseOnly: true }), {}, []],
    ['another plan’s', percentOff('20', { planIds: [starter] }), {}, ['COUPON_PLAN_NOT_ELIGIBLE']],
    ['this plan’s', percentOff('20', { planIds: [starter, pro] }), {}, []],
    [
      'a plan’s, without a plan',
      percentOff('20', { planIds: [pro] }),
      { planId: undefined },
      ['COUPON_PLAN_NOT_ELIGIBLE'],
    ],
    ['an add-on’s, without it', percentOff('20', { addonIds: [track] }), {}, ['COUPON_PLAN_NOT_ELIGIBLE']],
    ['an add-on’s, with it', percentOff('20', { addonIds: [track] }), { addonIds: [track] }, []],
    [
      'another plan’s, but the add-on’s too',
      percentOff('20', { planIds: [starter], addonIds: [track] }),
      { addonIds: [track] },
      [],
    ],
    // Free periods are the plan's alone; an add-on that is listed beside it changes nothing.
    [
      'free periods of another plan, with an add-on',
      someCoupon({ kind: 'FREE_PERIODS', planIds: [starter], addonIds: [track] }),
      { addonIds: [track] },
      ['COUPON_PLAN_NOT_ELIGIBLE'],
    ],
    ['free periods of any plan', someCoupon({ kind: 'FREE_PERIODS' }), {}, []],
    ['another interval’s', percentOff('20', { intervals: ['YEAR'] }), {}, ['COUPON_INTERVAL_NOT_ELIGIBLE']],
    ['this interval’s', percentOff('20', { intervals: ['YEAR', 'MONTH'] }), {}, []],
    ['an interval’s, before there is one', percentOff('20', { intervals: ['YEAR'] }), { interval: undefined }, []],
    ['fixed in another currency', fixedOff(money(500n, 'USD')), {}, ['COUPON_CURRENCY_NOT_SUPPORTED']],
    ['percent in any currency', percentOff('20'), { currency: 'JPY', base: money(4900n, 'JPY') }, []],
  ])('%s', (_name, coupon, change, problems) => {
    expect(couponProblems(coupon, use(change))).toEqual(problems);
  });

  test('all reasons at once, so that a form can show them at once', () => {
    const hopeless = someCoupon({
      kind: 'FIXED',
      amounts: [money(500n, 'USD')],
      status: 'PAUSED',
      validFrom: now.add({ hours: 2 }),
      validUntil: now.subtract({ hours: 2 }),
      maxRedemptions: 1,
      reservedCount: 1,
      minimumAmounts: [eur('100.00')],
      firstPurchaseOnly: true,
      planIds: [starter],
      intervals: ['YEAR'],
    });
    const problems = couponProblems(hopeless, use({ usedByTenant: 1, hasPurchased: true }));
    const onlyElsewhere: CouponReason[] = ['COUPON_NOT_FOUND', 'COUPON_ALREADY_APPLIED'];
    expect([...problems].sort()).toEqual(couponReasons.filter((reason) => !onlyElsewhere.includes(reason)).sort());
    expect(new Set(problems).size).toBe(problems.length);
  });
});

describe('what a coupon applies to', () => {
  test.each<[string, Partial<Coupon>, boolean, boolean, boolean]>([
    // lists, applies to pro, applies without a plan, is targeted
    ['no list: everything', {}, true, true, false],
    ['the plan', { planIds: [pro] }, true, false, true],
    ['another plan', { planIds: [starter] }, false, false, true],
    ['add-ons only: no plan', { addonIds: [track] }, false, false, true],
    ['a plan and add-ons', { planIds: [pro], addonIds: [track] }, true, false, true],
  ])('%s', (_name, lists, toPro, toNone, targeted) => {
    const coupon = percentOff('20', lists);
    expect([appliesToPlan(coupon, pro), appliesToPlan(coupon, undefined), isTargeted(coupon)]).toEqual([
      toPro,
      toNone,
      targeted,
    ]);
  });

  test('free periods are always the plan’s', () => {
    expect(isTargeted(someCoupon({ kind: 'FREE_PERIODS' }))).toBe(true);
    expect(appliesToPlan(someCoupon({ kind: 'FREE_PERIODS' }), pro)).toBe(true);
    expect(appliesToPlan(someCoupon({ kind: 'FREE_PERIODS', planIds: [starter] }), pro)).toBe(false);
  });

  test('intervals', () => {
    expect(appliesToInterval(percentOff('20'), 'MONTH')).toBe(true);
    expect(appliesToInterval(percentOff('20', { intervals: ['YEAR'] }), 'MONTH')).toBe(false);
    expect(appliesToInterval(percentOff('20', { intervals: ['YEAR'] }), 'YEAR')).toBe(true);
  });

  test('a minimum is judged in the currency of the base', () => {
    const coupon = percentOff('20', { minimumAmounts: [eur('50.00'), money(6000n, 'USD')] });
    expect(meetsMinimum(coupon, eur('49.99'))).toBe(false);
    expect(meetsMinimum(coupon, eur('50.00'))).toBe(true);
    expect(meetsMinimum(coupon, money(5999n, 'USD'))).toBe(false);
    expect(meetsMinimum(coupon, money(10_000n, 'JPY'))).toBe(false);
  });
});

describe('how long a coupon lasts', () => {
  test.each<[Partial<Coupon>, number | undefined]>([
    [{ duration: 'ONCE' }, 1],
    [{ duration: 'REPEATING', durationPeriods: 3 }, 3],
    [{ duration: 'FOREVER' }, undefined],
  ])('%j', (duration, periods) => expect(periodsOf(percentOff('20', duration))).toBe(periods));

  test('counted from the first application', () => {
    const coupon = percentOff('50', { duration: 'REPEATING', durationPeriods: 3 });
    const states: string[] = [];
    let pending = somePending(coupon);
    for (let period = 0; period < 3; period += 1) {
      pending = afterUse(pending, coupon, now);
      states.push(`${pending.periodsApplied} ${pending.status} ${pending.endedAt ?? 'open'}`);
    }
    expect(states).toEqual(['1 RUNNING open', '2 RUNNING open', '3 FINISHED 2026-01-15T12:00:00Z']);
  });

  test('once and forever', () => {
    expect(afterUse(somePending(percentOff('20')), percentOff('20'), now).status).toBe('FINISHED');
    const forever = percentOff('20', { duration: 'FOREVER' });
    expect(afterUse(somePending(forever, { periodsApplied: 5_000 }), forever, now).status).toBe('RUNNING');
  });
});

describe('the discount on an amount', () => {
  const eleven = shareOf(11, 31);
  test.each<[string, Coupon, Money, Parameters<typeof discountOn>[2], string]>([
    ['20 %', percentOff('20'), eur('17.39'), undefined, '3.48'], // 17.39 × 20 % = 3.478
    ['20 %, whatever the share', percentOff('20', { scaled: true }), eur('17.39'), eleven, '3.48'],
    ['a third', percentOff('33.333333333333'), eur('100.00'), undefined, '33.33'],
    ['half of a cent', percentOff('50'), eur('0.01'), undefined, '0.01'], // 0.005, away from zero
    ['100 %', percentOff('100'), eur('17.39'), undefined, '17.39'],
    ['a billionth of a percent', percentOff('0.000000001'), eur('17.39'), undefined, '0.00'],
    ['20 % of nothing', percentOff('20'), eur('0.00'), undefined, '0.00'],
    ['50 % of ¥ 4901', percentOff('50'), money(4901n, 'JPY'), undefined, '2451'], // 2450.5
    ['50 % of KWD 1.001', percentOff('50'), amount('1.001', 'KWD'), undefined, '0.501'], // 0.5005
    ['fixed', fixedOff(eur('10.00')), eur('17.39'), undefined, '10.00'],
    ['fixed, larger than the amount', fixedOff(eur('20.00')), eur('17.39'), undefined, '17.39'],
    ['fixed, not scaled', fixedOff(eur('10.00')), eur('17.39'), eleven, '10.00'],
    ['fixed and scaled', fixedOff(eur('10.00'), { scaled: true }), eur('17.39'), eleven, '3.55'], // 10 × 11/31 = 3.5484
    [
      'fixed and scaled over a whole period',
      fixedOff(eur('10.00'), { scaled: true }),
      eur('49.00'),
      fullShare,
      '10.00',
    ],
    ['fixed and scaled without a share', fixedOff(eur('10.00'), { scaled: true }), eur('49.00'), undefined, '10.00'],
    ['scaled to a hair above the amount', fixedOff(eur('31.01'), { scaled: true }), eur('11.00'), eleven, '11.00'], // 11.0035
    ['fixed in another currency', fixedOff(money(1000n, 'USD')), eur('17.39'), undefined, '0.00'],
    ['a free period', someCoupon({ kind: 'FREE_PERIODS' }), eur('49.00'), undefined, '49.00'],
  ])('%s', (_name, coupon, base, share, discount) => {
    const { amount: value, explanation } = discountOn(coupon, base, share);
    expect(textOf(value)).toBe(discount);
    expect(value.currency).toBe(base.currency);
    checkExplanation(explanation);
  });

  test('says why', () => {
    expect(discountOn(percentOff('20'), eur('17.39'), undefined).explanation).toMatchObject({
      rule: 'COUPON_PERCENT',
      formula: 'amount * percent / 100',
      operands: [
        { name: 'amount', value: '17.39', unit: 'EUR' },
        { name: 'percent', value: '20', unit: '%', source: { kind: 'COUPON', id: 'coupon-CODE', name: 'CODE' } },
      ],
      exact: '3.478',
      sentence: '20 % of 17.39 by coupon CODE: 3.48 EUR.',
    });
    expect(discountOn(fixedOff(eur('10.00'), { scaled: true }), eur('17.39'), eleven).explanation).toMatchObject({
      rule: 'COUPON_FIXED',
      formula: 'min(coupon * remaining / total, amount)',
      sentence: '10.00 by coupon CODE × 0.3548…, at most 17.39: 3.55 EUR.',
    });
    expect(discountOn(someCoupon({ kind: 'FREE_PERIODS' }), eur('49.00'), undefined).explanation.rule).toBe(
      'COUPON_FREE_PERIOD',
    );
  });
});
