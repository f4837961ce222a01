import type { Instant } from '../core/calendar';
import type { Money } from '../core/money';
import type { Result } from '../core/result';
import { isStorable } from '../core/text';

/**
 * The port to whoever moves the money. Stripe, Paddle and the in-process fake stand behind it; nothing of their SDKs is seen
 * here.
 *
 * - **Key**: an idempotency key, always derived from a row of ours that was committed before the call. The same key asks for
 *   the same thing again and moves money once, however often it is sent.
 * - **Reference**: the opaque id of that row. It travels as metadata and comes back in events, where it is a hint and no
 *   proof: what it names is compared with what we wrote down.
 * - **Unknown**: nobody can say yet whether the money moved. It is asked again with the same key, never guessed.
 */
export const providerNames = ['STRIPE', 'PADDLE', 'FAKE'] as const;
export type ProviderName = (typeof providerNames)[number];

/** Why nothing can be said yet. All of them pass by themselves. */
export const unknownReasons = [
  'TIMEOUT',
  'SERVER_ERROR',
  'RATE_LIMITED',
  'CONNECTION_LOST',
  // The provider has it and has not decided (a bank debit, for example).
  'PROCESSING',
] as const;
export type UnknownReason = (typeof unknownReasons)[number];

export interface Unknown {
  readonly status: 'UNKNOWN';
  readonly reason: UnknownReason;
  /** As the provider asked for. */
  readonly retryAfterSeconds?: number | undefined;
  /** Where the provider named it already. */
  readonly chargeId?: string | undefined;
  readonly refundId?: string | undefined;
}

/** The provider has this customer no more: no decline, and no outage. */
export interface CustomerGone {
  readonly status: 'CUSTOMER_GONE';
}

/** Why a payment method was declined, in words that all providers share. */
export const declineCodes = [
  'CARD_DECLINED',
  'INSUFFICIENT_FUNDS',
  'EXPIRED_METHOD',
  'METHOD_NOT_FOUND',
  'LOST_OR_STOLEN',
  'FRAUD_SUSPECTED',
  'AMOUNT_NOT_ALLOWED',
  // The bank wants its customer there, and this charge cannot be confirmed any more: another one is needed.
  'AUTHENTICATION_REQUIRED',
  // It waited for its customer, and was taken back: the invoice is paid in another way.
  'CANCELLED',
  'OTHER',
] as const;
export type DeclineCode = (typeof declineCodes)[number];

/** The bank will say so again: the same method is not tried again on the policy's days. */
export const isHardDecline = (code: DeclineCode | undefined): boolean =>
  code === 'LOST_OR_STOLEN' || code === 'METHOD_NOT_FOUND';

/**
 * A code as a provider's documentation has it: a word. Whatever else stands in its place is not repeated, since codes are
 * stored and shown, and an error's body may hold anything.
 */
export const codeWord = (code: unknown): string =>
  typeof code === 'string' && /^[a-z][a-z_]{0,79}$/.test(code) ? code : 'other';

export interface ChargeRequest {
  readonly key: string;
  readonly reference: string;
  readonly amount: Money;
  /** The provider's ids. */
  readonly customerId: string;
  readonly methodId: string;
  /** For the customer's statement and the provider's pages: the invoice's number, and those of what goes along. */
  readonly description: string;
}

export type ChargeOutcome =
  | { readonly status: 'SUCCEEDED'; readonly chargeId: string }
  | { readonly status: 'DECLINED'; readonly chargeId?: string | undefined; readonly code: DeclineCode }
  /** The customer must do something (3-D Secure); off session it counts as not paid until an event says otherwise. */
  | { readonly status: 'REQUIRES_ACTION'; readonly chargeId: string; readonly actionUrl?: string | undefined }
  | Unknown;

export interface RefundRequest {
  readonly key: string;
  readonly reference: string;
  readonly chargeId: string;
  /** At most what is left of the charge. */
  readonly amount: Money;
}

export interface FindRefund extends Omit<RefundRequest, 'amount'> {
  readonly refundId?: string | undefined;
}

export type RefundOutcome =
  | { readonly status: 'SUCCEEDED'; readonly refundId: string }
  | { readonly status: 'FAILED'; readonly refundId?: string | undefined; readonly code: string }
  | Unknown;

export interface CustomerRequest {
  readonly key: string;
  /** The tenant's opaque id. */
  readonly reference: string;
  readonly name: string;
}

export type CustomerOutcome = { readonly status: 'SUCCEEDED'; readonly customerId: string } | Unknown;

export const methodKinds = ['CARD', 'BANK_DEBIT', 'OTHER'] as const;

/** What may be kept of a payment method: never its number. */
export interface MethodFacts {
  readonly customerId: string;
  readonly methodId: string;
  readonly kind: (typeof methodKinds)[number];
  /** For people, e.g. `visa`. */
  readonly brand?: string | undefined;
  readonly last4?: string | undefined;
  readonly expiresMonth?: number | undefined;
  readonly expiresYear?: number | undefined;
}

export interface AttachRequest {
  readonly key: string;
  readonly customerId: string;
  /** What the provider's own form gave to the customer's browser. Neither stored nor logged. */
  readonly token: string;
}

export type AttachOutcome =
  | { readonly status: 'SUCCEEDED'; readonly method: MethodFacts }
  | { readonly status: 'DECLINED'; readonly code: DeclineCode }
  | CustomerGone
  | Unknown;

export interface SetupRequest {
  readonly key: string;
  readonly reference: string;
  readonly customerId: string;
  /** Where the provider's page sends the customer afterwards. */
  readonly returnUrl: string;
}

export type SetupOutcome =
  | { readonly status: 'SUCCEEDED'; readonly setupId: string; readonly url: string }
  | CustomerGone
  | Unknown;

/** One line of a hosted checkout. Amounts are ours: the provider's catalog never decides what something costs. */
export interface CheckoutLine {
  readonly description: string;
  readonly unitAmount: Money;
  readonly quantity: bigint;
  /** Billed again by the provider each interval; `undefined`: once. */
  readonly interval?: 'DAY' | 'WEEK' | 'MONTH' | 'QUARTER' | 'YEAR' | undefined;
  /** The provider's own price where one is kept in step. */
  readonly priceId?: string | undefined;
}

export interface CheckoutRequest {
  readonly key: string;
  /** The opaque id of our intent: what the event is held against. */
  readonly reference: string;
  readonly customerId?: string | undefined;
  readonly lines: readonly CheckoutLine[];
  readonly successUrl: string;
  readonly cancelUrl: string;
  /** Until when it may be paid, where the provider can be told. */
  readonly expiresAt?: Instant | undefined;
}

export type CheckoutOutcome =
  | { readonly status: 'SUCCEEDED'; readonly checkoutId: string; readonly url: string }
  | { readonly status: 'REFUSED'; readonly code: string }
  | CustomerGone
  | Unknown;

export interface SubscriptionRequest {
  /** The provider's id. */
  readonly subscriptionId: string;
  /** What is billed from the next period on; `undefined`: nothing any more, and it ends at once. */
  readonly line: CheckoutLine | undefined;
}

export type SubscriptionOutcome =
  | { readonly status: 'SUCCEEDED' }
  | { readonly status: 'REFUSED'; readonly code: string }
  | Unknown;

/** An event that a provider signed. Its payload is what the provider says; whose money it is about, our own rows say. */
export interface InboundEvent {
  readonly provider: ProviderName;
  /** The provider's id: the same event again has the same. */
  readonly id: string;
  readonly type: string;
  readonly occurredAt: Instant;
  /** False for events of the provider's test mode. */
  readonly live: boolean;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** An id or a word of a provider's, where it is one that can be kept: whose signature holds may still have sent anything. */
export const providerText = (value: unknown): string | undefined =>
  typeof value === 'string' && value.length > 0 && value.length <= 255 && isStorable(value) ? value : undefined;

const [earliest, latest] = [0, Date.parse('2200-01-01T00:00:00Z')];

/** @throws where it cannot be kept */
export function keepableEvent(event: InboundEvent): InboundEvent {
  const at = event.occurredAt.epochMilliseconds;
  if (!providerText(event.id) || !providerText(event.type) || at < earliest || at >= latest) {
    throw new TypeError('not an event');
  }
  return event;
}

export type WebhookRefusal = 'SIGNATURE_INVALID' | 'TIMESTAMP_OUT_OF_TOLERANCE' | 'BODY_INVALID' | 'WRONG_MODE';

/** Header names in lower case. */
export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * What an event says about money, in words that all providers share. The same fact may come any number of times and in any
 * order: states only move forward.
 */
export type PaymentFact =
  | {
      readonly kind: 'CHARGE';
      readonly chargeId: string;
      readonly reference?: string | undefined;
      readonly amount: Money;
      readonly outcome: Exclude<ChargeOutcome, Unknown>;
    }
  | {
      readonly kind: 'REFUND';
      readonly refundId: string;
      readonly chargeId: string;
      readonly reference?: string | undefined;
      readonly amount: Money;
      readonly status: 'SUCCEEDED' | 'FAILED';
    }
  | {
      readonly kind: 'DISPUTE';
      readonly disputeId: string;
      readonly chargeId: string;
      readonly reference?: string | undefined;
      readonly amount: Money;
      readonly status: 'OPEN' | 'WON' | 'LOST';
      readonly reason: string;
    }
  | {
      readonly kind: 'METHOD';
      readonly setupId: string;
      readonly reference?: string | undefined;
      readonly method: MethodFacts;
    }
  /** Its card was renewed: another expiry, another number. */
  | { readonly kind: 'METHOD_CHANGED'; readonly method: MethodFacts }
  | { readonly kind: 'METHOD_REMOVED'; readonly customerId: string; readonly methodId: string };

/** What is left of a customer and its method at the provider. */
export type GoneOutcome = { readonly status: 'THERE' } | { readonly status: 'METHOD_GONE' } | CustomerGone | Unknown;

/** An event with its subject as the provider has it now. */
export type CurrentEvent =
  | { readonly status: 'CURRENT'; readonly event: InboundEvent }
  /** The provider has no such subject. */
  | { readonly status: 'MISSING' }
  | Unknown;

/** One charge as the provider's own list has it: what reconciliation compares with. */
export interface ProviderCharge {
  readonly chargeId: string;
  readonly reference?: string | undefined;
  readonly amount: Money;
  readonly refunded: Money;
  readonly status: 'SUCCEEDED' | 'DECLINED' | 'REQUIRES_ACTION' | 'PROCESSING';
  readonly createdAt: Instant;
  /** What it was asked with, where the provider tells it: one that nobody here knows is taken in by these. */
  readonly asked?: Pick<ChargeRequest, 'customerId' | 'methodId' | 'description'> | undefined;
}

export interface ProviderChargePage {
  readonly charges: readonly ProviderCharge[];
  /** Give it to read on; `undefined`: that was all. */
  readonly next?: string | undefined;
}

/** Money that went back, or that a bank disputes, as the provider's own lists have it. */
export type MoneyBackFact = Extract<PaymentFact, { kind: 'REFUND' | 'DISPUTE' }>;

export interface MoneyBackPage {
  readonly facts: readonly MoneyBackFact[];
  /** Give it to read on; `undefined`: that was all. */
  readonly next?: string | undefined;
}

/**
 * None of these throws for what the other side does: a hang, a 500 or a reset is UNKNOWN. What they throw is a bug. Each
 * ends within its own timeout.
 */
export interface PaymentProvider {
  readonly name: ProviderName;
  /** Its secrets are of the live mode: real money. Sandbox tenants are only ever charged where this is false. */
  readonly live: boolean;
  createCustomer(request: CustomerRequest): Promise<CustomerOutcome>;
  attachMethod(request: AttachRequest): Promise<AttachOutcome>;
  createSetup(request: SetupRequest): Promise<SetupOutcome>;
  charge(request: ChargeRequest): Promise<ChargeOutcome>;
  /**
   * What became of a charge, by its id or, where no id was ever heard, by the reference it was asked with. Asked instead of
   * charging again where a charge waits for the customer, or is older than the provider remembers keys for.
   * `undefined`: there is no such charge.
   */
  findCharge(which: {
    readonly chargeId?: string | undefined;
    readonly reference: string;
  }): Promise<ChargeOutcome | undefined>;
  /**
   * Takes back a charge that waits for its customer: nobody can confirm it any more. Again is the same. Says what became of it,
   * which is SUCCEEDED where the customer was faster.
   */
  cancelCharge(which: { readonly chargeId: string; readonly reference: string }): Promise<ChargeOutcome>;
  /** After a charge was refused for want of its method: is it, or its customer, gone for good? Not there: nobody can say. */
  findGone?(which: { readonly customerId: string; readonly methodId: string }): Promise<GoneOutcome>;
  refund(request: RefundRequest): Promise<RefundOutcome>;
  /**
   * What became of a refund, by its id or, where no id was ever heard, by what it was asked with. Never makes one.
   * `undefined`: there is no such refund.
   */
  findRefund(which: FindRefund): Promise<RefundOutcome | undefined>;
  createCheckout(request: CheckoutRequest): Promise<CheckoutOutcome>;
  /** Changes what a subscription of the provider's own bills. The same request again changes nothing. */
  changeSubscription?(request: SubscriptionRequest): Promise<SubscriptionOutcome>;
  /** A page where the customer manages payment methods and receipts. `undefined`: the provider has none. */
  createPortalLink(customerId: string, returnUrl: string): Promise<string | undefined>;
  listCharges(from: Instant, after?: string): Promise<ProviderChargePage | Unknown>;
  /**
   * Refunds that were made since an instant, and disputes that may have moved since, of charges of any age and whoever made them.
   * Not there: how much of a charge went back is all that the provider lists.
   */
  listMoneyBack?(from: Instant, after?: string): Promise<MoneyBackPage | Unknown>;
  /** Over the raw body: signature by any of the current secrets, timestamp within the tolerance, mode. */
  verifyWebhook(
    rawBody: Buffer,
    headers: WebhookHeaders,
    now: Instant,
  ): Result<InboundEvent, WebhookRefusal> | Promise<Result<InboundEvent, WebhookRefusal>>;
  /** An event that was stored, read again from its body. */
  readEvent(body: string): InboundEvent;
  /**
   * An event is a hint: its subject may be of another version of the provider's API, and have moved on since. What counts is what
   * the provider answers when it is asked. Not there: the event is all there is.
   */
  currentOf?(event: InboundEvent): Promise<CurrentEvent>;
  /** What an event says about payments; `undefined`: nothing, another handler may know it. */
  factOf(event: InboundEvent): PaymentFact | undefined;
}
