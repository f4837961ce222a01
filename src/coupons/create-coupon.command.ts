import { findAddon, findPlan } from '../catalog/find-catalog.query';
import { type AmountInput, parseAmount } from '../catalog/price-input';
import { type Instant, isBefore } from '../core/calendar';
import { decodeId, type Id } from '../core/ids';
import type { Money } from '../core/money';
import { parsePercent } from '../core/percent';
import type { IntervalUnit } from '../core/period';
import { type Done, done, type Refused, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import type { Coupon, CouponDuration, CouponKind } from './coupon';

export interface CreateCouponInput {
  readonly code: string;
  readonly name?: string | undefined;
  readonly kind: CouponKind;
  /** PERCENT: above 0, at most 100. */
  readonly percent?: string | undefined;
  /** FIXED: one a currency. */
  readonly amounts?: readonly AmountInput[] | undefined;
  readonly duration: CouponDuration;
  /** REPEATING, and FREE_PERIODS with more than one. */
  readonly durationPeriods?: number | undefined;
  readonly scaled?: boolean | undefined;
  readonly validFrom?: Instant | undefined;
  readonly validUntil?: Instant | undefined;
  readonly maxRedemptions?: number | undefined;
  readonly maxRedemptionsPerTenant?: number | undefined;
  readonly minimumAmounts?: readonly AmountInput[] | undefined;
  readonly firstPurchaseOnly?: boolean | undefined;
  /** Ids or codes; none: all. */
  readonly plans?: readonly string[] | undefined;
  readonly addons?: readonly string[] | undefined;
  readonly intervals?: readonly IntervalUnit[] | undefined;
}

export const createCouponRefusals = ['CODE_TAKEN', 'PLAN_NOT_FOUND', 'ADDON_NOT_FOUND', 'INVALID_INPUT'] as const;

const codePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

function parseAmounts(inputs: readonly AmountInput[], path: string): Done<Money[]> | Refused<'INVALID_INPUT'> {
  const amounts: Money[] = [];
  for (const [index, input] of inputs.entries()) {
    const amount = parseAmount(input);
    if (!amount || amount.minor === 0n) {
      return invalid([path, String(index)], `Not an amount above zero in ${input.currency}.`);
    }
    if (amounts.some((other) => other.currency === amount.currency)) {
      return invalid([path, String(index)], `There are two amounts in ${amount.currency}.`);
    }
    amounts.push(amount);
  }
  return done(amounts);
}

export function limitsProblem(
  limits: Pick<Coupon, 'validFrom' | 'validUntil' | 'maxRedemptions' | 'maxRedemptionsPerTenant'>,
): Refused<'INVALID_INPUT'> | undefined {
  const { validFrom, validUntil, maxRedemptions, maxRedemptionsPerTenant } = limits;
  if (validFrom && validUntil && !isBefore(validFrom, validUntil)) {
    return invalid(['validUntil'], 'A coupon ends after it begins.');
  }
  if (maxRedemptions !== undefined && maxRedemptions < 1) return invalid(['maxRedemptions'], 'At least 1.');
  if (maxRedemptionsPerTenant < 1) return invalid(['maxRedemptionsPerTenant'], 'At least 1.');
  return undefined;
}

export async function createCoupon(
  tx: Pick<Tx, 'coupons' | 'plans' | 'addons' | 'partnerId' | 'now' | 'newId' | 'emit'>,
  input: CreateCouponInput,
): Promise<Result<{ coupon: Coupon }, (typeof createCouponRefusals)[number]>> {
  if (!codePattern.test(input.code) || decodeId(input.code)) {
    return invalid(['code'], 'A coupon code is up to 63 letters, digits, _ and -.');
  }
  const name = parseLabel(input.name ?? input.code);
  if (!name) return invalid(['name'], 'A name has 1 to 200 printable characters.');
  const percent = input.percent === undefined ? undefined : parsePercent(input.percent);
  if ((input.kind === 'PERCENT') !== (input.percent !== undefined) || (input.percent !== undefined && !percent)) {
    return invalid(['percent'], 'A percent coupon, and only that, has a percentage above 0 and at most 100.');
  }
  const amounts = parseAmounts(input.amounts ?? [], 'amounts');
  if (!amounts.ok) return amounts;
  if ((input.kind === 'FIXED') !== amounts.value.length > 0) {
    return invalid(['amounts'], 'A fixed coupon, and only that, has an amount for each currency.');
  }
  const minimumAmounts = parseAmounts(input.minimumAmounts ?? [], 'minimumAmounts');
  if (!minimumAmounts.ok) return minimumAmounts;
  if ((input.duration === 'REPEATING') !== (input.durationPeriods !== undefined)) {
    return invalid(['durationPeriods'], 'A repeating coupon, and only that, says for how many periods.');
  }
  if (input.durationPeriods !== undefined && (input.durationPeriods < 1 || input.durationPeriods > 1_000)) {
    return invalid(['durationPeriods'], 'Between 1 and 1000 periods.');
  }
  const planIds: Id<'Plan'>[] = [];
  for (const [index, text] of (input.plans ?? []).entries()) {
    const plan = await findPlan(tx, text);
    if (!plan) return refuse('PLAN_NOT_FOUND', 'No such plan.', { path: ['input', 'plans', String(index)] });
    planIds.push(plan.id);
  }
  const addonIds: Id<'Addon'>[] = [];
  for (const [index, text] of (input.addons ?? []).entries()) {
    const addon = await findAddon(tx, text);
    if (!addon) return refuse('ADDON_NOT_FOUND', 'No such add-on.', { path: ['input', 'addons', String(index)] });
    addonIds.push(addon.id);
  }
  const coupon: Coupon = {
    id: tx.newId<'Coupon'>(),
    partnerId: tx.partnerId,
    code: input.code,
    name,
    kind: input.kind,
    percent,
    amounts: amounts.value,
    duration: input.duration,
    durationPeriods: input.durationPeriods,
    scaled: input.scaled ?? false,
    validFrom: input.validFrom,
    validUntil: input.validUntil,
    maxRedemptions: input.maxRedemptions,
    maxRedemptionsPerTenant: input.maxRedemptionsPerTenant ?? 1,
    minimumAmounts: minimumAmounts.value,
    firstPurchaseOnly: input.firstPurchaseOnly ?? false,
    planIds,
    addonIds,
    intervals: input.intervals ?? [],
    status: 'ACTIVE',
    reservedCount: 0,
    version: 1,
    createdAt: tx.now,
  };
  const problem = limitsProblem(coupon);
  if (problem) return problem;
  if (!(await tx.coupons.insert(coupon))) {
    return refuse('CODE_TAKEN', `There is a coupon ${input.code} already.`, { path: ['input', 'code'] });
  }
  await tx.emit({ type: 'coupon.created', payload: { coupon } });
  return done({ coupon });
}
