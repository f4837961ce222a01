-- Documents (invoices, credit notes), the credit balance, and the account of what each item was charged.

create table invoice_numbers (
  partner_id uuid primary key references partners (id),
  next_invoice bigint not null default 1,
  next_credit_note bigint not null default 1
);
alter table invoice_numbers enable row level security;
create policy partner_read on invoice_numbers for select to tollgate_app, tollgate_job using (
  partner_id = (select nullif(current_setting('app.partner_id', true), '')::uuid)
  and (select current_setting('app.actor', true)) in ('PARTNER', 'PLATFORM'));
grant select on invoice_numbers to tollgate_app;

-- Gap-free numbers per partner: the counter moves in the transaction that writes the numbers, or not at all. A function
-- of the owner, because a tenant's own purchase takes a number but must not write the partner's row.
create function app.take_numbers(p_kind text, p_count integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
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
end $$;
revoke all on function app.take_numbers(text, integer) from public;
grant execute on function app.take_numbers(text, integer) to tollgate_app, tollgate_job;

create table invoices (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  number text not null,
  kind text not null check (kind in ('PERIOD', 'ONE_TIME')),
  reason text not null check (reason in ('START', 'RENEWAL', 'PLAN_CHANGE', 'ADDON', 'FINAL')),
  status text not null check (status in ('DRAFT', 'FINALIZED', 'PAID', 'VOID', 'UNCOLLECTIBLE')),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- Sums of rounded lines: subtotal (charges and proration credits) − discounts = total; total − balance used = due.
  subtotal bigint not null,
  discount bigint not null check (discount >= 0),
  total bigint not null check (total >= 0),
  credit_applied bigint not null default 0 check (credit_applied >= 0),
  amount_due bigint not null check (amount_due >= 0),
  period_start timestamptz(3),
  period_end timestamptz(3),
  coupon_order text not null,
  issued_at timestamptz(3) not null,
  created_at timestamptz(3) not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id) deferrable initially deferred,
  unique (tenant_id, number),
  check (total = subtotal - discount),
  check (amount_due = total - credit_applied),
  check (kind <> 'PERIOD' or (period_start is not null and period_end is not null))
);
-- Each period is billed once; the database forbids a second bill.
create unique index invoices_one_per_period on invoices (tenant_id, subscription_id, period_start) where kind = 'PERIOD';
create index invoices_in_order on invoices (tenant_id, issued_at, id);
create index invoices_of_partner on invoices (partner_id, id);
call app.protect_tenant_table('invoices');
grant select, insert, update (status) on invoices to tollgate_app, tollgate_job;

create table invoice_lines (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  invoice_id uuid not null,
  position integer not null check (position >= 1),
  kind text not null check (kind in ('PLAN_FIXED', 'ADDON_FIXED', 'PRORATION_CHARGE', 'PRORATION_CREDIT',
    'PLAN_USAGE', 'ADDON_USAGE', 'OVERAGE', 'DISCOUNT', 'LICENCE', 'TAX', 'CREDIT_APPLIED')),
  -- What the line is for: the plan phase, the attachment, or the coupon of a discount.
  source_kind text not null check (source_kind in ('PLAN', 'ADDON', 'COUPON')),
  source_id uuid not null,
  -- A discount names the line it takes from.
  discounts_line_id uuid,
  description text not null,
  quantity numeric(32, 12) not null check (quantity <> 'NaN'),
  amount bigint not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  period_start timestamptz(3),
  period_end timestamptz(3),
  explanation jsonb not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id),
  foreign key (tenant_id, discounts_line_id) references invoice_lines (tenant_id, id),
  unique (tenant_id, invoice_id, position)
);
create trigger append_only before update or delete on invoice_lines for each row execute function app.forbid_change();
call app.protect_tenant_table('invoice_lines');
grant select, insert on invoice_lines to tollgate_app, tollgate_job;

create table credit_notes (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  number text not null,
  reason text not null check (reason in ('PLAN_CHANGE', 'ADDON_CANCELLED', 'CANCELLATION', 'CORRECTION')),
  settlement text not null check (settlement in ('CREDIT_BALANCE', 'REFUND', 'NONE')),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  total bigint not null check (total >= 0),
  issued_at timestamptz(3) not null,
  created_at timestamptz(3) not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id),
  unique (tenant_id, number)
);
create index credit_notes_in_order on credit_notes (tenant_id, issued_at, id);
create trigger append_only before update or delete on credit_notes for each row execute function app.forbid_change();
call app.protect_tenant_table('credit_notes');
grant select, insert on credit_notes to tollgate_app, tollgate_job;

-- Positive: in the tenant's favour. A charge that the credit paid for at once stands here as a negative line.
create table credit_note_lines (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  credit_note_id uuid not null,
  position integer not null check (position >= 1),
  kind text not null check (kind in ('PRORATION_CREDIT', 'PRORATION_CHARGE', 'DISCOUNT', 'CORRECTION')),
  source_kind text not null check (source_kind in ('PLAN', 'ADDON', 'COUPON')),
  source_id uuid not null,
  -- The invoice line that is credited, where it is one.
  invoice_line_id uuid,
  description text not null,
  quantity numeric(32, 12) not null check (quantity <> 'NaN'),
  amount bigint not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  period_start timestamptz(3),
  period_end timestamptz(3),
  explanation jsonb not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, credit_note_id) references credit_notes (tenant_id, id),
  foreign key (tenant_id, invoice_line_id) references invoice_lines (tenant_id, id),
  unique (tenant_id, credit_note_id, position)
);
create trigger append_only before update or delete on credit_note_lines for each row execute function app.forbid_change();
call app.protect_tenant_table('credit_note_lines');
grant select, insert on credit_note_lines to tollgate_app, tollgate_job;

create table credit_balances (
  tenant_id uuid not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  partner_id uuid not null,
  balance bigint not null default 0 check (balance >= 0),
  primary key (tenant_id, currency),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id)
);
call app.protect_tenant_table('credit_balances');
grant select, insert, update (balance) on credit_balances to tollgate_app, tollgate_job;

create table credit_balance_entries (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  currency text not null,
  -- Positive: credit granted. Negative: applied to an invoice.
  amount bigint not null check (amount <> 0),
  balance_after bigint not null check (balance_after >= 0),
  kind text not null check (kind in ('CREDIT_NOTE', 'APPLIED')),
  credit_note_id uuid,
  invoice_id uuid,
  created_at timestamptz(3) not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, currency) references credit_balances (tenant_id, currency),
  foreign key (tenant_id, credit_note_id) references credit_notes (tenant_id, id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id)
);
create index credit_balance_entries_in_order on credit_balance_entries (tenant_id, currency, id);
create trigger append_only before update or delete on credit_balance_entries
  for each row execute function app.forbid_change();
call app.protect_tenant_table('credit_balance_entries');
grant select, insert on credit_balance_entries to tollgate_app, tollgate_job;

-- The account of every item in every period: what was charged, discounted, waived or given back. A credit is
-- never more than what stands here, whatever documents were written and even where a net of zero wrote none.
create table item_charges (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  item_id uuid not null,
  period_start timestamptz(3) not null,
  period_end timestamptz(3) not null,
  kind text not null check (kind in ('CHARGE', 'DISCOUNT', 'CREDIT', 'WAIVED')),
  amount bigint not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- The part of the full period that the amount covers, e.g. 11 of 31 days.
  share_remaining bigint not null check (share_remaining >= 0),
  share_total bigint not null check (share_total >= 1),
  invoice_line_id uuid,
  credit_note_line_id uuid,
  created_at timestamptz(3) not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id) deferrable initially deferred,
  foreign key (tenant_id, invoice_line_id) references invoice_lines (tenant_id, id),
  foreign key (tenant_id, credit_note_line_id) references credit_note_lines (tenant_id, id)
);
create index item_charges_of_period on item_charges (tenant_id, subscription_id, period_start);
create trigger append_only before update or delete on item_charges for each row execute function app.forbid_change();
call app.protect_tenant_table('item_charges');
grant select, insert on item_charges to tollgate_app, tollgate_job;

create table plan_change_prorations (
  tenant_id uuid not null,
  id uuid not null,
  partner_id uuid not null,
  subscription_id uuid not null,
  changed_at timestamptz(3) not null,
  plan_id_before uuid not null,
  plan_id_after uuid not null,
  interval_before text not null,
  interval_after text not null,
  quantity_before bigint not null,
  quantity_after bigint not null,
  basis text not null check (basis in ('DAY', 'SECOND', 'NONE')),
  anchor_mode text not null check (anchor_mode in ('KEEP', 'RESET')),
  share_remaining bigint not null,
  share_total bigint not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  unused_credit bigint not null check (unused_credit >= 0),
  new_charge bigint not null check (new_charge >= 0),
  coupon_discount bigint not null check (coupon_discount >= 0),
  -- Negative: in the tenant's favour.
  net_amount bigint not null,
  waived boolean not null,
  settlement text not null check (settlement in ('INVOICE', 'CREDIT_BALANCE', 'REFUND', 'NONE', 'WAIVED')),
  invoice_id uuid,
  credit_note_id uuid,
  coupon_id uuid,
  lines jsonb not null,
  actor_id uuid,
  created_at timestamptz(3) not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, subscription_id) references subscriptions (tenant_id, id),
  foreign key (tenant_id, invoice_id) references invoices (tenant_id, id),
  foreign key (tenant_id, credit_note_id) references credit_notes (tenant_id, id),
  foreign key (partner_id, plan_id_before) references plans (partner_id, id),
  foreign key (partner_id, plan_id_after) references plans (partner_id, id)
);
create index plan_change_prorations_in_order on plan_change_prorations (tenant_id, subscription_id, changed_at, id);
create trigger append_only before update or delete on plan_change_prorations
  for each row execute function app.forbid_change();
call app.protect_tenant_table('plan_change_prorations');
grant select, insert on plan_change_prorations to tollgate_app, tollgate_job;
