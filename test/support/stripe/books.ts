import { randomBytes } from 'node:crypto';
import { StripeFault } from './fault';
import type {
  Charge,
  CheckoutSession,
  Coupon,
  Customer,
  Dispute,
  Invoice,
  PaymentIntent,
  PaymentMethod,
  PortalSession,
  Price,
  Product,
  Refund,
  SetupIntent,
  StripeEvent,
  Subscription,
  SubscriptionItem,
  Thing,
  WebhookEndpoint,
} from './objects';

interface Kinds {
  customer: Customer;
  product: Product;
  price: Price;
  payment_method: PaymentMethod;
  setup_intent: SetupIntent;
  payment_intent: PaymentIntent;
  charge: Charge;
  refund: Refund;
  dispute: Dispute;
  subscription: Subscription;
  subscription_item: SubscriptionItem;
  invoice: Invoice;
  'checkout.session': CheckoutSession;
  'billing_portal.session': PortalSession;
  event: StripeEvent;
  coupon: Coupon;
  webhook_endpoint: WebhookEndpoint;
}
export type Kind = keyof Kinds;

const prefixes: Readonly<Record<Kind, string>> = {
  customer: 'cus_',
  product: 'prod_',
  price: 'price_',
  payment_method: 'pm_',
  setup_intent: 'seti_',
  payment_intent: 'pi_',
  charge: 'ch_',
  refund: 're_',
  dispute: 'du_',
  subscription: 'sub_',
  subscription_item: 'si_',
  invoice: 'in_',
  'checkout.session': 'cs_test_',
  'billing_portal.session': 'bps_',
  event: 'evt_',
  coupon: 'co_',
  webhook_endpoint: 'we_',
};

const token = () => randomBytes(12).toString('base64url').replaceAll(/[-_]/g, 'x');

export const apiVersion = '2026-10-28.endive';

/** An object as an older version of the API wrote it: periods and invoices' subscriptions moved with the version of March 2025. */
function asOfVersion(object: object, version: string): object {
  if (version >= '2025-03-31') return object;
  const thing = object as Record<string, unknown> & { items?: { data: Record<string, unknown>[] }; parent?: unknown };
  if (thing['object'] === 'subscription') {
    for (const item of thing.items!.data) {
      Object.assign(thing, { current_period_start: item['current_period_start'] });
      Object.assign(thing, { current_period_end: item['current_period_end'] });
      delete item['current_period_start'];
      delete item['current_period_end'];
    }
  }
  if (thing['object'] === 'invoice') {
    const { subscription_details: details } = thing.parent as { subscription_details: { subscription: string } };
    Object.assign(thing, {
      subscription: details.subscription,
      subscription_details: details,
      paid: thing['status'] === 'paid',
    });
    delete thing.parent;
    delete thing['payments'];
  }
  return thing;
}

/** Everything that the stand-in knows: its objects by id, in the order in which they were made, and its clock. */
export class Books {
  private readonly things = new Map<Kind, Map<string, Thing>>();
  /** Told of each event, with the request that caused it. */
  onEvent: (event: StripeEvent) => void = () => undefined;
  request: { id: string | null; idempotency_key: string | null } = { id: null, idempotency_key: null };
  private shift = 0;

  constructor(private readonly live: boolean) {}

  /** Seconds, as Stripe counts time. */
  now(): number {
    return Math.floor(Date.now() / 1_000) + this.shift;
  }

  /** Moves the clock; time goes on from there. */
  setNow(seconds: number): void {
    this.shift += Math.round(seconds) - this.now();
  }

  newId(kind: Kind): string {
    return `${prefixes[kind]}${token()}`;
  }

  secretOf(id: string): string {
    return `${id}_secret_${token()}`;
  }

  private of<K extends Kind>(kind: K): Map<string, Kinds[K]> {
    const map = this.things.get(kind) ?? new Map<string, Thing>();
    this.things.set(kind, map);
    return map as Map<string, Kinds[K]>;
  }

  make<K extends Kind>(kind: K, fields: Omit<Kinds[K], keyof Thing> & { readonly id?: string }): Kinds[K] {
    const { id = this.newId(kind), ...rest } = fields;
    const thing = { id, object: kind, created: this.now(), livemode: this.live, ...rest } as unknown as Kinds[K];
    this.of(kind).set(id, thing);
    return thing;
  }

  find<K extends Kind>(kind: K, id: string): Kinds[K] | undefined {
    return this.of(kind).get(id);
  }

  get<K extends Kind>(kind: K, id: string, param?: string): Kinds[K] {
    const thing = this.find(kind, id);
    if (!thing) throw StripeFault.missing(kind, id, param, param ? 400 : 404);
    return thing;
  }

  drop(kind: Kind, id: string): void {
    this.of(kind).delete(id);
  }

  /** Newest first, as lists are. */
  all<K extends Kind>(kind: K): Kinds[K][] {
    return [...this.of(kind).values()].reverse();
  }

  /** The object behind an id in any field: what `expand` puts in its place. */
  byAnyId(id: string): Thing | undefined {
    for (const [kind, prefix] of Object.entries(prefixes)) {
      if (id.startsWith(prefix)) {
        const thing = this.find(kind as Kind, id);
        if (thing) return thing;
      }
    }
    return undefined;
  }

  /** Of the endpoint that events go to: what they carry is written as that version wrote it. */
  eventVersion = apiVersion;

  /** An event carries the object as it is now, not as it becomes. */
  emit(type: string, object: object, before?: object): StripeEvent {
    const event = this.make('event', {
      type,
      api_version: this.eventVersion,
      data: {
        object: asOfVersion(structuredClone(object), this.eventVersion),
        ...(before ? { previous_attributes: before } : {}),
      },
      pending_webhooks: 1,
      request: this.request,
    });
    this.onEvent(event);
    return event;
  }
}
