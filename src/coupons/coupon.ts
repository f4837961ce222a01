import { type Instant, isAtOrBefore, isBefore } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { type Exact, exactText, multiply } from '../core/exact';
import { type Explained, explain, type Operand, type OperandSource } from '../core/explain';
import type { Id } from '../core/ids';
import { amountText, exactMinorUnits, type Money, money, smaller, sum } from '../core/money';
import { type Percent, percentFraction } from '../core/percent';
import type { IntervalUnit } from '../core/period';
import { type Share, shareFraction } from '../core/proration';

export const couponKinds = ['PERCENT', 'FIXED', 'FREE_PERIODS'] as const;
/** PERCENT: a share of what it applies to. FIXED: one amount per currency. FREE_PERIODS: the plan's fixed price at 0. */
export type CouponKind = (typeof couponKinds)[number];
export const couponDurations = ['ONCE', 'REPEATING', 'FOREVER'] as const;
/** Counted from the first application, not from the subscription's start. */
export type CouponDuration = (typeof couponDurations)[number];
export const couponStatuses = ['ACTIVE', 'PAUSED', 'ARCHIVED'] as const;
export type CouponStatus = (typeof couponStatuses)[number];

export interface Coupon {
  readonly id: Id<'Coupon'>;
  readonly partnerId: Id<'Partner'>;
  readonly code: string;
  readonly name: string;
  readonly kind: CouponKind;
  readonly percent?: Percent | undefined;
  /** FIXED: one amount a currency. */
  readonly amounts: readonly Money[];
  readonly duration: CouponDuration;
  readonly durationPeriods?: number | undefined;
  /** FIXED on a plan change: scaled by the share of the period that is left. */
  readonly scaled: boolean;
  readonly validFrom?: Instant | undefined;
  readonly validUntil?: Instant | undefined;
  readonly maxRedemptions?: number | undefined;
  readonly maxRedemptionsPerTenant: number;
  /** The smallest amount it applies to, one a currency. */
  readonly minimumAmounts: readonly Money[];
  readonly firstPurchaseOnly: boolean;
  /** Empty: every plan (and so on). */
  readonly planIds: readonly Id<'Plan'>[];
  readonly addonIds: readonly Id<'Addon'>[];
  readonly intervals: readonly IntervalUnit[];
  readonly status: CouponStatus;
  readonly reservedCount: number;
  readonly version: number;
  readonly createdAt: Instant;
}

export const couponReasons = [
  'COUPON_NOT_FOUND',
  'COUPON_INACTIVE',
  'COUPON_NOT_YET_VALID',
  'COUPON_EXPIRED',
  'COUPON_USED_UP',
  'COUPON_TENANT_LIMIT_REACHED',
  'COUPON_ALREADY_APPLIED',
  'COUPON_MINIMUM_NOT_MET',
  'COUPON_FIRST_PURCHASE_ONLY',
  'COUPON_PLAN_NOT_ELIGIBLE',
  'COUPON_INTERVAL_NOT_ELIGIBLE',
  'COUPON_CURRENCY_NOT_SUPPORTED',
] as const;
export type CouponReason = (typeof couponReasons)[number];

/** NEW: asked for by its code. WAITING: reserved, and about to be used for the first time. RUNNING: used before. */
export type CouponStage = 'NEW' | 'WAITING' | 'RUNNING';

/** What a coupon is judged against, on every road: asked for, about to be used, or kept. */
export interface CouponUse {
  readonly stage: CouponStage;
  readonly now: Instant;
  readonly currency: CurrencyCode;
  /** The plan it would apply to: the current one, or a plan change's target; `undefined`: no subscription yet. */
  readonly planId?: Id<'Plan'> | undefined;
  readonly addonIds: readonly Id<'Addon'>[];
  readonly interval?: IntervalUnit | undefined;
  /** The interval whose periods it counts already; `undefined`: it has not been used yet. */
  readonly countsIn?: IntervalUnit | undefined;
  /** What it would take from, before the discount. */
  readonly base?: Money | undefined;
  /** Uses of this coupon by the tenant that stand; its own reservation is one of them. */
  readonly usedByTenant: number;
  /** It is queued or running for the tenant. */
  readonly liveForTenant: boolean;
  /** The tenant has paid an invoice above zero before. */
  readonly hasPurchased: boolean;
}

/**
 * All reasons why a coupon may not be used; empty: it may. Looks at everything, so that a form can show it at once. The one
 * judgement of every road: when it is asked for, when what waits is about to be used, at each renewal, and on a change.
 * Whether it may be taken up at all (status, window, first purchase, limits) is settled with its first use; what it takes
 * from (plan, add-on, interval, minimum) is judged each time.
 */
export function couponProblems(coupon: Coupon, use: CouponUse): CouponReason[] {
  return [...takeUpProblems(coupon, use), ...targetProblems(coupon, use)];
}

function takeUpProblems(coupon: Coupon, use: CouponUse): CouponReason[] {
  if (use.stage === 'RUNNING') return [];
  const problems: CouponReason[] = [];
  if (coupon.status !== 'ACTIVE') problems.push('COUPON_INACTIVE');
  if (coupon.validFrom && isBefore(use.now, coupon.validFrom)) problems.push('COUPON_NOT_YET_VALID');
  if (coupon.validUntil && isAtOrBefore(coupon.validUntil, use.now)) problems.push('COUPON_EXPIRED');
  if (use.stage === 'NEW') {
    if (coupon.maxRedemptions !== undefined && coupon.reservedCount >= coupon.maxRedemptions && !use.liveForTenant) {
      problems.push('COUPON_USED_UP');
    }
    if (use.liveForTenant) problems.push('COUPON_ALREADY_APPLIED');
    else if (use.usedByTenant >= coupon.maxRedemptionsPerTenant) problems.push('COUPON_TENANT_LIMIT_REACHED');
  } else if (use.usedByTenant > coupon.maxRedemptionsPerTenant) problems.push('COUPON_TENANT_LIMIT_REACHED');
  if (coupon.firstPurchaseOnly && use.hasPurchased) problems.push('COUPON_FIRST_PURCHASE_ONLY');
  return problems;
}

function targetProblems(coupon: Coupon, use: CouponUse): CouponReason[] {
  const problems: CouponReason[] = [];
  if (!appliesToPlan(coupon, use.planId) && !use.addonIds.some((addonId) => appliesToAddon(coupon, addonId))) {
    problems.push('COUPON_PLAN_NOT_ELIGIBLE');
  }
  const isOfOthers = use.countsIn !== undefined && countsPeriods(coupon) && use.countsIn !== use.interval;
  if (use.interval && (isOfOthers || !appliesToInterval(coupon, use.interval))) {
    problems.push('COUPON_INTERVAL_NOT_ELIGIBLE');
  }
  if (coupon.kind === 'FIXED' && !amountIn(coupon.amounts, use.currency)) {
    problems.push('COUPON_CURRENCY_NOT_SUPPORTED');
  }
  if (use.base && !meetsMinimum(coupon, use.base)) problems.push('COUPON_MINIMUM_NOT_MET');
  return problems;
}

export function amountIn(amounts: readonly Money[], currency: CurrencyCode): Money | undefined {
  return amounts.find((amount) => amount.currency === currency);
}

export function meetsMinimum(coupon: Coupon, base: Money): boolean {
  if (coupon.minimumAmounts.length === 0) return true;
  const minimum = amountIn(coupon.minimumAmounts, base.currency);
  return minimum !== undefined && base.minor >= minimum.minor;
}

/** No list at all: every plan. Only add-ons listed: no plan. */
export function appliesToPlan(coupon: Coupon, planId: Id<'Plan'> | undefined): boolean {
  if (coupon.kind === 'FREE_PERIODS')
    return coupon.planIds.length === 0 || (!!planId && coupon.planIds.includes(planId));
  if (coupon.planIds.length === 0) return coupon.addonIds.length === 0;
  return planId !== undefined && coupon.planIds.includes(planId);
}

/** Free periods are the plan's alone. */
export function appliesToAddon(coupon: Coupon, addonId: Id<'Addon'>): boolean {
  return coupon.kind !== 'FREE_PERIODS' && coupon.addonIds.includes(addonId);
}

export function appliesToInterval(coupon: Coupon, interval: IntervalUnit): boolean {
  return coupon.intervals.length === 0 || coupon.intervals.includes(interval);
}

/** It lasts for a number of periods, or for free ones: those of the interval in which it was first used. */
export function countsPeriods(coupon: Pick<Coupon, 'kind' | 'duration'>): boolean {
  return coupon.duration === 'REPEATING' || coupon.kind === 'FREE_PERIODS';
}

/** A plan or an add-on that a coupon may take from. */
export type CouponTarget =
  | { readonly kind: 'PLAN'; readonly id: Id<'Plan'> }
  | { readonly kind: 'ADDON'; readonly id: Id<'Addon'> };

/** Does it take from what is charged for this? */
export function takesFrom(coupon: Coupon, target: CouponTarget): boolean {
  if (target.kind === 'PLAN') return appliesToPlan(coupon, target.id);
  return !isTargeted(coupon) || appliesToAddon(coupon, target.id);
}

/** What a coupon would take from in each whole period, before discounts; `undefined`: nothing is known yet. */
export function baseOf(
  coupon: Coupon,
  items: readonly { readonly target: CouponTarget; readonly amount: Money }[],
): Money | undefined {
  if (items.length === 0) return undefined;
  const amounts = items.filter(({ target }) => takesFrom(coupon, target)).map(({ amount }) => amount);
  return sum(amounts, items[0]!.amount.currency);
}

/** It names what it applies to; otherwise it takes from the whole invoice. */
export function isTargeted(coupon: Coupon): boolean {
  return coupon.kind === 'FREE_PERIODS' || coupon.planIds.length > 0 || coupon.addonIds.length > 0;
}

/** How many periods it lasts; `undefined`: forever. */
export function periodsOf(coupon: Pick<Coupon, 'duration' | 'durationPeriods'>): number | undefined {
  if (coupon.duration === 'ONCE') return 1;
  return coupon.duration === 'REPEATING' ? coupon.durationPeriods : undefined;
}

export const couponSource = ({ id, code }: Coupon): OperandSource => ({
  kind: 'COUPON',
  id,
  name: code,
});

/**
 * The discount on an amount, never more than the amount. Percent: of the line's rounded amount, so that 20 % of 17.39
 * is what a customer with a calculator gets. Fixed: scaled by the share only where the coupon says so.
 */
export function discountOn(coupon: Coupon, base: Money, share: Share | undefined): Explained {
  const operands: Operand[] = [{ name: 'amount', value: amountText(base), unit: base.currency }];
  if (coupon.kind !== 'FIXED') {
    const percent = coupon.kind === 'PERCENT' ? coupon.percent! : undefined;
    const value = percent?.toFixed() ?? '100';
    const exact = percent ? multiply(exactMinorUnits(base), percentFraction(percent)) : exactMinorUnits(base);
    return explain(exact, base.currency, {
      rule: coupon.kind === 'PERCENT' ? 'COUPON_PERCENT' : 'COUPON_FREE_PERIOD',
      formula: 'amount * percent / 100',
      operands: [...operands, { name: 'percent', value, unit: '%', source: couponSource(coupon) }],
      sentence: (amount) => `${value} % of ${amountText(base)} by coupon ${coupon.code}: ${amount}.`,
    });
  }
  const value = amountIn(coupon.amounts, base.currency) ?? money(0n, base.currency);
  operands.push({ name: 'coupon', value: amountText(value), unit: base.currency, source: couponSource(coupon) });
  let exact: Exact = exactMinorUnits(value);
  let formula = 'min(coupon, amount)';
  if (coupon.scaled && share) {
    exact = multiply(exact, shareFraction(share));
    formula = 'min(coupon * remaining / total, amount)';
    operands.push(...shareOperands(share));
  }
  const capped = exact.numerator > base.minor * exact.denominator ? exactMinorUnits(smaller(value, base)) : exact;
  return explain(capped, base.currency, {
    rule: 'COUPON_FIXED',
    formula,
    operands,
    sentence: (amount) =>
      `${amountText(value)} by coupon ${coupon.code}${
        coupon.scaled && share ? ` × ${exactText(shareFraction(share), 4)}` : ''
      }, at most ${amountText(base)}: ${amount}.`,
  });
}

export function shareOperands(share: Share): Operand[] {
  const unit = share.basis === 'SECOND' ? 'milliseconds' : 'days';
  return [
    { name: 'remaining', value: share.remaining.toString(), unit },
    { name: 'total', value: share.total.toString(), unit },
  ];
}
