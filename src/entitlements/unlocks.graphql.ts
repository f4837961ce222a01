import { createUnionType, Field, ID, ObjectType } from 'type-graphql';
import { AddonType, BillingIntervalEnum, PlanType, toGraphqlAddon, toGraphqlPlan } from '../catalog/catalog.graphql';
import type { Instant } from '../core/calendar';
import { encodeId } from '../core/ids';
import type { IntervalUnit } from '../core/period';
import { enumFrom } from '../graphql/enums';
import { MoneyType, toGraphqlMoney } from '../graphql/money.graphql';
import { BigIntScalar, DateTimeScalar } from '../graphql/scalars';
import type { Invoice } from '../invoicing/invoice';
import { ExplanationType, toGraphqlExplanation } from '../invoicing/invoicing.graphql';
import { licenceQuoteText } from '../licences/licence-quote';
import { LicenceProductType, toGraphqlLicenceProduct } from '../licences/licences.graphql';
import {
  FeatureDifferenceType,
  PreviewLineType,
  toGraphqlFeatureDifference,
  toGraphqlPreviewLine,
} from '../proration/proration.graphql';
import { quoteText } from '../proration/quote';
import { QuoteType } from '../proration/quote.graphql';
import { type OrderedAddon, type UnlockKind, unlockKinds } from './unlock';
import type { ChangeOffer, LicenceOffer, PaymentOffer, StartOffer, Unlock } from './unlock-options.query';

export const UnlockKindEnum = enumFrom('UnlockKind', unlockKinds, 'What would unlock a feature.', {
  PAYMENT: 'Paying what is due.',
  MORE_UNITS: 'More of an add-on that is attached.',
  ADDON: 'An add-on, with those that it requires.',
  PLAN: 'Another plan, or a first one.',
  PLAN_WITH_ADDON: 'Another plan with an add-on, in one act.',
  LICENCE: 'Seats of a licence.',
});

@ObjectType('UnlockAddon', { description: 'An add-on in the quantity that it takes.', simpleResolvers: true })
export class UnlockAddonType {
  @Field(() => AddonType, { description: 'Which add-on.' })
  addon: AddonType;
  @Field(() => BigIntScalar, { description: 'How many there are afterwards.' })
  quantity: bigint;
  @Field(() => ID, { nullable: true, description: 'addonsub_… of one that is attached already; null: it is not.' })
  addonSubscriptionId?: string | undefined;
}

/** What every offer says. */
@ObjectType()
abstract class Offered {
  @Field(() => UnlockKindEnum, { description: 'What it is.' })
  kind: UnlockKind;
  @Field(() => MoneyType, {
    description: "What it costs at once, all documents with tax; negative: in the tenant's favour.",
  })
  dueNow: MoneyType;
}

@ObjectType()
abstract class OfferedPurchase extends Offered {
  @Field(() => MoneyType, {
    description: 'Each full period of what is offered, its plan and its add-ons: before coupons and tax.',
  })
  recurring: MoneyType;
  @Field(() => BillingIntervalEnum, { description: 'How long a period is.' })
  interval: IntervalUnit;
  @Field(() => MoneyType, { description: 'What is left to pay at once: less what the credit balance pays.' })
  amountDue: MoneyType;
  @Field(() => [PreviewLineType], { description: 'The lines that make the price, each explained.' })
  lines: PreviewLineType[];
  @Field(() => QuoteType, { description: 'Pins this price.' })
  quote: QuoteType;
}

@ObjectType('PlanChangeUnlock', {
  description: 'changePlan with this plan, interval and these add-ons, each by its id, and the quote does it.',
  simpleResolvers: true,
})
export class PlanChangeUnlockType extends OfferedPurchase {
  @Field(() => PlanType, {
    nullable: true,
    description: 'The plan to change to; null: the plan goes on, and is not named.',
  })
  toPlan?: PlanType | undefined;
  @Field(() => [UnlockAddonType], { description: 'The add-ons to name, in these quantities.' })
  addons: UnlockAddonType[];
  @Field(() => [FeatureDifferenceType], { description: 'All that the tenant would gain and lose.' })
  differences: FeatureDifferenceType[];
}

@ObjectType('StartUnlock', {
  description: 'The tenant has no subscription: startSubscription with this plan, interval and the quote does it.',
  simpleResolvers: true,
})
export class StartUnlockType extends OfferedPurchase {
  @Field(() => PlanType, { description: 'The plan to start with.' })
  plan: PlanType;
  @Field(() => DateTimeScalar, { nullable: true, description: "The end of the plan's trial, UTC; null: it has none." })
  trialEnd?: Instant | undefined;
}

@ObjectType('LicenceUnlock', {
  description:
    'buyLicences with this product, quantity and the quote does it, once it is paid. An admin of the organisation buys.',
  simpleResolvers: true,
})
export class LicenceUnlockType extends Offered {
  @Field(() => LicenceProductType, { description: 'Which product.' })
  product: LicenceProductType;
  @Field(() => BigIntScalar, { description: 'How many seats to buy.' })
  quantity: bigint;
  @Field(() => MoneyType, { description: 'These seats for a whole year.' })
  recurring: MoneyType;
  @Field(() => ExplanationType, { description: 'Why it costs that.' })
  explanation: ExplanationType;
  @Field(() => QuoteType, { description: 'Pins this price.' })
  quote: QuoteType;
}

@ObjectType('DueInvoice', { description: 'An invoice and what is due of it.', simpleResolvers: true })
export class DueInvoiceType {
  @Field(() => ID, { description: 'invoice_…' })
  invoiceId: string;
  @Field(() => String, { description: 'Its number.' })
  number: string;
  @Field(() => MoneyType, { description: 'What payInvoice charges.' })
  amountDue: MoneyType;
}

@ObjectType('PaymentUnlock', {
  description: 'payInvoice for each of these does it, once they are paid.',
  simpleResolvers: true,
})
export class PaymentUnlockType extends Offered {
  @Field(() => [DueInvoiceType], { description: 'What is due, oldest first; `dueNow` is the sum of their amountDue.' })
  invoices: DueInvoiceType[];
}

export const UnlockUnion = createUnionType({
  name: 'Unlock',
  description: 'One way to get what was denied, with its price now. It was tried.',
  types: () => [PlanChangeUnlockType, StartUnlockType, LicenceUnlockType, PaymentUnlockType] as const,
  resolveType: (value) => (value as unknown as { __typename: string }).__typename,
});

type Sign = (text: string) => string;

function toGraphqlUnlockAddon({ addon, quantity, attached }: OrderedAddon): UnlockAddonType {
  return {
    ...{ addon: toGraphqlAddon(addon), quantity },
    addonSubscriptionId: attached && encodeId('AddonSubscription', attached.originId, attached.tenantId),
  };
}

function ofChange({ plan, interval, addons, preview }: ChangeOffer, sign: Sign) {
  return {
    ...{ __typename: 'PlanChangeUnlock', toPlan: plan && toGraphqlPlan(plan), interval },
    addons: addons.map(toGraphqlUnlockAddon),
    amountDue: toGraphqlMoney(preview.payable.amountDue),
    lines: preview.quoted.lines.map(toGraphqlPreviewLine),
    differences: preview.differences.map(toGraphqlFeatureDifference),
    quote: { token: sign(quoteText(preview.quote)), expiresAt: preview.quote.expiresAt },
  };
}

function ofStart({ plan, interval, preview }: StartOffer, sign: Sign) {
  return {
    ...{ __typename: 'StartUnlock', plan: toGraphqlPlan(plan), interval, trialEnd: preview.subscription.trialEnd },
    amountDue: toGraphqlMoney(preview.payable.amountDue),
    lines: preview.documents.flatMap(({ document }) => document.lines.map(toGraphqlPreviewLine)),
    quote: { token: sign(quoteText(preview.quote)), expiresAt: preview.quote.expiresAt },
  };
}

function ofLicence({ quoted }: LicenceOffer, sign: Sign) {
  const { product, decision, quote } = quoted;
  return {
    ...{ __typename: 'LicenceUnlock', product: toGraphqlLicenceProduct(product), quantity: decision.quantity },
    explanation: toGraphqlExplanation(decision.explanation),
    quote: { token: sign(licenceQuoteText(quote)), expiresAt: quote.expiresAt },
  };
}

function toGraphqlDueInvoice({ id, tenantId, number, amountDue }: Invoice): DueInvoiceType {
  return { invoiceId: encodeId('Invoice', id, tenantId), number, amountDue: toGraphqlMoney(amountDue) };
}

const ofPayment = ({ invoices }: PaymentOffer) => ({
  ...{ __typename: 'PaymentUnlock', invoices: invoices.map(toGraphqlDueInvoice) },
});

function ofAct(unlock: Unlock, sign: Sign) {
  switch (unlock.act) {
    case 'CHANGE_PLAN':
      return ofChange(unlock, sign);
    case 'START_SUBSCRIPTION':
      return ofStart(unlock, sign);
    case 'BUY_LICENCES':
      return ofLicence(unlock, sign);
    case 'PAY_INVOICE':
      return ofPayment(unlock);
  }
}

export function toGraphqlUnlock(unlock: Unlock, sign: Sign) {
  const { kind, dueNow, recurring } = unlock;
  return { kind, dueNow: toGraphqlMoney(dueNow), recurring: toGraphqlMoney(recurring), ...ofAct(unlock, sign) };
}
