-- A debt whose tries were used up is due again once another payment method is given.

alter table invoice_collections drop constraint invoice_collections_check2;
alter table invoice_collections add constraint invoice_collections_due_while_open
  check (status in ('OPEN', 'EXHAUSTED') or due_at is null);
