import { decimal } from '../core/decimal';
import { compareExact, divide, type Exact, exactOf, minus, multiply } from '../core/exact';
import { catalogSource, type Explained, explain, type Operand } from '../core/explain';
import { amountText, atLeastZero, exactMinorUnits, type Money, moneyText } from '../core/money';
import { type Share, shareFraction } from '../core/proration';
import { shareOperands } from '../coupons/coupon';
import type { LineDraft, SourceKind, TimeSpan } from '../invoicing/invoice';
import { fullPeriodAmount } from '../subscriptions/subscription';
import { type AllowanceLeft, creditedShare, type UnusedShare, unusedShare } from './unused-allowance';

/** What was charged for an item in this period and need not be paid, and the part of the period that is for. */
export interface GivenDiscount {
  /** Default DISCOUNT: by a coupon. WAIVED: given up with a change, or taken back with a void invoice. */
  readonly kind?: 'DISCOUNT' | 'WAIVED' | undefined;
  /** Not negative. */
  readonly amount: Money;
  readonly share: Share;
}

/** A plan phase or an attachment, with what it was really charged in the current period. */
export interface ChargedItem {
  readonly itemId: string;
  readonly kind: Extract<SourceKind, 'PLAN' | 'ADDON'>;
  readonly name: string;
  /** The plan or the add-on. */
  readonly catalogId?: string | undefined;
  /** Per unit of quantity and full period. */
  readonly unitAmount: Money;
  readonly quantity: bigint;
  readonly discounts: readonly GivenDiscount[];
  /** Charges − discounts − credits of this item in this period: a credit is never more. */
  readonly charged: Money;
}

/** The part of what was given for `of` that falls into `share`, as people write it: 5/11, 10/30. */
function partText(share: Share, of: Share, rest: UnusedShare): string {
  if (rest.byAllowance) return of.remaining === of.total ? rest.text : `${rest.text} ÷ ${of.remaining}/${of.total}`;
  if (of.remaining === of.total) return `${share.remaining}/${share.total}`;
  if (of.total === share.total) return `${share.remaining}/${of.remaining}`;
  return `${share.remaining * of.total}/${share.total * of.remaining}`;
}

const partsText = (given: readonly GivenDiscount[], share: Share, rest: UnusedShare): string =>
  given.map((one) => `${moneyText(one.amount)} × ${partText(share, one.share, rest)}`).join(' and ');

/** What comes off, by what it is: a sentence names no discount where none was given, and no amount without its number. */
function reductionsText(given: readonly GivenDiscount[], share: Share, rest: UnusedShare): string {
  const discounts = given.filter(({ kind }) => kind !== 'WAIVED');
  const waived = given.filter(({ kind }) => kind === 'WAIVED');
  return [
    ...(discounts.length > 0 ? [`, less discounts of ${partsText(discounts, share, rest)}`] : []),
    ...(waived.length > 0 ? [`, less ${partsText(waived, share, rest)} that was taken back or waived`] : []),
  ].join('');
}

/**
 * Billing rules §3, "unused credit": what was effectively charged for the full period × share, from the item's
 * full-period value and never from the last incremental charge. A discount that was given for a part of the period is
 * taken back for the same part of what is left (3.48 given for 11 days: 3.48 × 5/11 with 5 days left).
 *
 * @param allowance what is left of what it includes, where something of that was used up
 */
export function unusedCredit(item: ChargedItem, share: Share, allowance?: AllowanceLeft): Explained {
  const { currency } = item.unitAmount;
  const unused = unusedShare(share, allowance);
  let exact: Exact = multiply(exactMinorUnits(item.unitAmount), exactOf(item.quantity), unused.exact);
  let formula = `price * quantity * ${unused.formula}`;
  const part = allowance ? unused.formula : `(${unused.formula})`;
  const operands: Operand[] = [
    { name: 'price', value: amountText(item.unitAmount), unit: currency, ...catalogSource(item.kind, item) },
    { name: 'quantity', value: item.quantity.toString(), unit: 'units' },
    ...shareOperands(share),
    ...unused.operands,
  ];
  const reductions = item.discounts.filter(({ amount, share: { remaining } }) => amount.minor !== 0n && remaining > 0n);
  let given = 0;
  for (const discount of reductions) {
    given += 1;
    exact = minus(
      exact,
      multiply(exactMinorUnits(discount.amount), divide(unused.exact, shareFraction(discount.share))),
    );
    formula += ` - discount${given} * ${part} / (discount${given}Remaining / discount${given}Total)`;
    const [remaining, total] = shareOperands(discount.share);
    operands.push(
      { name: `discount${given}`, value: amountText(discount.amount), unit: currency },
      { ...remaining!, name: `discount${given}Remaining` },
      { ...total!, name: `discount${given}Total` },
    );
  }
  let why = `${moneyText(item.unitAmount)} × ${item.quantity} × ${unused.text}${unused.why}${reductionsText(reductions, share, unused)}`;
  // A credit is never negative, whatever stands on the account.
  const stands = atLeastZero(item.charged);
  const charged = exactMinorUnits(stands);
  if (compareExact(exact, { numerator: 0n, denominator: 1n }) < 0) {
    exact = { numerator: 0n, denominator: 1n };
    formula = `max(${formula}, 0)`;
    why += ', but not below nothing';
  } else if (compareExact(exact, charged) > 0) {
    exact = charged;
    formula = `min(${formula}, charged)`;
    operands.push({ name: 'charged', value: amountText(stands), unit: currency });
    why += `, but not more than the ${moneyText(stands)} that was charged`;
  }
  return explain(exact, currency, {
    rule: 'UNUSED_CREDIT',
    formula,
    operands,
    sentence: (amount) => `Unused ${unused.byAllowance ? 'part of' : 'time on'} ${item.name}: ${why} = ${amount}.`,
  });
}

/** A price for a part of a period, or for the whole of it. */
export function periodCharge(
  item: Pick<ChargedItem, 'kind' | 'name' | 'catalogId' | 'unitAmount' | 'quantity'>,
  share: Share,
): Explained {
  const whole = share.remaining === share.total;
  const { currency } = item.unitAmount;
  const exact = multiply(exactMinorUnits(item.unitAmount), exactOf(item.quantity), shareFraction(share));
  return explain(exact, currency, {
    rule: whole ? 'FIXED_PRICE' : 'PRORATED_PRICE',
    formula: whole ? 'price * quantity' : 'price * quantity * remaining / total',
    operands: [
      { name: 'price', value: amountText(item.unitAmount), unit: currency, ...catalogSource(item.kind, item) },
      { name: 'quantity', value: item.quantity.toString(), unit: 'units' },
      ...(whole ? [] : shareOperands(share)),
    ],
    sentence: (amount) =>
      `${item.name}: ${moneyText(item.unitAmount)} × ${item.quantity}${
        whole ? '' : ` × ${share.remaining}/${share.total} of the period`
      } = ${amount}.`,
  });
}

export function creditLine(
  item: ChargedItem,
  share: Share,
  covers: TimeSpan,
  period: TimeSpan,
  allowance?: AllowanceLeft,
): LineDraft {
  const { amount, explanation } = unusedCredit(item, share, allowance);
  return {
    kind: 'PRORATION_CREDIT',
    source: { kind: item.kind, id: item.itemId },
    itemId: item.itemId,
    description: `Unused time on ${item.name}`,
    quantity: decimal(item.quantity),
    amount: { minor: -amount.minor, currency: amount.currency },
    covers,
    period,
    share: creditedShare(share, allowance),
    explanation,
  };
}

export function chargeLine(
  kind: 'PLAN_FIXED' | 'ADDON_FIXED' | 'PRORATION_CHARGE',
  item: Pick<ChargedItem, 'itemId' | 'kind' | 'name' | 'catalogId' | 'unitAmount' | 'quantity'>,
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
    wholePeriod: fullPeriodAmount(item),
    covers,
    period,
    share,
    explanation,
  };
}
