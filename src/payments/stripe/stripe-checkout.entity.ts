import { Entity } from 'typeorm';
import type { Instant } from '../../core/calendar';
import {
  BigintColumn,
  BooleanColumn,
  IntegerColumn,
  KeyColumn,
  KeyTextColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../../platform/columns';

@Entity('stripe_checkouts')
export class StripeCheckoutEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @TextColumn('kind') kind: string;
  @TextColumn('status') status: string;
  @BooleanColumn('live') live: boolean;
  @UuidColumn('addon_id', { nullable: true }) addonId: string | null;
  @UuidColumn('addon_price_id', { nullable: true }) addonPriceId: string | null;
  @UuidColumn('plan_id', { nullable: true }) planId: string | null;
  @UuidColumn('plan_version_id', { nullable: true }) planVersionId: string | null;
  @UuidColumn('plan_price_id', { nullable: true }) planPriceId: string | null;
  @IntegerColumn('trial_days', { nullable: true }) trialDays: number | null;
  @BooleanColumn('plan_trial') planTrial: boolean;
  @TextColumn('interval') interval: string;
  @TextColumn('currency') currency: string;
  @BigintColumn('unit_amount') unitAmount: bigint;
  @BigintColumn('quantity') quantity: bigint;
  @TextColumn('description') description: string;
  @TextColumn('price_external_id', { nullable: true }) priceExternalId: string | null;
  @TextColumn('success_url') successUrl: string;
  @TextColumn('cancel_url') cancelUrl: string;
  @TextColumn('session_external_id', { nullable: true }) sessionExternalId: string | null;
  @TextColumn('url', { nullable: true }) url: string | null;
  @TextColumn('subscription_external_id', { nullable: true }) subscriptionExternalId: string | null;
  @UuidColumn('addon_subscription_id', { nullable: true }) addonSubscriptionId: string | null;
  @UuidColumn('subscription_id', { nullable: true }) subscriptionId: string | null;
  @TextColumn('provider_status', { nullable: true }) providerStatus: string | null;
  @BooleanColumn('provider_cancels') providerCancels: boolean;
  @TimestampColumn('provider_ends_at', { nullable: true }) providerEndsAt: Instant | null;
  @BigintColumn('seen_quantity', { nullable: true }) seenQuantity: bigint | null;
  @BigintColumn('seen_unit_amount', { nullable: true }) seenUnitAmount: bigint | null;
  @BigintColumn('seen_paid', { nullable: true }) seenPaid: bigint | null;
  @BigintColumn('accepted_quantity', { nullable: true }) acceptedQuantity: bigint | null;
  @BigintColumn('accepted_unit_amount', { nullable: true }) acceptedUnitAmount: bigint | null;
  @BigintColumn('accepted_paid', { nullable: true }) acceptedPaid: bigint | null;
  @TimestampColumn('accepted_at', { nullable: true }) acceptedAt: Instant | null;
  @TimestampColumn('withdrawn_at', { nullable: true }) withdrawnAt: Instant | null;
  @BooleanColumn('withdrawn_refunds', { nullable: true }) withdrawnRefunds: boolean | null;
  @TextColumn('withdrawn_reason', { nullable: true }) withdrawnReason: string | null;
  @TimestampColumn('seen_at', { nullable: true }) seenAt: Instant | null;
  @TextColumn('parked_reason', { nullable: true }) parkedReason: string | null;
  @TimestampColumn('parked_at', { nullable: true }) parkedAt: Instant | null;
  @TimestampColumn('sync_at', { nullable: true }) syncAt: Instant | null;
  @IntegerColumn('attempts') attempts: number;
  @TimestampColumn('expires_at') expiresAt: Instant;
  @TimestampColumn('created_at') createdAt: Instant;
  @TimestampColumn('completed_at', { nullable: true }) completedAt: Instant | null;
}

@Entity('stripe_invoices')
export class StripeInvoiceEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyTextColumn('external_id') externalId: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('checkout_id') checkoutId: string;
  @TextColumn('currency') currency: string;
  @BigintColumn('amount') amount: bigint;
  @TimestampColumn('period_start') periodStart: Instant;
  @TimestampColumn('period_end') periodEnd: Instant;
  @TimestampColumn('paid_at') paidAt: Instant;
  @TextColumn('payment_external_id', { nullable: true }) paymentExternalId: string | null;
}

@Entity('stripe_invoice_refunds')
export class StripeInvoiceRefundEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @TextColumn('invoice_external_id') invoiceExternalId: string;
  @TextColumn('currency') currency: string;
  @BigintColumn('amount') amount: bigint;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('stripe_prices')
export class StripePriceEntity {
  @KeyColumn('partner_id') partnerId: string;
  @BooleanColumn('live') live: boolean;
  @KeyColumn('price_id') priceId: string;
  @TextColumn('product_external_id') productExternalId: string;
  @TextColumn('external_id') externalId: string;
  @TextColumn('currency') currency: string;
  @BigintColumn('amount') amount: bigint;
  @TimestampColumn('created_at') createdAt: Instant;
}
