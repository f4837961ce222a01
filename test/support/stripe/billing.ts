import type { Books } from './books';
import { checkAmount, checkCurrency } from './currencies';
import { StripeFault } from './fault';
import { Params } from './form';
import type {
  CheckoutSession,
  Coupon,
  Customer,
  IntervalUnit,
  Invoice,
  Price,
  Product,
  Subscription,
  SubscriptionItem,
} from './objects';
import type { Payments } from './payments';

const day = 86_400;
/** Retries of a failed renewal, in days after it; then Stripe gives up as its settings say. */
const retryDays = [3, 5, 7] as const;

const intervals: readonly IntervalUnit[] = ['day', 'week', 'month', 'year'];

/** The anchor plus n intervals: the 31st is the month's last day where there is none, and the 31st again after it. */
export function addIntervals(anchor: number, interval: IntervalUnit, count: number): number {
  if (interval === 'day' || interval === 'week') return anchor + count * day * (interval === 'week' ? 7 : 1);
  const date = new Date(anchor * 1_000);
  const months = date.getUTCMonth() + count * (interval === 'year' ? 12 : 1);
  const last = new Date(Date.UTC(date.getUTCFullYear(), months + 1, 0)).getUTCDate();
  const moved = new Date(date);
  moved.setUTCFullYear(date.getUTCFullYear(), months, Math.min(date.getUTCDate(), last));
  return Math.floor(moved.getTime() / 1_000);
}

interface NewSubscription {
  readonly customer: Customer;
  readonly lines: readonly { readonly price: Price; readonly quantity: number }[];
  readonly paymentMethod: string | null;
  readonly metadata: Record<string, string>;
}

/** Products, prices, subscriptions, their invoices, and checkouts. */
export class Billing {
  /** What happens after the last retry. */
  afterRetries: 'cancel' | 'unpaid' = 'cancel';
  private serial = 0;

  constructor(
    private readonly books: Books,
    private readonly payments: Payments,
    private readonly origin: () => string,
  ) {}

  product(params: Params): Product {
    const id = params.text('id');
    if (id && this.books.find('product', id)) {
      throw StripeFault.invalid(`Product already exists.`, 'id', 'resource_already_exists');
    }
    const product = this.books.make('product', {
      ...(id ? { id } : {}),
      name: params.required('name'),
      description: params.text('description') ?? null,
      active: params.flag('active') ?? true,
      metadata: params.metadata(),
      updated: this.books.now(),
    });
    this.books.emit('product.created', product);
    return product;
  }

  updateProduct(product: Product, params: Params): Product {
    product.name = params.text('name') ?? product.name;
    product.description = params.text('description') ?? product.description;
    product.active = params.flag('active') ?? product.active;
    product.metadata = { ...product.metadata, ...params.metadata() };
    product.updated = this.books.now();
    this.books.emit('product.updated', product);
    return product;
  }

  price(params: Params): Price {
    const currency = checkCurrency(params.required('currency'));
    const recurring = params.object('recurring', ['interval', 'interval_count', 'usage_type']);
    const unitAmount = params.integer('unit_amount');
    if (unitAmount === undefined) {
      throw StripeFault.invalid('Missing required param: unit_amount.', 'unit_amount', 'parameter_missing');
    }
    const lookupKey = params.text('lookup_key') ?? null;
    const holder = this.books.all('price').find((price) => lookupKey !== null && price.lookup_key === lookupKey);
    if (holder) {
      if (!params.flag('transfer_lookup_key')) {
        throw StripeFault.invalid(`A price (\`${holder.id}\`) already uses that lookup key.`, 'lookup_key');
      }
      holder.lookup_key = null;
    }
    const price = this.books.make('price', {
      product: this.books.get('product', params.required('product'), 'product').id,
      active: params.flag('active') ?? true,
      currency,
      unit_amount: unitAmount === 0 ? 0 : checkAmount(unitAmount, currency, 'unit_amount'),
      unit_amount_decimal: String(unitAmount),
      type: recurring ? 'recurring' : 'one_time',
      recurring: recurring
        ? {
            interval: recurring.oneOf('interval', intervals) ?? 'month',
            interval_count: recurring.integer('interval_count') ?? 1,
            usage_type: 'licensed',
          }
        : null,
      lookup_key: lookupKey,
      nickname: params.text('nickname') ?? null,
      metadata: params.metadata(),
    });
    this.books.emit('price.created', price);
    return price;
  }

  /** An amount never changes: a new one is a new price. */
  updatePrice(price: Price, params: Params): Price {
    price.active = params.flag('active') ?? price.active;
    price.nickname = params.text('nickname') ?? price.nickname;
    price.metadata = { ...price.metadata, ...params.metadata() };
    this.books.emit('price.updated', price);
    return price;
  }

  checkout(params: Params): CheckoutSession {
    const mode = params.oneOf('mode', ['setup', 'subscription', 'payment']);
    if (!mode) throw StripeFault.invalid('You must provide `mode`.', 'mode', 'parameter_missing');
    const customerId = params.text('customer');
    if (customerId) this.books.get('customer', customerId, 'customer');
    const items = params.list('line_items', ['price', 'quantity', 'price_data']).map((item) => ({
      price: item.has('price')
        ? this.books.get('price', item.required('price'), 'line_items[0][price]')
        : this.inlinePrice(item),
      quantity: item.integer('quantity') ?? 1,
    }));
    if (mode === 'setup' && items.length > 0) throw StripeFault.invalid('Setup has no line_items.', 'line_items');
    if (mode === 'setup' && !params.text('currency') && !params.has('allowed_payment_method_types')) {
      throw StripeFault.invalid('Setup mode needs a currency.', 'currency', 'parameter_missing');
    }
    if (mode !== 'setup' && items.length === 0) {
      throw StripeFault.invalid('You must provide line_items.', 'line_items', 'parameter_missing');
    }
    for (const { price, quantity } of items) {
      if (!price.active) throw StripeFault.invalid('The price specified is inactive.', 'line_items[0][price]');
      if (mode === 'subscription' && !price.recurring) {
        throw StripeFault.invalid('You specified `subscription` mode but passed no recurring price.', 'line_items');
      }
      if (quantity < 1) throw StripeFault.invalid('The quantity is at least 1.', 'line_items[0][quantity]');
    }
    const subscriptionData = params.object('subscription_data', ['metadata', 'description', 'trial_period_days']);
    const now = this.books.now();
    const expiresAt = params.integer('expires_at') ?? now + day;
    if (expiresAt < now + 1_700 || expiresAt > now + day + 60) {
      throw StripeFault.invalid('`expires_at` lies between 30 minutes and 24 hours from now.', 'expires_at');
    }
    const id = this.books.newId('checkout.session');
    const total = items.reduce((sum, { price, quantity }) => sum + price.unit_amount * quantity, 0);
    const session = this.books.make('checkout.session', {
      id,
      mode,
      status: 'open',
      payment_status: mode === 'setup' ? 'no_payment_required' : 'unpaid',
      url: `${this.origin()}/c/pay/${id}`,
      customer: customerId ?? null,
      client_reference_id: params.text('client_reference_id') ?? null,
      subscription: null,
      setup_intent: null,
      payment_intent: null,
      invoice: null,
      currency: items[0]?.price.currency ?? params.text('currency') ?? null,
      amount_subtotal: mode === 'setup' ? null : total,
      amount_total: mode === 'setup' ? null : total,
      success_url: params.text('success_url') ?? null,
      cancel_url: params.text('cancel_url') ?? null,
      expires_at: expiresAt,
      metadata: params.metadata(),
    });
    this.sessions.set(id, {
      items,
      subscriptionMetadata: subscriptionData?.metadata() ?? {},
      intentMetadata: params.object('payment_intent_data', ['metadata', 'description'])?.metadata() ?? {},
      setupMetadata: params.object('setup_intent_data', ['metadata', 'description'])?.metadata() ?? {},
    });
    return session;
  }

  private inlinePrice(item: Params): Price {
    const data = item.object('price_data', ['currency', 'unit_amount', 'product', 'product_data', 'recurring']);
    if (!data) throw StripeFault.invalid('Missing price or price_data.', 'line_items[0]', 'parameter_missing');
    const product = data.object('product_data', ['name', 'description', 'metadata']);
    const id = data.text('product') ?? (product && this.product(product).id);
    if (!id) throw StripeFault.invalid('Missing product.', 'line_items[0][price_data]', 'parameter_missing');
    const { product_data: _, ...rest } = data.form;
    return this.price(new Params({ ...rest, product: id }));
  }

  private readonly sessions = new Map<
    string,
    {
      readonly items: readonly { readonly price: Price; readonly quantity: number }[];
      readonly subscriptionMetadata: Record<string, string>;
      readonly setupMetadata: Record<string, string>;
      readonly intentMetadata: Record<string, string>;
    }
  >();

  expire(session: CheckoutSession): CheckoutSession {
    if (session.status !== 'open') {
      throw StripeFault.invalid(`Only Checkout Sessions with a status of \`open\` can be expired.`);
    }
    session.status = 'expired';
    session.url = null;
    this.books.emit('checkout.session.expired', session);
    return session;
  }

  /** What the customer does in the browser: enters a card and presses the button. */
  complete(session: CheckoutSession, card: string): CheckoutSession {
    if (session.status === 'open' && session.expires_at <= this.books.now()) this.expire(session);
    if (session.status !== 'open') throw StripeFault.invalid(`The session is ${session.status}.`);
    const { items, subscriptionMetadata, setupMetadata, intentMetadata } = this.sessions.get(session.id)!;
    const customer = session.customer
      ? this.books.get('customer', session.customer)
      : this.customer({ email: null, name: null, metadata: {} });
    session.customer = customer.id;
    if (session.mode === 'setup') {
      const intent = this.payments.setupIntent(customer, setupMetadata, 'off_session');
      session.setup_intent = intent.id;
      this.payments.confirmSetup(intent, this.payments.methodFor(card));
    } else if (session.mode === 'payment') {
      const request = {
        ...{ amount: session.amount_total!, currency: session.currency!, customer: customer.id },
        ...{ metadata: intentMetadata, description: null },
      };
      const intent = this.payments.intent(request, null);
      session.payment_intent = this.payments.confirm(intent, this.payments.methodFor(card), false, true).id;
      session.payment_status = 'paid';
    } else {
      const method = this.payments.methodFor(card);
      this.payments.attach(method, customer);
      const subscription = this.subscribe({
        ...{ customer, lines: items, metadata: subscriptionMetadata },
        paymentMethod: method.id,
      });
      session.subscription = subscription.id;
      session.invoice = subscription.latest_invoice;
      session.payment_status = 'paid';
    }
    session.status = 'complete';
    session.url = null;
    this.books.emit('checkout.session.completed', session);
    return session;
  }

  customer(fields: Pick<Customer, 'email' | 'name' | 'metadata'>): Customer {
    const customer = this.books.make('customer', {
      ...fields,
      invoice_settings: { default_payment_method: null },
      balance: 0,
    });
    this.books.emit('customer.created', customer);
    return customer;
  }

  /** A subscription with its first invoice paid. A declined card is the checkout's error; nothing is left of it. */
  subscribe({ customer, lines, paymentMethod, metadata }: NewSubscription): Subscription {
    const now = this.books.now();
    const id = this.books.newId('subscription');
    const subscription = this.books.make('subscription', {
      id,
      customer: customer.id,
      status: 'active',
      currency: lines[0]!.price.currency,
      items: { object: 'list', data: [], has_more: false, url: `/v1/subscription_items?subscription=${id}` },
      billing_cycle_anchor: now,
      cancel_at: null,
      cancel_at_period_end: false,
      canceled_at: null,
      ended_at: null,
      start_date: now,
      latest_invoice: null,
      default_payment_method: paymentMethod,
      ...{ discounts: [], pause_collection: null, trial_end: null },
      cancellation_details: { comment: null, feedback: null, reason: null },
      metadata,
    });
    for (const { price, quantity } of lines) {
      const item = this.books.make('subscription_item', {
        subscription: id,
        price: structuredClone(price),
        quantity,
        current_period_start: now,
        current_period_end: addIntervals(now, price.recurring!.interval, price.recurring!.interval_count),
        metadata: {},
      });
      subscription.items.data.push(item);
    }
    const invoice = this.invoice(subscription, 'subscription_create');
    if (!this.pay(invoice, subscription, true)) {
      const intent = this.books.get('payment_intent', invoice.payments.data[0]!.payment.payment_intent);
      this.books.drop('subscription', id);
      for (const item of subscription.items.data) this.books.drop('subscription_item', item.id);
      this.books.drop('invoice', invoice.id);
      throw new StripeFault(402, intent.last_payment_error!);
    }
    this.books.emit('customer.subscription.created', subscription);
    this.tellPaid(invoice);
    return subscription;
  }

  private invoice(subscription: Subscription, reason: Invoice['billing_reason']): Invoice {
    this.serial += 1;
    const id = this.books.newId('invoice');
    const lines = subscription.items.data.map((item) => ({
      id: `il_${item.id}_${this.serial}`,
      object: 'line_item' as const,
      created: this.books.now(),
      livemode: subscription.livemode,
      amount: item.price.unit_amount * item.quantity,
      currency: subscription.currency,
      quantity: item.quantity,
      period: { start: item.current_period_start, end: item.current_period_end },
      pricing: {
        type: 'price_details' as const,
        price_details: { price: item.price.id, product: item.price.product },
      },
      parent: {
        type: 'subscription_item_details' as const,
        subscription_item_details: {
          subscription: subscription.id,
          subscription_item: item.id,
          proration: false,
        },
      },
    }));
    const subtotal = lines.reduce((sum, line) => sum + line.amount, 0);
    const total = subtotal - this.discountOn(subscription, subtotal);
    const customer = this.books.get('customer', subscription.customer);
    // The customer's balance pays first; what it owes is collected too.
    const due = Math.max(0, total + customer.balance);
    const before = customer.balance;
    customer.balance = total + before - due;
    const invoice = this.books.make('invoice', {
      id,
      number: `STANDIN-${String(this.serial).padStart(4, '0')}`,
      customer: subscription.customer,
      currency: subscription.currency,
      status: 'open',
      billing_reason: reason,
      total,
      subtotal,
      amount_due: due,
      amount_paid: 0,
      amount_remaining: due,
      ...{ starting_balance: before, ending_balance: customer.balance, post_payment_credit_notes_amount: 0 },
      attempt_count: 0,
      attempted: false,
      next_payment_attempt: null,
      // As Stripe has it: the period before; what is billed in advance stands in the lines.
      period_start: subscription.items.data[0]!.current_period_start,
      period_end: subscription.items.data[0]!.current_period_start,
      lines: { object: 'list', data: lines, has_more: false, url: `/v1/invoices/${id}/lines` },
      parent: {
        type: 'subscription_details',
        quote_details: null,
        subscription_details: { subscription: subscription.id, metadata: subscription.metadata },
      },
      payments: { object: 'list', data: [], has_more: false, url: `/v1/invoice_payments?invoice=${id}` },
      status_transitions: { finalized_at: this.books.now(), paid_at: null },
      metadata: {},
    });
    subscription.latest_invoice = id;
    this.books.emit('invoice.created', invoice);
    this.books.emit('invoice.finalized', invoice);
    return invoice;
  }

  private discountOn(subscription: Subscription, subtotal: number): number {
    const coupons = subscription.discounts.map((id) => this.books.get('coupon', id));
    // One that is given once is used up.
    subscription.discounts = coupons.filter(({ duration }) => duration === 'forever').map(({ id }) => id);
    return coupons.reduce(
      (sum, { percent_off, amount_off }) =>
        Math.min(subtotal, sum + (amount_off ?? Math.round((subtotal * (percent_off ?? 0)) / 100))),
      0,
    );
  }

  coupon(params: Params): Coupon {
    return this.books.make('coupon', {
      ...(params.text('id') ? { id: params.text('id')! } : {}),
      percent_off: params.integer('percent_off') ?? null,
      amount_off: params.integer('amount_off') ?? null,
      currency: params.text('currency') ?? null,
      duration: params.oneOf('duration', ['once', 'forever']) ?? 'once',
      valid: true,
    });
  }

  /** As a trial without a card ends, where the account says so; anything else that pauses looks the same. */
  pause(subscription: Subscription): Subscription {
    subscription.status = 'paused';
    this.books.emit('customer.subscription.paused', subscription);
    return subscription;
  }

  resume(subscription: Subscription): Subscription {
    if (subscription.status !== 'paused') throw StripeFault.invalid('The subscription is not paused.');
    subscription.status = 'active';
    this.books.emit('customer.subscription.resumed', subscription);
    return subscription;
  }

  /** A customer that is deleted takes its subscriptions along; it stays to be read, as deleted. */
  deleteCustomer(customer: Customer): object {
    for (const subscription of this.books.all('subscription')) {
      if (subscription.customer === customer.id && subscription.status !== 'canceled') this.cancel(subscription);
    }
    for (const method of this.books.all('payment_method')) if (method.customer === customer.id) method.customer = null;
    this.books.drop('customer', customer.id);
    this.deleted.add(customer.id);
    this.books.emit('customer.deleted', customer);
    return this.tombstone(customer.id);
  }

  private readonly deleted = new Set<string>();
  private readonly tombstone = (id: string) => ({ id, object: 'customer', deleted: true });

  readCustomer(id: string): object {
    return this.deleted.has(id) ? this.tombstone(id) : this.books.get('customer', id);
  }

  /** One attempt to collect an invoice. */
  private pay(invoice: Invoice, subscription: Subscription, onSession: boolean): boolean {
    const customer = this.books.get('customer', invoice.customer);
    // One that was taken away is none.
    const method = [subscription.default_payment_method, customer.invoice_settings.default_payment_method].find(
      (id) => id && this.books.get('payment_method', id).customer === customer.id,
    );
    invoice.attempt_count += 1;
    invoice.attempted = true;
    if (invoice.amount_due > 0) {
      const intents = new Set(this.books.all('payment_intent').map(({ id }) => id));
      const intent = method
        ? this.payments.collect({
            amount: invoice.amount_due,
            currency: invoice.currency,
            customer: invoice.customer,
            paymentMethod: method,
            offSession: !onSession,
            metadata: {},
            description: `Invoice ${invoice.number}`,
          })
        : undefined;
      const made = intent ?? this.books.all('payment_intent').find(({ id }) => !intents.has(id));
      if (made) {
        invoice.payments.data = [
          {
            id: `inpay_${made.id}`,
            object: 'invoice_payment',
            payment: { type: 'payment_intent', payment_intent: made.id },
          },
        ];
      }
      if (intent?.status !== 'succeeded') return false;
    }
    invoice.status = 'paid';
    invoice.amount_paid = invoice.amount_due;
    invoice.amount_remaining = 0;
    invoice.next_payment_attempt = null;
    invoice.status_transitions.paid_at = this.books.now();
    return true;
  }

  private tellPaid(invoice: Invoice): void {
    this.books.emit('invoice.paid', invoice);
    this.books.emit('invoice.payment_succeeded', invoice);
  }

  /** Pays an open invoice by hand, or by a retry: a subscription that was past due runs again. */
  payInvoice(invoice: Invoice): Invoice {
    if (invoice.status !== 'open') {
      throw StripeFault.invalid(`Invoice is ${invoice.status}.`, undefined, 'invoice_not_payable');
    }
    const subscription = this.books.get('subscription', invoice.parent.subscription_details.subscription);
    if (!this.pay(invoice, subscription, false)) {
      const intent = invoice.payments.data[0];
      this.books.emit('invoice.payment_failed', invoice);
      throw new StripeFault(
        402,
        intent
          ? this.books.get('payment_intent', intent.payment.payment_intent).last_payment_error!
          : { type: 'invalid_request_error', message: 'The customer has no payment method.' },
      );
    }
    this.tellPaid(invoice);
    const recovers = subscription.status === 'past_due' || subscription.status === 'unpaid';
    if (recovers && subscription.latest_invoice === invoice.id) {
      subscription.status = 'active';
      this.books.emit('customer.subscription.updated', subscription);
    }
    return invoice;
  }

  update(subscription: Subscription, params: Params): Subscription {
    if (subscription.status === 'canceled') {
      throw StripeFault.missing('subscription', subscription.id);
    }
    if (params.has('cancel_at') && params.has('cancel_at_period_end')) {
      throw StripeFault.invalid('You may only specify one of these parameters: cancel_at, cancel_at_period_end.');
    }
    if (params.has('cancel_at')) {
      const at = params.integer('cancel_at') ?? null;
      subscription.cancel_at = at;
      subscription.cancel_at_period_end = false;
      subscription.canceled_at = at === null ? null : this.books.now();
    }
    if (params.has('pause_collection')) {
      const pause = params.object('pause_collection', ['behavior', 'resumes_at']);
      const behavior = pause?.oneOf('behavior', ['keep_as_draft', 'mark_uncollectible', 'void']);
      subscription.pause_collection = behavior ? { behavior, resumes_at: pause?.integer('resumes_at') ?? null } : null;
    }
    if (params.has('discounts')) {
      subscription.discounts = params
        .list('discounts', ['coupon'])
        .map((discount) => this.books.get('coupon', discount.required('coupon'), 'discounts[0][coupon]').id);
    }
    const atEnd = params.flag('cancel_at_period_end');
    if (atEnd !== undefined) {
      subscription.cancel_at_period_end = atEnd;
      subscription.cancel_at = atEnd ? subscription.items.data[0]!.current_period_end : null;
      subscription.canceled_at = atEnd ? this.books.now() : null;
    }
    const method = params.text('default_payment_method');
    if (method) subscription.default_payment_method = this.books.get('payment_method', method).id;
    subscription.metadata = { ...subscription.metadata, ...params.metadata() };
    for (const changed of params.list('items', ['id', 'quantity', 'price', 'deleted'])) {
      const item = subscription.items.data.find(({ id }) => id === changed.text('id'));
      if (!item) throw StripeFault.missing('subscription_item', changed.text('id') ?? '', 'items[0][id]', 400);
      if (changed.flag('deleted')) this.removeItem(item);
      item.quantity = changed.integer('quantity') ?? item.quantity;
      const price = changed.text('price');
      if (price) item.price = structuredClone(this.books.get('price', price, 'items[0][price]'));
    }
    this.books.emit('customer.subscription.updated', subscription);
    return subscription;
  }

  removeItem(item: SubscriptionItem): void {
    const subscription = this.books.get('subscription', item.subscription);
    if (subscription.items.data.length === 1) {
      throw StripeFault.invalid(
        'A subscription must have at least one active plan. To cancel, delete the subscription.',
      );
    }
    subscription.items.data = subscription.items.data.filter(({ id }) => id !== item.id);
    this.books.drop('subscription_item', item.id);
  }

  cancel(subscription: Subscription): Subscription {
    if (subscription.status === 'canceled') throw StripeFault.missing('subscription', subscription.id);
    subscription.status = 'canceled';
    subscription.canceled_at ??= this.books.now();
    subscription.ended_at = this.books.now();
    for (const invoice of this.books.all('invoice')) {
      if (invoice.status === 'open' && invoice.parent.subscription_details.subscription === subscription.id) {
        invoice.next_payment_attempt = null;
      }
    }
    this.books.emit('customer.subscription.deleted', subscription);
    return subscription;
  }

  /** When something is due next: a renewal, an end, a retry. */
  private nextDue(): { readonly at: number; readonly run: () => void } | undefined {
    const due: { at: number; run: () => void }[] = [];
    for (const subscription of this.books.all('subscription')) {
      const { status, items } = subscription;
      if (status !== 'active' && status !== 'past_due' && status !== 'unpaid') continue;
      due.push({ at: items.data[0]!.current_period_end, run: () => this.renew(subscription) });
      const { cancel_at: date, cancel_at_period_end: atEnd } = subscription;
      if (date !== null && !atEnd) due.push({ at: date, run: () => void this.cancel(subscription) });
    }
    for (const invoice of this.books.all('invoice')) {
      if (invoice.status === 'open' && invoice.next_payment_attempt !== null) {
        due.push({ at: invoice.next_payment_attempt, run: () => this.retry(invoice) });
      }
    }
    for (const session of this.books.all('checkout.session')) {
      if (session.status === 'open') due.push({ at: session.expires_at, run: () => void this.expire(session) });
    }
    return due.sort((first, second) => first.at - second.at)[0];
  }

  /** Lets time pass: everything that falls due happens at its own time, and is told of before time goes on. */
  async advanceTo(seconds: number, told: () => Promise<void>): Promise<void> {
    for (let steps = 0; steps < 10_000; steps += 1) {
      const next = this.nextDue();
      if (!next || next.at > seconds) break;
      this.books.setNow(Math.max(next.at, this.books.now()));
      next.run();
      await told();
    }
    this.books.setNow(seconds);
  }

  private renew(subscription: Subscription): void {
    const { cancel_at: date } = subscription;
    if (subscription.cancel_at_period_end || (date !== null && date <= this.books.now())) {
      this.cancel(subscription);
      return;
    }
    for (const item of subscription.items.data) {
      const { interval, interval_count: count } = item.price.recurring!;
      const start = item.current_period_end;
      let periods = 1;
      while (addIntervals(subscription.billing_cycle_anchor, interval, periods * count) <= start) periods += 1;
      item.current_period_start = start;
      item.current_period_end = addIntervals(subscription.billing_cycle_anchor, interval, periods * count);
    }
    const invoice = this.invoice(subscription, 'subscription_cycle');
    if (subscription.pause_collection) {
      const states = { keep_as_draft: 'draft', mark_uncollectible: 'uncollectible', void: 'void' } as const;
      invoice.status = states[subscription.pause_collection.behavior];
      this.books.emit('customer.subscription.updated', subscription);
      return;
    }
    if (subscription.status === 'unpaid') {
      // It is left as a draft that nobody collects.
      invoice.status = 'draft';
      this.books.emit('customer.subscription.updated', subscription);
      return;
    }
    const paid = this.pay(invoice, subscription, false);
    if (paid) this.tellPaid(invoice);
    else {
      subscription.status = 'past_due';
      invoice.next_payment_attempt = this.books.now() + retryDays[0] * day;
      this.books.emit('invoice.payment_failed', invoice);
    }
    this.books.emit('customer.subscription.updated', subscription);
  }

  private retry(invoice: Invoice): void {
    const subscription = this.books.get('subscription', invoice.parent.subscription_details.subscription);
    if (this.pay(invoice, subscription, false)) {
      this.tellPaid(invoice);
      subscription.status = 'active';
      this.books.emit('customer.subscription.updated', subscription);
      return;
    }
    const next = retryDays[invoice.attempt_count - 1];
    invoice.next_payment_attempt = next === undefined ? null : this.books.now() + next * day;
    this.books.emit('invoice.payment_failed', invoice);
    if (next !== undefined) return;
    if (this.afterRetries === 'cancel') {
      this.cancel(subscription);
    } else {
      subscription.status = 'unpaid';
      this.books.emit('customer.subscription.updated', subscription);
    }
  }
}
