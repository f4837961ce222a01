-- Licences by the seat and the year: what a partner sells (reference tables), and what a tenant bought, gave out and paid.

create table licence_products (
  partner_id uuid not null references partners (id),
  id uuid not null,
  code text not null check (code ~ '^[a-z][a-z0-9_-]{0,62}$'),
  name text not null check (length(name) between 1 and 200),
  description text not null default '',
  status text not null default 'ACTIVE' check (status in ('ACTIVE', 'ARCHIVED')),
  -- How an organisation may try it; both null: it may not.
  trial_days integer check (trial_days between 1 and 730),
  trial_seats bigint check (trial_seats between 1 and 2147483647),
  version integer not null default 1,
  created_at timestamptz(3) not null,
  primary key (partner_id, id),
  unique (partner_id, code),
  check ((trial_days is null) = (trial_seats is null))
);
create index licence_products_by_id on licence_products (id);
call app.protect_partner_table('licence_products');
grant select, insert, update (name, description, status, trial_days, trial_seats, version) on licence_products to tollgate_app;
grant select on licence_products to tollgate_job;

-- For one seat and a whole year. A price that is replaced stays as a row: purchases name the one they were made with.
create table licence_prices (
  partner_id uuid not null,
  id uuid not null,
  licence_product_id uuid not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  yearly_amount bigint not null check (yearly_amount > 0),
  created_at timestamptz(3) not null,
  replaced_at timestamptz(3),
  primary key (partner_id, id),
  foreign key (partner_id, licence_product_id) references licence_products (partner_id, id)
);
create unique index licence_prices_current on licence_prices (partner_id, licence_product_id, currency)
  where replaced_at is null;
create index licence_prices_by_product on licence_prices (licence_product_id) where replaced_at is null;
call app.protect_partner_table('licence_prices');
grant select, insert, update (replaced_at) on licence_prices to tollgate_app;
grant select on licence_prices to tollgate_job;

create table licence_product_features (
  partner_id uuid not null,
  licence_product_id uuid not null,
  feature_id uuid not null,
  unlimited boolean not null default false,
  limit_quantity numeric(32, 12) check (limit_quantity >= 0 and limit_quantity <> 'NaN'),
  reset_period text check (reset_period in ('NEVER', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR')),
  config_value text,
  primary key (partner_id, licence_product_id, feature_id),
  foreign key (partner_id, licence_product_id) references licence_products (partner_id, id),
  foreign key (partner_id, feature_id) references features (partner_id, id)
);
create index licence_product_features_by_product on licence_product_features (licence_product_id);
call app.protect_partner_table('licence_product_features');
grant select, insert, delete on licence_product_features to tollgate_app;
grant select on licence_product_features to tollgate_job;

-- One row for each term. What is bought after the expiry is a new one.
create table licences (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  licence_product_id uuid not null,
  trial boolean not null,
  starts_at timestamptz(3) not null,
  -- Counted from the start: 29 Feb comes back in a leap year. 0 for a trial.
  years integer not null check (years >= 0),
  expires_at timestamptz(3) not null,
  seats bigint not null check (seats >= 0),
  -- More than seats only after a refund: seats are given out by one update that looks at both.
  assigned bigint not null default 0 check (assigned >= 0),
  replaced_at timestamptz(3),
  auto_renew boolean not null default false,
  provider_subscription_id text,
  -- As many as the provider will bill next; null: it bills nothing by itself.
  provider_seats bigint check (provider_seats >= 0),
  -- When the provider's last word about the subscription was said: an older one that comes later changes nothing.
  provider_changed_at timestamptz(3),
  -- How often the provider was asked in vain to bill as many, and when it is asked again; null: at once.
  steps integer not null default 0,
  next_step_at timestamptz(3),
  version integer not null default 1,
  created_at timestamptz(3) not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (partner_id, licence_product_id) references licence_products (partner_id, id)
);
create unique index licences_one_current on licences (tenant_id, licence_product_id) where replaced_at is null;
-- An organisation tries a product once.
create unique index licences_one_trial on licences (tenant_id, licence_product_id) where trial;
call app.protect_tenant_table('licences');
call app.let_many_tenants_in('licences');
grant select, insert, update (years, expires_at, seats, assigned, replaced_at, auto_renew, provider_subscription_id,
  provider_changed_at, provider_seats, steps, next_step_at, version)
  on licences to tollgate_app, tollgate_job;

create table licence_seats (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  licence_id uuid not null,
  user_id uuid not null,
  email text not null,
  assigned_at timestamptz(3) not null,
  revoked_at timestamptz(3),
  primary key (tenant_id, id),
  foreign key (tenant_id, licence_id) references licences (tenant_id, id)
);
create unique index licence_seats_one_each on licence_seats (tenant_id, licence_id, user_id) where revoked_at is null;
create index licence_seats_by_licence on licence_seats (tenant_id, licence_id, id);
call app.protect_tenant_table('licence_seats');
call app.let_many_tenants_in('licence_seats');
grant select, insert, update (revoked_at) on licence_seats to tollgate_app, tollgate_job;

-- The intent to buy, written before any money moves, and what became of it.
create table licence_purchases (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  licence_product_id uuid not null,
  licence_id uuid,
  kind text not null check (kind in ('FIRST', 'CO_TERMED', 'AFTER_EXPIRY', 'RENEWAL')),
  quantity bigint not null check (quantity >= 1),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  yearly_amount bigint not null check (yearly_amount > 0),
  amount bigint not null check (amount >= 0),
  explanation jsonb not null,
  remaining_days integer,
  -- The term that the price was made for.
  expiry_before timestamptz(3),
  seats_before bigint,
  auto_renew boolean not null default false,
  -- Who bought: a person of the organisation. The provider's own renewals have the first buyer.
  buyer_id uuid not null,
  status text not null check (status in ('OPEN', 'COMPLETED', 'PARKED', 'REFUNDED')),
  park_reason text check ((park_reason is null) or status in ('PARKED', 'REFUNDED')),
  park_detail text,
  provider text check (provider in ('STRIPE', 'PADDLE', 'FAKE')),
  checkout_id text,
  checkout_url text,
  payable_until timestamptz(3) not null,
  created_at timestamptz(3) not null,
  completed_at timestamptz(3),
  refunded_amount bigint not null default 0 check (refunded_amount >= 0),
  seats_refunded bigint not null default 0 check (seats_refunded between 0 and quantity),
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, licence_id) references licences (tenant_id, id),
  foreign key (partner_id, licence_product_id) references licence_products (partner_id, id),
  check ((checkout_id is null) or (provider is not null))
);
-- One checkout pays for one purchase, and one purchase is made for each of the provider's own renewals.
create unique index licence_purchases_checkout on licence_purchases (tenant_id, provider, checkout_id)
  where checkout_id is not null;
-- By the provider's id alone, across tenants: which of them does an event mean?
create index licence_purchases_by_checkout on licence_purchases (checkout_id) where checkout_id is not null;
create index licence_purchases_by_status on licence_purchases (partner_id, status, id) where status = 'PARKED';
call app.protect_tenant_table('licence_purchases');
call app.let_many_tenants_in('licence_purchases');
grant select, insert, update (licence_id, status, park_reason, park_detail, provider, checkout_id, checkout_url, completed_at,
  refunded_amount, seats_refunded) on licence_purchases to tollgate_app, tollgate_job;

-- Money that went back, as the provider has it. An event that comes twice finds its row.
create table licence_refunds (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  purchase_id uuid not null,
  provider text not null check (provider in ('STRIPE', 'PADDLE', 'FAKE')),
  provider_refund_id text not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  amount bigint not null check (amount >= 0),
  status text not null check (status in ('PENDING', 'APPROVED', 'REJECTED')),
  applied_at timestamptz(3),
  created_at timestamptz(3) not null,
  primary key (tenant_id, id),
  unique (tenant_id, provider, provider_refund_id),
  foreign key (tenant_id, purchase_id) references licence_purchases (tenant_id, id)
);
create index licence_refunds_by_purchase on licence_refunds (tenant_id, purchase_id);
call app.protect_tenant_table('licence_refunds');
call app.let_many_tenants_in('licence_refunds');
grant select, insert, update (status, applied_at) on licence_refunds to tollgate_app, tollgate_job;

-- Subscriptions at the provider that no current term lives by: of a purchase that only added seats, of a term that was replaced, of
-- a payment that was parked. Left alone they would be billed every year, so they are ended there.
create table licence_subscription_ends (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  provider text not null check (provider in ('STRIPE', 'PADDLE', 'FAKE')),
  provider_subscription_id text not null,
  -- The purchase by which it became one too many.
  purchase_id uuid not null,
  steps integer not null default 0,
  next_step_at timestamptz(3),
  ended_at timestamptz(3),
  created_at timestamptz(3) not null,
  primary key (tenant_id, id),
  unique (tenant_id, provider, provider_subscription_id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, purchase_id) references licence_purchases (tenant_id, id)
);
create index licence_subscription_ends_by_subscription on licence_subscription_ends (provider_subscription_id);
create index licence_subscription_ends_due on licence_subscription_ends (next_step_at) where ended_at is null;
call app.protect_tenant_table('licence_subscription_ends');
call app.let_many_tenants_in('licence_subscription_ends');
grant select, insert, update (ended_at) on licence_subscription_ends to tollgate_app, tollgate_job;

-- Events name the provider's ids. Whose they are is looked up here, across tenants, by the job role only; what is then read
-- and written of that tenant goes through its policies.
create function app.tenant_of_licence(p_provider text, p_kind text, p_external_id text) returns uuid
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select p.tenant_id from licence_purchases p
   where p_kind = 'LICENCE_CHECKOUT' and p.checkout_id = p_external_id and p.provider = p_provider
  union all
  select l.tenant_id from licences l
   where p_kind = 'LICENCE_SUBSCRIPTION' and l.provider_subscription_id = p_external_id
  union all
  select e.tenant_id from licence_subscription_ends e
   where p_kind = 'LICENCE_SUBSCRIPTION' and e.provider_subscription_id = p_external_id and e.provider = p_provider
  limit 1
$$;
revoke all on function app.tenant_of_licence(text, text, text) from public;
grant execute on function app.tenant_of_licence(text, text, text) to tollgate_job;
create index licences_by_subscription on licences (provider_subscription_id) where provider_subscription_id is not null;

-- Which licences will the provider renew for another number of seats than there are, and which subscriptions are to end? Across
-- tenants, for the job role only. What is taken is left alone for a while, longer each time: whoever fails gives it back by
-- time, and what cannot be done stands in nobody's way.
create index licences_out_of_step on licences (next_step_at)
  where auto_renew and provider_seats <> seats and replaced_at is null;
create function app.claim_licence_steps(p_now timestamptz, p_limit integer)
returns table (kind text, tenant_id uuid, id uuid)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  return query
  with due as materialized (
    select e.tenant_id, e.id from licence_subscription_ends e
     where e.ended_at is null and (e.next_step_at is null or e.next_step_at <= p_now)
     order by e.next_step_at nulls first limit p_limit for update skip locked
  )
  update licence_subscription_ends e
     set next_step_at = p_now + interval '1 minute' * 2 ^ least(e.steps, 8), steps = e.steps + 1
    from due d where e.tenant_id = d.tenant_id and e.id = d.id
  returning 'END', e.tenant_id, e.id;
  return query
  with due as materialized (
    select l.tenant_id, l.id from licences l
     where l.auto_renew and l.provider_seats <> l.seats and l.replaced_at is null
       and (l.next_step_at is null or l.next_step_at <= p_now)
     order by l.next_step_at nulls first limit p_limit for update skip locked
  )
  update licences l set next_step_at = p_now + interval '1 minute' * 2 ^ least(l.steps, 8), steps = l.steps + 1
    from due d where l.tenant_id = d.tenant_id and l.id = d.id
  returning 'SEATS', l.tenant_id, l.id;
end $$;
revoke all on function app.claim_licence_steps(timestamptz, integer) from public;
grant execute on function app.claim_licence_steps(timestamptz, integer) to tollgate_job;

-- A licence is a source of entitlements like a plan or an add-on.
alter table tenant_entitlements drop constraint tenant_entitlements_source_kind_check;
alter table tenant_entitlements add constraint tenant_entitlements_source_kind_check
  check (source_kind in ('PLAN', 'ADDON', 'LICENCE', 'GRANT'));

-- A purchase that is paid gives its buyer a seat if the buyer is still one of the organisation's people.
grant select on profiles to tollgate_job;

-- Reconciliation: purchases that may be paid at a provider, as `app.payments_of_provider` has payments. When they were made by
-- the provider's clock, not by a sandbox tenant's own: a week before they can no longer be paid.
create function app.licence_purchases_of_provider(p_provider text, p_from timestamptz, p_after uuid, p_limit integer)
returns table (tenant_id uuid, id uuid, external_id text, amount bigint, currency text, refunded bigint, status text,
               asked_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select p.tenant_id, p.id, p.checkout_id, p.amount, p.currency, p.refunded_amount, p.status,
         p.payable_until - interval '7 days'
    from licence_purchases p
   where p.provider = p_provider and p.payable_until >= p_from + interval '7 days' and (p_after is null or p.id > p_after)
   order by p.id limit p_limit
$$;
revoke all on function app.licence_purchases_of_provider(text, timestamptz, uuid, integer) from public;
grant execute on function app.licence_purchases_of_provider(text, timestamptz, uuid, integer) to tollgate_job;
create index licence_purchases_of_provider on licence_purchases (provider, id) where provider is not null;
