import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import {
  BigintColumn,
  BooleanColumn,
  JsonColumn,
  KeyColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../platform/columns';
import type { AuditLine } from './plan-change-proration';

@Entity('plan_change_prorations')
export class PlanChangeProrationEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('subscription_id') subscriptionId: string;
  @TimestampColumn('changed_at') changedAt: Instant;
  @UuidColumn('plan_id_before') planIdBefore: string;
  @UuidColumn('plan_id_after') planIdAfter: string;
  @TextColumn('interval_before') intervalBefore: string;
  @TextColumn('interval_after') intervalAfter: string;
  @BigintColumn('quantity_before') quantityBefore: bigint;
  @BigintColumn('quantity_after') quantityAfter: bigint;
  @TextColumn('basis') basis: string;
  @TextColumn('anchor_mode') anchorMode: string;
  @BigintColumn('share_remaining') shareRemaining: bigint;
  @BigintColumn('share_total') shareTotal: bigint;
  @TextColumn('currency') currency: string;
  @BigintColumn('unused_credit') unusedCredit: bigint;
  @BigintColumn('new_charge') newCharge: bigint;
  @BigintColumn('coupon_discount') couponDiscount: bigint;
  @BigintColumn('net_amount') netAmount: bigint;
  @BooleanColumn('waived') waived: boolean;
  @TextColumn('settlement') settlement: string;
  @UuidColumn('invoice_id', { nullable: true }) invoiceId: string | null;
  @UuidColumn('credit_note_id', { nullable: true }) creditNoteId: string | null;
  @UuidColumn('coupon_id', { nullable: true }) couponId: string | null;
  @TimestampColumn('new_period_start', { nullable: true }) newPeriodStart: Instant | null;
  @TimestampColumn('new_period_end', { nullable: true }) newPeriodEnd: Instant | null;
  @JsonColumn('lines') lines: AuditLine[];
  @UuidColumn('actor_id', { nullable: true }) actorId: string | null;
  @TimestampColumn('created_at') createdAt: Instant;
}
