-- A plan change that begins a full period bills it by itself: its period stands in the change's row, so that the checks can
-- tell billed time from time that nobody billed.
alter table plan_change_prorations add column new_period_start timestamptz(3), add column new_period_end timestamptz(3),
  add constraint plan_change_prorations_new_period check ((new_period_start is null) = (new_period_end is null)
    and new_period_end > new_period_start and (new_period_start is null or anchor_mode = 'RESET'));

-- Time that nobody billed: between two bills, or the period that the subscription says was billed. A change that began a
-- period is a bill. Changes of before the columns have none: until the bill that follows one, its period is not known.
create or replace view check_missing_period with (security_invoker = true) as
  with billed as (
    select i.tenant_id, i.subscription_id, i.period_start, i.period_end from invoices i where i.kind = 'PERIOD'
    union all
    select c.tenant_id, c.subscription_id, c.new_period_start, c.new_period_end
      from plan_change_prorations c where c.new_period_start is not null
  )
  select 'subscription ' || n.subscription_id as subject,
         'nothing bills ' || n.period_end || ' to ' || n.next_start as detail
    from (select b.*, lead(b.period_start) over (partition by b.tenant_id, b.subscription_id order by b.period_start, b.period_end) as next_start
            from billed b) n
   where n.next_start > n.period_end
     and not exists (select 1 from plan_change_prorations c
                      where c.tenant_id = n.tenant_id and c.subscription_id = n.subscription_id and c.anchor_mode = 'RESET'
                        and c.new_period_start is null and c.changed_at < n.next_start and c.changed_at >= n.period_start)
  union all
  select 'subscription ' || s.id, 'no invoice for the period that it is in, from ' || s.period_start
    from subscriptions s
   where s.status not in ('CANCELLED', 'TRIALING')
     and not exists (select 1 from billed b where b.tenant_id = s.tenant_id and b.subscription_id = s.id
                        and b.period_start = s.period_start)
     and not exists (select 1 from plan_change_prorations c
                      where c.tenant_id = s.tenant_id and c.subscription_id = s.id and c.anchor_mode = 'RESET'
                        and c.new_period_start is null
                        and c.changed_at >= s.period_start - interval '1 day' and c.changed_at < s.period_end);
