import { createUnionType, Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { CouponOrderEnum } from '../access/access.graphql';
import type { CouponOrder } from '../access/partner';
import { partnersRight } from '../access/self-service.graphql';
import { AddonType, PlanType } from '../catalog/catalog.graphql';
import type { Instant } from '../core/calendar';
import { decimalText } from '../core/decimal';
import { type Explanation, type OperandSource, operandSourceKinds } from '../core/explain';
import { encodeId, type IdKind, isUuid } from '../core/ids';
import type { Money } from '../core/money';
import { CouponType } from '../coupons/coupons.graphql';
import { enumFrom } from '../graphql/enums';
import { MoneyInputType, MoneyType, toGraphqlMoney } from '../graphql/money.graphql';
import { MutationDone } from '../graphql/mutation.graphql';
import { connectionOf, countedConnectionOf } from '../graphql/page.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars';
import type { TaxTreatment } from '../tax/tax';
import {
  BillingPartyType,
  LineTaxType,
  TaxSummaryType,
  TaxTreatmentEnum,
  toGraphqlLineTax,
  toGraphqlParty,
  toGraphqlTaxSummary,
} from '../tax/tax.graphql';
import {
  type BalanceEntry,
  type BalanceEntryKind,
  balanceEntryKinds,
  type CreditNote,
  type CreditNoteLine,
  type CreditNoteLineKind,
  type CreditNoteReason,
  type CreditSettlement,
  creditNoteLineKinds,
  creditNoteReasons,
  creditSettlements,
  type IssuedSettlement,
  issuedSettlements,
  settlements,
} from './credit-note';
import { documentFormats } from './document-ticket';
import {
  type DocumentTax,
  type Invoice,
  type InvoiceKind,
  type InvoiceLine,
  type InvoiceReason,
  type InvoiceStatus,
  invoiceKinds,
  invoiceReasons,
  invoiceStatuses,
  type LineKind,
  lineKinds,
  type SourceKind,
  type TimeSpan,
} from './invoice';
import type { MadeDocuments } from './made-documents';

export const LineKindEnum = enumFrom('LineKind', lineKinds, 'What a line is for.', {
  PLAN_FIXED: 'The plan for a period, in advance.',
  ADDON_FIXED: 'An add-on for a period, in advance.',
  PRORATION_CHARGE: 'A plan or add-on for the rest of a period.',
  PRORATION_CREDIT: 'The unused rest of what was paid for a plan or add-on; negative on an invoice.',
  PLAN_USAGE: "Usage within the plan's limits.",
  ADDON_USAGE: "Usage within an add-on's limits.",
  OVERAGE: 'Usage beyond all limits.',
  DISCOUNT: 'A coupon; negative.',
  LICENCE: 'Licences.',
  TAX: 'Tax.',
  CREDIT_APPLIED: 'Credit balance that pays for a part.',
});
export const CreditNoteLineKindEnum = enumFrom(
  'CreditNoteLineKind',
  creditNoteLineKinds,
  'What a line of a credit note is for.',
  {
    PRORATION_CREDIT: 'The unused rest of what was paid for a plan or add-on.',
    PRORATION_CHARGE: 'A plan or add-on that the credit paid for at once; negative.',
    DISCOUNT: 'A coupon on such a charge.',
    CORRECTION: 'A part of a line of an invoice.',
    TAX: 'The tax on it.',
  },
);
export const InvoiceStatusEnum = enumFrom('InvoiceStatus', invoiceStatuses, 'Where an invoice stands.', {
  DRAFT: 'Not issued yet.',
  FINALIZED: 'Issued and to be paid; a part may be paid or credited already.',
  PAID: 'Nothing is due any more: all of it is paid, or was credited.',
  VOID: 'Taken back as a whole.',
  UNCOLLECTIBLE: 'It will not be paid.',
});
export const InvoiceKindEnum = enumFrom('InvoiceKind', invoiceKinds, 'What an invoice bills.', {
  PERIOD: 'A billing period; there is one for each.',
  ONE_TIME: 'A change within a period.',
});
export const InvoiceReasonEnum = enumFrom('InvoiceReason', invoiceReasons, 'What an invoice came from.', {
  START: "A subscription's first period.",
  RENEWAL: 'A new period.',
  PLAN_CHANGE: 'A plan change.',
  ADDON: 'An add-on that was attached.',
  FINAL: "A subscription's end.",
});
export const SettlementEnum = enumFrom('Settlement', settlements, "Where money in the tenant's favour goes.", {
  CREDIT_BALANCE: 'Into the credit balance, which pays the next invoices.',
  REFUND: 'Back through the payment provider.',
  NONE: 'Nowhere: what was paid stays with the new state.',
});
export const CreditSettlementEnum = enumFrom(
  'CreditSettlement',
  creditSettlements,
  "Where a credit note's money goes.",
  {
    CREDIT_BALANCE: 'Into the credit balance, which pays the next invoices.',
    REFUND: 'Back through the payment provider.',
    OUTSIDE: 'Back by other means than this system, e.g. by bank transfer.',
    OPEN_INVOICE: 'Off what was still due of its invoice (`invoiceId`): no money moves, less of it is collected.',
  },
);
export const IssuedSettlementEnum = enumFrom(
  'IssuedSettlement',
  issuedSettlements,
  'Where the money of a credit note goes that is issued by hand.',
  {
    CREDIT_BALANCE: 'Into the credit balance, which pays the next invoices.',
    REFUND: "Back through the payment provider: the invoice's own payments first.",
    OUTSIDE: 'Back by other means than this system, e.g. by bank transfer.',
  },
);
export const CreditNoteReasonEnum = enumFrom('CreditNoteReason', creditNoteReasons, 'What a credit note came from.', {
  PLAN_CHANGE: 'A plan change.',
  ADDON_CANCELLED: 'An add-on that was cancelled at once.',
  CANCELLATION: 'A subscription that was cancelled at once.',
  CORRECTION: 'A correction of an invoice.',
});

export const BalanceEntryKindEnum = enumFrom('BalanceEntryKind', balanceEntryKinds, 'Why the credit balance moved.', {
  CREDIT_NOTE: 'Granted by a credit note.',
  APPLIED: 'It paid for a part of an invoice.',
  RETURNED: 'Back from an invoice that is void.',
  OVERPAID: 'Paid beyond what was due any more, and it could not go back the way it came.',
  REFUNDED: 'Given back by a refund or a lost dispute after it had been credited; positive: such a refund failed.',
});

export const OperandSourceKindEnum = enumFrom('OperandSourceKind', operandSourceKinds, 'What an operand comes from.', {
  PLAN: 'A plan.',
  ADDON: 'An add-on.',
  COUPON: 'A coupon.',
  TAX_RATE: 'A tax rate.',
  INVOICE: 'An invoice that is corrected.',
  LICENCE_PRODUCT: 'A licence product.',
  FEATURE: 'A feature whose allowance decided.',
});

const operandIds = {
  PLAN: 'Plan',
  ADDON: 'Addon',
  COUPON: 'Coupon',
  TAX_RATE: 'TaxRate',
  INVOICE: 'Invoice',
  LICENCE_PRODUCT: 'LicenceProduct',
  FEATURE: 'Feature',
} as const satisfies Record<OperandSource['kind'], IdKind>;

@ObjectType('OperandSource', { description: 'What an operand comes from.', simpleResolvers: true })
export class OperandSourceType {
  @Field(() => OperandSourceKindEnum, { description: 'What it is.' })
  kind: OperandSource['kind'];
  @Field(() => ID, { description: 'Its id: `node` finds it for callers that may read it.' })
  id: string;
  @Field(() => String, { description: 'Its name, code or number, as it was then.' })
  name: string;
}

@ObjectType('Operand', { description: 'One number of a formula.', simpleResolvers: true })
export class OperandType {
  @Field(() => String, { description: 'Its name in the formula.' })
  name: string;
  @Field(() => String, { description: 'A plain decimal.' })
  value: string;
  @Field(() => String, { description: 'What is counted: a currency, days, units, %.' })
  unit: string;
  @Field(() => OperandSourceType, {
    nullable: true,
    description: 'What it comes from; null where it is of the act itself, or was explained before sources had names.',
  })
  source?: OperandSourceType | undefined;
}

@ObjectType('Explanation', {
  description: 'Why a line has its amount: enough to calculate it again.',
  simpleResolvers: true,
})
export class ExplanationType {
  @Field(() => String, { description: 'The rule.' })
  rule: string;
  @Field(() => String, { description: 'Operand names with + - * /, brackets, min and max; in major units.' })
  formula: string;
  @Field(() => [OperandType], { description: 'The numbers in it.' })
  operands: readonly OperandType[];
  @Field(() => String, { description: 'The value before rounding, cut off with … where it does not end.' })
  exact: string;
  @Field(() => String, { description: 'How it was rounded.' })
  rounding: string;
  @Field(() => String, { description: 'The rounded amount, major units.' })
  result: string;
  @Field(() => String, { description: 'All of it in one sentence.' })
  sentence: string;
}

/** What was explained before sources had names has the key of a row there. */
function toGraphqlOperandSource(source: OperandSource | string | undefined): OperandSourceType | undefined {
  if (source === undefined || typeof source === 'string' || !isUuid(source.id)) return undefined;
  const { kind, id, tenantId, name } = source;
  return { kind, name, id: encodeId(operandIds[kind], id, tenantId) };
}

export function toGraphqlExplanation(explanation: Explanation): ExplanationType {
  const operands = explanation.operands.map(({ source, ...operand }) => ({
    ...operand,
    source: toGraphqlOperandSource(source),
  }));
  return { ...explanation, operands };
}

@ObjectType('TimeSpan', { description: 'Half-open: the start belongs to it, the end does not.', simpleResolvers: true })
export class TimeSpanType {
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  start: Instant;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  end: Instant;
}

export const LineSource = createUnionType({
  name: 'LineSource',
  description: 'What a line is for.',
  types: () => [PlanType, AddonType, CouponType] as const,
  resolveType: (value) => (value as unknown as { __typename: string }).__typename,
});

export interface SourceReference {
  readonly kind: SourceKind;
  readonly id: string;
  readonly tenantUuid: string;
}

@ObjectType('InvoiceLine', {
  description: 'One line; its amount is rounded, and never rounded again.',
  simpleResolvers: true,
})
export class InvoiceLineType {
  @Field(() => ID, { description: 'line_…' })
  id: string;
  @Field(() => Int, { description: '1, 2, 3 …' })
  position: number;
  @Field(() => LineKindEnum, { description: 'What it is for.' })
  kind: LineKind;
  @Field(() => String, { description: 'For people.' })
  description: string;
  @Field(() => DecimalScalar, { description: 'How many.' })
  quantity: string;
  @Field(() => MoneyType, { description: 'Charges are positive, discounts and credits negative.' })
  amount: MoneyType;
  @Field(() => TimeSpanType, { nullable: true, description: 'The time it is for.' })
  covers?: TimeSpan | undefined;
  @Field(() => ID, { nullable: true, description: 'A discount: the line it takes from.' })
  discountsLineId?: string | undefined;
  @Field(() => LineTaxType, { nullable: true, description: 'Its part of the tax.' })
  tax?: LineTaxType | undefined;
  @Field(() => ExplanationType, { description: 'Why it has this amount.' })
  explanation: ExplanationType;
  readonly sourceReference: SourceReference;
}

export function toGraphqlInvoiceLine(line: InvoiceLine): InvoiceLineType {
  return {
    id: encodeId('InvoiceLine', line.id, line.tenantId),
    position: line.position,
    kind: line.kind,
    description: line.description,
    quantity: decimalText(line.quantity),
    amount: toGraphqlMoney(line.amount),
    covers: line.covers,
    discountsLineId: line.discountsLineId && encodeId('InvoiceLine', line.discountsLineId, line.tenantId),
    tax: line.tax && toGraphqlLineTax(line.tax),
    explanation: toGraphqlExplanation(line.explanation),
    sourceReference: { ...line.source, tenantUuid: line.tenantId },
  };
}

const toGraphqlDocumentTax = (document: DocumentTax & { readonly tax: Money }) => ({
  tax: toGraphqlMoney(document.tax),
  taxes: document.taxes.map(toGraphqlTaxSummary),
  taxTreatment: document.taxTreatment,
  taxNote: document.taxNote,
  seller: document.billing.seller && toGraphqlParty(document.billing.seller),
  buyer: document.billing.buyer && toGraphqlParty(document.billing.buyer),
});

@ObjectType('Invoice', {
  description: 'What a tenant is asked to pay. Issued, only its state moves: corrections are credit notes.',
  simpleResolvers: true,
})
export class InvoiceType {
  @Field(() => ID, { description: 'invoice_…' })
  id: string;
  @Field(() => String, { description: 'Gap-free per partner, e.g. ACME-000042.' })
  number: string;
  @Field(() => InvoiceKindEnum, { description: 'What it bills.' })
  kind: InvoiceKind;
  @Field(() => InvoiceReasonEnum, { description: 'What it came from.' })
  reason: InvoiceReason;
  @Field(() => InvoiceStatusEnum, { description: 'Where it stands.' })
  status: InvoiceStatus;
  @Field(() => MoneyType, { description: 'Charges less proration credits.' })
  subtotal: MoneyType;
  @Field(() => MoneyType, { description: 'What coupons take off; not negative.' })
  discount: MoneyType;
  @Field(() => MoneyType, { description: 'What comes on top of the prices as tax.' })
  tax: MoneyType;
  @Field(() => [TaxSummaryType], { description: 'Each rate with what it is on; also of taxes that prices hold.' })
  taxes: TaxSummaryType[];
  @Field(() => TaxTreatmentEnum, { description: 'Whether tax is charged.' })
  taxTreatment: TaxTreatment;
  @Field(() => String, { nullable: true, description: 'Why none is.' })
  taxNote?: string | undefined;
  @Field(() => BillingPartyType, { nullable: true, description: 'Who sold, as it was when this was issued.' })
  seller?: BillingPartyType | undefined;
  @Field(() => BillingPartyType, { nullable: true, description: 'Who bought, as it was when this was issued.' })
  buyer?: BillingPartyType | undefined;
  @Field(() => MoneyType, { description: 'subtotal − discount + tax.' })
  total: MoneyType;
  @Field(() => MoneyType, {
    description: 'The part of `paid` that the credit balance paid when the invoice was issued.',
  })
  creditApplied: MoneyType;
  @Field(() => MoneyType, { description: 'What credit notes took off what was due; see CreditNote.settlement.' })
  credited: MoneyType;
  @Field(() => MoneyType, {
    description:
      'What was paid of it: from the credit balance, by payments, outside the system. What was paid beyond that went back and is no part of it; a later refund does not lower it.',
  })
  paid: MoneyType;
  @Field(() => MoneyType, {
    description: 'What is still due, and collected: total − credited − paid; 0 once the invoice is PAID or VOID.',
  })
  amountDue: MoneyType;
  @Field(() => TimeSpanType, { nullable: true, description: 'The billing period; null for a one-time invoice.' })
  period?: TimeSpan | undefined;
  @Field(() => CouponOrderEnum, { description: 'In which order coupons took from it.' })
  couponOrder: CouponOrder;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  issuedAt: Instant;
  @Field(() => DateTimeScalar, {
    description:
      "When it is to be paid, UTC: the time of its issue and so many calendar days more, in the tenant's zone, as the terms were then.",
  })
  dueDate: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was paid, or nothing was due, UTC.' })
  paidAt?: Instant | undefined;
  @Field(() => String, { nullable: true, description: 'How it was paid outside the system.' })
  paymentReference?: string | undefined;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was taken back, UTC.' })
  voidedAt?: Instant | undefined;
  @Field(() => String, { nullable: true, description: 'Why it was taken back.' })
  voidReason?: string | undefined;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was given up, UTC. It may be paid later.' })
  uncollectibleAt?: Instant | undefined;
  readonly uuid: string;
  readonly tenantUuid: string;
}

export function toGraphqlInvoice(invoice: Invoice): InvoiceType {
  const { number, kind, reason, status, period, couponOrder, issuedAt, dueAt: dueDate } = invoice;
  const { paidAt, paymentReference, voidedAt, voidReason, uncollectibleAt } = invoice;
  return {
    ...{ number, kind, reason, status, period, couponOrder, issuedAt, dueDate },
    ...{ paidAt, paymentReference, voidedAt, voidReason, uncollectibleAt },
    id: encodeId('Invoice', invoice.id, invoice.tenantId),
    subtotal: toGraphqlMoney(invoice.subtotal),
    discount: toGraphqlMoney(invoice.discount),
    ...toGraphqlDocumentTax(invoice),
    total: toGraphqlMoney(invoice.total),
    creditApplied: toGraphqlMoney(invoice.creditApplied),
    credited: toGraphqlMoney(invoice.credited),
    paid: toGraphqlMoney(invoice.paid),
    amountDue: toGraphqlMoney(invoice.amountDue),
    uuid: invoice.id,
    tenantUuid: invoice.tenantId,
  };
}

@ObjectType('CreditNoteLine', {
  description: "One line of a credit note; positive in the tenant's favour.",
  simpleResolvers: true,
})
export class CreditNoteLineType {
  @Field(() => ID, { description: 'creditline_…' })
  id: string;
  @Field(() => Int, { description: '1, 2, 3 …' })
  position: number;
  @Field(() => CreditNoteLineKindEnum, { description: 'What it is for.' })
  kind: CreditNoteLineKind;
  @Field(() => String, { description: 'For people.' })
  description: string;
  @Field(() => MoneyType, {
    description: "Positive in the tenant's favour; a charge that the credit paid at once is negative.",
  })
  amount: MoneyType;
  @Field(() => ID, {
    nullable: true,
    description: 'The invoice line it reverses. None where it reverses parts of several.',
  })
  invoiceLineId?: string | undefined;
  @Field(() => LineTaxType, { nullable: true, description: 'Its part of the tax.' })
  tax?: LineTaxType | undefined;
  @Field(() => TimeSpanType, { nullable: true, description: 'The time it is for.' })
  covers?: TimeSpan | undefined;
  @Field(() => ExplanationType, { description: 'Why it has this amount.' })
  explanation: ExplanationType;
  readonly sourceReference: SourceReference;
}

export function toGraphqlCreditNoteLine(line: CreditNoteLine): CreditNoteLineType {
  return {
    id: encodeId('CreditNoteLine', line.id, line.tenantId),
    position: line.position,
    kind: line.kind,
    description: line.description,
    amount: toGraphqlMoney(line.amount),
    invoiceLineId: line.invoiceLineId && encodeId('InvoiceLine', line.invoiceLineId, line.tenantId),
    covers: line.covers,
    tax: line.tax && toGraphqlLineTax(line.tax),
    explanation: toGraphqlExplanation(line.explanation),
    sourceReference: { ...line.source, tenantUuid: line.tenantId },
  };
}

@ObjectType('CreditNote', {
  description: "Money in the tenant's favour, with the lines it comes from.",
  simpleResolvers: true,
})
export class CreditNoteType {
  @Field(() => ID, { description: 'creditnote_…' })
  id: string;
  @Field(() => String, { description: 'Gap-free per partner, e.g. ACME-CN-000007.' })
  number: string;
  @Field(() => CreditNoteReasonEnum, { description: 'What it came from.' })
  reason: CreditNoteReason;
  @Field(() => ID, {
    nullable: true,
    description: 'The one invoice whose lines it credits: always set with OPEN_INVOICE and CORRECTION.',
  })
  invoiceId?: string | undefined;
  @Field(() => String, { nullable: true, description: 'Why, in the words of who issued it.' })
  memo?: string | undefined;
  @Field(() => CreditSettlementEnum, { description: 'Where the money went.' })
  settlement: CreditSettlement;
  @Field(() => MoneyType, { description: 'What comes on top of the prices as tax.' })
  tax: MoneyType;
  @Field(() => [TaxSummaryType], { description: 'Each rate with what it is on; also of taxes that prices hold.' })
  taxes: TaxSummaryType[];
  @Field(() => TaxTreatmentEnum, { description: 'Whether tax is charged.' })
  taxTreatment: TaxTreatment;
  @Field(() => String, { nullable: true, description: 'Why none is.' })
  taxNote?: string | undefined;
  @Field(() => BillingPartyType, { nullable: true, description: 'Who sold, as it was when this was issued.' })
  seller?: BillingPartyType | undefined;
  @Field(() => BillingPartyType, { nullable: true, description: 'Who bought, as it was when this was issued.' })
  buyer?: BillingPartyType | undefined;
  @Field(() => MoneyType, { description: "In the tenant's favour." })
  total: MoneyType;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  issuedAt: Instant;
  readonly uuid: string;
  readonly tenantUuid: string;
}

export function toGraphqlCreditNote(note: CreditNote): CreditNoteType {
  const { number, reason, memo, settlement, issuedAt } = note;
  return {
    ...{ number, reason, memo, settlement, issuedAt },
    invoiceId: note.invoiceId && encodeId('Invoice', note.invoiceId, note.tenantId),
    id: encodeId('CreditNote', note.id, note.tenantId),
    ...toGraphqlDocumentTax(note),
    total: toGraphqlMoney(note.total),
    uuid: note.id,
    tenantUuid: note.tenantId,
  };
}

export const DocumentFormatEnum = enumFrom('DocumentFormat', documentFormats, 'How a document is handed out.', {
  PDF: 'For people.',
  CSV: 'For spreadsheets: one row for each line and each total.',
});

@ObjectType('DocumentLink', { description: 'Where a document can be had for some minutes.', simpleResolvers: true })
export class DocumentLinkType {
  @Field(() => String, {
    description: 'Path and query on this gateway; whoever has it sees this document as the asker.',
  })
  path: string;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  expiresAt: Instant;
}

@ObjectType('BalanceEntry', { description: 'One movement of the credit balance.', simpleResolvers: true })
export class BalanceEntryType {
  @Field(() => ID, { description: 'balance_…' })
  id: string;
  @Field(() => BalanceEntryKindEnum, { description: 'Why it moved.' })
  kind: BalanceEntryKind;
  @Field(() => MoneyType, { description: 'Positive: granted or returned. Negative: applied to an invoice.' })
  amount: MoneyType;
  @Field(() => MoneyType, { description: 'The balance after it.' })
  balanceAfter: MoneyType;
  @Field(() => ID, { nullable: true, description: 'The credit note that granted it.' })
  creditNoteId?: string | undefined;
  @Field(() => ID, { nullable: true, description: 'The invoice it was applied to, or came back from.' })
  invoiceId?: string | undefined;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  createdAt: Instant;
}

export function toGraphqlBalanceEntry(entry: BalanceEntry): BalanceEntryType {
  return {
    id: encodeId('BalanceEntry', entry.id, entry.tenantId),
    kind: entry.kind,
    amount: toGraphqlMoney(entry.amount),
    balanceAfter: toGraphqlMoney(entry.balanceAfter),
    creditNoteId: entry.creditNoteId && encodeId('CreditNote', entry.creditNoteId, entry.tenantId),
    invoiceId: entry.invoiceId && encodeId('Invoice', entry.invoiceId, entry.tenantId),
    createdAt: entry.createdAt,
  };
}

export const InvoiceConnection = countedConnectionOf('Invoice', InvoiceType);
export const CreditNoteConnection = connectionOf('CreditNote', CreditNoteType);
export const BalanceEntryConnection = connectionOf('BalanceEntry', BalanceEntryType);

/** Of every act that makes documents: their whole list, so that their sum is what was quoted. */
@ObjectType()
export abstract class DocumentsDone extends MutationDone {
  @Field(() => [InvoiceType], {
    description:
      'Every invoice that this call issued, in the order of their numbers; what fell due before the act too.',
  })
  invoices: InvoiceType[];
  @Field(() => [CreditNoteType], { description: 'Every credit note that this call issued, likewise.' })
  creditNotes: CreditNoteType[];
}

export function toGraphqlDocuments({ invoices, creditNotes }: MadeDocuments) {
  return { invoices: invoices.map(toGraphqlInvoice), creditNotes: creditNotes.map(toGraphqlCreditNote) };
}

@InputType('AdvanceClockInput', { description: "Where a sandbox tenant's clock goes." })
export class AdvanceClockInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => DateTimeScalar, { description: `Not before the tenant's own now. ${partnersRight('TEST_CLOCK')}` })
  to: Instant;
}

@ObjectType('AdvanceClockDone', {
  description: 'The clock was moved, and what fell due on the way was carried out in order.',
  simpleResolvers: true,
})
export class AdvanceClockDone extends DocumentsDone {
  @Field(() => DateTimeScalar, { description: "The tenant's now, UTC." })
  now: Instant;
  @Field(() => Int, { description: 'Renewals, changes and ends that fell due.' })
  events: number;
}
export const AdvanceClockResult = resultOf('AdvanceClock', AdvanceClockDone);

@InputType('MarkInvoicePaidInput', { description: 'An invoice that was paid outside the system.' })
export class MarkInvoicePaidInputType {
  @Field(() => ID, { nullable: true, description: 'Whose invoice.' })
  tenantId?: string;
  @Field(() => ID, { description: 'Finalized or uncollectible.' })
  invoiceId: string;
  @Field(() => String, { description: "Where the money can be found: a bank reference, a cheque's number." })
  reference: string;
}

@ObjectType('MarkInvoicePaidDone', { description: 'The invoice is paid.', simpleResolvers: true })
export class MarkInvoicePaidDone extends MutationDone {
  @Field(() => InvoiceType, { description: 'As it stands now.' })
  invoice: InvoiceType;
}
export const MarkInvoicePaidResult = resultOf('MarkInvoicePaid', MarkInvoicePaidDone);

@InputType('VoidInvoiceInput', { description: 'An unpaid invoice that is taken back as a whole.' })
export class VoidInvoiceInputType {
  @Field(() => ID, { nullable: true, description: 'Whose invoice.' })
  tenantId?: string;
  @Field(() => ID, { description: 'Finalized or uncollectible.' })
  invoiceId: string;
  @Field(() => String, { description: '1 to 500 characters.' })
  reason: string;
  @Field(() => Boolean, {
    nullable: true,
    description:
      'true: the usage that it charged is given away. Default false: that usage is billed again, on the next invoice or, after the end, on a further final one.',
  })
  forgiveUsage?: boolean;
}

@ObjectType('VoidInvoiceDone', { description: 'The invoice is void.', simpleResolvers: true })
export class VoidInvoiceDone extends MutationDone {
  @Field(() => InvoiceType, { description: 'As it stands now.' })
  invoice: InvoiceType;
}
export const VoidInvoiceResult = resultOf('VoidInvoice', VoidInvoiceDone);

@InputType('MarkInvoiceUncollectibleInput', { description: 'An invoice that nobody expects to be paid.' })
export class MarkInvoiceUncollectibleInputType {
  @Field(() => ID, { nullable: true, description: 'Whose invoice.' })
  tenantId?: string;
  @Field(() => ID, { description: 'Finalized.' })
  invoiceId: string;
}

@ObjectType('MarkInvoiceUncollectibleDone', { description: 'The invoice is given up.', simpleResolvers: true })
export class MarkInvoiceUncollectibleDone extends MutationDone {
  @Field(() => InvoiceType, { description: 'As it stands now.' })
  invoice: InvoiceType;
}
export const MarkInvoiceUncollectibleResult = resultOf('MarkInvoiceUncollectible', MarkInvoiceUncollectibleDone);

@InputType('CreditLineInput', { description: 'How much of one line is given back.' })
export class CreditLineInputType {
  @Field(() => ID, { description: 'A charge on the invoice: line_…' })
  invoiceLineId: string;
  @Field(() => MoneyInputType, {
    description: 'Above zero; at most what is left of the line after discounts and earlier credits.',
  })
  amount: MoneyInputType;
}

@InputType('IssueCreditNoteInput', { description: 'What of an invoice is credited.' })
export class IssueCreditNoteInputType {
  @Field(() => ID, { nullable: true, description: 'Whose invoice.' })
  tenantId?: string;
  @Field(() => ID, { description: 'Any invoice that is not void.' })
  invoiceId: string;
  @Field(() => [CreditLineInputType], { description: '1 to 100 lines, each once.' })
  lines: CreditLineInputType[];
  @Field(() => IssuedSettlementEnum, {
    nullable: true,
    description: 'Where what was paid goes; what is still due comes off it. Default CREDIT_BALANCE.',
  })
  settlement?: IssuedSettlement;
  @Field(() => String, { nullable: true, description: 'Why, for the document: 1 to 500 characters.' })
  memo?: string;
}

@ObjectType('IssueCreditNoteDone', { description: 'The credit is given.', simpleResolvers: true })
export class IssueCreditNoteDone extends MutationDone {
  @Field(() => CreditNoteType, {
    description: 'The document; of two the one for what was paid.',
  })
  creditNote: CreditNoteType;
  @Field(() => [CreditNoteType], {
    description: 'One for what was still due, of which so much less is collected, and one for what was paid.',
  })
  creditNotes: CreditNoteType[];
}
export const IssueCreditNoteResult = resultOf('IssueCreditNote', IssueCreditNoteDone);
