-- What a partner sells. Reference tables: small, read often, the same on every node of a cluster. DataLoaders read them by id
-- alone, whoever asks: hence the indexes beside the keys.

create table features (
  partner_id uuid not null references partners (id),
  id uuid not null,
  code text not null check (code ~ '^[a-z][a-z0-9_.-]{0,62}$'),
  name text not null check (length(name) between 1 and 200),
  description text not null default '',
  kind text not null check (kind in ('BOOLEAN', 'METERED', 'CONFIG')),
  -- METERED: what is counted, e.g. "calls".
  unit text,
  -- CONFIG: the values from weakest to strongest; empty: numbers, the largest wins.
  value_order text[] not null default '{}',
  created_at timestamptz(3) not null,
  primary key (partner_id, id),
  unique (partner_id, code)
);
create index features_by_id on features (id);
call app.protect_partner_table('features');
grant select, insert on features to tollgate_app;
grant select on features to tollgate_job;

create table plans (
  partner_id uuid not null references partners (id),
  id uuid not null,
  code text not null check (code ~ '^[a-z][a-z0-9_-]{0,62}$'),
  name text not null check (length(name) between 1 and 200),
  description text not null default '',
  -- Add-ons name the lowest rank from which they are sold. Higher is not dearer, only "includes more".
  rank integer not null check (rank between 0 and 1000000),
  status text not null default 'ACTIVE' check (status in ('ACTIVE', 'ARCHIVED')),
  proration_basis text check (proration_basis in ('DAY', 'SECOND', 'NONE')),
  version integer not null default 1,
  created_at timestamptz(3) not null,
  primary key (partner_id, id),
  unique (partner_id, code)
);
create index plans_by_id on plans (id);
call app.protect_partner_table('plans');
grant select, insert, update (name, description, rank, status, proration_basis, version) on plans to tollgate_app;
grant select on plans to tollgate_job;

-- Prices, limits and included add-ons are a version's and never change; a subscription stays on the version it bought.
create table plan_versions (
  partner_id uuid not null,
  id uuid not null,
  plan_id uuid not null,
  number integer not null check (number >= 1),
  includes_all_addons boolean not null default false,
  created_at timestamptz(3) not null,
  primary key (partner_id, id),
  unique (partner_id, plan_id, number),
  foreign key (partner_id, plan_id) references plans (partner_id, id)
);
create index plan_versions_by_id on plan_versions (id);
create index plan_versions_by_plan on plan_versions (plan_id, number);
call app.protect_partner_table('plan_versions');
grant select, insert on plan_versions to tollgate_app;
grant select on plan_versions to tollgate_job;

create table plan_prices (
  partner_id uuid not null,
  id uuid not null,
  plan_version_id uuid not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  interval text not null check (interval in ('DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR')),
  amount bigint not null check (amount >= 0),
  primary key (partner_id, id),
  unique (partner_id, plan_version_id, currency, interval),
  foreign key (partner_id, plan_version_id) references plan_versions (partner_id, id)
);
create index plan_prices_by_version on plan_prices (plan_version_id);
call app.protect_partner_table('plan_prices');
grant select, insert on plan_prices to tollgate_app;
grant select on plan_prices to tollgate_job;

create table plan_features (
  partner_id uuid not null,
  plan_version_id uuid not null,
  feature_id uuid not null,
  unlimited boolean not null default false,
  limit_quantity numeric(32, 12) check (limit_quantity >= 0 and limit_quantity <> 'NaN'),
  reset_period text check (reset_period in ('NEVER', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR')),
  config_value text,
  primary key (partner_id, plan_version_id, feature_id),
  foreign key (partner_id, plan_version_id) references plan_versions (partner_id, id),
  foreign key (partner_id, feature_id) references features (partner_id, id)
);
create index plan_features_by_version on plan_features (plan_version_id);
call app.protect_partner_table('plan_features');
grant select, insert on plan_features to tollgate_app;
grant select on plan_features to tollgate_job;

create table partner_addons (
  partner_id uuid not null references partners (id),
  id uuid not null,
  code text not null check (code ~ '^[a-z][a-z0-9_-]{0,62}$'),
  name text not null check (length(name) between 1 and 200),
  description text not null default '',
  -- Sold from this plan rank upwards; null: with every plan.
  minimum_plan_rank integer check (minimum_plan_rank between 0 and 1000000),
  status text not null default 'ACTIVE' check (status in ('ACTIVE', 'ARCHIVED')),
  version integer not null default 1,
  created_at timestamptz(3) not null,
  primary key (partner_id, id),
  unique (partner_id, code)
);
create index partner_addons_by_id on partner_addons (id);
call app.protect_partner_table('partner_addons');
grant select, insert, update (name, description, minimum_plan_rank, status, version) on partner_addons to tollgate_app;
grant select on partner_addons to tollgate_job;

-- A price that is replaced stays as a row: attachments point at what they bought.
create table addon_prices (
  partner_id uuid not null,
  id uuid not null,
  addon_id uuid not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  interval text not null check (interval in ('DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR')),
  amount bigint not null check (amount >= 0),
  created_at timestamptz(3) not null,
  replaced_at timestamptz(3),
  primary key (partner_id, id),
  foreign key (partner_id, addon_id) references partner_addons (partner_id, id)
);
create unique index addon_prices_current on addon_prices (partner_id, addon_id, currency, interval)
  where replaced_at is null;
create index addon_prices_by_addon on addon_prices (addon_id) where replaced_at is null;
call app.protect_partner_table('addon_prices');
grant select, insert, update (replaced_at) on addon_prices to tollgate_app;
grant select on addon_prices to tollgate_job;

create table addon_features (
  partner_id uuid not null,
  addon_id uuid not null,
  feature_id uuid not null,
  unlimited boolean not null default false,
  limit_quantity numeric(32, 12) check (limit_quantity >= 0 and limit_quantity <> 'NaN'),
  reset_period text check (reset_period in ('NEVER', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR')),
  config_value text,
  primary key (partner_id, addon_id, feature_id),
  foreign key (partner_id, addon_id) references partner_addons (partner_id, id),
  foreign key (partner_id, feature_id) references features (partner_id, id)
);
create index addon_features_by_addon on addon_features (addon_id);
call app.protect_partner_table('addon_features');
grant select, insert, delete on addon_features to tollgate_app;
grant select on addon_features to tollgate_job;

create table addon_requirements (
  partner_id uuid not null,
  addon_id uuid not null,
  required_addon_id uuid not null check (required_addon_id <> addon_id),
  primary key (partner_id, addon_id, required_addon_id),
  foreign key (partner_id, addon_id) references partner_addons (partner_id, id),
  foreign key (partner_id, required_addon_id) references partner_addons (partner_id, id)
);
create index addon_requirements_by_addon on addon_requirements (addon_id);
call app.protect_partner_table('addon_requirements');
grant select, insert, delete on addon_requirements to tollgate_app;
grant select on addon_requirements to tollgate_job;

create table plan_addons (
  partner_id uuid not null,
  plan_version_id uuid not null,
  addon_id uuid not null,
  primary key (partner_id, plan_version_id, addon_id),
  foreign key (partner_id, plan_version_id) references plan_versions (partner_id, id),
  foreign key (partner_id, addon_id) references partner_addons (partner_id, id)
);
create index plan_addons_by_version on plan_addons (plan_version_id);
call app.protect_partner_table('plan_addons');
grant select, insert on plan_addons to tollgate_app;
grant select on plan_addons to tollgate_job;
