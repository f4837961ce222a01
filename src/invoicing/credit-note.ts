import type { Instant } from '../core/calendar';
import type { DecimalValue } from '../core/decimal';
import type { Explanation } from '../core/explain';
import type { Id } from '../core/ids';
import type { Money } from '../core/money';
import type { LineTax } from '../tax/tax';
import type { DocumentTax, SourceKind, TimeSpan } from './invoice';

export const creditNoteReasons = ['PLAN_CHANGE', 'ADDON_CANCELLED', 'CANCELLATION', 'CORRECTION'] as const;
export type CreditNoteReason = (typeof creditNoteReasons)[number];
export const settlements = ['CREDIT_BALANCE', 'REFUND', 'NONE'] as const;
/** Where money in the tenant's favour goes: into the credit balance, back through the provider, or nowhere. */
export type Settlement = (typeof settlements)[number];

export const creditSettlements = ['CREDIT_BALANCE', 'REFUND', 'OUTSIDE', 'OPEN_INVOICE'] as const;
/**
 * Where a credit note's money goes: as above, back to the tenant by other means than this system, or nowhere, because it was
 * never paid: then less is due of its invoice.
 */
export type CreditSettlement = (typeof creditSettlements)[number];

export const issuedSettlements = ['CREDIT_BALANCE', 'REFUND', 'OUTSIDE'] as const;
export type IssuedSettlement = (typeof issuedSettlements)[number];

export const creditNoteLineKinds = ['PRORATION_CREDIT', 'PRORATION_CHARGE', 'DISCOUNT', 'CORRECTION', 'TAX'] as const;
export type CreditNoteLineKind = (typeof creditNoteLineKinds)[number];

export interface CreditNoteLine {
  readonly id: Id<'CreditNoteLine'>;
  readonly creditNoteId: Id<'CreditNote'>;
  readonly tenantId: Id<'Tenant'>;
  readonly position: number;
  readonly kind: CreditNoteLineKind;
  readonly source: { readonly kind: SourceKind; readonly id: string };
  readonly invoiceLineId?: Id<'InvoiceLine'> | undefined;
  readonly description: string;
  readonly quantity: DecimalValue;
  /** In the tenant's favour where positive; a charge that the credit paid for at once is negative. */
  readonly amount: Money;
  readonly covers?: TimeSpan | undefined;
  /** Its part of the note's tax; positive in the tenant's favour. */
  readonly tax?: LineTax | undefined;
  readonly explanation: Explanation;
}

export interface CreditNote extends DocumentTax {
  readonly id: Id<'CreditNote'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly subscriptionId: Id<'Subscription'>;
  /** The one invoice whose lines it credits, where it is one: always where that was not paid yet. */
  readonly invoiceId?: Id<'Invoice'> | undefined;
  readonly number: string;
  readonly reason: CreditNoteReason;
  /** Why, in the partner's words. */
  readonly memo?: string | undefined;
  readonly settlement: CreditSettlement;
  /** The part of the total that is tax on top of prices. */
  readonly tax: Money;
  readonly total: Money;
  readonly issuedAt: Instant;
}

/** Of the notes of one act the one whose money is the tenant's, else one that came off an open invoice. */
export const noteOf = (notes: readonly CreditNote[]): CreditNote | undefined =>
  notes.find(({ settlement }) => settlement !== 'OPEN_INVOICE') ?? notes[0];

export const balanceEntryKinds = ['CREDIT_NOTE', 'APPLIED', 'RETURNED', 'OVERPAID', 'REFUNDED'] as const;
/**
 * Granted by a credit note; applied to an invoice; returned by an invoice that is void; paid beyond what was due; given back by a
 * refund or a lost dispute after it had been credited (positive: such a refund failed).
 */
export type BalanceEntryKind = (typeof balanceEntryKinds)[number];

/** One movement of a tenant's credit balance; append-only. */
export interface BalanceEntry {
  readonly id: Id<'BalanceEntry'>;
  readonly tenantId: Id<'Tenant'>;
  readonly kind: BalanceEntryKind;
  /** Positive: granted or returned. Negative: applied to an invoice, or given back. */
  readonly amount: Money;
  readonly balanceAfter: Money;
  readonly creditNoteId?: Id<'CreditNote'> | undefined;
  readonly invoiceId?: Id<'Invoice'> | undefined;
  /** What gave it back. */
  readonly refundId?: string | undefined;
  readonly disputeId?: string | undefined;
  readonly createdAt: Instant;
}
