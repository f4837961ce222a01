import type { Instant } from '../core/calendar';
import type { Explanation } from '../core/explain';
import type { Id } from '../core/ids';
import type { Money } from '../core/money';
import type { IntervalUnit } from '../core/period';
import type { Share } from '../core/proration';
import type { TimeSpan } from '../invoicing/invoice';
import type { AnchorMode } from './plan-change';

/** The audit row of a plan change: what was decided, from what, and which document came of it. Written for every change. */
export interface PlanChangeProration {
  readonly id: Id<'Proration'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly subscriptionId: Id<'Subscription'>;
  readonly changedAt: Instant;
  readonly planIdBefore: Id<'Plan'>;
  readonly planIdAfter: Id<'Plan'>;
  readonly intervalBefore: IntervalUnit;
  readonly intervalAfter: IntervalUnit;
  readonly quantityBefore: bigint;
  readonly quantityAfter: bigint;
  readonly share: Share;
  readonly anchor: AnchorMode;
  readonly unusedCredit: Money;
  readonly newCharge: Money;
  readonly couponDiscount: Money;
  readonly net: Money;
  readonly waived: boolean;
  readonly settlement: 'INVOICE' | 'CREDIT_BALANCE' | 'REFUND' | 'NONE' | 'WAIVED' | 'OPEN_INVOICE';
  readonly invoiceId?: Id<'Invoice'> | undefined;
  readonly creditNoteId?: Id<'CreditNote'> | undefined;
  readonly couponId?: Id<'Coupon'> | undefined;
  /** The full period that the change began and billed; none where the period was kept, or had ended. */
  readonly newPeriod?: TimeSpan | undefined;
  readonly lines: readonly AuditLine[];
  readonly actorId?: string | undefined;
  readonly createdAt: Instant;
}

/** A line as the audit row keeps it; amounts in major units. */
export interface AuditLine {
  readonly kind: string;
  readonly description: string;
  readonly amount: string;
  readonly explanation: Explanation;
}
