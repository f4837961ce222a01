import { encodeId } from '../../src/core/ids';
import { billTenant } from '../../src/invoicing/bill-tenant.command';
import { processInbox } from '../../src/payments/process-inbox.job';
import type { Random } from '../support/arbitraries';
import { findings } from '../support/findings';
import { StripeFault } from '../support/stripe/fault';
import { Params } from '../support/stripe/form';
import {
  addresses,
  type StripeGateway,
  StripeTenant,
  startStripeGateway,
  stripeWebhookSecret,
} from '../support/stripe/gateway';
import type { Charge, StripeEvent, Subscription } from '../support/stripe/objects';
import type { Mishap } from '../support/stripe/stand-in';
import { Diary, faultLog, type History, Mail, pickOne, reconciled } from './history';

// biome-ignore lint/suspicious/noExplicitAny: histories look into whatever they asked for.
type Any = any;

const day = 86_400;
const firstDay = '2027-03-01T12:00:00Z';
const graceDays = 7;

/** Good ones more often than the others, or nothing would ever be bought. */
const cards = [
  ...['pm_card_visa', 'pm_card_visa', 'pm_card_visa', 'pm_card_mastercard', 'pm_card_pendingRefund'],
  ...['pm_card_authenticationRequired', 'pm_card_authenticationRequiredOnSetup', 'pm_card_createDispute'],
  ...['pm_card_chargeCustomerFail', 'pm_card_visa_chargeDeclinedInsufficientFunds'],
];
/** The add-on is sold with the bigger one only. */
const plans = ['starter', 'growth', 'growth', 'growth'];
const mishaps: readonly Mishap[] = ['RESET_BEFORE', 'RESET_AFTER', 'ERROR_500_BEFORE', 'ERROR_500_AFTER'];
const questions = ['POST', 'GET', 'POST /v1/payment_intents', 'POST /v1/refunds', 'POST /v1/checkout/sessions'];

/** One customer of one partner, and what it, its partner and its bank do with us and at Stripe. */
export class StripeHistory implements History {
  private readonly diary: Diary;
  private readonly mail: Mail<StripeEvent>;
  private tenant!: StripeTenant;
  private pages: string[] = [];
  private broken: string[] = [];
  private serial = 0;

  private constructor(
    private readonly random: Random,
    private readonly stripe: StripeGateway,
    private readonly faults: () => string[],
  ) {
    const { books, hooks } = stripe.standIn;
    this.diary = new Diary(() => stripe.now());
    this.mail = new Mail(random, async (event) => void (await hooks.deliver(event)));
    books.onEvent = (event) => this.mail.post(event);
  }

  static async begin(random: Random): Promise<StripeHistory> {
    const { log, faults } = faultLog();
    return new StripeHistory(random, await startStripeGateway({ at: firstDay, log }), faults);
  }

  get told() {
    return this.diary.told;
  }

  get figures() {
    return this.diary.figures;
  }

  stop(): Promise<void> {
    return this.stripe.stop();
  }

  private get books() {
    return this.stripe.standIn.books;
  }

  async live(): Promise<readonly string[]> {
    const { random } = this;
    await this.enter();
    for (let acts = random.whole(20, 60); acts > 0; acts -= 1) {
      await this.actOnce();
      if (random.chance(0.7)) await this.work();
      // Whoever stands before a page does not wait for days.
      if (this.pages.length > 0 && random.chance(0.6)) continue;
      if (random.chance(0.5)) await this.pass(random.whole(0, random.pick([3_600, day, 5 * day, 16 * day, 33 * day])));
    }
    await this.end();
    return this.broken;
  }

  private async enter(): Promise<void> {
    const { random } = this;
    const features = [{ feature: 'reports' }];
    this.tenant = await StripeTenant.create(this.stripe, []);
    const { world } = this.tenant;
    await world.feature('reports', 'BOOLEAN');
    await world.plan({ code: 'starter', rank: 10, month: '49.00', features });
    await world.plan({ code: 'growth', rank: 20, month: '199.00', features });
    await world.addon('track', '149.00', { minimumPlan: 'growth', features: [{ feature: 'tracks' }] });
    await world.addon('extra', '7.77');
    const policy = { finalAction: random.pick(['UNPAID', 'UNPAID', 'CANCEL']), graceDays, retryDays: [3, 5, 9] };
    await world.act('setDunningPolicy', { partnerId: world.partnerId, ...policy }, 'dryRun');
    this.stripe.standIn.billing.afterRetries = random.pick(['cancel', 'unpaid']);
    if (random.chance(0.8)) await this.card('pm_card_visa');
    await this.act('startSubscription', { plan: random.pick(plans) });
    await this.work();
    if (random.chance(0.6)) await this.page('createAddonCheckout', { addon: 'track' });
  }

  // ---- Acts --------------------------------------------------------------------------------------------------------------

  private async actOnce(): Promise<void> {
    if (this.random.chance(0.05)) this.trouble();
    // Without a subscription there is little to do.
    const [live] = await this.rows(`select 1 from subscriptions where tenant_id = $1 and status <> 'CANCELLED'`);
    if (!live && this.random.chance(0.5)) {
      return void (await this.act('startSubscription', { plan: this.random.pick(plans) }));
    }
    const acts = [...this.ours(), ...this.theCustomers(), ...this.thePartners(), ...this.theBanks()];
    const before = this.told.length;
    // Of what is not there nothing can be done: something else is.
    for (let tries = 0; tries < 6 && this.told.length === before; tries += 1) await pickOne(this.random, acts)();
  }

  private trouble(): void {
    const { random, stripe } = this;
    const [on, mishap] = [random.pick(questions), random.pick(mishaps)];
    stripe.standIn.trouble(on, mishap, random.whole(1, 2));
    this.diary.note('trouble', mishap, on);
  }

  /** A mutation; a refusal is an outcome like another. */
  private async act(mutation: string, input: object, fields = 'dryRun', keyed = false): Promise<Any> {
    this.serial += 1;
    const key = keyed ? `, idempotencyKey: "history-${this.serial}"` : '';
    const answer = await this.tenant.act(mutation, input, fields, key);
    this.diary.note(mutation, answer.code ?? 'done', JSON.stringify(input));
    return answer;
  }

  /** The customer's, who is `$1`. */
  private rows<Row = Any>(sql: string): Promise<Row[]> {
    return this.stripe.gateway.database.asOwner<Row>(sql, [this.tenant.uuid]);
  }

  private async one(kind: 'Invoice' | 'Payment' | 'PaymentMethod' | 'AddonSubscription' | 'Checkout', sql: string) {
    const rows = await this.rows<{ id: string }>(sql);
    return rows.length === 0 ? undefined : encodeId(kind, this.random.pick(rows).id, this.tenant.uuid);
  }

  private card(token = this.random.pick(cards)): Promise<Any> {
    const input = { provider: 'STRIPE', token, makeDefault: this.random.chance(0.8) };
    return this.act('addPaymentMethod', input, 'dryRun', true);
  }

  private ours(): [number, () => Promise<void>][] {
    const { random } = this;
    const when = () => random.pick(['NOW', 'PERIOD_END']);
    const settlement = () => random.pick(['CREDIT_BALANCE', 'CREDIT_BALANCE', 'REFUND', 'NONE']);
    const open = `select id from invoices where tenant_id = $1 and status in ('FINALIZED', 'UNCOLLECTIBLE') order by number`;
    const onInvoice =
      (mutation: string, input: () => object, keyed = true) =>
      async () => {
        const invoiceId = await this.one('Invoice', open);
        if (invoiceId) await this.act(mutation, { invoiceId, ...input() }, 'dryRun', keyed);
      };
    return [
      [3, () => this.page('createPlanCheckout', { plan: random.pick(plans) })],
      [14, () => this.page('createAddonCheckout', { addon: 'track', quantity: random.pick([1, 1, 2, 3]) })],
      [3, async () => void (await this.act('subscribeAddon', { addon: 'extra', quantity: random.whole(1, 3) }))],
      [
        6,
        async () => {
          const plan = random.pick(plans);
          const effective = random.pick(['NOW', 'NOW', 'PERIOD_END']);
          await this.act('changePlan', { plan, effective, settlement: settlement() }, 'dryRun', true);
        },
      ],
      [1, async () => void (await this.act('cancelScheduledPlanChange', {}))],
      [
        2,
        async () => {
          const input = { reason: 'enough', when: when(), settlement: settlement() };
          await this.act('cancelSubscription', input);
        },
      ],
      [
        5,
        async () => {
          const addonSubscriptionId = await this.one(
            'AddonSubscription',
            'select id from partner_tenant_addon_subscriptions where tenant_id = $1 and ended_at is null order by started_at',
          );
          const input = { addonSubscriptionId, reason: 'enough', when: when(), settlement: settlement() };
          if (addonSubscriptionId) await this.act('cancelAddon', input);
        },
      ],
      [6, async () => void (await this.card())],
      [
        2,
        async () => {
          const input = { provider: 'STRIPE', returnUrl: 'https://shop.example/', makeDefault: true };
          const { url } = await this.act('startPaymentMethodSetup', input, 'url', true);
          if (url) this.pages.push(url);
        },
      ],
      [
        3,
        async () => {
          const sql = 'select id from payment_methods where tenant_id = $1 and removed_at is null order by created_at';
          const paymentMethodId = await this.one('PaymentMethod', sql);
          const mutation = random.pick(['removePaymentMethod', 'setDefaultPaymentMethod']);
          if (paymentMethodId) await this.act(mutation, { paymentMethodId });
        },
      ],
      [5, onInvoice('payInvoice', () => ({}))],
      [2, onInvoice('markInvoicePaid', () => ({ reference: `bank ${this.serial}` }))],
      [1, onInvoice('markInvoiceUncollectible', () => ({}), false)],
      [1, onInvoice('voidInvoice', () => ({ reason: 'a mistake' }), false)],
      [4, () => this.credit()],
      [
        6,
        async () => {
          const sql = `select id from payments where tenant_id = $1 and status = 'SUCCEEDED' order by created_at`;
          const paymentId = await this.one('Payment', sql);
          const part = random.chance(0.6) ? { amount: { amount: `${random.whole(1, 40)}`, currency: 'EUR' } } : {};
          if (paymentId) await this.act('refundPayment', { paymentId, ...part }, 'dryRun', true);
        },
      ],
      [3, async () => void (await this.decide(false))],
    ];
  }

  /** A page of Stripe's is opened; most people who do that pay. */
  private async page(mutation: string, input: object): Promise<void> {
    const { checkout } = await this.act(mutation, { ...input, ...addresses }, 'checkout { url }', true);
    if (!checkout?.url) return;
    if (!this.pages.includes(checkout.url)) this.pages.push(checkout.url);
    if (this.random.chance(0.6)) await this.payAt(checkout.url);
  }

  private async payAt(url: string): Promise<void> {
    const { random, books, stripe } = this;
    const session = books.get('checkout.session', url.split('/').at(-1)!);
    if (random.chance(0.8)) this.pages = this.pages.filter((page) => page !== url);
    const card = random.chance(0.7) ? 'pm_card_visa' : random.pick(cards);
    await this.there('customer pays at the page', () => stripe.standIn.billing.complete(session, card));
  }

  private async credit(): Promise<void> {
    const { random } = this;
    const rows = await this.rows<{ id: string; line: string; amount: string }>(
      `select i.id, l.id as line, abs(l.amount)::text as amount from invoices i
         join invoice_lines l on l.tenant_id = i.tenant_id and l.invoice_id = i.id where i.tenant_id = $1 order by i.number, l.position`,
    );
    if (rows.length === 0) return;
    const { id, line, amount } = random.pick(rows);
    const minor = BigInt(amount);
    const part = random.chance(0.4) ? minor : minor / 3n;
    const text = `${part / 100n}.${String(part % 100n).padStart(2, '0')}`;
    const { uuid } = this.tenant;
    const lines = [{ invoiceLineId: encodeId('InvoiceLine', line, uuid), amount: { amount: text, currency: 'EUR' } }];
    const settlement = random.pick(['CREDIT_BALANCE', 'REFUND']);
    await this.act('issueCreditNote', { invoiceId: encodeId('Invoice', id, uuid), lines, settlement }, 'dryRun', true);
  }

  /** What waits for a person: that one accepts or refuses it, or has it read anew. */
  private async decide(all: boolean): Promise<boolean> {
    const { random } = this;
    const parked = await this.rows<{ id: string; parked_reason: string }>(
      'select id, parked_reason from stripe_checkouts where tenant_id = $1 and parked_reason is not null order by created_at',
    );
    for (const { id } of all ? parked : parked.slice(0, 1)) {
      const checkoutId = encodeId('Checkout', id, this.tenant.uuid);
      const accepted = random.chance(0.5)
        ? await this.act('acceptCheckout', { checkoutId }, 'dryRun', true)
        : undefined;
      if (accepted && !accepted.code) continue;
      const refund = random.chance(0.8);
      const refused = await this.act('refuseCheckout', { checkoutId, reason: 'no', refund }, 'dryRun', true);
      if (refused.code) await this.act('retryCheckout', { checkoutId });
    }
    return parked.length > 0;
  }

  /** Something that is done at Stripe; what Stripe does not allow is an outcome, too. */
  private async there(what: string, act: () => unknown): Promise<void> {
    try {
      await act();
      this.diary.note(what, 'done');
    } catch (error) {
      if (!(error instanceof StripeFault)) throw error;
      this.diary.note(what, `refused (${error.body.code ?? error.body.message})`);
    }
  }

  private pickOf<T>(things: readonly T[]): T | undefined {
    return things.length === 0 ? undefined : this.random.pick(things);
  }

  private running = () => this.books.all('subscription').filter(({ status }) => status !== 'canceled');

  private onSubscription(what: string, act: (subscription: Subscription) => unknown): () => Promise<void> {
    return async () => {
      const subscription = this.pickOf(this.running());
      if (subscription) await this.there(what, () => act(subscription));
    };
  }

  private onCharge(what: string, fits: (charge: Charge) => boolean, act: (charge: Charge) => unknown) {
    return async () => {
      const charge = this.pickOf(this.books.all('charge').filter((one) => one.paid && fits(one)));
      if (charge) await this.there(what, () => act(charge));
    };
  }

  private update = (subscription: Subscription, change: Record<string, unknown>) =>
    this.stripe.standIn.billing.update(subscription, new Params(change as never));

  private theCustomers(): [number, () => Promise<void>][] {
    const { random, stripe, books } = this;
    const { billing, payments } = stripe.standIn;
    const card = () => random.pick(cards);
    return [
      [
        16,
        async () => {
          const url = this.pickOf(this.pages);
          if (url) await this.payAt(url);
        },
      ],
      [
        3,
        this.onSubscription('customer cancels in the portal', (one) =>
          this.update(one, { cancel_at_period_end: 'true' }),
        ),
      ],
      [
        3,
        this.onSubscription('customer resumes in the portal', (one) =>
          this.update(one, { cancel_at_period_end: 'false' }),
        ),
      ],
      [
        3,
        this.onSubscription('customer changes the card of a subscription', (one) => {
          const method = payments.attach(payments.paymentMethod(card()), books.get('customer', one.customer));
          this.update(one, { default_payment_method: method.id });
        }),
      ],
      [
        4,
        async () => {
          const invoice = this.pickOf(books.all('invoice').filter(({ status }) => status === 'open'));
          if (invoice) await this.there('customer pays an invoice of Stripe', () => billing.payInvoice(invoice));
        },
      ],
      [
        5,
        async () => {
          const intent = this.pickOf(books.all('payment_intent').filter(({ status }) => status === 'requires_action'));
          if (!intent) return;
          const method = books.get('payment_method', intent.payment_method!);
          await this.there('customer confirms a payment', () => payments.confirm(intent, method, false, true));
        },
      ],
      [
        2,
        async () => {
          const method = this.pickOf(books.all('payment_method').filter(({ customer }) => customer !== null));
          if (method) await this.there('customer removes a card', () => payments.detach(method));
        },
      ],
    ];
  }

  private thePartners(): [number, () => Promise<void>][] {
    const { random, stripe, books } = this;
    const { billing, payments } = stripe.standIn;
    const left = ({ amount, amount_refunded: back }: Charge) => amount - back;
    const pause = (behavior: string) => (one: Subscription) => this.update(one, { pause_collection: { behavior } });
    return [
      [
        3,
        this.onCharge(
          'partner refunds in the dashboard',
          (one) => left(one) > 0,
          (one) => {
            const amount = random.chance(0.5) ? left(one) : random.whole(1, left(one));
            payments.refund(new Params({ charge: one.id, amount: `${amount}` }));
          },
        ),
      ],
      [2, this.onSubscription('partner cancels at once', (one) => billing.cancel(one))],
      [
        2,
        this.onSubscription('partner cancels to a date', (one) =>
          this.update(one, { cancel_at: `${books.now() + random.whole(1, 50) * day}` }),
        ),
      ],
      [1, this.onSubscription('partner pauses', (one) => billing.pause(one))],
      [3, this.onSubscription('partner resumes', (one) => billing.resume(one))],
      [1, this.onSubscription('partner collects nothing (void)', pause('void'))],
      [1, this.onSubscription('partner collects nothing (draft)', pause('keep_as_draft'))],
      [1, this.onSubscription('partner collects nothing (uncollectible)', pause('mark_uncollectible'))],
      [3, this.onSubscription('partner collects again', (one) => this.update(one, { pause_collection: '' }))],
      [
        2,
        this.onSubscription('partner changes the quantity', (one) => {
          const [item] = one.items.data;
          this.update(one, { items: [{ id: item!.id, quantity: `${random.whole(1, 3)}` }] });
        }),
      ],
      [
        1,
        this.onSubscription('partner gives a discount', (one) => {
          const duration = random.pick(['once', 'forever']);
          const { id } = billing.coupon(new Params({ percent_off: `${random.pick([20, 50, 100])}`, duration }));
          this.update(one, { discounts: [{ coupon: id }] });
        }),
      ],
      [
        1,
        async () => {
          const customer = this.pickOf(books.all('customer'));
          if (!customer) return;
          await this.there('partner gives a balance', () => {
            customer.balance -= random.whole(1, 20_000);
            books.emit('customer.updated', customer);
          });
        },
      ],
      [
        1,
        async () => {
          const customer = this.pickOf(books.all('customer'));
          if (customer) await this.there('partner deletes the customer', () => billing.deleteCustomer(customer));
        },
      ],
    ];
  }

  private theBanks(): [number, () => Promise<void>][] {
    const { random, stripe, books } = this;
    const { payments } = stripe.standIn;
    return [
      [
        4,
        async () => {
          const method = this.pickOf(books.all('payment_method').filter(({ customer }) => customer !== null));
          if (!method) return;
          const becomes = random.pick([
            'pm_card_chargeCustomerFail',
            'pm_card_visa_expired',
            'pm_card_visa',
            'pm_card_visa',
          ]);
          await this.there(`bank makes a card ${becomes}`, () => payments.becomes(method, becomes));
        },
      ],
      [
        2,
        this.onCharge(
          'bank opens a dispute',
          (one) => !one.disputed && one.amount_refunded === 0,
          (one) => payments.dispute(one),
        ),
      ],
      [3, () => this.closeDispute()],
      [3, () => this.finishRefund()],
      [
        1,
        async () => {
          const refund = this.pickOf(books.all('refund').filter(({ status }) => status === 'succeeded'));
          if (refund) await this.there('bank sends a refund back', () => payments.finishRefund(refund, 'failed'));
        },
      ],
    ];
  }

  private async closeDispute(): Promise<void> {
    const dispute = this.pickOf(this.books.all('dispute').filter(({ status }) => status === 'needs_response'));
    const how = this.random.pick(['won', 'lost'] as const);
    if (dispute) await this.there(`dispute ${how}`, () => this.stripe.standIn.payments.closeDispute(dispute, how));
  }

  private async finishRefund(): Promise<void> {
    const refund = this.pickOf(this.books.all('refund').filter(({ status }) => status === 'pending'));
    const how = this.random.chance(0.7) ? 'succeeded' : 'failed';
    if (refund) await this.there(`refund ${how}`, () => this.stripe.standIn.payments.finishRefund(refund, how));
  }

  // ---- Time --------------------------------------------------------------------------------------------------------------

  /** Time passes there and here, a step at a time: what falls due happens, and is told; our billing run comes after it. */
  private async pass(seconds: number, step = 3 * day): Promise<void> {
    const until = this.books.now() + seconds;
    while (this.books.now() < until) {
      await this.stripe.standIn.billing.advanceTo(Math.min(until, this.books.now() + step), () => this.mail.come());
      await this.stripe.gateway.app.asSystem(this.tenant.uuid, (tx) => billTenant(tx));
      await this.work();
    }
  }

  /** All that is due. */
  private async work(): Promise<void> {
    const { app } = this.stripe.gateway;
    for (let round = 0; round < 30; round += 1) {
      await this.mail.come();
      const { applied, ignored, parked, waiting } = await processInbox(app.system, app.providers, { workers: 1 });
      const looked = await app.stripeCheckouts.runDue({ workers: 1 });
      const paid = await app.paymentWork.runDue({ workers: 1 });
      if (applied + ignored + parked + waiting + looked + paid === 0) return;
    }
    this.finds('it never settles');
  }

  private finds(what: string): void {
    this.broken.push(what);
    this.diary.note('FOUND', what);
  }

  // ---- The end -----------------------------------------------------------------------------------------------------------

  private async end(): Promise<void> {
    const { standIn } = this.stripe;
    standIn.calm();
    while (this.books.all('refund').some(({ status }) => status === 'pending')) await this.finishRefund();
    await this.mail.comeAll();
    // What waits for another try, and what is asked again by the calendar.
    for (const hours of [1, 3, 12, 24]) await this.pass(hours * 3_600);
    await this.decideAll();
    this.mail.loses = false;
    await this.reconcile(true);
    await this.decideAll();
    await this.isAtRest();
    for (const row of await this.reconcile(false)) this.finds(`still differs: ${row}`);
    for (const law of await findings(this.stripe.gateway)) this.finds(law);
    await this.compareMoney();
    await this.compareAccess();
    await this.afterAll();
    for (const fault of this.faults()) this.finds(`a job failed: ${fault}`);
    for (const [what, times] of Object.entries(this.mail.counts)) this.diary.count(`events ${what}`, times);
    this.diary.count('requests to Stripe', standIn.requests.length);
  }

  private async rest(): Promise<void> {
    await this.mail.comeAll();
    await this.work();
  }

  private async decideAll(): Promise<void> {
    for (let times = 0; times < 5; times += 1) {
      await this.rest();
      if (!(await this.decide(true))) return;
    }
    this.finds('a checkout waits for a person however often one decides');
  }

  /** Nothing is asked twice by those who have nothing to do. */
  private async isAtRest(): Promise<void> {
    const { requests } = this.stripe.standIn;
    const asked = requests.length;
    await this.rest();
    await this.rest();
    for (const { method, path } of requests.slice(asked)) this.finds(`asked at rest: ${method} ${path}`);
  }

  private reconcile(repair: boolean): Promise<string[]> {
    const { secretKey, url } = this.stripe.standIn;
    const secrets = { STRIPE_SECRET_KEY: secretKey, STRIPE_WEBHOOK_SECRET: stripeWebhookSecret, STRIPE_API_URL: url };
    return reconciled(this.stripe.gateway, secrets, repair);
  }

  /** What Stripe's books say was kept of a charge. */
  private keptThere(charge: Charge): bigint {
    const given = this.books.all('refund').filter((one) => one.charge === charge.id && one.status === 'succeeded');
    const taken = this.books.all('dispute').filter((one) => one.charge === charge.id && one.status === 'lost');
    const back = [...given, ...taken].reduce((sum, { amount }) => sum + BigInt(amount), 0n);
    const kept = BigInt(charge.amount) - back;
    return kept < 0n ? 0n : kept;
  }

  private async compareMoney(): Promise<void> {
    const here = new Map<string, { kept: bigint; what: string }>();
    const own = await this.rows<{ id: string; paid_by: string; kept: string; status: string }>(
      `select id, external_id as paid_by, status,
              case when status = 'SUCCEEDED' then amount - refunded - disputed else 0 end::text as kept from payments where tenant_id = $1`,
    );
    for (const { id, paid_by, kept, status } of own) {
      if (paid_by) here.set(paid_by, { kept: BigInt(kept), what: `payment ${id} (${status})` });
      else if (status === 'PENDING') this.finds(`payment ${id} is not known at rest`);
    }
    const collected = await this.rows<{ external_id: string; paid_by: string | null; kept: string }>(
      `select i.external_id, i.payment_external_id as paid_by,
              (i.amount - coalesce((select sum(r.amount) from stripe_invoice_refunds r
                 where r.tenant_id = i.tenant_id and r.invoice_external_id = i.external_id), 0))::text as kept
         from stripe_invoices i where i.tenant_id = $1`,
    );
    for (const { external_id, paid_by, kept } of collected) {
      if (paid_by) here.set(paid_by, { kept: BigInt(kept), what: `invoice ${external_id}` });
    }
    for (const charge of this.books.all('charge').filter(({ paid }) => paid)) {
      const there = this.keptThere(charge);
      // A bank holds what is disputed until it is decided; of what Stripe bills itself it counts as gone.
      const open = this.books.all('dispute').some((one) => one.charge === charge.id && one.status === 'needs_response');
      const known = here.get(charge.payment_intent!);
      here.delete(charge.payment_intent!);
      if (!known) this.finds(`kept there and not known here: ${charge.payment_intent} ${there}`);
      else if (known.kept !== there && !(open && known.kept === 0n)) {
        this.finds(`${known.what} ${charge.payment_intent}: kept ${known.kept} here, ${there} there`);
      }
    }
    for (const [intent, { kept, what }] of here) {
      if (kept !== 0n) this.finds(`${what} ${intent}: kept ${kept} here, nothing there`);
    }
  }

  private async compareAccess(): Promise<void> {
    const { books, tenant } = this;
    const now = books.now();
    const [mayReport, mayTrack] = [await tenant.allowed('reports'), await tenant.allowed('tracks')];
    const [subscription] = await this.rows<{ status: string }>(
      `select status from subscriptions where tenant_id = $1 and status <> 'CANCELLED'`,
    );
    const invoices = await this.rows<{ id: string; number: string; due: string; status: string }>(
      `select id, number, (case when status = 'FINALIZED' then amount_due else 0 end)::text as due, status from invoices where tenant_id = $1`,
    );
    const owed = invoices.filter(({ due }) => due !== '0');
    const attempts = await this.rows<{ invoice_id: string; external_id: string | null }>(
      'select invoice_id, external_id from payments where tenant_id = $1 and external_id is not null',
    );
    const failedAt = ({ id }: { id: string }) => {
      const intents = attempts.filter(({ invoice_id }) => invoice_id === id).map(({ external_id }) => external_id);
      const failed = books.all('charge').filter((one) => !one.paid && intents.includes(one.payment_intent));
      return failed.length === 0 ? undefined : Math.min(...failed.map(({ created }) => created));
    };
    const overdue = owed.filter((one) => {
      const at = failedAt(one);
      return at !== undefined && at + (graceDays + 1) * day < now;
    });
    if (mayReport && !subscription) this.finds('access to reports without a subscription');
    if (mayReport && overdue.length > 0) this.finds(`access to reports though ${overdue[0]!.number} is overdue`);
    if (subscription && owed.length === 0 && !mayReport) {
      this.finds(`no access to reports though all is paid (${subscription.status})`);
    }
    const granting = books.all('subscription').filter((one) => this.grants(one));
    if (mayTrack && granting.length === 0) this.finds('access to tracks that Stripe is not paid for');
    // What a person refused, or was told of and left, is ended there; what goes on there is served here.
    if (!mayTrack && mayReport && granting.length > 0) {
      const [{ id, status }] = granting as [Subscription];
      this.finds(`no access to tracks though Stripe is paid for ${id} (${status})`);
    }
    if (granting.length > 1) this.finds(`${granting.length} subscriptions of one add-on go on at Stripe`);
    this.diary.count(`ends with ${mayReport ? 'reports' : 'nothing'}${mayTrack ? ' and tracks' : ''}`);
  }

  /** Is the time that runs paid for, given away, or being collected? */
  private grants(subscription: Subscription): boolean {
    const { status, pause_collection: pause, id } = subscription;
    if (status !== 'active' && status !== 'past_due' && status !== 'trialing') return false;
    if (pause?.behavior !== 'void') return true;
    return this.books
      .all('invoice')
      .filter((one) => one.parent.subscription_details.subscription === id && one.status === 'paid')
      .some(({ lines }) => lines.data.some(({ period }) => period.end > this.books.now()));
  }

  /** Everything comes to an end on both sides; then nothing is asked of Stripe any more. */
  private async afterAll(): Promise<void> {
    await this.act('cancelSubscription', { reason: 'the end', when: 'NOW' });
    for (const one of this.running()) this.stripe.standIn.billing.cancel(one);
    await this.rest();
    await this.pass(60 * day, 4 * day);
    const { requests } = this.stripe.standIn;
    const asked = requests.length;
    await this.pass(120 * day, 20 * day);
    const late = requests.slice(asked);
    this.diary.count('requests in the 120 days after the end', late.length);
    if (late.length > 0) this.finds(`asked for ever: ${late.length}, ${late.at(-1)!.method} ${late.at(-1)!.path}`);
  }
}
