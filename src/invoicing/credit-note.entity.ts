import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import type { DecimalValue } from '../core/decimal';
import type { Explanation } from '../core/explain';
import {
  BigintColumn,
  IntegerColumn,
  JsonColumn,
  KeyColumn,
  KeyTextColumn,
  NumericColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../platform/columns';

@Entity('credit_notes')
export class CreditNoteEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('subscription_id') subscriptionId: string;
  @UuidColumn('invoice_id', { nullable: true }) invoiceId: string | null;
  @TextColumn('number') number: string;
  @TextColumn('reason') reason: string;
  @TextColumn('memo', { nullable: true }) memo: string | null;
  @TextColumn('settlement') settlement: string;
  @TextColumn('currency') currency: string;
  @BigintColumn('tax') tax: bigint;
  @BigintColumn('total') total: bigint;
  @JsonColumn('taxes') taxes: object;
  @TextColumn('tax_treatment') taxTreatment: string;
  @TextColumn('tax_note', { nullable: true }) taxNote: string | null;
  @JsonColumn('billing') billing: object;
  @TimestampColumn('issued_at') issuedAt: Instant;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('credit_note_lines')
export class CreditNoteLineEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('credit_note_id') creditNoteId: string;
  @IntegerColumn('position') position: number;
  @TextColumn('kind') kind: string;
  @TextColumn('source_kind') sourceKind: string;
  @UuidColumn('source_id') sourceId: string;
  @UuidColumn('invoice_line_id', { nullable: true }) invoiceLineId: string | null;
  @TextColumn('description') description: string;
  @NumericColumn('quantity') quantity: DecimalValue;
  @BigintColumn('amount') amount: bigint;
  @TextColumn('currency') currency: string;
  @TimestampColumn('period_start', { nullable: true }) periodStart: Instant | null;
  @TimestampColumn('period_end', { nullable: true }) periodEnd: Instant | null;
  @JsonColumn('tax', { nullable: true }) tax: object | null;
  @JsonColumn('explanation') explanation: Explanation;
}

@Entity('credit_balances')
export class CreditBalanceEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyTextColumn('currency') currency: string;
  @UuidColumn('partner_id') partnerId: string;
  @BigintColumn('balance') balance: bigint;
}

@Entity('credit_balance_entries')
export class CreditBalanceEntryEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @TextColumn('currency') currency: string;
  @BigintColumn('amount') amount: bigint;
  @BigintColumn('balance_after') balanceAfter: bigint;
  @TextColumn('kind') kind: string;
  @UuidColumn('credit_note_id', { nullable: true }) creditNoteId: string | null;
  @UuidColumn('invoice_id', { nullable: true }) invoiceId: string | null;
  @UuidColumn('refund_id', { nullable: true }) refundId: string | null;
  @UuidColumn('dispute_id', { nullable: true }) disputeId: string | null;
  @TimestampColumn('created_at') createdAt: Instant;
}
