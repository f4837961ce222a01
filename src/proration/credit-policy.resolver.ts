import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql';
import type { Context } from '../graphql/context';
import { MutationArgs } from '../graphql/mutation.graphql';
import { Refuses } from '../graphql/refusal.graphql';
import {
  CreditPolicyType,
  SetCreditPolicyInputType,
  SetCreditPolicyResult,
  toGraphqlCreditPolicy,
} from './credit-policy.graphql';
import { setCreditPolicy, setCreditPolicyRefusals } from './set-credit-policy.command';

@Resolver()
export class CreditPolicyResolver {
  @Query(() => CreditPolicyType, {
    nullable: true,
    description: 'What a credit goes by for something that ends before what was paid for it does.',
  })
  async creditPolicy(
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<CreditPolicyType | undefined> {
    const tx = await context.read('CATALOG_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner || !(await tx.partners.byId(partner))) return undefined;
    return toGraphqlCreditPolicy(await tx.creditPolicies.current(partner));
  }

  @Mutation(() => SetCreditPolicyResult, {
    description:
      'For partners: what a credit goes by for something that ends early, time or what is left of what it includes.',
  })
  @Refuses(setCreditPolicyRefusals)
  setCreditPolicy(
    @Arg('input', () => SetCreditPolicyInputType, { description: 'The policy.' })
    input: SetCreditPolicyInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'PARTNER', partnerId: input.partnerId } as const;
    return context.mutate(
      { mutation: 'setCreditPolicy', permission: 'PARTNER_WRITE', scope, input, options },
      setCreditPolicy,
      ({ policy }) => ({ __typename: 'SetCreditPolicyDone', policy: toGraphqlCreditPolicy(policy) }),
    );
  }
}
