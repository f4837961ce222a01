-- When a year of a term ends whose seats were not all renewed, or were renewed and refunded: the seats are other ones from then on.
alter table licences add column turns_at timestamptz(3);
create index licences_to_turn on licences (turns_at) where turns_at is not null;
grant update (turns_at) on licences to tollgate_app, tollgate_job;

-- As before, and terms whose year has ended.
create or replace function app.claim_licence_steps(p_now timestamptz, p_limit integer)
returns table (kind text, tenant_id uuid, id uuid)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  -- First, since what a provider bills next follows from it. Killed in between, it comes back in an hour.
  return query
  with due as materialized (
    select l.tenant_id, l.id from licences l join tenants t on t.id = l.tenant_id
     where l.turns_at is not null and l.turns_at <= coalesce(t.test_clock, p_now)
     order by l.turns_at limit p_limit for update of l skip locked
  )
  update licences l set turns_at = l.turns_at + interval '1 hour'
    from due d where l.tenant_id = d.tenant_id and l.id = d.id
  returning 'TURN', l.tenant_id, l.id;
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
