import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { partnersRight } from '../../access/self-service.graphql';
import { BillingIntervalEnum } from '../../catalog/catalog.graphql';
import type { Instant } from '../../core/calendar';
import { encodeId } from '../../core/ids';
import type { IntervalUnit } from '../../core/period';
import { enumFrom } from '../../graphql/enums';
import { MoneyType, toGraphqlMoney } from '../../graphql/money.graphql';
import { MutationDone } from '../../graphql/mutation.graphql';
import { connectionOf } from '../../graphql/page.graphql';
import { resultOf } from '../../graphql/refusal.graphql';
import { BigIntScalar, DateTimeScalar } from '../../graphql/scalars';
import type { TimeSpan } from '../../invoicing/invoice';
import { TimeSpanType } from '../../invoicing/invoicing.graphql';
import {
  type CheckoutKind,
  type CheckoutStatus,
  checkoutKinds,
  checkoutStatuses,
  type StripeCheckout,
  type StripeInvoice,
  totalOf,
} from '../stripe-checkout';
import { checkoutState } from './checkout-state';

export const CheckoutKindEnum = enumFrom('CheckoutKind', checkoutKinds, 'What is bought at a checkout.', {
  ADDON: 'An add-on, which Stripe bills from then on.',
  PLAN: 'A plan: a payment method is saved, and its invoices are ours.',
});
export const CheckoutStatusEnum = enumFrom('CheckoutStatus', checkoutStatuses, 'Where a checkout stands.', {
  PENDING: 'Stripe has not made its page yet; it is asked again.',
  OPEN: 'The customer may pay at url.',
  COMPLETED: 'It was bought.',
  EXPIRED: 'It was not paid in time, or another one took its place.',
  REFUSED: 'Stripe does not take it.',
  WITHDRAWN: 'It was bought twice, or a person refused it: it ended at Stripe, and grants nothing.',
});

@ObjectType('CheckoutCollection', {
  description: 'What Stripe collected for one of its periods.',
  simpleResolvers: true,
})
export class CheckoutCollectionType {
  @Field(() => String, { description: "Stripe's invoice." })
  externalId: string;
  @Field(() => MoneyType, { description: 'How much.' })
  amount: MoneyType;
  @Field(() => MoneyType, {
    description: 'How much of it went back: by refunds and disputes, asked for here or in the dashboard.',
  })
  refunded: MoneyType;
  @Field(() => TimeSpanType, { description: 'For which time.' })
  period: TimeSpan;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  paidAt: Instant;
}

export const toGraphqlCollected = ({
  externalId,
  amount,
  refunded,
  period,
  paidAt,
}: StripeInvoice): CheckoutCollectionType => ({
  ...{ externalId, period, paidAt },
  amount: toGraphqlMoney(amount),
  refunded: toGraphqlMoney(refunded),
});

@ObjectType('CheckoutTerms', { description: 'What Stripe bills.', simpleResolvers: true })
export class CheckoutTermsType {
  @Field(() => BigIntScalar, { description: 'How many units.' })
  quantity: bigint;
  @Field(() => MoneyType, { description: 'For one unit and one whole period.' })
  unitAmount: MoneyType;
  @Field(() => MoneyType, { nullable: true, description: 'What was collected last, less discounts.' })
  paid?: MoneyType | undefined;
}

const toGraphqlTerms = (terms: StripeCheckout['seen']): CheckoutTermsType | undefined =>
  terms && {
    quantity: terms.quantity,
    unitAmount: toGraphqlMoney(terms.unitAmount),
    paid: terms.paid && toGraphqlMoney(terms.paid),
  };

@ObjectType('Checkout', {
  description: 'What was offered at a page of Stripe; everything that Stripe says is held against it.',
  simpleResolvers: true,
})
export class CheckoutType {
  @Field(() => ID, { description: 'checkout_…' })
  id: string;
  @Field(() => CheckoutKindEnum, { description: 'What is bought.' })
  kind: CheckoutKind;
  @Field(() => CheckoutStatusEnum, { description: 'Where it stands.' })
  status: CheckoutStatus;
  @Field(() => String, { nullable: true, description: 'OPEN: where the customer pays.' })
  url?: string | undefined;
  @Field(() => BillingIntervalEnum, { description: 'How long its periods are.' })
  interval: IntervalUnit;
  @Field(() => MoneyType, { description: 'For one unit and one whole period.' })
  unitAmount: MoneyType;
  @Field(() => BigIntScalar, { description: 'How many units.' })
  quantity: bigint;
  @Field(() => MoneyType, { description: 'For all units and one whole period.' })
  total: MoneyType;
  @Field(() => Int, { nullable: true, description: 'PLAN: free days first.' })
  trialDays?: number | undefined;
  @Field(() => String, { nullable: true, description: "ADDON: how Stripe's subscription stands, in its word." })
  providerStatus?: string | undefined;
  @Field(() => String, {
    nullable: true,
    description:
      'Why nothing more is granted for it: what Stripe says contradicts it. A person accepts or refuses it, or has it read anew.',
  })
  parkedReason?: string | undefined;
  @Field(() => CheckoutTermsType, {
    nullable: true,
    description: 'ADDON: what Stripe bills, as it was last seen; null where it cannot be read, or was not seen yet.',
  })
  seen?: CheckoutTermsType | undefined;
  @Field(() => CheckoutTermsType, { nullable: true, description: 'What a person accepted other than it was offered.' })
  accepted?: CheckoutTermsType | undefined;
  @Field(() => String, { nullable: true, description: 'WITHDRAWN: why.' })
  withdrawnReason?: string | undefined;
  @Field(() => ID, { nullable: true, description: 'ADDON: the attachment that it became.' })
  addonSubscriptionId?: string | undefined;
  @Field(() => ID, { nullable: true, description: 'PLAN: the subscription that it became.' })
  subscriptionId?: string | undefined;
  @Field(() => DateTimeScalar, { description: 'Until when it may be paid, UTC.' })
  expiresAt: Instant;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  createdAt: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'UTC.' })
  completedAt?: Instant | undefined;
  readonly uuid: string;
  readonly tenantUuid: string;
  readonly stateOf: (collected: readonly StripeInvoice[]) => string;
  readonly addonUuid: string | undefined;
  readonly planUuid: string | undefined;
}

export function toGraphqlCheckout(checkout: StripeCheckout): CheckoutType {
  const { id, tenantId, kind, status, url, interval, quantity, trialDays, providerStatus, parkedReason } = checkout;
  const { expiresAt, createdAt, completedAt, addonId, planId, addonSubscriptionId, subscriptionId } = checkout;
  return {
    ...{
      kind,
      status,
      url,
      interval,
      quantity,
      trialDays,
      providerStatus,
      parkedReason,
      expiresAt,
      createdAt,
      completedAt,
    },
    id: encodeId('Checkout', id, tenantId),
    seen: toGraphqlTerms(checkout.seen),
    accepted: toGraphqlTerms(checkout.accepted),
    withdrawnReason: checkout.withdrawn?.reason,
    unitAmount: toGraphqlMoney(checkout.unitAmount),
    total: toGraphqlMoney(totalOf(checkout)),
    addonSubscriptionId: addonSubscriptionId && encodeId('AddonSubscription', addonSubscriptionId, tenantId),
    subscriptionId: subscriptionId && encodeId('Subscription', subscriptionId, tenantId),
    stateOf: (collected) => checkoutState(checkout, collected),
    ...{ uuid: id, tenantUuid: tenantId, addonUuid: addonId, planUuid: planId },
  };
}

export const CheckoutConnection = connectionOf('Checkout', CheckoutType);

const addressOf = (what: string) => `${what}; https, or http on your own machine.`;

@InputType('CreateAddonCheckoutInput', { description: 'Which add-on, and where to afterwards.' })
export class CreateAddonCheckoutInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'Id or code.' })
  addon: string;
  @Field(() => Int, { nullable: true, description: 'Default 1.' })
  quantity?: number;
  @Field(() => String, { description: addressOf('Where the page sends the customer after paying') })
  successUrl: string;
  @Field(() => String, { description: addressOf('Where its back button leads') })
  cancelUrl: string;
}

@InputType('CreatePlanCheckoutInput', { description: 'Which plan, and where to afterwards.' })
export class CreatePlanCheckoutInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'Id or code.' })
  plan: string;
  @Field(() => BillingIntervalEnum, { nullable: true, description: 'Default MONTH.' })
  interval?: IntervalUnit;
  @Field(() => Int, { nullable: true, description: 'Default 1.' })
  quantity?: number;
  @Field(() => Int, {
    nullable: true,
    description:
      "Free days first, 1 to 730; 0: none. Default: the plan's own, where the tenant had no trial before. " +
      partnersRight('TRIAL_DAYS', 'What is above 0'),
  })
  trialDays?: number;
  @Field(() => String, { description: addressOf('Where the page sends the customer afterwards') })
  successUrl: string;
  @Field(() => String, { description: addressOf('Where its back button leads') })
  cancelUrl: string;
}

@InputType('RetryCheckoutInput', { description: 'Which parked checkout.' })
export class RetryCheckoutInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'checkout_…' })
  checkoutId: string;
}

@InputType('AcceptCheckoutInput', { description: 'Which parked checkout.' })
export class AcceptCheckoutInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'checkout_…' })
  checkoutId: string;
  @Field(() => String, {
    nullable: true,
    description: 'Its `state` as you saw it: refused with VERSION_CONFLICT where it stands otherwise by now.',
  })
  expectedState?: string;
}

@InputType('RefuseCheckoutInput', { description: 'Which parked checkout, and why.' })
export class RefuseCheckoutInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'checkout_…' })
  checkoutId: string;
  @Field(() => String, { description: '1 to 500 characters.' })
  reason: string;
  @Field(() => Boolean, {
    defaultValue: true,
    description:
      'What was collected goes back: all of it where it was never attached, else what was collected for periods that are not over.',
  })
  refund?: boolean;
  @Field(() => String, {
    nullable: true,
    description: 'Its `state` as you saw it: refused with VERSION_CONFLICT where it stands otherwise by now.',
  })
  expectedState?: string;
}

@InputType('CreatePortalLinkInput', { description: 'Whose portal, and where to afterwards.' })
export class CreatePortalLinkInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => String, { description: addressOf('Where its back button leads') })
  returnUrl: string;
}

@ObjectType('CreateAddonCheckoutDone', { description: 'The offer stands.', simpleResolvers: true })
export class CreateAddonCheckoutDone extends MutationDone {
  @Field(() => CheckoutType, { description: 'The offer, with the page to pay at.' })
  checkout: CheckoutType;
}
@ObjectType('CreatePlanCheckoutDone', { description: 'The offer stands.', simpleResolvers: true })
export class CreatePlanCheckoutDone extends MutationDone {
  @Field(() => CheckoutType, { description: 'The offer, with the page to accept it at.' })
  checkout: CheckoutType;
}
@ObjectType('RetryCheckoutDone', { description: 'Stripe was asked again.', simpleResolvers: true })
export class RetryCheckoutDone extends MutationDone {
  @Field(() => CheckoutType, { description: 'The checkout as it stands now.' })
  checkout: CheckoutType;
}
@ObjectType('AcceptCheckoutDone', { description: 'It is sold as Stripe bills it.', simpleResolvers: true })
export class AcceptCheckoutDone extends MutationDone {
  @Field(() => CheckoutType, { description: 'The checkout as it stands now.' })
  checkout: CheckoutType;
}
@ObjectType('RefuseCheckoutDone', { description: 'It is over.', simpleResolvers: true })
export class RefuseCheckoutDone extends MutationDone {
  @Field(() => CheckoutType, { description: 'The checkout as it stands now.' })
  checkout: CheckoutType;
  @Field(() => MoneyType, { description: 'What Stripe is asked to give back; collected.refunded says what it did.' })
  refund: MoneyType;
}
@ObjectType('CreatePortalLinkDone', { description: 'A link that works for some minutes.', simpleResolvers: true })
export class CreatePortalLinkDone extends MutationDone {
  @Field(() => String, {
    nullable: true,
    description: 'Where the customer manages payment methods, receipts and what Stripe bills. Null in a dry run.',
  })
  url?: string | undefined;
}

export const CreateAddonCheckoutResult = resultOf('CreateAddonCheckout', CreateAddonCheckoutDone);
export const CreatePlanCheckoutResult = resultOf('CreatePlanCheckout', CreatePlanCheckoutDone);
export const RetryCheckoutResult = resultOf('RetryCheckout', RetryCheckoutDone);
export const CreatePortalLinkResult = resultOf('CreatePortalLink', CreatePortalLinkDone);
export const AcceptCheckoutResult = resultOf('AcceptCheckout', AcceptCheckoutDone);
export const RefuseCheckoutResult = resultOf('RefuseCheckout', RefuseCheckoutDone);
