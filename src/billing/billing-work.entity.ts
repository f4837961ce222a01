import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import { KeyColumn, TextColumn, TimestampColumn, UuidColumn } from '../platform/columns';

/** What requests may see of it: who is at it and the error's own text are not theirs. */
@Entity('billing_work')
export class BillingWorkEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @UuidColumn('partner_id') partnerId: string;
  @TimestampColumn('due_at') dueAt: Instant;
  @TimestampColumn('parked_at', { nullable: true }) parkedAt: Instant | null;
  @TextColumn('reason', { nullable: true }) reason: string | null;
}
