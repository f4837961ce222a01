import { isZero, negate, smaller } from '../core/money';
import type { Tx } from '../tx';
import { type LowerDueTx, lowerDue } from './lower-due.command';

/**
 * The credit balance pays what the tenant has not paid yet, oldest first: when a subscription ends, no money is collected that lies
 * in the balance, where nothing would ever use it.
 */
export async function payFromBalance(tx: LowerDueTx & Pick<Tx, 'creditNotes'>): Promise<void> {
  const { id: tenantId } = tx.tenant;
  for (const invoice of await tx.invoices.unpaid(tenantId)) {
    const { partnerId, amountDue } = invoice;
    const amount = smaller(await tx.creditNotes.lockBalance(tenantId, partnerId, amountDue.currency), amountDue);
    if (isZero(amount)) continue;
    const movement = { kind: 'APPLIED', amount: negate(amount), invoiceId: invoice.id } as const;
    await tx.creditNotes.moveBalance(invoice.tenantId, partnerId, movement, tx.now);
    await lowerDue(tx, invoice, 'paid', amount);
  }
}
