import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { partnersRight } from '../access/self-service.graphql';
import {
  AddonType,
  BillingIntervalEnum,
  FeatureType,
  PlanType,
  toGraphqlAddon,
  toGraphqlFeature,
  toGraphqlPlan,
} from '../catalog/catalog.graphql';
import type { Instant, LocalDate } from '../core/calendar';
import { decimalText } from '../core/decimal';
import { encodeId } from '../core/ids';
import type { IntervalUnit } from '../core/period';
import { enumFrom } from '../graphql/enums';
import { MoneyType, toGraphqlMoney } from '../graphql/money.graphql';
import { MutationDone } from '../graphql/mutation.graphql';
import { connectionOf } from '../graphql/page.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { BigIntScalar, DateTimeScalar, DecimalScalar, LocalDateScalar } from '../graphql/scalars';
import type { CreditSettlement, Settlement } from '../invoicing/credit-note';
import type { LineDraft, LineKind, TimeSpan } from '../invoicing/invoice';
import {
  CreditNoteType,
  CreditSettlementEnum,
  DocumentsDone,
  ExplanationType,
  InvoiceType,
  LineKindEnum,
  SettlementEnum,
  TimeSpanType,
  toGraphqlExplanation,
} from '../invoicing/invoicing.graphql';
import type { PlannedDocument } from '../invoicing/planned-document';
import {
  AddonSubscriptionType,
  ScheduledPlanChangeType,
  SubscriptionType,
} from '../subscriptions/subscriptions.graphql';
import {
  type AttachmentOutcomeKind,
  attachmentOutcomes,
  type UnavailableAddonPolicy,
  unavailableAddonPolicies,
} from './judge-attachments';
import { type AnchorMode, anchorModes } from './plan-change';
import type { PlanChangeProration } from './plan-change-proration';
import type { ProrationPreview } from './proration-preview.query';
import { QuoteType } from './quote.graphql';
import type { FeatureDifference } from './source-change';

export const AnchorModeEnum = enumFrom('AnchorMode', anchorModes, 'What becomes of the billing period.', {
  KEEP: 'The period stays, and the target is prorated for the rest of it.',
  RESET: 'A new full period begins today and is charged whole; forced when the interval changes.',
});
export const EffectiveEnum = enumFrom(
  'Effective',
  ['NOW', 'PERIOD_END', 'DATE'] as const,
  'When a change takes place.',
  {
    NOW: 'At once.',
    PERIOD_END: 'When the current period ends; nothing is prorated.',
    DATE: 'At the start of a day of the current period.',
  },
);
export const UnavailableAddonPolicyEnum = enumFrom(
  'UnavailableAddonPolicy',
  unavailableAddonPolicies,
  'What becomes of an attachment that the target plan does not sell.',
  {
    CANCEL_AND_CREDIT: 'It ends, with a credit for the unused part.',
    REFUSE: 'The change is refused.',
    KEEP: 'It stays.',
  },
);
export const AttachmentOutcomeEnum = enumFrom(
  'AttachmentOutcomeKind',
  attachmentOutcomes,
  'What becomes of an attachment.',
  {
    ADDED: 'It is attached, and charged for the rest of the period.',
    QUANTITY_CHANGED: 'It goes on in another quantity: the old one is credited, the new one charged.',
    CONTINUES: 'It goes on as it is; one that was cancelled to a date, until then.',
    REPRICED: 'It begins a new full period, at the price of the new interval.',
    ENDS_INCLUDED: 'It ends with a credit, because the plan includes it now.',
    ENDS_NOT_AVAILABLE: 'It ends with a credit, because the plan does not sell it.',
    ENDS_REQUIREMENT_MISSING:
      'It ends with a credit, because an add-on that it requires is neither attached any more nor in the plan.',
    ENDS_CANCELLED: 'It was cancelled to the end of the period, and the period ends now: the unused rest is credited.',
    KEPT: 'The plan does not sell it, and it is kept as asked.',
  },
);
const FeatureChangeEnum = enumFrom(
  'FeatureChange',
  ['GAINED', 'LOST', 'CHANGED'] as const,
  'What becomes of a feature that the tenant has, from all sources together: plan, add-ons, licences and grants.',
  {
    GAINED: 'The tenant does not have it yet.',
    LOST: 'The tenant does not have it any more, from any source.',
    CHANGED: 'The tenant has it otherwise.',
  },
);

@ObjectType('ProrationShare', {
  description: 'Which part of the period is left: a fraction that is never rounded.',
  simpleResolvers: true,
})
export class ProrationShareType {
  @Field(() => String, { description: 'DAY, SECOND or NONE.' })
  basis: string;
  @Field(() => BigIntScalar, { description: 'Days, or milliseconds, that are left.' })
  remaining: bigint;
  @Field(() => BigIntScalar, { description: 'Days, or milliseconds, of the full period.' })
  total: bigint;
}

@ObjectType('PreviewLine', { description: 'A line as it would stand on the document.', simpleResolvers: true })
export class PreviewLineType {
  @Field(() => LineKindEnum, { description: 'What it is for.' })
  kind: LineKind;
  @Field(() => String, { description: 'For people.' })
  description: string;
  @Field(() => DecimalScalar, { description: 'How many.' })
  quantity: string;
  @Field(() => MoneyType, { description: 'Charges are positive, discounts and credits negative.' })
  amount: MoneyType;
  @Field(() => TimeSpanType, { description: 'The time it is for.' })
  covers: TimeSpan;
  @Field(() => ExplanationType, { description: 'Why it has this amount.' })
  explanation: ExplanationType;
}

export function toGraphqlPreviewLine(line: LineDraft): PreviewLineType {
  const { kind, description, covers, explanation } = line;
  return {
    kind,
    description,
    covers,
    explanation: toGraphqlExplanation(explanation),
    quantity: decimalText(line.quantity),
    amount: toGraphqlMoney(line.amount),
  };
}

export const DocumentKindEnum = enumFrom('DocumentKind', ['INVOICE', 'CREDIT_NOTE'] as const, 'What a document is.', {
  INVOICE: 'It asks for money.',
  CREDIT_NOTE: 'It gives money, or what was not paid yet, back.',
});

@ObjectType('PlannedDocument', { description: 'A document as an act would make it.', simpleResolvers: true })
export class PlannedDocumentType {
  @Field(() => DocumentKindEnum, { description: 'What it is.' })
  kind: PlannedDocument['kind'];
  @Field(() => String, { description: 'What it comes from: an InvoiceReason, or a CreditNoteReason.' })
  reason: string;
  @Field(() => CreditSettlementEnum, { nullable: true, description: 'A credit note: where its money goes.' })
  settlement?: CreditSettlement | undefined;
  @Field(() => ID, { nullable: true, description: 'OPEN_INVOICE: the invoice of which so much less is due.' })
  invoiceId?: string | undefined;
  @Field(() => MoneyType, { description: 'With tax; negative for a credit note.' })
  total: MoneyType;
  @Field(() => [PreviewLineType], { description: 'Its lines in their order, tax too.' })
  lines: PreviewLineType[];
}

export function toGraphqlPlannedDocument(planned: PlannedDocument): PlannedDocumentType {
  const { kind, reason, total, document } = planned;
  const { settlement, invoice } = planned.kind === 'CREDIT_NOTE' ? planned : {};
  return {
    ...{ kind, reason, settlement, total: toGraphqlMoney(total), lines: document.lines.map(toGraphqlPreviewLine) },
    invoiceId: invoice && encodeId('Invoice', invoice.id, invoice.tenantId),
  };
}

@ObjectType('AttachmentOutcome', { description: 'What becomes of an attached add-on.', simpleResolvers: true })
export class AttachmentOutcomeType {
  @Field(() => ID, { nullable: true, description: 'addonsub_…; null: it is not attached yet.' })
  addonSubscriptionId?: string | undefined;
  @Field(() => AddonType, { description: 'Which add-on.' })
  addon: AddonType;
  @Field(() => AttachmentOutcomeEnum, { description: 'What becomes of it.' })
  outcome: AttachmentOutcomeKind;
  @Field(() => MoneyType, { description: 'What is credited for it.' })
  credit: MoneyType;
}

@ObjectType('FeatureDifference', {
  description: 'A feature that a tenant has otherwise before and after a change.',
  simpleResolvers: true,
})
export class FeatureDifferenceType {
  @Field(() => FeatureType, { description: 'Which feature.' })
  feature: FeatureType;
  @Field(() => FeatureChangeEnum, { description: 'How.' })
  change: FeatureDifference['change'];
  @Field(() => String, { nullable: true, description: 'What the tenant has before, for people: all sources together.' })
  before?: string | undefined;
  @Field(() => String, { nullable: true, description: 'What the tenant has after, for people: all sources together.' })
  after?: string | undefined;
}

export function toGraphqlFeatureDifference({ feature, ...rest }: FeatureDifference): FeatureDifferenceType {
  return { ...rest, feature: toGraphqlFeature(feature) };
}

@ObjectType('ProrationPreview', {
  description: 'What a plan change costs and does. The change itself gives the same money to the cent.',
  simpleResolvers: true,
})
export class ProrationPreviewType {
  @Field(() => DateTimeScalar, { description: 'When the change would take place, UTC.' })
  effectiveAt: Instant;
  @Field(() => AnchorModeEnum, { description: 'What becomes of the period.' })
  anchor: AnchorMode;
  @Field(() => ProrationShareType, { description: 'Which part of the period is left.' })
  share: ProrationShareType;
  @Field(() => MoneyType, { description: 'For the unused time of what was paid, plan and add-ons; not negative.' })
  unusedCredit: MoneyType;
  @Field(() => MoneyType, { description: 'For the target; not negative.' })
  newCharge: MoneyType;
  @Field(() => MoneyType, { description: 'What coupons take off; not negative.' })
  discount: MoneyType;
  @Field(() => MoneyType, {
    description:
      'What is left to bill of the period that the change ends: usage, and add-ons that waited for an invoice. 0 where the period goes on, or ends by itself.',
  })
  closing: MoneyType;
  @Field(() => MoneyType, {
    description: "newCharge − unusedCredit − discount + closing; negative: in the tenant's favour.",
  })
  net: MoneyType;
  @Field(() => MoneyType, {
    description: 'What all documents come to, with tax; negative: in the tenant’s favour. The quote pins this.',
  })
  total: MoneyType;
  @Field(() => [PlannedDocumentType], {
    description: 'Every document that the change makes at its instant, in their order. Their totals add up to `total`.',
  })
  documents: PlannedDocumentType[];
  @Field(() => MoneyType, { description: 'What the credit balance pays of the invoices; the quote does not pin this.' })
  creditApplied: MoneyType;
  @Field(() => MoneyType, {
    description: 'What is left to pay at once: the totals of all invoices − creditApplied; 0 where nothing is due.',
  })
  amountDue: MoneyType;
  @Field(() => MoneyType, { description: 'Tax that comes on top of the net; negative where it comes back.' })
  tax: MoneyType;
  @Field(() => MoneyType, { description: "What goes into the tenant's favour: the surplus, or 0." })
  surplus: MoneyType;
  @Field(() => MoneyType, { description: 'Each full period from then on, before coupons and add-ons.' })
  recurring: MoneyType;
  @Field(() => TimeSpanType, { description: 'The billing period after the change.' })
  periodAfter: TimeSpan;
  @Field(() => [PreviewLineType], { description: 'The lines that make the net.' })
  lines: PreviewLineType[];
  @Field(() => [AttachmentOutcomeType], { description: 'What becomes of each attached add-on.' })
  addons: AttachmentOutcomeType[];
  @Field(() => [FeatureDifferenceType], { description: 'What the tenant gains and loses, from all sources together.' })
  differences: FeatureDifferenceType[];
  @Field(() => [String], {
    description: 'Codes of running discounts that the change ends: not kept, or no longer fitting.',
  })
  endingCoupons: string[];
  @Field(() => QuoteType, { description: 'Pins this price.' })
  quote: QuoteType;
  @Field(() => PlanType, { description: 'The current plan.' })
  planBefore: PlanType;
  @Field(() => PlanType, { description: 'The target.' })
  planAfter: PlanType;
}

export function toGraphqlProrationPreview(preview: ProrationPreview, token: string): ProrationPreviewType {
  const { change, target, planBefore, recurring } = preview.loaded;
  const { quoted, payable } = preview;
  return {
    effectiveAt: change.at,
    anchor: change.anchor,
    share: change.share,
    unusedCredit: toGraphqlMoney(change.unusedCredit),
    newCharge: toGraphqlMoney(change.newCharge),
    discount: toGraphqlMoney(change.discount),
    closing: toGraphqlMoney(quoted.closing),
    net: toGraphqlMoney(quoted.net),
    total: toGraphqlMoney(quoted.total),
    documents: quoted.documents.map(toGraphqlPlannedDocument),
    creditApplied: toGraphqlMoney(payable.creditApplied),
    amountDue: toGraphqlMoney(payable.amountDue),
    tax: toGraphqlMoney(quoted.tax),
    surplus: toGraphqlMoney(quoted.surplus),
    recurring: toGraphqlMoney(recurring),
    periodAfter: change.after.span,
    lines: quoted.lines.map(toGraphqlPreviewLine),
    addons: change.attachments.map(({ attachment, addon, outcome, credit }) => ({
      addonSubscriptionId:
        outcome === 'ADDED' ? undefined : encodeId('AddonSubscription', attachment.originId, attachment.tenantId),
      addon: toGraphqlAddon(addon),
      outcome,
      credit: toGraphqlMoney(credit),
    })),
    differences: preview.differences.map(toGraphqlFeatureDifference),
    endingCoupons: change.endingCoupons.map(({ coupon }) => coupon.code),
    quote: { token, expiresAt: preview.quote.expiresAt },
    planBefore: toGraphqlPlan(planBefore),
    planAfter: toGraphqlPlan(target.plan),
  };
}

@ObjectType('PlanChangeProration', {
  description: 'The audit row of a plan change: what was decided, and which document came of it.',
  simpleResolvers: true,
})
export class PlanChangeProrationType {
  @Field(() => ID, { description: 'proration_…' })
  id: string;
  @Field(() => DateTimeScalar, { description: 'When the change took place, UTC.' })
  changedAt: Instant;
  @Field(() => BillingIntervalEnum, { description: 'Before.' })
  intervalBefore: IntervalUnit;
  @Field(() => BillingIntervalEnum, { description: 'After.' })
  intervalAfter: IntervalUnit;
  @Field(() => BigIntScalar, { description: 'Before.' })
  quantityBefore: bigint;
  @Field(() => BigIntScalar, { description: 'After.' })
  quantityAfter: bigint;
  @Field(() => AnchorModeEnum, { description: 'What became of the period.' })
  anchor: AnchorMode;
  @Field(() => ProrationShareType, { description: 'Which part of the period was left.' })
  share: ProrationShareType;
  @Field(() => MoneyType, { description: 'For the unused time; not negative.' })
  unusedCredit: MoneyType;
  @Field(() => MoneyType, { description: 'For the target; not negative.' })
  newCharge: MoneyType;
  @Field(() => MoneyType, { description: 'What coupons took off; not negative.' })
  couponDiscount: MoneyType;
  @Field(() => MoneyType, { description: "Negative: in the tenant's favour." })
  net: MoneyType;
  @Field(() => Boolean, { description: 'No money moved.' })
  waived: boolean;
  @Field(() => String, { description: 'INVOICE, CREDIT_BALANCE, REFUND, NONE or WAIVED.' })
  settlement: string;
  @Field(() => ID, { nullable: true, description: 'The invoice that came of it.' })
  invoiceId?: string | undefined;
  @Field(() => ID, { nullable: true, description: 'The credit note that came of it.' })
  creditNoteId?: string | undefined;
  readonly planUuidBefore: string;
  readonly planUuidAfter: string;
}

export function toGraphqlPlanChangeProration(proration: PlanChangeProration): PlanChangeProrationType {
  const { tenantId, planIdBefore, planIdAfter, invoiceId, creditNoteId, ...rest } = proration;
  return {
    ...rest,
    id: encodeId('Proration', proration.id, tenantId),
    unusedCredit: toGraphqlMoney(proration.unusedCredit),
    newCharge: toGraphqlMoney(proration.newCharge),
    couponDiscount: toGraphqlMoney(proration.couponDiscount),
    net: toGraphqlMoney(proration.net),
    invoiceId: invoiceId && encodeId('Invoice', invoiceId, tenantId),
    creditNoteId: creditNoteId && encodeId('CreditNote', creditNoteId, tenantId),
    planUuidBefore: planIdBefore,
    planUuidAfter: planIdAfter,
  };
}

export const PlanChangeProrationConnection = connectionOf('PlanChangeProration', PlanChangeProrationType);

@InputType('AddonQuantityInput', { description: 'How many of an add-on there are from now on.' })
export class AddonQuantityInputType {
  @Field(() => ID, { description: 'Id or code. One that is not attached yet is added.' })
  addon: string;
  @Field(() => Int, { nullable: true, description: 'Default 1, or as many as are attached.' })
  quantity?: number;
}

@InputType('PlanChangeInput', { description: 'A plan change: the same for a preview and for the change itself.' })
export class PlanChangeInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, {
    nullable: true,
    description:
      'The target: id or code. Default: the plan as it was sold, for another interval or quantity or for add-ons alone. Named, it is the version that is sold now.',
  })
  plan?: string;
  @Field(() => BillingIntervalEnum, { nullable: true, description: 'Default: as it is.' })
  interval?: IntervalUnit;
  @Field(() => Int, { nullable: true, description: 'Default: as it is.' })
  quantity?: number;
  @Field(() => String, { nullable: true, description: 'A coupon that takes from the new charge.' })
  coupon?: string;
  @Field(() => AnchorModeEnum, { nullable: true, description: 'Default KEEP; an interval change forces RESET.' })
  anchor?: AnchorMode;
  @Field(() => EffectiveEnum, { nullable: true, description: 'Default NOW.' })
  effective?: 'NOW' | 'PERIOD_END' | 'DATE';
  @Field(() => LocalDateScalar, {
    nullable: true,
    description: 'With DATE: a day of the rest of the period, in the billing zone.',
  })
  effectiveDate?: LocalDate;
  @Field(() => Boolean, {
    nullable: true,
    description:
      'Keep running discounts whose coupons fit what follows: plan, add-ons, interval and minimum. Within a period they give again what went back with the items that are credited. A new full period counts as one of their periods, and a coupon that counts periods ends with another interval. Default false: they end. ' +
      partnersRight('KEEP_DISCOUNTS_ON_RESET', 'true where a new period begins'),
  })
  keepRunningDiscounts?: boolean;
  @Field(() => UnavailableAddonPolicyEnum, {
    nullable: true,
    description: `Default CANCEL_AND_CREDIT. ${partnersRight('KEEP_UNAVAILABLE_ADDONS', 'KEEP')}`,
  })
  unavailableAddons?: UnavailableAddonPolicy;
  @Field(() => Boolean, {
    nullable: true,
    description: `No money moves. Default false. ${partnersRight('WAIVE', 'true')}`,
  })
  waived?: boolean;
  @Field(() => SettlementEnum, {
    nullable: true,
    description: `Where a surplus goes. Default CREDIT_BALANCE. ${partnersRight('REFUND', 'REFUND')}`,
  })
  settlement?: Settlement;
  @Field(() => [AddonQuantityInputType], {
    nullable: true,
    description:
      'How many of which add-ons there are from now on, each once, at most 20; those that are not named stay as they are. One atomic change with the plan, on one document.',
  })
  addons?: AddonQuantityInputType[];
}

@ObjectType('ChangePlanDone', { description: 'The plan was changed, or the change waits.', simpleResolvers: true })
export class ChangePlanDone extends DocumentsDone {
  @Field(() => SubscriptionType, { description: 'The subscription as it is now.' })
  subscription: SubscriptionType;
  @Field(() => MoneyType, { description: "As the net of a preview; negative: in the tenant's favour." })
  net: MoneyType;
  @Field(() => PlanChangeProrationType, { nullable: true, description: 'The audit row; null while the change waits.' })
  proration?: PlanChangeProrationType | undefined;
  @Field(() => InvoiceType, {
    nullable: true,
    description: "The change's own invoice, where its lines come to more than 0.",
  })
  invoice?: InvoiceType | undefined;
  @Field(() => CreditNoteType, {
    nullable: true,
    description:
      "The change's own credit note, where they come to less; without one, the first that comes off an open invoice.",
  })
  creditNote?: CreditNoteType | undefined;
  @Field(() => ScheduledPlanChangeType, { nullable: true, description: 'The change that waits.' })
  scheduled?: ScheduledPlanChangeType | undefined;
  @Field(() => [AddonSubscriptionType], {
    description: 'The attachments that it added, or that go on in another quantity.',
  })
  addonSubscriptions: AddonSubscriptionType[];
}

@InputType('CancelScheduledPlanChangeInput', { description: 'Whose waiting plan change is taken back.' })
export class CancelScheduledPlanChangeInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
}

@ObjectType('CancelScheduledPlanChangeDone', { description: 'The plan stays as it is.', simpleResolvers: true })
export class CancelScheduledPlanChangeDone extends MutationDone {
  @Field(() => SubscriptionType, { description: 'The subscription.' })
  subscription: SubscriptionType;
}

export const ProrationPreviewResult = resultOf('ProrationPreview', ProrationPreviewType);
export const ChangePlanResult = resultOf('ChangePlan', ChangePlanDone);
export const CancelScheduledPlanChangeResult = resultOf('CancelScheduledPlanChange', CancelScheduledPlanChangeDone);
