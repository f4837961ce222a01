-- What each bill charged for a source's part of a window. What a window costs with the events that came late, less what was
-- billed of it, is what a later bill charges; what a void invoice charged is to be billed again.

alter table billed_usage
  -- From where the window was billed, and how far with each bill. Empty: it was billed before these were kept.
  add column boundaries timestamptz(3)[] not null default '{}',
  -- A bill of it was voided: what that took back is to be billed again.
  add column reopened boolean not null default false;
grant update (boundaries, reopened) on billed_usage to tollgate_app, tollgate_job;

create table billed_usage_charges (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  feature_id uuid not null,
  window_start timestamptz(3) not null,
  -- The end of the bill's time in the window.
  billed_until timestamptz(3) not null,
  source_id uuid not null,
  catalog_id uuid not null,
  -- ADVANCE: before the window began.
  part text not null check (part in ('INSIDE', 'OVERAGE', 'ADVANCE')),
  -- Negative, like the amount, where a late event has moved units to another source.
  quantity numeric(38, 12) not null check (quantity <> 'NaN'),
  amount bigint not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  invoice_id uuid not null,
  -- Its invoice was voided, and it is to be billed again.
  returned boolean not null default false,
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id),
  foreign key (partner_id, feature_id) references features (partner_id, id)
);
create index billed_usage_charges_of_window on billed_usage_charges (tenant_id, subscription_id, feature_id, window_start);
create index billed_usage_charges_of_invoice on billed_usage_charges (tenant_id, invoice_id);
create index billed_usage_charges_by_feature on billed_usage_charges (partner_id, feature_id);
call app.protect_tenant_table('billed_usage_charges');
call app.let_many_tenants_in('billed_usage_charges');
grant select, insert, update (returned) on billed_usage_charges to tollgate_app, tollgate_job;

-- Tenants whose subscription has ended, and for which usage may be left to bill: an event that came late, or that was being
-- recorded while the final invoice was made; a final invoice that was voided. The next run, or the next act, looks.
create table usage_after_end (
  tenant_id uuid not null,
  partner_id uuid not null,
  due_at timestamptz(3) not null,
  primary key (tenant_id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id)
);
create index usage_after_end_due on usage_after_end (due_at, tenant_id);
call app.protect_tenant_table('usage_after_end');
call app.let_many_tenants_in('usage_after_end');
grant select, insert, update (due_at), delete on usage_after_end to tollgate_app, tollgate_job;

create or replace view billing_due with (security_invoker = true) as
  select period_end as due_at, tenant_id, partner_id from subscriptions where status <> 'CANCELLED'
  union all
  select cancel_at, tenant_id, partner_id from subscriptions where status <> 'CANCELLED' and cancel_at is not null
  union all
  select effective_at, tenant_id, partner_id from scheduled_plan_changes where status = 'PENDING'
  union all
  select ends_at, tenant_id, partner_id from partner_tenant_addon_subscriptions
   where ended_at is null and ends_at is not null
  union all
  select u.due_at, u.tenant_id, u.partner_id from usage_after_end u
   where not exists (select 1 from subscriptions s where s.tenant_id = u.tenant_id and s.status <> 'CANCELLED');

-- As before, for tenants without a live subscription too: their day ends in their own zone.
create or replace function app.find_billing_work(p_latest timestamptz, p_date date, p_partner uuid, p_after_at timestamptz,
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
      join partners p on p.id = t.partner_id
      left join subscriptions s on s.tenant_id = d.tenant_id and s.status <> 'CANCELLED'
     cross join least(p_latest, ((p_date + 1)::timestamp at time zone coalesce(s.time_zone, t.time_zone, p.time_zone))
                        - interval '1 millisecond') until
     where d.due_at <= until
     order by d.tenant_id, d.due_at
    on conflict (tenant_id) do nothing
    returning 1
  )
  select (select count(*)::integer from due), (select count(*)::integer from noted), l.due_at, l.tenant_id
    from (select 1) one left join lateral
      (select d.due_at, d.tenant_id from due d order by d.due_at desc, d.tenant_id desc limit 1) l on true;
end $$;

create or replace function app.count_billing_due(p_latest timestamptz, p_date date, p_partner uuid) returns bigint
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select count(distinct d.tenant_id)
    from billing_due d
    join tenants t on t.id = d.tenant_id and not t.sandbox
    join partners p on p.id = t.partner_id
    left join subscriptions s on s.tenant_id = d.tenant_id and s.status <> 'CANCELLED'
   where d.due_at <= least(p_latest, ((p_date + 1)::timestamp at time zone coalesce(s.time_zone, t.time_zone, p.time_zone))
                             - interval '1 millisecond')
     and (p_partner is null or d.partner_id = p_partner)
     and not exists (select 1 from billing_work w where w.tenant_id = d.tenant_id and w.parked_at is not null)
$$;
