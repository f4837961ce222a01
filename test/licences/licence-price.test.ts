import fc from 'fast-check';
import { instant, timeZone } from '../../src/core/calendar';
import type { CurrencyCode } from '../../src/core/currency';
import type { Id } from '../../src/core/ids';
import { amountText, money, moneyText } from '../../src/core/money';
import { expiryAfter, isRunning, type Licence, statusOf } from '../../src/licences/licence';
import {
  coTermedLicencePrice,
  decidePurchase,
  decideRenewal,
  remainingDays,
  yearlyLicencePrice,
} from '../../src/licences/licence-price';
import { checkExplanation } from '../core/recalculate';

const utc = timeZone('UTC');
const priced = (yearlyMinor: bigint, quantity: bigint, currency: CurrencyCode = 'USD') => ({
  ...{ name: 'CAD', productId: 'product', quantity },
  yearly: money(yearlyMinor, currency),
});

function licence(from: Partial<Licence> = {}): Licence {
  const startsAt = instant('2026-01-01T00:00:00Z');
  return {
    id: 'licence' as Id<'Licence'>,
    tenantId: 'tenant' as Id<'Tenant'>,
    partnerId: 'partner' as Id<'Partner'>,
    productId: 'product' as Id<'LicenceProduct'>,
    ...{ trial: false, startsAt, years: 1, expiresAt: expiryAfter(startsAt, 1, utc), seats: 5n, assigned: 0n },
    ...{ autoRenew: false, version: 1, createdAt: startsAt },
    ...from,
  };
}

test.each([
  // The seed's own example; it prints 296.40, from a day's price that was rounded first: 0.548 × 180 × 3 = 295.92 even then.
  [20_000n, 180, 3n, 'USD', '295.89 USD', '200/365 × 180 × 3 = 295.890…'],
  [20_000n, 1, 1n, 'USD', '0.55 USD', '200/365 × 1 × 1 = 0.547…'],
  [20_000n, 364, 1n, 'USD', '199.45 USD', '200/365 × 364 × 1 = 199.452…'],
  [20_000n, 365, 2n, 'USD', '400.00 USD', '200/365 × 365 × 2 = 400'],
  // A leap year has a day more than is charged for: the cap.
  [20_000n, 366, 2n, 'USD', '400.00 USD', '200/365 × 366 × 2 = 401.095…, capped at 200 × 2'],
  // Once, at the end: 0.01/365 × 200 × 100 is 0.547…, where a hundred rounded seats would be 100 × 0.01 = 1.00.
  [1n, 200, 100n, 'USD', '0.55 USD', '0.01/365 × 200 × 100 = 0.547…'],
  [1n, 1, 1n, 'USD', '0.00 USD', '0.01/365 × 1 × 1 = 0.000…'],
  [20_000n, 180, 3n, 'JPY', '29589 JPY', '20000/365 × 180 × 3 = 29589.04…'],
  [200_000n, 180, 3n, 'KWD', '295.890 KWD', '200/365 × 180 × 3 = 295.890…'],
] as const)('%s a year, %s days, %s seats, %s: %s', (yearly, days, seats, currency, expected, _sum) => {
  const { amount, explanation } = coTermedLicencePrice(priced(yearly, seats, currency), days);
  expect(moneyText(amount)).toBe(expected);
  checkExplanation(explanation);
});

test('a price explains itself', () => {
  expect(coTermedLicencePrice(priced(20_000n, 3n), 180).explanation).toMatchObject({
    rule: 'LICENCE_CO_TERMED',
    formula: 'min(yearly / 365 * days * seats, yearly * seats)',
    exact: '295.890410958904…',
    sentence: 'CAD: 200.00 USD / 365 × 180 days × 3 = 295.89 USD.',
  });
  expect(yearlyLicencePrice(priced(20_000n, 3n)).explanation.sentence).toBe('CAD: 200.00 USD a year × 3 = 600.00 USD.');
});

test('laws: never above the year, never below nothing, more days or seats never cost less, and each recomputes', () => {
  const days = fc.integer({ min: 1, max: 3_660 });
  const seats = fc.bigInt({ min: 1n, max: 100_000n });
  const yearly = fc.bigInt({ min: 1n, max: 10_000_000n });
  fc.assert(
    fc.property(yearly, seats, days, (price, count, left) => {
      const { amount, explanation } = coTermedLicencePrice(priced(price, count), left);
      checkExplanation(explanation);
      expect(amount.minor >= 0n && amount.minor <= price * count).toBe(true);
      expect(coTermedLicencePrice(priced(price, count), left + 1).amount.minor >= amount.minor).toBe(true);
      expect(coTermedLicencePrice(priced(price, count + 1n), left).amount.minor >= amount.minor).toBe(true);
      if (left >= 365) expect(amount.minor).toBe(price * count);
    }),
  );
});

test.each([
  ['2026-06-24T00:00:00Z', 'UTC', 191],
  ['2026-07-05T00:00:00Z', 'UTC', 180],
  ['2026-07-05T23:59:59Z', 'UTC', 180],
  ['2026-12-31T23:00:00Z', 'UTC', 1],
  // A day that has begun counts, also the last one: nothing is free.
  ['2027-01-01T11:00:00Z', 'UTC', 1],
  // By the calendar of the billing zone: across the change of clocks a day is a day.
  ['2026-03-29T06:00:00Z', 'America/Los_Angeles', 279],
  ['2026-07-05T23:59:59Z', 'Pacific/Auckland', 180],
])('from %s in %s to 2027-01-01T12:00Z: %s days', (at, zone, days) => {
  expect(remainingDays(instant('2027-01-01T12:00:00Z'), instant(at), timeZone(zone))).toBe(days);
});

test('a year is a calendar year, counted from the start: 29 Feb comes back', () => {
  const start = instant('2028-02-29T10:00:00Z');
  const years = [1, 2, 3, 4].map((count) => expiryAfter(start, count, utc).toString().slice(0, 10));
  expect(years).toEqual(['2029-02-28', '2030-02-28', '2031-02-28', '2032-02-29']);
  const berlin = expiryAfter(instant('2026-03-28T11:00:00Z'), 1, timeZone('Europe/Berlin'));
  // Noon stays noon: the clocks change on 28 Mar 2027 and on 29 Mar 2026.
  expect(berlin.toString()).toBe('2027-03-28T10:00:00Z');
});

describe('what buying is', () => {
  const at = instant('2026-07-05T00:00:00Z');
  const three = priced(20_000n, 3n);
  test.each([
    ['none yet', undefined, 'FIRST', '600.00'],
    ['a trial runs', licence({ trial: true, years: 0 }), 'FIRST', '600.00'],
    ['a trial has ended', licence({ trial: true, expiresAt: instant('2026-02-01T00:00:00Z') }), 'FIRST', '600.00'],
    ['a term runs', licence(), 'CO_TERMED', '295.89'],
    ['a term has ended', licence({ expiresAt: at }), 'AFTER_EXPIRY', '600.00'],
    ['all of it was refunded', licence({ seats: 0n }), 'FIRST', '600.00'],
  ] as const)('%s', (_what, current, kind, amount) => {
    const decision = decidePurchase(current, three, at, utc);
    expect([decision.kind, amountText(decision.amount)]).toEqual([kind, amount]);
    expect(decision.before !== undefined).toBe(kind === 'CO_TERMED');
  });

  test('a renewal is a year for all seats, of a term that was bought and runs', () => {
    expect(decideRenewal(licence(), three, at)).toMatchObject({
      kind: 'RENEWAL',
      quantity: 5n,
      amount: { minor: 100_000n },
    });
    for (const current of [undefined, licence({ trial: true }), licence({ expiresAt: at }), licence({ seats: 0n })]) {
      expect(decideRenewal(current, three, at)).toBeUndefined();
    }
  });
});

test('where a licence stands', () => {
  const end = licence().expiresAt;
  expect(statusOf(licence(), instant('2026-05-01T00:00:00Z'))).toBe('ACTIVE');
  expect(statusOf(licence({ trial: true }), instant('2026-05-01T00:00:00Z'))).toBe('TRIAL');
  expect(statusOf(licence(), end)).toBe('EXPIRED');
  expect(isRunning(licence(), end.subtract({ milliseconds: 1 }))).toBe(true);
  expect(isRunning(licence(), end)).toBe(false);
  expect(statusOf(licence({ seats: 0n }), instant('2026-05-01T00:00:00Z'))).toBe('REFUNDED');
});
