import type { CurrencyCode } from '../core/currency';
import { type Money, parseMoney } from '../core/money';
import type { IntervalUnit } from '../core/period';
import { type Done, done, type Refused } from '../core/result';
import { invalid } from '../core/text';

export interface AmountInput {
  /** Major units, e.g. `49.00`. */
  readonly amount: string;
  readonly currency: CurrencyCode;
}

export interface PriceInput {
  readonly interval: IntervalUnit;
  readonly price: AmountInput;
}

/** 10^15 minor units: far above any price, far below what sums and quantities could make overflow. */
const largestPrice = 1_000_000_000_000_000n;

export function parseAmount(input: AmountInput): Money | undefined {
  const amount = parseMoney(input.amount, input.currency);
  return amount && amount.minor >= 0n && amount.minor <= largestPrice ? amount : undefined;
}

export function parsePrices(
  inputs: readonly PriceInput[],
): Done<{ interval: IntervalUnit; amount: Money }[]> | Refused<'INVALID_INPUT'> {
  const prices: { interval: IntervalUnit; amount: Money }[] = [];
  for (const [index, input] of inputs.entries()) {
    const amount = parseAmount(input.price);
    if (!amount) {
      return invalid(
        ['prices', String(index), 'price'],
        `Not a price in ${input.price.currency}: a plain amount such as 49.00, not negative, with no more decimals than the currency has.`,
      );
    }
    if (prices.some((other) => other.interval === input.interval && other.amount.currency === amount.currency)) {
      return invalid(['prices', String(index)], `There are two prices for ${input.interval} in ${amount.currency}.`);
    }
    prices.push({ interval: input.interval, amount });
  }
  return done(prices);
}
