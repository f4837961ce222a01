import type { Tx } from '../tx';
import type { Claim, ParkReason } from './billing-work';

/** Sets a tenant aside with a reason, and says so. `false`: somebody else has taken it over. */
export async function parkTenant(
  tx: Pick<Tx, 'billingWork' | 'wallNow' | 'emit'>,
  claim: Claim,
  reason: ParkReason,
  detail: string,
): Promise<boolean> {
  const parked = await tx.billingWork.park(claim, reason, detail.slice(0, 500), tx.wallNow);
  if (parked) await tx.emit({ type: 'tenant.billing_parked', payload: { tenantId: claim.tenantId, reason } });
  return parked;
}
