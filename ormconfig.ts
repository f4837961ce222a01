import { DataSource } from 'typeorm';
import { migrations } from './migrations';
import { ApiKeyEntity } from './src/access/api-key.entity';
import { PartnerUserEntity, ProfileEntity } from './src/access/membership.entity';
import { PartnerEntity } from './src/access/partner.entity';
import { SelfServicePolicyEntity } from './src/access/self-service-policy.entity';
import { TenantEntity } from './src/access/tenant.entity';
import { BillingWorkEntity } from './src/billing/billing-work.entity';
import {
  AddonAllowanceHistoryEntity,
  AddonEntity,
  AddonFeatureEntity,
  AddonPriceEntity,
  AddonRequirementEntity,
} from './src/catalog/addon.entity';
import { FeatureEntity } from './src/catalog/feature.entity';
import {
  PlanAddonEntity,
  PlanEntity,
  PlanFeatureEntity,
  PlanPriceEntity,
  PlanVersionEntity,
} from './src/catalog/plan.entity';
import { readConfig } from './src/config';
import {
  CouponAmountEntity,
  CouponDiscountEntity,
  CouponEntity,
  CouponRedemptionEntity,
  PendingCouponEntity,
} from './src/coupons/coupon.entity';
import { EntitlementEntity, EntitlementGrantEntity } from './src/entitlements/entitlement.entity';
import { EventEntity } from './src/events/event.entity';
import { WebhookDeliveryEntity } from './src/events/webhook-delivery.entity';
import { WebhookEndpointEntity } from './src/events/webhook-endpoint.entity';
import {
  CreditBalanceEntity,
  CreditBalanceEntryEntity,
  CreditNoteEntity,
  CreditNoteLineEntity,
} from './src/invoicing/credit-note.entity';
import { InvoiceEntity, InvoiceLineEntity } from './src/invoicing/invoice.entity';
import { ItemChargeEntity } from './src/invoicing/item-charge.entity';
import {
  LicenceEntity,
  LicencePriceEntity,
  LicenceProductEntity,
  LicenceProductFeatureEntity,
  LicencePurchaseEntity,
  LicenceRefundEntity,
  LicenceSeatEntity,
  LicenceSubscriptionEndEntity,
} from './src/licences/licence.entity';
import { CollectionEntity, DunningPolicyEntity } from './src/payments/collection.entity';
import { DisputeEntity, PaymentEntity, RefundEntity } from './src/payments/payment.entity';
import {
  FormerProviderCustomerEntity,
  PaymentMethodEntity,
  PaymentSetupEntity,
  ProviderCustomerEntity,
} from './src/payments/payment-method.entity';
import {
  StripeCheckoutEntity,
  StripeInvoiceEntity,
  StripeInvoiceRefundEntity,
  StripePriceEntity,
} from './src/payments/stripe/stripe-checkout.entity';
import { OutboxEventEntity, PartnerOutboxEventEntity } from './src/platform/outbox.entity';
import { CreditPolicyEntity } from './src/proration/credit-policy.entity';
import { PlanChangeProrationEntity } from './src/proration/plan-change-proration.entity';
import { AddonSubscriptionEntity } from './src/subscriptions/addon-subscription.entity';
import {
  ScheduledPlanChangeEntity,
  SubscriptionChangeEntity,
  SubscriptionEntity,
  SubscriptionItemEntity,
} from './src/subscriptions/subscription.entity';
import {
  BillingDetailsEntity,
  PartnerBillingDetailsEntity,
  TaxCategoryEntity,
  TaxRateEntity,
} from './src/tax/tax.entity';
import { MeterEntity } from './src/usage/meter.entity';
import { MeteringSpanEntity } from './src/usage/metering-span.entity';
import { UsageThresholdEntity } from './src/usage/usage-threshold.entity';

const entities = [
  BillingDetailsEntity,
  PartnerBillingDetailsEntity,
  TaxCategoryEntity,
  TaxRateEntity,
  AddonAllowanceHistoryEntity,
  AddonEntity,
  AddonFeatureEntity,
  AddonPriceEntity,
  AddonRequirementEntity,
  MeteringSpanEntity,
  AddonSubscriptionEntity,
  ApiKeyEntity,
  BillingWorkEntity,
  CollectionEntity,
  CouponAmountEntity,
  CouponEntity,
  CouponDiscountEntity,
  CouponRedemptionEntity,
  CreditBalanceEntity,
  CreditBalanceEntryEntity,
  CreditNoteEntity,
  CreditNoteLineEntity,
  DisputeEntity,
  DunningPolicyEntity,
  EntitlementEntity,
  EntitlementGrantEntity,
  EventEntity,
  FeatureEntity,
  InvoiceEntity,
  InvoiceLineEntity,
  ItemChargeEntity,
  MeterEntity,
  LicenceEntity,
  LicencePriceEntity,
  LicenceProductEntity,
  LicenceProductFeatureEntity,
  LicencePurchaseEntity,
  LicenceRefundEntity,
  LicenceSubscriptionEndEntity,
  LicenceSeatEntity,
  OutboxEventEntity,
  PartnerEntity,
  SelfServicePolicyEntity,
  CreditPolicyEntity,
  PartnerOutboxEventEntity,
  PartnerUserEntity,
  PaymentEntity,
  PaymentMethodEntity,
  PaymentSetupEntity,
  PendingCouponEntity,
  PlanAddonEntity,
  PlanChangeProrationEntity,
  PlanEntity,
  PlanFeatureEntity,
  PlanPriceEntity,
  PlanVersionEntity,
  ProfileEntity,
  FormerProviderCustomerEntity,
  ProviderCustomerEntity,
  RefundEntity,
  ScheduledPlanChangeEntity,
  StripeCheckoutEntity,
  StripeInvoiceEntity,
  StripeInvoiceRefundEntity,
  StripePriceEntity,
  SubscriptionChangeEntity,
  SubscriptionEntity,
  SubscriptionItemEntity,
  TenantEntity,
  UsageThresholdEntity,
  WebhookDeliveryEntity,
  WebhookEndpointEntity,
];

export interface SourceOptions {
  readonly url: string;
  readonly poolSize: number;
  /** Names the connections in pg_stat_activity. */
  readonly name: string;
  readonly onPoolError?: (error: Error) => void;
}

/** A pool on one role's URL. Entities and migrations are listed by name: nothing is scanned or synchronised. */
export function dataSourceFor({ url, poolSize, name, onPoolError }: SourceOptions): DataSource {
  return new DataSource({
    type: 'postgres',
    url,
    applicationName: `tollgate-${name}`,
    poolSize,
    // An idle connection that the server ends must not end the process.
    poolErrorHandler: (error: Error) => onPoolError?.(error),
    // Also how long a request waits for a connection: then it is told to come back, while there is somebody to tell.
    connectTimeoutMS: 1_900,
    entities,
    migrations,
    migrationsTableName: 'schema_migrations',
    migrationsTransactionMode: 'each',
    synchronize: false,
    installExtensions: false,
    logging: false,
    parseInt8: false,
    // `pipeline`: the resolvers of one request ask at once, on the one connection of their snapshot.
    extra: {
      pipeline: true,
      idleTimeoutMillis: 30_000,
      statement_timeout: 30_000,
      idle_in_transaction_session_timeout: 60_000,
    },
  });
}

/** For the TypeORM command line: the owner's connection of DATABASE_URL. */
export default dataSourceFor({
  url: readConfig().databaseUrl ?? 'postgres://127.0.0.1/tollgate',
  poolSize: 1,
  name: 'cli',
});
