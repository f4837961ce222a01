create table entitlement_grants (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  feature_id uuid not null,
  unlimited boolean not null default false,
  limit_quantity numeric(32, 12) check (limit_quantity >= 0 and limit_quantity <> 'NaN'),
  reset_period text check (reset_period in ('NEVER', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR')),
  config_value text,
  starts_at timestamptz(3) not null,
  ends_at timestamptz(3),
  reason text not null,
  created_at timestamptz(3) not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (partner_id, feature_id) references features (partner_id, id),
  check (ends_at is null or ends_at >= starts_at)
);
call app.protect_tenant_table('entitlement_grants');
grant select, insert, update (ends_at) on entitlement_grants to tollgate_app, tollgate_job;

-- What a tenant may use, one row for each source of a feature and the time it holds. A check reads the few rows of one
-- feature; `asOf` reads the past from the same rows. Rebuilt from plan, attachments and grants.
create table tenant_entitlements (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  feature_id uuid not null,
  feature_code text not null,
  kind text not null check (kind in ('BOOLEAN', 'METERED', 'CONFIG')),
  source_kind text not null check (source_kind in ('PLAN', 'ADDON', 'GRANT')),
  -- The plan phase, the attachment or the grant.
  source_id uuid not null,
  -- What the source is called in an answer: the plan's, add-on's or grant's name and id.
  source_name text not null,
  -- The plan, the add-on (also one that the plan includes) or the grant.
  catalog_id uuid not null,
  quantity bigint not null default 1 check (quantity >= 1),
  unlimited boolean not null default false,
  limit_quantity numeric(32, 12) check (limit_quantity >= 0 and limit_quantity <> 'NaN'),
  reset_period text,
  config_value text,
  starts_at timestamptz(3) not null,
  ends_at timestamptz(3),
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (partner_id, feature_id) references features (partner_id, id),
  unique (tenant_id, feature_id, source_kind, source_id, catalog_id)
);
create index tenant_entitlements_check on tenant_entitlements (tenant_id, feature_code);
call app.protect_tenant_table('tenant_entitlements');
grant select, insert, update (source_name, quantity, unlimited, limit_quantity, reset_period, config_value, starts_at,
  ends_at), delete on tenant_entitlements to tollgate_app, tollgate_job;
