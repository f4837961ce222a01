import type { ProviderName } from '../payments/provider';
import type { Tx } from '../tx';
import type { LicencePurchase } from './licence-purchase';

/**
 * A provider's subscription that no current term lives by would be billed every year for nothing: it is written down to be
 * ended there (`keep-subscriptions-in-step.job`), once. One that a current term lives by is left alone. The caller holds the
 * tenant's lock.
 */
export async function endSubscription(
  tx: Tx,
  purchase: LicencePurchase,
  provider: ProviderName,
  subscriptionId: string,
): Promise<void> {
  const licence = await tx.licences.bySubscription(tx.tenant.id, subscriptionId);
  if (licence && !licence.replacedAt) return;
  await tx.licences.insertEnd({
    id: tx.newId(),
    tenantId: purchase.tenantId,
    partnerId: purchase.partnerId,
    ...{ provider, providerSubscriptionId: subscriptionId, purchaseId: purchase.id },
    createdAt: tx.now,
  });
}
