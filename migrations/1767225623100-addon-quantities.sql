-- A change of an attachment's quantity ends a row and begins the next, as a plan change does with the phases of the plan: each
-- has an account and a time of its own. The API knows them by the id of the first.
alter table partner_tenant_addon_subscriptions
  add column origin_id uuid,
  add constraint addon_subscriptions_origin foreign key (tenant_id, origin_id)
    references partner_tenant_addon_subscriptions (tenant_id, id),
  drop constraint partner_tenant_addon_subscriptions_end_kind_check,
  add constraint partner_tenant_addon_subscriptions_end_kind_check check (
    end_kind in ('CANCELLED', 'INCLUDED_IN_PLAN', 'NOT_AVAILABLE', 'SUBSCRIPTION_ENDED', 'PAYMENT_FAILED', 'REQUIREMENT_MISSING',
      'QUANTITY_CHANGED'));
create index addon_subscriptions_by_origin on partner_tenant_addon_subscriptions (tenant_id, origin_id)
  where origin_id is not null;
