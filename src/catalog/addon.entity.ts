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

@Entity('partner_addons')
export class AddonEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @TextColumn('code') code: string;
  @TextColumn('name') name: string;
  @TextColumn('description') description: string;
  @IntegerColumn('minimum_plan_rank', { nullable: true }) minimumPlanRank: number | null;
  @TextColumn('status') status: string;
  @IntegerColumn('version') version: number;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('addon_prices')
export class AddonPriceEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('addon_id') addonId: string;
  @TextColumn('currency') currency: string;
  @TextColumn('interval') interval: string;
  @BigintColumn('amount') amount: bigint;
  @TimestampColumn('created_at') createdAt: Instant;
  @TimestampColumn('replaced_at', { nullable: true }) replacedAt: Instant | null;
}

@Entity('addon_features')
export class AddonFeatureEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('addon_id') addonId: string;
  @KeyColumn('feature_id') featureId: string;
  @BooleanColumn('unlimited') unlimited: boolean;
  @NumericColumn('limit_quantity', { nullable: true }) limit: DecimalValue | null;
  @TextColumn('reset_period', { nullable: true }) resetPeriod: string | null;
  @TextColumn('config_value', { nullable: true }) value: string | null;
  @JsonColumn('usage_prices') usagePrices: object;
}

@Entity('addon_requirements')
export class AddonRequirementEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('addon_id') addonId: string;
  @KeyColumn('required_addon_id') requiredAddonId: string;
}

@Entity('addon_allowance_history')
export class AddonAllowanceHistoryEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('addon_id') addonId: string;
  @TimestampColumn('replaced_at') replacedAt: Instant;
  @JsonColumn('allowances') allowances: object;
}
