import DataLoader from 'dataloader';
import { inOrder } from '../access/access.loaders';
import type { Tx } from '../tx';
import type { LicenceProduct } from './licence-product';

export const licenceProductLoader = (tx: Tx) =>
  new DataLoader<string, LicenceProduct | undefined, string>(async (ids) =>
    inOrder(ids, await tx.licenceProducts.byIds(ids)),
  );
