-- What a source gives may change while it lasts: an add-on's limit in the catalog, how many of it there are. Each state is a row of
-- its own, with its time: an event, a late one too, is judged by what held when it happened, and `asOf` reads what held then.
alter table tenant_entitlements drop constraint tenant_entitlements_tenant_id_feature_id_source_kind_source_key;
alter table tenant_entitlements add constraint tenant_entitlements_state
  unique (tenant_id, feature_id, source_kind, source_id, catalog_id, starts_at);
