-- Roles, the way in (`app.enter`), and the guards that every later table uses.
-- The three roles are made by the set-up step before the first migration: the owner runs this file,
-- tollgate_app serves requests, tollgate_job does the cross-tenant work that is named in docs/operations.md.

create schema app;
revoke all on schema public from public;
revoke all on schema app from public;
grant usage on schema public, app to tollgate_app, tollgate_job;

-- A table that only grows: corrections are new rows.
create function app.forbid_change() returns trigger language plpgsql as $$
begin
  raise exception 'this table is append-only' using errcode = 'TG001';
end $$;

create table partners (
  id uuid primary key,
  code text not null check (code ~ '^[a-z][a-z0-9_-]{0,62}$'),
  name text not null check (length(name) between 1 and 200),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  time_zone text not null,
  proration_basis text not null default 'DAY' check (proration_basis in ('DAY', 'SECOND', 'NONE')),
  coupon_order text not null default 'TARGETED_FIRST'
    check (coupon_order in ('TARGETED_FIRST', 'PERCENT_FIRST', 'FIXED_FIRST')),
  version integer not null default 1,
  created_at timestamptz(3) not null,
  unique (code)
);

create table tenants (
  id uuid primary key,
  partner_id uuid not null references partners (id),
  name text not null check (length(name) between 1 and 200),
  external_id text check (length(external_id) between 1 and 200),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- Null: the partner's zone. A live subscription keeps the zone it began with.
  time_zone text,
  sandbox boolean not null,
  -- A sandbox tenant's own "now"; null: the wall clock.
  test_clock timestamptz(3),
  version integer not null default 1,
  created_at timestamptz(3) not null,
  unique (id, partner_id),
  check (sandbox or test_clock is null)
);
create index tenants_by_partner on tenants (partner_id, id);

-- People. The app role has no grant here: it logs in and invites through the functions below.
create table users (
  id uuid primary key,
  -- The identity provider's `sub`; null until the invited person logs in for the first time.
  subject text unique,
  email text not null,
  created_at timestamptz(3) not null
);
create unique index users_email on users (lower(email));

create table user_roles (
  user_id uuid not null references users (id),
  role text not null check (role in ('SUPER_ADMIN')),
  primary key (user_id, role)
);

create table partner_users (
  partner_id uuid not null references partners (id),
  user_id uuid not null references users (id),
  role text not null check (role in ('OWNER', 'VIEWER')),
  email text not null,
  name text not null,
  created_at timestamptz(3) not null,
  primary key (partner_id, user_id)
);
create index partner_users_by_user on partner_users (user_id);

create table profiles (
  tenant_id uuid not null,
  user_id uuid not null references users (id),
  partner_id uuid not null,
  role text not null check (role in ('ADMIN', 'MEMBER')),
  email text not null,
  name text not null,
  created_at timestamptz(3) not null,
  primary key (tenant_id, user_id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id)
);
create index profiles_by_user on profiles (user_id);

create table api_keys (
  partner_id uuid not null references partners (id),
  id uuid not null,
  -- Null: a key of the partner; else it reaches this tenant only. No foreign key: reference tables never point at
  -- tenant tables; `app.enter` looks the tenant up each time.
  tenant_id uuid,
  name text not null check (length(name) between 1 and 200),
  -- What a person recognises a key by, e.g. tg_test_4f0c; never enough to guess the rest.
  prefix text not null,
  key_hash bytea not null unique,
  live boolean not null,
  scopes text[] not null check (scopes <@ array['READ', 'WRITE', 'USAGE'] and cardinality(scopes) > 0),
  created_by uuid not null,
  created_at timestamptz(3) not null,
  expires_at timestamptz(3),
  revoked_at timestamptz(3),
  primary key (partner_id, id)
);
create index api_keys_by_id on api_keys (id);

-- Says for this transaction who asks and whose rows they may see. All of it each time, so that nothing of an earlier user
-- of the connection is left. On one server set_config is three times as fast as SET LOCAL by EXECUTE; on a cluster only a
-- real SET LOCAL reaches the workers. Which one this is, is decided when the schema is made.
do $do$
begin
  if exists (select 1 from pg_extension where extname = 'citus') then
    create procedure app.remember(p_user text, p_partner text, p_tenant text, p_actor text, p_scope text, p_write boolean,
                                  p_sandbox_only boolean)
    language plpgsql set search_path = pg_catalog, pg_temp as $$
    begin
      execute format('set local app.user_id = %L', p_user);
      execute format('set local app.partner_id = %L', p_partner);
      execute format('set local app.tenant_id = %L', p_tenant);
      execute format('set local app.actor = %L', p_actor);
      execute format('set local app.scope = %L', p_scope);
      execute format('set local app.can_write = %L', case when p_write then 'on' else 'off' end);
      execute format('set local app.sandbox_only = %L', case when p_sandbox_only then 'on' else 'off' end);
    end $$;
  else
    create procedure app.remember(p_user text, p_partner text, p_tenant text, p_actor text, p_scope text, p_write boolean,
                                  p_sandbox_only boolean)
    language plpgsql as $$
    begin
      perform pg_catalog.set_config('app.user_id', p_user, true),
        pg_catalog.set_config('app.partner_id', p_partner, true),
        pg_catalog.set_config('app.tenant_id', p_tenant, true),
        pg_catalog.set_config('app.actor', p_actor, true),
        pg_catalog.set_config('app.scope', p_scope, true),
        pg_catalog.set_config('app.can_write', case when p_write then 'on' else 'off' end, true),
        pg_catalog.set_config('app.sandbox_only', case when p_sandbox_only then 'on' else 'off' end, true);
    end $$;
  end if;
end $do$;
revoke all on procedure app.remember(text, text, text, text, text, boolean, boolean) from public;

-- The way in. Verifies the membership itself.
--   scope 'tenant':   one tenant was entered (by its user, its partner's user, a key or a super admin)
--   scope 'partner':  all tenants of one partner, for reports; rows of tenants can be read, not written
--   scope 'platform': everything, super admins only
-- Asked on every request: the likeliest membership is looked at first, and what is not needed is not looked at.
create function app.enter(p_user uuid, p_partner uuid, p_tenant uuid)
returns table (
  actor text, role text, can_write boolean, partner_id uuid, partner_currency text, partner_time_zone text,
  tenant_currency text, tenant_time_zone text, sandbox boolean, test_clock timestamptz, scopes text[]
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

  call app.remember(p_user::text, coalesce(v_partner::text, ''), coalesce(p_tenant::text, ''), v_actor,
    case when p_tenant is not null then 'tenant' when v_partner is not null then 'partner' else 'platform' end,
    v_write, v_role = 'API_KEY' and not v_key.live);
  actor := v_actor;
  role := v_role;
  can_write := v_write;
  partner_id := v_partner;
  scopes := v_key.scopes;
  return next;
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
  call app.remember('', v_tenant.partner_id::text, p_tenant::text, 'SYSTEM', 'tenant', true, false);
  return query select 'SYSTEM'::text, 'SYSTEM'::text, true, v_tenant.partner_id, h.currency, h.time_zone,
    v_tenant.currency, coalesce(v_tenant.time_zone, h.time_zone), v_tenant.sandbox, v_tenant.test_clock::timestamptz,
    null::text[]
  from partners h where h.id = v_tenant.partner_id;
end $$;
revoke all on function app.enter_as_system(uuid) from public;
grant execute on function app.enter_as_system(uuid) to tollgate_job;

-- What an identity may reach, looked up before anything is entered. A verified e-mail links an invited person to the
-- identity provider's subject once; afterwards only the subject counts.
create function app.memberships_of(p_subject text, p_verified_email text)
returns table (user_id uuid, super_admin boolean, partner_id uuid, tenant_id uuid, role text)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_user uuid;
begin
  -- Nobody without a subject: a null would take over an invitation again and again.
  if coalesce(p_subject, '') = '' then
    return;
  end if;
  select u.id into v_user from users u where u.subject = p_subject;
  if v_user is null and p_verified_email is not null then
    -- By the letters of ASCII too: lower() of Unicode takes U+212A (Kelvin) for k, and so another mailbox for this one.
    update users u set subject = p_subject
     where lower(u.email) = lower(p_verified_email)
       and lower(u.email collate "C") = lower(p_verified_email collate "C") and u.subject is null
    returning u.id into v_user;
    if v_user is null then
      -- The same person's other request may have been faster.
      select u.id into v_user from users u where u.subject = p_subject;
    end if;
  end if;
  if v_user is null then
    return;
  end if;
  -- Bounded for each partner: whoever invites somebody two hundred times pushes nobody else's account off the list.
  return query
    select v_user, true, null::uuid, null::uuid, r.role from user_roles r where r.user_id = v_user
    union all
    select v_user, false, p.partner_id, null::uuid, p.role from partner_users p where p.user_id = v_user
    union all
    select v_user, false, m.partner_id, m.tenant_id, m.role
      from (select p.*, row_number() over (partition by p.partner_id order by p.tenant_id) as place
              from profiles p where p.user_id = v_user) m
     where m.place <= 200
    order by 2 desc, 3, 4;
  if not found then
    return query select v_user, false, null::uuid, null::uuid, null::text;
  end if;
end $$;
revoke all on function app.memberships_of(text, text) from public;
grant execute on function app.memberships_of(text, text) to tollgate_app;

create function app.api_key_by_hash(p_hash bytea)
returns table (id uuid, partner_id uuid, tenant_id uuid, live boolean, scopes text[])
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select k.id, k.partner_id, k.tenant_id, k.live, k.scopes from api_keys k
   where k.key_hash = p_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
$$;
revoke all on function app.api_key_by_hash(bytea) from public;
grant execute on function app.api_key_by_hash(bytea) to tollgate_app;

-- The person with this e-mail, made when there is none: an invitation names people, not ids.
create function app.ensure_user(p_id uuid, p_email text, p_now timestamptz) returns uuid
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_user uuid;
begin
  if coalesce(current_setting('app.can_write', true), '') <> 'on' then
    raise exception 'no such account' using errcode = 'TG403';
  end if;
  insert into users (id, email, created_at) values (p_id, p_email, p_now) on conflict (lower(email)) do nothing;
  select u.id into v_user from users u where lower(u.email) = lower(p_email);
  return v_user;
end $$;
revoke all on function app.ensure_user(uuid, text, timestamptz) from public;
grant execute on function app.ensure_user(uuid, text, timestamptz) to tollgate_app;

-- Asked by the policies where a partner's test key reads: is this one of its sandbox tenants? As the caller, under the
-- policy of tenants itself.
create function app.is_sandbox(p_tenant uuid) returns boolean
language sql stable parallel safe as $$
  select exists (select 1 from public.tenants t where t.id = p_tenant and t.sandbox)
$$;

-- Policies. One shape for all tables of a tenant and one for all tables of a partner, so that there is one thing to
-- review; `schema/database.sql` shows what they expand to. No actor: current_setting is null or '', no row matches.
create procedure app.protect_tenant_table(p_table regclass, p_tenant_column text default 'tenant_id')
language plpgsql as $$
begin
  execute format('alter table %s enable row level security', p_table);
  execute format($policy$
    create policy tenant_read on %1$s for select to tollgate_app, tollgate_job using (
      %2$I = (select nullif(current_setting('app.tenant_id', true), '')::uuid)
      or ((select current_setting('app.scope', true)) = 'partner'
          and partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
          and ((select current_setting('app.sandbox_only', true)) = 'off' or app.is_sandbox(%2$I)))
      or (select current_setting('app.scope', true)) = 'platform')$policy$, p_table, p_tenant_column);
  execute format($policy$
    create policy tenant_insert on %1$s for insert to tollgate_app, tollgate_job with check (
      %2$I = (select nullif(current_setting('app.tenant_id', true), '')::uuid)
      and partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
      and (select current_setting('app.can_write', true)) = 'on')$policy$, p_table, p_tenant_column);
  execute format($policy$
    create policy tenant_update on %1$s for update to tollgate_app, tollgate_job using (
      %2$I = (select nullif(current_setting('app.tenant_id', true), '')::uuid)
      and (select current_setting('app.can_write', true)) = 'on')$policy$, p_table, p_tenant_column);
  execute format($policy$
    create policy tenant_delete on %1$s for delete to tollgate_app, tollgate_job using (
      %2$I = (select nullif(current_setting('app.tenant_id', true), '')::uuid)
      and (select current_setting('app.can_write', true)) = 'on')$policy$, p_table, p_tenant_column);
end $$;

create procedure app.protect_partner_table(p_table regclass, p_tenants_read boolean default true)
language plpgsql as $$
begin
  execute format('alter table %s enable row level security', p_table);
  execute format($policy$
    create policy partner_read on %1$s for select to tollgate_app, tollgate_job using (
      (partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
       or (select current_setting('app.scope', true)) = 'platform')%2$s)$policy$, p_table,
    case when p_tenants_read then '' else $clause$
      and (select current_setting('app.actor', true)) in ('PARTNER', 'PLATFORM')$clause$ end);
  execute format($policy$
    create policy partner_insert on %1$s for insert to tollgate_app with check (
      partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
      and (select current_setting('app.actor', true)) in ('PARTNER', 'PLATFORM')
      and (select current_setting('app.can_write', true)) = 'on')$policy$, p_table);
  execute format($policy$
    create policy partner_update on %1$s for update to tollgate_app using (
      partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
      and (select current_setting('app.actor', true)) in ('PARTNER', 'PLATFORM')
      and (select current_setting('app.can_write', true)) = 'on')$policy$, p_table);
  execute format($policy$
    create policy partner_delete on %1$s for delete to tollgate_app using (
      partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
      and (select current_setting('app.actor', true)) in ('PARTNER', 'PLATFORM')
      and (select current_setting('app.can_write', true)) = 'on')$policy$, p_table);
end $$;

-- The tables that are neither plainly a tenant's nor plainly a partner's.
alter table partners enable row level security;
create policy partner_read on partners for select to tollgate_app, tollgate_job using (
  id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
  or (select current_setting('app.scope', true)) = 'platform');
create policy partner_insert on partners for insert to tollgate_app with check (
  (select current_setting('app.scope', true)) = 'platform');
create policy partner_update on partners for update to tollgate_app using (
  id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
  and (select current_setting('app.actor', true)) in ('PARTNER', 'PLATFORM')
  and (select current_setting('app.can_write', true)) = 'on');
grant select, insert on partners to tollgate_app;
grant update (name, proration_basis, coupon_order, version) on partners to tollgate_app;
grant select on partners to tollgate_job;

alter table tenants enable row level security;
create policy tenant_read on tenants for select to tollgate_app, tollgate_job using (
  id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)
  or ((select current_setting('app.scope', true)) = 'partner'
      and partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
      and ((select current_setting('app.sandbox_only', true)) = 'off' or sandbox))
  or (select current_setting('app.scope', true)) = 'platform');
create policy tenant_insert on tenants for insert to tollgate_app with check (
  partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
  and (select current_setting('app.scope', true)) = 'partner'
  and (select current_setting('app.can_write', true)) = 'on');
-- Also what lets a writer of the tenant take its row lock.
create policy tenant_update on tenants for update to tollgate_app, tollgate_job using (
  id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)
  and (select current_setting('app.can_write', true)) = 'on');
grant select, insert on tenants to tollgate_app;
grant update (name, external_id, time_zone, test_clock, version) on tenants to tollgate_app;
grant select, update (version) on tenants to tollgate_job;

-- Nobody but the owner's functions reads these two.
alter table users enable row level security;
alter table user_roles enable row level security;

call app.protect_partner_table('partner_users', p_tenants_read => false);
grant select, insert, update (role, name), delete on partner_users to tollgate_app;

call app.protect_tenant_table('profiles');
grant select, insert, update (role, name), delete on profiles to tollgate_app;

call app.protect_partner_table('api_keys', p_tenants_read => false);
grant select, insert, update (revoked_at) on api_keys to tollgate_app;
