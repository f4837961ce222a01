import { type CurrencyCode, fractionDigitsOf, isCurrencyCode } from '../core/currency';
import { type Money, money } from '../core/money';

/** Where Stripe counts otherwise than ISO 4217: Malagasy ariary without decimals … */
const stripeDigits: Partial<Record<CurrencyCode, number>> = {
  MGA: 0,
  // … and króna and shilling with two, which are always 00.
  ISK: 2,
  UGX: 2,
};
/** Written with three decimals of which Stripe takes two. */
const lastDigitIsZero = new Set<CurrencyCode>(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);

const digitsOf = (currency: CurrencyCode) => stripeDigits[currency] ?? fractionDigitsOf(currency);

/** Stripe's own limit: eight digits. */
const most = 99_999_999n;

/**
 * An amount in Stripe's smallest unit: JPY 500 is 500, KWD 5.120 is 5120, UGX 500 is 50000. `undefined`: Stripe cannot move
 * exactly this amount; it is never rounded.
 */
export function toStripe(amount: Money): { readonly units: number; readonly currency: string } | undefined {
  const { currency, minor } = amount;
  const shift = digitsOf(currency) - fractionDigitsOf(currency);
  const factor = 10n ** BigInt(Math.abs(shift));
  if (shift < 0 && minor % factor !== 0n) return undefined;
  const units = shift < 0 ? minor / factor : minor * factor;
  if (units < 0n || units > most || (lastDigitIsZero.has(currency) && units % 10n !== 0n)) return undefined;
  return { units: Number(units), currency: currency.toLowerCase() };
}

/** The most that Stripe moves at once: EUR 999,999.99, JPY 99,999,999. */
export function mostOfStripe(currency: CurrencyCode): Money {
  const shift = digitsOf(currency) - fractionDigitsOf(currency);
  const factor = 10n ** BigInt(Math.abs(shift));
  return money(shift < 0 ? most * factor : most / factor, currency);
}

/** What Stripe says as an amount of ours; `undefined` where it says something else. */
export function fromStripe(units: unknown, currency: unknown): Money | undefined {
  if (typeof units !== 'number' || !Number.isSafeInteger(units) || typeof currency !== 'string') return undefined;
  const code = currency.toUpperCase();
  if (!isCurrencyCode(code)) return undefined;
  const shift = digitsOf(code) - fractionDigitsOf(code);
  const factor = 10n ** BigInt(Math.abs(shift));
  if (shift > 0 && BigInt(units) % factor !== 0n) return undefined;
  return money(shift > 0 ? BigInt(units) / factor : BigInt(units) * factor, code);
}
