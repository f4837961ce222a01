-- What leaves never exceeds what came in: an invoice knows what was credited and paid of it, and every movement on the account
-- of an item names the invoice line that asks for its money.

-- total − credited − paid is what is still due. `amount_due` stays what the document asked for when it was issued, after the
-- balance that paid for a part of it at once (`credit_applied`); `paid` counts what came since.
alter table invoices
  add column credited bigint not null default 0,
  add column paid bigint not null default 0;
grant update (credited, paid) on invoices to tollgate_app, tollgate_job;
create index invoices_open on invoices (tenant_id, issued_at, id) where status in ('FINALIZED', 'UNCOLLECTIBLE');

create or replace function app.guard_invoice() returns trigger language plpgsql as $$
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
end $$;

update invoices set paid = amount_due where status = 'PAID' and amount_due > 0;
alter table invoices
  add constraint invoices_parts check (credited >= 0 and paid >= 0 and credited + paid <= amount_due),
  add constraint invoices_paid_whole check (status <> 'PAID' or credited + paid = amount_due);

-- A credit note may take off what is still due of its invoice: no money moves, less of it is asked for.
alter table credit_notes
  drop constraint credit_notes_settlement_check,
  add constraint credit_notes_settlement_check check (settlement in ('CREDIT_BALANCE', 'REFUND', 'OUTSIDE', 'OPEN_INVOICE')),
  add constraint credit_notes_of_open_invoices check (settlement <> 'OPEN_INVOICE' or invoice_id is not null);
create index credit_notes_of_invoice on credit_notes (tenant_id, invoice_id) where invoice_id is not null;
alter table plan_change_prorations
  drop constraint plan_change_prorations_settlement_check,
  add constraint plan_change_prorations_settlement_check
    check (settlement in ('INVOICE', 'CREDIT_BALANCE', 'REFUND', 'NONE', 'WAIVED', 'OPEN_INVOICE'));

-- What was paid beyond what was due goes back; where it cannot, it is the tenant's balance.
alter table refunds
  drop constraint refunds_reason_check,
  add constraint refunds_reason_check check (reason in ('REQUESTED', 'CREDIT_NOTE', 'PAID_TWICE', 'OVERPAID'));
alter table credit_balance_entries
  drop constraint credit_balance_entries_kind_check,
  add constraint credit_balance_entries_kind_check check (kind in ('CREDIT_NOTE', 'APPLIED', 'RETURNED', 'OVERPAID'));

-- The invoice line that asks for the money that moves. Null: no invoice asks for it, it was paid in another way.
alter table item_charges
  add column origin_line_id uuid,
  -- REFUNDED: what took the money back.
  add column refund_id uuid,
  add column dispute_id uuid,
  add foreign key (tenant_id, origin_line_id) references invoice_lines (tenant_id, id),
  add foreign key (tenant_id, refund_id) references refunds (tenant_id, id),
  add foreign key (tenant_id, dispute_id) references disputes (tenant_id, id),
  drop constraint item_charges_kind_check,
  add constraint item_charges_kind_check check (kind in ('CHARGE', 'DISCOUNT', 'CREDIT', 'WAIVED', 'REFUNDED'));
create index item_charges_of_origin on item_charges (tenant_id, origin_line_id) where origin_line_id is not null;
create index item_charges_of_refund on item_charges (tenant_id, refund_id) where refund_id is not null;
create index item_charges_of_dispute on item_charges (tenant_id, dispute_id) where dispute_id is not null;

-- What stands there from before: charges and discounts by their own lines, the rest by the last charge that it can be about.
alter table item_charges disable trigger append_only;
update item_charges c set origin_line_id = l.origin
  from (select tenant_id, id, coalesce(discounts_line_id, id) as origin from invoice_lines) l
 where c.tenant_id = l.tenant_id and c.invoice_line_id = l.id and c.kind in ('CHARGE', 'DISCOUNT');
update item_charges c set origin_line_id = l.invoice_line_id
  from credit_note_lines l
 where c.tenant_id = l.tenant_id and c.credit_note_line_id = l.id and c.kind = 'CREDIT' and l.invoice_line_id is not null;
update item_charges c set origin_line_id = o.origin
  from (select m.tenant_id, m.id,
               (select h.origin_line_id from item_charges h
                 where h.tenant_id = m.tenant_id and h.subscription_id = m.subscription_id and h.item_id = m.item_id
                   and h.period_start = m.period_start and h.kind = 'CHARGE' and h.origin_line_id is not null and h.id <= m.id
                 order by h.id desc limit 1) as origin
          from item_charges m where m.origin_line_id is null and m.kind in ('CREDIT', 'WAIVED')) o
 where c.tenant_id = o.tenant_id and c.id = o.id and o.origin is not null;
alter table item_charges enable trigger append_only;

-- What was used has an account of its own, its line: it is never credited as unused, but it can be credited by hand or given
-- back, and a part of what is paid of an invoice is paid for it.
insert into item_charges (tenant_id, id, partner_id, subscription_id, item_id, period_start, period_end, kind, amount, tax, tax_rate,
                          currency, share_remaining, share_total, invoice_line_id, origin_line_id, created_at)
select l.tenant_id, gen_random_uuid(), l.partner_id, i.subscription_id, c.id, coalesce(c.period_start, i.issued_at),
       coalesce(c.period_end, i.issued_at), case when l.id = c.id then 'CHARGE' else 'DISCOUNT' end, l.amount,
       case when l.id = c.id then coalesce((c.tax -> 'amount' -> 'minor' ->> '$bigint')::bigint, 0) else 0 end,
       case when l.id = c.id then c.tax -> 'rate' end, l.currency, 1, 1, l.id, c.id, i.issued_at
  from invoice_lines l
  join invoice_lines c on c.tenant_id = l.tenant_id and c.id = coalesce(l.discounts_line_id, l.id)
   and c.kind in ('PLAN_USAGE', 'ADDON_USAGE', 'OVERAGE')
  join invoices i on i.tenant_id = l.tenant_id and i.id = l.invoice_id and i.status <> 'VOID';
insert into item_charges (tenant_id, id, partner_id, subscription_id, item_id, period_start, period_end, kind, amount, tax, tax_rate,
                          currency, share_remaining, share_total, credit_note_line_id, origin_line_id, created_at)
select n.tenant_id, gen_random_uuid(), n.partner_id, i.subscription_id, c.id, coalesce(c.period_start, i.issued_at),
       coalesce(c.period_end, i.issued_at), 'CREDIT', -n.amount,
       -coalesce((n.tax -> 'amount' -> 'minor' ->> '$bigint')::bigint, 0), n.tax -> 'rate', n.currency, 1, 1, n.id, c.id, i.issued_at
  from credit_note_lines n
  join invoice_lines c on c.tenant_id = n.tenant_id and c.id = n.invoice_line_id and c.kind in ('PLAN_USAGE', 'ADDON_USAGE', 'OVERAGE')
  join invoices i on i.tenant_id = c.tenant_id and i.id = c.invoice_id and i.status <> 'VOID';

-- What an invoice says is credited, its credit notes say. No line gives back more than it charged.
create view check_amounts_due with (security_invoker = true) as
  select 'invoice ' || i.number as subject,
         'credited ' || i.credited || ', its credit notes say ' || coalesce(n.total, 0) as detail
    from invoices i
    left join (select tenant_id, invoice_id, sum(total) as total from credit_notes where settlement = 'OPEN_INVOICE' group by 1, 2) n
      on n.tenant_id = i.tenant_id and n.invoice_id = i.id
   where i.credited <> coalesce(n.total, 0)
  union all
  select 'invoice ' || i.number, 'is ' || lower(i.status) || ', and nothing is due of it'
    from invoices i where i.status in ('FINALIZED', 'UNCOLLECTIBLE') and i.credited + i.paid = i.amount_due
  union all
  select 'invoice line ' || c.origin_line_id, 'more was credited and given back of it than it charged: ' || sum(c.amount)
    from item_charges c where c.origin_line_id is not null
   group by c.tenant_id, c.origin_line_id having sum(c.amount) < 0;
