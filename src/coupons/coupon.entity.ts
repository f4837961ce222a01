import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { DecimalValue } from '../core/decimal';
import {
  BigintColumn,
  BooleanColumn,
  IntegerColumn,
  KeyColumn,
  KeyTextColumn,
  NumericColumn,
  TextArrayColumn,
  TextColumn,
  TimestampColumn,
  UuidArrayColumn,
  UuidColumn,
} from '../platform/columns';

@Entity('partner_coupons')
export class CouponEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @TextColumn('code') code: string;
  @TextColumn('name') name: string;
  @TextColumn('kind') kind: string;
  @NumericColumn('percent', { nullable: true }) percent: DecimalValue | null;
  @TextColumn('duration') duration: string;
  @IntegerColumn('duration_periods', { nullable: true }) durationPeriods: number | null;
  @BooleanColumn('scaled') scaled: boolean;
  @TimestampColumn('valid_from', { nullable: true }) validFrom: Instant | null;
  @TimestampColumn('valid_until', { nullable: true }) validUntil: Instant | null;
  @IntegerColumn('max_redemptions', { nullable: true }) maxRedemptions: number | null;
  @IntegerColumn('max_redemptions_per_tenant') maxRedemptionsPerTenant: number;
  @BooleanColumn('first_purchase_only') firstPurchaseOnly: boolean;
  @UuidArrayColumn('plan_ids') planIds: string[];
  @UuidArrayColumn('addon_ids') addonIds: string[];
  @TextArrayColumn('intervals') intervals: string[];
  @TextColumn('status') status: string;
  @IntegerColumn('reserved_count') reservedCount: number;
  @IntegerColumn('version') version: number;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('coupon_amounts')
export class CouponAmountEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('coupon_id') couponId: string;
  @KeyTextColumn('purpose') purpose: string;
  @KeyTextColumn('currency') currency: string;
  @BigintColumn('amount') amount: bigint;
}

@Entity('tenant_pending_coupons')
export class PendingCouponEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('coupon_id') couponId: string;
  @UuidColumn('subscription_id', { nullable: true }) subscriptionId: string | null;
  @TextColumn('status') status: string;
  @IntegerColumn('periods_applied') periodsApplied: number;
  @IntegerColumn('periods_returned') periodsReturned: number;
  @TextColumn('counts_in', { nullable: true }) countsIn: string | null;
  @TimestampColumn('created_at') createdAt: Instant;
  @TimestampColumn('ended_at', { nullable: true }) endedAt: Instant | null;
}

@Entity('coupon_redemptions')
export class CouponRedemptionEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('coupon_id') couponId: string;
  @UuidColumn('pending_coupon_id') pendingCouponId: string;
  @UuidColumn('subscription_id') subscriptionId: string;
  @UuidColumn('invoice_id', { nullable: true }) invoiceId: string | null;
  @IntegerColumn('period_number') periodNumber: number;
  @BigintColumn('discount') discount: bigint;
  @TextColumn('currency') currency: string;
  @BooleanColumn('is_proration_involved') isProrationInvolved: boolean;
  @BigintColumn('proration_amount', { nullable: true }) prorationAmount: bigint | null;
  @UuidColumn('plan_id_before', { nullable: true }) planIdBefore: string | null;
  @UuidColumn('plan_id_after', { nullable: true }) planIdAfter: string | null;
  @TextColumn('interval_before', { nullable: true }) intervalBefore: string | null;
  @TextColumn('interval_after', { nullable: true }) intervalAfter: string | null;
  @TimestampColumn('redeemed_at') redeemedAt: Instant;
}

@Entity('coupon_discounts')
export class CouponDiscountEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('pending_coupon_id') pendingCouponId: string;
  @UuidColumn('subscription_id') subscriptionId: string;
  @IntegerColumn('period_number') periodNumber: number;
  @BooleanColumn('counts') counts: boolean;
  @TimestampColumn('period_start') periodStart: Instant;
  @TimestampColumn('period_end') periodEnd: Instant;
  @UuidColumn('item_id', { nullable: true }) itemId: string | null;
  @TextColumn('target_kind', { nullable: true }) targetKind: string | null;
  @UuidColumn('target_id', { nullable: true }) targetId: string | null;
  @BigintColumn('whole_period') wholePeriod: bigint;
  @BigintColumn('amount') amount: bigint;
  @TextColumn('currency') currency: string;
  @BigintColumn('share_remaining') shareRemaining: bigint;
  @BigintColumn('share_total') shareTotal: bigint;
  @UuidColumn('invoice_id', { nullable: true }) invoiceId: string | null;
  @BooleanColumn('voided') voided: boolean;
  @BooleanColumn('lapsed') lapsed: boolean;
  @BigintColumn('returned_remaining', { nullable: true }) returnedRemaining: bigint | null;
  @BigintColumn('returned_total', { nullable: true }) returnedTotal: bigint | null;
  @TimestampColumn('created_at') createdAt: Instant;
}
