-- The account of a coupon in each period: what it gave, for which item, and from where on it went back with the item's unused time.
-- A change may give again what went back, and no more.
create table coupon_discounts (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  pending_coupon_id uuid not null,
  subscription_id uuid not null,
  -- Which of the coupon's periods it is; see coupon_redemptions.
  period_number integer not null check (period_number >= 1),
  -- The use that the period is counted by. False: what went back within the period is given again.
  counts boolean not null,
  period_start timestamptz(3) not null,
  period_end timestamptz(3) not null,
  -- Null: it was given on usage, which never goes back.
  item_id uuid,
  target_kind text check (target_kind in ('PLAN', 'ADDON')),
  target_id uuid,
  -- What the discounted line costs for a whole period.
  whole_period bigint not null check (whole_period >= 0),
  amount bigint not null check (amount > 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  share_remaining bigint not null check (share_remaining > 0),
  share_total bigint not null check (share_total >= share_remaining),
  -- Null: no money moved.
  invoice_id uuid,
  voided boolean not null default false,
  -- A change did not keep the coupon: what goes back is not given again.
  lapsed boolean not null default false,
  -- The share of the period for which it went back.
  returned_remaining bigint check (returned_remaining > 0),
  returned_total bigint check (returned_total >= returned_remaining),
  created_at timestamptz(3) not null,
  primary key (tenant_id, id),
  check (period_end > period_start),
  check ((item_id is null) = (target_kind is null) and (item_id is null) = (target_id is null)),
  check ((returned_remaining is null) = (returned_total is null)),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, pending_coupon_id) references tenant_pending_coupons (tenant_id, id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id)
);
create index coupon_discounts_by_period on coupon_discounts (tenant_id, subscription_id, period_start);
create index coupon_discounts_by_use on coupon_discounts (tenant_id, pending_coupon_id, period_number);
create index coupon_discounts_by_invoice on coupon_discounts (tenant_id, invoice_id) where invoice_id is not null;
call app.protect_tenant_table('coupon_discounts');
grant select, insert, update (voided, lapsed, returned_remaining, returned_total) on coupon_discounts to tollgate_app, tollgate_job;

-- What was given before: of an item that has ended since, the rest went back.
insert into coupon_discounts (tenant_id, id, partner_id, pending_coupon_id, subscription_id, period_number, counts, period_start,
    period_end, item_id, target_kind, target_id, whole_period, amount, currency, share_remaining, share_total, invoice_id, voided,
    returned_remaining, returned_total, created_at)
select c.tenant_id, c.id, c.partner_id, r.pending_coupon_id, c.subscription_id, r.period_number,
       not exists (select 1 from coupon_redemptions e where e.tenant_id = r.tenant_id and e.pending_coupon_id = r.pending_coupon_id
                      and e.period_number = r.period_number and e.id < r.id),
       c.period_start, c.period_end, i.item_id, i.kind, i.target_id, coalesce(i.whole_period, t.amount), -c.amount, c.currency,
       c.share_remaining, c.share_total, l.invoice_id, v.status = 'VOID',
       case when i.days_left > 0 then i.days_left end, case when i.days_left > 0 then i.days end, c.created_at
  from item_charges c
  join subscriptions s on s.tenant_id = c.tenant_id and s.id = c.subscription_id
  join invoice_lines l on l.tenant_id = c.tenant_id and l.id = c.invoice_line_id and l.source_kind = 'COUPON'
  join invoice_lines t on t.tenant_id = l.tenant_id and t.id = l.discounts_line_id
  join invoices v on v.tenant_id = l.tenant_id and v.id = l.invoice_id
  join lateral (select * from coupon_redemptions x where x.tenant_id = l.tenant_id and x.invoice_id = l.invoice_id
                   and x.coupon_id = l.source_id order by x.id limit 1) r on true
  left join lateral (
    select o.*, case when o.ended_at < c.period_end
                     then (c.period_end at time zone s.time_zone)::date - (o.ended_at at time zone s.time_zone)::date end as days_left,
           (c.period_end at time zone s.time_zone)::date - (c.period_start at time zone s.time_zone)::date as days
      from (select p.id as item_id, 'PLAN' as kind, p.plan_id as target_id, p.unit_amount * p.quantity as whole_period, p.ended_at
              from subscription_items p where p.tenant_id = c.tenant_id and p.id = c.item_id
            union all
            select a.id, 'ADDON', a.addon_id, a.unit_amount * a.quantity, a.ended_at
              from partner_tenant_addon_subscriptions a where a.tenant_id = c.tenant_id and a.id = c.item_id) o) i on true
 where c.kind = 'DISCOUNT' and c.amount < 0 and c.share_remaining > 0;

-- A coupon that gave more than is its due in a period. What went back is given only up to there; amounts are rounded once each.
create view check_coupon_dues with (security_invoker = true) as
  with given as (
    select d.*, d.amount * (1 - coalesce(d.returned_remaining::numeric / d.returned_total
                                         / (d.share_remaining::numeric / d.share_total), 0)) as stands
      from coupon_discounts d where not d.voided
  )
  select 'applied coupon ' || g.pending_coupon_id as subject,
         'period ' || g.period_number || ': gave ' || round(sum(g.stands), 2) || ', due is ' || a.amount as detail
    from given g
    join tenant_pending_coupons p on p.tenant_id = g.tenant_id and p.id = g.pending_coupon_id
    join coupon_amounts a on a.partner_id = p.partner_id and a.coupon_id = p.coupon_id and a.purpose = 'DISCOUNT'
     and a.currency = g.currency
   group by g.tenant_id, g.pending_coupon_id, g.period_number, a.amount
  having sum(g.stands) >= a.amount + count(*)
  union all
  select 'applied coupon ' || g.pending_coupon_id,
         'period ' || g.period_number || ': gave ' || g.amount || ' on ' || round(g.whole_period * g.share_remaining::numeric / g.share_total, 2)
           || ', due is ' || coalesce(c.percent, 100) || ' %'
    from given g
    join tenant_pending_coupons p on p.tenant_id = g.tenant_id and p.id = g.pending_coupon_id
    join partner_coupons c on c.partner_id = p.partner_id and c.id = p.coupon_id
   where c.kind <> 'FIXED'
     and g.amount > g.whole_period * g.share_remaining::numeric / g.share_total * coalesce(c.percent, 100) / 100 + 2
  union all
  select 'applied coupon ' || g.pending_coupon_id, 'gave ' || g.amount || ' in period ' || g.period_number || ' that it was not counted in'
    from given g
   where not g.counts
     and not exists (select 1 from coupon_discounts o
                      where o.tenant_id = g.tenant_id and o.pending_coupon_id = g.pending_coupon_id and o.counts
                        and o.period_number = g.period_number and o.subscription_id = g.subscription_id
                        and o.period_start = g.period_start and o.period_end = g.period_end)
  union all
  select 'applied coupon ' || p.id, 'gave in ' || count(distinct g.period_number) || ' periods, at most '
         || case c.duration when 'ONCE' then 1 else c.duration_periods end
    from given g
    join tenant_pending_coupons p on p.tenant_id = g.tenant_id and p.id = g.pending_coupon_id
    join partner_coupons c on c.partner_id = p.partner_id and c.id = p.coupon_id
   where g.stands > 0
   group by p.id, c.duration, c.duration_periods
  having count(distinct g.period_number) > case c.duration when 'ONCE' then 1 when 'REPEATING' then c.duration_periods end;
