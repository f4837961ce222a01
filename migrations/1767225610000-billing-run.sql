-- The billing run: which live tenants have something due, who is at them, and who is parked with a reason.

-- A small table: a row is made when a run finds a tenant due, and goes in the transaction that bills the tenant. Whoever
-- bills a tenant holds the row's lock: a killed worker's connection ends, its lock with it, and another takes over.
create table billing_work (
  tenant_id uuid not null,
  partner_id uuid not null,
  due_at timestamptz(3) not null,
  bill_until timestamptz(3) not null,
  -- How often a worker took it. Counted before the work begins: a tenant that brings workers down is told by its count.
  attempts integer not null default 0,
  -- Left alone until then: a worker is about to lock it, or it waits after a failure that may pass.
  held_until timestamptz(3),
  parked_at timestamptz(3),
  -- Why it is parked, or why the last attempt came to nothing.
  reason text check (reason in ('INVARIANT_BROKEN', 'AMOUNT_OUT_OF_RANGE', 'CONSTRAINT_BROKEN', 'NOTHING_MOVED', 'BUSY',
    'WORKER_LOST', 'UNEXPECTED')),
  -- For operators; the API does not show it.
  detail text,
  created_at timestamptz(3) not null,
  primary key (tenant_id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  check (parked_at is null or (held_until is null and reason is not null)),
  check (attempts = 0 or parked_at is not null or held_until is not null)
);
create index billing_work_fresh on billing_work (due_at, tenant_id) where parked_at is null and held_until is null;
create index billing_work_fresh_of_partner on billing_work (partner_id, due_at, tenant_id)
  where parked_at is null and held_until is null;
create index billing_work_held on billing_work (held_until) where held_until is not null;
create index billing_work_parked on billing_work (partner_id, tenant_id) where parked_at is not null;
call app.protect_tenant_table('billing_work');
grant select (tenant_id, partner_id, due_at, bill_until, parked_at, reason, created_at), delete on billing_work to tollgate_app;
grant select, update (held_until, parked_at, reason, detail), delete on billing_work to tollgate_job;

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

-- Takes work for a worker: fresh tenants of one partner together, else one that was tried before, alone. A tenant that brings
-- workers down takes nobody else with it. The worker locks the rows next, in the transaction that bills; for the moment
-- between the two others leave them alone.
create function app.claim_billing_work(p_partner uuid, p_limit integer, p_hold interval)
returns table (tenant_id uuid, partner_id uuid, bill_until timestamptz, attempts integer, reason text)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_partner uuid := p_partner;
begin
  if v_partner is null then
    select w.partner_id into v_partner from billing_work w
     where w.parked_at is null and w.held_until is null order by w.due_at, w.tenant_id limit 1 for update skip locked;
  end if;
  return query
  with fresh as materialized (
    select w.tenant_id from billing_work w
     where w.partner_id = v_partner and w.parked_at is null and w.held_until is null
     order by w.due_at, w.tenant_id limit p_limit for update skip locked
  )
  update billing_work w set attempts = w.attempts + 1, held_until = clock_timestamp() + p_hold
    from fresh f where w.tenant_id = f.tenant_id
  returning w.tenant_id, w.partner_id, w.bill_until::timestamptz, w.attempts, w.reason;
  if found then
    return;
  end if;
  return query
  with tried as materialized (
    select w.tenant_id from billing_work w
     where w.held_until <= clock_timestamp() and (p_partner is null or w.partner_id = p_partner)
     order by w.held_until, w.tenant_id limit 1 for update skip locked
  )
  update billing_work w set attempts = w.attempts + 1, held_until = clock_timestamp() + p_hold
    from tried t where w.tenant_id = t.tenant_id
  returning w.tenant_id, w.partner_id, w.bill_until::timestamptz, w.attempts, w.reason;
end $$;
revoke all on function app.claim_billing_work(uuid, integer, interval) from public;
grant execute on function app.claim_billing_work(uuid, integer, interval) to tollgate_job;

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
