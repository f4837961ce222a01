-- What was credited of items whose allowances were not used up, and all that it was computed from but the counts: usage of before
-- that is told later is charged by it.
create table unused_credits (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  -- The act: what happened up to it counts.
  credited_at timestamptz(3) not null,
  feature_ids uuid[] not null check (cardinality(feature_ids) > 0),
  -- The earliest of the windows that it was counted in.
  window_start timestamptz(3) not null,
  -- Before tax, less what was charged again since.
  amount bigint not null check (amount >= 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  facts jsonb not null check (jsonb_typeof(facts) = 'object'),
  -- By the server's clock.
  counted_at timestamptz(3) not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id)
);
create index unused_credits_that_stand on unused_credits (tenant_id) where amount > 0;
call app.protect_tenant_table('unused_credits');
call app.let_many_tenants_in('unused_credits');
grant select, insert, update (amount, counted_at) on unused_credits to tollgate_app, tollgate_job;
