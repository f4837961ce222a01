import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { FeatureType, toGraphqlFeature } from '../catalog/catalog.graphql';
import { featureLoader } from '../catalog/catalog.loaders';
import type { Context } from '../graphql/context';
import { MutationArgs } from '../graphql/mutation.graphql';
import { type Connection, emptyPage, PageArgs, pageRequest, toGraphqlPage } from '../graphql/page.graphql';
import { Refuses } from '../graphql/refusal.graphql';
import { points } from '../rate-limits';
import { createMeter, createMeterRefusals } from './create-meter.command';
import { recordUsage, recordUsageRefusals } from './record-usage.command';
import { recordUsageBatch, recordUsageBatchRefusals } from './record-usage-batch.command';
import {
  CreateMeterInputType,
  CreateMeterResult,
  MeterConnection,
  MeterType,
  RecordUsageBatchInputType,
  RecordUsageBatchResult,
  RecordUsageInputType,
  RecordUsageResult,
  toGraphqlMeter,
  toGraphqlUsageThreshold,
  UsageThresholdConnection,
  UsageThresholdType,
} from './usage.graphql';

@Resolver(() => MeterType)
export class UsageResolver {
  @Query(() => MeterConnection, { description: "The partner's meters, oldest first." })
  async meters(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<MeterType>> {
    const tx = await context.read('CATALOG_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner) return emptyPage(args);
    return toGraphqlPage(await tx.meters.page(partner, pageRequest(args)), (meter) => meter.id, toGraphqlMeter);
  }

  @FieldResolver(() => FeatureType, { description: 'What it counts.' })
  async feature(@Root() meter: MeterType, @Ctx() context: Context): Promise<FeatureType | undefined> {
    const feature = await (await context.loader(featureLoader)).load(meter.featureUuid);
    return feature && toGraphqlFeature(feature);
  }

  @Mutation(() => CreateMeterResult, {
    description:
      'Says how a METERED feature is counted, before anything is. A feature without a meter adds up the quantities of the events whose type is its code.',
  })
  @Refuses(createMeterRefusals)
  createMeter(
    @Arg('input', () => CreateMeterInputType, { description: 'The meter.' }) input: CreateMeterInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'PARTNER', partnerId: input.partnerId } as const;
    return context.mutate(
      { mutation: 'createMeter', permission: 'PARTNER_WRITE', scope, input, options },
      createMeter,
      ({ meter }) => ({ __typename: 'CreateMeterDone', meter: toGraphqlMeter(meter) }),
    );
  }

  @Mutation(() => RecordUsageResult, {
    description: 'Records one event of usage. Sending the same id again changes nothing.',
  })
  @Refuses(recordUsageRefusals)
  recordUsage(
    @Arg('input', () => RecordUsageInputType, { description: 'What happened.' }) input: RecordUsageInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'recordUsage', permission: 'USAGE', scope, input, options, asSent: ['data'] },
      (tx, { time, ...event }) => recordUsage(tx, { ...event, time: time?.toString() }),
      ({ duplicate }) => ({ __typename: 'RecordUsageDone', duplicate }),
    );
  }

  @Mutation(() => RecordUsageBatchResult, {
    description: 'Records up to 1000 events of one tenant. Sending the same ids again changes nothing.',
  })
  @Refuses(recordUsageBatchRefusals)
  recordUsageBatch(
    @Arg('input', () => RecordUsageBatchInputType, { description: 'What happened.' }) input: RecordUsageBatchInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    const cost = points.event * input.events.length;
    return context.mutate(
      { mutation: 'recordUsageBatch', permission: 'USAGE', scope, input, options, cost, asSent: ['events'] },
      recordUsageBatch,
      ({ recorded, duplicates, rejected }) => ({
        __typename: 'RecordUsageBatchDone',
        ...{ recorded, duplicates, rejected },
      }),
    );
  }
}

@Resolver(() => UsageThresholdType)
export class UsageThresholdResolver {
  @Query(() => UsageThresholdConnection, {
    description: 'Which shares of its limits a tenant has reached, in each of their windows, oldest first.',
  })
  async usageThresholds(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<UsageThresholdType>> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    if (!tx || !tenant) return emptyPage(args);
    const page = await tx.usageThresholds.page(tenant, pageRequest(args));
    return toGraphqlPage(page, ({ id }) => id, toGraphqlUsageThreshold);
  }

  @FieldResolver(() => FeatureType, { description: 'Of which feature.' })
  async feature(@Root() threshold: UsageThresholdType, @Ctx() context: Context): Promise<FeatureType | undefined> {
    const feature = await (await context.loader(featureLoader)).load(threshold.featureUuid);
    return feature && toGraphqlFeature(feature);
  }
}
