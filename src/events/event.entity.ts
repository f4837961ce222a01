import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import {
  BigintColumn,
  BooleanColumn,
  IntegerColumn,
  JsonColumn,
  KeyColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../platform/columns';

@Entity('partner_events')
export class EventEntity {
  @KeyColumn('partner_id') partnerId: string;
  @BigintColumn('sequence') sequence: bigint;
  @KeyColumn('id') id: string;
  @UuidColumn('tenant_id', { nullable: true }) tenantId: string | null;
  @BooleanColumn('sandbox') sandbox: boolean;
  @TextColumn('type') type: string;
  @IntegerColumn('version') version: number;
  @JsonColumn('data') data: object;
  @TimestampColumn('occurred_at') occurredAt: Instant;
}
