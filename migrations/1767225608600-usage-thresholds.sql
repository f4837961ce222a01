-- What was told of a limit, to be looked up: the share that was reached, of which limit, by how much.
alter table usage_thresholds
  add column id uuid not null,
  -- Null: it never starts over.
  add column window_end timestamptz(3),
  add column limit_quantity numeric(38, 12) not null check (limit_quantity >= 0 and limit_quantity <> 'NaN'),
  add column used numeric(38, 12) not null check (used >= 0 and used <> 'NaN'),
  add unique (tenant_id, id);
