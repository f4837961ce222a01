import type { Tenant } from '../access/tenant';
import type { Addon } from '../catalog/addon';
import type { Feature } from '../catalog/feature';
import type { Plan, PlanVersion } from '../catalog/plan';
import { instantText } from '../core/calendar';
import { decimalText } from '../core/decimal';
import { encodeId, type IdKind } from '../core/ids';
import { amountText, type Money } from '../core/money';
import type { Coupon } from '../coupons/coupon';
import type { PendingCoupon } from '../coupons/pending-coupon';
import type { EntitlementGrant } from '../entitlements/entitlement';
import type { CreditNote } from '../invoicing/credit-note';
import type { Invoice } from '../invoicing/invoice';
import { type Licence, type LicenceSeat, overAssigned } from '../licences/licence';
import type { LicenceProduct } from '../licences/licence-product';
import type { LicencePurchase } from '../licences/licence-purchase';
import type { Dispute, Payment, Refund } from '../payments/payment';
import type { PaymentMethod } from '../payments/payment-method';
import type { StripeCheckout, StripeInvoice } from '../payments/stripe-checkout';
import type { PlanChangeProration } from '../proration/plan-change-proration';
import { type AddonSubscription, statusOf } from '../subscriptions/addon-subscription';
import type { ScheduledPlanChange } from '../subscriptions/scheduled-plan-change';
import type { Subscription } from '../subscriptions/subscription';
import type { BillingParty } from '../tax/billing-details';
import type { TaxRate } from '../tax/tax-rate';
import type { Meter } from '../usage/meter';
import type { UsageThreshold } from '../usage/usage-threshold';
import type { WebhookEndpoint } from './webhook-endpoint';

/**
 * The objects in events, as JSON: ids and enum values as in the API, amounts and quantities as exact text, instants in UTC,
 * what is not there as null. docs/events.md describes each field; a field never changes its meaning within a version.
 */

export const money = (amount: Money) => ({ amount: amountText(amount), currency: amount.currency });
const time = instantText;
const orNull = <T, U>(value: T | undefined | null, convert: (value: T) => U): U | null =>
  value === undefined || value === null ? null : convert(value);
const ofTenant = (kind: IdKind, row: { readonly tenantId: string }, id: string) => encodeId(kind, id, row.tenantId);

export const invoiceData = (invoice: Invoice) => ({
  id: ofTenant('Invoice', invoice, invoice.id),
  number: invoice.number,
  kind: invoice.kind,
  reason: invoice.reason,
  status: invoice.status,
  subscriptionId: ofTenant('Subscription', invoice, invoice.subscriptionId),
  subtotal: money(invoice.subtotal),
  discount: money(invoice.discount),
  tax: money(invoice.tax),
  total: money(invoice.total),
  creditApplied: money(invoice.creditApplied),
  credited: money(invoice.credited),
  paid: money(invoice.paid),
  amountDue: money(invoice.amountDue),
  period: orNull(invoice.period, ({ start, end }) => ({ start: time(start), end: time(end) })),
  issuedAt: time(invoice.issuedAt),
  dueDate: time(invoice.dueAt),
  paidAt: orNull(invoice.paidAt, time),
  voidedAt: orNull(invoice.voidedAt, time),
  uncollectibleAt: orNull(invoice.uncollectibleAt, time),
});

export const licenceProductData = (product: LicenceProduct) => ({
  id: encodeId('LicenceProduct', product.id),
  code: product.code,
  name: product.name,
  status: product.status,
  yearlyPrices: product.prices.map(({ yearly }) => money(yearly)),
  version: product.version,
});

export const licenceData = (licence: Licence) => ({
  id: ofTenant('Licence', licence, licence.id),
  productId: encodeId('LicenceProduct', licence.productId),
  trial: licence.trial,
  seats: licence.seats.toString(),
  assigned: licence.assigned.toString(),
  overAssigned: overAssigned(licence).toString(),
  startsAt: time(licence.startsAt),
  expiresAt: time(licence.expiresAt),
  autoRenew: licence.autoRenew,
  version: licence.version,
});

export const licenceSeatData = (seat: LicenceSeat) => ({
  id: ofTenant('LicenceSeat', seat, seat.id),
  licenceId: ofTenant('Licence', seat, seat.licenceId),
  userId: encodeId('User', seat.userId),
  assignedAt: time(seat.assignedAt),
  revokedAt: orNull(seat.revokedAt, time),
});

export const licencePurchaseData = (purchase: LicencePurchase) => ({
  id: ofTenant('LicencePurchase', purchase, purchase.id),
  productId: encodeId('LicenceProduct', purchase.productId),
  licenceId: orNull(purchase.licenceId, (id) => ofTenant('Licence', purchase, id)),
  kind: purchase.kind,
  status: purchase.status,
  quantity: purchase.quantity.toString(),
  total: money(purchase.amount),
  refunded: money(purchase.refunded),
  parkReason: purchase.parkReason ?? null,
  parkDetail: purchase.parkDetail ?? null,
  provider: purchase.provider ?? null,
  checkout: purchase.checkoutId ?? null,
  createdAt: time(purchase.createdAt),
  completedAt: orNull(purchase.completedAt, time),
});

export const paymentData = (payment: Payment) => ({
  id: ofTenant('Payment', payment, payment.id),
  invoiceId: ofTenant('Invoice', payment, payment.invoiceId),
  paymentMethodId: orNull(payment.paymentMethodId, (id) => ofTenant('PaymentMethod', payment, id)),
  carriedBy: orNull(payment.carriedBy, (id) => ofTenant('Payment', payment, id)),
  provider: payment.provider ?? null,
  reference: payment.reference ?? null,
  charge: payment.externalId ?? null,
  status: payment.status,
  total: money(payment.amount),
  declineCode: payment.declineCode ?? null,
  actionUrl: payment.actionUrl ?? null,
  createdAt: time(payment.createdAt),
  settledAt: orNull(payment.settledAt, time),
});

export const refundData = (refund: Refund) => ({
  id: ofTenant('Refund', refund, refund.id),
  paymentId: ofTenant('Payment', refund, refund.paymentId),
  creditNoteId: orNull(refund.creditNoteId, (id) => ofTenant('CreditNote', refund, id)),
  reason: refund.reason,
  memo: refund.memo ?? null,
  status: refund.status,
  total: money(refund.amount),
  failureCode: refund.failureCode ?? null,
  createdAt: time(refund.createdAt),
  settledAt: orNull(refund.settledAt, time),
});

export const disputeData = (dispute: Dispute) => ({
  id: ofTenant('Dispute', dispute, dispute.id),
  paymentId: ofTenant('Payment', dispute, dispute.paymentId),
  status: dispute.status,
  reason: dispute.reason,
  total: money(dispute.amount),
  openedAt: time(dispute.openedAt),
  closedAt: orNull(dispute.closedAt, time),
});

export const paymentMethodData = (method: PaymentMethod) => ({
  id: ofTenant('PaymentMethod', method, method.id),
  provider: method.provider,
  kind: method.kind,
  brand: method.brand ?? null,
  last4: method.last4 ?? null,
  expiresMonth: method.expiresMonth ?? null,
  expiresYear: method.expiresYear ?? null,
  isDefault: method.isDefault,
});

export const creditNoteData = (note: CreditNote) => ({
  id: ofTenant('CreditNote', note, note.id),
  number: note.number,
  reason: note.reason,
  settlement: note.settlement,
  memo: note.memo ?? null,
  subscriptionId: ofTenant('Subscription', note, note.subscriptionId),
  invoiceId: orNull(note.invoiceId, (id) => ofTenant('Invoice', note, id)),
  tax: money(note.tax),
  total: money(note.total),
  issuedAt: time(note.issuedAt),
});

export const subscriptionData = (subscription: Subscription) => ({
  id: ofTenant('Subscription', subscription, subscription.id),
  status: subscription.status,
  planId: encodeId('Plan', subscription.item.planId),
  planVersionId: encodeId('PlanVersion', subscription.item.planVersionId),
  interval: subscription.interval,
  quantity: subscription.item.quantity.toString(),
  unitAmount: money(subscription.item.unitAmount),
  timeZone: subscription.timeZone,
  periodStart: time(subscription.periodStart),
  periodEnd: time(subscription.periodEnd),
  startedAt: time(subscription.startedAt),
  trialEnd: orNull(subscription.trialEnd, time),
  cancelAt: orNull(subscription.cancelAt, time),
  cancelledAt: orNull(subscription.cancelledAt, time),
  cancelReason: subscription.cancelReason ?? null,
  accessUntil: orNull(subscription.accessUntil, time),
});

export const scheduledPlanChangeData = (scheduled: ScheduledPlanChange) => ({
  effectiveAt: time(scheduled.effectiveAt),
  planId: encodeId('Plan', scheduled.planId),
  quantity: scheduled.quantity.toString(),
});

export const prorationData = (proration: PlanChangeProration) => ({
  id: ofTenant('Proration', proration, proration.id),
  changedAt: time(proration.changedAt),
  planIdBefore: encodeId('Plan', proration.planIdBefore),
  planIdAfter: encodeId('Plan', proration.planIdAfter),
  quantityBefore: proration.quantityBefore.toString(),
  quantityAfter: proration.quantityAfter.toString(),
  unusedCredit: money(proration.unusedCredit),
  newCharge: money(proration.newCharge),
  couponDiscount: money(proration.couponDiscount),
  net: money(proration.net),
  settlement: proration.settlement,
  invoiceId: orNull(proration.invoiceId, (id) => ofTenant('Invoice', proration, id)),
  creditNoteId: orNull(proration.creditNoteId, (id) => ofTenant('CreditNote', proration, id)),
});

export const addonSubscriptionData = (attachment: AddonSubscription) => ({
  id: ofTenant('AddonSubscription', attachment, attachment.originId),
  status: statusOf(attachment),
  subscriptionId: ofTenant('Subscription', attachment, attachment.subscriptionId),
  addonId: encodeId('Addon', attachment.addonId),
  interval: attachment.interval,
  quantity: attachment.quantity.toString(),
  billedBy: attachment.billedBy,
  unitAmount: money(attachment.unitAmount),
  startedAt: time(attachment.startedAt),
  endsAt: orNull(attachment.endsAt, time),
  endedAt: orNull(attachment.endedAt, time),
  accessUntil: orNull(attachment.accessUntil, time),
  endKind: attachment.endKind ?? null,
});

export const checkoutData = (checkout: StripeCheckout) => ({
  id: ofTenant('Checkout', checkout, checkout.id),
  kind: checkout.kind,
  status: checkout.status,
  addonId: orNull(checkout.addonId, (id) => encodeId('Addon', id)),
  planId: orNull(checkout.planId, (id) => encodeId('Plan', id)),
  interval: checkout.interval,
  quantity: checkout.quantity.toString(),
  unitAmount: money(checkout.unitAmount),
  addonSubscriptionId: orNull(checkout.addonSubscriptionId, (id) => ofTenant('AddonSubscription', checkout, id)),
  subscriptionId: orNull(checkout.subscriptionId, (id) => ofTenant('Subscription', checkout, id)),
  parkedReason: checkout.parkedReason ?? null,
  acceptedQuantity: checkout.accepted?.quantity.toString() ?? null,
  acceptedUnitAmount: checkout.accepted ? money(checkout.accepted.unitAmount) : null,
  withdrawnReason: checkout.withdrawn?.reason ?? null,
  createdAt: time(checkout.createdAt),
  completedAt: orNull(checkout.completedAt, time),
});

export const checkoutInvoiceData = ({ externalId, amount, refunded, period, paidAt }: StripeInvoice) => ({
  externalId,
  amount: money(amount),
  refunded: money(refunded),
  period: { start: time(period.start), end: time(period.end) },
  paidAt: time(paidAt),
});

export const pendingCouponData = (pending: PendingCoupon) => ({
  id: ofTenant('PendingCoupon', pending, pending.id),
  couponId: encodeId('Coupon', pending.couponId),
  status: pending.status,
  periodsApplied: pending.periodsApplied,
  periodsReturned: pending.periodsReturned,
  createdAt: time(pending.createdAt),
  endedAt: orNull(pending.endedAt, time),
});

export const couponData = (coupon: Coupon) => ({
  id: encodeId('Coupon', coupon.id),
  code: coupon.code,
  name: coupon.name,
  kind: coupon.kind,
  status: coupon.status,
  percent: orNull(coupon.percent, decimalText),
  amounts: coupon.amounts.map(money),
  duration: coupon.duration,
  durationPeriods: coupon.durationPeriods ?? null,
  validFrom: orNull(coupon.validFrom, time),
  validUntil: orNull(coupon.validUntil, time),
  maxRedemptions: coupon.maxRedemptions ?? null,
});

export const grantData = ({ allowance, ...grant }: EntitlementGrant) => ({
  id: ofTenant('EntitlementGrant', grant, grant.id),
  featureId: encodeId('Feature', allowance.featureId),
  unlimited: allowance.unlimited,
  limit: orNull(allowance.limit, decimalText),
  resetPeriod: allowance.resetPeriod ?? null,
  value: allowance.value ?? null,
  reason: grant.reason,
  startsAt: time(grant.startsAt),
  endsAt: orNull(grant.endsAt, time),
});

export const featureData = (feature: Feature) => ({
  id: encodeId('Feature', feature.id),
  code: feature.code,
  name: feature.name,
  kind: feature.kind,
  unit: feature.unit ?? null,
});

export const meterData = (meter: Meter) => ({
  id: encodeId('Meter', meter.id),
  featureId: encodeId('Feature', meter.featureId),
  aggregation: meter.aggregation,
  eventType: meter.eventType,
  thresholds: meter.thresholds,
});

export const usageThresholdData = (threshold: UsageThreshold, featureCode: string) => ({
  id: ofTenant('UsageThreshold', threshold, threshold.id),
  featureId: encodeId('Feature', threshold.featureId),
  featureCode,
  percent: threshold.percent,
  limit: decimalText(threshold.limit),
  used: decimalText(threshold.used),
  windowStart: time(threshold.windowStart),
  windowEnd: orNull(threshold.windowEnd, time),
});

export const planData = (plan: Plan) => ({
  id: encodeId('Plan', plan.id),
  code: plan.code,
  name: plan.name,
  rank: plan.rank,
  status: plan.status,
});

export const planVersionData = (version: PlanVersion) => ({
  id: encodeId('PlanVersion', version.id),
  number: version.number,
  trialDays: version.trialDays ?? null,
  prices: version.prices.map(({ interval, amount }) => ({ interval, ...money(amount) })),
});

export const addonData = (addon: Addon) => ({
  id: encodeId('Addon', addon.id),
  code: addon.code,
  name: addon.name,
  status: addon.status,
  minimumPlanRank: addon.minimumPlanRank ?? null,
  prices: addon.prices.map(({ interval, amount }) => ({ interval, ...money(amount) })),
});

export const taxRateData = (rate: TaxRate) => ({
  id: encodeId('TaxRate', rate.id),
  country: rate.country,
  region: rate.region ?? null,
  category: rate.category ?? null,
  name: rate.name,
  percent: decimalText(rate.percent),
  inclusive: rate.inclusive,
  validFrom: rate.validFrom.toString(),
  validTo: orNull(rate.validTo, String),
});

/** Without its e-mail address: receivers keep their copies for long. */
export const partyData = (party: BillingParty) => ({
  legalName: party.legalName,
  address: party.address,
  country: party.country,
  region: party.region ?? null,
  taxId: party.taxId ?? null,
});

export const tenantData = (tenant: Tenant) => ({
  id: encodeId('Tenant', tenant.id),
  name: tenant.name,
  externalId: tenant.externalId ?? null,
  currency: tenant.currency,
  sandbox: tenant.sandbox,
});

/** Without its URL: receivers keep tokens in theirs, and this event goes to the partner's other endpoints too. */
export const endpointData = (endpoint: WebhookEndpoint) => ({
  id: encodeId('WebhookEndpoint', endpoint.id),
  description: endpoint.description,
  eventTypes: endpoint.eventTypes,
  status: endpoint.status,
  disabledReason: endpoint.disabledReason ?? null,
});
