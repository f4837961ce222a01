-- The billing run: which live tenants have something due, who is at them, and who is parked with a reason.

-- A small table: a row is made when a run finds a tenant due, and goes in the transaction that bills the tenant.
create table billing_work (
  tenant_id uuid not null,
  partner_id uuid not null,
  due_at timestamptz(3) not null,
  bill_until timestamptz(3) not null,
  -- The process that is at it, and until when its word holds. A killed worker's lease runs out and another takes over.
  worker uuid,
  lease_until timestamptz(3),
  -- A fence: each claim counts up, and whoever holds an older one cannot finish.
  claims integer not null default 0,
  -- How often a claim ended without a result: the worker died, or the tenant was busy.
  setbacks integer not null default 0,
  parked_at timestamptz(3),
  -- Why it is parked, or why the last attempt came to nothing.
  reason text check (reason in ('INVARIANT_BROKEN', 'AMOUNT_OUT_OF_RANGE', 'CONSTRAINT_BROKEN', 'NOTHING_MOVED', 'BUSY',
    'WORKER_LOST', 'UNEXPECTED')),
  -- For operators; the API does not show it.
  detail text,
  created_at timestamptz(3) not null,
  primary key (tenant_id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  check (worker is null or lease_until is not null),
  check (parked_at is null or (worker is null and lease_until is null and reason is not null))
);
create index billing_work_free on billing_work (due_at, tenant_id) where parked_at is null and lease_until is null;
create index billing_work_leases on billing_work (lease_until) where lease_until is not null;
create index billing_work_parked on billing_work (partner_id, tenant_id) where parked_at is not null;
call app.protect_tenant_table('billing_work');
grant select (tenant_id, partner_id, due_at, bill_until, parked_at, reason, created_at), delete on billing_work to tollgate_app;
grant select, update (worker, lease_until, parked_at, reason, detail), delete on billing_work to tollgate_job;

-- What falls due: one row for each event. Each branch has an index of its own in this order, so a page of the whole is
-- read by merging four indexes.
create index subscriptions_period_ends on subscriptions (period_end, tenant_id) where status <> 'CANCELLED';
create index subscriptions_cancellations on subscriptions (cancel_at, tenant_id)
  where status <> 'CANCELLED' and cancel_at is not null;
create index scheduled_plan_changes_due on scheduled_plan_changes (effective_at, tenant_id) where status = 'PENDING';
create index addon_subscriptions_ends on partner_tenant_addon_subscriptions (ends_at, tenant_id)
  where ended_at is null and ends_at is not null;
create view billing_due with (security_invoker = true) as
  select period_end as due_at, tenant_id, partner_id from subscriptions where status <> 'CANCELLED'
  union all
  select cancel_at, tenant_id, partner_id from subscriptions where status <> 'CANCELLED' and cancel_at is not null
  union all
  select effective_at, tenant_id, partner_id from scheduled_plan_changes where status = 'PENDING'
  union all
  select ends_at, tenant_id, partner_id from partner_tenant_addon_subscriptions
   where ended_at is null and ends_at is not null;
grant select on billing_due to tollgate_job;

-- The job role sees one tenant at a time. What it may do across tenants are these functions and nothing else.

-- Notes one page of due tenants as work: those due up to an instant, and, where a date is given, up to the end of that
-- day in each subscription's own zone. Sandbox tenants live by their own clocks and are left out. Answers how far it came.
create function app.find_billing_work(p_latest timestamptz, p_date date, p_partner uuid, p_after_at timestamptz,
                                      p_after_tenant uuid, p_limit integer)
returns table (seen integer, added integer, last_at timestamptz, last_tenant uuid)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  -- No zone is further behind UTC than twelve hours.
  v_latest timestamptz := least(p_latest, ((p_date + 1)::timestamp + interval '12 hours') at time zone 'UTC');
begin
  return query
  with due as materialized (
    select d.due_at, d.tenant_id from billing_due d
     where d.due_at <= v_latest and (d.due_at, d.tenant_id) > (p_after_at, p_after_tenant)
       and (p_partner is null or d.partner_id = p_partner)
     order by d.due_at, d.tenant_id limit p_limit
  ), noted as (
    insert into billing_work (tenant_id, partner_id, due_at, bill_until, created_at)
    select distinct on (d.tenant_id) d.tenant_id, t.partner_id, d.due_at, until, clock_timestamp()
      from due d
      join tenants t on t.id = d.tenant_id and not t.sandbox
      join subscriptions s on s.tenant_id = d.tenant_id and s.status <> 'CANCELLED'
     cross join least(p_latest, ((p_date + 1)::timestamp at time zone s.time_zone) - interval '1 millisecond') until
     where d.due_at <= until
     order by d.tenant_id, d.due_at
    on conflict (tenant_id) do nothing
    returning 1
  )
  select (select count(*)::integer from due), (select count(*)::integer from noted), l.due_at, l.tenant_id
    from (select 1) one left join lateral
      (select d.due_at, d.tenant_id from due d order by d.due_at desc, d.tenant_id desc limit 1) l on true;
end $$;
revoke all on function app.find_billing_work(timestamptz, date, uuid, timestamptz, uuid, integer) from public;
grant execute on function app.find_billing_work(timestamptz, date, uuid, timestamptz, uuid, integer) to tollgate_job;

-- Takes work for a worker, under a lease. What was tried before is taken alone, and last: a tenant that brings workers
-- down takes nobody else's claim with it.
create function app.claim_billing_work(p_worker uuid, p_partner uuid, p_limit integer, p_lease interval)
returns table (tenant_id uuid, partner_id uuid, claim integer, bill_until timestamptz, setbacks integer, reason text)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  return query
  with free as materialized (
    select w.tenant_id from billing_work w
     where w.parked_at is null and w.lease_until is null and (p_partner is null or w.partner_id = p_partner)
     order by w.due_at, w.tenant_id limit p_limit for update skip locked
  )
  update billing_work w set worker = p_worker, lease_until = clock_timestamp() + p_lease, claims = w.claims + 1
    from free f where w.tenant_id = f.tenant_id
  returning w.tenant_id, w.partner_id, w.claims, w.bill_until, w.setbacks, w.reason;
  if found then
    return;
  end if;
  return query
  with lapsed as materialized (
    select w.tenant_id from billing_work w
     where w.lease_until <= clock_timestamp() and (p_partner is null or w.partner_id = p_partner)
     order by w.lease_until, w.tenant_id limit 1 for update skip locked
  )
  update billing_work w
     set worker = p_worker, lease_until = clock_timestamp() + p_lease, claims = w.claims + 1, setbacks = w.setbacks + 1
    from lapsed l where w.tenant_id = l.tenant_id
  returning w.tenant_id, w.partner_id, w.claims, w.bill_until, w.setbacks, w.reason;
end $$;
revoke all on function app.claim_billing_work(uuid, uuid, integer, interval) from public;
grant execute on function app.claim_billing_work(uuid, uuid, integer, interval) to tollgate_job;

-- The worker is alive: its leases go on. With no lease it gives back what it has not begun.
create function app.renew_billing_claims(p_worker uuid, p_lease interval) returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_count integer;
begin
  with own as materialized (
    select w.tenant_id from billing_work w where w.worker = p_worker order by w.tenant_id for update skip locked
  )
  update billing_work w
     set worker = case when p_lease is null then null else w.worker end, lease_until = clock_timestamp() + p_lease
    from own where w.tenant_id = own.tenant_id;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
revoke all on function app.renew_billing_claims(uuid, interval) from public;
grant execute on function app.renew_billing_claims(uuid, interval) to tollgate_job;

-- Is anything left that is not parked? A run ends when nothing is, whoever was at it.
create function app.billing_work_left(p_partner uuid) returns boolean
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select exists (select 1 from billing_work w
                  where w.parked_at is null and (p_partner is null or w.partner_id = p_partner))
$$;
revoke all on function app.billing_work_left(uuid) from public;
grant execute on function app.billing_work_left(uuid) to tollgate_job;

-- How much there is to do, for the progress bar.
create function app.count_billing_due(p_latest timestamptz, p_date date, p_partner uuid) returns bigint
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select count(distinct d.tenant_id)
    from billing_due d
    join tenants t on t.id = d.tenant_id and not t.sandbox
    join subscriptions s on s.tenant_id = d.tenant_id and s.status <> 'CANCELLED'
   where d.due_at <= least(p_latest, ((p_date + 1)::timestamp at time zone s.time_zone) - interval '1 millisecond')
     and (p_partner is null or d.partner_id = p_partner)
     and not exists (select 1 from billing_work w where w.tenant_id = d.tenant_id and w.parked_at is not null)
$$;
revoke all on function app.count_billing_due(timestamptz, date, uuid) from public;
grant execute on function app.count_billing_due(timestamptz, date, uuid) to tollgate_job;

-- Who is parked, for the operator's summary.
create function app.parked_billing_work(p_partner uuid, p_limit integer)
returns table (tenant_id uuid, tenant_name text, partner_code text, reason text, detail text, parked_at timestamptz,
               parked bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select w.tenant_id, t.name, p.code, w.reason, w.detail, w.parked_at, count(*) over ()
    from billing_work w join tenants t on t.id = w.tenant_id join partners p on p.id = w.partner_id
   where w.parked_at is not null and (p_partner is null or w.partner_id = p_partner)
   order by w.parked_at, w.tenant_id limit p_limit
$$;
revoke all on function app.parked_billing_work(uuid, integer) from public;
grant execute on function app.parked_billing_work(uuid, integer) to tollgate_job;

-- A partner by its code, for the command line; nil where there is none.
create function app.partner_by_code(p_code text) returns uuid
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select p.id from partners p where p.code = p_code
$$;
revoke all on function app.partner_by_code(text) from public;
grant execute on function app.partner_by_code(text) to tollgate_job;
