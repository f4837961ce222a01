import Stripe from 'stripe';
import { type Instant, instantFromMilliseconds, isBefore } from '../../core/calendar';
import type { TimeSpan } from '../../invoicing/invoice';
import { codeWord, type MethodFacts, type Unknown } from '../provider';
import { fromStripe } from '../stripe-amount';
import type { SeenSubscription } from '../stripe-checkout';
import { intervalFrom, type StripeProvider } from './stripe-provider';
import { idOf, metadataNames, methodFacts, referenceOf } from './stripe-webhook';

export interface SetupPage {
  readonly key: string;
  /** Of our payment setup: its method is kept by whichever event comes first. */
  readonly reference: string;
  readonly customerId: string;
  readonly successUrl: string;
  readonly cancelUrl: string;
  readonly expiresAt: Instant;
  /** What the customer agrees to, in a sentence. */
  readonly terms: string;
}

export type OpenedPage =
  | { readonly status: 'SUCCEEDED'; readonly checkoutId: string; readonly url: string }
  | { readonly status: 'REFUSED'; readonly code: string }
  | Unknown;

/** A session as it is now. */
export interface SeenSession {
  readonly status: 'SEEN';
  /** open, complete or expired. */
  readonly state: string;
  readonly customerId: string | undefined;
  readonly subscriptionId: string | undefined;
  readonly method: MethodFacts | undefined;
}

export interface Seen {
  readonly status: 'SEEN';
  readonly subscription: SeenSubscription;
}

export interface SeenSubscriptions {
  readonly status: 'SEEN';
  /** Without what was paid for them. */
  readonly subscriptions: readonly SeenSubscription[];
  /** Give it to read on; `undefined`: that was all. */
  readonly next: string | undefined;
}

export type Missing = { readonly status: 'MISSING' };

const missing = (error: unknown): Missing => {
  if (error instanceof Stripe.errors.StripeInvalidRequestError) return { status: 'MISSING' };
  throw error;
};

const seconds = (at: Instant) => Math.floor(at.epochMilliseconds / 1_000);
const instantOf = (value: unknown): Instant | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0
    ? instantFromMilliseconds(value * 1_000)
    : undefined;

function spanOf(start: unknown, end: unknown): TimeSpan | undefined {
  const [from, until] = [instantOf(start), instantOf(end)];
  return from && until && isBefore(from, until) ? { start: from, end: until } : undefined;
}

/**
 * A subscription as Stripe describes it, in an answer or in an event. Tolerant of fields that are missing or moved: what
 * cannot be read is `undefined`, and then it is parked rather than guessed.
 */
export function readSubscription(payload: Readonly<Record<string, unknown>>): SeenSubscription | undefined {
  const externalId = idOf(payload);
  const customerId = idOf(payload['customer']);
  const { status } = payload;
  if (!externalId || !customerId || typeof status !== 'string') return undefined;
  const items = (payload['items'] as { data?: unknown } | undefined)?.data;
  const details = payload['cancellation_details'] as { reason?: unknown } | null | undefined;
  return {
    externalId,
    customerId,
    reference: referenceOf(payload),
    status,
    cancels: payload['cancel_at_period_end'] === true,
    endedUnpaid: status === 'unpaid' || status === 'incomplete_expired' || details?.reason === 'payment_failed',
    items: (Array.isArray(items) ? items : []).map((item: Stripe.SubscriptionItem) => ({
      unitAmount: fromStripe(item.price?.unit_amount, item.price?.currency),
      quantity: BigInt(Number.isSafeInteger(item.quantity) ? (item.quantity as number) : 0),
      interval: intervalFrom(item.price?.recurring?.interval, item.price?.recurring?.interval_count),
      period: spanOf(item.current_period_start, item.current_period_end),
    })),
    paid: [],
  };
}

function readInvoice(invoice: Stripe.Invoice): SeenSubscription['paid'][number] | undefined {
  const paidAt = instantOf(invoice.status_transitions?.paid_at);
  if (invoice.status !== 'paid' || !paidAt || !invoice.id) return undefined;
  const [line, ...others] = invoice.lines.data;
  return {
    externalId: invoice.id,
    amount: fromStripe(invoice.amount_paid, invoice.currency),
    period: line && others.length === 0 ? spanOf(line.period.start, line.period.end) : undefined,
    paidAt,
  };
}

/** What is asked of Stripe for checkouts, and for what it bills itself. */
export class StripeBilling {
  constructor(private readonly provider: StripeProvider) {}

  /** A page that saves a payment method; nothing is charged there. */
  openSetup({ key, reference, customerId, terms, ...page }: SetupPage): Promise<OpenedPage> {
    const metadata = { [metadataNames.reference]: reference, [metadataNames.key]: key };
    return this.provider.call<OpenedPage>(
      'openSetup',
      async ({ checkout }) => {
        const { id, url } = await checkout.sessions.create(
          {
            mode: 'setup',
            customer: customerId,
            allowed_payment_method_types: ['card'],
            success_url: page.successUrl,
            cancel_url: page.cancelUrl,
            expires_at: seconds(page.expiresAt),
            client_reference_id: reference,
            custom_text: { submit: { message: terms.slice(0, 1_200) } },
            metadata,
            setup_intent_data: { metadata },
          },
          { idempotencyKey: key },
        );
        return { status: 'SUCCEEDED', checkoutId: id, url: url! };
      },
      (error) => {
        if (error instanceof Stripe.errors.StripeInvalidRequestError) {
          return { status: 'REFUSED', code: codeWord(error.code ?? 'invalid_request') };
        }
        throw error;
      },
    );
  }

  session(id: string): Promise<SeenSession | Missing | Unknown> {
    return this.provider.call<SeenSession | Missing>(
      'session',
      async ({ checkout }) => {
        const session = await checkout.sessions.retrieve(id, { expand: ['setup_intent.payment_method'] });
        const intent = typeof session.setup_intent === 'object' ? session.setup_intent : undefined;
        const method = typeof intent?.payment_method === 'object' ? intent.payment_method : undefined;
        const customerId = idOf(session.customer);
        return {
          status: 'SEEN',
          state: session.status ?? 'open',
          customerId,
          subscriptionId: idOf(session.subscription),
          method: method && customerId && intent?.status === 'succeeded' ? methodFacts(method, customerId) : undefined,
        };
      },
      missing,
    );
  }

  /** Closes a page. One that was completed or has expired stays what it is. */
  async expire(id: string): Promise<void> {
    await this.provider.call<unknown>(
      'expire',
      ({ checkout }) => checkout.sessions.expire(id),
      () => undefined,
    );
  }

  /** A subscription with what was collected for it: the last 100 invoices. */
  subscription(id: string): Promise<Seen | Missing | Unknown> {
    return this.provider.call<Seen | Missing>(
      'subscription',
      async ({ subscriptions, invoices }) => {
        const subscription = await subscriptions.retrieve(id);
        const { data } = await invoices.list({ subscription: id, status: 'paid', limit: 100 });
        const seen = readSubscription(subscription as unknown as Record<string, unknown>);
        if (!seen) return { status: 'MISSING' };
        const paid = data.flatMap((invoice) => readInvoice(invoice) ?? []);
        return { status: 'SEEN', subscription: { ...seen, paid } };
      },
      missing,
    );
  }

  /** All that Stripe bills or has billed, newest first, a page at a time; what cannot be read is left out. */
  subscriptions(after: string | undefined): Promise<SeenSubscriptions | Unknown> {
    return this.provider.call<SeenSubscriptions>(
      'subscriptions',
      async ({ subscriptions }) => {
        const page = await subscriptions.list({ status: 'all', limit: 100, ...(after && { starting_after: after }) });
        const seen = page.data.flatMap((one) => readSubscription(one as unknown as Record<string, unknown>) ?? []);
        return { status: 'SEEN', subscriptions: seen, next: page.has_more ? page.data.at(-1)?.id : undefined };
      },
      (error) => {
        throw error;
      },
    );
  }

  /** Does at Stripe what was decided here. Nothing is credited there: we credit what is unused. True: it is so now. */
  async follow(id: string, wanted: 'CANCELLED' | 'CANCELS' | 'CONTINUES'): Promise<boolean> {
    const outcome = await this.provider.call<'DONE'>(
      'follow',
      async ({ subscriptions }) => {
        if (wanted === 'CANCELLED') await subscriptions.cancel(id, { invoice_now: false, prorate: false });
        else await subscriptions.update(id, { cancel_at_period_end: wanted === 'CANCELS' });
        return 'DONE';
      },
      (error) => {
        // It has ended there already.
        if (error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing')
          return 'DONE';
        throw error;
      },
    );
    return outcome === 'DONE';
  }
}
