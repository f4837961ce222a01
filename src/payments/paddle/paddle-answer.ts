import type { Adjustment, Subscription, Transaction, TransactionAdjustment } from '@paddle/paddle-node-sdk';
import {
  type PaddleAdjustment,
  type PaddleSubscription,
  type PaddleTransaction,
  paddleAdjustment,
  paddleSubscription,
  paddleTransaction,
} from './paddle-event';

/** What Paddle answers is read as strictly as what its events say: the SDK's types promise more than it checks. */
export function answeredTransaction(transaction: Transaction): PaddleTransaction | undefined {
  const { id, status, origin, currencyCode, subscriptionId, billedAt, updatedAt, customData, items, details } =
    transaction;
  const totals = details?.totals;
  return paddleTransaction({
    ...{ id, status, origin, currency_code: currencyCode, subscription_id: subscriptionId },
    ...{ billed_at: billedAt, updated_at: updatedAt, custom_data: customData },
    items: items.map(({ quantity }) => ({ quantity })),
    details: { totals: totals && { ...totals, currency_code: totals.currencyCode } },
  });
}

export function answeredSubscription(subscription: Subscription): PaddleSubscription | undefined {
  const { id, status, scheduledChange, items, customData, updatedAt } = subscription;
  return paddleSubscription({
    ...{ id, status, custom_data: customData, updated_at: updatedAt },
    scheduled_change: scheduledChange && { action: scheduledChange.action },
    items: items.filter(({ recurring }) => recurring).map(({ quantity }) => ({ quantity })),
  });
}

export function answeredAdjustment(adjustment: Adjustment | TransactionAdjustment): PaddleAdjustment | undefined {
  const { id, action, status, transactionId, currencyCode, items, totals, updatedAt } = adjustment;
  return paddleAdjustment({
    ...{ id, action, status, transaction_id: transactionId, currency_code: currencyCode, updated_at: updatedAt },
    items: items.map(({ type }) => ({ type })),
    totals: totals && { subtotal: totals.subtotal },
  });
}
