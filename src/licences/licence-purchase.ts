import { type Instant, isBefore, isSameInstant } from '../core/calendar';
import type { Explanation } from '../core/explain';
import type { Id } from '../core/ids';
import { type Money, moneyText } from '../core/money';
import type { ProviderName } from '../payments/provider';
import type { Returned } from '../payments/returned-money';
import type { Licence } from './licence';
import type { PurchaseDecision, PurchaseKind } from './licence-price';

export const purchaseStatuses = ['OPEN', 'COMPLETED', 'PARKED', 'REFUNDED', 'CLOSED'] as const;
export type PurchaseStatus = (typeof purchaseStatuses)[number];

/** Why money that came in granted nothing. A person decides: usually it is refunded at the provider. */
export const parkReasons = [
  'TENANT_DIFFERS',
  'CHECKOUT_DIFFERS',
  'CURRENCY_DIFFERS',
  'AMOUNT_DIFFERS',
  'QUANTITY_DIFFERS',
  'INTENT_EXPIRED',
  'TERM_CHANGED',
  'CHECKOUT_REFUSED',
] as const;
export type ParkReason = (typeof parkReasons)[number];

/** How long an intent may be paid. Its price is a day's price: a checkout kept for a year would be a bargain. Reconciliation counts on it. */
export const intentLifetime = { hours: 24 * 7 };

/**
 * The intent to buy, made here before any money moves: what is bought, for whom, for how much, and the term it was decided
 * against. The provider's event completes it once; nothing of that event says what is granted.
 */
export interface LicencePurchase {
  readonly id: Id<'LicencePurchase'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly productId: Id<'LicenceProduct'>;
  /** The term it was decided against, then the one it granted. */
  readonly licenceId?: Id<'Licence'> | undefined;
  readonly kind: PurchaseKind;
  readonly quantity: bigint;
  readonly yearly: Money;
  readonly amount: Money;
  /** What came, before tax, where anything did: it differs from the amount where a person accepted it. */
  readonly paid?: Money | undefined;
  readonly explanation: Explanation;
  readonly remainingDays?: number | undefined;
  readonly expiryBefore?: Instant | undefined;
  readonly seatsBefore?: bigint | undefined;
  readonly autoRenew: boolean;
  readonly buyerId: string;
  readonly status: PurchaseStatus;
  readonly parkReason?: ParkReason | undefined;
  /** What was expected and what came, for people. */
  readonly parkDetail?: string | undefined;
  readonly provider?: ProviderName | undefined;
  readonly checkoutId?: string | undefined;
  readonly checkoutUrl?: string | undefined;
  /** By the wall clock, which is the provider's: an intent that is paid later is parked. */
  readonly payableUntil: Instant;
  readonly createdAt: Instant;
  readonly completedAt?: Instant | undefined;
  readonly refunded: Money;
  readonly seatsRefunded: bigint;
  /** A person refused what was paid for it: the provider gives it back. */
  readonly refusedAt?: Instant | undefined;
  /** The provider took that refund on. */
  readonly refundAskedAt?: Instant | undefined;
}

/** One line of a checkout: seats where the amount divides by them, else one line for all of them. */
export function checkoutLine(purchase: Pick<LicencePurchase, 'amount' | 'quantity'>): {
  unitAmount: Money;
  quantity: bigint;
} {
  const { amount, quantity } = purchase;
  return amount.minor % quantity === 0n
    ? { unitAmount: { ...amount, minor: amount.minor / quantity }, quantity }
    : { unitAmount: amount, quantity: 1n };
}

/** What a provider says was paid. All of it is compared, none of it is believed. */
export interface PaidCheckout {
  readonly provider: ProviderName;
  readonly checkoutId: string;
  /** Before tax, which the provider adds and keeps as the seller of record; after discounts. */
  readonly paid: Money | undefined;
  readonly quantity: bigint;
  readonly paidAt: Instant;
  /** The tenant that the event's own data name, opaque; `undefined`: none. */
  readonly namedTenantId?: string | undefined;
  /** Likewise the purchase. */
  readonly namedPurchaseId?: string | undefined;
  /** Set where the provider bills it again by itself. */
  readonly subscriptionId?: string | undefined;
}

export interface Parking {
  readonly reason: ParkReason;
  readonly detail: string;
}

/**
 * Does the payment fit the intent? The first thing that does not, in this order.
 *
 * @param own the opaque ids, as the checkout was given them
 */
export function paymentProblem(
  purchase: LicencePurchase,
  own: { readonly tenantId: string; readonly purchaseId: string },
  paid: PaidCheckout,
): Parking | undefined {
  if (paid.namedTenantId !== undefined && paid.namedTenantId !== own.tenantId) {
    return { reason: 'TENANT_DIFFERS', detail: 'The payment names another tenant.' };
  }
  const namesAnother = paid.namedPurchaseId !== undefined && paid.namedPurchaseId !== own.purchaseId;
  if (namesAnother || purchase.provider !== paid.provider || purchase.checkoutId !== paid.checkoutId) {
    return { reason: 'CHECKOUT_DIFFERS', detail: 'It was not paid through the checkout that was made for it.' };
  }
  if (paid.paid?.currency !== purchase.amount.currency) {
    return {
      reason: 'CURRENCY_DIFFERS',
      detail: `Expected ${purchase.amount.currency}, paid in ${paid.paid?.currency ?? 'another currency'}.`,
    };
  }
  if (paid.paid.minor !== purchase.amount.minor) {
    return {
      reason: 'AMOUNT_DIFFERS',
      detail: `Expected ${moneyText(purchase.amount)}, paid ${moneyText(paid.paid)}.`,
    };
  }
  const { quantity } = checkoutLine(purchase);
  if (paid.quantity !== quantity) {
    return { reason: 'QUANTITY_DIFFERS', detail: `Expected a quantity of ${quantity}, paid for ${paid.quantity}.` };
  }
  if (isBefore(purchase.payableUntil, paid.paidAt)) {
    return { reason: 'INTENT_EXPIRED', detail: `Payable until ${purchase.payableUntil}, paid at ${paid.paidAt}.` };
  }
  return undefined;
}

/**
 * Is what was bought still what it would be? Another purchase or renewal may have been paid in between. The term must be the
 * one that the price was made for; a new term may have begun only if adding to it costs the same today.
 */
export function termProblem(
  purchase: LicencePurchase,
  current: Licence | undefined,
  now: PurchaseDecision | undefined,
): Parking | undefined {
  const changed = (detail: string): Parking => ({ reason: 'TERM_CHANGED', detail });
  if (!now) return changed('The licence does not run any more.');
  const sameTerm =
    now.kind === purchase.kind &&
    (now.before === undefined ||
      (now.before.licenceId === purchase.licenceId && isSameInstant(purchase.expiryBefore, now.before.expiresAt)));
  if (purchase.kind === 'RENEWAL') {
    if (!sameTerm) return changed('The licence was renewed or replaced meanwhile.');
    return now.before!.seats === purchase.seatsBefore
      ? undefined
      : changed(`Renewed for ${purchase.seatsBefore} seats, there are ${current?.seats} now.`);
  }
  if (sameTerm || now.amount.minor === purchase.amount.minor) return undefined;
  return changed('The term that the price was made for is not there any more.');
}

/** Money that went back for a purchase, or came back again: an adjustment, as the provider has it. */
export interface LicenceRefund extends Returned {
  readonly id: Id<'LicenceRefund'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly purchaseId: Id<'LicencePurchase'>;
  readonly provider: ProviderName;
  readonly providerRefundId: string;
  /** When the provider changed it last, by its own clock. */
  readonly changedAt?: Instant | undefined;
  readonly createdAt: Instant;
}

/** What was really paid for a purchase, before tax. */
export const paidFor = ({ paid, amount }: Pick<LicencePurchase, 'paid' | 'amount'>): Money => paid ?? amount;

/** All that was paid went back. Of what cost nothing, nothing can. */
export function isAllBack(purchase: Pick<LicencePurchase, 'amount' | 'paid'>, refunded: Money): boolean {
  const paid = paidFor(purchase);
  return paid.minor > 0n && refunded.minor >= paid.minor;
}

/** Seats that the money which went back had bought: whole seats only. All of it takes them all back. */
export function seatsBackFor(purchase: Pick<LicencePurchase, 'amount' | 'paid' | 'quantity'>, refunded: Money): bigint {
  if (isAllBack(purchase, refunded)) return purchase.quantity;
  const paid = paidFor(purchase);
  return paid.minor === 0n ? 0n : (refunded.minor * purchase.quantity) / paid.minor;
}
