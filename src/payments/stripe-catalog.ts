import { type Money, moneyText } from '../core/money';
import type { IntervalUnit } from '../core/period';
import { toStripe } from './stripe-amount';

/** A plan or an add-on with what it is sold for now. */
export interface SoldItem {
  readonly kind: 'PLAN' | 'ADDON';
  readonly id: string;
  readonly partnerId: string;
  readonly partnerCode: string;
  readonly code: string;
  readonly name: string;
  readonly onSale: boolean;
  readonly prices: readonly { readonly id: string; readonly interval: IntervalUnit; readonly amount: Money }[];
}

export interface StripeProduct {
  readonly id: string;
  readonly name: string;
  readonly active: boolean;
}

export interface StripePrice {
  readonly id: string;
  readonly productId: string;
  readonly active: boolean;
  /** By which of our prices it is called: the name survives whatever becomes of its id. */
  readonly lookupKey: string | undefined;
  readonly amount: Money | undefined;
  readonly interval: IntervalUnit | undefined;
}

/** Which of Stripe's prices our database has for a price of ours. */
export interface KnownPrice {
  readonly priceId: string;
  readonly externalId: string;
}

interface OfItem {
  readonly item: SoldItem;
  readonly productId: string;
}

interface OfPrice extends OfItem {
  readonly price: SoldItem['prices'][number];
}

export type SyncStep =
  | ({ readonly step: 'CREATE_PRODUCT' | 'UPDATE_PRODUCT'; readonly because: string } & OfItem)
  | ({ readonly step: 'CREATE_PRICE'; readonly lookupKey: string } & OfPrice)
  | ({ readonly step: 'ARCHIVE_PRICE'; readonly externalId: string; readonly text: string } & OfItem)
  | ({ readonly step: 'KEEP_ID'; readonly externalId: string } & OfPrice)
  | ({ readonly step: 'SKIP'; readonly because: string } & OfPrice);

/** Ids of our own making, so that asking twice makes one product; Stripe gives prices theirs, so they get a name. */
export const productIdOf = ({ kind, id }: Pick<SoldItem, 'kind' | 'id'>) => `tollgate_${kind.toLowerCase()}_${id}`;
export const lookupKeyOf = (priceId: string) => `tollgate_price_${priceId}`;

export const priceText = ({ amount, interval }: { amount: Money; interval: IntervalUnit }) =>
  `${moneyText(amount)} per ${interval.toLowerCase()}`;

/**
 * What has to be done at Stripe so that it sells what we sell, in order. Nothing to do is an empty list, so a second run
 * after a first shows that it is in step. A price never changes: another amount is another price, and the old one is archived.
 */
export function planCatalogSync(
  items: readonly SoldItem[],
  products: ReadonlyMap<string, StripeProduct>,
  prices: readonly StripePrice[],
  known: readonly KnownPrice[],
): SyncStep[] {
  const idOfKnown = new Map(known.map(({ priceId, externalId }) => [priceId, externalId]));
  return items.flatMap((item) => {
    const productId = productIdOf(item);
    const product = products.get(productId);
    const steps: SyncStep[] = [];
    if (!product) {
      if (!item.onSale) return [];
      steps.push({ step: 'CREATE_PRODUCT', item, productId, because: item.name });
    } else {
      const changes = [
        ...(product.name === item.name ? [] : [`name ${product.name} → ${item.name}`]),
        ...(product.active === item.onSale ? [] : [item.onSale ? 'is sold again' : 'is no longer sold']),
      ];
      if (changes.length > 0) {
        steps.push({ step: 'UPDATE_PRODUCT', item, productId, because: changes.join(', ') });
      }
    }
    const there = prices.filter((price) => price.productId === productId);
    const kept = new Set<string>();
    for (const price of item.onSale ? item.prices : []) {
      const lookupKey = lookupKeyOf(price.id);
      if (!toStripe(price.amount)) {
        steps.push({ step: 'SKIP', item, productId, price, because: 'Stripe cannot charge exactly this amount' });
        continue;
      }
      const named = there.find((candidate) => candidate.lookupKey === lookupKey);
      const fits =
        named?.active &&
        named.interval === price.interval &&
        named.amount?.minor === price.amount.minor &&
        named.amount.currency === price.amount.currency;
      if (!fits) {
        steps.push({ step: 'CREATE_PRICE', item, productId, price, lookupKey });
        continue;
      }
      kept.add(named.id);
      if (idOfKnown.get(price.id) !== named.id) {
        steps.push({ step: 'KEEP_ID', item, productId, price, externalId: named.id });
      }
    }
    for (const price of there) {
      if (!price.active || kept.has(price.id)) continue;
      const text = price.amount && price.interval ? priceText({ amount: price.amount, interval: price.interval }) : '?';
      steps.push({ step: 'ARCHIVE_PRICE', item, productId, externalId: price.id, text });
    }
    return steps;
  });
}

const signs = {
  CREATE_PRODUCT: '+ product',
  UPDATE_PRODUCT: '~ product',
  CREATE_PRICE: '+ price  ',
  ARCHIVE_PRICE: '- price  ',
  KEEP_ID: '= price  ',
  SKIP: '! price  ',
} as const;

/** A step as a line for people. */
export function stepText(step: SyncStep): string {
  const { item } = step;
  const name = `${item.partnerCode}/${item.code}`;
  const what =
    step.step === 'CREATE_PRICE'
      ? priceText(step.price)
      : step.step === 'ARCHIVE_PRICE'
        ? `${step.text} (${step.externalId})`
        : step.step === 'KEEP_ID'
          ? `${priceText(step.price)}: is there as ${step.externalId}`
          : step.step === 'SKIP'
            ? `${priceText(step.price)}: ${step.because}`
            : step.because;
  return `${signs[step.step]} ${name}  ${what}`;
}
