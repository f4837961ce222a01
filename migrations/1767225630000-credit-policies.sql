-- What a partner's credits go by for something that ends early: USAGE, by what is left of what it includes where that is less than the
-- time; TIME_FOR_PARTNER, by time where the partner acts; TIME, always by time. Each version is a row that stays: who chose
-- what, and when. A partner without a row goes by USAGE.
create table partner_credit_policies (
  partner_id uuid not null references partners (id),
  version integer not null check (version >= 1),
  credit_basis text not null check (credit_basis in ('USAGE', 'TIME_FOR_PARTNER', 'TIME')),
  -- The person or API key.
  actor_id uuid,
  created_at timestamptz(3) not null,
  primary key (partner_id, version)
);
call app.protect_partner_table('partner_credit_policies');
grant select, insert on partner_credit_policies to tollgate_app;
grant select on partner_credit_policies to tollgate_job;
create trigger append_only before update or delete on partner_credit_policies
  for each row execute function app.forbid_change();
