import type { Billing } from './billing';
import type { Books, Kind } from './books';
import { StripeFault } from './fault';
import type { Params } from './form';
import type { Thing } from './objects';
import type { Payments } from './payments';

export interface Call {
  readonly ids: readonly string[];
  readonly params: Params;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly pattern: RegExp;
  readonly accepts: readonly string[];
  readonly run: (call: Call) => object;
}

export interface Shop {
  readonly books: Books;
  readonly payments: Payments;
  readonly billing: Billing;
  readonly origin: () => string;
}

const paging = ['limit', 'starting_after', 'ending_before', 'created'];

/** A page, newest first, with the cursors of Stripe's lists. */
function page<T extends Thing>(url: string, things: readonly T[], params: Params): object {
  const limit = params.integer('limit') ?? 10;
  if (limit < 1 || limit > 100) throw StripeFault.invalid('Limit is between 1 and 100.', 'limit');
  const created = params.object('created', ['gt', 'gte', 'lt', 'lte']);
  const within = things.filter(
    (thing) =>
      !created ||
      (thing.created > (created.integer('gt') ?? -1) &&
        thing.created >= (created.integer('gte') ?? 0) &&
        thing.created < (created.integer('lt') ?? Number.MAX_SAFE_INTEGER) &&
        thing.created <= (created.integer('lte') ?? Number.MAX_SAFE_INTEGER)),
  );
  const at = (id: string) => {
    const index = within.findIndex((thing) => thing.id === id);
    if (index < 0) throw StripeFault.missing(within[0]?.object ?? 'object', id, 'starting_after', 400);
    return index;
  };
  const after = params.text('starting_after');
  const before = params.text('ending_before');
  const rest = after ? within.slice(at(after) + 1) : before ? within.slice(0, at(before)) : within;
  const data = before ? rest.slice(-limit) : rest.slice(0, limit);
  return { object: 'list', data, has_more: rest.length > data.length, url };
}

/** What the API offers here. Everything else is 404, as an error. */
export function routesOf({ books, payments, billing, origin }: Shop): Route[] {
  const routes: Route[] = [];
  const add = (method: Route['method'], path: string, accepts: readonly string[], run: Route['run']) => {
    const pattern = new RegExp(`^${path.replaceAll(':id', '([^/]+)')}$`);
    routes.push({ method, pattern, accepts: [...accepts, 'expand'], run });
  };
  const read = (path: string, kind: Kind) =>
    add('GET', `${path}/:id`, [], ({ ids }) => books.get(kind, decodeURIComponent(ids[0]!)));
  const list = <K extends Kind>(
    path: string,
    kind: K,
    filters: readonly string[] = [],
    fits: (thing: ReturnType<typeof books.get<K>>, params: Params) => boolean = () => true,
  ) =>
    add('GET', path, [...paging, ...filters], ({ params }) =>
      page(
        path,
        books.all(kind).filter((thing) => fits(thing, params)),
        params,
      ),
    );
  const equal = (params: Params, name: string, value: string | null) =>
    !params.has(name) || params.text(name) === value;

  // Customers and their cards.
  add('POST', '/v1/customers', ['email', 'name', 'metadata', 'payment_method', 'invoice_settings'], ({ params }) => {
    const customer = billing.customer({
      email: params.text('email') ?? null,
      name: params.text('name') ?? null,
      metadata: params.metadata(),
    });
    const method = params.text('payment_method');
    if (method) payments.attach(payments.methodFor(method), customer);
    return customer;
  });
  add('POST', '/v1/customers/:id', ['email', 'name', 'metadata', 'invoice_settings', 'balance'], ({ ids, params }) => {
    const customer = books.get('customer', ids[0]!);
    customer.balance = params.integer('balance') ?? customer.balance;
    customer.email = params.text('email') ?? customer.email;
    customer.name = params.text('name') ?? customer.name;
    customer.metadata = { ...customer.metadata, ...params.metadata() };
    const method = params.object('invoice_settings', ['default_payment_method'])?.text('default_payment_method');
    if (method) {
      const { customer: owner } = books.get('payment_method', method, 'invoice_settings[default_payment_method]');
      if (owner !== customer.id) throw StripeFault.missing('payment_method', method, 'invoice_settings', 400);
      customer.invoice_settings.default_payment_method = method;
    }
    books.emit('customer.updated', customer);
    return customer;
  });
  add('GET', '/v1/customers/:id', [], ({ ids }) => billing.readCustomer(ids[0]!));
  add('DELETE', '/v1/customers/:id', [], ({ ids }) => billing.deleteCustomer(books.get('customer', ids[0]!)));
  list('/v1/customers', 'customer', ['email'], (customer, params) => equal(params, 'email', customer.email));
  add('GET', '/v1/customers/:id/payment_methods', [...paging, 'type'], ({ ids, params }) => {
    const { id } = books.get('customer', ids[0]!);
    const methods = books.all('payment_method').filter(({ customer }) => customer === id);
    return page(`/v1/customers/${id}/payment_methods`, methods, params);
  });

  read('/v1/payment_methods', 'payment_method');
  list('/v1/payment_methods', 'payment_method', ['customer', 'type'], (method, params) =>
    equal(params, 'customer', method.customer),
  );
  add('POST', '/v1/payment_methods/:id/attach', ['customer'], ({ ids, params }) =>
    payments.attach(payments.methodFor(ids[0]!), books.get('customer', params.required('customer'), 'customer')),
  );
  add('POST', '/v1/payment_methods/:id/detach', [], ({ ids }) => payments.detach(books.get('payment_method', ids[0]!)));

  add(
    'POST',
    '/v1/setup_intents',
    [
      'customer',
      'payment_method',
      'confirm',
      'usage',
      'metadata',
      'automatic_payment_methods',
      'allowed_payment_method_types',
    ],
    ({ params }) => {
      const customer = params.text('customer');
      const intent = payments.setupIntent(
        customer ? books.get('customer', customer, 'customer') : null,
        params.metadata(),
        params.oneOf('usage', ['off_session', 'on_session']) ?? 'off_session',
      );
      return params.flag('confirm')
        ? payments.confirmSetup(intent, payments.methodFor(params.required('payment_method')))
        : intent;
    },
  );
  add('POST', '/v1/setup_intents/:id/confirm', ['payment_method', 'return_url'], ({ ids, params }) =>
    payments.confirmSetup(books.get('setup_intent', ids[0]!), payments.methodFor(params.required('payment_method'))),
  );
  read('/v1/setup_intents', 'setup_intent');
  list('/v1/setup_intents', 'setup_intent', ['customer'], (intent, params) =>
    equal(params, 'customer', intent.customer),
  );

  // Money.
  add(
    'POST',
    '/v1/payment_intents',
    [
      ...['amount', 'currency', 'customer', 'payment_method', 'confirm', 'off_session', 'description', 'metadata'],
      ...[
        'allowed_payment_method_types',
        'error_on_requires_action',
        'automatic_payment_methods',
        'setup_future_usage',
      ],
    ],
    ({ params }) => {
      const amount = params.integer('amount');
      if (amount === undefined) {
        throw StripeFault.invalid('Missing required param: amount.', 'amount', 'parameter_missing');
      }
      const customer = params.text('customer') ?? null;
      if (customer) books.get('customer', customer, 'customer');
      const request = {
        ...{ amount, customer },
        currency: params.required('currency'),
        description: params.text('description') ?? null,
        metadata: params.metadata(),
      };
      const method = params.has('payment_method') ? payments.methodFor(params.required('payment_method')) : undefined;
      const intent = payments.intent(request, method?.id ?? null);
      if (!params.flag('confirm')) return intent;
      if (!method) throw StripeFault.invalid('A method is needed to confirm.', 'payment_method', 'parameter_missing');
      return payments.confirm(intent, method, params.flag('off_session') ?? false);
    },
  );
  add('POST', '/v1/payment_intents/:id/confirm', ['payment_method', 'off_session', 'return_url'], ({ ids, params }) => {
    const intent = books.get('payment_intent', ids[0]!);
    const method = params.text('payment_method') ?? intent.payment_method;
    if (!method) throw StripeFault.invalid('A method is needed to confirm.', 'payment_method', 'parameter_missing');
    return payments.confirm(intent, payments.methodFor(method), params.flag('off_session') ?? false);
  });
  add('POST', '/v1/payment_intents/:id/cancel', ['cancellation_reason'], ({ ids }) => {
    const intent = books.get('payment_intent', ids[0]!);
    if (intent.status === 'succeeded' || intent.status === 'canceled') {
      throw StripeFault.invalid(
        `You cannot cancel this PaymentIntent because it has a status of ${intent.status}.`,
        undefined,
        'payment_intent_unexpected_state',
      );
    }
    intent.status = 'canceled';
    books.emit('payment_intent.canceled', intent);
    return intent;
  });
  add('GET', '/v1/payment_intents/search', ['query', 'limit', 'page'], ({ params }) => {
    const query = /^metadata\["([^"]+)"\]:"([^"]+)"$/.exec(params.required('query'));
    if (!query) throw StripeFault.invalid('The query cannot be parsed.', 'query');
    // The index is a minute behind.
    const known = books.all('payment_intent').filter(({ created }) => created <= books.now() - 60);
    const data = known.filter(({ metadata }) => metadata[query[1]!] === query[2]);
    return { object: 'search_result', data, has_more: false, next_page: null, url: '/v1/payment_intents/search' };
  });
  read('/v1/payment_intents', 'payment_intent');
  list('/v1/payment_intents', 'payment_intent', ['customer'], (intent, params) =>
    equal(params, 'customer', intent.customer),
  );
  read('/v1/charges', 'charge');
  list('/v1/charges', 'charge', ['customer', 'payment_intent'], (charge, params) =>
    ['customer', 'payment_intent'].every((name) =>
      equal(params, name, name === 'customer' ? charge.customer : charge.payment_intent),
    ),
  );
  add('POST', '/v1/refunds', ['payment_intent', 'charge', 'amount', 'reason', 'metadata'], ({ params }) =>
    payments.refund(params),
  );
  read('/v1/refunds', 'refund');
  list(
    '/v1/refunds',
    'refund',
    ['payment_intent', 'charge'],
    (refund, params) =>
      equal(params, 'payment_intent', refund.payment_intent) && equal(params, 'charge', refund.charge),
  );
  read('/v1/disputes', 'dispute');
  list(
    '/v1/disputes',
    'dispute',
    ['charge', 'payment_intent'],
    (dispute, params) =>
      equal(params, 'payment_intent', dispute.payment_intent) && equal(params, 'charge', dispute.charge),
  );

  // What is sold.
  add('POST', '/v1/products', ['id', 'name', 'description', 'active', 'metadata'], ({ params }) =>
    billing.product(params),
  );
  add('POST', '/v1/products/:id', ['name', 'description', 'active', 'metadata'], ({ ids, params }) =>
    billing.updateProduct(books.get('product', ids[0]!), params),
  );
  read('/v1/products', 'product');
  list(
    '/v1/products',
    'product',
    ['active', 'ids'],
    (product, params) =>
      equal(params, 'active', String(product.active)) &&
      (!params.has('ids') || params.texts('ids').includes(product.id)),
  );
  add(
    'POST',
    '/v1/prices',
    [
      ...['product', 'currency', 'unit_amount', 'recurring', 'lookup_key', 'transfer_lookup_key'],
      ...['nickname', 'active', 'metadata'],
    ],
    ({ params }) => billing.price(params),
  );
  add('POST', '/v1/prices/:id', ['active', 'nickname', 'metadata', 'lookup_key'], ({ ids, params }) =>
    billing.updatePrice(books.get('price', ids[0]!), params),
  );
  read('/v1/prices', 'price');
  list(
    '/v1/prices',
    'price',
    ['product', 'active', 'lookup_keys', 'type'],
    (price, params) =>
      equal(params, 'product', price.product) &&
      equal(params, 'active', String(price.active)) &&
      (!params.has('lookup_keys') || params.texts('lookup_keys').includes(price.lookup_key ?? '')),
  );

  // Checkout, subscriptions, invoices.
  add(
    'POST',
    '/v1/checkout/sessions',
    [
      ...['mode', 'customer', 'client_reference_id', 'line_items', 'success_url', 'cancel_url', 'metadata', 'currency'],
      ...[
        'subscription_data',
        'setup_intent_data',
        'expires_at',
        'allowed_payment_method_types',
        'custom_text',
        'locale',
        'payment_intent_data',
      ],
    ],
    ({ params }) => billing.checkout(params),
  );
  add('POST', '/v1/checkout/sessions/:id/expire', [], ({ ids }) =>
    billing.expire(books.get('checkout.session', ids[0]!)),
  );
  read('/v1/checkout/sessions', 'checkout.session');
  list(
    '/v1/checkout/sessions',
    'checkout.session',
    ['customer', 'subscription', 'status'],
    (session, params) =>
      equal(params, 'customer', session.customer) &&
      equal(params, 'subscription', session.subscription) &&
      equal(params, 'status', session.status),
  );
  read('/v1/subscriptions', 'subscription');
  list(
    '/v1/subscriptions',
    'subscription',
    ['customer', 'status', 'price'],
    (subscription, params) =>
      equal(params, 'customer', subscription.customer) &&
      (params.text('status') === 'all' ||
        (params.has('status') ? subscription.status === params.text('status') : subscription.status !== 'canceled')),
  );
  add(
    'POST',
    '/v1/subscriptions/:id',
    [
      'cancel_at',
      'cancel_at_period_end',
      'default_payment_method',
      'discounts',
      'pause_collection',
      'items',
      'metadata',
      'proration_behavior',
      'cancellation_details',
    ],
    ({ ids, params }) => billing.update(books.get('subscription', ids[0]!), params),
  );
  add('POST', '/v1/subscriptions/:id/resume', ['billing_cycle_anchor', 'proration_behavior'], ({ ids }) =>
    billing.resume(books.get('subscription', ids[0]!)),
  );
  add('POST', '/v1/coupons', ['id', 'percent_off', 'amount_off', 'currency', 'duration', 'name'], ({ params }) =>
    billing.coupon(params),
  );
  read('/v1/coupons', 'coupon');
  add('POST', '/v1/webhook_endpoints', ['url', 'enabled_events', 'api_version', 'metadata'], ({ params }) =>
    books.make('webhook_endpoint', {
      url: params.required('url'),
      status: 'enabled',
      api_version: params.text('api_version') ?? null,
      enabled_events: params.texts('enabled_events'),
      metadata: params.metadata(),
    }),
  );
  list('/v1/webhook_endpoints', 'webhook_endpoint');
  add('DELETE', '/v1/subscriptions/:id', ['invoice_now', 'prorate', 'cancellation_details'], ({ ids }) =>
    billing.cancel(books.get('subscription', ids[0]!)),
  );
  read('/v1/subscription_items', 'subscription_item');
  list('/v1/subscription_items', 'subscription_item', ['subscription'], (item, params) =>
    equal(params, 'subscription', item.subscription),
  );
  add('DELETE', '/v1/subscription_items/:id', ['proration_behavior', 'clear_usage'], ({ ids }) => {
    const item = books.get('subscription_item', ids[0]!);
    const subscription = books.get('subscription', item.subscription);
    billing.removeItem(item);
    books.emit('customer.subscription.updated', subscription);
    return { id: item.id, object: 'subscription_item', deleted: true };
  });
  read('/v1/invoices', 'invoice');
  list(
    '/v1/invoices',
    'invoice',
    ['customer', 'subscription', 'status'],
    (invoice, params) =>
      equal(params, 'customer', invoice.customer) &&
      equal(params, 'subscription', invoice.parent.subscription_details.subscription) &&
      equal(params, 'status', invoice.status),
  );
  add('POST', '/v1/invoices/:id/pay', ['payment_method', 'off_session'], ({ ids }) =>
    billing.payInvoice(books.get('invoice', ids[0]!)),
  );

  add('POST', '/v1/billing_portal/sessions', ['customer', 'return_url', 'configuration', 'locale'], ({ params }) => {
    const id = books.newId('billing_portal.session');
    return books.make('billing_portal.session', {
      id,
      customer: books.get('customer', params.required('customer'), 'customer').id,
      url: `${origin()}/p/session/${id}`,
      return_url: params.text('return_url') ?? null,
    });
  });

  read('/v1/events', 'event');
  list(
    '/v1/events',
    'event',
    ['type', 'types'],
    (event, params) =>
      equal(params, 'type', event.type) && (!params.has('types') || params.texts('types').includes(event.type)),
  );
  return routes;
}
