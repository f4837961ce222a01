import type { Books } from './books';
import { cardNamed, isTestCard, paymentError } from './cards';
import { checkAmount, checkCharge } from './currencies';
import { StripeFault } from './fault';
import type { Params } from './form';
import type { Charge, Customer, Dispute, PaymentIntent, PaymentMethod, Refund, SetupIntent } from './objects';

export interface ChargeRequest {
  readonly amount: number;
  readonly currency: string;
  readonly customer: string | null;
  readonly paymentMethod: string;
  readonly offSession: boolean;
  readonly metadata: Record<string, string>;
  readonly description: string | null;
}

/** Cards, intents and what becomes of them: everything that moves or gives back money. */
export class Payments {
  private readonly cards = new Map<string, string>();
  private readonly setUp = new Set<string>();

  constructor(private readonly books: Books) {}

  paymentMethod(card: string): PaymentMethod {
    const { brand, last4 } = cardNamed(card);
    const method = this.books.make('payment_method', {
      type: 'card',
      customer: null,
      card: { brand, last4, exp_month: 12, exp_year: 2034, funding: 'credit', country: 'US' },
      metadata: {},
    });
    this.cards.set(method.id, card);
    return method;
  }

  /** The bank changes its mind about a card: from now on it is as that test card. */
  becomes(method: PaymentMethod, card: string): void {
    cardNamed(card);
    this.cards.set(method.id, card);
  }

  /** A test card is as good as a method: naming it makes one. */
  methodFor(id: string, param = 'payment_method'): PaymentMethod {
    return isTestCard(id) ? this.paymentMethod(id) : this.books.get('payment_method', id, param);
  }

  private cardOf(method: PaymentMethod) {
    return cardNamed(this.cards.get(method.id)!);
  }

  attach(method: PaymentMethod, customer: Customer): PaymentMethod {
    if (method.customer && method.customer !== customer.id) {
      throw StripeFault.invalid(
        'The payment method you provided has already been attached to a customer.',
        undefined,
        'payment_method_already_attached',
      );
    }
    const refused = this.cardOf(method).refusedAtSetup;
    if (refused) throw new StripeFault(402, paymentError(refused, method.id));
    if (!method.customer) {
      method.customer = customer.id;
      this.books.emit('payment_method.attached', method);
    }
    return method;
  }

  detach(method: PaymentMethod): PaymentMethod {
    if (!method.customer) throw StripeFault.invalid('The payment method you provided is not attached to a customer.');
    const customer = this.books.find('customer', method.customer);
    if (customer?.invoice_settings.default_payment_method === method.id) {
      customer.invoice_settings.default_payment_method = null;
    }
    const before = { customer: method.customer };
    method.customer = null;
    this.books.emit('payment_method.detached', method, before);
    return method;
  }

  setupIntent(customer: Customer | null, metadata: Record<string, string>, usage: SetupIntent['usage']): SetupIntent {
    const id = this.books.newId('setup_intent');
    const intent = this.books.make('setup_intent', {
      id,
      customer: customer?.id ?? null,
      payment_method: null,
      status: 'requires_payment_method',
      usage,
      client_secret: this.books.secretOf(id),
      last_setup_error: null,
      metadata,
    });
    this.books.emit('setup_intent.created', intent);
    return intent;
  }

  confirmSetup(intent: SetupIntent, method: PaymentMethod): SetupIntent {
    if (intent.status === 'succeeded') throw StripeFault.invalid('This SetupIntent has already succeeded.');
    const refused = this.cardOf(method).refusedAtSetup;
    if (refused) {
      intent.last_setup_error = paymentError(refused, method.id);
      this.books.emit('setup_intent.setup_failed', intent);
      throw new StripeFault(402, { ...intent.last_setup_error, setup_intent: structuredClone(intent) });
    }
    if (intent.customer) this.attach(method, this.books.get('customer', intent.customer));
    this.setUp.add(method.id);
    intent.payment_method = method.id;
    intent.status = 'succeeded';
    intent.last_setup_error = null;
    this.books.emit('setup_intent.succeeded', intent);
    return intent;
  }

  intent(request: Omit<ChargeRequest, 'paymentMethod' | 'offSession'>, paymentMethod: string | null): PaymentIntent {
    checkCharge(request.amount, request.currency);
    const id = this.books.newId('payment_intent');
    const intent = this.books.make('payment_intent', {
      id,
      amount: request.amount,
      amount_received: 0,
      currency: request.currency,
      customer: request.customer,
      payment_method: paymentMethod,
      latest_charge: null,
      description: request.description,
      status: paymentMethod ? 'requires_confirmation' : 'requires_payment_method',
      client_secret: this.books.secretOf(id),
      last_payment_error: null,
      metadata: request.metadata,
    });
    this.books.emit('payment_intent.created', intent);
    return intent;
  }

  /** Charges. A declined card is an error answer with the intent in it, and a failed charge in the books. */
  confirm(intent: PaymentIntent, method: PaymentMethod, offSession: boolean, authenticated = false): PaymentIntent {
    if (intent.status === 'succeeded' || intent.status === 'canceled') {
      throw StripeFault.invalid(
        `You cannot confirm this PaymentIntent because it has a status of ${intent.status}.`,
        undefined,
        'payment_intent_unexpected_state',
      );
    }
    if (method.customer && method.customer !== intent.customer) {
      throw StripeFault.invalid('The payment method belongs to another customer.', 'payment_method');
    }
    if (offSession && !method.customer) {
      throw StripeFault.invalid('A method that is charged off-session is attached to the customer.', 'payment_method');
    }
    const card = this.cardOf(method);
    intent.payment_method = method.id;
    const wanted =
      card.wantsCustomer === 'always' || (card.wantsCustomer === 'unless-set-up' && !this.setUp.has(method.id));
    if (wanted && !authenticated) {
      if (!offSession) {
        intent.status = 'requires_action';
        this.books.emit('payment_intent.requires_action', intent);
        return intent;
      }
      return this.fail(intent, method, ['authentication_required', 'authentication_required']);
    }
    if (card.refused) return this.fail(intent, method, card.refused);
    const charge = this.charge(intent, method, null);
    intent.status = 'succeeded';
    intent.amount_received = intent.amount;
    intent.last_payment_error = null;
    this.books.emit('charge.succeeded', charge);
    this.books.emit('payment_intent.succeeded', intent);
    if (card.disputes) this.dispute(charge);
    return intent;
  }

  private charge(intent: PaymentIntent, method: PaymentMethod, failure: string | null): Charge {
    const charge = this.books.make('charge', {
      amount: intent.amount,
      amount_refunded: 0,
      currency: intent.currency,
      customer: intent.customer,
      payment_intent: intent.id,
      payment_method: method.id,
      paid: failure === null,
      refunded: false,
      disputed: false,
      status: failure === null ? 'succeeded' : 'failed',
      failure_code: failure,
      metadata: intent.metadata,
    });
    intent.latest_charge = charge.id;
    return charge;
  }

  private fail(intent: PaymentIntent, method: PaymentMethod, why: readonly [string, string]): never {
    const charge = this.charge(intent, method, why[0]);
    intent.status = 'requires_payment_method';
    intent.last_payment_error = paymentError(why, method.id);
    this.books.emit('charge.failed', charge);
    this.books.emit('payment_intent.payment_failed', intent);
    throw new StripeFault(402, {
      ...intent.last_payment_error,
      charge: charge.id,
      payment_intent: structuredClone(intent),
    });
  }

  /** Charges at once, as subscriptions do for their invoices. `undefined`: it was declined. */
  collect(request: ChargeRequest): PaymentIntent | undefined {
    const intent = this.intent(request, null);
    try {
      // Who is at the page confirms there what their bank asks.
      return this.confirm(intent, this.methodFor(request.paymentMethod), request.offSession, !request.offSession);
    } catch (error) {
      if (error instanceof StripeFault && error.status === 402) return undefined;
      throw error;
    }
  }

  refund(params: Params): Refund {
    const intentId = params.text('payment_intent');
    const charge = intentId
      ? this.books.get('charge', this.books.get('payment_intent', intentId, 'payment_intent').latest_charge ?? '')
      : this.books.get('charge', params.required('charge'), 'charge');
    if (!charge.paid) throw StripeFault.invalid('This charge has not succeeded.', undefined, 'charge_not_refundable');
    if (charge.disputed) throw StripeFault.invalid('The charge is disputed.', undefined, 'charge_disputed');
    const left = charge.amount - charge.amount_refunded;
    if (left === 0) {
      throw StripeFault.invalid(`Charge ${charge.id} has already been refunded.`, undefined, 'charge_already_refunded');
    }
    const amount = checkAmount(params.integer('amount') ?? left, charge.currency);
    if (amount > left) {
      throw StripeFault.invalid(
        `Refund amount (${amount}) is greater than unrefunded amount on charge (${left}).`,
        'amount',
      );
    }
    charge.amount_refunded += amount;
    charge.refunded = charge.amount_refunded === charge.amount;
    const refund = this.books.make('refund', {
      amount,
      currency: charge.currency,
      charge: charge.id,
      payment_intent: charge.payment_intent,
      reason: params.oneOf('reason', ['duplicate', 'fraudulent', 'requested_by_customer']) ?? null,
      status: cardNamed(this.cards.get(charge.payment_method ?? '')!).refundsSlowly ? 'pending' : 'succeeded',
      metadata: params.metadata(),
    });
    this.books.emit('refund.created', refund);
    this.books.emit('charge.refunded', charge);
    return refund;
  }

  /** The network renewed the card: another expiry, the same method. */
  /** The renewed one may behave like another test card. */
  renewCard(method: PaymentMethod, expires: { month: number; year: number }, card?: string): PaymentMethod {
    if (card) this.cards.set(method.id, card);
    method.card = { ...method.card, exp_month: expires.month, exp_year: expires.year };
    this.books.emit('payment_method.automatically_updated', method);
    return method;
  }

  /** What the holder's bank makes of a refund: it takes the money, or sends it back, even days after it took it. */
  finishRefund(refund: Refund, status: 'succeeded' | 'failed'): Refund {
    refund.status = status;
    if (status === 'failed') {
      refund.failure_reason = 'expired_or_canceled_card';
      const charge = this.books.get('charge', refund.charge);
      charge.amount_refunded -= refund.amount;
      charge.refunded = false;
    }
    this.books.emit('refund.updated', refund);
    if (status === 'failed') this.books.emit('refund.failed', refund);
    return refund;
  }

  /** The holder's bank takes the money back. */
  dispute(charge: Charge, reason = 'fraudulent'): Dispute {
    charge.disputed = true;
    const dispute = this.books.make('dispute', {
      amount: charge.amount,
      currency: charge.currency,
      charge: charge.id,
      payment_intent: charge.payment_intent,
      reason,
      status: 'needs_response',
      metadata: {},
    });
    this.books.emit('charge.dispute.created', dispute);
    return dispute;
  }

  closeDispute(dispute: Dispute, status: 'won' | 'lost'): Dispute {
    dispute.status = status;
    if (status === 'won') this.books.get('charge', dispute.charge).disputed = false;
    this.books.emit('charge.dispute.closed', dispute);
    if (status === 'won') this.books.emit('charge.dispute.funds_reinstated', dispute);
    return dispute;
  }
}
