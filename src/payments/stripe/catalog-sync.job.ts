import type Stripe from 'stripe';
import { invariant } from '../../core/invariant';
import { fromStripe, toStripe } from '../stripe-amount';
import {
  type KnownPrice,
  planCatalogSync,
  productIdOf,
  type SoldItem,
  type StripePrice,
  type StripeProduct,
  type SyncStep,
} from '../stripe-catalog';
import { forgetPrice, keepPrice, knownPrices, type OwnerQuery, soldItems } from './catalog-sync.repository';
import { intervalFrom, stripeInterval } from './stripe-provider';
import { idOf, metadataNames } from './stripe-webhook';

export interface CatalogSyncOptions {
  /** Only this partner's. */
  readonly partnerCode?: string | undefined;
  readonly live: boolean;
}

const pageSize = 100;

async function productsOf(client: Stripe, items: readonly SoldItem[]): Promise<Map<string, StripeProduct>> {
  const found = new Map<string, StripeProduct>();
  const ids = items.map(productIdOf);
  for (let start = 0; start < ids.length; start += pageSize) {
    const { data } = await client.products.list({ ids: ids.slice(start, start + pageSize), limit: pageSize });
    for (const { id, name, active } of data) found.set(id, { id, name, active });
  }
  return found;
}

async function pricesOf(client: Stripe, products: Iterable<string>): Promise<StripePrice[]> {
  const found: StripePrice[] = [];
  for (const product of products) {
    for await (const price of client.prices.list({ product, limit: pageSize })) {
      found.push({
        id: price.id,
        productId: product,
        active: price.active,
        lookupKey: price.lookup_key ?? undefined,
        amount: fromStripe(price.unit_amount, price.currency),
        interval: intervalFrom(price.recurring?.interval, price.recurring?.interval_count),
      });
    }
  }
  return found;
}

/** What has to be done; nothing is changed by asking. */
export async function readCatalogSync(
  client: Stripe,
  query: OwnerQuery,
  { partnerCode, live }: CatalogSyncOptions,
): Promise<SyncStep[]> {
  const items = await soldItems(query, partnerCode);
  const products = await productsOf(client, items);
  const known: KnownPrice[] = await knownPrices(query, live);
  return planCatalogSync(items, products, await pricesOf(client, products.keys()), known);
}

async function createPrice(client: Stripe, step: Extract<SyncStep, { step: 'CREATE_PRICE' }>): Promise<string> {
  const { price, productId, lookupKey, item } = step;
  const amount = toStripe(price.amount);
  invariant(amount, 'a price that Stripe cannot charge is skipped');
  const made = await client.prices.create({
    product: productId,
    currency: amount.currency,
    unit_amount: amount.units,
    recurring: stripeInterval(price.interval),
    lookup_key: lookupKey,
    // One that has the name and another amount, or is archived, gives it up; it is archived below.
    transfer_lookup_key: true,
    nickname: `${item.partnerCode}/${item.code}`,
    metadata: { [metadataNames.reference]: price.id },
  });
  return idOf(made)!;
}

/**
 * Does one step. Killed anywhere, the next run sees what is there by the names that we gave, and goes on: a product's id and
 * a price's lookup key are of our making.
 */
export async function applySyncStep(client: Stripe, query: OwnerQuery, live: boolean, step: SyncStep): Promise<void> {
  const { item, productId } = step;
  switch (step.step) {
    case 'CREATE_PRODUCT': {
      const metadata = { [metadataNames.reference]: item.id };
      await client.products.create({ id: productId, name: item.name, metadata });
      return;
    }
    case 'UPDATE_PRODUCT':
      await client.products.update(productId, { name: item.name, active: item.onSale });
      return;
    case 'CREATE_PRICE':
      await keepPrice(query, live, item, step.price, { productId, externalId: await createPrice(client, step) });
      return;
    case 'KEEP_ID':
      await keepPrice(query, live, item, step.price, { productId, externalId: step.externalId });
      return;
    case 'ARCHIVE_PRICE':
      await forgetPrice(query, live, step.externalId);
      await client.prices.update(step.externalId, { active: false });
      return;
    case 'SKIP':
      return;
  }
}
