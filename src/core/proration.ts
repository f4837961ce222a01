import { dateAt, type Instant, isSameInstant, localDays, type TimeZone } from './calendar';
import { type Exact, oneExact, zeroExact } from './exact';
import { invariant } from './invariant';
import type { Period } from './period';

export const prorationBases = ['DAY', 'SECOND', 'NONE'] as const;
export type ProrationBasis = (typeof prorationBases)[number];

/** Which part of a full period is left at a change, as a fraction that is never rounded. */
export interface Share {
  readonly basis: ProrationBasis;
  /** Days (DAY) or milliseconds (SECOND) from the change to the period's end. */
  readonly remaining: bigint;
  /** Days or milliseconds of the full period, also after an earlier change or a late start. */
  readonly total: bigint;
}

/**
 * Billing rules §3. DAY: calendar days in the billing zone, the change day belongs to the new state, so 16 Jan in
 * [1 Jan, 1 Feb) is 16/31. SECOND: the exact fraction of the instants. NONE: nothing is prorated, the share is 0.
 */
export function remainingShare(basis: ProrationBasis, period: Period, at: Instant, zone: TimeZone): Share {
  invariant(
    at.epochMilliseconds >= period.start.epochMilliseconds && at.epochMilliseconds <= period.end.epochMilliseconds,
    'a change lies outside its period',
  );
  switch (basis) {
    case 'DAY': {
      const total = localDays(period.startDate, period.endDate, zone);
      // A zone that leaves out a day, or repeats the end of one, may put an instant of the period on a date outside it.
      const isStart = isSameInstant(at, period.start);
      const left = isStart ? total : localDays(dateAt(at, zone), period.endDate, zone);
      return { basis, remaining: BigInt(Math.min(Math.max(left, 0), total)), total: BigInt(total) };
    }
    case 'SECOND':
      return {
        basis,
        remaining: BigInt(period.end.epochMilliseconds - at.epochMilliseconds),
        total: BigInt(period.end.epochMilliseconds - period.start.epochMilliseconds),
      };
    case 'NONE':
      return { basis, remaining: 0n, total: 1n };
  }
}

export const fullShare: Share = { basis: 'DAY', remaining: 1n, total: 1n };

export function shareFraction(share: Share): Exact {
  if (share.remaining === share.total) return oneExact;
  return share.remaining === 0n ? zeroExact : { numerator: share.remaining, denominator: share.total };
}
