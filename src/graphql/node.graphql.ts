import { Arg, Ctx, createUnionType, ID, Query, Resolver } from 'type-graphql';
import { PartnerType, TenantType, toGraphqlPartner, toGraphqlTenant } from '../access/access.graphql';
import { partnerLoader, tenantLoader } from '../access/access.loaders';
import {
  AddonType,
  FeatureType,
  PlanType,
  toGraphqlAddon,
  toGraphqlFeature,
  toGraphqlPlan,
} from '../catalog/catalog.graphql';
import { addonLoader, featureLoader, planLoader } from '../catalog/catalog.loaders';
import { decodeId } from '../core/ids';
import { CouponType, toGraphqlCoupon } from '../coupons/coupons.graphql';
import { couponLoader } from '../coupons/coupons.loaders';
import { CreditNoteType, InvoiceType, toGraphqlCreditNote, toGraphqlInvoice } from '../invoicing/invoicing.graphql';
import {
  LicenceProductType,
  LicencePurchaseType,
  LicenceType,
  toGraphqlLicence,
  toGraphqlLicenceProduct,
  toGraphqlLicencePurchase,
} from '../licences/licences.graphql';
import { licenceProductLoader } from '../licences/licences.loaders';
import {
  AddonSubscriptionType,
  SubscriptionType,
  toGraphqlAddonSubscription,
  toGraphqlSubscription,
} from '../subscriptions/subscriptions.graphql';
import { TaxRateType, toGraphqlTaxRate } from '../tax/tax.graphql';
import type { Context } from './context';

const types = [
  PartnerType,
  TenantType,
  PlanType,
  AddonType,
  FeatureType,
  CouponType,
  SubscriptionType,
  AddonSubscriptionType,
  InvoiceType,
  CreditNoteType,
  LicenceProductType,
  LicenceType,
  LicencePurchaseType,
  TaxRateType,
] as const;

export const NodeUnion = createUnionType({
  name: 'Node',
  description: 'What can be looked up by its id alone.',
  types: () => types,
  resolveType: (value) => (value as unknown as { __typename: string }).__typename,
});

type Found = { readonly __typename: string } | undefined;
const named = <T extends object>(__typename: string, value: T | undefined): Found => value && { __typename, ...value };

@Resolver()
export class NodeResolver {
  @Query(() => NodeUnion, {
    nullable: true,
    description: 'Looks up by its id what the union names. What is missing and what is not yours look the same: null.',
  })
  async node(
    @Arg('id', () => ID, { description: 'The id of one of them.' }) id: string,
    @Ctx() context: Context,
  ): Promise<Found> {
    const decoded = decodeId(id);
    if (!decoded) return undefined;
    const { kind, uuid, tenantUuid } = decoded;
    const permission =
      kind === 'Coupon' || kind === 'TaxRate'
        ? 'PARTNER_READ'
        : tenantUuid || kind === 'Tenant'
          ? 'TENANT_READ'
          : 'CATALOG_READ';
    const tx = await context.read(permission);
    if (!tx) return undefined;
    switch (kind) {
      case 'Partner': {
        const row = await (await context.loader(partnerLoader)).load(uuid);
        return named('Partner', row && toGraphqlPartner(row));
      }
      case 'Tenant': {
        const row = await (await context.loader(tenantLoader)).load(uuid);
        return named('Tenant', row && toGraphqlTenant(row));
      }
      case 'Plan': {
        const row = await (await context.loader(planLoader)).load(uuid);
        return named('Plan', row && toGraphqlPlan(row));
      }
      case 'Addon': {
        const row = await (await context.loader(addonLoader)).load(uuid);
        return named('Addon', row && toGraphqlAddon(row));
      }
      case 'Feature': {
        const row = await (await context.loader(featureLoader)).load(uuid);
        return named('Feature', row && toGraphqlFeature(row));
      }
      case 'Coupon': {
        const row = await (await context.loader(couponLoader)).load(uuid);
        return named('Coupon', row && toGraphqlCoupon(row));
      }
      case 'Subscription': {
        const row = (await tx.subscriptions.byIds([tenantUuid!], [uuid]))[0];
        return named('Subscription', row && toGraphqlSubscription(row));
      }
      case 'AddonSubscription': {
        const row = await tx.addonSubscriptions.byOrigin(tenantUuid!, uuid);
        return named('AddonSubscription', row && toGraphqlAddonSubscription(row));
      }
      case 'Invoice': {
        const row = await tx.invoices.byId(tenantUuid!, uuid);
        return named('Invoice', row && toGraphqlInvoice(row));
      }
      case 'CreditNote': {
        const row = await tx.creditNotes.byId(tenantUuid!, uuid);
        return named('CreditNote', row && toGraphqlCreditNote(row));
      }
      case 'TaxRate': {
        const row = (await tx.taxes.ratesByIds([uuid]))[0];
        return named('TaxRate', row && toGraphqlTaxRate(row));
      }
      case 'LicenceProduct': {
        const row = await (await context.loader(licenceProductLoader)).load(uuid);
        return named('LicenceProduct', row && toGraphqlLicenceProduct(row));
      }
      case 'Licence': {
        const row = await tx.licences.byId(tenantUuid!, uuid);
        return named('Licence', row && toGraphqlLicence(row));
      }
      case 'LicencePurchase': {
        const row = await tx.licencePurchases.byId(tenantUuid!, uuid);
        return named('LicencePurchase', row && toGraphqlLicencePurchase(row));
      }
      default:
        return undefined;
    }
  }
}
