import { type Refused, refuse } from '../core/result';
import { type EntitlementSource, resetPeriodClash } from './entitlement';

/** Two sources of one metered feature that would start over at different times: names both. */
export function resetMismatch(sources: readonly EntitlementSource[]): Refused<'RESET_PERIOD_MISMATCH'> | undefined {
  const clash = resetPeriodClash(sources);
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
