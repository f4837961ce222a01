import type { Tx } from '../tx';
import { isPayable, writeAttempt, writeCarryingAttempt } from './begin-payment.command';
import type { ChargeOutcome, ProviderName } from './provider';
import { settlePayment } from './settle-payment.command';

export interface ReplacePaymentInput {
  readonly paymentId: string;
  /** What the provider said when the charge was taken back. */
  readonly outcome: ChargeOutcome;
  readonly methodId: string;
  /** It is the collection's turn: the new attempt is the one of this turn. */
  readonly isTurn: boolean;
}

/** Records that a payment was taken back, and begins another. Where it was paid after all, or nobody can say, there is no other. */
export async function replacePayment(
  tx: Tx,
  { paymentId, outcome, methodId, isTurn }: ReplacePaymentInput,
  isUsable: (provider: ProviderName, sandbox: boolean) => boolean,
): Promise<void> {
  const { id: tenantId, sandbox } = tx.tenant;
  await tx.tenants.lock(tenantId);
  const before = await tx.payments.byId(tenantId, paymentId);
  // Somebody else was faster.
  if (before?.status !== 'REQUIRES_ACTION') return;
  const { status, invoiceId } = await settlePayment(tx, { paymentId, outcome });
  if (status !== 'DECLINED') return;
  const collection = await tx.collections.byInvoice(tenantId, invoiceId);
  if (isTurn && collection && !collection.endedAt) await tx.collections.update({ ...collection, dueAt: tx.now });
  const invoice = await tx.invoices.byId(tenantId, invoiceId);
  const method = await tx.paymentMethods.byId(tenantId, methodId);
  if (!invoice || !isPayable(invoice) || !method || method.removedAt || !isUsable(method.provider, sandbox)) return;
  await (isTurn ? writeCarryingAttempt : writeAttempt)(tx, invoice, method);
}
