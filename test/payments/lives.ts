import { createHash } from 'node:crypto';
import { instantFromMilliseconds } from '../../src/core/calendar';
import { decodeId } from '../../src/core/ids';
import { billTenant } from '../../src/invoicing/bill-tenant.command';
import { PaddleProvider } from '../../src/payments/paddle/paddle-provider';
import type { PaymentProvider } from '../../src/payments/provider';
import { StripeProvider } from '../../src/payments/stripe/stripe-provider';
import type { Clock } from '../../src/platform/clock';
import { createLog } from '../../src/platform/log';
import type { TestGateway } from '../support/gateway';
import { PaddleStandIn } from '../support/paddle-stand-in';
import { stripeWebhookSecret } from '../support/stripe/gateway';
import { signatureOf } from '../support/stripe/hooks';
import type { StripeEvent } from '../support/stripe/objects';
import { type StripeStandIn, startStripe } from '../support/stripe/stand-in';
import { type TenantOfWorld, World } from '../support/world';

/** What a provider tells, before it is signed. */
export interface Told {
  readonly provider: 'stripe' | 'paddle';
  readonly id: string;
  readonly body: string;
}

export interface Post {
  readonly provider: Told['provider'];
  readonly body: string;
  readonly headers: Record<string, string>;
}

/** Stripe and Paddle with one clock; what they tell is kept, and posted by whoever asks for it. */
export class BothProviders {
  private stripeEvents: StripeEvent[] = [];
  readonly clock: Clock = { now: () => instantFromMilliseconds(this.stripe.books.now() * 1_000) };

  private constructor(
    readonly stripe: StripeStandIn,
    readonly paddle: PaddleStandIn,
  ) {
    stripe.books.onEvent = (event) => void this.stripeEvents.push(event);
  }

  static async start(at: string): Promise<BothProviders> {
    const stripe = await startStripe({ live: true, secretKey: 'sk_live_standin_0123456789abcdef' });
    stripe.books.setNow(Date.parse(at) / 1_000);
    const paddle = await PaddleStandIn.start();
    paddle.clock = () => stripe.books.now() * 1_000;
    return new BothProviders(stripe, paddle);
  }

  /** For one gateway. */
  ports(): PaymentProvider[] {
    const { stripe, paddle } = this;
    const log = createLog('silent');
    return [
      new StripeProvider({
        ...{ secretKey: stripe.secretKey, webhookSecrets: [stripeWebhookSecret], apiUrl: stripe.url, live: true, log },
        timeoutMilliseconds: 10_000,
      }),
      new PaddleProvider({
        ...{ apiKey: paddle.apiKey, webhookSecrets: [paddle.webhookSecret], apiUrl: paddle.url, live: true },
      }),
    ];
  }

  /** What was told since the last call, in the order in which it happened. */
  listen(): Told[] {
    const paddleEvents = this.paddle.events.splice(0);
    return [
      ...this.stripeEvents
        .splice(0)
        .map((event): Told => ({ provider: 'stripe', id: event.id, body: JSON.stringify(event) })),
      ...paddleEvents.map((event): Told => ({ provider: 'paddle', id: event.event_id, body: JSON.stringify(event) })),
    ];
  }

  sign({ provider, body }: Pick<Told, 'provider' | 'body'>, secret?: string, age = 0): Post {
    if (provider === 'paddle') {
      return { provider, body, headers: this.paddle.sign(body, secret ? [secret] : undefined, age) };
    }
    const signature = signatureOf(body, [secret ?? stripeWebhookSecret], this.stripe.books.now() - age);
    return { provider, body, headers: { 'content-type': 'application/json', 'stripe-signature': signature } };
  }

  async stop(): Promise<void> {
    await this.stripe.stop();
    await this.paddle.stop();
  }
}

interface Customer {
  readonly tenant: TenantOfWorld;
  readonly uuid: string;
  readonly index: number;
  readonly pages: readonly string[];
  readonly setup: string | undefined;
  readonly licences: readonly string[];
}

const days = 86_400;
const addresses = { successUrl: 'https://shop.example/done', cancelUrl: 'https://shop.example/back' };
let serial = 0;
const key = () => {
  serial += 1;
  return `, idempotencyKey: "life-${serial}"`;
};

/**
 * Customers of one partner, and what they live through. What they ask of the gateway happens before anything is heard; from
 * then on only the providers, their customers and time act.
 */
export class Lives {
  private customers: Customer[] = [];

  constructor(private readonly providers: BothProviders) {}

  async begin(gateway: TestGateway, count: number): Promise<void> {
    const world = await World.create(gateway, { currency: 'EUR' });
    await world.feature('tracks', 'BOOLEAN');
    await world.feature('reports', 'BOOLEAN');
    await world.plan({ code: 'starter', rank: 10, month: '49.00', features: [{ feature: 'reports' }] });
    await world.plan({ code: 'growth', rank: 20, month: '199.00', features: [{ feature: 'reports' }] });
    await world.addon('track', '149.00', { minimumPlan: 'growth', features: [{ feature: 'tracks' }] });
    const { partnerId, currency } = world;
    for (const code of ['cad', 'cam']) {
      const input = { partnerId, code, name: code, yearlyPrices: [{ amount: '200', currency }] };
      await must(world, 'createLicenceProduct', input, 'product { id }');
    }
    for (let index = 0; index < count; index += 1) this.customers.push(await this.enter(gateway, world, index));
  }

  private async enter(gateway: TestGateway, world: World, index: number): Promise<Customer> {
    const { stripe } = this.providers;
    const tenant = await world.liveTenant({ name: `Customer ${String(index).padStart(3, '0')}` });
    const tenantId = tenant.id;
    const { uuid } = decodeId(tenantId)!;
    const act = (mutation: string, input: object, fields: string) =>
      must(world, mutation, { tenantId, ...input }, fields, key());
    const pages: string[] = [];
    const kind = index % 4;
    if (kind === 3) {
      // They begin at a page of Stripe's, where a card is saved.
      const offer = { plan: 'starter', ...addresses };
      pages.push((await act('createPlanCheckout', offer, 'checkout { url }')).checkout.url);
    } else {
      const token = kind === 0 ? 'pm_card_authenticationRequired' : 'pm_card_visa';
      await act('addPaymentMethod', { provider: 'STRIPE', token, makeDefault: true }, 'paymentMethod { id }');
      await must(world, 'startSubscription', { tenantId, plan: 'growth' }, 'subscription { id }');
      // One wants to be confirmed, one is charged and nobody hears of it, one is paid and given back in part.
      if (kind === 1) stripe.trouble('POST /v1/payment_intents', 'RESET_AFTER');
      await gateway.app.paymentWork.runDue({ tenantId: uuid });
      if (kind === 2) {
        const [{ id: paymentId }] = (
          await gateway.get(
            'super-admin',
            'query ($id: ID) { invoices(tenantId: $id, first: 1) { nodes { payments { id } } } }',
            { id: tenantId },
          )
        ).nodes[0].payments;
        stripe.trouble('POST /v1/refunds', 'RESET_AFTER');
        await act('refundPayment', { paymentId, amount: { amount: '90.00', currency: 'EUR' } }, 'refund { id }');
      }
      const offer = { addon: 'track', quantity: 1 + (index % 3), ...addresses };
      pages.push((await act('createAddonCheckout', offer, 'checkout { url }')).checkout.url);
    }
    let setup: string | undefined;
    if (index % 3 === 0) {
      const input = { provider: 'STRIPE', returnUrl: 'https://shop.example/', makeDefault: true };
      setup = (await act('startPaymentMethodSetup', input, 'url')).url;
    }
    return { tenant, uuid, index, pages, setup, licences: await this.orderLicences(gateway, world, tenantId, index) };
  }

  /** Only an admin of the organisation buys. */
  private async orderLicences(gateway: TestGateway, world: World, tenantId: string, index: number): Promise<string[]> {
    const email = 'other-tenant-admin@demo.example';
    await must(world, 'inviteUser', { tenantId, email, tenantRole: 'ADMIN' }, 'member { userId }');
    const order = async (product: string, quantity: number, autoRenew: boolean) => {
      const { data } = await gateway.ask(
        'other-tenant-admin',
        `mutation ($input: BuyLicencesInput!) { buyLicences(input: $input${key()}) {
           ... on BuyLicencesDone { purchase { checkout { id } } } ... on Refused { code message } } }`,
        { input: { product, quantity, autoRenew } },
        { 'tollgate-account': tenantId },
      );
      if (!data?.buyLicences.purchase) throw new Error(JSON.stringify(data));
      return data.buyLicences.purchase.checkout.id as string;
    };
    const orders = [await order('cad', 2 + (index % 4), true), await order('cam', 4, false)];
    // Once more, before the first one is paid: whichever is heard first, both add up.
    if (index % 2 === 0) orders.push(await order('cam', 1, false));
    return orders;
  }

  /** The billing run's step, and what is then due. */
  async bill({ app }: TestGateway): Promise<void> {
    for (const { uuid } of this.customers) await app.asSystem(uuid, (tx) => billTenant(tx));
    await app.paymentWork.runDue();
  }

  /** They pay what they were offered, confirm what wants it, and dispute. */
  async pay(): Promise<void> {
    const { stripe, paddle } = this.providers;
    const { books, payments } = stripe;
    for (const intent of books.all('payment_intent').reverse()) {
      if (intent.status === 'succeeded' || !intent.payment_method) continue;
      payments.confirm(intent, books.get('payment_method', intent.payment_method), false, true);
    }
    for (const { pages, setup, licences, index } of this.customers) {
      for (const page of pages) await stripe.fillIn(page);
      if (setup) {
        await stripe.fillIn(setup, 'pm_card_mastercard');
        // Saved, and taken away again at once.
        if (index % 2 === 0) payments.detach(books.all('payment_method')[0]!);
      }
      for (const checkout of licences) paddle.pay(checkout);
    }
  }

  /** Ten days: renewals and retries, and what customers do at their providers' own pages. */
  async tenDays(chapter: number): Promise<void> {
    const { stripe, paddle } = this.providers;
    const { books, payments } = stripe;
    const subscriptions = books.all('subscription').reverse();
    const client = stripe.client({ timeout: 10_000 });
    for (const [index, subscription] of subscriptions.entries()) {
      if (subscription.status === 'canceled') continue;
      const turn = (index * 5 + chapter) % 36;
      const card = async (name: string) => {
        const { id } = payments.attach(payments.paymentMethod(name), books.get('customer', subscription.customer));
        await client.subscriptions.update(subscription.id, { default_payment_method: id });
      };
      if (turn === 0) await card('pm_card_chargeCustomerFail');
      // Some come back with another card in time; with the others Stripe gives up.
      if (turn === 1 && index % 3 !== 0) await card('pm_card_visa');
      if (turn === 10) await client.subscriptions.update(subscription.id, { cancel_at_period_end: true });
      if (turn === 11 && index % 4 !== 0) {
        await client.subscriptions.update(subscription.id, { cancel_at_period_end: false });
      }
    }
    const charges = books
      .all('charge')
      .reverse()
      .filter(({ paid, disputed }) => paid && !disputed);
    for (const [index, charge] of charges.entries()) {
      if ((index * 7 + chapter) % 29 === 0 && charge.amount_refunded === 0) payments.dispute(charge);
    }
    for (const [index, dispute] of books.all('dispute').reverse().entries()) {
      if (dispute.status === 'needs_response' && (index + chapter) % 3 === 0) {
        payments.closeDispute(dispute, index % 2 === 0 ? 'won' : 'lost');
      }
    }
    for (const [index, { id, status }] of [...paddle.subscriptions.values()].entries()) {
      const turn = (index + chapter) % 9;
      if (status !== 'active') continue;
      if (turn === 1) paddle.cancel(id, 'next_billing_period');
      if (turn === 2) paddle.resume(id);
      if (turn === 3) {
        // Thought better of within a second: the last word counts.
        paddle.cancel(id, 'next_billing_period');
        books.setNow(books.now() + 1);
        paddle.resume(id);
      }
      if (turn === 5 && chapter % 4 === 0) paddle.renew(id);
      if (turn === 7 && index % 5 === 0) paddle.cancel(id);
    }
    for (const { licences, index } of this.customers) {
      const back = (index * 3 + chapter) % 16;
      // One of the four seats of 200.00, twice, or a refund that Paddle does not grant.
      if (back < 3 && chapter < 28)
        paddle.decide(paddle.refund(licences[1]!, 20_000n), back === 1 ? 'rejected' : 'approved');
    }
    await stripe.advanceTo(books.now() + 10 * days);
  }
}

async function must(world: World, mutation: string, input: object, fields: string, extra = '') {
  const answer = await world.act(mutation, input, fields, extra);
  if (answer.code && answer.code !== 'PROVIDER_UNAVAILABLE') {
    throw new Error(`${mutation}: ${answer.code} ${answer.message}`);
  }
  return answer;
}

const isoDay = (column: string) => `to_char(${column}, 'YYYY-MM-DD')`;

/** Everything that events lead to, by tenant, as plain rows: without ids of ours, and without times at which something was heard. */
export const everything = `
  with rows (tenant_id, kind, what) as (
    select tenant_id, 'invoice', concat_ws(' ', kind, reason, status, total, credit_applied, amount_due) from invoices
    union all select tenant_id, 'collection', concat_ws(' ', status, failures) from invoice_collections
    union all select tenant_id, 'payment', concat_ws(' ', status, amount, refunded, decline_code) from payments
    union all select tenant_id, 'refund', concat_ws(' ', status, reason, amount) from refunds
    union all select tenant_id, 'dispute', concat_ws(' ', external_id, status, amount, reason) from disputes
    union all select tenant_id, 'method', concat_ws(' ', external_id, is_default, removed_at is null) from payment_methods
    union all select tenant_id, 'setup', status from payment_setups
    union all select tenant_id, 'subscription', concat_ws(' ', status, cancel_at is null, access_until is null) from subscriptions
    union all select tenant_id, 'attachment', concat_ws(' ', quantity, unit_amount, end_kind, ended_at is null, ends_at, end_reason,
      provider_period_start, provider_period_end) from partner_tenant_addon_subscriptions
    union all select tenant_id, 'checkout', concat_ws(' ', kind, status, parked_reason, provider_status, provider_cancels,
      addon_subscription_id is null, subscription_id is null) from stripe_checkouts
    union all select tenant_id, 'collected', concat_ws(' ', external_id, amount, period_start, period_end) from stripe_invoices
    union all select tenant_id, 'credit', concat_ws(' ', currency, balance) from credit_balances
    union all select tenant_id, 'credit note', concat_ws(' ', reason, total) from credit_notes
    union all select l.tenant_id, 'licence', concat_ws(' ', p.code, trial, years, ${isoDay('expires_at')}, seats, assigned,
      auto_renew, provider_seats, replaced_at is null) from licences l join licence_products p on p.id = l.licence_product_id
    union all select l.tenant_id, 'purchase', concat_ws(' ', p.code, l.kind, l.quantity, l.amount, l.status, l.park_reason,
      l.refunded_amount, l.seats_refunded) from licence_purchases l join licence_products p on p.id = l.licence_product_id
    union all select tenant_id, 'licence refund', concat_ws(' ', provider_refund_id, amount, status) from licence_refunds
    union all select tenant_id, 'seat', concat_ws(' ', email, revoked_at is null) from licence_seats
    union all select tenant_id, 'entitlement', concat_ws(' ', feature_code, source_kind, quantity, unlimited, limit_quantity,
      ends_at is null) from tenant_entitlements
  )
  select t.name || ': ' || r.kind || ' ' || r.what as row from rows r join tenants t on t.id = r.tenant_id
   where t.name like 'Customer %' order by 1`;

/** The same numbers each time, from a seed. */
export function randomFrom(seed: number): () => number {
  let count = 0;
  return () => {
    count += 1;
    return createHash('sha256').update(`${seed} ${count}`).digest().readUInt32BE() / 2 ** 32;
  };
}
