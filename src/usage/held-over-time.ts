import { type Instant, instantFromMilliseconds, isBefore } from '../core/calendar';
import { groupBy } from '../core/group';
import { type EntitlementSource, isActiveAt, mergeEntitlement } from '../entitlements/entitlement';
import { type Holding, isLimited } from './consumption';
import type { Counting } from './meter';

/** What a tenant had of some features, as it changed. */
export interface HeldOverTime {
  /** By feature. */
  readonly now: ReadonlyMap<string, Holding>;
  /** At a time in milliseconds since 1970: what an event counts for is judged by what held when it happened. */
  at(milliseconds: number): ReadonlyMap<string, Holding>;
  /** The features that had a limit at any of these times. */
  readonly limitedIds: readonly string[];
}

/** @param sources all that held at any time from `since` to `now` */
export function heldOverTime(
  countings: readonly Counting[],
  sources: readonly EntitlementSource[],
  { since, now }: { readonly since: Instant; readonly now: Instant },
): HeldOverTime {
  const byFeature = groupBy(sources, ({ featureId }) => featureId as string);
  const holdingsAt = (at: Instant): Map<string, Holding> =>
    new Map(
      countings.map((counting): [string, Holding] => {
        const active = (byFeature.get(counting.featureId) ?? []).filter((source) => isActiveAt(source, at));
        return [counting.featureId, { counting, merged: mergeEntitlement(active, []) }];
      }),
    );
  const changes = sources
    .flatMap(({ startsAt, endsAt }) => (endsAt ? [startsAt, endsAt] : [startsAt]))
    .filter((at) => isBefore(since, at) && !isBefore(now, at))
    .map((at) => at.epochMilliseconds);
  const phases = [since.epochMilliseconds, ...[...new Set(changes)].sort((one, two) => one - two)].map((from) => ({
    from,
    holdings: holdingsAt(instantFromMilliseconds(from)),
  }));
  const limited = phases.flatMap(({ holdings }) => [...holdings.values()].filter(isLimited));
  return {
    now: phases.at(-1)!.holdings,
    at: (milliseconds) => (phases.findLast(({ from }) => from <= milliseconds) ?? phases[0]!).holdings,
    limitedIds: [...new Set(limited.map(({ counting }) => counting.featureId))],
  };
}
