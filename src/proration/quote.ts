import { type Instant, instant } from '../core/calendar';
import type { PlanChangeRequest } from './plan-change';

/** How long a quote holds. Long enough to ask a customer, short enough that prices and days have not moved on. */
export const quoteLifetimeMinutes = 30;

/** What a quote promises: this change, decided at this instant, for this much money. */
export interface PlanChangeQuote {
  readonly tenantId: string;
  readonly request: string;
  readonly at: Instant;
  /** What all documents of it come to, with tax. */
  readonly totalMinor: bigint;
  readonly currency: string;
  readonly expiresAt: Instant;
}

/** The same request gives the same text, whatever the order of its members. */
export function requestText(request: PlanChangeRequest): string {
  return JSON.stringify(
    Object.entries(request)
      .filter(([, value]) => value !== undefined)
      .sort(([first], [second]) => (first < second ? -1 : 1))
      .map(([name, value]) => [name, String(value)]),
  );
}

export function quoteText(quote: PlanChangeQuote): string {
  const { tenantId, request, at, totalMinor, currency, expiresAt } = quote;
  return JSON.stringify([2, tenantId, request, at.toString(), totalMinor.toString(), currency, expiresAt.toString()]);
}

/** Of text whose signature was verified; `undefined`: of another version. */
export function quoteFromText(text: string): PlanChangeQuote | undefined {
  const parts: unknown = JSON.parse(text);
  if (!Array.isArray(parts) || parts[0] !== 2) return undefined;
  const [, tenantId, request, at, totalMinor, currency, expiresAt] = parts as string[];
  return {
    tenantId: tenantId!,
    request: request!,
    at: instant(at!),
    totalMinor: BigInt(totalMinor!),
    currency: currency!,
    expiresAt: instant(expiresAt!),
  };
}
