import type { FeatureAllowance } from '../catalog/feature';
import { type AmountInput, parseAmount } from '../catalog/price-input';
import type { Money } from '../core/money';
import { parseSeats } from '../core/quantity';
import { type Done, done, type Refused } from '../core/result';
import { invalid } from '../core/text';
import type { LicenceProduct } from './licence-product';

/** One price for each currency. What is free needs no licence that is sold: a price is above zero. */
export function parseYearlyPrices(inputs: readonly AmountInput[]): Done<Money[]> | Refused<'INVALID_INPUT'> {
  const prices: Money[] = [];
  if (inputs.length === 0) return invalid(['yearlyPrices'], 'A licence needs at least one yearly price.');
  for (const [index, input] of inputs.entries()) {
    const amount = parseAmount(input);
    if (!amount || amount.minor === 0n) {
      return invalid(
        ['yearlyPrices', String(index)],
        `Not a price in ${input.currency}: a plain amount above zero, such as 200.00, with no more decimals than the currency has.`,
      );
    }
    if (prices.some((other) => other.currency === amount.currency)) {
      return invalid(['yearlyPrices', String(index)], `There are two prices in ${amount.currency}.`);
    }
    prices.push(amount);
  }
  return done(prices);
}

export interface TrialInput {
  readonly days: number;
  readonly seats: number;
}

export function parseTrial(input: TrialInput): Done<NonNullable<LicenceProduct['trial']>> | Refused<'INVALID_INPUT'> {
  if (!Number.isSafeInteger(input.days) || input.days < 1 || input.days > 730) {
    return invalid(['trial', 'days'], 'A trial has 1 to 730 days.');
  }
  const seats = parseSeats(input.seats);
  if (seats === undefined) return invalid(['trial', 'seats'], 'Seats are a whole number from 1 to 2147483647.');
  return done({ days: input.days, seats });
}

/** A licence is paid by the year: units beyond what it gives are sold by plans and add-ons. */
export function pricedAllowance(allowances: readonly FeatureAllowance[]): Refused<'INVALID_INPUT'> | undefined {
  const index = allowances.findIndex(({ usagePrices }) => (usagePrices ?? []).length > 0);
  return index < 0
    ? undefined
    : invalid(
        ['features', String(index), 'usagePrices'],
        'A licence sells no units: give the prices to a plan or an add-on.',
      );
}
