import { instantFromMilliseconds, isAtOrBefore } from '../core/calendar';
import { amountText, isZero, money, zero } from '../core/money';
import { done, type Result, refuse } from '../core/result';
import { tooLarge } from '../payments/too-large.query';
import type { Tx } from '../tx';
import { intentLifetime, type LicencePurchase } from './licence-purchase';
import { type LicenceQuote, type LicenceRequest, licenceRequestText } from './licence-quote';
import { type ChooseProvider, licenceQuoteRefusals, loadLicencePurchase } from './licence-quote.query';
import { grantLicencePurchase } from './settle-licence-purchase.command';

export interface BuyLicencesInput {
  /** Id or code. */
  readonly product: string;
  readonly quantity: number;
  /** The provider bills another year by itself until it is told not to. Only for a new term. */
  readonly autoRenew?: boolean | undefined;
  /** Verified by the caller: signature and shape. */
  readonly quote?: LicenceQuote | undefined;
}

export const purchaseRefusals = [
  ...licenceQuoteRefusals,
  'FORBIDDEN',
  'QUOTE_INVALID',
  'QUOTE_EXPIRED',
  'QUOTE_STALE',
  'PROVIDER_NOT_CONFIGURED',
] as const;
type Code = (typeof purchaseRefusals)[number];

export const buyLicencesRefusals = purchaseRefusals;

function quoteProblem(tx: Tx, quote: LicenceQuote, productId: string, quantity: number | undefined) {
  if (quote.tenantId !== tx.tenant.id || quote.request !== licenceRequestText(productId, quantity)) {
    return refuse('QUOTE_INVALID', 'The quote is for another purchase.', { path: ['input', 'quote'] });
  }
  if (isAtOrBefore(quote.expiresAt, tx.now)) {
    return refuse('QUOTE_EXPIRED', 'The quote has expired; ask for a new one.', {
      path: ['input', 'quote'],
      facts: { expiredAt: quote.expiresAt.toString() },
    });
  }
  return undefined;
}

/**
 * Writes down what is bought and for how much, before any money moves. The checkout is opened after this commits; what the
 * provider then says completes it (`settle-licence-purchase.command`) and adds nothing to it.
 */
export async function openPurchase(
  tx: Tx,
  input: LicenceRequest & Pick<BuyLicencesInput, 'autoRenew' | 'quote'>,
  chooseProvider: ChooseProvider,
): Promise<Result<{ purchase: LicencePurchase }, Code>> {
  // Only an admin of the organisation itself: the one who pays agrees to it. Neither its partner nor an API key does.
  const buyer =
    tx.actor === 'TENANT' && tx.actorId ? await tx.memberships.profile(tx.tenant.id, tx.actorId) : undefined;
  if (buyer?.role !== 'ADMIN') return refuse('FORBIDDEN', 'Only an admin of the organisation buys its licences.');
  await tx.tenants.lock(tx.tenant.id);
  const { quote } = input;
  const loaded = await loadLicencePurchase(tx, tx.tenant, input, quote?.at);
  if (!loaded.ok) return loaded;
  const { product, price, current, decision } = loaded.value;
  const problem = quote && quoteProblem(tx, quote, product.id, input.quantity);
  if (problem) return problem;
  const { amount, explanation, kind, quantity, before } = decision;
  if (quote && quote.amountMinor !== amount.minor) {
    return refuse('QUOTE_STALE', 'It would cost something else now; ask for a new quote.', {
      path: ['input', 'quote'],
      facts: {
        quoted: amountText(money(quote.amountMinor, amount.currency)),
        now: amountText(amount),
        difference: amountText(money(amount.minor - quote.amountMinor, amount.currency)),
        currency: amount.currency,
      },
    });
  }
  const provider = chooseProvider(tx.tenant.sandbox);
  if (!provider) {
    return refuse('PROVIDER_NOT_CONFIGURED', 'No payment provider is connected for this kind of tenant.');
  }
  const tooMuch = tooLarge(provider, amount);
  if (tooMuch) return tooMuch;
  const purchase: LicencePurchase = {
    id: tx.newId<'LicencePurchase'>(),
    tenantId: tx.tenant.id,
    partnerId: tx.tenant.partnerId,
    productId: product.id,
    licenceId: before && current?.id,
    ...{ kind, quantity, amount, explanation },
    yearly: price.yearly,
    remainingDays: decision.remainingDays,
    expiryBefore: before?.expiresAt,
    seatsBefore: before?.seats,
    // What is added to a term, or renews it by hand, is paid once.
    autoRenew: (input.autoRenew ?? false) && (kind === 'FIRST' || kind === 'AFTER_EXPIRY'),
    buyerId: buyer.userId,
    status: 'OPEN',
    provider,
    payableUntil: instantFromMilliseconds(tx.wallNow.epochMilliseconds).add(intentLifetime),
    createdAt: tx.now,
    refunded: zero(amount.currency),
    seatsRefunded: 0n,
  };
  await tx.licencePurchases.insert(purchase);
  await tx.emit({ type: 'licence_purchase.created', payload: { purchase } });
  // So few days of so small a price that they round to nothing: there is nothing to pay.
  if (isZero(amount)) return done(await grantLicencePurchase(tx, purchase, current, decision));
  return done({ purchase });
}

/** Buys seats: a new year, or more seats of the term that runs. */
export function buyLicences(
  tx: Tx,
  input: BuyLicencesInput,
  chooseProvider: ChooseProvider,
): Promise<Result<{ purchase: LicencePurchase }, Code>> {
  return openPurchase(tx, input, chooseProvider);
}
