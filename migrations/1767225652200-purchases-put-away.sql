-- A purchase that the provider opened no checkout for is put away by a person: nothing was paid.
alter table licence_purchases
  drop constraint licence_purchases_status_check,
  add constraint licence_purchases_status_check check (status in ('OPEN', 'COMPLETED', 'PARKED', 'REFUNDED', 'CLOSED')),
  drop constraint licence_purchases_park_reason,
  add constraint licence_purchases_park_reason
    check (park_reason is null or status in ('PARKED', 'REFUNDED', 'COMPLETED', 'CLOSED')),
  add constraint licence_purchases_closed check (status <> 'CLOSED' or (checkout_id is null and refused_at is not null));
