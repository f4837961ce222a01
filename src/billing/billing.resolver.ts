import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { TenantType, toGraphqlTenant } from '../access/access.graphql';
import { tenantLoader } from '../access/access.loaders';
import { isNamed } from '../app';
import { encodeId } from '../core/ids';
import type { Context } from '../graphql/context';
import { MutationArgs } from '../graphql/mutation.graphql';
import { type Connection, emptyPage, PageArgs, pageRequest, toGraphqlPage } from '../graphql/page.graphql';
import { Refuses } from '../graphql/refusal.graphql';
import {
  ParkedTenantConnection,
  ParkedTenantType,
  toGraphqlParkedTenant,
  UnparkTenantInputType,
  UnparkTenantResult,
} from './billing.graphql';
import { unparkTenant, unparkTenantRefusals } from './unpark-tenant.command';

@Resolver(() => ParkedTenantType)
export class BillingResolver {
  @Query(() => ParkedTenantConnection, {
    description: "The partner's tenants that billing goes past, and why; for super admins those of all partners.",
  })
  async parkedTenants(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<ParkedTenantType>> {
    const tx = await context.read('PARTNER_READ');
    const partner = context.partnerUuidIfAny(partnerId);
    if (!tx || (isNamed(partnerId) && !partner)) return emptyPage(args);
    const page = await tx.billingWork.parkedPage(partner, pageRequest(args));
    return toGraphqlPage(page, (parked) => parked.tenantId, toGraphqlParkedTenant);
  }

  @FieldResolver(() => TenantType, { nullable: true, description: 'The tenant.' })
  async tenant(@Root() parked: ParkedTenantType, @Ctx() context: Context): Promise<TenantType | undefined> {
    const tenant = await (await context.loader(tenantLoader)).load(parked.tenantUuid);
    return tenant ? toGraphqlTenant(tenant) : undefined;
  }

  @Mutation(() => UnparkTenantResult, {
    description: 'Lets billing try a parked tenant again. Unparking one that is not parked changes nothing.',
  })
  @Refuses(unparkTenantRefusals)
  unparkTenant(
    @Arg('input', () => UnparkTenantInputType, { description: 'Which tenant.' }) input: UnparkTenantInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      {
        mutation: 'unparkTenant',
        permission: 'PARTNER_WRITE',
        scope: { kind: 'TENANT', tenantId: input.tenantId },
        ...{ input, options },
      },
      unparkTenant,
      ({ tenantId, parked }) => ({
        __typename: 'UnparkTenantDone',
        tenantId: encodeId('Tenant', tenantId),
        parked: parked && toGraphqlParkedTenant(parked),
      }),
    );
  }
}
