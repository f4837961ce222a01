-- An attempt that waits for its customer is taken back once its invoice is paid in another way, or void: it is asked about like one
-- whose outcome nobody knows.

alter table payments drop constraint payments_check3;
alter table payments add constraint payments_asked_while_open check (status in ('PENDING', 'REQUIRES_ACTION') or ask_at is null);
drop index payments_to_ask;
create index payments_to_ask on payments (ask_at) where ask_at is not null;

-- Takes due work: invoices whose attempt is due in their tenant's own time, payments and refunds that nobody knows the outcome
-- of, payments that are to be taken back. What is taken is left alone for as long as it may take; a worker that dies gives it back
-- by time.
create or replace function app.claim_payment_work(p_now timestamptz, p_tenant uuid, p_limit integer, p_hold interval)
returns table (kind text, tenant_id uuid, id uuid)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  return query
  with live as materialized (
    select c.tenant_id, c.invoice_id from invoice_collections c
     where not c.sandbox and c.due_at <= p_now and (c.held_until is null or c.held_until <= p_now)
       and (p_tenant is null or c.tenant_id = p_tenant)
     order by c.due_at limit p_limit for update skip locked
  ), sandboxes as materialized (
    select c.tenant_id, c.invoice_id from invoice_collections c join tenants t on t.id = c.tenant_id
     where c.sandbox and c.due_at <= coalesce(t.test_clock, p_now) and (c.held_until is null or c.held_until <= p_now)
       and (p_tenant is null or c.tenant_id = p_tenant)
     order by c.tenant_id, c.due_at limit p_limit for update of c skip locked
  ), taken as (
    update invoice_collections c set held_until = p_now + p_hold
      from (select * from live union all select * from sandboxes) d
     where c.tenant_id = d.tenant_id and c.invoice_id = d.invoice_id
    returning c.tenant_id, c.invoice_id
  )
  select 'COLLECT', t.tenant_id, t.invoice_id from taken t;
  return query
  with due as materialized (
    select p.tenant_id, p.id from payments p
     where p.ask_at <= p_now and (p_tenant is null or p.tenant_id = p_tenant)
     order by p.ask_at limit p_limit for update skip locked
  )
  update payments p set ask_at = p_now + p_hold from due d where p.tenant_id = d.tenant_id and p.id = d.id
  returning 'PAYMENT', p.tenant_id, p.id;
  return query
  with due as materialized (
    select r.tenant_id, r.id from refunds r
     where r.status = 'PENDING' and r.ask_at <= p_now and (p_tenant is null or r.tenant_id = p_tenant)
     order by r.ask_at limit p_limit for update skip locked
  )
  update refunds r set ask_at = p_now + p_hold from due d where r.tenant_id = d.tenant_id and r.id = d.id
  returning 'REFUND', r.tenant_id, r.id;
end $$;
