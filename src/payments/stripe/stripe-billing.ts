import Stripe from 'stripe';
import { type Instant, instantFromMilliseconds, isBefore, isSameInstant } from '../../core/calendar';
import type { Money } from '../../core/money';
import type { TimeSpan } from '../../invoicing/invoice';
import { codeWord, type MethodFacts, type Unknown } from '../provider';
import { fromStripe } from '../stripe-amount';
import type { SeenSubscription } from '../stripe-checkout';
import { goneOf } from './stripe-outcome';
import { intervalFrom, type StripeProvider } from './stripe-provider';
import { disputeMeans, hasCome, isCollected, pageMeans, pauseMeans, standingOf } from './stripe-status';
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
  /** Stripe has no such customer any more. */
  | { readonly status: 'CUSTOMER_GONE' }
  | Unknown;

/** A session as it is now. */
export interface SeenSession {
  readonly status: 'SEEN';
  readonly state: ReturnType<typeof pageMeans>;
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

export interface SeenMoneyBack {
  readonly status: 'SEEN';
  readonly refunded: Money;
}

export type Missing = { readonly status: 'MISSING' };

const missing = (error: unknown): Missing => {
  if (error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing') {
    return { status: 'MISSING' };
  }
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
 * A subscription as Stripe answers it. Tolerant of fields that are missing or moved: what cannot be read is `undefined`, and
 * then a person looks, rather than that it is guessed.
 */
export function readSubscription(subscription: Stripe.Subscription): SeenSubscription | undefined {
  const externalId = idOf(subscription);
  const customerId = idOf(subscription.customer);
  const { status } = subscription;
  if (!externalId || !customerId || typeof status !== 'string') return undefined;
  const list: unknown = subscription.items?.data;
  const items = (Array.isArray(list) ? list : []).map((item: Stripe.SubscriptionItem) => ({
    unitAmount: fromStripe(item.price?.unit_amount, item.price?.currency),
    quantity: BigInt(Number.isSafeInteger(item.quantity) ? (item.quantity as number) : 0),
    interval: intervalFrom(item.price?.recurring?.interval, item.price?.recurring?.interval_count),
    period: spanOf(item.current_period_start, item.current_period_end),
  }));
  const date = instantOf(subscription.cancel_at);
  const atPeriodEnd = subscription.cancel_at_period_end === true;
  const pause = subscription.pause_collection ? pauseMeans(subscription.pause_collection.behavior) : undefined;
  return {
    ...{ externalId, customerId, items, paid: [], status: status.slice(0, 50) },
    reference: referenceOf(subscription as unknown as Record<string, unknown>),
    // A pause that nobody here has heard of takes nothing, and a person looks.
    standing: pause === 'UNKNOWN' && standingOf(status) === 'ACCESS' ? 'UNKNOWN' : standingOf(status),
    isServed: pause !== 'NOT_SERVED',
    endsAt: date ?? (atPeriodEnd ? items[0]?.period?.end : undefined),
    endsByDate: date !== undefined && !atPeriodEnd,
    endedAt: instantOf(subscription.ended_at),
    endedUnpaid:
      status === 'unpaid' ||
      status === 'incomplete_expired' ||
      subscription.cancellation_details?.reason === 'payment_failed',
  };
}

/** For which of its periods an invoice asks: what is billed in advance says so; a change within a period is of that period. */
function periodOf({ lines }: Stripe.Invoice, current: TimeSpan | undefined): TimeSpan | undefined {
  const changes = (line: Stripe.InvoiceLineItem) => line.parent?.subscription_item_details?.proration === true;
  const regular = lines.data.filter((line) => !changes(line)).map(({ period }) => spanOf(period.start, period.end));
  if (regular.length > 0) {
    const [first, ...others] = regular;
    return others.every((other) => isSameInstant(other?.start, first?.start)) ? first : undefined;
  }
  const within = lines.data.every(({ period }) => isSameInstant(instantOf(period.end), current?.end));
  return lines.data.length > 0 && within ? current : undefined;
}

/** How much of each payment of a customer's went back, in Stripe's units, by what paid it. */
type MoneyBack = ReadonlyMap<string, number>;

function readInvoice(
  invoice: Stripe.Invoice,
  current: TimeSpan | undefined,
  moneyBack: MoneyBack,
): SeenSubscription['paid'][number] | undefined {
  const paidAt = instantOf(invoice.status_transitions?.paid_at);
  if (!isCollected(invoice.status) || !paidAt || !invoice.id) return undefined;
  const paymentId = paymentOf(invoice);
  const { amount_paid: paid, post_payment_credit_notes_amount: credited } = invoice;
  // A credit note there gives back by a refund, which is counted already, or into the customer's balance there.
  const back = Math.max((paymentId && moneyBack.get(paymentId)) || 0, credited ?? 0);
  return {
    ...{ externalId: invoice.id, paidAt, paymentId },
    amount: fromStripe(paid, invoice.currency),
    refunded: fromStripe(Math.min(back, paid), invoice.currency),
    period: periodOf(invoice, current),
  };
}

const paymentOf = ({ payments }: Stripe.Invoice): string | undefined =>
  (payments?.data ?? []).flatMap(({ payment }) => idOf(payment?.payment_intent) ?? []).at(-1);

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
        if (goneOf(error) === 'CUSTOMER') return { status: 'CUSTOMER_GONE' };
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
          state: pageMeans(session.status),
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

  /** A subscription with what was collected for it, and what went back of that: the last thousand invoices. */
  subscription(id: string): Promise<Seen | Missing | Unknown> {
    return this.provider.call<Seen | Missing>(
      'subscription',
      async (client) => {
        const subscription = await client.subscriptions.retrieve(id);
        const seen = readSubscription(subscription);
        if (!seen) return { status: 'MISSING' };
        const data = await client.invoices
          .list({ ...{ subscription: id, status: 'paid', limit: 100 }, expand: ['data.payments'] })
          .autoPagingToArray({ limit: most });
        const moneyBack = await moneyBackOf(client, seen.customerId, data);
        const paid = data.flatMap((invoice) => readInvoice(invoice, seen.items[0]?.period, moneyBack) ?? []);
        return { status: 'SEEN', subscription: { ...seen, paid } };
      },
      missing,
    );
  }

  /** How much of what one payment paid for went back. */
  moneyBackOf(invoiceId: string, paymentId: string): Promise<SeenMoneyBack | Missing | Unknown> {
    return this.provider.call<SeenMoneyBack | Missing>(
      'moneyBackOf',
      async (client) => {
        const invoice = await client.invoices.retrieve(invoiceId, { expand: ['payments'] });
        const { data } = await client.charges.list({ payment_intent: paymentId, limit: 100 });
        const charge = data.find(({ status }) => hasCome(status));
        const back = new Map([[paymentId, charge ? await backOf(client, charge) : 0]]);
        const refunded = readInvoice(invoice, undefined, back)?.refunded;
        return refunded ? { status: 'SEEN', refunded } : { status: 'MISSING' };
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
        const seen = page.data.flatMap((one) => readSubscription(one) ?? []);
        return { status: 'SEEN', subscriptions: seen, next: page.has_more ? page.data.at(-1)?.id : undefined };
      },
      (error) => {
        throw error;
      },
    );
  }

  /** Does at Stripe what was decided here. Nothing is credited there: we credit what is unused. True: it is so now. */
  async follow(seen: SeenSubscription, wanted: WantedThere): Promise<boolean> {
    const id = seen.externalId;
    const outcome = await this.provider.call<'DONE'>(
      'follow',
      async ({ subscriptions }) => {
        if (wanted === 'CANCELLED') await subscriptions.cancel(id, { invoice_now: false, prorate: false });
        else await subscriptions.update(id, changeOf(seen, wanted));
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

  /** Gives back all that is left of a payment. Again is the same: then nothing is left of it. */
  refundAll(paymentId: string, key: string, reference: string): Promise<RefundedThere | Unknown> {
    return this.provider.call<RefundedThere>(
      'refundAll',
      async ({ refunds }) => {
        const metadata = { [metadataNames.key]: key, tollgate_checkout: reference };
        await refunds.create({ payment_intent: paymentId, metadata }, { idempotencyKey: key });
        return { status: 'DONE' };
      },
      (error) => {
        if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
        if (error.code === 'charge_already_refunded') return { status: 'DONE' };
        return { status: 'REFUSED', code: codeWord(error.code ?? 'invalid_request') };
      },
    );
  }

  /** Is this customer gone there? `undefined`: nobody can say. */
  async isCustomerGone(id: string): Promise<boolean | undefined> {
    const found = await this.provider.call<boolean>(
      'customer',
      async ({ customers }) => (await customers.retrieve(id)).deleted === true,
      (error) => missing(error).status === 'MISSING',
    );
    return typeof found === 'boolean' ? found : undefined;
  }
}

/** What is so here, and is to be so at Stripe: it has ended, it ends then, or it goes on. */
export type WantedThere = 'CANCELLED' | 'CONTINUES' | { readonly endsAt: Instant };

export type RefundedThere = { readonly status: 'DONE' } | { readonly status: 'REFUSED'; readonly code: string };

/** A date and the period's end are two settings there, and only one of them may be given. */
function changeOf(
  { endsByDate, items }: SeenSubscription,
  wanted: Exclude<WantedThere, 'CANCELLED'>,
): Stripe.SubscriptionUpdateParams {
  if (wanted === 'CONTINUES') return endsByDate ? { cancel_at: '' } : { cancel_at_period_end: false };
  if (!endsByDate && isSameInstant(wanted.endsAt, items[0]?.period?.end)) return { cancel_at_period_end: true };
  return { cancel_at: seconds(wanted.endsAt), proration_behavior: 'none' };
}

/** How many invoices or charges are read at a look, the newest first: three years of days. */
const most = 1_000;

/** What went back of a customer's payments, by refunds and by disputes: of the charges since the oldest of these invoices. */
async function moneyBackOf(client: Stripe, customer: string, invoices: readonly Stripe.Invoice[]): Promise<MoneyBack> {
  const wanted = new Set(invoices.flatMap((invoice) => paymentOf(invoice) ?? []));
  if (wanted.size === 0) return new Map();
  const since = invoices.reduce((oldest, { created }) => Math.min(oldest, created), Number.MAX_SAFE_INTEGER);
  const charges = client.charges.list({ customer, limit: 100, created: { gte: since } });
  const back = new Map<string, number>();
  for (const charge of await charges.autoPagingToArray({ limit: most })) {
    const paymentId = idOf(charge.payment_intent);
    if (!paymentId || !wanted.has(paymentId) || !hasCome(charge.status)) continue;
    back.set(paymentId, await backOf(client, charge));
  }
  return back;
}

const backOf = async (client: Stripe, charge: Stripe.Charge): Promise<number> =>
  charge.amount_refunded + (charge.disputed ? await disputedOf(client, charge.id) : 0);

/** A bank takes the money when it opens the dispute, and brings it back where that is won. */
async function disputedOf({ disputes }: Stripe, charge: string): Promise<number> {
  const { data } = await disputes.list({ charge, limit: 10 });
  const taken = data.filter(({ status }) => ['OPEN', 'LOST'].includes(disputeMeans(status)));
  return taken.reduce((sum, { amount }) => sum + amount, 0);
}
