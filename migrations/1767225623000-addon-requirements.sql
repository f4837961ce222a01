-- An attachment ends with a credit when an add-on that it requires is gone.
alter table partner_tenant_addon_subscriptions
  drop constraint partner_tenant_addon_subscriptions_end_kind_check,
  add constraint partner_tenant_addon_subscriptions_end_kind_check check (
    end_kind in ('CANCELLED', 'INCLUDED_IN_PLAN', 'NOT_AVAILABLE', 'SUBSCRIPTION_ENDED', 'PAYMENT_FAILED', 'REQUIREMENT_MISSING'));
