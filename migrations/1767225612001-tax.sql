-- Tax by rate tables, the parties of a document, and both as they were when it was issued.

-- A rate is fixed but for its end: a new rate is a new row, so an old document can be calculated again.
create table tax_rates (
  partner_id uuid not null references partners (id),
  id uuid not null,
  country text not null check (country ~ '^[A-Z]{2}$'),
  region text check (region ~ '^[A-Z0-9]{1,3}$'),
  category text check (category ~ '^[a-z][a-z0-9_-]{0,62}$'),
  name text not null check (length(name) between 1 and 200),
  percent numeric(15, 12) not null check (percent <> 'NaN' and percent between 0 and 100),
  -- The price holds the tax already; otherwise it comes on top.
  inclusive boolean not null,
  valid_from date not null,
  -- The first day on which it does not hold any more.
  valid_to date,
  version integer not null default 1,
  created_at timestamptz(3) not null,
  primary key (partner_id, id),
  check (valid_to is null or valid_to > valid_from)
);
create unique index tax_rates_one_a_day
  on tax_rates (partner_id, country, coalesce(region, ''), coalesce(category, ''), valid_from);
call app.protect_partner_table('tax_rates');
grant select, insert, update (valid_to, version) on tax_rates to tollgate_app;
grant select on tax_rates to tollgate_job;

-- What a plan or add-on is for the tax office, where it is not like everything else.
create table tax_categories (
  partner_id uuid not null references partners (id),
  id uuid not null,
  plan_id uuid,
  addon_id uuid,
  category text not null check (category ~ '^[a-z][a-z0-9_-]{0,62}$'),
  primary key (partner_id, id),
  foreign key (partner_id, plan_id) references plans (partner_id, id),
  foreign key (partner_id, addon_id) references partner_addons (partner_id, id),
  unique (partner_id, plan_id),
  unique (partner_id, addon_id),
  check ((plan_id is null) <> (addon_id is null))
);
call app.protect_partner_table('tax_categories');
grant select, insert, update (category), delete on tax_categories to tollgate_app;
grant select on tax_categories to tollgate_job;

-- Who stands on documents: the newest version. Older ones stay, so it can be told who was where when.
create table partner_billing_details (
  partner_id uuid not null references partners (id),
  version integer not null check (version >= 1),
  legal_name text not null check (length(legal_name) between 1 and 200),
  address text[] not null check (cardinality(address) between 1 and 6),
  country text not null check (country ~ '^[A-Z]{2}$'),
  region text check (region ~ '^[A-Z0-9]{1,3}$'),
  tax_id text check (length(tax_id) between 1 and 40),
  email text check (length(email) between 3 and 320),
  created_at timestamptz(3) not null,
  primary key (partner_id, version)
);
create trigger append_only before update or delete on partner_billing_details
  for each row execute function app.forbid_change();
call app.protect_partner_table('partner_billing_details');
grant select, insert on partner_billing_details to tollgate_app;
grant select on partner_billing_details to tollgate_job;

-- The same of a tenant, and how it is taxed. Either may be known before the other.
create table billing_details (
  tenant_id uuid not null,
  version integer not null check (version >= 1),
  partner_id uuid not null,
  legal_name text check (length(legal_name) between 1 and 200),
  address text[] not null default '{}' check (cardinality(address) <= 6),
  country text check (country ~ '^[A-Z]{2}$'),
  region text check (region ~ '^[A-Z0-9]{1,3}$'),
  tax_id text check (length(tax_id) between 1 and 40),
  email text check (length(email) between 3 and 320),
  tax_treatment text not null default 'TAXABLE' check (tax_treatment in ('TAXABLE', 'REVERSE_CHARGE', 'EXEMPT')),
  tax_note text check (length(tax_note) between 1 and 500),
  created_at timestamptz(3) not null,
  primary key (tenant_id, version),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  check ((legal_name is null) = (country is null)),
  check ((tax_treatment = 'TAXABLE') = (tax_note is null))
);
create trigger append_only before update or delete on billing_details for each row execute function app.forbid_change();
call app.protect_tenant_table('billing_details');
grant select, insert on billing_details to tollgate_app;
grant select on billing_details to tollgate_job;

-- subtotal − discount + tax = total, where the tax is what comes on top of the prices.
alter table invoices
  add column tax bigint not null default 0,
  add column taxes jsonb not null default '[]',
  add column tax_treatment text not null default 'TAXABLE',
  add column tax_note text,
  add column billing jsonb not null default '{}',
  drop constraint invoices_check,
  add constraint invoices_totals check (total = subtotal - discount + tax);
alter table credit_notes
  add column tax bigint not null default 0,
  add column taxes jsonb not null default '[]',
  add column tax_treatment text not null default 'TAXABLE',
  add column tax_note text,
  add column billing jsonb not null default '{}';
alter table invoice_lines
  add column tax jsonb,
  drop constraint invoice_lines_source_kind_check,
  add constraint invoice_lines_source_kind_check check (source_kind in ('PLAN', 'ADDON', 'COUPON', 'TAX'));
alter table credit_note_lines
  add column tax jsonb,
  drop constraint credit_note_lines_source_kind_check,
  add constraint credit_note_lines_source_kind_check check (source_kind in ('PLAN', 'ADDON', 'COUPON', 'TAX')),
  drop constraint credit_note_lines_kind_check,
  add constraint credit_note_lines_kind_check
    check (kind in ('PRORATION_CREDIT', 'PRORATION_CHARGE', 'DISCOUNT', 'CORRECTION', 'TAX'));
-- The tax that was charged with an item: what a credit takes its share from.
alter table item_charges
  add column tax bigint not null default 0,
  add column tax_rate jsonb;
