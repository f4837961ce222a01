import { type Instant, isAtOrBefore, isBefore, type TimeZone } from '../core/calendar';
import { expiryAfter, type Licence } from './licence';
import { isAllBack, type LicencePurchase } from './licence-purchase';

type Paid = Pick<
  LicencePurchase,
  'id' | 'kind' | 'quantity' | 'seatsRefunded' | 'refunded' | 'amount' | 'paid' | 'expiryBefore' | 'completedAt'
>;

/**
 * What a term is by what was paid for it. Each of its years stands on its own payment: the first on what began the term, each
 * later one on its renewal.
 *
 * - The term lasts to the end of its last year that is paid. Where a year before that one went back, whoever has a seat keeps it.
 * - Its seats are the most that any of its years gives which is not over yet; once all are, those of the last.
 * - Seats that were added and went back are gone from all years, those that were renewed with them included.
 * - A renewal gives its year until all of it went back: a part of a year cannot be taken from a term.
 *
 * It is read from all of its purchases, so the order in which money came and went plays no part.
 */
export function paidTerm(
  licence: Licence,
  purchases: readonly Paid[],
  at: Instant,
  zone: TimeZone,
): Pick<Licence, 'years' | 'expiresAt' | 'seats'> {
  const endOf = (year: number) => expiryAfter(licence.startsAt, year, zone);
  /** The year that ends at an expiry as it was; with none, the first. */
  const yearEndingAt = (expiry: Instant | undefined) => {
    let year = 1;
    while (expiry && isBefore(endOf(year), expiry)) year += 1;
    return year;
  };
  const bought = purchases
    .filter(({ kind }) => kind !== 'RENEWAL')
    .map((purchase) => ({ ...purchase, year: yearEndingAt(purchase.expiryBefore) }));
  const renewed = renewedYears(purchases, yearEndingAt);
  const years = Math.max(1, ...renewed.keys());
  const seatsIn = (year: number): bigint => {
    const within = bought.filter((purchase) => purchase.year >= year);
    const added = within.reduce((seats, { quantity, seatsRefunded }) => seats + quantity - seatsRefunded, 0n);
    const renewal = renewed.get(year);
    if (renewal === undefined) return added;
    const before = bought.filter((purchase) => purchase.year < year);
    const gone = before.reduce(
      (seats, { expiryBefore, seatsRefunded }) => (expiryBefore ? seats + seatsRefunded : seats),
      0n,
    );
    // What had gone back by then was not renewed.
    const goneBefore = atLeastNone(before.reduce((seats, { quantity }) => seats + quantity, 0n) - renewal);
    return added + atLeastNone(renewal - atLeastNone(gone - goneBefore));
  };
  let seats = seatsIn(years);
  for (let year = years - 1; year >= 1 && !isAtOrBefore(endOf(year), at); year -= 1) {
    const given = seatsIn(year);
    if (given > seats) seats = given;
  }
  return { years, seats, expiresAt: years === licence.years ? licence.expiresAt : endOf(years) };
}

const atLeastNone = (seats: bigint): bigint => (seats > 0n ? seats : 0n);

/** Seats by the year that a renewal which stands was made for. */
function renewedYears(
  purchases: readonly Paid[],
  yearEndingAt: (expiry: Instant | undefined) => number,
): ReadonlyMap<number, bigint> {
  const order = ({ expiryBefore, completedAt }: Paid) =>
    [expiryBefore!.epochMilliseconds, completedAt!.epochMilliseconds] as const;
  const standing = purchases
    .filter((purchase) => purchase.kind === 'RENEWAL' && !isAllBack(purchase, purchase.refunded))
    .sort((one, other) => {
      const [[expiry, completed], [otherExpiry, otherCompleted]] = [order(one), order(other)];
      return expiry - otherExpiry || completed - otherCompleted;
    });
  const renewed = new Map<number, bigint>();
  let last = 1;
  for (const { expiryBefore, quantity } of standing) {
    // A year that was paid again, after its first payment went back and before that came back, is a further one.
    last = Math.max(yearEndingAt(expiryBefore), last) + 1;
    renewed.set(last, quantity);
  }
  return renewed;
}
