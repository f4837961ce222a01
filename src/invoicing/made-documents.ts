import type { CreditNote } from './credit-note';
import type { Invoice } from './invoice';

/** The documents that an act made, each kind in the order of its numbers. */
export interface MadeDocuments {
  readonly invoices: readonly Invoice[];
  readonly creditNotes: readonly CreditNote[];
}

/** Collects every document that is issued in a transaction: what an act answers can then leave none out. */
export class DocumentCollector {
  private readonly invoices: Invoice[] = [];
  private readonly creditNotes: CreditNote[] = [];

  addInvoice(invoice: Invoice): void {
    this.invoices.push(invoice);
  }

  addCreditNote(creditNote: CreditNote): void {
    this.creditNotes.push(creditNote);
  }

  /** Less is due of it by now, where it is one of these. */
  renewInvoice(invoice: Invoice): void {
    const index = this.invoices.findIndex(({ id }) => id === invoice.id);
    if (index >= 0) this.invoices[index] = invoice;
  }

  /** So far. */
  made(): MadeDocuments {
    return { invoices: [...this.invoices], creditNotes: [...this.creditNotes] };
  }
}

/** Those of the first, and what the second has beside them or knows newer. */
export function together(first: MadeDocuments, second: MadeDocuments): MadeDocuments {
  const merge = <T extends { readonly id: string }>(some: readonly T[], others: readonly T[]): T[] => [
    ...new Map([...some, ...others].map((document) => [document.id, document])).values(),
  ];
  return {
    invoices: merge(first.invoices, second.invoices),
    creditNotes: merge(first.creditNotes, second.creditNotes),
  };
}
