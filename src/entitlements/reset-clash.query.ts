import type { Refused } from '../core/result';
import { type Supposed, type WantedTx, wantedEntitlements } from './rebuild-entitlements.command';
import { resetMismatch } from './reset-mismatch';

/** Would two sources of one feature reset at different times? Also with what is not there yet. */
export async function resetClash(
  tx: WantedTx,
  supposed?: Supposed,
): Promise<Refused<'RESET_PERIOD_MISMATCH'> | undefined> {
  return resetMismatch(await wantedEntitlements(tx, supposed));
}
