-- A check answers what was used, in the same statement. The window comes with the question: when a limit starts over is
-- calendar arithmetic in zones, and who asks knows what it was last time.

-- How much of a feature was used in a window [start, end), and how it is counted. Exact.
create function app.use_of(p_tenant uuid, p_feature uuid, p_start timestamptz, p_end timestamptz,
                           out used numeric, out aggregation text)
language plpgsql stable as $$
declare
  v_first_day timestamptz;
  v_last_day timestamptz;
  v_events bigint;
  v_maximum numeric;
begin
  select m.aggregation into aggregation from meters m where m.feature_id = p_feature;
  aggregation := coalesce(aggregation, 'SUM');
  if aggregation = 'UNIQUE_COUNT' then
    used := app.uniques_in(p_tenant, p_feature, p_start, p_end);
  elsif aggregation = 'LATEST' then
    select p.latest_quantity into used from app.usage_pieces(p_tenant, p_feature, p_start, p_end) p
     order by p.latest_at desc, p.latest_key collate "C" desc limit 1;
  elsif p_start <> date_bin(interval '15 minutes', p_start, timestamptz 'epoch')
     or p_end <> date_bin(interval '15 minutes', p_end, timestamptz 'epoch') then
    -- It begins or ends within a quarter: what a plan change splits, and no check.
    select sum(p.quantity), sum(p.events), max(p.maximum) into used, v_events, v_maximum
      from app.usage_pieces(p_tenant, p_feature, p_start, p_end) p;
  else
    v_first_day := date_trunc('day', p_start - interval '1 microsecond', 'UTC') + interval '24 hours';
    v_last_day := date_trunc('day', p_end, 'UTC');
    if v_first_day > v_last_day then
      v_first_day := p_end;
      v_last_day := p_end;
    end if;
    -- One statement: each one more starts with the policies' settings again.
    select sum(r.quantity), sum(r.events), max(r.maximum) into used, v_events, v_maximum from (
      select d.quantity, d.events, d.maximum from usage_rollups d
       where d.tenant_id = p_tenant and d.feature_id = p_feature and d.grain = 'DAY'
         and d.bucket_start >= v_first_day and d.bucket_start < v_last_day
      union all
      select q.quantity, q.events, q.maximum from usage_rollups q
       where q.tenant_id = p_tenant and q.feature_id = p_feature and q.grain = 'QUARTER'
         and q.bucket_start >= p_start and q.bucket_start < v_first_day
      union all
      select q.quantity, q.events, q.maximum from usage_rollups q
       where q.tenant_id = p_tenant and q.feature_id = p_feature and q.grain = 'QUARTER'
         and q.bucket_start >= v_last_day and q.bucket_start < p_end
    ) r;
  end if;
  used := coalesce(case aggregation when 'COUNT' then v_events when 'MAX' then v_maximum else used end, 0);
end $$;
revoke all on function app.use_of(uuid, uuid, timestamptz, timestamptz) from public;
grant execute on function app.use_of(uuid, uuid, timestamptz, timestamptz) to tollgate_app, tollgate_job;

create or replace function app.usage_in(p_tenant uuid, p_feature uuid, p_start timestamptz, p_end timestamptz) returns numeric
language sql stable as $$
  select u.used from app.use_of(p_tenant, p_feature, p_start, p_end) u
$$;

-- The one question that is asked on every request of a partner's product: one statement, one round trip, for one check or
-- for all that are waiting. Runs with the caller's rights: for each check it enters the asker's account like any
-- transaction, then reads what the policies show. Check number i asks as p_users[i], who enters p_partners[i] and
-- p_entered_tenants[i], for p_tenants[i]. One row for each source that holds; one with nulls where there is none; no row
-- where the tenant is not in view.
-- With a window: what was used in it of a METERED feature, by which aggregation; and what the units of each source cost.
drop function if exists app.check_entitlement(uuid, uuid, uuid, uuid, text, timestamptz, timestamptz);
drop function if exists app.check_entitlements(uuid[], uuid[], uuid[], uuid[], text[], timestamptz[], timestamptz);
create function app.check_entitlements(
  p_users uuid[], p_partners uuid[], p_entered_tenants uuid[], p_tenants uuid[],
  p_feature_codes text[], p_as_of timestamptz[], p_now timestamptz,
  p_window_starts timestamptz[], p_window_ends timestamptz[]
)
returns table (
  place integer, partner_id uuid, tenant_now timestamptz,
  feature_id uuid, feature_kind text, source_kind text, source_id uuid, source_name text, catalog_id uuid, quantity bigint,
  unlimited boolean, limit_quantity numeric, reset_period text, config_value text, usage_price jsonb, starts_at timestamptz,
  ends_at timestamptz, anchor_date date, subscription_time_zone text, used numeric, aggregation text
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
        -- When a limit starts over follows the subscription.
        if reset_period <> 'NEVER' then
          select s.anchor_date, s.time_zone into anchor_date, subscription_time_zone
            from subscriptions s where s.tenant_id = v_asked and s.status <> 'CANCELLED';
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

-- Has a window seen this value? For whoever consumes: a value that was seen is not one more.
create index usage_uniques_by_value on usage_uniques (tenant_id, feature_id, value, bucket_start) where grain = 'QUARTER';
