import { type Instant, instantFromMilliseconds } from '../../src/core/calendar';
import { encodeId } from '../../src/core/ids';
import { keepSubscriptionsInStep } from '../../src/licences/keep-subscriptions-in-step.job';
import { PaddleProvider } from '../../src/payments/paddle/paddle-provider';
import { processInbox } from '../../src/payments/process-inbox.job';
import type { Random } from '../support/arbitraries';
import { findings } from '../support/findings';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { PaddleStandIn } from '../support/paddle-stand-in';
import { type TenantOfWorld, World } from '../support/world';
import { Diary, faultLog, type History, Mail, pickOne, reconciled } from './history';

// biome-ignore lint/suspicious/noExplicitAny: histories look into whatever they asked for.
type Any = any;

const day = 86_400_000;
const firstDay = Date.parse('2027-03-01T12:00:00Z');
const products = ['cad', 'cam'];
const people = ['ann', 'ben', 'cem', 'dee'];

/** One organisation of one partner that buys licences, and what it, its partner and its bank do with us and at Paddle. */
export class PaddleHistory implements History {
  private readonly diary = new Diary(() => this.instant().toString());
  private readonly mail: Mail<Any>;
  private gateway!: TestGateway;
  private faults: () => string[] = () => [];
  private world!: World;
  private tenant!: TenantOfWorld;
  private uuid = '';
  private users: string[] = [];
  /** What was offered at Paddle's pages and may still be paid there. */
  private pages: string[] = [];
  private broken: string[] = [];
  private serial = 0;
  private reconciledAt = firstDay;
  /** Of the card that renewals are paid with. */
  private isCardGood = true;

  private constructor(
    private readonly random: Random,
    private readonly paddle: PaddleStandIn,
    private now = firstDay,
  ) {
    paddle.clock = () => this.now;
    this.mail = new Mail(random, (event) => this.post(event));
  }

  static async begin(random: Random): Promise<PaddleHistory> {
    const paddle = await PaddleStandIn.start(`pdl_live_apikey_01${'a'.repeat(22)}_stand_in`);
    const history = new PaddleHistory(random, paddle);
    const { log, faults } = faultLog();
    const { apiKey, webhookSecret, url } = paddle;
    const provider = new PaddleProvider({ apiKey, webhookSecrets: [webhookSecret], apiUrl: url, live: true });
    const clock = { now: () => history.instant() };
    history.gateway = await startTestGateway({ world: 'demo', clock, providers: [provider], log });
    history.faults = faults;
    return history;
  }

  private instant(): Instant {
    return instantFromMilliseconds(this.now);
  }

  get told() {
    return this.diary.told;
  }

  get figures() {
    return this.diary.figures;
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.paddle.stop();
  }

  private async post(event: Any): Promise<void> {
    const body = JSON.stringify(event);
    const headers = this.paddle.sign(body);
    const response = await fetch(`${this.gateway.url}/webhooks/paddle`, { method: 'POST', body, headers });
    await response.arrayBuffer();
    if (response.status !== 200) this.finds(`an event was answered ${response.status}`);
  }

  /** What Paddle has to tell is on its way. */
  private listen(): void {
    for (const event of this.paddle.events.splice(0)) this.mail.post(event);
  }

  async live(): Promise<readonly string[]> {
    const { random } = this;
    await this.enter();
    for (let acts = random.whole(20, 60); acts > 0; acts -= 1) {
      await this.actOnce();
      // Two things never happen in the same millisecond.
      this.now += 1;
      this.listen();
      if (random.chance(0.7)) await this.work();
      if (random.chance(0.45))
        await this.pass(random.whole(0, random.pick([3_600_000, day, 8 * day, 40 * day, 150 * day])));
    }
    await this.end();
    return this.broken;
  }

  private async enter(): Promise<void> {
    this.world = await World.create(this.gateway, { currency: 'EUR' });
    const { world } = this;
    this.tenant = await world.liveTenant();
    const [{ id }] = (await this.gateway.database.asOwner(
      'select id from tenants order by created_at desc, id desc limit 1',
    )) as [{ id: string }];
    this.uuid = id;
    for (const code of products) {
      await world.feature(`of_${code}`, 'BOOLEAN');
      const input = {
        ...{ partnerId: world.partnerId, code, name: code, yearlyPrices: [{ amount: '200', currency: 'EUR' }] },
        ...{ features: [{ feature: `of_${code}` }], trial: { days: 14, seats: 2 } },
      };
      await this.act('createLicenceProduct', input, 'product { id }');
    }
    const tenantId = this.tenant.id;
    const invite = async (email: string, tenantRole: string) =>
      (await this.act('inviteUser', { tenantId, email, tenantRole }, 'member { userId }')).member.userId as string;
    await invite('other-tenant-admin@demo.example', 'ADMIN');
    for (const name of people) this.users.push(await invite(`${name}@tenant.example`, 'MEMBER'));
  }

  // ---- Acts --------------------------------------------------------------------------------------------------------------

  private async actOnce(): Promise<void> {
    if (this.random.chance(0.06)) this.trouble();
    const acts = [...this.ours(), ...this.theBuyers(), ...this.thePartners(), ...this.theBanks()];
    const before = this.told.length;
    // Of what is not there nothing can be done: something else is.
    for (let tries = 0; tries < 6 && this.told.length === before; tries += 1) await pickOne(this.random, acts)();
  }

  private trouble(): void {
    const { random } = this;
    const route = random.pick([
      ...['POST /transactions', 'POST /adjustments', 'GET /transactions/:id', 'GET /adjustments'],
      ...['PATCH /subscriptions/:id', 'POST /subscriptions/:id/cancel', 'GET /subscriptions/:id'],
    ]);
    const kind = random.pick(['SERVER_ERROR', 'HTML', 'RATE_LIMITED', 'RESET'] as const);
    this.paddle.faults.push({ route, kind, after: random.chance(0.5) });
    this.diary.note('trouble', kind, route);
  }

  private async act(mutation: string, input: object, fields = 'dryRun', keyed = false): Promise<Any> {
    this.serial += 1;
    const key = keyed ? `, idempotencyKey: "history-${this.serial}"` : '';
    const answer = await this.world.act(mutation, input, fields, key);
    this.diary.note(mutation, answer.code ?? 'done', JSON.stringify(input));
    return answer;
  }

  /** Only an admin of the organisation buys. */
  private async order(mutation: 'buyLicences' | 'renewLicences', input: object): Promise<void> {
    this.serial += 1;
    const name = mutation[0]!.toUpperCase() + mutation.slice(1);
    const { data } = await this.gateway.ask(
      'other-tenant-admin',
      `mutation ($input: ${name}Input!) { ${mutation}(input: $input, idempotencyKey: "order-${this.serial}") {
         ... on ${name}Done { purchase { checkout { id } } } ... on Refused { code message } } }`,
      { input },
      { 'tollgate-account': this.tenant.id },
    );
    const { purchase, code } = data[mutation];
    this.diary.note(mutation, code ?? (purchase.checkout ? 'done' : 'no page'), JSON.stringify(input));
    if (!purchase?.checkout) return;
    const { id } = purchase.checkout;
    if (this.random.chance(0.08)) this.paddle.discounts.set(id, 1_000n);
    this.pages.push(id);
    if (this.random.chance(0.6)) this.payAt(id);
  }

  private payAt(page: string): void {
    if (this.random.chance(0.8)) this.pages = this.pages.filter((one) => one !== page);
    this.paddle.pay(page);
    this.diary.note('buyer pays at the page', 'done', page);
  }

  private rows<Row = Any>(sql: string): Promise<Row[]> {
    return this.gateway.database.asOwner<Row>(sql, [this.uuid]);
  }

  private pickOf<T>(things: readonly T[]): T | undefined {
    return things.length === 0 ? undefined : this.random.pick(things);
  }

  private ours(): [number, () => Promise<void>][] {
    const { random } = this;
    const product = () => random.pick(products);
    return [
      [
        16,
        () =>
          this.order('buyLicences', {
            product: product(),
            quantity: random.whole(1, 4),
            autoRenew: random.chance(0.6),
          }),
      ],
      [5, () => this.order('renewLicences', { product: product() })],
      [2, async () => void (await this.act('startLicenceTrial', { tenantId: this.tenant.id, product: product() }))],
      [
        5,
        async () => {
          const licence = this.pickOf(
            await this.rows('select id from licences where tenant_id = $1 order by created_at'),
          );
          if (!licence) return;
          const licenceId = encodeId('Licence', licence.id, this.uuid);
          const mutation = random.pick(['assignSeat', 'assignSeat', 'revokeSeat']);
          await this.act(mutation, { tenantId: this.tenant.id, licenceId, userId: random.pick(this.users) });
        },
      ],
      [
        1,
        async () => {
          const yearlyPrices = [{ amount: random.pick(['200', '250', '199.99']), currency: 'EUR' }];
          const input = { partnerId: this.world.partnerId, product: product(), yearlyPrices };
          await this.act('updateLicenceProduct', input);
        },
      ],
      [3, async () => void (await this.decide(false))],
    ];
  }

  /** What was paid and is parked: a person accepts or refuses it. */
  private async decide(all: boolean): Promise<boolean> {
    const parked = await this.rows<{ id: string }>(
      `select id from licence_purchases where tenant_id = $1 and status = 'PARKED' and refused_at is null
          and park_reason <> 'CHECKOUT_REFUSED' order by created_at`,
    );
    for (const { id } of all ? parked : parked.slice(0, 1)) {
      const input = { tenantId: this.tenant.id, purchaseId: encodeId('LicencePurchase', id, this.uuid) };
      const accepted = this.random.chance(0.5) && (await this.act('acceptLicencePurchase', input, 'dryRun', true));
      if (!accepted || accepted.code) await this.act('refuseLicencePurchase', input, 'dryRun', true);
    }
    return parked.length > 0;
  }

  private there(what: string, act: () => unknown): void {
    try {
      act();
      this.diary.note(what, 'done');
    } catch (error) {
      this.diary.note(what, `refused (${(error as Error).message})`);
    }
  }

  private onSubscription(
    what: string,
    act: (id: string) => unknown,
    fits: (subscription: Any) => boolean = ({ status }) => status !== 'canceled',
  ): () => Promise<void> {
    return async () => {
      const subscription = this.pickOf([...this.paddle.subscriptions.values()].filter(fits));
      if (subscription) this.there(what, () => act(subscription.id));
    };
  }

  /** One that was paid for something, not one by which Paddle learnt a card. */
  private paidThere(): Any[] {
    return [...this.paddle.transactions.values()].filter(
      ({ status, origin }) => status === 'completed' && origin !== 'subscription_payment_method_change',
    );
  }

  /**
   * Money goes back of such a payment only. Reconciliation looks at 400 days, and is run every 150: of what went back of an older
   * payment only its event tells.
   */
  private isYoung(transactionId: string): boolean {
    return Date.parse(this.paddle.transactions.get(transactionId).billed_at) > this.now - 240 * day;
  }

  private onPayment(what: string, act: (id: string, net: bigint) => unknown): () => Promise<void> {
    return async () => {
      const transaction = this.pickOf(this.paidThere().filter(({ id }) => this.isYoung(id)));
      if (transaction) this.there(what, () => act(transaction.id, netOf(transaction)));
    };
  }

  private onAdjustment(what: string, fits: (row: Any) => boolean, act: (id: string) => unknown): () => Promise<void> {
    return async () => {
      const young = [...this.paddle.adjustments.values()].filter((row) => this.isYoung(row.transaction_id));
      const adjustment = this.pickOf(young.filter(fits));
      if (adjustment) this.there(what, () => act(adjustment.id));
    };
  }

  private theBuyers(): [number, () => Promise<void>][] {
    const { paddle } = this;
    const waits = ({ status, scheduled_change: change }: Any) => status !== 'canceled' && change !== null;
    return [
      [
        10,
        async () => {
          const page = this.pickOf(this.pages);
          if (page) this.payAt(page);
        },
      ],
      [3, this.onSubscription('buyer cancels for the next period', (id) => paddle.cancel(id, 'next_billing_period'))],
      [1, this.onSubscription('buyer cancels at once', (id) => paddle.cancel(id))],
      [3, this.onSubscription('buyer takes a cancellation back', (id) => paddle.resume(id), waits)],
      [2, this.onSubscription('buyer changes the card', (id) => this.newCard(id))],
    ];
  }

  private newCard(id: string): void {
    this.isCardGood = true;
    this.paddle.changeCard(id);
  }

  private thePartners(): [number, () => Promise<void>][] {
    const { random, paddle } = this;
    const part = (net: bigint) => (random.chance(0.5) ? undefined : (net * BigInt(random.whole(1, 9))) / 10n + 1n);
    const isPaused = ({ status }: Any) => status === 'paused';
    const isActive = ({ status, scheduled_change: change }: Any) => status === 'active' && change === null;
    const later = () => new Date(this.now + random.whole(1, 200) * day).toISOString();
    return [
      [5, this.onPayment('partner refunds', (id, net) => paddle.refund(id, part(net)))],
      [
        2,
        this.onPayment('partner credits', (id, net) =>
          this.within(id, net, part(net), (amount) => paddle.credit(id, amount)),
        ),
      ],
      [1, this.onPayment('partner refunds the tax', (id) => paddle.refundTax(id))],
      [1, this.onAdjustment('partner takes a credit back', isStanding('credit'), (id) => paddle.reverse(id))],
      [1, this.onSubscription('partner pauses', (id) => paddle.pause(id), isActive)],
      [1, this.onSubscription('partner pauses to a day', (id) => paddle.pause(id, 'immediately', later()), isActive)],
      [
        1,
        this.onSubscription(
          'partner pauses the next period',
          (id) => paddle.pause(id, 'next_billing_period'),
          isActive,
        ),
      ],
      [2, this.onSubscription('partner resumes', (id) => paddle.unpause(id), isPaused)],
      [
        2,
        this.onSubscription(
          'partner changes the quantity',
          (id) => paddle.changeQuantity(id, random.whole(1, 6)),
          isActive,
        ),
      ],
    ];
  }

  private theBanks(): [number, () => Promise<void>][] {
    const { random, paddle } = this;
    const waits = ({ status }: Any) => status === 'pending_approval';
    return [
      [4, this.onAdjustment('refund approved', waits, (id) => paddle.decide(id, 'approved'))],
      [2, this.onAdjustment('refund rejected', waits, (id) => paddle.decide(id, 'rejected'))],
      [1, this.onAdjustment('refund rejected after all', isStanding('refund'), (id) => paddle.decide(id, 'rejected'))],
      [
        2,
        this.onPayment('bank charges back', (id, net) =>
          this.within(id, net, random.chance(0.5) ? undefined : net / 2n + 1n, (amount) =>
            paddle.chargeBack(id, amount),
          ),
        ),
      ],
      [2, this.onAdjustment('chargeback won', isStanding('chargeback'), (id) => paddle.reverse(id))],
      [1, this.onPayment('bank warns', (id) => paddle.warnOfChargeback(id))],
      [
        2,
        async () => {
          this.isCardGood = !this.isCardGood;
          this.diary.note('card', this.isCardGood ? 'good again' : 'declined');
        },
      ],
    ];
  }

  /** Not more than was paid is taken back by the same road twice. */
  private within(
    id: string,
    net: bigint,
    asked: bigint | undefined,
    act: (amount: bigint | undefined) => unknown,
  ): void {
    const left = net - this.returnedThere(id, net);
    const amount = asked ?? left;
    if (left <= 0n) throw new Error('nothing is left of it');
    act(amount > left ? left : amount);
  }

  // ---- Time --------------------------------------------------------------------------------------------------------------

  private async pass(milliseconds: number): Promise<void> {
    const until = this.now + milliseconds;
    for (;;) {
      const next = this.paddle.nextDue(() => this.isCardGood);
      const at = Math.min(until, this.now + 30 * day, Math.max(next?.at ?? until, this.now + 1));
      this.now = at;
      if (next && next.at <= at) next.run();
      await this.work();
      if (this.now > this.reconciledAt + 150 * day) await this.reconcile(true);
      if (this.now >= until) return;
    }
  }

  private async work(): Promise<void> {
    const { app } = this.gateway;
    for (let round = 0; round < 30; round += 1) {
      this.listen();
      await this.mail.come();
      const { applied, ignored, parked, waiting } = await processInbox(app.system, app.providers, { workers: 1 });
      const steps = await keepSubscriptionsInStep(app.system, app.providers);
      if (applied + ignored + parked + waiting + steps === 0) return;
    }
    this.finds('it never settles');
  }

  private finds(what: string): void {
    this.broken.push(what);
    this.diary.note('FOUND', what);
  }

  // ---- The end -----------------------------------------------------------------------------------------------------------

  private async end(): Promise<void> {
    const { paddle } = this;
    paddle.faults = [];
    await this.decideRefunds();
    for (const hours of [1, 3, 12, 24]) await this.pass(hours * 3_600_000);
    await this.decideAll();
    this.mail.loses = false;
    await this.reconcile(true);
    await this.decideAll();
    // What was asked for just now is looked at when its time comes.
    for (const hours of [1, 3, 12, 24]) await this.pass(hours * 3_600_000);
    await this.isAtRest();
    for (const row of await this.reconcile(false)) this.finds(`still differs: ${row}`);
    for (const law of await findings(this.gateway)) this.finds(law);
    await this.compareMoney();
    for (const product of products) await this.compareAccess(product);
    await this.compareSubscriptions();
    await this.afterAll();
    for (const fault of this.faults()) this.finds(`a job failed: ${fault}`);
    for (const [what, times] of Object.entries(this.mail.counts)) this.diary.count(`events ${what}`, times);
    this.diary.count('requests to Paddle', paddle.calls.length);
  }

  /** Paddle has decided each refund that it was asked for. */
  private async decideRefunds(): Promise<void> {
    for (const { id, status } of this.paddle.adjustments.values()) {
      if (status !== 'pending_approval') continue;
      this.now += 1;
      this.there('refund decided', () => this.paddle.decide(id, this.random.chance(0.8) ? 'approved' : 'rejected'));
    }
    await this.rest();
  }

  private async decideAll(): Promise<void> {
    for (let times = 0; times < 6; times += 1) {
      await this.decideRefunds();
      if (!(await this.decide(true))) return this.rest();
    }
    this.finds('a purchase waits for a person however often one decides');
  }

  private async rest(): Promise<void> {
    this.listen();
    await this.mail.comeAll();
    await this.work();
  }

  private async isAtRest(): Promise<void> {
    const { calls } = this.paddle;
    await this.rest();
    const asked = calls.length;
    await this.rest();
    for (const call of calls.slice(asked)) this.finds(`asked at rest: ${call}`);
  }

  /** A partner has it run now and then: what happened more than 400 days ago is not looked at. */
  private async isWaiting(): Promise<boolean> {
    const waiting = await this.gateway.database.asOwner(`select 1 from inbound_events where status = 'RECEIVED'`);
    return waiting.length > 0;
  }

  private reconcile(repair: boolean): Promise<string[]> {
    this.reconciledAt = this.now;
    const { apiKey, webhookSecret, url } = this.paddle;
    const secrets = { PADDLE_API_KEY: apiKey, PADDLE_WEBHOOK_SECRET: webhookSecret, PADDLE_API_URL: url };
    return reconciled(this.gateway, secrets, repair);
  }

  /** By Paddle's books: how much of a payment is back with whoever paid, before tax. */
  private returnedThere(transactionId: string, net: bigint): bigint {
    let back = 0n;
    for (const row of this.paddle.adjustments.values()) {
      if (row.transaction_id !== transactionId || row.status !== 'approved') continue;
      if (row.action === 'refund' || row.action === 'credit' || row.action === 'chargeback') back += subtotalOf(row);
    }
    return back < net ? back : net;
  }

  private purchases(): Promise<Purchase[]> {
    return this.rows<Purchase>(
      `select l.id, p.code, l.kind, l.status, l.checkout_id, l.licence_id, l.quantity, l.kind <> 'RENEWAL' and l.expiry_before is null as began, l.expiry_before,
              case when l.status = 'OPEN' then 0 else coalesce(l.paid_amount, l.amount) - l.refunded_amount end::text as kept
         from licence_purchases l join licence_products p on p.id = l.licence_product_id where l.tenant_id = $1`,
    );
  }

  private async compareMoney(): Promise<void> {
    const here = new Map((await this.purchases()).map((one) => [one.checkout_id, one]));
    for (const transaction of this.paidThere()) {
      const { id } = transaction;
      const net = netOf(transaction);
      const there = net - this.returnedThere(id, net);
      const known = here.get(id);
      here.delete(id);
      if (!known || known.status === 'OPEN') this.finds(`paid there and not known here: ${id} ${there}`);
      else if (BigInt(known.kept) !== there) {
        this.finds(`purchase ${known.id} (${known.status}) ${id}: kept ${known.kept} here, ${there} there`);
      }
    }
    for (const { id, status, kept, checkout_id } of here.values()) {
      if (status !== 'OPEN' && kept !== '0' && checkout_id)
        this.finds(`purchase ${id}: kept ${kept} here, nothing there`);
    }
  }

  /** Seats of which the money is still at Paddle: whole seats, none where all of it went back. */
  private seatsPaid({ checkout_id, quantity }: Purchase): bigint {
    const transaction = checkout_id ? this.paddle.transactions.get(checkout_id) : undefined;
    if (transaction?.status !== 'completed') return 0n;
    const net = netOf(transaction);
    const bought = BigInt(quantity);
    const back = this.returnedThere(checkout_id!, net);
    if (net > 0n && back >= net) return 0n;
    return net === 0n ? bought : bought - (back * bought) / net;
  }

  private async compareAccess(product: string): Promise<void> {
    const purchases = (await this.purchases()).filter(({ code }) => code === product);
    const terms = await this.rows<Term>(
      `select l.id, l.trial, l.seats, l.starts_at, l.expires_at, l.years, l.provider_subscription_id, l.auto_renew
         from licences l join licence_products p on p.id = l.licence_product_id
        where l.tenant_id = $1 and p.code = '${product}'`,
    );
    const running = terms.filter(({ expires_at }) => expires_at.getTime() > this.now);
    let isEntitled = running.some(({ trial }) => trial);
    for (const term of running.filter(({ trial }) => !trial)) {
      const of = purchases.filter(
        ({ licence_id, status }) => licence_id === term.id && status !== 'PARKED' && status !== 'OPEN',
      );
      const renewals = of.filter(({ kind }) => kind === 'RENEWAL').map((one) => this.seatsPaid(one));
      const added = of.filter(({ kind }) => kind !== 'RENEWAL');
      const paid = added.reduce((sum, one) => sum + this.seatsPaid(one), 0n);
      // A year that was paid in advance stands, also where an earlier one went back.
      const renewed = renewals.reduce((most, seats) => (seats > most ? seats : most), 0n);
      // At the end of a year its seats end; those that were renewed stand on the renewal.
      const least = added
        .filter(({ expiry_before }) => (expiry_before ?? yearAfter(term.starts_at)).getTime() > this.now)
        .reduce((sum, one) => sum + this.seatsPaid(one), 0n);
      const most = renewals.length === 0 ? paid : paid + renewed;
      const seats = BigInt(term.seats);
      if (seats < least) this.finds(`${product}: ${least} seats are paid for and there are ${seats}`);
      if (seats > most) this.finds(`${product}: there are ${seats} seats and ${most} are paid for`);
      const years = 1 + renewals.filter((one) => one > 0n).length;
      if (renewals.every((one) => one > 0n) && term.years !== years) {
        this.finds(`${product}: ${years} years are paid for and the term has ${term.years}`);
      }
      if (seats > 0n) isEntitled = true;
    }
    // Whoever paid for a year has it.
    for (const purchase of purchases) {
      const transaction = purchase.checkout_id ? this.paddle.transactions.get(purchase.checkout_id) : undefined;
      const isWhole = purchase.status === 'COMPLETED' && this.seatsPaid(purchase) === BigInt(purchase.quantity);
      if (!transaction || !isWhole || !purchase.began) continue;
      const term = terms.find(({ id }) => id === purchase.licence_id);
      const until = yearAfter(new Date(transaction.billed_at));
      if (!term || term.expires_at.getTime() < until.getTime()) {
        this.finds(`${product}: ${purchase.kind} of ${transaction.billed_at} is not served to ${until.toISOString()}`);
      }
    }
    const { allowed } = await this.gateway.get(
      'super-admin',
      'query ($id: ID, $feature: ID!) { entitlementCheck(tenantId: $id, feature: $feature) { allowed } }',
      { id: this.tenant.id, feature: `of_${product}` },
    );
    if (allowed !== isEntitled) this.finds(`${product}: access is ${allowed} and should be ${isEntitled}`);
    this.diary.count(`ends ${allowed ? 'with' : 'without'} access`);
  }

  /** What Paddle will bill by itself is what there is. */
  private async compareSubscriptions(): Promise<void> {
    for (const { id, status, scheduled_change: change, items } of this.paddle.subscriptions.values()) {
      if (status === 'canceled') continue;
      const [term] = await this.rows<Term>(
        `select * from licences where tenant_id = $1 and replaced_at is null and seats > 0 and provider_subscription_id = '${id}'`,
      );
      const renews = (status === 'active' || status === 'past_due') && change === null;
      if (renews && !term) this.finds(`${id} goes on (${status}) and nothing lives by it`);
      if (!term) continue;
      if (status === 'active' && change === null) {
        const billed = items.reduce((sum: number, { quantity }: Any) => sum + quantity, 0);
        if (!term.auto_renew) this.finds(`${id} is billed again there and not here`);
        if (String(billed) !== String(term.seats)) this.finds(`${id} bills ${billed} seats of ${term.seats}`);
      } else if (term.auto_renew && status !== 'past_due') this.finds(`${id} is not billed again, and is said to be`);
    }
  }

  /** Everything is ended at Paddle; then nothing is asked there any more. */
  private async afterAll(): Promise<void> {
    for (const { id, status } of this.paddle.subscriptions.values()) if (status !== 'canceled') this.paddle.cancel(id);
    await this.rest();
    // What waits for another try has all of them.
    for (let tries = 0; tries < 16 && (await this.isWaiting()); tries += 1) await this.pass(3 * 3_600_000);
    this.reconciledAt = Number.POSITIVE_INFINITY;
    await this.pass(60 * day);
    const asked = this.paddle.calls.length;
    await this.pass(400 * day);
    const late = this.paddle.calls.slice(asked);
    this.diary.count('requests in the 400 days after the end', late.length);
    if (late.length > 0) this.finds(`asked for ever: ${late.length}, ${late.at(-1)}`);
  }
}

interface Purchase {
  readonly id: string;
  readonly code: string;
  readonly kind: 'FIRST' | 'CO_TERMED' | 'AFTER_EXPIRY' | 'RENEWAL';
  readonly status: 'OPEN' | 'COMPLETED' | 'PARKED' | 'REFUNDED';
  readonly checkout_id: string | null;
  readonly licence_id: string | null;
  readonly quantity: string;
  /** To which its seats were sold, where they were added to a term. */
  readonly expiry_before: Date | null;
  /** The term began with it. */
  readonly began: boolean;
  readonly kept: string;
}

interface Term {
  readonly id: string;
  readonly trial: boolean;
  readonly seats: string;
  readonly starts_at: Date;
  readonly expires_at: Date;
  readonly years: number;
  readonly provider_subscription_id: string | null;
  readonly auto_renew: boolean;
}

function yearAfter(at: Date): Date {
  const later = new Date(at);
  later.setUTCFullYear(at.getUTCFullYear() + 1);
  return later;
}

const netOf = ({ details: { totals } }: Any): bigint => BigInt(totals.subtotal) - BigInt(totals.discount ?? 0);
const isTaxOnly = ({ items }: Any) => items.every(({ type }: Any) => type === 'tax');
const subtotalOf = (row: Any): bigint => (isTaxOnly(row) ? 0n : BigInt(row.totals.subtotal));
const isStanding = (action: string) => (row: Any) =>
  row.action === action && row.status === 'approved' && subtotalOf(row) > 0n;
