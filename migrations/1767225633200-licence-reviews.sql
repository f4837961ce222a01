-- A person may accept what was paid for a parked purchase: it keeps why it was parked, and it becomes what it was granted as.
alter table licence_purchases drop constraint licence_purchases_check;
alter table licence_purchases add constraint licence_purchases_park_reason
  check (park_reason is null or status in ('PARKED', 'REFUNDED', 'COMPLETED'));
grant update (expiry_before) on licence_purchases to tollgate_app, tollgate_job;

-- Reconciliation: which subscriptions of a provider are known here, and by what: a term, or one that is to end.
create function app.licence_subscriptions(p_provider text, p_after uuid, p_limit integer)
returns table (tenant_id uuid, id uuid, external_id text, current boolean, auto_renew boolean, seats bigint, provider_seats bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select l.tenant_id, l.id, l.provider_subscription_id, l.replaced_at is null, l.auto_renew, l.seats, l.provider_seats
    from licences l
   where l.provider_subscription_id is not null and (p_after is null or l.id > p_after)
     and exists (select 1 from licence_purchases p
                  where p.tenant_id = l.tenant_id and p.licence_id = l.id and p.provider = p_provider)
   order by l.id limit p_limit
$$;
revoke all on function app.licence_subscriptions(text, uuid, integer) from public;
grant execute on function app.licence_subscriptions(text, uuid, integer) to tollgate_job;
create index licences_with_subscription on licences (id) where provider_subscription_id is not null;

-- What was asked in vain too often is asked anew, once reconciliation found it.
create function app.retry_licence_steps(p_provider text) returns void
language sql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
  update licence_subscription_ends set steps = 0, next_step_at = null
   where provider = p_provider and ended_at is null and steps >= 40;
  update licences l set steps = 0, next_step_at = null
   where l.auto_renew and l.provider_seats <> l.seats and l.replaced_at is null and l.steps >= 40
     and exists (select 1 from licence_purchases p
                  where p.tenant_id = l.tenant_id and p.licence_id = l.id and p.provider = p_provider);
  update licence_purchases set refund_steps = 0, refund_next_at = null
   where provider = p_provider and refused_at is not null and refund_asked_at is null and refund_steps >= 40;
$$;
revoke all on function app.retry_licence_steps(text) from public;
grant execute on function app.retry_licence_steps(text) to tollgate_job;
