import { catalogReference } from '../catalog/catalog-reference';
import type { Tx } from '../tx';
import type { LicenceProduct } from './licence-product';

/** The licence product that an id or a code names, in this partner's catalog. */
export async function findLicenceProduct(
  tx: Pick<Tx, 'licenceProducts' | 'partnerId'>,
  text: string,
): Promise<LicenceProduct | undefined> {
  if (text.length > 100) return undefined;
  const reference = catalogReference('LicenceProduct', text);
  return reference.by === 'code'
    ? tx.licenceProducts.byCode(tx.partnerId, reference.code)
    : tx.licenceProducts.byId(tx.partnerId, reference.id);
}
