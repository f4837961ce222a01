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
create policy nobody on inbound_events for select to tollgate_app, tollgate_job using (false);

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

-- What a partner does about a payment that fails. A partner without a row has the defaults of `dunning.ts`.
create table partner_dunning_policies (
  partner_id uuid primary key references partners (id),
  -- Days after the first failure on which the payment is tried again, ascending.
  retry_days integer[] not null check (cardinality(retry_days) between 0 and 10),
  -- Access goes on for that long after the first failure.
  grace_days integer not null check (grace_days between 0 and 365),
  final_action text not null check (final_action in ('UNPAID', 'CANCEL')),
  version integer not null default 1,
  updated_at timestamptz(3) not null
);
call app.protect_partner_table('partner_dunning_policies');
grant select, insert on partner_dunning_policies to tollgate_app;
grant update (retry_days, grace_days, final_action, version, updated_at) on partner_dunning_policies to tollgate_app;
grant select on partner_dunning_policies to tollgate_job;

-- Until when a subscription gives access while its payments fail; null: for as long as it lasts.
alter table subscriptions add column access_until timestamptz(3);
grant update (access_until) on subscriptions to tollgate_app, tollgate_job;
-- A sandbox tenant's clock stops where a payment is due, which is then made outside any transaction, and goes on.
grant update (test_clock) on tenants to tollgate_job;

-- A tenant as a provider knows it.
create table provider_customers (
  tenant_id uuid not null,
  provider text not null check (provider in ('STRIPE', 'PADDLE', 'FAKE')),
  partner_id uuid not null,
  external_id text not null check (length(external_id) between 1 and 255),
  created_at timestamptz(3) not null,
  primary key (tenant_id, provider),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id)
);
create index provider_customers_by_external on provider_customers (provider, external_id);
call app.protect_tenant_table('provider_customers');
call app.let_many_tenants_in('provider_customers');
grant select, insert on provider_customers to tollgate_app, tollgate_job;

create table payment_methods (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  provider text not null check (provider in ('STRIPE', 'PADDLE', 'FAKE')),
  customer_external_id text not null,
  external_id text not null check (length(external_id) between 1 and 255),
  kind text not null check (kind in ('CARD', 'BANK_DEBIT', 'OTHER')),
  brand text check (length(brand) <= 50),
  -- All that is ever kept of a number.
  last4 text check (last4 ~ '^[0-9A-Za-z]{1,4}$'),
  expires_month integer check (expires_month between 1 and 12),
  expires_year integer check (expires_year between 2000 and 2200),
  is_default boolean not null,
  created_at timestamptz(3) not null,
  removed_at timestamptz(3),
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  unique (tenant_id, provider, external_id),
  check (removed_at is null or not is_default)
);
create unique index payment_methods_one_default on payment_methods (tenant_id) where is_default;
call app.protect_tenant_table('payment_methods');
call app.let_many_tenants_in('payment_methods');
grant select, insert on payment_methods to tollgate_app, tollgate_job;
grant update (brand, last4, expires_month, expires_year, is_default, removed_at) on payment_methods to tollgate_app, tollgate_job;

-- What was begun with a provider to get a payment method: the row that its keys are made of.
create table payment_setups (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  provider text not null check (provider in ('STRIPE', 'PADDLE', 'FAKE')),
  status text not null check (status in ('PENDING', 'SUCCEEDED', 'DECLINED')),
  make_default boolean not null,
  -- The provider's page; none where the method came by token.
  external_id text,
  payment_method_id uuid,
  created_at timestamptz(3) not null,
  settled_at timestamptz(3),
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, payment_method_id) references payment_methods (tenant_id, id),
  check ((status = 'PENDING') = (settled_at is null))
);
call app.protect_tenant_table('payment_setups');
call app.let_many_tenants_in('payment_setups');
grant select, insert, update (status, external_id, payment_method_id, settled_at) on payment_setups to tollgate_app, tollgate_job;

-- One row for each attempt to charge, written before the provider is asked. Its id is the idempotency key.
create table payments (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  invoice_id uuid not null,
  payment_method_id uuid not null,
  provider text not null check (provider in ('STRIPE', 'PADDLE', 'FAKE')),
  amount bigint not null check (amount > 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- PENDING: nobody knows (yet). DECLINED may become SUCCEEDED where the provider says so later; SUCCEEDED is an end.
  status text not null check (status in ('PENDING', 'REQUIRES_ACTION', 'SUCCEEDED', 'DECLINED')),
  -- The provider's charge.
  external_id text check (length(external_id) between 1 and 255),
  decline_code text,
  action_url text,
  -- How often the provider was asked, when it is asked again, and why it could not say.
  asked integer not null default 0,
  ask_at timestamptz(3),
  unknown_reason text,
  -- What refunds have taken or reserved.
  refunded bigint not null default 0 check (refunded >= 0),
  created_at timestamptz(3) not null,
  -- By the wall clock, whatever a sandbox thinks: how old the key is at the provider.
  first_asked_at timestamptz(3) not null,
  settled_at timestamptz(3),
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id),
  foreign key (tenant_id, payment_method_id) references payment_methods (tenant_id, id),
  check (refunded <= amount),
  check (status = 'SUCCEEDED' or refunded = 0),
  check ((status in ('PENDING', 'REQUIRES_ACTION')) = (settled_at is null)),
  check (status = 'PENDING' or ask_at is null)
);
-- However many workers there are: an invoice has one attempt under way.
create unique index payments_one_open on payments (tenant_id, invoice_id) where status in ('PENDING', 'REQUIRES_ACTION');
create index payments_of_invoice on payments (tenant_id, invoice_id, id);
create index payments_to_ask on payments (ask_at) where status = 'PENDING';
create index payments_by_external on payments (provider, external_id) where external_id is not null;
call app.protect_tenant_table('payments');
call app.let_many_tenants_in('payments');
grant select, insert on payments to tollgate_app, tollgate_job;
grant update (status, external_id, decline_code, action_url, asked, ask_at, unknown_reason, refunded, settled_at)
  on payments to tollgate_app, tollgate_job;

create table refunds (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  payment_id uuid not null,
  -- The credit note that it settles, where it is one.
  credit_note_id uuid,
  reason text not null check (reason in ('REQUESTED', 'CREDIT_NOTE', 'PAID_TWICE')),
  memo text check (length(memo) between 1 and 500),
  amount bigint not null check (amount > 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  status text not null check (status in ('PENDING', 'SUCCEEDED', 'FAILED')),
  external_id text check (length(external_id) between 1 and 255),
  failure_code text,
  asked integer not null default 0,
  ask_at timestamptz(3),
  unknown_reason text,
  created_at timestamptz(3) not null,
  -- By the wall clock: how old the key is at the provider. Null: it was not asked yet.
  first_asked_at timestamptz(3),
  settled_at timestamptz(3),
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, payment_id) references payments (tenant_id, id),
  foreign key (tenant_id, credit_note_id) references credit_notes (tenant_id, id),
  check ((status = 'PENDING') = (settled_at is null)),
  check (status = 'PENDING' or ask_at is null)
);
create index refunds_of_payment on refunds (tenant_id, payment_id, id);
create index refunds_to_ask on refunds (ask_at) where status = 'PENDING';
call app.protect_tenant_table('refunds');
call app.let_many_tenants_in('refunds');
grant select, insert, update (status, external_id, failure_code, asked, ask_at, unknown_reason, first_asked_at, settled_at)
  on refunds to tollgate_app, tollgate_job;

create table disputes (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  payment_id uuid not null,
  external_id text not null check (length(external_id) between 1 and 255),
  status text not null check (status in ('OPEN', 'WON', 'LOST')),
  reason text not null check (length(reason) between 1 and 200),
  amount bigint not null check (amount >= 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  opened_at timestamptz(3) not null,
  closed_at timestamptz(3),
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, payment_id) references payments (tenant_id, id),
  unique (tenant_id, payment_id, external_id),
  check ((status = 'OPEN') = (closed_at is null))
);
call app.protect_tenant_table('disputes');
call app.let_many_tenants_in('disputes');
grant select, insert, update (status, closed_at) on disputes to tollgate_app, tollgate_job;

-- Each invoice with something to pay, until it is paid or given up. Dunning is what its row goes through.
create table invoice_collections (
  tenant_id uuid not null,
  invoice_id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  sandbox boolean not null,
  status text not null check (status in ('OPEN', 'PAID', 'EXHAUSTED', 'STOPPED')),
  failures integer not null default 0,
  -- When the next attempt is due, in the tenant's time. Null while an attempt is under way, or without a payment method.
  due_at timestamptz(3),
  -- Left alone until then: a worker is about to begin the attempt.
  held_until timestamptz(3),
  first_failed_at timestamptz(3),
  created_at timestamptz(3) not null,
  ended_at timestamptz(3),
  primary key (tenant_id, invoice_id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id) deferrable initially deferred,
  check ((failures = 0) = (first_failed_at is null)),
  check (status in ('OPEN', 'EXHAUSTED') or ended_at is not null),
  check (status = 'OPEN' or due_at is null)
);
create index invoice_collections_due on invoice_collections (due_at) where due_at is not null and not sandbox;
create index invoice_collections_due_in_sandboxes on invoice_collections (tenant_id, due_at) where due_at is not null and sandbox;
create index invoice_collections_of_subscription on invoice_collections (tenant_id, subscription_id) where ended_at is null;
call app.protect_tenant_table('invoice_collections');
call app.let_many_tenants_in('invoice_collections');
grant select, insert, update (status, failures, due_at, held_until, first_failed_at, ended_at)
  on invoice_collections to tollgate_app, tollgate_job;
-- What was issued before there were payments is paid like the rest.
insert into invoice_collections (tenant_id, invoice_id, partner_id, subscription_id, sandbox, status, created_at)
select i.tenant_id, i.id, i.partner_id, i.subscription_id, t.sandbox, 'OPEN', i.issued_at
  from invoices i join tenants t on t.id = i.tenant_id where i.status = 'FINALIZED' and i.amount_due > 0;

-- What the job role may do across tenants.

-- Takes due work: invoices whose attempt is due in their tenant's own time, payments and refunds that nobody knows the outcome
-- of. What is taken is left alone for as long as it may take; a worker that dies gives it back by time.
create function app.claim_payment_work(p_now timestamptz, p_tenant uuid, p_limit integer, p_hold interval)
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
     where p.status = 'PENDING' and p.ask_at <= p_now and (p_tenant is null or p.tenant_id = p_tenant)
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
revoke all on function app.claim_payment_work(timestamptz, uuid, integer, interval) from public;
grant execute on function app.claim_payment_work(timestamptz, uuid, integer, interval) to tollgate_job;

-- Whose something of a provider's is. Null: nobody's, or, which must not be, several's.
create function app.tenant_of_provider_object(p_provider text, p_kind text, p_external text) returns uuid
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select case when count(distinct f.tenant_id) = 1 then (array_agg(f.tenant_id))[1] end
    from (select c.tenant_id from provider_customers c
           where p_kind = 'CUSTOMER' and c.provider = p_provider and c.external_id = p_external
          union all
          select p.tenant_id from payments p
           where p_kind = 'CHARGE' and p.provider = p_provider and p.external_id = p_external) f
$$;
revoke all on function app.tenant_of_provider_object(text, text, text) from public;
grant execute on function app.tenant_of_provider_object(text, text, text) to tollgate_job;

-- Our own list of payments, for reconciliation: those of a provider in the order of their ids.
create function app.payments_of_provider(p_provider text, p_from timestamptz, p_after uuid, p_limit integer)
returns table (tenant_id uuid, id uuid, external_id text, amount bigint, currency text, refunded bigint, status text,
               asked_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select p.tenant_id, p.id, p.external_id, p.amount, p.currency,
         coalesce((select sum(r.amount) from refunds r
                    where r.tenant_id = p.tenant_id and r.payment_id = p.id and r.status = 'SUCCEEDED'), 0)::bigint,
         p.status, p.first_asked_at
    from payments p
   where p.provider = p_provider and p.first_asked_at >= p_from and (p_after is null or p.id > p_after)
   order by p.id limit p_limit
$$;
revoke all on function app.payments_of_provider(text, timestamptz, uuid, integer) from public;
grant execute on function app.payments_of_provider(text, timestamptz, uuid, integer) to tollgate_job;
create index payments_of_provider on payments (provider, id);
