import type { Id } from '../core/ids';
import { money, subtract, zero } from '../core/money';
import type { Invoice } from '../invoicing/invoice';
import type { Tx } from '../tx';
import { mostCarried, spread } from './carried-payments';
import type { Charge } from './payment';
import type { ProviderCharge, ProviderName } from './provider';
import { settlePayment } from './settle-payment.command';

/** What the charge was asked for, by the numbers that it is called by; none: one of them is no invoice that is collected here. */
async function invoicesNamed(tx: Tx, description: string): Promise<Invoice[]> {
  const numbers = [...new Set(description.split(', '))];
  const invoices: Invoice[] = [];
  if (numbers.length > 1 + mostCarried) return [];
  for (const number of numbers) {
    const invoice = await tx.invoices.byNumber(tx.tenant.id, number);
    if (!invoice || !(await tx.collections.byInvoice(tx.tenant.id, invoice.id))) return [];
    invoices.push(invoice);
  }
  return invoices;
}

/**
 * Takes in a charge that succeeded at a provider and is unknown here, as after a database was restored: of an invoice of this
 * tenant, and what went along, from a method of this tenant, and of no more than those invoices asked for. What is not due any more
 * goes back by itself, as with any second payment. False: it does not fit, and a person looks.
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
  const invoices = await invoicesNamed(tx, asked.description);
  if (!method || method.customerExternalId !== asked.customerId || invoices.length === 0) return false;
  const { currency } = amount;
  if (invoices.some(({ total }) => total.currency !== currency)) return false;
  // What is due by now is what each was asked for; where that is less by now, at most what it ever asked for.
  const bounds = invoices.map(({ amountDue, total, creditApplied }) => ({
    first: amountDue.minor,
    most: subtract(total, creditApplied).minor,
  }));
  if (amount.minor > bounds.reduce((sum, { most }) => sum + most, 0n)) return false;
  const parts = spread(amount.minor, bounds);
  if (parts[0] === 0n) return false;
  const paymentId = id as Id<'Payment'>;
  for (const [index, invoice] of invoices.entries()) {
    if (parts[index] === 0n) continue;
    const payment: Charge = {
      ...{ id: index === 0 ? paymentId : tx.newId<'Payment'>(), carriedBy: index === 0 ? undefined : paymentId },
      ...{ tenantId, partnerId, invoiceId: invoice.id, paymentMethodId: method.id, provider },
      ...{ amount: money(parts[index]!, currency), externalId: chargeId, asked: 1 },
      ...{ refunded: zero(currency), disputed: zero(currency) },
      ...{ createdAt: tx.now, firstAskedAt: createdAt, settledAt: tx.now },
      // As if it had been declined by mistake: another attempt may be under way, and there is only one of those.
      ...({ status: 'DECLINED', declineCode: 'OTHER' } as const),
    };
    await tx.payments.insert(payment);
    await tx.emit({ type: 'payment.created', payload: { payment } });
  }
  await settlePayment(tx, { paymentId, outcome: { status: 'SUCCEEDED', chargeId } });
  return true;
}
