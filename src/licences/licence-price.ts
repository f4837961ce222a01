import { dateAt, type Instant, localDays, type TimeZone } from '../core/calendar';
import { compareExact, exactOf, multiply } from '../core/exact';
import { type Explained, explain, type OperandSource } from '../core/explain';
import { amountText, exactMinorUnits, type Money, moneyText } from '../core/money';
import { isRunning, type Licence } from './licence';

export const purchaseKinds = ['FIRST', 'CO_TERMED', 'AFTER_EXPIRY', 'RENEWAL'] as const;
export type PurchaseKind = (typeof purchaseKinds)[number];

/** A year of licence pricing, also in a leap year: the price is what falls due each day, capped at the year's price. */
const daysOfYear = 365n;

/** Calendar days in the billing zone from now to the expiry. A day that has begun counts: nothing is free on the last one. */
export function remainingDays(expiresAt: Instant, at: Instant, zone: TimeZone): number {
  return Math.max(1, localDays(dateAt(at, zone), dateAt(expiresAt, zone), zone));
}

interface Priced {
  /** For people. */
  readonly name: string;
  /** The licence product. */
  readonly productId: string;
  /** For one seat and a whole year. */
  readonly yearly: Money;
  readonly quantity: bigint;
}

const productSource = (id: string, name: string): OperandSource => ({ kind: 'LICENCE_PRODUCT', id, name });

/** Standard price: the year × seats. */
export function yearlyLicencePrice({ name, productId, yearly, quantity }: Priced): Explained {
  return explain(multiply(exactMinorUnits(yearly), exactOf(quantity)), yearly.currency, {
    rule: 'LICENCE_YEAR',
    formula: 'yearly * seats',
    operands: [
      { name: 'yearly', value: amountText(yearly), unit: yearly.currency, source: productSource(productId, name) },
      { name: 'seats', value: quantity.toString(), unit: 'seats' },
    ],
    sentence: (amount) => `${name}: ${moneyText(yearly)} a year × ${quantity} = ${amount}.`,
  });
}

/**
 * Billing rules §8: yearly / 365 × remaining days × seats, never more than the standard price, rounded once. The seed rounds
 * the day's price first, to 0.548, and so comes to 296.40 where 295.89 is right.
 */
export function coTermedLicencePrice({ name, productId, yearly, quantity }: Priced, days: number): Explained {
  const whole = multiply(exactMinorUnits(yearly), exactOf(quantity));
  const prorated = multiply(whole, { numerator: BigInt(days), denominator: daysOfYear });
  const capped = compareExact(prorated, whole) > 0;
  return explain(capped ? whole : prorated, yearly.currency, {
    rule: 'LICENCE_CO_TERMED',
    formula: 'min(yearly / 365 * days * seats, yearly * seats)',
    operands: [
      { name: 'yearly', value: amountText(yearly), unit: yearly.currency, source: productSource(productId, name) },
      { name: 'days', value: String(days), unit: 'days' },
      { name: 'seats', value: quantity.toString(), unit: 'seats' },
    ],
    sentence: (amount) =>
      capped
        ? `${name}: ${days} days are left, no more than the year is charged: ${moneyText(yearly)} × ${quantity} = ${amount}.`
        : `${name}: ${moneyText(yearly)} / 365 × ${days} days × ${quantity} = ${amount}.`,
  });
}

export interface PurchaseDecision extends Explained {
  readonly kind: PurchaseKind;
  readonly quantity: bigint;
  /** Only where the expiry stays. */
  readonly remainingDays?: number | undefined;
  /** What the decision rests on: `undefined` where no term runs. */
  readonly before?: { readonly licenceId: string; readonly expiresAt: Instant; readonly seats: bigint } | undefined;
}

/**
 * What buying seats is and costs. While a bought term runs, seats are added and its expiry stays; with none, with a trial, or
 * after the expiry, a new year begins at the standard price.
 */
export function decidePurchase(
  current: Licence | undefined,
  priced: Priced,
  at: Instant,
  zone: TimeZone,
): PurchaseDecision {
  const { quantity } = priced;
  if (current && !current.trial && isRunning(current, at)) {
    const days = remainingDays(current.expiresAt, at, zone);
    return {
      kind: 'CO_TERMED',
      ...{ quantity, remainingDays: days },
      ...coTermedLicencePrice(priced, days),
      before: { licenceId: current.id, expiresAt: current.expiresAt, seats: current.seats },
    };
  }
  const kind = current && !current.trial && current.seats > 0n ? 'AFTER_EXPIRY' : 'FIRST';
  return { kind, quantity, ...yearlyLicencePrice(priced) };
}

/** One more year for all seats, from the expiry as it is. Only a bought term that runs can be renewed. */
export function decideRenewal(
  current: Licence | undefined,
  priced: Omit<Priced, 'quantity'>,
  at: Instant,
): PurchaseDecision | undefined {
  if (!current || current.trial || !isRunning(current, at)) return undefined;
  const quantity = current.seats;
  return {
    kind: 'RENEWAL',
    quantity,
    ...yearlyLicencePrice({ ...priced, quantity }),
    before: { licenceId: current.id, expiresAt: current.expiresAt, seats: current.seats },
  };
}
