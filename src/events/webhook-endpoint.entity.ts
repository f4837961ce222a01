import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import {
  IntegerColumn,
  KeyColumn,
  TextArrayColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../platform/columns';

@Entity('webhook_endpoints')
export class WebhookEndpointEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @TextColumn('url') url: string;
  @TextColumn('description') description: string;
  @TextArrayColumn('event_types') eventTypes: string[];
  @TextColumn('status') status: string;
  @TextColumn('disabled_reason', { nullable: true }) disabledReason: string | null;
  @IntegerColumn('secret_number') secretNumber: number;
  @TimestampColumn('previous_secret_until', { nullable: true }) previousSecretUntil: Instant | null;
  @TimestampColumn('failing_since', { nullable: true }) failingSince: Instant | null;
  @IntegerColumn('failures') failures: number;
  @TimestampColumn('paused_until', { nullable: true }) pausedUntil: Instant | null;
  @UuidColumn('lease', { nullable: true }) lease: string | null;
  @TimestampColumn('leased_until', { nullable: true }) leasedUntil: Instant | null;
  @IntegerColumn('version') version: number;
  @TimestampColumn('created_at') createdAt: Instant;
  @TimestampColumn('deleted_at', { nullable: true }) deletedAt: Instant | null;
}
