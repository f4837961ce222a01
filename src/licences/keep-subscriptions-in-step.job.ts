import { encodeId } from '../core/ids';
import { type Money, subtract } from '../core/money';
import { PaddleProvider } from '../payments/paddle/paddle-provider';
import type { PaymentProvider } from '../payments/provider';
import type { Providers } from '../payments/providers';
import type { System } from '../system';
import type { LicencePurchase } from './licence-purchase';
import { turnLicenceYear } from './turn-licence-year.command';

interface Step {
  readonly kind: 'SEATS' | 'END' | 'REFUND' | 'TURN';
  readonly tenantId: string;
  readonly id: string;
}

/** So few that one worker is through with them before another may take them, though every one of them times out. */
const batch = 5;

/**
 * Seats were added to, or taken from, a licence that its provider renews by itself: from the next period on it bills as many as
 * there are. A subscription that no current term lives by is ended, and what was paid for a purchase that a person refused is
 * given back. What does not succeed is asked again later and later, at most forty times. Answers how much was done.
 */
export async function keepSubscriptionsInStep(
  system: System,
  providers: Providers,
  signal?: AbortSignal,
): Promise<number> {
  let done = 0;
  while (!signal?.aborted) {
    const steps = await claim(system);
    if (steps.length === 0) break;
    for (const step of steps) {
      if (signal?.aborted) break;
      try {
        if (await stepOf[step.kind](system, providers, step)) done += 1;
      } catch (error) {
        // One tenant that is locked, or whose rows are not as they should be, is no reason to leave the others alone.
        system.log.error({ err: error, step }, 'a subscription could not be kept in step');
      }
    }
  }
  return done;
}

async function claim(system: System): Promise<Step[]> {
  const rows = await system.ask<{ kind: Step['kind']; tenant_id: string; id: string }>(
    { name: 'claim-licence-steps', text: 'select kind, tenant_id, id from app.claim_licence_steps($1, $2)' },
    [system.clock.now().toString(), batch],
  );
  return rows.map(({ kind, tenant_id, id }) => ({ kind, tenantId: tenant_id, id }));
}

async function end(system: System, providers: Providers, { tenantId, id }: Step): Promise<boolean> {
  const ending = await system.asTenant(tenantId, (tx) => tx.licences.endById(tenantId, id));
  const provider: PaymentProvider | undefined = ending && providers.get(ending.provider);
  if (!ending || !provider?.changeSubscription) return false;
  const subscriptionId = ending.providerSubscriptionId;
  const outcome = await provider.changeSubscription({ subscriptionId, line: undefined });
  if (outcome.status !== 'SUCCEEDED') {
    system.log.warn({ subscriptionId, provider: provider.name, outcome }, 'a subscription was not ended');
    return false;
  }
  await system.asTenant(tenantId, (tx) => tx.licences.ended(ending, tx.wallNow));
  return true;
}

async function keepInStep(system: System, providers: Providers, { tenantId, id }: Step): Promise<boolean> {
  const found = await system.asTenant(tenantId, async (tx) => {
    const licence = await tx.licences.byId(tenantId, id);
    const first = licence && (await tx.licencePurchases.firstOf(tenantId, id));
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
    system.log.warn({ licence: id, provider: provider.name, outcome }, "a licence's subscription was not changed");
    return false;
  }
  // The seats may have changed again meanwhile: then it is out of step still, and is asked again.
  await system.asTenant(tenantId, async (tx) => {
    await tx.tenants.lock(tenantId);
    await tx.licences.inStep(tenantId, id, seats);
  });
  return true;
}

/** Gives back what was paid for a purchase that a person refused. Its key finds the refund where it was asked for before. */
async function refund(system: System, providers: Providers, { tenantId, id }: Step): Promise<boolean> {
  const purchase = await system.asTenant(tenantId, (tx) => tx.licencePurchases.byId(tenantId, id));
  const provider: PaymentProvider | undefined = purchase?.provider && providers.get(purchase.provider);
  if (!purchase?.checkoutId || !provider) return false;
  const paid = await paidAt(provider, purchase);
  const left = paid && (paid.currency === purchase.refunded.currency ? subtract(paid, purchase.refunded) : paid);
  if (!left) return false;
  if (left.minor > 0n) {
    const outcome = await provider.refund({
      key: `licence-refund-${purchase.id}`,
      reference: encodeId('LicencePurchase', purchase.id, tenantId),
      ...{ chargeId: purchase.checkoutId, amount: left },
    });
    if (outcome.status !== 'SUCCEEDED') {
      system.log.warn({ purchase: id, provider: provider.name, outcome }, 'a refused purchase was not refunded');
      return false;
    }
  }
  await system.asTenant(tenantId, async (tx) => {
    await tx.tenants.lock(tenantId);
    const now = (await tx.licencePurchases.byId(tenantId, id))!;
    await tx.licencePurchases.update({ ...now, refundAskedAt: tx.wallNow });
  });
  return true;
}

/** What a purchase was paid with, as its provider has it, in whatever currency. */
async function paidAt(provider: PaymentProvider, purchase: LicencePurchase): Promise<Money | undefined> {
  if (!(provider instanceof PaddleProvider)) return purchase.paid ?? purchase.amount;
  const answer = await provider.transaction(purchase.checkoutId!);
  return answer.status === 'SAID' ? answer.value.net : undefined;
}

/** The seats of a term at the end of one of its years: no provider is asked. */
async function turn(system: System, _providers: Providers, { tenantId, id }: Step): Promise<boolean> {
  await system.asTenant(tenantId, (tx) => turnLicenceYear(tx, id));
  return true;
}

const stepOf = { SEATS: keepInStep, END: end, REFUND: refund, TURN: turn } as const;
