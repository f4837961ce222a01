import { amountText, type Money, moneyText } from '../core/money';
import { type Refused, refuse } from '../core/result';
import type { Tx } from '../tx';
import { limitBelow } from './charge-limits';
import { type ProviderName, providerNames } from './provider';

/** It is more than the provider charges in one go; `undefined`: it is not. */
export function tooLarge(provider: ProviderName, amount: Money): Refused<'AMOUNT_NOT_CHARGEABLE'> | undefined {
  const most = limitBelow(provider, amount);
  if (!most) return undefined;
  return refuse('AMOUNT_NOT_CHARGEABLE', `The payment provider charges at most ${moneyText(most)} at once.`, {
    facts: { provider, amount: amountText(amount), most: amountText(most), currency: amount.currency },
  });
}

/** Nearly never: then no provider has to be known. */
export const mayBeTooLarge = (amount: Money): boolean => providerNames.some((provider) => limitBelow(provider, amount));

/**
 * Nothing is sold that cannot be charged: does one of these sums, each on a document of its own, ask for more than the provider of
 * the tenant's payment method charges in one go? Who has none pays in another way.
 */
export async function tooLargeToCharge(
  tx: Pick<Tx, 'paymentMethods'>,
  tenantId: string,
  sums: readonly Money[],
): Promise<Refused<'AMOUNT_NOT_CHARGEABLE'> | undefined> {
  const large = sums.filter(mayBeTooLarge);
  if (large.length === 0) return undefined;
  const provider = (await tx.paymentMethods.defaultOf(tenantId))?.provider;
  return provider && large.map((amount) => tooLarge(provider, amount)).find((problem) => problem !== undefined);
}
