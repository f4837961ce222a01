import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { AllowanceInputType, AllowanceType, CatalogStatusEnum, toGraphqlAllowance } from '../catalog/catalog.graphql';
import type { CatalogStatus } from '../catalog/plan';
import type { Instant } from '../core/calendar';
import { encodeId } from '../core/ids';
import { enumFrom } from '../graphql/enums';
import { MoneyInputType, MoneyType, toGraphqlMoney } from '../graphql/money.graphql';
import { MutationDone } from '../graphql/mutation.graphql';
import { connectionOf } from '../graphql/page.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { BigIntScalar, DateTimeScalar } from '../graphql/scalars';
import { ExplanationType, toGraphqlExplanation } from '../invoicing/invoicing.graphql';
import { QuoteType } from '../proration/quote.graphql';
import { purchaseState } from './accept-licence-purchase.command';
import { type Licence, type LicenceSeat, licenceStatuses, overAssigned } from './licence';
import { type PurchaseKind, purchaseKinds } from './licence-price';
import type { LicenceProduct } from './licence-product';
import {
  type LicencePurchase,
  type ParkReason,
  type PurchaseStatus,
  parkReasons,
  purchaseStatuses,
} from './licence-purchase';
import type { LicenceQuoted } from './licence-quote.query';

export const LicenceStatusEnum = enumFrom('LicenceStatus', licenceStatuses, 'Where a licence stands.', {
  TRIAL: 'It is tried.',
  ACTIVE: 'It was bought and runs.',
  EXPIRED: 'Its term has ended.',
  REFUNDED: 'No seat is left of it after a refund.',
});
export const LicencePurchaseKindEnum = enumFrom('LicencePurchaseKind', purchaseKinds, 'What a purchase is.', {
  FIRST: 'A new year at the standard price: nothing bought runs yet.',
  CO_TERMED: 'More seats of the term that runs, for the days that are left; its expiry stays.',
  AFTER_EXPIRY: 'A new year at the standard price, after the last term ended.',
  RENEWAL: 'Another year for all seats, from the current expiry.',
});
export const LicencePurchaseStatusEnum = enumFrom(
  'LicencePurchaseStatus',
  purchaseStatuses,
  'Where a purchase stands.',
  {
    OPEN: 'It waits for its payment.',
    COMPLETED: 'It was paid, and what was bought is granted.',
    PARKED: 'Something was paid that does not fit it: nothing was granted, and a person accepts or refuses it.',
    REFUNDED: 'All of it was refunded.',
    CLOSED: 'Nothing was paid, and a person put it away.',
  },
);
export const LicenceParkReasonEnum = enumFrom('LicenceParkReason', parkReasons, 'Why a payment granted nothing.', {
  TENANT_DIFFERS: 'It names another tenant.',
  CHECKOUT_DIFFERS: 'It was not paid through the checkout that was made for the purchase.',
  CURRENCY_DIFFERS: 'It was paid in another currency.',
  AMOUNT_DIFFERS: 'Another amount was paid.',
  QUANTITY_DIFFERS: 'Another quantity was paid for.',
  INTENT_EXPIRED: 'It was paid too late.',
  TERM_CHANGED: 'The term that the price was made for is not there any more.',
  CHECKOUT_REFUSED: 'The provider did not open a checkout; nothing was paid.',
});

@ObjectType('LicenceTrial', { description: 'How an organisation may try a licence.', simpleResolvers: true })
export class LicenceTrialType {
  @Field(() => Int, { description: 'Days.' })
  days: number;
  @Field(() => BigIntScalar, { description: 'Seats.' })
  seats: bigint;
}

@ObjectType('LicenceProduct', {
  description: 'What is sold to organisations by the seat and the year.',
  simpleResolvers: true,
})
export class LicenceProductType {
  @Field(() => ID, { description: 'licenceproduct_…' })
  id: string;
  @Field(() => String, { description: 'Unique per partner; stands wherever the id does.' })
  code: string;
  @Field(() => String, { description: 'For people.' })
  name: string;
  @Field(() => String, { description: 'For people; may be empty.' })
  description: string;
  @Field(() => CatalogStatusEnum, { description: 'Whether it is sold; who has it may add seats and renew.' })
  status: CatalogStatus;
  @Field(() => [MoneyType], { description: 'For one seat and a whole year, one for each currency.' })
  yearlyPrices: MoneyType[];
  @Field(() => [AllowanceType], { description: 'What a running licence gives; limits count for each seat.' })
  allowances: AllowanceType[];
  @Field(() => LicenceTrialType, { nullable: true, description: 'null: it cannot be tried.' })
  trial?: LicenceTrialType | undefined;
  @Field(() => Int, { description: 'Grows with each change; give it as expectedVersion.' })
  version: number;
  readonly uuid: string;
}

export function toGraphqlLicenceProduct(product: LicenceProduct): LicenceProductType {
  const { id, code, name, description, status, trial, version } = product;
  return {
    ...{ code, name, description, status, trial, version },
    id: encodeId('LicenceProduct', id),
    yearlyPrices: product.prices.map(({ yearly }) => toGraphqlMoney(yearly)),
    allowances: product.allowances.map(toGraphqlAllowance),
    uuid: id,
  };
}

@ObjectType('Licence', {
  description: 'One term of an organisation’s licence: seats from an instant to its expiry.',
  simpleResolvers: true,
})
export class LicenceType {
  @Field(() => ID, { description: 'licence_…' })
  id: string;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  startsAt: Instant;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'UTC; it gives nothing before: the payment of the time before it went back. Null: since its start.',
  })
  accessFrom?: Instant | undefined;
  @Field(() => DateTimeScalar, { description: 'UTC; from then on it gives nothing.' })
  expiresAt: Instant;
  @Field(() => BigIntScalar, { description: 'Bought, less what was refunded.' })
  seats: bigint;
  @Field(() => BigIntScalar, { description: 'Given to people.' })
  assigned: bigint;
  @Field(() => BigIntScalar, {
    description: 'Given to more people than there are seats for; only after a refund. Revoke as many.',
  })
  overAssigned: bigint;
  @Field(() => Boolean, { description: 'The provider bills another year by itself.' })
  autoRenew: boolean;
  @Field(() => Int, { description: 'Grows with each change.' })
  version: number;
  readonly licence: Licence;
  readonly productUuid: string;
}

export function toGraphqlLicence(licence: Licence): LicenceType {
  const { id, tenantId, startsAt, accessFrom, expiresAt, seats, assigned, autoRenew, version } = licence;
  return {
    ...{ startsAt, accessFrom, expiresAt, seats, assigned, autoRenew, version },
    id: encodeId('Licence', id, tenantId),
    overAssigned: overAssigned(licence),
    licence,
    productUuid: licence.productId,
  };
}

@ObjectType('LicenceSeat', { description: 'A seat that somebody has, or had.', simpleResolvers: true })
export class LicenceSeatType {
  @Field(() => ID, { description: 'seat_…' })
  id: string;
  @Field(() => ID, { description: 'user_…' })
  userId: string;
  @Field(() => String, { description: 'As it was when the seat was given.' })
  email: string;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  assignedAt: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'UTC; null: the person has it.' })
  revokedAt?: Instant | undefined;
}

export function toGraphqlLicenceSeat(seat: LicenceSeat): LicenceSeatType {
  const { id, tenantId, userId, email, assignedAt, revokedAt } = seat;
  return {
    ...{ email, assignedAt, revokedAt },
    id: encodeId('LicenceSeat', id, tenantId),
    userId: encodeId('User', userId),
  };
}

@ObjectType('LicenceCheckout', { description: 'Where a purchase is paid.', simpleResolvers: true })
export class LicenceCheckoutType {
  @Field(() => String, { description: 'PADDLE, for example.' })
  provider: string;
  @Field(() => String, { description: "The provider's id, for its own scripts in a browser." })
  id: string;
  @Field(() => String, { description: "The provider's page." })
  url: string;
}

@ObjectType('LicencePurchase', {
  description: 'What somebody set out to buy, for how much, and what became of it.',
  simpleResolvers: true,
})
export class LicencePurchaseType {
  @Field(() => ID, { description: 'licencepurchase_…' })
  id: string;
  @Field(() => LicencePurchaseKindEnum, { description: 'What it is.' })
  kind: PurchaseKind;
  @Field(() => LicencePurchaseStatusEnum, { description: 'Where it stands.' })
  status: PurchaseStatus;
  @Field(() => BigIntScalar, { description: 'Seats.' })
  quantity: bigint;
  @Field(() => MoneyType, { description: 'For one seat and a whole year, as it was.' })
  yearlyPrice: MoneyType;
  @Field(() => MoneyType, { description: 'Before tax, which the provider adds where it must.' })
  amount: MoneyType;
  @Field(() => ExplanationType, { description: 'Why it has this amount.' })
  explanation: ExplanationType;
  @Field(() => Int, { nullable: true, description: 'CO_TERMED: the days that are paid for.' })
  remainingDays?: number | undefined;
  @Field(() => Boolean, { description: 'The provider was asked to bill another year by itself.' })
  autoRenew: boolean;
  @Field(() => LicenceCheckoutType, {
    nullable: true,
    description:
      'Where it is paid. null: the provider has not answered yet; send the same call with the same key again.',
  })
  checkout?: LicenceCheckoutType | undefined;
  @Field(() => DateTimeScalar, { description: 'UTC. What is paid later is parked.' })
  payableUntil: Instant;
  @Field(() => LicenceParkReasonEnum, { nullable: true, description: 'Why it is parked.' })
  parkReason?: ParkReason | undefined;
  @Field(() => String, { nullable: true, description: 'What was expected and what came, for people.' })
  parkDetail?: string | undefined;
  @Field(() => MoneyType, {
    nullable: true,
    description:
      'What came for it, before tax. It differs from the amount where it is parked for that, or a person accepted it.',
  })
  paid?: MoneyType | undefined;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When a person refused what was paid, UTC; it is REFUNDED once the provider has given it back.',
  })
  refusedAt?: Instant | undefined;
  @Field(() => String, {
    description:
      'Another word once anything has changed that acceptLicencePurchase and refuseLicencePurchase go by: give it to them.',
  })
  state: string;
  @Field(() => MoneyType, { description: 'Refunded of it, before tax.' })
  refunded: MoneyType;
  @Field(() => BigIntScalar, { description: 'Seats that were taken back for it.' })
  seatsRefunded: bigint;
  @Field(() => ID, { nullable: true, description: 'The licence that it is about.' })
  licenceId?: string | undefined;
  @Field(() => ID, { description: 'user_…: who bought.' })
  buyerId: string;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  createdAt: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was granted, UTC.' })
  completedAt?: Instant | undefined;
  readonly productUuid: string;
}

export function toGraphqlLicencePurchase(purchase: LicencePurchase): LicencePurchaseType {
  const { id, tenantId, kind, status, quantity, remainingDays, autoRenew, payableUntil, parkReason, parkDetail } =
    purchase;
  const { provider, checkoutId, checkoutUrl, licenceId } = purchase;
  return {
    ...{ kind, status, quantity, remainingDays, autoRenew, payableUntil, parkReason, parkDetail },
    id: encodeId('LicencePurchase', id, tenantId),
    yearlyPrice: toGraphqlMoney(purchase.yearly),
    amount: toGraphqlMoney(purchase.amount),
    explanation: toGraphqlExplanation(purchase.explanation),
    checkout: provider && checkoutId && checkoutUrl ? { provider, id: checkoutId, url: checkoutUrl } : undefined,
    paid: purchase.paid && toGraphqlMoney(purchase.paid),
    refusedAt: purchase.refusedAt,
    state: purchaseState(purchase),
    refunded: toGraphqlMoney(purchase.refunded),
    seatsRefunded: purchase.seatsRefunded,
    licenceId: licenceId && encodeId('Licence', licenceId, tenantId),
    buyerId: encodeId('User', purchase.buyerId),
    createdAt: purchase.createdAt,
    completedAt: purchase.completedAt,
    productUuid: purchase.productId,
  };
}

@ObjectType('LicenceQuote', {
  description: 'What seats, or another year of all seats, cost now.',
  simpleResolvers: true,
})
export class LicenceQuoteType {
  @Field(() => LicenceProductType, { description: 'The product.' })
  product: LicenceProductType;
  @Field(() => LicencePurchaseKindEnum, { description: 'What it would be.' })
  kind: PurchaseKind;
  @Field(() => BigIntScalar, { description: 'Seats.' })
  quantity: bigint;
  @Field(() => MoneyType, { description: 'For one seat and a whole year.' })
  yearlyPrice: MoneyType;
  @Field(() => MoneyType, { description: 'Before tax, which the provider adds where it must.' })
  amount: MoneyType;
  @Field(() => ExplanationType, { description: 'Why it has this amount.' })
  explanation: ExplanationType;
  @Field(() => Int, { nullable: true, description: 'CO_TERMED: the days that are paid for.' })
  remainingDays?: number | undefined;
  @Field(() => BigIntScalar, { description: 'Seats once it is paid.' })
  seatsAfter: bigint;
  @Field(() => DateTimeScalar, { description: 'The expiry were it paid now, UTC.' })
  expiresAtAfter: Instant;
  @Field(() => QuoteType, { description: 'Give its token to buyLicences or renewLicences: it pins the amount.' })
  quote: QuoteType;
}

export function toGraphqlLicenceQuote(quoted: LicenceQuoted, token: string): LicenceQuoteType {
  const { product, price, decision, seatsAfter, expiresAtAfter, quote } = quoted;
  return {
    product: toGraphqlLicenceProduct(product),
    kind: decision.kind,
    quantity: decision.quantity,
    yearlyPrice: toGraphqlMoney(price.yearly),
    amount: toGraphqlMoney(decision.amount),
    explanation: toGraphqlExplanation(decision.explanation),
    remainingDays: decision.remainingDays,
    ...{ seatsAfter, expiresAtAfter },
    quote: { token, expiresAt: quote.expiresAt },
  };
}

export const LicenceProductConnection = connectionOf('LicenceProduct', LicenceProductType);
export const LicenceConnection = connectionOf('Licence', LicenceType);
export const LicenceSeatConnection = connectionOf('LicenceSeat', LicenceSeatType);
export const LicencePurchaseConnection = connectionOf('LicencePurchase', LicencePurchaseType);

@InputType('LicenceTrialInput', { description: 'How an organisation may try a licence.' })
export class LicenceTrialInputType {
  @Field(() => Int, { description: '1 to 730.' })
  days: number;
  @Field(() => Int, { description: 'At least 1.' })
  seats: number;
}

@InputType('CreateLicenceProductInput', { description: 'A new licence product.' })
export class CreateLicenceProductInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: whose catalog.' })
  partnerId?: string;
  @Field(() => String, { description: 'Lower-case letters, digits, _ and -; unique per partner.' })
  code: string;
  @Field(() => String, { description: '1 to 200 characters.' })
  name: string;
  @Field(() => String, { nullable: true, description: 'For people.' })
  description?: string;
  @Field(() => [MoneyInputType], { description: 'For one seat and a whole year, one for each currency; above zero.' })
  yearlyPrices: MoneyInputType[];
  @Field(() => [AllowanceInputType], {
    nullable: true,
    description: 'What a running licence gives; limits count for each seat. Without usage prices.',
  })
  features?: AllowanceInputType[];
  @Field(() => LicenceTrialInputType, { nullable: true, description: 'Default: it cannot be tried.' })
  trial?: LicenceTrialInputType;
}

@InputType('UpdateLicenceProductInput', { description: 'What changes; what is left out stays.' })
export class UpdateLicenceProductInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: whose catalog.' })
  partnerId?: string;
  @Field(() => ID, { description: 'Id or code.' })
  product: string;
  @Field(() => Int, { nullable: true, description: 'Refused with VERSION_CONFLICT unless it still has this version.' })
  expectedVersion?: number;
  @Field(() => String, { nullable: true, description: '1 to 200 characters.' })
  name?: string;
  @Field(() => String, { nullable: true, description: 'For people.' })
  description?: string;
  @Field(() => [MoneyInputType], { nullable: true, description: 'All prices from now on.' })
  yearlyPrices?: MoneyInputType[];
  @Field(() => [AllowanceInputType], { nullable: true, description: 'All allowances from now on.' })
  features?: AllowanceInputType[];
  @Field(() => LicenceTrialInputType, { nullable: true, description: 'null: it can no longer be tried.' })
  trial?: LicenceTrialInputType | null;
  @Field(() => CatalogStatusEnum, { nullable: true, description: 'ARCHIVED: no longer sold.' })
  status?: CatalogStatus;
}

@InputType('StartLicenceTrialInput', { description: 'What is tried, and by whom.' })
export class StartLicenceTrialInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'Id or code.' })
  product: string;
}

@InputType('LicenceQuoteInput', { description: 'Which seats, or which renewal.' })
export class LicenceQuoteInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'Id or code.' })
  product: string;
  @Field(() => Int, { nullable: true, description: 'Seats to buy; left out: another year for all seats.' })
  quantity?: number;
}

@InputType('BuyLicencesInput', { description: 'Which seats.' })
export class BuyLicencesInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'Id or code.' })
  product: string;
  @Field(() => Int, { description: 'Seats.' })
  quantity: number;
  @Field(() => Boolean, {
    nullable: true,
    description: 'Let the provider bill another year by itself. Only where a new term begins. Default false.',
  })
  autoRenew?: boolean;
  @Field(() => String, { nullable: true, description: 'The token of a quote of these very seats.' })
  quote?: string;
}

@InputType('RenewLicencesInput', { description: 'Which licence is renewed for another year.' })
export class RenewLicencesInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'Id or code of the product.' })
  product: string;
  @Field(() => String, { nullable: true, description: 'The token of a quote of this renewal.' })
  quote?: string;
}

@InputType('AssignSeatInput', { description: 'Who gets a seat.' })
export class AssignSeatInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'licence_…' })
  licenceId: string;
  @Field(() => ID, { description: "user_…: one of the organisation's people." })
  userId: string;
}

@InputType('RevokeSeatInput', { description: 'Whose seat is taken back.' })
export class RevokeSeatInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'licence_…' })
  licenceId: string;
  @Field(() => ID, { description: 'user_…' })
  userId: string;
}

@ObjectType('CreateLicenceProductDone', { description: 'The product was made.', simpleResolvers: true })
export class CreateLicenceProductDone extends MutationDone {
  @Field(() => LicenceProductType, { description: 'The new product.' })
  product: LicenceProductType;
}
@ObjectType('UpdateLicenceProductDone', { description: 'The product was changed.', simpleResolvers: true })
export class UpdateLicenceProductDone extends MutationDone {
  @Field(() => LicenceProductType, { description: 'The product as it is now.' })
  product: LicenceProductType;
}
@ObjectType('StartLicenceTrialDone', { description: 'The trial runs.', simpleResolvers: true })
export class StartLicenceTrialDone extends MutationDone {
  @Field(() => LicenceType, { description: 'The licence.' })
  licence: LicenceType;
}
@ObjectType('BuyLicencesDone', {
  description: 'The purchase is written down; its seats are there once it is paid.',
  simpleResolvers: true,
})
export class BuyLicencesDone extends MutationDone {
  @Field(() => LicencePurchaseType, { description: 'The purchase, with its checkout.' })
  purchase: LicencePurchaseType;
}
@ObjectType('RenewLicencesDone', {
  description: 'The renewal is written down; the expiry moves once it is paid.',
  simpleResolvers: true,
})
export class RenewLicencesDone extends MutationDone {
  @Field(() => LicencePurchaseType, { description: 'The purchase, with its checkout.' })
  purchase: LicencePurchaseType;
}
@ObjectType('AssignSeatDone', { description: 'The person has a seat.', simpleResolvers: true })
export class AssignSeatDone extends MutationDone {
  @Field(() => LicenceSeatType, { description: 'The seat.' })
  seat: LicenceSeatType;
  @Field(() => LicenceType, { description: 'The licence as it is now.' })
  licence: LicenceType;
  @Field(() => Boolean, { description: 'false: the person had one already.' })
  created: boolean;
}
@ObjectType('RevokeSeatDone', { description: 'The seat is free.', simpleResolvers: true })
export class RevokeSeatDone extends MutationDone {
  @Field(() => LicenceSeatType, { description: 'The seat that was taken back.' })
  seat: LicenceSeatType;
  @Field(() => LicenceType, { description: 'The licence as it is now.' })
  licence: LicenceType;
}

@InputType('AcceptLicencePurchaseInput', { description: 'A purchase that is parked.' })
export class AcceptLicencePurchaseInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own." })
  tenantId?: string;
  @Field(() => ID, { description: 'licencepurchase_…' })
  purchaseId: string;
  @Field(() => String, {
    nullable: true,
    description: 'Its `state` as you saw it: refused with VERSION_CONFLICT where it stands otherwise by now.',
  })
  expectedState?: string;
}
@InputType('RefuseLicencePurchaseInput', { description: 'A purchase that is parked.' })
export class RefuseLicencePurchaseInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own." })
  tenantId?: string;
  @Field(() => ID, { description: 'licencepurchase_…' })
  purchaseId: string;
  @Field(() => String, {
    nullable: true,
    description: 'Its `state` as you saw it: refused with VERSION_CONFLICT where it stands otherwise by now.',
  })
  expectedState?: string;
}
@ObjectType('AcceptLicencePurchaseDone', { description: 'What was bought is granted.', simpleResolvers: true })
export class AcceptLicencePurchaseDone extends MutationDone {
  @Field(() => LicencePurchaseType, { description: 'The purchase as it is now.' })
  purchase: LicencePurchaseType;
  @Field(() => LicenceType, { description: 'The licence as it is now.' })
  licence: LicenceType;
}
@ObjectType('RefuseLicencePurchaseDone', { description: 'What was paid is given back.', simpleResolvers: true })
export class RefuseLicencePurchaseDone extends MutationDone {
  @Field(() => LicencePurchaseType, {
    description: 'The purchase: REFUNDED once the provider has given it back, CLOSED where nothing was paid.',
  })
  purchase: LicencePurchaseType;
  @Field(() => MoneyType, { description: 'What the provider is asked to give back, before tax.' })
  refund: MoneyType;
}

export const AcceptLicencePurchaseResult = resultOf('AcceptLicencePurchase', AcceptLicencePurchaseDone);
export const RefuseLicencePurchaseResult = resultOf('RefuseLicencePurchase', RefuseLicencePurchaseDone);
export const CreateLicenceProductResult = resultOf('CreateLicenceProduct', CreateLicenceProductDone);
export const UpdateLicenceProductResult = resultOf('UpdateLicenceProduct', UpdateLicenceProductDone);
export const StartLicenceTrialResult = resultOf('StartLicenceTrial', StartLicenceTrialDone);
export const LicenceQuoteResult = resultOf('LicenceQuote', LicenceQuoteType);
export const BuyLicencesResult = resultOf('BuyLicences', BuyLicencesDone);
export const RenewLicencesResult = resultOf('RenewLicences', RenewLicencesDone);
export const AssignSeatResult = resultOf('AssignSeat', AssignSeatDone);
export const RevokeSeatResult = resultOf('RevokeSeat', RevokeSeatDone);
