/**
 * The same bills by one set-based statement: everything that the run writes, with amounts computed and explanations made in
 * SQL. It knows this world only: no coupons, credit, changes, zones or models of price, each of which would be a case more.
 */
const statement = `
with due as materialized (
  select s.tenant_id, s.id as subscription_id, s.partner_id, s.period_end as start, s.period_end + interval '1 month' as end,
         s.period_start as closed_start, p.coupon_order, i.id as item_id, i.unit_amount, i.quantity, l.name as plan_name,
         gen_random_uuid() as invoice_id, row_number() over (order by s.tenant_id) as place
    from subscriptions s
    join tenants t on t.id = s.tenant_id and not t.sandbox
    join partners p on p.id = s.partner_id
    join subscription_items i on i.tenant_id = s.tenant_id and i.id = s.plan_item_id
    join plans l on l.partner_id = s.partner_id and l.id = s.plan_id
   where s.status = 'ACTIVE' and s.period_end <= timestamptz '2025-02-01'
), numbers as (
  update invoice_numbers n set next_invoice = next_invoice + d.count
    from (select partner_id, count(*) as count from due group by partner_id) d where n.partner_id = d.partner_id
  returning n.partner_id, n.next_invoice - d.count as first
), used as materialized (
  select d.tenant_id, e.feature_id, e.source_id, f.name as feature_name, e.source_name, u.quantity,
         (e.usage_price -> 'inside') as price
    from due d
    join tenant_entitlements e on e.tenant_id = d.tenant_id and e.kind = 'METERED' and e.usage_price is not null
    join features f on f.partner_id = d.partner_id and f.id = e.feature_id
    join lateral (select sum(r.quantity) as quantity from usage_rollups r
                   where r.tenant_id = d.tenant_id and r.feature_id = e.feature_id and r.grain = 'DAY'
                     and r.bucket_start >= d.closed_start and r.bucket_start < d.start) u on u.quantity > 0
), lines as materialized (
  select x.*, gen_random_uuid() as line_id,
         row_number() over (partition by x.tenant_id order by x.sort, x.source_id, x.name) as position
    from (
      select d.tenant_id, 1 as sort, 'PLAN_FIXED' as kind, 'PLAN' as source_kind, d.item_id as source_id, d.plan_name as name,
             d.quantity::numeric as quantity, d.unit_amount * d.quantity as amount, d.unit_amount::numeric as unit
        from due d
      union all
      select d.tenant_id, 2, 'ADDON_FIXED', 'ADDON', a.id, n.name, a.quantity, a.unit_amount * a.quantity, a.unit_amount
        from due d
        join partner_tenant_addon_subscriptions a on a.tenant_id = d.tenant_id and a.ended_at is null
        join partner_addons n on n.partner_id = d.partner_id and n.id = a.addon_id
      union all
      select u.tenant_id, 3, 'PLAN_USAGE', 'PLAN', u.source_id, u.feature_name, u.quantity, round(u.quantity * 1)::bigint, 1
        from used u
    ) x
), totals as materialized (
  select tenant_id, sum(amount) as total from lines group by tenant_id
), headers as (
  insert into invoices (tenant_id, id, partner_id, subscription_id, number, kind, reason, status, currency, subtotal, discount,
    total, credit_applied, amount_due, period_start, period_end, coupon_order, issued_at, created_at)
  select d.tenant_id, d.invoice_id, d.partner_id, d.subscription_id, 'BENCH-' || lpad((n.first + d.place - 1)::text, 6, '0'),
    'PERIOD', 'RENEWAL', 'FINALIZED', 'EUR', t.total, 0, t.total, 0, t.total, d.start, d.end, d.coupon_order, now(), now()
    from due d join totals t on t.tenant_id = d.tenant_id join numbers n on n.partner_id = d.partner_id
  returning tenant_id, id, number
), written as (
  insert into invoice_lines (tenant_id, id, partner_id, invoice_id, position, kind, source_kind, source_id, description,
    quantity, amount, currency, period_start, period_end, explanation)
  select l.tenant_id, l.line_id, d.partner_id, d.invoice_id, l.position, l.kind, l.source_kind, l.source_id, l.name, l.quantity,
    l.amount, 'EUR', d.start, d.end,
    jsonb_build_object('rule', 'fixed-price', 'formula', 'price * quantity * (remaining / total)', 'operands',
      jsonb_build_array(jsonb_build_object('name', 'price', 'value', (l.unit / 100)::text, 'unit', 'EUR', 'source', l.source_id),
        jsonb_build_object('name', 'quantity', 'value', l.quantity::text, 'unit', '1'),
        jsonb_build_object('name', 'remaining', 'value', '28', 'unit', 'days'),
        jsonb_build_object('name', 'total', 'value', '28', 'unit', 'days')),
      'exact', (l.amount / 100.0)::text, 'rounding', 'HALF_AWAY_FROM_ZERO', 'result', (l.amount / 100.0)::numeric(20, 2)::text,
      'sentence', l.name || ': ' || (l.unit / 100)::text || ' EUR × ' || l.quantity || ' = ' || (l.amount / 100.0)::text || ' EUR.')
    from lines l join due d on d.tenant_id = l.tenant_id
  returning 1
), charged as (
  insert into item_charges (tenant_id, id, partner_id, subscription_id, item_id, period_start, period_end, kind, amount,
    currency, share_remaining, share_total, invoice_line_id, created_at)
  select l.tenant_id, gen_random_uuid(), d.partner_id, d.subscription_id, l.source_id, d.start, d.end, 'CHARGE', l.amount, 'EUR',
    28, 28, l.line_id, now()
    from lines l join due d on d.tenant_id = l.tenant_id where l.sort < 3
  returning 1
), billed as (
  insert into billed_usage (tenant_id, partner_id, subscription_id, feature_id, window_start, window_end, billed_until, quantity,
    paid_in_advance, billed_at)
  select d.tenant_id, d.partner_id, d.subscription_id, u.feature_id, d.closed_start, d.start, d.start, u.quantity, '{}', now()
    from used u join due d on d.tenant_id = u.tenant_id
  on conflict (tenant_id, subscription_id, feature_id, window_start) do update set billed_until = excluded.billed_until,
    quantity = excluded.quantity, billed_at = excluded.billed_at
  returning 1
), balances as (
  insert into credit_balances (tenant_id, currency, partner_id) select tenant_id, 'EUR', partner_id from due
  on conflict (tenant_id, currency) do nothing returning 1
), collections as (
  insert into invoice_collections (tenant_id, invoice_id, partner_id, subscription_id, sandbox, status, due_at, created_at)
  select d.tenant_id, d.invoice_id, d.partner_id, d.subscription_id, false, 'OPEN',
    case when exists (select from payment_methods m where m.tenant_id = d.tenant_id and m.is_default) then now() end, now()
    from due d returning 1
), renewed as (
  update subscriptions s set period_index = s.period_index + 1, period_start = d.start, period_end = d.end, version = s.version + 1
    from due d where s.tenant_id = d.tenant_id and s.id = d.subscription_id returning 1
), changes as (
  insert into subscription_changes (tenant_id, id, partner_id, subscription_id, kind, happened_at, facts)
  select d.tenant_id, gen_random_uuid(), d.partner_id, d.subscription_id, 'RENEWED', d.start,
    jsonb_build_object('period', d.start::date || ' – ' || d.end::date, 'invoice', h.number)
    from due d join headers h on h.tenant_id = d.tenant_id returning 1
)
insert into outbox_events (tenant_id, id, partner_id, type, payload, occurred_at)
select d.tenant_id, gen_random_uuid(), d.partner_id, e.type,
  jsonb_build_object('invoice', to_jsonb(t), 'number', h.number, 'subscription', d.subscription_id, 'period', d.start), now()
  from due d join headers h on h.tenant_id = d.tenant_id join totals t on t.tenant_id = d.tenant_id
  cross join (values ('invoice.finalized'), ('subscription.renewed')) e (type)`;

/** Answers how many seconds it took. */
export async function billBySql(client) {
  const begin = performance.now();
  await client.query(statement);
  return (performance.now() - begin) / 1_000;
}
