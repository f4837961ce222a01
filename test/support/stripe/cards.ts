import { StripeFault } from './fault';
import type { PaymentError } from './objects';

interface Card {
  readonly last4: string;
  readonly brand: string;
  /** Why attaching or setting it up fails. */
  readonly refusedAtSetup?: readonly [code: string, decline: string];
  /** Why a charge fails. */
  readonly refused?: readonly [code: string, decline: string];
  /** Charged without the customer, it wants them back, unless it was set up for that. */
  readonly wantsCustomer?: 'always' | 'unless-set-up';
  /** What is given back takes its time: `Payments.finishRefund` ends it. */
  readonly refundsSlowly?: boolean;
  /** The holder disputes what is charged. */
  readonly disputes?: boolean;
}

const declined = (decline: string) => ['card_declined', decline] as const;

/** Stripe's test cards by the payment methods that its documentation names. */
const cards: Readonly<Record<string, Card>> = {
  pm_card_visa: { last4: '4242', brand: 'visa' },
  pm_card_mastercard: { last4: '4444', brand: 'mastercard' },
  pm_card_visa_chargeDeclined: {
    last4: '0002',
    brand: 'visa',
    refused: declined('generic_decline'),
    refusedAtSetup: declined('generic_decline'),
  },
  pm_card_visa_chargeDeclinedInsufficientFunds: {
    last4: '9995',
    brand: 'visa',
    refused: declined('insufficient_funds'),
    refusedAtSetup: declined('insufficient_funds'),
  },
  pm_card_visa_chargeDeclinedLostCard: {
    last4: '9987',
    brand: 'visa',
    refused: declined('lost_card'),
    refusedAtSetup: declined('lost_card'),
  },
  pm_card_chargeDeclinedExpiredCard: {
    last4: '0069',
    brand: 'visa',
    refused: ['expired_card', 'expired_card'],
    refusedAtSetup: ['expired_card', 'expired_card'],
  },
  pm_card_chargeDeclinedProcessingError: {
    last4: '0119',
    brand: 'visa',
    refused: ['processing_error', 'processing_error'],
    refusedAtSetup: ['processing_error', 'processing_error'],
  },
  /** It was good when it was saved, and has expired since. */
  pm_card_visa_expired: { last4: '4242', brand: 'visa', refused: ['expired_card', 'expired_card'] },
  /** It can be saved, and each charge of it fails. */
  pm_card_chargeCustomerFail: { last4: '0341', brand: 'visa', refused: declined('generic_decline') },
  pm_card_authenticationRequired: { last4: '3184', brand: 'visa', wantsCustomer: 'always' },
  pm_card_authenticationRequiredOnSetup: { last4: '3155', brand: 'visa', wantsCustomer: 'unless-set-up' },
  pm_card_pendingRefund: { last4: '7726', brand: 'visa', refundsSlowly: true },
  pm_card_createDispute: { last4: '0259', brand: 'visa', disputes: true },
};

export const isTestCard = (id: string): boolean => Object.hasOwn(cards, id);

export function cardNamed(name: string): Card {
  const card = cards[name];
  if (!card) throw StripeFault.missing('payment_method', name, 'payment_method', 400);
  return card;
}

const sentences: Readonly<Record<string, string>> = {
  card_declined: 'Your card was declined.',
  expired_card: 'Your card has expired.',
  processing_error: 'An error occurred while processing your card. Try again in a little bit.',
  authentication_required: 'Your card was declined. This transaction requires authentication.',
};

export function paymentError([code, decline]: readonly [string, string], paymentMethod: string | null): PaymentError {
  return {
    type: 'card_error',
    code,
    decline_code: decline,
    message: decline === 'insufficient_funds' ? 'Your card has insufficient funds.' : (sentences[code] ?? 'Declined.'),
    payment_method: paymentMethod,
  };
}
