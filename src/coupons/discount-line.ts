import { allocate } from '../core/allocate';
import { decimal } from '../core/decimal';
import { fraction } from '../core/exact';
import { type Explained, majorText } from '../core/explain';
import { amountText, type Money, money, moneyText, negate, sum } from '../core/money';
import type { Share } from '../core/proration';
import type { LineDraft } from '../invoicing/invoice';
import { type Coupon, discountOn } from './coupon';

/**
 * The discount lines of one coupon over some lines: rounded once on their sum, then spread by largest remainder, so the
 * parts are the whole. `left` holds what earlier coupons have left of each line and is what is discounted.
 */
export function discountLines(
  coupon: Coupon,
  lines: readonly LineDraft[],
  targets: readonly number[],
  left: readonly Money[],
  share: Share | undefined,
): LineDraft[] {
  if (targets.length === 0) return [];
  const currency = lines[targets[0]!]!.amount.currency;
  const base = sum(
    targets.map((index) => left[index]!),
    currency,
  );
  if (base.minor <= 0n) return [];
  return spreadDiscount(coupon, discountOn(coupon, base, share), lines, targets, left);
}

/** A discount that is known, as lines: the parts are the whole. */
export function spreadDiscount(
  coupon: Coupon,
  { amount, explanation }: Explained,
  lines: readonly LineDraft[],
  targets: readonly number[],
  left: readonly Money[],
): LineDraft[] {
  const { currency } = amount;
  const base = sum(
    targets.map((index) => left[index]!),
    currency,
  );
  if (base.minor <= 0n) return [];
  const parts = allocate(
    amount.minor,
    targets.map((index) => left[index]!.minor),
  );
  const spreadOver = targets.map((index, part) => ({
    name: `line${part + 1}`,
    value: amountText(left[index]!),
    unit: currency,
    // Of a charge, the plan or add-on that it is for.
    source: lines[index]!.explanation.operands.find(({ source }) => source)?.source,
  }));
  return targets.flatMap((index, part) => {
    const line = lines[index]!;
    const discount = money(parts[part]!, currency);
    if (discount.minor === 0n) return [];
    return [
      {
        kind: 'DISCOUNT' as const,
        source: { kind: 'COUPON' as const, id: coupon.id },
        itemId: line.itemId,
        discountsLine: index,
        description: `${coupon.name} (${coupon.code}) on ${line.description}`,
        quantity: decimal(1),
        amount: negate(discount),
        covers: line.covers,
        period: line.period,
        share: line.share,
        explanation:
          targets.length === 1
            ? explanation
            : {
                ...explanation,
                formula: `spread(${explanation.formula})`,
                operands: [
                  ...explanation.operands,
                  ...spreadOver,
                  { name: 'position', value: String(part + 1), unit: '1' },
                ],
                exact: majorText(fraction(amount.minor * left[index]!.minor, base.minor), currency),
                result: amountText(discount),
                sentence: `${explanation.sentence} Spread over ${targets.length} lines by largest remainder: ${moneyText(discount)}.`,
              },
      },
    ];
  });
}
