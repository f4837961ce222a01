import { Arg, Args, Ctx, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import { PartnerType, TenantType } from '../access/access.graphql';
import { partnerLoader } from '../access/access.loaders';
import { isNamed } from '../app';
import type { Context } from '../graphql/context';
import { MutationArgs } from '../graphql/mutation.graphql';
import { Refuses } from '../graphql/refusal.graphql';
import { isOverdue } from '../invoicing/invoice';
import { InvoiceType } from '../invoicing/invoicing.graphql';
import { termsOf } from './payment-terms';
import {
  PaymentTermsType,
  SetPaymentTermsInputType,
  SetPaymentTermsResult,
  toGraphqlTerms,
} from './payment-terms.graphql';
import { tenantNowLoader } from './payments.loaders';
import { setPaymentTerms, setPaymentTermsOfTenant, setPaymentTermsRefusals } from './set-payment-terms.command';

@Resolver(() => PartnerType)
export class PartnerTermsResolver {
  @FieldResolver(() => PaymentTermsType, { description: 'When its invoices are due; a tenant may have other terms.' })
  paymentTerms(@Root() partner: PartnerType): PaymentTermsType {
    return toGraphqlTerms(termsOf(partner));
  }

  @Mutation(() => SetPaymentTermsResult, {
    description: 'For partners: how many days after their issue invoices are due, of all tenants or of one.',
  })
  @Refuses(setPaymentTermsRefusals)
  setPaymentTerms(
    @Arg('input', () => SetPaymentTermsInputType, { description: 'The terms, and whose.' })
    input: SetPaymentTermsInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const { tenantId, partnerId } = input;
    const ofTenant = isNamed(tenantId);
    const scope = ofTenant
      ? ({ kind: 'TENANT', tenantId, partnerId } as const)
      : ({ kind: 'PARTNER', partnerId } as const);
    return context.mutate(
      { mutation: 'setPaymentTerms', permission: 'PARTNER_WRITE', scope, input, options },
      (tx, given) => (ofTenant ? setPaymentTermsOfTenant(tx, given) : setPaymentTerms(tx, given)),
      ({ terms }) => ({ __typename: 'SetPaymentTermsDone', terms: toGraphqlTerms(terms) }),
    );
  }
}

@Resolver(() => TenantType)
export class TenantTermsResolver {
  @FieldResolver(() => PaymentTermsType, { nullable: true, description: 'When its invoices are due.' })
  async paymentTerms(@Root() tenant: TenantType, @Ctx() context: Context): Promise<PaymentTermsType | undefined> {
    const partner = await (await context.loader(partnerLoader)).load(tenant.partnerUuid);
    return partner && toGraphqlTerms(termsOf(partner, tenant));
  }
}

@Resolver(() => InvoiceType)
export class InvoiceTermsResolver {
  @FieldResolver(() => Boolean, {
    description: 'It was to be paid by now, by the clock of its tenant, and is still asked for.',
  })
  async overdue(@Root() invoice: InvoiceType, @Ctx() context: Context): Promise<boolean> {
    const now = await (await context.loader(tenantNowLoader)).load(invoice.tenantUuid);
    return now !== undefined && isOverdue({ status: invoice.status, dueAt: invoice.dueDate }, now);
  }
}
