import { encodeId } from '../../src/core/ids';
import { PaddleProvider } from '../../src/payments/paddle/paddle-provider';
import { processInbox } from '../../src/payments/process-inbox.job';
import type { DemoIdentity } from '../../src/seed/identities';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type DeliveryOptions, PaddleStandIn } from '../support/paddle-stand-in';

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever they asked for.
type Any = any;

export const licenceFields =
  'id status startsAt expiresAt seats assigned overAssigned autoRenew product { code } seatHolders { nodes { userId email } }';
export const purchaseFields =
  'id state kind status quantity amount { amount currency } remainingDays checkout { provider id url } parkReason parkDetail paid { amount } refusedAt refunded { amount } seatsRefunded licenceId explanation { sentence formula }';
const refused = '... on Refused { code message retryable path facts { name value } }';

/** A gateway whose licences are paid through the Paddle stand-in, over real HTTP on both sides. */
export class LicenceShop {
  private constructor(
    readonly gateway: TestGateway,
    readonly paddle: PaddleStandIn,
    readonly provider: PaddleProvider,
  ) {}

  static async open(options: { timeoutMilliseconds?: number; live?: boolean } = {}): Promise<LicenceShop> {
    const paddle = await PaddleStandIn.start();
    const provider = new PaddleProvider({
      ...{ apiKey: paddle.apiKey, webhookSecrets: [paddle.webhookSecret], apiUrl: paddle.url, live: false },
      ...options,
    });
    const gateway = await startTestGateway({ providers: [provider] });
    return new LicenceShop(gateway, paddle, provider);
  }

  async close(): Promise<void> {
    await this.gateway.stop();
    await this.paddle.stop();
  }

  /** Runs a mutation and answers what was done or why it was refused. */
  async act(who: DemoIdentity, mutation: string, input: object, fields: string, extra = ''): Promise<Any> {
    const name = mutation[0]!.toUpperCase() + mutation.slice(1);
    return this.gateway.get(
      who,
      `mutation ($input: ${name}Input!) { ${mutation}(input: $input${extra}) { __typename ... on ${name}Done { ${fields} } ${refused} } }`,
      { input },
    );
  }

  async product(code: string, yearly: string, extra: object = {}, currency = 'USD'): Promise<string> {
    const input = { code, name: code, yearlyPrices: [{ amount: yearly, currency }], ...extra };
    const made = await this.act('other-partner-owner', 'createLicenceProduct', input, 'product { id }');
    if (made.code) throw new Error(made.message);
    return made.product.id;
  }

  private keys = 0;

  /** hooli's admin buys; its tenant is a sandbox in USD. */
  async buy(product: string, quantity: number, extra: object = {}, options: { key?: string; who?: DemoIdentity } = {}) {
    this.keys += 1;
    return this.act(
      options.who ?? 'other-partner-tenant-admin',
      'buyLicences',
      { product, quantity, ...extra },
      `replayed dryRun purchase { ${purchaseFields} }`,
      `, idempotencyKey: "${options.key ?? `buy-${this.keys}`}"`,
    );
  }

  async renew(product: string, extra: object = {}) {
    this.keys += 1;
    return this.act(
      'other-partner-tenant-admin',
      'renewLicences',
      { product, ...extra },
      `replayed purchase { ${purchaseFields} }`,
      `, idempotencyKey: "renew-${this.keys}"`,
    );
  }

  quote(product: string, quantity?: number): Promise<Any> {
    return this.gateway.get(
      'other-partner-tenant-admin',
      `query ($input: LicenceQuoteInput!) { licenceQuote(input: $input) { __typename ... on LicenceQuote {
         kind quantity amount { amount currency } remainingDays seatsAfter expiresAtAfter explanation { sentence formula result exact rounding rule operands { name value unit } }
         quote { token expiresAt } } ${refused} } }`,
      { input: { product, quantity } },
    );
  }

  async licences(): Promise<Any[]> {
    const { nodes } = await this.gateway.get(
      'other-partner-tenant-admin',
      `{ licences(first: 100) { nodes { ${licenceFields} } } }`,
    );
    return nodes;
  }

  async licencePurchases(): Promise<Any[]> {
    const { nodes } = await this.gateway.get(
      'other-partner-tenant-admin',
      `{ licencePurchases(first: 100) { nodes { ${purchaseFields} product { code } } } }`,
    );
    return nodes;
  }

  async licence(product: string): Promise<Any> {
    return (await this.licences()).filter((licence) => licence.product.code === product).at(-1);
  }

  async purchase(id: string): Promise<Any> {
    return this.gateway.get(
      'other-partner-tenant-admin',
      `query ($id: ID!) { node(id: $id) { ... on LicencePurchase { ${purchaseFields} } } }`,
      { id },
    );
  }

  async events(): Promise<{ event_id: string; type: string; status: string; reason: string | null }[]> {
    return this.gateway.database.asOwner('select event_id, type, status, reason from inbound_events order by id');
  }

  /** A person has a parked event tried again; answers what became of it. */
  async retried(eventId: string) {
    const rows = await this.gateway.database.asOwner<{ id: string }>(
      'select id from inbound_events where event_id = $1',
      [eventId],
    );
    const inboundEventId = encodeId('InboundEvent', rows[0]!.id);
    const answer = await this.act('super-admin', 'retryInboundEvent', { inboundEventId }, 'wasStatus');
    if (answer.code) throw new Error(answer.message);
    await processInbox(this.gateway.app.system, this.gateway.app.providers);
    return (await this.events()).find((event) => event.event_id === eventId);
  }

  /** What waits at Paddle is sent and processed. */
  async deliver(options: DeliveryOptions = {}): Promise<number[]> {
    const statuses = await this.paddle.deliver(`${this.gateway.url}/webhooks/paddle`, options);
    await processInbox(this.gateway.app.system, this.gateway.app.providers);
    return statuses;
  }

  /** Buys, pays and is told so. */
  async bought(product: string, quantity: number, extra: object = {}): Promise<Any> {
    const { purchase, ...refusal } = await this.buy(product, quantity, extra);
    if (!purchase) throw new Error(JSON.stringify(refusal));
    this.paddle.pay(purchase.checkout.id);
    await this.deliver();
    return this.purchase(purchase.id);
  }

  /** What was asked in vain may be asked again. */
  async waitForSteps(): Promise<void> {
    for (const table of ['licences', 'licence_subscription_ends']) {
      await this.gateway.database.asOwner(
        `update ${table} set next_step_at = to_timestamp(0) where next_step_at is not null`,
      );
    }
    await this.gateway.database.asOwner(
      'update licence_purchases set refund_next_at = to_timestamp(0) where refund_next_at is not null',
    );
  }

  async advance(to: string): Promise<void> {
    const tenantId = await this.tenantIdOf('hooli');
    const answer = await this.act('other-partner-owner', 'advanceClock', { tenantId, to }, 'now');
    if (answer.code) throw new Error(answer.message);
  }

  async tenantIdOf(externalId: 'hooli' | 'globex'): Promise<string> {
    const rows = await this.gateway.database.asOwner<{ id: string }>('select id from tenants where external_id = $1', [
      externalId,
    ]);
    return encodeId('Tenant', rows[0]!.id);
  }
}
