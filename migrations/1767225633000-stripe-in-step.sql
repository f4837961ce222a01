-- What Stripe bills is kept in step whatever waits for a person, and is accepted or refused by one.

-- Paused at its provider: it goes on, and gives nothing from then on. Null: it gives access.
alter table partner_tenant_addon_subscriptions add column access_until timestamptz(3);
grant update (access_until) on partner_tenant_addon_subscriptions to tollgate_app, tollgate_job;

alter table stripe_checkouts
  -- When Stripe's subscription ends, as it was last seen: with its period, or at a date of its own.
  add column provider_ends_at timestamptz(3),
  -- Its terms as they were last seen; null: they cannot be read.
  add column seen_quantity bigint check (seen_quantity between 1 and 2147483647),
  add column seen_unit_amount bigint check (seen_unit_amount >= 0),
  add column seen_paid bigint check (seen_paid >= 0),
  -- Terms other than the offer's that a person accepted. What was paid before then is accepted too.
  add column accepted_quantity bigint check (accepted_quantity between 1 and 2147483647),
  add column accepted_unit_amount bigint check (accepted_unit_amount >= 0),
  add column accepted_paid bigint check (accepted_paid >= 0),
  add column accepted_at timestamptz(3),
  -- It is ended at Stripe, and what was collected for it goes back where `withdrawn_refunds` says so.
  add column withdrawn_at timestamptz(3),
  add column withdrawn_refunds boolean,
  add column withdrawn_reason text check (length(withdrawn_reason) between 1 and 500),
  add constraint stripe_checkouts_accepted check (
    (accepted_at is null) = (accepted_quantity is null) and (accepted_at is null) = (accepted_unit_amount is null)),
  add constraint stripe_checkouts_withdrawn check (
    (withdrawn_at is null) = (withdrawn_refunds is null) and (withdrawn_at is null) = (withdrawn_reason is null)
    and (withdrawn_at is null) = (status <> 'WITHDRAWN')),
  drop constraint stripe_checkouts_status_check,
  add constraint stripe_checkouts_status_check check (
    status in ('PENDING', 'OPEN', 'COMPLETED', 'EXPIRED', 'REFUSED', 'WITHDRAWN')),
  drop constraint stripe_checkouts_check2,
  add constraint stripe_checkouts_completed check (
    status = 'WITHDRAWN' or (status = 'COMPLETED') = (completed_at is not null));
grant update (provider_ends_at, seen_quantity, seen_unit_amount, seen_paid, accepted_quantity, accepted_unit_amount,
  accepted_paid, accepted_at, withdrawn_at, withdrawn_refunds, withdrawn_reason) on stripe_checkouts to tollgate_app, tollgate_job;

update stripe_checkouts c set provider_ends_at = a.provider_period_end
  from partner_tenant_addon_subscriptions a
 where c.provider_cancels and a.tenant_id = c.tenant_id and a.id = c.addon_subscription_id;
-- What waits for a person is looked at like the others.
update stripe_checkouts set sync_at = parked_at where parked_reason is not null and sync_at is null;
drop index stripe_checkouts_to_sync;
create index stripe_checkouts_to_sync on stripe_checkouts (sync_at) where sync_at is not null;
-- What a subscription's end reaches: sold at a checkout, and attached to nothing.
create index stripe_checkouts_unattached on stripe_checkouts (tenant_id)
  where kind = 'ADDON' and addon_subscription_id is null and subscription_external_id is not null;

create or replace function app.claim_stripe_checkouts(p_now timestamptz, p_tenant uuid, p_limit integer, p_hold interval)
returns table (tenant_id uuid, id uuid)
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  with due as materialized (
    select c.tenant_id, c.id from stripe_checkouts c
     where c.sync_at <= p_now and (p_tenant is null or c.tenant_id = p_tenant)
     order by c.sync_at limit p_limit for update skip locked
  )
  update stripe_checkouts c set sync_at = p_now + p_hold, attempts = c.attempts + 1
    from due d where c.tenant_id = d.tenant_id and c.id = d.id
  returning c.tenant_id, c.id
$$;

-- The payment of Stripe's that paid an invoice of its own: refunds and disputes name that.
alter table stripe_invoices add column payment_external_id text check (length(payment_external_id) between 1 and 255);
create index stripe_invoices_by_payment on stripe_invoices (payment_external_id) where payment_external_id is not null;

-- What went back of what Stripe collected, whoever moved it: a refund or a dispute, here or in the dashboard. Less than zero
-- where it came back: a refund that failed, a dispute that was won.
create table stripe_invoice_refunds (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  invoice_external_id text not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  amount bigint not null check (amount <> 0),
  created_at timestamptz(3) not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, invoice_external_id) references stripe_invoices (tenant_id, external_id)
);
create index stripe_invoice_refunds_of_invoice on stripe_invoice_refunds (tenant_id, invoice_external_id);
create trigger append_only before update or delete on stripe_invoice_refunds
  for each row execute function app.forbid_change();
call app.protect_tenant_table('stripe_invoice_refunds');
call app.let_many_tenants_in('stripe_invoice_refunds');
grant select, insert on stripe_invoice_refunds to tollgate_app, tollgate_job;

-- A customer that is gone at its provider: what still names it is the tenant's all the same.
create table former_provider_customers (
  tenant_id uuid not null,
  provider text not null check (provider in ('STRIPE', 'PADDLE', 'FAKE')),
  external_id text not null check (length(external_id) between 1 and 255),
  partner_id uuid not null,
  gone_at timestamptz(3) not null,
  primary key (tenant_id, provider, external_id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id)
);
create index former_provider_customers_by_external on former_provider_customers (provider, external_id);
call app.protect_tenant_table('former_provider_customers');
call app.let_many_tenants_in('former_provider_customers');
grant select on former_provider_customers to tollgate_app, tollgate_job;
-- Only who asks the provider learns that one is gone.
grant insert on former_provider_customers to tollgate_job;
grant delete on provider_customers to tollgate_job;

create or replace function app.tenant_of_provider_object(p_provider text, p_kind text, p_external text) returns uuid
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select case when count(distinct f.tenant_id) = 1 then (array_agg(f.tenant_id))[1] end
    from (select c.tenant_id from provider_customers c
           where p_kind = 'CUSTOMER' and c.provider = p_provider and c.external_id = p_external
          union all
          select c.tenant_id from former_provider_customers c
           where p_kind = 'CUSTOMER' and c.provider = p_provider and c.external_id = p_external
          union all
          select i.tenant_id from stripe_invoices i
           where p_kind = 'CHARGE' and p_provider = 'STRIPE' and i.payment_external_id = p_external
          union all
          select p.tenant_id from payments p
           where p_kind = 'CHARGE' and p.provider = p_provider and p.external_id = p_external) f
$$;

-- Reconciliation: with what waits for a person, and when each ends.
drop function app.stripe_subscriptions(boolean, uuid, integer);
create function app.stripe_subscriptions(p_live boolean, p_after uuid, p_limit integer)
returns table (tenant_id uuid, id uuid, external_id text, status text, cancels boolean, period_end timestamptz,
               parked boolean, ends_at timestamptz, quantity bigint, unit_amount bigint, currency text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select c.tenant_id, c.id, c.subscription_external_id, c.provider_status, c.provider_cancels, a.provider_period_end,
         c.parked_reason is not null, c.provider_ends_at, coalesce(c.accepted_quantity, c.quantity),
         coalesce(c.accepted_unit_amount, c.unit_amount), c.currency
    from stripe_checkouts c
    left join lateral (
      select p.provider_period_end from partner_tenant_addon_subscriptions p
       where p.tenant_id = c.tenant_id
         and (p.id = c.addon_subscription_id or p.origin_id = c.addon_subscription_id)
       order by p.id desc limit 1) a on true
   where c.kind = 'ADDON' and c.live = p_live and c.subscription_external_id is not null
     and (p_after is null or c.id > p_after)
   order by c.id limit p_limit
$$;
revoke all on function app.stripe_subscriptions(boolean, uuid, integer) from public;
grant execute on function app.stripe_subscriptions(boolean, uuid, integer) to tollgate_job;
