-- What usage costs. A price is one value, read whole with its allowance: a list of {currency, inside, overage}, each of them a
-- price model. A plan version's never changes; an add-on's is copied into each attachment when it is sold.

alter table plan_features add column usage_prices jsonb not null default '[]' check (jsonb_typeof(usage_prices) = 'array');
alter table addon_features add column usage_prices jsonb not null default '[]' check (jsonb_typeof(usage_prices) = 'array');

-- A snapshot like unit_amount: [{featureId, inside, overage}] in the attachment's currency.
alter table partner_tenant_addon_subscriptions add column usage_prices jsonb not null default '[]'
  check (jsonb_typeof(usage_prices) = 'array');

-- What the source's units cost the tenant: {inside, overage}; null: nothing inside, and nothing is sold beyond.
alter table tenant_entitlements add column usage_price jsonb;
grant update (usage_price) on tenant_entitlements to tollgate_app, tollgate_job;
