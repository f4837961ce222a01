-- Money comes in: the inbox of providers' events.

-- Whose event it is, is known only after it was read: the inbox belongs to no tenant, and nobody but the owner's functions
-- reads it. Stored before the provider is answered, and never deleted by being processed.
create table inbound_events (
  provider text not null check (provider in ('STRIPE', 'PADDLE', 'FAKE')),
  -- The provider's id: what comes twice is one row.
  event_id text not null check (length(event_id) between 1 and 255),
  -- For pages of the list.
  id uuid not null,
  type text not null check (length(type) between 1 and 255),
  occurred_at timestamptz(3) not null,
  live boolean not null,
  -- As it came, byte by byte: text and not jsonb, which would refuse what JSON allows (\u0000) and change the rest.
  body text not null,
  status text not null default 'RECEIVED' check (status in ('RECEIVED', 'APPLIED', 'IGNORED', 'PARKED')),
  -- Why it is parked, ignored or waits.
  reason text check (length(reason) between 1 and 500),
  -- Found by our own records, never taken from the event.
  tenant_id uuid,
  partner_id uuid,
  attempts integer not null default 0,
  next_try_at timestamptz(3) not null,
  received_at timestamptz(3) not null,
  settled_at timestamptz(3),
  primary key (provider, event_id),
  unique (id),
  check ((tenant_id is null) = (partner_id is null)),
  check ((status = 'RECEIVED') = (settled_at is null)),
  check (status <> 'PARKED' or reason is not null)
);
create index inbound_events_waiting on inbound_events (next_try_at, id) where status = 'RECEIVED';
create index inbound_events_of_partner on inbound_events (partner_id, status, id);
create index inbound_events_by_status on inbound_events (status, id);
alter table inbound_events enable row level security;

-- Takes no tenant's lock and reads nothing else: an event is stored in one statement while its customer is locked elsewhere.
-- False: it was there already.
create function app.store_inbound_event(p_provider text, p_event_id text, p_id uuid, p_type text, p_occurred_at timestamptz,
                                        p_live boolean, p_body text, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into inbound_events (provider, event_id, id, type, occurred_at, live, body, next_try_at, received_at)
  values (p_provider, p_event_id, p_id, p_type, p_occurred_at, p_live, p_body, p_now, p_now)
  on conflict (provider, event_id) do nothing;
  return found;
end $$;
revoke all on function app.store_inbound_event(text, text, uuid, text, timestamptz, boolean, text, timestamptz) from public;
grant execute on function app.store_inbound_event(text, text, uuid, text, timestamptz, boolean, text, timestamptz)
  to tollgate_app;

-- Takes events for a worker and leaves them alone for as long as it may take: a worker that dies gives them back by time.
create function app.claim_inbound_events(p_now timestamptz, p_limit integer, p_hold interval)
returns table (provider text, event_id text, type text, body text, attempts integer)
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  with waiting as materialized (
    select e.provider, e.event_id from inbound_events e
     where e.status = 'RECEIVED' and e.next_try_at <= p_now
     order by e.next_try_at, e.id limit p_limit for update skip locked
  )
  update inbound_events e set attempts = e.attempts + 1, next_try_at = p_now + p_hold
    from waiting w where e.provider = w.provider and e.event_id = w.event_id
  returning e.provider, e.event_id, e.type, e.body, e.attempts
$$;
revoke all on function app.claim_inbound_events(timestamptz, integer, interval) from public;
grant execute on function app.claim_inbound_events(timestamptz, integer, interval) to tollgate_job;

-- What became of an event; with p_next_try it waits. In the transaction of what it changed: both or neither. False: another
-- worker was faster, and what this one did must be rolled back.
create function app.settle_inbound_event(p_provider text, p_event_id text, p_status text, p_reason text, p_tenant uuid,
                                         p_now timestamptz, p_next_try timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  update inbound_events e
     set status = p_status, reason = p_reason, next_try_at = coalesce(p_next_try, e.next_try_at),
         settled_at = case when p_status = 'RECEIVED' then null else p_now end,
         tenant_id = coalesce(p_tenant, e.tenant_id),
         partner_id = coalesce((select t.partner_id from tenants t where t.id = p_tenant), e.partner_id)
   where e.provider = p_provider and e.event_id = p_event_id and e.status = 'RECEIVED';
  return found;
end $$;
revoke all on function app.settle_inbound_event(text, text, text, text, uuid, timestamptz, timestamptz) from public;
grant execute on function app.settle_inbound_event(text, text, text, text, uuid, timestamptz, timestamptz) to tollgate_job;

-- The list: super admins see all of it, a partner's people what was found to be about their tenants.
create function app.inbound_events_page(p_partner uuid, p_status text, p_beyond uuid, p_backward boolean, p_limit integer)
returns table (id uuid, provider text, event_id text, type text, status text, reason text, tenant_id uuid, attempts integer,
               occurred_at timestamptz, received_at timestamptz, settled_at timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_all boolean := coalesce(current_setting('app.scope', true), '') = 'platform';
  v_partner uuid := case when v_all then p_partner else nullif(current_setting('app.partner_id', true), '')::uuid end;
begin
  if not v_all and (v_partner is null or p_partner is distinct from v_partner
                    or coalesce(current_setting('app.actor', true), '') not in ('PARTNER', 'PLATFORM')) then
    return;
  end if;
  return query
    select e.id, e.provider, e.event_id, e.type, e.status, e.reason, e.tenant_id, e.attempts, e.occurred_at::timestamptz,
           e.received_at::timestamptz, e.settled_at::timestamptz
      from inbound_events e
     where (v_partner is null or e.partner_id = v_partner) and (p_status is null or e.status = p_status)
       and (p_beyond is null or case when p_backward then e.id < p_beyond else e.id > p_beyond end)
     order by case when p_backward then e.id end desc, case when not p_backward then e.id end limit p_limit;
end $$;
revoke all on function app.inbound_events_page(uuid, text, uuid, boolean, integer) from public;
grant execute on function app.inbound_events_page(uuid, text, uuid, boolean, integer) to tollgate_app;

-- Lets a parked event be tried again. Null: there is none that this actor may see.
create function app.retry_inbound_event(p_id uuid, p_now timestamptz) returns text
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_status text;
begin
  if coalesce(current_setting('app.scope', true), '') <> 'platform'
     or coalesce(current_setting('app.can_write', true), '') <> 'on' then
    return null;
  end if;
  select e.status into v_status from inbound_events e where e.id = p_id for update;
  if v_status = 'PARKED' then
    update inbound_events set status = 'RECEIVED', settled_at = null, attempts = 0, next_try_at = p_now where id = p_id;
  end if;
  return v_status;
end $$;
revoke all on function app.retry_inbound_event(uuid, timestamptz) from public;
grant execute on function app.retry_inbound_event(uuid, timestamptz) to tollgate_app;
