import { type AmountInput, parseAmount } from '../catalog/price-input';
import { type Instant, isBefore } from '../core/calendar';
import { amountText, isZero, smaller, subtract, zero } from '../core/money';
import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import { findInvoice } from '../invoicing/find-invoice.query';
import type { Invoice } from '../invoicing/invoice';
import { type LowerDueTx, lowerDue } from '../invoicing/lower-due.command';
import type { Tx } from '../tx';
import { isPayable } from './begin-payment.command';
import type { Payment } from './payment';

export const surpluses = ['REFUSE', 'CREDIT_BALANCE'] as const;
/** What becomes of money beyond what is due. */
export type Surplus = (typeof surpluses)[number];

export interface RecordPaymentInput {
  readonly invoiceId: string;
  readonly amount: AmountInput;
  /** Where the money can be found: a bank reference, a cheque's number. Booked once for all of the partner's tenants. */
  readonly reference: string;
  /** When it came. Default: now. */
  readonly receivedAt?: Instant | undefined;
  readonly surplus?: Surplus | undefined;
}

export const recordPaymentRefusals = [
  'INVOICE_NOT_FOUND',
  'INVOICE_NOT_OPEN',
  'PAYMENT_EXCEEDS_DUE',
  'REFERENCE_BOOKED',
  'INVALID_INPUT',
] as const;

/**
 * Books money that came outside the system, whole or in parts: so much less is due. An attempt that is under way stays: what it brings
 * beyond what is due then goes back, and at its next turn it asks for what is due.
 */
export async function recordPayment(
  tx: LowerDueTx & Pick<Tx, 'tenant' | 'tenants' | 'payments' | 'creditNotes' | 'newId' | 'wallNow'>,
  input: RecordPaymentInput,
): Promise<Result<{ payment: Payment; invoice: Invoice }, (typeof recordPaymentRefusals)[number]>> {
  const reference = parseLabel(input.reference);
  if (!reference) return invalid(['reference'], 'A reference has 1 to 200 printable characters.');
  const { receivedAt = tx.now } = input;
  if (isBefore(tx.now, receivedAt)) return invalid(['receivedAt'], 'Money that has not come yet cannot be booked.');
  await tx.tenants.lock(tx.tenant.id);
  const found = await findInvoice(tx, input.invoiceId);
  if (!found.ok) return found;
  const { value: invoice } = found;
  if (!isPayable(invoice)) {
    return refuse('INVOICE_NOT_OPEN', `The invoice is ${invoice.status.toLowerCase()}.`, {
      path: ['input', 'invoiceId'],
      facts: { status: invoice.status, number: invoice.number },
    });
  }
  const { amountDue, partnerId, tenantId } = invoice;
  const amount = parseAmount(input.amount);
  if (!amount || isZero(amount) || amount.currency !== amountDue.currency) {
    return invalid(['amount'], `Not an amount above zero in ${amountDue.currency}.`);
  }
  const due = smaller(amount, amountDue);
  const surplus = subtract(amount, due);
  if (!isZero(surplus) && input.surplus !== 'CREDIT_BALANCE') {
    return refuse('PAYMENT_EXCEEDS_DUE', 'That is more than is due of the invoice.', {
      path: ['input', 'amount'],
      facts: { amountDue: amountText(amountDue), currency: amountDue.currency },
    });
  }
  const payment: Payment = {
    id: tx.newId<'Payment'>(),
    ...{ tenantId, partnerId, invoiceId: invoice.id, amount, reference, status: 'SUCCEEDED', asked: 0 },
    ...{ refunded: zero(amount.currency), disputed: zero(amount.currency) },
    ...{ createdAt: tx.now, firstAskedAt: tx.wallNow, settledAt: receivedAt },
  };
  if (!(await tx.payments.insertOutside(payment, tx.tenant.sandbox))) {
    return refuse('REFERENCE_BOOKED', 'Money with this reference was booked already.', {
      path: ['input', 'reference'],
      facts: { reference },
    });
  }
  await tx.emit({ type: 'payment.created', payload: { payment } });
  await tx.emit({ type: 'payment.succeeded', payload: { payment } });
  const lower = await lowerDue(tx, invoice, 'paid', due);
  if (!isZero(surplus)) {
    await tx.creditNotes.lockBalance(tenantId, partnerId, surplus.currency);
    const movement = { kind: 'OVERPAID', amount: surplus, invoiceId: invoice.id } as const;
    await tx.creditNotes.moveBalance(tenantId, partnerId, movement, tx.now);
  }
  return done({ payment, invoice: lower });
}
