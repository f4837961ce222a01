-- Many tenants of one partner in one transaction of the job role: the billing run reads and writes them together. Each row is
-- still one of the tenants that were entered, and of their partner.

create function app.enter_as_system_for(p_tenants uuid[])
returns table (
  tenant_id uuid, actor text, role text, can_write boolean, partner_id uuid, partner_currency text, partner_time_zone text,
  tenant_currency text, tenant_time_zone text, sandbox boolean, test_clock timestamptz, scopes text[]
)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_partners uuid[];
  v_count integer;
begin
  select array_agg(distinct t.partner_id), count(*) into v_partners, v_count from tenants t where t.id = any(p_tenants);
  if coalesce(cardinality(p_tenants), 0) = 0 or v_count <> cardinality(p_tenants) or cardinality(v_partners) <> 1 then
    raise exception 'no such account' using errcode = 'TG403';
  end if;
  perform app.remember('', v_partners[1]::text, '', 'SYSTEM', 'tenants', true, false);
  perform set_config('app.tenant_ids', p_tenants::text, true);
  return query select t.id, 'SYSTEM'::text, 'SYSTEM'::text, true, t.partner_id, h.currency, h.time_zone,
    t.currency, coalesce(t.time_zone, h.time_zone), t.sandbox, t.test_clock::timestamptz, null::text[]
  from tenants t join partners h on h.id = t.partner_id where t.id = any(p_tenants);
end $$;
revoke all on function app.enter_as_system_for(uuid[]) from public;
grant execute on function app.enter_as_system_for(uuid[]) to tollgate_job;

-- Of these tenants, the ones whose work and whose lock can be had now: what others are at is left for later.
create function app.lock_billing_work(p_tenants uuid[]) returns setof uuid
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_tenants uuid[];
begin
  with work as materialized (
    select w.tenant_id from billing_work w where w.tenant_id = any(p_tenants) and w.parked_at is null
     order by w.tenant_id for update skip locked
  )
  select array_agg(w.tenant_id) into v_tenants from work w;
  return query select t.id from tenants t where t.id = any(v_tenants) order by t.id for no key update skip locked;
end $$;
revoke all on function app.lock_billing_work(uuid[]) from public;
grant execute on function app.lock_billing_work(uuid[]) to tollgate_job;

create procedure app.let_many_tenants_in(p_table regclass, p_tenant_column text default 'tenant_id')
language plpgsql as $$
begin
  execute format($policy$
    create policy many_tenants on %1$s for all to tollgate_job using (
      (select current_setting('app.scope', true)) = 'tenants'
      and %2$I = any ((select nullif(current_setting('app.tenant_ids', true), '')::uuid[])::uuid[]))
    with check (
      (select current_setting('app.scope', true)) = 'tenants'
      and %2$I = any ((select nullif(current_setting('app.tenant_ids', true), '')::uuid[])::uuid[])
      and partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid))$policy$,
    p_table, p_tenant_column);
end $$;

call app.let_many_tenants_in('tenants', 'id');
do $do$
declare
  v_table regclass;
begin
  for v_table in
    select p.polrelid::regclass from pg_policy p where p.polname = 'tenant_read' and p.polrelid <> 'tenants'::regclass order by 1
  loop
    call app.let_many_tenants_in(v_table);
  end loop;
end $do$;
