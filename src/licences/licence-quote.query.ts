import type { TenantContext } from '../access/tenant';
import type { Instant } from '../core/calendar';
import { maximumSeats, parseSeats } from '../core/quantity';
import { done, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import type { ProviderName } from '../payments/provider';
import { tooLarge } from '../payments/too-large.query';
import { quoteLifetimeMinutes } from '../proration/quote';
import type { Tx } from '../tx';
import { findLicenceProduct } from './find-licence-product.query';
import { expiryAfter, type Licence } from './licence';
import { decidePurchase, decideRenewal, type PurchaseDecision } from './licence-price';
import { type LicencePrice, type LicenceProduct, yearlyPriceIn } from './licence-product';
import { type LicenceQuote, type LicenceRequest, licenceRequestText } from './licence-quote';

export const licenceQuoteRefusals = [
  'TENANT_NOT_FOUND',
  'LICENCE_PRODUCT_NOT_FOUND',
  'LICENCE_PRODUCT_ARCHIVED',
  'LICENCE_NOT_RUNNING',
  'PRICE_NOT_FOUND',
  'AMOUNT_NOT_CHARGEABLE',
  'INVALID_INPUT',
] as const;
type Code = (typeof licenceQuoteRefusals)[number];

/** The provider through which a tenant of this kind pays; `undefined`: none is connected. */
export type ChooseProvider = (sandbox: boolean) => ProviderName | undefined;

export interface LoadedLicencePurchase {
  readonly product: LicenceProduct;
  readonly price: LicencePrice;
  /** The last term there is, running or not. */
  readonly current?: Licence | undefined;
  readonly decision: PurchaseDecision;
  /** Seats and expiry once it is paid, were it paid now. */
  readonly seatsAfter: bigint;
  readonly expiresAtAfter: Instant;
}

/** The load and the decision that a quote and a purchase share. */
export async function loadLicencePurchase(
  tx: Pick<Tx, 'licenceProducts' | 'licences'>,
  tenant: TenantContext,
  request: LicenceRequest,
  at: Instant = tenant.now,
): Promise<Result<LoadedLicencePurchase, Code>> {
  const { licenceProducts } = tx;
  const product = await findLicenceProduct({ licenceProducts, partnerId: tenant.partnerId }, request.product);
  if (!product) return refuse('LICENCE_PRODUCT_NOT_FOUND', 'No such licence product.', { path: ['input', 'product'] });
  const price = yearlyPriceIn(product, tenant.currency);
  if (!price) {
    return refuse('PRICE_NOT_FOUND', `${product.name} has no yearly price in ${tenant.currency}.`, {
      facts: { interval: 'YEAR', currency: tenant.currency },
    });
  }
  const current = await tx.licences.current(tenant.id, product.id);
  const priced = { name: product.name, productId: product.id, yearly: price.yearly };
  const loaded = (decision: PurchaseDecision, seatsAfter: bigint, expiresAtAfter: Instant) =>
    done({ product, price, current, decision, seatsAfter, expiresAtAfter });
  if (request.quantity === undefined) {
    const decision = decideRenewal(current, priced, at);
    if (!current || !decision) {
      return refuse('LICENCE_NOT_RUNNING', `There is no running licence of ${product.name} to renew; buy one.`, {
        facts: { expiredAt: current?.expiresAt.toString() },
      });
    }
    return loaded(decision, current.seats, expiryAfter(current.startsAt, current.years + 1, tenant.timeZone));
  }
  const quantity = parseSeats(request.quantity);
  if (quantity === undefined) return invalid(['quantity'], 'A quantity is a whole number from 1 to 2147483647.');
  const decision = decidePurchase(current, { ...priced, quantity }, at, tenant.timeZone);
  if (decision.kind === 'CO_TERMED') {
    const seatsAfter = current!.seats + quantity;
    if (seatsAfter > maximumSeats) return invalid(['quantity'], `A licence has at most ${maximumSeats} seats.`);
    return loaded(decision, seatsAfter, current!.expiresAt);
  }
  if (product.status === 'ARCHIVED') return refuse('LICENCE_PRODUCT_ARCHIVED', `${product.name} is no longer sold.`);
  return loaded(decision, quantity, expiryAfter(at, 1, tenant.timeZone));
}

export interface LicenceQuoted extends LoadedLicencePurchase {
  readonly quote: LicenceQuote;
}

/** What would these seats, or another year of all seats, cost now? The very load and decision of the purchase. */
export async function licenceQuote(
  tx: Pick<Tx, 'licenceProducts' | 'licences' | 'tenantFor'>,
  tenantId: string,
  request: LicenceRequest,
  /** Where it is known by now through whom it would be paid. */
  chooseProvider?: ChooseProvider,
): Promise<Result<LicenceQuoted, Code>> {
  const tenant = await tx.tenantFor(tenantId);
  if (!tenant) return refuse('TENANT_NOT_FOUND', 'No such tenant.');
  const loaded = await loadLicencePurchase(tx, tenant, request);
  if (!loaded.ok) return loaded;
  const { amount } = loaded.value.decision;
  const provider = chooseProvider?.(tenant.sandbox);
  const problem = provider && tooLarge(provider, amount);
  if (problem) return problem;
  return done({
    ...loaded.value,
    quote: {
      tenantId,
      request: licenceRequestText(loaded.value.product.id, request.quantity),
      at: tenant.now,
      amountMinor: amount.minor,
      currency: amount.currency,
      expiresAt: tenant.now.add({ minutes: quoteLifetimeMinutes }),
    },
  });
}
