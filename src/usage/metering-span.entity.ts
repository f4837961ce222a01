import { Entity } from 'typeorm';
import type { Instant, LocalDate } from '../core/calendar';
import {
  BooleanColumn,
  DateColumn,
  JsonColumn,
  KeyColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../platform/columns';
import type { StoredCarriedUsage } from './carried-usage';

@Entity('metering_spans')
export class MeteringSpanEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('subscription_id') subscriptionId: string;
  @TimestampColumn('starts_at') start: Instant;
  @UuidColumn('partner_id') partnerId: string;
  @TimestampColumn('ends_at', { nullable: true }) end: Instant | null;
  @DateColumn('anchor_date') anchorDate: LocalDate;
  @TextColumn('time_zone') timeZone: string;
  @BooleanColumn('trial') trial: boolean;
  @TimestampColumn('count_from') countFrom: Instant;
  @JsonColumn('carried') carried: StoredCarriedUsage;
  @JsonColumn('carried_after') carriedAfter: StoredCarriedUsage;
}
