import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql';
import type { Context } from '../graphql/context';
import { MutationArgs } from '../graphql/mutation.graphql';
import { Refuses } from '../graphql/refusal.graphql';
import {
  SelfServicePolicyType,
  SetSelfServicePolicyInputType,
  SetSelfServicePolicyResult,
  toGraphqlSelfServicePolicy,
} from './self-service.graphql';
import { setSelfServicePolicy, setSelfServicePolicyRefusals } from './set-self-service-policy.command';

@Resolver()
export class SelfServiceResolver {
  @Query(() => SelfServicePolicyType, {
    nullable: true,
    description: 'What the partner allows its tenants to ask for by themselves.',
  })
  async selfServicePolicy(
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<SelfServicePolicyType | undefined> {
    const tx = await context.read('CATALOG_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner || !(await tx.partners.byId(partner))) return undefined;
    return toGraphqlSelfServicePolicy(await tx.selfServicePolicies.current(partner));
  }

  @Mutation(() => SetSelfServicePolicyResult, {
    description: 'For partners: what tenants may ask for by themselves of what gives money or time away.',
  })
  @Refuses(setSelfServicePolicyRefusals)
  setSelfServicePolicy(
    @Arg('input', () => SetSelfServicePolicyInputType, { description: 'The policy.' })
    input: SetSelfServicePolicyInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'PARTNER', partnerId: input.partnerId } as const;
    return context.mutate(
      { mutation: 'setSelfServicePolicy', permission: 'PARTNER_WRITE', scope, input, options },
      setSelfServicePolicy,
      ({ policy }) => ({ __typename: 'SetSelfServicePolicyDone', policy: toGraphqlSelfServicePolicy(policy) }),
    );
  }
}
