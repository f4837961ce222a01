import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { isNamed } from '../app';
import { decodeId, encodeId, type Id } from '../core/ids';
import { refuse } from '../core/result';
import type { Context } from '../graphql/context';
import { MutationArgs } from '../graphql/mutation.graphql';
import { type Connection, emptyPage, PageArgs, pageRequest, toGraphqlPage } from '../graphql/page.graphql';
import { Refuses } from '../graphql/refusal.graphql';
import {
  ApiKeyConnection,
  type ApiKeyType,
  CreateApiKeyInputType,
  CreateApiKeyResult,
  CreatePartnerInputType,
  CreatePartnerResult,
  CreateTenantInputType,
  CreateTenantResult,
  InviteUserInputType,
  InviteUserResult,
  MemberConnection,
  type MemberType,
  PartnerConnection,
  PartnerType,
  RemoveUserInputType,
  RemoveUserResult,
  RevokeApiKeyInputType,
  RevokeApiKeyResult,
  TenantConnection,
  TenantType,
  toGraphqlApiKey,
  toGraphqlMember,
  toGraphqlPartner,
  toGraphqlTenant,
  ViewerType,
} from './access.graphql';
import { partnerLoader, tenantLoader } from './access.loaders';
import { createApiKey, createApiKeyRefusals, type CreateApiKeyDone as NewApiKey } from './create-api-key.command';
import { createPartner, createPartnerRefusals } from './create-partner.command';
import { createTenant, createTenantRefusals } from './create-tenant.command';
import { inviteUser, inviteUserRefusals } from './invite-user.command';
import { removeUser, removeUserRefusals } from './remove-user.command';
import { revokeApiKey, revokeApiKeyRefusals } from './revoke-api-key.command';

@Resolver(() => ViewerType)
export class ViewerResolver {
  @Query(() => ViewerType, { description: 'Who is asking, as what.' })
  async viewer(@Ctx() context: Context): Promise<ViewerType> {
    const { account, role } = context.actor;
    // Memberships are remembered for a moment; whether this one still holds is the database's word.
    await context.scope();
    return { account: account.kind, role };
  }

  @FieldResolver(() => PartnerType, { nullable: true, description: "The actor's partner." })
  async partner(@Ctx() context: Context): Promise<PartnerType | undefined> {
    const partnerId = context.partnerUuidIfAny(undefined);
    const partner = partnerId && (await (await context.loader(partnerLoader)).load(partnerId));
    return partner ? toGraphqlPartner(partner) : undefined;
  }

  @FieldResolver(() => TenantType, { nullable: true, description: "The actor's tenant." })
  async tenant(@Ctx() context: Context): Promise<TenantType | undefined> {
    const tenantId = context.tenantUuidIfAny(undefined);
    const tenant = tenantId && (await (await context.loader(tenantLoader)).load(tenantId));
    return tenant ? toGraphqlTenant(tenant) : undefined;
  }
}

@Resolver(() => TenantType)
export class TenantResolver {
  @Query(() => TenantType, { nullable: true, description: "A tenant: the actor's own where no id is given." })
  async tenant(
    @Arg('id', () => ID, { nullable: true, description: 'tenant_…' }) id: string | undefined,
    @Ctx() context: Context,
  ): Promise<TenantType | undefined> {
    const tenantId = context.tenantUuid(id, 'id');
    if (!tenantId || !context.may('TENANT_READ')) return undefined;
    const tenant = await (await context.loader(tenantLoader)).load(tenantId);
    return tenant ? toGraphqlTenant(tenant) : undefined;
  }

  @Query(() => TenantConnection, { description: "The partner's tenants, oldest first." })
  async tenants(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<TenantType>> {
    const tx = await context.read('PARTNER_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner) return emptyPage(args);
    const page = await tx.tenants.page(partner, pageRequest(args));
    return toGraphqlPage(
      page,
      (tenant) => tenant.id,
      toGraphqlTenant,
      () => tx.tenants.count(partner),
    );
  }

  @FieldResolver(() => PartnerType, { nullable: true, description: 'Whose customer it is.' })
  async partner(@Root() tenant: TenantType, @Ctx() context: Context): Promise<PartnerType | undefined> {
    const partner = await (await context.loader(partnerLoader)).load(tenant.partnerUuid);
    return partner ? toGraphqlPartner(partner) : undefined;
  }

  @Mutation(() => CreateTenantResult, { description: 'Makes a customer of the partner.' })
  @Refuses(createTenantRefusals)
  createTenant(
    @Arg('input', () => CreateTenantInputType, { description: 'The tenant.' }) input: CreateTenantInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      {
        mutation: 'createTenant',
        permission: 'PARTNER_WRITE',
        scope: { kind: 'PARTNER', partnerId: input.partnerId },
        ...{ input, options },
      },
      createTenant,
      ({ tenant }) => ({ __typename: 'CreateTenantDone', tenant: toGraphqlTenant(tenant) }),
    );
  }
}

@Resolver(() => PartnerType)
export class PartnerResolver {
  @Query(() => PartnerType, { nullable: true, description: "A partner: the actor's own where no id is given." })
  async partner(
    @Arg('id', () => ID, { nullable: true, description: 'partner_…' }) id: string | undefined,
    @Ctx() context: Context,
  ): Promise<PartnerType | undefined> {
    const partnerId = context.partnerUuid(id, 'id');
    if (!partnerId || !context.may('CATALOG_READ')) return undefined;
    const partner = await (await context.loader(partnerLoader)).load(partnerId);
    return partner ? toGraphqlPartner(partner) : undefined;
  }

  @Query(() => PartnerConnection, { description: 'All partners, oldest first; for super admins.' })
  async partners(@Args(() => PageArgs) args: PageArgs, @Ctx() context: Context): Promise<Connection<PartnerType>> {
    const tx = await context.read('PLATFORM');
    if (!tx) return emptyPage(args);
    return toGraphqlPage(await tx.partners.page(pageRequest(args)), (partner) => partner.id, toGraphqlPartner);
  }

  @Mutation(() => CreatePartnerResult, { description: 'Makes a reseller. For super admins; invite its owner next.' })
  @Refuses(createPartnerRefusals)
  createPartner(
    @Arg('input', () => CreatePartnerInputType, { description: 'The partner.' }) input: CreatePartnerInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      { mutation: 'createPartner', permission: 'PLATFORM', scope: { kind: 'PLATFORM' }, input, options },
      createPartner,
      ({ partner }) => ({ __typename: 'CreatePartnerDone', partner: toGraphqlPartner(partner) }),
    );
  }
}

interface NamedAccounts {
  readonly tenantId?: string | undefined;
  readonly partnerId?: string | undefined;
}

/** A member of a tenant where one is named, or the actor is of one and names no partner; else of the partner. */
function memberScope(input: NamedAccounts, context: Context) {
  const ofTenant = isNamed(input.tenantId) || (context.actor.account.kind === 'TENANT' && !isNamed(input.partnerId));
  const scope = ofTenant
    ? ({ kind: 'TENANT', tenantId: input.tenantId, partnerId: input.partnerId } as const)
    : ({ kind: 'PARTNER', partnerId: input.partnerId } as const);
  return { ofTenant, scope };
}

@Resolver()
export class MembershipResolver {
  @Query(() => MemberConnection, { description: 'The people of the partner, or with tenantId of a tenant.' })
  async members(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('tenantId', () => ID, { nullable: true, description: 'Of which tenant.' }) tenantId: string | undefined,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<MemberType>> {
    const { ofTenant } = memberScope({ tenantId, partnerId }, context);
    const tx = await context.read(ofTenant ? 'TENANT_READ' : 'PARTNER_READ');
    const tenant = ofTenant ? context.tenantUuid(tenantId) : undefined;
    const partner = ofTenant ? context.partnerUuidIfAny(partnerId) : context.partnerUuid(partnerId);
    if (!tx || !(ofTenant ? tenant : partner) || (isNamed(partnerId) && !partner)) return emptyPage(args);
    if (tenant && isNamed(partnerId) && (await tx.tenants.byId(tenant))?.partnerId !== partner) return emptyPage(args);
    const request = pageRequest(args);
    const page = tenant
      ? await tx.memberships.profiles(tenant, request)
      : await tx.memberships.partnerUsers(partner!, request);
    return toGraphqlPage(page, (member) => member.userId, toGraphqlMember);
  }

  @Mutation(() => InviteUserResult, {
    description: 'Gives a person a role in the partner or a tenant, or another role there.',
  })
  @Refuses(inviteUserRefusals)
  inviteUser(
    @Arg('input', () => InviteUserInputType, { description: 'Who, where, as what.' }) input: InviteUserInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const { ofTenant, scope } = memberScope(input, context);
    return context.mutate(
      { mutation: 'inviteUser', permission: ofTenant ? 'TENANT_ACCESS' : 'PARTNER_ACCESS', scope, input, options },
      (tx, given) => inviteUser(tx, ofTenant ? tx.tenant.id : undefined, given),
      ({ member }) => ({ __typename: 'InviteUserDone', member: toGraphqlMember(member) }),
    );
  }

  @Mutation(() => RemoveUserResult, { description: 'Takes a person out; their next request is refused.' })
  @Refuses(removeUserRefusals)
  removeUser(
    @Arg('input', () => RemoveUserInputType, { description: 'Who, from where.' }) input: RemoveUserInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const { ofTenant, scope } = memberScope(input, context);
    return context.mutate(
      { mutation: 'removeUser', permission: ofTenant ? 'TENANT_ACCESS' : 'PARTNER_ACCESS', scope, input, options },
      (tx, given) => removeUser(tx, ofTenant ? tx.tenant.id : undefined, given),
      ({ userId }) => ({ __typename: 'RemoveUserDone', userId: encodeId('User', userId) }),
    );
  }

  @Query(() => ApiKeyConnection, { description: "The partner's API keys, also those of its tenants." })
  async apiKeys(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<ApiKeyType>> {
    const tx = await context.read('PARTNER_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner) return emptyPage(args);
    return toGraphqlPage(await tx.apiKeys.page(partner, pageRequest(args)), (key) => key.id, toGraphqlApiKey);
  }

  @Mutation(() => CreateApiKeyResult, { description: 'Makes a key for machines. It is shown once: keep it.' })
  @Refuses(createApiKeyRefusals)
  createApiKey(
    @Arg('input', () => CreateApiKeyInputType, { description: 'The key.' }) input: CreateApiKeyInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      {
        mutation: 'createApiKey',
        permission: 'PARTNER_ACCESS',
        scope: { kind: 'PARTNER', partnerId: input.partnerId },
        keep: (value: NewApiKey) => ({ ...value, secret: undefined }),
        ...{ input, options },
      },
      async (tx, given) => {
        if (!isNamed(given.tenantId)) return createApiKey(tx, undefined, given);
        const decoded = decodeId(given.tenantId);
        const tenant = decoded?.kind === 'Tenant' ? await tx.tenants.byId(decoded.uuid) : undefined;
        if (!tenant) return refuse('TENANT_NOT_FOUND', 'No such tenant.', { path: ['input', 'tenantId'] });
        return createApiKey(tx, tenant.id as Id<'Tenant'>, given);
      },
      ({ apiKey, secret }) => ({
        __typename: 'CreateApiKeyDone',
        apiKey: toGraphqlApiKey(apiKey),
        secret: secret ?? undefined,
      }),
    );
  }

  @Mutation(() => RevokeApiKeyResult, { description: 'Stops a key; its next request is refused.' })
  @Refuses(revokeApiKeyRefusals)
  revokeApiKey(
    @Arg('input', () => RevokeApiKeyInputType, { description: 'Which key.' }) input: RevokeApiKeyInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      {
        mutation: 'revokeApiKey',
        permission: 'PARTNER_ACCESS',
        scope: { kind: 'PARTNER', partnerId: input.partnerId },
        ...{ input, options },
      },
      revokeApiKey,
      ({ apiKey }) => ({ __typename: 'RevokeApiKeyDone', apiKey: toGraphqlApiKey(apiKey) }),
    );
  }
}
