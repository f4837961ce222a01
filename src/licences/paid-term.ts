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
 * - The term lasts to the end of its last year that is paid. Where a year before that one went back, whoever has a seat keeps it, and
 *   there is no access until the paid year begins (`accessFrom`).
 * - Its seats are those of the year that goes on; where nothing is paid for that one, those of the next that is.
 * - Seats that were added and went back are gone from all years, those that were renewed with them included.
 * - A renewal of which all went back gives its year no more; of a part, the whole seats that it had bought are gone from that year.
 * - At the end of a year its seats end: `turnsAt` is the next such end after which it gives something else.
 *
 * It is read from all of its purchases, so the order in which money came and went plays no part.
 */
export function paidTerm(
  licence: Licence,
  purchases: readonly Paid[],
  at: Instant,
  zone: TimeZone,
): Pick<Licence, 'years' | 'expiresAt' | 'seats' | 'turnsAt' | 'accessFrom'> {
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
    const { quantity, seatsRefunded } = renewal;
    const goneBefore = atLeastNone(before.reduce((seats, one) => seats + one.quantity, 0n) - quantity);
    return added + atLeastNone(quantity - seatsRefunded - atLeastNone(gone - goneBefore));
  };
  /** In a year that nothing is paid for, those of the next one that is: its people keep their seats until then. */
  const seatsOf = (year: number): bigint => {
    for (let other = year; other < years; other += 1) {
      const given = seatsIn(other);
      if (given > 0n) return given;
    }
    return seatsIn(years);
  };
  let year = 1;
  while (year < years && isAtOrBefore(endOf(year), at)) year += 1;
  const seats = seatsOf(year);
  let turn = year;
  const isPaid = (one: number) => seatsIn(one) > 0n;
  while (turn < years && seatsOf(turn + 1) === seats && isPaid(turn + 1) === isPaid(turn)) turn += 1;
  return {
    ...{ years, seats, turnsAt: turn < years ? endOf(turn) : undefined },
    accessFrom: paidSince(year, years, seatsIn, endOf),
    expiresAt: years === licence.years ? licence.expiresAt : endOf(years),
  };
}

/** Where the years that are paid for begin, of those that go on now or come next; `undefined`: with the term. */
function paidSince(
  year: number,
  years: number,
  seatsIn: (year: number) => bigint,
  endOf: (year: number) => Instant,
): Instant | undefined {
  let from = year;
  while (from < years && seatsIn(from) === 0n) from += 1;
  while (from > 1 && seatsIn(from - 1) > 0n) from -= 1;
  return from > 1 ? endOf(from - 1) : undefined;
}

const atLeastNone = (seats: bigint): bigint => (seats > 0n ? seats : 0n);

/** Seats by the year that a renewal which stands was made for. */
function renewedYears(
  purchases: readonly Paid[],
  yearEndingAt: (expiry: Instant | undefined) => number,
): ReadonlyMap<number, Pick<Paid, 'quantity' | 'seatsRefunded'>> {
  const order = ({ expiryBefore, completedAt }: Paid) =>
    [expiryBefore!.epochMilliseconds, completedAt!.epochMilliseconds] as const;
  const standing = purchases
    .filter((purchase) => purchase.kind === 'RENEWAL' && !isAllBack(purchase, purchase.refunded))
    .sort((one, other) => {
      const [[expiry, completed], [otherExpiry, otherCompleted]] = [order(one), order(other)];
      return expiry - otherExpiry || completed - otherCompleted;
    });
  const renewed = new Map<number, Pick<Paid, 'quantity' | 'seatsRefunded'>>();
  let last = 1;
  for (const { expiryBefore, quantity, seatsRefunded } of standing) {
    // A year that was paid again, after its first payment went back and before that came back, is a further one.
    last = Math.max(yearEndingAt(expiryBefore), last) + 1;
    renewed.set(last, { quantity, seatsRefunded });
  }
  return renewed;
}
