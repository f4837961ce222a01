import { type Instant, instant, isAtOrBefore } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { amountText, type Money, money } from '../core/money';
import { type Refused, refuse } from '../core/result';
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

/** What a request names, found. */
export interface NamedInRequest {
  readonly target: { readonly plan: { readonly id: string } };
  readonly orders: readonly {
    readonly addon: { readonly id: string };
    readonly next: { readonly quantity: bigint };
    readonly chargedLater: boolean;
  }[];
}

/** The same request gives the same text, whatever the order of its members and whether things are named by id or code. */
export function requestText({ plan, addons: _named, ...request }: PlanChangeRequest, named: NamedInRequest): string {
  const addons = named.orders
    .map(({ addon, next, chargedLater }) => `${addon.id} ${next.quantity}${chargedLater ? ' later' : ''}`)
    .sort();
  const members = { ...request, plan: plan && named.target.plan.id, addons: addons.length > 0 ? addons : undefined };
  return JSON.stringify(
    Object.entries(members)
      .filter(([, value]) => value !== undefined)
      .sort(([first], [second]) => (first < second ? -1 : 1))
      .map(([name, value]) => [name, String(value)]),
  );
}

const path = ['quote'];

/** Whether a quote can be used at all: `undefined` where it can. */
export function quoteProblem(
  quote: PlanChangeQuote | undefined,
  { tenantId, now }: { readonly tenantId: string; readonly now: Instant },
): Refused<'QUOTE_INVALID' | 'QUOTE_EXPIRED'> | undefined {
  if (!quote) return undefined;
  if (quote.tenantId !== tenantId) return refuse('QUOTE_INVALID', 'The quote is for another change.', { path });
  if (!isAtOrBefore(quote.expiresAt, now)) return undefined;
  return refuse('QUOTE_EXPIRED', 'The quote has expired; ask for a new one.', {
    path,
    facts: { expiredAt: quote.expiresAt.toString() },
  });
}

/**
 * Whether a change is what was quoted, to the cent.
 *
 * @param isPast what it was decided from is gone
 */
export function quoteMismatch(
  quote: PlanChangeQuote | undefined,
  change: { readonly request: string; readonly total: Money<CurrencyCode>; readonly isPast: boolean },
): Refused<'QUOTE_INVALID' | 'QUOTE_STALE'> | undefined {
  if (!quote) return undefined;
  if (quote.request !== change.request) return refuse('QUOTE_INVALID', 'The quote is for another change.', { path });
  const { total, isPast } = change;
  if (!isPast && total.minor === quote.totalMinor) return undefined;
  const { currency } = total;
  return refuse('QUOTE_STALE', 'The change would cost something else now; ask for a new quote.', {
    path,
    facts: {
      quoted: amountText(money(quote.totalMinor, currency)),
      now: amountText(total),
      difference: amountText(money(total.minor - quote.totalMinor, currency)),
      currency,
    },
  });
}

export function quoteText(quote: PlanChangeQuote): string {
  const { tenantId, request, at, totalMinor, currency, expiresAt } = quote;
  return JSON.stringify([3, tenantId, request, at.toString(), totalMinor.toString(), currency, expiresAt.toString()]);
}

/** Of text whose signature was verified; `undefined`: of another version. */
export function quoteFromText(text: string): PlanChangeQuote | undefined {
  const parts: unknown = JSON.parse(text);
  if (!Array.isArray(parts) || parts[0] !== 3) return undefined;
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
