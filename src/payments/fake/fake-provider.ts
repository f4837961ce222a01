import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Instant, instantFromMilliseconds } from '../../core/calendar';
import { add, type Money, money, subtract, zero } from '../../core/money';
import type { Result } from '../../core/result';
import type { Clock } from '../../platform/clock';
import { limitBelow } from '../charge-limits';
import type {
  AttachOutcome,
  AttachRequest,
  ChargeOutcome,
  ChargeRequest,
  CheckoutOutcome,
  CheckoutRequest,
  CustomerOutcome,
  CustomerRequest,
  DeclineCode,
  FindRefund,
  GoneOutcome,
  InboundEvent,
  MethodFacts,
  MoneyBackPage,
  PaymentFact,
  PaymentProvider,
  ProviderChargePage,
  RefundOutcome,
  RefundRequest,
  SetupOutcome,
  SetupRequest,
  Unknown,
  WebhookHeaders,
  WebhookRefusal,
} from '../provider';
import { type FakeCharge, FakeLedger } from './fake-ledger';
import { fakeFactOf, readFakeEvent, type SignedEvent, signEvent, verifyEvent } from './fake-webhooks';

/** What a payment method does, chosen by the token that it is made of. */
export const fakeTokens = {
  card_ok: 'OK',
  card_declined: 'CARD_DECLINED',
  card_no_funds: 'INSUFFICIENT_FUNDS',
  card_expired: 'EXPIRED_METHOD',
  card_lost: 'LOST_OR_STOLEN',
  card_action: 'REQUIRES_ACTION',
} as const;
type Behaviour = (typeof fakeTokens)[keyof typeof fakeTokens];

/**
 * How a call goes wrong. `…_BEFORE`: nothing happened at the provider; `…_AFTER`: it happened, and the caller does not hear
 * of it.
 */
export type FakeFault =
  | 'HANG_BEFORE'
  | 'HANG_AFTER'
  | 'SERVER_ERROR_BEFORE'
  | 'SERVER_ERROR_AFTER'
  | 'RESET_BEFORE'
  | 'RESET_AFTER'
  | 'RATE_LIMITED';

export type FakeOperation = 'createCustomer' | 'attachMethod' | 'createSetup' | 'charge' | 'refund' | 'createCheckout';

export interface FakeOptions {
  readonly clock: Clock;
  /** The first one signs; during a rotation there are two. */
  readonly webhookSecrets: readonly string[];
  readonly ledger?: FakeLedger;
  /** How long a call that hangs is waited for. */
  readonly timeoutMilliseconds?: number;
  /** Asked before each call: how does it go wrong? */
  readonly fault?: (operation: FakeOperation, key: string) => FakeFault | undefined;
  /** It makes no charge of less. */
  readonly leastMinor?: bigint;
  /** Between the charge and the answer: where a caller is killed. */
  readonly afterCharge?: (charge: FakeCharge) => Promise<void> | void;
  /** Where events are sent; else they wait in `events`. */
  readonly deliver?: (event: SignedEvent) => Promise<unknown> | undefined;
}

const reasons = {
  HANG: 'TIMEOUT',
  SERVER_ERROR: 'SERVER_ERROR',
  RESET: 'CONNECTION_LOST',
  RATE_LIMITED: 'RATE_LIMITED',
} as const;

/**
 * A provider in this process, for the demo and for tests: it keeps the true list of charges, honours idempotency keys like
 * a real one, and goes wrong on demand.
 */
export class FakeProvider implements PaymentProvider {
  readonly name = 'FAKE';
  readonly live = false;
  readonly ledger: FakeLedger;
  /** Bodies of events, in the order in which they happened. */
  readonly events: string[] = [];
  private readonly behaviours = new Map<string, Behaviour>();
  /** Methods and customers that are there no more. */
  private readonly gone = new Set<string>();
  private readonly checkouts = new Map<string, CheckoutRequest>();

  constructor(private readonly options: FakeOptions) {
    this.ledger = options.ledger ?? new FakeLedger();
  }

  /** From now on a method behaves like one that was made of this token. */
  setBehaviour(methodId: string, token: keyof typeof fakeTokens): void {
    this.behaviours.set(methodId, fakeTokens[token]);
  }

  /** A network, or its holder, gives a card another expiry; from now on it behaves like one that was made of this token. */
  renewCard(which: { customerId: string; methodId: string }, token: keyof typeof fakeTokens, expiresYear = 2040): void {
    this.setBehaviour(which.methodId, token);
    this.send('method.changed', { ...which, expiresYear });
  }

  /** It is deleted without a word. */
  lose(methodOrCustomerId: string): void {
    this.gone.add(methodOrCustomerId);
  }

  get charges(): readonly FakeCharge[] {
    this.ledger.refresh();
    return [...this.ledger.charges.values()];
  }

  /** Does it once for each key, and loses the answer where a fault says so. */
  private async call<T extends object>(
    operation: FakeOperation,
    request: { readonly key: string },
    act: () => T,
    afterwards?: (said: T) => Promise<void> | void,
  ): Promise<T | Unknown> {
    const fault = this.options.fault?.(operation, request.key);
    const [kind, when] = (fault?.split(/_(?=BEFORE$|AFTER$)/) ?? []) as [keyof typeof reasons, string | undefined];
    const said = !fault || when === 'AFTER' ? this.ledger.once(request.key, request, act) : undefined;
    if (said) await afterwards?.(said);
    if (!fault) return said!;
    if (kind === 'HANG') await sleep(this.options.timeoutMilliseconds ?? 50);
    const retryAfterSeconds = kind === 'RATE_LIMITED' ? 2 : undefined;
    return { status: 'UNKNOWN', reason: reasons[kind], retryAfterSeconds };
  }

  /** Ids that say nothing, the same for the same key. */
  private idFor(prefix: string, key: string): string {
    return `${prefix}_${createHash('sha256').update(`${prefix} ${key}`).digest('hex').slice(0, 24)}`;
  }

  private send(type: string, data: object): void {
    const created = this.options.clock.now().epochMilliseconds;
    const id = this.idFor('fevt', `${this.events.length} ${type} ${created} ${JSON.stringify(data)}`);
    this.sendBody(JSON.stringify({ id, type, created, live: false, data }));
  }

  sendBody(body: string): void {
    this.events.push(body);
    void this.options.deliver?.(this.sign(body))?.catch(() => undefined);
  }

  sign(body: string): SignedEvent {
    return signEvent(body, this.options.webhookSecrets, this.options.clock.now());
  }

  createCustomer(request: CustomerRequest): Promise<CustomerOutcome> {
    return this.call('createCustomer', request, () => ({
      status: 'SUCCEEDED' as const,
      customerId: this.idFor('fcus', request.reference),
    }));
  }

  attachMethod(request: AttachRequest): Promise<AttachOutcome> {
    // The token is no part of what is kept under the key.
    const { token, ...asked } = request;
    return this.call<Exclude<AttachOutcome, Unknown>>('attachMethod', asked, () => {
      const behaviour = Object.hasOwn(fakeTokens, token) ? fakeTokens[token as keyof typeof fakeTokens] : undefined;
      if (!behaviour) return { status: 'DECLINED', code: 'METHOD_NOT_FOUND' };
      // It tells how it behaves, so that a new process knows too.
      const methodId = `fpm_${token.slice(5)}_${this.idFor('m', `${request.customerId} ${request.key}`).slice(2, 14)}`;
      const method: MethodFacts = {
        ...{ customerId: request.customerId, methodId, kind: 'CARD' as const, brand: 'fake', last4: '4242' },
        ...{ expiresMonth: 12, expiresYear: 2035 },
      };
      return { status: 'SUCCEEDED', method };
    });
  }

  createSetup(request: SetupRequest): Promise<SetupOutcome> {
    return this.call('createSetup', request, () => {
      const setupId = this.idFor('fset', request.key);
      return { status: 'SUCCEEDED' as const, setupId, url: `https://fake-payments.invalid/setup/${setupId}` };
    });
  }

  /** What a customer does on the page of a setup. */
  completeSetup(setupId: string, customerId: string, reference: string): void {
    this.send('method.attached', { setupId, customerId, reference, methodId: `fpm_ok_${setupId.slice(5, 17)}` });
  }

  private behaviourOf(methodId: string): Behaviour {
    const token = `card_${/^fpm_([a-z_]+)_[0-9a-f]+$/.exec(methodId)?.[1] ?? 'ok'}`;
    return this.behaviours.get(methodId) ?? fakeTokens[token as keyof typeof fakeTokens] ?? 'OK';
  }

  async charge(request: ChargeRequest): Promise<ChargeOutcome> {
    let made: FakeCharge | undefined;
    return this.call<Exclude<ChargeOutcome, Unknown>>(
      'charge',
      request,
      () => {
        if (request.amount.minor < (this.options.leastMinor ?? 1n) || limitBelow('FAKE', request.amount)) {
          return { status: 'DECLINED', code: 'AMOUNT_NOT_ALLOWED' };
        }
        if (this.isGone(request)) return { status: 'DECLINED', code: 'METHOD_NOT_FOUND' };
        const behaviour = this.behaviourOf(request.methodId);
        const { key, reference, amount, customerId, methodId, description } = request;
        const chargeId = this.idFor('fch', key);
        const status = behaviour === 'OK' ? 'SUCCEEDED' : behaviour === 'REQUIRES_ACTION' ? behaviour : 'DECLINED';
        made = {
          ...{ chargeId, key, reference, amount, customerId, methodId, description, status },
          code: status === 'DECLINED' ? behaviour : undefined,
          refunded: zero(amount.currency),
          createdAt: this.options.clock.now().epochMilliseconds,
        };
        this.ledger.put(made);
        this.tellCharge(made);
        if (status === 'DECLINED') return { status, chargeId, code: behaviour as DeclineCode };
        if (status === 'REQUIRES_ACTION') {
          return { status, chargeId, actionUrl: `https://fake-payments.invalid/confirm/${chargeId}` };
        }
        return { status, chargeId };
      },
      () => made && this.options.afterCharge?.(made),
    );
  }

  private isGone({ customerId, methodId }: { customerId: string; methodId: string }): boolean {
    return this.gone.has(customerId) || this.gone.has(methodId);
  }

  async findGone(which: { customerId: string; methodId: string }): Promise<GoneOutcome> {
    if (!this.isGone(which)) return { status: 'THERE' };
    return { status: this.gone.has(which.customerId) ? 'CUSTOMER_GONE' : 'METHOD_GONE' };
  }

  private tellCharge({ chargeId, reference, amount, status }: FakeCharge): void {
    const type = {
      SUCCEEDED: 'succeeded',
      DECLINED: 'failed',
      REQUIRES_ACTION: 'requires_action',
      PROCESSING: 'pending',
    };
    this.send(`charge.${type[status]}`, { chargeId, reference, amount: plain(amount) });
  }

  /** What a customer does on the page of a charge that asked for it. */
  confirm(chargeId: string): void {
    const charge = this.ledger.charges.get(chargeId);
    if (charge?.status !== 'REQUIRES_ACTION') return;
    const confirmed = { ...charge, status: 'SUCCEEDED' as const };
    this.ledger.put(confirmed);
    this.tellCharge(confirmed);
  }

  async findCharge(which: { chargeId?: string | undefined; reference: string }): Promise<ChargeOutcome | undefined> {
    const charge = this.charges.find((made) =>
      which.chargeId ? made.chargeId === which.chargeId : made.reference === which.reference,
    );
    if (!charge) return undefined;
    const { chargeId } = charge;
    if (charge.status === 'DECLINED') return { status: 'DECLINED', chargeId, code: charge.code as DeclineCode };
    if (charge.status === 'PROCESSING') return { status: 'UNKNOWN', reason: 'PROCESSING', chargeId };
    return { status: charge.status, chargeId };
  }

  async cancelCharge({ chargeId, reference }: { chargeId: string; reference: string }): Promise<ChargeOutcome> {
    const charge = this.charges.find((made) => made.chargeId === chargeId);
    if (charge?.status === 'REQUIRES_ACTION') this.ledger.put({ ...charge, status: 'DECLINED', code: 'CANCELLED' });
    return (await this.findCharge({ chargeId, reference })) ?? { status: 'DECLINED', code: 'CANCELLED' };
  }

  refund(request: RefundRequest): Promise<RefundOutcome> {
    return this.call<Exclude<RefundOutcome, Unknown>>('refund', request, () => {
      const charge = this.ledger.charges.get(request.chargeId);
      const refundId = this.idFor('fre', request.key);
      const { reference, amount } = request;
      if (charge?.status !== 'SUCCEEDED') return { status: 'FAILED', code: 'charge_not_refundable' };
      if (subtract(charge.amount, charge.refunded).minor < amount.minor) {
        return { status: 'FAILED', code: 'amount_too_large' };
      }
      this.moveBack(charge, { refundId, reference, amount });
      return { status: 'SUCCEEDED', refundId };
    });
  }

  /** A person gives money back on the provider's own pages: the event names nothing of ours but the charge. */
  refundByHand(chargeId: string, amount: Money): string {
    const charge = this.ledger.charges.get(chargeId);
    const refundId = this.idFor('fre', `by hand ${chargeId} ${charge?.refunded.minor}`);
    if (charge) this.moveBack(charge, { refundId, amount });
    return refundId;
  }

  private moveBack(
    charge: FakeCharge,
    { refundId, reference, amount }: { refundId: string; reference?: string; amount: Money },
  ): void {
    const { chargeId } = charge;
    this.ledger.put({ ...charge, refunded: add(charge.refunded, amount) });
    this.ledger.putBack({ kind: 'REFUND', refundId, chargeId, reference, amount, status: 'SUCCEEDED' }, this.nowMillis);
    this.send('refund.succeeded', { refundId, chargeId, reference, amount: plain(amount) });
  }

  /** The holder's bank sends a refund back, days after it took it. */
  failRefund(refundId: string): void {
    const { fact } = this.ledger.moneyBack.get(refundId) ?? {};
    const charge = fact && this.ledger.charges.get(fact.chargeId);
    if (fact?.kind !== 'REFUND' || !charge) return;
    const { chargeId, reference, amount } = fact;
    this.ledger.put({ ...charge, refunded: subtract(charge.refunded, amount) });
    this.ledger.putBack({ ...fact, status: 'FAILED' }, this.nowMillis);
    this.send('refund.failed', { refundId, chargeId, reference, amount: plain(amount) });
  }

  private get nowMillis(): number {
    return this.options.clock.now().epochMilliseconds;
  }

  async findRefund({ key }: FindRefund): Promise<RefundOutcome | undefined> {
    return this.ledger.answerTo<RefundOutcome>(key);
  }

  /** The customer's bank takes a charge back, or gives up. */
  dispute(chargeId: string, status: 'opened' | 'won' | 'lost', reason = 'general'): void {
    const charge = this.ledger.charges.get(chargeId);
    if (!charge) return;
    const { reference, amount } = charge;
    const disputeId = this.idFor('fdp', chargeId);
    const standing = ({ opened: 'OPEN', won: 'WON', lost: 'LOST' } as const)[status];
    this.ledger.putBack(
      { kind: 'DISPUTE', disputeId, chargeId, reference, amount, status: standing, reason },
      this.nowMillis,
    );
    this.send(`dispute.${status}`, { disputeId, chargeId, reference, amount: plain(amount), reason });
  }

  createCheckout(request: CheckoutRequest): Promise<CheckoutOutcome> {
    return this.call('createCheckout', request, () => {
      const checkoutId = this.idFor('fco', request.key);
      this.checkouts.set(checkoutId, request);
      return { status: 'SUCCEEDED' as const, checkoutId, url: `https://fake-payments.invalid/checkout/${checkoutId}` };
    });
  }

  /** What a customer does on the page of a checkout: pays all of it. */
  payCheckout(checkoutId: string): void {
    const checkout = this.checkouts.get(checkoutId);
    const currency = checkout?.lines[0]?.unitAmount.currency;
    if (!checkout || !currency) return;
    this.checkouts.delete(checkoutId);
    const total = checkout.lines.reduce((sum, line) => sum + line.unitAmount.minor * line.quantity, 0n);
    const quantity = checkout.lines.reduce((sum, line) => sum + line.quantity, 0n);
    const { reference } = checkout;
    const amount = plain(money(total, currency));
    this.send('checkout.completed', { checkoutId, reference, amount, quantity: quantity.toString() });
  }

  async createPortalLink(): Promise<undefined> {
    return undefined;
  }

  async listCharges(from: Instant, after?: string): Promise<ProviderChargePage> {
    const pageSize = 100;
    const all = this.charges.filter((charge) => charge.createdAt >= from.epochMilliseconds);
    const start = after ? all.findIndex((charge) => charge.chargeId === after) + 1 : 0;
    const charges = all.slice(start, start + pageSize);
    return {
      charges: charges.map(({ createdAt, customerId, methodId, description, ...charge }) => ({
        ...charge,
        createdAt: instantFromMilliseconds(createdAt),
        asked: { customerId, methodId, description: description ?? '' },
      })),
      next: start + pageSize < all.length ? charges.at(-1)!.chargeId : undefined,
    };
  }

  async listMoneyBack(from: Instant, after?: string): Promise<MoneyBackPage> {
    this.ledger.refresh();
    const pageSize = 100;
    const all = [...this.ledger.moneyBack].filter(([, { at }]) => at >= from.epochMilliseconds);
    const start = after ? all.findIndex(([id]) => id === after) + 1 : 0;
    const page = all.slice(start, start + pageSize);
    return {
      facts: page.map(([, { fact }]) => fact),
      next: start + pageSize < all.length ? page.at(-1)![0] : undefined,
    };
  }

  verifyWebhook(rawBody: Buffer, headers: WebhookHeaders, now: Instant): Result<InboundEvent, WebhookRefusal> {
    return verifyEvent(rawBody, headers, this.options.webhookSecrets, now);
  }

  readEvent(body: string): InboundEvent {
    return readFakeEvent(body);
  }

  factOf(event: InboundEvent): PaymentFact | undefined {
    return fakeFactOf(event);
  }
}

const plain = (amount: Money) => ({ minor: amount.minor.toString(), currency: amount.currency });
