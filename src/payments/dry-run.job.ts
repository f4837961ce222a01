import { NoSuchAccount } from '../platform/database';
import type { System } from '../system';
import type { Tx } from '../tx';
import type { Repairing } from './drift';

class Undone extends Error {}

/**
 * Carries a repair out in its tenant's transaction. Where it answers false, or nothing is to be repaired, all of it is undone: so
 * a list says what a repair would do by having done it.
 */
export async function inTenant(
  system: System,
  tenantId: string,
  { repair }: Repairing,
  act: (tx: Tx) => Promise<boolean>,
): Promise<boolean> {
  let did = false;
  try {
    await system.asTenant(tenantId, async (tx) => {
      did = await act(tx);
      if (!did || !repair) throw new Undone();
    });
  } catch (error) {
    // What it names is of no tenant of ours.
    if (error instanceof NoSuchAccount) return false;
    if (!(error instanceof Undone)) throw error;
  }
  return did;
}
