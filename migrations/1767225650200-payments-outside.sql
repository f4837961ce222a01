-- Money that came outside, by bank or cheque, whole or in parts: a payment that no provider moved. It has succeeded when it is booked.

alter table payments
  alter column provider drop not null,
  alter column payment_method_id drop not null,
  -- Where the money can be found: a bank reference, a cheque's number.
  add column reference text check (length(reference) between 1 and 200),
  -- Of a sandbox tenant: what is tried there takes no reference away.
  add column sandbox boolean,
  add constraint payments_of_provider_or_outside check (
    (provider is null) = (payment_method_id is null) and (provider is null) = (reference is not null)
    and (reference is null) = (sandbox is null)),
  add constraint payments_outside_came check (provider is not null or (status = 'SUCCEEDED' and external_id is null));
-- One transfer is booked once, for whichever of the partner's tenants; what was booked wrongly and given back whole may be booked again.
create unique index payments_one_per_reference on payments (partner_id, sandbox, reference)
  where reference is not null and refunded < amount;

-- As before; but what came outside may be more than was due: the rest is in the balance.
create or replace view check_payments with (security_invoker = true) as
  select 'payment ' || p.id as subject,
         'is of ' || p.amount || ' ' || p.currency || ', its invoice ' || i.number || ' asks for ' || i.amount_due || ' ' || i.currency as detail
    from payments p join invoices i on i.tenant_id = p.tenant_id and i.id = p.invoice_id
   where p.currency <> i.currency or (p.amount > i.amount_due and p.provider is not null)
  union all
  select 'payment ' || p.id, 'is of an invoice that nobody collects'
    from payments p
   where not exists (select 1 from invoice_collections c where c.tenant_id = p.tenant_id and c.invoice_id = p.invoice_id)
  union all
  select 'payment ' || p.id, 'gave ' || p.refunded || ' back, its refunds make ' || coalesce(r.amount, 0)
    from payments p
    left join (select tenant_id, payment_id, sum(amount) as amount from refunds where status <> 'FAILED' group by 1, 2) r
      on r.tenant_id = p.tenant_id and r.payment_id = p.id
   where p.refunded <> coalesce(r.amount, 0);
