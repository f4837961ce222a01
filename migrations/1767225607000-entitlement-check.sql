-- The one question that is asked on every request of a partner's product: one statement, one round trip, one snapshot.
-- Runs with the caller's rights: it enters the account like any transaction, then reads what the policies show.
create function app.check_entitlement(
  p_user uuid, p_partner uuid, p_entered_tenant uuid, p_tenant uuid,
  p_feature_code text, p_feature_id uuid, p_as_of timestamptz, p_now timestamptz
)
returns table (
  partner_id uuid, currency text, time_zone text, sandbox boolean, tenant_now timestamptz,
  feature_id uuid, feature_code text, feature_name text, feature_description text, feature_kind text, feature_unit text,
  value_order text[], feature_created_at timestamptz,
  source_kind text, source_id uuid, source_name text, catalog_id uuid, quantity bigint, unlimited boolean,
  limit_quantity numeric, reset_period text, config_value text, starts_at timestamptz, ends_at timestamptz,
  anchor_date date, subscription_time_zone text
)
language plpgsql as $$
begin
  perform app.enter(p_user, p_partner, p_entered_tenant);
  return query
    select t.partner_id, t.currency, coalesce(t.time_zone, p.time_zone), t.sandbox, coalesce(t.test_clock, p_now),
      f.id, f.code, f.name, f.description, f.kind, f.unit, f.value_order, f.created_at::timestamptz,
      e.source_kind, e.source_id, e.source_name, e.catalog_id, e.quantity, e.unlimited, e.limit_quantity, e.reset_period,
      e.config_value, e.starts_at::timestamptz, e.ends_at::timestamptz, s.anchor_date, s.time_zone
    from tenants t
    join partners p on p.id = t.partner_id
    left join features f on f.partner_id = t.partner_id and (f.code = p_feature_code or f.id = p_feature_id)
    left join tenant_entitlements e on e.tenant_id = t.id and e.feature_id = f.id
      and e.starts_at <= coalesce(p_as_of, t.test_clock, p_now)
      and (e.ends_at is null or e.ends_at > coalesce(p_as_of, t.test_clock, p_now))
    left join subscriptions s on s.tenant_id = t.id and s.status <> 'CANCELLED'
    where t.id = p_tenant;
end $$;
revoke all on function app.check_entitlement(uuid, uuid, uuid, uuid, text, uuid, timestamptz, timestamptz) from public;
grant execute on function app.check_entitlement(uuid, uuid, uuid, uuid, text, uuid, timestamptz, timestamptz)
  to tollgate_app;
