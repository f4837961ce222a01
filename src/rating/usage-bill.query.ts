import type { Instant } from '../core/calendar';
import { decimal } from '../core/decimal';
import type { EntitlementSource } from '../entitlements/entitlement';
import type { TimeSpan } from '../invoicing/invoice';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import type { MeteringSpan } from '../usage/metering-window';
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

export type UsageBillTx = Pick<Tx, 'entitlements' | 'features' | 'billedUsage' | 'usage' | 'meteringSpans'>;

export async function loadUsageSchedule(
  tx: Pick<Tx, 'meteringSpans'>,
  { tenantId, id }: Pick<Subscription, 'tenantId' | 'id'>,
): Promise<UsageSchedule> {
  return { subscriptionId: id, spans: await tx.meteringSpans.of(tenantId, id) };
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

/** What will be different by then. */
export interface ForeseenUsage {
  readonly sources?: ((sources: readonly EntitlementSource[]) => readonly EntitlementSource[]) | undefined;
  readonly spans?: ((spans: readonly MeteringSpan[]) => readonly MeteringSpan[]) | undefined;
}

/**
 * What a subscription is to be billed for its usage. Five reads whatever the number of features, windows and events; one
 * where nothing that the tenant has is priced. Who previews and who bills ask the same.
 *
 * @param foresee sources and spans as they will be, for a preview of what is yet to come
 */
export async function loadUsageBill(
  tx: UsageBillTx,
  subscription: Subscription,
  spans: UsageSpans,
  foresee: ForeseenUsage = {},
): Promise<UsageBill> {
  const { tenantId, currency } = subscription;
  const { closed, opened } = spans;
  const from = closed?.start ?? opened?.start;
  const until: Instant | undefined = opened?.start ?? closed?.end;
  if (!from || !until) return nothing;
  const held = await tx.entitlements.metered(tenantId, until);
  const metered = foresee.sources?.(held) ?? held;
  const priced = new Set(metered.flatMap((source) => (source.price ? [source.featureId] : [])));
  if (priced.size === 0) return nothing;
  const featureIds = [...priced];
  const [features, billed, schedule] = await Promise.all([
    tx.features.byIds(featureIds),
    tx.billedUsage.openOrGrown(tenantId, featureIds, from),
    loadUsageSchedule(tx, subscription),
  ]);
  const input: UsageBillInput = {
    subscriptionId: schedule.subscriptionId,
    spans: foresee.spans?.(schedule.spans) ?? schedule.spans,
    ...{ currency, closed, opened, billed },
    sources: metered.filter((source) => priced.has(source.featureId)),
    features: new Map(features.map((feature) => [feature.id, feature])),
  };
  const toBill = usageToBill(input);
  return billUsage(input, toBill, await countAll(tx, tenantId, countsAsked(toBill)));
}
