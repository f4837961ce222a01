-- More of what must always hold, as views of what breaks it: money that came and went, standing, entitlements, usage, events.
-- Each is a few joins and sums over whole tables: linear, never row by row.

-- What came for an invoice, by the rows that say so: payments that succeeded, less what of them went back because it was not due;
-- and what the balance gave.
create view invoice_money with (security_invoker = true) as
  select i.tenant_id, i.id as invoice_id, i.number, i.currency, i.status, i.payment_reference,
         i.credit_applied + i.paid as paid,
         coalesce(p.amount, 0) - coalesce(r.amount, 0) - coalesce(b.moved, 0) as came,
         coalesce(b.returned, 0) as returned
    from invoices i
    left join (select tenant_id, invoice_id, sum(amount) as amount from payments where status = 'SUCCEEDED' group by 1, 2) p
      on p.tenant_id = i.tenant_id and p.invoice_id = i.id
    left join (select p.tenant_id, p.invoice_id, sum(r.amount) as amount
                 from refunds r join payments p on p.tenant_id = r.tenant_id and p.id = r.payment_id
                where r.reason in ('PAID_TWICE', 'OVERPAID') and r.status <> 'FAILED' group by 1, 2) r
      on r.tenant_id = i.tenant_id and r.invoice_id = i.id
    left join (select tenant_id, invoice_id, sum(amount) filter (where kind in ('APPLIED', 'OVERPAID')) as moved,
                      sum(amount) filter (where kind = 'RETURNED') as returned
                 from credit_balance_entries where invoice_id is not null group by 1, 2) b
      on b.tenant_id = i.tenant_id and b.invoice_id = i.id;

create view check_paid_twice with (security_invoker = true) as
  select 'invoice ' || m.number as subject, m.came || ' came for it and was kept, ' || m.paid || ' of it is paid' as detail
    from invoice_money m where m.came > m.paid;

-- Paid means that money came: through a provider, from the balance, or outside, where somebody said by which reference.
create view check_paid_without_money with (security_invoker = true) as
  select 'invoice ' || m.number as subject,
         m.paid || ' of it is paid, ' || m.came || ' came, and nobody said that it was paid outside' as detail
    from invoice_money m where m.came < m.paid and m.payment_reference is null;

-- What a void invoice was paid with is the tenant's again, and nothing else is.
create view check_returned_money with (security_invoker = true) as
  select 'invoice ' || m.number as subject,
         'is ' || lower(m.status) || ', ' || m.paid || ' of it was paid, and ' || m.returned || ' went back into the balance' as detail
    from invoice_money m where m.returned <> case m.status when 'VOID' then m.paid else 0 end;

create view check_payments with (security_invoker = true) as
  select 'payment ' || p.id as subject,
         'is of ' || p.amount || ' ' || p.currency || ', its invoice ' || i.number || ' asks for ' || i.amount_due || ' ' || i.currency as detail
    from payments p join invoices i on i.tenant_id = p.tenant_id and i.id = p.invoice_id
   where p.currency <> i.currency or p.amount > i.amount_due
  union all
  select 'payment ' || p.id, 'is of an invoice that nobody collects'
    from payments p
   where not exists (select 1 from invoice_collections c where c.tenant_id = p.tenant_id and c.invoice_id = p.invoice_id)
  union all
  select 'payment ' || p.id, 'gave ' || p.refunded || ' back, its refunds make ' || coalesce(r.amount, 0)
    from payments p
    left join (select tenant_id, payment_id, sum(amount) as amount from refunds where status <> 'FAILED' group by 1, 2) r
      on r.tenant_id = p.tenant_id and r.payment_id = p.id
   where p.refunded <> coalesce(r.amount, 0);

-- What a credit note gives goes one way, whole.
create view check_settlements with (security_invoker = true) as
  select 'credit note ' || n.number as subject,
         'is of ' || n.total || ' to ' || lower(replace(n.settlement, '_', ' ')) || ': ' || coalesce(b.amount, 0)
           || ' went into the balance, ' || coalesce(r.amount, 0) || ' back to a payment' as detail
    from credit_notes n
    left join (select tenant_id, credit_note_id, sum(amount) as amount from credit_balance_entries
                where credit_note_id is not null group by 1, 2) b on b.tenant_id = n.tenant_id and b.credit_note_id = n.id
    left join (select tenant_id, credit_note_id, sum(amount) as amount from refunds
                where credit_note_id is not null and status <> 'FAILED' group by 1, 2) r
      on r.tenant_id = n.tenant_id and r.credit_note_id = n.id
   where (coalesce(b.amount, 0), coalesce(r.amount, 0)) is distinct from (
           case n.settlement when 'CREDIT_BALANCE' then n.total when 'REFUND' then n.total - coalesce(r.amount, 0) else 0 end,
           case n.settlement when 'REFUND' then coalesce(r.amount, 0) else 0 end);

-- What left a tenant's account never exceeds what came in: from providers, outside, and what a provider billed by itself.
create view check_money_out with (security_invoker = true) as
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
          -- What happened outside after its money had been credited and spent is a loss, and no fault: what it took counts. What went back of
          -- what Stripe bills names neither a refund nor a dispute of ours.
          select tenant_id, currency, 0, sum(amount) from refunds where status <> 'FAILED' and reason <> 'AT_PROVIDER' group by 1, 2
          union all
          select b.tenant_id, b.currency, 0, sum(b.taken)
            from money_back b left join refunds r on r.tenant_id = b.tenant_id and r.id = b.refund_id
           where b.refund_id is null or r.reason = 'AT_PROVIDER' group by 1, 2
          union all
          select tenant_id, currency, 0, sum(total) from credit_notes where settlement = 'OUTSIDE' group by 1, 2) m
   group by m.tenant_id, m.currency having sum(m.left_over) > sum(m.came);

create view check_currencies with (security_invoker = true) as
  select 'invoice line ' || l.id as subject, 'is in ' || l.currency || ', its invoice ' || i.number || ' in ' || i.currency as detail
    from invoice_lines l join invoices i on i.tenant_id = l.tenant_id and i.id = l.invoice_id where l.currency <> i.currency
  union all
  select 'credit note line ' || l.id, 'is in ' || l.currency || ', its credit note ' || n.number || ' in ' || n.currency
    from credit_note_lines l join credit_notes n on n.tenant_id = l.tenant_id and n.id = l.credit_note_id where l.currency <> n.currency
  union all
  select 'account of item ' || a.item_id, 'holds ' || a.currency || ' and other currencies'
    from (select tenant_id, item_id, period_start, min(currency) as currency from item_charges
           group by 1, 2, 3 having min(currency) <> max(currency)) a;

-- The header's tax is that of its lines and of its rates; where nothing is credited, each rate's is the percentage of its base.
create view check_taxes with (security_invoker = true) as
  with documents as (
    select i.tenant_id, i.id, 'invoice ' || i.number as name, i.tax, i.taxes, l.tax as of_lines, l.credits
      from invoices i
      left join (select tenant_id, invoice_id, sum(amount) filter (where kind = 'TAX') as tax,
                        count(*) filter (where kind = 'PRORATION_CREDIT') as credits
                   from invoice_lines group by 1, 2) l on l.tenant_id = i.tenant_id and l.invoice_id = i.id
    union all
    select n.tenant_id, n.id, 'credit note ' || n.number, n.tax, n.taxes, l.tax, 1
      from credit_notes n
      left join (select tenant_id, credit_note_id, sum(amount) as tax from credit_note_lines where kind = 'TAX' group by 1, 2) l
        on l.tenant_id = n.tenant_id and l.credit_note_id = n.id
  ), rates as (
    select d.tenant_id, d.id, d.name, d.credits, (t -> 'rate' -> 'percent' ->> '$decimal')::numeric as percent,
           (t -> 'rate' ->> 'inclusive')::boolean as inclusive, (t -> 'base' -> 'minor' ->> '$bigint')::numeric as base,
           (t -> 'amount' -> 'minor' ->> '$bigint')::numeric as amount
      from documents d, jsonb_array_elements(d.taxes) t
  )
  select d.name as subject, 'its tax is ' || d.tax || ', its lines make ' || coalesce(d.of_lines, 0) as detail
    from documents d where d.tax <> coalesce(d.of_lines, 0)
  union all
  select d.name, 'its tax is ' || d.tax || ', its rates make ' || coalesce(r.amount, 0)
    from documents d
    left join (select tenant_id, id, sum(amount) filter (where not inclusive) as amount from rates group by 1, 2) r
      on r.tenant_id = d.tenant_id and r.id = d.id
   where d.tax <> coalesce(r.amount, 0)
  union all
  select r.name, 'its tax is ' || r.amount || ', ' || r.percent || ' % of ' || r.base || ' is another amount'
    from rates r
   where r.credits = 0
     and r.amount <> case when r.inclusive then round((r.base + r.amount) * r.percent / (100 + r.percent)) else round(r.base * r.percent / 100) end;

-- An invoice that asks for money is collected, and no other.
create view check_collections with (security_invoker = true) as
  select 'invoice ' || i.number as subject, 'asks for money, and nobody collects it' as detail
    from invoices i
   where i.status = 'FINALIZED' and i.credited + i.paid < i.amount_due
     and not exists (select 1 from invoice_collections c
                      where c.tenant_id = i.tenant_id and c.invoice_id = i.id and c.ended_at is null)
  union all
  select 'invoice ' || i.number, 'is ' || lower(i.status) || ', its collection is ' || lower(c.status)
    from invoice_collections c join invoices i on i.tenant_id = c.tenant_id and i.id = c.invoice_id
   where i.status <> 'FINALIZED' and c.ended_at is null or (c.status = 'PAID' and i.status <> 'PAID');

-- Debt is the tenant's: a subscription stands by all that its tenant owes, whichever of its subscriptions asked for it.
create view check_standing with (security_invoker = true) as
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

-- What the tenant has, by the rows that a check reads, and where it comes from: by the tenant's own clock. What the catalog says of
-- an add-on may have changed since the rows were made; what a plan's version and a grant say never does. What a licence gives on trial
-- ends with the grace of a debt.
create view entitlement_sources with (security_invoker = true) as
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
         least(coalesce(a.ended_at, least(a.ends_at, s.access_until)), a.access_until), coalesce(t.test_clock, now())
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

-- An entitlement that nothing gives (any more), or more of it.
create view check_entitlement_sources with (security_invoker = true) as
  select 'entitlement ' || e.id as subject, 'gives ' || e.feature_code || ', and its ' || lower(e.source_kind) || ' does not' as detail
    from tenant_entitlements e
    join tenants t on t.id = e.tenant_id
   where e.starts_at <= coalesce(t.test_clock, now()) and (e.ends_at is null or e.ends_at > coalesce(t.test_clock, now()))
     and not exists (
       select 1 from entitlement_sources s
        where s.tenant_id = e.tenant_id and s.source_kind = e.source_kind and s.source_id = e.source_id and s.catalog_id = e.catalog_id
          and s.starts_at <= s.clock and (s.ends_at is null or s.ends_at > s.clock)
          and (not s.is_exact or s.feature_id = e.feature_id)
          -- It does not go on for longer than its source either: not past a cancellation, not past a debt's grace.
          and (s.ends_at is null or s.ends_at >= e.ends_at)
          and s.quantity = e.quantity
          and (not s.is_exact or (s.unlimited, s.limit_quantity) is not distinct from (e.unlimited, e.limit_quantity)));

-- A source that gives something which the tenant does not have.
create view check_missing_entitlements with (security_invoker = true) as
  select 'tenant ' || s.tenant_id as subject,
         'its ' || lower(s.source_kind) || ' ' || s.source_id || ' gives ' || f.code || ', and it has no such entitlement' as detail
    from entitlement_sources s join features f on f.id = s.feature_id
   where s.is_exact and s.starts_at <= s.clock and (s.ends_at is null or s.ends_at > s.clock)
     and not exists (
       select 1 from tenant_entitlements e
        where e.tenant_id = s.tenant_id and e.feature_id = s.feature_id and e.source_kind = s.source_kind and e.source_id = s.source_id
          and e.catalog_id = s.catalog_id and e.starts_at <= s.clock and (e.ends_at is null or e.ends_at > s.clock));

-- What counts, by the events, beside what the rollups say: of each day, and the quarters of an hour beside their day.
create view counted_events with (security_invoker = true) as
  with countings as (
    select m.partner_id, m.feature_id, m.event_type as type, m.aggregation, m.value_property, m.unique_property, m.filters,
           m.created_at as since
      from meters m
    union all
    select f.partner_id, f.id, f.code, 'SUM', null, null, '[]', f.created_at
      from features f
     where f.kind = 'METERED' and not exists (select 1 from meters m where m.partner_id = f.partner_id and m.feature_id = f.id)
  )
  select e.tenant_id, c.feature_id, c.aggregation, e.happened_at, date_trunc('day', e.happened_at, 'UTC') as day,
         e.source || E'\n' || e.event_id as event_key,
         case when c.aggregation in ('COUNT', 'UNIQUE_COUNT') then 1 else app.measured(e.quantity, e.data, c.value_property) end as quantity,
         e.data ->> c.unique_property as unique_value
    from usage_events e
    join countings c on c.partner_id = e.partner_id and c.type = e.type and e.recorded_at >= c.since
   where not exists (select 1 from jsonb_array_elements(c.filters) f
                      where (f -> 'values' ? (e.data ->> (f ->> 'property'))) is not true);

create view check_rollups with (security_invoker = true) as
  with by_events as (
    select tenant_id, feature_id, day, sum(quantity) as quantity, count(*) as events, max(quantity) as maximum, max(happened_at) as latest_at,
           (array_agg(quantity order by happened_at desc, event_key collate "C" desc) filter (where aggregation = 'LATEST'))[1] as latest,
           count(distinct unique_value) as uniques
      from counted_events group by 1, 2, 3
  ), by_quarters as (
    select tenant_id, feature_id, date_trunc('day', bucket_start, 'UTC') as day, sum(quantity) as quantity, sum(events) as events,
           max(maximum) as maximum, max(latest_at) as latest_at
      from usage_rollups where grain = 'QUARTER' group by 1, 2, 3
  ), by_days as (
    select tenant_id, feature_id, bucket_start as day, quantity, events, maximum, latest_at, latest_quantity as latest
      from usage_rollups where grain = 'DAY'
  ), uniques as (
    select tenant_id, feature_id, date_trunc('day', bucket_start, 'UTC') as day, count(*) filter (where grain = 'DAY') as of_day,
           count(distinct value) as seen
      from usage_uniques group by 1, 2, 3
  )
  select 'tenant ' || coalesce(e.tenant_id, d.tenant_id) as subject,
         'feature ' || coalesce(e.feature_id, d.feature_id) || ', ' || coalesce(e.day, d.day)::date || ': its events make '
           || coalesce(e.quantity, 0) || ' in ' || coalesce(e.events, 0) || ', the rollup says ' || coalesce(d.quantity, 0) || ' in '
           || coalesce(d.events, 0) as detail
    from by_events e
    full join by_days d on d.tenant_id = e.tenant_id and d.feature_id = e.feature_id and d.day = e.day
   where (e.quantity, e.events, e.maximum, e.latest_at) is distinct from (d.quantity, d.events, d.maximum, d.latest_at)
      or e.latest <> d.latest
  union all
  select 'tenant ' || coalesce(q.tenant_id, d.tenant_id),
         'feature ' || coalesce(q.feature_id, d.feature_id) || ', ' || coalesce(q.day, d.day)::date || ': its quarters make '
           || coalesce(q.quantity, 0) || ', the day says ' || coalesce(d.quantity, 0)
    from by_quarters q
    full join by_days d on d.tenant_id = q.tenant_id and d.feature_id = q.feature_id and d.day = q.day
   where (q.quantity, q.events, q.maximum, q.latest_at) is distinct from (d.quantity, d.events, d.maximum, d.latest_at)
  union all
  select 'tenant ' || coalesce(e.tenant_id, u.tenant_id),
         'feature ' || coalesce(e.feature_id, u.feature_id) || ', ' || coalesce(e.day, u.day)::date || ': its events tell '
           || coalesce(e.uniques, 0) || ' values apart, the rollup ' || coalesce(u.of_day, 0)
    from (select * from by_events where uniques > 0) e
    full join uniques u on u.tenant_id = e.tenant_id and u.feature_id = e.feature_id and u.day = e.day
   where (e.uniques, e.uniques) is distinct from (u.of_day, u.seen);

-- Every event that was answered for is there, and each once.
create view check_usage_events with (security_invoker = true) as
  select 'tenant ' || coalesce(e.tenant_id, k.tenant_id) as subject,
         'event ' || coalesce(e.event_id, k.event_id)
           || case when e.tenant_id is null then ' was taken and is gone' else ' has no key: it may be counted again' end as detail
    from usage_events e
    full join usage_event_keys k
      on k.tenant_id = e.tenant_id and k.event_id = e.event_id and k.source = e.source and k.happened_at = e.happened_at
   where e.tenant_id is null or k.tenant_id is null;

-- What an invoice charges for usage is what was kept of it; and no more of a window is billed than was used in it.
create view check_billed_usage with (security_invoker = true) as
  select 'invoice ' || i.number as subject, 'charges ' || coalesce(l.amount, 0) || ' for usage, ' || c.amount || ' is kept as billed' as detail
    from (select tenant_id, invoice_id, sum(amount) as amount from billed_usage_charges group by 1, 2) c
    join invoices i on i.tenant_id = c.tenant_id and i.id = c.invoice_id
    left join (select tenant_id, invoice_id, sum(amount) as amount from invoice_lines
                where kind in ('PLAN_USAGE', 'ADDON_USAGE', 'OVERAGE') group by 1, 2) l
      on l.tenant_id = i.tenant_id and l.invoice_id = i.id
   where c.amount <> coalesce(l.amount, 0)
  union all
  select 'invoice ' || i.number, 'is ' || lower(i.status) || ', and usage that it charged is to be billed again'
    from invoices i
   where i.status <> 'VOID'
     and exists (select 1 from billed_usage_charges c where c.tenant_id = i.tenant_id and c.invoice_id = i.id and c.returned);

-- What was done and never told: the rows of eighty days, by the time in their ids, and the events about them. Deliveries that an
-- endpoint should have got: of endpoints that are as they were made, for they always wanted the same.
create view check_lost_events with (security_invoker = true) as
  with since as (
    select (substr(h.hex, 1, 8) || '-' || substr(h.hex, 9, 4) || '-7000-8000-000000000000')::uuid as id
      from (select lpad(to_hex((extract(epoch from now() - interval '80 days') * 1000)::bigint), 12, '0') as hex) h
  ), told as (
    select tenant_id, type, count(*) as count
      from (select e.tenant_id, e.type from partner_events e, since
             where e.type in ('invoice.finalized', 'credit_note.created', 'payment.created', 'refund.created') and e.id > since.id
            union all
            select o.tenant_id, o.type from outbox_events o, since
             where o.type in ('invoice.finalized', 'credit_note.created', 'payment.created', 'refund.created') and o.id > since.id) e
     group by 1, 2
  ), done as (
    select tenant_id, 'invoice.finalized' as type, count(*) as count from invoices, since where invoices.id > since.id group by 1
    union all
    select tenant_id, 'credit_note.created', count(*) from credit_notes, since where credit_notes.id > since.id group by 1
    union all
    select tenant_id, 'payment.created', count(*) from payments, since where payments.id > since.id group by 1
    union all
    select tenant_id, 'refund.created', count(*) from refunds, since where refunds.id > since.id group by 1
  )
  select 'tenant ' || d.tenant_id as subject, d.count || ' times ' || d.type || ', told ' || coalesce(t.count, 0) || ' times' as detail
    from done d left join told t on t.tenant_id = d.tenant_id and t.type = d.type
   where coalesce(t.count, 0) < d.count
  union all
  select 'webhook endpoint ' || w.id, count(*) || ' events never went on their way to it, the first is ' || min(e.sequence)
    from webhook_endpoints w
    join partner_events e on e.partner_id = w.partner_id and e.numbered_at > now() - interval '29 days'
     and e.numbered_at > w.created_at + interval '1 hour' and (w.event_types = '{}' or e.type = any (w.event_types))
   where w.version = 1 and w.status = 'ENABLED' and w.deleted_at is null
     and not exists (select 1 from webhook_deliveries d
                      where d.partner_id = w.partner_id and d.endpoint_id = w.id and d.sequence = e.sequence)
   group by w.id;

-- A coupon is redeemed for what an invoice takes off with it, no more and no less; and no tenant has it more often than it may.
create view check_redemptions with (security_invoker = true) as
  select 'invoice ' || i.number as subject,
         'takes ' || coalesce(l.amount, 0) || ' off with a coupon, redeemed is ' || coalesce(r.discount, 0) as detail
    from (select tenant_id, invoice_id, source_id as coupon_id, -sum(amount) as amount from invoice_lines
           where kind = 'DISCOUNT' and source_kind = 'COUPON' group by 1, 2, 3) l
    full join (select tenant_id, invoice_id, coupon_id, sum(discount) as discount from coupon_redemptions
                where invoice_id is not null group by 1, 2, 3) r
      on r.tenant_id = l.tenant_id and r.invoice_id = l.invoice_id and r.coupon_id = l.coupon_id
    join invoices i on i.tenant_id = coalesce(l.tenant_id, r.tenant_id) and i.id = coalesce(l.invoice_id, r.invoice_id)
   where coalesce(l.amount, 0) <> coalesce(r.discount, 0)
  union all
  select 'coupon ' || c.code, 'tenant ' || p.tenant_id || ' has it ' || count(*) || ' times, at most ' || c.max_redemptions_per_tenant
    from tenant_pending_coupons p join partner_coupons c on c.partner_id = p.partner_id and c.id = p.coupon_id
   where p.status not in ('REMOVED', 'EXPIRED')
   group by p.tenant_id, c.code, c.id, c.max_redemptions_per_tenant having count(*) > c.max_redemptions_per_tenant;

-- A tenant has an add-on once at a time, while it has a subscription, and with what it requires.
create view check_attachments with (security_invoker = true) as
  select 'add-on subscription ' || a.id as subject, 'begins ' || a.started_at || ', the one before it lasts until ' || coalesce(a.before::text, 'it is cancelled') as detail
    from (select id, started_at, ended_at,
                 lag(coalesce(ended_at, 'infinity')) over (partition by tenant_id, addon_id order by started_at, id) as before
            from partner_tenant_addon_subscriptions where ended_at is null or ended_at > started_at) a
   where a.before > a.started_at
  union all
  select 'add-on subscription ' || a.id, 'goes on, and its subscription has ended'
    from partner_tenant_addon_subscriptions a
    join subscriptions s on s.tenant_id = a.tenant_id and s.id = a.subscription_id
   where a.ended_at is null and s.status = 'CANCELLED'
  union all
  select 'add-on subscription ' || a.id, 'goes on without the add-on that it requires, ' || o.code
    from partner_tenant_addon_subscriptions a
    join subscriptions s on s.tenant_id = a.tenant_id and s.id = a.subscription_id
    join tenants t on t.id = a.tenant_id
    join addon_requirements q on q.partner_id = a.partner_id and q.addon_id = a.addon_id
    join partner_addons o on o.partner_id = q.partner_id and o.id = q.required_addon_id
   where a.ended_at is null and (a.ends_at is null or a.ends_at > coalesce(t.test_clock, now()))
     and not exists (select 1 from partner_tenant_addon_subscriptions r
                      where r.tenant_id = a.tenant_id and r.addon_id = q.required_addon_id and r.ended_at is null)
     and not exists (select 1 from plan_versions v where v.partner_id = s.partner_id and v.id = s.plan_version_id
                        and (v.includes_all_addons
                             or exists (select 1 from plan_addons p where p.partner_id = v.partner_id and p.plan_version_id = v.id
                                           and p.addon_id = q.required_addon_id)));

-- One plan at a time, without a gap; nothing waits for a subscription that has ended.
create view check_phases with (security_invoker = true) as
  select 'subscription ' || p.subscription_id as subject,
         'a plan phase begins ' || p.started_at || ', the one before it ends ' || coalesce(p.before::text, 'never') as detail
    from (select subscription_id, started_at, lag(ended_at) over w as before, row_number() over w as number
            from subscription_items
          window w as (partition by tenant_id, subscription_id order by started_at, ended_at nulls last, id)) p
   where p.number > 1 and p.before is distinct from p.started_at
  union all
  select 'subscription ' || s.id, 'has ended, and a plan change waits for ' || c.effective_at
    from scheduled_plan_changes c join subscriptions s on s.tenant_id = c.tenant_id and s.id = c.subscription_id
   where c.status = 'PENDING' and s.status = 'CANCELLED'
  union all
  select 'subscription ' || m.subscription_id, 'counts usage in two spans from ' || m.starts_at
    from (select subscription_id, starts_at, lag(coalesce(ends_at, 'infinity')) over (partition by tenant_id, subscription_id order by starts_at) as before
            from metering_spans) m
   where m.before > m.starts_at;

-- Seats: as many as were bought and not given back, each year by its own payment; as many assigned as people have one, and no more than were bought.
create view check_seats with (security_invoker = true) as
  select 'licence ' || l.id as subject, l.assigned || ' seats assigned, ' || coalesce(s.count, 0) || ' people have one' as detail
    from licences l
    left join (select tenant_id, licence_id, count(*) as count from licence_seats where revoked_at is null group by 1, 2) s
      on s.tenant_id = l.tenant_id and s.licence_id = l.id
   where l.assigned <> coalesce(s.count, 0)
  union all
  select 'licence ' || l.id, l.seats || ' seats, ' || coalesce(p.bought, 0) || ' were bought and not given back'
    from licences l
    left join (select tenant_id, licence_id,
                      coalesce(sum(quantity - seats_refunded) filter (where kind <> 'RENEWAL'), 0) as bought,
                      max(quantity) filter (where kind = 'RENEWAL' and refunded_amount < coalesce(paid_amount, amount)) as renewed
                 from licence_purchases where licence_id is not null and completed_at is not null group by 1, 2) p
      on p.tenant_id = l.tenant_id and p.licence_id = l.id
   where not l.trial
     and (l.seats > coalesce(p.bought, 0) + coalesce(p.renewed, 0)
          or (p.renewed is null and l.seats <> coalesce(p.bought, 0)))
  union all
  select 'licence ' || l.id, l.assigned || ' of ' || l.seats || ' seats are assigned, and none was given back'
    from licences l
   where l.assigned > l.seats
     and not exists (select 1 from licence_purchases p where p.tenant_id = l.tenant_id and p.licence_id = l.id
                       and (p.seats_refunded > 0 or p.refunded_amount > 0));
