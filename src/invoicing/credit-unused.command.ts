import type { Id } from '../core/ids';
import { type Money, negate } from '../core/money';
import type { Subscription } from '../subscriptions/subscription';
import type { CreditNote, CreditNoteLineKind } from './credit-note';
import { accountEntriesOf } from './invoice';
import { onlyLineOf } from './lot';
import type { PlannedCreditNote } from './planned-document';
import { writeCreditNote } from './write-credit-note.command';

/**
 * Writes a credit note as it was planned.
 *
 * @param kept of a refund: what stays in the balance, because there is something left to pay with it
 */
export async function writePlannedNote(
  tx: Parameters<typeof writeCreditNote>[0],
  subscription: Pick<Subscription, 'id' | 'tenantId' | 'partnerId' | 'currency'>,
  { reason, settlement, invoice, document }: PlannedCreditNote,
  kept?: Money,
): Promise<CreditNote> {
  const { decision } = document;
  return writeCreditNote(tx, {
    ...{ subscription, reason, settlement, invoice, kept },
    lines: document.lines.map((line) => ({
      kind: line.kind as CreditNoteLineKind,
      source: line.source,
      invoiceLineId: onlyLineOf(line.takesFrom ?? []) as Id<'InvoiceLine'> | undefined,
      description: line.description,
      quantity: line.quantity,
      amount: negate(line.amount),
      covers: line.covers,
      tax: line.tax && { ...line.tax, amount: negate(line.tax.amount) },
      explanation: line.explanation,
    })),
    tax: {
      taxes: document.taxes.map(({ rate, base, amount }) => ({ rate, base: negate(base), amount: negate(amount) })),
      taxTreatment: decision.treatment,
      taxNote: decision.note,
    },
    entries: accountEntriesOf(document.lines),
  });
}
