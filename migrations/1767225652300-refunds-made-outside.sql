-- A refund that a partner made outside, in cash or by bank, and booked against a payment.
alter table refunds
  drop constraint refunds_reason_check,
  add constraint refunds_reason_check
    check (reason in ('REQUESTED', 'CREDIT_NOTE', 'PAID_TWICE', 'OVERPAID', 'AT_PROVIDER', 'OUTSIDE'));

-- As before: one that a partner booked takes all that it gives, too.
create or replace view check_money_back with (security_invoker = true) as
  select 'refund ' || r.id as subject,
         'is ' || lower(r.status) || ' and gives ' || r.amount || ' back, and ' || b.taken || ' was taken for it' as detail
    from money_back b join refunds r on r.tenant_id = b.tenant_id and r.id = b.refund_id
   where b.taken <> case when r.status = 'FAILED' then 0 when r.reason in ('REQUESTED', 'OUTSIDE') then r.amount
                         else least(b.taken, r.amount) end
      or b.taken < 0
  union all
  select 'dispute ' || d.id, 'is ' || lower(d.status) || ' about ' || d.amount || ', and ' || b.taken || ' was taken for it'
    from money_back b join disputes d on d.tenant_id = b.tenant_id and d.id = b.dispute_id
   where b.taken < 0 or b.taken > case d.status when 'LOST' then d.amount else 0 end;

-- As before; no provider knows of what went back outside.
create or replace function app.payments_of_provider(p_provider text, p_from timestamptz, p_after uuid, p_limit integer)
returns table (tenant_id uuid, id uuid, external_id text, amount bigint, currency text, refunded bigint, status text,
               asked_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select p.tenant_id, p.id, p.external_id, p.amount, p.currency,
         coalesce((select sum(r.amount) from refunds r
                    where r.tenant_id = p.tenant_id and r.payment_id = p.id and r.status = 'SUCCEEDED'
                      and r.reason <> 'OUTSIDE'), 0)::bigint,
         p.status, p.first_asked_at
    from payments p
   where p.provider = p_provider and p.first_asked_at >= p_from and (p_after is null or p.id > p_after)
   order by p.id limit p_limit
$$;
