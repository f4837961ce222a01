import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import type { Money } from '../core/money';
import type { IntervalUnit } from '../core/period';
import { type Coupon, periodsOf } from './coupon';

export const pendingCouponStatuses = ['PENDING', 'RUNNING', 'FINISHED', 'REMOVED', 'EXPIRED', 'ENDED'] as const;
/**
 * PENDING: queued for the next invoice. RUNNING: used, more periods to come. FINISHED: used up. REMOVED: taken back before
 * its first use. EXPIRED: the coupon ran out before its first use, or was for a first purchase that was made without it. ENDED:
 * a plan change or the subscription's end ended it.
 */
export type PendingCouponStatus = (typeof pendingCouponStatuses)[number];

/** A coupon of a tenant: one reservation, from being queued to its last period. */
export interface PendingCoupon {
  readonly id: Id<'PendingCoupon'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly couponId: Id<'Coupon'>;
  readonly subscriptionId?: Id<'Subscription'> | undefined;
  readonly status: PendingCouponStatus;
  readonly periodsApplied: number;
  /** Of these, how many came back with invoices that are void; they are used again later. */
  readonly periodsReturned: number;
  /** The interval whose periods it counts: that of its first use. */
  readonly countsIn?: IntervalUnit | undefined;
  readonly createdAt: Instant;
  readonly endedAt?: Instant | undefined;
}

/** One use of a coupon; append-only. Records the plan change it came with (S004), where it did. */
export interface CouponRedemption {
  readonly id: Id<'CouponRedemption'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly couponId: Id<'Coupon'>;
  readonly pendingCouponId: Id<'PendingCoupon'>;
  readonly subscriptionId: Id<'Subscription'>;
  readonly invoiceId?: Id<'Invoice'> | undefined;
  readonly periodNumber: number;
  readonly discount: Money;
  readonly isProrationInvolved: boolean;
  readonly prorationAmount?: Money | undefined;
  readonly planIdBefore?: Id<'Plan'> | undefined;
  readonly planIdAfter?: Id<'Plan'> | undefined;
  readonly intervalBefore?: IntervalUnit | undefined;
  readonly intervalAfter?: IntervalUnit | undefined;
  readonly redeemedAt: Instant;
}

/** The coupon after one more period of this interval. */
export function afterUse(
  pending: PendingCoupon,
  coupon: Coupon,
  now: Instant,
  interval?: IntervalUnit | undefined,
): PendingCoupon {
  const periodsApplied = pending.periodsApplied + 1;
  const last = periodsOf(coupon);
  const finished = last !== undefined && periodsApplied - pending.periodsReturned >= last;
  return {
    ...pending,
    periodsApplied,
    status: finished ? 'FINISHED' : 'RUNNING',
    countsIn: pending.countsIn ?? interval,
    endedAt: finished ? now : undefined,
  };
}

/**
 * The coupon after an invoice it took from is void: the period is to come again. One that ended otherwise stays ended, and
 * so does one that was used up where the tenant has taken the same code anew since.
 */
export function afterReturn(pending: PendingCoupon, hasNewer: boolean): PendingCoupon {
  const periodsReturned = pending.periodsReturned + 1;
  const revives = pending.status === 'RUNNING' || (pending.status === 'FINISHED' && !hasNewer);
  if (!revives) return { ...pending, periodsReturned };
  const waits = pending.periodsApplied === periodsReturned;
  return {
    ...pending,
    periodsReturned,
    status: waits ? 'PENDING' : 'RUNNING',
    countsIn: waits ? undefined : pending.countsIn,
    endedAt: undefined,
  };
}
