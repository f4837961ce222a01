import { Arg, Args, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import { type Instant, isBefore } from '../core/calendar';
import { decimal } from '../core/decimal';
import type { Context } from '../graphql/context';
import { MutationArgs } from '../graphql/mutation.graphql';
import { type Connection, emptyPage, PageArgs, pageRequest, toGraphqlPage } from '../graphql/page.graphql';
import { Refuses } from '../graphql/refusal.graphql';
import { DateTimeScalar } from '../graphql/scalars';
import { archiveAddon, archiveAddonRefusals } from './archive-addon.command';
import {
  AddonConnection,
  AddonType,
  AllowanceType,
  ArchiveAddonInputType,
  ArchiveAddonResult,
  allowancesFromGraphql,
  CatalogStatusEnum,
  CreateAddonInputType,
  CreateAddonResult,
  CreateFeatureInputType,
  CreateFeatureResult,
  CreatePlanInputType,
  CreatePlanResult,
  FeatureConnection,
  FeatureType,
  PlanConnection,
  PlanType,
  PlanVersionType,
  PublishPlanVersionInputType,
  PublishPlanVersionResult,
  toGraphqlAddon,
  toGraphqlFeature,
  toGraphqlPlan,
  toGraphqlPlanVersion,
  UpdateAddonInputType,
  UpdateAddonResult,
  UpdatePlanInputType,
  UpdatePlanResult,
} from './catalog.graphql';
import {
  addonLoader,
  currentVersionLoader,
  featureLoader,
  subscriberCountLoader,
  versionAtLoader,
} from './catalog.loaders';
import { createAddon, createAddonRefusals } from './create-addon.command';
import { createFeature, createFeatureRefusals } from './create-feature.command';
import { createPlan, createPlanRefusals } from './create-plan.command';
import { findAddon, findPlan } from './find-catalog.query';
import type { CatalogStatus } from './plan';
import { publishPlanVersion, publishPlanVersionRefusals } from './publish-plan-version.command';
import { updateAddon, updateAddonRefusals } from './update-addon.command';
import { updatePlan, updatePlanRefusals } from './update-plan.command';

const asOfPlan =
  'As of this instant, UTC: the version that was sold then. Name, rank and status are as they are now. Default: now.';
const asOfAddon =
  'As of this instant, UTC: prices and limits of then. Name, minimum plan and status are as they are now. Default: now.';

const ofPartner = (input: { readonly partnerId?: string }) =>
  ({ kind: 'PARTNER', partnerId: input.partnerId }) as const;

@Resolver(() => FeatureType)
export class FeatureResolver {
  @Query(() => FeatureConnection, { description: "The partner's features, oldest first." })
  async features(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<FeatureType>> {
    const tx = await context.read('CATALOG_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner) return emptyPage(args);
    return toGraphqlPage(await tx.features.page(partner, pageRequest(args)), (feature) => feature.id, toGraphqlFeature);
  }

  @Mutation(() => CreateFeatureResult, { description: 'Names a capability.' })
  @Refuses(createFeatureRefusals)
  createFeature(
    @Arg('input', () => CreateFeatureInputType, { description: 'The feature.' }) input: CreateFeatureInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      { mutation: 'createFeature', permission: 'PARTNER_WRITE', scope: ofPartner(input), input, options },
      createFeature,
      ({ feature }) => ({ __typename: 'CreateFeatureDone', feature: toGraphqlFeature(feature) }),
    );
  }
}

@Resolver(() => AllowanceType)
export class AllowanceResolver {
  @FieldResolver(() => FeatureType, { description: 'Of which feature.' })
  async feature(@Root() allowance: AllowanceType, @Ctx() context: Context): Promise<FeatureType | undefined> {
    const feature = await (await context.loader(featureLoader)).load(allowance.featureUuid);
    return feature && toGraphqlFeature(feature);
  }
}

@Resolver(() => PlanVersionType)
export class PlanVersionResolver {
  @FieldResolver(() => [AddonType], { description: 'Add-ons that come with it by name.' })
  async includedAddons(@Root() version: PlanVersionType, @Ctx() context: Context): Promise<AddonType[]> {
    const addons = await (await context.loader(addonLoader)).loadMany(version.includedAddonUuids);
    return addons.flatMap((addon) => (addon && !(addon instanceof Error) ? [toGraphqlAddon(addon)] : []));
  }
}

@Resolver(() => PlanType)
export class PlanResolver {
  @Query(() => PlanType, { nullable: true, description: 'A plan by id or code.' })
  async plan(
    @Arg('id', () => ID, { description: 'Id or code.' }) id: string,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Arg('asOf', () => DateTimeScalar, { nullable: true, description: asOfPlan }) asOf: Instant | undefined,
    @Ctx() context: Context,
  ): Promise<PlanType | undefined> {
    const tx = await context.read('CATALOG_READ');
    const partner = context.partnerUuid(partnerId);
    const plan = tx && partner ? await findPlan({ plans: tx.plans, partnerId: partner as never }, id) : undefined;
    const was = plan && !(asOf && isBefore(asOf, plan.createdAt)) ? plan : undefined;
    return was && toGraphqlPlan(was, undefined, asOf ?? undefined);
  }

  @Query(() => PlanConnection, { description: "The partner's plans, oldest first." })
  async plans(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('status', () => CatalogStatusEnum, { nullable: true, description: 'Only these.' }) status:
      | CatalogStatus
      | undefined,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Arg('asOf', () => DateTimeScalar, { nullable: true, description: asOfPlan }) asOf: Instant | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<PlanType>> {
    const tx = await context.read('CATALOG_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner) return emptyPage(args);
    const page = await tx.plans.page(partner, status ?? undefined, pageRequest(args), asOf ?? undefined);
    return toGraphqlPage(
      page,
      (plan) => plan.id,
      (plan) => toGraphqlPlan(plan, undefined, asOf ?? undefined),
      () => tx.plans.count(partner, status ?? undefined, asOf ?? undefined),
    );
  }

  @FieldResolver(() => PlanVersionType, {
    description: 'What is sold now; of a plan that was asked for as of an instant, what was sold then.',
  })
  async currentVersion(@Root() plan: PlanType, @Ctx() context: Context): Promise<PlanVersionType | undefined> {
    const { uuid, asOf } = plan;
    const version =
      plan.versionMade ??
      (asOf
        ? await (await context.loader(versionAtLoader)).load({ planId: uuid, at: asOf })
        : await (await context.loader(currentVersionLoader)).load(uuid));
    return version && toGraphqlPlanVersion(version);
  }

  @Mutation(() => CreatePlanResult, { description: 'Makes a plan with its prices, limits and included add-ons.' })
  @Refuses(createPlanRefusals)
  createPlan(
    @Arg('input', () => CreatePlanInputType, { description: 'The plan.' }) input: CreatePlanInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      { mutation: 'createPlan', permission: 'PARTNER_WRITE', scope: ofPartner(input), input, options },
      (tx, given) => createPlan(tx, { ...given, features: allowancesFromGraphql(given.features, decimal) }),
      ({ plan, planVersion }) => ({ __typename: 'CreatePlanDone', plan: toGraphqlPlan(plan, planVersion) }),
    );
  }

  @Mutation(() => PublishPlanVersionResult, {
    description: 'New prices, limits or included add-ons for what is sold from now on.',
  })
  @Refuses(publishPlanVersionRefusals)
  publishPlanVersion(
    @Arg('input', () => PublishPlanVersionInputType, { description: 'The version.' })
    input: PublishPlanVersionInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      { mutation: 'publishPlanVersion', permission: 'PARTNER_WRITE', scope: ofPartner(input), input, options },
      (tx, given) => publishPlanVersion(tx, { ...given, features: allowancesFromGraphql(given.features, decimal) }),
      ({ plan, planVersion }) => ({ __typename: 'PublishPlanVersionDone', plan: toGraphqlPlan(plan, planVersion) }),
    );
  }

  @Mutation(() => UpdatePlanResult, { description: 'Changes name, rank, status or proration of a plan.' })
  @Refuses(updatePlanRefusals)
  updatePlan(
    @Arg('input', () => UpdatePlanInputType, { description: 'What changes.' }) input: UpdatePlanInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      { mutation: 'updatePlan', permission: 'PARTNER_WRITE', scope: ofPartner(input), input, options },
      updatePlan,
      ({ plan }) => ({ __typename: 'UpdatePlanDone', plan: toGraphqlPlan(plan) }),
    );
  }
}

@Resolver(() => AddonType)
export class AddonResolver {
  @Query(() => AddonType, { nullable: true, description: 'An add-on by id or code.' })
  async addon(
    @Arg('id', () => ID, { description: 'Id or code.' }) id: string,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Arg('asOf', () => DateTimeScalar, { nullable: true, description: asOfAddon }) asOf: Instant | undefined,
    @Ctx() context: Context,
  ): Promise<AddonType | undefined> {
    const tx = await context.read('CATALOG_READ');
    const partner = context.partnerUuid(partnerId);
    const addon = tx && partner ? await findAddon({ addons: tx.addons, partnerId: partner as never }, id) : undefined;
    const [was] = addon && tx && asOf ? await tx.addons.asOf([addon], asOf) : [addon];
    return was && toGraphqlAddon(was);
  }

  @Query(() => AddonConnection, { description: "The partner's add-ons, oldest first." })
  async addons(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('status', () => CatalogStatusEnum, { nullable: true, description: 'Only these.' }) status:
      | CatalogStatus
      | undefined,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Arg('asOf', () => DateTimeScalar, { nullable: true, description: asOfAddon }) asOf: Instant | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<AddonType>> {
    const tx = await context.read('CATALOG_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner) return emptyPage(args);
    const page = await tx.addons.page(partner, status ?? undefined, pageRequest(args), asOf ?? undefined);
    return toGraphqlPage(
      asOf ? { ...page, items: await tx.addons.asOf(page.items, asOf) } : page,
      (addon) => addon.id,
      toGraphqlAddon,
      () => tx.addons.count(partner, status ?? undefined, asOf ?? undefined),
    );
  }

  @FieldResolver(() => Int, {
    nullable: true,
    description: "How many tenants have it attached; null for a tenant's own people, who would only see themselves.",
  })
  async subscriberCount(@Root() addon: AddonType, @Ctx() context: Context): Promise<number | undefined> {
    if (!context.may('PARTNER_READ') || (await context.scope()) === 'tenant') return undefined;
    return (await context.loader(subscriberCountLoader)).load({ partnerId: addon.partnerUuid, addonId: addon.uuid });
  }

  @FieldResolver(() => [AddonType], { description: 'Add-ons that must be there already.' })
  async requires(@Root() addon: AddonType, @Ctx() context: Context): Promise<AddonType[]> {
    const addons = await (await context.loader(addonLoader)).loadMany(addon.requiredAddonUuids);
    return addons.flatMap((required) => (required && !(required instanceof Error) ? [toGraphqlAddon(required)] : []));
  }

  @Mutation(() => CreateAddonResult, { description: 'Makes something to sell beside plans.' })
  @Refuses(createAddonRefusals)
  createAddon(
    @Arg('input', () => CreateAddonInputType, { description: 'The add-on.' }) input: CreateAddonInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      { mutation: 'createAddon', permission: 'PARTNER_WRITE', scope: ofPartner(input), input, options },
      (tx, given) => createAddon(tx, { ...given, features: allowancesFromGraphql(given.features, decimal) }),
      ({ addon }) => ({ __typename: 'CreateAddonDone', addon: toGraphqlAddon(addon) }),
    );
  }

  @Mutation(() => UpdateAddonResult, { description: 'Changes an add-on; live attachments keep the price they bought.' })
  @Refuses(updateAddonRefusals)
  updateAddon(
    @Arg('input', () => UpdateAddonInputType, { description: 'What changes.' }) input: UpdateAddonInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      {
        mutation: 'updateAddon',
        permission: 'PARTNER_WRITE',
        scope: ofPartner(input),
        nullable: ['minimumPlan'],
        ...{ input, options },
      },
      (tx, given) => updateAddon(tx, { ...given, features: allowancesFromGraphql(given.features, decimal) }),
      ({ addon }) => ({ __typename: 'UpdateAddonDone', addon: toGraphqlAddon(addon) }),
    );
  }

  @Mutation(() => ArchiveAddonResult, { description: 'Stops selling an add-on; who has it keeps it.' })
  @Refuses(archiveAddonRefusals)
  archiveAddon(
    @Arg('input', () => ArchiveAddonInputType, { description: 'Which.' }) input: ArchiveAddonInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      { mutation: 'archiveAddon', permission: 'PARTNER_WRITE', scope: ofPartner(input), input, options },
      archiveAddon,
      ({ addon }) => ({ __typename: 'ArchiveAddonDone', addon: toGraphqlAddon(addon) }),
    );
  }
}
