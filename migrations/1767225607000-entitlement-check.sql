-- The one question that is asked on every request of a partner's product: one statement, one round trip, one snapshot.
-- Runs with the caller's rights: it enters the account like any transaction, then reads what the policies show. One row for
-- each source that holds; one with nulls where there is none; no row where the tenant is not in view.
create function app.check_entitlement(
  p_user uuid, p_partner uuid, p_entered_tenant uuid, p_tenant uuid,
  p_feature_code text, p_as_of timestamptz, p_now timestamptz
)
returns table (
  partner_id uuid, currency text, time_zone text, sandbox boolean, tenant_now timestamptz,
  feature_id uuid, feature_kind text, source_kind text, source_id uuid, source_name text, catalog_id uuid, quantity bigint,
  unlimited boolean, limit_quantity numeric, reset_period text, config_value text, starts_at timestamptz,
  ends_at timestamptz, anchor_date date, subscription_time_zone text
)
language plpgsql as $$
declare
  v_partner uuid;
  v_currency text;
  v_time_zone text;
  v_sandbox boolean;
  v_clock timestamptz;
  v_at timestamptz;
begin
  select e.partner_id, e.tenant_currency, e.tenant_time_zone, e.sandbox, e.test_clock
    into v_partner, v_currency, v_time_zone, v_sandbox, v_clock
    from app.enter(p_user, p_partner, p_entered_tenant) e;
  if p_entered_tenant is distinct from p_tenant then
    select t.partner_id, t.currency, coalesce(t.time_zone, h.time_zone), t.sandbox, t.test_clock
      into v_partner, v_currency, v_time_zone, v_sandbox, v_clock
      from tenants t join partners h on h.id = t.partner_id where t.id = p_tenant;
    if not found then
      return;
    end if;
  end if;
  v_at := coalesce(p_as_of, v_clock, p_now);
  return query
    select v_partner, v_currency, v_time_zone, v_sandbox, coalesce(v_clock, p_now),
      e.feature_id, e.kind, e.source_kind, e.source_id, e.source_name, e.catalog_id, e.quantity, e.unlimited,
      e.limit_quantity, e.reset_period, e.config_value, e.starts_at::timestamptz, e.ends_at::timestamptz,
      s.anchor_date, s.time_zone
    from tenant_entitlements e
    left join subscriptions s on s.tenant_id = e.tenant_id and s.status <> 'CANCELLED'
    where e.tenant_id = p_tenant and e.feature_code = p_feature_code
      and e.starts_at <= v_at and (e.ends_at is null or e.ends_at > v_at);
  if not found then
    partner_id := v_partner;
    currency := v_currency;
    time_zone := v_time_zone;
    sandbox := v_sandbox;
    tenant_now := coalesce(v_clock, p_now);
    return next;
  end if;
end $$;
revoke all on function app.check_entitlement(uuid, uuid, uuid, uuid, text, timestamptz, timestamptz) from public;
grant execute on function app.check_entitlement(uuid, uuid, uuid, uuid, text, timestamptz, timestamptz) to tollgate_app;
