import { findCoupon } from '../catalog/find-catalog.query';
import type { Instant } from '../core/calendar';
import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import type { Coupon, CouponStatus } from './coupon';
import { limitsProblem } from './create-coupon.command';

export interface UpdateCouponInput {
  readonly coupon: string;
  readonly expectedVersion?: number | undefined;
  readonly name?: string | undefined;
  readonly validFrom?: Instant | null | undefined;
  readonly validUntil?: Instant | null | undefined;
  readonly maxRedemptions?: number | null | undefined;
  readonly maxRedemptionsPerTenant?: number | undefined;
  readonly status?: CouponStatus | undefined;
}

export const updateCouponRefusals = ['COUPON_NOT_FOUND', 'VERSION_CONFLICT', 'INVALID_INPUT'] as const;

/** Name, limits and status. What a coupon takes off never changes: it stands on invoices. */
export async function updateCoupon(
  tx: Pick<Tx, 'coupons' | 'partnerId' | 'emit'>,
  input: UpdateCouponInput,
): Promise<Result<{ coupon: Coupon }, (typeof updateCouponRefusals)[number]>> {
  const coupon = await findCoupon(tx, input.coupon);
  if (!coupon) return refuse('COUPON_NOT_FOUND', 'No such coupon.', { path: ['input', 'coupon'] });
  const name = input.name === undefined ? coupon.name : parseLabel(input.name);
  if (!name) return invalid(['name'], 'A name has 1 to 200 printable characters.');
  const orBefore = <T>(value: T | null | undefined, before: T | undefined) =>
    value === undefined ? before : (value ?? undefined);
  const updated: Coupon = {
    ...coupon,
    name,
    validFrom: orBefore(input.validFrom, coupon.validFrom),
    validUntil: orBefore(input.validUntil, coupon.validUntil),
    maxRedemptions: orBefore(input.maxRedemptions, coupon.maxRedemptions),
    maxRedemptionsPerTenant: input.maxRedemptionsPerTenant ?? coupon.maxRedemptionsPerTenant,
    status: input.status ?? coupon.status,
  };
  const problem = limitsProblem(updated);
  if (problem) return problem;
  if (updated.maxRedemptions !== undefined && updated.maxRedemptions < coupon.reservedCount) {
    return invalid(['maxRedemptions'], `${coupon.reservedCount} are used or reserved already.`);
  }
  if ((input.expectedVersion ?? coupon.version) !== coupon.version) {
    return refuse('VERSION_CONFLICT', 'The coupon was changed meanwhile.', {
      facts: { expectedVersion: input.expectedVersion, currentVersion: coupon.version },
    });
  }
  // Another request was faster: decide again from what it left.
  if (!(await tx.coupons.update(updated))) return updateCoupon(tx, input);
  const saved = { ...updated, version: coupon.version + 1 };
  await tx.emit({ type: 'coupon.updated', payload: { coupon: saved } });
  return done({ coupon: saved });
}
