import { Entity } from 'typeorm';
import type { Instant, LocalDate } from '../core/calendar';
import {
  BigintColumn,
  BooleanColumn,
  DateColumn,
  IntegerColumn,
  JsonColumn,
  KeyColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../platform/columns';

@Entity('subscriptions')
export class SubscriptionEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @TextColumn('status') status: string;
  @UuidColumn('plan_id') planId: string;
  @UuidColumn('plan_version_id') planVersionId: string;
  @UuidColumn('plan_item_id') planItemId: string;
  @TextColumn('currency') currency: string;
  @TextColumn('interval') interval: string;
  @DateColumn('anchor_date') anchorDate: LocalDate;
  @TextColumn('time_zone') timeZone: string;
  @TextColumn('proration_basis') prorationBasis: string;
  @TimestampColumn('started_at') startedAt: Instant;
  @IntegerColumn('period_index') periodIndex: number;
  @TimestampColumn('period_start') periodStart: Instant;
  @TimestampColumn('period_end') periodEnd: Instant;
  @TimestampColumn('trial_end', { nullable: true }) trialEnd: Instant | null;
  @BooleanColumn('plan_trial') planTrial: boolean;
  @TimestampColumn('cancel_at', { nullable: true }) cancelAt: Instant | null;
  @TimestampColumn('cancelled_at', { nullable: true }) cancelledAt: Instant | null;
  @TextColumn('cancel_reason', { nullable: true }) cancelReason: string | null;
  @TimestampColumn('access_until', { nullable: true }) accessUntil: Instant | null;
  @IntegerColumn('version') version: number;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('subscription_items')
export class SubscriptionItemEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('subscription_id') subscriptionId: string;
  @UuidColumn('plan_id') planId: string;
  @UuidColumn('plan_version_id') planVersionId: string;
  @UuidColumn('plan_price_id') planPriceId: string;
  @TextColumn('interval') interval: string;
  @TextColumn('currency') currency: string;
  @BigintColumn('unit_amount') unitAmount: bigint;
  @BigintColumn('quantity') quantity: bigint;
  @TimestampColumn('started_at') startedAt: Instant;
  @TimestampColumn('ended_at', { nullable: true }) endedAt: Instant | null;
}

@Entity('scheduled_plan_changes')
export class ScheduledPlanChangeEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('subscription_id') subscriptionId: string;
  @TimestampColumn('effective_at') effectiveAt: Instant;
  @UuidColumn('plan_id') planId: string;
  @UuidColumn('plan_version_id') planVersionId: string;
  @UuidColumn('plan_price_id') planPriceId: string;
  @BigintColumn('quantity') quantity: bigint;
  @JsonColumn('options') options: object;
  @TextColumn('status') status: string;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('subscription_changes')
export class SubscriptionChangeEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('subscription_id') subscriptionId: string;
  @TextColumn('kind') kind: string;
  @TimestampColumn('happened_at') happenedAt: Instant;
  @UuidColumn('actor_id', { nullable: true }) actorId: string | null;
  @JsonColumn('facts') facts: Record<string, string>;
}
