import { instant, timeZone } from '../../src/core/calendar';
import type { Explanation } from '../../src/core/explain';
import type { Id } from '../../src/core/ids';
import { money, zero } from '../../src/core/money';
import type { Licence } from '../../src/licences/licence';
import type { LicencePurchase } from '../../src/licences/licence-purchase';
import { paidTerm } from '../../src/licences/paid-term';
import { type Returned, refundKinds, refundStatuses, returnedMoney } from '../../src/payments/returned-money';

const ids = { tenantId: 'a' as Id<'Tenant'>, partnerId: 'p' as Id<'Partner'>, productId: 'x' as Id<'LicenceProduct'> };
const licence: Licence = {
  ...{ ...ids, id: 'l' as Id<'Licence'>, trial: false, startsAt: instant('2026-01-01T00:00:00Z'), years: 1 },
  ...{ expiresAt: instant('2027-01-01T00:00:00Z'), seats: 0n, assigned: 0n, autoRenew: false, version: 1 },
  createdAt: instant('2026-01-01T00:00:00Z'),
};
type Kind = LicencePurchase['kind'];
/** A seat costs 200.00 a year; the expiry before it is the start of a year. */
const purchase = (
  kind: Kind,
  seats: bigint,
  more: Partial<LicencePurchase> & { before?: number } = {},
): LicencePurchase => ({
  ...{ ...ids, id: `${kind}${seats}` as Id<'LicencePurchase'>, kind, quantity: seats, yearly: money(20_000n, 'USD') },
  ...{ amount: money(20_000n * seats, 'USD'), explanation: {} as Explanation, autoRenew: false, buyerId: 'b' },
  ...{
    status: 'COMPLETED',
    payableUntil: licence.startsAt,
    createdAt: licence.startsAt,
    completedAt: licence.startsAt,
  },
  ...{ refunded: zero('USD'), seatsRefunded: 0n },
  expiryBefore: more.before ? instant(`${more.before}-01-01T00:00:00Z`) : undefined,
  ...more,
});
const back = (one: LicencePurchase): LicencePurchase => ({
  ...one,
  refunded: one.amount,
  seatsRefunded: one.kind === 'RENEWAL' ? 0n : one.quantity,
});
/** Whole seats of it went back. */
const partly = (one: LicencePurchase, seats: bigint): LicencePurchase => ({
  ...one,
  refunded: money(20_000n * seats, 'USD'),
  seatsRefunded: seats,
});
const first = purchase('FIRST', 4n);
const second = purchase('RENEWAL', 4n, { before: 2027 });
const third = purchase('RENEWAL', 4n, { before: 2028 });
const added = purchase('CO_TERMED', 3n, { before: 2027 });
const renewedAll = purchase('RENEWAL', 7n, { before: 2027 });

test.each<[string, LicencePurchase[], string, [years: number, seats: bigint, turn?: number, from?: number]]>([
  ['one year', [first], '2026-06-01', [1, 4n]],
  ['one year that went back', [back(first)], '2026-06-01', [1, 0n]],
  ['two years', [first, second], '2026-06-01', [2, 4n]],
  ['the first of two went back', [back(first), second], '2026-06-01', [2, 4n, 2027, 2027]],
  ['the first of two went back, in the second', [back(first), second], '2027-06-01', [2, 4n, undefined, 2027]],
  ['half of the first went back: 2, then 4', [partly(first, 2n), second], '2026-06-01', [2, 2n, 2027]],
  ['the second of two went back', [first, back(second)], '2026-06-01', [1, 4n]],
  ['both went back', [back(first), back(second)], '2026-06-01', [1, 0n]],
  [
    'the second of three went back: the third stays',
    [first, back(second), third],
    '2028-06-01',
    [3, 4n, undefined, 2028],
  ],
  ['… in the first year', [first, back(second), third], '2026-06-01', [3, 4n, 2027]],
  ['… in the second', [first, back(second), third], '2027-06-01', [3, 4n, 2028, 2028]],
  ['the second and the third went back', [first, back(second), back(third)], '2026-06-01', [1, 4n]],
  ['the second was paid again, and its first payment came back: three', [first, second, second], '2026-06-01', [3, 4n]],
  ['seats were added: 4 + 3', [first, added], '2026-06-01', [1, 7n]],
  ['seats were added and renewed: 7', [first, added, renewedAll], '2026-06-01', [2, 7n]],
  ['those that were added went back: 7 − 3', [first, back(added), renewedAll], '2026-06-01', [2, 4n]],
  ['… in the second year', [first, back(added), renewedAll], '2027-06-01', [2, 4n]],
  [
    'what began it went back as well: 7 − 3 of the second year',
    [back(first), back(added), renewedAll],
    '2026-06-01',
    [2, 4n, 2027, 2027],
  ],
  ['half of the second went back: 4 in the first', [first, partly(second, 2n)], '2026-06-01', [2, 4n, 2027]],
  ['… 4 − 2 in the second', [first, partly(second, 2n)], '2027-06-01', [2, 2n]],
  [
    'of 7 that were renewed 3 went back: 7, then 4',
    [first, added, partly(renewedAll, 3n)],
    '2026-06-01',
    [2, 7n, 2027],
  ],
  [
    'seats that were not renewed came back: 4 + 3 in the first year',
    [first, added, second],
    '2026-06-01',
    [2, 7n, 2027],
  ],
  ['… and 4 in the second', [first, added, second], '2027-06-01', [2, 4n]],
  ['three years of 7, 7 and 4: they turn once', [first, added, renewedAll, third], '2026-06-01', [3, 7n, 2028]],
  ['they went back before the renewal of 4: it stays', [first, back(added), second], '2027-06-01', [2, 4n]],
])('%s', (_what, purchases, at, [years, seats, turn, from]) => {
  const zone = timeZone('UTC');
  const term = { ...licence, years: 9 };
  const expiresAt = instant(`${2026 + years}-01-01T00:00:00Z`);
  const turnsAt = turn && instant(`${turn}-01-01T00:00:00Z`);
  for (const order of [purchases, [...purchases].reverse()]) {
    expect(paidTerm(term, order, instant(`${at}T00:00:00Z`), zone)).toEqual({
      ...{ years, seats, expiresAt, turnsAt },
      accessFrom: from && instant(`${from}-01-01T00:00:00Z`),
    });
  }
});

const adjusted = (kind: Returned['kind'], minor: bigint, status: Returned['status'] = 'APPROVED'): Returned => ({
  ...{ kind, status, amount: money(minor, 'USD') },
});

test.each<[string, Returned[], bigint]>([
  ['a refund', [adjusted('REFUND', 30_000n)], 30_000n],
  [
    'one that waits, and one that was refused',
    [adjusted('REFUND', 1n, 'PENDING'), adjusted('REFUND', 1n, 'REJECTED')],
    0n,
  ],
  [
    '400.00 refunded and 800.00 charged back: never more than was paid',
    [adjusted('REFUND', 40_000n), adjusted('CHARGEBACK', 80_000n)],
    80_000n,
  ],
  [
    '… and the chargeback won: 400.00',
    [adjusted('REFUND', 40_000n), adjusted('CHARGEBACK', 80_000n, 'REVERSED'), adjusted('CHARGEBACK_REVERSE', 80_000n)],
    40_000n,
  ],
  ['won, as its own status says', [adjusted('CHARGEBACK', 80_000n, 'REVERSED')], 0n],
  [
    'won, as the adjustment beside it says',
    [adjusted('CHARGEBACK', 80_000n), adjusted('CHARGEBACK_REVERSE', 80_000n)],
    0n,
  ],
  ['a part of it won', [adjusted('CHARGEBACK', 80_000n), adjusted('CHARGEBACK_REVERSE', 20_000n)], 60_000n],
  ['a reversal that is told first takes nothing', [adjusted('CHARGEBACK_REVERSE', 80_000n)], 0n],
  [
    'a reversal of a chargeback leaves a refund',
    [adjusted('REFUND', 10_000n), adjusted('CHARGEBACK_REVERSE', 80_000n)],
    10_000n,
  ],
  ['a credit, and its reversal', [adjusted('CREDIT', 50_000n), adjusted('CREDIT_REVERSE', 50_000n)], 0n],
])('what went back of 800.00: %s', (_what, refunds, minor) => {
  for (const order of [refunds, [...refunds].reverse()]) {
    expect(returnedMoney(order, money(80_000n, 'USD'))).toEqual(money(minor, 'USD'));
  }
});

test('whatever is told, between nothing and all of it went back', () => {
  for (const one of refundKinds) {
    for (const other of refundKinds) {
      for (const status of refundStatuses) {
        const { minor } = returnedMoney(
          [adjusted(one, 70_000n, status), adjusted(other, 60_000n)],
          money(80_000n, 'USD'),
        );
        expect(minor >= 0n && minor <= 80_000n).toBe(true);
      }
    }
  }
});
