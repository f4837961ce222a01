/** The objects of the stand-in, with the fields that somebody reads; shapes of API version 2026-10-28. */
export interface Thing {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly livemode: boolean;
}

type Metadata = Record<string, string>;

export interface Customer extends Thing {
  email: string | null;
  name: string | null;
  metadata: Metadata;
  invoice_settings: { default_payment_method: string | null };
  balance: number;
}

export interface WebhookEndpoint extends Thing {
  url: string;
  status: 'enabled' | 'disabled';
  /** Null: the account's. */
  api_version: string | null;
  enabled_events: string[];
  metadata: Metadata;
}

export interface Coupon extends Thing {
  percent_off: number | null;
  amount_off: number | null;
  currency: string | null;
  duration: 'once' | 'forever';
  valid: boolean;
}

export interface Product extends Thing {
  name: string;
  description: string | null;
  active: boolean;
  metadata: Metadata;
  updated: number;
}

export type IntervalUnit = 'day' | 'week' | 'month' | 'year';

export interface Price extends Thing {
  product: string;
  active: boolean;
  currency: string;
  unit_amount: number;
  unit_amount_decimal: string;
  type: 'one_time' | 'recurring';
  recurring: { interval: IntervalUnit; interval_count: number; usage_type: 'licensed' } | null;
  lookup_key: string | null;
  nickname: string | null;
  metadata: Metadata;
}

export interface PaymentMethod extends Thing {
  type: 'card';
  customer: string | null;
  card: { brand: string; last4: string; exp_month: number; exp_year: number; funding: 'credit'; country: string };
  metadata: Metadata;
}

export interface PaymentError {
  readonly type: 'card_error';
  readonly code: string;
  readonly decline_code: string;
  readonly message: string;
  readonly payment_method: string | null;
}

export interface SetupIntent extends Thing {
  customer: string | null;
  payment_method: string | null;
  status: 'requires_payment_method' | 'requires_confirmation' | 'requires_action' | 'succeeded' | 'canceled';
  usage: 'off_session' | 'on_session';
  client_secret: string;
  last_setup_error: PaymentError | null;
  metadata: Metadata;
}

export interface PaymentIntent extends Thing {
  amount: number;
  amount_received: number;
  currency: string;
  customer: string | null;
  payment_method: string | null;
  latest_charge: string | null;
  description: string | null;
  status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'processing'
    | 'succeeded'
    | 'canceled';
  client_secret: string;
  last_payment_error: PaymentError | null;
  metadata: Metadata;
}

export interface Charge extends Thing {
  amount: number;
  amount_refunded: number;
  currency: string;
  customer: string | null;
  payment_intent: string;
  payment_method: string | null;
  paid: boolean;
  refunded: boolean;
  disputed: boolean;
  status: 'succeeded' | 'failed';
  failure_code: string | null;
  metadata: Metadata;
}

export interface Refund extends Thing {
  amount: number;
  currency: string;
  charge: string;
  payment_intent: string;
  reason: string | null;
  status: 'succeeded' | 'pending' | 'failed';
  failure_reason?: string;
  metadata: Metadata;
}

export interface Dispute extends Thing {
  amount: number;
  currency: string;
  charge: string;
  payment_intent: string;
  reason: string;
  status: 'needs_response' | 'under_review' | 'won' | 'lost';
  metadata: Metadata;
}

export interface SubscriptionItem extends Thing {
  subscription: string;
  price: Price;
  quantity: number;
  current_period_start: number;
  current_period_end: number;
  metadata: Metadata;
}

export type SubscriptionStatus =
  | 'incomplete'
  | 'incomplete_expired'
  | 'active'
  | 'past_due'
  | 'unpaid'
  | 'canceled'
  | 'trialing'
  | 'paused';

export interface Subscription extends Thing {
  customer: string;
  status: SubscriptionStatus;
  currency: string;
  items: { object: 'list'; data: SubscriptionItem[]; has_more: false; url: string };
  billing_cycle_anchor: number;
  cancel_at: number | null;
  cancel_at_period_end: boolean;
  canceled_at: number | null;
  ended_at: number | null;
  start_date: number;
  latest_invoice: string | null;
  default_payment_method: string | null;
  /** Ids of coupons, which is what is looked at here of Stripe's discounts. */
  discounts: string[];
  pause_collection: { behavior: 'keep_as_draft' | 'mark_uncollectible' | 'void'; resumes_at: number | null } | null;
  cancellation_details: { comment: null; feedback: null; reason: string | null };
  trial_end: number | null;
  metadata: Metadata;
}

export interface InvoiceLine extends Thing {
  amount: number;
  currency: string;
  quantity: number;
  period: { start: number; end: number };
  pricing: { type: 'price_details'; price_details: { price: string; product: string } };
  parent: {
    type: 'subscription_item_details';
    subscription_item_details: { subscription: string; subscription_item: string; proration: boolean };
  };
}

export interface Invoice extends Thing {
  number: string;
  customer: string;
  currency: string;
  status: 'draft' | 'open' | 'paid' | 'uncollectible' | 'void';
  billing_reason: 'subscription_create' | 'subscription_cycle' | 'subscription_update';
  total: number;
  subtotal: number;
  amount_due: number;
  amount_paid: number;
  amount_remaining: number;
  /** What the customer's balance paid for (less than zero: it had credit). */
  starting_balance: number;
  ending_balance: number;
  post_payment_credit_notes_amount: number;
  attempt_count: number;
  attempted: boolean;
  next_payment_attempt: number | null;
  period_start: number;
  period_end: number;
  lines: { object: 'list'; data: InvoiceLine[]; has_more: false; url: string };
  parent: {
    type: 'subscription_details';
    quote_details: null;
    subscription_details: { subscription: string; metadata: Metadata };
  };
  payments: {
    object: 'list';
    data: { id: string; object: 'invoice_payment'; payment: { type: 'payment_intent'; payment_intent: string } }[];
    has_more: false;
    url: string;
  };
  status_transitions: { finalized_at: number | null; paid_at: number | null };
  metadata: Metadata;
}

export interface CheckoutSession extends Thing {
  mode: 'setup' | 'subscription' | 'payment';
  status: 'open' | 'complete' | 'expired';
  payment_status: 'paid' | 'unpaid' | 'no_payment_required';
  url: string | null;
  customer: string | null;
  client_reference_id: string | null;
  subscription: string | null;
  setup_intent: string | null;
  payment_intent: string | null;
  invoice: string | null;
  currency: string | null;
  amount_subtotal: number | null;
  amount_total: number | null;
  success_url: string | null;
  cancel_url: string | null;
  expires_at: number;
  metadata: Metadata;
}

export interface PortalSession extends Thing {
  customer: string;
  url: string;
  return_url: string | null;
}

export interface StripeEvent extends Thing {
  type: string;
  api_version: string;
  data: { object: object; previous_attributes?: object };
  pending_webhooks: number;
  request: { id: string | null; idempotency_key: string | null };
}
