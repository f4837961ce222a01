import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApiError,
  type Environment,
  LogLevel,
  Paddle,
  type CurrencyCode as PaddleCurrency,
  type Transaction,
} from '@paddle/paddle-node-sdk';
import { type Instant, instant } from '../../core/calendar';
import { type CurrencyCode, isCurrencyCode } from '../../core/currency';
import { decodeId, encodeId } from '../../core/ids';
import { InvariantViolation } from '../../core/invariant';
import { type Money, money } from '../../core/money';
import type { Result } from '../../core/result';
import {
  type ChargeOutcome,
  type CheckoutLine,
  type CheckoutOutcome,
  type CheckoutRequest,
  codeWord,
  type FindRefund,
  type InboundEvent,
  type PaymentProvider,
  type ProviderCharge,
  type ProviderChargePage,
  type RefundOutcome,
  type RefundRequest,
  type SubscriptionOutcome,
  type SubscriptionRequest,
  type Unknown,
  type WebhookHeaders,
  type WebhookRefusal,
} from '../provider';
import { returnedMoney } from '../returned-money';
import { answeredAdjustment, answeredSubscription, answeredTransaction } from './paddle-answer';
import {
  type PaddleAdjustment,
  type PaddleSubscription,
  type PaddleTransaction,
  readPaddleEvent,
  returnedBy,
} from './paddle-event';
import { verifyPaddleSignature } from './paddle-signature';
import { meaningOf, transactionOrigins, transactionStatuses } from './paddle-states';

export interface PaddleOptions {
  readonly apiKey: string;
  /** The current ones: two while a secret is rotated. */
  readonly webhookSecrets: readonly string[];
  readonly live: boolean;
  /** `undefined`: Paddle itself, its live or its sandbox environment. */
  readonly apiUrl?: string | undefined;
  readonly timeoutMilliseconds?: number | undefined;
}

type Said<T> =
  | { readonly status: 'SAID'; readonly value: T }
  | { readonly status: 'REFUSED'; readonly code: string }
  | Unknown;

/** How something stands at Paddle. MISSING: Paddle does not know it, or says it in a way that nobody here can read. */
export type Answer<T> = { readonly status: 'SAID'; readonly value: T } | { readonly status: 'MISSING' } | Unknown;

function answerOf<From, T>(said: Said<From>, read: (from: From) => T | undefined): Answer<T> {
  if (said.status === 'UNKNOWN') return said;
  const value = said.status === 'SAID' ? read(said.value) : undefined;
  return value === undefined ? { status: 'MISSING' } : { status: 'SAID', value };
}

const timedOut = Symbol('timed out');

/** What Paddle says of a subscription that has ended already. */
const endedCodes = ['subscription_is_canceled_action_invalid', 'subscription_update_when_canceled'];

/**
 * Paddle by its official SDK. Paddle is the seller of record: it takes the money in its own checkout, adds the tax of the
 * buyer's country to our price and writes the buyer's invoice. It charges nobody for us off session, and keeps no payment
 * methods for us; what needs that goes through another provider.
 *
 * Its API knows no idempotency keys. A checkout that is opened twice moves no money: only the one that we wrote down can pay.
 * A refund carries its key as its reason and is looked for before it is made.
 */
export class PaddleProvider implements PaymentProvider {
  readonly name = 'PADDLE';
  readonly live: boolean;
  private readonly paddle: Paddle;
  private readonly secrets: readonly string[];
  private readonly timeout: number;

  constructor(options: PaddleOptions) {
    const { apiKey, webhookSecrets, live, apiUrl, timeoutMilliseconds } = options;
    // With an empty secret the SDK would take what anybody signs with nothing.
    if (webhookSecrets.length === 0 || webhookSecrets.some((secret) => secret.length < 16)) {
      throw new InvariantViolation('Paddle needs webhook secrets of at least 16 characters');
    }
    this.live = live;
    this.secrets = webhookSecrets;
    this.timeout = timeoutMilliseconds ?? 10_000;
    const environment = (apiUrl?.replace(/\/$/, '') ?? (live ? 'production' : 'sandbox')) as Environment;
    // What it logs by itself goes to the console, with whatever the other side answered in it.
    this.paddle = new Paddle(apiKey, { environment, logLevel: LogLevel.none });
  }

  /** The SDK waits for ever where the other side hangs; here nobody waits longer than the timeout. */
  private async ask<T>(call: () => Promise<T>): Promise<Said<T>> {
    const unknown = (reason: Unknown['reason'], retryAfterSeconds?: number): Unknown => ({
      ...{ status: 'UNKNOWN', reason },
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
    const waiting = new AbortController();
    try {
      const answer = call();
      // It may still fail after nobody waits for it any more.
      answer.catch(() => undefined);
      const value = await Promise.race([
        answer,
        sleep<typeof timedOut>(this.timeout, timedOut, { signal: waiting.signal, ref: false }),
      ]);
      return value === timedOut ? unknown('TIMEOUT') : { status: 'SAID', value };
    } catch (error) {
      if (!(error instanceof ApiError)) {
        // A page of a proxy instead of JSON, or an answer that is cut off.
        return unknown((error as { cause?: unknown }).cause === undefined ? 'SERVER_ERROR' : 'CONNECTION_LOST');
      }
      if (error.code === 'too_many_requests') return unknown('RATE_LIMITED', error.retryAfter ?? undefined);
      return error.type === 'request_error'
        ? { status: 'REFUSED', code: codeWord(error.code) }
        : unknown('SERVER_ERROR');
    } finally {
      waiting.abort();
    }
  }

  async createCheckout(request: CheckoutRequest): Promise<CheckoutOutcome> {
    const { reference, lines, customerId } = request;
    const tenantUuid = decodeId(reference)?.tenantUuid;
    const currencyCode = lines[0]!.unitAmount.currency as PaddleCurrency;
    const said = await this.ask(() =>
      this.paddle.transactions.create({
        items: lines.map(itemOf),
        currencyCode,
        collectionMode: 'automatic',
        ...(customerId ? { customerId } : {}),
        // Hints for whoever looks at Paddle's pages. What comes back of them is compared, and grants nothing.
        customData: { reference, ...(tenantUuid ? { tenant: encodeId('Tenant', tenantUuid) } : {}) },
      }),
    );
    if (said.status !== 'SAID') return said;
    const { id, checkout } = said.value;
    // The account has no default payment link: a set-up that a person has to finish.
    if (!checkout?.url) return { status: 'REFUSED', code: 'checkout_url_missing' };
    return { status: 'SUCCEEDED', checkoutId: id, url: checkout.url };
  }

  async changeSubscription({ subscriptionId, line }: SubscriptionRequest): Promise<SubscriptionOutcome> {
    const said = await this.ask<unknown>(() =>
      line
        ? this.paddle.subscriptions.update(subscriptionId, {
            items: [itemOf(line)],
            // What is added now was paid through a checkout of its own.
            prorationBillingMode: 'do_not_bill',
          })
        : this.paddle.subscriptions.cancel(subscriptionId, { effectiveFrom: 'immediately' }),
    );
    // It was asked before and nobody heard the answer, or the buyer was first.
    if (!line && said.status === 'REFUSED' && endedCodes.includes(said.code)) return { status: 'SUCCEEDED' };
    return said.status === 'SAID' ? { status: 'SUCCEEDED' } : said;
  }

  async findCharge({ chargeId }: { readonly chargeId?: string | undefined }): Promise<ChargeOutcome | undefined> {
    if (!chargeId) return undefined;
    const said = await this.ask(() => this.paddle.transactions.get(chargeId));
    if (said.status === 'UNKNOWN') return said;
    if (said.status === 'REFUSED') return undefined;
    const meaning = meaningOf(transactionStatuses, said.value.status);
    if (meaning === 'PAID') return { status: 'SUCCEEDED', chargeId };
    if (meaning === 'CANCELED') return { status: 'DECLINED', chargeId, code: 'OTHER' };
    return { status: 'UNKNOWN', reason: 'PROCESSING', chargeId };
  }

  async transaction(id: string): Promise<Answer<PaddleTransaction>> {
    return answerOf(await this.ask(() => this.paddle.transactions.get(id)), answeredTransaction);
  }

  async subscription(id: string): Promise<Answer<PaddleSubscription>> {
    return answerOf(await this.ask(() => this.paddle.subscriptions.get(id)), answeredSubscription);
  }

  /** A page of all subscriptions of the account, whatever became of them. What nobody here can read is left out. */
  async subscriptions(
    after?: string,
  ): Promise<{ status: 'SAID'; subscriptions: PaddleSubscription[]; next: string | undefined } | Unknown> {
    const list = this.paddle.subscriptions.list({ orderBy: 'id[ASC]', perPage: 50, ...(after ? { after } : {}) });
    const said = await this.ask(() => list.next());
    if (said.status === 'UNKNOWN') return said;
    if (said.status === 'REFUSED') return { status: 'UNKNOWN', reason: 'SERVER_ERROR' };
    const subscriptions = said.value.flatMap((one) => answeredSubscription(one) ?? []);
    return { status: 'SAID', subscriptions, next: list.hasMore ? said.value.at(-1)?.id : undefined };
  }

  /** All that went back of a transaction, and came back again. What nobody here can read is left out. */
  async adjustments(transactionId: string): Promise<Answer<PaddleAdjustment[]>> {
    const list = async () => {
      const found: PaddleAdjustment[] = [];
      for await (const one of this.paddle.adjustments.list({ transactionId: [transactionId], perPage: 50 })) {
        found.push(...[answeredAdjustment(one) ?? []].flat());
      }
      return found;
    };
    return answerOf(await this.ask(list), (found) => found);
  }

  async refund(request: RefundRequest): Promise<RefundOutcome> {
    const { key, chargeId, amount } = request;
    const known = await this.ask(() => this.refundBy(key, chargeId));
    if (known.status === 'UNKNOWN') return known;
    if (known.status === 'REFUSED') return { status: 'FAILED', code: known.code };
    if (known.value) return known.value;
    const found = await this.ask(() => this.paddle.transactions.get(chargeId));
    if (found.status === 'UNKNOWN') return found;
    if (found.status === 'REFUSED') return { status: 'FAILED', code: found.code };
    const items = partsOf(found.value, amount);
    if (!items) return { status: 'FAILED', code: 'amount_too_large' };
    const said = await this.ask(() =>
      this.paddle.adjustments.create(
        items === 'ALL'
          ? { action: 'refund', type: 'full', transactionId: chargeId, reason: key }
          : { action: 'refund', type: 'partial', transactionId: chargeId, reason: key, items },
      ),
    );
    if (said.status === 'UNKNOWN') return said;
    if (said.status === 'REFUSED') return { status: 'FAILED', code: said.code };
    return { status: 'SUCCEEDED', refundId: said.value.id };
  }

  async findRefund({ key, chargeId }: FindRefund): Promise<RefundOutcome | undefined> {
    const said = await this.ask(() => this.refundBy(key, chargeId));
    if (said.status === 'SAID') return said.value;
    // Not to know the charge says nothing about the money: the key may be another account's.
    return said.status === 'REFUSED' ? { status: 'UNKNOWN', reason: 'SERVER_ERROR' } : said;
  }

  private async refundBy(key: string, transactionId: string): Promise<RefundOutcome | undefined> {
    const list = this.paddle.adjustments.list({ transactionId: [transactionId], perPage: 50 });
    for await (const adjustment of list) {
      if (adjustment.reason !== key) continue;
      return adjustment.status === 'rejected'
        ? { status: 'FAILED', refundId: adjustment.id, code: 'rejected' }
        : { status: 'SUCCEEDED', refundId: adjustment.id };
    }
    return undefined;
  }

  async createPortalLink(customerId: string): Promise<string | undefined> {
    const said = await this.ask(() => this.paddle.customerPortalSessions.create(customerId, []));
    return said.status === 'SAID' ? said.value.urls.general.overview : undefined;
  }

  async listCharges(from: Instant, after?: string): Promise<ProviderChargePage | Unknown> {
    const list = this.paddle.transactions.list({
      status: ['completed'],
      'createdAt[GTE]': from.toString(),
      orderBy: 'id[ASC]',
      perPage: 50,
      include: ['adjustment'],
      ...(after ? { after } : {}),
    });
    const said = await this.ask(() => list.next());
    if (said.status === 'UNKNOWN') return said;
    if (said.status === 'REFUSED') return { status: 'UNKNOWN', reason: 'SERVER_ERROR' };
    const next = list.hasMore ? said.value.at(-1)?.id : undefined;
    return { charges: said.value.flatMap((transaction) => chargeOf(transaction) ?? []), next };
  }

  verifyWebhook(rawBody: Buffer, headers: WebhookHeaders, now: Instant): Promise<Result<InboundEvent, WebhookRefusal>> {
    return verifyPaddleSignature(this.paddle.webhooks, rawBody, headers, this.secrets, now, this.live);
  }

  readEvent(body: string): InboundEvent {
    return readPaddleEvent(body, this.live);
  }

  /** Its events are about checkouts of ours, which have handlers of their own. */
  factOf(): undefined {
    return undefined;
  }

  createCustomer(): never {
    return this.cannot('keep customers');
  }

  attachMethod(): never {
    return this.cannot('keep payment methods');
  }

  createSetup(): never {
    return this.cannot('keep payment methods');
  }

  charge(): never {
    return this.cannot('charge off session');
  }

  cancelCharge(): never {
    return this.cannot('charge off session');
  }

  private cannot(what: string): never {
    throw new InvariantViolation(`Paddle is asked to ${what}, which it does not do for us`);
  }
}

/** One price of our own for this very purchase; Paddle's catalog never decides what something costs. */
function itemOf({ description, unitAmount, quantity, interval }: CheckoutLine) {
  const units = Number(quantity);
  const unitPrice = { amount: unitAmount.minor.toString(), currencyCode: unitAmount.currency as PaddleCurrency };
  return {
    quantity: units,
    price: {
      description,
      name: description.slice(0, 150),
      product: { name: description.slice(0, 200), taxCategory: 'saas' as const },
      unitPrice,
      // The buyer may not change how many in the checkout.
      quantity: { minimum: units, maximum: units },
      // Ours is the price before tax, whatever the account's setting.
      taxMode: 'external' as const,
      ...(interval ? { billingCycle: { interval: cycleOf[interval], frequency: interval === 'QUARTER' ? 3 : 1 } } : {}),
    },
  };
}

const cycleOf = { DAY: 'day', WEEK: 'week', MONTH: 'month', QUARTER: 'month', YEAR: 'year' } as const;

/** Which parts of a transaction make up this amount, before tax, line by line; `undefined`: there is not so much. */
function partsOf(transaction: Transaction, amount: Money) {
  const lines = transaction.details?.lineItems ?? [];
  const netOf = ({ totals }: (typeof lines)[number]) => BigInt(totals?.subtotal ?? 0) - BigInt(totals?.discount ?? 0);
  const whole = lines.reduce((total, line) => total + netOf(line), 0n);
  if (transaction.currencyCode !== amount.currency || amount.minor > whole) return undefined;
  if (amount.minor === whole) return 'ALL' as const;
  const items: { itemId: string; type: 'partial'; amount: string }[] = [];
  let left = amount.minor;
  for (const line of lines) {
    const net = netOf(line);
    const part = left < net ? left : net;
    if (part > 0n) items.push({ itemId: line.id, type: 'partial', amount: part.toString() });
    left -= part;
  }
  return items;
}

function chargeOf(transaction: Transaction): ProviderCharge | undefined {
  const { id, currencyCode, details, customData, createdAt, adjustments, origin } = transaction;
  if (meaningOf(transactionOrigins, origin) === 'METHOD_CHANGE') return undefined;
  if (!isCurrencyCode(currencyCode) || !details?.totals) return undefined;
  const currency: CurrencyCode = currencyCode;
  const reference = (customData as { reference?: unknown } | null)?.reference;
  const amount = money(BigInt(details.totals.subtotal) - BigInt(details.totals.discount ?? 0), currency);
  const returned = (adjustments ?? []).flatMap((one) => {
    const read = answeredAdjustment(one);
    return (read && returnedBy(read)) ?? [];
  });
  return {
    chargeId: id,
    reference: typeof reference === 'string' ? reference : undefined,
    amount,
    refunded: returnedMoney(returned, amount),
    status: 'SUCCEEDED',
    createdAt: instant(createdAt),
  };
}
