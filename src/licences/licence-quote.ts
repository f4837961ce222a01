import { type Instant, instant } from '../core/calendar';

/** What a licence quote promises: this purchase, decided at this instant, for this much money. */
export interface LicenceQuote {
  readonly tenantId: string;
  readonly request: string;
  readonly at: Instant;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly expiresAt: Instant;
}

export interface LicenceRequest {
  /** Id or code. */
  readonly product: string;
  /** Seats to buy; `undefined`: all seats for another year. */
  readonly quantity?: number | undefined;
}

/** By the product's own id: its code and its id ask for the same. */
export function licenceRequestText(productId: string, quantity: number | undefined): string {
  return `${productId} ${quantity ?? 'RENEWAL'}`;
}

/** The first member tells it from the quote of a plan change, which is signed with the same key. */
const kind = 'licence 1';

export function licenceQuoteText(quote: LicenceQuote): string {
  const { tenantId, request, at, amountMinor, currency, expiresAt } = quote;
  return JSON.stringify([
    kind,
    tenantId,
    request,
    at.toString(),
    amountMinor.toString(),
    currency,
    expiresAt.toString(),
  ]);
}

/** Of text whose signature was verified; `undefined`: of another kind or version. */
export function licenceQuoteFromText(text: string): LicenceQuote | undefined {
  const parts: unknown = JSON.parse(text);
  if (!Array.isArray(parts) || parts[0] !== kind) return undefined;
  const [, tenantId, request, at, amountMinor, currency, expiresAt] = parts as string[];
  return {
    tenantId: tenantId!,
    request: request!,
    at: instant(at!),
    amountMinor: BigInt(amountMinor!),
    currency: currency!,
    expiresAt: instant(expiresAt!),
  };
}
