import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import {
  AddonType,
  PlanType,
  PlanVersionType,
  toGraphqlAddon,
  toGraphqlPlan,
  toGraphqlPlanVersion,
} from '../catalog/catalog.graphql';
import { addonLoader, planLoader, planVersionLoader } from '../catalog/catalog.loaders';
import { type Instant, isAtOrBefore, isBefore } from '../core/calendar';
import type { Context } from '../graphql/context';
import { MutationArgs } from '../graphql/mutation.graphql';
import { type Connection, emptyPage, PageArgs, pageRequest, toGraphqlPage } from '../graphql/page.graphql';
import { Refuses, toGraphqlRefused } from '../graphql/refusal.graphql';
import { DateTimeScalar } from '../graphql/scalars';
import { toGraphqlCreditNote, toGraphqlDocuments, toGraphqlInvoice } from '../invoicing/invoicing.graphql';
import { readQuote } from '../proration/quote.graphql';
import { cancelAddon, cancelAddonRefusals } from './cancel-addon.command';
import { cancelSubscription, cancelSubscriptionRefusals } from './cancel-subscription.command';
import { changeAddonQuantity, changeAddonQuantityRefusals } from './change-addon-quantity.command';
import { startSubscription, startSubscriptionRefusals } from './start-subscription.command';
import { subscribeAddon, subscribeAddonRefusals } from './subscribe-addon.command';
import {
  AddonSubscriptionConnection,
  AddonSubscriptionType,
  CancelAddonInputType,
  CancelAddonResult,
  CancelSubscriptionInputType,
  CancelSubscriptionResult,
  ChangeAddonQuantityInputType,
  ChangeAddonQuantityResult,
  ScheduledPlanChangeType,
  StartSubscriptionInputType,
  StartSubscriptionResult,
  SubscribeAddonInputType,
  SubscribeAddonResult,
  SubscriptionChangeConnection,
  type SubscriptionChangeType,
  SubscriptionItemType,
  SubscriptionType,
  toGraphqlAddonSubscription,
  toGraphqlScheduledPlanChange,
  toGraphqlSubscription,
  toGraphqlSubscriptionChange,
  toGraphqlSubscriptionItem,
} from './subscriptions.graphql';

@Resolver(() => SubscriptionItemType)
export class SubscriptionItemResolver {
  @FieldResolver(() => PlanType, { description: 'The plan.' })
  async plan(@Root() item: SubscriptionItemType, @Ctx() context: Context): Promise<PlanType | undefined> {
    const plan = await (await context.loader(planLoader)).load(item.planUuid);
    return plan && toGraphqlPlan(plan);
  }

  @FieldResolver(() => PlanVersionType, { description: 'Prices and limits as they were sold.' })
  async planVersion(@Root() item: SubscriptionItemType, @Ctx() context: Context): Promise<PlanVersionType | undefined> {
    const version = await (await context.loader(planVersionLoader)).load(item.planVersionUuid);
    return version && toGraphqlPlanVersion(version);
  }
}

@Resolver(() => ScheduledPlanChangeType)
export class ScheduledPlanChangeResolver {
  @FieldResolver(() => PlanType, { description: 'The plan from then on.' })
  async plan(@Root() scheduled: ScheduledPlanChangeType, @Ctx() context: Context): Promise<PlanType | undefined> {
    const plan = await (await context.loader(planLoader)).load(scheduled.planUuid);
    return plan && toGraphqlPlan(plan);
  }
}

@Resolver(() => SubscriptionType)
export class SubscriptionResolver {
  @Query(() => SubscriptionType, {
    nullable: true,
    description: "A tenant's subscription: the live one, else the last.",
  })
  async subscription(
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Arg('asOf', () => DateTimeScalar, {
      nullable: true,
      description:
        'As it was at this instant, UTC: the plan version, quantities, add-ons and period of then. Whether payments failed then, and what waited to happen, is not kept. Default: now.',
    })
    asOf: Instant | undefined,
    @Ctx() context: Context,
  ): Promise<SubscriptionType | undefined> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    if (!tx || !tenant) return undefined;
    const now = asOf ? (await tx.tenantFor(tenant))?.now : undefined;
    // What is yet to come is not known: that is how it stands.
    const past = asOf && now && isBefore(asOf, now) ? asOf : undefined;
    const subscription = past ? await tx.subscriptions.asOf(tenant, past) : await tx.subscriptions.latest(tenant);
    return subscription && toGraphqlSubscription(subscription, past);
  }

  @FieldResolver(() => [SubscriptionItemType], { description: 'Every phase of the plan, oldest first; at most 1000.' })
  async items(@Root() subscription: SubscriptionType, @Ctx() context: Context): Promise<SubscriptionItemType[]> {
    const tx = await context.read('TENANT_READ');
    const { tenantUuid, uuid, asOf } = subscription;
    const items = (await tx?.subscriptions.items(tenantUuid, uuid)) ?? [];
    const known = asOf ? items.filter(({ startedAt }) => isAtOrBefore(startedAt, asOf)) : items;
    return known.map((item) => toGraphqlSubscriptionItem(item, tenantUuid));
  }

  @FieldResolver(() => [AddonSubscriptionType], { description: 'What is attached, by start.' })
  async addons(@Root() subscription: SubscriptionType, @Ctx() context: Context): Promise<AddonSubscriptionType[]> {
    const tx = await context.read('TENANT_READ');
    const { tenantUuid, uuid, asOf } = subscription;
    if (!asOf) return ((await tx?.addonSubscriptions.live(tenantUuid)) ?? []).map(toGraphqlAddonSubscription);
    const held = ((await tx?.addonSubscriptions.heldAt(tenantUuid, asOf)) ?? []).filter(
      ({ subscriptionId }) => subscriptionId === uuid,
    );
    // When an end was asked for is not kept.
    const open = { endsAt: undefined, endedAt: undefined, endReason: undefined, endKind: undefined };
    return held.map((attachment) => toGraphqlAddonSubscription({ ...attachment, ...open }));
  }

  @FieldResolver(() => ScheduledPlanChangeType, { nullable: true, description: 'A plan change that waits.' })
  async scheduledChange(
    @Root() subscription: SubscriptionType,
    @Ctx() context: Context,
  ): Promise<ScheduledPlanChangeType | undefined> {
    if (subscription.asOf) return undefined;
    const tx = await context.read('TENANT_READ');
    const scheduled = await tx?.subscriptions.scheduled(subscription.tenantUuid, subscription.uuid);
    return scheduled && toGraphqlScheduledPlanChange(scheduled);
  }

  @FieldResolver(() => SubscriptionChangeConnection, { description: 'What happened to it, oldest first.' })
  async history(
    @Root() subscription: SubscriptionType,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() context: Context,
  ): Promise<Connection<SubscriptionChangeType>> {
    const tx = await context.read('TENANT_READ');
    if (!tx) return emptyPage(args);
    const { tenantUuid, uuid } = subscription;
    const page = await tx.subscriptions.changes(tenantUuid, uuid, pageRequest(args));
    return toGraphqlPage(
      page,
      (change) => change.id,
      (change) => toGraphqlSubscriptionChange(change, tenantUuid),
    );
  }

  @Mutation(() => StartSubscriptionResult, {
    description: "Starts a tenant's subscription and bills its first period.",
  })
  @Refuses(startSubscriptionRefusals)
  async startSubscription(
    @Arg('input', () => StartSubscriptionInputType, { description: 'What, from when.' })
    input: StartSubscriptionInputType,
    @Arg('quote', () => String, { nullable: true, description: 'The token of an offer to start with this plan.' })
    token: string | undefined,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const quote = await readQuote(context, token);
    if (!quote.ok) return toGraphqlRefused(quote.refusal);
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      {
        ...{ mutation: 'startSubscription', permission: 'TENANT_WRITE', scope, options },
        input: { ...input, quoteToken: token },
      },
      (tx, given) => startSubscription(tx, given, { quote: quote.value }),
      ({ subscription, documents }) => ({
        __typename: 'StartSubscriptionDone',
        subscription: toGraphqlSubscription(subscription),
        ...toGraphqlDocuments(documents),
      }),
    );
  }

  @Mutation(() => CancelSubscriptionResult, {
    description: "Ends a tenant's subscription. Ending it again is the same act.",
  })
  @Refuses(cancelSubscriptionRefusals)
  cancelSubscription(
    @Arg('input', () => CancelSubscriptionInputType, { description: 'When and why.' })
    input: CancelSubscriptionInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'cancelSubscription', permission: 'TENANT_WRITE', scope, input, options },
      cancelSubscription,
      ({ subscription, creditNote, invoice, documents }) => ({
        __typename: 'CancelSubscriptionDone',
        subscription: toGraphqlSubscription(subscription),
        creditNote: creditNote && toGraphqlCreditNote(creditNote),
        invoice: invoice && toGraphqlInvoice(invoice),
        ...toGraphqlDocuments(documents),
      }),
    );
  }
}

@Resolver(() => AddonSubscriptionType)
export class AddonSubscriptionResolver {
  @Query(() => AddonSubscriptionConnection, { description: 'Every attachment a tenant has or had, oldest first.' })
  async addonSubscriptions(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<AddonSubscriptionType>> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    if (!tx || !tenant) return emptyPage(args);
    const page = await tx.addonSubscriptions.page(tenant, pageRequest(args));
    return toGraphqlPage(page, (attachment) => attachment.id, toGraphqlAddonSubscription);
  }

  @FieldResolver(() => AddonType, { description: 'Which add-on.' })
  async addon(@Root() attachment: AddonSubscriptionType, @Ctx() context: Context): Promise<AddonType | undefined> {
    const addon = await (await context.loader(addonLoader)).load(attachment.addonUuid);
    return addon && toGraphqlAddon(addon);
  }

  @Mutation(() => SubscribeAddonResult, {
    description:
      'Attaches an add-on and charges the rest of the period at once. While it is attached, calling again answers the same attachment and charges nothing.',
  })
  @Refuses(subscribeAddonRefusals)
  async subscribeAddon(
    @Arg('input', () => SubscribeAddonInputType, { description: 'Which add-on for whom.' })
    input: SubscribeAddonInputType,
    @Arg('quote', () => String, { nullable: true, description: 'The token of a preview of this add-on alone.' })
    token: string | undefined,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const quote = await readQuote(context, token);
    if (!quote.ok) return toGraphqlRefused(quote.refusal);
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      {
        ...{ mutation: 'subscribeAddon', permission: 'TENANT_WRITE', scope, options },
        input: { ...input, quoteToken: token },
      },
      (tx, given) => subscribeAddon(tx, given, quote.value),
      ({ addonSubscription, invoice, created, documents }) => ({
        __typename: 'SubscribeAddonDone',
        addonSubscription: toGraphqlAddonSubscription(addonSubscription),
        invoice: invoice && toGraphqlInvoice(invoice),
        ...toGraphqlDocuments(documents),
        created,
      }),
    );
  }

  @Mutation(() => ChangeAddonQuantityResult, {
    description:
      'Gives an attachment another quantity for the rest of the period and from then on: what is unused of the old one is credited, the new one is charged at the price that it was bought at. The quantity that it has already is the same act.',
  })
  @Refuses(changeAddonQuantityRefusals)
  async changeAddonQuantity(
    @Arg('input', () => ChangeAddonQuantityInputType, { description: 'Which, and how many.' })
    input: ChangeAddonQuantityInputType,
    @Arg('quote', () => String, {
      nullable: true,
      description: 'The token of a preview of this add-on alone in this quantity.',
    })
    token: string | undefined,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const quote = await readQuote(context, token);
    if (!quote.ok) return toGraphqlRefused(quote.refusal);
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      {
        ...{ mutation: 'changeAddonQuantity', permission: 'TENANT_WRITE', scope, options },
        input: { ...input, quoteToken: token },
      },
      (tx, given) => changeAddonQuantity(tx, given, quote.value),
      ({ addonSubscription, changed, invoice, creditNote, documents }) => ({
        __typename: 'ChangeAddonQuantityDone',
        addonSubscription: toGraphqlAddonSubscription(addonSubscription),
        changed,
        invoice: invoice && toGraphqlInvoice(invoice),
        creditNote: creditNote && toGraphqlCreditNote(creditNote),
        ...toGraphqlDocuments(documents),
      }),
    );
  }

  @Mutation(() => CancelAddonResult, {
    description: 'Ends an attachment, with a reason. Ending it again is the same act.',
  })
  @Refuses(cancelAddonRefusals)
  cancelAddon(
    @Arg('input', () => CancelAddonInputType, { description: 'Which, when and why.' }) input: CancelAddonInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'cancelAddon', permission: 'TENANT_WRITE', scope, input, options },
      cancelAddon,
      ({ addonSubscription, creditNote, documents }) => ({
        __typename: 'CancelAddonDone',
        addonSubscription: toGraphqlAddonSubscription(addonSubscription),
        creditNote: creditNote && toGraphqlCreditNote(creditNote),
        ...toGraphqlDocuments(documents),
      }),
    );
  }
}
