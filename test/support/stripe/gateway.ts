import { instantFromMilliseconds } from '../../../src/core/calendar';
import { decodeId } from '../../../src/core/ids';
import { billTenant } from '../../../src/invoicing/bill-tenant.command';
import { processInbox } from '../../../src/payments/process-inbox.job';
import { StripeProvider } from '../../../src/payments/stripe/stripe-provider';
import type { Log } from '../../../src/platform/log';
import { createLog } from '../../../src/platform/log';
import { startTestGateway, type TestGateway } from '../gateway';
import { type PlanOptions, TenantOfWorld, World } from '../world';
import { type StripeStandIn, startStripe } from './stand-in';

export const stripeWebhookSecret = 'whsec_of_the_stripe_tests_0001';
export const addresses = { successUrl: 'https://shop.example/done', cancelUrl: 'https://shop.example/back' };

const checkoutFields = `id kind status url quantity total { amount currency } unitAmount { amount } interval trialDays parkedReason
  providerStatus addonSubscriptionId subscriptionId collected { externalId amount { amount } period { start end } }`;
const attachmentFields = `id status billedBy endsAt endedAt endKind providerPeriod { start end } quantity addon { code }
  checkout { id status providerStatus }`;

/** A gateway whose payments are Stripe's, on loopback; both go by one clock. */
export interface StripeGateway {
  readonly gateway: TestGateway;
  readonly standIn: StripeStandIn;
  readonly provider: StripeProvider;
  /** Everything that was sent is delivered, and everything that is due is done, until nothing is. */
  settle(): Promise<void>;
  /** Time passes at Stripe and here; what is due happens. */
  advanceDays(days: number): Promise<void>;
  now(): string;
  stop(): Promise<void>;
}

export async function startStripeGateway(options: { log?: Log; at?: string } = {}): Promise<StripeGateway> {
  const standIn = await startStripe({ live: true, secretKey: 'sk_live_standin_0123456789abcdef' });
  if (options.at) standIn.books.setNow(Date.parse(options.at) / 1_000);
  const log = options.log ?? createLog('silent');
  const provider = new StripeProvider({
    ...{ secretKey: standIn.secretKey, webhookSecrets: [stripeWebhookSecret], apiUrl: standIn.url, live: true, log },
    timeoutMilliseconds: 2_000,
  });
  const clock = { now: () => instantFromMilliseconds(standIn.books.now() * 1_000) };
  const gateway = await startTestGateway({ world: 'demo', clock, providers: [provider], ...(options.log && { log }) });
  standIn.hooks.endpoints.push({ url: `${gateway.url}/webhooks/stripe`, secrets: [stripeWebhookSecret] });
  const { app } = gateway;
  const settle = async () => {
    for (let round = 0; round < 20; round += 1) {
      await standIn.hooks.settled();
      const inbox = await processInbox(app.system, app.providers);
      const looked = await app.stripeCheckouts.runDue();
      const paid = await app.paymentWork.runDue();
      if (inbox.applied + inbox.ignored + inbox.parked + looked + paid === 0) return;
    }
    throw new Error('it never settles');
  };
  return {
    ...{ gateway, standIn, provider, settle },
    advanceDays: async (days) => {
      await standIn.advanceTo(standIn.books.now() + days * 86_400);
      await settle();
    },
    now: () => clock.now().toString(),
    stop: async () => {
      await gateway.stop();
      await standIn.stop();
    },
  };
}

/** Views of what must never be, see migrations: none of them may find anything. */
const invariants = [
  ...['credit_overrun', 'accounts', 'balances', 'header_lines', 'items', 'foreign_rows', 'guards'],
  ...['money_out', 'attachments', 'settlements', 'returned_money'],
];

export async function brokenInvariants({ gateway }: StripeGateway): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const name of invariants) found.push(...(await gateway.database.asOwner(`select * from check_${name}`)));
  return found;
}

let serial = 0;

/** A partner with a plan or two, and a live tenant of it; as a person would act for it. */
export class StripeTenant {
  private constructor(
    private readonly stripe: StripeGateway,
    readonly world: World,
    readonly id: string,
  ) {}

  static async create(stripe: StripeGateway, plans: readonly PlanOptions[], currency = 'EUR'): Promise<StripeTenant> {
    const world = await World.create(stripe.gateway, { currency });
    await world.feature('tracks', 'BOOLEAN');
    for (const plan of plans) await world.plan(plan);
    return StripeTenant.of(stripe, world);
  }

  static async of(stripe: StripeGateway, world: World, options: object = {}): Promise<StripeTenant> {
    serial += 1;
    const input = { partnerId: world.partnerId, name: `Live tenant ${serial}`, ...options };
    const { tenant } = await world.act('createTenant', input, 'tenant { id }');
    return new StripeTenant(stripe, world, tenant.id);
  }

  get uuid(): string {
    return decodeId(this.id)!.uuid;
  }

  act(mutation: string, input: object, fields: string, extra = '') {
    return this.world.act(mutation, { tenantId: this.id, ...input }, fields, extra);
  }

  private checkout(mutation: string, input: object, options: { key?: string; dryRun?: boolean }) {
    serial += 1;
    const key = options.key ?? `checkout-${serial}`;
    const extra = `, idempotencyKey: ${JSON.stringify(key)}${options.dryRun ? ', dryRun: true' : ''}`;
    return this.act(mutation, { ...addresses, ...input }, `replayed dryRun checkout { ${checkoutFields} }`, extra);
  }

  offerAddon(addon: string, input: object = {}, options: { key?: string; dryRun?: boolean } = {}) {
    return this.checkout('createAddonCheckout', { addon, ...input }, options);
  }

  offerPlan(plan: string, input: object = {}, options: { key?: string; dryRun?: boolean } = {}) {
    return this.checkout('createPlanCheckout', { plan, ...input }, options);
  }

  /** Outside the system, whatever is open. */
  payAll(): Promise<void> {
    return new TenantOfWorld(this.stripe.gateway, this.world, this.id).payAll();
  }

  start(plan: string, input: object = {}) {
    return this.act('startSubscription', { plan, ...input }, 'subscription { id status }');
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever they asked for.
  private async list(query: string): Promise<any[]> {
    const { nodes } = await this.stripe.gateway.get('super-admin', `query ($id: ID) { ${query} }`, { id: this.id });
    return nodes;
  }

  checkouts(parked = false) {
    return this.list(`checkouts(tenantId: $id, parked: ${parked}, first: 50) { nodes { ${checkoutFields} } }`);
  }

  attachments() {
    return this.list(`addonSubscriptions(tenantId: $id, first: 50) { nodes { ${attachmentFields} } }`);
  }

  invoices() {
    return this.list(
      `invoices(tenantId: $id, first: 50) { nodes { number status total { amount } amountDue { amount } lines { kind description amount { amount } } } }`,
    );
  }

  async allowed(feature: string): Promise<boolean> {
    const { allowed } = await this.stripe.gateway.get(
      'super-admin',
      'query ($id: ID, $feature: ID!) { entitlementCheck(tenantId: $id, feature: $feature) { allowed } }',
      { id: this.id, feature },
    );
    return allowed;
  }

  /** The billing run's step for this tenant. */
  async bill(): Promise<void> {
    await this.stripe.gateway.app.asSystem(this.uuid, (tx) => billTenant(tx));
    await this.stripe.settle();
  }

  /** Types of what was told to the partner, in order. */
  async told(): Promise<string[]> {
    const rows = await this.stripe.gateway.database.asOwner<{ type: string }>(
      'select type from outbox_events where tenant_id = $1 order by id',
      [this.uuid],
    );
    return rows.map(({ type }) => type);
  }
}
