-- A period that came back with a void invoice is used once more: it does not count as one too many.
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
    left join (select tenant_id, pending_coupon_id, count(*) as count from coupon_redemptions group by 1, 2) r
      on r.tenant_id = p.tenant_id and r.pending_coupon_id = p.id
   where p.periods_applied <> coalesce(r.count, 0)
      or p.periods_applied - p.periods_returned > case c.duration when 'ONCE' then 1 when 'REPEATING' then c.duration_periods end;
