import { type Instant, isAtOrBefore } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import type { Id } from '../core/ids';
import { type Money, money } from '../core/money';
import type { ChargeOutcome, DeclineCode, ProviderName, RefundOutcome, UnknownReason } from './provider';

export const paymentStatuses = ['PENDING', 'REQUIRES_ACTION', 'SUCCEEDED', 'DECLINED'] as const;
/** PENDING: asked, or about to be; nobody knows. SUCCEEDED is an end. DECLINED is one too, unless the provider corrects itself. */
export type PaymentStatus = (typeof paymentStatuses)[number];

/** Money for an invoice: an attempt to charge it, or what came outside the system. */
export interface Payment {
  readonly id: Id<'Payment'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly invoiceId: Id<'Invoice'>;
  /** `undefined`, like the provider: it came outside, and is asked of nobody. */
  readonly paymentMethodId?: Id<'PaymentMethod'> | undefined;
  /** Too little to be charged alone: the charge of that payment takes it along, and it has none of its own. */
  readonly carriedBy?: Id<'Payment'> | undefined;
  readonly provider?: ProviderName | undefined;
  /** It came outside: where it can be found there. */
  readonly reference?: string | undefined;
  readonly amount: Money;
  readonly status: PaymentStatus;
  readonly externalId?: string | undefined;
  readonly declineCode?: DeclineCode | undefined;
  readonly actionUrl?: string | undefined;
  readonly asked: number;
  /** When the provider is asked (again), by the wall clock. REQUIRES_ACTION: when the charge is taken back. */
  readonly askAt?: Instant | undefined;
  readonly unknownReason?: UnknownReason | undefined;
  /** Taken or reserved by refunds. */
  readonly refunded: Money;
  /** Taken by disputes that were lost. */
  readonly disputed: Money;
  readonly createdAt: Instant;
  readonly firstAskedAt: Instant;
  readonly settledAt?: Instant | undefined;
}

/** One attempt to charge an invoice. Its id is the idempotency key. */
export interface Charge extends Payment {
  readonly paymentMethodId: Id<'PaymentMethod'>;
  readonly provider: ProviderName;
}

export const isCharge = (payment: Payment): payment is Charge => payment.provider !== undefined;

export const refundStatuses = ['PENDING', 'SUCCEEDED', 'FAILED'] as const;
export type RefundStatus = (typeof refundStatuses)[number];
export const refundReasons = ['REQUESTED', 'CREDIT_NOTE', 'PAID_TWICE', 'OVERPAID', 'AT_PROVIDER', 'OUTSIDE'] as const;
/** AT_PROVIDER: it was made there, by a person, and heard of here. OUTSIDE: in cash or by bank, as the partner says. */
export type RefundReason = (typeof refundReasons)[number];

export interface Refund {
  readonly id: Id<'Refund'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly paymentId: Id<'Payment'>;
  readonly creditNoteId?: Id<'CreditNote'> | undefined;
  readonly reason: RefundReason;
  readonly memo?: string | undefined;
  readonly amount: Money;
  readonly status: RefundStatus;
  readonly externalId?: string | undefined;
  readonly failureCode?: string | undefined;
  readonly asked: number;
  readonly askAt?: Instant | undefined;
  readonly unknownReason?: UnknownReason | undefined;
  readonly createdAt: Instant;
  /** `undefined`: the provider was not asked yet. */
  readonly firstAskedAt?: Instant | undefined;
  readonly settledAt?: Instant | undefined;
}

export const disputeStatuses = ['OPEN', 'WON', 'LOST'] as const;
export type DisputeStatus = (typeof disputeStatuses)[number];

/** A customer's bank asks for its money back. */
export interface Dispute {
  readonly id: Id<'Dispute'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly paymentId: Id<'Payment'>;
  readonly externalId: string;
  readonly status: DisputeStatus;
  readonly reason: string;
  readonly amount: Money;
  /** What it has taken of the payment while it is lost: less than its amount where less was left. */
  readonly taken: Money;
  readonly openedAt: Instant;
  readonly closedAt?: Instant | undefined;
}

/** OPEN → LOST → WON: a bank may decide anew, and what is heard of before that comes late. */
const disputeOrder: Readonly<Record<DisputeStatus, number>> = { OPEN: 0, LOST: 1, WON: 2 };
export const isFurther = (known: DisputeStatus, told: DisputeStatus): boolean =>
  disputeOrder[known] < disputeOrder[told];

/** Such a refund takes back what was paid of the invoice; the others give back what was credited already, or was never due. */
export const takesBack = ({ reason }: Pick<Refund, 'reason'>): boolean =>
  reason === 'REQUESTED' || reason === 'AT_PROVIDER' || reason === 'OUTSIDE';

/** Where a payment stands that another one carries: as that one. */
export const asCarried = (payment: Charge, by: Charge): Charge => ({
  ...payment,
  ...{ status: by.status, externalId: by.externalId, declineCode: by.declineCode, actionUrl: by.actionUrl },
  ...{ unknownReason: by.unknownReason, settledAt: by.settledAt },
});

/** What can still be given back of a payment. */
export function refundable(payment: Payment): Money {
  const { amount, refunded, disputed, status } = payment;
  return status === 'SUCCEEDED'
    ? money(amount.minor - refunded.minor - disputed.minor, amount.currency)
    : money(0n, amount.currency as CurrencyCode);
}

/**
 * The provider makes no charge of this amount (Stripe: none under 0.50 EUR), whatever the method: not the customer's failure.
 * Where a bank refused the amount there is a charge.
 */
export const isNoCharge = ({ status, declineCode, externalId }: Payment): boolean =>
  status === 'DECLINED' && declineCode === 'AMOUNT_NOT_ALLOWED' && externalId === undefined;

/** How long a provider may take before it is asked about a charge or a refund again. */
export const askHoldSeconds = 90;

/** How long the providers remember a key, with an hour to spare. Older charges and refunds are looked up, never sent again. */
const keyLifetimeHours = 23;

export function keyHasExpired({ firstAskedAt }: Pick<Payment | Refund, 'firstAskedAt'>, now: Instant): boolean {
  if (!firstAskedAt) return false;
  return isAtOrBefore(firstAskedAt.add({ hours: keyLifetimeHours }), now);
}

/** Seconds until an unknown outcome is asked again: 5, 10, 20 … at most half an hour, or what the provider asked for. */
export function pauseAfterUnknown(asked: number, retryAfterSeconds: number | undefined): number {
  return Math.max(Math.min(5 * 2 ** (asked - 1), 1_800), Math.min(retryAfterSeconds ?? 0, 3_600));
}

/**
 * Where a payment stands after an outcome. It only moves forward, so outcomes may come twice and in any order: of all that
 * are heard the furthest counts. The same payment back: nothing new.
 */
export function afterOutcome(payment: Charge, outcome: ChargeOutcome, now: Instant, wallNow: Instant): Charge {
  const settled = { askAt: undefined, unknownReason: undefined, settledAt: now };
  const externalId = outcome.chargeId ?? payment.externalId;
  switch (outcome.status) {
    case 'UNKNOWN': {
      if (!payment.askAt) return payment;
      const seconds = pauseAfterUnknown(payment.asked, outcome.retryAfterSeconds);
      return { ...payment, externalId, unknownReason: outcome.reason, askAt: wallNow.add({ seconds }) };
    }
    case 'SUCCEEDED':
      if (payment.status === 'SUCCEEDED') return payment;
      return { ...payment, ...settled, externalId, status: 'SUCCEEDED', declineCode: undefined, actionUrl: undefined };
    case 'DECLINED':
      if (payment.status === 'SUCCEEDED' || payment.status === 'DECLINED') return payment;
      return {
        ...payment,
        ...settled,
        externalId,
        status: 'DECLINED',
        declineCode: outcome.code,
        actionUrl: undefined,
      };
    case 'REQUIRES_ACTION':
      if (payment.status !== 'PENDING') return payment;
      return {
        ...payment,
        ...{ externalId, status: 'REQUIRES_ACTION', actionUrl: outcome.actionUrl },
        ...{ askAt: undefined, unknownReason: undefined },
      };
  }
}

/**
 * As `afterOutcome`: PENDING → SUCCEEDED → FAILED. A bank may send a refund back days after it took it; only what is said of
 * the very refund that succeeded undoes it. FAILED is an end.
 */
export function afterRefundOutcome(refund: Refund, outcome: RefundOutcome, now: Instant, wallNow: Instant): Refund {
  const undoes = refund.status === 'SUCCEEDED' && outcome.status === 'FAILED' && outcome.refundId === refund.externalId;
  if (refund.status !== 'PENDING' && !undoes) return refund;
  if (outcome.status === 'UNKNOWN') {
    const seconds = pauseAfterUnknown(refund.asked, outcome.retryAfterSeconds);
    const externalId = outcome.refundId ?? refund.externalId;
    return { ...refund, externalId, unknownReason: outcome.reason, askAt: wallNow.add({ seconds }) };
  }
  return {
    ...refund,
    ...{ status: outcome.status, askAt: undefined, unknownReason: undefined, settledAt: now },
    externalId: outcome.refundId ?? refund.externalId,
    failureCode: outcome.status === 'FAILED' ? outcome.code.slice(0, 100) : undefined,
  };
}
