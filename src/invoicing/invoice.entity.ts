import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { DecimalValue } from '../core/decimal';
import type { Explanation } from '../core/explain';
import {
  BigintColumn,
  IntegerColumn,
  JsonColumn,
  KeyColumn,
  NumericColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../platform/columns';

@Entity('invoices')
export class InvoiceEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('subscription_id') subscriptionId: string;
  @TextColumn('number') number: string;
  @TextColumn('kind') kind: string;
  @TextColumn('reason') reason: string;
  @TextColumn('status') status: string;
  @TextColumn('currency') currency: string;
  @BigintColumn('subtotal') subtotal: bigint;
  @BigintColumn('discount') discount: bigint;
  @BigintColumn('tax') tax: bigint;
  @BigintColumn('total') total: bigint;
  @BigintColumn('credit_applied') creditApplied: bigint;
  /** When it was issued. What is due now is this less what was credited and paid since. */
  @BigintColumn('amount_due') amountDue: bigint;
  @BigintColumn('credited') credited: bigint;
  /** Since it was issued: without `credit_applied`. */
  @BigintColumn('paid') paid: bigint;
  @TimestampColumn('period_start', { nullable: true }) periodStart: Instant | null;
  @TimestampColumn('period_end', { nullable: true }) periodEnd: Instant | null;
  @TextColumn('coupon_order') couponOrder: string;
  @JsonColumn('taxes') taxes: object;
  @TextColumn('tax_treatment') taxTreatment: string;
  @TextColumn('tax_note', { nullable: true }) taxNote: string | null;
  @JsonColumn('billing') billing: object;
  @TimestampColumn('paid_at', { nullable: true }) paidAt: Instant | null;
  @TextColumn('payment_reference', { nullable: true }) paymentReference: string | null;
  @TimestampColumn('voided_at', { nullable: true }) voidedAt: Instant | null;
  @TextColumn('void_reason', { nullable: true }) voidReason: string | null;
  @TimestampColumn('uncollectible_at', { nullable: true }) uncollectibleAt: Instant | null;
  @TimestampColumn('issued_at') issuedAt: Instant;
  @TimestampColumn('due_at', { nullable: true }) dueAt: Instant | null;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('invoice_lines')
export class InvoiceLineEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('invoice_id') invoiceId: string;
  @IntegerColumn('position') position: number;
  @TextColumn('kind') kind: string;
  @TextColumn('source_kind') sourceKind: string;
  @UuidColumn('source_id') sourceId: string;
  @UuidColumn('discounts_line_id', { nullable: true }) discountsLineId: string | null;
  @TextColumn('description') description: string;
  @NumericColumn('quantity') quantity: DecimalValue;
  @BigintColumn('amount') amount: bigint;
  @TextColumn('currency') currency: string;
  @TimestampColumn('period_start', { nullable: true }) periodStart: Instant | null;
  @TimestampColumn('period_end', { nullable: true }) periodEnd: Instant | null;
  @JsonColumn('tax', { nullable: true }) tax: object | null;
  @JsonColumn('explanation') explanation: Explanation;
}
