import { type Instant, isAtOrBefore, isBefore, type LocalDate, type TimeZone } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { exactOf, multiply } from '../core/exact';
import type { Id } from '../core/ids';
import { exactMinorUnits, type Money, roundToMoney } from '../core/money';
import { type IntervalUnit, type Period, periodAt, type Schedule } from '../core/period';
import type { ProrationBasis } from '../core/proration';

export const subscriptionStatuses = ['TRIALING', 'ACTIVE', 'PAST_DUE', 'UNPAID', 'CANCELLED'] as const;
export type SubscriptionStatus = (typeof subscriptionStatuses)[number];

/** One phase of the plan as it was sold: a plan change ends an item and begins the next. Its price is a snapshot. */
export interface SubscriptionItem {
  readonly id: Id<'SubscriptionItem'>;
  readonly planId: Id<'Plan'>;
  readonly planVersionId: Id<'PlanVersion'>;
  readonly priceId: Id<'PlanPrice'>;
  readonly interval: IntervalUnit;
  /** Per unit of quantity and whole period. */
  readonly unitAmount: Money;
  readonly quantity: bigint;
  readonly startedAt: Instant;
  readonly endedAt?: Instant | undefined;
}

/** A tenant's one subscription. Its period is the one that was billed last; the next bill is due at the period's end. */
export interface Subscription {
  readonly id: Id<'Subscription'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly status: SubscriptionStatus;
  readonly item: SubscriptionItem;
  readonly currency: CurrencyCode;
  readonly interval: IntervalUnit;
  /** Period n begins at anchor + n × interval. */
  readonly anchorDate: LocalDate;
  /** The billing zone, fixed when the subscription started. */
  readonly timeZone: TimeZone;
  readonly prorationBasis: ProrationBasis;
  readonly startedAt: Instant;
  readonly periodIndex: number;
  readonly periodStart: Instant;
  readonly periodEnd: Instant;
  readonly trialEnd?: Instant | undefined;
  /** Its trial is the plan's own, which a tenant gets once. */
  readonly planTrial?: boolean | undefined;
  /** A cancellation to come. */
  readonly cancelAt?: Instant | undefined;
  readonly cancelledAt?: Instant | undefined;
  readonly cancelReason?: string | undefined;
  /** While payments fail: the end of the grace. */
  readonly accessUntil?: Instant | undefined;
  readonly version: number;
  readonly createdAt: Instant;
}

export function scheduleOf(subscription: Pick<Subscription, 'anchorDate' | 'interval' | 'timeZone'>): Schedule {
  return { anchor: subscription.anchorDate, interval: subscription.interval, zone: subscription.timeZone };
}

/** The period that was billed last. During a trial it is period −1, which lasts from the start to the anchor. */
export function currentPeriod(subscription: Subscription): Period {
  const period = periodAt(scheduleOf(subscription), subscription.periodIndex);
  if (subscription.status !== 'TRIALING') return period;
  return { ...period, start: subscription.periodStart, end: subscription.periodEnd };
}

/** Price × quantity for one whole period. */
export function fullPeriodAmount(item: { readonly unitAmount: Money; readonly quantity: bigint }): Money {
  return roundToMoney(multiply(exactMinorUnits(item.unitAmount), exactOf(item.quantity)), item.unitAmount.currency);
}

export const changeKinds = [
  'STARTED',
  'RENEWED',
  'PLAN_CHANGED',
  'PLAN_CHANGE_SCHEDULED',
  'PLAN_CHANGE_UNSCHEDULED',
  'ADDON_SUBSCRIBED',
  'ADDON_RESUMED',
  'ADDON_QUANTITY_CHANGED',
  'ADDON_CANCELLED',
  'ADDON_ENDED',
  'CANCELLATION_SCHEDULED',
  'CANCELLED',
  'PAST_DUE',
  'UNPAID',
  'RECOVERED',
] as const;
export type SubscriptionChangeKind = (typeof changeKinds)[number];

/** One entry of a subscription's history, for people. */
export interface SubscriptionChange {
  readonly id: Id<'SubscriptionChange'>;
  readonly subscriptionId: Id<'Subscription'>;
  readonly kind: SubscriptionChangeKind;
  readonly happenedAt: Instant;
  readonly actorId?: string | undefined;
  readonly facts: Readonly<Record<string, string>>;
}

/**
 * A subscription as it was at an instant. Plan, quantity, price, interval and period are kept as they change; that a date to end it
 * was waited for, or that payments failed, is not, and is left out.
 *
 * @param period the one that was billed last by then; none: it was in its trial
 */
export function subscriptionAsOf(
  subscription: Subscription,
  period: { readonly start: Instant; readonly end: Instant } | undefined,
  at: Instant,
): Subscription {
  const { startedAt, trialEnd, cancelledAt, cancelReason, item } = subscription;
  const hasEnded = cancelledAt !== undefined && isAtOrBefore(cancelledAt, at);
  const isTrial = trialEnd !== undefined && isBefore(at, trialEnd);
  return {
    ...subscription,
    status: hasEnded ? 'CANCELLED' : isTrial ? 'TRIALING' : 'ACTIVE',
    item: { ...item, endedAt: item.endedAt && isAtOrBefore(item.endedAt, at) ? item.endedAt : undefined },
    interval: item.interval,
    periodStart: isTrial ? startedAt : (period?.start ?? subscription.periodStart),
    periodEnd: isTrial ? trialEnd : (period?.end ?? subscription.periodEnd),
    ...{ cancelAt: undefined, accessUntil: undefined },
    cancelledAt: hasEnded ? cancelledAt : undefined,
    cancelReason: hasEnded ? cancelReason : undefined,
  };
}
