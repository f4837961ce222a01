import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import type { Context } from '../graphql/context';
import { FeatureUsageType, toGraphqlFeatureUsage } from './rating.graphql';
import { usageBySubscription } from './usage-by-subscription.query';

@Resolver(() => FeatureUsageType)
export class RatingResolver {
  @Query(() => [FeatureUsageType], {
    description:
      "What a tenant's subscription has used of each METERED feature, the share of each source, overage, and its cost so far.",
  })
  async usageBySubscription(
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<FeatureUsageType[]> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    if (!tx || !tenant) return [];
    return (await usageBySubscription(tx, tenant)).map(toGraphqlFeatureUsage);
  }
}
