import type { TestGateway } from './gateway';

type Asker = Parameters<TestGateway['get']>[0];

let serial = 0;

const money = '{ amount currency }';
const documentFields = `id number kind reason status subtotal ${money} discount ${money} total ${money} creditApplied ${money} credited ${money} paid ${money} amountDue ${money}
  lines { id kind description amount ${money} explanation { sentence formula } }`;

const noteFields = `creditNotes { id number reason invoiceId settlement total ${money} tax ${money}
  lines { kind amount ${money} invoiceLineId explanation { sentence } } }`;

/** Amounts of one document, as a test compares them. */
export interface Document {
  readonly id: string;
  readonly number: string;
  readonly status: string;
  readonly total: { readonly amount: string };
  readonly creditApplied: { readonly amount: string };
  readonly credited: { readonly amount: string };
  readonly paid: { readonly amount: string };
  readonly amountDue: { readonly amount: string };
  readonly lines: readonly {
    readonly id: string;
    readonly kind: string;
    readonly description: string;
    readonly amount: { readonly amount: string };
  }[];
}

export interface PlanOptions {
  readonly code: string;
  readonly rank?: number;
  readonly month?: string;
  readonly year?: string;
  readonly includesAllAddons?: boolean;
  readonly includedAddons?: readonly string[];
  readonly features?: readonly object[];
  readonly trialDays?: number;
  readonly prorationBasis?: string;
}

/** A partner of a test's own, with what it sells and its tenants; everything through the API, as super admin. */
export class World {
  private constructor(
    private readonly gateway: TestGateway,
    readonly partnerId: string,
    readonly currency: string,
    /** Its tenants pay each invoice that an act of theirs answers, at once and outside the system. */
    readonly paysAtOnce: boolean,
  ) {}

  static async create(
    gateway: TestGateway,
    options: { currency?: string; timeZone?: string; couponOrder?: string; paysAtOnce?: boolean } = {},
  ): Promise<World> {
    serial += 1;
    const { currency = 'USD', timeZone = 'UTC', couponOrder } = options;
    const input = { code: `world${serial}`, name: `World ${serial}`, currency, timeZone, couponOrder };
    const { partner } = await gateway.get(
      'super-admin',
      'mutation ($input: CreatePartnerInput!) { createPartner(input: $input) { ... on CreatePartnerDone { partner { id } } ... on Refused { code message } } }',
      { input },
    );
    return new World(gateway, partner.id, currency, options.paysAtOnce ?? false);
  }

  /** Runs a mutation as super admin; a refusal is answered as it is. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever they asked for.
  async act(mutation: string, input: object, fields: string, extra = '', by: Asker = 'super-admin'): Promise<any> {
    const name = mutation[0]!.toUpperCase() + mutation.slice(1);
    const inputType = mutation === 'changePlan' ? 'PlanChangeInput' : `${name}Input`;
    return this.gateway.get(
      by,
      `mutation ($input: ${inputType}!) { ${mutation}(input: $input${extra}) {
        ... on ${name}Done { ${fields} } ... on Refused { code message facts { name value } path retryable } } }`,
      { input },
    );
  }

  async feature(code: string, kind = 'METERED', extra: object = {}): Promise<void> {
    await this.act('createFeature', { partnerId: this.partnerId, code, name: code, kind, ...extra }, 'feature { id }');
  }

  async plan({ code, rank = 10, month, year, ...rest }: PlanOptions): Promise<void> {
    const price = (interval: string, amount: string | undefined) =>
      amount === undefined ? [] : [{ interval, price: { amount, currency: this.currency } }];
    const prices = [...price('MONTH', month), ...price('YEAR', year)];
    const made = await this.act(
      'createPlan',
      { partnerId: this.partnerId, code, name: code, rank, prices, ...rest },
      'plan { id }',
    );
    if (made.code) throw new Error(`${code}: ${made.message}`);
  }

  async addon(code: string, month: string | undefined, extra: object = {}, year?: string): Promise<void> {
    const price = (interval: string, amount: string | undefined) =>
      amount === undefined ? [] : [{ interval, price: { amount, currency: this.currency } }];
    const prices = [...price('MONTH', month), ...price('YEAR', year)];
    const made = await this.act(
      'createAddon',
      { partnerId: this.partnerId, code, name: code, prices, ...extra },
      'addon { id }',
    );
    if (made.code) throw new Error(`${code}: ${made.message}`);
  }

  async coupon(code: string, options: object): Promise<void> {
    const input = { partnerId: this.partnerId, code, duration: 'ONCE', ...options };
    const made = await this.act('createCoupon', input, 'coupon { id }');
    if (made.code) throw new Error(`${code}: ${made.message}`);
  }

  /** A live tenant: its time is the gateway's. */
  async liveTenant(options: { name?: string; timeZone?: string; currency?: string } = {}): Promise<TenantOfWorld> {
    serial += 1;
    const { tenant } = await this.act(
      'createTenant',
      { partnerId: this.partnerId, name: `Tenant ${serial}`, sandbox: false, ...options },
      'tenant { id }',
    );
    return new TenantOfWorld(this.gateway, this, tenant.id);
  }

  /** A sandbox tenant with a clock of its own. */
  async tenant(now: string, options: { timeZone?: string; currency?: string } = {}): Promise<TenantOfWorld> {
    serial += 1;
    const { tenant } = await this.act(
      'createTenant',
      { partnerId: this.partnerId, name: `Tenant ${serial}`, sandbox: true, testClock: now, ...options },
      'tenant { id }',
    );
    return new TenantOfWorld(this.gateway, this, tenant.id);
  }
}

export class TenantOfWorld {
  /** Who previews and changes; the platform's own people unless a test says so. */
  by: Asker = 'super-admin';

  constructor(
    private readonly gateway: TestGateway,
    private readonly world: World,
    readonly id: string,
  ) {}

  start(plan: string, options: object = {}) {
    return this.paying(
      this.world.act(
        'startSubscription',
        { tenantId: this.id, plan, ...options },
        `subscription { id currentPeriod { start end } status } invoices { ${documentFields} } creditNotes { number }`,
      ),
    );
  }

  preview(input: object) {
    return this.gateway.get(
      this.by,
      `query ($input: PlanChangeInput!) { prorationPreview(input: $input) {
        ... on ProrationPreview { unusedCredit { amount } newCharge { amount } discount { amount } net { amount } creditApplied { amount } amountDue { amount }
          total { amount } closing { amount } tax { amount } documents { kind reason total { amount } lines { kind amount { amount } } }
          surplus { amount } anchor share { remaining total } endingCoupons recurring { amount } periodAfter { start end }
          lines { kind amount { amount } explanation { sentence } } addons { addon { code } outcome credit { amount } }
          differences { feature { code } change before after } quote { token expiresAt } effectiveAt }
        ... on Refused { code message facts { name value } } } }`,
      { input: { tenantId: this.id, ...input } },
    );
  }

  change(input: object, options: { quote?: string; key?: string; dryRun?: boolean } = {}) {
    serial += 1;
    const extra = [
      `, idempotencyKey: ${JSON.stringify(options.key ?? `change-${serial}`)}`,
      options.quote ? `, quote: ${JSON.stringify(options.quote)}` : '',
      options.dryRun ? ', dryRun: true' : '',
    ].join('');
    return this.paying(
      this.world.act(
        'changePlan',
        { tenantId: this.id, ...input },
        `net { amount } replayed dryRun subscription { version item { plan { code } quantity } currentPeriod { start end } interval }
       invoices { ${documentFields} } ${noteFields}
       invoice { ${documentFields} } creditNote { number total { amount } settlement lines { kind amount { amount } invoiceLineId } }
       proration { net { amount } waived settlement unusedCredit { amount } newCharge { amount } couponDiscount { amount } }
       scheduled { effectiveAt plan { code } } addonSubscriptions { id quantity addon { code } }`,
        extra,
        this.by,
      ),
    );
  }

  subscribe(addon: string, options: object = {}, quote?: string) {
    return this.paying(
      this.world.act(
        'subscribeAddon',
        { tenantId: this.id, addon, ...options },
        `created addonSubscription { id status endsAt quantity } invoice { ${documentFields} } invoices { number reason total { amount } } creditNotes { number total { amount } }`,
        quote ? `, quote: ${JSON.stringify(quote)}` : '',
      ),
    );
  }

  /** More or fewer units of what is attached. */
  changeQuantity(addonSubscriptionId: string, quantity: number, options: { quote?: string; dryRun?: boolean } = {}) {
    const extra = [
      options.quote ? `, quote: ${JSON.stringify(options.quote)}` : '',
      options.dryRun ? ', dryRun: true' : '',
    ].join('');
    return this.paying(
      this.world.act(
        'changeAddonQuantity',
        { tenantId: this.id, addonSubscriptionId, quantity },
        `changed dryRun addonSubscription { id status quantity startedAt endsAt } invoices { ${documentFields} }
       creditNotes { number total { amount } lines { kind amount { amount } } }`,
        extra,
        this.by,
      ),
    );
  }

  cancelAddon(addonSubscriptionId: string, options: object = {}) {
    return this.world.act(
      'cancelAddon',
      { tenantId: this.id, addonSubscriptionId, reason: 'no longer needed', ...options },
      `addonSubscription { id status endsAt } creditNote { number total { amount } lines { amount { amount } invoiceLineId } }
       invoices { number reason total { amount } } ${noteFields}`,
    );
  }

  apply(code: string) {
    return this.world.act('applyCoupon', { tenantId: this.id, code }, 'created pendingCoupon { id status }');
  }

  /** Units of a feature without a meter of its own, at an instant up to the tenant's now. */
  async use(feature: string, quantity: string | number, time: string, extra: object = {}): Promise<void> {
    serial += 1;
    const input = {
      tenantId: this.id,
      id: `event-${serial}`,
      type: feature,
      quantity: String(quantity),
      time,
      ...extra,
    };
    const recorded = await this.world.act('recordUsage', input, 'duplicate');
    if (recorded.duplicate !== false) throw new Error(`${feature}: ${JSON.stringify(recorded)}`);
  }

  cancel(options: object = {}) {
    return this.paying(
      this.world.act(
        'cancelSubscription',
        { tenantId: this.id, reason: 'enough', ...options },
        `subscription { status cancelAt } invoice { ${documentFields} } creditNote { total { amount } }
       invoices { number reason total { amount } } ${noteFields}`,
      ),
    );
  }

  advance(to: string) {
    return this.paying(
      this.world.act(
        'advanceClock',
        { tenantId: this.id, to },
        `now events invoices { ${documentFields} period { start end } } creditNotes { number reason total { amount } issuedAt }`,
      ),
    );
  }

  pay(invoiceId: string, reference = 'bank 4711') {
    serial += 1;
    const extra = `, idempotencyKey: "pay-${serial}"`;
    const input = { tenantId: this.id, invoiceId, reference };
    return this.world.act('markInvoicePaid', input, 'invoice { status paidAt paymentReference }', extra);
  }

  // biome-ignore lint/suspicious/noExplicitAny: as `act`.
  private async paying(act: Promise<any>): Promise<any> {
    const answer = await act;
    if (!this.world.paysAtOnce || answer.dryRun) return answer;
    const written: Document[] = [...(answer.invoices ?? []), ...(answer.invoice ? [answer.invoice] : [])];
    const open = written.filter(({ id, status }) => id && status === 'FINALIZED').map(({ id }) => id);
    for (const id of new Set(open)) await this.pay(id, `bank ${id}`);
    return answer;
  }

  /** Every invoice that still asks for money was paid outside the system. */
  async payAll(): Promise<void> {
    for (const { id, status } of await this.invoices()) if (status === 'FINALIZED') await this.pay(id, `bank ${id}`);
  }

  void(invoiceId: string, reason = 'billed by mistake') {
    const input = { tenantId: this.id, invoiceId, reason };
    return this.world.act('voidInvoice', input, 'invoice { status voidedAt voidReason }');
  }

  giveUp(invoiceId: string) {
    const input = { tenantId: this.id, invoiceId };
    return this.world.act('markInvoiceUncollectible', input, 'invoice { status uncollectibleAt }');
  }

  /** Credits lines by id: `{ [line]: '12.00' }`. */
  credit(invoiceId: string, amounts: Readonly<Record<string, string>>, options: object = {}, extra = '') {
    serial += 1;
    const { currency } = this.world;
    const lines = Object.entries(amounts).map(([invoiceLineId, amount]) => ({
      invoiceLineId,
      amount: { amount, currency },
    }));
    return this.world.act(
      'issueCreditNote',
      { tenantId: this.id, invoiceId, lines, ...options },
      `creditNote { id number reason invoiceId memo settlement total { amount }
        lines { kind description amount { amount } invoiceLineId explanation { sentence } } } ${noteFields}`,
      `, idempotencyKey: "credit-${serial}"${extra}`,
    );
  }

  async balance(): Promise<string> {
    const balance = await this.gateway.get(
      'super-admin',
      'query ($id: ID) { creditBalance(tenantId: $id) { amount } }',
      {
        id: this.id,
      },
    );
    return balance.amount;
  }

  check(feature: string, extra = '') {
    return this.gateway.get(
      'super-admin',
      `query ($id: ID, $feature: ID!) { entitlementCheck(tenantId: $id, feature: $feature${extra}) {
        allowed reason unlimited limit used remaining value resetsAt sources { kind name limit value quantity }
        unlocks { __typename
          ... on PlanChangeUnlock { kind toPlan { id code } interval addons { addon { id code } quantity addonSubscriptionId }
            dueNow { amount } amountDue { amount } recurring { amount } differences { feature { code } change }
            lines { kind amount { amount } explanation { sentence } } quote { token } }
          ... on StartUnlock { kind plan { id code } interval trialEnd dueNow { amount } amountDue { amount } recurring { amount } quote { token } }
          ... on LicenceUnlock { kind product { code } quantity dueNow { amount } recurring { amount } explanation { sentence } quote { token } }
          ... on PaymentUnlock { kind invoices { invoiceId number amountDue { amount } } dueNow { amount } } } } }`,
      { id: this.id, feature },
    );
  }

  /** How often coupons were redeemed, and every invoice's lines. */
  async spent(): Promise<{ redemptions: number; lines: string[][] }> {
    const { nodes } = await this.gateway.get(
      'super-admin',
      'query ($id: ID) { couponRedemptions(tenantId: $id, first: 100) { nodes { id } } }',
      { id: this.id },
    );
    return { redemptions: nodes.length, lines: (await this.invoices()).map(amountsOf) };
  }

  upcoming() {
    return this.gateway.get(
      'super-admin',
      `query ($id: ID) { upcomingInvoice(tenantId: $id) { kind reason dueAt period { start end } subtotal { amount } discount { amount }
        total { amount } creditApplied { amount } amountDue { amount }
        lines { kind description amount { amount } explanation { sentence formula } } } }`,
      { id: this.id },
    );
  }

  usage() {
    return this.gateway.get(
      'super-admin',
      `query ($id: ID) { usageBySubscription(tenantId: $id) { feature { code } since resetsAt used limit remaining overage perDay
        exhaustedAt amount { amount } shares { part quantity amount { amount } source { kind name limit } explanation { sentence } } } }`,
      { id: this.id },
    );
  }

  /** Every invoice line with what it is for. */
  async lineSources(): Promise<{ kind: string; source: object | null }[]> {
    const { nodes } = await this.gateway.get(
      'super-admin',
      `query ($id: ID) { invoices(tenantId: $id, first: 100) { nodes { lines { kind
        source { __typename ... on Plan { code } ... on Addon { code } ... on Coupon { code } } } } } }`,
      { id: this.id },
    );
    return nodes.flatMap(({ lines }: { lines: [] }) => lines);
  }

  async invoices(): Promise<Document[]> {
    const { nodes } = await this.gateway.get(
      'super-admin',
      `query ($id: ID) { invoices(tenantId: $id, first: 100) { nodes { ${documentFields} period { start end } } } }`,
      { id: this.id },
    );
    return nodes;
  }
}

/** `kind amount` of each line, in order. */
export function amountsOf(document: Document | undefined | null): string[] {
  return (document?.lines ?? []).map((line) => `${line.kind} ${line.amount.amount}`);
}
