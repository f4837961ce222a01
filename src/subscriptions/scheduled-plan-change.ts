import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import type { Settlement } from '../invoicing/credit-note';
import type { UnavailableAddonPolicy } from '../proration/judge-attachments';
import type { AnchorMode } from '../proration/plan-change';

/** How a change is to be carried out; kept with a change that waits. */
export interface ScheduledPlanChangeOptions {
  readonly anchor: AnchorMode;
  readonly unavailableAddons: UnavailableAddonPolicy;
  readonly settlement: Settlement;
  readonly keepRunningDiscounts: boolean;
  readonly waived: boolean;
  /** A coupon that was reserved for it. */
  readonly pendingCouponId?: string | undefined;
  /** The one who asked for it has credits that go by time. */
  readonly creditsByTime?: boolean | undefined;
}

/** A plan change that waits for the period's end or a date in the period. A subscription has at most one. */
export interface ScheduledPlanChange {
  readonly id: string;
  readonly tenantId: Id<'Tenant'>;
  readonly subscriptionId: Id<'Subscription'>;
  readonly effectiveAt: Instant;
  readonly planId: Id<'Plan'>;
  readonly planVersionId: Id<'PlanVersion'>;
  readonly priceId: Id<'PlanPrice'>;
  readonly quantity: bigint;
  readonly options: ScheduledPlanChangeOptions;
  readonly createdAt: Instant;
}
