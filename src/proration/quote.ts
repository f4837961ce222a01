import type { Instant } from '../core/calendar';
import type { PlanChangeRequest } from './plan-change.query';

/** How long a quote holds. Long enough to ask a customer, short enough that prices and days have not moved on. */
export const quoteLifetimeMinutes = 30;

/** What a quote promises: this change, decided at this instant, for this much money. */
export interface PlanChangeQuote {
  readonly tenantId: string;
  readonly request: string;
  readonly at: Instant;
  readonly netMinor: bigint;
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
