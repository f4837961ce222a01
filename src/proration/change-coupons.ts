import type { CouponOrder } from '../access/partner';
import type { Addon } from '../catalog/addon';
import type { Plan } from '../catalog/plan';
import type { Instant } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { plus } from '../core/exact';
import type { Id } from '../core/ids';
import { add, exactMinorUnits, type Money, negate, sum, zero } from '../core/money';
import type { IntervalUnit } from '../core/period';
import type { Share } from '../core/proration';
import {
  baseOf,
  type Coupon,
  type CouponReason,
  type CouponTarget,
  type CouponUse,
  couponProblems,
  takesFrom,
} from '../coupons/coupon';
import { CouponAccount, type CouponDiscount, exactOfLine } from '../coupons/coupon-discount';
import { inCouponOrder } from '../coupons/coupon-order';
import { discountLines } from '../coupons/discount-line';
import { keptDiscountLines } from '../coupons/kept-discount';
import type { PendingCoupon } from '../coupons/pending-coupon';
import type { LineDraft } from '../invoicing/invoice';
import type { AddonSubscription } from '../subscriptions/addon-subscription';
import { fullPeriodAmount } from '../subscriptions/subscription';

import { type AttachmentOutcomeKind, endKindOf } from './judge-attachments';

/** A coupon at the time of a change: one that is named with it, or one that runs. */
export interface ChangeCoupon {
  readonly coupon: Coupon;
  readonly running: boolean;
  /** Its reservation; none yet where it is named for the first time. */
  readonly pending?: PendingCoupon | undefined;
  /** Running, of the plan: whether it is asked to go on. `undefined`: of an add-on alone, which is not asked about. */
  readonly kept?: boolean | undefined;
  /** What it gave in the period that the change falls into, oldest first. */
  readonly given?: readonly CouponDiscount[] | undefined;
  /** Used up in this period: what goes back may be given again, a new period may not be begun. */
  readonly finished?: boolean | undefined;
  /** What the tenant's past says of one that is named. */
  readonly past?: Pick<CouponUse, 'usedByTenant' | 'liveForTenant' | 'hasPurchased'> | undefined;
}

/** What the coupons of a change look at of it. */
export interface CouponedChange {
  readonly at: Instant;
  readonly currency: CurrencyCode;
  /** Before the change. */
  readonly interval: IntervalUnit;
  readonly couponOrder: CouponOrder;
  readonly attachments: readonly { readonly attachment: AddonSubscription; readonly addon: Addon }[];
  readonly target: {
    readonly plan: Plan;
    readonly interval: IntervalUnit;
    readonly unitAmount: Money;
    readonly quantity: bigint;
  };
}

/** What becomes of an attachment. */
type Outcome = CouponedChange['attachments'][number] & {
  readonly outcome: AttachmentOutcomeKind;
  readonly price?: { readonly amount: Money } | undefined;
};

/** What the subscription holds after a change, for a whole period. */
export interface ItemsAfter {
  readonly at: Instant;
  readonly currency: CurrencyCode;
  readonly intervalBefore: IntervalUnit;
  readonly interval: IntervalUnit;
  readonly planId: Id<'Plan'>;
  readonly addonIds: readonly Id<'Addon'>[];
  readonly items: readonly { readonly target: CouponTarget; readonly amount: Money }[];
}

/** What the coupons of a change are judged by: what the subscription holds afterwards. */
export function itemsAfter(input: CouponedChange, outcomes: readonly Outcome[]): ItemsAfter {
  const { at, currency, interval: intervalBefore, target } = input;
  const staying = outcomes.filter(({ outcome, attachment }) => !endKindOf[outcome] && !attachment.endsAt);
  return {
    ...{ at, currency, intervalBefore, interval: target.interval, planId: target.plan.id },
    addonIds: staying.map(({ addon }) => addon.id),
    items: [
      { target: { kind: 'PLAN', id: target.plan.id }, amount: fullPeriodAmount(target) },
      ...staying
        .filter(({ attachment }) => attachment.billedBy === 'TOLLGATE')
        .map(({ attachment: { unitAmount, quantity }, addon, price }) => ({
          target: { kind: 'ADDON' as const, id: addon.id },
          amount: fullPeriodAmount({ unitAmount: price?.amount ?? unitAmount, quantity }),
        })),
    ],
  };
}

export interface JudgedCoupons {
  /** These take from the change's charges. */
  readonly taking: readonly ChangeCoupon[];
  /** Running ones that the change ends. */
  readonly ending: readonly ChangeCoupon[];
  /** Used up already, and not kept: what goes back of them is not given again. */
  readonly lapsing: readonly ChangeCoupon[];
  /** Why the one that is named may not be used; empty: it may, or none is named. */
  readonly namedProblems: readonly CouponReason[];
}

/** Judges each coupon for what follows the change, by the same rules as at a renewal. */
export function judgeChangeCoupons(coupons: readonly ChangeCoupon[], after: ItemsAfter): JudgedCoupons {
  const taking: ChangeCoupon[] = [];
  const ending: ChangeCoupon[] = [];
  const lapsing: ChangeCoupon[] = [];
  const namedProblems: CouponReason[] = [];
  for (const entry of coupons) {
    const { coupon, running, pending, past, kept, finished } = entry;
    const problems = couponProblems(coupon, {
      stage: running ? 'RUNNING' : pending ? 'WAITING' : 'NEW',
      now: after.at,
      currency: after.currency,
      planId: after.planId,
      addonIds: after.addonIds,
      interval: after.interval,
      countsIn: running ? (pending?.countsIn ?? after.intervalBefore) : pending?.countsIn,
      base: baseOf(coupon, after.items),
      usedByTenant: past?.usedByTenant ?? 0,
      liveForTenant: past?.liveForTenant ?? false,
      hasPurchased: past?.hasPurchased ?? false,
    });
    if (finished) {
      if (kept === false) lapsing.push(entry);
      else if (problems.length === 0) taking.push(entry);
    } else if (running && kept === false) ending.push(entry);
    else if (problems.length === 0) taking.push(entry);
    else if (!running) namedProblems.push(...problems);
    else if (kept || problems.includes('COUPON_INTERVAL_NOT_ELIGIBLE')) ending.push(entry);
  }
  return { taking, ending, lapsing, namedProblems };
}

/** What one coupon takes from a change. */
export interface ChangeCouponUse extends ChangeCoupon {
  readonly discount: Money;
  /** It takes from a period that it has not been counted in: the change begins one, or the coupon is new. */
  readonly counts: boolean;
  readonly lines: readonly LineDraft[];
}

export interface ChangeDiscounts {
  readonly lines: readonly LineDraft[];
  readonly uses: readonly ChangeCouponUse[];
}

const byId = ({ id: one = '' }: CouponDiscount, { id: other = '' }: CouponDiscount): number =>
  one < other ? -1 : one > other ? 1 : 0;

/**
 * What the coupons take from the charges of a change, in the partner's order. A new full period is discounted like a
 * renewal: each line that a coupon applies to, and it counts as one of its periods. Within a period a running coupon gives
 * again what went back.
 */
export function changeDiscounts(
  input: CouponedChange,
  taking: readonly ChangeCoupon[],
  charged: {
    readonly lines: readonly LineDraft[];
    /** Where the charges begin. */
    readonly from: number;
    readonly share: Share;
    readonly newPeriod: boolean;
  },
): ChangeDiscounts {
  const { lines, from, share, newPeriod } = charged;
  const addonOf = new Map(input.attachments.map(({ attachment, addon }) => [attachment.id as string, addon.id]));
  const targetOf = ({ itemId }: LineDraft): CouponTarget => {
    const addonId = addonOf.get(itemId);
    return addonId ? { kind: 'ADDON', id: addonId } : { kind: 'PLAN', id: input.target.plan.id };
  };
  const left = lines.map((line) => line.amount);
  const exact = lines.map(exactOfLine);
  const leaving = new Map(lines.slice(0, from).map((line) => [line.itemId, line.share]));
  const all = taking.flatMap(({ given = [] }) => given).sort(byId);
  const discounts: LineDraft[] = [];
  const uses = inCouponOrder(input.couponOrder, taking).flatMap((entry): ChangeCouponUse[] => {
    const { coupon, running, finished, given = [] } = entry;
    if (newPeriod && finished) return [];
    const targets = lines.flatMap((line, index) => {
      const target = targetOf(line);
      return index >= from && takesFrom(coupon, target) ? [{ index, target }] : [];
    });
    const isKept = running && !newPeriod;
    const before = exact.slice();
    const drafted = isKept
      ? keptDiscountLines(coupon, new CouponAccount(given, leaving, share, all), { lines, left, exact }, targets, share)
      : discountLines(
          coupon,
          lines,
          targets.map(({ index }) => index),
          left,
          share,
        );
    for (const line of drafted) {
      const index = line.discountsLine!;
      left[index] = add(left[index]!, line.amount);
      if (exact[index] === before[index]) exact[index] = plus(exact[index]!, exactMinorUnits(line.amount));
    }
    discounts.push(...drafted);
    const amounts = drafted.map((line) => line.amount);
    return [{ ...entry, discount: negate(sum(amounts, input.currency)), counts: !isKept, lines: drafted }];
  });
  return { lines: discounts, uses };
}

/** The coupon of a change that moves no money: it takes nothing and waits. */
export const unused = (entry: ChangeCoupon, currency: CurrencyCode): ChangeCouponUse => ({
  ...entry,
  discount: zero(currency),
  counts: false,
  lines: [],
});
