import { type Refused, refuse } from '../core/result';
import type { AddonSubscription } from '../subscriptions/addon-subscription';
import { resetPeriodClash } from './entitlement';
import { type WantedTx, wantedEntitlements } from './rebuild-entitlements.command';

/** Would two sources of one feature reset at different times? Also for an attachment that is not there yet. */
export async function resetClash(
  tx: WantedTx,
  extra?: AddonSubscription,
): Promise<Refused<'RESET_PERIOD_MISMATCH'> | undefined> {
  const clash = resetPeriodClash(await wantedEntitlements(tx, extra));
  if (!clash) return undefined;
  const [first, second] = clash;
  return refuse(
    'RESET_PERIOD_MISMATCH',
    `${first.sourceName} and ${second.sourceName} reset ${first.featureCode} at different times.`,
    {
      facts: {
        feature: first.featureCode,
        first: `${first.sourceName}: ${first.resetPeriod}`,
        second: `${second.sourceName}: ${second.resetPeriod}`,
      },
    },
  );
}
