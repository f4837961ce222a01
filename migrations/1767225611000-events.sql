-- Outbound events: the outbox becomes a numbered log for each partner, and the log becomes deliveries to its endpoints.
--
-- Writers only add to the outbox, in the transaction of the change. The relay takes rows out of it and gives each the next
-- number of its partner in one transaction, so the numbers have no holes and a consumer can see that something is missing.
-- The order of the numbers is the order in which the relay saw the rows: no clock and no sequence is an order of commit.

-- Whether the tenant is a sandbox: a receiver must be able to tell play money from money.
alter table outbox_events add column sandbox boolean not null default false;
-- Of the shape of the payload, which is what the outside is told: it is made with the change, not read again later.
alter table outbox_events add column version integer not null default 1;
alter table partner_outbox_events add column version integer not null default 1;
create index outbox_events_to_relay on outbox_events (partner_id, id);

-- The relay's way in: the job role across partners, in the tables of this file and the outbox only.
create function app.enter_as_relay() returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform app.remember('', '', '', 'SYSTEM', 'relay', true, false);
end $$;
revoke all on function app.enter_as_relay() from public;
grant execute on function app.enter_as_relay() to tollgate_job;

create procedure app.let_relay_work(p_table regclass) language plpgsql as $$
begin
  execute format($policy$
    create policy relay on %s for all to tollgate_job
      using ((select current_setting('app.scope', true)) = 'relay')
      with check ((select current_setting('app.scope', true)) = 'relay')$policy$, p_table);
end $$;

create policy relay_read on outbox_events for select to tollgate_job using (
  (select current_setting('app.scope', true)) = 'relay');
create policy relay_take on outbox_events for delete to tollgate_job using (
  (select current_setting('app.scope', true)) = 'relay');
grant delete on outbox_events to tollgate_job;
call app.let_relay_work('partner_outbox_events');
grant select, insert, delete on partner_outbox_events to tollgate_job;

create table partner_event_numbers (
  partner_id uuid primary key references partners (id),
  last_sequence bigint not null default 0
);
call app.protect_partner_table('partner_event_numbers', p_tenants_read => false);
call app.let_relay_work('partner_event_numbers');
grant select, insert, update (last_sequence) on partner_event_numbers to tollgate_job;

create table partner_events (
  partner_id uuid not null references partners (id),
  sequence bigint not null check (sequence > 0),
  -- The outbox row's own id, so that nothing is numbered twice, and what receivers know the event by.
  id uuid not null,
  -- Whom it is about; none for catalog, people and keys. Reference tables do not point at tenant tables.
  tenant_id uuid,
  sandbox boolean not null,
  type text not null,
  -- Of the shape of `data`; a receiver that knows version 1 is not sent anything else under it.
  version integer not null,
  data jsonb not null,
  occurred_at timestamptz(3) not null,
  numbered_at timestamptz(3) not null,
  primary key (partner_id, sequence),
  unique (partner_id, id)
);
call app.protect_partner_table('partner_events', p_tenants_read => false);
call app.let_relay_work('partner_events');
grant select on partner_events to tollgate_app;
grant select, insert, delete on partner_events to tollgate_job;

create table webhook_endpoints (
  partner_id uuid not null references partners (id),
  id uuid not null,
  url text not null check (length(url) between 1 and 2000),
  description text not null default '' check (length(description) <= 200),
  -- Empty: all.
  event_types text[] not null,
  status text not null default 'ENABLED' check (status in ('ENABLED', 'DISABLED')),
  disabled_reason text check (disabled_reason in ('BY_REQUEST', 'FAILING', 'GONE')),
  -- Secrets follow from the gateway's own key, the endpoint and this number: no secret is stored.
  secret_number integer not null default 1 check (secret_number > 0),
  previous_secret_until timestamptz(3),
  -- Since when every attempt has failed, and how often in a row.
  failing_since timestamptz(3),
  failures integer not null default 0,
  paused_until timestamptz(3),
  -- Which worker delivers to it now. A worker that died loses the lease when it runs out.
  lease uuid,
  leased_until timestamptz(3),
  served_at timestamptz(3),
  version integer not null default 1,
  created_at timestamptz(3) not null,
  deleted_at timestamptz(3),
  primary key (partner_id, id),
  check ((status = 'DISABLED') = (disabled_reason is not null))
);
call app.protect_partner_table('webhook_endpoints', p_tenants_read => false);
call app.let_relay_work('webhook_endpoints');
grant select, insert, update (url, description, event_types, status, disabled_reason, secret_number,
  previous_secret_until, failing_since, failures, paused_until, version, deleted_at) on webhook_endpoints to tollgate_app;
grant select, update (status, disabled_reason, failing_since, failures, paused_until, lease, leased_until, served_at,
  version), delete on webhook_endpoints to tollgate_job;

-- One row for each endpoint and event; a replay puts the same row back to the start.
create table webhook_deliveries (
  partner_id uuid not null,
  id uuid not null,
  endpoint_id uuid not null,
  -- Null: a test event, which is no event of the log.
  sequence bigint,
  event_type text not null,
  status text not null default 'PENDING' check (status in ('PENDING', 'SUCCEEDED', 'FAILED')),
  attempts integer not null default 0,
  next_attempt_at timestamptz(3) not null,
  last_attempt_at timestamptz(3),
  response_status integer,
  problem text,
  -- The last attempts, oldest first: [{at, status, problem, milliseconds}]. Bounded by the code that adds to it.
  attempt_log jsonb not null default '[]',
  created_at timestamptz(3) not null,
  primary key (partner_id, id),
  unique (partner_id, endpoint_id, sequence),
  foreign key (partner_id, endpoint_id) references webhook_endpoints (partner_id, id) on delete cascade,
  foreign key (partner_id, sequence) references partner_events (partner_id, sequence) on delete cascade
);
-- What is due next for an endpoint: in the order of the log where nothing has failed.
create index webhook_deliveries_due on webhook_deliveries (partner_id, endpoint_id, next_attempt_at, sequence)
  where status = 'PENDING';
create index webhook_deliveries_of_endpoint on webhook_deliveries (partner_id, endpoint_id, id);
create index webhook_deliveries_of_event on webhook_deliveries (partner_id, sequence);
call app.protect_partner_table('webhook_deliveries', p_tenants_read => false);
call app.let_relay_work('webhook_deliveries');
grant select, insert, update (status, attempts, next_attempt_at, last_attempt_at, response_status, problem,
  attempt_log)
  on webhook_deliveries to tollgate_app;
grant select, insert, update (status, attempts, next_attempt_at, last_attempt_at, response_status, problem,
  attempt_log), delete
  on webhook_deliveries to tollgate_job;
