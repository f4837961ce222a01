-- When an invoice is to be paid: so many calendar days after its issue. A tenant's own terms, else its partner's, else at once.

alter table partners add column payment_net_days integer check (payment_net_days between 0 and 365);
alter table tenants add column payment_net_days integer check (payment_net_days between 0 and 365);
grant update (payment_net_days) on partners, tenants to tollgate_app;

-- By the terms of its issue. Null: of a gateway of the version before this one, when it was issued.
alter table invoices add column due_at timestamptz(3);
alter table invoices disable trigger guard_invoice;
update invoices set due_at = issued_at;
alter table invoices enable trigger guard_invoice;
