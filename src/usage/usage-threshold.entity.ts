import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { DecimalValue } from '../core/decimal';
import { IntegerColumn, KeyColumn, NumericColumn, TimestampColumn, UuidColumn } from '../platform/columns';

@Entity('usage_thresholds')
export class UsageThresholdEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('feature_id') featureId: string;
  @IntegerColumn('percent') percent: number;
  @NumericColumn('limit_quantity') limit: DecimalValue;
  @NumericColumn('used') used: DecimalValue;
  @TimestampColumn('window_start') windowStart: Instant;
  @TimestampColumn('window_end', { nullable: true }) windowEnd: Instant | null;
  @TimestampColumn('reached_at') reachedAt: Instant;
}
