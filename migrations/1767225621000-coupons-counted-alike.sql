-- A coupon that is kept on a change takes again within a period it has been counted in: another redemption, no other period.
alter table coupon_redemptions drop constraint coupon_redemptions_tenant_id_pending_coupon_id_period_numbe_key;
create index coupon_redemptions_by_period on coupon_redemptions (tenant_id, pending_coupon_id, period_number);

-- The interval whose periods a coupon counts: that of its first use. Another interval ends what counts periods.
alter table tenant_pending_coupons add column counts_in text;
update tenant_pending_coupons p set counts_in = s.interval
  from subscriptions s where s.tenant_id = p.tenant_id and s.id = p.subscription_id and p.status = 'RUNNING';
grant update (counts_in) on tenant_pending_coupons to tollgate_app, tollgate_job;

-- Two redemptions of one period count once.
create or replace view check_coupon_overrun with (security_invoker = true) as
  select 'coupon ' || c.code as subject,
         c.reserved_count || ' reserved, ' || coalesce(r.count, 0) || ' in use, at most ' || coalesce(c.max_redemptions::text, 'any') as detail
    from partner_coupons c
    left join (select partner_id, coupon_id, count(*) as count from tenant_pending_coupons
                where status not in ('REMOVED', 'EXPIRED') group by 1, 2) r
      on r.partner_id = c.partner_id and r.coupon_id = c.id
   where c.reserved_count <> coalesce(r.count, 0) or c.reserved_count > c.max_redemptions
  union all
  select 'applied coupon ' || p.id,
         p.periods_applied || ' periods applied, ' || p.periods_returned || ' of them returned, ' || coalesce(r.count, 0) || ' redemptions, at most '
           || coalesce(case c.duration when 'ONCE' then 1 when 'REPEATING' then c.duration_periods end::text, 'any')
    from tenant_pending_coupons p
    join partner_coupons c on c.partner_id = p.partner_id and c.id = p.coupon_id
    left join (select tenant_id, pending_coupon_id, count(distinct period_number) as count from coupon_redemptions group by 1, 2) r
      on r.tenant_id = p.tenant_id and r.pending_coupon_id = p.id
   where p.periods_applied <> coalesce(r.count, 0)
      or p.periods_applied - p.periods_returned > case c.duration when 'ONCE' then 1 when 'REPEATING' then c.duration_periods end;
