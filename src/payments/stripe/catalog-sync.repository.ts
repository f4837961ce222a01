import type { CurrencyCode } from '../../core/currency';
import { groupBy } from '../../core/group';
import { money } from '../../core/money';
import type { IntervalUnit } from '../../core/period';
import type { KnownPrice, SoldItem } from '../stripe-catalog';

/** SQL as the owner: the catalog of all partners, or of one. */
export type OwnerQuery = (sql: string, values?: unknown[]) => Promise<Record<string, unknown>[]>;

interface Row {
  readonly kind: SoldItem['kind'];
  readonly id: string;
  readonly partner_id: string;
  readonly partner_code: string;
  readonly code: string;
  readonly name: string;
  readonly status: string;
  readonly price_id: string | null;
  readonly interval: string;
  readonly amount: string;
  readonly currency: string;
}

/** What is sold, and for what: of each plan the current version, of each add-on the current prices. */
export async function soldItems(query: OwnerQuery, partnerCode: string | undefined): Promise<SoldItem[]> {
  const rows = (await query(
    `with versions as (
       select distinct on (v.plan_id) v.partner_id, v.plan_id, v.id from plan_versions v order by v.plan_id, v.number desc
     )
     select 'PLAN' as kind, p.id, p.partner_id, o.code as partner_code, p.code, p.name, p.status, r.id as price_id, r.interval,
            r.amount::text, r.currency
       from plans p join partners o on o.id = p.partner_id join versions v on v.plan_id = p.id
       left join plan_prices r on r.partner_id = v.partner_id and r.plan_version_id = v.id
      where $1::text is null or o.code = $1
     union all
     select 'ADDON', a.id, a.partner_id, o.code, a.code, a.name, a.status, r.id, r.interval, r.amount::text, r.currency
       from partner_addons a join partners o on o.id = a.partner_id
       left join addon_prices r on r.partner_id = a.partner_id and r.addon_id = a.id and r.replaced_at is null
      where $1::text is null or o.code = $1
     order by partner_code, kind desc, code, currency, interval`,
    [partnerCode ?? null],
  )) as unknown as Row[];
  return [...groupBy(rows, (row) => row.id).values()].map((ofItem) => {
    const { kind, id, partner_id: partnerId, partner_code, code, name, status } = ofItem[0]!;
    const prices = ofItem.flatMap((row) =>
      row.price_id
        ? [
            {
              id: row.price_id,
              interval: row.interval as IntervalUnit,
              amount: money(BigInt(row.amount), row.currency as CurrencyCode),
            },
          ]
        : [],
    );
    return { ...{ kind, id, partnerId, code, name, prices }, partnerCode: partner_code, onSale: status === 'ACTIVE' };
  });
}

export async function knownPrices(query: OwnerQuery, live: boolean): Promise<KnownPrice[]> {
  const rows = await query('select price_id, external_id from stripe_prices where live = $1', [live]);
  return rows.map((row) => ({ priceId: String(row['price_id']), externalId: String(row['external_id']) }));
}

export async function keepPrice(
  query: OwnerQuery,
  live: boolean,
  item: SoldItem,
  price: SoldItem['prices'][number],
  ids: { readonly productId: string; readonly externalId: string },
): Promise<void> {
  await query(
    `insert into stripe_prices (partner_id, live, price_id, product_external_id, external_id, currency, amount, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, now())
     on conflict (partner_id, live, price_id) do update
       set product_external_id = excluded.product_external_id, external_id = excluded.external_id`,
    [
      ...[item.partnerId, live, price.id, ids.productId, ids.externalId, price.amount.currency],
      price.amount.minor.toString(),
    ],
  );
}

/** Checkouts do not offer by a price that is archived. */
export async function forgetPrice(query: OwnerQuery, live: boolean, externalId: string): Promise<void> {
  await query('delete from stripe_prices where live = $1 and external_id = $2', [live, externalId]);
}
