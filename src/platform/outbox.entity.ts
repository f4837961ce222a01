import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import {
  BooleanColumn,
  IntegerColumn,
  JsonColumn,
  KeyColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from './columns';

@Entity('outbox_events')
export class OutboxEventEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @BooleanColumn('sandbox') sandbox: boolean;
  @TextColumn('type') type: string;
  @IntegerColumn('version') version: number;
  @JsonColumn('payload') payload: object;
  @TimestampColumn('occurred_at') occurredAt: Instant;
}

@Entity('partner_outbox_events')
export class PartnerOutboxEventEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @TextColumn('type') type: string;
  @IntegerColumn('version') version: number;
  @JsonColumn('payload') payload: object;
  @TimestampColumn('occurred_at') occurredAt: Instant;
}
