import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import {
  BigintColumn,
  IntegerColumn,
  JsonColumn,
  KeyColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../platform/columns';

@Entity('partner_tenant_addon_subscriptions')
export class AddonSubscriptionEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('origin_id', { nullable: true }) originId: string | null;
  @UuidColumn('subscription_id') subscriptionId: string;
  @UuidColumn('addon_id') addonId: string;
  @UuidColumn('addon_price_id') addonPriceId: string;
  @TextColumn('interval') interval: string;
  @TextColumn('currency') currency: string;
  @BigintColumn('unit_amount') unitAmount: bigint;
  @JsonColumn('usage_prices') usagePrices: object;
  @BigintColumn('quantity') quantity: bigint;
  @TimestampColumn('started_at') startedAt: Instant;
  @TimestampColumn('ends_at', { nullable: true }) endsAt: Instant | null;
  @TimestampColumn('ended_at', { nullable: true }) endedAt: Instant | null;
  @TimestampColumn('access_until', { nullable: true }) accessUntil: Instant | null;
  @TextColumn('end_reason', { nullable: true }) endReason: string | null;
  @TextColumn('end_kind', { nullable: true }) endKind: string | null;
  @TextColumn('billed_by') billedBy: string;
  @TimestampColumn('provider_period_start', { nullable: true }) providerPeriodStart: Instant | null;
  @TimestampColumn('provider_period_end', { nullable: true }) providerPeriodEnd: Instant | null;
  @IntegerColumn('version') version: number;
  @TimestampColumn('created_at') createdAt: Instant;
}
