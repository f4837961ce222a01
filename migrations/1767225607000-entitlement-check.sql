-- The one question that is asked on every request of a partner's product: one statement, one round trip, for one check or
-- for all that are waiting. Runs with the caller's rights: for each check it enters the asker's account like any
-- transaction, then reads what the policies show. Check number i asks as p_users[i], who enters p_partners[i] and
-- p_entered_tenants[i], for p_tenants[i]. One row for each source that holds; one with nulls where there is none; no row
-- where the tenant is not in view.
create function app.check_entitlements(
  p_users uuid[], p_partners uuid[], p_entered_tenants uuid[], p_tenants uuid[],
  p_feature_codes text[], p_as_of timestamptz[], p_now timestamptz
)
returns table (
  place integer, partner_id uuid, tenant_now timestamptz,
  feature_id uuid, feature_kind text, source_kind text, source_id uuid, source_name text, catalog_id uuid, quantity bigint,
  unlimited boolean, limit_quantity numeric, reset_period text, config_value text, starts_at timestamptz,
  ends_at timestamptz, anchor_date date, subscription_time_zone text
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
    v_known := false;
    for feature_id, feature_kind, source_kind, source_id, source_name, catalog_id, quantity, unlimited, limit_quantity,
        reset_period, config_value, starts_at, ends_at in
      select e.feature_id, e.kind, e.source_kind, e.source_id, e.source_name, e.catalog_id, e.quantity, e.unlimited,
        e.limit_quantity, e.reset_period, e.config_value, e.starts_at, e.ends_at
      from tenant_entitlements e
      where e.tenant_id = v_asked and e.feature_code = p_feature_codes[i]
        and e.starts_at <= v_at and (e.ends_at is null or e.ends_at > v_at)
    loop
      -- When a limit starts over follows the subscription; most features never do.
      if reset_period <> 'NEVER' and not v_known then
        select s.anchor_date, s.time_zone into anchor_date, subscription_time_zone
          from subscriptions s where s.tenant_id = v_asked and s.status <> 'CANCELLED';
        v_known := true;
      end if;
      return next;
    end loop;
    if source_kind is null then
      return next;
    end if;
  end loop;
end $$;
revoke all on function app.check_entitlements(uuid[], uuid[], uuid[], uuid[], text[], timestamptz[], timestamptz) from public;
grant execute on function app.check_entitlements(uuid[], uuid[], uuid[], uuid[], text[], timestamptz[], timestamptz) to tollgate_app;
