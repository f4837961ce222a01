import type { SelfServicePolicy } from '../access/self-service';
import type { Tenant } from '../access/tenant';
import type { ParkReason } from '../billing/billing-work';
import type { Addon } from '../catalog/addon';
import type { Feature } from '../catalog/feature';
import type { Plan, PlanVersion } from '../catalog/plan';
import type { Instant } from '../core/calendar';
import { encodeId } from '../core/ids';
import type { Money } from '../core/money';
import type { Coupon } from '../coupons/coupon';
import type { PendingCoupon } from '../coupons/pending-coupon';
import type { EntitlementGrant } from '../entitlements/entitlement';
import type { CreditNote } from '../invoicing/credit-note';
import type { Invoice } from '../invoicing/invoice';
import type { Licence, LicenceSeat } from '../licences/licence';
import type { LicenceProduct } from '../licences/licence-product';
import type { LicencePurchase } from '../licences/licence-purchase';
import type { DunningPolicy } from '../payments/dunning';
import type { Dispute, Payment, Refund } from '../payments/payment';
import type { PaymentMethod } from '../payments/payment-method';
import type { PaymentTerms } from '../payments/payment-terms';
import type { StripeCheckout, StripeInvoice } from '../payments/stripe-checkout';
import type { CreditPolicy } from '../proration/credit-policy';
import type { PlanChangeProration } from '../proration/plan-change-proration';
import type { AddonSubscription } from '../subscriptions/addon-subscription';
import type { ScheduledPlanChange } from '../subscriptions/scheduled-plan-change';
import type { Subscription } from '../subscriptions/subscription';
import type { BillingParty, TaxStatus } from '../tax/billing-details';
import type { TaxedItem, TaxRate } from '../tax/tax-rate';
import type { Meter } from '../usage/meter';
import type { UsageThreshold } from '../usage/usage-threshold';
import {
  addonData,
  addonSubscriptionData,
  checkoutData,
  checkoutInvoiceData,
  couponData,
  creditNoteData,
  disputeData,
  endpointData,
  featureData,
  grantData,
  invoiceData,
  licenceData,
  licenceProductData,
  licencePurchaseData,
  licenceSeatData,
  meterData,
  money,
  partyData,
  paymentData,
  paymentMethodData,
  pendingCouponData,
  planData,
  planVersionData,
  prorationData,
  refundData,
  scheduledPlanChangeData,
  subscriptionData,
  taxRateData,
  tenantData,
  usageThresholdData,
} from './event-data';
import type { WebhookEndpoint } from './webhook-endpoint';

const invoice = (payload: { readonly invoice: Invoice }) => ({ invoice: invoiceData(payload.invoice) });
const failedTurn = (payload: {
  readonly invoice: Invoice;
  readonly failures: number;
  readonly nextAttemptAt: Instant | undefined;
}) => ({
  ...invoice(payload),
  failures: payload.failures,
  nextAttemptAt: payload.nextAttemptAt?.toString({ smallestUnit: 'millisecond' }) ?? null,
});
const subscription = (payload: { readonly subscription: Subscription }) => ({
  subscription: subscriptionData(payload.subscription),
});
const addonSubscription = (payload: { readonly addonSubscription: AddonSubscription }) => ({
  addonSubscription: addonSubscriptionData(payload.addonSubscription),
});
const pendingCoupon = (payload: { readonly pendingCoupon: PendingCoupon; readonly code: string }) => ({
  pendingCoupon: pendingCouponData(payload.pendingCoupon),
  code: payload.code,
});
const endpoint = (payload: { readonly endpoint: WebhookEndpoint }) => ({ endpoint: endpointData(payload.endpoint) });
const grant = (payload: { readonly grant: EntitlementGrant }) => ({ grant: grantData(payload.grant) });
const coupon = (payload: { readonly coupon: Coupon }) => ({ coupon: couponData(payload.coupon) });
const addon = (payload: { readonly addon: Addon }) => ({ addon: addonData(payload.addon) });
const plan = (payload: { readonly plan: Plan }) => ({ plan: planData(payload.plan) });
const planAndVersion = (payload: { readonly plan: Plan; readonly planVersion: PlanVersion }) => ({
  plan: planData(payload.plan),
  planVersion: planVersionData(payload.planVersion),
});
const member = (payload: { readonly userId: string; readonly role: string | undefined }) => ({
  userId: encodeId('User', payload.userId),
  role: payload.role ?? null,
});
const apiKey = (payload: { readonly apiKeyId: string; readonly scopes: readonly string[] }) => ({
  apiKeyId: encodeId('ApiKey', payload.apiKeyId),
  scopes: payload.scopes,
});

const party = (payload: { readonly party: BillingParty }) => ({ party: partyData(payload.party) });
const taxRate = (payload: { readonly taxRate: TaxRate }) => ({ taxRate: taxRateData(payload.taxRate) });
const payment = (payload: { readonly payment: Payment }) => ({ payment: paymentData(payload.payment) });
const refund = (payload: { readonly refund: Refund }) => ({ refund: refundData(payload.refund) });
const dispute = (payload: { readonly dispute: Dispute }) => ({ dispute: disputeData(payload.dispute) });
const paymentMethod = (payload: { readonly paymentMethod: PaymentMethod }) => ({
  paymentMethod: paymentMethodData(payload.paymentMethod),
});
const checkout = (payload: { readonly checkout: StripeCheckout }) => ({ checkout: checkoutData(payload.checkout) });

const licence = (payload: { readonly licence: Licence }) => ({ licence: licenceData(payload.licence) });
const licenceSeat = (payload: { readonly seat: LicenceSeat }) => ({ seat: licenceSeatData(payload.seat) });
const licenceProduct = (payload: { readonly product: LicenceProduct }) => ({
  product: licenceProductData(payload.product),
});
const licencePurchase = (payload: { readonly purchase: LicencePurchase }) => ({
  purchase: licencePurchaseData(payload.purchase),
});
const licenceAndPurchase = (payload: { readonly licence: Licence; readonly purchase: LicencePurchase }) => ({
  ...licence(payload),
  ...licencePurchase(payload),
});

const parking = (payload: { readonly tenantId: string; readonly reason: ParkReason }) => ({ reason: payload.reason });

/**
 * Everything that is told to the outside: the name it has there, when it happens, the version of its data's shape, and how
 * the data is made of what `tx.emit` is given. The text is docs/events.md's. Whoever changes the shape of what is there
 * (rather than adding to it) raises the version.
 */
export const eventCatalogue = {
  'addon.created': { version: 1, when: 'An add-on was put into the catalog.', data: addon },
  'addon.updated': { version: 1, when: 'An add-on was changed or archived.', data: addon },
  'addon_subscription.cancelled': {
    version: 1,
    when: 'An add-on was cancelled: at once (`ENDED`), or for the end of the period (`CANCELLING`).',
    data: addonSubscription,
  },
  'addon_subscription.created': { version: 1, when: 'An add-on was attached.', data: addonSubscription },
  'addon_subscription.ended': {
    version: 1,
    when: 'An attached add-on ended by itself; `endKind` says why.',
    data: addonSubscription,
  },
  'addon_subscription.past_due': {
    version: 1,
    when: 'The provider that bills an add-on could not collect, and tries again; access goes on.',
    data: addonSubscription,
  },
  'addon_subscription.paused': {
    version: 1,
    when: 'The provider that bills an add-on paused it: it gives no access from `accessUntil` on.',
    data: addonSubscription,
  },
  'addon_subscription.recovered': {
    version: 1,
    when: 'The provider that bills an add-on could collect after all.',
    data: addonSubscription,
  },
  'addon_subscription.renewed': {
    version: 1,
    when: 'The provider that bills an add-on began its next period.',
    data: addonSubscription,
  },
  'addon_subscription.resumed': {
    version: 1,
    when: 'The cancellation of an add-on was taken back.',
    data: addonSubscription,
  },
  'addon_subscription.unpaused': {
    version: 1,
    when: 'The provider that bills an add-on goes on with it: it gives access again.',
    data: addonSubscription,
  },
  'addon_subscription.updated': {
    version: 1,
    when: 'An attached add-on got another interval, price or quantity.',
    data: addonSubscription,
  },
  'api_key.created': { version: 1, when: 'An API key was made.', data: apiKey },
  'api_key.revoked': { version: 1, when: 'An API key was revoked.', data: apiKey },
  'checkout.accepted': {
    version: 1,
    when: 'A person took what the provider bills, other than it was offered, for what was sold.',
    data: checkout,
  },
  'checkout.completed': { version: 1, when: 'What was offered at a checkout was bought.', data: checkout },
  'checkout.created': { version: 1, when: 'A tenant was offered something at a checkout.', data: checkout },
  'checkout.expired': { version: 1, when: 'A checkout was not paid in time, or replaced by another.', data: checkout },
  'checkout.paid': {
    version: 1,
    when: 'The provider collected a period of an add-on that it bills.',
    data: (payload: { readonly checkout: StripeCheckout; readonly collected: StripeInvoice }) => ({
      checkout: checkoutData(payload.checkout),
      collected: checkoutInvoiceData(payload.collected),
    }),
  },
  'checkout.parked': {
    version: 1,
    when: 'What the provider says contradicts what was offered: nothing was granted, a person has to look.',
    data: checkout,
  },
  'checkout.refunded': {
    version: 1,
    when: 'Something of what the provider collected went back, or came back; `collected.refunded` is how much went back of it by now.',
    data: (payload: { readonly checkout: StripeCheckout; readonly collected: StripeInvoice }) => ({
      checkout: checkoutData(payload.checkout),
      collected: checkoutInvoiceData(payload.collected),
    }),
  },
  'checkout.withdrawn': {
    version: 1,
    when: 'It was bought twice, or a person refused it: it ends at the provider, and what was collected goes back.',
    data: checkout,
  },
  'coupon.applied': { version: 1, when: 'A coupon was queued for the next invoice.', data: pendingCoupon },
  'coupon.created': { version: 1, when: 'A coupon was made.', data: coupon },
  'coupon.ended': {
    version: 1,
    when: 'A coupon that ran, or waited, ended without being taken back by anybody; `status` says how.',
    data: pendingCoupon,
  },
  'coupon.redeemed': {
    version: 1,
    when: 'A coupon took from an invoice or a plan change; `pendingCoupon.status` says whether it goes on.',
    data: (
      payload: Parameters<typeof pendingCoupon>[0] & {
        readonly discount: Money;
        readonly invoice?: Invoice | undefined;
      },
    ) => ({
      ...pendingCoupon(payload),
      discount: money(payload.discount),
      invoiceId: payload.invoice ? encodeId('Invoice', payload.invoice.id, payload.invoice.tenantId) : null,
    }),
  },
  'coupon.removed': { version: 1, when: 'A coupon was taken back before its first use.', data: pendingCoupon },
  'coupon.returned': {
    version: 1,
    when: 'The invoice that a coupon took from was voided: this use does not count.',
    data: pendingCoupon,
  },
  'coupon.updated': { version: 1, when: 'A coupon was changed, paused or archived.', data: coupon },
  'credit_note.created': {
    version: 1,
    when: 'A credit note was issued.',
    data: (payload: { readonly creditNote: CreditNote }) => ({ creditNote: creditNoteData(payload.creditNote) }),
  },
  'credit_policy.updated': {
    version: 1,
    when: 'What credits go by for something that ends early was changed.',
    data: (payload: { readonly policy: CreditPolicy }) => ({
      creditPolicy: { creditBasis: payload.policy.creditBasis, version: payload.policy.version },
    }),
  },
  'dispute.closed': { version: 1, when: 'A dispute was decided; `status` says how.', data: dispute },
  'dispute.opened': { version: 1, when: "A customer's bank asks for a payment back.", data: dispute },
  'dunning_policy.updated': {
    version: 1,
    when: 'What is done about payments that fail was changed.',
    data: (payload: { readonly policy: DunningPolicy }) => ({ policy: payload.policy }),
  },
  'entitlement.granted': { version: 1, when: 'A feature was given by hand.', data: grant },
  'entitlement.revoked': { version: 1, when: 'What was given by hand was taken back.', data: grant },
  'entitlements.updated': {
    version: 1,
    when: 'What a tenant may use has changed, from whatever source: ask again for these features.',
    data: (payload: { readonly features: readonly string[] }) => ({ features: payload.features }),
  },
  'feature.created': {
    version: 1,
    when: 'A feature was put into the catalog.',
    data: (payload: { readonly feature: Feature }) => ({ feature: featureData(payload.feature) }),
  },
  'invoice.amount_due_lowered': {
    version: 1,
    when: 'A part of an invoice was paid or credited; `amountDue` is what is left.',
    data: invoice,
  },
  'invoice.finalized': { version: 1, when: 'An invoice was issued.', data: invoice },
  'invoice.marked_uncollectible': { version: 1, when: 'An invoice was given up.', data: invoice },
  'invoice.not_chargeable': {
    version: 1,
    when: 'The payment provider makes no charge of what is due of an invoice, too little or too much. The customer has not failed.',
    data: invoice,
  },
  'invoice.overdue': {
    version: 1,
    when: 'An invoice is due, or a day of the dunning policy has come, and there is no payment method to charge; `failures` counts these days and the attempts that failed, `nextAttemptAt` is the next one.',
    data: failedTurn,
  },
  'invoice.paid': { version: 1, when: 'An invoice was paid, or nothing was due on it.', data: invoice },
  'invoice.payment_failed': {
    version: 1,
    when: 'An attempt to charge an invoice failed; `nextAttemptAt` says when it is tried again, null that it is not.',
    data: failedTurn,
  },
  'invoice.voided': { version: 1, when: 'An invoice was taken back as a whole.', data: invoice },
  'licence.auto_renew_off': {
    version: 1,
    when: 'The provider will not bill another year by itself; what was bought stays until its expiry.',
    data: licence,
  },
  'licence.auto_renew_on': { version: 1, when: 'The provider will bill another year by itself.', data: licence },
  'licence.granted': {
    version: 1,
    when: 'A purchase was paid: seats were added, a term began or was renewed.',
    data: licenceAndPurchase,
  },
  'licence.over_assigned': {
    version: 1,
    when: 'After a refund more seats are given out than there are; `overAssigned` says how many to take back.',
    data: licence,
  },
  'licence.refunded': {
    version: 1,
    when: 'Money went back, and what it had bought was taken back.',
    data: licenceAndPurchase,
  },
  'licence.restored': {
    version: 1,
    when: 'Money that had gone back came back, as after a chargeback that was won: so did what it had bought.',
    data: licenceAndPurchase,
  },
  'licence.seats_left_out': {
    version: 1,
    when: 'A new term has fewer seats than the last one had people: `leftOut` of them have none.',
    data: (payload: { readonly licence: Licence; readonly leftOut: bigint }) => ({
      ...licence(payload),
      leftOut: payload.leftOut.toString(),
    }),
  },
  'licence.trial_started': { version: 1, when: 'An organisation tries a licence.', data: licence },
  'licence_product.created': { version: 1, when: 'A licence product was put into the catalog.', data: licenceProduct },
  'licence_product.updated': { version: 1, when: 'A licence product was changed.', data: licenceProduct },
  'licence_purchase.created': { version: 1, when: 'Somebody set out to buy or renew licences.', data: licencePurchase },
  'licence_purchase.parked': {
    version: 1,
    when: 'Something was paid that does not fit the purchase; nothing was granted, and somebody must look.',
    data: licencePurchase,
  },
  'licence_purchase.refused': {
    version: 1,
    when: 'A person did not take what was paid for a parked purchase: the provider gives it back.',
    data: licencePurchase,
  },
  'licence_seat.assigned': { version: 1, when: 'A person got a seat.', data: licenceSeat },
  'licence_seat.revoked': { version: 1, when: 'A seat was taken back.', data: licenceSeat },
  'member.invited': { version: 1, when: 'A person was invited, or got another role.', data: member },
  'member.removed': { version: 1, when: 'A person was taken out.', data: member },
  'meter.created': {
    version: 1,
    when: 'A feature is counted by a meter from now on.',
    data: (payload: { readonly meter: Meter }) => ({ meter: meterData(payload.meter) }),
  },
  'partner.billing_details_changed': {
    version: 1,
    when: 'Documents name the partner otherwise from now on.',
    data: party,
  },
  'payment.action_required': { version: 1, when: 'The customer must confirm a payment.', data: payment },
  'payment.created': {
    version: 1,
    when: 'An invoice is about to be charged, or money for it that came outside is booked.',
    data: payment,
  },
  'payment.failed': { version: 1, when: 'A payment method was declined; `declineCode` says why.', data: payment },
  'payment.succeeded': { version: 1, when: 'The money came.', data: payment },
  'payment_method.added': { version: 1, when: 'A tenant got a payment method.', data: paymentMethod },
  'payment_method.default_changed': {
    version: 1,
    when: 'Invoices are paid with another method.',
    data: paymentMethod,
  },
  'payment_method.removed': { version: 1, when: 'Nothing is charged to a method any more.', data: paymentMethod },
  'payment_method.updated': {
    version: 1,
    when: 'A card was renewed: its network, or the customer, gave it another expiry or number.',
    data: paymentMethod,
  },
  'payment_terms.updated': {
    version: 1,
    when: 'Invoices of the partner, or with a `tenantId` of this tenant, are due on other terms from now on.',
    data: (payload: { readonly terms: PaymentTerms }) => ({ paymentTerms: payload.terms }),
  },
  'plan.created': { version: 1, when: 'A plan was put into the catalog.', data: planAndVersion },
  'plan.updated': { version: 1, when: 'A plan was renamed, moved or archived.', data: plan },
  'plan.version_published': { version: 1, when: 'A plan got new prices or features.', data: planAndVersion },
  'refund.created': { version: 1, when: 'Money is about to go back.', data: refund },
  'refund.failed': {
    version: 1,
    when: 'Money could not go back, or came back days after `refund.succeeded`.',
    data: refund,
  },
  'refund.succeeded': { version: 1, when: 'Money went back.', data: refund },
  'self_service_policy.updated': {
    version: 1,
    when: 'What tenants may ask for by themselves was changed.',
    data: (payload: { readonly policy: SelfServicePolicy }) => ({
      selfServicePolicy: { allowed: payload.policy.allowed, version: payload.policy.version },
    }),
  },
  'subscription.cancellation_scheduled': {
    version: 1,
    when: 'A subscription is to end at `cancelAt`.',
    data: subscription,
  },
  'subscription.cancelled': { version: 1, when: 'A subscription ended.', data: subscription },
  'subscription.past_due': {
    version: 1,
    when: 'A payment failed and is tried again; what the subscription gives ends at `accessUntil`.',
    data: subscription,
  },
  'subscription.plan_change_scheduled': {
    version: 1,
    when: 'Plan, interval or quantity are to change later.',
    data: (payload: { readonly subscription: Subscription; readonly scheduled: ScheduledPlanChange }) => ({
      ...subscription(payload),
      scheduled: scheduledPlanChangeData(payload.scheduled),
    }),
  },
  'subscription.plan_change_unscheduled': {
    version: 1,
    when: 'A change that was to come is not to come.',
    data: subscription,
  },
  'subscription.plan_changed': {
    version: 1,
    when: 'Plan, interval or quantity changed.',
    data: (payload: { readonly subscription: Subscription; readonly proration: PlanChangeProration }) => ({
      ...subscription(payload),
      proration: prorationData(payload.proration),
    }),
  },
  'subscription.recovered': { version: 1, when: 'Everything that was owed is paid.', data: subscription },
  'subscription.renewed': {
    version: 1,
    when: 'A new period began and was billed.',
    data: (payload: { readonly subscription: Subscription; readonly invoice: string }) => ({
      ...subscription(payload),
      invoiceNumber: payload.invoice,
    }),
  },
  'subscription.started': { version: 1, when: 'A subscription, or its trial, began.', data: subscription },
  'tax_category.changed': {
    version: 1,
    when: 'A plan or add-on is something else for the tax office from now on.',
    data: (payload: TaxedItem & { readonly category: string | undefined }) => ({
      kind: payload.kind,
      id: encodeId(payload.kind === 'PLAN' ? 'Plan' : 'Addon', payload.id),
      category: payload.category ?? null,
    }),
  },
  'tax_rate.created': { version: 1, when: 'A row was added to the rate table.', data: taxRate },
  'tax_rate.ended': { version: 1, when: 'A rate got an end.', data: taxRate },
  'tenant.billing_details_changed': {
    version: 1,
    when: 'Documents name the tenant otherwise from now on, and tax it where it is now.',
    data: party,
  },
  'subscription.unpaid': { version: 1, when: 'Payment was given up; the debt stays.', data: subscription },
  'tenant.billing_parked': {
    version: 1,
    when: 'A tenant could not be billed and is left out of the runs until somebody unparks it.',
    data: parking,
  },
  'tenant.billing_unparked': { version: 1, when: 'The next run tries the tenant again.', data: parking },
  'tenant.created': {
    version: 1,
    when: 'A tenant was made.',
    data: (payload: { readonly tenant: Tenant }) => ({ tenant: tenantData(payload.tenant) }),
  },
  'tenant.tax_treatment_changed': {
    version: 1,
    when: 'A tenant is charged tax, or is not, from now on.',
    data: (payload: { readonly status: TaxStatus }) => ({
      treatment: payload.status.treatment,
      note: payload.status.note ?? null,
    }),
  },
  'usage.threshold_reached': {
    version: 1,
    when: 'A share of a limit was reached: told once until the limit starts over.',
    data: (payload: { readonly threshold: UsageThreshold; readonly featureCode: string }) => ({
      threshold: usageThresholdData(payload.threshold, payload.featureCode),
    }),
  },
  'webhook_endpoint.created': { version: 1, when: 'A webhook endpoint was made.', data: endpoint },
  'webhook_endpoint.deleted': { version: 1, when: 'A webhook endpoint was deleted.', data: endpoint },
  'webhook_endpoint.disabled': {
    version: 1,
    when: 'Nothing is sent to an endpoint any more, because it failed for days or answered 410.',
    data: endpoint,
  },
  'webhook_endpoint.secret_rotated': { version: 1, when: 'A webhook endpoint got another secret.', data: endpoint },
  'webhook_endpoint.updated': {
    version: 1,
    when: 'A webhook endpoint was changed, enabled or disabled.',
    data: endpoint,
  },
} as const;

export type EventType = keyof typeof eventCatalogue;
type PayloadOf<T extends EventType> = Parameters<(typeof eventCatalogue)[T]['data']>[0];

/** An event for the outbox: what happened, told once the transaction commits. */
export type DomainEvent = { [T in EventType]: { readonly type: T; readonly payload: PayloadOf<T> } }[EventType];

export const eventTypes = Object.keys(eventCatalogue) as EventType[];

/** What `sendTestEvent` sends; it is no event of the log. */
export const testEventType = 'webhook.test';

export function isEventType(text: string): text is EventType {
  return Object.hasOwn(eventCatalogue, text);
}

/** The event as it goes to the outside, made in the transaction of the change: a later version of the code tells the same. */
export function toldOf({ type, payload }: DomainEvent): { readonly version: number; readonly data: object } {
  const { version, data } = eventCatalogue[type];
  return { version, data: (data as (payload: unknown) => object)(payload) };
}
