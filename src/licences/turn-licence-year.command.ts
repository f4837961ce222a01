import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import type { Tx } from '../tx';
import { overAssigned } from './licence';
import { paidTerm } from './paid-term';

/** A year of a term has ended: its seats are those that are paid for the next one. Nobody's seat is taken by it. */
export async function turnLicenceYear(tx: Tx, licenceId: string): Promise<void> {
  const { id: tenantId, timeZone } = tx.tenant;
  await tx.tenants.lock(tenantId);
  const licence = await tx.licences.byId(tenantId, licenceId);
  if (!licence?.turnsAt) return;
  const purchases = await tx.licencePurchases.completedOf(tenantId, licenceId);
  const turned = await tx.licences.update({ ...licence, ...paidTerm(licence, purchases, tx.now, timeZone) });
  await rebuildEntitlements(tx);
  if (turned.seats < licence.seats && overAssigned(turned) > 0n) {
    await tx.emit({ type: 'licence.over_assigned', payload: { licence: turned } });
  }
}
