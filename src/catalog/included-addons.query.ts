import type { Tx } from '../tx';
import type { Addon } from './addon';
import type { PlanVersion } from './plan';

/** The add-ons that a plan version includes; "all" means what is on sale now, and what it names. */
export async function includedAddons(
  tx: Pick<Tx, 'addons'>,
  partnerId: string,
  version: PlanVersion,
): Promise<Addon[]> {
  const [all, named] = await Promise.all([
    version.includesAllAddons ? tx.addons.onSale(partnerId) : [],
    tx.addons.byIds(version.includedAddonIds),
  ]);
  return [...all, ...named.filter((addon) => !all.some(({ id }) => id === addon.id))];
}
