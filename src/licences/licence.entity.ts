import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { DecimalValue } from '../core/decimal';
import {
  BigintColumn,
  BooleanColumn,
  IntegerColumn,
  JsonColumn,
  KeyColumn,
  NumericColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../platform/columns';

@Entity('licence_products')
export class LicenceProductEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @TextColumn('code') code: string;
  @TextColumn('name') name: string;
  @TextColumn('description') description: string;
  @TextColumn('status') status: string;
  @IntegerColumn('trial_days', { nullable: true }) trialDays: number | null;
  @BigintColumn('trial_seats', { nullable: true }) trialSeats: bigint | null;
  @IntegerColumn('version') version: number;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('licence_prices')
export class LicencePriceEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('licence_product_id') productId: string;
  @TextColumn('currency') currency: string;
  @BigintColumn('yearly_amount') yearlyAmount: bigint;
  @TimestampColumn('created_at') createdAt: Instant;
  @TimestampColumn('replaced_at', { nullable: true }) replacedAt: Instant | null;
}

@Entity('licence_product_features')
export class LicenceProductFeatureEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('licence_product_id') productId: string;
  @KeyColumn('feature_id') featureId: string;
  @BooleanColumn('unlimited') unlimited: boolean;
  @NumericColumn('limit_quantity', { nullable: true }) limit: DecimalValue | null;
  @TextColumn('reset_period', { nullable: true }) resetPeriod: string | null;
  @TextColumn('config_value', { nullable: true }) value: string | null;
}

@Entity('licences')
export class LicenceEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('licence_product_id') productId: string;
  @BooleanColumn('trial') trial: boolean;
  @TimestampColumn('starts_at') startsAt: Instant;
  @IntegerColumn('years') years: number;
  @TimestampColumn('expires_at') expiresAt: Instant;
  @BigintColumn('seats') seats: bigint;
  @TimestampColumn('turns_at', { nullable: true }) turnsAt: Instant | null;
  @TimestampColumn('access_from', { nullable: true }) accessFrom: Instant | null;
  @BigintColumn('assigned') assigned: bigint;
  @TimestampColumn('replaced_at', { nullable: true }) replacedAt: Instant | null;
  @BooleanColumn('auto_renew') autoRenew: boolean;
  @TextColumn('provider_subscription_id', { nullable: true }) providerSubscriptionId: string | null;
  @BigintColumn('provider_seats', { nullable: true }) providerSeats: bigint | null;
  @TimestampColumn('provider_changed_at', { nullable: true }) providerChangedAt: Instant | null;
  @IntegerColumn('version') version: number;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('licence_seats')
export class LicenceSeatEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('licence_id') licenceId: string;
  @UuidColumn('user_id') userId: string;
  @TextColumn('email') email: string;
  @TimestampColumn('assigned_at') assignedAt: Instant;
  @TimestampColumn('revoked_at', { nullable: true }) revokedAt: Instant | null;
}

@Entity('licence_purchases')
export class LicencePurchaseEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('licence_product_id') productId: string;
  @UuidColumn('licence_id', { nullable: true }) licenceId: string | null;
  @TextColumn('kind') kind: string;
  @BigintColumn('quantity') quantity: bigint;
  @TextColumn('currency') currency: string;
  @BigintColumn('yearly_amount') yearlyAmount: bigint;
  @BigintColumn('amount') amount: bigint;
  @JsonColumn('explanation') explanation: object;
  @IntegerColumn('remaining_days', { nullable: true }) remainingDays: number | null;
  @TimestampColumn('expiry_before', { nullable: true }) expiryBefore: Instant | null;
  @BigintColumn('seats_before', { nullable: true }) seatsBefore: bigint | null;
  @BooleanColumn('auto_renew') autoRenew: boolean;
  @UuidColumn('buyer_id') buyerId: string;
  @TextColumn('status') status: string;
  @TextColumn('park_reason', { nullable: true }) parkReason: string | null;
  @TextColumn('park_detail', { nullable: true }) parkDetail: string | null;
  @TextColumn('provider', { nullable: true }) provider: string | null;
  @TextColumn('checkout_id', { nullable: true }) checkoutId: string | null;
  @TextColumn('checkout_url', { nullable: true }) checkoutUrl: string | null;
  @TimestampColumn('payable_until') payableUntil: Instant;
  @TimestampColumn('created_at') createdAt: Instant;
  @TimestampColumn('completed_at', { nullable: true }) completedAt: Instant | null;
  @BigintColumn('refunded_amount') refundedAmount: bigint;
  @BigintColumn('seats_refunded') seatsRefunded: bigint;
  @BigintColumn('paid_amount', { nullable: true }) paidAmount: bigint | null;
  @TimestampColumn('refused_at', { nullable: true }) refusedAt: Instant | null;
  @TimestampColumn('refund_asked_at', { nullable: true }) refundAskedAt: Instant | null;
}

@Entity('licence_subscription_ends')
export class LicenceSubscriptionEndEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @TextColumn('provider') provider: string;
  @TextColumn('provider_subscription_id') providerSubscriptionId: string;
  @UuidColumn('purchase_id') purchaseId: string;
  @TimestampColumn('ended_at', { nullable: true }) endedAt: Instant | null;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('licence_refunds')
export class LicenceRefundEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('purchase_id') purchaseId: string;
  @TextColumn('provider') provider: string;
  @TextColumn('provider_refund_id') providerRefundId: string;
  @TextColumn('currency') currency: string;
  @BigintColumn('amount') amount: bigint;
  @TextColumn('kind') kind: string;
  @TextColumn('status') status: string;
  @TimestampColumn('changed_at', { nullable: true }) changedAt: Instant | null;
  @TimestampColumn('created_at') createdAt: Instant;
}
