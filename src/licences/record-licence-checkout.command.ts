import type { Tx } from '../tx';
import type { LicencePurchase } from './licence-purchase';
import { parkLicencePurchase } from './settle-licence-purchase.command';

/**
 * Writes down the checkout that was opened for an intent. Only that one can pay for it: where two were opened, because an
 * answer was lost or two requests came at once, the first stays and nobody is shown the other.
 */
export async function recordLicenceCheckout(
  tx: Pick<Tx, 'tenant' | 'tenants' | 'licencePurchases' | 'emit'>,
  purchaseId: string,
  checkout: { readonly checkoutId: string; readonly url: string } | { readonly refused: string },
): Promise<LicencePurchase | undefined> {
  await tx.tenants.lock(tx.tenant.id);
  const purchase = await tx.licencePurchases.byId(tx.tenant.id, purchaseId);
  if (!purchase || purchase.checkoutId || purchase.status !== 'OPEN') return purchase;
  if ('refused' in checkout) {
    const detail = `The provider refused to open a checkout: ${checkout.refused}.`;
    return (await parkLicencePurchase(tx, purchase, { reason: 'CHECKOUT_REFUSED', detail })).purchase;
  }
  return tx.licencePurchases.update({ ...purchase, checkoutId: checkout.checkoutId, checkoutUrl: checkout.url });
}
