-- What an invoice line asked for may stand on the accounts of several items, after a change for which no money moved: what a line's
-- money stands at is looked at by itself.
create or replace view check_credit_overrun with (security_invoker = true) as
  select 'invoice line ' || l.id as subject, 'charged ' || l.amount || ', credited ' || c.amount as detail
    from invoice_lines l
    join (select tenant_id, invoice_line_id, sum(amount) as amount from credit_note_lines
           where invoice_line_id is not null group by 1, 2) c on c.tenant_id = l.tenant_id and c.invoice_line_id = l.id
   where c.amount > l.amount and l.amount >= 0
  union all
  select 'item ' || a.item_id, 'its account for the period from ' || a.period_start || ' stands at ' || a.amount
    from (select tenant_id, item_id, period_start, sum(amount) as amount from item_charges group by 1, 2, 3) a
   where a.amount < 0
  union all
  select 'invoice line ' || a.origin_line_id, 'its money stands at ' || a.amount
    from (select tenant_id, origin_line_id, sum(amount) as amount from item_charges where origin_line_id is not null group by 1, 2) a
   where a.amount < 0;
