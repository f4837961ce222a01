-- What becomes of an issued invoice: paid, void or uncollectible; credit notes by line.

alter table invoices
  add column paid_at timestamptz(3),
  -- How it was paid outside the system: a bank reference, a cheque's number.
  add column payment_reference text check (length(payment_reference) between 1 and 200),
  add column voided_at timestamptz(3),
  add column void_reason text check (length(void_reason) between 1 and 500),
  add column uncollectible_at timestamptz(3);
update invoices set paid_at = issued_at where status = 'PAID';
alter table invoices
  add constraint invoices_paid check ((status = 'PAID') = (paid_at is not null)),
  add constraint invoices_void check ((status = 'VOID') = (voided_at is not null) and (voided_at is null) = (void_reason is null)),
  add constraint invoices_uncollectible check (status <> 'UNCOLLECTIBLE' or uncollectible_at is not null);
grant update (paid_at, payment_reference, voided_at, void_reason, uncollectible_at) on invoices to tollgate_app, tollgate_job;

-- An issued invoice never changes, whoever asks: only its state moves, forwards, and what is said of a state is said once.
create function app.guard_invoice() returns trigger language plpgsql as $$
declare
  state constant text[] := array['status', 'paid_at', 'payment_reference', 'voided_at', 'void_reason', 'uncollectible_at'];
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
  return new;
end $$;
create trigger guard_invoice before update or delete on invoices for each row execute function app.guard_invoice();

-- Credit notes by line: which invoice, why in the partner's words, and what a line has been credited so far.
alter table credit_notes
  add column invoice_id uuid,
  add column memo text check (length(memo) between 1 and 500),
  add foreign key (tenant_id, invoice_id) references invoices (tenant_id, id);
alter table credit_notes drop constraint credit_notes_settlement_check;
alter table credit_notes
  add constraint credit_notes_settlement_check check (settlement in ('CREDIT_BALANCE', 'REFUND', 'OUTSIDE'));
create index credit_note_lines_of_line on credit_note_lines (tenant_id, invoice_line_id) where invoice_line_id is not null;
create index item_charges_of_line on item_charges (tenant_id, invoice_line_id) where invoice_line_id is not null;

-- Balance that paid for a part of an invoice comes back when the invoice is void.
alter table credit_balance_entries drop constraint credit_balance_entries_kind_check;
alter table credit_balance_entries
  add constraint credit_balance_entries_kind_check check (kind in ('CREDIT_NOTE', 'APPLIED', 'RETURNED'));

-- What a coupon used of its periods comes back when the invoice is void. Redemptions are append-only, so what came back
-- is counted beside them.
alter table tenant_pending_coupons
  add column periods_returned integer not null default 0,
  add check (periods_returned between 0 and periods_applied);
grant update (periods_returned) on tenant_pending_coupons to tollgate_app, tollgate_job;
