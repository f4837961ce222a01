-- When limits start over: stretches of a tenant's time, each with the anchor that its windows are counted from. One begins with
-- a subscription, one at a trial's end, one at each new anchor. What a check, an enforced batch, a threshold and a bill count is
-- cut by the same rows, also for an instant that is past.
create table metering_spans (
  tenant_id uuid not null,
  subscription_id uuid not null,
  starts_at timestamptz(3) not null,
  partner_id uuid not null,
  -- Null: it goes on.
  ends_at timestamptz(3),
  anchor_date date not null,
  time_zone text not null,
  -- Free: nothing that is used in it is billed.
  trial boolean not null,
  -- From where a limit that never starts over counts: the subscription's start, or the end of its trial.
  count_from timestamptz(3) not null,
  primary key (tenant_id, subscription_id, starts_at),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id),
  check (ends_at >= starts_at),
  check (count_from <= starts_at)
);
create index metering_spans_in_order on metering_spans (tenant_id, starts_at desc);
call app.protect_tenant_table('metering_spans');
call app.let_many_tenants_in('metering_spans');
grant select, insert, update (ends_at, anchor_date) on metering_spans to tollgate_app, tollgate_job;

-- With the row that says so, whoever writes it: a subscription's first spans, and the end of its last one.
create function app.begin_metering() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.trial_end is not null then
    insert into metering_spans (tenant_id, subscription_id, starts_at, partner_id, ends_at, anchor_date, time_zone, trial, count_from)
    values (new.tenant_id, new.id, new.started_at, new.partner_id, new.trial_end, new.anchor_date, new.time_zone, true, new.started_at);
  end if;
  insert into metering_spans (tenant_id, subscription_id, starts_at, partner_id, ends_at, anchor_date, time_zone, trial, count_from)
  values (new.tenant_id, new.id, coalesce(new.trial_end, new.started_at), new.partner_id, null, new.anchor_date, new.time_zone,
    false, coalesce(new.trial_end, new.started_at));
  return null;
end $$;
create trigger begin_metering after insert on subscriptions for each row execute function app.begin_metering();

create function app.end_metering() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  update metering_spans m set ends_at = greatest(m.starts_at, new.cancelled_at)
   where m.tenant_id = new.tenant_id and m.subscription_id = new.id and (m.ends_at is null or m.ends_at > new.cancelled_at);
  return null;
end $$;
create trigger end_metering after update of status on subscriptions for each row
  when (new.status = 'CANCELLED' and old.status <> 'CANCELLED') execute function app.end_metering();

-- What was before: new anchors as they were counted then, from local midnight of their day on.
with marks as (
  select s.tenant_id, s.id as subscription_id, s.partner_id, s.started_at as starts_at, s.trial_end is not null as trial,
         null::date as anchor_date
    from subscriptions s
  union all
  select s.tenant_id, s.id, s.partner_id, s.trial_end, false, (s.trial_end at time zone s.time_zone)::date
    from subscriptions s where s.trial_end is not null
  union all
  select s.tenant_id, s.id, s.partner_id,
         greatest(coalesce(s.trial_end, s.started_at),
                  ((c.changed_at at time zone s.time_zone)::date)::timestamp at time zone s.time_zone),
         false, (c.changed_at at time zone s.time_zone)::date
    from plan_change_prorations c
    join subscriptions s on s.tenant_id = c.tenant_id and s.id = c.subscription_id
   where c.anchor_mode = 'RESET'
), spans as (
  -- Of two at one instant the later one counts.
  select distinct on (m.tenant_id, m.subscription_id, m.starts_at) m.*
    from marks m order by m.tenant_id, m.subscription_id, m.starts_at, m.trial, m.anchor_date desc nulls last
), followed as (
  select s.*, lead(s.starts_at) over w as next_start, row_number() over w as number
    from spans s window w as (partition by s.tenant_id, s.subscription_id order by s.starts_at)
)
insert into metering_spans (tenant_id, subscription_id, starts_at, partner_id, ends_at, anchor_date, time_zone, trial, count_from)
select f.tenant_id, f.subscription_id, f.starts_at, f.partner_id,
       case when s.status = 'CANCELLED' then greatest(f.starts_at, least(f.next_start, s.cancelled_at)) else f.next_start end,
       case when f.next_start is null then s.anchor_date
            when f.anchor_date is not null then f.anchor_date
            else coalesce((select (min(i.period_start) at time zone s.time_zone)::date from invoices i
                            where i.tenant_id = s.tenant_id and i.subscription_id = s.id and i.kind = 'PERIOD'),
                          (f.starts_at at time zone s.time_zone)::date) end,
       s.time_zone, f.trial,
       case when f.trial then f.starts_at else coalesce(s.trial_end, s.started_at) end
  from followed f join subscriptions s on s.tenant_id = f.tenant_id and s.id = f.subscription_id;

-- A check reads the span that its instant lies in, or the last one before it.
drop function app.check_entitlements(uuid[], uuid[], uuid[], uuid[], text[], timestamptz[], timestamptz, timestamptz[], timestamptz[]);
create function app.check_entitlements(
  p_users uuid[], p_partners uuid[], p_entered_tenants uuid[], p_tenants uuid[],
  p_feature_codes text[], p_as_of timestamptz[], p_now timestamptz,
  p_window_starts timestamptz[], p_window_ends timestamptz[]
)
returns table (
  place integer, partner_id uuid, tenant_now timestamptz,
  feature_id uuid, feature_kind text, source_kind text, source_id uuid, source_name text, catalog_id uuid, quantity bigint,
  unlimited boolean, limit_quantity numeric, reset_period text, config_value text, usage_price jsonb, starts_at timestamptz,
  ends_at timestamptz, anchor_date date, subscription_time_zone text, used numeric, aggregation text,
  span_subscription uuid, span_start timestamptz, span_end timestamptz, span_trial boolean,
  span_anchor date, span_time_zone text, count_from timestamptz
)
language plpgsql as $$
declare
  v_user uuid;
  v_partner uuid;
  v_tenant uuid;
  v_entered record;
  v_asked uuid;
  v_clock timestamptz;
  v_at timestamptz;
  v_known boolean;
  v_use record;
begin
  for i in 1 .. cardinality(p_tenants) loop
    -- A product asks with one key for many tenants: whoever has just entered is still inside.
    if i = 1 or p_users[i] is distinct from v_user or p_partners[i] is distinct from v_partner
       or p_entered_tenants[i] is distinct from v_tenant then
      v_user := p_users[i];
      v_partner := p_partners[i];
      v_tenant := p_entered_tenants[i];
      v_entered := app.enter(v_user, v_partner, v_tenant);
    end if;
    v_asked := p_tenants[i];
    partner_id := v_entered.partner_id;
    v_clock := v_entered.test_clock;
    if v_asked is distinct from v_tenant then
      select t.partner_id, t.test_clock into partner_id, v_clock from tenants t where t.id = v_asked;
      continue when not found;
    end if;
    place := i;
    tenant_now := coalesce(v_clock, p_now);
    v_at := coalesce(p_as_of[i], tenant_now);
    anchor_date := null;
    subscription_time_zone := null;
    span_subscription := null;
    span_start := null;
    span_end := null;
    span_trial := null;
    span_anchor := null;
    span_time_zone := null;
    count_from := null;
    source_kind := null;
    used := null;
    aggregation := null;
    v_known := false;
    for feature_id, feature_kind, source_kind, source_id, source_name, catalog_id, quantity, unlimited, limit_quantity,
        reset_period, config_value, usage_price, starts_at, ends_at in
      select e.feature_id, e.kind, e.source_kind, e.source_id, e.source_name, e.catalog_id, e.quantity, e.unlimited,
        e.limit_quantity, e.reset_period, e.config_value, e.usage_price, e.starts_at, e.ends_at
      from tenant_entitlements e
      where e.tenant_id = v_asked and e.feature_code = p_feature_codes[i]
        and e.starts_at <= v_at and (e.ends_at is null or e.ends_at > v_at)
    loop
      if not v_known and feature_kind = 'METERED' then
        select m.anchor_date, m.time_zone, m.subscription_id, m.starts_at, m.ends_at, m.trial, m.count_from
          into span_anchor, span_time_zone, span_subscription, span_start, span_end, span_trial, count_from
          from metering_spans m where m.tenant_id = v_asked and m.starts_at <= v_at
         order by m.starts_at desc, m.ends_at desc nulls first limit 1;
        -- For the version before, which asks for the live subscription's only.
        if span_end is null or span_end > v_at then
          anchor_date := span_anchor;
          subscription_time_zone := span_time_zone;
        end if;
        if p_window_starts[i] is not null then
          v_use := app.use_of(v_asked, feature_id, p_window_starts[i], p_window_ends[i]);
          used := v_use.used;
          aggregation := v_use.aggregation;
        end if;
        v_known := true;
      end if;
      return next;
    end loop;
    if source_kind is null then
      return next;
    end if;
  end loop;
end $$;
revoke all on function app.check_entitlements(uuid[], uuid[], uuid[], uuid[], text[], timestamptz[], timestamptz,
  timestamptz[], timestamptz[]) from public;
grant execute on function app.check_entitlements(uuid[], uuid[], uuid[], uuid[], text[], timestamptz[], timestamptz,
  timestamptz[], timestamptz[]) to tollgate_app;
