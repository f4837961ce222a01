-- How far the windows of each feature are billed. What a window's count has grown by since (an event that came late) is
-- billed on the next invoice, and only that: a bill that is carried out twice finds nothing left to bill.

create table billed_usage (
  tenant_id uuid not null,
  subscription_id uuid not null,
  feature_id uuid not null,
  window_start timestamptz(3) not null,
  partner_id uuid not null,
  -- Null: it never starts over.
  window_end timestamptz(3),
  billed_until timestamptz(3) not null,
  -- The window's count up to then, as it was billed.
  quantity numeric(38, 12) not null check (quantity >= 0 and quantity <> 'NaN'),
  -- The sources whose price for this window was due before it began.
  paid_in_advance uuid[] not null default '{}',
  -- By the server's clock, not by a sandbox's: what was added to a count after it is late.
  billed_at timestamptz(3) not null,
  primary key (tenant_id, subscription_id, feature_id, window_start),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id),
  foreign key (partner_id, feature_id) references features (partner_id, id),
  check (billed_until >= window_start)
);
create index billed_usage_by_feature on billed_usage (partner_id, feature_id);
call app.protect_tenant_table('billed_usage');
grant select, insert, update (billed_until, quantity, paid_in_advance, billed_at) on billed_usage to tollgate_app, tollgate_job;
