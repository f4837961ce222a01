-- What came for a purchase is what a provider's list is compared with; its amount, where nothing else is known.
create or replace function app.licence_purchases_of_provider(p_provider text, p_from timestamptz, p_after uuid, p_limit integer)
returns table (tenant_id uuid, id uuid, external_id text, amount bigint, currency text, refunded bigint, status text,
               asked_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select p.tenant_id, p.id, p.checkout_id, coalesce(p.paid_amount, p.amount), p.currency, p.refunded_amount, p.status,
         p.payable_until - interval '7 days'
    from licence_purchases p
   where p.provider = p_provider and p.payable_until >= p_from + interval '7 days' and (p_after is null or p.id > p_after)
   order by p.id limit p_limit
$$;
