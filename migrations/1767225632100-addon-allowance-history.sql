-- What an add-on gave before its features were changed: a read as of an instant answers by the first row that was replaced after it.
create table addon_allowance_history (
  partner_id uuid not null,
  id uuid not null,
  addon_id uuid not null,
  replaced_at timestamptz(3) not null,
  allowances jsonb not null,
  primary key (partner_id, id),
  foreign key (partner_id, addon_id) references partner_addons (partner_id, id)
);
create index addon_allowance_history_by_addon on addon_allowance_history (addon_id, replaced_at);
call app.protect_partner_table('addon_allowance_history');
grant select, insert on addon_allowance_history to tollgate_app;
grant select on addon_allowance_history to tollgate_job;
