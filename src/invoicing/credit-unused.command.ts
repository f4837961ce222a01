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
  const { subscription, settlement } = input;
  const { tenantId, partnerId, currency } = subscription;
  const partner = (await tx.partners.byId(partnerId))!;
  const id = tx.newId<'CreditNote'>();
  const total = negate(
    sum(
      input.lines.map((line) => line.amount),
      currency,
    ),
  );
  invariant(total.minor > 0n, 'a credit note without a credit');
  const lineIds = input.lines.map(() => tx.newId<'CreditNoteLine'>());
  const lines: CreditNoteLine[] = input.lines.map((line, index) => ({
    id: lineIds[index]!,
    creditNoteId: id,
    tenantId,
    position: index + 1,
    kind: line.kind as CreditNoteLineKind,
    source: line.source,
    invoiceLineId:
      line.kind === 'PRORATION_CREDIT'
        ? (input.chargedBy.get(line.itemId) as Id<'InvoiceLine'> | undefined)
        : undefined,
    description: line.description,
    quantity: line.quantity,
    amount: negate(line.amount),
    covers: line.covers,
    explanation: line.explanation,
  }));
  const note: CreditNote = {
    id,
    tenantId,
    partnerId,
    subscriptionId: subscription.id,
    number: creditNoteNumber(partner.code, await tx.invoices.takeNumber('CREDIT_NOTE')),
    reason: input.reason,
    settlement,
    total,
    issuedAt: tx.now,
  };
  await tx.creditNotes.insert(note, lines);
  await tx.itemCharges.insert(subscription, accountEntriesOf(input.lines), { creditNote: lineIds }, tx.now);
  if (settlement === 'CREDIT_BALANCE') {
    await tx.creditNotes.moveBalance(
      tenantId,
      partnerId,
      { kind: 'CREDIT_NOTE', amount: total, creditNoteId: id },
      tx.now,
    );
  }
  await tx.emit({ type: 'credit_note.created', payload: { creditNote: note } });
  return note;
}
