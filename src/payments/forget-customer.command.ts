import type { Tx } from '../tx';
import type { ProviderName } from './provider';
import { retirePaymentMethods } from './retire-payment-methods.command';

/**
 * A provider has this customer no more: nothing is asked about it again, and its payment methods are gone with it. The next one
 * is made when it is needed. Again changes nothing.
 */
export async function forgetCustomer(
  tx: Pick<Tx, 'tenant' | 'tenants' | 'paymentMethods' | 'collections' | 'stripeCheckouts' | 'now' | 'emit'>,
  provider: ProviderName,
  customerId: string,
): Promise<boolean> {
  const { id: tenantId, partnerId } = tx.tenant;
  await tx.tenants.lock(tenantId);
  if (!(await tx.paymentMethods.forgetCustomer(tenantId, partnerId, provider, customerId, tx.now))) return false;
  await retirePaymentMethods(tx, await tx.paymentMethods.ofCustomer(tenantId, provider, customerId));
  // What Stripe bills it for has ended, and its pages can be paid no more.
  if (provider === 'STRIPE') await tx.stripeCheckouts.wakeOpen(tenantId);
  return true;
}
