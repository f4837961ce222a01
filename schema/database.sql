-- The migrated schema as PostgreSQL sees it, to be reviewed like code. Written by `npm run tollgate -- dump-schema`;
-- changed by a migration, never by hand. Owners and their own rights are left out: they differ from server to server.

-- Schemas

create schema app;
grant usage on schema app to tollgate_app, tollgate_job;

create schema public;
grant usage on schema public to tollgate_app, tollgate_job;

-- Tables

create view public.access_ends with (security_invoker=true) as
 SELECT t.id AS tenant_id,
        CASE
            WHEN s.id IS NOT NULL THEN s.access_until
            ELSE (((min(c.first_failed_at) AT TIME ZONE COALESCE(t.time_zone, h.time_zone)) + make_interval(days => COALESCE(p.grace_days, 7))) AT TIME ZONE COALESCE(t.time_zone, h.time_zone))::timestamp(3) with time zone
        END AS ends_at
   FROM public.tenants t
     JOIN public.partners h ON h.id = t.partner_id
     LEFT JOIN public.subscriptions s ON s.tenant_id = t.id AND s.status <> 'CANCELLED'::text
     LEFT JOIN public.invoice_collections c ON c.tenant_id = t.id AND c.ended_at IS NULL
     LEFT JOIN public.partner_dunning_policies p ON p.partner_id = t.partner_id
  GROUP BY t.id, h.time_zone, s.tenant_id, s.id, s.access_until, p.grace_days;

create table public.addon_allowance_history (
  partner_id uuid not null,
  id uuid not null,
  addon_id uuid not null,
  replaced_at timestamp(3) with time zone not null,
  allowances jsonb not null,
  constraint addon_allowance_history_pkey PRIMARY KEY (partner_id, id),
  constraint addon_allowance_history_partner_id_addon_id_fkey FOREIGN KEY (partner_id, addon_id) REFERENCES public.partner_addons(partner_id, id)
);
CREATE INDEX addon_allowance_history_by_addon ON public.addon_allowance_history USING btree (addon_id, replaced_at);
alter table public.addon_allowance_history enable row level security;
create policy partner_delete on public.addon_allowance_history for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.addon_allowance_history for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.addon_allowance_history for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.addon_allowance_history for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.addon_allowance_history to tollgate_app;
grant select on public.addon_allowance_history to tollgate_job;

create table public.addon_features (
  partner_id uuid not null,
  addon_id uuid not null,
  feature_id uuid not null,
  unlimited boolean not null default false,
  limit_quantity numeric(32,12),
  reset_period text,
  config_value text,
  usage_prices jsonb not null default '[]'::jsonb,
  constraint addon_features_pkey PRIMARY KEY (partner_id, addon_id, feature_id),
  constraint addon_features_limit_quantity_check CHECK (limit_quantity >= 0::numeric AND limit_quantity <> 'NaN'::numeric),
  constraint addon_features_reset_period_check CHECK (reset_period = ANY (ARRAY['NEVER'::text, 'DAY'::text, 'WEEK'::text, 'MONTH'::text, 'QUARTER'::text, 'YEAR'::text])),
  constraint addon_features_usage_prices_check CHECK (jsonb_typeof(usage_prices) = 'array'::text),
  constraint addon_features_partner_id_addon_id_fkey FOREIGN KEY (partner_id, addon_id) REFERENCES public.partner_addons(partner_id, id),
  constraint addon_features_partner_id_feature_id_fkey FOREIGN KEY (partner_id, feature_id) REFERENCES public.features(partner_id, id)
);
CREATE INDEX addon_features_by_addon ON public.addon_features USING btree (addon_id);
alter table public.addon_features enable row level security;
create policy partner_delete on public.addon_features for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.addon_features for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.addon_features for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.addon_features for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant delete, insert, select on public.addon_features to tollgate_app;
grant select on public.addon_features to tollgate_job;

create table public.addon_prices (
  partner_id uuid not null,
  id uuid not null,
  addon_id uuid not null,
  currency text not null,
  "interval" text not null,
  amount bigint not null,
  created_at timestamp(3) with time zone not null,
  replaced_at timestamp(3) with time zone,
  constraint addon_prices_pkey PRIMARY KEY (partner_id, id),
  constraint addon_prices_amount_check CHECK (amount >= 0),
  constraint addon_prices_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint addon_prices_interval_check CHECK ("interval" = ANY (ARRAY['DAY'::text, 'WEEK'::text, 'MONTH'::text, 'QUARTER'::text, 'YEAR'::text])),
  constraint addon_prices_partner_id_addon_id_fkey FOREIGN KEY (partner_id, addon_id) REFERENCES public.partner_addons(partner_id, id)
);
CREATE INDEX addon_prices_by_addon ON public.addon_prices USING btree (addon_id) WHERE replaced_at IS NULL;
CREATE UNIQUE INDEX addon_prices_current ON public.addon_prices USING btree (partner_id, addon_id, currency, "interval") WHERE replaced_at IS NULL;
alter table public.addon_prices enable row level security;
create policy partner_delete on public.addon_prices for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.addon_prices for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.addon_prices for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.addon_prices for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.addon_prices to tollgate_app;
grant select on public.addon_prices to tollgate_job;
grant update (replaced_at) on public.addon_prices to tollgate_app;

create table public.addon_requirements (
  partner_id uuid not null,
  addon_id uuid not null,
  required_addon_id uuid not null,
  constraint addon_requirements_pkey PRIMARY KEY (partner_id, addon_id, required_addon_id),
  constraint addon_requirements_check CHECK (required_addon_id <> addon_id),
  constraint addon_requirements_partner_id_addon_id_fkey FOREIGN KEY (partner_id, addon_id) REFERENCES public.partner_addons(partner_id, id),
  constraint addon_requirements_partner_id_required_addon_id_fkey FOREIGN KEY (partner_id, required_addon_id) REFERENCES public.partner_addons(partner_id, id)
);
CREATE INDEX addon_requirements_by_addon ON public.addon_requirements USING btree (addon_id);
alter table public.addon_requirements enable row level security;
create policy partner_delete on public.addon_requirements for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.addon_requirements for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.addon_requirements for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.addon_requirements for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant delete, insert, select on public.addon_requirements to tollgate_app;
grant select on public.addon_requirements to tollgate_job;

create table public.api_keys (
  partner_id uuid not null,
  id uuid not null,
  tenant_id uuid,
  name text not null,
  prefix text not null,
  key_hash bytea not null,
  live boolean not null,
  scopes text[] not null,
  created_by uuid not null,
  created_at timestamp(3) with time zone not null,
  expires_at timestamp(3) with time zone,
  revoked_at timestamp(3) with time zone,
  constraint api_keys_pkey PRIMARY KEY (partner_id, id),
  constraint api_keys_key_hash_key UNIQUE (key_hash),
  constraint api_keys_name_check CHECK (length(name) >= 1 AND length(name) <= 200),
  constraint api_keys_scopes_check CHECK (scopes <@ ARRAY['READ'::text, 'WRITE'::text, 'USAGE'::text] AND cardinality(scopes) > 0),
  constraint api_keys_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
CREATE INDEX api_keys_by_id ON public.api_keys USING btree (id);
alter table public.api_keys enable row level security;
create policy partner_delete on public.api_keys for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.api_keys for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.api_keys for select to tollgate_app, tollgate_job
  using ((partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])));
create policy partner_update on public.api_keys for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.api_keys to tollgate_app;
grant update (revoked_at) on public.api_keys to tollgate_app;

create table public.billed_usage (
  tenant_id uuid not null,
  subscription_id uuid not null,
  feature_id uuid not null,
  window_start timestamp(3) with time zone not null,
  partner_id uuid not null,
  window_end timestamp(3) with time zone,
  billed_until timestamp(3) with time zone not null,
  quantity numeric(38,12) not null,
  paid_in_advance uuid[] not null default '{}'::uuid[],
  billed_at timestamp(3) with time zone not null,
  boundaries timestamp(3) with time zone[] not null default '{}'::timestamp with time zone[],
  reopened boolean not null default false,
  constraint billed_usage_pkey PRIMARY KEY (tenant_id, subscription_id, feature_id, window_start),
  constraint billed_usage_check CHECK (billed_until >= window_start),
  constraint billed_usage_quantity_check CHECK (quantity >= 0::numeric AND quantity <> 'NaN'::numeric),
  constraint billed_usage_partner_id_feature_id_fkey FOREIGN KEY (partner_id, feature_id) REFERENCES public.features(partner_id, id),
  constraint billed_usage_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint billed_usage_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id)
);
CREATE INDEX billed_usage_by_feature ON public.billed_usage USING btree (partner_id, feature_id);
alter table public.billed_usage enable row level security;
create policy many_tenants on public.billed_usage for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.billed_usage for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.billed_usage for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.billed_usage for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.billed_usage for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.billed_usage to tollgate_app, tollgate_job;
grant update (billed_until, quantity, paid_in_advance, billed_at, boundaries, reopened) on public.billed_usage to tollgate_app, tollgate_job;

create table public.billed_usage_charges (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  feature_id uuid not null,
  window_start timestamp(3) with time zone not null,
  billed_until timestamp(3) with time zone not null,
  source_id uuid not null,
  catalog_id uuid not null,
  part text not null,
  quantity numeric(38,12) not null,
  amount bigint not null,
  currency text not null,
  invoice_id uuid not null,
  returned boolean not null default false,
  constraint billed_usage_charges_pkey PRIMARY KEY (tenant_id, id),
  constraint billed_usage_charges_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint billed_usage_charges_part_check CHECK (part = ANY (ARRAY['INSIDE'::text, 'OVERAGE'::text, 'ADVANCE'::text])),
  constraint billed_usage_charges_quantity_check CHECK (quantity <> 'NaN'::numeric),
  constraint billed_usage_charges_partner_id_feature_id_fkey FOREIGN KEY (partner_id, feature_id) REFERENCES public.features(partner_id, id),
  constraint billed_usage_charges_tenant_id_invoice_id_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES public.invoices(tenant_id, id),
  constraint billed_usage_charges_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint billed_usage_charges_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id)
);
CREATE INDEX billed_usage_charges_by_feature ON public.billed_usage_charges USING btree (partner_id, feature_id);
CREATE INDEX billed_usage_charges_of_invoice ON public.billed_usage_charges USING btree (tenant_id, invoice_id);
CREATE INDEX billed_usage_charges_of_window ON public.billed_usage_charges USING btree (tenant_id, subscription_id, feature_id, window_start);
alter table public.billed_usage_charges enable row level security;
create policy many_tenants on public.billed_usage_charges for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.billed_usage_charges for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.billed_usage_charges for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.billed_usage_charges for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.billed_usage_charges for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.billed_usage_charges to tollgate_app, tollgate_job;
grant update (returned) on public.billed_usage_charges to tollgate_app, tollgate_job;

create table public.billing_details (
  tenant_id uuid not null,
  version integer not null,
  partner_id uuid not null,
  legal_name text,
  address text[] not null default '{}'::text[],
  country text,
  region text,
  tax_id text,
  email text,
  tax_treatment text not null default 'TAXABLE'::text,
  tax_note text,
  created_at timestamp(3) with time zone not null,
  constraint billing_details_pkey PRIMARY KEY (tenant_id, version),
  constraint billing_details_address_check CHECK (cardinality(address) <= 6),
  constraint billing_details_check CHECK ((legal_name IS NULL) = (country IS NULL)),
  constraint billing_details_check1 CHECK ((tax_treatment = 'TAXABLE'::text) = (tax_note IS NULL)),
  constraint billing_details_country_check CHECK (country ~ '^[A-Z]{2}$'::text),
  constraint billing_details_email_check CHECK (length(email) >= 3 AND length(email) <= 320),
  constraint billing_details_legal_name_check CHECK (length(legal_name) >= 1 AND length(legal_name) <= 200),
  constraint billing_details_region_check CHECK (region ~ '^[A-Z0-9]{1,3}$'::text),
  constraint billing_details_tax_id_check CHECK (length(tax_id) >= 1 AND length(tax_id) <= 40),
  constraint billing_details_tax_note_check CHECK (length(tax_note) >= 1 AND length(tax_note) <= 500),
  constraint billing_details_tax_treatment_check CHECK (tax_treatment = ANY (ARRAY['TAXABLE'::text, 'REVERSE_CHARGE'::text, 'EXEMPT'::text])),
  constraint billing_details_version_check CHECK (version >= 1),
  constraint billing_details_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.billing_details FOR EACH ROW EXECUTE FUNCTION app.forbid_change();
alter table public.billing_details enable row level security;
create policy many_tenants on public.billing_details for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.billing_details for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.billing_details for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.billing_details for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.billing_details for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.billing_details to tollgate_app;
grant select on public.billing_details to tollgate_job;

create view public.billing_due with (security_invoker=true) as
 SELECT subscriptions.period_end AS due_at,
    subscriptions.tenant_id,
    subscriptions.partner_id
   FROM public.subscriptions
  WHERE subscriptions.status <> 'CANCELLED'::text
UNION ALL
 SELECT subscriptions.cancel_at AS due_at,
    subscriptions.tenant_id,
    subscriptions.partner_id
   FROM public.subscriptions
  WHERE subscriptions.status <> 'CANCELLED'::text AND subscriptions.cancel_at IS NOT NULL
UNION ALL
 SELECT scheduled_plan_changes.effective_at AS due_at,
    scheduled_plan_changes.tenant_id,
    scheduled_plan_changes.partner_id
   FROM public.scheduled_plan_changes
  WHERE scheduled_plan_changes.status = 'PENDING'::text
UNION ALL
 SELECT partner_tenant_addon_subscriptions.ends_at AS due_at,
    partner_tenant_addon_subscriptions.tenant_id,
    partner_tenant_addon_subscriptions.partner_id
   FROM public.partner_tenant_addon_subscriptions
  WHERE partner_tenant_addon_subscriptions.ended_at IS NULL AND partner_tenant_addon_subscriptions.ends_at IS NOT NULL
UNION ALL
 SELECT u.due_at,
    u.tenant_id,
    u.partner_id
   FROM public.usage_after_end u
  WHERE NOT (EXISTS ( SELECT 1
           FROM public.subscriptions s
          WHERE s.tenant_id = u.tenant_id AND s.status <> 'CANCELLED'::text));
grant select on public.billing_due to tollgate_job;

create table public.billing_work (
  tenant_id uuid not null,
  partner_id uuid not null,
  due_at timestamp(3) with time zone not null,
  bill_until timestamp(3) with time zone not null,
  attempts integer not null default 0,
  held_until timestamp(3) with time zone,
  parked_at timestamp(3) with time zone,
  reason text,
  detail text,
  created_at timestamp(3) with time zone not null,
  constraint billing_work_pkey PRIMARY KEY (tenant_id),
  constraint billing_work_check CHECK (parked_at IS NULL OR held_until IS NULL AND reason IS NOT NULL),
  constraint billing_work_check1 CHECK (attempts = 0 OR parked_at IS NOT NULL OR held_until IS NOT NULL),
  constraint billing_work_reason_check CHECK (reason = ANY (ARRAY['INVARIANT_BROKEN'::text, 'AMOUNT_OUT_OF_RANGE'::text, 'CONSTRAINT_BROKEN'::text, 'NOTHING_MOVED'::text, 'BUSY'::text, 'WORKER_LOST'::text, 'UNEXPECTED'::text])),
  constraint billing_work_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
CREATE INDEX billing_work_fresh ON public.billing_work USING btree (due_at, tenant_id) WHERE parked_at IS NULL AND held_until IS NULL;
CREATE INDEX billing_work_fresh_of_partner ON public.billing_work USING btree (partner_id, due_at, tenant_id) WHERE parked_at IS NULL AND held_until IS NULL;
CREATE INDEX billing_work_held ON public.billing_work USING btree (held_until) WHERE held_until IS NOT NULL;
CREATE INDEX billing_work_parked ON public.billing_work USING btree (partner_id, tenant_id) WHERE parked_at IS NOT NULL;
alter table public.billing_work enable row level security;
create policy many_tenants on public.billing_work for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.billing_work for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.billing_work for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.billing_work for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.billing_work for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant delete on public.billing_work to tollgate_app;
grant delete, select on public.billing_work to tollgate_job;
grant select (tenant_id, partner_id, due_at, bill_until, parked_at, reason, created_at) on public.billing_work to tollgate_app;
grant update (held_until, parked_at, reason, detail) on public.billing_work to tollgate_job;

create view public.check_accounts with (security_invoker=true) as
 SELECT 'invoice line '::text || l.id AS subject,
    (('its amount is '::text || l.amount) || ', the account of its item has '::text) || a.amount AS detail
   FROM public.invoice_lines l
     JOIN ( SELECT item_charges.tenant_id,
            item_charges.invoice_line_id,
            sum(item_charges.amount) AS amount
           FROM public.item_charges
          WHERE item_charges.invoice_line_id IS NOT NULL AND (item_charges.kind = ANY (ARRAY['CHARGE'::text, 'DISCOUNT'::text]))
          GROUP BY item_charges.tenant_id, item_charges.invoice_line_id) a ON a.tenant_id = l.tenant_id AND a.invoice_line_id = l.id
  WHERE a.amount <> l.amount::numeric AND (l.kind <> ALL (ARRAY['PRORATION_CREDIT'::text, 'PLAN_USAGE'::text, 'ADDON_USAGE'::text, 'OVERAGE'::text, 'TAX'::text]));

create view public.check_amounts_due with (security_invoker=true) as
 SELECT 'invoice '::text || i.number AS subject,
    (('credited '::text || i.credited) || ', its credit notes say '::text) || COALESCE(n.total, 0::numeric) AS detail
   FROM public.invoices i
     LEFT JOIN ( SELECT credit_notes.tenant_id,
            credit_notes.invoice_id,
            sum(credit_notes.total) AS total
           FROM public.credit_notes
          WHERE credit_notes.settlement = 'OPEN_INVOICE'::text
          GROUP BY credit_notes.tenant_id, credit_notes.invoice_id) n ON n.tenant_id = i.tenant_id AND n.invoice_id = i.id
  WHERE i.credited::numeric <> COALESCE(n.total, 0::numeric)
UNION ALL
 SELECT 'invoice '::text || i.number AS subject,
    ('is '::text || lower(i.status)) || ', and nothing is due of it'::text AS detail
   FROM public.invoices i
  WHERE (i.status = ANY (ARRAY['FINALIZED'::text, 'UNCOLLECTIBLE'::text])) AND (i.credited + i.paid) = i.amount_due
UNION ALL
 SELECT 'invoice line '::text || c.origin_line_id AS subject,
    'more was credited and given back of it than it charged: '::text || sum(c.amount) AS detail
   FROM public.item_charges c
  WHERE c.origin_line_id IS NOT NULL
  GROUP BY c.tenant_id, c.origin_line_id
 HAVING sum(c.amount) < 0::numeric;

create view public.check_attachments with (security_invoker=true) as
 SELECT 'add-on subscription '::text || a.id AS subject,
    (('begins '::text || a.started_at) || ', the one before it lasts until '::text) || COALESCE(a.before::text, 'it is cancelled'::text) AS detail
   FROM ( SELECT partner_tenant_addon_subscriptions.id,
            partner_tenant_addon_subscriptions.started_at,
            partner_tenant_addon_subscriptions.ended_at,
            lag(COALESCE(partner_tenant_addon_subscriptions.ended_at, 'infinity'::timestamp with time zone)) OVER (PARTITION BY partner_tenant_addon_subscriptions.tenant_id, partner_tenant_addon_subscriptions.addon_id ORDER BY partner_tenant_addon_subscriptions.started_at, partner_tenant_addon_subscriptions.id) AS before
           FROM public.partner_tenant_addon_subscriptions
          WHERE partner_tenant_addon_subscriptions.ended_at IS NULL OR partner_tenant_addon_subscriptions.ended_at > partner_tenant_addon_subscriptions.started_at) a
  WHERE a.before > a.started_at
UNION ALL
 SELECT 'add-on subscription '::text || a.id AS subject,
    'goes on, and its subscription has ended'::text AS detail
   FROM public.partner_tenant_addon_subscriptions a
     JOIN public.subscriptions s ON s.tenant_id = a.tenant_id AND s.id = a.subscription_id
  WHERE a.ended_at IS NULL AND s.status = 'CANCELLED'::text
UNION ALL
 SELECT 'add-on subscription '::text || a.id AS subject,
    'goes on without the add-on that it requires, '::text || o.code AS detail
   FROM public.partner_tenant_addon_subscriptions a
     JOIN public.subscriptions s ON s.tenant_id = a.tenant_id AND s.id = a.subscription_id
     JOIN public.tenants t ON t.id = a.tenant_id
     JOIN public.addon_requirements q ON q.partner_id = a.partner_id AND q.addon_id = a.addon_id
     JOIN public.partner_addons o ON o.partner_id = q.partner_id AND o.id = q.required_addon_id
  WHERE a.ended_at IS NULL AND (a.ends_at IS NULL OR a.ends_at > COALESCE(t.test_clock, now())) AND NOT (EXISTS ( SELECT 1
           FROM public.partner_tenant_addon_subscriptions r
          WHERE r.tenant_id = a.tenant_id AND r.addon_id = q.required_addon_id AND r.ended_at IS NULL)) AND NOT (EXISTS ( SELECT 1
           FROM public.plan_versions v
          WHERE v.partner_id = s.partner_id AND v.id = s.plan_version_id AND (v.includes_all_addons OR (EXISTS ( SELECT 1
                   FROM public.plan_addons p
                  WHERE p.partner_id = v.partner_id AND p.plan_version_id = v.id AND p.addon_id = q.required_addon_id)))));

create view public.check_balances with (security_invoker=true) as
 SELECT 'tenant '::text || b.tenant_id AS subject,
    (((('balance '::text || b.balance) || ' '::text) || b.currency) || ', movements '::text) || COALESCE(e.amount, 0::numeric) AS detail
   FROM public.credit_balances b
     LEFT JOIN ( SELECT credit_balance_entries.tenant_id,
            credit_balance_entries.currency,
            sum(credit_balance_entries.amount) AS amount
           FROM public.credit_balance_entries
          GROUP BY credit_balance_entries.tenant_id, credit_balance_entries.currency) e ON e.tenant_id = b.tenant_id AND e.currency = b.currency
  WHERE b.balance::numeric <> COALESCE(e.amount, 0::numeric)
UNION ALL
 SELECT 'tenant '::text || m.tenant_id AS subject,
    (((('movement '::text || m.id) || ' leaves '::text) || m.balance_after) || ', the movements up to it make '::text) || m.amount AS detail
   FROM ( SELECT credit_balance_entries.tenant_id,
            credit_balance_entries.id,
            credit_balance_entries.balance_after,
            sum(credit_balance_entries.amount) OVER (PARTITION BY credit_balance_entries.tenant_id, credit_balance_entries.currency ORDER BY credit_balance_entries.id ROWS UNBOUNDED PRECEDING) AS amount
           FROM public.credit_balance_entries) m
  WHERE m.balance_after::numeric <> m.amount;

create view public.check_billed_usage with (security_invoker=true) as
 SELECT 'invoice '::text || i.number AS subject,
    ((('charges '::text || COALESCE(l.amount, 0::numeric)) || ' for usage, '::text) || c.amount) || ' is kept as billed'::text AS detail
   FROM ( SELECT billed_usage_charges.tenant_id,
            billed_usage_charges.invoice_id,
            sum(billed_usage_charges.amount) AS amount
           FROM public.billed_usage_charges
          GROUP BY billed_usage_charges.tenant_id, billed_usage_charges.invoice_id) c
     JOIN public.invoices i ON i.tenant_id = c.tenant_id AND i.id = c.invoice_id
     LEFT JOIN ( SELECT invoice_lines.tenant_id,
            invoice_lines.invoice_id,
            sum(invoice_lines.amount) AS amount
           FROM public.invoice_lines
          WHERE invoice_lines.kind = ANY (ARRAY['PLAN_USAGE'::text, 'ADDON_USAGE'::text, 'OVERAGE'::text])
          GROUP BY invoice_lines.tenant_id, invoice_lines.invoice_id) l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
  WHERE c.amount <> COALESCE(l.amount, 0::numeric)
UNION ALL
 SELECT 'invoice '::text || i.number AS subject,
    ('is '::text || lower(i.status)) || ', and usage that it charged is to be billed again'::text AS detail
   FROM public.invoices i
  WHERE i.status <> 'VOID'::text AND (EXISTS ( SELECT 1
           FROM public.billed_usage_charges c
          WHERE c.tenant_id = i.tenant_id AND c.invoice_id = i.id AND c.returned));

create view public.check_carried_payments with (security_invoker=true) as
 SELECT 'payment '::text || c.id AS subject,
    (((((('is '::text || lower(c.status)) || ' of '::text) || c.currency) || ', the one that carries it '::text) || lower(p.status)) || ' of '::text) || p.currency AS detail
   FROM public.payments c
     JOIN public.payments p ON p.tenant_id = c.tenant_id AND p.id = c.carried_by
  WHERE c.status <> p.status OR c.currency <> p.currency
UNION ALL
 SELECT 'payment '::text || c.id AS subject,
    'is carried by a payment that is no charge of its own, or of another method'::text AS detail
   FROM public.payments c
     JOIN public.payments p ON p.tenant_id = c.tenant_id AND p.id = c.carried_by
  WHERE p.carried_by IS NOT NULL OR c.provider IS DISTINCT FROM p.provider OR c.payment_method_id IS DISTINCT FROM p.payment_method_id OR c.external_id IS DISTINCT FROM p.external_id;

create view public.check_changed_documents with (security_invoker=true) as
 SELECT d.name AS subject,
    'is not what it was when it was sealed, '::text || s.sealed_at AS detail
   FROM public.document_seals s
     JOIN public.document_contents d ON d.tenant_id = s.tenant_id AND d.document_id = s.document_id
  WHERE d.seal <> s.seal
UNION ALL
 SELECT 'document '::text || s.document_id AS subject,
    ('was sealed '::text || s.sealed_at) || ' and is gone'::text AS detail
   FROM public.document_seals s
  WHERE NOT (EXISTS ( SELECT 1
           FROM public.invoices i
          WHERE i.tenant_id = s.tenant_id AND i.id = s.document_id)) AND NOT (EXISTS ( SELECT 1
           FROM public.credit_notes c
          WHERE c.tenant_id = s.tenant_id AND c.id = s.document_id));

create view public.check_collections with (security_invoker=true) as
 SELECT 'invoice '::text || i.number AS subject,
    'asks for money, and nobody collects it'::text AS detail
   FROM public.invoices i
  WHERE i.status = 'FINALIZED'::text AND (i.credited + i.paid) < i.amount_due AND NOT (EXISTS ( SELECT 1
           FROM public.invoice_collections c
          WHERE c.tenant_id = i.tenant_id AND c.invoice_id = i.id AND c.ended_at IS NULL))
UNION ALL
 SELECT 'invoice '::text || i.number AS subject,
    (('is '::text || lower(i.status)) || ', its collection is '::text) || lower(c.status) AS detail
   FROM public.invoice_collections c
     JOIN public.invoices i ON i.tenant_id = c.tenant_id AND i.id = c.invoice_id
  WHERE i.status <> 'FINALIZED'::text AND c.ended_at IS NULL OR c.status = 'PAID'::text AND i.status <> 'PAID'::text;

create view public.check_coupon_dues with (security_invoker=true) as
 WITH given AS (
         SELECT d.tenant_id,
            d.id,
            d.partner_id,
            d.pending_coupon_id,
            d.subscription_id,
            d.period_number,
            d.counts,
            d.period_start,
            d.period_end,
            d.item_id,
            d.target_kind,
            d.target_id,
            d.whole_period,
            d.amount,
            d.currency,
            d.share_remaining,
            d.share_total,
            d.invoice_id,
            d.voided,
            d.lapsed,
            d.returned_remaining,
            d.returned_total,
            d.created_at,
            d.amount::numeric * (1::numeric - COALESCE(d.returned_remaining::numeric / d.returned_total::numeric / (d.share_remaining::numeric / d.share_total::numeric), 0::numeric)) AS stands
           FROM public.coupon_discounts d
          WHERE NOT d.voided
        )
 SELECT 'applied coupon '::text || g.pending_coupon_id AS subject,
    (((('period '::text || g.period_number) || ': gave '::text) || round(sum(g.stands), 2)) || ', due is '::text) || a.amount AS detail
   FROM given g
     JOIN public.tenant_pending_coupons p ON p.tenant_id = g.tenant_id AND p.id = g.pending_coupon_id
     JOIN public.coupon_amounts a ON a.partner_id = p.partner_id AND a.coupon_id = p.coupon_id AND a.purpose = 'DISCOUNT'::text AND a.currency = g.currency
  GROUP BY g.tenant_id, g.pending_coupon_id, g.period_number, a.amount
 HAVING sum(g.stands) >= (a.amount + count(*))::numeric
UNION ALL
 SELECT 'applied coupon '::text || g.pending_coupon_id AS subject,
    ((((((('period '::text || g.period_number) || ': gave '::text) || g.amount) || ' on '::text) || round(g.whole_period::numeric * g.share_remaining::numeric / g.share_total::numeric, 2)) || ', due is '::text) || COALESCE(c.percent, 100::numeric)) || ' %'::text AS detail
   FROM given g
     JOIN public.tenant_pending_coupons p ON p.tenant_id = g.tenant_id AND p.id = g.pending_coupon_id
     JOIN public.partner_coupons c ON c.partner_id = p.partner_id AND c.id = p.coupon_id
  WHERE c.kind <> 'FIXED'::text AND g.amount::numeric > (g.whole_period::numeric * g.share_remaining::numeric / g.share_total::numeric * COALESCE(c.percent, 100::numeric) / 100::numeric + 2::numeric)
UNION ALL
 SELECT 'applied coupon '::text || g.pending_coupon_id AS subject,
    ((('gave '::text || g.amount) || ' in period '::text) || g.period_number) || ' that it was not counted in'::text AS detail
   FROM given g
  WHERE NOT g.counts AND NOT (EXISTS ( SELECT 1
           FROM public.coupon_discounts o
          WHERE o.tenant_id = g.tenant_id AND o.pending_coupon_id = g.pending_coupon_id AND o.counts AND o.period_number = g.period_number AND o.subscription_id = g.subscription_id AND o.period_start = g.period_start AND o.period_end = g.period_end))
UNION ALL
 SELECT 'applied coupon '::text || p.id AS subject,
    (('gave in '::text || count(DISTINCT g.period_number)) || ' periods, at most '::text) ||
        CASE c.duration
            WHEN 'ONCE'::text THEN 1
            ELSE c.duration_periods
        END AS detail
   FROM given g
     JOIN public.tenant_pending_coupons p ON p.tenant_id = g.tenant_id AND p.id = g.pending_coupon_id
     JOIN public.partner_coupons c ON c.partner_id = p.partner_id AND c.id = p.coupon_id
  WHERE g.stands > 0::numeric
  GROUP BY p.id, c.duration, c.duration_periods
 HAVING count(DISTINCT g.period_number) >
        CASE c.duration
            WHEN 'ONCE'::text THEN 1
            WHEN 'REPEATING'::text THEN c.duration_periods
            ELSE NULL::integer
        END;

create view public.check_coupon_overrun with (security_invoker=true) as
 SELECT 'coupon '::text || c.code AS subject,
    (((c.reserved_count || ' reserved, '::text) || COALESCE(r.count, 0::bigint)) || ' in use, at most '::text) || COALESCE(c.max_redemptions::text, 'any'::text) AS detail
   FROM public.partner_coupons c
     LEFT JOIN ( SELECT tenant_pending_coupons.partner_id,
            tenant_pending_coupons.coupon_id,
            count(*) AS count
           FROM public.tenant_pending_coupons
          WHERE tenant_pending_coupons.status <> ALL (ARRAY['REMOVED'::text, 'EXPIRED'::text])
          GROUP BY tenant_pending_coupons.partner_id, tenant_pending_coupons.coupon_id) r ON r.partner_id = c.partner_id AND r.coupon_id = c.id
  WHERE c.reserved_count <> COALESCE(r.count, 0::bigint) OR c.reserved_count > c.max_redemptions
UNION ALL
 SELECT 'applied coupon '::text || p.id AS subject,
    (((((p.periods_applied || ' periods applied, '::text) || p.periods_returned) || ' of them returned, '::text) || COALESCE(r.count, 0::bigint)) || ' redemptions, at most '::text) || COALESCE(
        CASE c.duration
            WHEN 'ONCE'::text THEN 1
            WHEN 'REPEATING'::text THEN c.duration_periods
            ELSE NULL::integer
        END::text, 'any'::text) AS detail
   FROM public.tenant_pending_coupons p
     JOIN public.partner_coupons c ON c.partner_id = p.partner_id AND c.id = p.coupon_id
     LEFT JOIN ( SELECT coupon_redemptions.tenant_id,
            coupon_redemptions.pending_coupon_id,
            count(DISTINCT coupon_redemptions.period_number) AS count
           FROM public.coupon_redemptions
          GROUP BY coupon_redemptions.tenant_id, coupon_redemptions.pending_coupon_id) r ON r.tenant_id = p.tenant_id AND r.pending_coupon_id = p.id
  WHERE p.periods_applied <> COALESCE(r.count, 0::bigint) OR (p.periods_applied - p.periods_returned) >
        CASE c.duration
            WHEN 'ONCE'::text THEN 1
            WHEN 'REPEATING'::text THEN c.duration_periods
            ELSE NULL::integer
        END;

create view public.check_credit_overrun with (security_invoker=true) as
 SELECT 'invoice line '::text || l.id AS subject,
    (('charged '::text || l.amount) || ', credited '::text) || c.amount AS detail
   FROM public.invoice_lines l
     JOIN ( SELECT credit_note_lines.tenant_id,
            credit_note_lines.invoice_line_id,
            sum(credit_note_lines.amount) AS amount
           FROM public.credit_note_lines
          WHERE credit_note_lines.invoice_line_id IS NOT NULL
          GROUP BY credit_note_lines.tenant_id, credit_note_lines.invoice_line_id) c ON c.tenant_id = l.tenant_id AND c.invoice_line_id = l.id
  WHERE c.amount > l.amount::numeric AND l.amount >= 0
UNION ALL
 SELECT 'item '::text || a.item_id AS subject,
    (('its account for the period from '::text || a.period_start) || ' stands at '::text) || a.amount AS detail
   FROM ( SELECT item_charges.tenant_id,
            item_charges.item_id,
            item_charges.period_start,
            sum(item_charges.amount) AS amount
           FROM public.item_charges
          GROUP BY item_charges.tenant_id, item_charges.item_id, item_charges.period_start) a
  WHERE a.amount < 0::numeric
UNION ALL
 SELECT 'invoice line '::text || a.origin_line_id AS subject,
    'its money stands at '::text || a.amount AS detail
   FROM ( SELECT item_charges.tenant_id,
            item_charges.origin_line_id,
            sum(item_charges.amount) AS amount
           FROM public.item_charges
          WHERE item_charges.origin_line_id IS NOT NULL
          GROUP BY item_charges.tenant_id, item_charges.origin_line_id) a
  WHERE a.amount < 0::numeric;

create view public.check_currencies with (security_invoker=true) as
 SELECT 'invoice line '::text || l.id AS subject,
    (((('is in '::text || l.currency) || ', its invoice '::text) || i.number) || ' in '::text) || i.currency AS detail
   FROM public.invoice_lines l
     JOIN public.invoices i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
  WHERE l.currency <> i.currency
UNION ALL
 SELECT 'credit note line '::text || l.id AS subject,
    (((('is in '::text || l.currency) || ', its credit note '::text) || n.number) || ' in '::text) || n.currency AS detail
   FROM public.credit_note_lines l
     JOIN public.credit_notes n ON n.tenant_id = l.tenant_id AND n.id = l.credit_note_id
  WHERE l.currency <> n.currency
UNION ALL
 SELECT 'account of item '::text || a.item_id AS subject,
    ('holds '::text || a.currency) || ' and other currencies'::text AS detail
   FROM ( SELECT item_charges.tenant_id,
            item_charges.item_id,
            item_charges.period_start,
            min(item_charges.currency) AS currency
           FROM public.item_charges
          GROUP BY item_charges.tenant_id, item_charges.item_id, item_charges.period_start
         HAVING min(item_charges.currency) <> max(item_charges.currency)) a;

create view public.check_disputes with (security_invoker=true) as
 SELECT 'payment '::text || p.id AS subject,
    (('lost '::text || p.disputed) || ' to disputes, they say '::text) || COALESCE(d.taken, 0::numeric) AS detail
   FROM public.payments p
     LEFT JOIN ( SELECT disputes.tenant_id,
            disputes.payment_id,
            sum(disputes.taken) AS taken
           FROM public.disputes
          GROUP BY disputes.tenant_id, disputes.payment_id) d ON d.tenant_id = p.tenant_id AND d.payment_id = p.id
  WHERE p.disputed::numeric <> COALESCE(d.taken, 0::numeric)
UNION ALL
 SELECT 'dispute '::text || d.id AS subject,
    (('is '::text || lower(d.status)) || ' and has taken '::text) || d.taken AS detail
   FROM public.disputes d
  WHERE d.status <> 'LOST'::text AND d.taken <> 0;

create view public.check_double_period with (security_invoker=true) as
 SELECT 'invoice '::text || b.number AS subject,
    ('its period overlaps that of '::text || a.number) || ' of the same subscription'::text AS detail
   FROM public.invoices a
     JOIN public.invoices b ON b.tenant_id = a.tenant_id AND b.subscription_id = a.subscription_id AND b.id <> a.id AND ((ROW(b.period_start, b.id) > ROW(a.period_start, a.id))) AND b.period_start < a.period_end
  WHERE a.kind = 'PERIOD'::text AND b.kind = 'PERIOD'::text AND a.status <> 'VOID'::text AND b.status <> 'VOID'::text AND NOT (EXISTS ( SELECT 1
           FROM public.plan_change_prorations c
          WHERE c.tenant_id = a.tenant_id AND c.subscription_id = a.subscription_id AND c.anchor_mode = 'RESET'::text AND c.changed_at >= a.period_start AND c.changed_at <= b.period_start));

create view public.check_entitlement_sources with (security_invoker=true) as
 SELECT 'entitlement '::text || e.id AS subject,
    ((('gives '::text || e.feature_code) || ', and its '::text) || lower(e.source_kind)) || ' does not'::text AS detail
   FROM public.tenant_entitlements e
     JOIN public.tenants t ON t.id = e.tenant_id
  WHERE e.starts_at <= COALESCE(t.test_clock, now()) AND (e.ends_at IS NULL OR e.ends_at > COALESCE(t.test_clock, now())) AND NOT (EXISTS ( SELECT 1
           FROM public.entitlement_sources s
          WHERE s.tenant_id = e.tenant_id AND s.source_kind = e.source_kind AND s.source_id = e.source_id AND s.catalog_id = e.catalog_id AND s.starts_at <= s.clock AND (s.ends_at IS NULL OR s.ends_at > s.clock) AND (NOT s.is_exact OR s.feature_id = e.feature_id) AND (s.ends_at IS NULL OR s.ends_at >= e.ends_at) AND s.quantity = e.quantity AND (NOT s.is_exact OR NOT (s.unlimited IS DISTINCT FROM e.unlimited OR s.limit_quantity IS DISTINCT FROM e.limit_quantity))));

create view public.check_events with (security_invoker=true) as
 SELECT 'partner '::text || w.partner_id AS subject,
    (count(*) || ' events wait for a number, the first since '::text) || min(w.recorded_at) AS detail
   FROM ( SELECT outbox_events.partner_id,
            outbox_events.recorded_at
           FROM public.outbox_events
        UNION ALL
         SELECT partner_outbox_events.partner_id,
            partner_outbox_events.recorded_at
           FROM public.partner_outbox_events) w
  WHERE w.recorded_at < (now() - '01:00:00'::interval)
  GROUP BY w.partner_id
UNION ALL
 SELECT 'partner '::text || n.partner_id AS subject,
    (((((count(e.sequence) || ' events from '::text) || COALESCE(min(e.sequence)::text, 'none'::text)) || ' to '::text) || COALESCE(max(e.sequence)::text, 'none'::text)) || ', counted to '::text) || n.last_sequence AS detail
   FROM public.partner_event_numbers n
     LEFT JOIN public.partner_events e ON e.partner_id = n.partner_id
  GROUP BY n.partner_id, n.last_sequence
 HAVING count(e.sequence) > 0 AND max(e.sequence) <> n.last_sequence OR count(e.sequence) <> COALESCE(max(e.sequence) - min(e.sequence) + 1, 0::bigint);

create view public.check_explanations with (security_invoker=true) as
 SELECT 'invoice line '::text || l.id AS subject,
    (('its amount is '::text || l.amount) || ', its explanation ends in '::text) || (l.explanation ->> 'result'::text) AS detail
   FROM public.invoice_lines l
  WHERE abs(replace(l.explanation ->> 'result'::text, '.'::text, ''::text)::numeric) <> abs(l.amount)::numeric
UNION ALL
 SELECT 'credit note line '::text || l.id AS subject,
    (('its amount is '::text || l.amount) || ', its explanation ends in '::text) || (l.explanation ->> 'result'::text) AS detail
   FROM public.credit_note_lines l
  WHERE abs(replace(l.explanation ->> 'result'::text, '.'::text, ''::text)::numeric) <> abs(l.amount)::numeric;

create view public.check_foreign_rows with (security_invoker=true) as
 SELECT subject,
    detail
   FROM app.find_foreign_rows() find_foreign_rows(subject, detail);

create view public.check_guards with (security_invoker=true) as
 SELECT 'table '::text || c.relname::text AS subject,
        CASE
            WHEN c.relrowsecurity THEN 'has no policy'::text
            ELSE 'row-level security is off'::text
        END AS detail
   FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace::oid AND (c.relkind = ANY (ARRAY['r'::"char", 'p'::"char"])) AND NOT c.relispartition AND (EXISTS ( SELECT 1
           FROM pg_attribute a
          WHERE a.attrelid = c.oid AND NOT a.attisdropped AND (a.attname = ANY (ARRAY['tenant_id'::name, 'partner_id'::name])))) AND (NOT c.relrowsecurity OR NOT (EXISTS ( SELECT 1
           FROM pg_policy p
          WHERE p.polrelid = c.oid)))
UNION ALL
 SELECT 'table '::text || g.name AS subject,
    'its rows can be changed: the append-only trigger is missing or disabled'::text AS detail
   FROM unnest(ARRAY['subscription_changes'::text, 'invoice_lines'::text, 'credit_notes'::text, 'credit_note_lines'::text, 'credit_balance_entries'::text, 'item_charges'::text, 'plan_change_prorations'::text, 'coupon_redemptions'::text]) g(name)
  WHERE NOT (EXISTS ( SELECT 1
           FROM pg_trigger t
          WHERE t.tgrelid = to_regclass('public.'::text || g.name)::oid AND t.tgfoid = 'app.forbid_change'::regproc::oid AND (t.tgenabled = ANY (ARRAY['O'::"char", 'A'::"char"]))))
UNION ALL
 SELECT 'index invoices_one_per_period'::text AS subject,
    'is missing: the database allows a period to be billed twice'::text AS detail
  WHERE NOT (EXISTS ( SELECT 1
           FROM pg_index x
          WHERE x.indexrelid = to_regclass('public.invoices_one_per_period'::text)::oid AND x.indisunique AND x.indisvalid));

create view public.check_header_lines with (security_invoker=true) as
 SELECT 'invoice '::text || i.number AS subject,
    (('its total is '::text || i.total) || ', its lines make '::text) || COALESCE(l.amount, 0::numeric) AS detail
   FROM public.invoices i
     LEFT JOIN ( SELECT invoice_lines.tenant_id,
            invoice_lines.invoice_id,
            sum(invoice_lines.amount) AS amount
           FROM public.invoice_lines
          GROUP BY invoice_lines.tenant_id, invoice_lines.invoice_id) l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
  WHERE i.total::numeric <> COALESCE(l.amount, 0::numeric)
UNION ALL
 SELECT 'credit note '::text || c.number AS subject,
    (('its total is '::text || c.total) || ', its lines make '::text) || COALESCE(l.amount, 0::numeric) AS detail
   FROM public.credit_notes c
     LEFT JOIN ( SELECT credit_note_lines.tenant_id,
            credit_note_lines.credit_note_id,
            sum(credit_note_lines.amount) AS amount
           FROM public.credit_note_lines
          GROUP BY credit_note_lines.tenant_id, credit_note_lines.credit_note_id) l ON l.tenant_id = c.tenant_id AND l.credit_note_id = c.id
  WHERE c.total::numeric <> COALESCE(l.amount, 0::numeric);

create view public.check_items with (security_invoker=true) as
 SELECT 'subscription '::text || s.id AS subject,
    count(i.id) || ' plan phases at once'::text AS detail
   FROM public.subscriptions s
     LEFT JOIN public.subscription_items i ON i.tenant_id = s.tenant_id AND i.subscription_id = s.id AND i.ended_at IS NULL
  WHERE s.status <> 'CANCELLED'::text
  GROUP BY s.tenant_id, s.id, s.plan_item_id
 HAVING count(i.id) <> 1 OR bool_or(i.id <> s.plan_item_id);

create view public.check_lost_events with (security_invoker=true) as
 WITH since AS (
         SELECT (((substr(h.hex, 1, 8) || '-'::text) || substr(h.hex, 9, 4)) || '-7000-8000-000000000000'::text)::uuid AS id
           FROM ( SELECT lpad(to_hex((EXTRACT(epoch FROM now() - '80 days'::interval) * 1000::numeric)::bigint), 12, '0'::text) AS hex) h
        ), told AS (
         SELECT e.tenant_id,
            e.type,
            count(*) AS count
           FROM ( SELECT e_1.tenant_id,
                    e_1.type
                   FROM public.partner_events e_1,
                    since
                  WHERE (e_1.type = ANY (ARRAY['invoice.finalized'::text, 'credit_note.created'::text, 'payment.created'::text, 'refund.created'::text])) AND e_1.id > since.id
                UNION ALL
                 SELECT o.tenant_id,
                    o.type
                   FROM public.outbox_events o,
                    since
                  WHERE (o.type = ANY (ARRAY['invoice.finalized'::text, 'credit_note.created'::text, 'payment.created'::text, 'refund.created'::text])) AND o.id > since.id) e
          GROUP BY e.tenant_id, e.type
        ), done AS (
         SELECT invoices.tenant_id,
            'invoice.finalized'::text AS type,
            count(*) AS count
           FROM public.invoices,
            since
          WHERE invoices.id > since.id
          GROUP BY invoices.tenant_id
        UNION ALL
         SELECT credit_notes.tenant_id,
            'credit_note.created'::text,
            count(*) AS count
           FROM public.credit_notes,
            since
          WHERE credit_notes.id > since.id
          GROUP BY credit_notes.tenant_id
        UNION ALL
         SELECT payments.tenant_id,
            'payment.created'::text,
            count(*) AS count
           FROM public.payments,
            since
          WHERE payments.id > since.id
          GROUP BY payments.tenant_id
        UNION ALL
         SELECT refunds.tenant_id,
            'refund.created'::text,
            count(*) AS count
           FROM public.refunds,
            since
          WHERE refunds.id > since.id
          GROUP BY refunds.tenant_id
        )
 SELECT 'tenant '::text || d.tenant_id AS subject,
    ((((d.count || ' times '::text) || d.type) || ', told '::text) || COALESCE(t.count, 0::bigint)) || ' times'::text AS detail
   FROM done d
     LEFT JOIN told t ON t.tenant_id = d.tenant_id AND t.type = d.type
  WHERE COALESCE(t.count, 0::bigint) < d.count
UNION ALL
 SELECT 'webhook endpoint '::text || w.id AS subject,
    (count(*) || ' events never went on their way to it, the first is '::text) || min(e.sequence) AS detail
   FROM public.webhook_endpoints w
     JOIN public.partner_events e ON e.partner_id = w.partner_id AND e.numbered_at > (now() - '29 days'::interval) AND e.numbered_at > (w.created_at + '01:00:00'::interval) AND (w.event_types = '{}'::text[] OR (e.type = ANY (w.event_types)))
  WHERE w.version = 1 AND w.status = 'ENABLED'::text AND w.deleted_at IS NULL AND NOT (EXISTS ( SELECT 1
           FROM public.webhook_deliveries d
          WHERE d.partner_id = w.partner_id AND d.endpoint_id = w.id AND d.sequence = e.sequence))
  GROUP BY w.id;

create view public.check_missing_entitlements with (security_invoker=true) as
 SELECT 'tenant '::text || s.tenant_id AS subject,
    ((((('its '::text || lower(s.source_kind)) || ' '::text) || s.source_id) || ' gives '::text) || f.code) || ', and it has no such entitlement'::text AS detail
   FROM public.entitlement_sources s
     JOIN public.features f ON f.id = s.feature_id
  WHERE s.is_exact AND s.starts_at <= s.clock AND (s.ends_at IS NULL OR s.ends_at > s.clock) AND NOT (EXISTS ( SELECT 1
           FROM public.tenant_entitlements e
          WHERE e.tenant_id = s.tenant_id AND e.feature_id = s.feature_id AND e.source_kind = s.source_kind AND e.source_id = s.source_id AND e.catalog_id = s.catalog_id AND e.starts_at <= s.clock AND (e.ends_at IS NULL OR e.ends_at > s.clock)));

create view public.check_missing_period with (security_invoker=true) as
 WITH billed AS (
         SELECT i.tenant_id,
            i.subscription_id,
            i.period_start,
            i.period_end
           FROM public.invoices i
          WHERE i.kind = 'PERIOD'::text
        UNION ALL
         SELECT c.tenant_id,
            c.subscription_id,
            c.new_period_start,
            c.new_period_end
           FROM public.plan_change_prorations c
          WHERE c.new_period_start IS NOT NULL
        )
 SELECT 'subscription '::text || n.subscription_id AS subject,
    (('nothing bills '::text || n.period_end) || ' to '::text) || n.next_start AS detail
   FROM ( SELECT b.tenant_id,
            b.subscription_id,
            b.period_start,
            b.period_end,
            lead(b.period_start) OVER (PARTITION BY b.tenant_id, b.subscription_id ORDER BY b.period_start, b.period_end) AS next_start
           FROM billed b) n
  WHERE n.next_start > n.period_end AND NOT (EXISTS ( SELECT 1
           FROM public.plan_change_prorations c
          WHERE c.tenant_id = n.tenant_id AND c.subscription_id = n.subscription_id AND c.anchor_mode = 'RESET'::text AND c.new_period_start IS NULL AND c.changed_at < n.next_start AND c.changed_at >= n.period_start))
UNION ALL
 SELECT 'subscription '::text || s.id AS subject,
    'no invoice for the period that it is in, from '::text || s.period_start AS detail
   FROM public.subscriptions s
  WHERE (s.status <> ALL (ARRAY['CANCELLED'::text, 'TRIALING'::text])) AND NOT (EXISTS ( SELECT 1
           FROM billed b
          WHERE b.tenant_id = s.tenant_id AND b.subscription_id = s.id AND b.period_start = s.period_start)) AND NOT (EXISTS ( SELECT 1
           FROM public.plan_change_prorations c
          WHERE c.tenant_id = s.tenant_id AND c.subscription_id = s.id AND c.anchor_mode = 'RESET'::text AND c.new_period_start IS NULL AND c.changed_at >= (s.period_start - '1 day'::interval) AND c.changed_at < s.period_end));

create view public.check_money_back with (security_invoker=true) as
 SELECT 'refund '::text || r.id AS subject,
    ((((('is '::text || lower(r.status)) || ' and gives '::text) || r.amount) || ' back, and '::text) || b.taken) || ' was taken for it'::text AS detail
   FROM public.money_back b
     JOIN public.refunds r ON r.tenant_id = b.tenant_id AND r.id = b.refund_id
  WHERE b.taken <>
        CASE
            WHEN r.status = 'FAILED'::text THEN 0::numeric
            WHEN r.reason = ANY (ARRAY['REQUESTED'::text, 'OUTSIDE'::text]) THEN r.amount::numeric
            ELSE LEAST(b.taken, r.amount::numeric)
        END OR b.taken < 0::numeric
UNION ALL
 SELECT 'dispute '::text || d.id AS subject,
    ((((('is '::text || lower(d.status)) || ' about '::text) || d.amount) || ', and '::text) || b.taken) || ' was taken for it'::text AS detail
   FROM public.money_back b
     JOIN public.disputes d ON d.tenant_id = b.tenant_id AND d.id = b.dispute_id
  WHERE b.taken < 0::numeric OR b.taken >
        CASE d.status
            WHEN 'LOST'::text THEN d.amount
            ELSE 0::bigint
        END::numeric;

create view public.check_money_out with (security_invoker=true) as
 SELECT 'tenant '::text || tenant_id AS subject,
    ((((sum(came) || ' '::text) || currency) || ' came, '::text) || sum(left_over)) || ' went back or lies in the balance'::text AS detail
   FROM ( SELECT payments.tenant_id,
            payments.currency,
            sum(payments.amount) AS came,
            0::numeric AS left_over
           FROM public.payments
          WHERE payments.status = 'SUCCEEDED'::text
          GROUP BY payments.tenant_id, payments.currency
        UNION ALL
         SELECT invoice_money.tenant_id,
            invoice_money.currency,
            sum(invoice_money.paid::numeric - invoice_money.came) AS sum,
            0
           FROM public.invoice_money
          WHERE invoice_money.payment_reference IS NOT NULL
          GROUP BY invoice_money.tenant_id, invoice_money.currency
        UNION ALL
         SELECT stripe_invoices.tenant_id,
            stripe_invoices.currency,
            sum(stripe_invoices.amount) AS sum,
            0
           FROM public.stripe_invoices
          GROUP BY stripe_invoices.tenant_id, stripe_invoices.currency
        UNION ALL
         SELECT credit_balances.tenant_id,
            credit_balances.currency,
            0,
            credit_balances.balance
           FROM public.credit_balances
        UNION ALL
         SELECT refunds.tenant_id,
            refunds.currency,
            0,
            sum(refunds.amount) AS sum
           FROM public.refunds
          WHERE refunds.status <> 'FAILED'::text AND refunds.reason <> 'AT_PROVIDER'::text
          GROUP BY refunds.tenant_id, refunds.currency
        UNION ALL
         SELECT b.tenant_id,
            b.currency,
            0,
            sum(b.taken) AS sum
           FROM public.money_back b
             LEFT JOIN public.refunds r ON r.tenant_id = b.tenant_id AND r.id = b.refund_id
          WHERE b.refund_id IS NULL OR r.reason = 'AT_PROVIDER'::text
          GROUP BY b.tenant_id, b.currency
        UNION ALL
         SELECT credit_notes.tenant_id,
            credit_notes.currency,
            0,
            sum(credit_notes.total) AS sum
           FROM public.credit_notes
          WHERE credit_notes.settlement = 'OUTSIDE'::text
          GROUP BY credit_notes.tenant_id, credit_notes.currency) m
  GROUP BY tenant_id, currency
 HAVING sum(left_over) > sum(came);

create view public.check_number_gaps with (security_invoker=true) as
 WITH documents AS (
         SELECT invoices.partner_id,
            'INVOICE'::text AS kind,
            "substring"(invoices.number, '\d+$'::text)::bigint AS number
           FROM public.invoices
          WHERE invoices.status <> 'DRAFT'::text
        UNION ALL
         SELECT credit_notes.partner_id,
            'CREDIT_NOTE'::text,
            "substring"(credit_notes.number, '\d+$'::text)::bigint AS "substring"
           FROM public.credit_notes
        ), found AS (
         SELECT documents.partner_id,
            documents.kind,
            count(*) AS documents,
            count(DISTINCT documents.number) AS numbers,
            max(documents.number) AS highest
           FROM documents
          GROUP BY documents.partner_id, documents.kind
        ), taken AS (
         SELECT invoice_numbers.partner_id,
            'INVOICE'::text AS kind,
            invoice_numbers.next_invoice - 1 AS count
           FROM public.invoice_numbers
        UNION ALL
         SELECT invoice_numbers.partner_id,
            'CREDIT_NOTE'::text,
            invoice_numbers.next_credit_note - 1
           FROM public.invoice_numbers
        )
 SELECT 'partner '::text || p.code AS subject,
    (((((((lower(replace(t.kind, '_'::text, ' '::text)) || 's: '::text) || t.count) || ' numbers taken, '::text) || COALESCE(f.documents, 0::bigint)) || ' documents, '::text) || COALESCE(f.numbers, 0::bigint)) || ' different numbers, the highest '::text) || COALESCE(f.highest, 0::bigint) AS detail
   FROM taken t
     JOIN public.partners p ON p.id = t.partner_id
     LEFT JOIN found f ON f.partner_id = t.partner_id AND f.kind = t.kind
  WHERE t.count IS DISTINCT FROM COALESCE(f.documents, 0::bigint) OR t.count IS DISTINCT FROM COALESCE(f.numbers, 0::bigint) OR t.count IS DISTINCT FROM COALESCE(f.highest, 0::bigint);

create view public.check_overdue with (security_invoker=true) as
 SELECT 'subscription '::text || s.id AS subject,
    ('its period ended '::text || s.period_end) || ' and is not billed'::text AS detail
   FROM public.subscriptions s
     JOIN public.tenants t ON t.id = s.tenant_id AND NOT t.sandbox
  WHERE s.status <> 'CANCELLED'::text AND s.period_end < (now() - '1 day'::interval) AND NOT (EXISTS ( SELECT 1
           FROM public.billing_work w
          WHERE w.tenant_id = s.tenant_id AND w.parked_at IS NOT NULL));

create view public.check_paid_twice with (security_invoker=true) as
 SELECT 'invoice '::text || number AS subject,
    ((came || ' came for it and was kept, '::text) || paid) || ' of it is paid'::text AS detail
   FROM public.invoice_money m
  WHERE came > paid::numeric;

create view public.check_paid_without_money with (security_invoker=true) as
 SELECT 'invoice '::text || number AS subject,
    ((paid || ' of it is paid, '::text) || came) || ' came, and nobody said that it was paid outside'::text AS detail
   FROM public.invoice_money m
  WHERE came < paid::numeric AND payment_reference IS NULL;

create view public.check_payments with (security_invoker=true) as
 SELECT 'payment '::text || p.id AS subject,
    (((((((('is of '::text || p.amount) || ' '::text) || p.currency) || ', its invoice '::text) || i.number) || ' asks for '::text) || i.amount_due) || ' '::text) || i.currency AS detail
   FROM public.payments p
     JOIN public.invoices i ON i.tenant_id = p.tenant_id AND i.id = p.invoice_id
  WHERE p.currency <> i.currency OR p.amount > i.amount_due AND p.provider IS NOT NULL
UNION ALL
 SELECT 'payment '::text || p.id AS subject,
    'is of an invoice that nobody collects'::text AS detail
   FROM public.payments p
  WHERE NOT (EXISTS ( SELECT 1
           FROM public.invoice_collections c
          WHERE c.tenant_id = p.tenant_id AND c.invoice_id = p.invoice_id))
UNION ALL
 SELECT 'payment '::text || p.id AS subject,
    (('gave '::text || p.refunded) || ' back, its refunds make '::text) || COALESCE(r.amount, 0::numeric) AS detail
   FROM public.payments p
     LEFT JOIN ( SELECT refunds.tenant_id,
            refunds.payment_id,
            sum(refunds.amount) AS amount
           FROM public.refunds
          WHERE refunds.status <> 'FAILED'::text
          GROUP BY refunds.tenant_id, refunds.payment_id) r ON r.tenant_id = p.tenant_id AND r.payment_id = p.id
  WHERE p.refunded::numeric <> COALESCE(r.amount, 0::numeric);

create view public.check_phases with (security_invoker=true) as
 SELECT 'subscription '::text || p.subscription_id AS subject,
    (('a plan phase begins '::text || p.started_at) || ', the one before it ends '::text) || COALESCE(p.before::text, 'never'::text) AS detail
   FROM ( SELECT subscription_items.subscription_id,
            subscription_items.started_at,
            lag(subscription_items.ended_at) OVER w AS before,
            row_number() OVER w AS number
           FROM public.subscription_items
          WINDOW w AS (PARTITION BY subscription_items.tenant_id, subscription_items.subscription_id ORDER BY subscription_items.started_at, subscription_items.ended_at, subscription_items.id)) p
  WHERE p.number > 1 AND p.before IS DISTINCT FROM p.started_at
UNION ALL
 SELECT 'subscription '::text || s.id AS subject,
    'has ended, and a plan change waits for '::text || c.effective_at AS detail
   FROM public.scheduled_plan_changes c
     JOIN public.subscriptions s ON s.tenant_id = c.tenant_id AND s.id = c.subscription_id
  WHERE c.status = 'PENDING'::text AND s.status = 'CANCELLED'::text
UNION ALL
 SELECT 'subscription '::text || m.subscription_id AS subject,
    'counts usage in two spans from '::text || m.starts_at AS detail
   FROM ( SELECT metering_spans.subscription_id,
            metering_spans.starts_at,
            lag(COALESCE(metering_spans.ends_at, 'infinity'::timestamp with time zone)) OVER (PARTITION BY metering_spans.tenant_id, metering_spans.subscription_id ORDER BY metering_spans.starts_at) AS before
           FROM public.metering_spans) m
  WHERE m.before > m.starts_at;

create view public.check_redemptions with (security_invoker=true) as
 SELECT 'invoice '::text || i.number AS subject,
    (('takes '::text || COALESCE(l.amount, 0::numeric)) || ' off with a coupon, redeemed is '::text) || COALESCE(r.discount, 0::numeric) AS detail
   FROM ( SELECT invoice_lines.tenant_id,
            invoice_lines.invoice_id,
            invoice_lines.source_id AS coupon_id,
            - sum(invoice_lines.amount) AS amount
           FROM public.invoice_lines
          WHERE invoice_lines.kind = 'DISCOUNT'::text AND invoice_lines.source_kind = 'COUPON'::text
          GROUP BY invoice_lines.tenant_id, invoice_lines.invoice_id, invoice_lines.source_id) l
     FULL JOIN ( SELECT coupon_redemptions.tenant_id,
            coupon_redemptions.invoice_id,
            coupon_redemptions.coupon_id,
            sum(coupon_redemptions.discount) AS discount
           FROM public.coupon_redemptions
          WHERE coupon_redemptions.invoice_id IS NOT NULL
          GROUP BY coupon_redemptions.tenant_id, coupon_redemptions.invoice_id, coupon_redemptions.coupon_id) r ON r.tenant_id = l.tenant_id AND r.invoice_id = l.invoice_id AND r.coupon_id = l.coupon_id
     JOIN public.invoices i ON i.tenant_id = COALESCE(l.tenant_id, r.tenant_id) AND i.id = COALESCE(l.invoice_id, r.invoice_id)
  WHERE COALESCE(l.amount, 0::numeric) <> COALESCE(r.discount, 0::numeric)
UNION ALL
 SELECT 'coupon '::text || c.code AS subject,
    (((('tenant '::text || p.tenant_id) || ' has it '::text) || count(*)) || ' times, at most '::text) || c.max_redemptions_per_tenant AS detail
   FROM public.tenant_pending_coupons p
     JOIN public.partner_coupons c ON c.partner_id = p.partner_id AND c.id = p.coupon_id
  WHERE p.status <> ALL (ARRAY['REMOVED'::text, 'EXPIRED'::text])
  GROUP BY p.tenant_id, c.code, c.id, c.max_redemptions_per_tenant
 HAVING count(*) > c.max_redemptions_per_tenant;

create table public.check_results (
  name text not null,
  findings bigint not null,
  example text,
  checked_at timestamp(3) with time zone not null,
  constraint check_results_pkey PRIMARY KEY (name)
);
alter table public.check_results enable row level security;

create view public.check_returned_money with (security_invoker=true) as
 SELECT 'invoice '::text || number AS subject,
    ((((('is '::text || lower(status)) || ', '::text) || paid) || ' of it was paid, and '::text) || returned) || ' went back into the balance'::text AS detail
   FROM public.invoice_money m
  WHERE returned <>
        CASE status
            WHEN 'VOID'::text THEN paid
            ELSE 0::bigint
        END::numeric;

create view public.check_rollups with (security_invoker=true) as
 WITH by_events AS (
         SELECT counted_events.tenant_id,
            counted_events.feature_id,
            counted_events.day,
            sum(counted_events.quantity) AS quantity,
            count(*) AS events,
            max(counted_events.quantity) AS maximum,
            max(counted_events.happened_at) AS latest_at,
            (array_agg(counted_events.quantity ORDER BY counted_events.happened_at DESC, (counted_events.event_key COLLATE "C") DESC) FILTER (WHERE counted_events.aggregation = 'LATEST'::text))[1] AS latest,
            count(DISTINCT counted_events.unique_value) AS uniques
           FROM public.counted_events
          GROUP BY counted_events.tenant_id, counted_events.feature_id, counted_events.day
        ), by_quarters AS (
         SELECT usage_rollups.tenant_id,
            usage_rollups.feature_id,
            date_trunc('day'::text, usage_rollups.bucket_start, 'UTC'::text) AS day,
            sum(usage_rollups.quantity) AS quantity,
            sum(usage_rollups.events) AS events,
            max(usage_rollups.maximum) AS maximum,
            max(usage_rollups.latest_at) AS latest_at
           FROM public.usage_rollups
          WHERE usage_rollups.grain = 'QUARTER'::text
          GROUP BY usage_rollups.tenant_id, usage_rollups.feature_id, (date_trunc('day'::text, usage_rollups.bucket_start, 'UTC'::text))
        ), by_days AS (
         SELECT usage_rollups.tenant_id,
            usage_rollups.feature_id,
            usage_rollups.bucket_start AS day,
            usage_rollups.quantity,
            usage_rollups.events,
            usage_rollups.maximum,
            usage_rollups.latest_at,
            usage_rollups.latest_quantity AS latest
           FROM public.usage_rollups
          WHERE usage_rollups.grain = 'DAY'::text
        ), uniques AS (
         SELECT usage_uniques.tenant_id,
            usage_uniques.feature_id,
            date_trunc('day'::text, usage_uniques.bucket_start, 'UTC'::text) AS day,
            count(*) FILTER (WHERE usage_uniques.grain = 'DAY'::text) AS of_day,
            count(DISTINCT usage_uniques.value) AS seen
           FROM public.usage_uniques
          GROUP BY usage_uniques.tenant_id, usage_uniques.feature_id, (date_trunc('day'::text, usage_uniques.bucket_start, 'UTC'::text))
        )
 SELECT 'tenant '::text || COALESCE(e.tenant_id, d.tenant_id) AS subject,
    (((((((((('feature '::text || COALESCE(e.feature_id, d.feature_id)) || ', '::text) || COALESCE(e.day, d.day)::date) || ': its events make '::text) || COALESCE(e.quantity, 0::numeric)) || ' in '::text) || COALESCE(e.events, 0::bigint)) || ', the rollup says '::text) || COALESCE(d.quantity, 0::numeric)) || ' in '::text) || COALESCE(d.events, 0::bigint) AS detail
   FROM by_events e
     FULL JOIN by_days d ON d.tenant_id = e.tenant_id AND d.feature_id = e.feature_id AND d.day = e.day
  WHERE e.quantity IS DISTINCT FROM d.quantity OR e.events IS DISTINCT FROM d.events OR e.maximum IS DISTINCT FROM d.maximum OR e.latest_at IS DISTINCT FROM d.latest_at OR e.latest <> d.latest
UNION ALL
 SELECT 'tenant '::text || COALESCE(q.tenant_id, d.tenant_id) AS subject,
    (((((('feature '::text || COALESCE(q.feature_id, d.feature_id)) || ', '::text) || COALESCE(q.day, d.day)::date) || ': its quarters make '::text) || COALESCE(q.quantity, 0::numeric)) || ', the day says '::text) || COALESCE(d.quantity, 0::numeric) AS detail
   FROM by_quarters q
     FULL JOIN by_days d ON d.tenant_id = q.tenant_id AND d.feature_id = q.feature_id AND d.day = q.day
  WHERE q.quantity IS DISTINCT FROM d.quantity OR q.events IS DISTINCT FROM d.events::numeric OR q.maximum IS DISTINCT FROM d.maximum OR q.latest_at IS DISTINCT FROM d.latest_at
UNION ALL
 SELECT 'tenant '::text || COALESCE(e.tenant_id, u.tenant_id) AS subject,
    (((((('feature '::text || COALESCE(e.feature_id, u.feature_id)) || ', '::text) || COALESCE(e.day, u.day)::date) || ': its events tell '::text) || COALESCE(e.uniques, 0::bigint)) || ' values apart, the rollup '::text) || COALESCE(u.of_day, 0::bigint) AS detail
   FROM ( SELECT by_events.tenant_id,
            by_events.feature_id,
            by_events.day,
            by_events.quantity,
            by_events.events,
            by_events.maximum,
            by_events.latest_at,
            by_events.latest,
            by_events.uniques
           FROM by_events
          WHERE by_events.uniques > 0) e
     FULL JOIN uniques u ON u.tenant_id = e.tenant_id AND u.feature_id = e.feature_id AND u.day = e.day
  WHERE e.uniques IS DISTINCT FROM u.of_day OR e.uniques IS DISTINCT FROM u.seen;

create view public.check_seats with (security_invoker=true) as
 SELECT 'licence '::text || l.id AS subject,
    ((l.assigned || ' seats assigned, '::text) || COALESCE(s.count, 0::bigint)) || ' people have one'::text AS detail
   FROM public.licences l
     LEFT JOIN ( SELECT licence_seats.tenant_id,
            licence_seats.licence_id,
            count(*) AS count
           FROM public.licence_seats
          WHERE licence_seats.revoked_at IS NULL
          GROUP BY licence_seats.tenant_id, licence_seats.licence_id) s ON s.tenant_id = l.tenant_id AND s.licence_id = l.id
  WHERE l.assigned <> COALESCE(s.count, 0::bigint)
UNION ALL
 SELECT 'licence '::text || l.id AS subject,
    ((l.seats || ' seats, '::text) || COALESCE(p.bought, 0::numeric)) || ' were bought and not given back'::text AS detail
   FROM public.licences l
     LEFT JOIN ( SELECT licence_purchases.tenant_id,
            licence_purchases.licence_id,
            COALESCE(sum(licence_purchases.quantity - licence_purchases.seats_refunded) FILTER (WHERE licence_purchases.kind <> 'RENEWAL'::text), 0::numeric) AS bought,
            max(licence_purchases.quantity) FILTER (WHERE licence_purchases.kind = 'RENEWAL'::text AND licence_purchases.refunded_amount < COALESCE(licence_purchases.paid_amount, licence_purchases.amount)) AS renewed
           FROM public.licence_purchases
          WHERE licence_purchases.licence_id IS NOT NULL AND licence_purchases.completed_at IS NOT NULL
          GROUP BY licence_purchases.tenant_id, licence_purchases.licence_id) p ON p.tenant_id = l.tenant_id AND p.licence_id = l.id
  WHERE NOT l.trial AND (l.seats::numeric > (COALESCE(p.bought, 0::numeric) + COALESCE(p.renewed, 0::bigint)::numeric) OR p.renewed IS NULL AND l.seats::numeric <> COALESCE(p.bought, 0::numeric))
UNION ALL
 SELECT 'licence '::text || l.id AS subject,
    ((l.assigned || ' of '::text) || l.seats) || ' seats are assigned, and none was given back'::text AS detail
   FROM public.licences l
  WHERE l.assigned > l.seats AND NOT (EXISTS ( SELECT 1
           FROM public.licence_purchases p
          WHERE p.tenant_id = l.tenant_id AND p.licence_id = l.id AND (p.seats_refunded > 0 OR p.refunded_amount > 0)));

create view public.check_settlements with (security_invoker=true) as
 SELECT 'credit note '::text || n.number AS subject,
    ((((((('is of '::text || n.total) || ' to '::text) || lower(replace(n.settlement, '_'::text, ' '::text))) || ': '::text) || COALESCE(b.amount, 0::numeric)) || ' went into the balance, '::text) || COALESCE(r.amount, 0::numeric)) || ' back to a payment'::text AS detail
   FROM public.credit_notes n
     LEFT JOIN ( SELECT credit_balance_entries.tenant_id,
            credit_balance_entries.credit_note_id,
            sum(credit_balance_entries.amount) AS amount
           FROM public.credit_balance_entries
          WHERE credit_balance_entries.credit_note_id IS NOT NULL
          GROUP BY credit_balance_entries.tenant_id, credit_balance_entries.credit_note_id) b ON b.tenant_id = n.tenant_id AND b.credit_note_id = n.id
     LEFT JOIN ( SELECT refunds.tenant_id,
            refunds.credit_note_id,
            sum(refunds.amount) AS amount
           FROM public.refunds
          WHERE refunds.credit_note_id IS NOT NULL AND refunds.status <> 'FAILED'::text
          GROUP BY refunds.tenant_id, refunds.credit_note_id) r ON r.tenant_id = n.tenant_id AND r.credit_note_id = n.id
  WHERE COALESCE(b.amount, 0::numeric) IS DISTINCT FROM
        CASE n.settlement
            WHEN 'CREDIT_BALANCE'::text THEN n.total::numeric
            WHEN 'REFUND'::text THEN n.total::numeric - COALESCE(r.amount, 0::numeric)
            ELSE 0::numeric
        END OR COALESCE(r.amount, 0::numeric) IS DISTINCT FROM
        CASE n.settlement
            WHEN 'REFUND'::text THEN COALESCE(r.amount, 0::numeric)
            ELSE 0::numeric
        END;

create view public.check_standing with (security_invoker=true) as
 SELECT 'subscription '::text || s.id AS subject,
    ((('is '::text || lower(s.status)) ||
        CASE
            WHEN s.access_until IS NULL THEN ''::text
            ELSE ' with access until '::text || s.access_until
        END) || ', by its payments it is '::text) || lower(d.status) AS detail
   FROM ( SELECT s_1.tenant_id,
            s_1.id,
            s_1.partner_id,
            s_1.status,
            s_1.plan_id,
            s_1.plan_version_id,
            s_1.plan_item_id,
            s_1.currency,
            s_1."interval",
            s_1.anchor_date,
            s_1.time_zone,
            s_1.proration_basis,
            s_1.started_at,
            s_1.period_index,
            s_1.period_start,
            s_1.period_end,
            s_1.trial_end,
            s_1.cancel_at,
            s_1.cancelled_at,
            s_1.cancel_reason,
            s_1.version,
            s_1.created_at,
            s_1.access_until,
            s_1.plan_trial,
            COALESCE(( SELECT
                        CASE
                            WHEN bool_or(c.status = 'EXHAUSTED'::text) THEN 'UNPAID'::text
                            ELSE 'PAST_DUE'::text
                        END AS "case"
                   FROM public.invoice_collections c
                  WHERE c.tenant_id = s_1.tenant_id AND c.ended_at IS NULL AND c.first_failed_at IS NOT NULL
                 HAVING count(*) > 0), 'ACTIVE'::text) AS owed
           FROM public.subscriptions s_1
          WHERE s_1.status <> 'CANCELLED'::text) s,
    LATERAL ( SELECT s.owed AS status) d
  WHERE s.status <> 'TRIALING'::text AND s.status <> s.owed OR (s.access_until IS NULL) <> (s.owed = 'ACTIVE'::text);

create view public.check_stuck_work with (security_invoker=true) as
 SELECT 'tenant '::text || tenant_id AS subject,
    ((('waits for a billing run since '::text || created_at) || ', tried '::text) || attempts) || ' times'::text AS detail
   FROM public.billing_work w
  WHERE parked_at IS NULL AND created_at < (now() - '01:00:00'::interval) AND (held_until IS NULL OR held_until < (now() - '01:00:00'::interval));

create view public.check_taxes with (security_invoker=true) as
 WITH documents AS (
         SELECT i.tenant_id,
            i.id,
            'invoice '::text || i.number AS name,
            i.tax,
            i.taxes,
            l.tax AS of_lines,
            l.credits
           FROM public.invoices i
             LEFT JOIN ( SELECT invoice_lines.tenant_id,
                    invoice_lines.invoice_id,
                    sum(invoice_lines.amount) FILTER (WHERE invoice_lines.kind = 'TAX'::text) AS tax,
                    count(*) FILTER (WHERE invoice_lines.kind = 'PRORATION_CREDIT'::text) AS credits
                   FROM public.invoice_lines
                  GROUP BY invoice_lines.tenant_id, invoice_lines.invoice_id) l ON l.tenant_id = i.tenant_id AND l.invoice_id = i.id
        UNION ALL
         SELECT n.tenant_id,
            n.id,
            'credit note '::text || n.number,
            n.tax,
            n.taxes,
            l.tax,
            1
           FROM public.credit_notes n
             LEFT JOIN ( SELECT credit_note_lines.tenant_id,
                    credit_note_lines.credit_note_id,
                    sum(credit_note_lines.amount) AS tax
                   FROM public.credit_note_lines
                  WHERE credit_note_lines.kind = 'TAX'::text
                  GROUP BY credit_note_lines.tenant_id, credit_note_lines.credit_note_id) l ON l.tenant_id = n.tenant_id AND l.credit_note_id = n.id
        ), rates AS (
         SELECT d.tenant_id,
            d.id,
            d.name,
            d.credits,
            (((t.value -> 'rate'::text) -> 'percent'::text) ->> '$decimal'::text)::numeric AS percent,
            ((t.value -> 'rate'::text) ->> 'inclusive'::text)::boolean AS inclusive,
            (((t.value -> 'base'::text) -> 'minor'::text) ->> '$bigint'::text)::numeric AS base,
            (((t.value -> 'amount'::text) -> 'minor'::text) ->> '$bigint'::text)::numeric AS amount
           FROM documents d,
            LATERAL jsonb_array_elements(d.taxes) t(value)
        )
 SELECT d.name AS subject,
    (('its tax is '::text || d.tax) || ', its lines make '::text) || COALESCE(d.of_lines, 0::numeric) AS detail
   FROM documents d
  WHERE d.tax::numeric <> COALESCE(d.of_lines, 0::numeric)
UNION ALL
 SELECT d.name AS subject,
    (('its tax is '::text || d.tax) || ', its rates make '::text) || COALESCE(r.amount, 0::numeric) AS detail
   FROM documents d
     LEFT JOIN ( SELECT rates.tenant_id,
            rates.id,
            sum(rates.amount) FILTER (WHERE NOT rates.inclusive) AS amount
           FROM rates
          GROUP BY rates.tenant_id, rates.id) r ON r.tenant_id = d.tenant_id AND r.id = d.id
  WHERE d.tax::numeric <> COALESCE(r.amount, 0::numeric)
UNION ALL
 SELECT r.name AS subject,
    ((((('its tax is '::text || r.amount) || ', '::text) || r.percent) || ' % of '::text) || r.base) || ' is another amount'::text AS detail
   FROM rates r
  WHERE r.credits = 0 AND r.amount <>
        CASE
            WHEN r.inclusive THEN round((r.base + r.amount) * r.percent / (100::numeric + r.percent))
            ELSE round(r.base * r.percent / 100::numeric)
        END;

create view public.check_usage_events with (security_invoker=true) as
 SELECT 'tenant '::text || COALESCE(e.tenant_id, k.tenant_id) AS subject,
    ('event '::text || COALESCE(e.event_id, k.event_id)) ||
        CASE
            WHEN e.tenant_id IS NULL THEN ' was taken and is gone'::text
            ELSE ' has no key: it may be counted again'::text
        END AS detail
   FROM public.usage_events e
     FULL JOIN public.usage_event_keys k ON k.tenant_id = e.tenant_id AND k.event_id = e.event_id AND k.source = e.source AND k.happened_at = e.happened_at
  WHERE e.tenant_id IS NULL OR k.tenant_id IS NULL;

create view public.counted_events with (security_invoker=true) as
 WITH countings AS (
         SELECT m.partner_id,
            m.feature_id,
            m.event_type AS type,
            m.aggregation,
            m.value_property,
            m.unique_property,
            m.filters,
            m.created_at AS since
           FROM public.meters m
        UNION ALL
         SELECT f.partner_id,
            f.id,
            f.code,
            'SUM'::text,
            NULL::text,
            NULL::text,
            '[]'::jsonb,
            f.created_at
           FROM public.features f
          WHERE f.kind = 'METERED'::text AND NOT (EXISTS ( SELECT 1
                   FROM public.meters m
                  WHERE m.partner_id = f.partner_id AND m.feature_id = f.id))
        )
 SELECT e.tenant_id,
    c.feature_id,
    c.aggregation,
    e.happened_at,
    date_trunc('day'::text, e.happened_at, 'UTC'::text) AS day,
    (e.source || '
'::text) || e.event_id AS event_key,
        CASE
            WHEN c.aggregation = ANY (ARRAY['COUNT'::text, 'UNIQUE_COUNT'::text]) THEN 1::numeric
            ELSE app.measured(e.quantity, e.data, c.value_property)
        END AS quantity,
    e.data ->> c.unique_property AS unique_value
   FROM public.usage_events e
     JOIN countings c ON c.partner_id = e.partner_id AND c.type = e.type AND e.recorded_at >= c.since
  WHERE NOT (EXISTS ( SELECT 1
           FROM jsonb_array_elements(c.filters) f(value)
          WHERE ((f.value -> 'values'::text) ? (e.data ->> (f.value ->> 'property'::text))) IS NOT TRUE));

create table public.coupon_amounts (
  partner_id uuid not null,
  coupon_id uuid not null,
  purpose text not null,
  currency text not null,
  amount bigint not null,
  constraint coupon_amounts_pkey PRIMARY KEY (partner_id, coupon_id, purpose, currency),
  constraint coupon_amounts_amount_check CHECK (amount > 0),
  constraint coupon_amounts_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint coupon_amounts_purpose_check CHECK (purpose = ANY (ARRAY['DISCOUNT'::text, 'MINIMUM'::text])),
  constraint coupon_amounts_partner_id_coupon_id_fkey FOREIGN KEY (partner_id, coupon_id) REFERENCES public.partner_coupons(partner_id, id)
);
CREATE INDEX coupon_amounts_by_coupon ON public.coupon_amounts USING btree (coupon_id);
alter table public.coupon_amounts enable row level security;
create policy partner_delete on public.coupon_amounts for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.coupon_amounts for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.coupon_amounts for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.coupon_amounts for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.coupon_amounts to tollgate_app;
grant select on public.coupon_amounts to tollgate_job;

create table public.coupon_discounts (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  pending_coupon_id uuid not null,
  subscription_id uuid not null,
  period_number integer not null,
  counts boolean not null,
  period_start timestamp(3) with time zone not null,
  period_end timestamp(3) with time zone not null,
  item_id uuid,
  target_kind text,
  target_id uuid,
  whole_period bigint not null,
  amount bigint not null,
  currency text not null,
  share_remaining bigint not null,
  share_total bigint not null,
  invoice_id uuid,
  voided boolean not null default false,
  lapsed boolean not null default false,
  returned_remaining bigint,
  returned_total bigint,
  created_at timestamp(3) with time zone not null,
  constraint coupon_discounts_pkey PRIMARY KEY (tenant_id, id),
  constraint coupon_discounts_amount_check CHECK (amount > 0),
  constraint coupon_discounts_check CHECK (share_total >= share_remaining),
  constraint coupon_discounts_check1 CHECK (returned_total >= returned_remaining),
  constraint coupon_discounts_check2 CHECK (period_end > period_start),
  constraint coupon_discounts_check3 CHECK ((item_id IS NULL) = (target_kind IS NULL) AND (item_id IS NULL) = (target_id IS NULL)),
  constraint coupon_discounts_check4 CHECK ((returned_remaining IS NULL) = (returned_total IS NULL)),
  constraint coupon_discounts_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint coupon_discounts_period_number_check CHECK (period_number >= 1),
  constraint coupon_discounts_returned_remaining_check CHECK (returned_remaining > 0),
  constraint coupon_discounts_share_remaining_check CHECK (share_remaining > 0),
  constraint coupon_discounts_target_kind_check CHECK (target_kind = ANY (ARRAY['PLAN'::text, 'ADDON'::text])),
  constraint coupon_discounts_whole_period_check CHECK (whole_period >= 0),
  constraint coupon_discounts_tenant_id_invoice_id_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES public.invoices(tenant_id, id),
  constraint coupon_discounts_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint coupon_discounts_tenant_id_pending_coupon_id_fkey FOREIGN KEY (tenant_id, pending_coupon_id) REFERENCES public.tenant_pending_coupons(tenant_id, id),
  constraint coupon_discounts_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id)
);
CREATE INDEX coupon_discounts_by_invoice ON public.coupon_discounts USING btree (tenant_id, invoice_id) WHERE invoice_id IS NOT NULL;
CREATE INDEX coupon_discounts_by_period ON public.coupon_discounts USING btree (tenant_id, subscription_id, period_start);
CREATE INDEX coupon_discounts_by_use ON public.coupon_discounts USING btree (tenant_id, pending_coupon_id, period_number);
alter table public.coupon_discounts enable row level security;
create policy tenant_delete on public.coupon_discounts for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.coupon_discounts for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.coupon_discounts for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.coupon_discounts for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.coupon_discounts to tollgate_app, tollgate_job;
grant update (voided, lapsed, returned_remaining, returned_total) on public.coupon_discounts to tollgate_app, tollgate_job;

create table public.coupon_redemptions (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  coupon_id uuid not null,
  pending_coupon_id uuid not null,
  subscription_id uuid not null,
  invoice_id uuid,
  period_number integer not null,
  discount bigint not null,
  currency text not null,
  is_proration_involved boolean not null default false,
  proration_amount bigint,
  plan_id_before uuid,
  plan_id_after uuid,
  interval_before text,
  interval_after text,
  redeemed_at timestamp(3) with time zone not null,
  constraint coupon_redemptions_pkey PRIMARY KEY (tenant_id, id),
  constraint coupon_redemptions_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint coupon_redemptions_discount_check CHECK (discount >= 0),
  constraint coupon_redemptions_period_number_check CHECK (period_number >= 1),
  constraint coupon_redemptions_partner_id_coupon_id_fkey FOREIGN KEY (partner_id, coupon_id) REFERENCES public.partner_coupons(partner_id, id),
  constraint coupon_redemptions_partner_id_plan_id_after_fkey FOREIGN KEY (partner_id, plan_id_after) REFERENCES public.plans(partner_id, id),
  constraint coupon_redemptions_partner_id_plan_id_before_fkey FOREIGN KEY (partner_id, plan_id_before) REFERENCES public.plans(partner_id, id),
  constraint coupon_redemptions_tenant_id_invoice_id_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES public.invoices(tenant_id, id),
  constraint coupon_redemptions_tenant_id_pending_coupon_id_fkey FOREIGN KEY (tenant_id, pending_coupon_id) REFERENCES public.tenant_pending_coupons(tenant_id, id),
  constraint coupon_redemptions_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id)
);
CREATE INDEX coupon_redemptions_by_period ON public.coupon_redemptions USING btree (tenant_id, pending_coupon_id, period_number);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.coupon_redemptions FOR EACH ROW EXECUTE FUNCTION app.forbid_change();
alter table public.coupon_redemptions enable row level security;
create policy many_tenants on public.coupon_redemptions for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.coupon_redemptions for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.coupon_redemptions for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.coupon_redemptions for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.coupon_redemptions for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.coupon_redemptions to tollgate_app, tollgate_job;

create table public.credit_balance_entries (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  currency text not null,
  amount bigint not null,
  balance_after bigint not null,
  kind text not null,
  credit_note_id uuid,
  invoice_id uuid,
  created_at timestamp(3) with time zone not null,
  refund_id uuid,
  dispute_id uuid,
  constraint credit_balance_entries_pkey PRIMARY KEY (tenant_id, id),
  constraint credit_balance_entries_amount_check CHECK (amount <> 0),
  constraint credit_balance_entries_balance_after_check CHECK (balance_after >= 0),
  constraint credit_balance_entries_kind_check CHECK (kind = ANY (ARRAY['CREDIT_NOTE'::text, 'APPLIED'::text, 'RETURNED'::text, 'OVERPAID'::text, 'REFUNDED'::text])),
  constraint credit_balance_entries_tenant_id_credit_note_id_fkey FOREIGN KEY (tenant_id, credit_note_id) REFERENCES public.credit_notes(tenant_id, id),
  constraint credit_balance_entries_tenant_id_currency_fkey FOREIGN KEY (tenant_id, currency) REFERENCES public.credit_balances(tenant_id, currency),
  constraint credit_balance_entries_tenant_id_dispute_id_fkey FOREIGN KEY (tenant_id, dispute_id) REFERENCES public.disputes(tenant_id, id),
  constraint credit_balance_entries_tenant_id_invoice_id_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES public.invoices(tenant_id, id),
  constraint credit_balance_entries_tenant_id_refund_id_fkey FOREIGN KEY (tenant_id, refund_id) REFERENCES public.refunds(tenant_id, id)
);
CREATE INDEX credit_balance_entries_in_order ON public.credit_balance_entries USING btree (tenant_id, currency, id);
CREATE INDEX credit_balance_entries_of_refund ON public.credit_balance_entries USING btree (tenant_id, refund_id) WHERE refund_id IS NOT NULL;
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.credit_balance_entries FOR EACH ROW EXECUTE FUNCTION app.forbid_change();
alter table public.credit_balance_entries enable row level security;
create policy many_tenants on public.credit_balance_entries for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.credit_balance_entries for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.credit_balance_entries for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.credit_balance_entries for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.credit_balance_entries for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.credit_balance_entries to tollgate_app, tollgate_job;

create table public.credit_balances (
  tenant_id uuid not null,
  currency text not null,
  partner_id uuid not null,
  balance bigint not null default 0,
  constraint credit_balances_pkey PRIMARY KEY (tenant_id, currency),
  constraint credit_balances_balance_check CHECK (balance >= 0),
  constraint credit_balances_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint credit_balances_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
alter table public.credit_balances enable row level security;
create policy many_tenants on public.credit_balances for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.credit_balances for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.credit_balances for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.credit_balances for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.credit_balances for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.credit_balances to tollgate_app, tollgate_job;
grant update (balance) on public.credit_balances to tollgate_app, tollgate_job;

create table public.credit_note_lines (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  credit_note_id uuid not null,
  "position" integer not null,
  kind text not null,
  source_kind text not null,
  source_id uuid not null,
  invoice_line_id uuid,
  description text not null,
  quantity numeric(32,12) not null,
  amount bigint not null,
  currency text not null,
  period_start timestamp(3) with time zone,
  period_end timestamp(3) with time zone,
  explanation jsonb not null,
  tax jsonb,
  constraint credit_note_lines_pkey PRIMARY KEY (tenant_id, id),
  constraint credit_note_lines_tenant_id_credit_note_id_position_key UNIQUE (tenant_id, credit_note_id, "position"),
  constraint credit_note_lines_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint credit_note_lines_kind_check CHECK (kind = ANY (ARRAY['PRORATION_CREDIT'::text, 'PRORATION_CHARGE'::text, 'DISCOUNT'::text, 'CORRECTION'::text, 'TAX'::text])),
  constraint credit_note_lines_position_check CHECK ("position" >= 1),
  constraint credit_note_lines_quantity_check CHECK (quantity <> 'NaN'::numeric),
  constraint credit_note_lines_source_kind_check CHECK (source_kind = ANY (ARRAY['PLAN'::text, 'ADDON'::text, 'COUPON'::text, 'TAX'::text])),
  constraint credit_note_lines_tenant_id_credit_note_id_fkey FOREIGN KEY (tenant_id, credit_note_id) REFERENCES public.credit_notes(tenant_id, id),
  constraint credit_note_lines_tenant_id_invoice_line_id_fkey FOREIGN KEY (tenant_id, invoice_line_id) REFERENCES public.invoice_lines(tenant_id, id)
);
CREATE INDEX credit_note_lines_of_line ON public.credit_note_lines USING btree (tenant_id, invoice_line_id) WHERE invoice_line_id IS NOT NULL;
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.credit_note_lines FOR EACH ROW EXECUTE FUNCTION app.forbid_change();
alter table public.credit_note_lines enable row level security;
create policy many_tenants on public.credit_note_lines for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.credit_note_lines for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.credit_note_lines for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.credit_note_lines for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.credit_note_lines for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.credit_note_lines to tollgate_app, tollgate_job;

create table public.credit_notes (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  number text not null,
  reason text not null,
  settlement text not null,
  currency text not null,
  total bigint not null,
  issued_at timestamp(3) with time zone not null,
  created_at timestamp(3) with time zone not null,
  invoice_id uuid,
  memo text,
  tax bigint not null default 0,
  taxes jsonb not null default '[]'::jsonb,
  tax_treatment text not null default 'TAXABLE'::text,
  tax_note text,
  billing jsonb not null default '{}'::jsonb,
  constraint credit_notes_pkey PRIMARY KEY (tenant_id, id),
  constraint credit_notes_tenant_id_number_key UNIQUE (tenant_id, number),
  constraint credit_notes_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint credit_notes_memo_check CHECK (length(memo) >= 1 AND length(memo) <= 500),
  constraint credit_notes_of_open_invoices CHECK (settlement <> 'OPEN_INVOICE'::text OR invoice_id IS NOT NULL),
  constraint credit_notes_reason_check CHECK (reason = ANY (ARRAY['PLAN_CHANGE'::text, 'ADDON_CANCELLED'::text, 'CANCELLATION'::text, 'CORRECTION'::text])),
  constraint credit_notes_settlement_check CHECK (settlement = ANY (ARRAY['CREDIT_BALANCE'::text, 'REFUND'::text, 'OUTSIDE'::text, 'OPEN_INVOICE'::text])),
  constraint credit_notes_total_check CHECK (total >= 0),
  constraint credit_notes_tenant_id_invoice_id_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES public.invoices(tenant_id, id),
  constraint credit_notes_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint credit_notes_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id)
);
CREATE INDEX credit_notes_in_order ON public.credit_notes USING btree (tenant_id, issued_at, id);
CREATE INDEX credit_notes_of_invoice ON public.credit_notes USING btree (tenant_id, invoice_id) WHERE invoice_id IS NOT NULL;
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.credit_notes FOR EACH ROW EXECUTE FUNCTION app.forbid_change();
alter table public.credit_notes enable row level security;
create policy many_tenants on public.credit_notes for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.credit_notes for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.credit_notes for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.credit_notes for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.credit_notes for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.credit_notes to tollgate_app, tollgate_job;

create table public.disputes (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  payment_id uuid not null,
  external_id text not null,
  status text not null,
  reason text not null,
  amount bigint not null,
  currency text not null,
  opened_at timestamp(3) with time zone not null,
  closed_at timestamp(3) with time zone,
  taken bigint not null default 0,
  constraint disputes_pkey PRIMARY KEY (tenant_id, id),
  constraint disputes_tenant_id_payment_id_external_id_key UNIQUE (tenant_id, payment_id, external_id),
  constraint disputes_amount_check CHECK (amount >= 0),
  constraint disputes_check CHECK ((status = 'OPEN'::text) = (closed_at IS NULL)),
  constraint disputes_check1 CHECK (taken >= 0 AND taken <= amount),
  constraint disputes_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint disputes_external_id_check CHECK (length(external_id) >= 1 AND length(external_id) <= 255),
  constraint disputes_reason_check CHECK (length(reason) >= 1 AND length(reason) <= 200),
  constraint disputes_status_check CHECK (status = ANY (ARRAY['OPEN'::text, 'WON'::text, 'LOST'::text])),
  constraint disputes_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint disputes_tenant_id_payment_id_fkey FOREIGN KEY (tenant_id, payment_id) REFERENCES public.payments(tenant_id, id)
);
alter table public.disputes enable row level security;
create policy many_tenants on public.disputes for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.disputes for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.disputes for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.disputes for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.disputes for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.disputes to tollgate_app, tollgate_job;
grant update (status, closed_at, taken) on public.disputes to tollgate_app, tollgate_job;

create view public.document_contents with (security_invoker=true) as
 SELECT i.tenant_id,
    i.id AS document_id,
    i.partner_id,
    'invoice '::text || i.number AS name,
    sha256(convert_to(jsonb_build_array(i.subscription_id, i.number, i.kind, i.reason, i.currency, i.subtotal, i.discount, i.total, i.credit_applied, i.amount_due, EXTRACT(epoch FROM i.period_start), EXTRACT(epoch FROM i.period_end), EXTRACT(epoch FROM i.issued_at), ( SELECT jsonb_agg(jsonb_build_array(l.id, l."position", l.kind, l.source_kind, l.source_id, l.description, l.quantity, l.amount, l.currency, l.explanation) ORDER BY l."position") AS jsonb_agg
           FROM public.invoice_lines l
          WHERE l.tenant_id = i.tenant_id AND l.invoice_id = i.id))::text, 'UTF8'::name)) AS seal
   FROM public.invoices i
  WHERE i.status <> 'DRAFT'::text
UNION ALL
 SELECT c.tenant_id,
    c.id AS document_id,
    c.partner_id,
    'credit note '::text || c.number AS name,
    sha256(convert_to(jsonb_build_array(c.subscription_id, c.number, c.reason, c.settlement, c.currency, c.total, EXTRACT(epoch FROM c.issued_at), ( SELECT jsonb_agg(jsonb_build_array(l.id, l."position", l.kind, l.source_kind, l.source_id, l.invoice_line_id, l.description, l.quantity, l.amount, l.currency, l.explanation) ORDER BY l."position") AS jsonb_agg
           FROM public.credit_note_lines l
          WHERE l.tenant_id = c.tenant_id AND l.credit_note_id = c.id))::text, 'UTF8'::name)) AS seal
   FROM public.credit_notes c;

create table public.document_seals (
  tenant_id uuid not null,
  document_id uuid not null,
  partner_id uuid not null,
  seal bytea not null,
  sealed_at timestamp(3) with time zone not null,
  constraint document_seals_pkey PRIMARY KEY (tenant_id, document_id),
  constraint document_seals_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
alter table public.document_seals enable row level security;
create policy many_tenants on public.document_seals for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.document_seals for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.document_seals for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.document_seals for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.document_seals for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);

create table public.entitlement_grants (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  feature_id uuid not null,
  unlimited boolean not null default false,
  limit_quantity numeric(32,12),
  reset_period text,
  config_value text,
  starts_at timestamp(3) with time zone not null,
  ends_at timestamp(3) with time zone,
  reason text not null,
  created_at timestamp(3) with time zone not null,
  constraint entitlement_grants_pkey PRIMARY KEY (tenant_id, id),
  constraint entitlement_grants_check CHECK (ends_at IS NULL OR ends_at >= starts_at),
  constraint entitlement_grants_limit_quantity_check CHECK (limit_quantity >= 0::numeric AND limit_quantity <> 'NaN'::numeric),
  constraint entitlement_grants_reset_period_check CHECK (reset_period = ANY (ARRAY['NEVER'::text, 'DAY'::text, 'WEEK'::text, 'MONTH'::text, 'QUARTER'::text, 'YEAR'::text])),
  constraint entitlement_grants_partner_id_feature_id_fkey FOREIGN KEY (partner_id, feature_id) REFERENCES public.features(partner_id, id),
  constraint entitlement_grants_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
alter table public.entitlement_grants enable row level security;
create policy many_tenants on public.entitlement_grants for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.entitlement_grants for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.entitlement_grants for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.entitlement_grants for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.entitlement_grants for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.entitlement_grants to tollgate_app, tollgate_job;
grant update (ends_at) on public.entitlement_grants to tollgate_app, tollgate_job;

create view public.entitlement_sources with (security_invoker=true) as
 SELECT t.id AS tenant_id,
    'PLAN'::text AS source_kind,
    i.id AS source_id,
    i.plan_id AS catalog_id,
    f.feature_id,
    f.limit_quantity,
    f.unlimited,
    1::bigint AS quantity,
    true AS is_exact,
    i.started_at AS starts_at,
    COALESCE(i.ended_at, LEAST(s.cancel_at, s.access_until)) AS ends_at,
    COALESCE(t.test_clock, now()) AS clock
   FROM public.subscription_items i
     JOIN public.tenants t ON t.id = i.tenant_id
     JOIN public.subscriptions s ON s.tenant_id = i.tenant_id AND s.id = i.subscription_id
     JOIN public.plan_features f ON f.partner_id = i.partner_id AND f.plan_version_id = i.plan_version_id
UNION ALL
 SELECT t.id AS tenant_id,
    'PLAN'::text AS source_kind,
    i.id AS source_id,
    a.addon_id AS catalog_id,
    f.feature_id,
    f.limit_quantity,
    f.unlimited,
    1 AS quantity,
    false AS is_exact,
    i.started_at AS starts_at,
    COALESCE(i.ended_at, LEAST(s.cancel_at, s.access_until)) AS ends_at,
    COALESCE(t.test_clock, now()) AS clock
   FROM public.subscription_items i
     JOIN public.tenants t ON t.id = i.tenant_id
     JOIN public.subscriptions s ON s.tenant_id = i.tenant_id AND s.id = i.subscription_id
     JOIN public.plan_versions v ON v.partner_id = i.partner_id AND v.id = i.plan_version_id
     CROSS JOIN LATERAL ( SELECT p.addon_id
           FROM public.plan_addons p
          WHERE p.partner_id = v.partner_id AND p.plan_version_id = v.id
        UNION
         SELECT o.id
           FROM public.partner_addons o
          WHERE v.includes_all_addons AND o.partner_id = v.partner_id) a
     JOIN public.addon_features f ON f.partner_id = i.partner_id AND f.addon_id = a.addon_id
UNION ALL
 SELECT t.id AS tenant_id,
    'ADDON'::text AS source_kind,
    a.id AS source_id,
    a.addon_id AS catalog_id,
    f.feature_id,
    f.limit_quantity,
    f.unlimited,
    a.quantity,
    o.version = 1 AS is_exact,
    a.started_at AS starts_at,
    LEAST(COALESCE(a.ended_at, LEAST(a.ends_at, s.access_until)), a.access_until) AS ends_at,
    COALESCE(t.test_clock, now()) AS clock
   FROM public.partner_tenant_addon_subscriptions a
     JOIN public.tenants t ON t.id = a.tenant_id
     JOIN public.subscriptions s ON s.tenant_id = a.tenant_id AND s.id = a.subscription_id
     JOIN public.partner_addons o ON o.partner_id = a.partner_id AND o.id = a.addon_id
     JOIN public.addon_features f ON f.partner_id = a.partner_id AND f.addon_id = a.addon_id
UNION ALL
 SELECT t.id AS tenant_id,
    'LICENCE'::text AS source_kind,
    l.id AS source_id,
    l.licence_product_id AS catalog_id,
    f.feature_id,
    f.limit_quantity,
    f.unlimited,
    l.seats AS quantity,
    false AS is_exact,
    l.starts_at,
        CASE
            WHEN l.seats <= 0 THEN l.starts_at
            WHEN l.trial THEN LEAST(l.expires_at, a.ends_at)
            ELSE l.expires_at
        END AS ends_at,
    COALESCE(t.test_clock, now()) AS clock
   FROM public.licences l
     JOIN public.tenants t ON t.id = l.tenant_id
     JOIN public.access_ends a ON a.tenant_id = l.tenant_id
     JOIN public.licence_product_features f ON f.partner_id = l.partner_id AND f.licence_product_id = l.licence_product_id
UNION ALL
 SELECT t.id AS tenant_id,
    'GRANT'::text AS source_kind,
    g.id AS source_id,
    g.id AS catalog_id,
    g.feature_id,
    g.limit_quantity,
    g.unlimited,
    1 AS quantity,
    true AS is_exact,
    g.starts_at,
    g.ends_at,
    COALESCE(t.test_clock, now()) AS clock
   FROM public.entitlement_grants g
     JOIN public.tenants t ON t.id = g.tenant_id;

create table public.features (
  partner_id uuid not null,
  id uuid not null,
  code text not null,
  name text not null,
  description text not null default ''::text,
  kind text not null,
  unit text,
  value_order text[] not null default '{}'::text[],
  created_at timestamp(3) with time zone not null,
  constraint features_pkey PRIMARY KEY (partner_id, id),
  constraint features_partner_id_code_key UNIQUE (partner_id, code),
  constraint features_code_check CHECK (code ~ '^[a-z][a-z0-9_.-]{0,62}$'::text),
  constraint features_kind_check CHECK (kind = ANY (ARRAY['BOOLEAN'::text, 'METERED'::text, 'CONFIG'::text])),
  constraint features_name_check CHECK (length(name) >= 1 AND length(name) <= 200),
  constraint features_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
CREATE INDEX features_by_id ON public.features USING btree (id);
alter table public.features enable row level security;
create policy partner_delete on public.features for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.features for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.features for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.features for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.features to tollgate_app;
grant select on public.features to tollgate_job;

create table public.former_provider_customers (
  tenant_id uuid not null,
  provider text not null,
  external_id text not null,
  partner_id uuid not null,
  gone_at timestamp(3) with time zone not null,
  constraint former_provider_customers_pkey PRIMARY KEY (tenant_id, provider, external_id),
  constraint former_provider_customers_external_id_check CHECK (length(external_id) >= 1 AND length(external_id) <= 255),
  constraint former_provider_customers_provider_check CHECK (provider = ANY (ARRAY['STRIPE'::text, 'PADDLE'::text, 'FAKE'::text])),
  constraint former_provider_customers_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
CREATE INDEX former_provider_customers_by_external ON public.former_provider_customers USING btree (provider, external_id);
alter table public.former_provider_customers enable row level security;
create policy many_tenants on public.former_provider_customers for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.former_provider_customers for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.former_provider_customers for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.former_provider_customers for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.former_provider_customers for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant select on public.former_provider_customers to tollgate_app;
grant insert, select on public.former_provider_customers to tollgate_job;

create table public.idempotency_keys (
  tenant_id uuid not null,
  actor_id uuid not null,
  key text not null,
  partner_id uuid not null,
  mutation text not null,
  request_hash bytea not null,
  response jsonb not null,
  created_at timestamp(3) with time zone not null,
  constraint idempotency_keys_pkey PRIMARY KEY (tenant_id, actor_id, key),
  constraint idempotency_keys_key_check CHECK (length(key) >= 1 AND length(key) <= 255),
  constraint idempotency_keys_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
alter table public.idempotency_keys enable row level security;
create policy many_tenants on public.idempotency_keys for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.idempotency_keys for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.idempotency_keys for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.idempotency_keys for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.idempotency_keys for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.idempotency_keys to tollgate_app;
grant update (response) on public.idempotency_keys to tollgate_app;

create table public.inbound_events (
  provider text not null,
  event_id text not null,
  id uuid not null,
  type text not null,
  occurred_at timestamp(3) with time zone not null,
  live boolean not null,
  body text not null,
  status text not null default 'RECEIVED'::text,
  reason text,
  tenant_id uuid,
  partner_id uuid,
  attempts integer not null default 0,
  next_try_at timestamp(3) with time zone not null,
  received_at timestamp(3) with time zone not null,
  settled_at timestamp(3) with time zone,
  constraint inbound_events_pkey PRIMARY KEY (provider, event_id),
  constraint inbound_events_id_key UNIQUE (id),
  constraint inbound_events_check CHECK ((tenant_id IS NULL) = (partner_id IS NULL)),
  constraint inbound_events_check1 CHECK ((status = 'RECEIVED'::text) = (settled_at IS NULL)),
  constraint inbound_events_check2 CHECK (status <> 'PARKED'::text OR reason IS NOT NULL),
  constraint inbound_events_event_id_check CHECK (length(event_id) >= 1 AND length(event_id) <= 255),
  constraint inbound_events_provider_check CHECK (provider = ANY (ARRAY['STRIPE'::text, 'PADDLE'::text, 'FAKE'::text])),
  constraint inbound_events_reason_check CHECK (length(reason) >= 1 AND length(reason) <= 500),
  constraint inbound_events_status_check CHECK (status = ANY (ARRAY['RECEIVED'::text, 'APPLIED'::text, 'IGNORED'::text, 'PARKED'::text])),
  constraint inbound_events_type_check CHECK (length(type) >= 1 AND length(type) <= 255)
);
CREATE INDEX inbound_events_by_status ON public.inbound_events USING btree (status, id);
CREATE INDEX inbound_events_of_partner ON public.inbound_events USING btree (partner_id, status, id);
CREATE INDEX inbound_events_waiting ON public.inbound_events USING btree (next_try_at, id) WHERE status = 'RECEIVED'::text;
alter table public.inbound_events enable row level security;
create policy nobody on public.inbound_events for select to tollgate_app, tollgate_job
  using (false);

create table public.invoice_collections (
  tenant_id uuid not null,
  invoice_id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  sandbox boolean not null,
  status text not null,
  failures integer not null default 0,
  due_at timestamp(3) with time zone,
  held_until timestamp(3) with time zone,
  first_failed_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone not null,
  ended_at timestamp(3) with time zone,
  constraint invoice_collections_pkey PRIMARY KEY (tenant_id, invoice_id),
  constraint invoice_collections_check CHECK ((failures = 0) = (first_failed_at IS NULL)),
  constraint invoice_collections_check1 CHECK ((status = ANY (ARRAY['OPEN'::text, 'EXHAUSTED'::text])) OR ended_at IS NOT NULL),
  constraint invoice_collections_due_while_open CHECK ((status = ANY (ARRAY['OPEN'::text, 'EXHAUSTED'::text])) OR due_at IS NULL),
  constraint invoice_collections_status_check CHECK (status = ANY (ARRAY['OPEN'::text, 'PAID'::text, 'EXHAUSTED'::text, 'STOPPED'::text])),
  constraint invoice_collections_tenant_id_invoice_id_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES public.invoices(tenant_id, id),
  constraint invoice_collections_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint invoice_collections_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX invoice_collections_due ON public.invoice_collections USING btree (due_at) WHERE due_at IS NOT NULL AND NOT sandbox;
CREATE INDEX invoice_collections_due_in_sandboxes ON public.invoice_collections USING btree (tenant_id, due_at) WHERE due_at IS NOT NULL AND sandbox;
CREATE INDEX invoice_collections_of_subscription ON public.invoice_collections USING btree (tenant_id, subscription_id) WHERE ended_at IS NULL;
alter table public.invoice_collections enable row level security;
create policy many_tenants on public.invoice_collections for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.invoice_collections for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.invoice_collections for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.invoice_collections for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.invoice_collections for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.invoice_collections to tollgate_app, tollgate_job;
grant update (status, failures, due_at, held_until, first_failed_at, ended_at) on public.invoice_collections to tollgate_app, tollgate_job;

create table public.invoice_lines (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  invoice_id uuid not null,
  "position" integer not null,
  kind text not null,
  source_kind text not null,
  source_id uuid not null,
  discounts_line_id uuid,
  description text not null,
  quantity numeric(32,12) not null,
  amount bigint not null,
  currency text not null,
  period_start timestamp(3) with time zone,
  period_end timestamp(3) with time zone,
  explanation jsonb not null,
  tax jsonb,
  constraint invoice_lines_pkey PRIMARY KEY (tenant_id, id),
  constraint invoice_lines_tenant_id_invoice_id_position_key UNIQUE (tenant_id, invoice_id, "position"),
  constraint invoice_lines_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint invoice_lines_kind_check CHECK (kind = ANY (ARRAY['PLAN_FIXED'::text, 'ADDON_FIXED'::text, 'PRORATION_CHARGE'::text, 'PRORATION_CREDIT'::text, 'PLAN_USAGE'::text, 'ADDON_USAGE'::text, 'OVERAGE'::text, 'DISCOUNT'::text, 'LICENCE'::text, 'TAX'::text, 'CREDIT_APPLIED'::text])),
  constraint invoice_lines_position_check CHECK ("position" >= 1),
  constraint invoice_lines_quantity_check CHECK (quantity <> 'NaN'::numeric),
  constraint invoice_lines_source_kind_check CHECK (source_kind = ANY (ARRAY['PLAN'::text, 'ADDON'::text, 'COUPON'::text, 'TAX'::text])),
  constraint invoice_lines_tenant_id_discounts_line_id_fkey FOREIGN KEY (tenant_id, discounts_line_id) REFERENCES public.invoice_lines(tenant_id, id),
  constraint invoice_lines_tenant_id_invoice_id_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES public.invoices(tenant_id, id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.invoice_lines FOR EACH ROW EXECUTE FUNCTION app.forbid_change();
alter table public.invoice_lines enable row level security;
create policy many_tenants on public.invoice_lines for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.invoice_lines for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.invoice_lines for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.invoice_lines for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.invoice_lines for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.invoice_lines to tollgate_app, tollgate_job;

create view public.invoice_money with (security_invoker=true) as
 SELECT i.tenant_id,
    i.id AS invoice_id,
    i.number,
    i.currency,
    i.status,
    i.payment_reference,
    i.credit_applied + i.paid AS paid,
    COALESCE(p.amount, 0::numeric) - COALESCE(r.amount, 0::numeric) - COALESCE(b.moved, 0::numeric) AS came,
    COALESCE(b.returned, 0::numeric) AS returned
   FROM public.invoices i
     LEFT JOIN ( SELECT payments.tenant_id,
            payments.invoice_id,
            sum(payments.amount) AS amount
           FROM public.payments
          WHERE payments.status = 'SUCCEEDED'::text
          GROUP BY payments.tenant_id, payments.invoice_id) p ON p.tenant_id = i.tenant_id AND p.invoice_id = i.id
     LEFT JOIN ( SELECT p_1.tenant_id,
            p_1.invoice_id,
            sum(r_1.amount) AS amount
           FROM public.refunds r_1
             JOIN public.payments p_1 ON p_1.tenant_id = r_1.tenant_id AND p_1.id = r_1.payment_id
          WHERE (r_1.reason = ANY (ARRAY['PAID_TWICE'::text, 'OVERPAID'::text])) AND r_1.status <> 'FAILED'::text
          GROUP BY p_1.tenant_id, p_1.invoice_id) r ON r.tenant_id = i.tenant_id AND r.invoice_id = i.id
     LEFT JOIN ( SELECT credit_balance_entries.tenant_id,
            credit_balance_entries.invoice_id,
            sum(credit_balance_entries.amount) FILTER (WHERE credit_balance_entries.kind = ANY (ARRAY['APPLIED'::text, 'OVERPAID'::text])) AS moved,
            sum(credit_balance_entries.amount) FILTER (WHERE credit_balance_entries.kind = 'RETURNED'::text) AS returned
           FROM public.credit_balance_entries
          WHERE credit_balance_entries.invoice_id IS NOT NULL
          GROUP BY credit_balance_entries.tenant_id, credit_balance_entries.invoice_id) b ON b.tenant_id = i.tenant_id AND b.invoice_id = i.id;

create table public.invoice_numbers (
  partner_id uuid not null,
  next_invoice bigint not null default 1,
  next_credit_note bigint not null default 1,
  constraint invoice_numbers_pkey PRIMARY KEY (partner_id),
  constraint invoice_numbers_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
alter table public.invoice_numbers enable row level security;
create policy partner_read on public.invoice_numbers for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])));
grant select on public.invoice_numbers to tollgate_app;

create table public.invoices (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  number text not null,
  kind text not null,
  reason text not null,
  status text not null,
  currency text not null,
  subtotal bigint not null,
  discount bigint not null,
  total bigint not null,
  credit_applied bigint not null default 0,
  amount_due bigint not null,
  period_start timestamp(3) with time zone,
  period_end timestamp(3) with time zone,
  coupon_order text not null,
  issued_at timestamp(3) with time zone not null,
  created_at timestamp(3) with time zone not null,
  paid_at timestamp(3) with time zone,
  payment_reference text,
  voided_at timestamp(3) with time zone,
  void_reason text,
  uncollectible_at timestamp(3) with time zone,
  tax bigint not null default 0,
  taxes jsonb not null default '[]'::jsonb,
  tax_treatment text not null default 'TAXABLE'::text,
  tax_note text,
  billing jsonb not null default '{}'::jsonb,
  credited bigint not null default 0,
  paid bigint not null default 0,
  due_at timestamp(3) with time zone,
  constraint invoices_pkey PRIMARY KEY (tenant_id, id),
  constraint invoices_tenant_id_number_key UNIQUE (tenant_id, number),
  constraint invoices_amount_due_check CHECK (amount_due >= 0),
  constraint invoices_check1 CHECK (amount_due = (total - credit_applied)),
  constraint invoices_check2 CHECK (kind <> 'PERIOD'::text OR period_start IS NOT NULL AND period_end IS NOT NULL),
  constraint invoices_credit_applied_check CHECK (credit_applied >= 0),
  constraint invoices_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint invoices_discount_check CHECK (discount >= 0),
  constraint invoices_kind_check CHECK (kind = ANY (ARRAY['PERIOD'::text, 'ONE_TIME'::text])),
  constraint invoices_paid CHECK ((status = 'PAID'::text) = (paid_at IS NOT NULL)),
  constraint invoices_paid_whole CHECK (status <> 'PAID'::text OR (credited + paid) = amount_due),
  constraint invoices_parts CHECK (credited >= 0 AND paid >= 0 AND (credited + paid) <= amount_due),
  constraint invoices_payment_reference_check CHECK (length(payment_reference) >= 1 AND length(payment_reference) <= 200),
  constraint invoices_reason_check CHECK (reason = ANY (ARRAY['START'::text, 'RENEWAL'::text, 'PLAN_CHANGE'::text, 'ADDON'::text, 'FINAL'::text])),
  constraint invoices_status_check CHECK (status = ANY (ARRAY['DRAFT'::text, 'FINALIZED'::text, 'PAID'::text, 'VOID'::text, 'UNCOLLECTIBLE'::text])),
  constraint invoices_total_check CHECK (total >= 0),
  constraint invoices_totals CHECK (total = (subtotal - discount + tax)),
  constraint invoices_uncollectible CHECK (status <> 'UNCOLLECTIBLE'::text OR uncollectible_at IS NOT NULL),
  constraint invoices_void CHECK ((status = 'VOID'::text) = (voided_at IS NOT NULL) AND (voided_at IS NULL) = (void_reason IS NULL)),
  constraint invoices_void_reason_check CHECK (length(void_reason) >= 1 AND length(void_reason) <= 500),
  constraint invoices_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint invoices_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX invoices_in_order ON public.invoices USING btree (tenant_id, issued_at, id);
CREATE INDEX invoices_of_partner ON public.invoices USING btree (partner_id, id);
CREATE UNIQUE INDEX invoices_one_per_period ON public.invoices USING btree (tenant_id, subscription_id, period_start) WHERE kind = 'PERIOD'::text;
CREATE INDEX invoices_open ON public.invoices USING btree (tenant_id, issued_at, id) WHERE status = ANY (ARRAY['FINALIZED'::text, 'UNCOLLECTIBLE'::text]);
CREATE TRIGGER guard_invoice BEFORE DELETE OR UPDATE ON public.invoices FOR EACH ROW EXECUTE FUNCTION app.guard_invoice();
alter table public.invoices enable row level security;
create policy many_tenants on public.invoices for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.invoices for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.invoices for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.invoices for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.invoices for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.invoices to tollgate_app, tollgate_job;
grant update (status, paid_at, payment_reference, voided_at, void_reason, uncollectible_at, credited, paid) on public.invoices to tollgate_app, tollgate_job;

create table public.item_charges (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  item_id uuid not null,
  period_start timestamp(3) with time zone not null,
  period_end timestamp(3) with time zone not null,
  kind text not null,
  amount bigint not null,
  currency text not null,
  share_remaining bigint not null,
  share_total bigint not null,
  invoice_line_id uuid,
  credit_note_line_id uuid,
  created_at timestamp(3) with time zone not null,
  tax bigint not null default 0,
  tax_rate jsonb,
  origin_line_id uuid,
  refund_id uuid,
  dispute_id uuid,
  constraint item_charges_pkey PRIMARY KEY (tenant_id, id),
  constraint item_charges_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint item_charges_kind_check CHECK (kind = ANY (ARRAY['CHARGE'::text, 'DISCOUNT'::text, 'CREDIT'::text, 'WAIVED'::text, 'REFUNDED'::text])),
  constraint item_charges_share_remaining_check CHECK (share_remaining >= 0),
  constraint item_charges_share_total_check CHECK (share_total >= 1),
  constraint item_charges_tenant_id_credit_note_line_id_fkey FOREIGN KEY (tenant_id, credit_note_line_id) REFERENCES public.credit_note_lines(tenant_id, id),
  constraint item_charges_tenant_id_dispute_id_fkey FOREIGN KEY (tenant_id, dispute_id) REFERENCES public.disputes(tenant_id, id),
  constraint item_charges_tenant_id_invoice_line_id_fkey FOREIGN KEY (tenant_id, invoice_line_id) REFERENCES public.invoice_lines(tenant_id, id),
  constraint item_charges_tenant_id_origin_line_id_fkey FOREIGN KEY (tenant_id, origin_line_id) REFERENCES public.invoice_lines(tenant_id, id),
  constraint item_charges_tenant_id_refund_id_fkey FOREIGN KEY (tenant_id, refund_id) REFERENCES public.refunds(tenant_id, id),
  constraint item_charges_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX item_charges_of_dispute ON public.item_charges USING btree (tenant_id, dispute_id) WHERE dispute_id IS NOT NULL;
CREATE INDEX item_charges_of_line ON public.item_charges USING btree (tenant_id, invoice_line_id) WHERE invoice_line_id IS NOT NULL;
CREATE INDEX item_charges_of_origin ON public.item_charges USING btree (tenant_id, origin_line_id) WHERE origin_line_id IS NOT NULL;
CREATE INDEX item_charges_of_period ON public.item_charges USING btree (tenant_id, subscription_id, period_start);
CREATE INDEX item_charges_of_refund ON public.item_charges USING btree (tenant_id, refund_id) WHERE refund_id IS NOT NULL;
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.item_charges FOR EACH ROW EXECUTE FUNCTION app.forbid_change();
alter table public.item_charges enable row level security;
create policy many_tenants on public.item_charges for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.item_charges for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.item_charges for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.item_charges for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.item_charges for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.item_charges to tollgate_app, tollgate_job;

create table public.licence_prices (
  partner_id uuid not null,
  id uuid not null,
  licence_product_id uuid not null,
  currency text not null,
  yearly_amount bigint not null,
  created_at timestamp(3) with time zone not null,
  replaced_at timestamp(3) with time zone,
  constraint licence_prices_pkey PRIMARY KEY (partner_id, id),
  constraint licence_prices_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint licence_prices_yearly_amount_check CHECK (yearly_amount > 0),
  constraint licence_prices_partner_id_licence_product_id_fkey FOREIGN KEY (partner_id, licence_product_id) REFERENCES public.licence_products(partner_id, id)
);
CREATE INDEX licence_prices_by_product ON public.licence_prices USING btree (licence_product_id) WHERE replaced_at IS NULL;
CREATE UNIQUE INDEX licence_prices_current ON public.licence_prices USING btree (partner_id, licence_product_id, currency) WHERE replaced_at IS NULL;
alter table public.licence_prices enable row level security;
create policy partner_delete on public.licence_prices for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.licence_prices for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.licence_prices for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.licence_prices for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.licence_prices to tollgate_app;
grant select on public.licence_prices to tollgate_job;
grant update (replaced_at) on public.licence_prices to tollgate_app;

create table public.licence_product_features (
  partner_id uuid not null,
  licence_product_id uuid not null,
  feature_id uuid not null,
  unlimited boolean not null default false,
  limit_quantity numeric(32,12),
  reset_period text,
  config_value text,
  constraint licence_product_features_pkey PRIMARY KEY (partner_id, licence_product_id, feature_id),
  constraint licence_product_features_limit_quantity_check CHECK (limit_quantity >= 0::numeric AND limit_quantity <> 'NaN'::numeric),
  constraint licence_product_features_reset_period_check CHECK (reset_period = ANY (ARRAY['NEVER'::text, 'DAY'::text, 'WEEK'::text, 'MONTH'::text, 'QUARTER'::text, 'YEAR'::text])),
  constraint licence_product_features_partner_id_feature_id_fkey FOREIGN KEY (partner_id, feature_id) REFERENCES public.features(partner_id, id),
  constraint licence_product_features_partner_id_licence_product_id_fkey FOREIGN KEY (partner_id, licence_product_id) REFERENCES public.licence_products(partner_id, id)
);
CREATE INDEX licence_product_features_by_product ON public.licence_product_features USING btree (licence_product_id);
alter table public.licence_product_features enable row level security;
create policy partner_delete on public.licence_product_features for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.licence_product_features for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.licence_product_features for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.licence_product_features for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant delete, insert, select on public.licence_product_features to tollgate_app;
grant select on public.licence_product_features to tollgate_job;

create table public.licence_products (
  partner_id uuid not null,
  id uuid not null,
  code text not null,
  name text not null,
  description text not null default ''::text,
  status text not null default 'ACTIVE'::text,
  trial_days integer,
  trial_seats bigint,
  version integer not null default 1,
  created_at timestamp(3) with time zone not null,
  constraint licence_products_pkey PRIMARY KEY (partner_id, id),
  constraint licence_products_partner_id_code_key UNIQUE (partner_id, code),
  constraint licence_products_check CHECK ((trial_days IS NULL) = (trial_seats IS NULL)),
  constraint licence_products_code_check CHECK (code ~ '^[a-z][a-z0-9_-]{0,62}$'::text),
  constraint licence_products_name_check CHECK (length(name) >= 1 AND length(name) <= 200),
  constraint licence_products_status_check CHECK (status = ANY (ARRAY['ACTIVE'::text, 'ARCHIVED'::text])),
  constraint licence_products_trial_days_check CHECK (trial_days >= 1 AND trial_days <= 730),
  constraint licence_products_trial_seats_check CHECK (trial_seats >= 1 AND trial_seats <= 2147483647),
  constraint licence_products_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
CREATE INDEX licence_products_by_id ON public.licence_products USING btree (id);
alter table public.licence_products enable row level security;
create policy partner_delete on public.licence_products for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.licence_products for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.licence_products for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.licence_products for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.licence_products to tollgate_app;
grant select on public.licence_products to tollgate_job;
grant update (name, description, status, trial_days, trial_seats, version) on public.licence_products to tollgate_app;

create table public.licence_purchases (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  licence_product_id uuid not null,
  licence_id uuid,
  kind text not null,
  quantity bigint not null,
  currency text not null,
  yearly_amount bigint not null,
  amount bigint not null,
  explanation jsonb not null,
  remaining_days integer,
  expiry_before timestamp(3) with time zone,
  seats_before bigint,
  auto_renew boolean not null default false,
  buyer_id uuid not null,
  status text not null,
  park_reason text,
  park_detail text,
  provider text,
  checkout_id text,
  checkout_url text,
  payable_until timestamp(3) with time zone not null,
  created_at timestamp(3) with time zone not null,
  completed_at timestamp(3) with time zone,
  refunded_amount bigint not null default 0,
  seats_refunded bigint not null default 0,
  paid_amount bigint,
  refused_at timestamp(3) with time zone,
  refund_steps integer not null default 0,
  refund_next_at timestamp(3) with time zone,
  refund_asked_at timestamp(3) with time zone,
  constraint licence_purchases_pkey PRIMARY KEY (tenant_id, id),
  constraint licence_purchases_amount_check CHECK (amount >= 0),
  constraint licence_purchases_check1 CHECK (seats_refunded >= 0 AND seats_refunded <= quantity),
  constraint licence_purchases_check2 CHECK (checkout_id IS NULL OR provider IS NOT NULL),
  constraint licence_purchases_closed CHECK (status <> 'CLOSED'::text OR checkout_id IS NULL AND refused_at IS NOT NULL),
  constraint licence_purchases_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint licence_purchases_kind_check CHECK (kind = ANY (ARRAY['FIRST'::text, 'CO_TERMED'::text, 'AFTER_EXPIRY'::text, 'RENEWAL'::text])),
  constraint licence_purchases_paid_amount_check CHECK (paid_amount >= 0),
  constraint licence_purchases_park_reason CHECK (park_reason IS NULL OR (status = ANY (ARRAY['PARKED'::text, 'REFUNDED'::text, 'COMPLETED'::text, 'CLOSED'::text]))),
  constraint licence_purchases_provider_check CHECK (provider = ANY (ARRAY['STRIPE'::text, 'PADDLE'::text, 'FAKE'::text])),
  constraint licence_purchases_quantity_check CHECK (quantity >= 1),
  constraint licence_purchases_refunded_amount_check CHECK (refunded_amount >= 0),
  constraint licence_purchases_status_check CHECK (status = ANY (ARRAY['OPEN'::text, 'COMPLETED'::text, 'PARKED'::text, 'REFUNDED'::text, 'CLOSED'::text])),
  constraint licence_purchases_yearly_amount_check CHECK (yearly_amount > 0),
  constraint licence_purchases_partner_id_licence_product_id_fkey FOREIGN KEY (partner_id, licence_product_id) REFERENCES public.licence_products(partner_id, id),
  constraint licence_purchases_tenant_id_licence_id_fkey FOREIGN KEY (tenant_id, licence_id) REFERENCES public.licences(tenant_id, id),
  constraint licence_purchases_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
CREATE INDEX licence_purchases_by_checkout ON public.licence_purchases USING btree (checkout_id) WHERE checkout_id IS NOT NULL;
CREATE INDEX licence_purchases_by_licence ON public.licence_purchases USING btree (tenant_id, licence_id, id) WHERE completed_at IS NOT NULL;
CREATE INDEX licence_purchases_by_status ON public.licence_purchases USING btree (partner_id, status, id) WHERE status = 'PARKED'::text;
CREATE UNIQUE INDEX licence_purchases_checkout ON public.licence_purchases USING btree (tenant_id, provider, checkout_id) WHERE checkout_id IS NOT NULL;
CREATE INDEX licence_purchases_of_provider ON public.licence_purchases USING btree (provider, id) WHERE provider IS NOT NULL;
CREATE INDEX licence_purchases_to_refund ON public.licence_purchases USING btree (refund_next_at) WHERE refused_at IS NOT NULL AND refund_asked_at IS NULL;
alter table public.licence_purchases enable row level security;
create policy many_tenants on public.licence_purchases for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.licence_purchases for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.licence_purchases for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.licence_purchases for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.licence_purchases for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.licence_purchases to tollgate_app, tollgate_job;
grant update (licence_id, expiry_before, status, park_reason, park_detail, provider, checkout_id, checkout_url, completed_at, refunded_amount, seats_refunded, paid_amount, refused_at, refund_asked_at) on public.licence_purchases to tollgate_app, tollgate_job;

create table public.licence_refunds (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  purchase_id uuid not null,
  provider text not null,
  provider_refund_id text not null,
  currency text not null,
  amount bigint not null,
  status text not null,
  applied_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone not null,
  kind text not null default 'REFUND'::text,
  changed_at timestamp(3) with time zone,
  constraint licence_refunds_pkey PRIMARY KEY (tenant_id, id),
  constraint licence_refunds_tenant_id_provider_provider_refund_id_key UNIQUE (tenant_id, provider, provider_refund_id),
  constraint licence_refunds_amount_check CHECK (amount >= 0),
  constraint licence_refunds_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint licence_refunds_kind_check CHECK (kind = ANY (ARRAY['REFUND'::text, 'CREDIT'::text, 'CHARGEBACK'::text, 'CREDIT_REVERSE'::text, 'CHARGEBACK_REVERSE'::text])),
  constraint licence_refunds_provider_check CHECK (provider = ANY (ARRAY['STRIPE'::text, 'PADDLE'::text, 'FAKE'::text])),
  constraint licence_refunds_status_check CHECK (status = ANY (ARRAY['PENDING'::text, 'APPROVED'::text, 'REJECTED'::text, 'REVERSED'::text])),
  constraint licence_refunds_tenant_id_purchase_id_fkey FOREIGN KEY (tenant_id, purchase_id) REFERENCES public.licence_purchases(tenant_id, id)
);
CREATE INDEX licence_refunds_by_purchase ON public.licence_refunds USING btree (tenant_id, purchase_id);
alter table public.licence_refunds enable row level security;
create policy many_tenants on public.licence_refunds for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.licence_refunds for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.licence_refunds for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.licence_refunds for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.licence_refunds for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.licence_refunds to tollgate_app, tollgate_job;
grant update (amount, status, applied_at, changed_at) on public.licence_refunds to tollgate_app, tollgate_job;

create table public.licence_seats (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  licence_id uuid not null,
  user_id uuid not null,
  email text not null,
  assigned_at timestamp(3) with time zone not null,
  revoked_at timestamp(3) with time zone,
  constraint licence_seats_pkey PRIMARY KEY (tenant_id, id),
  constraint licence_seats_tenant_id_licence_id_fkey FOREIGN KEY (tenant_id, licence_id) REFERENCES public.licences(tenant_id, id)
);
CREATE INDEX licence_seats_by_licence ON public.licence_seats USING btree (tenant_id, licence_id, id);
CREATE UNIQUE INDEX licence_seats_one_each ON public.licence_seats USING btree (tenant_id, licence_id, user_id) WHERE revoked_at IS NULL;
alter table public.licence_seats enable row level security;
create policy many_tenants on public.licence_seats for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.licence_seats for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.licence_seats for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.licence_seats for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.licence_seats for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.licence_seats to tollgate_app, tollgate_job;
grant update (revoked_at) on public.licence_seats to tollgate_app, tollgate_job;

create table public.licence_subscription_ends (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  provider text not null,
  provider_subscription_id text not null,
  purchase_id uuid not null,
  steps integer not null default 0,
  next_step_at timestamp(3) with time zone,
  ended_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone not null,
  constraint licence_subscription_ends_pkey PRIMARY KEY (tenant_id, id),
  constraint licence_subscription_ends_tenant_id_provider_provider_subsc_key UNIQUE (tenant_id, provider, provider_subscription_id),
  constraint licence_subscription_ends_provider_check CHECK (provider = ANY (ARRAY['STRIPE'::text, 'PADDLE'::text, 'FAKE'::text])),
  constraint licence_subscription_ends_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint licence_subscription_ends_tenant_id_purchase_id_fkey FOREIGN KEY (tenant_id, purchase_id) REFERENCES public.licence_purchases(tenant_id, id)
);
CREATE INDEX licence_subscription_ends_by_subscription ON public.licence_subscription_ends USING btree (provider_subscription_id);
CREATE INDEX licence_subscription_ends_due ON public.licence_subscription_ends USING btree (next_step_at) WHERE ended_at IS NULL;
alter table public.licence_subscription_ends enable row level security;
create policy many_tenants on public.licence_subscription_ends for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.licence_subscription_ends for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.licence_subscription_ends for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.licence_subscription_ends for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.licence_subscription_ends for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.licence_subscription_ends to tollgate_app, tollgate_job;
grant update (ended_at) on public.licence_subscription_ends to tollgate_app, tollgate_job;

create table public.licences (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  licence_product_id uuid not null,
  trial boolean not null,
  starts_at timestamp(3) with time zone not null,
  years integer not null,
  expires_at timestamp(3) with time zone not null,
  seats bigint not null,
  assigned bigint not null default 0,
  replaced_at timestamp(3) with time zone,
  auto_renew boolean not null default false,
  provider_subscription_id text,
  provider_seats bigint,
  provider_changed_at timestamp(3) with time zone,
  steps integer not null default 0,
  next_step_at timestamp(3) with time zone,
  version integer not null default 1,
  created_at timestamp(3) with time zone not null,
  turns_at timestamp(3) with time zone,
  access_from timestamp(3) with time zone,
  constraint licences_pkey PRIMARY KEY (tenant_id, id),
  constraint licences_assigned_check CHECK (assigned >= 0),
  constraint licences_provider_seats_check CHECK (provider_seats >= 0),
  constraint licences_seats_check CHECK (seats >= 0),
  constraint licences_years_check CHECK (years >= 0),
  constraint licences_partner_id_licence_product_id_fkey FOREIGN KEY (partner_id, licence_product_id) REFERENCES public.licence_products(partner_id, id),
  constraint licences_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
CREATE INDEX licences_by_subscription ON public.licences USING btree (provider_subscription_id) WHERE provider_subscription_id IS NOT NULL;
CREATE UNIQUE INDEX licences_one_current ON public.licences USING btree (tenant_id, licence_product_id) WHERE replaced_at IS NULL;
CREATE UNIQUE INDEX licences_one_trial ON public.licences USING btree (tenant_id, licence_product_id) WHERE trial;
CREATE INDEX licences_out_of_step ON public.licences USING btree (next_step_at) WHERE auto_renew AND provider_seats <> seats AND replaced_at IS NULL;
CREATE INDEX licences_to_turn ON public.licences USING btree (turns_at) WHERE turns_at IS NOT NULL;
CREATE INDEX licences_with_subscription ON public.licences USING btree (id) WHERE provider_subscription_id IS NOT NULL;
alter table public.licences enable row level security;
create policy many_tenants on public.licences for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.licences for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.licences for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.licences for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.licences for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.licences to tollgate_app, tollgate_job;
grant update (years, expires_at, seats, assigned, replaced_at, auto_renew, provider_subscription_id, provider_seats, provider_changed_at, steps, next_step_at, version, turns_at, access_from) on public.licences to tollgate_app, tollgate_job;

create table public.metering_spans (
  tenant_id uuid not null,
  subscription_id uuid not null,
  starts_at timestamp(3) with time zone not null,
  partner_id uuid not null,
  ends_at timestamp(3) with time zone,
  anchor_date date not null,
  time_zone text not null,
  trial boolean not null,
  count_from timestamp(3) with time zone not null,
  carried jsonb not null default '{}'::jsonb,
  carried_after jsonb not null default '{}'::jsonb,
  constraint metering_spans_pkey PRIMARY KEY (tenant_id, subscription_id, starts_at),
  constraint metering_spans_carried_after_check CHECK (jsonb_typeof(carried_after) = 'object'::text),
  constraint metering_spans_carried_check CHECK (jsonb_typeof(carried) = 'object'::text),
  constraint metering_spans_check CHECK (ends_at >= starts_at),
  constraint metering_spans_check1 CHECK (count_from <= starts_at),
  constraint metering_spans_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint metering_spans_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id)
);
CREATE INDEX metering_spans_in_order ON public.metering_spans USING btree (tenant_id, starts_at DESC);
alter table public.metering_spans enable row level security;
create policy many_tenants on public.metering_spans for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.metering_spans for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.metering_spans for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.metering_spans for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.metering_spans for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.metering_spans to tollgate_app, tollgate_job;
grant update (ends_at, anchor_date, carried, carried_after) on public.metering_spans to tollgate_app, tollgate_job;

create table public.meters (
  partner_id uuid not null,
  id uuid not null,
  feature_id uuid not null,
  aggregation text not null,
  event_type text not null,
  value_property text,
  unique_property text,
  filters jsonb not null default '[]'::jsonb,
  thresholds integer[] not null default '{80,100}'::integer[],
  created_at timestamp(3) with time zone not null,
  constraint meters_pkey PRIMARY KEY (partner_id, id),
  constraint meters_partner_id_feature_id_key UNIQUE (partner_id, feature_id),
  constraint meters_aggregation_check CHECK (aggregation = ANY (ARRAY['SUM'::text, 'COUNT'::text, 'MAX'::text, 'UNIQUE_COUNT'::text, 'LATEST'::text])),
  constraint meters_check CHECK ((aggregation = 'UNIQUE_COUNT'::text) = (unique_property IS NOT NULL)),
  constraint meters_event_type_check CHECK (length(event_type) >= 1 AND length(event_type) <= 200),
  constraint meters_unique_property_check CHECK (length(unique_property) >= 1 AND length(unique_property) <= 100),
  constraint meters_value_property_check CHECK (length(value_property) >= 1 AND length(value_property) <= 100),
  constraint meters_partner_id_feature_id_fkey FOREIGN KEY (partner_id, feature_id) REFERENCES public.features(partner_id, id)
);
CREATE INDEX meters_by_feature ON public.meters USING btree (feature_id);
alter table public.meters enable row level security;
create policy partner_delete on public.meters for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.meters for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.meters for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.meters for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.meters to tollgate_app;
grant select on public.meters to tollgate_job;

create view public.money_back with (security_invoker=true) as
 SELECT tenant_id,
    currency,
    refund_id,
    dispute_id,
    - sum(amount) AS taken
   FROM ( SELECT c.tenant_id,
            c.currency,
            c.refund_id,
            c.dispute_id,
            c.amount +
                CASE
                    WHEN COALESCE(((l.tax -> 'rate'::text) ->> 'inclusive'::text)::boolean, false) THEN 0::bigint
                    ELSE c.tax
                END AS amount
           FROM public.item_charges c
             LEFT JOIN public.invoice_lines l ON l.tenant_id = c.tenant_id AND l.id = c.origin_line_id
          WHERE c.kind = 'REFUNDED'::text
        UNION ALL
         SELECT e.tenant_id,
            e.currency,
            e.refund_id,
            e.dispute_id,
            e.amount
           FROM public.credit_balance_entries e
          WHERE e.kind = 'REFUNDED'::text) m
  GROUP BY tenant_id, currency, refund_id, dispute_id;

create table public.outbox_events (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  type text not null,
  payload jsonb not null,
  occurred_at timestamp(3) with time zone not null,
  recorded_at timestamp(3) with time zone not null default now(),
  sandbox boolean not null default false,
  version integer not null default 1,
  constraint outbox_events_pkey PRIMARY KEY (tenant_id, id),
  constraint outbox_events_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
CREATE INDEX outbox_events_to_relay ON public.outbox_events USING btree (partner_id, id);
alter table public.outbox_events enable row level security;
create policy many_tenants on public.outbox_events for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy relay_read on public.outbox_events for select to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'relay'::text);
create policy relay_take on public.outbox_events for delete to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'relay'::text);
create policy tenant_delete on public.outbox_events for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.outbox_events for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.outbox_events for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.outbox_events for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.outbox_events to tollgate_app;
grant delete, insert, select on public.outbox_events to tollgate_job;

create table public.partner_addons (
  partner_id uuid not null,
  id uuid not null,
  code text not null,
  name text not null,
  description text not null default ''::text,
  minimum_plan_rank integer,
  status text not null default 'ACTIVE'::text,
  version integer not null default 1,
  created_at timestamp(3) with time zone not null,
  constraint partner_addons_pkey PRIMARY KEY (partner_id, id),
  constraint partner_addons_partner_id_code_key UNIQUE (partner_id, code),
  constraint partner_addons_code_check CHECK (code ~ '^[a-z][a-z0-9_-]{0,62}$'::text),
  constraint partner_addons_minimum_plan_rank_check CHECK (minimum_plan_rank >= 0 AND minimum_plan_rank <= 1000000),
  constraint partner_addons_name_check CHECK (length(name) >= 1 AND length(name) <= 200),
  constraint partner_addons_status_check CHECK (status = ANY (ARRAY['ACTIVE'::text, 'ARCHIVED'::text])),
  constraint partner_addons_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
CREATE INDEX partner_addons_by_id ON public.partner_addons USING btree (id);
alter table public.partner_addons enable row level security;
create policy partner_delete on public.partner_addons for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.partner_addons for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.partner_addons for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.partner_addons for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.partner_addons to tollgate_app;
grant select on public.partner_addons to tollgate_job;
grant update (name, description, minimum_plan_rank, status, version) on public.partner_addons to tollgate_app;

create table public.partner_billing_details (
  partner_id uuid not null,
  version integer not null,
  legal_name text not null,
  address text[] not null,
  country text not null,
  region text,
  tax_id text,
  email text,
  created_at timestamp(3) with time zone not null,
  constraint partner_billing_details_pkey PRIMARY KEY (partner_id, version),
  constraint partner_billing_details_address_check CHECK (cardinality(address) >= 1 AND cardinality(address) <= 6),
  constraint partner_billing_details_country_check CHECK (country ~ '^[A-Z]{2}$'::text),
  constraint partner_billing_details_email_check CHECK (length(email) >= 3 AND length(email) <= 320),
  constraint partner_billing_details_legal_name_check CHECK (length(legal_name) >= 1 AND length(legal_name) <= 200),
  constraint partner_billing_details_region_check CHECK (region ~ '^[A-Z0-9]{1,3}$'::text),
  constraint partner_billing_details_tax_id_check CHECK (length(tax_id) >= 1 AND length(tax_id) <= 40),
  constraint partner_billing_details_version_check CHECK (version >= 1),
  constraint partner_billing_details_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.partner_billing_details FOR EACH ROW EXECUTE FUNCTION app.forbid_change();
alter table public.partner_billing_details enable row level security;
create policy partner_delete on public.partner_billing_details for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.partner_billing_details for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.partner_billing_details for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.partner_billing_details for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.partner_billing_details to tollgate_app;
grant select on public.partner_billing_details to tollgate_job;

create table public.partner_coupons (
  partner_id uuid not null,
  id uuid not null,
  code text not null,
  name text not null,
  kind text not null,
  percent numeric(15,12),
  duration text not null,
  duration_periods integer,
  scaled boolean not null default false,
  valid_from timestamp(3) with time zone,
  valid_until timestamp(3) with time zone,
  max_redemptions integer,
  max_redemptions_per_tenant integer not null default 1,
  first_purchase_only boolean not null default false,
  plan_ids uuid[] not null default '{}'::uuid[],
  addon_ids uuid[] not null default '{}'::uuid[],
  intervals text[] not null default '{}'::text[],
  status text not null default 'ACTIVE'::text,
  reserved_count integer not null default 0,
  version integer not null default 1,
  created_at timestamp(3) with time zone not null,
  constraint partner_coupons_pkey PRIMARY KEY (partner_id, id),
  constraint partner_coupons_check CHECK (max_redemptions IS NULL OR reserved_count <= max_redemptions),
  constraint partner_coupons_check1 CHECK ((kind = 'PERCENT'::text) = (percent IS NOT NULL)),
  constraint partner_coupons_check2 CHECK ((duration = 'REPEATING'::text) = (duration_periods IS NOT NULL)),
  constraint partner_coupons_check3 CHECK (valid_until IS NULL OR valid_from IS NULL OR valid_until > valid_from),
  constraint partner_coupons_code_check CHECK (code ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$'::text),
  constraint partner_coupons_duration_check CHECK (duration = ANY (ARRAY['ONCE'::text, 'REPEATING'::text, 'FOREVER'::text])),
  constraint partner_coupons_duration_periods_check CHECK (duration_periods >= 1 AND duration_periods <= 1000),
  constraint partner_coupons_kind_check CHECK (kind = ANY (ARRAY['PERCENT'::text, 'FIXED'::text, 'FREE_PERIODS'::text])),
  constraint partner_coupons_max_redemptions_check CHECK (max_redemptions >= 1),
  constraint partner_coupons_max_redemptions_per_tenant_check CHECK (max_redemptions_per_tenant >= 1),
  constraint partner_coupons_name_check CHECK (length(name) >= 1 AND length(name) <= 200),
  constraint partner_coupons_percent_check CHECK (percent > 0::numeric AND percent <= 100::numeric AND percent <> 'NaN'::numeric),
  constraint partner_coupons_reserved_count_check CHECK (reserved_count >= 0),
  constraint partner_coupons_status_check CHECK (status = ANY (ARRAY['ACTIVE'::text, 'PAUSED'::text, 'ARCHIVED'::text])),
  constraint partner_coupons_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
CREATE INDEX partner_coupons_by_id ON public.partner_coupons USING btree (id);
CREATE UNIQUE INDEX partner_coupons_code ON public.partner_coupons USING btree (partner_id, lower(code));
alter table public.partner_coupons enable row level security;
create policy partner_delete on public.partner_coupons for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.partner_coupons for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.partner_coupons for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.partner_coupons for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.partner_coupons to tollgate_app;
grant select on public.partner_coupons to tollgate_job;
grant update (name, valid_from, valid_until, max_redemptions, max_redemptions_per_tenant, status, version) on public.partner_coupons to tollgate_app;

create table public.partner_credit_policies (
  partner_id uuid not null,
  version integer not null,
  credit_basis text not null,
  actor_id uuid,
  created_at timestamp(3) with time zone not null,
  constraint partner_credit_policies_pkey PRIMARY KEY (partner_id, version),
  constraint partner_credit_policies_credit_basis_check CHECK (credit_basis = ANY (ARRAY['USAGE'::text, 'TIME_FOR_PARTNER'::text, 'TIME'::text])),
  constraint partner_credit_policies_version_check CHECK (version >= 1),
  constraint partner_credit_policies_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.partner_credit_policies FOR EACH ROW EXECUTE FUNCTION app.forbid_change();
alter table public.partner_credit_policies enable row level security;
create policy partner_delete on public.partner_credit_policies for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.partner_credit_policies for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.partner_credit_policies for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.partner_credit_policies for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.partner_credit_policies to tollgate_app;
grant select on public.partner_credit_policies to tollgate_job;

create table public.partner_dunning_policies (
  partner_id uuid not null,
  retry_days integer[] not null,
  grace_days integer not null,
  final_action text not null,
  version integer not null default 1,
  updated_at timestamp(3) with time zone not null,
  without_method text not null default 'DUN'::text,
  charges_while_off boolean not null default false,
  constraint partner_dunning_policies_pkey PRIMARY KEY (partner_id),
  constraint partner_dunning_policies_final_action_check CHECK (final_action = ANY (ARRAY['UNPAID'::text, 'CANCEL'::text])),
  constraint partner_dunning_policies_grace_days_check CHECK (grace_days >= 0 AND grace_days <= 365),
  constraint partner_dunning_policies_retry_days_check CHECK (cardinality(retry_days) >= 0 AND cardinality(retry_days) <= 10),
  constraint partner_dunning_policies_without_method_check CHECK (without_method = ANY (ARRAY['DUN'::text, 'WAIT'::text])),
  constraint partner_dunning_policies_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
alter table public.partner_dunning_policies enable row level security;
create policy partner_delete on public.partner_dunning_policies for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.partner_dunning_policies for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.partner_dunning_policies for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.partner_dunning_policies for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.partner_dunning_policies to tollgate_app;
grant select on public.partner_dunning_policies to tollgate_job;
grant update (retry_days, grace_days, final_action, version, updated_at, without_method, charges_while_off) on public.partner_dunning_policies to tollgate_app;

create table public.partner_event_numbers (
  partner_id uuid not null,
  last_sequence bigint not null default 0,
  constraint partner_event_numbers_pkey PRIMARY KEY (partner_id),
  constraint partner_event_numbers_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
alter table public.partner_event_numbers enable row level security;
create policy partner_delete on public.partner_event_numbers for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.partner_event_numbers for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.partner_event_numbers for select to tollgate_app, tollgate_job
  using ((partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])));
create policy partner_update on public.partner_event_numbers for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy relay on public.partner_event_numbers for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'relay'::text)
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'relay'::text);
grant insert, select on public.partner_event_numbers to tollgate_job;
grant update (last_sequence) on public.partner_event_numbers to tollgate_job;

create table public.partner_events (
  partner_id uuid not null,
  sequence bigint not null,
  id uuid not null,
  tenant_id uuid,
  sandbox boolean not null,
  type text not null,
  version integer not null,
  data jsonb not null,
  occurred_at timestamp(3) with time zone not null,
  numbered_at timestamp(3) with time zone not null,
  constraint partner_events_pkey PRIMARY KEY (partner_id, sequence),
  constraint partner_events_partner_id_id_key UNIQUE (partner_id, id),
  constraint partner_events_sequence_check CHECK (sequence > 0),
  constraint partner_events_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
CREATE INDEX partner_events_of_type ON public.partner_events USING btree (partner_id, type, sequence);
alter table public.partner_events enable row level security;
create policy partner_delete on public.partner_events for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.partner_events for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.partner_events for select to tollgate_app, tollgate_job
  using ((partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])));
create policy partner_update on public.partner_events for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy relay on public.partner_events for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'relay'::text)
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'relay'::text);
grant select on public.partner_events to tollgate_app;
grant delete, insert, select on public.partner_events to tollgate_job;

create table public.partner_idempotency_keys (
  partner_id uuid not null,
  actor_id uuid not null,
  key text not null,
  mutation text not null,
  request_hash bytea not null,
  response jsonb not null,
  created_at timestamp(3) with time zone not null,
  constraint partner_idempotency_keys_pkey PRIMARY KEY (partner_id, actor_id, key),
  constraint partner_idempotency_keys_key_check CHECK (length(key) >= 1 AND length(key) <= 255)
);
alter table public.partner_idempotency_keys enable row level security;
create policy own_acts on public.partner_idempotency_keys for all to tollgate_app
  using (actor_id = (( SELECT NULLIF(current_setting('app.user_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = COALESCE(( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif"), '00000000-0000-0000-0000-000000000000'::uuid) AND ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = ANY (ARRAY['partner'::text, 'platform'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.partner_idempotency_keys to tollgate_app;
grant update (response) on public.partner_idempotency_keys to tollgate_app;

create table public.partner_outbox_events (
  partner_id uuid not null,
  id uuid not null,
  type text not null,
  payload jsonb not null,
  occurred_at timestamp(3) with time zone not null,
  recorded_at timestamp(3) with time zone not null default now(),
  version integer not null default 1,
  constraint partner_outbox_events_pkey PRIMARY KEY (partner_id, id),
  constraint partner_outbox_events_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
alter table public.partner_outbox_events enable row level security;
create policy partner_delete on public.partner_outbox_events for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.partner_outbox_events for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.partner_outbox_events for select to tollgate_app, tollgate_job
  using ((partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])));
create policy partner_update on public.partner_outbox_events for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy relay on public.partner_outbox_events for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'relay'::text)
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'relay'::text);
grant insert, select on public.partner_outbox_events to tollgate_app;
grant delete, insert, select on public.partner_outbox_events to tollgate_job;

create table public.partner_self_service_policies (
  partner_id uuid not null,
  version integer not null,
  allowed text[] not null,
  actor_id uuid,
  created_at timestamp(3) with time zone not null,
  constraint partner_self_service_policies_pkey PRIMARY KEY (partner_id, version),
  constraint partner_self_service_policies_allowed_check CHECK (array_position(allowed, NULL::text) IS NULL AND allowed <@ ARRAY['TRIAL_DAYS'::text, 'START_AT'::text, 'ANCHOR_DAY'::text, 'WAIVE'::text, 'KEEP_DISCOUNTS_ON_RESET'::text, 'KEEP_UNAVAILABLE_ADDONS'::text, 'REFUND'::text, 'CHARGE_ON_NEXT_INVOICE'::text, 'TEST_CLOCK'::text]),
  constraint partner_self_service_policies_version_check CHECK (version >= 1),
  constraint partner_self_service_policies_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.partner_self_service_policies FOR EACH ROW EXECUTE FUNCTION app.forbid_change();
alter table public.partner_self_service_policies enable row level security;
create policy partner_delete on public.partner_self_service_policies for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.partner_self_service_policies for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.partner_self_service_policies for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.partner_self_service_policies for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.partner_self_service_policies to tollgate_app;

create table public.partner_tenant_addon_subscriptions (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  addon_id uuid not null,
  addon_price_id uuid not null,
  "interval" text not null,
  currency text not null,
  unit_amount bigint not null,
  quantity bigint not null,
  started_at timestamp(3) with time zone not null,
  ends_at timestamp(3) with time zone,
  ended_at timestamp(3) with time zone,
  end_reason text,
  end_kind text,
  version integer not null default 1,
  created_at timestamp(3) with time zone not null,
  usage_prices jsonb not null default '[]'::jsonb,
  billed_by text not null default 'TOLLGATE'::text,
  provider_period_start timestamp(3) with time zone,
  provider_period_end timestamp(3) with time zone,
  origin_id uuid,
  access_until timestamp(3) with time zone,
  constraint partner_tenant_addon_subscriptions_pkey PRIMARY KEY (tenant_id, id),
  constraint addon_subscriptions_provider_period CHECK ((billed_by = 'STRIPE'::text) = (provider_period_start IS NOT NULL) AND provider_period_end > provider_period_start OR provider_period_start IS NULL AND provider_period_end IS NULL AND billed_by = 'TOLLGATE'::text),
  constraint partner_tenant_addon_subscriptions_billed_by_check CHECK (billed_by = ANY (ARRAY['TOLLGATE'::text, 'STRIPE'::text])),
  constraint partner_tenant_addon_subscriptions_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint partner_tenant_addon_subscriptions_end_kind_check CHECK (end_kind = ANY (ARRAY['CANCELLED'::text, 'INCLUDED_IN_PLAN'::text, 'NOT_AVAILABLE'::text, 'SUBSCRIPTION_ENDED'::text, 'PAYMENT_FAILED'::text, 'REQUIREMENT_MISSING'::text, 'QUANTITY_CHANGED'::text])),
  constraint partner_tenant_addon_subscriptions_interval_check CHECK ("interval" = ANY (ARRAY['DAY'::text, 'WEEK'::text, 'MONTH'::text, 'QUARTER'::text, 'YEAR'::text])),
  constraint partner_tenant_addon_subscriptions_quantity_check CHECK (quantity >= 1 AND quantity <= 2147483647),
  constraint partner_tenant_addon_subscriptions_unit_amount_check CHECK (unit_amount >= 0),
  constraint partner_tenant_addon_subscriptions_usage_prices_check CHECK (jsonb_typeof(usage_prices) = 'array'::text),
  constraint addon_subscriptions_origin FOREIGN KEY (tenant_id, origin_id) REFERENCES public.partner_tenant_addon_subscriptions(tenant_id, id),
  constraint partner_tenant_addon_subscriptio_partner_id_addon_price_id_fkey FOREIGN KEY (partner_id, addon_price_id) REFERENCES public.addon_prices(partner_id, id),
  constraint partner_tenant_addon_subscriptio_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id),
  constraint partner_tenant_addon_subscriptions_partner_id_addon_id_fkey FOREIGN KEY (partner_id, addon_id) REFERENCES public.partner_addons(partner_id, id)
);
CREATE INDEX addon_subscriptions_by_addon ON public.partner_tenant_addon_subscriptions USING btree (partner_id, addon_id) WHERE ended_at IS NULL;
CREATE INDEX addon_subscriptions_by_origin ON public.partner_tenant_addon_subscriptions USING btree (tenant_id, origin_id) WHERE origin_id IS NOT NULL;
CREATE INDEX addon_subscriptions_ends ON public.partner_tenant_addon_subscriptions USING btree (ends_at, tenant_id) WHERE ended_at IS NULL AND ends_at IS NOT NULL;
CREATE UNIQUE INDEX addon_subscriptions_one_live ON public.partner_tenant_addon_subscriptions USING btree (tenant_id, addon_id) WHERE ended_at IS NULL;
alter table public.partner_tenant_addon_subscriptions enable row level security;
create policy many_tenants on public.partner_tenant_addon_subscriptions for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.partner_tenant_addon_subscriptions for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.partner_tenant_addon_subscriptions for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.partner_tenant_addon_subscriptions for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.partner_tenant_addon_subscriptions for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.partner_tenant_addon_subscriptions to tollgate_app, tollgate_job;
grant update (addon_price_id, "interval", unit_amount, ends_at, ended_at, end_reason, end_kind, version, provider_period_start, provider_period_end, access_until) on public.partner_tenant_addon_subscriptions to tollgate_app, tollgate_job;

create table public.partner_users (
  partner_id uuid not null,
  user_id uuid not null,
  role text not null,
  email text not null,
  name text not null,
  created_at timestamp(3) with time zone not null,
  constraint partner_users_pkey PRIMARY KEY (partner_id, user_id),
  constraint partner_users_role_check CHECK (role = ANY (ARRAY['OWNER'::text, 'VIEWER'::text])),
  constraint partner_users_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id),
  constraint partner_users_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id)
);
CREATE INDEX partner_users_by_user ON public.partner_users USING btree (user_id);
alter table public.partner_users enable row level security;
create policy partner_delete on public.partner_users for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.partner_users for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.partner_users for select to tollgate_app, tollgate_job
  using ((partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])));
create policy partner_update on public.partner_users for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant delete, insert, select on public.partner_users to tollgate_app;
grant update (role, name) on public.partner_users to tollgate_app;

create table public.partners (
  id uuid not null,
  code text not null,
  name text not null,
  currency text not null,
  time_zone text not null,
  proration_basis text not null default 'DAY'::text,
  coupon_order text not null default 'TARGETED_FIRST'::text,
  version integer not null default 1,
  created_at timestamp(3) with time zone not null,
  payment_net_days integer,
  constraint partners_pkey PRIMARY KEY (id),
  constraint partners_code_key UNIQUE (code),
  constraint partners_code_check CHECK (code ~ '^[a-z][a-z0-9_-]{0,62}$'::text),
  constraint partners_coupon_order_check CHECK (coupon_order = ANY (ARRAY['TARGETED_FIRST'::text, 'PERCENT_FIRST'::text, 'FIXED_FIRST'::text])),
  constraint partners_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint partners_name_check CHECK (length(name) >= 1 AND length(name) <= 200),
  constraint partners_payment_net_days_check CHECK (payment_net_days >= 0 AND payment_net_days <= 365),
  constraint partners_proration_basis_check CHECK (proration_basis = ANY (ARRAY['DAY'::text, 'SECOND'::text, 'NONE'::text]))
);
alter table public.partners enable row level security;
create policy partner_insert on public.partners for insert to tollgate_app
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_read on public.partners for select to tollgate_app, tollgate_job
  using (id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.partners for update to tollgate_app
  using (id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.partners to tollgate_app;
grant select on public.partners to tollgate_job;
grant update (name, proration_basis, coupon_order, version, payment_net_days) on public.partners to tollgate_app;

create table public.payment_methods (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  provider text not null,
  customer_external_id text not null,
  external_id text not null,
  kind text not null,
  brand text,
  last4 text,
  expires_month integer,
  expires_year integer,
  is_default boolean not null,
  created_at timestamp(3) with time zone not null,
  removed_at timestamp(3) with time zone,
  renewed_at timestamp(3) with time zone,
  constraint payment_methods_pkey PRIMARY KEY (tenant_id, id),
  constraint payment_methods_tenant_id_provider_external_id_key UNIQUE (tenant_id, provider, external_id),
  constraint payment_methods_brand_check CHECK (length(brand) <= 50),
  constraint payment_methods_check CHECK (removed_at IS NULL OR NOT is_default),
  constraint payment_methods_expires_month_check CHECK (expires_month >= 1 AND expires_month <= 12),
  constraint payment_methods_expires_year_check CHECK (expires_year >= 2000 AND expires_year <= 2200),
  constraint payment_methods_external_id_check CHECK (length(external_id) >= 1 AND length(external_id) <= 255),
  constraint payment_methods_kind_check CHECK (kind = ANY (ARRAY['CARD'::text, 'BANK_DEBIT'::text, 'OTHER'::text])),
  constraint payment_methods_last4_check CHECK (last4 ~ '^[0-9A-Za-z]{1,4}$'::text),
  constraint payment_methods_provider_check CHECK (provider = ANY (ARRAY['STRIPE'::text, 'PADDLE'::text, 'FAKE'::text])),
  constraint payment_methods_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
CREATE UNIQUE INDEX payment_methods_one_default ON public.payment_methods USING btree (tenant_id) WHERE is_default;
alter table public.payment_methods enable row level security;
create policy many_tenants on public.payment_methods for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.payment_methods for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.payment_methods for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.payment_methods for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.payment_methods for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.payment_methods to tollgate_app, tollgate_job;
grant update (brand, last4, expires_month, expires_year, is_default, removed_at, renewed_at) on public.payment_methods to tollgate_app, tollgate_job;

create table public.payment_setups (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  provider text not null,
  status text not null,
  make_default boolean not null,
  external_id text,
  payment_method_id uuid,
  created_at timestamp(3) with time zone not null,
  settled_at timestamp(3) with time zone,
  constraint payment_setups_pkey PRIMARY KEY (tenant_id, id),
  constraint payment_setups_check CHECK ((status = 'PENDING'::text) = (settled_at IS NULL)),
  constraint payment_setups_provider_check CHECK (provider = ANY (ARRAY['STRIPE'::text, 'PADDLE'::text, 'FAKE'::text])),
  constraint payment_setups_status_check CHECK (status = ANY (ARRAY['PENDING'::text, 'SUCCEEDED'::text, 'DECLINED'::text])),
  constraint payment_setups_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint payment_setups_tenant_id_payment_method_id_fkey FOREIGN KEY (tenant_id, payment_method_id) REFERENCES public.payment_methods(tenant_id, id)
);
alter table public.payment_setups enable row level security;
create policy many_tenants on public.payment_setups for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.payment_setups for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.payment_setups for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.payment_setups for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.payment_setups for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.payment_setups to tollgate_app, tollgate_job;
grant update (status, external_id, payment_method_id, settled_at) on public.payment_setups to tollgate_app, tollgate_job;

create table public.payments (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  invoice_id uuid not null,
  payment_method_id uuid,
  provider text,
  amount bigint not null,
  currency text not null,
  status text not null,
  external_id text,
  decline_code text,
  action_url text,
  asked integer not null default 0,
  ask_at timestamp(3) with time zone,
  unknown_reason text,
  refunded bigint not null default 0,
  created_at timestamp(3) with time zone not null,
  first_asked_at timestamp(3) with time zone not null,
  settled_at timestamp(3) with time zone,
  disputed bigint not null default 0,
  reference text,
  sandbox boolean,
  carried_by uuid,
  constraint payments_pkey PRIMARY KEY (tenant_id, id),
  constraint payments_amount_check CHECK (amount > 0),
  constraint payments_asked_while_open CHECK ((status = ANY (ARRAY['PENDING'::text, 'REQUIRES_ACTION'::text])) OR ask_at IS NULL),
  constraint payments_carried_by_another CHECK (carried_by IS NULL OR carried_by <> id AND provider IS NOT NULL AND ask_at IS NULL),
  constraint payments_check CHECK (refunded <= amount),
  constraint payments_check1 CHECK (status = 'SUCCEEDED'::text OR refunded = 0),
  constraint payments_check2 CHECK ((status = ANY (ARRAY['PENDING'::text, 'REQUIRES_ACTION'::text])) = (settled_at IS NULL)),
  constraint payments_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint payments_disputed_check CHECK (disputed >= 0),
  constraint payments_external_id_check CHECK (length(external_id) >= 1 AND length(external_id) <= 255),
  constraint payments_of_provider_or_outside CHECK ((provider IS NULL) = (payment_method_id IS NULL) AND (provider IS NULL) = (reference IS NOT NULL) AND (reference IS NULL) = (sandbox IS NULL)),
  constraint payments_outside_came CHECK (provider IS NOT NULL OR status = 'SUCCEEDED'::text AND external_id IS NULL),
  constraint payments_provider_check CHECK (provider = ANY (ARRAY['STRIPE'::text, 'PADDLE'::text, 'FAKE'::text])),
  constraint payments_reference_check CHECK (length(reference) >= 1 AND length(reference) <= 200),
  constraint payments_refunded_check CHECK (refunded >= 0),
  constraint payments_status_check CHECK (status = ANY (ARRAY['PENDING'::text, 'REQUIRES_ACTION'::text, 'SUCCEEDED'::text, 'DECLINED'::text])),
  constraint payments_tenant_id_carried_by_fkey FOREIGN KEY (tenant_id, carried_by) REFERENCES public.payments(tenant_id, id),
  constraint payments_tenant_id_invoice_id_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES public.invoices(tenant_id, id),
  constraint payments_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint payments_tenant_id_payment_method_id_fkey FOREIGN KEY (tenant_id, payment_method_id) REFERENCES public.payment_methods(tenant_id, id)
);
CREATE INDEX payments_by_external ON public.payments USING btree (provider, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX payments_carried ON public.payments USING btree (tenant_id, carried_by) WHERE carried_by IS NOT NULL;
CREATE INDEX payments_of_invoice ON public.payments USING btree (tenant_id, invoice_id, id);
CREATE INDEX payments_of_provider ON public.payments USING btree (provider, id);
CREATE UNIQUE INDEX payments_one_open ON public.payments USING btree (tenant_id, invoice_id) WHERE status = ANY (ARRAY['PENDING'::text, 'REQUIRES_ACTION'::text]);
CREATE UNIQUE INDEX payments_one_per_reference ON public.payments USING btree (partner_id, sandbox, reference) WHERE reference IS NOT NULL AND refunded < amount;
CREATE INDEX payments_to_ask ON public.payments USING btree (ask_at) WHERE ask_at IS NOT NULL;
alter table public.payments enable row level security;
create policy many_tenants on public.payments for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.payments for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.payments for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.payments for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.payments for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.payments to tollgate_app, tollgate_job;
grant update (status, external_id, decline_code, action_url, asked, ask_at, unknown_reason, refunded, settled_at, disputed) on public.payments to tollgate_app, tollgate_job;

create table public.plan_addons (
  partner_id uuid not null,
  plan_version_id uuid not null,
  addon_id uuid not null,
  constraint plan_addons_pkey PRIMARY KEY (partner_id, plan_version_id, addon_id),
  constraint plan_addons_partner_id_addon_id_fkey FOREIGN KEY (partner_id, addon_id) REFERENCES public.partner_addons(partner_id, id),
  constraint plan_addons_partner_id_plan_version_id_fkey FOREIGN KEY (partner_id, plan_version_id) REFERENCES public.plan_versions(partner_id, id)
);
CREATE INDEX plan_addons_by_version ON public.plan_addons USING btree (plan_version_id);
alter table public.plan_addons enable row level security;
create policy partner_delete on public.plan_addons for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.plan_addons for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.plan_addons for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.plan_addons for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.plan_addons to tollgate_app;
grant select on public.plan_addons to tollgate_job;

create table public.plan_change_prorations (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  changed_at timestamp(3) with time zone not null,
  plan_id_before uuid not null,
  plan_id_after uuid not null,
  interval_before text not null,
  interval_after text not null,
  quantity_before bigint not null,
  quantity_after bigint not null,
  basis text not null,
  anchor_mode text not null,
  share_remaining bigint not null,
  share_total bigint not null,
  currency text not null,
  unused_credit bigint not null,
  new_charge bigint not null,
  coupon_discount bigint not null,
  net_amount bigint not null,
  waived boolean not null,
  settlement text not null,
  invoice_id uuid,
  credit_note_id uuid,
  coupon_id uuid,
  lines jsonb not null,
  actor_id uuid,
  created_at timestamp(3) with time zone not null,
  new_period_start timestamp(3) with time zone,
  new_period_end timestamp(3) with time zone,
  constraint plan_change_prorations_pkey PRIMARY KEY (tenant_id, id),
  constraint plan_change_prorations_anchor_mode_check CHECK (anchor_mode = ANY (ARRAY['KEEP'::text, 'RESET'::text])),
  constraint plan_change_prorations_basis_check CHECK (basis = ANY (ARRAY['DAY'::text, 'SECOND'::text, 'NONE'::text])),
  constraint plan_change_prorations_coupon_discount_check CHECK (coupon_discount >= 0),
  constraint plan_change_prorations_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint plan_change_prorations_new_charge_check CHECK (new_charge >= 0),
  constraint plan_change_prorations_new_period CHECK ((new_period_start IS NULL) = (new_period_end IS NULL) AND new_period_end > new_period_start AND (new_period_start IS NULL OR anchor_mode = 'RESET'::text)),
  constraint plan_change_prorations_settlement_check CHECK (settlement = ANY (ARRAY['INVOICE'::text, 'CREDIT_BALANCE'::text, 'REFUND'::text, 'NONE'::text, 'WAIVED'::text, 'OPEN_INVOICE'::text])),
  constraint plan_change_prorations_unused_credit_check CHECK (unused_credit >= 0),
  constraint plan_change_prorations_partner_id_coupon_id_fkey FOREIGN KEY (partner_id, coupon_id) REFERENCES public.partner_coupons(partner_id, id),
  constraint plan_change_prorations_partner_id_plan_id_after_fkey FOREIGN KEY (partner_id, plan_id_after) REFERENCES public.plans(partner_id, id),
  constraint plan_change_prorations_partner_id_plan_id_before_fkey FOREIGN KEY (partner_id, plan_id_before) REFERENCES public.plans(partner_id, id),
  constraint plan_change_prorations_tenant_id_credit_note_id_fkey FOREIGN KEY (tenant_id, credit_note_id) REFERENCES public.credit_notes(tenant_id, id),
  constraint plan_change_prorations_tenant_id_invoice_id_fkey FOREIGN KEY (tenant_id, invoice_id) REFERENCES public.invoices(tenant_id, id),
  constraint plan_change_prorations_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id)
);
CREATE INDEX plan_change_prorations_in_order ON public.plan_change_prorations USING btree (tenant_id, subscription_id, changed_at, id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.plan_change_prorations FOR EACH ROW EXECUTE FUNCTION app.forbid_change();
alter table public.plan_change_prorations enable row level security;
create policy many_tenants on public.plan_change_prorations for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.plan_change_prorations for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.plan_change_prorations for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.plan_change_prorations for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.plan_change_prorations for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.plan_change_prorations to tollgate_app, tollgate_job;

create table public.plan_features (
  partner_id uuid not null,
  plan_version_id uuid not null,
  feature_id uuid not null,
  unlimited boolean not null default false,
  limit_quantity numeric(32,12),
  reset_period text,
  config_value text,
  usage_prices jsonb not null default '[]'::jsonb,
  constraint plan_features_pkey PRIMARY KEY (partner_id, plan_version_id, feature_id),
  constraint plan_features_limit_quantity_check CHECK (limit_quantity >= 0::numeric AND limit_quantity <> 'NaN'::numeric),
  constraint plan_features_reset_period_check CHECK (reset_period = ANY (ARRAY['NEVER'::text, 'DAY'::text, 'WEEK'::text, 'MONTH'::text, 'QUARTER'::text, 'YEAR'::text])),
  constraint plan_features_usage_prices_check CHECK (jsonb_typeof(usage_prices) = 'array'::text),
  constraint plan_features_partner_id_feature_id_fkey FOREIGN KEY (partner_id, feature_id) REFERENCES public.features(partner_id, id),
  constraint plan_features_partner_id_plan_version_id_fkey FOREIGN KEY (partner_id, plan_version_id) REFERENCES public.plan_versions(partner_id, id)
);
CREATE INDEX plan_features_by_version ON public.plan_features USING btree (plan_version_id);
alter table public.plan_features enable row level security;
create policy partner_delete on public.plan_features for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.plan_features for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.plan_features for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.plan_features for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.plan_features to tollgate_app;
grant select on public.plan_features to tollgate_job;

create table public.plan_prices (
  partner_id uuid not null,
  id uuid not null,
  plan_version_id uuid not null,
  currency text not null,
  "interval" text not null,
  amount bigint not null,
  constraint plan_prices_pkey PRIMARY KEY (partner_id, id),
  constraint plan_prices_partner_id_plan_version_id_currency_interval_key UNIQUE (partner_id, plan_version_id, currency, "interval"),
  constraint plan_prices_amount_check CHECK (amount >= 0),
  constraint plan_prices_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint plan_prices_interval_check CHECK ("interval" = ANY (ARRAY['DAY'::text, 'WEEK'::text, 'MONTH'::text, 'QUARTER'::text, 'YEAR'::text])),
  constraint plan_prices_partner_id_plan_version_id_fkey FOREIGN KEY (partner_id, plan_version_id) REFERENCES public.plan_versions(partner_id, id)
);
CREATE INDEX plan_prices_by_version ON public.plan_prices USING btree (plan_version_id);
alter table public.plan_prices enable row level security;
create policy partner_delete on public.plan_prices for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.plan_prices for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.plan_prices for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.plan_prices for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.plan_prices to tollgate_app;
grant select on public.plan_prices to tollgate_job;

create table public.plan_versions (
  partner_id uuid not null,
  id uuid not null,
  plan_id uuid not null,
  number integer not null,
  includes_all_addons boolean not null default false,
  created_at timestamp(3) with time zone not null,
  trial_days integer,
  constraint plan_versions_pkey PRIMARY KEY (partner_id, id),
  constraint plan_versions_partner_id_plan_id_number_key UNIQUE (partner_id, plan_id, number),
  constraint plan_versions_number_check CHECK (number >= 1),
  constraint plan_versions_trial_days_check CHECK (trial_days >= 1 AND trial_days <= 730),
  constraint plan_versions_partner_id_plan_id_fkey FOREIGN KEY (partner_id, plan_id) REFERENCES public.plans(partner_id, id)
);
CREATE INDEX plan_versions_by_id ON public.plan_versions USING btree (id);
CREATE INDEX plan_versions_by_plan ON public.plan_versions USING btree (plan_id, number);
alter table public.plan_versions enable row level security;
create policy partner_delete on public.plan_versions for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.plan_versions for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.plan_versions for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.plan_versions for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.plan_versions to tollgate_app;
grant select on public.plan_versions to tollgate_job;

create table public.plans (
  partner_id uuid not null,
  id uuid not null,
  code text not null,
  name text not null,
  description text not null default ''::text,
  rank integer not null,
  status text not null default 'ACTIVE'::text,
  proration_basis text,
  version integer not null default 1,
  created_at timestamp(3) with time zone not null,
  constraint plans_pkey PRIMARY KEY (partner_id, id),
  constraint plans_partner_id_code_key UNIQUE (partner_id, code),
  constraint plans_code_check CHECK (code ~ '^[a-z][a-z0-9_-]{0,62}$'::text),
  constraint plans_name_check CHECK (length(name) >= 1 AND length(name) <= 200),
  constraint plans_proration_basis_check CHECK (proration_basis = ANY (ARRAY['DAY'::text, 'SECOND'::text, 'NONE'::text])),
  constraint plans_rank_check CHECK (rank >= 0 AND rank <= 1000000),
  constraint plans_status_check CHECK (status = ANY (ARRAY['ACTIVE'::text, 'ARCHIVED'::text])),
  constraint plans_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
CREATE INDEX plans_by_id ON public.plans USING btree (id);
alter table public.plans enable row level security;
create policy partner_delete on public.plans for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.plans for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.plans for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.plans for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.plans to tollgate_app;
grant select on public.plans to tollgate_job;
grant update (name, description, rank, status, proration_basis, version) on public.plans to tollgate_app;

create table public.profiles (
  tenant_id uuid not null,
  user_id uuid not null,
  partner_id uuid not null,
  role text not null,
  email text not null,
  name text not null,
  created_at timestamp(3) with time zone not null,
  constraint profiles_pkey PRIMARY KEY (tenant_id, user_id),
  constraint profiles_role_check CHECK (role = ANY (ARRAY['ADMIN'::text, 'MEMBER'::text])),
  constraint profiles_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint profiles_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id)
);
CREATE INDEX profiles_by_user ON public.profiles USING btree (user_id);
alter table public.profiles enable row level security;
create policy many_tenants on public.profiles for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.profiles for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.profiles for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.profiles for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.profiles for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant delete, insert, select on public.profiles to tollgate_app;
grant select on public.profiles to tollgate_job;
grant update (role, name) on public.profiles to tollgate_app;

create table public.provider_customers (
  tenant_id uuid not null,
  provider text not null,
  partner_id uuid not null,
  external_id text not null,
  created_at timestamp(3) with time zone not null,
  constraint provider_customers_pkey PRIMARY KEY (tenant_id, provider),
  constraint provider_customers_external_id_check CHECK (length(external_id) >= 1 AND length(external_id) <= 255),
  constraint provider_customers_provider_check CHECK (provider = ANY (ARRAY['STRIPE'::text, 'PADDLE'::text, 'FAKE'::text])),
  constraint provider_customers_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
CREATE INDEX provider_customers_by_external ON public.provider_customers USING btree (provider, external_id);
alter table public.provider_customers enable row level security;
create policy many_tenants on public.provider_customers for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.provider_customers for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.provider_customers for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.provider_customers for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.provider_customers for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.provider_customers to tollgate_app;
grant delete, insert, select on public.provider_customers to tollgate_job;

create table public.refunds (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  payment_id uuid not null,
  credit_note_id uuid,
  reason text not null,
  memo text,
  amount bigint not null,
  currency text not null,
  status text not null,
  external_id text,
  failure_code text,
  asked integer not null default 0,
  ask_at timestamp(3) with time zone,
  unknown_reason text,
  created_at timestamp(3) with time zone not null,
  first_asked_at timestamp(3) with time zone,
  settled_at timestamp(3) with time zone,
  constraint refunds_pkey PRIMARY KEY (tenant_id, id),
  constraint refunds_amount_check CHECK (amount > 0),
  constraint refunds_check CHECK ((status = 'PENDING'::text) = (settled_at IS NULL)),
  constraint refunds_check1 CHECK (status = 'PENDING'::text OR ask_at IS NULL),
  constraint refunds_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint refunds_external_id_check CHECK (length(external_id) >= 1 AND length(external_id) <= 255),
  constraint refunds_memo_check CHECK (length(memo) >= 1 AND length(memo) <= 500),
  constraint refunds_reason_check CHECK (reason = ANY (ARRAY['REQUESTED'::text, 'CREDIT_NOTE'::text, 'PAID_TWICE'::text, 'OVERPAID'::text, 'AT_PROVIDER'::text, 'OUTSIDE'::text])),
  constraint refunds_status_check CHECK (status = ANY (ARRAY['PENDING'::text, 'SUCCEEDED'::text, 'FAILED'::text])),
  constraint refunds_tenant_id_credit_note_id_fkey FOREIGN KEY (tenant_id, credit_note_id) REFERENCES public.credit_notes(tenant_id, id),
  constraint refunds_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint refunds_tenant_id_payment_id_fkey FOREIGN KEY (tenant_id, payment_id) REFERENCES public.payments(tenant_id, id)
);
CREATE INDEX refunds_of_payment ON public.refunds USING btree (tenant_id, payment_id, id);
CREATE INDEX refunds_to_ask ON public.refunds USING btree (ask_at) WHERE status = 'PENDING'::text;
alter table public.refunds enable row level security;
create policy many_tenants on public.refunds for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.refunds for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.refunds for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.refunds for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.refunds for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.refunds to tollgate_app, tollgate_job;
grant update (status, external_id, failure_code, asked, ask_at, unknown_reason, first_asked_at, settled_at) on public.refunds to tollgate_app, tollgate_job;

create unlogged table public.request_budgets (
  name text not null,
  points double precision not null,
  changed_at timestamp(3) with time zone not null,
  constraint request_budgets_pkey PRIMARY KEY (name)
);
alter table public.request_budgets enable row level security;

create table public.scheduled_plan_changes (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  effective_at timestamp(3) with time zone not null,
  plan_id uuid not null,
  plan_version_id uuid not null,
  plan_price_id uuid not null,
  quantity bigint not null,
  options jsonb not null,
  status text not null,
  created_at timestamp(3) with time zone not null,
  constraint scheduled_plan_changes_pkey PRIMARY KEY (tenant_id, id),
  constraint scheduled_plan_changes_quantity_check CHECK (quantity >= 1 AND quantity <= 2147483647),
  constraint scheduled_plan_changes_status_check CHECK (status = ANY (ARRAY['PENDING'::text, 'APPLIED'::text, 'CANCELLED'::text])),
  constraint scheduled_plan_changes_partner_id_plan_id_fkey FOREIGN KEY (partner_id, plan_id) REFERENCES public.plans(partner_id, id),
  constraint scheduled_plan_changes_partner_id_plan_price_id_fkey FOREIGN KEY (partner_id, plan_price_id) REFERENCES public.plan_prices(partner_id, id),
  constraint scheduled_plan_changes_partner_id_plan_version_id_fkey FOREIGN KEY (partner_id, plan_version_id) REFERENCES public.plan_versions(partner_id, id),
  constraint scheduled_plan_changes_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id)
);
CREATE INDEX scheduled_plan_changes_due ON public.scheduled_plan_changes USING btree (effective_at, tenant_id) WHERE status = 'PENDING'::text;
CREATE UNIQUE INDEX scheduled_plan_changes_one ON public.scheduled_plan_changes USING btree (tenant_id, subscription_id) WHERE status = 'PENDING'::text;
alter table public.scheduled_plan_changes enable row level security;
create policy many_tenants on public.scheduled_plan_changes for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.scheduled_plan_changes for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.scheduled_plan_changes for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.scheduled_plan_changes for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.scheduled_plan_changes for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.scheduled_plan_changes to tollgate_app, tollgate_job;
grant update (status) on public.scheduled_plan_changes to tollgate_app, tollgate_job;

create sequence public.schema_migrations_id_seq;

create table public.stripe_checkouts (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  kind text not null,
  status text not null,
  live boolean not null,
  addon_id uuid,
  addon_price_id uuid,
  plan_id uuid,
  plan_version_id uuid,
  plan_price_id uuid,
  trial_days integer,
  "interval" text not null,
  currency text not null,
  unit_amount bigint not null,
  quantity bigint not null,
  description text not null,
  price_external_id text,
  success_url text not null,
  cancel_url text not null,
  session_external_id text,
  url text,
  subscription_external_id text,
  addon_subscription_id uuid,
  subscription_id uuid,
  provider_status text,
  provider_cancels boolean not null default false,
  seen_at timestamp(3) with time zone,
  parked_reason text,
  parked_at timestamp(3) with time zone,
  sync_at timestamp(3) with time zone,
  attempts integer not null default 0,
  expires_at timestamp(3) with time zone not null,
  created_at timestamp(3) with time zone not null,
  completed_at timestamp(3) with time zone,
  plan_trial boolean not null default false,
  provider_ends_at timestamp(3) with time zone,
  seen_quantity bigint,
  seen_unit_amount bigint,
  seen_paid bigint,
  accepted_quantity bigint,
  accepted_unit_amount bigint,
  accepted_paid bigint,
  accepted_at timestamp(3) with time zone,
  withdrawn_at timestamp(3) with time zone,
  withdrawn_refunds boolean,
  withdrawn_reason text,
  constraint stripe_checkouts_pkey PRIMARY KEY (tenant_id, id),
  constraint stripe_checkouts_accepted CHECK ((accepted_at IS NULL) = (accepted_quantity IS NULL) AND (accepted_at IS NULL) = (accepted_unit_amount IS NULL)),
  constraint stripe_checkouts_accepted_paid_check CHECK (accepted_paid >= 0),
  constraint stripe_checkouts_accepted_quantity_check CHECK (accepted_quantity >= 1 AND accepted_quantity <= 2147483647),
  constraint stripe_checkouts_accepted_unit_amount_check CHECK (accepted_unit_amount >= 0),
  constraint stripe_checkouts_cancel_url_check CHECK (length(cancel_url) >= 1 AND length(cancel_url) <= 2000),
  constraint stripe_checkouts_check CHECK ((kind = 'ADDON'::text) = (addon_id IS NOT NULL AND addon_price_id IS NOT NULL)),
  constraint stripe_checkouts_check1 CHECK ((kind = 'PLAN'::text) = (plan_id IS NOT NULL AND plan_version_id IS NOT NULL AND plan_price_id IS NOT NULL)),
  constraint stripe_checkouts_check3 CHECK ((parked_reason IS NULL) = (parked_at IS NULL)),
  constraint stripe_checkouts_completed CHECK (status = 'WITHDRAWN'::text OR (status = 'COMPLETED'::text) = (completed_at IS NOT NULL)),
  constraint stripe_checkouts_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint stripe_checkouts_description_check CHECK (length(description) >= 1 AND length(description) <= 500),
  constraint stripe_checkouts_interval_check CHECK ("interval" = ANY (ARRAY['DAY'::text, 'WEEK'::text, 'MONTH'::text, 'QUARTER'::text, 'YEAR'::text])),
  constraint stripe_checkouts_kind_check CHECK (kind = ANY (ARRAY['ADDON'::text, 'PLAN'::text])),
  constraint stripe_checkouts_parked_reason_check CHECK (length(parked_reason) >= 1 AND length(parked_reason) <= 500),
  constraint stripe_checkouts_price_external_id_check CHECK (length(price_external_id) >= 1 AND length(price_external_id) <= 255),
  constraint stripe_checkouts_provider_status_check CHECK (length(provider_status) >= 1 AND length(provider_status) <= 50),
  constraint stripe_checkouts_quantity_check CHECK (quantity >= 1 AND quantity <= 2147483647),
  constraint stripe_checkouts_seen_paid_check CHECK (seen_paid >= 0),
  constraint stripe_checkouts_seen_quantity_check CHECK (seen_quantity >= 1 AND seen_quantity <= 2147483647),
  constraint stripe_checkouts_seen_unit_amount_check CHECK (seen_unit_amount >= 0),
  constraint stripe_checkouts_session_external_id_check CHECK (length(session_external_id) >= 1 AND length(session_external_id) <= 255),
  constraint stripe_checkouts_status_check CHECK (status = ANY (ARRAY['PENDING'::text, 'OPEN'::text, 'COMPLETED'::text, 'EXPIRED'::text, 'REFUSED'::text, 'WITHDRAWN'::text])),
  constraint stripe_checkouts_subscription_external_id_check CHECK (length(subscription_external_id) >= 1 AND length(subscription_external_id) <= 255),
  constraint stripe_checkouts_success_url_check CHECK (length(success_url) >= 1 AND length(success_url) <= 2000),
  constraint stripe_checkouts_trial_days_check CHECK (trial_days >= 1 AND trial_days <= 730),
  constraint stripe_checkouts_unit_amount_check CHECK (unit_amount >= 0),
  constraint stripe_checkouts_withdrawn CHECK ((withdrawn_at IS NULL) = (withdrawn_refunds IS NULL) AND (withdrawn_at IS NULL) = (withdrawn_reason IS NULL) AND (withdrawn_at IS NULL) = (status <> 'WITHDRAWN'::text)),
  constraint stripe_checkouts_withdrawn_reason_check CHECK (length(withdrawn_reason) >= 1 AND length(withdrawn_reason) <= 500),
  constraint stripe_checkouts_partner_id_addon_id_fkey FOREIGN KEY (partner_id, addon_id) REFERENCES public.partner_addons(partner_id, id),
  constraint stripe_checkouts_partner_id_addon_price_id_fkey FOREIGN KEY (partner_id, addon_price_id) REFERENCES public.addon_prices(partner_id, id),
  constraint stripe_checkouts_partner_id_plan_id_fkey FOREIGN KEY (partner_id, plan_id) REFERENCES public.plans(partner_id, id),
  constraint stripe_checkouts_partner_id_plan_price_id_fkey FOREIGN KEY (partner_id, plan_price_id) REFERENCES public.plan_prices(partner_id, id),
  constraint stripe_checkouts_partner_id_plan_version_id_fkey FOREIGN KEY (partner_id, plan_version_id) REFERENCES public.plan_versions(partner_id, id),
  constraint stripe_checkouts_tenant_id_addon_subscription_id_fkey FOREIGN KEY (tenant_id, addon_subscription_id) REFERENCES public.partner_tenant_addon_subscriptions(tenant_id, id),
  constraint stripe_checkouts_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint stripe_checkouts_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id)
);
CREATE UNIQUE INDEX stripe_checkouts_by_session ON public.stripe_checkouts USING btree (tenant_id, session_external_id);
CREATE UNIQUE INDEX stripe_checkouts_by_subscription ON public.stripe_checkouts USING btree (tenant_id, subscription_external_id);
CREATE INDEX stripe_checkouts_of_attachment ON public.stripe_checkouts USING btree (tenant_id, addon_subscription_id) WHERE addon_subscription_id IS NOT NULL;
CREATE UNIQUE INDEX stripe_checkouts_one_open_addon ON public.stripe_checkouts USING btree (tenant_id, addon_id) WHERE kind = 'ADDON'::text AND (status = ANY (ARRAY['PENDING'::text, 'OPEN'::text]));
CREATE UNIQUE INDEX stripe_checkouts_one_open_plan ON public.stripe_checkouts USING btree (tenant_id) WHERE kind = 'PLAN'::text AND (status = ANY (ARRAY['PENDING'::text, 'OPEN'::text]));
CREATE INDEX stripe_checkouts_to_sync ON public.stripe_checkouts USING btree (sync_at) WHERE sync_at IS NOT NULL;
CREATE INDEX stripe_checkouts_unattached ON public.stripe_checkouts USING btree (tenant_id) WHERE kind = 'ADDON'::text AND addon_subscription_id IS NULL AND subscription_external_id IS NOT NULL;
CREATE INDEX stripe_checkouts_with_subscription ON public.stripe_checkouts USING btree (live, id) WHERE subscription_external_id IS NOT NULL;
alter table public.stripe_checkouts enable row level security;
create policy many_tenants on public.stripe_checkouts for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.stripe_checkouts for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.stripe_checkouts for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.stripe_checkouts for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.stripe_checkouts for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.stripe_checkouts to tollgate_app, tollgate_job;
grant update (status, session_external_id, url, subscription_external_id, addon_subscription_id, subscription_id, provider_status, provider_cancels, seen_at, parked_reason, parked_at, sync_at, attempts, expires_at, completed_at, provider_ends_at, seen_quantity, seen_unit_amount, seen_paid, accepted_quantity, accepted_unit_amount, accepted_paid, accepted_at, withdrawn_at, withdrawn_refunds, withdrawn_reason) on public.stripe_checkouts to tollgate_app, tollgate_job;

create table public.stripe_invoice_refunds (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  invoice_external_id text not null,
  currency text not null,
  amount bigint not null,
  created_at timestamp(3) with time zone not null,
  constraint stripe_invoice_refunds_pkey PRIMARY KEY (tenant_id, id),
  constraint stripe_invoice_refunds_amount_check CHECK (amount <> 0),
  constraint stripe_invoice_refunds_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint stripe_invoice_refunds_tenant_id_invoice_external_id_fkey FOREIGN KEY (tenant_id, invoice_external_id) REFERENCES public.stripe_invoices(tenant_id, external_id),
  constraint stripe_invoice_refunds_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
CREATE INDEX stripe_invoice_refunds_of_invoice ON public.stripe_invoice_refunds USING btree (tenant_id, invoice_external_id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.stripe_invoice_refunds FOR EACH ROW EXECUTE FUNCTION app.forbid_change();
alter table public.stripe_invoice_refunds enable row level security;
create policy many_tenants on public.stripe_invoice_refunds for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.stripe_invoice_refunds for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.stripe_invoice_refunds for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.stripe_invoice_refunds for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.stripe_invoice_refunds for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.stripe_invoice_refunds to tollgate_app, tollgate_job;

create table public.stripe_invoices (
  tenant_id uuid not null,
  external_id text not null,
  partner_id uuid not null,
  checkout_id uuid not null,
  currency text not null,
  amount bigint not null,
  period_start timestamp(3) with time zone not null,
  period_end timestamp(3) with time zone not null,
  paid_at timestamp(3) with time zone not null,
  payment_external_id text,
  constraint stripe_invoices_pkey PRIMARY KEY (tenant_id, external_id),
  constraint stripe_invoices_amount_check CHECK (amount >= 0),
  constraint stripe_invoices_check CHECK (period_end > period_start),
  constraint stripe_invoices_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint stripe_invoices_external_id_check CHECK (length(external_id) >= 1 AND length(external_id) <= 255),
  constraint stripe_invoices_payment_external_id_check CHECK (length(payment_external_id) >= 1 AND length(payment_external_id) <= 255),
  constraint stripe_invoices_tenant_id_checkout_id_fkey FOREIGN KEY (tenant_id, checkout_id) REFERENCES public.stripe_checkouts(tenant_id, id),
  constraint stripe_invoices_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
CREATE INDEX stripe_invoices_by_payment ON public.stripe_invoices USING btree (payment_external_id) WHERE payment_external_id IS NOT NULL;
CREATE INDEX stripe_invoices_of_checkout ON public.stripe_invoices USING btree (tenant_id, checkout_id, paid_at);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.stripe_invoices FOR EACH ROW EXECUTE FUNCTION app.forbid_change();
alter table public.stripe_invoices enable row level security;
create policy many_tenants on public.stripe_invoices for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.stripe_invoices for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.stripe_invoices for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.stripe_invoices for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.stripe_invoices for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.stripe_invoices to tollgate_app, tollgate_job;

create table public.stripe_prices (
  partner_id uuid not null,
  live boolean not null,
  price_id uuid not null,
  product_external_id text not null,
  external_id text not null,
  currency text not null,
  amount bigint not null,
  created_at timestamp(3) with time zone not null,
  constraint stripe_prices_pkey PRIMARY KEY (partner_id, live, price_id),
  constraint stripe_prices_amount_check CHECK (amount >= 0),
  constraint stripe_prices_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint stripe_prices_external_id_check CHECK (length(external_id) >= 1 AND length(external_id) <= 255),
  constraint stripe_prices_product_external_id_check CHECK (length(product_external_id) >= 1 AND length(product_external_id) <= 255),
  constraint stripe_prices_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
alter table public.stripe_prices enable row level security;
create policy partner_delete on public.stripe_prices for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.stripe_prices for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.stripe_prices for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.stripe_prices for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant select on public.stripe_prices to tollgate_app, tollgate_job;

create table public.subscription_changes (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  kind text not null,
  happened_at timestamp(3) with time zone not null,
  actor_id uuid,
  facts jsonb not null,
  constraint subscription_changes_pkey PRIMARY KEY (tenant_id, id),
  constraint subscription_changes_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX subscription_changes_in_order ON public.subscription_changes USING btree (tenant_id, subscription_id, happened_at, id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.subscription_changes FOR EACH ROW EXECUTE FUNCTION app.forbid_change();
alter table public.subscription_changes enable row level security;
create policy many_tenants on public.subscription_changes for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.subscription_changes for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.subscription_changes for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.subscription_changes for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.subscription_changes for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.subscription_changes to tollgate_app, tollgate_job;

create table public.subscription_items (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  plan_id uuid not null,
  plan_version_id uuid not null,
  plan_price_id uuid not null,
  "interval" text not null,
  currency text not null,
  unit_amount bigint not null,
  quantity bigint not null,
  started_at timestamp(3) with time zone not null,
  ended_at timestamp(3) with time zone,
  constraint subscription_items_pkey PRIMARY KEY (tenant_id, id),
  constraint subscription_items_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint subscription_items_interval_check CHECK ("interval" = ANY (ARRAY['DAY'::text, 'WEEK'::text, 'MONTH'::text, 'QUARTER'::text, 'YEAR'::text])),
  constraint subscription_items_quantity_check CHECK (quantity >= 1 AND quantity <= 2147483647),
  constraint subscription_items_unit_amount_check CHECK (unit_amount >= 0),
  constraint subscription_items_partner_id_plan_id_fkey FOREIGN KEY (partner_id, plan_id) REFERENCES public.plans(partner_id, id),
  constraint subscription_items_partner_id_plan_price_id_fkey FOREIGN KEY (partner_id, plan_price_id) REFERENCES public.plan_prices(partner_id, id),
  constraint subscription_items_partner_id_plan_version_id_fkey FOREIGN KEY (partner_id, plan_version_id) REFERENCES public.plan_versions(partner_id, id),
  constraint subscription_items_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id) DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX subscription_items_one_live ON public.subscription_items USING btree (tenant_id, subscription_id) WHERE ended_at IS NULL;
alter table public.subscription_items enable row level security;
create policy many_tenants on public.subscription_items for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.subscription_items for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.subscription_items for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.subscription_items for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.subscription_items for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.subscription_items to tollgate_app, tollgate_job;
grant update (ended_at) on public.subscription_items to tollgate_app, tollgate_job;

create table public.subscriptions (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  status text not null,
  plan_id uuid not null,
  plan_version_id uuid not null,
  plan_item_id uuid not null,
  currency text not null,
  "interval" text not null,
  anchor_date date not null,
  time_zone text not null,
  proration_basis text not null,
  started_at timestamp(3) with time zone not null,
  period_index integer not null,
  period_start timestamp(3) with time zone not null,
  period_end timestamp(3) with time zone not null,
  trial_end timestamp(3) with time zone,
  cancel_at timestamp(3) with time zone,
  cancelled_at timestamp(3) with time zone,
  cancel_reason text,
  version integer not null default 1,
  created_at timestamp(3) with time zone not null,
  access_until timestamp(3) with time zone,
  plan_trial boolean not null default false,
  constraint subscriptions_pkey PRIMARY KEY (tenant_id, id),
  constraint subscriptions_check CHECK (period_end > period_start),
  constraint subscriptions_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint subscriptions_interval_check CHECK ("interval" = ANY (ARRAY['DAY'::text, 'WEEK'::text, 'MONTH'::text, 'QUARTER'::text, 'YEAR'::text])),
  constraint subscriptions_proration_basis_check CHECK (proration_basis = ANY (ARRAY['DAY'::text, 'SECOND'::text, 'NONE'::text])),
  constraint subscriptions_status_check CHECK (status = ANY (ARRAY['TRIALING'::text, 'ACTIVE'::text, 'PAST_DUE'::text, 'UNPAID'::text, 'CANCELLED'::text])),
  constraint subscriptions_partner_id_plan_id_fkey FOREIGN KEY (partner_id, plan_id) REFERENCES public.plans(partner_id, id),
  constraint subscriptions_partner_id_plan_version_id_fkey FOREIGN KEY (partner_id, plan_version_id) REFERENCES public.plan_versions(partner_id, id),
  constraint subscriptions_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
CREATE INDEX subscriptions_cancellations ON public.subscriptions USING btree (cancel_at, tenant_id) WHERE status <> 'CANCELLED'::text AND cancel_at IS NOT NULL;
CREATE INDEX subscriptions_due ON public.subscriptions USING btree (partner_id, period_end) WHERE status <> 'CANCELLED'::text;
CREATE UNIQUE INDEX subscriptions_one_live ON public.subscriptions USING btree (tenant_id) WHERE status <> 'CANCELLED'::text;
CREATE UNIQUE INDEX subscriptions_one_plan_trial ON public.subscriptions USING btree (tenant_id) WHERE plan_trial;
CREATE INDEX subscriptions_period_ends ON public.subscriptions USING btree (period_end, tenant_id) WHERE status <> 'CANCELLED'::text;
CREATE TRIGGER begin_metering AFTER INSERT ON public.subscriptions FOR EACH ROW EXECUTE FUNCTION app.begin_metering();
CREATE TRIGGER end_metering AFTER UPDATE OF status ON public.subscriptions FOR EACH ROW WHEN (new.status = 'CANCELLED'::text AND old.status <> 'CANCELLED'::text) EXECUTE FUNCTION app.end_metering();
alter table public.subscriptions enable row level security;
create policy many_tenants on public.subscriptions for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.subscriptions for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.subscriptions for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.subscriptions for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.subscriptions for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.subscriptions to tollgate_app, tollgate_job;
grant update (status, plan_id, plan_version_id, plan_item_id, "interval", anchor_date, proration_basis, period_index, period_start, period_end, trial_end, cancel_at, cancelled_at, cancel_reason, version, access_until) on public.subscriptions to tollgate_app, tollgate_job;

create table public.tax_categories (
  partner_id uuid not null,
  id uuid not null,
  plan_id uuid,
  addon_id uuid,
  category text not null,
  constraint tax_categories_pkey PRIMARY KEY (partner_id, id),
  constraint tax_categories_partner_id_addon_id_key UNIQUE (partner_id, addon_id),
  constraint tax_categories_partner_id_plan_id_key UNIQUE (partner_id, plan_id),
  constraint tax_categories_category_check CHECK (category ~ '^[a-z][a-z0-9_-]{0,62}$'::text),
  constraint tax_categories_check CHECK ((plan_id IS NULL) <> (addon_id IS NULL)),
  constraint tax_categories_partner_id_addon_id_fkey FOREIGN KEY (partner_id, addon_id) REFERENCES public.partner_addons(partner_id, id),
  constraint tax_categories_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id),
  constraint tax_categories_partner_id_plan_id_fkey FOREIGN KEY (partner_id, plan_id) REFERENCES public.plans(partner_id, id)
);
alter table public.tax_categories enable row level security;
create policy partner_delete on public.tax_categories for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.tax_categories for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.tax_categories for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.tax_categories for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant delete, insert, select on public.tax_categories to tollgate_app;
grant select on public.tax_categories to tollgate_job;
grant update (category) on public.tax_categories to tollgate_app;

create table public.tax_rates (
  partner_id uuid not null,
  id uuid not null,
  country text not null,
  region text,
  category text,
  name text not null,
  percent numeric(15,12) not null,
  inclusive boolean not null,
  valid_from date not null,
  valid_to date,
  version integer not null default 1,
  created_at timestamp(3) with time zone not null,
  constraint tax_rates_pkey PRIMARY KEY (partner_id, id),
  constraint tax_rates_category_check CHECK (category ~ '^[a-z][a-z0-9_-]{0,62}$'::text),
  constraint tax_rates_check CHECK (valid_to IS NULL OR valid_to > valid_from),
  constraint tax_rates_country_check CHECK (country ~ '^[A-Z]{2}$'::text),
  constraint tax_rates_name_check CHECK (length(name) >= 1 AND length(name) <= 200),
  constraint tax_rates_percent_check CHECK (percent <> 'NaN'::numeric AND percent >= 0::numeric AND percent <= 100::numeric),
  constraint tax_rates_region_check CHECK (region ~ '^[A-Z0-9]{1,3}$'::text),
  constraint tax_rates_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
CREATE INDEX tax_rates_by_id ON public.tax_rates USING btree (id);
CREATE UNIQUE INDEX tax_rates_one_a_day ON public.tax_rates USING btree (partner_id, country, COALESCE(region, ''::text), COALESCE(category, ''::text), valid_from);
alter table public.tax_rates enable row level security;
create policy partner_delete on public.tax_rates for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.tax_rates for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.tax_rates for select to tollgate_app, tollgate_job
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy partner_update on public.tax_rates for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.tax_rates to tollgate_app;
grant select on public.tax_rates to tollgate_job;
grant update (valid_to, version) on public.tax_rates to tollgate_app;

create table public.tenant_entitlements (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  feature_id uuid not null,
  feature_code text not null,
  kind text not null,
  source_kind text not null,
  source_id uuid not null,
  source_name text not null,
  catalog_id uuid not null,
  quantity bigint not null default 1,
  unlimited boolean not null default false,
  limit_quantity numeric(32,12),
  reset_period text,
  config_value text,
  starts_at timestamp(3) with time zone not null,
  ends_at timestamp(3) with time zone,
  usage_price jsonb,
  free boolean not null default false,
  constraint tenant_entitlements_pkey PRIMARY KEY (tenant_id, id),
  constraint tenant_entitlements_state UNIQUE (tenant_id, feature_id, source_kind, source_id, catalog_id, starts_at),
  constraint tenant_entitlements_kind_check CHECK (kind = ANY (ARRAY['BOOLEAN'::text, 'METERED'::text, 'CONFIG'::text])),
  constraint tenant_entitlements_limit_quantity_check CHECK (limit_quantity >= 0::numeric AND limit_quantity <> 'NaN'::numeric),
  constraint tenant_entitlements_quantity_check CHECK (quantity >= 1),
  constraint tenant_entitlements_source_kind_check CHECK (source_kind = ANY (ARRAY['PLAN'::text, 'ADDON'::text, 'LICENCE'::text, 'GRANT'::text])),
  constraint tenant_entitlements_partner_id_feature_id_fkey FOREIGN KEY (partner_id, feature_id) REFERENCES public.features(partner_id, id),
  constraint tenant_entitlements_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
CREATE INDEX tenant_entitlements_check ON public.tenant_entitlements USING btree (tenant_id, feature_code);
alter table public.tenant_entitlements enable row level security;
create policy many_tenants on public.tenant_entitlements for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.tenant_entitlements for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.tenant_entitlements for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.tenant_entitlements for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.tenant_entitlements for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant delete, insert, select on public.tenant_entitlements to tollgate_app, tollgate_job;
grant update (source_name, quantity, unlimited, limit_quantity, reset_period, config_value, starts_at, ends_at, usage_price, free) on public.tenant_entitlements to tollgate_app, tollgate_job;

create table public.tenant_pending_coupons (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  coupon_id uuid not null,
  subscription_id uuid,
  status text not null,
  periods_applied integer not null default 0,
  created_at timestamp(3) with time zone not null,
  ended_at timestamp(3) with time zone,
  periods_returned integer not null default 0,
  counts_in text,
  constraint tenant_pending_coupons_pkey PRIMARY KEY (tenant_id, id),
  constraint tenant_pending_coupons_check CHECK (periods_returned >= 0 AND periods_returned <= periods_applied),
  constraint tenant_pending_coupons_periods_applied_check CHECK (periods_applied >= 0),
  constraint tenant_pending_coupons_status_check CHECK (status = ANY (ARRAY['PENDING'::text, 'RUNNING'::text, 'FINISHED'::text, 'REMOVED'::text, 'EXPIRED'::text, 'ENDED'::text])),
  constraint tenant_pending_coupons_partner_id_coupon_id_fkey FOREIGN KEY (partner_id, coupon_id) REFERENCES public.partner_coupons(partner_id, id),
  constraint tenant_pending_coupons_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint tenant_pending_coupons_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id)
);
CREATE INDEX pending_coupons_by_coupon ON public.tenant_pending_coupons USING btree (partner_id, coupon_id);
CREATE UNIQUE INDEX pending_coupons_one_live ON public.tenant_pending_coupons USING btree (tenant_id, coupon_id) WHERE status = ANY (ARRAY['PENDING'::text, 'RUNNING'::text]);
alter table public.tenant_pending_coupons enable row level security;
create policy many_tenants on public.tenant_pending_coupons for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.tenant_pending_coupons for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.tenant_pending_coupons for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.tenant_pending_coupons for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.tenant_pending_coupons for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.tenant_pending_coupons to tollgate_app, tollgate_job;
grant update (subscription_id, status, periods_applied, ended_at, periods_returned, counts_in) on public.tenant_pending_coupons to tollgate_app, tollgate_job;

create table public.tenants (
  id uuid not null,
  partner_id uuid not null,
  name text not null,
  external_id text,
  currency text not null,
  time_zone text,
  sandbox boolean not null,
  test_clock timestamp(3) with time zone,
  version integer not null default 1,
  created_at timestamp(3) with time zone not null,
  payment_net_days integer,
  constraint tenants_pkey PRIMARY KEY (id),
  constraint tenants_id_partner_id_key UNIQUE (id, partner_id),
  constraint tenants_check CHECK (sandbox OR test_clock IS NULL),
  constraint tenants_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint tenants_external_id_check CHECK (length(external_id) >= 1 AND length(external_id) <= 200),
  constraint tenants_name_check CHECK (length(name) >= 1 AND length(name) <= 200),
  constraint tenants_payment_net_days_check CHECK (payment_net_days >= 0 AND payment_net_days <= 365),
  constraint tenants_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
CREATE INDEX tenants_by_partner ON public.tenants USING btree (partner_id, id);
alter table public.tenants enable row level security;
create policy many_tenants on public.tenants for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_insert on public.tenants for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.tenants for select to tollgate_app, tollgate_job
  using (id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR sandbox) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.tenants for update to tollgate_app, tollgate_job
  using (id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.tenants to tollgate_app;
grant select on public.tenants to tollgate_job;
grant update (name, external_id, time_zone, test_clock, version, payment_net_days) on public.tenants to tollgate_app;
grant update (test_clock, version) on public.tenants to tollgate_job;

create table public.unused_credits (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  credited_at timestamp(3) with time zone not null,
  feature_ids uuid[] not null,
  window_start timestamp(3) with time zone not null,
  amount bigint not null,
  currency text not null,
  facts jsonb not null,
  counted_at timestamp(3) with time zone not null,
  constraint unused_credits_pkey PRIMARY KEY (tenant_id, id),
  constraint unused_credits_amount_check CHECK (amount >= 0),
  constraint unused_credits_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint unused_credits_facts_check CHECK (jsonb_typeof(facts) = 'object'::text),
  constraint unused_credits_feature_ids_check CHECK (cardinality(feature_ids) > 0),
  constraint unused_credits_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id),
  constraint unused_credits_tenant_id_subscription_id_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES public.subscriptions(tenant_id, id)
);
CREATE INDEX unused_credits_that_stand ON public.unused_credits USING btree (tenant_id) WHERE amount > 0;
alter table public.unused_credits enable row level security;
create policy many_tenants on public.unused_credits for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.unused_credits for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.unused_credits for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.unused_credits for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.unused_credits for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.unused_credits to tollgate_app, tollgate_job;
grant update (amount, counted_at) on public.unused_credits to tollgate_app, tollgate_job;

create table public.usage_after_end (
  tenant_id uuid not null,
  partner_id uuid not null,
  due_at timestamp(3) with time zone not null,
  constraint usage_after_end_pkey PRIMARY KEY (tenant_id),
  constraint usage_after_end_tenant_id_partner_id_fkey FOREIGN KEY (tenant_id, partner_id) REFERENCES public.tenants(id, partner_id)
);
CREATE INDEX usage_after_end_due ON public.usage_after_end USING btree (due_at, tenant_id);
alter table public.usage_after_end enable row level security;
create policy many_tenants on public.usage_after_end for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.usage_after_end for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.usage_after_end for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.usage_after_end for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.usage_after_end for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant delete, insert, select on public.usage_after_end to tollgate_app, tollgate_job;
grant update (due_at) on public.usage_after_end to tollgate_app, tollgate_job;

create table public.usage_event_keys (
  tenant_id uuid not null,
  event_id text collate "C" not null,
  source text collate "C" not null,
  partner_id uuid not null,
  happened_at timestamp(3) with time zone not null,
  constraint usage_event_keys_pkey PRIMARY KEY (tenant_id, event_id, source)
);
alter table public.usage_event_keys enable row level security;
create policy many_tenants on public.usage_event_keys for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.usage_event_keys for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.usage_event_keys for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.usage_event_keys for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.usage_event_keys for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.usage_event_keys to tollgate_app, tollgate_job;

create table public.usage_events (
  tenant_id uuid not null,
  happened_at timestamp(3) with time zone not null,
  event_id text collate "C" not null,
  source text collate "C" not null,
  partner_id uuid not null,
  type text not null,
  subject text,
  quantity numeric(24,12),
  data jsonb,
  recorded_at timestamp(3) with time zone not null default now(),
  constraint usage_events_pkey PRIMARY KEY (tenant_id, happened_at, event_id, source),
  constraint usage_events_quantity_check CHECK (quantity >= 0::numeric AND quantity <> 'NaN'::numeric)
) partition by RANGE (happened_at);
alter table public.usage_events enable row level security;
create policy many_tenants on public.usage_events for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.usage_events for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.usage_events for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.usage_events for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.usage_events for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.usage_events to tollgate_app, tollgate_job;

create table public.usage_locks (
  tenant_id uuid not null,
  feature_id uuid not null,
  partner_id uuid not null,
  locked boolean not null default true,
  constraint usage_locks_pkey PRIMARY KEY (tenant_id, feature_id)
);
alter table public.usage_locks enable row level security;
create policy many_tenants on public.usage_locks for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.usage_locks for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.usage_locks for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.usage_locks for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.usage_locks for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.usage_locks to tollgate_app, tollgate_job;
grant update (locked) on public.usage_locks to tollgate_app, tollgate_job;

create table public.usage_rollups (
  tenant_id uuid not null,
  feature_id uuid not null,
  grain text collate "C" not null,
  bucket_start timestamp(3) with time zone not null,
  partner_id uuid not null,
  quantity numeric(38,12) not null,
  events bigint not null,
  maximum numeric(38,12) not null,
  latest_quantity numeric(38,12) not null,
  latest_at timestamp(3) with time zone not null,
  latest_key text collate "C" not null,
  changed_at timestamp(3) with time zone not null,
  constraint usage_rollups_pkey PRIMARY KEY (tenant_id, feature_id, grain, bucket_start),
  constraint usage_rollups_events_check CHECK (events >= 1),
  constraint usage_rollups_grain_check CHECK (grain = ANY (ARRAY['DAY'::text, 'QUARTER'::text])),
  constraint usage_rollups_latest_quantity_check CHECK (latest_quantity >= 0::numeric AND latest_quantity <> 'NaN'::numeric),
  constraint usage_rollups_maximum_check CHECK (maximum >= 0::numeric AND maximum <> 'NaN'::numeric),
  constraint usage_rollups_quantity_check CHECK (quantity >= 0::numeric AND quantity <> 'NaN'::numeric)
);
CREATE INDEX usage_rollups_by_feature ON public.usage_rollups USING btree (partner_id, feature_id);
alter table public.usage_rollups enable row level security;
create policy many_tenants on public.usage_rollups for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.usage_rollups for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.usage_rollups for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.usage_rollups for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.usage_rollups for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.usage_rollups to tollgate_app, tollgate_job;
grant update (quantity, events, maximum, latest_quantity, latest_at, latest_key, changed_at) on public.usage_rollups to tollgate_app, tollgate_job;

create table public.usage_thresholds (
  tenant_id uuid not null,
  feature_id uuid not null,
  window_start timestamp(3) with time zone not null,
  percent integer not null,
  partner_id uuid not null,
  reached_at timestamp(3) with time zone not null,
  id uuid not null,
  window_end timestamp(3) with time zone,
  limit_quantity numeric(38,12) not null,
  used numeric(38,12) not null,
  constraint usage_thresholds_pkey PRIMARY KEY (tenant_id, feature_id, window_start, percent),
  constraint usage_thresholds_tenant_id_id_key UNIQUE (tenant_id, id),
  constraint usage_thresholds_limit_quantity_check CHECK (limit_quantity >= 0::numeric AND limit_quantity <> 'NaN'::numeric),
  constraint usage_thresholds_percent_check CHECK (percent >= 1 AND percent <= 1000),
  constraint usage_thresholds_used_check CHECK (used >= 0::numeric AND used <> 'NaN'::numeric)
);
alter table public.usage_thresholds enable row level security;
create policy many_tenants on public.usage_thresholds for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.usage_thresholds for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.usage_thresholds for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.usage_thresholds for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.usage_thresholds for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.usage_thresholds to tollgate_app, tollgate_job;

create table public.usage_uniques (
  tenant_id uuid not null,
  feature_id uuid not null,
  grain text collate "C" not null,
  bucket_start timestamp(3) with time zone not null,
  value text collate "C" not null,
  partner_id uuid not null,
  constraint usage_uniques_pkey PRIMARY KEY (tenant_id, feature_id, grain, bucket_start, value),
  constraint usage_uniques_grain_check CHECK (grain = ANY (ARRAY['DAY'::text, 'QUARTER'::text]))
);
CREATE INDEX usage_uniques_by_value ON public.usage_uniques USING btree (tenant_id, feature_id, value, bucket_start) WHERE grain = 'QUARTER'::text;
alter table public.usage_uniques enable row level security;
create policy many_tenants on public.usage_uniques for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])))
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'tenants'::text AND (tenant_id = ANY ((( SELECT NULLIF(current_setting('app.tenant_ids'::text, true), ''::text)::uuid[] AS "nullif"))::uuid[])) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")));
create policy tenant_delete on public.usage_uniques for delete to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_insert on public.usage_uniques for insert to tollgate_app, tollgate_job
  with check (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy tenant_read on public.usage_uniques for select to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'partner'::text AND partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.sandbox_only'::text, true) AS current_setting)) = 'off'::text OR app.is_sandbox(tenant_id)) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text);
create policy tenant_update on public.usage_uniques for update to tollgate_app, tollgate_job
  using (tenant_id = (( SELECT NULLIF(current_setting('app.tenant_id'::text, true), ''::text)::uuid AS "nullif")) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
grant insert, select on public.usage_uniques to tollgate_app, tollgate_job;

create table public.user_roles (
  user_id uuid not null,
  role text not null,
  constraint user_roles_pkey PRIMARY KEY (user_id, role),
  constraint user_roles_role_check CHECK (role = 'SUPER_ADMIN'::text),
  constraint user_roles_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id)
);
alter table public.user_roles enable row level security;

create table public.users (
  id uuid not null,
  subject text,
  email text not null,
  created_at timestamp(3) with time zone not null,
  constraint users_pkey PRIMARY KEY (id),
  constraint users_subject_key UNIQUE (subject)
);
CREATE UNIQUE INDEX users_email ON public.users USING btree (lower(email));
alter table public.users enable row level security;

create table public.webhook_deliveries (
  partner_id uuid not null,
  id uuid not null,
  endpoint_id uuid not null,
  sequence bigint,
  event_type text not null,
  status text not null default 'PENDING'::text,
  attempts integer not null default 0,
  next_attempt_at timestamp(3) with time zone not null,
  last_attempt_at timestamp(3) with time zone,
  response_status integer,
  problem text,
  attempt_log jsonb not null default '[]'::jsonb,
  created_at timestamp(3) with time zone not null,
  constraint webhook_deliveries_pkey PRIMARY KEY (partner_id, id),
  constraint webhook_deliveries_partner_id_endpoint_id_sequence_key UNIQUE (partner_id, endpoint_id, sequence),
  constraint webhook_deliveries_status_check CHECK (status = ANY (ARRAY['PENDING'::text, 'SUCCEEDED'::text, 'FAILED'::text])),
  constraint webhook_deliveries_partner_id_endpoint_id_fkey FOREIGN KEY (partner_id, endpoint_id) REFERENCES public.webhook_endpoints(partner_id, id) ON DELETE CASCADE,
  constraint webhook_deliveries_partner_id_sequence_fkey FOREIGN KEY (partner_id, sequence) REFERENCES public.partner_events(partner_id, sequence) ON DELETE CASCADE
);
CREATE INDEX webhook_deliveries_due ON public.webhook_deliveries USING btree (partner_id, endpoint_id, next_attempt_at, sequence) WHERE status = 'PENDING'::text;
CREATE INDEX webhook_deliveries_of_endpoint ON public.webhook_deliveries USING btree (partner_id, endpoint_id, id);
CREATE INDEX webhook_deliveries_of_event ON public.webhook_deliveries USING btree (partner_id, sequence);
CREATE INDEX webhook_deliveries_of_status ON public.webhook_deliveries USING btree (partner_id, endpoint_id, status, id);
alter table public.webhook_deliveries enable row level security;
create policy partner_delete on public.webhook_deliveries for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.webhook_deliveries for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.webhook_deliveries for select to tollgate_app, tollgate_job
  using ((partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])));
create policy partner_update on public.webhook_deliveries for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy relay on public.webhook_deliveries for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'relay'::text)
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'relay'::text);
grant insert, select on public.webhook_deliveries to tollgate_app;
grant delete, insert, select on public.webhook_deliveries to tollgate_job;
grant update (status, attempts, next_attempt_at, last_attempt_at, response_status, problem, attempt_log) on public.webhook_deliveries to tollgate_app, tollgate_job;

create table public.webhook_endpoints (
  partner_id uuid not null,
  id uuid not null,
  url text not null,
  description text not null default ''::text,
  event_types text[] not null,
  status text not null default 'ENABLED'::text,
  disabled_reason text,
  secret_number integer not null default 1,
  previous_secret_until timestamp(3) with time zone,
  failing_since timestamp(3) with time zone,
  failures integer not null default 0,
  paused_until timestamp(3) with time zone,
  lease uuid,
  leased_until timestamp(3) with time zone,
  served_at timestamp(3) with time zone,
  version integer not null default 1,
  created_at timestamp(3) with time zone not null,
  deleted_at timestamp(3) with time zone,
  constraint webhook_endpoints_pkey PRIMARY KEY (partner_id, id),
  constraint webhook_endpoints_check CHECK ((status = 'DISABLED'::text) = (disabled_reason IS NOT NULL)),
  constraint webhook_endpoints_description_check CHECK (length(description) <= 200),
  constraint webhook_endpoints_disabled_reason_check CHECK (disabled_reason = ANY (ARRAY['BY_REQUEST'::text, 'FAILING'::text, 'GONE'::text])),
  constraint webhook_endpoints_secret_number_check CHECK (secret_number > 0),
  constraint webhook_endpoints_status_check CHECK (status = ANY (ARRAY['ENABLED'::text, 'DISABLED'::text])),
  constraint webhook_endpoints_url_check CHECK (length(url) >= 1 AND length(url) <= 2000),
  constraint webhook_endpoints_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.partners(id)
);
alter table public.webhook_endpoints enable row level security;
create policy partner_delete on public.webhook_endpoints for delete to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_insert on public.webhook_endpoints for insert to tollgate_app
  with check (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy partner_read on public.webhook_endpoints for select to tollgate_app, tollgate_job
  using ((partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) OR (( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'platform'::text) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])));
create policy partner_update on public.webhook_endpoints for update to tollgate_app
  using (partner_id = (( SELECT NULLIF(current_setting('app.partner_id'::text, true), ''::text)::uuid AS "nullif")) AND ((( SELECT current_setting('app.actor'::text, true) AS current_setting)) = ANY (ARRAY['PARTNER'::text, 'PLATFORM'::text])) AND (( SELECT current_setting('app.can_write'::text, true) AS current_setting)) = 'on'::text);
create policy relay on public.webhook_endpoints for all to tollgate_job
  using ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'relay'::text)
  with check ((( SELECT current_setting('app.scope'::text, true) AS current_setting)) = 'relay'::text);
grant insert, select on public.webhook_endpoints to tollgate_app;
grant delete, select on public.webhook_endpoints to tollgate_job;
grant update (url, description, event_types, status, disabled_reason, secret_number, previous_secret_until, failing_since, failures, paused_until, version, deleted_at) on public.webhook_endpoints to tollgate_app;
grant update (status, disabled_reason, failing_since, failures, paused_until, lease, leased_until, served_at, version) on public.webhook_endpoints to tollgate_job;

-- Functions

CREATE OR REPLACE FUNCTION app.api_key_by_hash(p_hash bytea)
 RETURNS TABLE(id uuid, partner_id uuid, tenant_id uuid, live boolean, scopes text[])
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  select k.id, k.partner_id, k.tenant_id, k.live, k.scopes from api_keys k
   where k.key_hash = p_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
$function$;
revoke all on function app.api_key_by_hash(bytea) from public;
grant execute on function app.api_key_by_hash(bytea) to tollgate_app;

CREATE OR REPLACE FUNCTION app.begin_metering()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
begin
  if new.trial_end is not null then
    insert into metering_spans (tenant_id, subscription_id, starts_at, partner_id, ends_at, anchor_date, time_zone, trial, count_from)
    values (new.tenant_id, new.id, new.started_at, new.partner_id, new.trial_end, new.anchor_date, new.time_zone, true, new.started_at);
  end if;
  insert into metering_spans (tenant_id, subscription_id, starts_at, partner_id, ends_at, anchor_date, time_zone, trial, count_from)
  values (new.tenant_id, new.id, coalesce(new.trial_end, new.started_at), new.partner_id, null, new.anchor_date, new.time_zone,
    false, coalesce(new.trial_end, new.started_at));
  return null;
end $function$;
grant execute on function app.begin_metering() to public;

CREATE OR REPLACE FUNCTION app.billing_work_left(p_partner uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  select exists (select 1 from billing_work w
                  where w.parked_at is null and (p_partner is null or w.partner_id = p_partner))
$function$;
revoke all on function app.billing_work_left(uuid) from public;
grant execute on function app.billing_work_left(uuid) to tollgate_job;

CREATE OR REPLACE FUNCTION app.check_entitlements(p_users uuid[], p_partners uuid[], p_entered_tenants uuid[], p_tenants uuid[], p_feature_codes text[], p_as_of timestamp with time zone[], p_now timestamp with time zone, p_window_starts timestamp with time zone[], p_window_ends timestamp with time zone[])
 RETURNS TABLE(place integer, partner_id uuid, tenant_now timestamp with time zone, feature_id uuid, feature_kind text, source_kind text, source_id uuid, source_name text, catalog_id uuid, quantity bigint, unlimited boolean, limit_quantity numeric, reset_period text, config_value text, usage_price jsonb, starts_at timestamp with time zone, ends_at timestamp with time zone, anchor_date date, subscription_time_zone text, used numeric, aggregation text, span_subscription uuid, span_start timestamp with time zone, span_end timestamp with time zone, span_trial boolean, span_anchor date, span_time_zone text, count_from timestamp with time zone, free boolean, span_carried jsonb, span_carried_after jsonb)
 LANGUAGE plpgsql
AS $function$
declare
  v_user uuid;
  v_partner uuid;
  v_tenant uuid;
  v_entered record;
  v_asked uuid;
  v_clock timestamptz;
  v_at timestamptz;
  v_known boolean;
  v_use record;
begin
  for i in 1 .. cardinality(p_tenants) loop
    -- A product asks with one key for many tenants: whoever has just entered is still inside.
    if i = 1 or p_users[i] is distinct from v_user or p_partners[i] is distinct from v_partner
       or p_entered_tenants[i] is distinct from v_tenant then
      v_user := p_users[i];
      v_partner := p_partners[i];
      v_tenant := p_entered_tenants[i];
      v_entered := app.enter(v_user, v_partner, v_tenant);
    end if;
    v_asked := p_tenants[i];
    partner_id := v_entered.partner_id;
    v_clock := v_entered.test_clock;
    if v_asked is distinct from v_tenant then
      select t.partner_id, t.test_clock into partner_id, v_clock from tenants t where t.id = v_asked;
      continue when not found;
    end if;
    place := i;
    tenant_now := coalesce(v_clock, p_now);
    v_at := coalesce(p_as_of[i], tenant_now);
    anchor_date := null;
    subscription_time_zone := null;
    span_subscription := null;
    span_start := null;
    span_end := null;
    span_trial := null;
    span_anchor := null;
    span_time_zone := null;
    count_from := null;
    span_carried := null;
    span_carried_after := null;
    source_kind := null;
    used := null;
    aggregation := null;
    v_known := false;
    for feature_id, feature_kind, source_kind, source_id, source_name, catalog_id, quantity, unlimited, limit_quantity,
        reset_period, config_value, usage_price, starts_at, ends_at, free in
      select e.feature_id, e.kind, e.source_kind, e.source_id, e.source_name, e.catalog_id, e.quantity, e.unlimited,
        e.limit_quantity, e.reset_period, e.config_value, e.usage_price, e.starts_at, e.ends_at, e.free
      from tenant_entitlements e
      where e.tenant_id = v_asked and e.feature_code = p_feature_codes[i]
        and e.starts_at <= v_at and (e.ends_at is null or e.ends_at > v_at)
    loop
      if not v_known and feature_kind = 'METERED' then
        select m.anchor_date, m.time_zone, m.subscription_id, m.starts_at, m.ends_at, m.trial, m.count_from,
               m.carried -> feature_id::text, m.carried_after -> feature_id::text
          into span_anchor, span_time_zone, span_subscription, span_start, span_end, span_trial, count_from,
               span_carried, span_carried_after
          from metering_spans m where m.tenant_id = v_asked and m.starts_at <= v_at
         order by m.starts_at desc, m.ends_at desc nulls first limit 1;
        -- For the version before, which asks for the live subscription's only.
        if span_end is null or span_end > v_at then
          anchor_date := span_anchor;
          subscription_time_zone := span_time_zone;
        end if;
        if p_window_starts[i] is not null then
          v_use := app.use_of(v_asked, feature_id, p_window_starts[i], p_window_ends[i]);
          used := v_use.used;
          aggregation := v_use.aggregation;
        end if;
        v_known := true;
      end if;
      return next;
    end loop;
    if source_kind is null then
      return next;
    end if;
  end loop;
end $function$;
revoke all on function app.check_entitlements(uuid[],uuid[],uuid[],uuid[],text[],timestamp with time zone[],timestamp with time zone,timestamp with time zone[],timestamp with time zone[]) from public;
grant execute on function app.check_entitlements(uuid[],uuid[],uuid[],uuid[],text[],timestamp with time zone[],timestamp with time zone,timestamp with time zone[],timestamp with time zone[]) to tollgate_app;

CREATE OR REPLACE FUNCTION app.check_summary()
 RETURNS TABLE(names text[], oldest timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  select coalesce(array_agg(r.name order by r.name) filter (where r.findings > 0), '{}'), min(r.checked_at) from check_results r
$function$;
revoke all on function app.check_summary() from public;
grant execute on function app.check_summary() to tollgate_app;

CREATE OR REPLACE FUNCTION app.claim_billing_work(p_partner uuid, p_limit integer, p_hold interval)
 RETURNS TABLE(tenant_id uuid, partner_id uuid, bill_until timestamp with time zone, attempts integer, reason text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  v_partner uuid := p_partner;
begin
  if v_partner is null then
    select w.partner_id into v_partner from billing_work w
     where w.parked_at is null and w.held_until is null order by w.due_at, w.tenant_id limit 1 for update skip locked;
  end if;
  return query
  with fresh as materialized (
    select w.tenant_id from billing_work w
     where w.partner_id = v_partner and w.parked_at is null and w.held_until is null
     order by w.due_at, w.tenant_id limit p_limit for update skip locked
  )
  update billing_work w set attempts = w.attempts + 1, held_until = clock_timestamp() + p_hold
    from fresh f where w.tenant_id = f.tenant_id
  returning w.tenant_id, w.partner_id, w.bill_until::timestamptz, w.attempts, w.reason;
  if found then
    return;
  end if;
  return query
  with tried as materialized (
    select w.tenant_id from billing_work w
     where w.held_until <= clock_timestamp() and (p_partner is null or w.partner_id = p_partner)
     order by w.held_until, w.tenant_id limit 1 for update skip locked
  )
  update billing_work w set attempts = w.attempts + 1, held_until = clock_timestamp() + p_hold
    from tried t where w.tenant_id = t.tenant_id
  returning w.tenant_id, w.partner_id, w.bill_until::timestamptz, w.attempts, w.reason;
end $function$;
revoke all on function app.claim_billing_work(uuid,integer,interval) from public;
grant execute on function app.claim_billing_work(uuid,integer,interval) to tollgate_job;

CREATE OR REPLACE FUNCTION app.claim_inbound_events(p_now timestamp with time zone, p_limit integer, p_hold interval)
 RETURNS TABLE(provider text, event_id text, type text, body text, attempts integer)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  with waiting as materialized (
    select e.provider, e.event_id from inbound_events e
     where e.status = 'RECEIVED' and e.next_try_at <= p_now
     order by e.next_try_at, e.id limit p_limit for update skip locked
  )
  update inbound_events e set attempts = e.attempts + 1, next_try_at = p_now + p_hold
    from waiting w where e.provider = w.provider and e.event_id = w.event_id
  returning e.provider, e.event_id, e.type, e.body, e.attempts
$function$;
revoke all on function app.claim_inbound_events(timestamp with time zone,integer,interval) from public;
grant execute on function app.claim_inbound_events(timestamp with time zone,integer,interval) to tollgate_job;

CREATE OR REPLACE FUNCTION app.claim_licence_steps(p_now timestamp with time zone, p_limit integer)
 RETURNS TABLE(kind text, tenant_id uuid, id uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
begin
  -- First, since what a provider bills next follows from it. Killed in between, it comes back in an hour.
  return query
  with due as materialized (
    select l.tenant_id, l.id from licences l join tenants t on t.id = l.tenant_id
     where l.turns_at is not null and l.turns_at <= coalesce(t.test_clock, p_now)
     order by l.turns_at limit p_limit for update of l skip locked
  )
  update licences l set turns_at = l.turns_at + interval '1 hour'
    from due d where l.tenant_id = d.tenant_id and l.id = d.id
  returning 'TURN', l.tenant_id, l.id;
  return query
  with due as materialized (
    select e.tenant_id, e.id from licence_subscription_ends e
     where e.ended_at is null and (e.next_step_at is null or e.next_step_at <= p_now) and e.steps < 40
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
       and (l.next_step_at is null or l.next_step_at <= p_now) and l.steps < 40
     order by l.next_step_at nulls first limit p_limit for update skip locked
  )
  update licences l set next_step_at = p_now + interval '1 minute' * 2 ^ least(l.steps, 8), steps = l.steps + 1
    from due d where l.tenant_id = d.tenant_id and l.id = d.id
  returning 'SEATS', l.tenant_id, l.id;
  return query
  with due as materialized (
    select p.tenant_id, p.id from licence_purchases p
     where p.refused_at is not null and p.refund_asked_at is null
       and (p.refund_next_at is null or p.refund_next_at <= p_now) and p.refund_steps < 40
     order by p.refund_next_at nulls first limit p_limit for update skip locked
  )
  update licence_purchases p
     set refund_next_at = p_now + interval '1 minute' * 2 ^ least(p.refund_steps, 8), refund_steps = p.refund_steps + 1
    from due d where p.tenant_id = d.tenant_id and p.id = d.id
  returning 'REFUND', p.tenant_id, p.id;
end $function$;
revoke all on function app.claim_licence_steps(timestamp with time zone,integer) from public;
grant execute on function app.claim_licence_steps(timestamp with time zone,integer) to tollgate_job;

CREATE OR REPLACE FUNCTION app.claim_payment_work(p_now timestamp with time zone, p_tenant uuid, p_limit integer, p_hold interval)
 RETURNS TABLE(kind text, tenant_id uuid, id uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
begin
  return query
  with live as materialized (
    select c.tenant_id, c.invoice_id from invoice_collections c
     where not c.sandbox and c.due_at <= p_now and (c.held_until is null or c.held_until <= p_now)
       and (p_tenant is null or c.tenant_id = p_tenant)
     order by c.due_at limit p_limit for update skip locked
  ), sandboxes as materialized (
    select c.tenant_id, c.invoice_id from invoice_collections c join tenants t on t.id = c.tenant_id
     where c.sandbox and c.due_at <= coalesce(t.test_clock, p_now) and (c.held_until is null or c.held_until <= p_now)
       and (p_tenant is null or c.tenant_id = p_tenant)
     order by c.tenant_id, c.due_at limit p_limit for update of c skip locked
  ), taken as (
    update invoice_collections c set held_until = p_now + p_hold
      from (select * from live union all select * from sandboxes) d
     where c.tenant_id = d.tenant_id and c.invoice_id = d.invoice_id
    returning c.tenant_id, c.invoice_id
  )
  select 'COLLECT', t.tenant_id, t.invoice_id from taken t;
  return query
  with due as materialized (
    select p.tenant_id, p.id from payments p
     where p.ask_at <= p_now and (p_tenant is null or p.tenant_id = p_tenant)
     order by p.ask_at limit p_limit for update skip locked
  )
  update payments p set ask_at = p_now + p_hold from due d where p.tenant_id = d.tenant_id and p.id = d.id
  returning 'PAYMENT', p.tenant_id, p.id;
  return query
  with due as materialized (
    select r.tenant_id, r.id from refunds r
     where r.status = 'PENDING' and r.ask_at <= p_now and (p_tenant is null or r.tenant_id = p_tenant)
     order by r.ask_at limit p_limit for update skip locked
  )
  update refunds r set ask_at = p_now + p_hold from due d where r.tenant_id = d.tenant_id and r.id = d.id
  returning 'REFUND', r.tenant_id, r.id;
end $function$;
revoke all on function app.claim_payment_work(timestamp with time zone,uuid,integer,interval) from public;
grant execute on function app.claim_payment_work(timestamp with time zone,uuid,integer,interval) to tollgate_job;

CREATE OR REPLACE FUNCTION app.claim_stripe_checkouts(p_now timestamp with time zone, p_tenant uuid, p_limit integer, p_hold interval)
 RETURNS TABLE(tenant_id uuid, id uuid)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  with due as materialized (
    select c.tenant_id, c.id from stripe_checkouts c
     where c.sync_at <= p_now and (p_tenant is null or c.tenant_id = p_tenant)
     order by c.sync_at limit p_limit for update skip locked
  )
  update stripe_checkouts c set sync_at = p_now + p_hold, attempts = c.attempts + 1
    from due d where c.tenant_id = d.tenant_id and c.id = d.id
  returning c.tenant_id, c.id
$function$;
revoke all on function app.claim_stripe_checkouts(timestamp with time zone,uuid,integer,interval) from public;
grant execute on function app.claim_stripe_checkouts(timestamp with time zone,uuid,integer,interval) to tollgate_job;

CREATE OR REPLACE FUNCTION app.count_billing_due(p_latest timestamp with time zone, p_date date, p_partner uuid)
 RETURNS bigint
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  select count(distinct d.tenant_id)
    from billing_due d
    join tenants t on t.id = d.tenant_id and not t.sandbox
    join partners p on p.id = t.partner_id
    left join subscriptions s on s.tenant_id = d.tenant_id and s.status <> 'CANCELLED'
   where d.due_at <= least(p_latest, ((p_date + 1)::timestamp at time zone coalesce(s.time_zone, t.time_zone, p.time_zone))
                             - interval '1 millisecond')
     and (p_partner is null or d.partner_id = p_partner)
     and not exists (select 1 from billing_work w where w.tenant_id = d.tenant_id and w.parked_at is not null)
$function$;
revoke all on function app.count_billing_due(timestamp with time zone,date,uuid) from public;
grant execute on function app.count_billing_due(timestamp with time zone,date,uuid) to tollgate_job;

CREATE OR REPLACE FUNCTION app.end_metering()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
begin
  update metering_spans m set ends_at = greatest(m.starts_at, new.cancelled_at)
   where m.tenant_id = new.tenant_id and m.subscription_id = new.id and (m.ends_at is null or m.ends_at > new.cancelled_at);
  return null;
end $function$;
grant execute on function app.end_metering() to public;

CREATE OR REPLACE FUNCTION app.ensure_user(p_id uuid, p_email text, p_now timestamp with time zone)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  v_user uuid;
begin
  if coalesce(current_setting('app.can_write', true), '') <> 'on' then
    raise exception 'no such account' using errcode = 'TG403';
  end if;
  insert into users (id, email, created_at) values (p_id, p_email, p_now) on conflict (lower(email)) do nothing;
  select u.id into v_user from users u where lower(u.email) = lower(p_email);
  return v_user;
end $function$;
revoke all on function app.ensure_user(uuid,text,timestamp with time zone) from public;
grant execute on function app.ensure_user(uuid,text,timestamp with time zone) to tollgate_app;

CREATE OR REPLACE FUNCTION app.enter(p_user uuid, p_partner uuid, p_tenant uuid, OUT actor text, OUT role text, OUT can_write boolean, OUT partner_id uuid, OUT partner_currency text, OUT partner_time_zone text, OUT tenant_currency text, OUT tenant_time_zone text, OUT sandbox boolean, OUT test_clock timestamp with time zone, OUT scopes text[])
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  v_partner uuid := p_partner;
  v_key api_keys%rowtype;
  v_actor text;
  v_role text;
  v_tenant_role text;
  v_write boolean := false;
begin
  if p_tenant is not null then
    select t.partner_id, t.currency, coalesce(t.time_zone, h.time_zone), t.sandbox, t.test_clock, h.currency, h.time_zone
      into v_partner, tenant_currency, tenant_time_zone, sandbox, test_clock, partner_currency, partner_time_zone
      from tenants t join partners h on h.id = t.partner_id where t.id = p_tenant;
    if not found or (p_partner is not null and v_partner <> p_partner) then
      raise exception 'no such account' using errcode = 'TG403';
    end if;
    select p.role into v_tenant_role from profiles p where p.tenant_id = p_tenant and p.user_id = p_user;
  elsif v_partner is not null then
    select h.currency, h.time_zone into partner_currency, partner_time_zone from partners h where h.id = v_partner;
    if not found then
      raise exception 'no such account' using errcode = 'TG403';
    end if;
  end if;

  -- What allows more counts: an admin of the tenant needs nothing else; a member may also be an owner of the partner.
  if v_tenant_role = 'ADMIN' then
    v_actor := 'TENANT'; v_role := v_tenant_role; v_write := true;
  elsif exists (select 1 from user_roles r where r.user_id = p_user and r.role = 'SUPER_ADMIN') then
    v_actor := 'PLATFORM'; v_role := 'SUPER_ADMIN'; v_write := true;
  elsif v_partner is not null then
    select u.role into v_role from partner_users u where u.partner_id = v_partner and u.user_id = p_user;
    if found then
      v_actor := 'PARTNER'; v_write := v_role = 'OWNER';
    elsif v_tenant_role is not null then
      v_actor := 'TENANT'; v_role := v_tenant_role;
    else
      select * into v_key from api_keys k
       where k.id = p_user and k.partner_id = v_partner and k.revoked_at is null
         and (k.expires_at is null or k.expires_at > now());
      -- A test key reaches sandbox tenants only, a live key live ones only. So a partner's test key reads the catalog
      -- and the sandbox tenants, and writes inside those: not the catalog that live tenants buy, nor keys or people.
      if found and (v_key.tenant_id is null or v_key.tenant_id = p_tenant)
         and (p_tenant is null or v_key.live <> sandbox) then
        v_actor := case when v_key.tenant_id is null and v_key.live then 'PARTNER' else 'TENANT' end;
        v_role := 'API_KEY';
        v_write := v_key.scopes && array['WRITE', 'USAGE'] and (v_key.live or p_tenant is not null);
      end if;
    end if;
  end if;
  if v_actor is null then
    raise exception 'no such account' using errcode = 'TG403';
  end if;

  actor := app.remember(p_user::text, coalesce(v_partner::text, ''), coalesce(p_tenant::text, ''), v_actor,
    case when p_tenant is not null then 'tenant' when v_partner is not null then 'partner' else 'platform' end,
    v_write, v_role = 'API_KEY' and not v_key.live);
  role := v_role;
  can_write := v_write;
  partner_id := v_partner;
  scopes := v_key.scopes;
end $function$;
revoke all on function app.enter(uuid,uuid,uuid) from public;
grant execute on function app.enter(uuid,uuid,uuid) to tollgate_app;

CREATE OR REPLACE FUNCTION app.enter_as_relay()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
begin
  perform app.remember('', '', '', 'SYSTEM', 'relay', true, false);
end $function$;
revoke all on function app.enter_as_relay() from public;
grant execute on function app.enter_as_relay() to tollgate_job;

CREATE OR REPLACE FUNCTION app.enter_as_system(p_tenant uuid)
 RETURNS TABLE(actor text, role text, can_write boolean, partner_id uuid, partner_currency text, partner_time_zone text, tenant_currency text, tenant_time_zone text, sandbox boolean, test_clock timestamp with time zone, scopes text[])
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  v_tenant tenants%rowtype;
begin
  select * into v_tenant from tenants t where t.id = p_tenant;
  if not found then
    raise exception 'no such account' using errcode = 'TG403';
  end if;
  perform app.remember('', v_tenant.partner_id::text, p_tenant::text, 'SYSTEM', 'tenant', true, false);
  return query select 'SYSTEM'::text, 'SYSTEM'::text, true, v_tenant.partner_id, h.currency, h.time_zone,
    v_tenant.currency, coalesce(v_tenant.time_zone, h.time_zone), v_tenant.sandbox, v_tenant.test_clock::timestamptz,
    null::text[]
  from partners h where h.id = v_tenant.partner_id;
end $function$;
revoke all on function app.enter_as_system(uuid) from public;
grant execute on function app.enter_as_system(uuid) to tollgate_job;

CREATE OR REPLACE FUNCTION app.enter_as_system_for(p_tenants uuid[])
 RETURNS TABLE(tenant_id uuid, actor text, role text, can_write boolean, partner_id uuid, partner_currency text, partner_time_zone text, tenant_currency text, tenant_time_zone text, sandbox boolean, test_clock timestamp with time zone, scopes text[])
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  v_partners uuid[];
  v_count integer;
begin
  select array_agg(distinct t.partner_id), count(*) into v_partners, v_count from tenants t where t.id = any(p_tenants);
  if coalesce(cardinality(p_tenants), 0) = 0 or v_count <> cardinality(p_tenants) or cardinality(v_partners) <> 1 then
    raise exception 'no such account' using errcode = 'TG403';
  end if;
  perform app.remember('', v_partners[1]::text, '', 'SYSTEM', 'tenants', true, false);
  perform set_config('app.tenant_ids', p_tenants::text, true);
  return query select t.id, 'SYSTEM'::text, 'SYSTEM'::text, true, t.partner_id, h.currency, h.time_zone,
    t.currency, coalesce(t.time_zone, h.time_zone), t.sandbox, t.test_clock::timestamptz, null::text[]
  from tenants t join partners h on h.id = t.partner_id where t.id = any(p_tenants);
end $function$;
revoke all on function app.enter_as_system_for(uuid[]) from public;
grant execute on function app.enter_as_system_for(uuid[]) to tollgate_job;

CREATE OR REPLACE FUNCTION app.events_of(p_tenant uuid, p_feature uuid, p_start timestamp with time zone, p_end timestamp with time zone)
 RETURNS TABLE(event_key text, happened_at timestamp with time zone, measured numeric, unique_value text)
 LANGUAGE sql
 STABLE
AS $function$
  select e.source || E'\n' || e.event_id, e.happened_at::timestamptz, app.measured(e.quantity, e.data, m.value_property),
    e.data ->> m.unique_property
  from features f
  left join meters m on m.partner_id = f.partner_id and m.feature_id = f.id
  join usage_events e on e.tenant_id = p_tenant and e.happened_at >= p_start and e.happened_at < p_end
    and e.type = coalesce(m.event_type, f.code)
  where f.id = p_feature and p_start < p_end and (m.created_at is null or e.recorded_at >= m.created_at)
    and not exists (select from jsonb_array_elements(coalesce(m.filters, '[]')) c
                     where (c -> 'values' ? (e.data ->> (c ->> 'property'))) is not true)
$function$;
revoke all on function app.events_of(uuid,uuid,timestamp with time zone,timestamp with time zone) from public;
grant execute on function app.events_of(uuid,uuid,timestamp with time zone,timestamp with time zone) to tollgate_app, tollgate_job;

CREATE OR REPLACE FUNCTION app.find_billing_work(p_latest timestamp with time zone, p_date date, p_partner uuid, p_after_at timestamp with time zone, p_after_tenant uuid, p_limit integer)
 RETURNS TABLE(seen integer, added integer, last_at timestamp with time zone, last_tenant uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  -- No zone is further behind UTC than twelve hours.
  v_latest timestamptz := least(p_latest, ((p_date + 1)::timestamp + interval '12 hours') at time zone 'UTC');
begin
  return query
  with due as materialized (
    select d.due_at, d.tenant_id from billing_due d
     where d.due_at <= v_latest and (d.due_at, d.tenant_id) > (p_after_at, p_after_tenant)
       and (p_partner is null or d.partner_id = p_partner)
     order by d.due_at, d.tenant_id limit p_limit
  ), noted as (
    insert into billing_work (tenant_id, partner_id, due_at, bill_until, created_at)
    select distinct on (d.tenant_id) d.tenant_id, t.partner_id, d.due_at, until, clock_timestamp()
      from due d
      join tenants t on t.id = d.tenant_id and not t.sandbox
      join partners p on p.id = t.partner_id
      left join subscriptions s on s.tenant_id = d.tenant_id and s.status <> 'CANCELLED'
     cross join least(p_latest, ((p_date + 1)::timestamp at time zone coalesce(s.time_zone, t.time_zone, p.time_zone))
                        - interval '1 millisecond') until
     where d.due_at <= until
     order by d.tenant_id, d.due_at
    on conflict (tenant_id) do nothing
    returning 1
  )
  select (select count(*)::integer from due), (select count(*)::integer from noted), l.due_at, l.tenant_id
    from (select 1) one left join lateral
      (select d.due_at, d.tenant_id from due d order by d.due_at desc, d.tenant_id desc limit 1) l on true;
end $function$;
revoke all on function app.find_billing_work(timestamp with time zone,date,uuid,timestamp with time zone,uuid,integer) from public;
grant execute on function app.find_billing_work(timestamp with time zone,date,uuid,timestamp with time zone,uuid,integer) to tollgate_job;

CREATE OR REPLACE FUNCTION app.find_foreign_rows()
 RETURNS TABLE(subject text, detail text)
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  v_table regclass;
begin
  for v_table in
    select c.oid::regclass from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and (select count(*) from pg_attribute a where a.attrelid = c.oid and not a.attisdropped
               and a.attname in ('tenant_id', 'partner_id')) = 2
     order by 1
  loop
    return query execute format(
      $sql$ select %L, count(*) || ' rows of tenants of another partner, one of tenant ' || min(x.tenant_id::text)
              from %s x join public.tenants t on t.id = x.tenant_id where t.partner_id <> x.partner_id
            having count(*) > 0 $sql$, 'table ' || v_table, v_table);
  end loop;
end $function$;
revoke all on function app.find_foreign_rows() from public;

CREATE OR REPLACE FUNCTION app.forbid_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'this table is append-only' using errcode = 'TG001';
end $function$;
grant execute on function app.forbid_change() to public;

CREATE OR REPLACE FUNCTION app.guard_invoice()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  state constant text[] := array['status', 'paid_at', 'payment_reference', 'voided_at', 'void_reason', 'uncollectible_at',
                                 'credited', 'paid'];
begin
  if tg_op = 'DELETE' then
    raise exception 'an invoice is never deleted' using errcode = 'TG001';
  end if;
  if (to_jsonb(new) - state) is distinct from (to_jsonb(old) - state) then
    raise exception 'an issued invoice never changes' using errcode = 'TG001';
  end if;
  if new.status <> old.status and (old.status, new.status) not in (
    ('FINALIZED', 'PAID'), ('FINALIZED', 'VOID'), ('FINALIZED', 'UNCOLLECTIBLE'),
    ('UNCOLLECTIBLE', 'PAID'), ('UNCOLLECTIBLE', 'VOID')) then
    raise exception 'an invoice does not go from % to %', old.status, new.status using errcode = 'TG001';
  end if;
  if (old.paid_at, old.payment_reference, old.voided_at, old.void_reason, old.uncollectible_at)
       is distinct from (new.paid_at, new.payment_reference, new.voided_at, new.void_reason, new.uncollectible_at)
     and new.status = old.status then
    raise exception 'the state of an invoice is written once' using errcode = 'TG001';
  end if;
  if new.credited < old.credited or new.paid < old.paid then
    raise exception 'what was credited or paid of an invoice stays credited and paid' using errcode = 'TG001';
  end if;
  -- A gateway of the version before this one knows no parts: what it marks as paid was paid whole.
  if new.status = 'PAID' and old.status <> 'PAID' and new.credited + new.paid < new.amount_due then
    new.paid := new.amount_due - new.credited;
  end if;
  return new;
end $function$;
grant execute on function app.guard_invoice() to public;

CREATE OR REPLACE FUNCTION app.inbound_events_page(p_partner uuid, p_status text, p_beyond uuid, p_backward boolean, p_limit integer)
 RETURNS TABLE(id uuid, provider text, event_id text, type text, status text, reason text, tenant_id uuid, attempts integer, occurred_at timestamp with time zone, received_at timestamp with time zone, settled_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  v_all boolean := coalesce(current_setting('app.scope', true), '') = 'platform';
  v_partner uuid := case when v_all then p_partner else nullif(current_setting('app.partner_id', true), '')::uuid end;
begin
  if not v_all and (v_partner is null or p_partner is distinct from v_partner
                    or coalesce(current_setting('app.actor', true), '') not in ('PARTNER', 'PLATFORM')) then
    return;
  end if;
  return query
    select e.id, e.provider, e.event_id, e.type, e.status, e.reason, e.tenant_id, e.attempts, e.occurred_at::timestamptz,
           e.received_at::timestamptz, e.settled_at::timestamptz
      from inbound_events e
     where (v_partner is null or e.partner_id = v_partner) and (p_status is null or e.status = p_status)
       and (p_beyond is null or case when p_backward then e.id < p_beyond else e.id > p_beyond end)
     order by case when p_backward then e.id end desc, case when not p_backward then e.id end limit p_limit;
end $function$;
revoke all on function app.inbound_events_page(uuid,text,uuid,boolean,integer) from public;
grant execute on function app.inbound_events_page(uuid,text,uuid,boolean,integer) to tollgate_app;

CREATE OR REPLACE FUNCTION app.is_sandbox(p_tenant uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select exists (select 1 from public.tenants t where t.id = p_tenant and t.sandbox)
$function$;
grant execute on function app.is_sandbox(uuid) to public;

CREATE OR REPLACE PROCEDURE app.let_many_tenants_in(IN p_table regclass, IN p_tenant_column text DEFAULT 'tenant_id'::text)
 LANGUAGE plpgsql
AS $procedure$
begin
  execute format($policy$
    create policy many_tenants on %1$s for all to tollgate_job using (
      (select current_setting('app.scope', true)) = 'tenants'
      and %2$I = any ((select nullif(current_setting('app.tenant_ids', true), '')::uuid[])::uuid[]))
    with check (
      (select current_setting('app.scope', true)) = 'tenants'
      and %2$I = any ((select nullif(current_setting('app.tenant_ids', true), '')::uuid[])::uuid[])
      and partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid))$policy$,
    p_table, p_tenant_column);
end $procedure$;
grant execute on procedure app.let_many_tenants_in(regclass,text) to public;

CREATE OR REPLACE PROCEDURE app.let_relay_work(IN p_table regclass)
 LANGUAGE plpgsql
AS $procedure$
begin
  execute format($policy$
    create policy relay on %s for all to tollgate_job
      using ((select current_setting('app.scope', true)) = 'relay')
      with check ((select current_setting('app.scope', true)) = 'relay')$policy$, p_table);
end $procedure$;
grant execute on procedure app.let_relay_work(regclass) to public;

CREATE OR REPLACE FUNCTION app.licence_purchases_of_provider(p_provider text, p_from timestamp with time zone, p_after uuid, p_limit integer)
 RETURNS TABLE(tenant_id uuid, id uuid, external_id text, amount bigint, currency text, refunded bigint, status text, asked_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  select p.tenant_id, p.id, p.checkout_id, coalesce(p.paid_amount, p.amount), p.currency, p.refunded_amount, p.status,
         p.payable_until - interval '7 days'
    from licence_purchases p
   where p.provider = p_provider and p.payable_until >= p_from + interval '7 days' and (p_after is null or p.id > p_after)
   order by p.id limit p_limit
$function$;
revoke all on function app.licence_purchases_of_provider(text,timestamp with time zone,uuid,integer) from public;
grant execute on function app.licence_purchases_of_provider(text,timestamp with time zone,uuid,integer) to tollgate_job;

CREATE OR REPLACE FUNCTION app.licence_subscriptions(p_provider text, p_after uuid, p_limit integer)
 RETURNS TABLE(tenant_id uuid, id uuid, external_id text, current boolean, auto_renew boolean, seats bigint, provider_seats bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  select l.tenant_id, l.id, l.provider_subscription_id, l.replaced_at is null, l.auto_renew, l.seats, l.provider_seats
    from licences l
   where l.provider_subscription_id is not null and (p_after is null or l.id > p_after)
     and exists (select 1 from licence_purchases p
                  where p.tenant_id = l.tenant_id and p.licence_id = l.id and p.provider = p_provider)
   order by l.id limit p_limit
$function$;
revoke all on function app.licence_subscriptions(text,uuid,integer) from public;
grant execute on function app.licence_subscriptions(text,uuid,integer) to tollgate_job;

CREATE OR REPLACE FUNCTION app.list_checks()
 RETURNS SETOF text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  select c.relname::text from pg_class c
   where c.relnamespace = 'public'::regnamespace and c.relkind = 'v' and c.relname ~ '^check_' order by 1
$function$;
revoke all on function app.list_checks() from public;
grant execute on function app.list_checks() to tollgate_job;

CREATE OR REPLACE FUNCTION app.lock_billing_work(p_tenants uuid[])
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  v_tenants uuid[];
begin
  with work as materialized (
    select w.tenant_id from billing_work w where w.tenant_id = any(p_tenants) and w.parked_at is null
     order by w.tenant_id for update skip locked
  )
  select array_agg(w.tenant_id) into v_tenants from work w;
  return query select t.id from tenants t where t.id = any(v_tenants) order by t.id for no key update skip locked;
end $function$;
revoke all on function app.lock_billing_work(uuid[]) from public;
grant execute on function app.lock_billing_work(uuid[]) to tollgate_job;

CREATE OR REPLACE PROCEDURE app.make_usage_partitions()
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $procedure$
declare
  v_month timestamptz;
  v_name text;
begin
  for step in -1..3 loop
    v_month := date_trunc('month', now(), 'UTC') + make_interval(months => step);
    v_month := date_trunc('month', v_month + interval '12 hours', 'UTC');
    v_name := 'usage_events_' || to_char(v_month at time zone 'UTC', 'YYYY_MM');
    continue when to_regclass('public.' || v_name) is not null or exists (
      select from usage_events_rest r
       where r.happened_at >= v_month and r.happened_at < date_trunc('month', v_month + interval '45 days', 'UTC'));
    execute format('create table public.%I partition of public.usage_events for values from (%L) to (%L)', v_name, v_month,
      date_trunc('month', v_month + interval '45 days', 'UTC'));
    execute format('alter table public.%I enable row level security', v_name);
  end loop;
end $procedure$;
revoke all on procedure app.make_usage_partitions() from public;

CREATE OR REPLACE FUNCTION app.measured(p_quantity numeric, p_data jsonb, p_value_property text)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case when p_value_property is null then coalesce(p_quantity, 1)
              when p_data ->> p_value_property ~ '^[0-9]{1,12}(\.[0-9]{1,12})?$' then (p_data ->> p_value_property)::numeric end
$function$;
revoke all on function app.measured(numeric,jsonb,text) from public;
grant execute on function app.measured(numeric,jsonb,text) to tollgate_app, tollgate_job;

CREATE OR REPLACE FUNCTION app.memberships_of(p_subject text, p_verified_email text)
 RETURNS TABLE(user_id uuid, super_admin boolean, partner_id uuid, tenant_id uuid, role text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  v_user uuid;
begin
  -- Nobody without a subject: a null would take over an invitation again and again.
  if coalesce(p_subject, '') = '' then
    return;
  end if;
  select u.id into v_user from users u where u.subject = p_subject;
  if v_user is null and p_verified_email is not null then
    -- By the letters of ASCII too: lower() of Unicode takes U+212A (Kelvin) for k, and so another mailbox for this one.
    update users u set subject = p_subject
     where lower(u.email) = lower(p_verified_email)
       and lower(u.email collate "C") = lower(p_verified_email collate "C") and u.subject is null
    returning u.id into v_user;
    if v_user is null then
      -- The same person's other request may have been faster.
      select u.id into v_user from users u where u.subject = p_subject;
    end if;
  end if;
  if v_user is null then
    return;
  end if;
  -- Bounded for each partner: whoever invites somebody two hundred times pushes nobody else's account off the list.
  return query
    select v_user, true, null::uuid, null::uuid, r.role from user_roles r where r.user_id = v_user
    union all
    select v_user, false, p.partner_id, null::uuid, p.role from partner_users p where p.user_id = v_user
    union all
    select v_user, false, m.partner_id, m.tenant_id, m.role
      from (select p.*, row_number() over (partition by p.partner_id order by p.tenant_id) as place
              from profiles p where p.user_id = v_user) m
     where m.place <= 200
    order by 2 desc, 3, 4;
  if not found then
    return query select v_user, false, null::uuid, null::uuid, null::text;
  end if;
end $function$;
revoke all on function app.memberships_of(text,text) from public;
grant execute on function app.memberships_of(text,text) to tollgate_app;

CREATE OR REPLACE FUNCTION app.owes_without_method(p_tenant uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  select coalesce(d.without_method, 'DUN') = 'DUN'
         and (coalesce(t.payment_net_days, p.payment_net_days) is not null
              or exists (select from payment_methods m where m.tenant_id = t.id))
    from tenants t
    join partners p on p.id = t.partner_id
    left join partner_dunning_policies d on d.partner_id = t.partner_id
   where t.id = p_tenant
$function$;
revoke all on function app.owes_without_method(uuid) from public;
grant execute on function app.owes_without_method(uuid) to tollgate_app, tollgate_job;

CREATE OR REPLACE FUNCTION app.parked_billing_work(p_partner uuid, p_limit integer)
 RETURNS TABLE(tenant_id uuid, tenant_name text, partner_code text, reason text, detail text, parked_at timestamp with time zone, parked bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  select w.tenant_id, t.name, p.code, w.reason, w.detail, w.parked_at, count(*) over ()
    from billing_work w join tenants t on t.id = w.tenant_id join partners p on p.id = w.partner_id
   where w.parked_at is not null and (p_partner is null or w.partner_id = p_partner)
   order by w.parked_at, w.tenant_id limit p_limit
$function$;
revoke all on function app.parked_billing_work(uuid,integer) from public;
grant execute on function app.parked_billing_work(uuid,integer) to tollgate_job;

CREATE OR REPLACE FUNCTION app.partner_by_code(p_code text)
 RETURNS uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  select p.id from partners p where p.code = p_code
$function$;
revoke all on function app.partner_by_code(text) from public;
grant execute on function app.partner_by_code(text) to tollgate_job;

CREATE OR REPLACE FUNCTION app.payments_of_provider(p_provider text, p_from timestamp with time zone, p_after uuid, p_limit integer)
 RETURNS TABLE(tenant_id uuid, id uuid, external_id text, amount bigint, currency text, refunded bigint, status text, asked_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  select p.tenant_id, p.id, p.external_id,
         (p.amount + coalesce((select sum(c.amount) from payments c where c.tenant_id = p.tenant_id and c.carried_by = p.id), 0))::bigint,
         p.currency,
         coalesce((select sum(r.amount) from refunds r
                    where r.tenant_id = p.tenant_id and r.status = 'SUCCEEDED' and r.reason <> 'OUTSIDE'
                      and r.payment_id in (select p.id union all
                                           select c.id from payments c where c.tenant_id = p.tenant_id and c.carried_by = p.id)),
                  0)::bigint,
         p.status, p.first_asked_at
    from payments p
   where p.provider = p_provider and p.carried_by is null and p.first_asked_at >= p_from and (p_after is null or p.id > p_after)
   order by p.id limit p_limit
$function$;
revoke all on function app.payments_of_provider(text,timestamp with time zone,uuid,integer) from public;
grant execute on function app.payments_of_provider(text,timestamp with time zone,uuid,integer) to tollgate_job;

CREATE OR REPLACE PROCEDURE app.protect_partner_table(IN p_table regclass, IN p_tenants_read boolean DEFAULT true)
 LANGUAGE plpgsql
AS $procedure$
begin
  execute format('alter table %s enable row level security', p_table);
  execute format($policy$
    create policy partner_read on %1$s for select to tollgate_app, tollgate_job using (
      (partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
       or (select current_setting('app.scope', true)) = 'platform')%2$s)$policy$, p_table,
    case when p_tenants_read then '' else $clause$
      and (select current_setting('app.actor', true)) in ('PARTNER', 'PLATFORM')$clause$ end);
  execute format($policy$
    create policy partner_insert on %1$s for insert to tollgate_app with check (
      partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
      and (select current_setting('app.actor', true)) in ('PARTNER', 'PLATFORM')
      and (select current_setting('app.can_write', true)) = 'on')$policy$, p_table);
  execute format($policy$
    create policy partner_update on %1$s for update to tollgate_app using (
      partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
      and (select current_setting('app.actor', true)) in ('PARTNER', 'PLATFORM')
      and (select current_setting('app.can_write', true)) = 'on')$policy$, p_table);
  execute format($policy$
    create policy partner_delete on %1$s for delete to tollgate_app using (
      partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
      and (select current_setting('app.actor', true)) in ('PARTNER', 'PLATFORM')
      and (select current_setting('app.can_write', true)) = 'on')$policy$, p_table);
end $procedure$;
grant execute on procedure app.protect_partner_table(regclass,boolean) to public;

CREATE OR REPLACE PROCEDURE app.protect_tenant_table(IN p_table regclass, IN p_tenant_column text DEFAULT 'tenant_id'::text)
 LANGUAGE plpgsql
AS $procedure$
begin
  execute format('alter table %s enable row level security', p_table);
  execute format($policy$
    create policy tenant_read on %1$s for select to tollgate_app, tollgate_job using (
      %2$I = (select nullif(current_setting('app.tenant_id', true), '')::uuid)
      or ((select current_setting('app.scope', true)) = 'partner'
          and partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
          and ((select current_setting('app.sandbox_only', true)) = 'off' or app.is_sandbox(%2$I)))
      or (select current_setting('app.scope', true)) = 'platform')$policy$, p_table, p_tenant_column);
  execute format($policy$
    create policy tenant_insert on %1$s for insert to tollgate_app, tollgate_job with check (
      %2$I = (select nullif(current_setting('app.tenant_id', true), '')::uuid)
      and partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
      and (select current_setting('app.can_write', true)) = 'on')$policy$, p_table, p_tenant_column);
  execute format($policy$
    create policy tenant_update on %1$s for update to tollgate_app, tollgate_job using (
      %2$I = (select nullif(current_setting('app.tenant_id', true), '')::uuid)
      and (select current_setting('app.can_write', true)) = 'on')$policy$, p_table, p_tenant_column);
  execute format($policy$
    create policy tenant_delete on %1$s for delete to tollgate_app, tollgate_job using (
      %2$I = (select nullif(current_setting('app.tenant_id', true), '')::uuid)
      and (select current_setting('app.can_write', true)) = 'on')$policy$, p_table, p_tenant_column);
end $procedure$;
grant execute on procedure app.protect_tenant_table(regclass,text) to public;

CREATE OR REPLACE FUNCTION app.remember(p_user text, p_partner text, p_tenant text, p_actor text, p_scope text, p_write boolean, p_sandbox_only boolean)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
    declare
      v_set text;
    begin
      v_set := pg_catalog.set_config('app.user_id', p_user, true);
      v_set := pg_catalog.set_config('app.partner_id', p_partner, true);
      v_set := pg_catalog.set_config('app.tenant_id', p_tenant, true);
      v_set := pg_catalog.set_config('app.actor', p_actor, true);
      v_set := pg_catalog.set_config('app.scope', p_scope, true);
      v_set := pg_catalog.set_config('app.can_write', case when p_write then 'on' else 'off' end, true);
      v_set := pg_catalog.set_config('app.sandbox_only', case when p_sandbox_only then 'on' else 'off' end, true);
      return p_actor;
    end $function$;
revoke all on function app.remember(text,text,text,text,text,boolean,boolean) from public;

CREATE OR REPLACE FUNCTION app.reserve_coupon(p_coupon uuid, p_change integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
end $function$;
revoke all on function app.reserve_coupon(uuid,integer) from public;
grant execute on function app.reserve_coupon(uuid,integer) to tollgate_app, tollgate_job;

CREATE OR REPLACE FUNCTION app.retry_inbound_event(p_id uuid, p_now timestamp with time zone)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  v_status text;
begin
  if coalesce(current_setting('app.scope', true), '') <> 'platform'
     or coalesce(current_setting('app.can_write', true), '') <> 'on' then
    return null;
  end if;
  select e.status into v_status from inbound_events e where e.id = p_id for update;
  if v_status = 'PARKED' then
    update inbound_events set status = 'RECEIVED', settled_at = null, attempts = 0, next_try_at = p_now where id = p_id;
  end if;
  return v_status;
end $function$;
revoke all on function app.retry_inbound_event(uuid,timestamp with time zone) from public;
grant execute on function app.retry_inbound_event(uuid,timestamp with time zone) to tollgate_app;

CREATE OR REPLACE FUNCTION app.retry_licence_steps(p_provider text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  update licence_subscription_ends set steps = 0, next_step_at = null
   where provider = p_provider and ended_at is null and steps >= 40;
  update licences l set steps = 0, next_step_at = null
   where l.auto_renew and l.provider_seats <> l.seats and l.replaced_at is null and l.steps >= 40
     and exists (select 1 from licence_purchases p
                  where p.tenant_id = l.tenant_id and p.licence_id = l.id and p.provider = p_provider);
  update licence_purchases set refund_steps = 0, refund_next_at = null
   where provider = p_provider and refused_at is not null and refund_asked_at is null and refund_steps >= 40;
$function$;
revoke all on function app.retry_licence_steps(text) from public;
grant execute on function app.retry_licence_steps(text) to tollgate_job;

CREATE OR REPLACE FUNCTION app.run_check(p_name text)
 RETURNS TABLE(findings bigint, example text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  v_findings bigint;
  v_example text;
begin
  if p_name is null or p_name !~ '^check_[a-z_]+$' or not exists (
    select 1 from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'v' and c.relname = p_name) then
    raise exception 'no such check' using errcode = 'TG404';
  end if;
  if p_name = 'check_changed_documents' then
    insert into document_seals (tenant_id, document_id, partner_id, seal, sealed_at)
    select d.tenant_id, d.document_id, d.partner_id, d.seal, clock_timestamp() from document_contents d
     where not exists (select 1 from document_seals s where s.tenant_id = d.tenant_id and s.document_id = d.document_id)
    on conflict do nothing;
  end if;
  execute format('select count(*), min(v.subject || '': '' || v.detail) from %I v', p_name) into v_findings, v_example;
  insert into check_results as r (name, findings, example, checked_at) values (p_name, v_findings, v_example, clock_timestamp())
  on conflict (name) do update
    set findings = excluded.findings, example = excluded.example, checked_at = excluded.checked_at;
  return query select v_findings, v_example;
end $function$;
revoke all on function app.run_check(text) from public;
grant execute on function app.run_check(text) to tollgate_job;

CREATE OR REPLACE FUNCTION app.settle_inbound_event(p_provider text, p_event_id text, p_status text, p_reason text, p_tenant uuid, p_now timestamp with time zone, p_next_try timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
begin
  update inbound_events e
     set status = p_status, reason = p_reason, next_try_at = coalesce(p_next_try, e.next_try_at),
         settled_at = case when p_status = 'RECEIVED' then null else p_now end,
         tenant_id = coalesce(p_tenant, e.tenant_id),
         partner_id = coalesce((select t.partner_id from tenants t where t.id = p_tenant), e.partner_id)
   where e.provider = p_provider and e.event_id = p_event_id and e.status = 'RECEIVED';
  return found;
end $function$;
revoke all on function app.settle_inbound_event(text,text,text,text,uuid,timestamp with time zone,timestamp with time zone) from public;
grant execute on function app.settle_inbound_event(text,text,text,text,uuid,timestamp with time zone,timestamp with time zone) to tollgate_job;

CREATE OR REPLACE FUNCTION app.store_inbound_event(p_provider text, p_event_id text, p_id uuid, p_type text, p_occurred_at timestamp with time zone, p_live boolean, p_body text, p_now timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
begin
  insert into inbound_events (provider, event_id, id, type, occurred_at, live, body, next_try_at, received_at)
  values (p_provider, p_event_id, p_id, p_type, p_occurred_at, p_live, p_body, p_now, p_now)
  on conflict (provider, event_id) do nothing;
  return found;
end $function$;
revoke all on function app.store_inbound_event(text,text,uuid,text,timestamp with time zone,boolean,text,timestamp with time zone) from public;
grant execute on function app.store_inbound_event(text,text,uuid,text,timestamp with time zone,boolean,text,timestamp with time zone) to tollgate_app;

CREATE OR REPLACE FUNCTION app.stripe_open_checkouts(p_live boolean, p_after uuid, p_limit integer)
 RETURNS TABLE(tenant_id uuid, id uuid, session_external_id text, status text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  select c.tenant_id, c.id, c.session_external_id, c.status
    from stripe_checkouts c
   where c.live = p_live and c.status in ('PENDING', 'OPEN') and c.session_external_id is not null
     and (p_after is null or c.id > p_after)
   order by c.id limit p_limit
$function$;
revoke all on function app.stripe_open_checkouts(boolean,uuid,integer) from public;
grant execute on function app.stripe_open_checkouts(boolean,uuid,integer) to tollgate_job;

CREATE OR REPLACE FUNCTION app.stripe_subscriptions(p_live boolean, p_after uuid, p_limit integer)
 RETURNS TABLE(tenant_id uuid, id uuid, external_id text, status text, cancels boolean, period_end timestamp with time zone, parked boolean, ends_at timestamp with time zone, quantity bigint, unit_amount bigint, currency text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
$function$;
revoke all on function app.stripe_subscriptions(boolean,uuid,integer) from public;
grant execute on function app.stripe_subscriptions(boolean,uuid,integer) to tollgate_job;

CREATE OR REPLACE FUNCTION app.take_budgets(p_names text[], p_used double precision[], p_wanted double precision[], p_per_second double precision[], p_most double precision[])
 RETURNS TABLE(place integer, granted double precision, points double precision)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  v_now timestamptz := clock_timestamp();
  v_one record;
  v_left double precision;
begin
  -- Always in the same order: two that take the same budgets wait for each other once.
  for v_one in
    select i.place::integer, p_names[i.place] as name, greatest(p_used[i.place], 0) as used,
           greatest(p_wanted[i.place], 0) as wanted, p_per_second[i.place] as per_second, p_most[i.place] as most
      from generate_subscripts(p_names, 1) i(place) order by p_names[i.place], i.place
  loop
    insert into request_budgets (name, points, changed_at) values (v_one.name, v_one.most, v_now)
      on conflict on constraint request_budgets_pkey do nothing;
    select least(v_one.most,
                 b.points + v_one.per_second * greatest(extract(epoch from v_now - b.changed_at), 0)::double precision)
           - v_one.used
      into v_left from request_budgets b where b.name = v_one.name for update;
    place := v_one.place;
    -- Whole points: a part of one would never become one.
    granted := least(v_one.wanted, greatest(floor(v_left), 0));
    -- A debt is never larger than what could be saved: it is worked off in the same time.
    points := greatest(v_left - granted, -v_one.most);
    update request_budgets b set points = take_budgets.points, changed_at = greatest(b.changed_at, v_now)
     where b.name = v_one.name;
    return next;
  end loop;
  -- One that has not been used for an hour is full again: the same as none.
  if random() < 0.002 then
    delete from request_budgets where name in (
      select b.name from request_budgets b where b.changed_at < v_now - interval '1 hour' limit 1000 for update skip locked);
  end if;
end $function$;
revoke all on function app.take_budgets(text[],double precision[],double precision[],double precision[],double precision[]) from public;
grant execute on function app.take_budgets(text[],double precision[],double precision[],double precision[],double precision[]) to tollgate_app;

CREATE OR REPLACE FUNCTION app.take_numbers(p_kind text, p_count integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
declare
  v_partner uuid := nullif(current_setting('app.partner_id', true), '')::uuid;
  v_first bigint;
begin
  if v_partner is null or current_setting('app.can_write', true) is distinct from 'on'
     or p_kind is null or p_kind not in ('INVOICE', 'CREDIT_NOTE') or p_count is null or p_count < 1 then
    raise exception 'no such account' using errcode = 'TG403';
  end if;
  -- A row that does not exist yet cannot be locked.
  insert into invoice_numbers (partner_id) values (v_partner) on conflict (partner_id) do nothing;
  if p_kind = 'INVOICE' then
    update invoice_numbers n set next_invoice = next_invoice + p_count where n.partner_id = v_partner
    returning n.next_invoice - p_count into v_first;
  else
    update invoice_numbers n set next_credit_note = next_credit_note + p_count where n.partner_id = v_partner
    returning n.next_credit_note - p_count into v_first;
  end if;
  return v_first;
end $function$;
revoke all on function app.take_numbers(text,integer) from public;
grant execute on function app.take_numbers(text,integer) to tollgate_app, tollgate_job;

CREATE OR REPLACE FUNCTION app.tenant_of_licence(p_provider text, p_kind text, p_external_id text)
 RETURNS uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
  select p.tenant_id from licence_purchases p
   where p_kind = 'LICENCE_CHECKOUT' and p.checkout_id = p_external_id and p.provider = p_provider
  union all
  select l.tenant_id from licences l
   where p_kind = 'LICENCE_SUBSCRIPTION' and l.provider_subscription_id = p_external_id
  union all
  select e.tenant_id from licence_subscription_ends e
   where p_kind = 'LICENCE_SUBSCRIPTION' and e.provider_subscription_id = p_external_id and e.provider = p_provider
  limit 1
$function$;
revoke all on function app.tenant_of_licence(text,text,text) from public;
grant execute on function app.tenant_of_licence(text,text,text) to tollgate_job;

CREATE OR REPLACE FUNCTION app.tenant_of_provider_object(p_provider text, p_kind text, p_external text)
 RETURNS uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
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
$function$;
revoke all on function app.tenant_of_provider_object(text,text,text) from public;
grant execute on function app.tenant_of_provider_object(text,text,text) to tollgate_job;

CREATE OR REPLACE FUNCTION app.uniques_in(p_tenant uuid, p_feature uuid, p_start timestamp with time zone, p_end timestamp with time zone)
 RETURNS numeric
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  v_quarter interval := interval '15 minutes';
  v_first_quarter timestamptz := date_bin(v_quarter, p_start - interval '1 microsecond', timestamptz 'epoch') + v_quarter;
  v_last_quarter timestamptz := date_bin(v_quarter, p_end, timestamptz 'epoch');
  v_first_day timestamptz := date_trunc('day', p_start - interval '1 microsecond', 'UTC') + interval '24 hours';
  v_last_day timestamptz := date_trunc('day', p_end, 'UTC');
begin
  if v_first_quarter > v_last_quarter then
    v_first_quarter := p_end;
    v_last_quarter := p_end;
  end if;
  if v_first_day >= v_last_day then
    v_first_day := v_last_quarter;
    v_last_day := v_last_quarter;
  end if;
  return (select count(*) from (
    select u.value from usage_uniques u
     where u.tenant_id = p_tenant and u.feature_id = p_feature and u.grain = 'DAY'
       and u.bucket_start >= v_first_day and u.bucket_start < v_last_day
    union
    select u.value from usage_uniques u
     where u.tenant_id = p_tenant and u.feature_id = p_feature and u.grain = 'QUARTER'
       and (u.bucket_start >= v_first_quarter and u.bucket_start < v_first_day
            or u.bucket_start >= v_last_day and u.bucket_start < v_last_quarter)
    union
    select e.unique_value from app.events_of(p_tenant, p_feature, p_start, v_first_quarter) e
    union
    select e.unique_value from app.events_of(p_tenant, p_feature, v_last_quarter, p_end) e) seen);
end $function$;
revoke all on function app.uniques_in(uuid,uuid,timestamp with time zone,timestamp with time zone) from public;
grant execute on function app.uniques_in(uuid,uuid,timestamp with time zone,timestamp with time zone) to tollgate_app, tollgate_job;

CREATE OR REPLACE FUNCTION app.usage_counts(p_tenants uuid[], p_features uuid[], p_starts timestamp with time zone[], p_ends timestamp with time zone[])
 RETURNS TABLE(place integer, used numeric)
 LANGUAGE sql
 STABLE
AS $function$
  -- Sums of whole quarters of an hour; everything else is asked one by one.
  with asked as materialized (
    select q.place::integer as place, q.tenant_id, q.feature_id, q.window_start, q.window_end,
      coalesce(m.aggregation, 'SUM') as aggregation,
      coalesce(m.aggregation, 'SUM') in ('SUM', 'COUNT', 'MAX')
        and q.window_start = date_bin(interval '15 minutes', q.window_start, timestamptz 'epoch')
        and q.window_end = date_bin(interval '15 minutes', q.window_end, timestamptz 'epoch') as by_rollups,
      case when d.first_day > d.last_day then q.window_end else d.first_day end as first_day,
      case when d.first_day > d.last_day then q.window_end else d.last_day end as last_day
    from unnest(p_tenants, p_features, p_starts, p_ends) with ordinality
      as q(tenant_id, feature_id, window_start, window_end, place)
    left join meters m on m.feature_id = q.feature_id
    cross join lateral (
      select date_trunc('day', q.window_start - interval '1 microsecond', 'UTC') + interval '24 hours' as first_day,
        date_trunc('day', q.window_end, 'UTC') as last_day
    ) d
  ), found as (
    select a.place, r.quantity, r.events, r.maximum from asked a
    join usage_rollups r on r.tenant_id = a.tenant_id and r.feature_id = a.feature_id and r.grain = 'DAY'
      and r.bucket_start >= a.first_day and r.bucket_start < a.last_day
    where a.by_rollups
    union all
    select a.place, r.quantity, r.events, r.maximum from asked a
    join usage_rollups r on r.tenant_id = a.tenant_id and r.feature_id = a.feature_id and r.grain = 'QUARTER'
      and r.bucket_start >= a.window_start and r.bucket_start < a.first_day
    where a.by_rollups
    union all
    select a.place, r.quantity, r.events, r.maximum from asked a
    join usage_rollups r on r.tenant_id = a.tenant_id and r.feature_id = a.feature_id and r.grain = 'QUARTER'
      and r.bucket_start >= a.last_day and r.bucket_start < a.window_end
    where a.by_rollups
  ), summed as (
    select f.place, sum(f.quantity) as quantity, sum(f.events) as events, max(f.maximum) as maximum from found f group by f.place
  )
  select a.place, coalesce(
    case when not a.by_rollups then app.usage_in(a.tenant_id, a.feature_id, a.window_start, a.window_end)
      when a.aggregation = 'COUNT' then s.events when a.aggregation = 'MAX' then s.maximum else s.quantity end, 0)
  from asked a left join summed s on s.place = a.place order by a.place
$function$;
revoke all on function app.usage_counts(uuid[],uuid[],timestamp with time zone[],timestamp with time zone[]) from public;
grant execute on function app.usage_counts(uuid[],uuid[],timestamp with time zone[],timestamp with time zone[]) to tollgate_app, tollgate_job;

CREATE OR REPLACE FUNCTION app.usage_in(p_tenant uuid, p_feature uuid, p_start timestamp with time zone, p_end timestamp with time zone)
 RETURNS numeric
 LANGUAGE sql
 STABLE
AS $function$
  select u.used from app.use_of(p_tenant, p_feature, p_start, p_end) u
$function$;
revoke all on function app.usage_in(uuid,uuid,timestamp with time zone,timestamp with time zone) from public;
grant execute on function app.usage_in(uuid,uuid,timestamp with time zone,timestamp with time zone) to tollgate_app, tollgate_job;

CREATE OR REPLACE FUNCTION app.usage_pieces(p_tenant uuid, p_feature uuid, p_start timestamp with time zone, p_end timestamp with time zone)
 RETURNS TABLE(quantity numeric, events bigint, maximum numeric, latest_quantity numeric, latest_at timestamp with time zone, latest_key text)
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  v_quarter interval := interval '15 minutes';
  v_first_quarter timestamptz := date_bin(v_quarter, p_start - interval '1 microsecond', timestamptz 'epoch') + v_quarter;
  v_last_quarter timestamptz := date_bin(v_quarter, p_end, timestamptz 'epoch');
  v_first_day timestamptz := date_trunc('day', p_start - interval '1 microsecond', 'UTC') + interval '24 hours';
  v_last_day timestamptz := date_trunc('day', p_end, 'UTC');
begin
  if v_first_quarter > v_last_quarter then
    v_first_quarter := p_end;
    v_last_quarter := p_end;
  end if;
  if v_first_day >= v_last_day then
    v_first_day := v_last_quarter;
    v_last_day := v_last_quarter;
  end if;
  return query
    select r.quantity, r.events, r.maximum, r.latest_quantity, r.latest_at::timestamptz, r.latest_key from usage_rollups r
     where r.tenant_id = p_tenant and r.feature_id = p_feature and r.grain = 'DAY'
       and r.bucket_start >= v_first_day and r.bucket_start < v_last_day
    union all
    select r.quantity, r.events, r.maximum, r.latest_quantity, r.latest_at::timestamptz, r.latest_key from usage_rollups r
     where r.tenant_id = p_tenant and r.feature_id = p_feature and r.grain = 'QUARTER'
       and r.bucket_start >= v_first_quarter and r.bucket_start < v_first_day
    union all
    select r.quantity, r.events, r.maximum, r.latest_quantity, r.latest_at::timestamptz, r.latest_key from usage_rollups r
     where r.tenant_id = p_tenant and r.feature_id = p_feature and r.grain = 'QUARTER'
       and r.bucket_start >= v_last_day and r.bucket_start < v_last_quarter;
  if p_start < v_first_quarter or v_last_quarter < p_end then
    return query
      select v.quantity, 1::bigint, v.quantity, v.quantity, e.happened_at::timestamptz, e.event_key
        from app.events_of(p_tenant, p_feature, p_start, v_first_quarter) e,
             lateral (select e.measured) v(quantity)
      union all
      select v.quantity, 1::bigint, v.quantity, v.quantity, e.happened_at::timestamptz, e.event_key
        from app.events_of(p_tenant, p_feature, v_last_quarter, p_end) e,
             lateral (select e.measured) v(quantity);
  end if;
end $function$;
revoke all on function app.usage_pieces(uuid,uuid,timestamp with time zone,timestamp with time zone) from public;
grant execute on function app.usage_pieces(uuid,uuid,timestamp with time zone,timestamp with time zone) to tollgate_app, tollgate_job;

CREATE OR REPLACE FUNCTION app.use_of(p_tenant uuid, p_feature uuid, p_start timestamp with time zone, p_end timestamp with time zone, OUT used numeric, OUT aggregation text)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  v_first_day timestamptz;
  v_last_day timestamptz;
  v_events bigint;
  v_maximum numeric;
begin
  select m.aggregation into aggregation from meters m where m.feature_id = p_feature;
  aggregation := coalesce(aggregation, 'SUM');
  if aggregation = 'UNIQUE_COUNT' then
    used := app.uniques_in(p_tenant, p_feature, p_start, p_end);
  elsif aggregation = 'LATEST' then
    select p.latest_quantity into used from app.usage_pieces(p_tenant, p_feature, p_start, p_end) p
     order by p.latest_at desc, p.latest_key collate "C" desc limit 1;
  elsif p_start <> date_bin(interval '15 minutes', p_start, timestamptz 'epoch')
     or p_end <> date_bin(interval '15 minutes', p_end, timestamptz 'epoch') then
    -- It begins or ends within a quarter: what a plan change splits, and no check.
    select sum(p.quantity), sum(p.events), max(p.maximum) into used, v_events, v_maximum
      from app.usage_pieces(p_tenant, p_feature, p_start, p_end) p;
  else
    v_first_day := date_trunc('day', p_start - interval '1 microsecond', 'UTC') + interval '24 hours';
    v_last_day := date_trunc('day', p_end, 'UTC');
    if v_first_day > v_last_day then
      v_first_day := p_end;
      v_last_day := p_end;
    end if;
    -- One statement: each one more starts with the policies' settings again.
    select sum(r.quantity), sum(r.events), max(r.maximum) into used, v_events, v_maximum from (
      select d.quantity, d.events, d.maximum from usage_rollups d
       where d.tenant_id = p_tenant and d.feature_id = p_feature and d.grain = 'DAY'
         and d.bucket_start >= v_first_day and d.bucket_start < v_last_day
      union all
      select q.quantity, q.events, q.maximum from usage_rollups q
       where q.tenant_id = p_tenant and q.feature_id = p_feature and q.grain = 'QUARTER'
         and q.bucket_start >= p_start and q.bucket_start < v_first_day
      union all
      select q.quantity, q.events, q.maximum from usage_rollups q
       where q.tenant_id = p_tenant and q.feature_id = p_feature and q.grain = 'QUARTER'
         and q.bucket_start >= v_last_day and q.bucket_start < p_end
    ) r;
  end if;
  used := coalesce(case aggregation when 'COUNT' then v_events when 'MAX' then v_maximum else used end, 0);
end $function$;
revoke all on function app.use_of(uuid,uuid,timestamp with time zone,timestamp with time zone) from public;
grant execute on function app.use_of(uuid,uuid,timestamp with time zone,timestamp with time zone) to tollgate_app, tollgate_job;
