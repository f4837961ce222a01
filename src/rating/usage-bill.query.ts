import type { Instant } from '../core/calendar';
import { decimal } from '../core/decimal';
import type { EntitlementSource } from '../entitlements/entitlement';
import type { TimeSpan } from '../invoicing/invoice';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import {
  billUsage,
  type CountAsked,
  type Counts,
  countKey,
  countsAsked,
  type UsageBill,
  type UsageBillInput,
  type UsageSchedule,
  usageToBill,
} from './usage-bill';

export type UsageBillTx = Pick<Tx, 'entitlements' | 'features' | 'billedUsage' | 'usage'>;

/** Nothing counts before the trial has ended: it is free, and ladders begin with what is paid. */
export function scheduleOfUsage(subscription: Subscription): UsageSchedule {
  return {
    subscriptionId: subscription.id,
    anchorDate: subscription.anchorDate,
    timeZone: subscription.timeZone,
    countFrom: subscription.trialEnd ?? subscription.startedAt,
  };
}

export async function countAll(tx: Pick<Tx, 'usage'>, tenantId: string, asked: readonly CountAsked[]): Promise<Counts> {
  const counted = await tx.usage.countsIn(tenantId, asked);
  const counts = new Map(asked.map((one, index) => [countKey(one), counted[index]!]));
  return (one) => counts.get(countKey(one)) ?? decimal(0);
}

const nothing: UsageBill = { lines: [], late: [], billed: [] };

export interface UsageSpans {
  /** Billed in arrears. */
  readonly closed?: TimeSpan | undefined;
  /** Billed in advance. */
  readonly opened?: TimeSpan | undefined;
}

/**
 * What a subscription is to be billed for its usage. Four reads whatever the number of features, windows and events; one
 * where nothing that the tenant has is priced. Who previews and who bills ask the same.
 *
 * @param foresee the sources as they will be, for a preview of what is yet to come
 */
export async function loadUsageBill(
  tx: UsageBillTx,
  subscription: Subscription,
  spans: UsageSpans,
  foresee: (sources: readonly EntitlementSource[]) => readonly EntitlementSource[] = (sources) => sources,
): Promise<UsageBill> {
  const { tenantId, currency } = subscription;
  const { closed, opened } = spans;
  const from = closed?.start ?? opened?.start;
  const until: Instant | undefined = opened?.start ?? closed?.end;
  if (!from || !until) return nothing;
  const metered = foresee(await tx.entitlements.metered(tenantId, until));
  const priced = new Set(metered.flatMap((source) => (source.price ? [source.featureId] : [])));
  if (priced.size === 0) return nothing;
  const featureIds = [...priced];
  const [features, billed] = await Promise.all([
    tx.features.byIds(featureIds),
    tx.billedUsage.openOrGrown(tenantId, featureIds, from),
  ]);
  const input: UsageBillInput = {
    ...scheduleOfUsage(subscription),
    ...{ currency, closed, opened, billed },
    sources: metered.filter((source) => priced.has(source.featureId)),
    features: new Map(features.map((feature) => [feature.id, feature])),
  };
  const toBill = usageToBill(input);
  return billUsage(input, toBill, await countAll(tx, tenantId, countsAsked(toBill)));
}
