import { decodeId } from '../../src/core/ids';
import type { Random } from '../support/arbitraries';
import type { TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever they asked for.
type Any = any;

const hour = 3_600_000;
export const day = 24 * hour;
export const firstDay = Date.parse('2026-01-31T09:30:00Z');

/** One shop of each kind: what a document's tax, a day's length and the end of a debt are differs. */
const shops = [
  { currency: 'EUR', timeZone: 'Europe/Berlin', tax: { percent: '19' }, finalAction: 'UNPAID', basis: 'DAY' },
  {
    ...{ currency: 'USD', timeZone: 'America/New_York', tax: { percent: '7.25', inclusive: true } },
    ...{ finalAction: 'CANCEL', basis: 'SECOND' },
  },
  { currency: 'KWD', timeZone: 'Asia/Kuwait', tax: undefined, finalAction: 'UNPAID', basis: 'NONE' },
] as const;

const plans = ['free', 'solo', 'duo', 'team', 'trial'] as const;
const addons = ['extra', 'more', 'upper', 'calls_pack', 'seats'] as const;
const coupons = [
  'TWENTY',
  'THIRDS',
  'TEN',
  'SCALED',
  'THRICE',
  'ALWAYS',
  'FREE2',
  'SOLO',
  'EXTRA',
  'MONTHS',
  'FIRST',
] as const;
const cards = ['card_ok', 'card_ok', 'card_ok', 'card_declined', 'card_no_funds', 'card_action'] as const;

export async function openShops(gateway: TestGateway): Promise<World[]> {
  return Promise.all(shops.map((shop) => openShop(gateway, shop)));
}

async function openShop(gateway: TestGateway, shop: (typeof shops)[number]): Promise<World> {
  const { currency, timeZone, tax, finalAction, basis } = shop;
  const world = await World.create(gateway, { currency, timeZone });
  const { partnerId } = world;
  const must = async (mutation: string, input: object, fields: string) => {
    const answer = await world.act(mutation, { partnerId, ...input }, fields);
    if (answer.code) throw new Error(`${mutation}: ${answer.code} ${answer.message}`);
  };
  if (tax) {
    const party = { legalName: 'Seller', address: ['1 Street'], country: 'DE' };
    await must('setPartnerBillingDetails', party, 'party { country }');
    await must('createTaxRate', { country: 'DE', name: 'VAT', validFrom: '2020-01-01', ...tax }, 'taxRate { id }');
  }
  await must('setDunningPolicy', { retryDays: [3, 7], graceDays: 5, finalAction }, 'policy { graceDays }');
  await world.feature('calls');
  await world.feature('jobs');
  await world.feature('people');
  await world.feature('reports', 'BOOLEAN');
  await must(
    'createMeter',
    { feature: 'people', aggregation: 'UNIQUE_COUNT', uniqueProperty: 'who' },
    'meter { feature { code } }',
  );
  const perUnit = (amount: string) => ({ kind: 'PER_UNIT', amount });
  const calls = (limit: string, price?: object) => ({
    ...{ feature: 'calls', limit, resetPeriod: 'MONTH' },
    ...(price ? { usagePrices: [{ currency, ...price }] } : {}),
  });
  const graduated = {
    ...{ kind: 'GRADUATED', flatAtZero: true },
    tiers: [{ upTo: '20', unitPrice: '0.5', flat: '1' }, { unitPrice: '0.01' }],
  };
  const jobs = (limit: string) => ({ feature: 'jobs', limit, resetPeriod: 'MONTH' });
  const people = { feature: 'people', limit: '5', resetPeriod: 'MONTH' };
  const year = (amount: string) => ({ year: amount, prorationBasis: basis });
  await world.plan({ code: 'free', rank: 0, month: '0', features: [calls('5')] });
  await world.plan({ code: 'solo', rank: 10, month: '19', ...year('199.99'), features: [calls('20'), jobs('20')] });
  await world.plan({
    ...{ code: 'duo', rank: 20, month: '33.33', ...year('350') },
    features: [
      calls('30', { inside: perUnit('0.01'), overage: perUnit('0.033') }),
      jobs('40'),
      { feature: 'reports' },
      people,
    ],
  });
  await world.plan({
    ...{ code: 'team', rank: 30, month: '101.01', ...year('1000.10') },
    features: [calls('10', { overage: graduated }), { feature: 'reports' }],
  });
  await world.plan({
    code: 'trial',
    rank: 15,
    month: '25',
    ...year('250'),
    trialDays: 14,
    features: [jobs('10'), people],
  });
  await world.addon('extra', '7.77', { features: [{ feature: 'reports' }] }, '77.70');
  await world.addon('more', '2.50', { requires: ['extra'] }, '25');
  await world.addon('upper', '49', { minimumPlan: 'duo' }, '490');
  await world.addon('calls_pack', '5', { features: [calls('50')] }, '50');
  await world.addon('seats', '3.10', {}, '31');
  const amount = (value: string) => [{ amount: value, currency }];
  const many = { maxRedemptionsPerTenant: 1000 };
  await world.coupon('TWENTY', { kind: 'PERCENT', percent: '20', ...many });
  await world.coupon('THIRDS', { kind: 'PERCENT', percent: '33.333', ...many });
  await world.coupon('TEN', { kind: 'FIXED', amounts: amount('10'), ...many });
  await world.coupon('SCALED', { kind: 'FIXED', amounts: amount('25'), scaled: true, ...many });
  await world.coupon('THRICE', { kind: 'PERCENT', percent: '15', duration: 'REPEATING', durationPeriods: 3, ...many });
  await world.coupon('ALWAYS', { kind: 'PERCENT', percent: '5', duration: 'FOREVER' });
  await world.coupon('FREE2', { kind: 'FREE_PERIODS', duration: 'REPEATING', durationPeriods: 2 });
  await world.coupon('SOLO', { kind: 'PERCENT', percent: '50', plans: ['solo'], duration: 'FOREVER', ...many });
  await world.coupon('EXTRA', { kind: 'PERCENT', percent: '100', addons: ['extra'], duration: 'FOREVER', ...many });
  await world.coupon('MONTHS', {
    kind: 'FIXED',
    amounts: amount('3'),
    intervals: ['MONTH'],
    duration: 'FOREVER',
    ...many,
  });
  await world.coupon('FIRST', { kind: 'FIXED', amounts: amount('9'), firstPurchaseOnly: true });
  return world;
}

/** What one tenant of such a shop lives through in two years: everything that it, its partner and its bank may do, at random. */
export class Story {
  private now = firstDay;
  private tenant!: TenantOfWorld;
  private serial = 0;
  private isSubscribed = false;
  /** What was done, with what came of it. */
  readonly told: string[] = [];
  readonly outcomes = new Map<string, number>();

  constructor(
    private readonly gateway: TestGateway,
    private readonly world: World,
    private readonly random: Random,
  ) {}

  get uuid(): string {
    return decodeId(this.tenant.id)!.uuid;
  }

  private iso = (at = this.now) => new Date(at).toISOString();

  /** A mutation; a refusal is an outcome like another. */
  private async act(name: string, input: object, fields = 'dryRun', keyed = false): Promise<Any> {
    this.serial += 1;
    const key = keyed ? `, idempotencyKey: "story-${this.serial}"` : '';
    const about = `${this.iso()} ${name} ${JSON.stringify(input)}`;
    const ask = () => this.world.act(name, { tenantId: this.tenant.id, ...input }, fields, key);
    const answer = await ask()
      // A connection that broke on a busy machine says nothing about what happened: in a random story it happens twice.
      .catch((error: Error) => (error.message === 'fetch failed' ? ask() : Promise.reject(error)))
      .catch((error: Error) => {
        this.told.push(`${about}: ${error.message}`);
        throw error;
      });
    const outcome = answer.code ?? 'done';
    this.told.push(`${about}: ${outcome}`);
    const counted = `${name} ${outcome}`;
    this.outcomes.set(counted, (this.outcomes.get(counted) ?? 0) + 1);
    if (outcome === 'SUBSCRIPTION_REQUIRED') this.isSubscribed = false;
    return answer;
  }

  async live(days = 730): Promise<void> {
    const { random, world } = this;
    this.tenant = await world.tenant(this.iso());
    if (random.chance(0.6)) await this.card();
    const end = this.now + days * day;
    while (this.now < end) {
      if (!this.isSubscribed && random.chance(0.8)) await this.start();
      for (let acts = random.whole(1, 4); acts > 0; acts -= 1) await this.actOnce();
      this.now += random.whole(0, random.pick([0, 3 * hour, 3 * day, 20 * day, 35 * day, 60 * day, 100 * day]));
      await this.act('advanceClock', { to: this.iso() }, 'now');
    }
  }

  private async start() {
    const { random } = this;
    const input = {
      plan: random.pick(plans),
      interval: random.pick(['MONTH', 'MONTH', 'YEAR']),
      quantity: random.whole(1, 3),
      ...(random.chance(0.2) ? { trialDays: random.whole(1, 40) } : {}),
      ...(random.chance(0.2) ? { anchorDay: random.whole(1, 31) } : {}),
    };
    const { code } = await this.act('startSubscription', input);
    this.isSubscribed ||= code === undefined || code === 'ALREADY_SUBSCRIBED';
  }

  private card() {
    const input = { provider: 'FAKE', token: this.random.pick(cards), makeDefault: true };
    return this.act('addPaymentMethod', input, 'dryRun', true);
  }

  private async actOnce(): Promise<Any> {
    const { random } = this;
    const pick = random.whole(0, 99);
    if (pick < 20) return this.change();
    if (pick < 30) {
      const charge = random.chance(0.25) ? { charge: 'NEXT_INVOICE' } : {};
      return this.act('subscribeAddon', { addon: random.pick(addons), quantity: random.whole(1, 3), ...charge });
    }
    if (pick < 38) {
      const [addonSubscriptionId] = this.one(await this.attachments());
      if (!addonSubscriptionId) return;
      const quantity = random.whole(1, 4);
      if (random.chance(0.4)) return this.act('changeAddonQuantity', { addonSubscriptionId, quantity });
      const when = random.pick(['NOW', 'PERIOD_END']);
      return this.act('cancelAddon', { addonSubscriptionId, reason: 'enough', when, ...this.settlement() });
    }
    if (pick < 46) return this.act('applyCoupon', { code: random.pick(coupons) });
    if (pick < 62) return this.use();
    if (pick < 80) return this.onInvoice();
    if (pick < 86) return this.refund();
    if (pick < 90) return this.card();
    if (pick < 94) {
      const answer = await this.act('cancelSubscription', {
        reason: 'enough',
        when: random.pick(['NOW', 'PERIOD_END']),
        ...this.settlement(),
      });
      return answer;
    }
    if (pick < 96) return this.start();
    if (pick < 98) return this.act('cancelScheduledPlanChange', {});
    const gift = { feature: 'jobs', limit: '3', resetPeriod: 'MONTH', reason: 'sorry' };
    return this.act('grantEntitlement', { ...gift, endsAt: this.iso(this.now + 20 * day) });
  }

  private one<T>(values: readonly T[]): [T?] {
    return values.length === 0 ? [] : [this.random.pick(values)];
  }

  private settlement(): object {
    return this.random.chance(0.3) ? { settlement: this.random.pick(['CREDIT_BALANCE', 'REFUND', 'NONE']) } : {};
  }

  private async change() {
    const { random } = this;
    const effective = random.pick(['NOW', 'NOW', 'NOW', 'NOW', 'PERIOD_END', 'DATE']);
    const { code } = await this.act(
      'changePlan',
      {
        ...(random.chance(0.85) ? { plan: random.pick(plans) } : {}),
        ...(random.chance(0.2) ? { interval: random.pick(['MONTH', 'YEAR']) } : {}),
        ...(random.chance(0.3) ? { quantity: random.whole(1, 4) } : {}),
        ...(random.chance(0.3) ? { anchor: random.pick(['KEEP', 'RESET']) } : {}),
        ...(random.chance(0.4) ? { keepRunningDiscounts: true } : {}),
        ...(random.chance(0.2) ? { coupon: random.pick(coupons) } : {}),
        ...(random.chance(0.1) ? { waived: true } : {}),
        ...(random.chance(0.2) ? { unavailableAddons: random.pick(['KEEP', 'REFUSE']) } : {}),
        ...(random.chance(0.2) ? { addons: [{ addon: random.pick(addons), quantity: random.whole(1, 3) }] } : {}),
        ...this.settlement(),
        effective,
        ...(effective === 'DATE' ? { effectiveDate: this.iso(this.now + random.whole(1, 20) * day).slice(0, 10) } : {}),
      },
      'dryRun',
      true,
    );
    // Change and back at once, now and then.
    if (!code && random.chance(0.2)) await this.act('changePlan', { plan: random.pick(plans) }, 'dryRun', true);
  }

  private async use() {
    const { random } = this;
    const type = random.pick(['calls', 'calls', 'jobs', 'people']);
    // Some of it is told weeks later.
    const time = this.iso(this.now - (random.chance(0.4) ? random.whole(0, 50 * day) : 0));
    const event = { id: `event-${this.serial}`, type, time, enforce: random.chance(0.3) };
    const who = random.pick(['ann', 'ben', 'cem', 'dee', 'eve', 'flo']);
    const more = type === 'people' ? { data: { who } } : { quantity: String(random.whole(1, 25)) };
    await this.act('recordUsage', { ...event, ...more }, 'duplicate');
  }

  private async nodes(list: string, fields: string): Promise<Any[]> {
    const { nodes } = await this.gateway.get(
      'super-admin',
      `query ($id: ID) { ${list}(tenantId: $id, last: 30) { nodes { ${fields} } } }`,
      { id: this.tenant.id },
    );
    return nodes;
  }

  private async attachments(): Promise<string[]> {
    const rows = await this.nodes('addonSubscriptions', 'id status');
    return rows.filter(({ status }) => status !== 'ENDED').map(({ id }) => id);
  }

  /** What a partner, or a bank, does about one of its invoices. */
  private async onInvoice(): Promise<Any> {
    const { random } = this;
    const invoices = await this.nodes('invoices', 'id status lines { id amount { amount currency } }');
    const open = invoices.filter(({ status }) => status === 'FINALIZED' || status === 'UNCOLLECTIBLE');
    const [invoice] = this.one(open.length > 0 && random.chance(0.7) ? open : invoices);
    if (!invoice) return;
    const { id: invoiceId } = invoice;
    const pick = random.whole(0, 99);
    if (pick < 45) return this.act('markInvoicePaid', { invoiceId, reference: `bank ${this.serial}` }, 'dryRun', true);
    if (pick < 55) return this.act('markInvoiceUncollectible', { invoiceId });
    if (pick < 70) {
      const forgiveUsage = random.chance(0.5);
      return this.act('voidInvoice', { invoiceId, reason: 'a mistake', forgiveUsage });
    }
    const [line] = this.one(invoice.lines as Any[]);
    if (!line) return;
    const { amount, currency } = line.amount;
    const whole = Number(amount.replace('-', '').split('.')[0]);
    const settlement = random.pick(['CREDIT_BALANCE', 'CREDIT_BALANCE', 'REFUND', 'OUTSIDE']);
    const part = random.chance(0.3) ? amount.replace('-', '') : String(random.whole(1, Math.max(1, whole)));
    const lines = [{ invoiceLineId: line.id, amount: { amount: part, currency } }];
    return this.act('issueCreditNote', { invoiceId, lines, settlement }, 'dryRun', true);
  }

  private async refund(): Promise<void> {
    const invoices = await this.nodes('invoices', 'payments { id status }');
    const payments = invoices.flatMap(({ payments: rows }) => rows as Any[]);
    const [payment] = this.one(payments.filter(({ status }) => status === 'SUCCEEDED'));
    if (!payment) return;
    const { currency } = this.world;
    const part = this.random.chance(0.7) ? { amount: { amount: String(this.random.whole(1, 20)), currency } } : {};
    await this.act('refundPayment', { paymentId: payment.id, ...part }, 'dryRun', true);
  }
}
