-- A dispute that was lost may be won after all: what it took is written beside it, to be brought back.
alter table disputes add column taken bigint not null default 0 check (taken >= 0 and taken <= amount);
grant update (taken) on disputes to tollgate_app, tollgate_job;

-- So far `payments.disputed` has the sum: the older dispute took first, each as far as something was left.
update disputes d set taken = t.taken
  from (select l.tenant_id, l.id, greatest(least(l.amount, p.disputed - l.before), 0) as taken
          from (select d.*, coalesce(sum(d.amount) over (partition by d.tenant_id, d.payment_id order by d.id
                                     rows between unbounded preceding and 1 preceding), 0) as before
                  from disputes d where d.status = 'LOST') l
          join payments p on p.tenant_id = l.tenant_id and p.id = l.payment_id) t
 where t.tenant_id = d.tenant_id and t.id = d.id and d.status = 'LOST';

-- What the disputes of a payment took is what the payment says they took.
create view check_disputes with (security_invoker = true) as
  select 'payment ' || p.id as subject, 'lost ' || p.disputed || ' to disputes, they say ' || coalesce(d.taken, 0) as detail
    from payments p
    left join (select tenant_id, payment_id, sum(taken) as taken from disputes group by 1, 2) d
      on d.tenant_id = p.tenant_id and d.payment_id = p.id
   where p.disputed <> coalesce(d.taken, 0)
  union all
  select 'dispute ' || d.id, 'is ' || lower(d.status) || ' and has taken ' || d.taken
    from disputes d where d.status <> 'LOST' and d.taken <> 0;
