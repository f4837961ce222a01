-- Dunning hangs on due dates: without a payment method an invoice becomes a debt when its due date passes.

-- What is done about an invoice that is due and has no method to be charged to: DUN, a debt like one that was declined; WAIT,
-- nothing.
alter table partner_dunning_policies
  add column without_method text not null default 'DUN' check (without_method in ('DUN', 'WAIT'));
grant update (without_method) on partner_dunning_policies to tollgate_app;

-- Who took its default method away and has another one on file pays with that one from now on.
update payment_methods m set is_default = true
 where m.id = (select o.id from payment_methods o where o.tenant_id = m.tenant_id and o.removed_at is null order by o.id desc limit 1)
   and not exists (select from payment_methods d where d.tenant_id = m.tenant_id and d.is_default);

-- Is this tenant to pay without being charged? It has, or had, a payment method, or its partner said when it is to pay. Who never had
-- one and was told no terms pays its partner by ways that nobody here knows.
create function app.owes_without_method(p_tenant uuid) returns boolean
language sql stable set search_path = pg_catalog, public, pg_temp as $$
  select coalesce(d.without_method, 'DUN') = 'DUN'
         and (coalesce(t.payment_net_days, p.payment_net_days) is not null
              or exists (select from payment_methods m where m.tenant_id = t.id))
    from tenants t
    join partners p on p.id = t.partner_id
    left join partner_dunning_policies d on d.partner_id = t.partner_id
   where t.id = p_tenant
$$;
revoke all on function app.owes_without_method(uuid) from public;
grant execute on function app.owes_without_method(uuid) to tollgate_app, tollgate_job;
