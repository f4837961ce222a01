import type { CouponOrder } from '../access/partner';
import type { Addon } from '../catalog/addon';
import type { Plan } from '../catalog/plan';
import type { Instant } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import type { Id } from '../core/ids';
import { add, type Money, negate, sum, zero } from '../core/money';
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
import { inCouponOrder } from '../coupons/coupon-order';
import { discountLines } from '../coupons/discount-line';
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
  /** Why the one that is named may not be used; empty: it may, or none is named. */
  readonly namedProblems: readonly CouponReason[];
}

/** Judges each coupon for what follows the change, by the same rules as at a renewal. */
export function judgeChangeCoupons(coupons: readonly ChangeCoupon[], after: ItemsAfter): JudgedCoupons {
  const taking: ChangeCoupon[] = [];
  const ending: ChangeCoupon[] = [];
  const namedProblems: CouponReason[] = [];
  for (const entry of coupons) {
    const { coupon, running, pending, past, kept } = entry;
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
    if (running && kept === false) ending.push(entry);
    else if (problems.length === 0) taking.push(entry);
    else if (!running) namedProblems.push(...problems);
    else if (kept || problems.includes('COUPON_INTERVAL_NOT_ELIGIBLE')) ending.push(entry);
  }
  return { taking, ending, namedProblems };
}

/** What one coupon takes from a change. */
export interface ChangeCouponUse extends ChangeCoupon {
  readonly discount: Money;
  /** It takes from a period that it has not been counted in: the change begins one, or the coupon is new. */
  readonly counts: boolean;
}

export interface ChangeDiscounts {
  readonly lines: readonly LineDraft[];
  readonly uses: readonly ChangeCouponUse[];
}

/**
 * What the coupons take from the charges of a change, in the partner's order. A new full period is discounted like a
 * renewal: each line that a coupon applies to, and it counts as one of its periods.
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
    /** Items that begin with the change: nothing of theirs went back, so what runs takes from them at the next renewal. */
    readonly added?: ReadonlySet<string> | undefined;
  },
): ChangeDiscounts {
  const { lines, from, share, newPeriod, added } = charged;
  const addonOf = new Map(input.attachments.map(({ attachment, addon }) => [attachment.id as string, addon.id]));
  const targetOf = ({ itemId }: LineDraft): CouponTarget => {
    const addonId = addonOf.get(itemId);
    return addonId ? { kind: 'ADDON', id: addonId } : { kind: 'PLAN', id: input.target.plan.id };
  };
  const left = lines.map((line) => line.amount);
  const discounts: LineDraft[] = [];
  const uses = inCouponOrder(input.couponOrder, taking).map((entry): ChangeCouponUse => {
    const { coupon, running } = entry;
    const isNew = ({ itemId }: LineDraft) => running && !newPeriod && added?.has(itemId);
    const targets = lines.flatMap((line, index) =>
      index >= from && !isNew(line) && takesFrom(coupon, targetOf(line)) ? [index] : [],
    );
    const drafted = discountLines({ ...coupon, scaled: coupon.scaled || running }, lines, targets, left, share);
    for (const line of drafted) left[line.discountsLine!] = add(left[line.discountsLine!]!, line.amount);
    discounts.push(...drafted);
    const amounts = drafted.map((line) => line.amount);
    return { ...entry, discount: negate(sum(amounts, input.currency)), counts: newPeriod || !running };
  });
  return { lines: discounts, uses };
}

/** The coupon of a change that moves no money: it takes nothing and waits. */
export const unused = (entry: ChangeCoupon, currency: CurrencyCode): ChangeCouponUse => ({
  ...entry,
  discount: zero(currency),
  counts: false,
});
