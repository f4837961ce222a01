import type { Tx } from '../tx';
import type { Addon } from './addon';

/** The add-ons that these require and that are not among them. */
export async function requiredBeside(tx: Pick<Tx, 'addons'>, addons: readonly Addon[]): Promise<Addon[]> {
  const known = new Set(addons.map(({ id }) => id));
  const ids = new Set(addons.flatMap(({ requiredAddonIds }) => requiredAddonIds.filter((id) => !known.has(id))));
  return tx.addons.byIds([...ids]);
}
