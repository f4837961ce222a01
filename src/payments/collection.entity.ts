import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import {
  BooleanColumn,
  IntegerArrayColumn,
  IntegerColumn,
  KeyColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../platform/columns';

@Entity('invoice_collections')
export class CollectionEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('invoice_id') invoiceId: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('subscription_id') subscriptionId: string;
  @BooleanColumn('sandbox') sandbox: boolean;
  @TextColumn('status') status: string;
  @IntegerColumn('failures') failures: number;
  @TimestampColumn('due_at', { nullable: true }) dueAt: Instant | null;
  @TimestampColumn('held_until', { nullable: true }) heldUntil: Instant | null;
  @TimestampColumn('first_failed_at', { nullable: true }) firstFailedAt: Instant | null;
  @TimestampColumn('created_at') createdAt: Instant;
  @TimestampColumn('ended_at', { nullable: true }) endedAt: Instant | null;
}

@Entity('partner_dunning_policies')
export class DunningPolicyEntity {
  @KeyColumn('partner_id') partnerId: string;
  @IntegerArrayColumn('retry_days') retryDays: number[];
  @IntegerColumn('grace_days') graceDays: number;
  @TextColumn('final_action') finalAction: string;
  @BooleanColumn('charges_while_off') chargesWhileOff: boolean;
  @TextColumn('without_method') withoutMethod: string;
  @IntegerColumn('version') version: number;
  @TimestampColumn('updated_at') updatedAt: Instant;
}
