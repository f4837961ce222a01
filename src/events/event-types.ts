/**
 * Everything that is told to the outside, under the name it has there. What is not listed is not told. The names are those
 * of Standard Webhooks: words, `_` and `.`; a hyphen of the inner name becomes `_`.
 */
export const eventTypes = [
  'addon.created',
  'addon.updated',
  'addon_subscription.cancelled',
  'addon_subscription.created',
  'addon_subscription.resumed',
  'api_key.created',
  'api_key.revoked',
  'coupon.applied',
  'coupon.created',
  'coupon.removed',
  'coupon.updated',
  'credit_note.issued',
  'entitlement.granted',
  'entitlement.revoked',
  'feature.created',
  'invoice.finalized',
  'member.invited',
  'member.removed',
  'plan.created',
  'plan.updated',
  'plan.version_published',
  'subscription.cancellation_scheduled',
  'subscription.cancelled',
  'subscription.plan_change_scheduled',
  'subscription.plan_change_unscheduled',
  'subscription.plan_changed',
  'subscription.renewed',
  'subscription.started',
  'tenant.created',
  'webhook_endpoint.created',
  'webhook_endpoint.deleted',
  'webhook_endpoint.disabled',
  'webhook_endpoint.secret_rotated',
  'webhook_endpoint.updated',
] as const;
export type EventType = (typeof eventTypes)[number];

/** What `sendTestEvent` sends; it is no event of the log. */
export const testEventType = 'webhook.test';

export function isEventType(text: string): text is EventType {
  return (eventTypes as readonly string[]).includes(text);
}

export function publicTypeOf(innerType: string): EventType | undefined {
  const type = innerType.replaceAll('-', '_');
  return isEventType(type) ? type : undefined;
}
