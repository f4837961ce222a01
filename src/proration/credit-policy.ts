import type { Account } from '../access/actor';
import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';

/**
 * What a credit for something that ends early goes by. USAGE: by the time that is left, or by what is left of what it includes where that is
 * less. TIME: by time, whatever was used.
 */
export const creditBases = ['USAGE', 'TIME_FOR_PARTNER', 'TIME'] as const;
export type CreditBasis = (typeof creditBases)[number];

/** What a partner's credits go by; at first USAGE. */
export interface CreditPolicy {
  readonly partnerId: Id<'Partner'>;
  readonly creditBasis: CreditBasis;
  /** 0: it was never set. */
  readonly version: number;
  /** When it was set; `undefined`: never. */
  readonly changedAt?: Instant | undefined;
}

/**
 * A change whose windows go on is credited by time (billing rules §12) where the partner makes it. Where the tenant makes it by itself, what only
 * the larger one included and was used is not given back: else going up and down again on one day would be a way to get it for nothing.
 *
 * @param account whose person or key acts; none: what falls due by itself, also while a request is carried out
 * @param windowsGoOn a change within a period
 */
export function creditsByTime(basis: CreditBasis, account: Account['kind'] | undefined, windowsGoOn: boolean): boolean {
  const byPartner = account === 'PARTNER' || account === 'PLATFORM';
  return basis === 'TIME' || (byPartner && (basis === 'TIME_FOR_PARTNER' || windowsGoOn));
}
