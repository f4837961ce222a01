-- Money that went back moves the accounts of what it was paid for, whoever sent it: a refund that was asked for here, one that was
-- made at the provider, a dispute that was lost.

-- What lost disputes took of a payment; refunds have `refunded`. Together never more than came.
alter table payments add column disputed bigint not null default 0 check (disputed >= 0);
grant update (disputed) on payments to tollgate_app, tollgate_job;

alter table refunds
  drop constraint refunds_reason_check,
  add constraint refunds_reason_check check (reason in ('REQUESTED', 'CREDIT_NOTE', 'PAID_TWICE', 'OVERPAID', 'AT_PROVIDER'));

-- What had been credited already is not on an account any more: it comes off the balance, and back into it where the refund fails.
alter table credit_balance_entries
  add column refund_id uuid,
  add column dispute_id uuid,
  add foreign key (tenant_id, refund_id) references refunds (tenant_id, id),
  add foreign key (tenant_id, dispute_id) references disputes (tenant_id, id),
  drop constraint credit_balance_entries_kind_check,
  add constraint credit_balance_entries_kind_check
    check (kind in ('CREDIT_NOTE', 'APPLIED', 'RETURNED', 'OVERPAID', 'REFUNDED'));
create index credit_balance_entries_of_refund on credit_balance_entries (tenant_id, refund_id) where refund_id is not null;

-- What a refund or a lost dispute took, with its tax: off the accounts of what was paid, and off the balance.
create view money_back with (security_invoker = true) as
  select m.tenant_id, m.currency, m.refund_id, m.dispute_id, -sum(m.amount) as taken
    from (select c.tenant_id, c.currency, c.refund_id, c.dispute_id,
                 c.amount + case when coalesce((l.tax -> 'rate' ->> 'inclusive')::boolean, false) then 0 else c.tax end as amount
            from item_charges c
            left join invoice_lines l on l.tenant_id = c.tenant_id and l.id = c.origin_line_id
           where c.kind = 'REFUNDED'
          union all
          select e.tenant_id, e.currency, e.refund_id, e.dispute_id, e.amount
            from credit_balance_entries e where e.kind = 'REFUNDED') m
   group by 1, 2, 3, 4;

-- One that was asked for takes all that it gives, one that failed takes nothing; what happened outside takes what there is.
create view check_money_back with (security_invoker = true) as
  select 'refund ' || r.id as subject,
         'is ' || lower(r.status) || ' and gives ' || r.amount || ' back, and ' || b.taken || ' was taken for it' as detail
    from money_back b join refunds r on r.tenant_id = b.tenant_id and r.id = b.refund_id
   where b.taken <> case when r.status = 'FAILED' then 0 when r.reason = 'REQUESTED' then r.amount else least(b.taken, r.amount) end
      or b.taken < 0
  union all
  select 'dispute ' || d.id, 'is ' || lower(d.status) || ' about ' || d.amount || ', and ' || b.taken || ' was taken for it'
    from money_back b join disputes d on d.tenant_id = b.tenant_id and d.id = b.dispute_id
   where b.taken < 0 or b.taken > case d.status when 'LOST' then d.amount else 0 end;

-- What is on trial ends with the grace of a debt, with a subscription and without one.
create view access_ends with (security_invoker = true) as
  select t.id as tenant_id,
         case when s.id is not null then s.access_until
              else ((min(c.first_failed_at) at time zone coalesce(t.time_zone, h.time_zone)
                      + make_interval(days => coalesce(p.grace_days, 7)))
                    at time zone coalesce(t.time_zone, h.time_zone))::timestamptz(3) end as ends_at
    from tenants t
    join partners h on h.id = t.partner_id
    left join subscriptions s on s.tenant_id = t.id and s.status <> 'CANCELLED'
    left join invoice_collections c on c.tenant_id = t.id and c.ended_at is null
    left join partner_dunning_policies p on p.partner_id = t.partner_id
   group by t.id, h.time_zone, s.tenant_id, s.id, s.access_until, p.grace_days;
