import type { Instant } from '../core/calendar';
import { invariant } from '../core/invariant';
import { add, isZero, type Money, subtract, zero } from '../core/money';
import { done, type Result, refuse } from '../core/result';
import type { Invoice, InvoiceStatus } from './invoice';

/** DRAFT is not used yet; PAID and VOID are ends. What was given up as uncollectible may still be paid, or voided. */
const next: Readonly<Record<InvoiceStatus, readonly InvoiceStatus[]>> = {
  DRAFT: ['FINALIZED'],
  FINALIZED: ['PAID', 'VOID', 'UNCOLLECTIBLE'],
  UNCOLLECTIBLE: ['PAID', 'VOID'],
  PAID: [],
  VOID: [],
};

export type InvoiceMove =
  | { readonly to: 'PAID'; readonly at: Instant; readonly reference?: string | undefined }
  | { readonly to: 'VOID'; readonly at: Instant; readonly reason: string }
  | { readonly to: 'UNCOLLECTIBLE'; readonly at: Instant };

function stateAfter(invoice: Invoice, move: InvoiceMove): Partial<Invoice> {
  switch (move.to) {
    case 'PAID':
      return {
        ...{ status: 'PAID', paidAt: move.at, paymentReference: move.reference },
        paid: add(invoice.paid, invoice.amountDue),
        amountDue: zero(invoice.total.currency),
      };
    case 'VOID':
      return {
        ...{ status: 'VOID', voidedAt: move.at, voidReason: move.reason },
        amountDue: zero(invoice.total.currency),
      };
    case 'UNCOLLECTIBLE':
      return { status: 'UNCOLLECTIBLE', uncollectibleAt: move.at };
  }
}

/** Still asks for money: it may be paid, credited, voided. */
export const isOpen = ({ status }: Pick<Invoice, 'status'>): boolean =>
  status === 'FINALIZED' || status === 'UNCOLLECTIBLE';

/**
 * Where an invoice stands after a move; paid means that all that was due is paid. The same move again is refused here, a command
 * decides whether it is a repeat.
 */
export function moveInvoice(invoice: Invoice, move: InvoiceMove): Result<Invoice, 'INVOICE_NOT_OPEN'> {
  if (!next[invoice.status].includes(move.to)) {
    return refuse('INVOICE_NOT_OPEN', `The invoice is ${invoice.status.toLowerCase()}.`, {
      path: ['input', 'invoiceId'],
      facts: { status: invoice.status, number: invoice.number },
    });
  }
  return done({ ...invoice, ...stateAfter(invoice, move) });
}

/** Less is due: so much of it was paid, or credited. With nothing left it is paid. */
export function lowerAmountDue(invoice: Invoice, by: 'paid' | 'credited', amount: Money, at: Instant): Invoice {
  invariant(
    isOpen(invoice) && amount.minor > 0n && amount.minor <= invoice.amountDue.minor,
    'more is taken off an invoice than is due of it',
  );
  const amountDue = subtract(invoice.amountDue, amount);
  const lower = { ...invoice, [by]: add(invoice[by], amount), amountDue };
  return isZero(amountDue) ? { ...lower, status: 'PAID', paidAt: at } : lower;
}
