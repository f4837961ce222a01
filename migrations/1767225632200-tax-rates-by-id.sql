-- `node` finds a tax rate by its id alone.
create index tax_rates_by_id on tax_rates (id);
