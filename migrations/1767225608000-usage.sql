-- Usage: what counts (meters), what happened (events), and what it adds up to (rollups). A check reads rollups only.

-- How a METERED feature is counted. Never changed: what was counted stays counted the way it was. A feature without a meter
-- adds up the quantities of the events whose type is the feature's code.
create table meters (
  partner_id uuid not null,
  id uuid not null,
  feature_id uuid not null,
  aggregation text not null check (aggregation in ('SUM', 'COUNT', 'MAX', 'UNIQUE_COUNT', 'LATEST')),
  event_type text not null check (length(event_type) between 1 and 200),
  -- Null: the event's own quantity.
  value_property text check (length(value_property) between 1 and 100),
  unique_property text check (length(unique_property) between 1 and 100),
  -- [{"property": "region", "values": ["eu", "us"]}]: an event counts where each property is one of its values.
  filters jsonb not null default '[]',
  -- Percent of the limit at which one event per window is told.
  thresholds integer[] not null default '{80,100}',
  created_at timestamptz(3) not null,
  primary key (partner_id, id),
  unique (partner_id, feature_id),
  foreign key (partner_id, feature_id) references features (partner_id, id),
  check ((aggregation = 'UNIQUE_COUNT') = (unique_property is not null))
);
create index meters_by_feature on meters (feature_id);
call app.protect_partner_table('meters');
grant select, insert on meters to tollgate_app;
grant select on meters to tollgate_job;

-- What happened, as it was sent. Only grows. Its key says when, because partitions are by time; so two sendings of one event
-- would be two rows, were it not for the keys below.
create table usage_events (
  tenant_id uuid not null,
  happened_at timestamptz(3) not null,
  event_id text collate "C" not null,
  source text collate "C" not null,
  partner_id uuid not null,
  type text not null,
  subject text,
  quantity numeric(24, 12) check (quantity >= 0 and quantity <> 'NaN'),
  data jsonb,
  recorded_at timestamptz(3) not null default now(),
  primary key (tenant_id, happened_at, event_id, source)
) partition by range (happened_at);
call app.protect_tenant_table('usage_events');
grant select, insert on usage_events to tollgate_app, tollgate_job;

-- Whatever no partition is for: nothing is ever lost for want of one.
create table usage_events_rest partition of usage_events default;
alter table usage_events_rest enable row level security;

-- Makes the partitions of a month ago to three months ahead. The owner calls it at each start; a month whose events are in
-- the rest already stays there.
create procedure app.make_usage_partitions()
language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
  v_month timestamptz;
  v_name text;
begin
  for step in -1..3 loop
    v_month := date_trunc('month', now(), 'UTC') + make_interval(months => step);
    v_month := date_trunc('month', v_month + interval '12 hours', 'UTC');
    v_name := 'usage_events_' || to_char(v_month at time zone 'UTC', 'YYYY_MM');
    continue when to_regclass('public.' || v_name) is not null or exists (
      select from usage_events_rest r
       where r.happened_at >= v_month and r.happened_at < date_trunc('month', v_month + interval '45 days', 'UTC'));
    execute format('create table public.%I partition of public.usage_events for values from (%L) to (%L)', v_name, v_month,
      date_trunc('month', v_month + interval '45 days', 'UTC'));
    execute format('alter table public.%I enable row level security', v_name);
  end loop;
end $$;
revoke all on procedure app.make_usage_partitions() from public;
call app.make_usage_partitions();

-- Each event once, whenever it happened: a second sending meets its own key here.
create table usage_event_keys (
  tenant_id uuid not null,
  event_id text collate "C" not null,
  -- The CloudEvents source; empty where none was given.
  source text collate "C" not null,
  partner_id uuid not null,
  happened_at timestamptz(3) not null,
  primary key (tenant_id, event_id, source)
);
call app.protect_tenant_table('usage_event_keys');
grant select, insert on usage_event_keys to tollgate_app, tollgate_job;

-- Sums of the events of a UTC day and of a quarter of an hour (every zone's midnight is one's edge), written in the
-- transaction of the events. A window is its whole days and the quarters at its two ends.
create table usage_rollups (
  tenant_id uuid not null,
  feature_id uuid not null,
  grain text collate "C" not null check (grain in ('DAY', 'QUARTER')),
  bucket_start timestamptz(3) not null,
  partner_id uuid not null,
  quantity numeric(38, 12) not null check (quantity >= 0 and quantity <> 'NaN'),
  events bigint not null check (events >= 1),
  maximum numeric(38, 12) not null check (maximum >= 0 and maximum <> 'NaN'),
  latest_quantity numeric(38, 12) not null check (latest_quantity >= 0 and latest_quantity <> 'NaN'),
  latest_at timestamptz(3) not null,
  -- Of two events of the same instant the one with the larger key (source, id) is the later one, in whichever order they
  -- come.
  latest_key text collate "C" not null,
  -- By the server's clock, not by a sandbox's: when was it last added to?
  changed_at timestamptz(3) not null,
  primary key (tenant_id, feature_id, grain, bucket_start)
) with (fillfactor = 70);
create index usage_rollups_by_feature on usage_rollups (partner_id, feature_id);
call app.protect_tenant_table('usage_rollups');
grant select, insert, update (quantity, events, maximum, latest_quantity, latest_at, latest_key, changed_at)
  on usage_rollups to tollgate_app, tollgate_job;

-- UNIQUE_COUNT: which values a bucket has seen.
create table usage_uniques (
  tenant_id uuid not null,
  feature_id uuid not null,
  grain text collate "C" not null check (grain in ('DAY', 'QUARTER')),
  bucket_start timestamptz(3) not null,
  value text collate "C" not null,
  partner_id uuid not null,
  primary key (tenant_id, feature_id, grain, bucket_start, value)
);
call app.protect_tenant_table('usage_uniques');
grant select, insert on usage_uniques to tollgate_app, tollgate_job;

-- One row to lock for each limited feature of a tenant: who checks and consumes, or looks whether a threshold was crossed,
-- does so one after the other.
create table usage_locks (
  tenant_id uuid not null,
  feature_id uuid not null,
  partner_id uuid not null,
  locked boolean not null default true,
  primary key (tenant_id, feature_id)
);
call app.protect_tenant_table('usage_locks');
grant select, insert, update (locked) on usage_locks to tollgate_app, tollgate_job;

-- Which shares of a limit were reached in which window: the key makes it once.
create table usage_thresholds (
  tenant_id uuid not null,
  feature_id uuid not null,
  window_start timestamptz(3) not null,
  percent integer not null check (percent between 1 and 1000),
  partner_id uuid not null,
  reached_at timestamptz(3) not null,
  primary key (tenant_id, feature_id, window_start, percent)
);
call app.protect_tenant_table('usage_thresholds');
grant select, insert on usage_thresholds to tollgate_app, tollgate_job;

-- What an event counts for a meter that takes its value from a property. What could not be counted was never recorded for
-- it; an event from before the meter may hold anything there.
create function app.measured(p_quantity numeric, p_data jsonb, p_value_property text) returns numeric
language sql immutable parallel safe as $$
  select case when p_value_property is null then coalesce(p_quantity, 1)
              when p_data ->> p_value_property ~ '^[0-9]{1,12}(\.[0-9]{1,12})?$' then (p_data ->> p_value_property)::numeric end
$$;
revoke all on function app.measured(numeric, jsonb, text) from public;
grant execute on function app.measured(numeric, jsonb, text) to tollgate_app, tollgate_job;

-- The whole days and quarters of a window, and the events at its two ends where those are inside a quarter: a plan that was
-- changed at 10:07 splits exactly there. Windows of a limit begin and end at local midnight, so a check reads no event.
create function app.usage_pieces(p_tenant uuid, p_feature uuid, p_start timestamptz, p_end timestamptz)
returns table (quantity numeric, events bigint, maximum numeric, latest_quantity numeric, latest_at timestamptz, latest_key text)
language plpgsql stable as $$
declare
  v_quarter interval := interval '15 minutes';
  v_first_quarter timestamptz := date_bin(v_quarter, p_start - interval '1 microsecond', timestamptz 'epoch') + v_quarter;
  v_last_quarter timestamptz := date_bin(v_quarter, p_end, timestamptz 'epoch');
  v_first_day timestamptz := date_trunc('day', p_start - interval '1 microsecond', 'UTC') + interval '24 hours';
  v_last_day timestamptz := date_trunc('day', p_end, 'UTC');
begin
  if v_first_quarter > v_last_quarter then
    v_first_quarter := p_end;
    v_last_quarter := p_end;
  end if;
  if v_first_day >= v_last_day then
    v_first_day := v_last_quarter;
    v_last_day := v_last_quarter;
  end if;
  return query
    select r.quantity, r.events, r.maximum, r.latest_quantity, r.latest_at::timestamptz, r.latest_key from usage_rollups r
     where r.tenant_id = p_tenant and r.feature_id = p_feature and r.grain = 'DAY'
       and r.bucket_start >= v_first_day and r.bucket_start < v_last_day
    union all
    select r.quantity, r.events, r.maximum, r.latest_quantity, r.latest_at::timestamptz, r.latest_key from usage_rollups r
     where r.tenant_id = p_tenant and r.feature_id = p_feature and r.grain = 'QUARTER'
       and r.bucket_start >= v_first_quarter and r.bucket_start < v_first_day
    union all
    select r.quantity, r.events, r.maximum, r.latest_quantity, r.latest_at::timestamptz, r.latest_key from usage_rollups r
     where r.tenant_id = p_tenant and r.feature_id = p_feature and r.grain = 'QUARTER'
       and r.bucket_start >= v_last_day and r.bucket_start < v_last_quarter;
  if p_start < v_first_quarter or v_last_quarter < p_end then
    return query
      select v.quantity, 1::bigint, v.quantity, v.quantity, e.happened_at::timestamptz, e.event_key
        from app.events_of(p_tenant, p_feature, p_start, v_first_quarter) e,
             lateral (select e.measured) v(quantity)
      union all
      select v.quantity, 1::bigint, v.quantity, v.quantity, e.happened_at::timestamptz, e.event_key
        from app.events_of(p_tenant, p_feature, v_last_quarter, p_end) e,
             lateral (select e.measured) v(quantity);
  end if;
end $$;
revoke all on function app.usage_pieces(uuid, uuid, timestamptz, timestamptz) from public;
grant execute on function app.usage_pieces(uuid, uuid, timestamptz, timestamptz) to tollgate_app, tollgate_job;

-- The events that count for a feature, past the rollups: for the part of a quarter of an hour.
create function app.events_of(p_tenant uuid, p_feature uuid, p_start timestamptz, p_end timestamptz)
returns table (event_key text, happened_at timestamptz, measured numeric, unique_value text)
language sql stable as $$
  select e.source || E'\n' || e.event_id, e.happened_at::timestamptz, app.measured(e.quantity, e.data, m.value_property),
    e.data ->> m.unique_property
  from features f
  left join meters m on m.partner_id = f.partner_id and m.feature_id = f.id
  join usage_events e on e.tenant_id = p_tenant and e.happened_at >= p_start and e.happened_at < p_end
    and e.type = coalesce(m.event_type, f.code)
  where f.id = p_feature and p_start < p_end and (m.created_at is null or e.recorded_at >= m.created_at)
    and not exists (select from jsonb_array_elements(coalesce(m.filters, '[]')) c
                     where (c -> 'values' ? (e.data ->> (c ->> 'property'))) is not true)
$$;
revoke all on function app.events_of(uuid, uuid, timestamptz, timestamptz) from public;
grant execute on function app.events_of(uuid, uuid, timestamptz, timestamptz) to tollgate_app, tollgate_job;

-- How much of a feature was used in a window [start, end)? Exact, by the feature's meter.
create function app.usage_in(p_tenant uuid, p_feature uuid, p_start timestamptz, p_end timestamptz) returns numeric
language plpgsql stable as $$
declare
  v_aggregation text;
  v_used numeric;
begin
  select m.aggregation into v_aggregation from meters m where m.feature_id = p_feature;
  if v_aggregation = 'UNIQUE_COUNT' then
    return app.uniques_in(p_tenant, p_feature, p_start, p_end);
  end if;
  case coalesce(v_aggregation, 'SUM')
    when 'SUM' then
      select sum(p.quantity) into v_used from app.usage_pieces(p_tenant, p_feature, p_start, p_end) p;
    when 'COUNT' then
      select sum(p.events) into v_used from app.usage_pieces(p_tenant, p_feature, p_start, p_end) p;
    when 'MAX' then
      select max(p.maximum) into v_used from app.usage_pieces(p_tenant, p_feature, p_start, p_end) p;
    when 'LATEST' then
      select p.latest_quantity into v_used from app.usage_pieces(p_tenant, p_feature, p_start, p_end) p
       order by p.latest_at desc, p.latest_key collate "C" desc limit 1;
  end case;
  return coalesce(v_used, 0);
end $$;
revoke all on function app.usage_in(uuid, uuid, timestamptz, timestamptz) from public;
grant execute on function app.usage_in(uuid, uuid, timestamptz, timestamptz) to tollgate_app, tollgate_job;

create function app.uniques_in(p_tenant uuid, p_feature uuid, p_start timestamptz, p_end timestamptz) returns numeric
language plpgsql stable as $$
declare
  v_quarter interval := interval '15 minutes';
  v_first_quarter timestamptz := date_bin(v_quarter, p_start - interval '1 microsecond', timestamptz 'epoch') + v_quarter;
  v_last_quarter timestamptz := date_bin(v_quarter, p_end, timestamptz 'epoch');
  v_first_day timestamptz := date_trunc('day', p_start - interval '1 microsecond', 'UTC') + interval '24 hours';
  v_last_day timestamptz := date_trunc('day', p_end, 'UTC');
begin
  if v_first_quarter > v_last_quarter then
    v_first_quarter := p_end;
    v_last_quarter := p_end;
  end if;
  if v_first_day >= v_last_day then
    v_first_day := v_last_quarter;
    v_last_day := v_last_quarter;
  end if;
  return (select count(*) from (
    select u.value from usage_uniques u
     where u.tenant_id = p_tenant and u.feature_id = p_feature and u.grain = 'DAY'
       and u.bucket_start >= v_first_day and u.bucket_start < v_last_day
    union
    select u.value from usage_uniques u
     where u.tenant_id = p_tenant and u.feature_id = p_feature and u.grain = 'QUARTER'
       and (u.bucket_start >= v_first_quarter and u.bucket_start < v_first_day
            or u.bucket_start >= v_last_day and u.bucket_start < v_last_quarter)
    union
    select e.unique_value from app.events_of(p_tenant, p_feature, p_start, v_first_quarter) e
    union
    select e.unique_value from app.events_of(p_tenant, p_feature, v_last_quarter, p_end) e) seen);
end $$;
revoke all on function app.uniques_in(uuid, uuid, timestamptz, timestamptz) from public;
grant execute on function app.uniques_in(uuid, uuid, timestamptz, timestamptz) to tollgate_app, tollgate_job;
