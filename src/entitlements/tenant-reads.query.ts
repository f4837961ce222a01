import type { TenantContext } from '../access/tenant';
import { askedOnce } from '../platform/asked-once';
import type { Tx } from '../tx';

const repositories = [
  ...(['partners', 'plans', 'addons', 'features', 'coupons', 'pendingCoupons', 'couponDiscounts', 'taxes'] as const),
  ...(['subscriptions', 'addonSubscriptions', 'entitlements', 'licences', 'licenceProducts'] as const),
  ...(['usage', 'meteringSpans', 'billedUsage', 'itemCharges', 'invoices', 'creditNotes'] as const),
  ...(['payments', 'paymentMethods', 'collections', 'meters', 'creditPolicies', 'unusedCredits'] as const),
] as const;

/** A snapshot, as read for one tenant: also where it was entered as its partner, or the platform. */
export type TenantReads = Pick<
  Tx,
  (typeof repositories)[number] | 'account' | 'tenant' | 'partnerId' | 'tenantFor' | 'newId'
>;

/** Who tries many acts reads the same for each: here each question is asked once. */
export function readsFor(tx: Tx, tenant: TenantContext): TenantReads {
  const asked = Object.fromEntries(repositories.map((name) => [name, askedOnce<object>(tx[name])]));
  return {
    ...(asked as unknown as Pick<Tx, (typeof repositories)[number]>),
    ...{ account: tx.account, tenant, partnerId: tenant.partnerId, newId: tx.newId },
    tenantFor: (id) => tx.tenantFor(id),
  };
}
