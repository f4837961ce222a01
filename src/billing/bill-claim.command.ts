import { type Billed, billTenant } from '../invoicing/bill-tenant.command';
import type { Tx } from '../tx';
import { type Claim, ClaimLost, NothingMoved } from './billing-work';

/**
 * Bills the tenant of a claim and ends the claim, in one transaction: a tenant is billed and its work is gone, or neither.
 * A worker that lost its claim meanwhile (it was stopped, its lease ran out) leaves nothing behind.
 */
export async function billClaim(tx: Tx, claim: Claim): Promise<Billed> {
  const billed = await billTenant(tx, claim.billUntil);
  // A run that found something due looks again until nothing is: what does not move must not keep it turning.
  if (billed.events === 0 && (await tx.billingWork.isDue(claim.tenantId, claim.billUntil))) {
    throw new NothingMoved('something is due, but billing did nothing');
  }
  if (!(await tx.billingWork.finish(claim))) throw new ClaimLost('another worker has taken over');
  return billed;
}
