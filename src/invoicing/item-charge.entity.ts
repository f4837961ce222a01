import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import { BigintColumn, JsonColumn, KeyColumn, TextColumn, TimestampColumn, UuidColumn } from '../platform/columns';

@Entity('item_charges')
export class ItemChargeEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('subscription_id') subscriptionId: string;
  @UuidColumn('item_id') itemId: string;
  @TimestampColumn('period_start') periodStart: Instant;
  @TimestampColumn('period_end') periodEnd: Instant;
  @TextColumn('kind') kind: string;
  @BigintColumn('amount') amount: bigint;
  @BigintColumn('tax') tax: bigint;
  @JsonColumn('tax_rate', { nullable: true }) taxRate: object | null;
  @TextColumn('currency') currency: string;
  @BigintColumn('share_remaining') shareRemaining: bigint;
  @BigintColumn('share_total') shareTotal: bigint;
  @UuidColumn('invoice_line_id', { nullable: true }) invoiceLineId: string | null;
  @UuidColumn('credit_note_line_id', { nullable: true }) creditNoteLineId: string | null;
  @UuidColumn('origin_line_id', { nullable: true }) originLineId: string | null;
  @UuidColumn('refund_id', { nullable: true }) refundId: string | null;
  @UuidColumn('dispute_id', { nullable: true }) disputeId: string | null;
  @TimestampColumn('created_at') createdAt: Instant;
}
