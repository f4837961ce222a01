import type { Id } from '../core/ids';
import { subtract, zero } from '../core/money';
import type { Tx } from '../tx';
import type { ProviderCharge, ProviderName } from './provider';
import { settlePayment } from './settle-payment.command';

/**
 * Takes in a charge that succeeded at a provider and is unknown here, as after a database was restored: of an invoice of this
 * tenant, from a method of this tenant, and of no more than that invoice asked for. What is not due any more goes back by itself,
 * as with any second payment. False: it does not fit, and a person looks.
 */
export async function adoptPayment(
  tx: Tx,
  id: string,
  provider: ProviderName,
  { chargeId, amount, asked, createdAt }: ProviderCharge,
): Promise<boolean> {
  const { id: tenantId, partnerId } = tx.tenant;
  await tx.tenants.lock(tenantId);
  if (!asked || (await tx.payments.byId(tenantId, id))) return false;
  const method = await tx.paymentMethods.byExternalId(tenantId, provider, asked.methodId);
  const invoice = await tx.invoices.byNumber(tenantId, asked.description);
  if (!method || method.customerExternalId !== asked.customerId || !invoice) return false;
  const collection = await tx.collections.byInvoice(tenantId, invoice.id);
  const { currency } = amount;
  if (!collection || invoice.total.currency !== currency) return false;
  if (subtract(invoice.total, invoice.creditApplied).minor < amount.minor) return false;
  const paymentId = id as Id<'Payment'>;
  const payment = {
    ...{ id: paymentId, tenantId, partnerId, invoiceId: invoice.id, paymentMethodId: method.id, provider, amount },
    ...{ externalId: chargeId, asked: 1, refunded: zero(currency), disputed: zero(currency) },
    ...{ createdAt: tx.now, firstAskedAt: createdAt, settledAt: tx.now },
    // As if it had been declined by mistake: another attempt may be under way, and there is only one of those.
    ...({ status: 'DECLINED', declineCode: 'OTHER' } as const),
  };
  await tx.payments.insert(payment);
  await tx.emit({ type: 'payment.created', payload: { payment } });
  await settlePayment(tx, { paymentId, outcome: { status: 'SUCCEEDED', chargeId } });
  return true;
}
