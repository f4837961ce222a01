-- When a card was last given another expiry or number, by the wall clock: what was declined before says nothing of it any more.

alter table payment_methods add column renewed_at timestamptz(3);
grant update (renewed_at) on payment_methods to tollgate_app, tollgate_job;
