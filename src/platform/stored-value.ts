import { Decimal } from 'decimal.js';
import { Temporal } from 'temporal-polyfill';
import { decimal, decimalText } from '../core/decimal';

/**
 * Domain values as JSON and back, for the answer that an idempotency key replays: bigint, decimal, instant and date keep
 * their type under a `$`-tag; everything else is plain JSON.
 */
type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export function toStored(value: unknown): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === 'bigint') return { $bigint: value.toString() };
  if (Decimal.isDecimal(value)) return { $decimal: decimalText(value) };
  if (value instanceof Temporal.Instant) return { $instant: value.toString() };
  if (value instanceof Temporal.PlainDate) return { $date: value.toString() };
  if (Array.isArray(value)) return value.map(toStored);
  if (typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, member]) => (member === undefined ? [] : [[key, toStored(member)]])),
    );
  }
  return value as Json;
}

export function fromStored(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromStored);
  if (value === null || typeof value !== 'object') return value;
  const members = value as Record<string, unknown>;
  if (typeof members['$bigint'] === 'string') return BigInt(members['$bigint']);
  if (typeof members['$decimal'] === 'string') return decimal(members['$decimal']);
  if (typeof members['$instant'] === 'string') return Temporal.Instant.from(members['$instant']);
  if (typeof members['$date'] === 'string') return Temporal.PlainDate.from(members['$date']);
  return Object.fromEntries(Object.entries(members).map(([key, member]) => [key, fromStored(member)]));
}
