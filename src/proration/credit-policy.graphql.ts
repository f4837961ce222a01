import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { Instant } from '../core/calendar';
import { enumFrom } from '../graphql/enums';
import { MutationDone } from '../graphql/mutation.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { DateTimeScalar } from '../graphql/scalars';
import { type CreditBasis, type CreditPolicy, creditBases } from './credit-policy';

export const CreditBasisEnum = enumFrom(
  'CreditBasis',
  creditBases,
  'What a credit goes by for something that ends before what was paid for it does.',
  {
    USAGE:
      'Price × the share of time that is left, or × the smallest share that is left of a limited allowance that it includes at no unit price, where that is smaller.',
    TIME_FOR_PARTNER: "By time alone where the partner's people and keys act, or the platform's; else as USAGE.",
    TIME: 'By time alone, whatever was used.',
  },
);

@ObjectType('CreditPolicy', {
  description: "What a partner's credits go by. At first USAGE.",
  simpleResolvers: true,
})
export class CreditPolicyType {
  @Field(() => CreditBasisEnum, { description: 'What they go by.' })
  creditBasis: CreditBasis;
  @Field(() => Int, { description: 'Grows with each change; 0: it was never set.' })
  version: number;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was set, UTC; null: never.' })
  changedAt?: Instant | undefined;
}

export function toGraphqlCreditPolicy({ creditBasis, version, changedAt }: CreditPolicy): CreditPolicyType {
  return { creditBasis, version, changedAt };
}

@InputType('SetCreditPolicyInput', { description: 'What credits go by from now on.' })
export class SetCreditPolicyInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins.' })
  partnerId?: string;
  @Field(() => CreditBasisEnum, { description: 'What they go by.' })
  creditBasis: CreditBasis;
  @Field(() => Int, {
    nullable: true,
    description: 'Refuses when the policy was changed since; 0 where it was never set.',
  })
  expectedVersion?: number;
}

@ObjectType('SetCreditPolicyDone', { description: 'It holds from the next act on.', simpleResolvers: true })
export class SetCreditPolicyDone extends MutationDone {
  @Field(() => CreditPolicyType, { description: 'The policy.' })
  policy: CreditPolicyType;
}

export const SetCreditPolicyResult = resultOf('SetCreditPolicy', SetCreditPolicyDone);
