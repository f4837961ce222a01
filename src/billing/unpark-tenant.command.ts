import { done, type Result } from '../core/result';
import type { Tx } from '../tx';
import type { ParkedTenant } from './billing-work';

export const unparkTenantRefusals = [] as const;

export interface UnparkTenantDone {
  readonly tenantId: string;
  /** `undefined`: it was not parked. */
  readonly parked?: ParkedTenant | undefined;
}

/** The next billing run tries the tenant again. Unparking one that is not parked changes nothing. */
export async function unparkTenant(
  tx: Pick<Tx, 'billingWork' | 'tenant' | 'emit'>,
): Promise<Result<UnparkTenantDone, (typeof unparkTenantRefusals)[number]>> {
  const { id } = tx.tenant;
  const parked = await tx.billingWork.parked(id);
  if (!parked) return done({ tenantId: id });
  await tx.billingWork.unpark(id);
  await tx.emit({ type: 'tenant.billing_unparked', payload: { tenantId: id, reason: parked.reason } });
  return done({ tenantId: id, parked });
}
