import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql';
import type { Context } from '../graphql/context';
import { MutationArgs } from '../graphql/mutation.graphql';
import { type Connection, emptyPage, PageArgs, pageRequest, toGraphqlPage } from '../graphql/page.graphql';
import { Refuses } from '../graphql/refusal.graphql';
import { createTaxRate, createTaxRateRefusals } from './create-tax-rate.command';
import { endTaxRate, endTaxRateRefusals } from './end-tax-rate.command';
import { setBillingDetails, setBillingDetailsRefusals } from './set-billing-details.command';
import { setPartnerBillingDetails, setPartnerBillingDetailsRefusals } from './set-partner-billing-details.command';
import { setTaxCategory, setTaxCategoryRefusals } from './set-tax-category.command';
import { setTaxTreatment, setTaxTreatmentRefusals } from './set-tax-treatment.command';
import {
  BillingPartyType,
  CreateTaxRateInputType,
  CreateTaxRateResult,
  EndTaxRateInputType,
  EndTaxRateResult,
  SetBillingDetailsInputType,
  SetBillingDetailsResult,
  SetPartnerBillingDetailsInputType,
  SetPartnerBillingDetailsResult,
  SetTaxCategoryInputType,
  SetTaxCategoryResult,
  SetTaxTreatmentInputType,
  SetTaxTreatmentResult,
  TaxRateConnection,
  TaxRateType,
  TaxStatusType,
  toGraphqlParty,
  toGraphqlTaxRate,
  toGraphqlTaxStatus,
} from './tax.graphql';

@Resolver(() => TaxRateType)
export class TaxResolver {
  @Query(() => TaxRateConnection, { description: "The partner's rate table, oldest rows first." })
  async taxRates(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<TaxRateType>> {
    const tx = await context.read('PARTNER_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner) return emptyPage(args);
    return toGraphqlPage(await tx.taxes.ratesPage(partner, pageRequest(args)), (rate) => rate.id, toGraphqlTaxRate);
  }

  @Query(() => BillingPartyType, { nullable: true, description: 'Who the partner is on its documents.' })
  async partnerBillingDetails(
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<BillingPartyType | undefined> {
    const tx = await context.read('PARTNER_READ');
    const partner = context.partnerUuid(partnerId);
    const party = tx && partner ? await tx.taxes.seller(partner) : undefined;
    return party && toGraphqlParty(party);
  }

  @Query(() => BillingPartyType, { nullable: true, description: 'Who a tenant is on its documents.' })
  async billingDetails(
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<BillingPartyType | undefined> {
    const tx = await context.read('TENANT_READ');
    const id = context.tenantUuid(tenantId);
    const tenant = tx && id ? await tx.tenantFor(id) : undefined;
    const { buyer } = tx && tenant ? await tx.taxes.snapshot(tenant.id, tenant.partnerId) : {};
    return buyer && toGraphqlParty(buyer);
  }

  @Query(() => TaxStatusType, { nullable: true, description: 'How a tenant is taxed.' })
  async taxStatus(
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<TaxStatusType | undefined> {
    const tx = await context.read('TENANT_READ');
    const id = context.tenantUuid(tenantId);
    const tenant = tx && id ? await tx.tenantFor(id) : undefined;
    return tx && tenant && toGraphqlTaxStatus((await tx.taxes.snapshot(tenant.id, tenant.partnerId)).status);
  }

  @Mutation(() => CreateTaxRateResult, { description: 'Adds a row to the rate table.' })
  @Refuses(createTaxRateRefusals)
  createTaxRate(
    @Arg('input', () => CreateTaxRateInputType, { description: 'The rate.' }) input: CreateTaxRateInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'PARTNER', partnerId: input.partnerId } as const;
    return context.mutate(
      { mutation: 'createTaxRate', permission: 'PARTNER_WRITE', scope, input, options },
      createTaxRate,
      ({ taxRate }) => ({ __typename: 'CreateTaxRateDone', taxRate: toGraphqlTaxRate(taxRate) }),
    );
  }

  @Mutation(() => EndTaxRateResult, { description: 'Says when a rate ends.' })
  @Refuses(endTaxRateRefusals)
  endTaxRate(
    @Arg('input', () => EndTaxRateInputType, { description: 'Which, when.' }) input: EndTaxRateInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'PARTNER', partnerId: input.partnerId } as const;
    return context.mutate(
      { mutation: 'endTaxRate', permission: 'PARTNER_WRITE', scope, input, options },
      endTaxRate,
      ({ taxRate }) => ({ __typename: 'EndTaxRateDone', taxRate: toGraphqlTaxRate(taxRate) }),
    );
  }

  @Mutation(() => SetTaxCategoryResult, { description: 'Says what a plan or add-on is for the tax office.' })
  @Refuses(setTaxCategoryRefusals)
  setTaxCategory(
    @Arg('input', () => SetTaxCategoryInputType, { description: 'What is what.' }) input: SetTaxCategoryInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'PARTNER', partnerId: input.partnerId } as const;
    return context.mutate(
      { mutation: 'setTaxCategory', permission: 'PARTNER_WRITE', scope, input, options },
      setTaxCategory,
      ({ category }) => ({ __typename: 'SetTaxCategoryDone', category }),
    );
  }

  @Mutation(() => SetPartnerBillingDetailsResult, { description: 'Says who the partner is on its documents.' })
  @Refuses(setPartnerBillingDetailsRefusals)
  setPartnerBillingDetails(
    @Arg('input', () => SetPartnerBillingDetailsInputType, { description: 'The seller.' })
    input: SetPartnerBillingDetailsInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'PARTNER', partnerId: input.partnerId } as const;
    return context.mutate(
      { mutation: 'setPartnerBillingDetails', permission: 'PARTNER_WRITE', scope, input, options },
      setPartnerBillingDetails,
      ({ party }) => ({ __typename: 'SetPartnerBillingDetailsDone', party: toGraphqlParty(party) }),
    );
  }

  @Mutation(() => SetBillingDetailsResult, {
    description: 'Says who a tenant is on its documents, and where it is taxed.',
  })
  @Refuses(setBillingDetailsRefusals)
  setBillingDetails(
    @Arg('input', () => SetBillingDetailsInputType, { description: 'The buyer.' }) input: SetBillingDetailsInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'setBillingDetails', permission: 'TENANT_WRITE', scope, input, options },
      setBillingDetails,
      ({ party }) => ({ __typename: 'SetBillingDetailsDone', party: toGraphqlParty(party) }),
    );
  }

  @Mutation(() => SetTaxTreatmentResult, { description: 'For partners: says whether a tenant is charged tax.' })
  @Refuses(setTaxTreatmentRefusals)
  setTaxTreatment(
    @Arg('input', () => SetTaxTreatmentInputType, { description: 'Whether, and why not.' })
    input: SetTaxTreatmentInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'setTaxTreatment', permission: 'PARTNER_WRITE', scope, input, options },
      setTaxTreatment,
      ({ status }) => ({ __typename: 'SetTaxTreatmentDone', status: toGraphqlTaxStatus(status) }),
    );
  }
}
