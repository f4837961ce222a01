-- What many windows come to, of one tenant or of many: one statement that looks at the rollups once, where a function for each
-- window would enter the policies again and again. p_tenants[i] is asked about p_features[i] in [p_starts[i], p_ends[i]).

create function app.usage_counts(p_tenants uuid[], p_features uuid[], p_starts timestamptz[], p_ends timestamptz[])
returns table (place integer, used numeric)
language sql stable as $$
  -- Sums of whole quarters of an hour; everything else is asked one by one.
  with asked as materialized (
    select q.place::integer as place, q.tenant_id, q.feature_id, q.window_start, q.window_end,
      coalesce(m.aggregation, 'SUM') as aggregation,
      coalesce(m.aggregation, 'SUM') in ('SUM', 'COUNT', 'MAX')
        and q.window_start = date_bin(interval '15 minutes', q.window_start, timestamptz 'epoch')
        and q.window_end = date_bin(interval '15 minutes', q.window_end, timestamptz 'epoch') as by_rollups,
      case when d.first_day > d.last_day then q.window_end else d.first_day end as first_day,
      case when d.first_day > d.last_day then q.window_end else d.last_day end as last_day
    from unnest(p_tenants, p_features, p_starts, p_ends) with ordinality
      as q(tenant_id, feature_id, window_start, window_end, place)
    left join meters m on m.feature_id = q.feature_id
    cross join lateral (
      select date_trunc('day', q.window_start - interval '1 microsecond', 'UTC') + interval '24 hours' as first_day,
        date_trunc('day', q.window_end, 'UTC') as last_day
    ) d
  ), found as (
    select a.place, r.quantity, r.events, r.maximum from asked a
    join usage_rollups r on r.tenant_id = a.tenant_id and r.feature_id = a.feature_id and r.grain = 'DAY'
      and r.bucket_start >= a.first_day and r.bucket_start < a.last_day
    where a.by_rollups
    union all
    select a.place, r.quantity, r.events, r.maximum from asked a
    join usage_rollups r on r.tenant_id = a.tenant_id and r.feature_id = a.feature_id and r.grain = 'QUARTER'
      and r.bucket_start >= a.window_start and r.bucket_start < a.first_day
    where a.by_rollups
    union all
    select a.place, r.quantity, r.events, r.maximum from asked a
    join usage_rollups r on r.tenant_id = a.tenant_id and r.feature_id = a.feature_id and r.grain = 'QUARTER'
      and r.bucket_start >= a.last_day and r.bucket_start < a.window_end
    where a.by_rollups
  ), summed as (
    select f.place, sum(f.quantity) as quantity, sum(f.events) as events, max(f.maximum) as maximum from found f group by f.place
  )
  select a.place, coalesce(
    case when not a.by_rollups then app.usage_in(a.tenant_id, a.feature_id, a.window_start, a.window_end)
      when a.aggregation = 'COUNT' then s.events when a.aggregation = 'MAX' then s.maximum else s.quantity end, 0)
  from asked a left join summed s on s.place = a.place order by a.place
$$;
revoke all on function app.usage_counts(uuid[], uuid[], timestamptz[], timestamptz[]) from public;
grant execute on function app.usage_counts(uuid[], uuid[], timestamptz[], timestamptz[]) to tollgate_app, tollgate_job;
