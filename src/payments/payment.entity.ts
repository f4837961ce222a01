import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import {
  BigintColumn,
  BooleanColumn,
  IntegerColumn,
  KeyColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../platform/columns';

@Entity('payments')
export class PaymentEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('invoice_id') invoiceId: string;
  @UuidColumn('payment_method_id', { nullable: true }) paymentMethodId: string | null;
  @UuidColumn('carried_by', { nullable: true }) carriedBy: string | null;
  @TextColumn('provider', { nullable: true }) provider: string | null;
  @TextColumn('reference', { nullable: true }) reference: string | null;
  @BooleanColumn('sandbox', { nullable: true }) sandbox: boolean | null;
  @BigintColumn('amount') amount: bigint;
  @TextColumn('currency') currency: string;
  @TextColumn('status') status: string;
  @TextColumn('external_id', { nullable: true }) externalId: string | null;
  @TextColumn('decline_code', { nullable: true }) declineCode: string | null;
  @TextColumn('action_url', { nullable: true }) actionUrl: string | null;
  @IntegerColumn('asked') asked: number;
  @TimestampColumn('ask_at', { nullable: true }) askAt: Instant | null;
  @TextColumn('unknown_reason', { nullable: true }) unknownReason: string | null;
  @BigintColumn('refunded') refunded: bigint;
  @BigintColumn('disputed') disputed: bigint;
  @TimestampColumn('created_at') createdAt: Instant;
  @TimestampColumn('first_asked_at') firstAskedAt: Instant;
  @TimestampColumn('settled_at', { nullable: true }) settledAt: Instant | null;
}

@Entity('refunds')
export class RefundEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('payment_id') paymentId: string;
  @UuidColumn('credit_note_id', { nullable: true }) creditNoteId: string | null;
  @TextColumn('reason') reason: string;
  @TextColumn('memo', { nullable: true }) memo: string | null;
  @BigintColumn('amount') amount: bigint;
  @TextColumn('currency') currency: string;
  @TextColumn('status') status: string;
  @TextColumn('external_id', { nullable: true }) externalId: string | null;
  @TextColumn('failure_code', { nullable: true }) failureCode: string | null;
  @IntegerColumn('asked') asked: number;
  @TimestampColumn('ask_at', { nullable: true }) askAt: Instant | null;
  @TextColumn('unknown_reason', { nullable: true }) unknownReason: string | null;
  @TimestampColumn('created_at') createdAt: Instant;
  @TimestampColumn('first_asked_at', { nullable: true }) firstAskedAt: Instant | null;
  @TimestampColumn('settled_at', { nullable: true }) settledAt: Instant | null;
}

@Entity('disputes')
export class DisputeEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @UuidColumn('payment_id') paymentId: string;
  @TextColumn('external_id') externalId: string;
  @TextColumn('status') status: string;
  @TextColumn('reason') reason: string;
  @BigintColumn('amount') amount: bigint;
  @BigintColumn('taken') taken: bigint;
  @TextColumn('currency') currency: string;
  @TimestampColumn('opened_at') openedAt: Instant;
  @TimestampColumn('closed_at', { nullable: true }) closedAt: Instant | null;
}
