import fc from 'fast-check';
import { type Instant, instant, localDate } from '../../src/core/calendar';
import { decimal } from '../../src/core/decimal';
import { compareExact, divide, exactOf } from '../../src/core/exact';
import { money } from '../../src/core/money';
import { periodAt } from '../../src/core/period';
import { remainingShare, shareFraction } from '../../src/core/proration';
import type { EntitlementSourceKind } from '../../src/entitlements/entitlement';
import { unusedCredit } from '../../src/proration/charged-item';
import {
  allowanceFraction,
  type FeatureUse,
  smallestAllowances,
  spentBy,
  unusedShare,
} from '../../src/proration/unused-allowance';
import type { RatedSource } from '../../src/rating/usage-pieces';
import { checkExplanation } from '../core/recalculate';
import { eur, id, textOf, utc } from '../support/arbitraries';

const start = instant('2026-01-01T00:00:00Z');
const month = periodAt({ anchor: localDate('2026-01-01'), interval: 'MONTH', zone: utc }, 0);
const year = periodAt({ anchor: localDate('2026-01-01'), interval: 'YEAR', zone: utc }, 0);
const january = { start, end: month.end };

function source(
  sourceId: string,
  limit: number | undefined,
  sourceKind: EntitlementSourceKind = 'PLAN',
  unitPrice?: string,
): RatedSource {
  return {
    ...{ featureId: id<'Feature'>('calls'), featureCode: 'calls', kind: 'METERED', sourceKind, sourceId },
    ...{ sourceName: sourceId, catalogId: sourceId, quantity: 1n, resetPeriod: 'MONTH', startsAt: start },
    unlimited: limit === undefined,
    limit: decimal(limit ?? 0),
    price: unitPrice === undefined ? undefined : { inside: { kind: 'PER_UNIT', unitPrice: decimal(unitPrice) } },
  };
}

const drawn = (held: RatedSource[], used: number, after: RatedSource[] = []): FeatureUse => ({
  ...{ window: january, held, after, used: decimal(used) },
});
/** Gone of included, by item. */
const spent = (use: FeatureUse) =>
  Object.fromEntries([...spentBy(use, 'EUR')].map(([item, { gone, included }]) => [item, `${gone}/${included}`]));

describe('what was used up', () => {
  const [plan, x, y] = [source('plan', 20), source('x', 10, 'ADDON'), source('y', 10, 'ADDON')];

  test('lies with the source that it was drawn from where the window ends', () => {
    expect(spent(drawn([plan, x, y], 15))).toEqual({ plan: '15/20', x: '0/10', y: '0/10' });
    expect(spent(drawn([plan, x, y], 33))).toEqual({ plan: '20/20', x: '10/10', y: '3/10' });
    expect(spent(drawn([plan, x, y], 99))).toEqual({ plan: '20/20', x: '10/10', y: '10/10' });
  });

  test('is borne by what goes on first, where the window does', () => {
    expect(spent(drawn([plan, x, y], 33, [plan, y]))).toEqual({ x: '3/10' }); // 33 − 30
    expect(spent(drawn([plan, x, y], 25, [plan, y]))).toEqual({ x: '0/10' });
    expect(spent(drawn([plan, x], 28, [source('small', 5)]))).toEqual({ plan: '15/20', x: '8/10' }); // 28 − 5 = 23
    expect(spent(drawn([plan], 15, [source('endless', undefined)]))).toEqual({ plan: '0/20' });
  });

  test('is not what is paid by the unit, nor covered by what is', () => {
    const sold = source('sold', 10, 'ADDON', '0.01');
    expect(spent(drawn([plan, sold], 25))).toEqual({ plan: '20/20' });
    expect(spent(drawn([plan], 15, [source('metered', 1_000, 'PLAN', '0.01')]))).toEqual({ plan: '15/20' });
    expect(spent(drawn([source('gift', 20, 'PLAN', '0')], 15))).toEqual({ gift: '15/20' });
    // Overage is billed: nobody pays for it twice.
    expect(spent(drawn([plan, x], 90, [plan]))).toEqual({ x: '10/10' });
  });

  test('of several features of one item the source that has the least left', () => {
    const other = { ...source('plan', 100), featureId: id<'Feature'>('exports'), featureCode: 'exports' };
    const items = [{ itemId: 'plan', startedAt: start, period: month }];
    const how = { at: start.add({ hours: 24 * 15 }), basis: 'DAY', timeZone: utc, currency: 'EUR' } as const;
    const found = smallestAllowances(items, [drawn([plan], 5), { ...drawn([other], 90) }], how).get('plan');
    expect(found).toMatchObject({ featureCode: 'exports', current: 31n, later: 0n, total: 31n });
    expect(smallestAllowances(items, [drawn([plan], 0)], how).size).toBe(0);
  });
});

describe('properties', () => {
  const days = fc.integer({ min: 0, max: 30 });
  const one = fc.record({
    day: days,
    used: fc.integer({ min: 0, max: 60 }),
    more: fc.integer({ min: 0, max: 60 }),
    limit: fc.integer({ min: 1, max: 40 }),
    other: fc.integer({ min: 0, max: 40 }),
    after: fc.integer({ min: 0, max: 50 }),
    ends: fc.boolean(),
    yearly: fc.boolean(),
    price: fc.integer({ min: 0, max: 100_000 }),
    discount: fc.integer({ min: 0, max: 100 }),
    joined: days,
    basis: fc.constantFrom('DAY' as const, 'SECOND' as const),
  });
  type One = typeof one extends fc.Arbitrary<infer T> ? T : never;
  const at = ({ day }: One): Instant => start.add({ hours: 24 * day + 7 });

  function creditOf(given: One, used: number) {
    const { basis, limit, other, after, ends, yearly, price, discount, joined, day } = given;
    const period = yearly ? year : month;
    const share = remainingShare(basis, period, at(given), utc);
    const held = [source('plan', limit), source('addon', other, 'ADDON')];
    const next = ends ? [] : [source('next', after)];
    const startedAt = start.add({ hours: 24 * Math.min(joined, day) });
    const items = ['plan', 'addon'].map((itemId) => ({ itemId, startedAt, period }));
    const allowances = smallestAllowances(items, [drawn(held, used, next)], {
      ...{ at: at(given), basis, timeZone: utc, currency: 'EUR' },
    });
    const unitAmount = money(BigInt(price), 'EUR');
    const given0 = money(BigInt(Math.floor((price * discount) / 100)), 'EUR');
    const item = {
      ...{ itemId: 'plan', kind: 'PLAN' as const, name: 'Plan', unitAmount, quantity: 1n },
      discounts: discount > 0 ? [{ amount: given0, share: { basis, remaining: 1n, total: 1n } }] : [],
      charged: money(unitAmount.minor - given0.minor, 'EUR'),
    };
    return {
      share,
      item,
      allowance: allowances.get('plan'),
      credit: unusedCredit(item, share, allowances.get('plan')),
    };
  }

  test('never more than by time, less the more was used, nothing used changes nothing, and it explains itself', () => {
    fc.assert(
      fc.property(one, (given) => {
        const { share, item, allowance, credit } = creditOf(given, given.used);
        const byTime = unusedCredit(item, share);
        expect(credit.amount.minor).toBeLessThanOrEqual(byTime.amount.minor);
        expect(credit.amount.minor).toBeGreaterThanOrEqual(0n);
        expect(creditOf(given, given.used + given.more).credit.amount.minor).toBeLessThanOrEqual(credit.amount.minor);
        expect(creditOf(given, 0).credit).toEqual(byTime);
        // Within what the next one includes, a window that goes on is worth its time.
        if (!given.ends && given.used <= given.after) expect(credit).toEqual(byTime);
        checkExplanation(credit.explanation);
        const unused = unusedShare(share, allowance);
        expect(compareExact(unused.exact, shareFraction(share))).toBeLessThanOrEqual(0);
        // Of one window nothing is left where nothing is.
        if (given.ends && !given.yearly && given.used >= given.limit) expect(textOf(credit.amount)).toBe('0.00');
      }),
      { numRuns: 2_000, seed: 20_260_117 },
    );
  });

  test('there and back: what only the larger one included is paid, to the unit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 500 }),
        fc.integer({ min: 0, max: 500 }),
        fc.integer({ min: 0, max: 600 }),
        (large, small, used) => {
          const use = drawn([source('large', large)], used, [source('small', small)]);
          const items = [{ itemId: 'large', startedAt: start, period: month }];
          const how = { at: start, basis: 'DAY', timeZone: utc, currency: 'EUR' } as const;
          const allowance = smallestAllowances(items, [use], how).get('large');
          const unitAmount = money(BigInt(large) * 100n, 'EUR');
          const item = { itemId: 'large', kind: 'PLAN' as const, name: 'Large', unitAmount, quantity: 1n };
          const charged = { ...item, discounts: [], charged: unitAmount };
          const { amount } = unusedCredit(charged, remainingShare('DAY', month, start, utc), allowance);
          const beyond = Math.max(0, Math.min(used, large) - Math.min(used, small));
          expect(unitAmount.minor - amount.minor).toBe(BigInt(beyond) * 100n); // 1.00 a unit
        },
      ),
      { numRuns: 2_000, seed: 20_260_117 },
    );
  });
});

test('what has no limit is worth its time, and the day on which it began once it was used', () => {
  const items = [{ itemId: 'endless', startedAt: start, period: month }];
  const left = (used: number, hours: number, after: RatedSource[] = []) => {
    const how = { at: start.add({ hours }), basis: 'DAY', timeZone: utc, currency: 'EUR' } as const;
    const found = smallestAllowances(items, [drawn([source('endless', undefined)], used, after)], how).get('endless');
    if (!found) return undefined;
    const { later, current, total } = found;
    expect(compareExact(allowanceFraction(found), divide(exactOf(later), exactOf(total)))).toBe(0);
    return `${later} + ${current} × 0 of ${total}`;
  };
  expect(left(1_000, 5)).toBe('30 + 1 × 0 of 31');
  expect(left(1_000, 24)).toBeUndefined(); // a day later its time has come to as much
  expect(left(0, 5)).toBeUndefined();
  expect(left(20, 5, [source('plan', 20)])).toBeUndefined(); // what goes on bears it
  expect(left(21, 5, [source('plan', 20)])).toBe('30 + 1 × 0 of 31');
});

test('the year of 365.00 with 20 calls a month, 18 used, on 16 January', () => {
  const items = [{ itemId: 'plan', startedAt: start, period: year }];
  const how = { at: instant('2026-01-16T00:00:00Z'), basis: 'DAY', timeZone: utc, currency: 'EUR' } as const;
  const allowance = smallestAllowances(items, [drawn([source('plan', 20)], 18)], how).get('plan');
  const item = { itemId: 'plan', kind: 'PLAN' as const, name: 'Plan', unitAmount: eur('365.00'), quantity: 1n };
  const share = remainingShare('DAY', year, instant('2026-01-16T00:00:00Z'), utc);
  const { amount, explanation } = unusedCredit({ ...item, discounts: [], charged: eur('365.00') }, share, allowance);
  expect(textOf(amount)).toBe('337.10'); // 365.00 × (334 + 31 × 2/20)/365
  expect(explanation).toMatchObject({
    formula: 'price * quantity * min(remaining / total, (later + current * left / included) / total)',
    sentence:
      'Unused part of Plan: 365.00 EUR × 1 × (334 + 31 × 2/20)/365 (what is left of calls, less than 350/365 of the time) = 337.10 EUR.',
  });
});
