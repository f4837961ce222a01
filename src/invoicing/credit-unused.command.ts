import type { Id } from '../core/ids';
import { invariant } from '../core/invariant';
import { negate, sum } from '../core/money';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import type { CreditNote, CreditNoteLine, CreditNoteLineKind, CreditNoteReason, Settlement } from './credit-note';
import { accountEntriesOf, creditNoteNumber, type LineDraft } from './invoice';

export interface CreditUnusedInput {
  readonly subscription: Pick<Subscription, 'id' | 'tenantId' | 'partnerId' | 'currency'>;
  readonly reason: CreditNoteReason;
  readonly settlement: Exclude<Settlement, 'NONE'>;
  /** Signed like an invoice's; their sum is negative. */
  readonly lines: readonly LineDraft[];
  /** The invoice line that each credited item was charged by, where there is one. */
  readonly chargedBy: ReadonlyMap<string, string | undefined>;
}

/** Writes a credit note whole, and moves the credit balance where it is settled there. */
export async function creditUnused(
  tx: Pick<Tx, 'invoices' | 'creditNotes' | 'itemCharges' | 'partners' | 'newId' | 'now' | 'emit'>,
  input: CreditUnusedInput,
): Promise<CreditNote> {
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
  await tx.emit({ type: 'credit_note.issued', payload: { creditNote: note } });
  return note;
}
