import { localDate, timeZone } from '../../src/core/calendar';
import { InvariantViolation } from '../../src/core/invariant';
import { money } from '../../src/core/money';
import { type IntervalUnit, periodAt } from '../../src/core/period';
import { fullShare } from '../../src/core/proration';
import { afterUse } from '../../src/coupons/pending-coupon';
import { assemblePeriodInvoice } from '../../src/invoicing/assemble-invoice';
import type { ChargedItem } from '../../src/proration/charged-item';
import { decidePlanChange, type PlanChange, type PlanChangeInput } from '../../src/proration/plan-change';
import { checkExplanation } from '../core/recalculate';
import {
  amount,
  amountsOf,
  changeOf,
  chargedWhole,
  eur,
  fixedOff,
  id,
  itemAfter,
  noon,
  percentOff,
  periodFrom,
  shareOf,
  somePending,
  somePlan,
  textOf,
  untaxed,
  utc,
} from '../support/arbitraries';

function decide(input: PlanChangeInput): PlanChange {
  const decided = decidePlanChange(input);
  if (!decided.ok) throw new Error(`refused: ${decided.refusal.code}`);
  for (const { explanation } of decided.value.lines) checkExplanation(explanation);
  return decided.value;
}

const moneyOf = ({ unusedCredit, newCharge, discount, net }: PlanChange) =>
  [unusedCredit, newCharge, discount, net].map(textOf).join(' ');

const april = periodFrom('2026-04-01');
const freePlan = chargedWhole(eur('0.00'), { name: 'Free' });

describe('the worked examples of the billing rules', () => {
  test('19 → 49 with 11 of 31 days left, 20 % off the new plan', () => {
    const change = decide(
      changeOf(
        chargedWhole(eur('19.00')),
        { unitAmount: eur('49.00') },
        {
          at: noon('2026-01-21'), // 21 … 31 January are 11 days
          coupons: [{ coupon: percentOff('20'), running: false }],
        },
      ),
    );
    expect(amountsOf(change.lines)).toEqual([
      ['PRORATION_CREDIT', '-6.74'], // 19.00 × 11/31 = 6.7419 → 6.74
      ['PRORATION_CHARGE', '17.39'], // 49.00 × 11/31 = 17.3871 → 17.39
      ['DISCOUNT', '-3.48'], // 17.39 × 20 % = 3.478 → 3.48
    ]);
    expect(moneyOf(change)).toBe('6.74 17.39 3.48 7.17'); // 17.39 − 6.74 − 3.48
    expect(change.share).toEqual({ basis: 'DAY', remaining: 11n, total: 31n });
    expect(change.couponUses).toMatchObject([{ coupon: { code: 'CODE' }, discount: eur('3.48'), counts: true }]);
    expect(change.lines.map(({ explanation }) => explanation.sentence)).toEqual([
      'Unused time on Old plan: 19.00 EUR × 1 × 11/31 = 6.74 EUR.',
      'New plan: 49.00 EUR × 1 × 11/31 of the period = 17.39 EUR.',
      '20 % of 17.39 by coupon CODE: 3.48 EUR.',
    ]);
    expect(change.lines.map(({ itemId }) => itemId)).toEqual(['old-item', 'new-item', 'new-item']);
    expect(change.lines[2]!.discountsLine).toBe(1);
    for (const line of change.lines) {
      expect(line.covers.start).toEqual(change.at);
      expect(line.covers.end.toString()).toBe('2026-02-01T00:00:00Z');
      expect(line.period.start.toString()).toBe('2026-01-01T00:00:00Z');
    }
  });

  test('effective 9.50 → 49 with 10 of 30 days left, 20 % off', () => {
    const current = chargedWhole(eur('19.00'), {
      discounts: [{ amount: eur('9.50'), share: fullShare }],
      charged: eur('9.50'),
    });
    const change = decide(
      changeOf(
        current,
        { unitAmount: eur('49.00') },
        {
          period: april,
          at: noon('2026-04-21'), // 21 … 30 April are 10 days
          coupons: [{ coupon: percentOff('20'), running: false }],
        },
      ),
    );
    expect(amountsOf(change.lines)).toEqual([
      ['PRORATION_CREDIT', '-3.17'], // (19.00 − 9.50) × 10/30 = 3.1667 → 3.17
      ['PRORATION_CHARGE', '16.33'], // 49.00 × 10/30 = 16.3333 → 16.33
      ['DISCOUNT', '-3.27'], // 16.33 × 20 % = 3.266 → 3.27
    ]);
    expect(textOf(change.net)).toBe('9.89'); // 16.33 − 3.17 − 3.27, the sum of rounded lines
  });

  test('free → 49 with 50 % for 3 months, from the first day of a period: 24.50 three times, then 49.00', () => {
    const coupon = percentOff('50', { duration: 'REPEATING', durationPeriods: 3 });
    const input = changeOf(
      freePlan,
      { unitAmount: eur('49.00') },
      { at: periodFrom('2026-01-01').start, coupons: [{ coupon, running: false }] },
    );
    const change = decide(input);
    expect(amountsOf(change.lines)).toEqual([
      ['PRORATION_CREDIT', '0.00'], // nothing was charged
      ['PRORATION_CHARGE', '49.00'], // the whole period
      ['DISCOUNT', '-24.50'], // 49.00 × 50 %
    ]);
    expect(textOf(change.net)).toBe('24.50');

    let pending = afterUse(somePending(coupon), coupon, change.at);
    const totals = [1, 2, 3].map((index) => {
      const period = periodAt({ anchor: localDate('2026-01-01'), interval: 'MONTH', zone: utc }, index);
      const live = pending.status === 'RUNNING';
      const invoice = assemblePeriodInvoice({
        currency: 'EUR',
        timeZone: utc,
        basis: 'DAY',
        couponOrder: 'TARGETED_FIRST',
        tax: untaxed,
        period,
        from: period.start,
        plan: {
          name: 'New plan',
          item: {
            ...{ id: input.target.itemId, planId: input.target.plan.id, planVersionId: input.target.version.id },
            ...{ priceId: id<'PlanPrice'>('price'), interval: 'MONTH', unitAmount: eur('49.00'), quantity: 1n },
            startedAt: change.at,
          },
        },
        addons: [],
        joined: [],
        usage: { lines: [], late: [], billed: [], charges: [] },
        coupons: live ? [{ pending, coupon }] : [],
      });
      if (live) pending = afterUse(pending, coupon, period.start);
      return textOf(invoice.totals.total);
    });
    expect(totals).toEqual(['24.50', '24.50', '49.00']); // the change was the first of the three
    expect(pending).toMatchObject({ status: 'FINISHED', periodsApplied: 3 });
  });

  test('paid 24.50 → 19 with 15 of 30 days left: the surplus is not lost', () => {
    const current = chargedWhole(eur('49.00'), {
      discounts: [{ amount: eur('24.50'), share: fullShare }],
      charged: eur('24.50'),
    });
    const change = decide(changeOf(current, { unitAmount: eur('19.00') }, { period: april, at: noon('2026-04-16') }));
    expect(amountsOf(change.lines)).toEqual([
      ['PRORATION_CREDIT', '-12.25'], // (49.00 − 24.50) × 15/30
      ['PRORATION_CHARGE', '9.50'], // 19.00 × 15/30
    ]);
    expect(textOf(change.net)).toBe('-2.75'); // 9.50 − 12.25, in the tenant's favour
  });

  test('annual 228 → annual 588 with 47 of 365 days left, anchor RESET', () => {
    const change = decide(
      changeOf(
        chargedWhole(eur('228.00')),
        { unitAmount: eur('588.00') },
        {
          interval: 'YEAR',
          period: periodFrom('2025-01-01', 'YEAR'),
          at: noon('2025-11-15'), // 16 days of November and 31 of December
          anchor: 'RESET',
        },
      ),
    );
    expect(amountsOf(change.lines)).toEqual([
      ['PRORATION_CREDIT', '-29.36'], // 228.00 × 47/365 = 29.3589 → 29.36
      ['PRORATION_CHARGE', '588.00'], // a new full period, charged whole
    ]);
    expect(textOf(change.net)).toBe('558.64'); // 588.00 − 29.36
    expect(change.anchor).toBe('RESET');
    expect(change.after).toMatchObject({ interval: 'YEAR', index: 0 });
    expect(change.after.anchorDate.toString()).toBe('2025-11-15');
    expect(change.after.span.end.toString()).toBe('2026-11-15T00:00:00Z');
  });

  test.each([
    ['20.00', '-17.39', '-6.74'], // the coupon takes the charge and no more: 17.39 − 6.74 − 17.39 = −credit
    ['17.39', '-17.39', '-6.74'],
    ['17.38', '-17.38', '-6.73'], // 17.39 − 6.74 − 17.38
    ['5.00', '-5.00', '5.65'], // 17.39 − 6.74 − 5.00
  ])('a fixed coupon of %s on a prorated charge of 17.39 takes %s: net %s', (value, taken, net) => {
    const change = decide(
      changeOf(
        chargedWhole(eur('19.00')),
        { unitAmount: eur('49.00') },
        { coupons: [{ coupon: fixedOff(eur(value)), running: false }] },
      ),
    );
    expect(amountsOf(change.lines)[2]).toEqual(['DISCOUNT', taken]);
    expect(textOf(change.net)).toBe(net);
  });

  test('30 → 40 → 50 in one period: from full-period values, never from the last incremental charge', () => {
    const first = changeOf(
      chargedWhole(eur('30.00')),
      { unitAmount: eur('40.00') },
      { at: noon('2026-01-11') }, // 21 of 31 days left
    );
    const toForty = decide(first);
    expect(amountsOf(toForty.lines)).toEqual([
      ['PRORATION_CREDIT', '-20.32'], // 30.00 × 21/31 = 20.3226 → 20.32
      ['PRORATION_CHARGE', '27.10'], // 40.00 × 21/31 = 27.0968 → 27.10
    ]);
    expect(textOf(toForty.net)).toBe('6.78'); // 27.10 − 20.32

    const toFifty = decide(
      changeOf(itemAfter(first, toForty), { unitAmount: eur('50.00') }, { at: noon('2026-01-16') }), // 16 left
    );
    expect(amountsOf(toFifty.lines)).toEqual([
      ['PRORATION_CREDIT', '-20.65'], // 40.00 × 16/31 = 20.6452 → 20.65, not 6.78 × 16/21
      ['PRORATION_CHARGE', '25.81'], // 50.00 × 16/31 = 25.8065 → 25.81
    ]);
    expect(textOf(toFifty.net)).toBe('5.16'); // 25.81 − 20.65
  });

  test('30 → 40 → 50 on one day is 30 → 50', () => {
    const at = noon('2026-01-16');
    const first = changeOf(chargedWhole(eur('30.00')), { unitAmount: eur('40.00') }, { at });
    const toForty = decide(first);
    const toFifty = decide(changeOf(itemAfter(first, toForty), { unitAmount: eur('50.00') }, { at }));
    const direct = decide(changeOf(chargedWhole(eur('30.00')), { unitAmount: eur('50.00') }, { at }));
    // 30 → 40: 20.65 − 15.48 = 5.17; 40 → 50: 25.81 − 20.65 = 5.16; 30 → 50: 25.81 − 15.48 = 10.33
    expect([toForty, toFifty, direct].map(({ net }) => textOf(net))).toEqual(['5.17', '5.16', '10.33']);
  });
});

describe('currencies with 0 and 3 decimals', () => {
  test('JPY', () => {
    const change = decide(changeOf(chargedWhole(money(1900n, 'JPY')), { unitAmount: money(4900n, 'JPY') }));
    // 1900 × 11/31 = 674.19 → 674; 4900 × 11/31 = 1738.71 → 1739; 1739 − 674
    expect(moneyOf(change)).toBe('674 1739 0 1065');
  });

  test('KWD', () => {
    const change = decide(
      changeOf(
        chargedWhole(amount('19.000', 'KWD')),
        { unitAmount: amount('49.000', 'KWD') },
        { coupons: [{ coupon: percentOff('20'), running: false }] },
      ),
    );
    // 19 × 11/31 = 6.74194 → 6.742; 49 × 11/31 = 17.38710 → 17.387; × 20 % = 3.4774 → 3.477; 17.387 − 6.742 − 3.477
    expect(moneyOf(change)).toBe('6.742 17.387 3.477 7.168');
  });

  test('a price in another currency than the subscription’s is a bug', () => {
    const input = changeOf(chargedWhole(eur('19.00')), { unitAmount: money(4900n, 'USD') });
    expect(() => decidePlanChange(input)).toThrow(InvariantViolation);
  });
});

describe('the share of the period', () => {
  const nineteen = chargedWhole(eur('19.00'));
  const fortyNine = { unitAmount: eur('49.00') };

  test('the denominator is the full period, also after a late start', () => {
    // Started on 11 January in [1 Jan, 1 Feb): charged 21/31.
    const late = chargedWhole(eur('19.00'), { charged: eur('12.87') }); // 19.00 × 21/31 = 12.8710 → 12.87
    expect(moneyOf(decide(changeOf(late, fortyNine)))).toBe('6.74 17.39 0.00 10.65'); // as from a whole period
  });

  test('changed on the day it started: the credit is what was charged, not a cent more', () => {
    const late = chargedWhole(eur('19.00'), { charged: eur('6.74') }); // 19.00 × 11/31 = 6.7419 → 6.74
    expect(moneyOf(decide(changeOf(late, fortyNine)))).toBe('6.74 17.39 0.00 10.65');
  });

  test('never more than was charged less credits already given', () => {
    const partly = chargedWhole(eur('19.00'), { charged: eur('5.00') });
    const change = decide(changeOf(partly, fortyNine));
    expect(moneyOf(change)).toBe('5.00 17.39 0.00 12.39'); // min(6.7419, 5.00); 17.39 − 5.00
    expect(change.lines[0]!.explanation).toMatchObject({
      formula: 'min(price * quantity * remaining / total, charged)',
      sentence:
        'Unused time on Old plan: 19.00 EUR × 1 × 11/31, but not more than the 5.00 EUR that was charged = 5.00 EUR.',
    });
  });

  test('a discount larger than the price leaves nothing to credit, never a debit', () => {
    const free = chargedWhole(eur('19.00'), {
      discounts: [{ amount: eur('30.00'), share: fullShare }],
      charged: eur('0.00'),
    });
    expect(moneyOf(decide(changeOf(free, fortyNine)))).toBe('0.00 17.39 0.00 17.39'); // max(−3.90, 0)
  });

  test('a discount for a part of the period is taken back for the same part of what is left', () => {
    const first = changeOf(nineteen, fortyNine, { coupons: [{ coupon: percentOff('20'), running: false }] });
    const item = itemAfter(first, decide(first));
    expect(item.discounts).toEqual([{ amount: eur('3.48'), share: { basis: 'DAY', remaining: 11n, total: 31n } }]);
    const second = decide(changeOf(item, { unitAmount: eur('99.00') }, { at: noon('2026-01-27') })); // 5 days left
    expect(amountsOf(second.lines)).toEqual([
      ['PRORATION_CREDIT', '-6.32'], // 49.00 × 5/31 − 3.48 × 5/11 = 7.9032 − 1.5818 = 6.3214 → 6.32
      ['PRORATION_CHARGE', '15.97'], // 99.00 × 5/31 = 15.9677 → 15.97
    ]);
  });

  test('quantity: price × quantity × share, rounded once', () => {
    const change = decide(
      changeOf(chargedWhole(eur('3.33'), { quantity: 7n }), { unitAmount: eur('3.33'), quantity: 10n }),
    );
    // 3.33 × 7 × 11/31 = 8.2713 → 8.27 (seven rounded units would give 8.26); 3.33 × 10 × 11/31 = 11.8161 → 11.82
    expect(moneyOf(change)).toBe('8.27 11.82 0.00 3.55');
  });

  test('the first day: all of it back, all of it charged; the last day: one day', () => {
    expect(moneyOf(decide(changeOf(nineteen, fortyNine, { at: noon('2026-01-01') })))).toBe('19.00 49.00 0.00 30.00');
    // 19 × 1/31 = 0.6129; 49 × 1/31 = 1.5806
    expect(moneyOf(decide(changeOf(nineteen, fortyNine, { at: noon('2026-01-31') })))).toBe('0.61 1.58 0.00 0.97');
  });

  test('the end: nothing is left; the renewal charges the new price', () => {
    const change = decide(changeOf(nineteen, fortyNine, { at: periodFrom('2026-01-01').end }));
    expect(change.lines).toEqual([]);
    expect(moneyOf(change)).toBe('0.00 0.00 0.00 0.00');
    expect(change.after).toMatchObject({ index: 0, interval: 'MONTH' }); // the renewal begins index 1
  });

  test('days are days in the billing zone', () => {
    const auckland = timeZone('Pacific/Auckland');
    const period = periodFrom('2026-01-01', 'MONTH', auckland);
    // 20 January, 12:00 UTC is 21 January, 01:00 in Auckland: 11 days left.
    const change = decide(changeOf(nineteen, fortyNine, { period, timeZone: auckland, at: noon('2026-01-20') }));
    expect(moneyOf(change)).toBe('6.74 17.39 0.00 10.65');
  });

  test('a change of clocks is no day: 29 March in Berlin has 23 hours', () => {
    const berlin = timeZone('Europe/Berlin');
    const period = periodFrom('2026-03-01', 'MONTH', berlin);
    const change = decide(changeOf(nineteen, fortyNine, { period, timeZone: berlin, at: noon('2026-03-29') }));
    // 3 of 31 days: 19 × 3/31 = 1.8387; 49 × 3/31 = 4.7419
    expect(moneyOf(change)).toBe('1.84 4.74 0.00 2.90');
  });

  test('a leap year has 366 days', () => {
    const year = { interval: 'YEAR' as const, period: periodFrom('2028-01-01', 'YEAR'), at: noon('2028-07-01') };
    const change = decide(changeOf(chargedWhole(eur('366.00')), { unitAmount: eur('732.00') }, year));
    expect(moneyOf(change)).toBe('184.00 368.00 0.00 184.00'); // July to December: 184 of 366 days
  });

  test('SECOND: the exact fraction of the instants', () => {
    const change = decide(
      changeOf(
        chargedWhole(eur('31.00')),
        { unitAmount: eur('62.00') },
        { basis: 'SECOND', at: noon('2026-01-21') }, // 10.5 of 31 days
      ),
    );
    expect(moneyOf(change)).toBe('10.50 21.00 0.00 10.50'); // by days it would be 11.00 and 22.00
    expect(change.share).toEqual({ basis: 'SECOND', remaining: 907_200_000n, total: 2_678_400_000n });
  });

  test('NONE: a change within the period moves no money', () => {
    const change = decide(
      changeOf(nineteen, fortyNine, { basis: 'NONE', coupons: [{ coupon: percentOff('20'), running: false }] }),
    );
    expect(change.lines).toEqual([]);
    expect(moneyOf(change)).toBe('0.00 0.00 0.00 0.00');
  });

  test('NONE with RESET: the new period is charged whole, and nothing is given back', () => {
    const change = decide(changeOf(nineteen, fortyNine, { basis: 'NONE', anchor: 'RESET' }));
    expect(amountsOf(change.lines)).toEqual([['PRORATION_CHARGE', '49.00']]);
  });
});

describe('the anchor', () => {
  const monthly = chargedWhole(eur('19.00'));

  test('KEEP leaves the period as it is', () => {
    const change = decide(changeOf(monthly, { unitAmount: eur('49.00') }));
    expect(change.anchor).toBe('KEEP');
    expect(change.after.anchorDate.toString()).toBe('2026-01-01');
    expect(change.after.index).toBe(0);
    expect(change.after.span.end.toString()).toBe('2026-02-01T00:00:00Z');
  });

  test('RESET begins a full period today, at local midnight', () => {
    const change = decide(changeOf(monthly, { unitAmount: eur('49.00') }, { anchor: 'RESET' }));
    expect(moneyOf(change)).toBe('6.74 49.00 0.00 42.26'); // 49.00 − 6.74
    expect(change.after.anchorDate.toString()).toBe('2026-01-21');
    expect(change.after.index).toBe(0);
    expect([change.after.span.start.toString(), change.after.span.end.toString()]).toEqual([
      '2026-01-21T00:00:00Z',
      '2026-02-21T00:00:00Z',
    ]);
    // The credit belongs to the old period's account, the charge to the new one's.
    expect(change.lines.map(({ period }) => period.start.toString())).toEqual([
      '2026-01-01T00:00:00Z',
      '2026-01-21T00:00:00Z',
    ]);
  });

  test.each<['KEEP' | 'RESET']>([['KEEP'], ['RESET']])('a change of interval forces RESET, %s or not', (anchor) => {
    const change = decide(changeOf(monthly, { unitAmount: eur('490.00'), interval: 'YEAR' }, { anchor }));
    expect(change.anchor).toBe('RESET');
    expect(moneyOf(change)).toBe('6.74 490.00 0.00 483.26'); // 490.00 − 6.74
    expect(change.after.interval).toBe('YEAR');
    expect(change.after.span.end.toString()).toBe('2027-01-21T00:00:00Z');
  });

  test('a change of interval at the period’s end: the new schedule begins there', () => {
    const change = decide(
      changeOf(monthly, { unitAmount: eur('490.00'), interval: 'YEAR' }, { at: periodFrom('2026-01-01').end }),
    );
    expect(change.lines).toEqual([]);
    expect(change.after.anchorDate.toString()).toBe('2026-02-01');
    expect(change.after.index).toBe(-1); // the renewal begins index 0
    expect(change.after.span.end.toString()).toBe('2026-02-01T00:00:00Z');
  });

  test('in a trial nothing is charged, and the anchor stays at the trial’s end', () => {
    for (const target of [
      { unitAmount: eur('49.00') },
      { unitAmount: eur('490.00'), interval: 'YEAR' as IntervalUnit },
    ]) {
      const trial = periodAt({ anchor: localDate('2026-02-01'), interval: 'MONTH', zone: utc }, -1);
      const change = decide(
        changeOf(chargedWhole(eur('19.00'), { charged: eur('0.00') }), target, {
          trialing: true,
          period: trial,
          anchorDate: localDate('2026-02-01'),
        }),
      );
      expect(change.lines).toEqual([]);
      expect(change.after.anchorDate.toString()).toBe('2026-02-01');
      expect(change.after.index).toBe(-1);
      expect(change.after.interval).toBe(target.interval ?? 'MONTH');
    }
  });
});

describe('change and change back at the same instant nets to 0', () => {
  test.each<[string, ChargedItem, string]>([
    ['up', chargedWhole(eur('19.00')), '49.00'],
    ['down', chargedWhole(eur('49.00')), '19.00'],
    ['to free', chargedWhole(eur('49.00')), '0.00'],
    ['after a late start', chargedWhole(eur('19.00'), { charged: eur('12.87') }), '49.00'],
  ])('%s', (_name, current, price) => {
    const there = changeOf(current, { unitAmount: eur(price) });
    const change = decide(there);
    const back = decide(changeOf(itemAfter(there, change), { unitAmount: eur(textOf(current.unitAmount)) }));
    expect(back.net.minor).toBe(-change.net.minor);
  });
});

describe('coupons on a change', () => {
  const nineteen = chargedWhole(eur('19.00'));
  const fortyNine = { unitAmount: eur('49.00') };
  const discounts = (...coupons: PlanChangeInput['coupons']) =>
    decide(changeOf(nineteen, fortyNine, { coupons })).couponUses.map(({ discount }) => textOf(discount));

  test('fixed: whole, unless the coupon says it is scaled', () => {
    expect(discounts({ coupon: fixedOff(eur('10.00')), running: false })).toEqual(['10.00']);
    // 10.00 × 11/31 = 3.5484 → 3.55
    expect(discounts({ coupon: fixedOff(eur('10.00'), { scaled: true }), running: false })).toEqual(['3.55']);
  });

  test('fixed and running already: what comes back with the credit, and nothing where it gave nothing', () => {
    const { period } = changeOf(nineteen, fortyNine);
    const gave = {
      ...{
        pendingCouponId: id<'PendingCoupon'>('pending'),
        periodNumber: 1,
        counts: true,
        period,
        share: shareOf(31, 31),
      },
      item: { id: nineteen.itemId, target: { kind: 'PLAN' as const, id: id<'Plan'>('old-plan') } },
      ...{ wholePeriod: eur('19.00'), amount: eur('10.00') },
    };
    const running = { coupon: fixedOff(eur('10.00')), running: true };
    expect(discounts({ ...running, given: [gave] })).toEqual(['3.55']); // 10.00 × 11/31
    expect(discounts(running)).toEqual(['0.00']);
  });

  test('fixed and scaled, yet larger than the charge', () => {
    // 60.00 × 11/31 = 21.2903, but the charge is 17.39
    expect(discounts({ coupon: fixedOff(eur('60.00'), { scaled: true }), running: false })).toEqual(['17.39']);
  });

  test('two: each takes from what the one before it left', () => {
    const half = { coupon: percentOff('50', { code: 'HALF' }), running: false };
    const ten = { coupon: fixedOff(eur('10.00'), { code: 'TEN' }), running: false };
    expect(discounts(half, ten)).toEqual(['8.70', '8.69']); // 17.39 × 50 % = 8.695 → 8.70; min(10.00, 17.39 − 8.70)
    expect(discounts(ten, half)).toEqual(['10.00', '3.70']); // 10.00; (17.39 − 10.00) × 50 % = 3.695 → 3.70
  });

  test('100 %: the net is the credit, never below it', () => {
    const change = decide(changeOf(nineteen, fortyNine, { coupons: [{ coupon: percentOff('100'), running: false }] }));
    expect(moneyOf(change)).toBe('6.74 17.39 17.39 -6.74');
  });

  test('a fixed coupon without an amount in the currency takes nothing, and says why', () => {
    const change = decide(
      changeOf(nineteen, fortyNine, { coupons: [{ coupon: fixedOff(money(1000n, 'USD')), running: false }] }),
    );
    expect([change.couponUses, change.couponProblems]).toEqual([[], ['COUPON_CURRENCY_NOT_SUPPORTED']]);
  });

  test('with RESET it takes from the whole new price', () => {
    const change = decide(
      changeOf(nineteen, fortyNine, { anchor: 'RESET', coupons: [{ coupon: percentOff('20'), running: false }] }),
    );
    expect(moneyOf(change)).toBe('6.74 49.00 9.80 32.46'); // 49.00 × 20 % = 9.80; 49.00 − 6.74 − 9.80
  });
});

test('deciding changes nothing that it was given, and decides the same again', () => {
  const freeze = <T>(value: T): T => {
    if (
      value &&
      typeof value === 'object' &&
      !Object.isFrozen(value) &&
      Object.getPrototypeOf(value) === Object.prototype
    ) {
      Object.freeze(value);
      Object.values(value).forEach(freeze);
    }
    if (Array.isArray(value)) Object.freeze(value).forEach(freeze);
    return value;
  };
  const input = freeze(
    changeOf(
      chargedWhole(eur('19.00'), {
        discounts: [{ amount: eur('9.50'), share: shareOf(31, 31) }],
        charged: eur('9.50'),
      }),
      { unitAmount: eur('49.00') },
      { plan: somePlan({ code: 'pro' }), coupons: [{ coupon: percentOff('20'), running: true }] },
    ),
  );
  expect(decide(input)).toEqual(decide(input));
});
