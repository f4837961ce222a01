import type { Id } from '../core/ids';
import { negate } from '../core/money';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import type { CreditNote, CreditNoteLineKind, CreditNoteReason, Settlement } from './credit-note';
import { accountEntriesOf, type LineDraft } from './invoice';
import { writeCreditNote } from './write-credit-note.command';

export interface CreditUnusedInput {
  readonly subscription: Pick<Subscription, 'id' | 'tenantId' | 'partnerId' | 'currency'>;
  readonly reason: CreditNoteReason;
  readonly settlement: Exclude<Settlement, 'NONE'>;
  /** Signed like an invoice's; their sum is negative. */
  readonly lines: readonly LineDraft[];
  /** The invoice line that each credited item was charged by, where there is one. */
  readonly chargedBy: ReadonlyMap<string, string | undefined>;
}

/** The unused rest of what was charged, as a credit note. */
export async function creditUnused(
  tx: Pick<Tx, 'invoices' | 'creditNotes' | 'itemCharges' | 'partners' | 'newId' | 'now' | 'emit'>,
  input: CreditUnusedInput,
): Promise<CreditNote> {
  const { subscription, reason, settlement, chargedBy } = input;
  return writeCreditNote(tx, {
    ...{ subscription, reason, settlement },
    lines: input.lines.map((line) => ({
      kind: line.kind as CreditNoteLineKind,
      source: line.source,
      invoiceLineId:
        line.kind === 'PRORATION_CREDIT' ? (chargedBy.get(line.itemId) as Id<'InvoiceLine'> | undefined) : undefined,
      description: line.description,
      quantity: line.quantity,
      amount: negate(line.amount),
      covers: line.covers,
      explanation: line.explanation,
    })),
    entries: accountEntriesOf(input.lines),
  });
}
