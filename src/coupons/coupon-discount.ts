import { compareExact, type Exact, fraction, minus, multiply, plus, zeroExact } from '../core/exact';
import type { Id } from '../core/ids';
import { exactMinorUnits, type Money, negate } from '../core/money';
import { type Share, shareFraction } from '../core/proration';
import type { LineDraft, TimeSpan } from '../invoicing/invoice';
import type { CouponTarget } from './coupon';

type PartOfPeriod = Pick<Share, 'remaining' | 'total'>;

/** What a coupon gave on one line of a period: the entries of its account. */
export interface CouponDiscount {
  /** Grows with time. */
  readonly id?: string | undefined;
  readonly pendingCouponId: Id<'PendingCoupon'>;
  /** Which of the coupon's periods it is. */
  readonly periodNumber: number;
  /** The use that the period is counted by; else what went back is given again. */
  readonly counts: boolean;
  readonly period: TimeSpan;
  /** The plan phase or attachment; none: it was given on usage, which never goes back. */
  readonly item?: { readonly id: string; readonly target: CouponTarget } | undefined;
  /** What the line costs for a whole period. */
  readonly wholePeriod: Money;
  /** Above zero. */
  readonly amount: Money;
  /** The part of the period that it is for. */
  readonly share: PartOfPeriod;
  readonly invoiceId?: Id<'Invoice'> | undefined;
  /** The part of the period for which it went back, with the unused time of its item. */
  readonly returned?: PartOfPeriod | undefined;
}

/** A plan follows a plan; an add-on only itself. */
const isLike = (one: CouponTarget, other: CouponTarget): boolean =>
  one.kind === other.kind && (one.kind === 'PLAN' || one.id === other.id);

const sameShare = (one: PartOfPeriod, other: PartOfPeriod): boolean =>
  one.remaining * other.total === other.remaining * one.total;

/** By whole period: what it would be, had it been given for all of it. */
const rateOf = ({ amount, share }: CouponDiscount): Exact => fraction(amount.minor * share.total, share.remaining);

const partOf = ({ remaining, total }: PartOfPeriod): Exact => fraction(remaining, total);

const sumOf = (values: readonly Exact[]): Exact => values.reduce(plus, zeroExact);

/** A coupon's account in the period that a change falls into. */
export class CouponAccount {
  private readonly entries: readonly CouponDiscount[];
  private readonly all: readonly CouponDiscount[];

  /**
   * @param given all that the coupon gave in the period, oldest first
   * @param leaving the items that the change credits, with the part of the period that is unused
   * @param all what all coupons of the change gave in the period, oldest first
   */
  constructor(
    given: readonly CouponDiscount[],
    leaving: ReadonlyMap<string, Share>,
    private readonly share: Share,
    all: readonly CouponDiscount[] = given,
  ) {
    const asOfNow = (entry: CouponDiscount) => ({
      ...entry,
      returned: entry.returned ?? leaving.get(entry.item?.id ?? ''),
    });
    this.all = all.map(asOfNow);
    // Periods that begin on one day are told apart by what the coupon counted.
    const number = given.at(-1)?.periodNumber;
    this.entries = given.filter(({ periodNumber }) => periodNumber === number).map(asOfNow);
  }

  private of(target: CouponTarget): CouponDiscount[] {
    return this.entries.filter(({ item }) => item !== undefined && isLike(item.target, target));
  }

  /** What it gave the period for plans, or for an add-on. */
  given(target: CouponTarget): CouponDiscount[] {
    return this.of(target).filter(({ counts }) => counts);
  }

  /** What of it stands. */
  standing(target: CouponTarget): CouponDiscount[] {
    return this.of(target).filter(({ returned }) => !returned);
  }

  /** Less of it went back than the rest of the period is: a part of what the item includes was used up. */
  isReturnedInPart(target: CouponTarget): boolean {
    const time = shareFraction(this.share);
    return this.given(target).some(({ returned }) => returned && compareExact(partOf(returned), time) < 0);
  }

  /** What went back and was not given again, for the rest of the period; minor units. */
  returned(target: CouponTarget): Exact {
    const time = shareFraction(this.share);
    const back = this.given(target).map((entry) => {
      const part = entry.returned ? partOf(entry.returned) : time;
      return multiply(rateOf(entry), compareExact(part, time) < 0 ? part : time);
    });
    const left = minus(sumOf(back), multiply(sumOf(this.standing(target).map(rateOf)), time));
    return left.numerator > 0n ? left : zeroExact;
  }

  /** It took from this in the period that it is counted in. */
  tookFrom(target: CouponTarget): boolean {
    return this.given(target).length > 0;
  }

  /**
   * What went back at this very share with the last item that was the same as this one, which is the same item for all coupons;
   * `undefined`: there was none.
   */
  returnedWith(target: CouponTarget, wholePeriod: Money | undefined): Exact | undefined {
    const item = this.all.findLast(
      (entry) =>
        entry.returned &&
        sameShare(entry.returned, this.share) &&
        entry.item?.target.kind === target.kind &&
        entry.item.target.id === target.id &&
        entry.wholePeriod.minor === wholePeriod?.minor,
    )?.item;
    if (!item) return undefined;
    const own = this.entries.filter((entry) => entry.item?.id === item.id && entry.returned);
    return multiply(sumOf(own.map(rateOf)), shareFraction(this.share));
  }
}

/** The lines of a use as the entries of the coupon's account. */
export function couponDiscountsOf(
  drafted: readonly LineDraft[],
  lines: readonly LineDraft[],
  catalogIds: ReadonlyMap<string, string>,
  use: Pick<CouponDiscount, 'pendingCouponId' | 'periodNumber' | 'counts' | 'invoiceId'>,
): CouponDiscount[] {
  return drafted.map((line) => {
    const taken = lines[line.discountsLine!]!;
    const catalogId = catalogIds.get(taken.itemId);
    const { kind } = taken.source;
    // What is charged by usage has no price for a whole period.
    const isOfTime = taken.wholePeriod !== undefined && catalogId !== undefined;
    return {
      ...use,
      period: taken.period,
      item: isOfTime ? { id: taken.itemId, target: { kind, id: catalogId } as CouponTarget } : undefined,
      wholePeriod: taken.wholePeriod ?? taken.amount,
      amount: negate(line.amount),
      share: isOfTime ? taken.share : { remaining: 1n, total: 1n },
    };
  });
}

export const exactOfLine = ({ wholePeriod, amount, share }: LineDraft): Exact =>
  wholePeriod ? multiply(exactMinorUnits(wholePeriod), shareFraction(share)) : exactMinorUnits(amount);
