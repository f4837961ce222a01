import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { Instant } from '../core/calendar';
import { enumFrom } from '../graphql/enums';
import { MutationDone } from '../graphql/mutation.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { DateTimeScalar } from '../graphql/scalars';
import { type SelfServicePolicy, type SelfServiceRight, selfServiceRights } from './self-service';

export const SelfServiceRightEnum = enumFrom(
  'SelfServiceRight',
  selfServiceRights,
  "Something that gives money or time away: the partner's to give, unless it allows it to its tenants.",
  {
    TRIAL_DAYS:
      'startSubscription and createPlanCheckout with trialDays above 0: a trial of 1 to 730 days, each time they start. A plan has a trial of its own, which a tenant gets once without this right.',
    START_AT: 'startSubscription with startAt, in a sandbox: what has been used since then is not seen before.',
    ANCHOR_DAY:
      'startSubscription with anchorDay: the first period is shorter and costs its share, but holds a whole allowance.',
    WAIVE: 'changePlan with waived: the change costs nothing.',
    KEEP_DISCOUNTS_ON_RESET:
      'changePlan with keepRunningDiscounts where a new period begins: anchor RESET, or another interval.',
    KEEP_UNAVAILABLE_ADDONS: 'changePlan with unavailableAddons KEEP: add-ons stay that the target plan does not sell.',
    REFUND:
      'changePlan, cancelAddon and cancelSubscription with settlement REFUND: money leaves through the payment provider instead of going into the credit balance.',
    CHARGE_ON_NEXT_INVOICE: 'subscribeAddon with charge NEXT_INVOICE: it is used before it is charged.',
    TEST_CLOCK: "advanceClock: a sandbox's time.",
  },
);

/** The end of the description of an argument that takes a right of the partner. */
export function partnersRight(right: SelfServiceRight, what = 'It'): string {
  return `${what} is the partner's to give, unless its selfServicePolicy allows ${right}.`;
}

@ObjectType('SelfServicePolicy', {
  description: 'What a partner allows its tenants to ask for by themselves. At first nothing.',
  simpleResolvers: true,
})
export class SelfServicePolicyType {
  @Field(() => [SelfServiceRightEnum], { description: "What is allowed; everything else is the partner's." })
  allowed: readonly SelfServiceRight[];
  @Field(() => Int, { description: 'Grows with each change; 0: it was never set.' })
  version: number;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was set, UTC; null: never.' })
  changedAt?: Instant | undefined;
}

export function toGraphqlSelfServicePolicy(policy: SelfServicePolicy): SelfServicePolicyType {
  const { allowed, version, changedAt } = policy;
  return { allowed, version, changedAt };
}

@InputType('SetSelfServicePolicyInput', { description: 'What tenants may ask for by themselves from now on.' })
export class SetSelfServicePolicyInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins.' })
  partnerId?: string;
  @Field(() => [SelfServiceRightEnum], { description: 'All that is allowed; what is left out is forbidden again.' })
  allowed: SelfServiceRight[];
  @Field(() => Int, {
    nullable: true,
    description: 'Refuses when the policy was changed since; 0 where it was never set.',
  })
  expectedVersion?: number;
}

@ObjectType('SetSelfServicePolicyDone', { description: 'It holds from the next request on.', simpleResolvers: true })
export class SetSelfServicePolicyDone extends MutationDone {
  @Field(() => SelfServicePolicyType, { description: 'The policy.' })
  policy: SelfServicePolicyType;
}

export const SetSelfServicePolicyResult = resultOf('SetSelfServicePolicy', SetSelfServicePolicyDone);
