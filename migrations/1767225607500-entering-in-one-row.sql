-- Entering an account answers one row that can be assigned, which starts no query; what it sets is assigned likewise. It is
-- asked on every request, and costs a third of what it did.

drop function app.enter_as_system(uuid);
drop function app.enter(uuid, uuid, uuid);
drop routine app.remember(text, text, text, text, text, boolean, boolean);

-- Says for this transaction who asks and whose rows they may see. All of it each time, so that nothing of an earlier user
-- of the connection is left. On one server set_config is three times as fast as SET LOCAL by EXECUTE, and assigning what it
-- answers twice as fast as PERFORM, which starts a query; on a cluster only a real SET LOCAL reaches the workers. Which one
-- this is, is decided when the schema is made.
do $do$
begin
  if exists (select 1 from pg_extension where extname = 'citus') then
    create function app.remember(p_user text, p_partner text, p_tenant text, p_actor text, p_scope text, p_write boolean,
                                 p_sandbox_only boolean) returns text
    language plpgsql set search_path = pg_catalog, pg_temp as $$
    begin
      execute format('set local app.user_id = %L', p_user);
      execute format('set local app.partner_id = %L', p_partner);
      execute format('set local app.tenant_id = %L', p_tenant);
      execute format('set local app.actor = %L', p_actor);
      execute format('set local app.scope = %L', p_scope);
      execute format('set local app.can_write = %L', case when p_write then 'on' else 'off' end);
      execute format('set local app.sandbox_only = %L', case when p_sandbox_only then 'on' else 'off' end);
      return p_actor;
    end $$;
  else
    create function app.remember(p_user text, p_partner text, p_tenant text, p_actor text, p_scope text, p_write boolean,
                                 p_sandbox_only boolean) returns text
    language plpgsql as $$
    declare
      v_set text;
    begin
      v_set := pg_catalog.set_config('app.user_id', p_user, true);
      v_set := pg_catalog.set_config('app.partner_id', p_partner, true);
      v_set := pg_catalog.set_config('app.tenant_id', p_tenant, true);
      v_set := pg_catalog.set_config('app.actor', p_actor, true);
      v_set := pg_catalog.set_config('app.scope', p_scope, true);
      v_set := pg_catalog.set_config('app.can_write', case when p_write then 'on' else 'off' end, true);
      v_set := pg_catalog.set_config('app.sandbox_only', case when p_sandbox_only then 'on' else 'off' end, true);
      return p_actor;
    end $$;
  end if;
end $do$;
revoke all on function app.remember(text, text, text, text, text, boolean, boolean) from public;

-- The way in. Verifies the membership itself.
--   scope 'tenant':   one tenant was entered (by its user, its partner's user, a key or a super admin)
--   scope 'partner':  all tenants of one partner, for reports; rows of tenants can be read, not written
--   scope 'platform': everything, super admins only
-- Asked on every request: the likeliest membership is looked at first, and what is not needed is not looked at. One row
-- and no set of rows: it can be assigned, which starts no query.
create function app.enter(
  p_user uuid, p_partner uuid, p_tenant uuid,
  out actor text, out role text, out can_write boolean, out partner_id uuid, out partner_currency text,
  out partner_time_zone text, out tenant_currency text, out tenant_time_zone text, out sandbox boolean,
  out test_clock timestamptz, out scopes text[]
)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_partner uuid := p_partner;
  v_key api_keys%rowtype;
  v_actor text;
  v_role text;
  v_tenant_role text;
  v_write boolean := false;
begin
  if p_tenant is not null then
    select t.partner_id, t.currency, coalesce(t.time_zone, h.time_zone), t.sandbox, t.test_clock, h.currency, h.time_zone
      into v_partner, tenant_currency, tenant_time_zone, sandbox, test_clock, partner_currency, partner_time_zone
      from tenants t join partners h on h.id = t.partner_id where t.id = p_tenant;
    if not found or (p_partner is not null and v_partner <> p_partner) then
      raise exception 'no such account' using errcode = 'TG403';
    end if;
    select p.role into v_tenant_role from profiles p where p.tenant_id = p_tenant and p.user_id = p_user;
  elsif v_partner is not null then
    select h.currency, h.time_zone into partner_currency, partner_time_zone from partners h where h.id = v_partner;
    if not found then
      raise exception 'no such account' using errcode = 'TG403';
    end if;
  end if;

  -- What allows more counts: an admin of the tenant needs nothing else; a member may also be an owner of the partner.
  if v_tenant_role = 'ADMIN' then
    v_actor := 'TENANT'; v_role := v_tenant_role; v_write := true;
  elsif exists (select 1 from user_roles r where r.user_id = p_user and r.role = 'SUPER_ADMIN') then
    v_actor := 'PLATFORM'; v_role := 'SUPER_ADMIN'; v_write := true;
  elsif v_partner is not null then
    select u.role into v_role from partner_users u where u.partner_id = v_partner and u.user_id = p_user;
    if found then
      v_actor := 'PARTNER'; v_write := v_role = 'OWNER';
    elsif v_tenant_role is not null then
      v_actor := 'TENANT'; v_role := v_tenant_role;
    else
      select * into v_key from api_keys k
       where k.id = p_user and k.partner_id = v_partner and k.revoked_at is null
         and (k.expires_at is null or k.expires_at > now());
      -- A test key reaches sandbox tenants only, a live key live ones only. So a partner's test key reads the catalog
      -- and the sandbox tenants, and writes inside those: not the catalog that live tenants buy, nor keys or people.
      if found and (v_key.tenant_id is null or v_key.tenant_id = p_tenant)
         and (p_tenant is null or v_key.live <> sandbox) then
        v_actor := case when v_key.tenant_id is null and v_key.live then 'PARTNER' else 'TENANT' end;
        v_role := 'API_KEY';
        v_write := v_key.scopes && array['WRITE', 'USAGE'] and (v_key.live or p_tenant is not null);
      end if;
    end if;
  end if;
  if v_actor is null then
    raise exception 'no such account' using errcode = 'TG403';
  end if;

  actor := app.remember(p_user::text, coalesce(v_partner::text, ''), coalesce(p_tenant::text, ''), v_actor,
    case when p_tenant is not null then 'tenant' when v_partner is not null then 'partner' else 'platform' end,
    v_write, v_role = 'API_KEY' and not v_key.live);
  role := v_role;
  can_write := v_write;
  partner_id := v_partner;
  scopes := v_key.scopes;
end $$;
revoke all on function app.enter(uuid, uuid, uuid) from public;
grant execute on function app.enter(uuid, uuid, uuid) to tollgate_app;

-- The job role's way in: one tenant at a time, under the same policies.
create function app.enter_as_system(p_tenant uuid)
returns table (
  actor text, role text, can_write boolean, partner_id uuid, partner_currency text, partner_time_zone text,
  tenant_currency text, tenant_time_zone text, sandbox boolean, test_clock timestamptz, scopes text[]
)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_tenant tenants%rowtype;
begin
  select * into v_tenant from tenants t where t.id = p_tenant;
  if not found then
    raise exception 'no such account' using errcode = 'TG403';
  end if;
  perform app.remember('', v_tenant.partner_id::text, p_tenant::text, 'SYSTEM', 'tenant', true, false);
  return query select 'SYSTEM'::text, 'SYSTEM'::text, true, v_tenant.partner_id, h.currency, h.time_zone,
    v_tenant.currency, coalesce(v_tenant.time_zone, h.time_zone), v_tenant.sandbox, v_tenant.test_clock::timestamptz,
    null::text[]
  from partners h where h.id = v_tenant.partner_id;
end $$;
revoke all on function app.enter_as_system(uuid) from public;
grant execute on function app.enter_as_system(uuid) to tollgate_job;
