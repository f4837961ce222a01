import { decimal } from '../core/decimal';
import { compareExact, divide, type Exact, exactOf, minus, multiply } from '../core/exact';
import { type Explained, explain, type Operand } from '../core/explain';
import { amountText, exactMinorUnits, type Money, moneyText } from '../core/money';
import { type Share, shareFraction } from '../core/proration';
import { shareOperands } from '../coupons/coupon';
import type { LineDraft, SourceKind, TimeSpan } from '../invoicing/invoice';

/** A discount or waiver given for an item in this period, and the part of the period it was given for. */
export interface GivenDiscount {
  /** Not negative. */
  readonly amount: Money;
  readonly share: Share;
}

/** A plan phase or an attachment, with what it was really charged in the current period. */
export interface ChargedItem {
  readonly itemId: string;
  readonly kind: Extract<SourceKind, 'PLAN' | 'ADDON'>;
  readonly name: string;
  /** Per unit of quantity and full period. */
  readonly unitAmount: Money;
  readonly quantity: bigint;
  readonly discounts: readonly GivenDiscount[];
  /** Charges − discounts − credits of this item in this period: a credit is never more. */
  readonly charged: Money;
}

/**
 * Billing rules §3, "unused credit": what was effectively charged for the full period × share, from the item's
 * full-period value and never from the last incremental charge. A discount that was given for a part of the period is
 * taken back for the same part of what is left (3.48 given for 11 days: 3.48 × 5/11 with 5 days left).
 */
export function unusedCredit(item: ChargedItem, share: Share): Explained {
  const { currency } = item.unitAmount;
  const rest = shareFraction(share);
  let exact: Exact = multiply(exactMinorUnits(item.unitAmount), exactOf(item.quantity), rest);
  let formula = 'price * quantity * remaining / total';
  const operands: Operand[] = [
    { name: 'price', value: amountText(item.unitAmount), unit: currency, source: item.itemId },
    { name: 'quantity', value: item.quantity.toString(), unit: 'units' },
    ...shareOperands(share),
  ];
  let given = 0;
  for (const discount of item.discounts) {
    if (discount.amount.minor === 0n || discount.share.remaining === 0n) continue;
    given += 1;
    exact = minus(exact, multiply(exactMinorUnits(discount.amount), divide(rest, shareFraction(discount.share))));
    formula += ` - discount${given} * (remaining / total) / (discount${given}Remaining / discount${given}Total)`;
    const [remaining, total] = shareOperands(discount.share);
    operands.push(
      { name: `discount${given}`, value: amountText(discount.amount), unit: currency },
      { ...remaining!, name: `discount${given}Remaining` },
      { ...total!, name: `discount${given}Total` },
    );
  }
  let why = `${moneyText(item.unitAmount)} × ${item.quantity} × ${share.remaining}/${share.total}${
    given > 0 ? ', less the discounts given for the same days' : ''
  }`;
  const charged = exactMinorUnits(item.charged);
  if (compareExact(exact, { numerator: 0n, denominator: 1n }) < 0) {
    exact = { numerator: 0n, denominator: 1n };
    formula = `max(${formula}, 0)`;
  } else if (compareExact(exact, charged) > 0) {
    exact = charged;
    formula = `min(${formula}, charged)`;
    operands.push({ name: 'charged', value: amountText(item.charged), unit: currency });
    why += `, but not more than the ${moneyText(item.charged)} that was charged`;
  }
  return explain(exact, currency, {
    rule: 'UNUSED_CREDIT',
    formula,
    operands,
    sentence: (amount) => `Unused time on ${item.name}: ${why} = ${amount}.`,
  });
}

/** A price for a part of a period, or for the whole of it. */
export function periodCharge(
  item: Pick<ChargedItem, 'itemId' | 'name' | 'unitAmount' | 'quantity'>,
  share: Share,
): Explained {
  const whole = share.remaining === share.total;
  const { currency } = item.unitAmount;
  const exact = multiply(exactMinorUnits(item.unitAmount), exactOf(item.quantity), shareFraction(share));
  return explain(exact, currency, {
    rule: whole ? 'FIXED_PRICE' : 'PRORATED_PRICE',
    formula: whole ? 'price * quantity' : 'price * quantity * remaining / total',
    operands: [
      { name: 'price', value: amountText(item.unitAmount), unit: currency, source: item.itemId },
      { name: 'quantity', value: item.quantity.toString(), unit: 'units' },
      ...(whole ? [] : shareOperands(share)),
    ],
    sentence: (amount) =>
      `${item.name}: ${moneyText(item.unitAmount)} × ${item.quantity}${
        whole ? '' : ` × ${share.remaining}/${share.total} of the period`
      } = ${amount}.`,
  });
}

export function creditLine(item: ChargedItem, share: Share, covers: TimeSpan, period: TimeSpan): LineDraft {
  const { amount, explanation } = unusedCredit(item, share);
  return {
    kind: 'PRORATION_CREDIT',
    source: { kind: item.kind, id: item.itemId },
    itemId: item.itemId,
    description: `Unused time on ${item.name}`,
    quantity: decimal(item.quantity),
    amount: { minor: -amount.minor, currency: amount.currency },
    covers,
    period,
    share,
    explanation,
  };
}

export function chargeLine(
  kind: 'PLAN_FIXED' | 'ADDON_FIXED' | 'PRORATION_CHARGE',
  item: Pick<ChargedItem, 'itemId' | 'kind' | 'name' | 'unitAmount' | 'quantity'>,
  share: Share,
  covers: TimeSpan,
  period: TimeSpan,
): LineDraft {
  const { amount, explanation } = periodCharge(item, share);
  return {
    kind,
    source: { kind: item.kind, id: item.itemId },
    itemId: item.itemId,
    description: kind === 'PRORATION_CHARGE' ? `Remaining time on ${item.name}` : item.name,
    quantity: decimal(item.quantity),
    amount,
    covers,
    period,
    share,
    explanation,
  };
}
