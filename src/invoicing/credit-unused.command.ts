import type { Id } from '../core/ids';
import { negate } from '../core/money';
import type { Subscription } from '../subscriptions/subscription';
import type { TaxedDocument } from '../tax/taxes-of-lines.query';
import type { CreditNote, CreditNoteLineKind, CreditNoteReason, Settlement } from './credit-note';
import { accountEntriesOf } from './invoice';
import { writeCreditNote } from './write-credit-note.command';

export interface CreditUnusedInput {
  readonly subscription: Pick<Subscription, 'id' | 'tenantId' | 'partnerId' | 'currency'>;
  readonly reason: CreditNoteReason;
  readonly settlement: Exclude<Settlement, 'NONE'>;
  /** Lines signed like an invoice's; their sum is negative. */
  readonly document: TaxedDocument;
  /** The invoice line that each credited item was charged by, where there is one. */
  readonly chargedBy: ReadonlyMap<string, string | undefined>;
}

/** The unused rest of what was charged, as a credit note. */
export async function creditUnused(
  tx: Parameters<typeof writeCreditNote>[0],
  input: CreditUnusedInput,
): Promise<CreditNote> {
  const { subscription, reason, settlement, chargedBy, document } = input;
  return writeCreditNote(tx, {
    ...{ subscription, reason, settlement },
    lines: document.lines.map((line) => ({
      kind: line.kind as CreditNoteLineKind,
      source: line.source,
      invoiceLineId:
        line.kind === 'PRORATION_CREDIT' ? (chargedBy.get(line.itemId) as Id<'InvoiceLine'> | undefined) : undefined,
      description: line.description,
      quantity: line.quantity,
      amount: negate(line.amount),
      covers: line.covers,
      tax: line.tax && { ...line.tax, amount: negate(line.tax.amount) },
      explanation: line.explanation,
    })),
    tax: {
      taxes: document.taxes.map(({ rate, base, amount }) => ({ rate, base: negate(base), amount: negate(amount) })),
      taxTreatment: document.decision.treatment,
      taxNote: document.decision.note,
    },
    entries: accountEntriesOf(document.lines),
  });
}
