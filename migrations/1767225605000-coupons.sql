create table partner_coupons (
  partner_id uuid not null references partners (id),
  id uuid not null,
  code text not null check (code ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$'),
  name text not null check (length(name) between 1 and 200),
  kind text not null check (kind in ('PERCENT', 'FIXED', 'FREE_PERIODS')),
  percent numeric(15, 12) check (percent > 0 and percent <= 100 and percent <> 'NaN'),
  duration text not null check (duration in ('ONCE', 'REPEATING', 'FOREVER')),
  duration_periods integer check (duration_periods between 1 and 1000),
  -- FIXED on a plan change: true scales the amount by the share of the period that is left.
  scaled boolean not null default false,
  valid_from timestamptz(3),
  valid_until timestamptz(3),
  max_redemptions integer check (max_redemptions >= 1),
  max_redemptions_per_tenant integer not null default 1 check (max_redemptions_per_tenant >= 1),
  first_purchase_only boolean not null default false,
  -- Empty lists: no restriction.
  plan_ids uuid[] not null default '{}',
  addon_ids uuid[] not null default '{}',
  intervals text[] not null default '{}',
  status text not null default 'ACTIVE' check (status in ('ACTIVE', 'PAUSED', 'ARCHIVED')),
  -- Reservations that stand: queued, running or used up. One conditional update keeps the cap at any concurrency.
  reserved_count integer not null default 0 check (reserved_count >= 0),
  version integer not null default 1,
  created_at timestamptz(3) not null,
  primary key (partner_id, id),
  check (max_redemptions is null or reserved_count <= max_redemptions),
  check ((kind = 'PERCENT') = (percent is not null)),
  check ((duration = 'REPEATING') = (duration_periods is not null)),
  check (valid_until is null or valid_from is null or valid_until > valid_from)
);
create unique index partner_coupons_code on partner_coupons (partner_id, lower(code));
alter table plan_change_prorations add foreign key (partner_id, coupon_id) references partner_coupons (partner_id, id);
create index partner_coupons_by_id on partner_coupons (id);
call app.protect_partner_table('partner_coupons');
grant select, insert, update (name, valid_from, valid_until, max_redemptions, max_redemptions_per_tenant, status, version)
  on partner_coupons to tollgate_app;
grant select on partner_coupons to tollgate_job;

-- FIXED: the discount, and for every kind the smallest amount it applies to; one row a currency.
create table coupon_amounts (
  partner_id uuid not null,
  coupon_id uuid not null,
  purpose text not null check (purpose in ('DISCOUNT', 'MINIMUM')),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  amount bigint not null check (amount > 0),
  primary key (partner_id, coupon_id, purpose, currency),
  foreign key (partner_id, coupon_id) references partner_coupons (partner_id, id)
);
create index coupon_amounts_by_coupon on coupon_amounts (coupon_id);
call app.protect_partner_table('coupon_amounts');
grant select, insert on coupon_amounts to tollgate_app;
grant select on coupon_amounts to tollgate_job;

-- Reserves one redemption (+1) or gives it back (−1); false when the coupon is used up. A function of the owner, because
-- a tenant's own purchase moves the partner's counter and nothing else of that row.
create function app.reserve_coupon(p_coupon uuid, p_change integer) returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_partner uuid := nullif(current_setting('app.partner_id', true), '')::uuid;
begin
  if v_partner is null or current_setting('app.can_write', true) is distinct from 'on'
     or p_change is null or p_change not in (1, -1) then
    raise exception 'no such account' using errcode = 'TG403';
  end if;
  update partner_coupons c set reserved_count = reserved_count + p_change
   where c.partner_id = v_partner and c.id = p_coupon
     and (p_change < 0 or c.max_redemptions is null or c.reserved_count < c.max_redemptions);
  return found;
end $$;
revoke all on function app.reserve_coupon(uuid, integer) from public;
grant execute on function app.reserve_coupon(uuid, integer) to tollgate_app, tollgate_job;

-- A coupon of a tenant, from the reservation to its last period: PENDING (queued for the next invoice), RUNNING (used,
-- more periods to come), FINISHED, or ended early: REMOVED, EXPIRED (never used), ENDED (by a plan change).
create table tenant_pending_coupons (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  coupon_id uuid not null,
  subscription_id uuid,
  status text not null check (status in ('PENDING', 'RUNNING', 'FINISHED', 'REMOVED', 'EXPIRED', 'ENDED')),
  periods_applied integer not null default 0 check (periods_applied >= 0),
  created_at timestamptz(3) not null,
  ended_at timestamptz(3),
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id),
  foreign key (partner_id, coupon_id) references partner_coupons (partner_id, id)
);
create unique index pending_coupons_one_live on tenant_pending_coupons (tenant_id, coupon_id)
  where status in ('PENDING', 'RUNNING');
create index pending_coupons_by_coupon on tenant_pending_coupons (partner_id, coupon_id);
call app.protect_tenant_table('tenant_pending_coupons');
grant select, insert, update (status, periods_applied, ended_at, subscription_id) on tenant_pending_coupons
  to tollgate_app, tollgate_job;

create table coupon_redemptions (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  coupon_id uuid not null,
  pending_coupon_id uuid not null,
  subscription_id uuid not null,
  invoice_id uuid,
  -- 1 for the first period the coupon is used in.
  period_number integer not null check (period_number >= 1),
  discount bigint not null check (discount >= 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  is_proration_involved boolean not null default false,
  -- The discount on the prorated charge, where the coupon came with a plan change.
  proration_amount bigint,
  plan_id_before uuid,
  plan_id_after uuid,
  interval_before text,
  interval_after text,
  redeemed_at timestamptz(3) not null,
  primary key (tenant_id, id),
  unique (tenant_id, pending_coupon_id, period_number),
  foreign key (tenant_id, pending_coupon_id) references tenant_pending_coupons (tenant_id, id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id),
  foreign key (partner_id, coupon_id) references partner_coupons (partner_id, id),
  foreign key (partner_id, plan_id_before) references plans (partner_id, id),
  foreign key (partner_id, plan_id_after) references plans (partner_id, id)
);
create trigger append_only before update or delete on coupon_redemptions
  for each row execute function app.forbid_change();
call app.protect_tenant_table('coupon_redemptions');
grant select, insert on coupon_redemptions to tollgate_app, tollgate_job;
