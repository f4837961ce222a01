import { invariant } from '../core/invariant';
import { type Money, sum } from '../core/money';
import { refundCredit } from '../payments/refund-credit.command';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import type { CreditNote, CreditNoteLine, CreditNoteReason, CreditSettlement } from './credit-note';
import { type AccountEntry, creditNoteNumber, type DocumentTax, type Invoice } from './invoice';
import { type LowerDueTx, lowerDue } from './lower-due.command';

export interface WriteCreditNoteInput {
  readonly subscription: Pick<Subscription, 'id' | 'tenantId' | 'partnerId' | 'currency'>;
  /** Whose lines it credits, where it is one invoice. */
  readonly invoice?: Invoice | undefined;
  readonly reason: CreditNoteReason;
  readonly memo?: string | undefined;
  /** OPEN_INVOICE: off what is due of `invoice`. */
  readonly settlement: CreditSettlement;
  /** REFUND: what stays in the balance all the same, because there is something left to pay with it. */
  readonly kept?: Money | undefined;
  /** Positive in the tenant's favour, in their order. */
  readonly lines: readonly Omit<CreditNoteLine, 'id' | 'creditNoteId' | 'tenantId' | 'position'>[];
  readonly tax: Omit<DocumentTax, 'billing'>;
  /** What they move on the accounts of their items. */
  readonly entries: readonly AccountEntry[];
}

/**
 * Writes a credit note whole and settles it: off what is due of its invoice, into the credit balance, or back to where the money
 * came from.
 */
export async function writeCreditNote(
  tx: LowerDueTx &
    Pick<Tx, 'creditNotes' | 'itemCharges' | 'partners' | 'taxes' | 'payments' | 'documents' | 'wallNow'>,
  input: WriteCreditNoteInput,
): Promise<CreditNote> {
  const { subscription, invoice, reason, memo, settlement } = input;
  const invoiceId = invoice?.id;
  const { tenantId, partnerId, currency } = subscription;
  const partner = (await tx.partners.byId(partnerId))!;
  const id = tx.newId<'CreditNote'>();
  const { seller, buyer } = await tx.taxes.snapshot(tenantId, partnerId);
  const total = sum(
    input.lines.map((line) => line.amount),
    currency,
  );
  invariant(total.minor > 0n, 'a credit note without a credit');
  const lines: CreditNoteLine[] = input.lines.map((line, index) => ({
    ...line,
    id: tx.newId<'CreditNoteLine'>(),
    creditNoteId: id,
    tenantId,
    position: index + 1,
  }));
  const number = creditNoteNumber(partner.code, await tx.invoices.takeNumber('CREDIT_NOTE'));
  const note: CreditNote = {
    ...{ id, tenantId, partnerId, invoiceId, number, reason, memo, settlement, total },
    ...input.tax,
    tax: sum(
      lines.filter((line) => line.kind === 'TAX').map((line) => line.amount),
      currency,
    ),
    billing: { seller, buyer },
    subscriptionId: subscription.id,
    issuedAt: tx.now,
  };
  await tx.creditNotes.insert(note, lines);
  await tx.itemCharges.insert(subscription, input.entries, { creditNote: lines.map((line) => line.id) }, tx.now);
  if (settlement === 'CREDIT_BALANCE') {
    await tx.creditNotes.moveBalance(
      tenantId,
      partnerId,
      { kind: 'CREDIT_NOTE', amount: total, creditNoteId: id },
      tx.now,
    );
  }
  if (settlement === 'REFUND') await refundCredit(tx, note, input.kept);
  tx.documents.addCreditNote(note);
  await tx.emit({ type: 'credit_note.created', payload: { creditNote: note } });
  if (settlement === 'OPEN_INVOICE') await lowerDue(tx, invoice!, 'credited', total);
  return note;
}
