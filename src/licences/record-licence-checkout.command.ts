import type { Tx } from '../tx';
import type { LicencePurchase } from './licence-purchase';

/**
 * Writes down the checkout that was opened for an intent. Only that one can pay for it: where two were opened, because an
 * answer was lost or two requests came at once, the first stays and nobody is shown the other.
 */
export async function recordLicenceCheckout(
  tx: Pick<Tx, 'tenant' | 'tenants' | 'licencePurchases'>,
  purchaseId: string,
  checkout: { readonly checkoutId: string; readonly url: string },
): Promise<LicencePurchase | undefined> {
  await tx.tenants.lock(tx.tenant.id);
  const purchase = await tx.licencePurchases.byId(tx.tenant.id, purchaseId);
  if (!purchase || purchase.checkoutId || purchase.status !== 'OPEN') return purchase;
  return tx.licencePurchases.update({ ...purchase, checkoutId: checkout.checkoutId, checkoutUrl: checkout.url });
}
