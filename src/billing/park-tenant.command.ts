import type { Tx } from '../tx';
import type { ParkReason } from './billing-work';

/** Sets a tenant aside with a reason, and says so. `false`: it was parked already, or billed. */
export async function parkTenant(
  tx: Pick<Tx, 'billingWork' | 'wallNow' | 'emit'>,
  tenantId: string,
  reason: ParkReason,
  detail: string,
): Promise<boolean> {
  const parked = await tx.billingWork.park(tenantId, reason, detail.slice(0, 500), tx.wallNow);
  if (parked) await tx.emit({ type: 'tenant.billing_parked', payload: { tenantId, reason } });
  return parked;
}
