import { type Money, money, smaller } from '../core/money';

export const refundKinds = ['REFUND', 'CREDIT', 'CHARGEBACK', 'CREDIT_REVERSE', 'CHARGEBACK_REVERSE'] as const;
export type RefundKind = (typeof refundKinds)[number];
export const refundStatuses = ['PENDING', 'APPROVED', 'REJECTED', 'REVERSED'] as const;
export type RefundStatus = (typeof refundStatuses)[number];

/** An adjustment of a payment that a provider made: money went back, or came back again. */
export interface Returned {
  readonly kind: RefundKind;
  readonly status: RefundStatus;
  /** Before tax. */
  readonly amount: Money;
}

/** What takes a payment back, and what takes that back again. A refund that was approved stays. */
const reverseOf: Readonly<Partial<Record<RefundKind, RefundKind>>> = {
  CREDIT: 'CREDIT_REVERSE',
  CHARGEBACK: 'CHARGEBACK_REVERSE',
};
const takes = ['REFUND', 'CREDIT', 'CHARGEBACK'] as const;

/**
 * How much of a payment is back with whoever paid, whatever the order in which it was told: never more than was paid, though
 * a bank may take back what was refunded before. The provider tells a reversal twice, as an adjustment of its own and as the
 * status of the one that it reverses, and either may be missing: the larger of both counts.
 */
export function returnedMoney(refunds: readonly Returned[], paid: Money): Money {
  const { currency } = paid;
  const sumOf = (kind: RefundKind, ...statuses: RefundStatus[]) =>
    refunds
      .filter((refund) => refund.kind === kind && statuses.includes(refund.status))
      .reduce((total, refund) => total + refund.amount.minor, 0n);
  let returned = 0n;
  for (const kind of takes) {
    const taken = sumOf(kind, 'APPROVED', 'REVERSED');
    const byStatus = sumOf(kind, 'REVERSED');
    const reverse = reverseOf[kind];
    const byReverse = reverse ? sumOf(reverse, 'APPROVED') : 0n;
    const back = byStatus > byReverse ? byStatus : byReverse;
    if (taken > back) returned += taken - back;
  }
  return smaller(money(returned, currency), paid);
}
