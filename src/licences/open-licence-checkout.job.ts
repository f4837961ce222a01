import { encodeId } from '../core/ids';
import type { Providers } from '../payments/providers';
import type { System } from '../system';
import { checkoutLine, type LicencePurchase } from './licence-purchase';
import { recordLicenceCheckout } from './record-licence-checkout.command';

/**
 * Opens the checkout of an intent that was committed. No transaction is open while the provider is asked. Where it does not
 * answer, the intent stays without a checkout and the same call with the same key asks again: a checkout moves no money, and
 * only the one that was written down can pay.
 */
export async function openLicenceCheckout(
  system: System,
  providers: Providers,
  tenantId: string,
  purchaseId: string,
): Promise<LicencePurchase | undefined> {
  const purchase = await system.asTenant(tenantId, (tx) => tx.licencePurchases.byId(tenantId, purchaseId));
  if (!purchase?.provider || purchase.checkoutId || purchase.status !== 'OPEN') return purchase;
  const provider = providers.get(purchase.provider);
  if (!provider) return purchase;
  const productName = await system.asTenant(
    tenantId,
    async (tx) => (await tx.licenceProducts.byIds([purchase.productId]))[0]!.name,
  );
  const { unitAmount, quantity } = checkoutLine(purchase);
  const outcome = await provider.createCheckout({
    key: `licence-purchase-${purchase.id}`,
    reference: encodeId('LicencePurchase', purchase.id, tenantId),
    lines: [
      {
        description: describe(productName, purchase, quantity),
        ...{ unitAmount, quantity },
        interval: purchase.autoRenew ? 'YEAR' : undefined,
      },
    ],
    successUrl: '',
    cancelUrl: '',
  });
  // No customer is named, so none can be gone.
  if (outcome.status === 'UNKNOWN' || outcome.status === 'CUSTOMER_GONE') {
    system.log.warn({ purchase: purchase.id, provider: provider.name, outcome }, 'a licence checkout was not opened');
    return purchase;
  }
  return system.asTenant(tenantId, (tx) =>
    recordLicenceCheckout(tx, purchase.id, outcome.status === 'REFUSED' ? { refused: outcome.code } : outcome),
  );
}

function describe(productName: string, purchase: LicencePurchase, quantity: bigint): string {
  const seats = quantity === purchase.quantity ? '' : `${purchase.quantity} seats, `;
  if (purchase.kind === 'CO_TERMED') return `${productName}: ${seats}${purchase.remainingDays} days`;
  return `${productName}: ${seats}one year${purchase.kind === 'RENEWAL' ? ' more' : ''}`;
}
