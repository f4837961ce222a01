import type { Refused } from '../core/result';
import type { AddonSubscription } from '../subscriptions/addon-subscription';
import { type WantedTx, wantedEntitlements } from './rebuild-entitlements.command';
import { resetMismatch } from './reset-mismatch';

/** Would two sources of one feature reset at different times? Also for an attachment that is not there yet. */
export async function resetClash(
  tx: WantedTx,
  extra?: AddonSubscription,
): Promise<Refused<'RESET_PERIOD_MISMATCH'> | undefined> {
  return resetMismatch(await wantedEntitlements(tx, extra));
}
