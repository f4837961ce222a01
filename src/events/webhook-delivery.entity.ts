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

/** An attempt in the row's list. */
export interface StoredAttempt {
  readonly at: string;
  readonly status: number | null;
  readonly problem: string | null;
  readonly milliseconds: number;
}

@Entity('webhook_deliveries')
export class WebhookDeliveryEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('endpoint_id') endpointId: string;
  @BigintColumn('sequence', { nullable: true }) sequence: bigint | null;
  @TextColumn('event_type') eventType: string;
  @TextColumn('status') status: string;
  @IntegerColumn('attempts') attempts: number;
  @TimestampColumn('next_attempt_at') nextAttemptAt: Instant;
  @TimestampColumn('last_attempt_at', { nullable: true }) lastAttemptAt: Instant | null;
  @IntegerColumn('response_status', { nullable: true }) responseStatus: number | null;
  @TextColumn('problem', { nullable: true }) problem: string | null;
  @JsonColumn('attempt_log') attemptLog: StoredAttempt[];
  @TimestampColumn('created_at') createdAt: Instant;
}
