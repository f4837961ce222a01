-- What every write leaves behind: its idempotency record and its event. A tenant's acts are rows of the tenant;
-- a partner's acts without a tenant (catalog edits) have tables of their own.

create table idempotency_keys (
  tenant_id uuid not null,
  -- Scoped by who asked: another caller's key of the same text is another key.
  actor_id uuid not null,
  key text not null check (length(key) between 1 and 255),
  partner_id uuid not null,
  mutation text not null,
  request_hash bytea not null,
  -- The first answer, replayed word for word. Written in the transaction of the change, so a row is never half done.
  response jsonb not null,
  created_at timestamptz(3) not null,
  primary key (tenant_id, actor_id, key),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id)
);
call app.protect_tenant_table('idempotency_keys');
grant select, insert, update (response) on idempotency_keys to tollgate_app;

create table partner_idempotency_keys (
  -- The nil UUID for acts of the platform, which belong to no partner yet (createPartner).
  partner_id uuid not null,
  actor_id uuid not null,
  key text not null check (length(key) between 1 and 255),
  mutation text not null,
  request_hash bytea not null,
  response jsonb not null,
  created_at timestamptz(3) not null,
  primary key (partner_id, actor_id, key)
);
alter table partner_idempotency_keys enable row level security;
create policy own_acts on partner_idempotency_keys for all to tollgate_app using (
  actor_id = (select nullif(current_setting('app.user_id', true), '')::uuid)
  and partner_id = coalesce((select nullif(current_setting('app.partner_id', true), '')::uuid),
                            '00000000-0000-0000-0000-000000000000'::uuid)
  and (select current_setting('app.scope', true)) in ('partner', 'platform')
  and (select current_setting('app.can_write', true)) = 'on');
grant select, insert, update (response) on partner_idempotency_keys to tollgate_app;

create table outbox_events (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  type text not null,
  payload jsonb not null,
  occurred_at timestamptz(3) not null,
  recorded_at timestamptz(3) not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id)
);
call app.protect_tenant_table('outbox_events');
grant select, insert on outbox_events to tollgate_app, tollgate_job;

create table partner_outbox_events (
  partner_id uuid not null references partners (id),
  id uuid not null,
  type text not null,
  payload jsonb not null,
  occurred_at timestamptz(3) not null,
  recorded_at timestamptz(3) not null default now(),
  primary key (partner_id, id)
);
call app.protect_partner_table('partner_outbox_events', p_tenants_read => false);
grant select, insert on partner_outbox_events to tollgate_app;
