import 'reflect-metadata';
import { type GraphQLSchema, isUnionType, lexicographicSortSchema } from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import { MembershipResolver, PartnerResolver, TenantResolver, ViewerResolver } from '../access/access.resolver';
import { SelfServiceResolver } from '../access/self-service.resolver';
import { BillingResolver } from '../billing/billing.resolver';
import {
  AddonResolver,
  AllowanceResolver,
  FeatureResolver,
  PlanResolver,
  PlanVersionResolver,
} from '../catalog/catalog.resolver';
import { CouponRedemptionResolver, CouponResolver, PendingCouponResolver } from '../coupons/coupons.resolver';
import { EntitlementResolver } from '../entitlements/entitlements.resolver';
import { EventsResolver } from '../events/events.resolver';
import {
  CreditNoteLineResolver,
  CreditNoteResolver,
  InvoiceLineResolver,
  InvoiceResolver,
} from '../invoicing/invoicing.resolver';
import { UpcomingInvoiceResolver } from '../invoicing/upcoming-invoice.resolver';
import { LicenceProductResolver, LicencePurchaseResolver, LicenceResolver } from '../licences/licences.resolver';
import { InvoiceTermsResolver, PartnerTermsResolver, TenantTermsResolver } from '../payments/payment-terms.resolver';
import { InvoiceCollectionResolver, InvoicePaymentResolver, PaymentResolver } from '../payments/payments.resolver';
import { AddonSubscriptionCheckoutResolver, CheckoutResolver } from '../payments/stripe/stripe.resolver';
import { CreditPolicyResolver } from '../proration/credit-policy.resolver';
import { ProrationResolver } from '../proration/proration.resolver';
import { RatingResolver } from '../rating/rating.resolver';
import {
  AddonSubscriptionResolver,
  ScheduledPlanChangeResolver,
  SubscriptionItemResolver,
  SubscriptionResolver,
} from '../subscriptions/subscriptions.resolver';
import { TaxResolver } from '../tax/tax.resolver';
import { UsageResolver, UsageThresholdResolver } from '../usage/usage.resolver';
import { refusingEmptyText } from './empty-text';
import { MoneyResolver } from './money.graphql';
import { NodeResolver } from './node.graphql';
import { withCursorsOfLists } from './page.graphql';
import { refusesDirective } from './refusal.graphql';

/** Every resolver by name: nothing is scanned. */
const resolvers = [
  AddonResolver,
  AddonSubscriptionCheckoutResolver,
  AddonSubscriptionResolver,
  AllowanceResolver,
  BillingResolver,
  CheckoutResolver,
  CouponRedemptionResolver,
  CouponResolver,
  CreditNoteLineResolver,
  CreditNoteResolver,
  EntitlementResolver,
  EventsResolver,
  FeatureResolver,
  InvoiceLineResolver,
  InvoiceCollectionResolver,
  InvoicePaymentResolver,
  InvoiceTermsResolver,
  PartnerTermsResolver,
  TenantTermsResolver,
  InvoiceResolver,
  LicenceProductResolver,
  LicencePurchaseResolver,
  LicenceResolver,
  MembershipResolver,
  MoneyResolver,
  NodeResolver,
  PartnerResolver,
  PaymentResolver,
  PendingCouponResolver,
  PlanResolver,
  PlanVersionResolver,
  ProrationResolver,
  RatingResolver,
  ScheduledPlanChangeResolver,
  SelfServiceResolver,
  CreditPolicyResolver,
  SubscriptionItemResolver,
  SubscriptionResolver,
  TaxResolver,
  TenantResolver,
  UpcomingInvoiceResolver,
  UsageResolver,
  UsageThresholdResolver,
  ViewerResolver,
] as const;

/**
 * Every member of a union says itself what it is. type-graphql wraps the question in a promise, which costs a turn for
 * each value and which the compiled executor does not take.
 */
function withTypeNames(graphqlSchema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(graphqlSchema.getTypeMap())) {
    if (isUnionType(type)) type.resolveType = (value: { __typename?: string }) => value.__typename;
  }
  return graphqlSchema;
}

let built: GraphQLSchema | undefined;

export function schema(): GraphQLSchema {
  built ??= refusingEmptyText(
    withCursorsOfLists(
      withTypeNames(
        lexicographicSortSchema(
          buildSchemaSync({
            resolvers: [...resolvers],
            directives: [refusesDirective],
            orphanedTypes: [],
            // Commands check their own input; the scalars have checked the shapes.
            validate: false,
          }),
        ),
      ),
    ),
  );
  return built;
}
