-- What was not paid for gets no fresh window by an act: what was used of it in the window that the act ends counts in the one that begins.

-- It costs nothing: a plan or an add-on at no price, a grant, a licence, whose units have no price either.
alter table tenant_entitlements add column free boolean not null default false;
grant update (free) on tenant_entitlements to tollgate_app, tollgate_job;
update tenant_entitlements e set free = true
 where (e.usage_price -> 'inside') is null
   and (e.source_kind in ('GRANT', 'LICENCE')
        or exists (select 1 from subscription_items i
                    where i.tenant_id = e.tenant_id and i.id = e.source_id and e.source_kind = 'PLAN' and i.unit_amount = 0)
        or exists (select 1 from partner_tenant_addon_subscriptions a
                    where a.tenant_id = e.tenant_id and a.id = e.source_id and e.source_kind = 'ADDON' and a.unit_amount = 0));

-- By feature: units of what is free that count in the first window of the span, and in the first window after it.
alter table metering_spans
  add column carried jsonb not null default '{}' check (jsonb_typeof(carried) = 'object'),
  add column carried_after jsonb not null default '{}' check (jsonb_typeof(carried_after) = 'object');
grant update (carried, carried_after) on metering_spans to tollgate_app, tollgate_job;

-- A check reads them with the span.
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
  span_anchor date, span_time_zone text, count_from timestamptz, free boolean, span_carried jsonb, span_carried_after jsonb
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
    span_carried := null;
    span_carried_after := null;
    source_kind := null;
    used := null;
    aggregation := null;
    v_known := false;
    for feature_id, feature_kind, source_kind, source_id, source_name, catalog_id, quantity, unlimited, limit_quantity,
        reset_period, config_value, usage_price, starts_at, ends_at, free in
      select e.feature_id, e.kind, e.source_kind, e.source_id, e.source_name, e.catalog_id, e.quantity, e.unlimited,
        e.limit_quantity, e.reset_period, e.config_value, e.usage_price, e.starts_at, e.ends_at, e.free
      from tenant_entitlements e
      where e.tenant_id = v_asked and e.feature_code = p_feature_codes[i]
        and e.starts_at <= v_at and (e.ends_at is null or e.ends_at > v_at)
    loop
      if not v_known and feature_kind = 'METERED' then
        select m.anchor_date, m.time_zone, m.subscription_id, m.starts_at, m.ends_at, m.trial, m.count_from,
               m.carried -> feature_id::text, m.carried_after -> feature_id::text
          into span_anchor, span_time_zone, span_subscription, span_start, span_end, span_trial, count_from,
               span_carried, span_carried_after
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
