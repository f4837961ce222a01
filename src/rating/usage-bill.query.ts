import { earlierOf, type Instant } from '../core/calendar';
import { type DecimalValue, decimal } from '../core/decimal';
import { groupBy } from '../core/group';
import type { EntitlementSource } from '../entitlements/entitlement';
import type { TimeSpan } from '../invoicing/invoice';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import type { MeteringSpan } from '../usage/metering-window';
import type { BilledCharge, BilledWindow } from './billed-usage';
import { hasGrown } from './late-usage';
import { billUsage, countsAsked, grownWindows, type UsageBill, type UsageBillInput, usageToBill } from './usage-bill';
import { type CountAsked, type Counts, countKey, type UsageSchedule } from './usage-pieces';

export type UsageBillTx = Pick<Tx, 'entitlements' | 'features' | 'billedUsage' | 'usage' | 'meteringSpans'>;

export async function loadUsageSchedule(
  tx: Pick<Tx, 'meteringSpans'>,
  { tenantId, id }: Pick<Subscription, 'tenantId' | 'id'>,
): Promise<UsageSchedule> {
  return { subscriptionId: id, spans: await tx.meteringSpans.of(tenantId, id) };
}

async function countKnown(
  tx: Pick<Tx, 'usage'>,
  tenantId: string,
  asked: readonly CountAsked[],
): Promise<(one: CountAsked) => DecimalValue | undefined> {
  const counted = await tx.usage.countsIn(tenantId, asked);
  const counts = new Map(asked.map((one, index) => [countKey(one), counted[index]!]));
  return (one) => counts.get(countKey(one));
}

/** Each of these once; what was not asked about is 0. */
export async function countAll(tx: Pick<Tx, 'usage'>, tenantId: string, asked: readonly CountAsked[]): Promise<Counts> {
  const known = await countKnown(tx, tenantId, asked);
  return (one) => known(one) ?? decimal(0);
}

const keyOfWindow = ({
  subscriptionId,
  featureId,
  start,
}: Pick<BilledWindow, 'subscriptionId' | 'featureId' | 'start'>) =>
  `${subscriptionId} ${featureId} ${start.epochMilliseconds}`;
const windowOfCharge = ({ windowStart: start, ...charge }: BilledCharge) => keyOfWindow({ ...charge, start });

const nothing: UsageBill = { lines: [], late: [], billed: [], charges: [] };

export interface UsageSpans {
  /** Billed in arrears. */
  readonly closed?: TimeSpan | undefined;
  /** Billed in advance. */
  readonly opened?: TimeSpan | undefined;
  /** Neither: what is left to bill at an instant after the end. */
  readonly after?: Instant | undefined;
}

/** What will be different by then. */
export interface ForeseenUsage {
  readonly sources?: ((sources: readonly EntitlementSource[]) => readonly EntitlementSource[]) | undefined;
  readonly spans?: ((spans: readonly MeteringSpan[]) => readonly MeteringSpan[]) | undefined;
}

/**
 * What a subscription is to be billed for its usage. Five reads whatever the number of features, windows and events, two
 * more where something came late; one where nothing that the tenant has is priced. Who previews and who bills ask the same.
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
  const { closed, opened, after } = spans;
  const from = closed?.start ?? opened?.start ?? after;
  const until = opened?.start ?? closed?.end ?? after;
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
  const counts = await countAll(tx, tenantId, countsAsked(toBill));
  const suspect = toBill.suspects.filter((window) => hasGrown(window, counts));
  if (suspect.length === 0) return billUsage(input, toBill, counts);
  // Rare: an event came late, or an invoice was voided. A window may be an earlier subscription's.
  const earliest = suspect.reduce((first, { start }) => earlierOf(first, start), from);
  const { grown, asked } = grownWindows(input, suspect, await tx.meteringSpans.since(tenantId, earliest));
  const windows = grown.map(({ window }) => window);
  const [late, charges] = await Promise.all([
    countKnown(tx, tenantId, asked),
    tx.billedUsage.chargesOf(tenantId, windows),
  ]);
  const byWindow = groupBy(charges, windowOfCharge);
  const known: Counts = (one) => late(one) ?? counts(one);
  return billUsage(input, toBill, known, grown, (window) => byWindow.get(keyOfWindow(window)) ?? []);
}
