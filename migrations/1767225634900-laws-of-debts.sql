-- The checks know that debt is the tenant's, and what took money back.

create or replace view check_money_out with (security_invoker = true) as
  select 'tenant ' || m.tenant_id as subject,
         sum(m.came) || ' ' || m.currency || ' came, ' || sum(m.left_over) || ' went back or lies in the balance' as detail
    from (select tenant_id, currency, sum(amount) as came, 0::numeric as left_over from payments where status = 'SUCCEEDED' group by 1, 2
          union all
          select tenant_id, currency, sum(paid - came), 0 from invoice_money where payment_reference is not null group by 1, 2
          union all
          select tenant_id, currency, sum(amount), 0 from stripe_invoices group by 1, 2
          union all
          select tenant_id, currency, 0, balance from credit_balances
          union all
          -- What happened outside after its money had been credited and spent is a loss, and no fault: what it took counts.
          select tenant_id, currency, 0, sum(amount) from refunds where status <> 'FAILED' and reason <> 'AT_PROVIDER' group by 1, 2
          union all
          select b.tenant_id, b.currency, 0, sum(b.taken)
            from money_back b left join refunds r on r.tenant_id = b.tenant_id and r.id = b.refund_id
           where b.dispute_id is not null or r.reason = 'AT_PROVIDER' group by 1, 2
          union all
          select tenant_id, currency, 0, sum(total) from credit_notes where settlement = 'OUTSIDE' group by 1, 2) m
   group by m.tenant_id, m.currency having sum(m.left_over) > sum(m.came);

-- Debt is the tenant's: a subscription stands by all that its tenant owes, whichever of its subscriptions asked for it.
create or replace view check_standing with (security_invoker = true) as
  select 'subscription ' || s.id as subject,
         'is ' || lower(s.status) || case when s.access_until is null then '' else ' with access until ' || s.access_until end
           || ', by its payments it is ' || lower(d.status) as detail
    from (select s.*, coalesce(
                 (select case when bool_or(c.status = 'EXHAUSTED') then 'UNPAID' else 'PAST_DUE' end
                    from invoice_collections c
                   where c.tenant_id = s.tenant_id and c.ended_at is null and c.first_failed_at is not null
                  having count(*) > 0), 'ACTIVE') as owed
            from subscriptions s where s.status <> 'CANCELLED') s,
         lateral (select s.owed as status) d
   where (s.status <> 'TRIALING' and s.status <> s.owed) or (s.access_until is null) <> (s.owed = 'ACTIVE');

-- What a licence gives on trial ends with the grace of a debt.
create or replace view entitlement_sources with (security_invoker = true) as
  select t.id as tenant_id, 'PLAN' as source_kind, i.id as source_id, i.plan_id as catalog_id, f.feature_id,
         f.limit_quantity, f.unlimited, 1::bigint as quantity, true as is_exact, i.started_at as starts_at,
         coalesce(i.ended_at, least(s.cancel_at, s.access_until)) as ends_at, coalesce(t.test_clock, now()) as clock
    from subscription_items i
    join tenants t on t.id = i.tenant_id
    join subscriptions s on s.tenant_id = i.tenant_id and s.id = i.subscription_id
    join plan_features f on f.partner_id = i.partner_id and f.plan_version_id = i.plan_version_id
  union all
  select t.id, 'PLAN', i.id, a.addon_id, f.feature_id, f.limit_quantity, f.unlimited, 1, false, i.started_at,
         coalesce(i.ended_at, least(s.cancel_at, s.access_until)), coalesce(t.test_clock, now())
    from subscription_items i
    join tenants t on t.id = i.tenant_id
    join subscriptions s on s.tenant_id = i.tenant_id and s.id = i.subscription_id
    join plan_versions v on v.partner_id = i.partner_id and v.id = i.plan_version_id
    cross join lateral (
      select p.addon_id from plan_addons p where p.partner_id = v.partner_id and p.plan_version_id = v.id
      union
      select o.id from partner_addons o where v.includes_all_addons and o.partner_id = v.partner_id) a
    join addon_features f on f.partner_id = i.partner_id and f.addon_id = a.addon_id
  union all
  select t.id, 'ADDON', a.id, a.addon_id, f.feature_id, f.limit_quantity, f.unlimited, a.quantity, o.version = 1, a.started_at,
         coalesce(a.ended_at, least(a.ends_at, s.access_until)), coalesce(t.test_clock, now())
    from partner_tenant_addon_subscriptions a
    join tenants t on t.id = a.tenant_id
    join subscriptions s on s.tenant_id = a.tenant_id and s.id = a.subscription_id
    join partner_addons o on o.partner_id = a.partner_id and o.id = a.addon_id
    join addon_features f on f.partner_id = a.partner_id and f.addon_id = a.addon_id
  union all
  select t.id, 'LICENCE', l.id, l.licence_product_id, f.feature_id, f.limit_quantity, f.unlimited, l.seats, false, l.starts_at,
         case when l.seats <= 0 then l.starts_at when l.trial then least(l.expires_at, a.ends_at) else l.expires_at end,
         coalesce(t.test_clock, now())
    from licences l
    join tenants t on t.id = l.tenant_id
    join access_ends a on a.tenant_id = l.tenant_id
    join licence_product_features f on f.partner_id = l.partner_id and f.licence_product_id = l.licence_product_id
  union all
  select t.id, 'GRANT', g.id, g.id, g.feature_id, g.limit_quantity, g.unlimited, 1, true, g.starts_at, g.ends_at,
         coalesce(t.test_clock, now())
    from entitlement_grants g join tenants t on t.id = g.tenant_id;
