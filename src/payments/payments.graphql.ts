import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { Instant } from '../core/calendar';
import { encodeId } from '../core/ids';
import { enumFrom } from '../graphql/enums';
import { MoneyInputType, MoneyType, toGraphqlMoney } from '../graphql/money.graphql';
import { MutationDone } from '../graphql/mutation.graphql';
import { connectionOf } from '../graphql/page.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { DateTimeScalar } from '../graphql/scalars';
import { InvoiceType } from '../invoicing/invoicing.graphql';
import {
  type Collection,
  type CollectionStatus,
  collectionStatuses,
  type DunningPolicy,
  type FinalAction,
  finalActions,
  type WithoutMethod,
  withoutMethods,
} from './dunning';
import { type InboundStatus, inboundStatuses, type StoredInboundEvent } from './inbound-event';
import {
  type Dispute,
  type DisputeStatus,
  disputeStatuses,
  type Payment,
  type PaymentStatus,
  paymentStatuses,
  type Refund,
  type RefundReason,
  type RefundStatus,
  refundReasons,
  refundStatuses,
} from './payment';
import type { PaymentMethod } from './payment-method';
import {
  type DeclineCode,
  declineCodes,
  type MethodFacts,
  methodKinds,
  type ProviderName,
  providerNames,
} from './provider';
import { type Surplus, surpluses } from './record-payment.command';

export const PaymentProviderEnum = enumFrom('PaymentProvider', providerNames, 'Who moves the money.', {
  STRIPE: 'Stripe.',
  PADDLE: 'Paddle, as merchant of record.',
  FAKE: 'A provider in the gateway itself, for the demo: no money moves.',
});
export const PaymentStatusEnum = enumFrom('PaymentStatus', paymentStatuses, 'Where a payment stands.', {
  PENDING: 'The provider is being asked, or could not say yet; it is asked again.',
  REQUIRES_ACTION: 'The customer must confirm it, at actionUrl.',
  SUCCEEDED: 'The money came.',
  DECLINED: 'The payment method was declined.',
});
export const DeclineCodeEnum = enumFrom('DeclineCode', declineCodes, 'Why a payment method was declined.', {
  CARD_DECLINED: 'The bank does not say why.',
  INSUFFICIENT_FUNDS: 'There is not enough money on it.',
  EXPIRED_METHOD: 'It has expired.',
  METHOD_NOT_FOUND: 'There is no such method any more.',
  LOST_OR_STOLEN: 'It was reported lost or stolen.',
  FRAUD_SUSPECTED: 'Fraud is suspected.',
  AMOUNT_NOT_ALLOWED: 'The amount is beyond what it allows.',
  AUTHENTICATION_REQUIRED:
    'The bank wants its customer there: save a card on the page of the provider, and pay with it.',
  CANCELLED: 'It waited for its customer, and another method was taken instead.',
  OTHER: 'Another reason.',
});
export const RefundStatusEnum = enumFrom('RefundStatus', refundStatuses, 'Where a refund stands.', {
  PENDING: 'The provider is being asked.',
  SUCCEEDED: 'The money went back.',
  FAILED: 'It could not go back.',
});
export const RefundReasonEnum = enumFrom('RefundReason', refundReasons, 'What a refund came from.', {
  REQUESTED: 'Somebody asked for it.',
  CREDIT_NOTE: 'It settles a credit note.',
  PAID_TWICE: 'Nothing was due any more: the invoice had been paid in another way or credited meanwhile, or was void.',
  OVERPAID: 'A part was not due any more: the invoice had been credited while it was charged.',
  AT_PROVIDER: 'It was made at the provider, on its own pages, and heard of by an event or by reconciliation.',
  OUTSIDE: 'It was made outside, in cash or by bank, and the partner booked it.',
});
export const DisputeStatusEnum = enumFrom('DisputeStatus', disputeStatuses, 'Where a dispute stands.', {
  OPEN: 'The bank has not decided.',
  WON: 'The money stays.',
  LOST: 'The money went back to the customer.',
});
export const PaymentMethodKindEnum = enumFrom('PaymentMethodKind', methodKinds, 'What a payment method is.', {
  CARD: 'A card.',
  BANK_DEBIT: 'A debit from a bank account.',
  OTHER: 'Something else.',
});
export const CollectionStatusEnum = enumFrom(
  'CollectionStatus',
  collectionStatuses,
  'How far an invoice is to being paid.',
  {
    OPEN: 'It is tried at nextAttemptAt, or dunned where there is no payment method; without that date it waits for an attempt that is under way, or for a method.',
    PAID: 'It is paid.',
    EXHAUSTED: 'All tries failed. It can still be paid, and another payment method is tried at once.',
    STOPPED: 'Nobody tries any more.',
  },
);
export const FinalActionEnum = enumFrom('DunningFinalAction', finalActions, 'What happens after the last try.', {
  UNPAID: 'The subscription stays and owes; access has ended with the grace.',
  CANCEL: 'The subscription ends; the debt stays until it is paid or given up, and a new start stands as it says.',
});
export const WithoutMethodEnum = enumFrom(
  'DunningWithoutMethod',
  withoutMethods,
  'What happens when an invoice is due and its tenant has no payment method.',
  {
    DUN: 'It is a debt like one that was declined: past due with the grace, then the days and the end of the policy. Of tenants that have, or had, a method, and of those for whom payment terms were set (0 days too).',
    WAIT: 'It stays open and takes no access, until there is a method: the partner collects in its own way. A debt that has begun goes on.',
  },
);
export const InboundStatusEnum = enumFrom('InboundEventStatus', inboundStatuses, "Where a provider's event stands.", {
  RECEIVED: 'It waits to be processed.',
  APPLIED: 'What it says holds.',
  IGNORED: 'Nothing is done about it; it is kept.',
  PARKED: 'It contradicts what is known here; reason says how. Nothing was changed by it.',
});

@ObjectType('Refund', { description: 'Money of a payment that goes back.', simpleResolvers: true })
export class RefundType {
  @Field(() => ID, { description: 'refund_…' })
  id: string;
  @Field(() => RefundStatusEnum, { description: 'Where it stands.' })
  status: RefundStatus;
  @Field(() => RefundReasonEnum, { description: 'What it came from.' })
  reason: RefundReason;
  @Field(() => String, { nullable: true, description: 'Why, in the words of who asked for it.' })
  memo?: string | undefined;
  @Field(() => String, {
    nullable: true,
    description:
      "How it can be found where it was made: the provider's own id of it; OUTSIDE: the partner's reference.",
  })
  externalId?: string | undefined;
  @Field(() => MoneyType, { description: 'How much.' })
  amount: MoneyType;
  @Field(() => ID, { nullable: true, description: 'The credit note that it settles.' })
  creditNoteId?: string | undefined;
  @Field(() => String, { nullable: true, description: "FAILED: the provider's word for why." })
  failureCode?: string | undefined;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  createdAt: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'UTC.' })
  settledAt?: Instant | undefined;
}

export function toGraphqlRefund(refund: Refund): RefundType {
  const { status, reason, memo, externalId, failureCode, createdAt, settledAt, tenantId } = refund;
  return {
    ...{ status, reason, memo, externalId, failureCode, createdAt, settledAt },
    id: encodeId('Refund', refund.id, tenantId),
    amount: toGraphqlMoney(refund.amount),
    creditNoteId: refund.creditNoteId && encodeId('CreditNote', refund.creditNoteId, tenantId),
  };
}

@ObjectType('Dispute', { description: "A customer's bank asks for its money back.", simpleResolvers: true })
export class DisputeType {
  @Field(() => ID, { description: 'dispute_…' })
  id: string;
  @Field(() => DisputeStatusEnum, { description: 'Where it stands.' })
  status: DisputeStatus;
  @Field(() => String, { description: "The provider's word for why." })
  reason: string;
  @Field(() => MoneyType, { description: 'How much is asked back.' })
  amount: MoneyType;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  openedAt: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'UTC.' })
  closedAt?: Instant | undefined;
}

export function toGraphqlDispute(dispute: Dispute): DisputeType {
  const { status, reason, openedAt, closedAt } = dispute;
  return {
    ...{ status, reason, openedAt, closedAt },
    id: encodeId('Dispute', dispute.id, dispute.tenantId),
    amount: toGraphqlMoney(dispute.amount),
  };
}

@ObjectType('PaymentMethod', {
  description: 'What a tenant pays with. Its number is with the provider and never here.',
  simpleResolvers: true,
})
export class PaymentMethodType {
  @Field(() => ID, { description: 'method_…' })
  id: string;
  @Field(() => PaymentProviderEnum, { description: 'Who keeps it.' })
  provider: ProviderName;
  @Field(() => PaymentMethodKindEnum, { description: 'What it is.' })
  kind: MethodFacts['kind'];
  @Field(() => String, { nullable: true, description: 'For people, e.g. visa.' })
  brand?: string | undefined;
  @Field(() => String, { nullable: true, description: 'The last digits of its number.' })
  last4?: string | undefined;
  @Field(() => Int, { nullable: true, description: '1 to 12.' })
  expiresMonth?: number | undefined;
  @Field(() => Int, { nullable: true, description: 'Four digits.' })
  expiresYear?: number | undefined;
  @Field(() => Boolean, { description: 'Invoices are paid with it.' })
  isDefault: boolean;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  createdAt: Instant;
}

export function toGraphqlPaymentMethod(method: PaymentMethod): PaymentMethodType {
  const { provider, kind, brand, last4, expiresMonth, expiresYear, isDefault, createdAt } = method;
  return {
    ...{ provider, kind, brand, last4, expiresMonth, expiresYear, isDefault, createdAt },
    id: encodeId('PaymentMethod', method.id, method.tenantId),
  };
}

@ObjectType('Payment', {
  description: 'Money for an invoice: one attempt to charge it, or what came outside the system.',
  simpleResolvers: true,
})
export class PaymentType {
  @Field(() => ID, { description: 'payment_…' })
  id: string;
  @Field(() => ID, { description: 'The invoice.' })
  invoiceId: string;
  @Field(() => ID, { nullable: true, description: 'What it is charged to; null where it came outside the system.' })
  paymentMethodId?: string | undefined;
  @Field(() => PaymentProviderEnum, {
    nullable: true,
    description: 'Who moves the money; null where it came outside the system.',
  })
  provider?: ProviderName | undefined;
  @Field(() => String, {
    nullable: true,
    description: 'It came outside the system: where it can be found there, a bank reference or the number of a cheque.',
  })
  reference?: string | undefined;
  @Field(() => String, { nullable: true, description: "The provider's own id of the charge, once it is known." })
  chargeId?: string | undefined;
  @Field(() => PaymentStatusEnum, { description: 'Where it stands.' })
  status: PaymentStatus;
  @Field(() => MoneyType, { description: 'How much.' })
  amount: MoneyType;
  @Field(() => MoneyType, { description: 'What refunds have taken of it, or are about to.' })
  refunded: MoneyType;
  @Field(() => DeclineCodeEnum, { nullable: true, description: 'DECLINED: why.' })
  declineCode?: DeclineCode | undefined;
  @Field(() => String, { nullable: true, description: 'REQUIRES_ACTION: where the customer confirms it.' })
  actionUrl?: string | undefined;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  createdAt: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'UTC.' })
  settledAt?: Instant | undefined;
  readonly uuid: string;
  readonly tenantUuid: string;
}

export function toGraphqlPayment(payment: Payment): PaymentType {
  const { provider, reference, status, declineCode, actionUrl, createdAt, settledAt, tenantId } = payment;
  const methodId = payment.paymentMethodId;
  return {
    ...{ provider, reference, status, declineCode, actionUrl, createdAt, settledAt },
    id: encodeId('Payment', payment.id, tenantId),
    invoiceId: encodeId('Invoice', payment.invoiceId, tenantId),
    paymentMethodId: methodId && encodeId('PaymentMethod', methodId, tenantId),
    chargeId: payment.externalId,
    amount: toGraphqlMoney(payment.amount),
    refunded: toGraphqlMoney(payment.refunded),
    uuid: payment.id,
    tenantUuid: tenantId,
  };
}

@ObjectType('InvoiceCollection', { description: 'An invoice on its way to being paid.', simpleResolvers: true })
export class InvoiceCollectionType {
  @Field(() => CollectionStatusEnum, { description: 'How far it is.' })
  status: CollectionStatus;
  @Field(() => Int, { description: 'Attempts that failed, and days on which there was no payment method to try.' })
  failures: number;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it is tried (again), or dunned, UTC.' })
  nextAttemptAt?: Instant | undefined;
  @Field(() => DateTimeScalar, { nullable: true, description: 'UTC. The grace of access counts from here.' })
  firstFailedAt?: Instant | undefined;
  readonly tenantUuid: string;
  readonly isOver: boolean;
}

export function toGraphqlCollection(collection: Collection): InvoiceCollectionType {
  const { status, failures, firstFailedAt, dueAt: nextAttemptAt, tenantId: tenantUuid, endedAt } = collection;
  return { status, failures, firstFailedAt, nextAttemptAt, tenantUuid, isOver: endedAt !== undefined };
}

@ObjectType('DunningPolicy', {
  description: 'What a partner does about an invoice that is due and not paid.',
  simpleResolvers: true,
})
export class DunningPolicyType {
  @Field(() => [Int], { description: 'Days after the first failure on which the payment is tried again.' })
  retryDays: readonly number[];
  @Field(() => Int, { description: 'Access goes on for that many days after the first failure.' })
  graceDays: number;
  @Field(() => FinalActionEnum, { description: 'What happens after the last try.' })
  finalAction: FinalAction;
  @Field(() => Boolean, {
    description:
      'While access is off, renewals and purchases are charged too. Else only the oldest debt is, and the rest once it is paid.',
  })
  chargesWhileOff: boolean;
  @Field(() => WithoutMethodEnum, { description: 'What happens where there is no payment method to try.' })
  withoutMethod: WithoutMethod;
  @Field(() => Int, { description: 'Grows with each change; 0: these are the defaults.' })
  version: number;
}

export function toGraphqlPolicy(policy: DunningPolicy): DunningPolicyType {
  return policy;
}

@ObjectType('InboundEvent', {
  description: 'An event that a payment provider has sent. What it says is not shown: it may hold personal data.',
  simpleResolvers: true,
})
export class InboundEventType {
  @Field(() => ID, { description: 'inbound_…' })
  id: string;
  @Field(() => PaymentProviderEnum, { description: 'Who sent it.' })
  provider: ProviderName;
  @Field(() => String, { description: "The provider's own id." })
  eventId: string;
  @Field(() => String, { description: "The provider's own type." })
  type: string;
  @Field(() => InboundStatusEnum, { description: 'Where it stands.' })
  status: InboundStatus;
  @Field(() => String, { nullable: true, description: 'Why it is parked or ignored, or waits.' })
  reason?: string | undefined;
  @Field(() => ID, { nullable: true, description: 'Whose money it is about, by what is known here.' })
  tenantId?: string | undefined;
  @Field(() => Int, { description: 'How often it was tried.' })
  attempts: number;
  @Field(() => DateTimeScalar, { description: 'By the provider, UTC.' })
  occurredAt: Instant;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  receivedAt: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'UTC.' })
  settledAt?: Instant | undefined;
}

export function toGraphqlInboundEvent(event: StoredInboundEvent): InboundEventType {
  const { id, tenantId, ...rest } = event;
  return { ...rest, id: encodeId('InboundEvent', id), tenantId: tenantId && encodeId('Tenant', tenantId) };
}

export const PaymentConnection = connectionOf('Payment', PaymentType);
export const PaymentMethodConnection = connectionOf('PaymentMethod', PaymentMethodType);
export const InboundEventConnection = connectionOf('InboundEvent', InboundEventType);

@InputType('AddPaymentMethodInput', { description: 'A payment method that the provider already has.' })
export class AddPaymentMethodInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => PaymentProviderEnum, { description: 'Who has it.' })
  provider: ProviderName;
  @Field(() => String, {
    description:
      "What the provider's own form gave to the customer's browser. FAKE: card_ok, card_declined, card_no_funds, card_expired, card_lost or card_action.",
  })
  token: string;
  @Field(() => Boolean, { nullable: true, description: 'Invoices are paid with it; the first one is so anyway.' })
  makeDefault?: boolean;
}

@InputType('StartPaymentMethodSetupInput', {
  description: 'A page of the provider on which a payment method is given.',
})
export class StartPaymentMethodSetupInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => PaymentProviderEnum, { description: 'Whose page.' })
  provider: ProviderName;
  @Field(() => String, { description: 'Where the customer goes afterwards: https.' })
  returnUrl: string;
  @Field(() => Boolean, { nullable: true, description: 'Invoices are paid with it; the first one is so anyway.' })
  makeDefault?: boolean;
}

@InputType('SetDefaultPaymentMethodInput', { description: 'What invoices are paid with.' })
export class SetDefaultPaymentMethodInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'method_…' })
  paymentMethodId: string;
}

@InputType('RemovePaymentMethodInput', { description: 'What nothing is charged to any more.' })
export class RemovePaymentMethodInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'method_…' })
  paymentMethodId: string;
}

@InputType('PayInvoiceInput', { description: 'Which invoice is paid now.' })
export class PayInvoiceInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'invoice_…' })
  invoiceId: string;
  @Field(() => ID, { nullable: true, description: 'Default: what invoices are paid with.' })
  paymentMethodId?: string;
}

export const SurplusEnum = enumFrom('PaymentSurplus', surpluses, 'What becomes of money beyond what is due.', {
  REFUSE: 'It is not booked: the refusal says what is due.',
  CREDIT_BALANCE: 'The rest goes into the credit balance, which pays the next invoices.',
});

@InputType('RecordPaymentInput', { description: 'Money that came outside the system for an invoice.' })
export class RecordPaymentInputType {
  @Field(() => ID, { nullable: true, description: 'The tenant; partners name it.' })
  tenantId?: string;
  @Field(() => ID, { description: 'invoice_…' })
  invoiceId: string;
  @Field(() => MoneyInputType, { description: 'How much came: all that is due, or a part.' })
  amount: MoneyInputType;
  @Field(() => String, {
    description:
      'Where it can be found: a bank reference, the number of a cheque. Booked once for all tenants of the partner; again after it was given back whole.',
  })
  reference: string;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it came. Default: now.' })
  receivedAt?: Instant;
  @Field(() => SurplusEnum, { nullable: true, description: 'What becomes of more than is due. Default: REFUSE.' })
  surplus?: Surplus;
}

@ObjectType('RecordPaymentDone', { description: 'The money is booked.', simpleResolvers: true })
export class RecordPaymentDone extends MutationDone {
  @Field(() => PaymentType, { description: 'The payment.' })
  payment: PaymentType;
  @Field(() => InvoiceType, { description: 'The invoice after it.' })
  invoice: InvoiceType;
}

@InputType('RefundPaymentInput', { description: 'How much of a payment goes back.' })
export class RefundPaymentInputType {
  @Field(() => ID, { nullable: true, description: 'The tenant; partners name it.' })
  tenantId?: string;
  @Field(() => ID, { description: 'payment_…' })
  paymentId: string;
  @Field(() => MoneyInputType, { nullable: true, description: 'Default: all that is left of it.' })
  amount?: MoneyInputType;
  @Field(() => String, { nullable: true, description: 'Why, for the books.' })
  memo?: string;
  @Field(() => String, {
    nullable: true,
    description:
      'It was given back outside, in cash or by bank: how it can be found there, 1 to 200 characters. It is booked, and no provider is asked. Again with the same reference is the same act.',
  })
  outsideReference?: string;
}

@InputType('SetDunningPolicyInput', { description: 'What is done about payments that fail.' })
export class SetDunningPolicyInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins.' })
  partnerId?: string;
  @Field(() => [Int], { description: 'Days after the first failure, ascending; at most ten.' })
  retryDays: number[];
  @Field(() => Int, { description: '0 to 365.' })
  graceDays: number;
  @Field(() => FinalActionEnum, { description: 'What happens after the last try.' })
  finalAction: FinalAction;
  @Field(() => Boolean, {
    nullable: true,
    description: 'Renewals and purchases are charged while access is off, too. Default: as it is; at first not.',
  })
  chargesWhileOff?: boolean;
  @Field(() => WithoutMethodEnum, {
    nullable: true,
    description: 'What happens where there is no payment method to try. Default: as it is, at first DUN.',
  })
  withoutMethod?: WithoutMethod;
  @Field(() => Int, { nullable: true, description: 'Refuses when the policy was changed since.' })
  expectedVersion?: number;
}

@InputType('RetryInboundEventInput', { description: 'Which parked event is tried again.' })
export class RetryInboundEventInputType {
  @Field(() => ID, { description: 'inbound_…' })
  inboundEventId: string;
}

@ObjectType('AddPaymentMethodDone', { description: 'The payment method is kept.', simpleResolvers: true })
export class AddPaymentMethodDone extends MutationDone {
  @Field(() => PaymentMethodType, { nullable: true, description: 'Null in a dry run: no provider was asked.' })
  paymentMethod?: PaymentMethodType | undefined;
}
@ObjectType('StartPaymentMethodSetupDone', { description: 'The page is there.', simpleResolvers: true })
export class StartPaymentMethodSetupDone extends MutationDone {
  @Field(() => String, { nullable: true, description: 'Where the customer goes. Null in a dry run.' })
  url?: string | undefined;
}
@ObjectType('SetDefaultPaymentMethodDone', { description: 'Invoices are paid with it.', simpleResolvers: true })
export class SetDefaultPaymentMethodDone extends MutationDone {
  @Field(() => PaymentMethodType, { description: 'The method.' })
  paymentMethod: PaymentMethodType;
}
@ObjectType('RemovePaymentMethodDone', { description: 'Nothing is charged to it any more.', simpleResolvers: true })
export class RemovePaymentMethodDone extends MutationDone {
  @Field(() => PaymentMethodType, { description: 'The method.' })
  paymentMethod: PaymentMethodType;
}
@ObjectType('PayInvoiceDone', {
  description: 'The payment method was charged, or is being charged: payment.status says.',
  simpleResolvers: true,
})
export class PayInvoiceDone extends MutationDone {
  @Field(() => PaymentType, { description: 'The attempt.' })
  payment: PaymentType;
  @Field(() => InvoiceType, { description: 'The invoice after it.' })
  invoice: InvoiceType;
}
@ObjectType('RefundPaymentDone', {
  description: 'The money goes back: refund.status says how far it is.',
  simpleResolvers: true,
})
export class RefundPaymentDone extends MutationDone {
  @Field(() => RefundType, { description: 'The refund.' })
  refund: RefundType;
  @Field(() => PaymentType, { description: 'The payment after it.' })
  payment: PaymentType;
}
@ObjectType('SetDunningPolicyDone', { description: 'It holds from the next failure on.', simpleResolvers: true })
export class SetDunningPolicyDone extends MutationDone {
  @Field(() => DunningPolicyType, { description: 'The policy.' })
  policy: DunningPolicyType;
}
@ObjectType('RetryInboundEventDone', { description: 'It is tried again if it was parked.', simpleResolvers: true })
export class RetryInboundEventDone extends MutationDone {
  @Field(() => InboundStatusEnum, { description: 'Where it stood.' })
  wasStatus: InboundStatus;
}

export const AddPaymentMethodResult = resultOf('AddPaymentMethod', AddPaymentMethodDone);
export const StartPaymentMethodSetupResult = resultOf('StartPaymentMethodSetup', StartPaymentMethodSetupDone);
export const SetDefaultPaymentMethodResult = resultOf('SetDefaultPaymentMethod', SetDefaultPaymentMethodDone);
export const RemovePaymentMethodResult = resultOf('RemovePaymentMethod', RemovePaymentMethodDone);
export const PayInvoiceResult = resultOf('PayInvoice', PayInvoiceDone);
export const RecordPaymentResult = resultOf('RecordPayment', RecordPaymentDone);
export const RefundPaymentResult = resultOf('RefundPayment', RefundPaymentDone);
export const SetDunningPolicyResult = resultOf('SetDunningPolicy', SetDunningPolicyDone);
export const RetryInboundEventResult = resultOf('RetryInboundEvent', RetryInboundEventDone);
