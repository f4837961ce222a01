import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { DecimalValue } from '../core/decimal';
import {
  BigintColumn,
  BooleanColumn,
  JsonColumn,
  KeyColumn,
  NumericColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../platform/columns';

@Entity('tenant_entitlements')
export class EntitlementEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('feature_id') featureId: string;
  @TextColumn('feature_code') featureCode: string;
  @TextColumn('kind') kind: string;
  @TextColumn('source_kind') sourceKind: string;
  @UuidColumn('source_id') sourceId: string;
  @TextColumn('source_name') sourceName: string;
  @UuidColumn('catalog_id') catalogId: string;
  @BigintColumn('quantity') quantity: bigint;
  @BooleanColumn('unlimited') unlimited: boolean;
  @NumericColumn('limit_quantity', { nullable: true }) limit: DecimalValue | null;
  @TextColumn('reset_period', { nullable: true }) resetPeriod: string | null;
  @TextColumn('config_value', { nullable: true }) value: string | null;
  @JsonColumn('usage_price') price: object | null;
  @BooleanColumn('free') free: boolean;
  @TimestampColumn('starts_at') startsAt: Instant;
  @TimestampColumn('ends_at', { nullable: true }) endsAt: Instant | null;
}

@Entity('entitlement_grants')
export class EntitlementGrantEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('feature_id') featureId: string;
  @BooleanColumn('unlimited') unlimited: boolean;
  @NumericColumn('limit_quantity', { nullable: true }) limit: DecimalValue | null;
  @TextColumn('reset_period', { nullable: true }) resetPeriod: string | null;
  @TextColumn('config_value', { nullable: true }) value: string | null;
  @TimestampColumn('starts_at') startsAt: Instant;
  @TimestampColumn('ends_at', { nullable: true }) endsAt: Instant | null;
  @TextColumn('reason') reason: string;
  @TimestampColumn('created_at') createdAt: Instant;
}
