import type { Tx } from '../tx';
import { type Standing, standingOf } from './dunning';

/** Where the tenant stands by all that it has not paid, whichever of its subscriptions asked for it. */
export async function standingOfTenant(tx: Pick<Tx, 'collections' | 'tenant'>): Promise<Standing> {
  const { id, partnerId, timeZone } = tx.tenant;
  const failed = await tx.collections.failed(id);
  if (failed.length === 0) return { status: 'ACTIVE' };
  return standingOf(failed, await tx.collections.policyOf(partnerId), timeZone);
}
