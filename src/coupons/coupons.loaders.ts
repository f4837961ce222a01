import DataLoader from 'dataloader';
import { inOrder } from '../access/access.loaders';
import type { Tx } from '../tx';
import type { Coupon } from './coupon';

export const couponLoader = (tx: Tx) =>
  new DataLoader<string, Coupon | undefined, string>(async (ids) => inOrder(ids, await tx.coupons.byIds(ids)));
