import { type DecimalValue, parseDecimal } from './decimal';

/** A whole number of seats or units that is subscribed to: 1 … 2^31 − 1, the range of a GraphQL Int. */
export type SeatCount = bigint & { readonly brand: 'SeatCount' };

export const maximumSeats = 2_147_483_647n;

export function parseSeats(value: number | bigint): SeatCount | undefined {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return undefined;
  const seats = BigInt(value);
  return seats >= 1n && seats <= maximumSeats ? (seats as SeatCount) : undefined;
}

/** A measured quantity, such as gigabytes: an exact decimal that is not negative. */
export function parseQuantity(text: string): DecimalValue | undefined {
  const value = parseDecimal(text);
  return value && !value.isNegative() ? value : undefined;
}
