-- What a tenant bought. Distributed by tenant: the key begins with tenant_id, every unique key and foreign key has it.

create table subscriptions (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  status text not null check (status in ('TRIALING', 'ACTIVE', 'PAST_DUE', 'UNPAID', 'CANCELLED')),
  plan_id uuid not null,
  plan_version_id uuid not null,
  plan_item_id uuid not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  interval text not null check (interval in ('DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR')),
  -- Period n begins at anchor_date + n × interval, local midnight in time_zone.
  anchor_date date not null,
  time_zone text not null,
  proration_basis text not null check (proration_basis in ('DAY', 'SECOND', 'NONE')),
  started_at timestamptz(3) not null,
  -- The period that was billed last; the next bill is due at its end.
  period_index integer not null,
  period_start timestamptz(3) not null,
  period_end timestamptz(3) not null check (period_end > period_start),
  trial_end timestamptz(3),
  cancel_at timestamptz(3),
  cancelled_at timestamptz(3),
  cancel_reason text,
  version integer not null default 1,
  created_at timestamptz(3) not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (partner_id, plan_id) references plans (partner_id, id),
  foreign key (partner_id, plan_version_id) references plan_versions (partner_id, id)
);
-- A tenant has one subscription; plans change within it.
create unique index subscriptions_one_live on subscriptions (tenant_id) where status <> 'CANCELLED';
create index subscriptions_due on subscriptions (partner_id, period_end) where status <> 'CANCELLED';
call app.protect_tenant_table('subscriptions');
grant select, insert, update (status, plan_id, plan_version_id, plan_item_id, interval, anchor_date, proration_basis,
  period_index, period_start, period_end, trial_end, cancel_at, cancelled_at, cancel_reason, version)
  on subscriptions to tollgate_app, tollgate_job;

-- The plan as it was sold, phase by phase: a plan change ends one item and begins the next.
create table subscription_items (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  plan_id uuid not null,
  plan_version_id uuid not null,
  plan_price_id uuid not null,
  interval text not null check (interval in ('DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR')),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  unit_amount bigint not null check (unit_amount >= 0),
  quantity bigint not null check (quantity between 1 and 2147483647),
  started_at timestamptz(3) not null,
  ended_at timestamptz(3),
  primary key (tenant_id, id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id) deferrable initially deferred,
  foreign key (partner_id, plan_id) references plans (partner_id, id),
  foreign key (partner_id, plan_version_id) references plan_versions (partner_id, id),
  foreign key (partner_id, plan_price_id) references plan_prices (partner_id, id)
);
create unique index subscription_items_one_live on subscription_items (tenant_id, subscription_id) where ended_at is null;
call app.protect_tenant_table('subscription_items');
grant select, insert, update (ended_at) on subscription_items to tollgate_app, tollgate_job;

create table partner_tenant_addon_subscriptions (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  addon_id uuid not null,
  addon_price_id uuid not null,
  interval text not null check (interval in ('DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR')),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- A snapshot: later catalog edits do not touch what was sold.
  unit_amount bigint not null check (unit_amount >= 0),
  quantity bigint not null check (quantity between 1 and 2147483647),
  started_at timestamptz(3) not null,
  -- A cancellation to come (period end); access lasts until then.
  ends_at timestamptz(3),
  ended_at timestamptz(3),
  end_reason text,
  end_kind text check (end_kind in ('CANCELLED', 'INCLUDED_IN_PLAN', 'NOT_AVAILABLE', 'SUBSCRIPTION_ENDED')),
  version integer not null default 1,
  created_at timestamptz(3) not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id),
  foreign key (partner_id, addon_id) references partner_addons (partner_id, id),
  foreign key (partner_id, addon_price_id) references addon_prices (partner_id, id)
);
-- What makes subscribing idempotent at any concurrency.
create unique index addon_subscriptions_one_live on partner_tenant_addon_subscriptions (tenant_id, addon_id)
  where ended_at is null;
-- The subscriber counts of a page of add-ons, in one grouped read.
create index addon_subscriptions_by_addon on partner_tenant_addon_subscriptions (partner_id, addon_id)
  where ended_at is null;
call app.protect_tenant_table('partner_tenant_addon_subscriptions');
grant select, insert, update (ends_at, ended_at, end_reason, end_kind, interval, addon_price_id, unit_amount, version)
  on partner_tenant_addon_subscriptions to tollgate_app, tollgate_job;

-- A plan change that waits for the period's end or a date in the period.
create table scheduled_plan_changes (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  effective_at timestamptz(3) not null,
  plan_id uuid not null,
  plan_version_id uuid not null,
  plan_price_id uuid not null,
  quantity bigint not null check (quantity between 1 and 2147483647),
  options jsonb not null,
  status text not null check (status in ('PENDING', 'APPLIED', 'CANCELLED')),
  created_at timestamptz(3) not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id),
  foreign key (partner_id, plan_id) references plans (partner_id, id),
  foreign key (partner_id, plan_version_id) references plan_versions (partner_id, id),
  foreign key (partner_id, plan_price_id) references plan_prices (partner_id, id)
);
create unique index scheduled_plan_changes_one on scheduled_plan_changes (tenant_id, subscription_id)
  where status = 'PENDING';
call app.protect_tenant_table('scheduled_plan_changes');
grant select, insert, update (status) on scheduled_plan_changes to tollgate_app, tollgate_job;

-- What happened to a subscription, for people.
create table subscription_changes (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  kind text not null,
  happened_at timestamptz(3) not null,
  actor_id uuid,
  facts jsonb not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id) deferrable initially deferred
);
create index subscription_changes_in_order on subscription_changes (tenant_id, subscription_id, happened_at, id);
create trigger append_only before update or delete on subscription_changes
  for each row execute function app.forbid_change();
call app.protect_tenant_table('subscription_changes');
grant select, insert on subscription_changes to tollgate_app, tollgate_job;
