import type { EntityManager } from 'typeorm';
import type { Account } from './access/actor';
import { ApiKeyRepository } from './access/api-key.repository';
import { MembershipRepository } from './access/membership.repository';
import { PartnerRepository } from './access/partner.repository';
import { SelfServicePolicyRepository } from './access/self-service-policy.repository';
import type { TenantContext } from './access/tenant';
import { TenantRepository } from './access/tenant.repository';
import { BillingWorkRepository } from './billing/billing-work.repository';
import { AddonRepository } from './catalog/addon.repository';
import { FeatureRepository } from './catalog/feature.repository';
import { PlanRepository } from './catalog/plan.repository';
import { type Instant, instantFromDate, timeZone } from './core/calendar';
import type { CurrencyCode } from './core/currency';
import type { Id } from './core/ids';
import { invariant } from './core/invariant';
import { CouponRepository } from './coupons/coupon.repository';
import { CouponDiscountRepository } from './coupons/coupon-discount.repository';
import { PendingCouponRepository } from './coupons/pending-coupon.repository';
import { EntitlementRepository } from './entitlements/entitlement.repository';
import { EventRepository } from './events/event.repository';
import { type DomainEvent, toldOf } from './events/event-catalogue';
import { OutboxRepository } from './events/outbox.repository';
import { WebhookDeliveryRepository } from './events/webhook-delivery.repository';
import { WebhookEndpointRepository } from './events/webhook-endpoint.repository';
import { CreditNoteRepository } from './invoicing/credit-note.repository';
import { InvoiceRepository } from './invoicing/invoice.repository';
import { ItemChargeRepository } from './invoicing/item-charge.repository';
import { DocumentCollector } from './invoicing/made-documents';
import { LicenceRepository } from './licences/licence.repository';
import { LicenceProductRepository } from './licences/licence-product.repository';
import { LicencePurchaseRepository } from './licences/licence-purchase.repository';
import { CollectionRepository } from './payments/collection.repository';
import { InboxRepository } from './payments/inbox.repository';
import { PaymentRepository } from './payments/payment.repository';
import { PaymentMethodRepository } from './payments/payment-method.repository';
import { StripeCheckoutRepository } from './payments/stripe/stripe-checkout.repository';
import type { Clock } from './platform/clock';
import type { Ask, EnteredRow, Session } from './platform/database';
import { newId } from './platform/new-id';
import { OutboxEventEntity, PartnerOutboxEventEntity } from './platform/outbox.entity';
import { CreditPolicyRepository } from './proration/credit-policy.repository';
import { PlanChangeProrationRepository } from './proration/plan-change-proration.repository';
import { UnusedCreditRepository } from './proration/unused-credit.repository';
import { BilledUsageRepository } from './rating/billed-usage.repository';
import { AddonSubscriptionRepository } from './subscriptions/addon-subscription.repository';
import { SubscriptionRepository } from './subscriptions/subscription.repository';
import { TaxRepository } from './tax/tax.repository';
import { MeterRepository } from './usage/meter.repository';
import { MeteringSpanRepository } from './usage/metering-span.repository';
import { UsageRepository } from './usage/usage.repository';
import { UsageThresholdRepository } from './usage/usage-threshold.repository';

/**
 * One transaction, entered as one actor: its time, its repositories, its outbox. Commands and queries take what they
 * need of it (`Pick<Tx, …>`); none of them commits.
 */
export class Tx {
  /** The person or API key; `undefined` for the system's own work. */
  readonly actorId: string | undefined;
  readonly actor: EnteredRow['actor'];
  /** Whose person or key asks; `undefined` for the system's own work. */
  readonly account: Account['kind'] | undefined;
  readonly partners: PartnerRepository;
  readonly tenants: TenantRepository;
  readonly memberships: MembershipRepository;
  readonly apiKeys: ApiKeyRepository;
  readonly selfServicePolicies: SelfServicePolicyRepository;
  readonly features: FeatureRepository;
  readonly plans: PlanRepository;
  readonly addons: AddonRepository;
  readonly coupons: CouponRepository;
  readonly pendingCoupons: PendingCouponRepository;
  readonly couponDiscounts: CouponDiscountRepository;
  readonly subscriptions: SubscriptionRepository;
  readonly addonSubscriptions: AddonSubscriptionRepository;
  readonly entitlements: EntitlementRepository;
  readonly invoices: InvoiceRepository;
  readonly creditNotes: CreditNoteRepository;
  readonly itemCharges: ItemChargeRepository;
  readonly taxes: TaxRepository;
  readonly creditPolicies: CreditPolicyRepository;
  readonly unusedCredits: UnusedCreditRepository;
  readonly prorations: PlanChangeProrationRepository;
  readonly meters: MeterRepository;
  readonly usage: UsageRepository;
  readonly meteringSpans: MeteringSpanRepository;
  readonly usageThresholds: UsageThresholdRepository;
  readonly billingWork: BillingWorkRepository;
  readonly outbox: OutboxRepository;
  readonly events: EventRepository;
  readonly webhookEndpoints: WebhookEndpointRepository;
  readonly webhookDeliveries: WebhookDeliveryRepository;
  readonly billedUsage: BilledUsageRepository;
  readonly payments: PaymentRepository;
  readonly paymentMethods: PaymentMethodRepository;
  readonly collections: CollectionRepository;
  readonly inbox: InboxRepository;
  readonly licenceProducts: LicenceProductRepository;
  readonly licences: LicenceRepository;
  readonly licencePurchases: LicencePurchaseRepository;
  readonly stripeCheckouts: StripeCheckoutRepository;
  /** Every document that was issued in this transaction. */
  readonly documents = new DocumentCollector();
  readonly newId = newId;
  readonly ask: Ask;
  private readonly manager: EntityManager;
  private readonly contexts = new Map<string, TenantContext | undefined>();
  private currentTenant: TenantContext | undefined;

  constructor(
    session: Session,
    entered: {
      readonly principalId?: string | undefined;
      readonly tenantId?: string | undefined;
      readonly account?: Account['kind'] | undefined;
    },
    private readonly clock: Clock,
  ) {
    const { manager, entered: row } = session;
    this.manager = manager;
    this.ask = session.ask;
    this.actorId = entered.principalId;
    this.actor = row.actor;
    this.account = entered.account;
    this.partners = new PartnerRepository(manager);
    this.tenants = new TenantRepository(manager);
    this.memberships = new MembershipRepository(manager);
    this.apiKeys = new ApiKeyRepository(manager);
    this.selfServicePolicies = new SelfServicePolicyRepository(manager);
    this.features = new FeatureRepository(manager);
    this.plans = new PlanRepository(manager);
    this.addons = new AddonRepository(manager);
    this.coupons = new CouponRepository(manager);
    this.pendingCoupons = new PendingCouponRepository(manager);
    this.couponDiscounts = new CouponDiscountRepository(manager);
    this.subscriptions = new SubscriptionRepository(manager);
    this.addonSubscriptions = new AddonSubscriptionRepository(manager);
    this.entitlements = new EntitlementRepository(manager);
    this.invoices = new InvoiceRepository(manager);
    this.creditNotes = new CreditNoteRepository(manager);
    this.itemCharges = new ItemChargeRepository(manager);
    this.taxes = new TaxRepository(manager);
    this.creditPolicies = new CreditPolicyRepository(manager);
    this.unusedCredits = new UnusedCreditRepository(manager);
    this.prorations = new PlanChangeProrationRepository(manager);
    this.meters = new MeterRepository(manager);
    this.usage = new UsageRepository(manager);
    this.meteringSpans = new MeteringSpanRepository(manager);
    this.usageThresholds = new UsageThresholdRepository(manager);
    this.billingWork = new BillingWorkRepository(manager);
    this.outbox = new OutboxRepository(manager);
    this.events = new EventRepository(manager);
    this.webhookEndpoints = new WebhookEndpointRepository(manager);
    this.webhookDeliveries = new WebhookDeliveryRepository(manager);
    this.billedUsage = new BilledUsageRepository(manager);
    this.payments = new PaymentRepository(manager);
    this.paymentMethods = new PaymentMethodRepository(manager);
    this.collections = new CollectionRepository(manager);
    this.inbox = new InboxRepository(session.ask);
    this.licenceProducts = new LicenceProductRepository(manager);
    this.licences = new LicenceRepository(manager);
    this.licencePurchases = new LicencePurchaseRepository(manager);
    this.stripeCheckouts = new StripeCheckoutRepository(manager);
    if (entered.tenantId) {
      this.currentTenant = {
        id: entered.tenantId as Id<'Tenant'>,
        partnerId: row.partner_id as Id<'Partner'>,
        currency: row.tenant_currency as CurrencyCode,
        timeZone: timeZone(row.tenant_time_zone ?? 'UTC'),
        sandbox: row.sandbox ?? false,
        now: row.test_clock ? instantFromDate(row.test_clock) : clock.now(),
      };
      this.contexts.set(entered.tenantId, this.currentTenant);
    }
    this.partnerIdOrNone = (row.partner_id ?? undefined) as Id<'Partner'> | undefined;
  }

  private readonly partnerIdOrNone: Id<'Partner'> | undefined;

  /** The tenant that was entered. A command about a tenant is only ever called after entering one. */
  get tenant(): TenantContext {
    invariant(this.currentTenant, 'no tenant was entered');
    return this.currentTenant;
  }

  get partnerId(): Id<'Partner'> {
    invariant(this.partnerIdOrNone, 'no partner was entered');
    return this.partnerIdOrNone;
  }

  /**
   * The tenant's time where one was entered, else the wall clock. It stands still for the transaction, but where `atTime` moves
   * a sandbox's.
   */
  get now(): Instant {
    return this.currentTenant?.now ?? this.wallNow;
  }

  private wallNowOnce: Instant | undefined;

  get wallNow(): Instant {
    this.wallNowOnce ??= this.clock.now();
    return this.wallNowOnce;
  }

  /** Moves a sandbox tenant's time within this transaction; `advance-clock.command` stores it. */
  atTime(now: Instant): void {
    this.currentTenant = { ...this.tenant, now };
    this.contexts.set(this.currentTenant.id, this.currentTenant);
  }

  /** A tenant that may be read here, with its own time; `undefined` when it is missing or somebody else's. */
  async tenantFor(tenantId: string): Promise<TenantContext | undefined> {
    if (this.contexts.has(tenantId)) return this.contexts.get(tenantId);
    const tenant = await this.tenants.byId(tenantId);
    const partner = tenant && (await this.partners.byId(tenant.partnerId));
    const context =
      tenant && partner
        ? {
            id: tenant.id,
            partnerId: tenant.partnerId,
            currency: tenant.currency,
            timeZone: tenant.timeZone ?? partner.timeZone,
            sandbox: tenant.sandbox,
            now: tenant.testClock ?? this.wallNow,
          }
        : undefined;
    this.contexts.set(tenantId, context);
    return context;
  }

  /** Tells the world, in the same commit: an event without its change, or a change without its event, cannot be. */
  async emit(event: DomainEvent): Promise<void> {
    const { version, data } = toldOf(event);
    const row = { id: newId(), type: event.type, version, payload: data, occurredAt: this.now };
    if (this.currentTenant) {
      const { id: tenantId, partnerId, sandbox } = this.currentTenant;
      await this.manager.insert(OutboxEventEntity, { ...row, tenantId, partnerId, sandbox });
    } else if (this.partnerIdOrNone) {
      await this.manager.insert(PartnerOutboxEventEntity, { ...row, partnerId: this.partnerIdOrNone });
    }
  }
}
