-- Whether renewals and purchases are charged while a tenant has no access for its debts. Not, unless the partner wants it.

alter table partner_dunning_policies add column charges_while_off boolean not null default false;
grant update (charges_while_off) on partner_dunning_policies to tollgate_app;
