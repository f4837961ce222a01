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

@Entity('plans')
export class PlanEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @TextColumn('code') code: string;
  @TextColumn('name') name: string;
  @TextColumn('description') description: string;
  @IntegerColumn('rank') rank: number;
  @TextColumn('status') status: string;
  @TextColumn('proration_basis', { nullable: true }) prorationBasis: string | null;
  @IntegerColumn('version') version: number;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('plan_versions')
export class PlanVersionEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('plan_id') planId: string;
  @IntegerColumn('number') number: number;
  @BooleanColumn('includes_all_addons') includesAllAddons: boolean;
  @IntegerColumn('trial_days', { nullable: true }) trialDays: number | null;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('plan_prices')
export class PlanPriceEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('plan_version_id') planVersionId: string;
  @TextColumn('currency') currency: string;
  @TextColumn('interval') interval: string;
  @BigintColumn('amount') amount: bigint;
}

@Entity('plan_features')
export class PlanFeatureEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('plan_version_id') planVersionId: string;
  @KeyColumn('feature_id') featureId: string;
  @BooleanColumn('unlimited') unlimited: boolean;
  @NumericColumn('limit_quantity', { nullable: true }) limit: DecimalValue | null;
  @TextColumn('reset_period', { nullable: true }) resetPeriod: string | null;
  @TextColumn('config_value', { nullable: true }) value: string | null;
  @JsonColumn('usage_prices') usagePrices: object;
}

@Entity('plan_addons')
export class PlanAddonEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('plan_version_id') planVersionId: string;
  @KeyColumn('addon_id') addonId: string;
}
