import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Instant } from '../core/calendar';
import { decimal } from '../core/decimal';
import type { Context } from '../graphql/context';
import { MutationArgs } from '../graphql/mutation.graphql';
import { Refuses } from '../graphql/refusal.graphql';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars';
import { entitlements, unlockOptions } from './entitlement-check.query';
import {
  EntitlementType,
  GrantEntitlementInputType,
  GrantEntitlementResult,
  RebuildEntitlementsInputType,
  RebuildEntitlementsResult,
  RevokeEntitlementInputType,
  RevokeEntitlementResult,
  toGraphqlEntitlement,
  toGraphqlGrant,
  toGraphqlUnlock,
  UnlockUnion,
} from './entitlements.graphql';
import { grantEntitlement, grantEntitlementRefusals } from './grant-entitlement.command';
import { rebuildEntitlements, rebuildEntitlementsRefusals } from './rebuild-entitlements.command';
import { revokeEntitlement, revokeEntitlementRefusals } from './revoke-entitlement.command';

@Resolver(() => EntitlementType)
export class EntitlementResolver {
  @Query(() => EntitlementType, {
    description: 'May this tenant use this feature now? Never writes; made to be asked on every request.',
  })
  async entitlementCheck(
    @Arg('feature', () => ID, { description: "The feature's code or id." }) feature: string,
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Arg('quantity', () => DecimalScalar, {
      nullable: true,
      description: 'METERED: how much is about to be used. Default 1.',
    })
    quantity: string | undefined,
    @Arg('asOf', () => DateTimeScalar, { nullable: true, description: 'At another instant than now.' }) asOf:
      | Instant
      | undefined,
    @Ctx() context: Context,
  ): Promise<EntitlementType> {
    const tenant = context.may('TENANT_READ') ? context.tenantUuid(tenantId) : undefined;
    if (!tenant) return toGraphqlEntitlement({ allowed: false, reason: 'TENANT_UNKNOWN', featureCode: feature });
    const wanted = quantity ? decimal(quantity) : undefined;
    const input = { tenantId: tenant, feature, quantity: wanted, asOf: asOf ?? undefined };
    return toGraphqlEntitlement(await context.app.checkEntitlement(context.actor, input));
  }

  @Query(() => [EntitlementType], {
    description: 'Everything a tenant is entitled to, by feature; at most 2000 sources.',
  })
  async entitlements(
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Arg('asOf', () => DateTimeScalar, { nullable: true, description: 'At another instant than now.' }) asOf:
      | Instant
      | undefined,
    @Ctx() context: Context,
  ): Promise<EntitlementType[]> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    const answers = tx && tenant ? await entitlements(tx, tenant, asOf ?? undefined) : undefined;
    return (answers ?? []).map(toGraphqlEntitlement);
  }

  @FieldResolver(() => [UnlockUnion], {
    description: 'Where it was denied: what would unlock it, for how much; at most 5.',
  })
  async unlocks(@Root() entitlement: EntitlementType, @Ctx() context: Context) {
    const tx = await context.read('TENANT_READ');
    return tx ? (await unlockOptions(tx, entitlement.answer)).map(toGraphqlUnlock) : [];
  }

  @Mutation(() => RebuildEntitlementsResult, {
    description:
      'Brings entitlements in step with plan, add-ons and grants. Changes nothing where nothing is out of step.',
  })
  @Refuses(rebuildEntitlementsRefusals)
  rebuildEntitlements(
    @Arg('input', () => RebuildEntitlementsInputType, { description: 'Whose.' }) input: RebuildEntitlementsInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'rebuildEntitlements', permission: 'TENANT_WRITE', scope, input, options },
      (tx) => rebuildEntitlements(tx),
      ({ changed }) => ({ __typename: 'RebuildEntitlementsDone', changed }),
    );
  }

  @Mutation(() => GrantEntitlementResult, { description: 'Gives a tenant a feature by hand. For partners.' })
  @Refuses(grantEntitlementRefusals)
  grantEntitlement(
    @Arg('input', () => GrantEntitlementInputType, { description: 'What, to whom, why.' })
    input: GrantEntitlementInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'grantEntitlement', permission: 'PARTNER_WRITE', scope, input, options },
      (tx, { tenantId: _tenant, ...given }) =>
        grantEntitlement(tx, { ...given, limit: given.limit === undefined ? undefined : decimal(given.limit) }),
      ({ grant }) => ({ __typename: 'GrantEntitlementDone', grant: toGraphqlGrant(grant) }),
    );
  }

  @Mutation(() => RevokeEntitlementResult, { description: 'Ends a grant now. For partners.' })
  @Refuses(revokeEntitlementRefusals)
  revokeEntitlement(
    @Arg('input', () => RevokeEntitlementInputType, { description: 'Which.' }) input: RevokeEntitlementInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'revokeEntitlement', permission: 'PARTNER_WRITE', scope, input, options },
      (tx, given) => revokeEntitlement(tx, given),
      ({ grant }) => ({ __typename: 'RevokeEntitlementDone', grant: toGraphqlGrant(grant) }),
    );
  }
}
