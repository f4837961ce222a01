import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

// biome-ignore lint/suspicious/noExplicitAny: Paddle's own JSON.
type Json = any;

/** How a call goes wrong: before anything happened at Paddle, or after it happened, so that the caller does not hear of it. */
export interface PaddleFault {
  /** `POST /transactions`, with the path's parameters as `:id`. */
  readonly route: string;
  readonly kind: 'HANG' | 'SERVER_ERROR' | 'HTML' | 'RATE_LIMITED' | 'RESET';
  readonly after?: boolean;
}

export interface DeliveryOptions {
  /** How often each is sent. */
  readonly repeat?: number;
  /** All at the same time. */
  readonly parallel?: boolean;
  /** In which order. */
  readonly order?: (events: readonly Json[]) => Json[];
  /** Which are lost on the way. */
  readonly drop?: (event: Json) => boolean;
  /** What somebody who has the signing key would write instead. */
  readonly change?: (event: Json) => Json;
  readonly secrets?: readonly string[];
  /** Seconds by which the signature is older. */
  readonly age?: number;
}

const idPattern = '[a-z0-9_]+';
const lowerAlphabet = 'abcdefghjkmnpqrstvwxyz0123456789';
const makeId = (prefix: string) =>
  `${prefix}_01${[...randomBytes(24)].map((byte) => lowerAlphabet[byte % lowerAlphabet.length]).join('')}`;

/** The same day some intervals later; the month's last where it has no such day. */
function addCycle(at: string, { interval, frequency }: { interval: string; frequency: number }): string {
  const from = new Date(at);
  if (interval === 'day' || interval === 'week') {
    from.setUTCDate(from.getUTCDate() + frequency * (interval === 'week' ? 7 : 1));
    return from.toISOString();
  }
  const months = from.getUTCMonth() + frequency * (interval === 'year' ? 12 : 1);
  const last = new Date(Date.UTC(from.getUTCFullYear(), months + 1, 0)).getUTCDate();
  from.setUTCMonth(months, Math.min(from.getUTCDate(), last));
  return from.toISOString();
}

/** Those that Paddle takes. */
const currencies =
  'USD EUR GBP JPY AUD CAD CHF HKD SGD SEK ARS BRL CNY COP CZK DKK HUF ILS INR KRW MXN NOK NZD PLN THB TRY TWD UAH VND ZAR';

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}
const invalid = (detail: string) => new Refusal(400, 'bad_request', detail);
const notFound = (detail: string) => new Refusal(404, 'not_found', detail);

const whole = (value: unknown, name: string): bigint => {
  if (typeof value !== 'string' || !/^\d{1,12}$/.test(value)) throw invalid(`${name} must be a text of minor units`);
  return BigInt(value);
};
const totalsOf = (subtotal: bigint, tax: bigint, currency: string, discount = 0n) => ({
  ...{ subtotal: `${subtotal}`, discount: `${discount}`, tax: `${tax}`, total: `${subtotal - discount + tax}` },
  ...{ credit: '0', credit_to_balance: '0', balance: '0', grand_total: `${subtotal - discount + tax}` },
  ...{ grand_total_tax: `${tax}`, fee: null, earnings: null, currency_code: currency },
});

/**
 * A Paddle of this process that the official SDK talks to over HTTP: what it is asked for it keeps, checks like Paddle does
 * and answers in Paddle's shapes; what the buyer does is a method; its webhooks are signed like Paddle's. An unknown route is
 * a 404 with an error, never a success.
 */
export class PaddleStandIn {
  readonly transactions = new Map<string, Json>();
  readonly subscriptions = new Map<string, Json>();
  readonly adjustments = new Map<string, Json>();
  readonly customers = new Map<string, Json>();
  /** Of checkouts: what the seller takes off in the dashboard, in minor units. */
  readonly discounts = new Map<string, bigint>();
  readonly prices = new Map<string, Json>();
  readonly products = new Map<string, Json>();
  /** What happened and was not delivered yet. */
  events: Json[] = [];
  /** `METHOD path` of each call. */
  readonly calls: string[] = [];
  faults: PaddleFault[] = [];
  /** Per cent that the checkout adds to a price. */
  taxPercent = 19n;
  /** Milliseconds. */
  clock: () => number = Date.now;
  private server: Server;
  url = '';

  private constructor(
    readonly apiKey: string,
    readonly webhookSecret: string,
  ) {
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  static async start(
    apiKey = `pdl_sdbx_apikey_01${'a'.repeat(22)}_stand_in`,
    webhookSecret = `pdl_ntfset_01${'b'.repeat(22)}_stand_in_secret`,
  ): Promise<PaddleStandIn> {
    const standIn = new PaddleStandIn(apiKey, webhookSecret);
    await new Promise<void>((resolve) => standIn.server.listen(0, '127.0.0.1', resolve));
    standIn.url = `http://127.0.0.1:${(standIn.server.address() as AddressInfo).port}`;
    return standIn;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  // ---- the API -----------------------------------------------------------------------------------------------------------

  private readonly routes: readonly [string, (parameters: string[], body: Json, query: URLSearchParams) => Json][] = [
    ['POST /transactions', (_parameters, body) => this.createTransaction(body)],
    ['GET /transactions', (_parameters, _body, query) => this.listTransactions(query)],
    ['GET /transactions/:id', ([id]) => this.found(this.transactions, id!)],
    ['POST /customers', (_parameters, body) => this.createCustomer(body)],
    ['GET /customers/:id', ([id]) => this.found(this.customers, id!)],
    ['POST /customers/:id/portal-sessions', ([id]) => this.createPortalSession(id!)],
    ['POST /products', (_parameters, body) => this.createProduct(body)],
    ['GET /products/:id', ([id]) => this.found(this.products, id!)],
    ['POST /prices', (_parameters, body) => this.createPrice(body, body.product_id)],
    ['GET /prices/:id', ([id]) => this.found(this.prices, id!)],
    ['POST /adjustments', (_parameters, body) => this.createAdjustment(body)],
    ['GET /adjustments', (_parameters, _body, query) => this.listAdjustments(query)],
    ['GET /subscriptions', (_parameters, _body, query) => this.listSubscriptions(query)],
    ['GET /subscriptions/:id', ([id]) => this.found(this.subscriptions, id!)],
    ['PATCH /subscriptions/:id', ([id], body) => this.updateSubscription(id!, body)],
    ['POST /subscriptions/:id/cancel', ([id], body) => this.cancelSubscription(id!, body.effective_from)],
  ];

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { pathname, searchParams } = new URL(request.url!, 'http://paddle');
    const send = (status: number, body: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    const meta = { request_id: makeId('req') };
    const fail = (status: number, code: string, detail: string, headers = {}) => {
      const type = status >= 500 ? 'api_error' : 'request_error';
      send(status, { error: { type, code, detail, documentation_url: 'https://paddle.invalid' }, meta }, headers);
    };
    this.calls.push(`${request.method} ${pathname}`);
    const route = this.routes
      .map(([name, run]) => {
        const [method, path] = name.split(' ') as [string, string];
        const match = new RegExp(`^${path.replaceAll(':id', `(${idPattern})`)}$`).exec(pathname);
        return method === request.method && match ? { name, run, parameters: match.slice(1) } : undefined;
      })
      .find((candidate) => candidate !== undefined);
    if (request.headers.authorization !== `bearer ${this.apiKey}`) {
      return fail(403, 'authentication_malformed', 'Authentication header included, but incorrectly formatted');
    }
    if (!route) return fail(404, 'not_found', `no route ${request.method} ${pathname}`);
    const index = this.faults.findIndex((fault) => fault.route === route.name);
    const fault = index < 0 ? undefined : this.faults.splice(index, 1)[0];
    try {
      let answer: Json;
      if (!fault || fault.after) {
        const text = Buffer.concat(chunks).toString('utf8');
        answer = route.run(route.parameters, text ? JSON.parse(text) : {}, searchParams);
      }
      switch (fault?.kind) {
        case 'HANG':
          return;
        case 'RESET':
          response.destroy();
          return;
        case 'SERVER_ERROR':
          return fail(500, 'internal_error', 'Something broke');
        case 'HTML':
          response.writeHead(502, { 'content-type': 'text/html' });
          response.end('<html><body>Bad gateway</body></html>');
          return;
        case 'RATE_LIMITED':
          return fail(429, 'too_many_requests', 'Slow down', { 'retry-after': '7' });
        default:
      }
      send(
        request.method === 'POST' ? 201 : 200,
        answer.page ? { data: answer.page, meta: { ...meta, pagination: answer.pagination } } : { data: answer, meta },
      );
    } catch (error) {
      if (error instanceof Refusal) return fail(error.status, error.code, error.message);
      fail(500, 'internal_error', String(error));
    }
  }

  private found(kept: Map<string, Json>, id: string): Json {
    const row = kept.get(id);
    if (!row) throw notFound(`Entity ${id} not found`);
    return row;
  }

  private now(): string {
    return new Date(this.clock()).toISOString();
  }

  private createProduct(body: Json): Json {
    if (!body.name || !body.tax_category) throw invalid('A product needs a name and a tax_category');
    const now = this.now();
    const product = {
      ...{ id: makeId('pro'), name: body.name, type: 'standard', description: body.description ?? null },
      ...{ tax_category: body.tax_category, image_url: null, custom_data: null, status: 'active' },
      ...{ created_at: now, updated_at: now, import_meta: null },
    };
    this.products.set(product.id, product);
    return product;
  }

  private createPrice(body: Json, productId: string | undefined): Json {
    const { unit_price: unit } = body;
    if (!productId || !this.products.has(productId)) throw invalid('A price needs a product');
    if (!body.description) throw invalid('A price needs a description');
    whole(unit?.amount, 'unit_price.amount');
    if (!currencies.split(' ').includes(unit.currency_code))
      throw invalid(`Currency ${unit.currency_code} is not supported`);
    const quantity = body.quantity ?? { minimum: 1, maximum: 100 };
    if (quantity.minimum < 1 || quantity.maximum < quantity.minimum) throw invalid('quantity is not a range');
    const now = this.now();
    const price = {
      ...{ id: makeId('pri'), product_id: productId, type: 'custom', description: body.description },
      ...{ name: body.name ?? null, billing_cycle: body.billing_cycle ?? null, trial_period: null },
      ...{ tax_mode: body.tax_mode ?? 'account_setting', unit_price: unit, unit_price_overrides: [], quantity },
      ...{
        status: 'active',
        custom_data: body.custom_data ?? null,
        import_meta: null,
        created_at: now,
        updated_at: now,
      },
    };
    this.prices.set(price.id, price);
    return price;
  }

  private createCustomer(body: Json): Json {
    if (!/^\S+@\S+$/.test(body.email ?? '')) throw invalid('A customer needs an e-mail address');
    const same = [...this.customers.values()].find((customer) => customer.email === body.email);
    if (same) throw new Refusal(409, 'customer_already_exists', `conflicts with customer of id ${same.id}`);
    const now = this.now();
    const customer = {
      ...{ id: makeId('ctm'), name: body.name ?? null, email: body.email, marketing_consent: false, status: 'active' },
      ...{ custom_data: body.custom_data ?? null, locale: 'en', created_at: now, updated_at: now, import_meta: null },
    };
    this.customers.set(customer.id, customer);
    return customer;
  }

  private createPortalSession(customerId: string): Json {
    this.found(this.customers, customerId);
    const overview = `https://customer-portal.paddle.invalid/${customerId}`;
    return {
      ...{ id: makeId('cpls'), customer_id: customerId, created_at: this.now() },
      urls: { general: { overview }, subscriptions: [] },
    };
  }

  private createTransaction(body: Json): Json {
    if (!Array.isArray(body.items) || body.items.length === 0) throw invalid('A transaction needs items');
    const items = body.items.map(({ price: asked, price_id: priceId, quantity }: Json) => {
      const price = priceId
        ? this.found(this.prices, priceId)
        : this.createPrice(asked ?? {}, asked?.product ? this.createProduct(asked.product).id : asked?.product_id);
      if (!Number.isInteger(quantity) || quantity < price.quantity.minimum || quantity > price.quantity.maximum) {
        throw new Refusal(400, 'transaction_item_quantity_out_of_range', 'Quantity is not in the range of its price');
      }
      return { price_id: price.id, price, quantity, proration: null };
    });
    const currency = body.currency_code ?? items[0].price.unit_price.currency_code;
    if (items.some(({ price }: Json) => price.unit_price.currency_code !== currency))
      throw invalid('One currency each');
    const id = makeId('txn');
    const now = this.now();
    const transaction = {
      ...{ id, status: body.customer_id ? 'ready' : 'draft', customer_id: body.customer_id ?? null, address_id: null },
      ...{ business_id: null, custom_data: body.custom_data ?? null, currency_code: currency, origin: 'api' },
      ...{ subscription_id: null, invoice_id: null, invoice_number: null, collection_mode: 'automatic' },
      ...{ discount_id: null, billing_details: null, billing_period: null, items, payments: [] },
      checkout: { url: `https://pay.example/checkout?_ptxn=${id}` },
      ...{ created_at: now, updated_at: now, billed_at: null, revised_at: null },
      details: this.detailsOf(items, currency, 0n),
    };
    this.transactions.set(id, transaction);
    this.tell('transaction.created', transaction);
    return transaction;
  }

  private detailsOf(items: Json[], currency: string, percent: bigint): Json {
    const lines = items.map(({ price, quantity }) => {
      const amount = BigInt(price.unit_price.amount) * BigInt(quantity);
      // Our price with the tax in it, or before it.
      const inside = price.tax_mode === 'internal';
      const tax = inside ? (amount * percent) / (100n + percent) : (amount * percent) / 100n;
      const subtotal = inside ? amount - tax : amount;
      const totals = { subtotal: `${subtotal}`, discount: '0', tax: `${tax}`, total: `${subtotal + tax}` };
      const product = this.products.get(price.product_id);
      const rate = `0.${percent.toString().padStart(2, '0')}`;
      return {
        ...{ id: makeId('txnitm'), price_id: price.id, quantity, proration: null, tax_rate: rate },
        ...{ unit_totals: totals, totals, product },
      };
    });
    const sumOf = (name: 'subtotal' | 'tax') => lines.reduce((sum, line) => sum + BigInt(line.totals[name]), 0n);
    return {
      tax_rates_used: [],
      totals: totalsOf(sumOf('subtotal'), sumOf('tax'), currency),
      ...{ adjusted_totals: null, payout_totals: null, adjusted_payout_totals: null, line_items: lines },
    };
  }

  private pageOf(rows: Json[], query: URLSearchParams, path: string): Json {
    const size = Math.min(Number(query.get('per_page') ?? 50), 200);
    const after = query.get('after');
    const start = after ? rows.findIndex((row) => row.id === after) + 1 : 0;
    const page = rows.slice(start, start + size);
    const hasMore = start + size < rows.length;
    const next = new URLSearchParams(query);
    if (page.length > 0) next.set('after', page.at(-1).id);
    return {
      page,
      pagination: {
        per_page: size,
        next: `${this.url}${path}?${next}`,
        has_more: hasMore,
        estimated_total: rows.length,
      },
    };
  }

  private listTransactions(query: URLSearchParams): Json {
    const statuses = query.get('status')?.split(',');
    const from = query.get('created_at[GTE]');
    const rows = [...this.transactions.values()].filter(
      (row) =>
        (!statuses || statuses.includes(row.status)) && (!from || row.created_at >= new Date(from).toISOString()),
    );
    const asked = query.get('include')?.split(',') ?? [];
    const answers = rows.map((row) => ({
      ...row,
      ...(asked.includes('adjustments_totals') ? { adjustments_totals: this.adjustedOf(row) } : {}),
      ...(asked.includes('adjustment') ? { adjustments: this.adjustmentsOf(row.id) } : {}),
    }));
    return this.pageOf(answers, query, '/transactions');
  }

  private adjustmentsOf(transactionId: string): Json[] {
    return [...this.adjustments.values()].filter((row) => row.transaction_id === transactionId);
  }

  private listSubscriptions(query: URLSearchParams): Json {
    const statuses = query.get('status')?.split(',');
    const rows = [...this.subscriptions.values()].filter((row) => !statuses || statuses.includes(row.status));
    return this.pageOf(rows, query, '/subscriptions');
  }

  /** What went back of a transaction, of all that was approved. */
  private adjustedOf({ id, currency_code: currency }: Json): Json {
    const approved = [...this.adjustments.values()].filter(
      (row) => row.transaction_id === id && row.status === 'approved',
    );
    const sumOf = (name: 'subtotal' | 'tax') => approved.reduce((sum, row) => sum + BigInt(row.totals[name]), 0n);
    const { subtotal, tax, total } = totalsOf(sumOf('subtotal'), sumOf('tax'), currency);
    return { subtotal, tax, total, fee: '0', earnings: '0', breakdown: null, currency_code: currency };
  }

  private listAdjustments(query: URLSearchParams): Json {
    const ids = query.get('transaction_id')?.split(',');
    const rows = [...this.adjustments.values()].filter((row) => !ids || ids.includes(row.transaction_id));
    return this.pageOf(rows, query, '/adjustments');
  }

  private createAdjustment(body: Json): Json {
    const transaction = this.found(this.transactions, body.transaction_id);
    if (transaction.status !== 'completed') {
      throw new Refusal(
        400,
        'adjustment_transaction_invalid_status_for_refund',
        'Only completed transactions are refunded',
      );
    }
    const before = [...this.adjustments.values()].filter((row) => row.transaction_id === transaction.id);
    if (before.some((row) => row.status === 'pending_approval')) {
      throw new Refusal(409, 'adjustment_pending_refund_request', 'A refund of it waits for approval already');
    }
    const subtotal = BigInt(transaction.details.totals.subtotal) - BigInt(transaction.details.totals.discount ?? 0);
    // A warning has moved nothing, and what was reversed came back.
    const gone = before
      .filter(({ action, status }) => status === 'approved' && ['refund', 'credit', 'chargeback'].includes(action))
      .reduce((sum, row) => sum + BigInt(row.totals.subtotal), 0n);
    const asked =
      body.type === 'full'
        ? subtotal - gone
        : (body.items ?? []).reduce((sum: bigint, item: Json) => sum + whole(item.amount, 'amount'), 0n);
    if (asked <= 0n || gone + asked > subtotal) {
      throw new Refusal(400, 'adjustment_total_amount_above_remaining_allowed', 'Not so much is left of it');
    }
    const now = this.now();
    const tax = (asked * BigInt(transaction.details.totals.tax)) / subtotal;
    const currency = transaction.currency_code;
    const money = { subtotal: `${asked}`, tax: `${tax}`, total: `${asked + tax}` };
    const lines: Json[] = transaction.details.line_items;
    const adjustment = {
      ...{ id: makeId('adj'), action: body.action, type: body.type ?? 'partial', transaction_id: transaction.id },
      ...{ subscription_id: transaction.subscription_id, customer_id: transaction.customer_id, reason: body.reason },
      ...{ credit_applied_to_balance: false, currency_code: currency, status: 'pending_approval' },
      items: lines.map((line) => ({
        ...{ id: makeId('adjitm'), item_id: line.id, type: body.type ?? 'partial', amount: null, proration: null },
        totals: money,
      })),
      totals: { ...money, fee: '0', earnings: '0', currency_code: currency },
      ...{ payout_totals: null, created_at: now, updated_at: now },
    };
    this.adjustments.set(adjustment.id, adjustment);
    this.tell('adjustment.created', adjustment);
    return adjustment;
  }

  private updateSubscription(id: string, body: Json): Json {
    const subscription = this.found(this.subscriptions, id);
    if (subscription.status === 'canceled')
      throw new Refusal(400, 'subscription_is_canceled_action_invalid', 'It has ended');
    if (body.items) {
      subscription.items = body.items.map(({ price: asked, price_id: priceId, quantity }: Json) => {
        const price = priceId
          ? this.found(this.prices, priceId)
          : this.createPrice(
              { ...asked, billing_cycle: subscription.billing_cycle },
              asked?.product ? this.createProduct(asked.product).id : asked?.product_id,
            );
        if (quantity < price.quantity.minimum || quantity > price.quantity.maximum)
          throw invalid('quantity out of range');
        return { ...subscription.items[0], price, quantity };
      });
    }
    if ('scheduled_change' in body) subscription.scheduled_change = body.scheduled_change;
    subscription.updated_at = this.now();
    this.tell('subscription.updated', subscription);
    return subscription;
  }

  private cancelSubscription(id: string, effectiveFrom = 'next_billing_period'): Json {
    const subscription = this.found(this.subscriptions, id);
    if (subscription.status === 'canceled')
      throw new Refusal(400, 'subscription_is_canceled_action_invalid', 'It has ended');
    subscription.updated_at = this.now();
    if (effectiveFrom === 'immediately') {
      Object.assign(subscription, { status: 'canceled', canceled_at: this.now(), scheduled_change: null });
      this.tell('subscription.canceled', subscription);
    } else {
      subscription.scheduled_change = { action: 'cancel', effective_at: subscription.next_billed_at, resume_at: null };
      this.tell('subscription.updated', subscription);
    }
    return subscription;
  }

  // ---- what people do ----------------------------------------------------------------------------------------------------

  /** The buyer pays on the checkout's page. Paying it again does nothing. */
  pay(transactionId: string, buyer: { readonly quantity?: number } = {}): void {
    const transaction = this.transactions.get(transactionId);
    if (!transaction) throw new Error(`no transaction ${transactionId}`);
    if (transaction.status === 'completed') return;
    for (const item of transaction.items) {
      const quantity = buyer.quantity ?? item.quantity;
      const { minimum, maximum } = item.price.quantity;
      // The page offers no more than the price lets it.
      item.quantity = Math.min(Math.max(quantity, minimum), maximum);
    }
    const now = this.now();
    transaction.customer_id ??= makeId('ctm');
    transaction.address_id ??= makeId('add');
    transaction.details = this.detailsOf(transaction.items, transaction.currency_code, this.taxPercent);
    const discount = this.discounts.get(transactionId) ?? 0n;
    for (const totals of discount > 0n ? [transaction.details.totals, transaction.details.line_items[0].totals] : []) {
      Object.assign(totals, { discount: `${discount}`, total: `${BigInt(totals.total) - discount}` });
    }
    Object.assign(transaction, { status: 'completed', billed_at: now, updated_at: now });
    const cycle = transaction.items[0].price.billing_cycle;
    if (cycle) this.subscribe(transaction, cycle);
    this.tell('transaction.completed', transaction);
  }

  private subscribe(transaction: Json, cycle: Json): void {
    const now = this.now();
    const next = addCycle(now, cycle);
    const subscription = {
      ...{
        id: makeId('sub'),
        status: 'active',
        customer_id: transaction.customer_id,
        address_id: transaction.address_id,
      },
      ...{
        business_id: null,
        currency_code: transaction.currency_code,
        created_at: now,
        updated_at: now,
        started_at: now,
      },
      ...{ first_billed_at: now, next_billed_at: next, paused_at: null, canceled_at: null, discount: null },
      ...{ collection_mode: 'automatic', billing_details: null, billing_cycle: cycle },
      current_billing_period: { starts_at: now, ends_at: next },
      ...{ scheduled_change: null, management_urls: null, custom_data: transaction.custom_data, import_meta: null },
      items: transaction.items.map(({ price, quantity }: Json) => ({
        ...{ status: 'active', quantity, recurring: true, created_at: now, updated_at: now, price },
        product: this.products.get(price.product_id),
      })),
    };
    this.subscriptions.set(subscription.id, subscription);
    transaction.subscription_id = subscription.id;
    this.tell('subscription.created', subscription);
  }

  /** A period of a subscription is over, and Paddle bills the next one by itself. */
  renew(subscriptionId: string): string {
    const subscription = this.subscriptions.get(subscriptionId);
    if (subscription?.status !== 'active') throw new Error(`${subscriptionId} is not billed`);
    const now = this.now();
    const next = addCycle(subscription.next_billed_at, subscription.billing_cycle);
    subscription.current_billing_period = { starts_at: subscription.next_billed_at, ends_at: next };
    Object.assign(subscription, { next_billed_at: next, updated_at: now });
    const id = makeId('txn');
    const items = subscription.items.map(({ price, quantity }: Json) => ({
      price_id: price.id,
      price,
      quantity,
      proration: null,
    }));
    const transaction = {
      ...{ id, status: 'completed', customer_id: subscription.customer_id, address_id: subscription.address_id },
      ...{ business_id: null, custom_data: subscription.custom_data, currency_code: subscription.currency_code },
      ...{ origin: 'subscription_recurring', subscription_id: subscriptionId, invoice_id: null, invoice_number: null },
      ...{ collection_mode: 'automatic', discount_id: null, billing_details: null, billing_period: null, items },
      ...{ payments: [], checkout: null, created_at: now, updated_at: now, billed_at: now, revised_at: null },
      details: this.detailsOf(items, subscription.currency_code, this.taxPercent),
    };
    this.transactions.set(id, transaction);
    this.tell('transaction.completed', transaction);
    return id;
  }

  /** Somebody refunds in Paddle's own pages; before tax. Paddle has to approve it. */
  refund(transactionId: string, amount?: bigint, action = 'refund'): string {
    const item = this.transactions.get(transactionId).details.line_items[0];
    return this.createAdjustment({
      ...{
        action,
        transaction_id: transactionId,
        reason: 'asked for it',
        type: amount === undefined ? 'full' : 'partial',
      },
      items: amount === undefined ? undefined : [{ item_id: item.id, type: 'partial', amount: `${amount}` }],
    }).id;
  }

  decide(adjustmentId: string, status: 'approved' | 'rejected'): void {
    const adjustment = this.adjustments.get(adjustmentId);
    Object.assign(adjustment, { status, updated_at: this.now() });
    this.tell('adjustment.updated', adjustment);
  }

  /** The bank takes a payment back: Paddle books it at once, and asks nobody. Before tax; all of it where no amount is given. */
  chargeBack(transactionId: string, amount?: bigint): string {
    return this.book(transactionId, 'chargeback', amount);
  }

  /** The bank only announces it. */
  warnOfChargeback(transactionId: string): string {
    return this.book(transactionId, 'chargeback_warning');
  }

  /** The customer's credit at Paddle instead of its money. */
  credit(transactionId: string, amount?: bigint): string {
    return this.book(transactionId, 'credit', amount);
  }

  /** A chargeback that was won, or a credit that was taken back: an adjustment of its own, and the first one says so as well. */
  reverse(adjustmentId: string): string {
    const first = this.adjustments.get(adjustmentId);
    Object.assign(first, { status: 'reversed', updated_at: this.now() });
    return this.book(first.transaction_id, `${first.action}_reverse`, BigInt(first.totals.subtotal));
  }

  /** Only the tax goes back: the buyer has given a tax number. */
  refundTax(transactionId: string): string {
    const tax = BigInt(this.transactions.get(transactionId).details.totals.tax);
    return this.book(transactionId, 'refund', 0n, tax, 'tax');
  }

  private book(transactionId: string, action: string, amount?: bigint, taxOnly?: bigint, itemType = 'partial'): string {
    const transaction = this.transactions.get(transactionId);
    const { totals, line_items: lines } = transaction.details;
    const whole = BigInt(totals.subtotal) - BigInt(totals.discount ?? 0);
    const net = amount ?? whole;
    const tax = taxOnly ?? (net * BigInt(totals.tax)) / whole;
    const now = this.now();
    const money = { subtotal: `${net}`, tax: `${tax}`, total: `${net + tax}` };
    const adjustment = {
      ...{ id: makeId('adj'), action, type: amount === undefined ? 'full' : 'partial', transaction_id: transactionId },
      ...{ subscription_id: transaction.subscription_id, customer_id: transaction.customer_id, reason: action },
      ...{
        credit_applied_to_balance: action === 'credit',
        currency_code: transaction.currency_code,
        status: 'approved',
      },
      items: lines.map((line: Json) => ({
        ...{ id: makeId('adjitm'), item_id: line.id, type: amount === undefined ? 'full' : itemType },
        ...{ amount: null, proration: null, totals: money },
      })),
      totals: { ...money, fee: '0', earnings: '0', retained_fee: '0', currency_code: transaction.currency_code },
      ...{ payout_totals: null, created_at: now, updated_at: now },
    };
    this.adjustments.set(adjustment.id, adjustment);
    this.tell('adjustment.created', adjustment);
    return adjustment.id;
  }

  /** In the dashboard: paused at once, or a pause that waits for the end of the period. */
  pause(subscriptionId: string, when: 'immediately' | 'next_billing_period' = 'immediately', resumeAt?: string): void {
    const subscription = this.subscriptions.get(subscriptionId);
    const now = this.now();
    const change = (action: string, at: string) => ({ action, effective_at: at, resume_at: resumeAt ?? null });
    if (when === 'next_billing_period') {
      Object.assign(subscription, { scheduled_change: change('pause', subscription.next_billed_at), updated_at: now });
      this.tell('subscription.updated', subscription);
      return;
    }
    const waiting = resumeAt ? { ...change('resume', resumeAt), resume_at: null } : null;
    Object.assign(subscription, { status: 'paused', paused_at: now, scheduled_change: waiting, updated_at: now });
    this.tell('subscription.updated', subscription);
    this.tell('subscription.paused', subscription);
  }

  /** A paused subscription goes on. */
  unpause(subscriptionId: string): void {
    const subscription = this.subscriptions.get(subscriptionId);
    const now = this.now();
    Object.assign(subscription, { status: 'active', paused_at: null, scheduled_change: null, updated_at: now });
    this.tell('subscription.updated', subscription);
    this.tell('subscription.resumed', subscription);
  }

  /** The card is declined at the end of a period, and Paddle goes on trying. */
  miss(subscriptionId: string): void {
    const subscription = this.subscriptions.get(subscriptionId);
    Object.assign(subscription, { status: 'past_due', updated_at: this.now() });
    this.tell('subscription.updated', subscription);
    this.tell('subscription.past_due', subscription);
  }

  /** The customer gives another card: a transaction of zero, and the new card. */
  changeCard(subscriptionId: string): string {
    const subscription = this.subscriptions.get(subscriptionId);
    const now = this.now();
    const id = makeId('txn');
    const currency = subscription.currency_code;
    const transaction = {
      ...{ id, status: 'completed', customer_id: subscription.customer_id, address_id: subscription.address_id },
      ...{ business_id: null, custom_data: subscription.custom_data, currency_code: currency },
      ...{ origin: 'subscription_payment_method_change', subscription_id: subscriptionId, invoice_id: null },
      ...{ invoice_number: null, collection_mode: 'automatic', discount_id: null, billing_details: null },
      ...{ billing_period: null, items: [], payments: [], checkout: null },
      ...{ created_at: now, updated_at: now, billed_at: now, revised_at: null },
      details: this.detailsOf([], currency, 0n),
    };
    this.transactions.set(id, transaction);
    this.tell('transaction.completed', transaction);
    this.tell('payment_method.saved', {
      ...{ id: makeId('paymtd'), customer_id: subscription.customer_id, address_id: subscription.address_id },
      ...{ type: 'card', card: null, paypal: null, origin: 'subscription', saved_at: now, updated_at: now },
    });
    subscription.updated_at = now;
    this.tell('subscription.updated', subscription);
    return id;
  }

  /** Somebody archives the customer, or Paddle deletes it on request: it is not found any more. */
  forgetCustomer(id: string): void {
    this.customers.delete(id);
  }

  /** A customer or the seller has another number of seats billed from the next period on. */
  changeQuantity(subscriptionId: string, quantity: number): void {
    const { items } = this.subscriptions.get(subscriptionId);
    const price = { ...items[0].price, quantity: { minimum: 1, maximum: 100 } };
    this.updateSubscription(subscriptionId, { items: [{ price, quantity }] });
  }

  private readonly missedSince = new Map<string, string>();

  /**
   * What Paddle does next by itself, and when: it bills a period, tries a card again, carries out what was scheduled.
   *
   * @param pays is the card good this time?
   */
  nextDue(pays: () => boolean): { readonly at: number; readonly run: () => void } | undefined {
    const due: { at: string; run: () => void }[] = [];
    for (const { id, status, scheduled_change: change, next_billed_at: next } of this.subscriptions.values()) {
      if (status === 'canceled') continue;
      if (change) due.push({ at: change.effective_at, run: () => this.carryOut(id, change) });
      else if (status === 'active') due.push({ at: next, run: () => this.bill(id, pays()) });
      else if (status === 'past_due')
        due.push({ at: this.missedSince.get(id) ?? next, run: () => this.bill(id, pays()) });
    }
    const [first] = due.sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
    return first && { at: Date.parse(first.at), run: first.run };
  }

  /** Three days between two tries; after thirty days it is given up. */
  private bill(id: string, pays: boolean): void {
    const subscription = this.subscriptions.get(id);
    if (pays) {
      this.missedSince.delete(id);
      subscription.status = 'active';
      this.renew(id);
      this.tell('subscription.updated', subscription);
    } else if (this.clock() > Date.parse(subscription.next_billed_at) + 30 * 86_400_000) {
      this.cancel(id);
    } else {
      this.missedSince.set(id, new Date(this.clock() + 3 * 86_400_000).toISOString());
      if (subscription.status === 'active') this.miss(id);
    }
  }

  private carryOut(id: string, change: Json): void {
    if (change.action === 'cancel') this.cancel(id);
    else if (change.action === 'resume') this.unpause(id);
    else this.pause(id, 'immediately', change.resume_at ?? undefined);
  }

  cancel(subscriptionId: string, when: 'immediately' | 'next_billing_period' = 'immediately'): void {
    this.cancelSubscription(subscriptionId, when);
  }

  /** The buyer takes a cancellation back in Paddle's pages. */
  resume(subscriptionId: string): void {
    this.updateSubscription(subscriptionId, { scheduled_change: null });
  }

  // ---- webhooks ----------------------------------------------------------------------------------------------------------

  private tell(type: string, data: Json): void {
    this.events.push({
      ...{ event_id: makeId('evt'), event_type: type, occurred_at: this.now(), notification_id: makeId('ntf') },
      data: structuredClone(data),
    });
  }

  sign(body: string, secrets: readonly string[] = [this.webhookSecret], age = 0): Record<string, string> {
    const time = Math.floor(this.clock() / 1_000) - age;
    const signatures = secrets.map(
      (secret) => `h1=${createHmac('sha256', secret).update(`${time}:${body}`).digest('hex')}`,
    );
    return { 'content-type': 'application/json', 'paddle-signature': [`ts=${time}`, ...signatures].join(';') };
  }

  /** Sends what waits. Answers the statuses; what was dropped is gone, what was changed stays changed. */
  async deliver(url: string, options: DeliveryOptions = {}): Promise<number[]> {
    const { repeat = 1, parallel = false, order = (events) => [...events], drop, change, secrets, age } = options;
    const waiting = order(this.events).filter((event) => !drop?.(event));
    this.events = [];
    const post = async (event: Json) => {
      const body = JSON.stringify(change ? change(structuredClone(event)) : event);
      const response = await fetch(url, { method: 'POST', body, headers: this.sign(body, secrets, age) });
      await response.arrayBuffer();
      return response.status;
    };
    const posts = waiting.flatMap((event) => Array.from({ length: repeat }, () => event));
    if (parallel) return Promise.all(posts.map(post));
    const statuses: number[] = [];
    for (const event of posts) statuses.push(await post(event));
    return statuses;
  }
}
