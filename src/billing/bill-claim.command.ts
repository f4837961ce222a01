import { type Billed, billTenant } from '../invoicing/bill-tenant.command';
import type { Tx } from '../tx';
import { type Claim, ClaimLost, NothingMoved } from './billing-work';

/**
 * Bills the tenant of a claim and ends the claim, in one transaction: a tenant is billed and its work is gone, or neither.
 * Whoever comes second finds the row locked or gone.
 */
export async function billClaim(tx: Tx, claim: Claim): Promise<Billed> {
  const { tenantId, billUntil } = claim;
  if (!(await tx.billingWork.take(tenantId))) throw new ClaimLost('another worker bills this tenant, or has done so');
  const billed = await billTenant(tx, billUntil);
  // A run that found something due looks again until nothing is: what does not move must not keep it turning.
  if (billed.events === 0 && (await tx.billingWork.isDue(tenantId, billUntil))) {
    throw new NothingMoved('something is due, but billing did nothing');
  }
  await tx.billingWork.finish(tenantId);
  return billed;
}
