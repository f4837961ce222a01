-- What is too little to be charged waits, and is charged together with the next invoice of its tenant. A payment is for one invoice as
-- before; one that is carried has no charge of its own: it is asked for, comes and fails as the payment that carries it.

alter table payments
  add column carried_by uuid,
  add foreign key (tenant_id, carried_by) references payments (tenant_id, id),
  add constraint payments_carried_by_another check (carried_by is null or (carried_by <> id and provider is not null and ask_at is null));
create index payments_carried on payments (tenant_id, carried_by) where carried_by is not null;

-- A payment that is carried is part of the same charge, and stands as the one that carries it.
create view check_carried_payments with (security_invoker = true) as
  select 'payment ' || c.id as subject,
         'is ' || lower(c.status) || ' of ' || c.currency || ', the one that carries it ' || lower(p.status) || ' of ' || p.currency as detail
    from payments c join payments p on p.tenant_id = c.tenant_id and p.id = c.carried_by
   where c.status <> p.status or c.currency <> p.currency
  union all
  select 'payment ' || c.id, 'is carried by a payment that is no charge of its own, or of another method'
    from payments c join payments p on p.tenant_id = c.tenant_id and p.id = c.carried_by
   where p.carried_by is not null
      or (c.provider, c.payment_method_id, c.external_id) is distinct from (p.provider, p.payment_method_id, p.external_id);

-- As before, a row a charge: with what it carries along, and what went back of that.
create or replace function app.payments_of_provider(p_provider text, p_from timestamptz, p_after uuid, p_limit integer)
returns table (tenant_id uuid, id uuid, external_id text, amount bigint, currency text, refunded bigint, status text,
               asked_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select p.tenant_id, p.id, p.external_id,
         (p.amount + coalesce((select sum(c.amount) from payments c where c.tenant_id = p.tenant_id and c.carried_by = p.id), 0))::bigint,
         p.currency,
         coalesce((select sum(r.amount) from refunds r
                    where r.tenant_id = p.tenant_id and r.status = 'SUCCEEDED' and r.reason <> 'OUTSIDE'
                      and r.payment_id in (select p.id union all
                                           select c.id from payments c where c.tenant_id = p.tenant_id and c.carried_by = p.id)),
                  0)::bigint,
         p.status, p.first_asked_at
    from payments p
   where p.provider = p_provider and p.carried_by is null and p.first_asked_at >= p_from and (p_after is null or p.id > p_after)
   order by p.id limit p_limit
$$;
