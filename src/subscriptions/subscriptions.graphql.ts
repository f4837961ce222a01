import { GraphQLJSONObject } from 'graphql-scalars';
import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { partnersRight } from '../access/self-service.graphql';
import { BillingIntervalEnum } from '../catalog/catalog.graphql';
import type { Instant, LocalDate, TimeZone } from '../core/calendar';
import { encodeId } from '../core/ids';
import type { IntervalUnit } from '../core/period';
import { enumFrom } from '../graphql/enums';
import { MoneyType, toGraphqlMoney } from '../graphql/money.graphql';
import { connectionOf } from '../graphql/page.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { BigIntScalar, DateTimeScalar, LocalDateScalar, TimeZoneScalar } from '../graphql/scalars';
import type { Settlement } from '../invoicing/credit-note';
import type { TimeSpan } from '../invoicing/invoice';
import {
  CreditNoteType,
  DocumentsDone,
  InvoiceType,
  SettlementEnum,
  TimeSpanType,
} from '../invoicing/invoicing.graphql';
import {
  type AddonBiller,
  type AddonCharge,
  type AddonSubscription,
  type AddonSubscriptionStatus,
  addonBillers,
  addonCharges,
  type ShownAddonEndKind,
  shownAddonEndKinds,
  statusOf,
} from './addon-subscription';
import type { ScheduledPlanChange } from './scheduled-plan-change';
import {
  changeKinds,
  type Subscription,
  type SubscriptionChange,
  type SubscriptionChangeKind,
  type SubscriptionItem,
  type SubscriptionStatus,
  subscriptionStatuses,
} from './subscription';

export const SubscriptionStatusEnum = enumFrom(
  'SubscriptionStatus',
  subscriptionStatuses,
  'Where a subscription stands.',
  {
    TRIALING: 'It is free until its trial ends.',
    ACTIVE: 'It runs.',
    PAST_DUE: 'A payment failed and is tried again.',
    UNPAID: 'Payment has been given up.',
    CANCELLED: 'It has ended.',
  },
);
export const AddonSubscriptionStatusEnum = enumFrom(
  'AddonSubscriptionStatus',
  ['ACTIVE', 'CANCELLING', 'ENDED'] as const,
  'Where an attachment stands.',
  { ACTIVE: 'It runs.', CANCELLING: 'It runs until endsAt.', ENDED: 'It has ended.' },
);
export const AddonEndKindEnum = enumFrom('AddonEndKind', shownAddonEndKinds, 'Why an attachment ended.', {
  CANCELLED: 'It was cancelled.',
  INCLUDED_IN_PLAN: 'The new plan includes it.',
  NOT_AVAILABLE: 'The new plan does not sell it.',
  SUBSCRIPTION_ENDED: 'The subscription ended.',
  PAYMENT_FAILED: 'The provider that bills it could not collect.',
  REQUIREMENT_MISSING: 'An add-on that it requires ended.',
});
export const AddonBillerEnum = enumFrom('AddonBiller', addonBillers, 'Who bills an add-on.', {
  TOLLGATE: "It is on the subscription's invoices.",
  STRIPE: 'It was bought at a checkout; Stripe bills it, in periods of its own.',
});
export const SubscriptionChangeKindEnum = enumFrom('SubscriptionChangeKind', changeKinds, 'What happened.', {
  STARTED: 'The subscription began.',
  RENEWED: 'A new period began.',
  PLAN_CHANGED: 'Plan, interval or quantity changed.',
  PLAN_CHANGE_SCHEDULED: 'A plan change was scheduled.',
  PLAN_CHANGE_UNSCHEDULED: 'A scheduled plan change was taken back.',
  ADDON_SUBSCRIBED: 'An add-on was attached.',
  ADDON_RESUMED: 'A cancelled attachment goes on.',
  ADDON_QUANTITY_CHANGED: 'An attachment goes on in another quantity.',
  ADDON_CANCELLED: 'An attachment was cancelled.',
  ADDON_ENDED: 'An attachment ended.',
  CANCELLATION_SCHEDULED: 'The subscription was cancelled to a date.',
  CANCELLED: 'The subscription ended.',
  PAST_DUE: 'A payment failed.',
  UNPAID: 'Payment was given up.',
  RECOVERED: 'Everything that was owed is paid.',
});
const CancelWhenEnum = enumFrom('CancelWhen', ['PERIOD_END', 'NOW'] as const, 'When something ends.', {
  PERIOD_END: 'At the end of the paid period; nothing is credited.',
  NOW: 'At once, with a credit for the unused, effectively paid part.',
});

@ObjectType('SubscriptionItem', {
  description: 'One phase of the plan as it was sold; its price is a snapshot.',
  simpleResolvers: true,
})
export class SubscriptionItemType {
  @Field(() => ID, { description: 'item_…' })
  id: string;
  @Field(() => BillingIntervalEnum, { description: 'Its billing interval.' })
  interval: IntervalUnit;
  @Field(() => MoneyType, { description: 'For one unit and one whole period.' })
  unitAmount: MoneyType;
  @Field(() => BigIntScalar, { description: 'How many units.' })
  quantity: bigint;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  startedAt: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'UTC; null: it is the current phase.' })
  endedAt?: Instant | undefined;
  readonly planUuid: string;
  readonly planVersionUuid: string;
}

export function toGraphqlSubscriptionItem(item: SubscriptionItem, tenantId: string): SubscriptionItemType {
  return {
    id: encodeId('SubscriptionItem', item.id, tenantId),
    interval: item.interval,
    unitAmount: toGraphqlMoney(item.unitAmount),
    quantity: item.quantity,
    startedAt: item.startedAt,
    endedAt: item.endedAt,
    planUuid: item.planId,
    planVersionUuid: item.planVersionId,
  };
}

@ObjectType('Subscription', { description: "A tenant's subscription; it has one at most.", simpleResolvers: true })
export class SubscriptionType {
  @Field(() => ID, { description: 'subscription_…' })
  id: string;
  @Field(() => SubscriptionStatusEnum, { description: 'Where it stands.' })
  status: SubscriptionStatus;
  @Field(() => BillingIntervalEnum, { description: 'How long its periods are.' })
  interval: IntervalUnit;
  @Field(() => TimeZoneScalar, { description: 'Where its billing days begin; fixed at its start.' })
  timeZone: TimeZone;
  @Field(() => LocalDateScalar, { description: 'Period n begins at the anchor + n intervals.' })
  anchorDate: LocalDate;
  @Field(() => TimeSpanType, { description: 'The period that was billed last; the next bill is due at its end.' })
  currentPeriod: TimeSpan;
  @Field(() => SubscriptionItemType, { description: 'The plan as it is now.' })
  item: SubscriptionItemType;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  startedAt: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'UTC.' })
  trialEnd?: Instant | undefined;
  @Field(() => DateTimeScalar, { nullable: true, description: 'It is cancelled to this instant, UTC.' })
  cancelAt?: Instant | undefined;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it ended, UTC.' })
  cancelledAt?: Instant | undefined;
  @Field(() => String, { nullable: true, description: 'Why.' })
  cancelReason?: string | undefined;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'While payments fail: the end of the grace, UTC. What the subscription gives ends then.',
  })
  accessUntil?: Instant | undefined;
  @Field(() => Int, { description: 'Grows with each change.' })
  version: number;
  readonly uuid: string;
  readonly tenantUuid: string;
  /** It is answered as it was at this instant. */
  readonly asOf?: Instant | undefined;
}

export function toGraphqlSubscription(subscription: Subscription, asOf?: Instant): SubscriptionType {
  const { id, tenantId, periodStart, periodEnd, item, ...rest } = subscription;
  return {
    ...rest,
    id: encodeId('Subscription', id, tenantId),
    item: toGraphqlSubscriptionItem(item, tenantId),
    currentPeriod: { start: periodStart, end: periodEnd },
    uuid: id,
    tenantUuid: tenantId,
    asOf,
  };
}

@ObjectType('AddonSubscription', { description: 'An add-on attached to a subscription.', simpleResolvers: true })
export class AddonSubscriptionType {
  @Field(() => ID, { description: 'addonsub_…' })
  id: string;
  @Field(() => AddonSubscriptionStatusEnum, { description: 'Where it stands.' })
  status: AddonSubscriptionStatus;
  @Field(() => BillingIntervalEnum, { description: "The plan's." })
  interval: IntervalUnit;
  @Field(() => MoneyType, {
    description: 'For one unit and one whole period; a snapshot of the price it was bought at.',
  })
  unitAmount: MoneyType;
  @Field(() => BigIntScalar, { description: 'How many units.' })
  quantity: bigint;
  @Field(() => DateTimeScalar, { description: 'Since when it is attached in this quantity, UTC.' })
  startedAt: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'It is cancelled to this instant, UTC.' })
  endsAt?: Instant | undefined;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it ended, UTC.' })
  endedAt?: Instant | undefined;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'Paused at the provider that bills it: it gives nothing from then on, UTC, though it goes on.',
  })
  accessUntil?: Instant | undefined;
  @Field(() => String, { nullable: true, description: 'Why it was cancelled.' })
  endReason?: string | undefined;
  @Field(() => AddonEndKindEnum, { nullable: true, description: 'What ended it.' })
  endKind?: ShownAddonEndKind | undefined;
  @Field(() => AddonBillerEnum, { description: 'Who bills it.' })
  billedBy: AddonBiller;
  @Field(() => TimeSpanType, {
    nullable: true,
    description: 'Billed by a provider: the period that it has been paid for there.',
  })
  providerPeriod?: TimeSpan | undefined;
  readonly uuid: string;
  readonly tenantUuid: string;
  readonly addonUuid: string;
}

export function toGraphqlAddonSubscription(attachment: AddonSubscription): AddonSubscriptionType {
  const { id, originId, tenantId, addonId, unitAmount, endKind, ...rest } = attachment;
  return {
    ...rest,
    id: encodeId('AddonSubscription', originId, tenantId),
    status: statusOf(attachment),
    // A phase that another one follows is never answered.
    endKind: endKind === 'QUANTITY_CHANGED' ? undefined : endKind,
    unitAmount: toGraphqlMoney(unitAmount),
    uuid: id,
    tenantUuid: tenantId,
    addonUuid: addonId,
  };
}

@ObjectType('ScheduledPlanChange', { description: 'A plan change that waits.', simpleResolvers: true })
export class ScheduledPlanChangeType {
  @Field(() => DateTimeScalar, { description: 'When it is carried out, UTC.' })
  effectiveAt: Instant;
  @Field(() => BigIntScalar, { description: 'How many units from then on.' })
  quantity: bigint;
  readonly planUuid: string;
}

export function toGraphqlScheduledPlanChange(scheduled: ScheduledPlanChange): ScheduledPlanChangeType {
  return { effectiveAt: scheduled.effectiveAt, quantity: scheduled.quantity, planUuid: scheduled.planId };
}

@ObjectType('SubscriptionChange', { description: "One entry of a subscription's history.", simpleResolvers: true })
export class SubscriptionChangeType {
  @Field(() => ID, { description: 'change_…' })
  id: string;
  @Field(() => SubscriptionChangeKindEnum, { description: 'What happened.' })
  kind: SubscriptionChangeKind;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  happenedAt: Instant;
  @Field(() => GraphQLJSONObject, { description: 'Details as names and texts, for people.' })
  facts: Readonly<Record<string, string>>;
}

export function toGraphqlSubscriptionChange(change: SubscriptionChange, tenantId: string): SubscriptionChangeType {
  const { kind, happenedAt, facts } = change;
  return { id: encodeId('SubscriptionChange', change.id, tenantId), kind, happenedAt, facts };
}

export const AddonSubscriptionConnection = connectionOf('AddonSubscription', AddonSubscriptionType);
export const SubscriptionChangeConnection = connectionOf('SubscriptionChange', SubscriptionChangeType);

@InputType('StartSubscriptionInput', { description: 'What a tenant subscribes to.' })
export class StartSubscriptionInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'Id or code.' })
  plan: string;
  @Field(() => BillingIntervalEnum, { nullable: true, description: 'Default MONTH.' })
  interval?: IntervalUnit;
  @Field(() => Int, { nullable: true, description: 'Default 1.' })
  quantity?: number;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: `Sandbox only: any instant up to its now. Each period since is billed. ${partnersRight('START_AT')}`,
  })
  startAt?: Instant;
  @Field(() => Int, {
    nullable: true,
    description:
      "Day of the month that periods begin on, 1 to 31; default: the start's own. The first period is then shorter. " +
      partnersRight('ANCHOR_DAY'),
  })
  anchorDay?: number;
  @Field(() => Int, {
    nullable: true,
    description:
      "Free days first, 1 to 730; 0: none. Default: the plan's own, where the tenant had no trial before. " +
      partnersRight('TRIAL_DAYS', 'What is above 0'),
  })
  trialDays?: number;
}

export const AddonChargeEnum = enumFrom(
  'AddonCharge',
  addonCharges,
  'When the rest of the period is charged that an add-on joins in.',
  { NOW: 'At once, with an invoice of its own.', NEXT_INVOICE: 'As a line of the next invoice.' },
);

@InputType('SubscribeAddonInput', { description: 'Which add-on for whom.' })
export class SubscribeAddonInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'Id or code.' })
  addon: string;
  @Field(() => Int, {
    nullable: true,
    description:
      'Default 1, or as many as are attached. Another one than is attached is refused: see changeAddonQuantity.',
  })
  quantity?: number;
  @Field(() => AddonChargeEnum, {
    nullable: true,
    description: `When the rest of this period is charged. Default NOW. ${partnersRight('CHARGE_ON_NEXT_INVOICE', 'NEXT_INVOICE')}`,
  })
  charge?: AddonCharge;
}

@InputType('ChangeAddonQuantityInput', { description: 'In which quantity an attachment goes on.' })
export class ChangeAddonQuantityInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'addonsub_…' })
  addonSubscriptionId: string;
  @Field(() => Int, { description: 'How many units from now on; at least 1.' })
  quantity: number;
  @Field(() => SettlementEnum, {
    nullable: true,
    description: `Where a surplus goes. Default CREDIT_BALANCE. ${partnersRight('REFUND', 'REFUND')}`,
  })
  settlement?: Settlement;
}

@InputType('CancelAddonInput', { description: 'Which attachment ends, when, and why.' })
export class CancelAddonInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'addonsub_…' })
  addonSubscriptionId: string;
  @Field(() => String, { description: '1 to 500 characters.' })
  reason: string;
  @Field(() => CancelWhenEnum, { nullable: true, description: 'Default PERIOD_END.' })
  when?: 'PERIOD_END' | 'NOW';
  @Field(() => SettlementEnum, {
    nullable: true,
    description: `With NOW: where the credit goes. Default CREDIT_BALANCE. ${partnersRight('REFUND', 'REFUND')}`,
  })
  settlement?: Settlement;
}

@InputType('CancelSubscriptionInput', { description: 'When the subscription ends, and why.' })
export class CancelSubscriptionInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => String, { description: '1 to 500 characters.' })
  reason: string;
  @Field(() => CancelWhenEnum, { nullable: true, description: 'Default PERIOD_END.' })
  when?: 'PERIOD_END' | 'NOW';
  @Field(() => SettlementEnum, {
    nullable: true,
    description: `With NOW: where the credit goes. Default CREDIT_BALANCE. ${partnersRight('REFUND', 'REFUND')}`,
  })
  settlement?: Settlement;
}

@ObjectType('StartSubscriptionDone', { description: 'The subscription runs.', simpleResolvers: true })
export class StartSubscriptionDone extends DocumentsDone {
  @Field(() => SubscriptionType, { description: 'The subscription.' })
  subscription: SubscriptionType;
}
@ObjectType('SubscribeAddonDone', { description: 'The add-on is attached.', simpleResolvers: true })
export class SubscribeAddonDone extends DocumentsDone {
  @Field(() => AddonSubscriptionType, { description: 'The attachment.' })
  addonSubscription: AddonSubscriptionType;
  @Field(() => InvoiceType, {
    nullable: true,
    description: 'The invoice of the prorated rest of the period; null where nothing is due.',
  })
  invoice?: InvoiceType | undefined;
  @Field(() => Boolean, { description: 'false: it was attached already, and nothing was charged.' })
  created: boolean;
}
@ObjectType('ChangeAddonQuantityDone', {
  description: 'The attachment goes on in this quantity.',
  simpleResolvers: true,
})
export class ChangeAddonQuantityDone extends DocumentsDone {
  @Field(() => AddonSubscriptionType, { description: 'The attachment.' })
  addonSubscription: AddonSubscriptionType;
  @Field(() => Boolean, { description: 'false: it has this quantity already, and nothing was charged.' })
  changed: boolean;
  @Field(() => InvoiceType, { nullable: true, description: 'The invoice, where more is charged than credited.' })
  invoice?: InvoiceType | undefined;
  @Field(() => CreditNoteType, { nullable: true, description: 'The credit note, where less is.' })
  creditNote?: CreditNoteType | undefined;
}
@ObjectType('CancelAddonDone', { description: 'The attachment ends.', simpleResolvers: true })
export class CancelAddonDone extends DocumentsDone {
  @Field(() => AddonSubscriptionType, { description: 'The attachment.' })
  addonSubscription: AddonSubscriptionType;
  @Field(() => CreditNoteType, {
    nullable: true,
    description: 'NOW: the credit of what is unused and paid; without one, the first that comes off an open invoice.',
  })
  creditNote?: CreditNoteType | undefined;
}
@ObjectType('CancelSubscriptionDone', { description: 'The subscription ends.', simpleResolvers: true })
export class CancelSubscriptionDone extends DocumentsDone {
  @Field(() => SubscriptionType, { description: 'The subscription.' })
  subscription: SubscriptionType;
  @Field(() => CreditNoteType, {
    nullable: true,
    description: 'NOW: the credit of what is unused and paid; without one, the first that comes off an open invoice.',
  })
  creditNote?: CreditNoteType | undefined;
  @Field(() => InvoiceType, { nullable: true, description: 'NOW: the final invoice, of what was used up to now.' })
  invoice?: InvoiceType | undefined;
}

export const StartSubscriptionResult = resultOf('StartSubscription', StartSubscriptionDone);
export const SubscribeAddonResult = resultOf('SubscribeAddon', SubscribeAddonDone);
export const ChangeAddonQuantityResult = resultOf('ChangeAddonQuantity', ChangeAddonQuantityDone);
export const CancelAddonResult = resultOf('CancelAddon', CancelAddonDone);
export const CancelSubscriptionResult = resultOf('CancelSubscription', CancelSubscriptionDone);
