import { type Instant, isBefore } from '../core/calendar';
import type { Period } from '../core/period';
import { currentPeriod, type Subscription } from '../subscriptions/subscription';

/** The part of a period that is billed when it is over. */
export interface ClosedPeriod {
  readonly period: Period;
  readonly until: Instant;
}

/** The period that a subscription is in, as it really began. */
export function periodOf(subscription: Subscription): Period {
  return { ...currentPeriod(subscription), start: subscription.periodStart, end: subscription.periodEnd };
}

/** A trial is free: neither what was used in it nor what joined it is billed when it ends. */
export function closedBy(subscription: Subscription, until: Instant): ClosedPeriod | undefined {
  if (subscription.status === 'TRIALING' || !isBefore(subscription.periodStart, until)) return undefined;
  return { period: periodOf(subscription), until };
}
