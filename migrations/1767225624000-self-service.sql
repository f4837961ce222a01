-- What tenants may give themselves, and a plan's own trial.

-- What a partner's tenants may ask for by themselves of what gives money or time away. Each version is a row that stays: who
-- allowed what, and when. A partner without a row allows nothing.
create table partner_self_service_policies (
  partner_id uuid not null references partners (id),
  version integer not null check (version >= 1),
  allowed text[] not null check (
    array_position(allowed, null) is null
    and allowed <@ array[
      'TRIAL_DAYS', 'START_AT', 'ANCHOR_DAY', 'WAIVE', 'KEEP_DISCOUNTS_ON_RESET', 'KEEP_UNAVAILABLE_ADDONS',
      'REFUND', 'CHARGE_ON_NEXT_INVOICE', 'TEST_CLOCK'
    ]),
  -- The person or API key.
  actor_id uuid,
  created_at timestamptz(3) not null,
  primary key (partner_id, version)
);
call app.protect_partner_table('partner_self_service_policies');
grant select, insert on partner_self_service_policies to tollgate_app;
create trigger append_only before update or delete on partner_self_service_policies
  for each row execute function app.forbid_change();

-- How many days a plan is free for a tenant that starts with it, once; null: it has no trial.
alter table plan_versions add column trial_days integer check (trial_days between 1 and 730);

-- A subscription began with its plan's own trial. A tenant gets one of those, whatever it cancels and starts again, and
-- whichever plan it is of: this index says so.
alter table subscriptions add column plan_trial boolean not null default false;
create unique index subscriptions_one_plan_trial on subscriptions (tenant_id) where plan_trial;

-- The trial that a checkout offers is the plan's own.
alter table stripe_checkouts add column plan_trial boolean not null default false;
