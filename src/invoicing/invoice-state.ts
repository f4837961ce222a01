import type { Instant } from '../core/calendar';
import { done, type Result, refuse } from '../core/result';
import type { Invoice, InvoiceState, InvoiceStatus } from './invoice';

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

function stateAfter(invoice: InvoiceState, move: InvoiceMove): InvoiceState {
  const { uncollectibleAt } = invoice;
  switch (move.to) {
    case 'PAID':
      return { status: 'PAID', uncollectibleAt, paidAt: move.at, paymentReference: move.reference };
    case 'VOID':
      return { status: 'VOID', uncollectibleAt, voidedAt: move.at, voidReason: move.reason };
    case 'UNCOLLECTIBLE':
      return { status: 'UNCOLLECTIBLE', uncollectibleAt: move.at };
  }
}

/** Where an invoice stands after a move; the same move again is refused here, a command decides whether it is a repeat. */
export function moveInvoice(invoice: Invoice, move: InvoiceMove): Result<Invoice, 'INVOICE_NOT_OPEN'> {
  if (!next[invoice.status].includes(move.to)) {
    return refuse('INVOICE_NOT_OPEN', `The invoice is ${invoice.status.toLowerCase()}.`, {
      path: ['input', 'invoiceId'],
      facts: { status: invoice.status, number: invoice.number },
    });
  }
  return done({ ...invoice, ...stateAfter(invoice, move) });
}
