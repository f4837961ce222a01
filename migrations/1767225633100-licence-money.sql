-- Money that goes back for a licence, and comes back again: what each adjustment of the provider is, and when the provider
-- changed it last.
alter table licence_refunds
  add column kind text not null default 'REFUND'
    check (kind in ('REFUND', 'CREDIT', 'CHARGEBACK', 'CREDIT_REVERSE', 'CHARGEBACK_REVERSE')),
  -- By the provider's clock. null: written before it was kept.
  add column changed_at timestamptz(3),
  drop constraint licence_refunds_status_check,
  add constraint licence_refunds_status_check check (status in ('PENDING', 'APPROVED', 'REJECTED', 'REVERSED'));
grant update (amount, changed_at) on licence_refunds to tollgate_app, tollgate_job;
-- Each purchase of a term, in the order of its id: what the term is worth is read from all of them.
create index licence_purchases_by_licence on licence_purchases (tenant_id, licence_id, id) where completed_at is not null;

alter table licence_purchases
  -- Before tax, as the provider says. null: its amount, or nothing yet.
  add column paid_amount bigint check (paid_amount >= 0),
  -- A person refused it: its money is given back at the provider.
  add column refused_at timestamptz(3),
  add column refund_steps integer not null default 0,
  add column refund_next_at timestamptz(3),
  -- The provider took the refund on.
  add column refund_asked_at timestamptz(3);
grant update (paid_amount, refused_at, refund_asked_at) on licence_purchases to tollgate_app, tollgate_job;
create index licence_purchases_to_refund on licence_purchases (refund_next_at)
  where refused_at is not null and refund_asked_at is null;

-- As before, and the refunds of purchases that were refused. Each is asked at most forty times, a week of trying; after that
-- reconciliation lists what still differs.
create or replace function app.claim_licence_steps(p_now timestamptz, p_limit integer)
returns table (kind text, tenant_id uuid, id uuid)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  return query
  with due as materialized (
    select e.tenant_id, e.id from licence_subscription_ends e
     where e.ended_at is null and (e.next_step_at is null or e.next_step_at <= p_now) and e.steps < 40
     order by e.next_step_at nulls first limit p_limit for update skip locked
  )
  update licence_subscription_ends e
     set next_step_at = p_now + interval '1 minute' * 2 ^ least(e.steps, 8), steps = e.steps + 1
    from due d where e.tenant_id = d.tenant_id and e.id = d.id
  returning 'END', e.tenant_id, e.id;
  return query
  with due as materialized (
    select l.tenant_id, l.id from licences l
     where l.auto_renew and l.provider_seats <> l.seats and l.replaced_at is null
       and (l.next_step_at is null or l.next_step_at <= p_now) and l.steps < 40
     order by l.next_step_at nulls first limit p_limit for update skip locked
  )
  update licences l set next_step_at = p_now + interval '1 minute' * 2 ^ least(l.steps, 8), steps = l.steps + 1
    from due d where l.tenant_id = d.tenant_id and l.id = d.id
  returning 'SEATS', l.tenant_id, l.id;
  return query
  with due as materialized (
    select p.tenant_id, p.id from licence_purchases p
     where p.refused_at is not null and p.refund_asked_at is null
       and (p.refund_next_at is null or p.refund_next_at <= p_now) and p.refund_steps < 40
     order by p.refund_next_at nulls first limit p_limit for update skip locked
  )
  update licence_purchases p
     set refund_next_at = p_now + interval '1 minute' * 2 ^ least(p.refund_steps, 8), refund_steps = p.refund_steps + 1
    from due d where p.tenant_id = d.tenant_id and p.id = d.id
  returning 'REFUND', p.tenant_id, p.id;
end $$;
