-- Stripe: what is sold as it knows it, checkouts, and add-ons that it bills.

-- Which price of Stripe's stands for a price of ours. Written by `tollgate stripe-sync`, as the owner.
create table stripe_prices (
  partner_id uuid not null references partners (id),
  -- Stripe's test mode and live mode are two worlds.
  live boolean not null,
  -- A plan's price or an add-on's.
  price_id uuid not null,
  product_external_id text not null check (length(product_external_id) between 1 and 255),
  external_id text not null check (length(external_id) between 1 and 255),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  amount bigint not null check (amount >= 0),
  created_at timestamptz(3) not null,
  primary key (partner_id, live, price_id)
);
call app.protect_partner_table('stripe_prices');
grant select on stripe_prices to tollgate_app, tollgate_job;

-- Who bills an attachment. What Stripe bills has Stripe's periods and is on none of our invoices.
alter table partner_tenant_addon_subscriptions
  add column billed_by text not null default 'TOLLGATE' check (billed_by in ('TOLLGATE', 'STRIPE')),
  add column provider_period_start timestamptz(3),
  add column provider_period_end timestamptz(3),
  add constraint addon_subscriptions_provider_period check (
    (billed_by = 'STRIPE') = (provider_period_start is not null) and provider_period_end > provider_period_start
    or (provider_period_start is null and provider_period_end is null and billed_by = 'TOLLGATE')),
  drop constraint partner_tenant_addon_subscriptions_end_kind_check,
  add constraint partner_tenant_addon_subscriptions_end_kind_check check (
    end_kind in ('CANCELLED', 'INCLUDED_IN_PLAN', 'NOT_AVAILABLE', 'SUBSCRIPTION_ENDED', 'PAYMENT_FAILED'));
grant update (provider_period_start, provider_period_end)
  on partner_tenant_addon_subscriptions to tollgate_app, tollgate_job;

-- What was offered at a hosted checkout: the intent that everything Stripe says is held against. Written before Stripe is
-- asked; its id is the idempotency key.
create table stripe_checkouts (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  kind text not null check (kind in ('ADDON', 'PLAN')),
  -- PENDING: Stripe has not made the page yet. OPEN: the customer may pay. COMPLETED: they did.
  status text not null check (status in ('PENDING', 'OPEN', 'COMPLETED', 'EXPIRED', 'REFUSED')),
  live boolean not null,
  addon_id uuid,
  addon_price_id uuid,
  plan_id uuid,
  plan_version_id uuid,
  plan_price_id uuid,
  trial_days integer check (trial_days between 1 and 730),
  interval text not null check (interval in ('DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR')),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  unit_amount bigint not null check (unit_amount >= 0),
  quantity bigint not null check (quantity between 1 and 2147483647),
  -- As it is called on the page, and Stripe's own price where one is kept in step: fixed, so that asking twice asks the same.
  description text not null check (length(description) between 1 and 500),
  price_external_id text check (length(price_external_id) between 1 and 255),
  success_url text not null check (length(success_url) between 1 and 2000),
  cancel_url text not null check (length(cancel_url) between 1 and 2000),
  -- What Stripe called what it made of it.
  session_external_id text check (length(session_external_id) between 1 and 255),
  url text,
  subscription_external_id text check (length(subscription_external_id) between 1 and 255),
  -- What became of it here.
  addon_subscription_id uuid,
  subscription_id uuid,
  -- Stripe's subscription as it was last seen, and when that was asked.
  provider_status text check (length(provider_status) between 1 and 50),
  provider_cancels boolean not null default false,
  seen_at timestamptz(3),
  -- Why a person has to look at it: nothing more is done about it until then.
  parked_reason text check (length(parked_reason) between 1 and 500),
  parked_at timestamptz(3),
  -- When Stripe is asked (again), by the wall clock; null: no more.
  sync_at timestamptz(3),
  attempts integer not null default 0,
  expires_at timestamptz(3) not null,
  created_at timestamptz(3) not null,
  completed_at timestamptz(3),
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (partner_id, addon_id) references partner_addons (partner_id, id),
  foreign key (partner_id, addon_price_id) references addon_prices (partner_id, id),
  foreign key (partner_id, plan_id) references plans (partner_id, id),
  foreign key (partner_id, plan_version_id) references plan_versions (partner_id, id),
  foreign key (partner_id, plan_price_id) references plan_prices (partner_id, id),
  foreign key (tenant_id, addon_subscription_id) references partner_tenant_addon_subscriptions (tenant_id, id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id),
  check ((kind = 'ADDON') = (addon_id is not null and addon_price_id is not null)),
  check ((kind = 'PLAN') = (plan_id is not null and plan_version_id is not null and plan_price_id is not null)),
  check ((status = 'COMPLETED') = (completed_at is not null)),
  check ((parked_reason is null) = (parked_at is null))
);
-- A tenant has one page open for each thing that can be bought.
create unique index stripe_checkouts_one_open_addon on stripe_checkouts (tenant_id, addon_id)
  where kind = 'ADDON' and status in ('PENDING', 'OPEN');
create unique index stripe_checkouts_one_open_plan on stripe_checkouts (tenant_id)
  where kind = 'PLAN' and status in ('PENDING', 'OPEN');
create unique index stripe_checkouts_by_session on stripe_checkouts (tenant_id, session_external_id);
create unique index stripe_checkouts_by_subscription on stripe_checkouts (tenant_id, subscription_external_id);
create index stripe_checkouts_of_attachment on stripe_checkouts (tenant_id, addon_subscription_id)
  where addon_subscription_id is not null;
create index stripe_checkouts_to_sync on stripe_checkouts (sync_at) where sync_at is not null and parked_reason is null;
call app.protect_tenant_table('stripe_checkouts');
call app.let_many_tenants_in('stripe_checkouts');
grant select, insert, update (status, session_external_id, url, subscription_external_id, addon_subscription_id,
  subscription_id, provider_status, provider_cancels, seen_at, parked_reason, parked_at, sync_at, attempts, expires_at,
  completed_at) on stripe_checkouts to tollgate_app, tollgate_job;

-- What Stripe collected for what it bills: booked once, whatever becomes of the attachment.
create table stripe_invoices (
  tenant_id uuid not null,
  external_id text not null check (length(external_id) between 1 and 255),
  partner_id uuid not null,
  checkout_id uuid not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  amount bigint not null check (amount >= 0),
  period_start timestamptz(3) not null,
  period_end timestamptz(3) not null check (period_end > period_start),
  paid_at timestamptz(3) not null,
  primary key (tenant_id, external_id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, checkout_id) references stripe_checkouts (tenant_id, id)
);
create index stripe_invoices_of_checkout on stripe_invoices (tenant_id, checkout_id, paid_at);
create trigger append_only before update or delete on stripe_invoices
  for each row execute function app.forbid_change();
call app.protect_tenant_table('stripe_invoices');
call app.let_many_tenants_in('stripe_invoices');
grant select, insert on stripe_invoices to tollgate_app, tollgate_job;

-- Takes checkouts about which Stripe is to be asked, and leaves them alone for as long as that may take.
create function app.claim_stripe_checkouts(p_now timestamptz, p_tenant uuid, p_limit integer, p_hold interval)
returns table (tenant_id uuid, id uuid)
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  with due as materialized (
    select c.tenant_id, c.id from stripe_checkouts c
     where c.sync_at <= p_now and c.parked_reason is null and (p_tenant is null or c.tenant_id = p_tenant)
     order by c.sync_at limit p_limit for update skip locked
  )
  update stripe_checkouts c set sync_at = p_now + p_hold, attempts = c.attempts + 1
    from due d where c.tenant_id = d.tenant_id and c.id = d.id
  returning c.tenant_id, c.id
$$;
revoke all on function app.claim_stripe_checkouts(timestamptz, uuid, integer, interval) from public;
grant execute on function app.claim_stripe_checkouts(timestamptz, uuid, integer, interval) to tollgate_job;

-- Reconciliation: what Stripe bills itself, as it was last seen here. Across tenants, for the job role only.
create function app.stripe_subscriptions(p_live boolean, p_after uuid, p_limit integer)
returns table (tenant_id uuid, id uuid, external_id text, status text, cancels boolean, period_end timestamptz,
               parked boolean)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select c.tenant_id, c.id, c.subscription_external_id, c.provider_status, c.provider_cancels, a.provider_period_end,
         c.parked_reason is not null
    from stripe_checkouts c
    left join partner_tenant_addon_subscriptions a on a.tenant_id = c.tenant_id and a.id = c.addon_subscription_id
   where c.kind = 'ADDON' and c.live = p_live and c.subscription_external_id is not null
     and (p_after is null or c.id > p_after)
   order by c.id limit p_limit
$$;
revoke all on function app.stripe_subscriptions(boolean, uuid, integer) from public;
grant execute on function app.stripe_subscriptions(boolean, uuid, integer) to tollgate_job;
create index stripe_checkouts_with_subscription on stripe_checkouts (live, id) where subscription_external_id is not null;
