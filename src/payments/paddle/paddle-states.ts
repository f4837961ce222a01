import type {
  AdjustmentAction,
  AdjustmentStatus,
  ScheduledChangeAction,
  SubscriptionStatus,
  TransactionOrigin,
  TransactionStatus,
} from '@paddle/paddle-node-sdk';
import type { RefundKind, RefundStatus } from '../returned-money';

/**
 * What each state of Paddle's means here: every word of the SDK's types, so that one which a new version adds does not compile
 * until it is given a meaning. A word that is in none of these tables is no meaning: a person looks at it.
 */

/** Is the money there? Paddle completes a paid transaction by itself a moment later. */
export const transactionStatuses: Readonly<Record<TransactionStatus, 'PAID' | 'OPEN' | 'CANCELED'>> = {
  draft: 'OPEN',
  ready: 'OPEN',
  billed: 'OPEN',
  past_due: 'OPEN',
  paid: 'PAID',
  completed: 'PAID',
  canceled: 'CANCELED',
};

/** What a transaction is for. */
export const transactionOrigins: Readonly<
  Record<TransactionOrigin, 'CHECKOUT' | 'RENEWAL' | 'OTHER_CHARGE' | 'METHOD_CHANGE'>
> = {
  api: 'CHECKOUT',
  // Somebody opened a checkout in a browser, without us.
  web: 'CHECKOUT',
  subscription_recurring: 'RENEWAL',
  // Made in Paddle's dashboard: a charge beside the subscription, or what a change of it costs.
  subscription_charge: 'OTHER_CHARGE',
  subscription_update: 'OTHER_CHARGE',
  // A transaction of zero by which Paddle learns another card.
  subscription_payment_method_change: 'METHOD_CHANGE',
};

/** Will Paddle bill it again by itself, as far as its status goes? */
export const subscriptionStatuses: Readonly<Record<SubscriptionStatus, 'RENEWS' | 'PAUSED' | 'ENDED'>> = {
  active: 'RENEWS',
  trialing: 'RENEWS',
  // Paddle tries the card again; what became of it is told.
  past_due: 'RENEWS',
  // Also with a day on which it resumes: that is told when it comes.
  paused: 'PAUSED',
  canceled: 'ENDED',
};

/** Does a change that waits keep it from being billed again? */
export const scheduledChanges: Readonly<Record<ScheduledChangeAction, 'STOPS' | 'GOES_ON'>> = {
  cancel: 'STOPS',
  pause: 'STOPS',
  resume: 'GOES_ON',
};

/** What an adjustment does with the money of its transaction. */
export const adjustmentActions: Readonly<Record<AdjustmentAction, RefundKind | 'NOTHING'>> = {
  refund: 'REFUND',
  // Kept at Paddle for the customer's next bills: it pays for nothing here any more.
  credit: 'CREDIT',
  credit_reverse: 'CREDIT_REVERSE',
  chargeback: 'CHARGEBACK',
  chargeback_reverse: 'CHARGEBACK_REVERSE',
  // The bank announces a chargeback, or takes that back: no money has moved.
  chargeback_warning: 'NOTHING',
  chargeback_warning_reverse: 'NOTHING',
};

export const adjustmentStatuses: Readonly<Record<AdjustmentStatus, RefundStatus>> = {
  pending_approval: 'PENDING',
  approved: 'APPROVED',
  rejected: 'REJECTED',
  // Paddle sets it beside the adjustment that reverses this one.
  reversed: 'REVERSED',
};

/** The meaning of a word as it came; `undefined`: it has none here. */
export function meaningOf<Meaning extends string>(
  table: Readonly<Record<string, Meaning>>,
  word: string,
): Meaning | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}
