import type { CurrencyCode } from '../core/currency';
import { type Money, money } from '../core/money';
import type { ProviderName } from './provider';
import { mostOfStripe, toStripe } from './stripe-amount';

/** The fake one takes eight digits, as Stripe does. */
const mostOfFake = (currency: CurrencyCode): Money => money(99_999_999n, currency);

/** The most that a provider moves in one go. `undefined`: it names no such amount, and says no by itself. */
const mostAtOnce: Readonly<Record<ProviderName, (currency: CurrencyCode) => Money | undefined>> = {
  STRIPE: mostOfStripe,
  FAKE: mostOfFake,
  PADDLE: () => undefined,
};

/** Can it move exactly this amount? */
export const canMove = (provider: ProviderName, amount: Money): boolean =>
  !limitBelow(provider, amount) && (provider !== 'STRIPE' || toStripe(amount) !== undefined);

/** What a provider can move at most of a sum that is more; `undefined`: it can move this one. */
export function limitBelow(provider: ProviderName, amount: Money): Money | undefined {
  const most = mostAtOnce[provider](amount.currency);
  return most && amount.minor > most.minor ? most : undefined;
}
