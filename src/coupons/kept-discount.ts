import { fractionDigitsOf } from '../core/currency';
import { compareExact, type Exact, exactOf, fraction, minus, multiply } from '../core/exact';
import { type Explained, explain, type Operand } from '../core/explain';
import { groupBy } from '../core/group';
import { amountText, atLeastZero, type Money, moneyText, roundToMoney, smaller, subtract, sum } from '../core/money';
import type { Share } from '../core/proration';
import type { LineDraft } from '../invoicing/invoice';
import { type Coupon, type CouponTarget, couponSource, shareOperands } from './coupon';
import type { CouponAccount, CouponDiscount } from './coupon-discount';
import { discountLines, spreadDiscount } from './discount-line';

/** The lines of a change while its coupons take from them, one after the other. */
export interface DiscountedLines {
  readonly lines: readonly LineDraft[];
  /** What earlier coupons have left of each line, and the same before it was rounded. */
  readonly left: Money[];
  readonly exact: Exact[];
}

const lesser = (one: Exact, other: Exact): Exact => (compareExact(one, other) < 0 ? one : other);

/** The sum of entries by whole period, as a formula: one term for each part of the period that they are for. */
function terms(
  name: string,
  entries: readonly CouponDiscount[],
  coupon: Coupon,
): { formula: string[]; operands: Operand[] } {
  const groups = [...groupBy(entries, ({ share }) => `${share.remaining}/${share.total}`).values()];
  const parts = groups.map((group, index) => {
    const { share, amount } = group[0]!;
    const term = `${name}${index + 1}`;
    const whole = share.remaining === share.total;
    const total = sum(
      group.map((entry) => entry.amount),
      amount.currency,
    );
    const [remaining, of] = shareOperands({ basis: 'DAY', ...share });
    return {
      formula: whole ? term : `${term} / (${term}Remaining / ${term}Total)`,
      operands: [
        { name: term, value: amountText(total), unit: amount.currency, source: couponSource(coupon) },
        ...(whole
          ? []
          : [
              { ...remaining!, name: `${term}Remaining` },
              { ...of!, name: `${term}Total` },
            ]),
      ],
    };
  });
  return { formula: parts.map(({ formula }) => formula), operands: parts.flatMap(({ operands }) => operands) };
}

/** A fixed amount: so much of it as went back with this item and was not given again, never more than there is to take from. */
function givenAgain(
  coupon: Coupon,
  account: CouponAccount,
  target: CouponTarget,
  base: Money,
  share: Share,
): Explained {
  const { currency } = base;
  const available = account.returned(target);
  const given = terms('given', account.given(target), coupon);
  const standing = terms('standing', account.standing(target), coupon);
  const due = [given.formula.join(' + '), ...standing.formula].join(' - ');
  const inPart = account.isReturnedInPart(target);
  const major = multiply(available, fraction(1n, 10n ** BigInt(fractionDigitsOf(currency))));
  return explain(lesser(available, exactOf(base.minor)), currency, {
    rule: 'COUPON_GIVEN_AGAIN',
    formula: inPart ? 'min(returned / parts, amount)' : `min((${due}) * remaining / total, amount)`,
    operands: [
      { name: 'amount', value: amountText(base), unit: currency },
      ...(inPart
        ? [
            { name: 'returned', value: major.numerator.toString(), unit: currency },
            { name: 'parts', value: major.denominator.toString(), unit: '1' },
          ]
        : [...given.operands, ...standing.operands, ...shareOperands(share)]),
    ],
    sentence: (amount) =>
      `Of coupon ${coupon.code} ${moneyText(roundToMoney(available, currency))} went back and is given again, at most ${amountText(base)}: ${amount}.`,
  });
}

/** An item comes back in the moment it left: with the discount it costs what was credited for it, to the cent. */
function asItLeft(coupon: Coupon, before: Money, after: Money): Explained {
  const { currency } = before;
  const amount = smaller(atLeastZero(subtract(before, after)), before);
  return explain(exactOf(amount.minor), currency, {
    rule: 'COUPON_GIVEN_AGAIN',
    formula: 'returned',
    operands: [{ name: 'returned', value: amountText(amount), unit: currency, source: couponSource(coupon) }],
    sentence: (text) => `Coupon ${coupon.code}: ${text} went back at this moment and is given again.`,
  });
}

/**
 * What a running coupon takes from a change within a period: only what went back with the items that are credited may be given
 * again, on the plan, or on the same add-on (billing rules §12). A share of the price goes with the price; of a fixed amount it is
 * never more than what came back. So change and change back is 0.
 */
export function keptDiscountLines(
  coupon: Coupon,
  account: CouponAccount,
  { lines, left, exact }: DiscountedLines,
  targets: readonly { readonly index: number; readonly target: CouponTarget }[],
  share: Share,
): LineDraft[] {
  const drafted: LineDraft[] = [];
  const sharing: number[] = [];
  for (const { index, target } of targets) {
    if (!account.tookFrom(target) || left[index]!.minor <= 0n) continue;
    const { wholePeriod, amount } = lines[index]!;
    const back = account.returnedWith(target, wholePeriod);
    if (back) {
      const after = minus(exact[index]!, back);
      const explained = asItLeft(coupon, left[index]!, roundToMoney(after, amount.currency));
      drafted.push(...spreadDiscount(coupon, explained, lines, [index], left));
      exact[index] = after;
    } else if (coupon.kind === 'FIXED') {
      const explained = givenAgain(coupon, account, target, left[index]!, share);
      drafted.push(...spreadDiscount(coupon, explained, lines, [index], left));
    } else sharing.push(index);
  }
  return [...drafted, ...discountLines(coupon, lines, sharing, left, undefined)];
}
