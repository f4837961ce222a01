import { earlierOf, type Instant, isSameInstant } from '../core/calendar';
import { groupBy } from '../core/group';
import type { ProrationBasis } from '../core/proration';
import { type EntitlementSource, isActiveAt } from '../entitlements/entitlement';
import { drawn } from '../rating/usage-pieces';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { lessCarried } from '../usage/carried-usage';
import { countedIn, windowAt } from '../usage/metering-window';
import { creditsByTime } from './credit-policy';
import {
  type AllowanceLeft,
  type CountedUse,
  type CreditedItem,
  isPrepaid,
  mayBeUsedUp,
  smallestAllowances,
} from './unused-allowance';

/**
 * Which windows an act ends. SUBSCRIPTION: all, with it. ANCHOR: those that start over, because a new one begins. NONE: it
 * changes what they are drawn from.
 */
export type WindowsEnded = 'SUBSCRIPTION' | 'ANCHOR' | 'NONE';

export interface EndingAct {
  readonly at: Instant;
  /** Where a change shares time otherwise than the subscription does. */
  readonly basis?: ProrationBasis | undefined;
  readonly windows: WindowsEnded;
  /** What may be credited. */
  readonly items: readonly CreditedItem[];
  /** What there is after it of what was held. */
  readonly after: (held: readonly EntitlementSource[]) => readonly EntitlementSource[];
  /** It was over then: what was used since is not its. */
  readonly isPast?: boolean | undefined;
  /** A request asks for it now, and none did earlier: a partner's acts may go by time. */
  readonly byActor: boolean;
  /** A change within a period, whose windows go on. */
  readonly isChange?: boolean | undefined;
  /** The one who asked for it has credits that go by time. */
  readonly byTime?: boolean | undefined;
  /** It is done, not previewed: no event is added to what is counted until then. */
  readonly lock: boolean;
}

export type AllowanceTx = Pick<
  Tx,
  'account' | 'creditPolicies' | 'entitlements' | 'meters' | 'meteringSpans' | 'usage'
>;

export interface AllowancesLeft {
  /** By item: where it may be less than the time. */
  readonly shares: ReadonlyMap<string, AllowanceLeft>;
  /** What they were computed from; none where credits go by time. */
  readonly uses: readonly CountedUse[];
}

const nothing: AllowancesLeft = { shares: new Map(), uses: [] };

/** What is left of the allowances of items that end, where it may be less than the time. One read where they have none. */
export async function loadAllowancesLeft(
  tx: AllowanceTx,
  subscription: Pick<
    Subscription,
    'id' | 'tenantId' | 'partnerId' | 'currency' | 'timeZone' | 'prorationBasis' | 'accessUntil'
  >,
  act: EndingAct,
): Promise<AllowancesLeft> {
  const { tenantId, partnerId, currency, timeZone, accessUntil } = subscription;
  const { at, windows } = act;
  const itemIds = new Set(act.items.map(({ itemId }) => itemId));
  if (itemIds.size === 0 || act.byTime) return nothing;
  const endsWith = ({ endsAt }: EntitlementSource, end: Instant | undefined) =>
    endsAt !== undefined && end !== undefined && isSameInstant(endsAt, end);
  // Access that ended with the grace is no end of what gives it.
  const goesOn = (source: EntitlementSource) =>
    endsWith(source, accessUntil) ? { ...source, endsAt: undefined } : source;
  // What ended in this very moment was held by who leaves it now.
  const isHeld = (source: EntitlementSource) =>
    isActiveAt(source, at) || (itemIds.has(source.sourceId) && (endsWith(source, at) || endsWith(source, accessUntil)));
  const held = (await tx.entitlements.metered(tenantId, at)).filter(isHeld).map(goesOn);
  const basis = act.basis ?? subscription.prorationBasis;
  const limited = held.filter(
    (source) => mayBeUsedUp(source, act.items, { at, timeZone }) && isPrepaid(drawn([source])[0]!, currency),
  );
  const featureIds = [...new Set(limited.map(({ featureId }) => featureId))];
  if (featureIds.length === 0) return nothing;
  const [policy, totalled, spans] = await Promise.all([
    tx.creditPolicies.current(partnerId),
    tx.meters.notUsedUp(partnerId, featureIds),
    tx.meteringSpans.of(tenantId, subscription.id),
  ]);
  const consumed = featureIds.filter((id) => !totalled.has(id));
  const windowsGoOn = windows === 'NONE' && act.isChange === true;
  const byTime = creditsByTime(policy.creditBasis, act.byActor ? tx.account : undefined, windowsGoOn);
  if (consumed.length === 0 || byTime) return nothing;
  if (act.lock) await tx.usage.lockFeatures({ id: tenantId, partnerId }, consumed);
  const byFeature = groupBy(held, ({ featureId }) => featureId);
  const after = act.after(held).map(goesOn);
  const then = groupBy(
    after.filter((source) => isActiveAt(source, at)),
    ({ featureId }) => featureId,
  );
  const asked = consumed.map((featureId) => {
    const sources = byFeature.get(featureId)!;
    const window = windowAt(spans, sources[0]!.resetPeriod, at);
    const ends = windows === 'SUBSCRIPTION' || (windows === 'ANCHOR' && sources[0]!.resetPeriod !== 'NEVER');
    const counted = countedIn(window);
    // What a new anchor cuts off counts in the window that it begins. Otherwise all counts that a check would count.
    const until = act.isPast ? at.add({ milliseconds: 1 }) : ends && windows === 'ANCHOR' ? at : counted.end;
    return { featureId, window, sources, ends, counted: { start: counted.start, end: earlierOf(until, counted.end) } };
  });
  const counts = await tx.usage.countsIn(
    tenantId,
    asked.map(({ featureId, counted }) => ({ featureId, window: counted })),
  );
  const told = at.add({ milliseconds: 1 });
  const uses = asked.map(
    ({ featureId, window, sources, ends, counted: { start, end } }, index): CountedUse => ({
      featureId,
      window: { start: window.start, end: window.end },
      // Of what is told later only what happened before the act is its.
      counted: { start, end: earlierOf(end, told) },
      held: lessCarried(drawn(sources), window.carried?.get(featureId)),
      after: ends ? [] : lessCarried(drawn(then.get(featureId) ?? []), window.carried?.get(featureId)),
      used: counts[index]!,
    }),
  );
  const how = { at, basis, timeZone, currency };
  return { shares: smallestAllowances(act.items, uses, how), uses };
}

/** What goes on where these end, and nothing begins. */
export const without =
  (itemIds: readonly string[]) =>
  (held: readonly EntitlementSource[]): readonly EntitlementSource[] =>
    held.filter(({ sourceId }) => !itemIds.includes(sourceId));
