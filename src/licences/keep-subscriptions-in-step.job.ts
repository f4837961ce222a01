import type { PaymentProvider } from '../payments/provider';
import type { Providers } from '../payments/providers';
import type { System } from '../system';

/** Asked again each round: what does not answer now does so later. */
const most = 50;

/**
 * Seats were added to, or taken from, a licence that its provider renews by itself: from the next period on it bills as many as
 * there are. Answers how many licences are in step again.
 */
export async function keepSubscriptionsInStep(
  system: System,
  providers: Providers,
  signal?: AbortSignal,
): Promise<number> {
  const waiting = await system.ask<{ tenant_id: string; licence_id: string }>(
    { name: 'licences-out-of-step', text: 'select tenant_id, licence_id from app.licences_out_of_step($1)' },
    [most],
  );
  let changed = 0;
  for (const { tenant_id: tenantId, licence_id: licenceId } of waiting) {
    if (signal?.aborted) break;
    if (await keepInStep(system, providers, tenantId, licenceId)) changed += 1;
  }
  return changed;
}

async function keepInStep(system: System, providers: Providers, tenantId: string, licenceId: string): Promise<boolean> {
  const found = await system.asTenant(tenantId, async (tx) => {
    const licence = await tx.licences.byId(tenantId, licenceId);
    const first = licence && (await tx.licencePurchases.firstOf(tenantId, licenceId));
    const product = first && (await tx.licenceProducts.byIds([first.productId]))[0];
    return licence && first && product ? { licence, first, product } : undefined;
  });
  const provider: PaymentProvider | undefined = found?.first.provider && providers.get(found.first.provider);
  if (!found?.licence.providerSubscriptionId || !provider?.changeSubscription) return false;
  const { licence, first, product } = found;
  const { seats } = licence;
  const description = `${product.name}: one year`;
  const outcome = await provider.changeSubscription({
    subscriptionId: licence.providerSubscriptionId!,
    line: seats > 0n ? { description, unitAmount: first.yearly, quantity: seats, interval: 'YEAR' } : undefined,
  });
  if (outcome.status !== 'SUCCEEDED') {
    system.log.warn(
      { licence: licenceId, provider: provider.name, outcome },
      "a licence's subscription was not changed",
    );
    return false;
  }
  // The seats may have changed again meanwhile: then it is out of step still, and is asked again.
  await system.asTenant(tenantId, async (tx) => {
    await tx.tenants.lock(tenantId);
    const now = await tx.licences.byId(tenantId, licenceId);
    if (now) await tx.licences.update({ ...now, providerSeats: seats });
  });
  return true;
}
