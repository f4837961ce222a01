import Stripe from 'stripe';
import { type Instant, instantFromMilliseconds } from '../../core/calendar';
import type { IntervalUnit } from '../../core/period';
import type { Result } from '../../core/result';
import type { Log } from '../../platform/log';
import {
  type AttachOutcome,
  type AttachRequest,
  type ChargeOutcome,
  type ChargeRequest,
  type CheckoutLine,
  type CheckoutOutcome,
  type CheckoutRequest,
  type CurrentEvent,
  type CustomerOutcome,
  type CustomerRequest,
  codeWord,
  type FindRefund,
  type GoneOutcome,
  type InboundEvent,
  type MoneyBackPage,
  type PaymentFact,
  type PaymentProvider,
  type ProviderCharge,
  type ProviderChargePage,
  type RefundOutcome,
  type RefundRequest,
  type SetupOutcome,
  type SetupRequest,
  type Unknown,
  type WebhookHeaders,
  type WebhookRefusal,
} from '../provider';
import { fromStripe, toStripe } from '../stripe-amount';
import {
  declineOf,
  goneOf,
  logFailure,
  outcomeOf,
  refundOutcomeOf,
  refusedCharge,
  unknownOf,
  withoutWords,
} from './stripe-outcome';
import { setupMeans } from './stripe-status';
import { idOf, metadataNames, methodFacts, readStripeEvent, stripeFactOf, verifyStripeEvent } from './stripe-webhook';

export interface StripeOptions {
  readonly secretKey: string;
  readonly webhookSecrets: readonly string[];
  /** `undefined`: Stripe itself. */
  readonly apiUrl: string | undefined;
  readonly live: boolean;
  readonly log: Log;
  readonly timeoutMilliseconds?: number | undefined;
}

/** The SDK's own retries are off: what is unknown is asked again by our jobs, with the key of the same row. */
export function stripeClient({ secretKey, apiUrl, timeoutMilliseconds = 20_000 }: StripeOptions): Stripe {
  const url = apiUrl === undefined ? undefined : new URL(apiUrl);
  return new Stripe(secretKey, {
    maxNetworkRetries: 0,
    timeout: timeoutMilliseconds,
    telemetry: false,
    ...(url && {
      host: url.hostname,
      port: url.port || (url.protocol === 'https:' ? 443 : 80),
      protocol: url.protocol === 'https:' ? ('https' as const) : ('http' as const),
    }),
  });
}

const intervals = {
  DAY: { interval: 'day', interval_count: 1 },
  WEEK: { interval: 'week', interval_count: 1 },
  MONTH: { interval: 'month', interval_count: 1 },
  QUARTER: { interval: 'month', interval_count: 3 },
  YEAR: { interval: 'year', interval_count: 1 },
} as const;

export const stripeInterval = (unit: IntervalUnit) => intervals[unit];

export function intervalFrom(interval: unknown, count: unknown): IntervalUnit | undefined {
  const units = Object.keys(intervals) as IntervalUnit[];
  return units.find((unit) => intervals[unit].interval === interval && intervals[unit].interval_count === count);
}

/** Stripe by its official SDK. */
export class StripeProvider implements PaymentProvider {
  readonly name = 'STRIPE';
  readonly live: boolean;
  readonly client: Stripe;

  constructor(private readonly options: StripeOptions) {
    this.live = options.live;
    this.client = stripeClient(options);
  }

  /** One call. What nobody can know yet is UNKNOWN; where Stripe said no, `refused` says what that means. */
  async call<T>(
    operation: string,
    act: (client: Stripe) => Promise<T>,
    refused: (error: unknown) => T,
  ): Promise<T | Unknown> {
    try {
      return await act(this.client);
    } catch (error) {
      logFailure(this.options.log, operation, error);
      const unknown = unknownOf(error);
      if (unknown) return unknown;
      try {
        return refused(error);
      } catch (thrown) {
        throw thrown === error ? withoutWords(operation, error) : thrown;
      }
    }
  }

  createCustomer({ key, reference, name }: CustomerRequest): Promise<CustomerOutcome> {
    return this.call<CustomerOutcome>(
      'createCustomer',
      async ({ customers }) => {
        const metadata = { [metadataNames.reference]: reference };
        const { id } = await customers.create({ name, metadata }, { idempotencyKey: key });
        return { status: 'SUCCEEDED', customerId: id };
      },
      (error) => {
        throw error;
      },
    );
  }

  /** By a setup intent: the bank is asked now whether the card may be charged later without its holder. */
  attachMethod({ key, customerId, token }: AttachRequest): Promise<AttachOutcome> {
    return this.call<AttachOutcome>(
      'attachMethod',
      async ({ setupIntents }) => {
        const intent = await setupIntents.create(
          {
            ...{ customer: customerId, payment_method: token, confirm: true, usage: 'off_session' },
            automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
            expand: ['payment_method'],
          },
          { idempotencyKey: key },
        );
        const meaning = setupMeans(intent.status);
        if (meaning === 'PROCESSING') return { status: 'UNKNOWN', reason: meaning };
        const method = intent.payment_method;
        if (meaning !== 'SUCCEEDED' || typeof method !== 'object' || !method) {
          return { status: 'DECLINED', code: 'OTHER' };
        }
        return { status: 'SUCCEEDED', method: methodFacts(method, customerId) };
      },
      (error) => {
        if (error instanceof Stripe.errors.StripeCardError) {
          return { status: 'DECLINED', code: declineOf(error.decline_code ?? error.code) };
        }
        if (goneOf(error) === 'CUSTOMER') return { status: 'CUSTOMER_GONE' };
        if (error instanceof Stripe.errors.StripeInvalidRequestError) {
          return { status: 'DECLINED', code: 'METHOD_NOT_FOUND' };
        }
        throw error;
      },
    );
  }

  createSetup({ key, reference, customerId, returnUrl }: SetupRequest): Promise<SetupOutcome> {
    const metadata = { [metadataNames.reference]: reference, [metadataNames.key]: key };
    return this.call<SetupOutcome>(
      'createSetup',
      async ({ checkout }) => {
        const { url } = await checkout.sessions.create(
          {
            mode: 'setup',
            customer: customerId,
            allowed_payment_method_types: ['card'],
            success_url: returnUrl,
            cancel_url: returnUrl,
            client_reference_id: reference,
            metadata,
            setup_intent_data: { metadata },
          },
          { idempotencyKey: key },
        );
        // Called by the key: it is what comes back with the setup intent that the page makes.
        return { status: 'SUCCEEDED', setupId: key, url: url! };
      },
      (error) => {
        if (goneOf(error) === 'CUSTOMER') return { status: 'CUSTOMER_GONE' };
        throw error;
      },
    );
  }

  async charge(request: ChargeRequest): Promise<ChargeOutcome> {
    const { key, reference, customerId, methodId, description } = request;
    const amount = toStripe(request.amount);
    if (!amount) return { status: 'DECLINED', code: 'AMOUNT_NOT_ALLOWED' };
    const { units, currency } = amount;
    const metadata = { [metadataNames.reference]: reference, [metadataNames.key]: key };
    return this.call<ChargeOutcome>(
      'charge',
      async ({ paymentIntents }) => {
        const intent = await paymentIntents.create(
          {
            ...{ amount: units, currency, customer: customerId, payment_method: methodId, description, metadata },
            ...{ off_session: true, confirm: true },
            automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
          },
          { idempotencyKey: key },
        );
        return outcomeOf(intent);
      },
      refusedCharge,
    );
  }

  /** By the reference through Stripe's search, which knows what is older than a minute: nobody asks for less. */
  findCharge({ chargeId, reference }: { chargeId?: string | undefined; reference: string }) {
    return this.call<ChargeOutcome | undefined>(
      'findCharge',
      async ({ paymentIntents }) => {
        if (chargeId) return outcomeOf(await paymentIntents.retrieve(chargeId));
        const query = `metadata["${metadataNames.reference}"]:"${reference}"`;
        const { data } = await paymentIntents.search({ query, limit: 100 });
        const intent = data.find(({ status }) => status === 'succeeded') ?? data[0];
        return intent && outcomeOf(intent);
      },
      (error) => {
        if (error instanceof Stripe.errors.StripeInvalidRequestError) return undefined;
        throw error;
      },
    );
  }

  async cancelCharge(which: { chargeId: string; reference: string }): Promise<ChargeOutcome> {
    const cancelled = await this.call<ChargeOutcome | undefined>(
      'cancelCharge',
      async ({ paymentIntents }) => outcomeOf(await paymentIntents.cancel(which.chargeId)),
      (error) => {
        if (error instanceof Stripe.errors.StripeInvalidRequestError) return undefined;
        throw error;
      },
    );
    // It has come to an end before, or is being decided.
    return cancelled ?? (await this.findCharge(which)) ?? { status: 'DECLINED', code: 'CANCELLED' };
  }

  async refund({ key, reference, chargeId, amount }: RefundRequest): Promise<RefundOutcome> {
    const wanted = toStripe(amount);
    if (!wanted) return { status: 'FAILED', code: 'amount_not_allowed' };
    const metadata = { [metadataNames.reference]: reference, [metadataNames.key]: key };
    return this.call<RefundOutcome>(
      'refund',
      async ({ refunds }) => {
        const refund = await refunds.create(
          { payment_intent: chargeId, amount: wanted.units, metadata },
          { idempotencyKey: key },
        );
        return refundOutcomeOf(refund);
      },
      (error) => {
        if (error instanceof Stripe.errors.StripeInvalidRequestError) {
          return { status: 'FAILED', code: codeWord(error.code ?? 'invalid_request') };
        }
        throw error;
      },
    );
  }

  /** By the list of the charge's refunds, which is complete at once. */
  findRefund({ chargeId, refundId, reference }: FindRefund): Promise<RefundOutcome | undefined> {
    return this.call<RefundOutcome | undefined>(
      'findRefund',
      async ({ refunds }) => {
        if (refundId) return refundOutcomeOf(await refunds.retrieve(refundId));
        for await (const refund of refunds.list({ payment_intent: chargeId, limit: 100 })) {
          if (refund.metadata?.[metadataNames.reference] === reference) return refundOutcomeOf(refund);
        }
        return undefined;
      },
      // Not to know the charge, or a refund that was named, says nothing about the money: the keys may be another account's.
      () => ({ status: 'UNKNOWN', reason: 'SERVER_ERROR' }),
    );
  }

  async createCheckout(request: CheckoutRequest): Promise<CheckoutOutcome> {
    const { key, reference, customerId, lines, successUrl, cancelUrl, expiresAt } = request;
    const items = lines.map(checkoutLine);
    const lineItems = items.flatMap((item) => (item ? [item] : []));
    if (lineItems.length < items.length) return { status: 'REFUSED', code: 'amount_not_allowed' };
    const metadata = { [metadataNames.reference]: reference };
    const recurs = lines.some(({ interval }) => interval !== undefined);
    return this.call<CheckoutOutcome>(
      'createCheckout',
      async ({ checkout }) => {
        const { id, url } = await checkout.sessions.create(
          {
            mode: recurs ? 'subscription' : 'payment',
            ...(customerId && { customer: customerId }),
            line_items: lineItems,
            success_url: successUrl,
            cancel_url: cancelUrl,
            client_reference_id: reference,
            ...(expiresAt && { expires_at: Math.floor(expiresAt.epochMilliseconds / 1_000) }),
            metadata,
            ...(recurs ? { subscription_data: { metadata } } : { payment_intent_data: { metadata } }),
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

  async createPortalLink(customerId: string, returnUrl: string): Promise<string | undefined> {
    const session = await this.call<string | undefined>(
      'createPortalLink',
      async ({ billingPortal }) =>
        (await billingPortal.sessions.create({ customer: customerId, return_url: returnUrl })).url,
      () => undefined,
    );
    return typeof session === 'string' ? session : undefined;
  }

  /** Newest first, as Stripe lists them. */
  listCharges(from: Instant, after?: string): Promise<ProviderChargePage | Unknown> {
    return this.call<ProviderChargePage>(
      'listCharges',
      async ({ paymentIntents }) => {
        const page = await paymentIntents.list({
          created: { gte: Math.floor(from.epochMilliseconds / 1_000) },
          limit: 100,
          expand: ['data.latest_charge'],
          ...(after && { starting_after: after }),
        });
        const charges = page.data.flatMap(chargeOf);
        return { charges, next: page.has_more ? page.data.at(-1)?.id : undefined };
      },
      (error) => {
        throw error;
      },
    );
  }

  /** First the refunds, then the disputes, each newest first. */
  listMoneyBack(from: Instant, after = 'refunds:'): Promise<MoneyBackPage | Unknown> {
    const [list, last] = after.split(':') as ['refunds' | 'disputes', string];
    const isRefunds = list === 'refunds';
    const since = isRefunds ? from : from.subtract({ hours: 24 * longestDisputeDays });
    return this.call<MoneyBackPage>(
      'listMoneyBack',
      async ({ refunds, disputes }) => {
        const params = {
          created: { gte: Math.floor(since.epochMilliseconds / 1_000) },
          limit: 100,
          ...(last && { starting_after: last }),
        };
        const page = await (isRefunds ? refunds.list(params) : disputes.list(params));
        const type = isRefunds ? 'refund.updated' : 'charge.dispute.updated';
        const facts = page.data.flatMap((one) => {
          const fact = stripeFactOf({ type, payload: one as unknown as InboundEvent['payload'] });
          return fact?.kind === 'REFUND' || fact?.kind === 'DISPUTE' ? [fact] : [];
        });
        if (page.has_more) return { facts, next: `${list}:${page.data.at(-1)!.id}` };
        return { facts, next: isRefunds ? 'disputes:' : undefined };
      },
      (error) => {
        throw error;
      },
    );
  }

  /** Nothing is asked about what only wakes a checkout, unless the event does not even say whose it is. */
  async currentOf(event: InboundEvent): Promise<CurrentEvent> {
    const { type: sent, payload } = event;
    const isThin = payload['thin'] === true;
    const type = isThin ? sent.replace(/^v1\./, '') : sent;
    const id = typeof payload['id'] === 'string' ? payload['id'] : undefined;
    const subject = String(payload['object']);
    const believed = { status: 'CURRENT', event: { ...event, type } } as const;
    if (!id || !Object.hasOwn(retrieve, subject) || !(isThin || isAskedAbout(type))) return believed;
    return this.call<CurrentEvent>(
      'currentOf',
      async (client) => {
        const now = await retrieve[subject as keyof typeof retrieve](client, id);
        const before = { previous_attributes: payload['previous_attributes'] ?? {} };
        return { status: 'CURRENT', event: { ...event, type, payload: { ...before, ...now } } };
      },
      (error) => {
        if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
        if (error.code !== 'resource_missing') throw error;
        // A customer that was deleted long ago.
        if (subject !== 'customer') return { status: 'MISSING' };
        return { status: 'CURRENT', event: { ...event, type, payload: { id, deleted: true } } };
      },
    );
  }

  findGone({ customerId, methodId }: { customerId: string; methodId: string }): Promise<GoneOutcome> {
    const isMissing = (error: unknown): boolean => {
      if (error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing') return true;
      throw error;
    };
    return this.call<GoneOutcome>(
      'findGone',
      async ({ customers, paymentMethods }) => {
        const isGone = await customers.retrieve(customerId).then(({ deleted }) => deleted === true, isMissing);
        if (isGone) return { status: 'CUSTOMER_GONE' };
        const owner = await paymentMethods.retrieve(methodId).then(({ customer }) => idOf(customer), isMissing);
        return owner === customerId ? { status: 'THERE' } : { status: 'METHOD_GONE' };
      },
      (error) => {
        throw error;
      },
    );
  }

  verifyWebhook(rawBody: Buffer, headers: WebhookHeaders, now: Instant): Result<InboundEvent, WebhookRefusal> {
    const { webhookSecrets: secrets, live } = this.options;
    return verifyStripeEvent(this.client.webhooks, { secrets, live }, rawBody, headers, now);
  }

  readEvent(body: string): InboundEvent {
    return readStripeEvent(body);
  }

  factOf(event: InboundEvent): PaymentFact | undefined {
    return stripeFactOf(event);
  }
}

/** How long ago a dispute may have begun that a bank decides today. */
const longestDisputeDays = 180;

/** What the subject of an event is read anew by. */
const retrieve = {
  charge: ({ charges }: Stripe, id: string): Promise<object> => charges.retrieve(id),
  'checkout.session': ({ checkout }: Stripe, id: string): Promise<object> => checkout.sessions.retrieve(id),
  customer: ({ customers }: Stripe, id: string): Promise<object> => customers.retrieve(id),
  dispute: ({ disputes }: Stripe, id: string): Promise<object> => disputes.retrieve(id),
  invoice: ({ invoices }: Stripe, id: string): Promise<object> => invoices.retrieve(id),
  payment_intent: ({ paymentIntents }: Stripe, id: string): Promise<object> => paymentIntents.retrieve(id),
  payment_method: ({ paymentMethods }: Stripe, id: string): Promise<object> => paymentMethods.retrieve(id),
  refund: ({ refunds }: Stripe, id: string): Promise<object> => refunds.retrieve(id),
  setup_intent: ({ setupIntents }: Stripe, id: string): Promise<object> =>
    setupIntents.retrieve(id, { expand: ['payment_method'] }),
  subscription: ({ subscriptions }: Stripe, id: string): Promise<object> => subscriptions.retrieve(id),
} as const;

/** Events of which something is written down: what is written is what Stripe says now. */
const isAskedAbout = (type: string) =>
  type === 'customer.deleted' ||
  /^(payment_intent|setup_intent|payment_method|refund|charge\.(dispute|refund))\./.test(type);

function checkoutLine({
  description,
  unitAmount,
  quantity,
  interval,
  priceId,
}: CheckoutLine): Stripe.Checkout.SessionCreateParams.LineItem | undefined {
  if (priceId) return { price: priceId, quantity: Number(quantity) };
  const amount = toStripe(unitAmount);
  if (!amount) return undefined;
  return {
    quantity: Number(quantity),
    price_data: {
      currency: amount.currency,
      unit_amount: amount.units,
      product_data: { name: description },
      ...(interval && { recurring: stripeInterval(interval) }),
    },
  };
}

/** Intents without a reference are not ours: Stripe makes them for what it bills itself. */
function chargeOf(intent: Stripe.PaymentIntent): ProviderCharge[] {
  const reference = intent.metadata[metadataNames.reference];
  const amount = fromStripe(intent.amount, intent.currency);
  if (!reference || !amount) return [];
  const charge = typeof intent.latest_charge === 'object' ? intent.latest_charge : undefined;
  const { status } = outcomeOf(intent);
  const [customerId, methodId] = [idOf(intent.customer), idOf(intent.payment_method)];
  return [
    {
      ...{ chargeId: intent.id, reference, amount },
      refunded: fromStripe(charge?.amount_refunded ?? 0, intent.currency) ?? { ...amount, minor: 0n },
      status: status === 'UNKNOWN' ? 'PROCESSING' : status,
      createdAt: instantFromMilliseconds(intent.created * 1_000),
      asked: customerId && methodId ? { customerId, methodId, description: intent.description ?? '' } : undefined,
    },
  ];
}
