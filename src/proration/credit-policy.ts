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

/** @param account whose person or key acts; none: what falls due by itself, also where somebody's request comes across it */
export function creditsByTime(basis: CreditBasis, account: Account['kind'] | undefined): boolean {
  return basis === 'TIME' || (basis === 'TIME_FOR_PARTNER' && (account === 'PARTNER' || account === 'PLATFORM'));
}
