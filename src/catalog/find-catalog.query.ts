import { isUuid } from '../core/ids';
import type { Coupon } from '../coupons/coupon';
import type { Tx } from '../tx';
import type { Addon } from './addon';
import { catalogReference } from './catalog-reference';
import type { Feature } from './feature';
import type { Plan } from './plan';

interface ByIdOrCode<T> {
  byId(partnerId: string, id: string): Promise<T | undefined>;
  byCode(partnerId: string, code: string): Promise<T | undefined>;
}

async function find<T>(
  repository: ByIdOrCode<T>,
  partnerId: string,
  kind: 'Plan' | 'Addon' | 'Feature' | 'Coupon',
  text: string,
) {
  if (text.length > 100) return undefined;
  const reference = catalogReference(kind, text);
  if (reference.by === 'code') return repository.byCode(partnerId, reference.code);
  return isUuid(reference.id) ? repository.byId(partnerId, reference.id) : undefined;
}

/** The catalog object that an id or a code names, in this partner's catalog. */
export const findPlan = (tx: Pick<Tx, 'plans' | 'partnerId'>, text: string): Promise<Plan | undefined> =>
  find(tx.plans, tx.partnerId, 'Plan', text);
export const findAddon = (tx: Pick<Tx, 'addons' | 'partnerId'>, text: string): Promise<Addon | undefined> =>
  find(tx.addons, tx.partnerId, 'Addon', text);
export const findFeature = (tx: Pick<Tx, 'features' | 'partnerId'>, text: string): Promise<Feature | undefined> =>
  find(tx.features, tx.partnerId, 'Feature', text);
export const findCoupon = (tx: Pick<Tx, 'coupons' | 'partnerId'>, text: string): Promise<Coupon | undefined> =>
  find(tx.coupons, tx.partnerId, 'Coupon', text);
