import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { FeatureType, toGraphqlFeature } from '../catalog/catalog.graphql';
import { featureLoader } from '../catalog/catalog.loaders';
import { findFeature } from '../catalog/find-catalog.query';
import type { Instant } from '../core/calendar';
import { decimal, decimalText } from '../core/decimal';
import type { Context } from '../graphql/context';
import { MutationArgs } from '../graphql/mutation.graphql';
import { Refuses } from '../graphql/refusal.graphql';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars';
import { chooseLicenceProvider } from '../licences/licence-provider';
import { type EntitlementAnswer, entitlementCheck, unknownFeature, unknownTenant } from './entitlement-check';
import {
  EntitlementSourceType,
  EntitlementType,
  GrantEntitlementInputType,
  GrantEntitlementResult,
  RebuildEntitlementsInputType,
  RebuildEntitlementsResult,
  RevokeEntitlementInputType,
  RevokeEntitlementResult,
  toGraphqlEntitlement,
  toGraphqlEntitlementSource,
  toGraphqlGrant,
} from './entitlements.graphql';
import { entitlements } from './entitlements.query';
import { grantEntitlement, grantEntitlementRefusals } from './grant-entitlement.command';
import { rebuildEntitlements, rebuildEntitlementsRefusals } from './rebuild-entitlements.command';
import { revokeEntitlement, revokeEntitlementRefusals } from './revoke-entitlement.command';
import { readsFor, type TenantReads } from './tenant-reads.query';
import { allowedOncePaid, unlockOptions } from './unlock-options.query';
import { toGraphqlUnlock, UnlockUnion } from './unlocks.graphql';
import { usagePace } from './usage-pace';

/** Whose check it was. */
async function tenantReads(context: Context, { tenant }: EntitlementAnswer): Promise<TenantReads | undefined> {
  const tx = await context.read('TENANT_READ');
  const whole = tenant && (await tx?.tenantFor(tenant.id));
  return tx && whole && readsFor(tx, whole);
}

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
    @Arg('asOf', () => DateTimeScalar, {
      nullable: true,
      description: 'As it was at this instant, UTC: what held then, and what had been used by then. Default: now.',
    })
    asOf: Instant | undefined,
    @Ctx() context: Context,
  ): Promise<EntitlementType> {
    const tenantUuid = context.may('TENANT_READ') ? context.tenantUuid(tenantId) : undefined;
    if (!tenantUuid) return toGraphqlEntitlement(unknownTenant(feature));
    // Almost always a code; an id costs one read more.
    const id = context.uuidOf('Feature', feature);
    const named = id ? await (await context.loader(featureLoader)).load(id) : undefined;
    const input = {
      tenantId: tenantUuid,
      feature: named?.code ?? feature,
      quantity: quantity ? decimal(quantity) : undefined,
      asOf: asOf ?? undefined,
    };
    const checked = await context.readCheck(input);
    // A super admin's eyes see every partner's features; a tenant is asked about its own partner's only.
    if (named && checked && named.partnerId !== checked.tenant.partnerId) {
      return toGraphqlEntitlement(unknownFeature(checked, feature));
    }
    const answer = await entitlementCheck(checked, input, {
      findFeature: async (partnerId) => {
        const tx = await context.read('TENANT_READ');
        return tx && findFeature({ features: tx.features, partnerId }, input.feature);
      },
      allowedOncePaid: async (denied) => {
        const reads = await tenantReads(context, denied);
        return reads !== undefined && allowedOncePaid(reads, denied);
      },
    });
    return toGraphqlEntitlement(answer);
  }

  @Query(() => [EntitlementType], {
    description: 'Everything a tenant is entitled to, by feature; at most 2000 sources.',
  })
  async entitlements(
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Arg('asOf', () => DateTimeScalar, {
      nullable: true,
      description: 'As it was at this instant, UTC: what held then, and what had been used by then. Default: now.',
    })
    asOf: Instant | undefined,
    @Ctx() context: Context,
  ): Promise<EntitlementType[]> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    const answers = tx && tenant ? await entitlements(tx, tenant, asOf ?? undefined) : undefined;
    return (answers ?? []).map(toGraphqlEntitlement);
  }

  @FieldResolver(() => FeatureType, {
    nullable: true,
    description: 'Which feature; null where there is none of that code.',
  })
  async feature(@Root() entitlement: EntitlementType, @Ctx() context: Context): Promise<FeatureType | undefined> {
    const { featureId } = entitlement.answer;
    const feature = featureId && (await (await context.loader(featureLoader)).load(featureId));
    return feature && toGraphqlFeature(feature);
  }

  @FieldResolver(() => DecimalScalar, {
    nullable: true,
    description: 'METERED: used per day since the reset period began. null where it does not add up: MAX and LATEST.',
  })
  perDay(@Root() entitlement: EntitlementType): string | undefined {
    const pace = usagePace(entitlement.answer);
    return pace && decimalText(pace.perDay);
  }

  @FieldResolver(() => DateTimeScalar, {
    nullable: true,
    description:
      'METERED: when the limit is used up if that goes on, UTC; null: not before it starts over, or it is used up.',
  })
  exhaustedAt(@Root() entitlement: EntitlementType): Instant | undefined {
    return usagePace(entitlement.answer)?.exhaustedAt;
  }

  @FieldResolver(() => [EntitlementSourceType], { description: 'What gives it, in the order in which usage is drawn.' })
  sources(@Root() entitlement: EntitlementType): EntitlementSourceType[] {
    return (entitlement.answer.merged?.sources ?? []).map(toGraphqlEntitlementSource);
  }

  @FieldResolver(() => [UnlockUnion], {
    description:
      'Where it is denied now: what would unlock it. Each was tried: its act is accepted with the quote at this price, and the check then allows. By their price now; at most 3 of a kind. Empty with asOf.',
  })
  async unlocks(@Root() entitlement: EntitlementType, @Ctx() context: Context) {
    const { answer } = entitlement;
    const reads = answer.allowed ? undefined : await tenantReads(context, answer);
    if (!reads) return [];
    const { providers, signer } = context.app;
    const unlocks = await unlockOptions(reads, answer, {
      isUsable: (provider, sandbox) => providers.usable(provider, sandbox),
      sellsLicences: (sandbox) => chooseLicenceProvider(providers, sandbox) !== undefined,
    });
    return unlocks.map((unlock) => toGraphqlUnlock(unlock, (text) => signer.sign(text)));
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
