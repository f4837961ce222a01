import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { AddonType, PlanType, toGraphqlAddon, toGraphqlPlan } from '../../catalog/catalog.graphql';
import { addonLoader, planLoader } from '../../catalog/catalog.loaders';
import { decodeId } from '../../core/ids';
import { done, refuse } from '../../core/result';
import type { Context } from '../../graphql/context';
import { toGraphqlMoney } from '../../graphql/money.graphql';
import { MutationArgs } from '../../graphql/mutation.graphql';
import { type Connection, emptyPage, PageArgs, pageRequest, toGraphqlPage } from '../../graphql/page.graphql';
import { Refuses } from '../../graphql/refusal.graphql';
import { AddonSubscriptionType } from '../../subscriptions/subscriptions.graphql';
import type { StripeCheckout } from '../stripe-checkout';
import { acceptCheckout, acceptCheckoutRefusals } from './accept-checkout.command';
import { createAddonCheckout, createAddonCheckoutRefusals } from './create-addon-checkout.command';
import { createPlanCheckout, createPlanCheckoutRefusals } from './create-plan-checkout.command';
import { createPortalLink, createPortalLinkRefusals, customerUnknown } from './create-portal-link.command';
import { refuseCheckout, refuseCheckoutRefusals } from './refuse-checkout.command';
import { retryCheckout, retryCheckoutRefusals } from './retry-checkout.command';
import {
  AcceptCheckoutInputType,
  AcceptCheckoutResult,
  CheckoutCollectionType,
  CheckoutConnection,
  CheckoutType,
  CreateAddonCheckoutInputType,
  CreateAddonCheckoutResult,
  CreatePlanCheckoutInputType,
  CreatePlanCheckoutResult,
  CreatePortalLinkInputType,
  CreatePortalLinkResult,
  RefuseCheckoutInputType,
  RefuseCheckoutResult,
  RetryCheckoutInputType,
  RetryCheckoutResult,
  toGraphqlCheckout,
  toGraphqlCollected,
} from './stripe.graphql';
import { checkoutOfAttachmentLoader, collectedOfCheckoutLoader } from './stripe.loaders';

const unavailable = () =>
  refuse('PROVIDER_UNAVAILABLE', 'Stripe does not answer; try again with the same idempotencyKey.', {});

/** Opens the page once the offer is committed. Without an answer the job goes on trying, and so may the caller. */
async function openPage(context: Context, value: { readonly checkout: StripeCheckout }) {
  const checkout = await context.app.stripeCheckouts.open(value.checkout);
  return !checkout || checkout.status === 'PENDING' ? unavailable() : done({ checkout });
}

@Resolver(() => CheckoutType)
export class CheckoutResolver {
  @Query(() => CheckoutConnection, { description: "What a tenant was offered at Stripe's pages, oldest first." })
  async checkouts(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Arg('parked', () => Boolean, { defaultValue: false, description: 'Only those that a person has to look at.' })
    parked: boolean,
    @Ctx() context: Context,
  ): Promise<Connection<CheckoutType>> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    if (!tx || !tenant) return emptyPage(args);
    const page = await tx.stripeCheckouts.page(tenant, parked, pageRequest(args));
    return toGraphqlPage(page, ({ id }) => id, toGraphqlCheckout);
  }

  @FieldResolver(() => AddonType, { nullable: true, description: 'ADDON: which.' })
  async addon(@Root() { addonUuid }: CheckoutType, @Ctx() context: Context): Promise<AddonType | undefined> {
    const addon = addonUuid ? await (await context.loader(addonLoader)).load(addonUuid) : undefined;
    return addon && toGraphqlAddon(addon);
  }

  @FieldResolver(() => PlanType, { nullable: true, description: 'PLAN: which.' })
  async plan(@Root() { planUuid }: CheckoutType, @Ctx() context: Context): Promise<PlanType | undefined> {
    const plan = planUuid ? await (await context.loader(planLoader)).load(planUuid) : undefined;
    return plan && toGraphqlPlan(plan);
  }

  @FieldResolver(() => [CheckoutCollectionType], {
    description: 'ADDON: what Stripe collected, newest first; at most 100.',
  })
  async collected(@Root() checkout: CheckoutType, @Ctx() context: Context): Promise<CheckoutCollectionType[]> {
    const loader = await context.loader(collectedOfCheckoutLoader);
    return (await loader.load({ tenantId: checkout.tenantUuid, id: checkout.uuid })).map(toGraphqlCollected);
  }

  @FieldResolver(() => String, {
    description:
      'Another word once anything has changed that acceptCheckout and refuseCheckout go by: give it to them.',
  })
  async state(@Root() checkout: CheckoutType, @Ctx() context: Context): Promise<string> {
    const loader = await context.loader(collectedOfCheckoutLoader);
    return checkout.stateOf(await loader.load({ tenantId: checkout.tenantUuid, id: checkout.uuid }));
  }

  @Mutation(() => CreateAddonCheckoutResult, {
    description:
      'Offers an add-on at a page of Stripe, which bills it from then on. It is attached when Stripe says that it was paid. While a page for it is open, the same offer is the same page.',
  })
  @Refuses(createAddonCheckoutRefusals)
  createAddonCheckout(
    @Arg('input', () => CreateAddonCheckoutInputType, { description: 'Which add-on for whom.' })
    input: CreateAddonCheckoutInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'createAddonCheckout', permission: 'TENANT_WRITE', scope, input, options, keyRequired: true },
      (tx, clean) => createAddonCheckout(tx, clean, context.app.stripeCheckouts.provider),
      ({ checkout }) => ({ __typename: 'CreateAddonCheckoutDone', checkout: toGraphqlCheckout(checkout) }),
      (value) => openPage(context, value),
    );
  }

  @Mutation(() => CreatePlanCheckoutResult, {
    description:
      "Offers a plan at a page of Stripe that saves a payment method. The subscription starts when it has; its invoices are Tollgate's, paid with that method.",
  })
  @Refuses(createPlanCheckoutRefusals)
  createPlanCheckout(
    @Arg('input', () => CreatePlanCheckoutInputType, { description: 'Which plan for whom.' })
    input: CreatePlanCheckoutInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'createPlanCheckout', permission: 'TENANT_WRITE', scope, input, options, keyRequired: true },
      (tx, clean) => createPlanCheckout(tx, clean, context.app.stripeCheckouts.provider),
      ({ checkout }) => ({ __typename: 'CreatePlanCheckoutDone', checkout: toGraphqlCheckout(checkout) }),
      (value) => openPage(context, value),
    );
  }

  @Mutation(() => RetryCheckoutResult, {
    description: 'Asks Stripe again about a checkout that was parked, and judges it anew.',
  })
  @Refuses(retryCheckoutRefusals)
  retryCheckout(
    @Arg('input', () => RetryCheckoutInputType, { description: 'Which one.' }) input: RetryCheckoutInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'retryCheckout', permission: 'TENANT_WRITE', scope, input, options },
      retryCheckout,
      ({ checkout }) => ({ __typename: 'RetryCheckoutDone', checkout: toGraphqlCheckout(checkout) }),
      async ({ checkout }) => done({ checkout: (await context.app.stripeCheckouts.look(checkout)) ?? checkout }),
    );
  }

  @Mutation(() => AcceptCheckoutResult, {
    description:
      'For partners: takes what Stripe bills for what was sold, as it was seen last (seen): a discount, another price or quantity.',
  })
  @Refuses(acceptCheckoutRefusals)
  acceptCheckout(
    @Arg('input', () => AcceptCheckoutInputType, { description: 'Which one.' }) input: AcceptCheckoutInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'acceptCheckout', permission: 'PARTNER_WRITE', scope, input, options },
      acceptCheckout,
      ({ checkout }) => ({ __typename: 'AcceptCheckoutDone', checkout: toGraphqlCheckout(checkout) }),
      async ({ checkout }) => done({ checkout: (await context.app.stripeCheckouts.look(checkout)) ?? checkout }),
    );
  }

  @Mutation(() => RefuseCheckoutResult, {
    description:
      'For partners: does not take what Stripe bills. It ends there and here at once, and what was collected goes back.',
  })
  @Refuses(refuseCheckoutRefusals)
  refuseCheckout(
    @Arg('input', () => RefuseCheckoutInputType, { description: 'Which one.' }) input: RefuseCheckoutInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'refuseCheckout', permission: 'PARTNER_WRITE', scope, input, options, keyRequired: true },
      refuseCheckout,
      ({ checkout, refund }) => ({
        __typename: 'RefuseCheckoutDone',
        checkout: toGraphqlCheckout(checkout),
        refund: toGraphqlMoney(refund),
      }),
      async ({ checkout, refund }) =>
        done({ checkout: (await context.app.stripeCheckouts.look(checkout)) ?? checkout, refund }),
    );
  }

  @Mutation(() => CreatePortalLinkResult, {
    description: "A link to Stripe's portal, where the customer manages payment methods and what Stripe bills.",
  })
  @Refuses(createPortalLinkRefusals)
  createPortalLink(
    @Arg('input', () => CreatePortalLinkInputType, { description: 'Whose portal.' }) input: CreatePortalLinkInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'createPortalLink', permission: 'TENANT_WRITE', scope, input, options },
      (tx, clean) => createPortalLink(tx, clean, context.app.stripeCheckouts.provider),
      ({ url }) => ({ __typename: 'CreatePortalLinkDone', url }),
      async (value) => {
        const link = await context.app.stripeCheckouts.portalLink(value, input.returnUrl);
        if (link === 'CUSTOMER_GONE') return customerUnknown();
        return link ? done({ ...value, url: link.url }) : unavailable();
      },
    );
  }
}

@Resolver(() => AddonSubscriptionType)
export class AddonSubscriptionCheckoutResolver {
  @FieldResolver(() => CheckoutType, {
    nullable: true,
    description: 'Billed by Stripe: the checkout it was bought at.',
  })
  async checkout(
    @Root() attachment: AddonSubscriptionType,
    @Ctx() context: Context,
  ): Promise<CheckoutType | undefined> {
    if (attachment.billedBy !== 'STRIPE') return undefined;
    const loader = await context.loader(checkoutOfAttachmentLoader);
    const { tenantUuid: tenantId, id } = attachment;
    const checkout = await loader.load({ tenantId, id: decodeId(id)!.uuid });
    return checkout && toGraphqlCheckout(checkout);
  }
}
