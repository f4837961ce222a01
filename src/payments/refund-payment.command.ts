import { type AmountInput, parseAmount } from '../catalog/price-input';
import { decodeId } from '../core/ids';
import { invariant } from '../core/invariant';
import { amountText, isZero, subtract } from '../core/money';
import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import { planTakeBack, saveTakeBack } from '../invoicing/take-back.command';
import type { Tx } from '../tx';
import { isCharge, type Payment, type Refund, refundable } from './payment';
import { writeRefund } from './write-refund.command';

export interface RefundPaymentInput {
  readonly paymentId: string;
  /** Default: all that is left of it. */
  readonly amount?: AmountInput | undefined;
  /** Why, in the partner's words. */
  readonly memo?: string | undefined;
  /** It was given back outside, and can be found there by this: a bank reference, a receipt's number. No provider is asked. */
  readonly outsideReference?: string | undefined;
}

export const refundPaymentRefusals = [
  'PAYMENT_NOT_FOUND',
  'PAYMENT_NOT_REFUNDABLE',
  'REFUND_EXCEEDS_PAYMENT',
  'INVALID_INPUT',
] as const;

/**
 * Gives back a payment or a part of it: goodwill, or a mistake at the till; or books what was given back outside, in cash or by bank.
 * The invoice stays as it is and is not due again; what can still be credited of it falls. What an invoice should not have said is
 * corrected by a credit note. Booked again under the same reference it is the same act.
 */
export async function refundPayment(
  tx: Pick<
    Tx,
    | 'tenant'
    | 'tenants'
    | 'payments'
    | 'invoices'
    | 'itemCharges'
    | 'creditNotes'
    | 'newId'
    | 'now'
    | 'wallNow'
    | 'emit'
  >,
  input: RefundPaymentInput,
): Promise<Result<{ payment: Payment; refund: Refund }, (typeof refundPaymentRefusals)[number]>> {
  const memo = input.memo === undefined ? undefined : parseLabel(input.memo, 500);
  if (input.memo !== undefined && !memo) return invalid(['memo'], 'A memo has 1 to 500 printable characters.');
  const reference = input.outsideReference === undefined ? undefined : parseLabel(input.outsideReference);
  if (input.outsideReference !== undefined && !reference) {
    return invalid(['outsideReference'], 'A reference has 1 to 200 printable characters.');
  }
  await tx.tenants.lock(tx.tenant.id);
  const decoded = decodeId(input.paymentId);
  const payment =
    decoded?.kind === 'Payment' && decoded.tenantUuid === tx.tenant.id
      ? await tx.payments.byId(tx.tenant.id, decoded.uuid)
      : undefined;
  const path = ['input', 'paymentId'];
  if (!payment) return refuse('PAYMENT_NOT_FOUND', 'No such payment.', { path });
  const booked = reference && (await tx.payments.refundByExternalId(tx.tenant.id, payment.id, reference));
  if (booked) return done({ payment, refund: booked });
  // Not more than is left of the payment, nor than is left of what came in: some of it may have gone back by another road.
  const { taken: left } = await planTakeBack(tx, payment.invoiceId, refundable(payment));
  if (left.minor === 0n) {
    return refuse('PAYMENT_NOT_REFUNDABLE', 'Nothing of this payment can be given back.', {
      path,
      facts: { status: payment.status, refunded: amountText(payment.refunded) },
    });
  }
  const amount = input.amount === undefined ? left : parseAmount(input.amount);
  if (!amount || amount.minor === 0n || amount.currency !== left.currency) {
    return invalid(['amount'], `Not an amount above zero in ${left.currency}.`);
  }
  if (amount.minor > left.minor) {
    return refuse('REFUND_EXCEEDS_PAYMENT', 'That is more than is left of the payment.', {
      path: ['input', 'amount'],
      facts: { refundable: amountText(left), currency: left.currency },
    });
  }
  const takeBack = await planTakeBack(tx, payment.invoiceId, amount);
  invariant(isZero(subtract(takeBack.taken, amount)), 'less can be taken back than was just there');
  // What came outside goes back outside: nobody is asked.
  const isOutside = reference !== undefined || !isCharge(payment);
  const how = isOutside
    ? ({ reason: 'OUTSIDE', made: { externalId: reference, failed: false } } as const)
    : ({ reason: 'REQUESTED', isHeld: true } as const);
  const refund = await writeRefund(tx, payment, { amount, memo, ...how });
  await saveTakeBack(tx, takeBack, { refundId: refund.id });
  return done({ payment: (await tx.payments.byId(tx.tenant.id, payment.id))!, refund });
}
