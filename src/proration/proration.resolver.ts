import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { refuseArguments } from '../access/refuse-arguments.query';
import { PlanType, toGraphqlPlan } from '../catalog/catalog.graphql';
import { planLoader } from '../catalog/catalog.loaders';
import { refuse } from '../core/result';
import type { Context } from '../graphql/context';
import { toGraphqlMoney } from '../graphql/money.graphql';
import { MutationArgs } from '../graphql/mutation.graphql';
import { type Connection, emptyPage, PageArgs, pageRequest, toGraphqlPage } from '../graphql/page.graphql';
import { limitGuesses } from '../graphql/rate-limit';
import { Refuses, toGraphqlRefused } from '../graphql/refusal.graphql';
import { toGraphqlCreditNote, toGraphqlDocuments, toGraphqlInvoice } from '../invoicing/invoicing.graphql';
import {
  toGraphqlAddonSubscription,
  toGraphqlScheduledPlanChange,
  toGraphqlSubscription,
} from '../subscriptions/subscriptions.graphql';
import { cancelScheduledPlanChange, cancelScheduledPlanChangeRefusals } from './cancel-scheduled-plan-change.command';
import { changePlan, changePlanRefusals } from './change-plan.command';
import type { PlanChangeRequest } from './plan-change';
import { planChangeRefusals } from './plan-change.query';
import {
  CancelScheduledPlanChangeInputType,
  CancelScheduledPlanChangeResult,
  ChangePlanResult,
  PlanChangeInputType,
  PlanChangeProrationConnection,
  PlanChangeProrationType,
  ProrationPreviewResult,
  toGraphqlPlanChangeProration,
  toGraphqlProrationPreview,
} from './proration.graphql';
import { prorationPreview } from './proration-preview.query';
import { quoteText } from './quote';
import { readQuote } from './quote.graphql';

function requestOf(input: PlanChangeInputType): PlanChangeRequest {
  const { tenantId: _tenant, addons, ...request } = input;
  const given = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== null));
  if (!addons) return given;
  return { ...given, addons: addons.map(({ addon, quantity }) => ({ addon, quantity: quantity ?? undefined })) };
}

@Resolver(() => PlanChangeProrationType)
export class ProrationResolver {
  @Query(() => ProrationPreviewResult, {
    description:
      'What does this change of plan or add-ons cost? Writes nothing; its quote pins the price for changePlan and, for one add-on alone, for subscribeAddon and changeAddonQuantity.',
  })
  @Refuses(planChangeRefusals, ['FORBIDDEN', 'RATE_LIMITED'])
  async prorationPreview(
    @Arg('input', () => PlanChangeInputType, { description: 'The change.' }) input: PlanChangeInputType,
    @Ctx() context: Context,
  ) {
    const tx = await context.read('TENANT_READ');
    const named = context.tenantOrRefusal(input.tenantId);
    if (input.coupon) {
      const limited = await limitGuesses(context, named.ok ? named.value : 'none', false);
      if (limited) return toGraphqlRefused(limited);
    }
    if (!named.ok) return toGraphqlRefused(named.refusal);
    if (!tx) return toGraphqlRefused(refuse('TENANT_NOT_FOUND', 'No such tenant.').refusal);
    const request = requestOf(input);
    const { account } = context.actor;
    if (account.kind === 'TENANT') {
      const refused = await refuseArguments(tx, account, 'prorationPreview', { ...request }, false);
      if (refused) return toGraphqlRefused(refused.refusal);
    }
    const preview = await prorationPreview(tx, named.value, request);
    if (!preview.ok) return toGraphqlRefused(preview.refusal);
    const token = context.app.signer.sign(quoteText(preview.value.quote));
    return { __typename: 'ProrationPreview', ...toGraphqlProrationPreview(preview.value, token) };
  }

  @Query(() => PlanChangeProrationConnection, {
    description: "The plan changes of a tenant's current subscription, oldest first.",
  })
  async planChangeProrations(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<PlanChangeProrationType>> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    const subscription = tx && tenant ? await tx.subscriptions.latest(tenant) : undefined;
    if (!tx || !tenant || !subscription) return emptyPage(args);
    const page = await tx.prorations.page(tenant, subscription.id, pageRequest(args));
    return toGraphqlPage(page, (proration) => proration.id, toGraphqlPlanChangeProration);
  }

  @FieldResolver(() => PlanType, { description: 'Before.' })
  async planBefore(@Root() proration: PlanChangeProrationType, @Ctx() context: Context): Promise<PlanType | undefined> {
    const plan = await (await context.loader(planLoader)).load(proration.planUuidBefore);
    return plan && toGraphqlPlan(plan);
  }

  @FieldResolver(() => PlanType, { description: 'After.' })
  async planAfter(@Root() proration: PlanChangeProrationType, @Ctx() context: Context): Promise<PlanType | undefined> {
    const plan = await (await context.loader(planLoader)).load(proration.planUuidAfter);
    return plan && toGraphqlPlan(plan);
  }

  @Mutation(() => ChangePlanResult, {
    description:
      'Changes plan, interval, quantity and add-ons in one act. Money moves: an idempotencyKey is required. With a quote the price is what was quoted, or the call is refused with the difference.',
  })
  @Refuses(changePlanRefusals)
  async changePlan(
    @Arg('input', () => PlanChangeInputType, { description: 'The change.' }) input: PlanChangeInputType,
    @Arg('quote', () => String, { nullable: true, description: 'The token of a preview of this very change.' })
    quoteToken: string | undefined,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    if (input.coupon) {
      const limited = await limitGuesses(context, context.tenantUuidIfAny(input.tenantId) ?? 'none', false);
      if (limited) return toGraphqlRefused(limited);
    }
    const quote = await readQuote(context, quoteToken);
    if (!quote.ok) return toGraphqlRefused(quote.refusal);
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      {
        mutation: 'changePlan',
        permission: 'TENANT_WRITE',
        scope,
        input: { ...input, quoteToken },
        options,
        keyRequired: true,
      },
      (tx) => changePlan(tx, { request: requestOf(input), quote: quote.value }),
      ({ subscription, net, proration, invoice, creditNote, scheduled, documents, addons }) => ({
        __typename: 'ChangePlanDone',
        subscription: toGraphqlSubscription(subscription),
        net: toGraphqlMoney(net),
        proration: proration && toGraphqlPlanChangeProration(proration),
        invoice: invoice && toGraphqlInvoice(invoice),
        creditNote: creditNote && toGraphqlCreditNote(creditNote),
        scheduled: scheduled && toGraphqlScheduledPlanChange(scheduled),
        addonSubscriptions: addons.map(toGraphqlAddonSubscription),
        ...toGraphqlDocuments(documents),
      }),
    );
  }

  @Mutation(() => CancelScheduledPlanChangeResult, { description: 'Takes a waiting plan change back.' })
  @Refuses(cancelScheduledPlanChangeRefusals)
  cancelScheduledPlanChange(
    @Arg('input', () => CancelScheduledPlanChangeInputType, { description: 'Whose.' })
    input: CancelScheduledPlanChangeInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'cancelScheduledPlanChange', permission: 'TENANT_WRITE', scope, input, options },
      (tx) => cancelScheduledPlanChange(tx),
      ({ subscription }) => ({
        __typename: 'CancelScheduledPlanChangeDone',
        subscription: toGraphqlSubscription(subscription),
      }),
    );
  }
}
