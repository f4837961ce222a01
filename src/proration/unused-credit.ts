import type { Instant, TimeZone } from '../core/calendar';
import { decimal } from '../core/decimal';
import { exactOf } from '../core/exact';
import { explain } from '../core/explain';
import { amountText, type Money, moneyText, negate, subtract } from '../core/money';
import { type ProrationBasis, remainingShare } from '../core/proration';
import type { LineDraft } from '../invoicing/invoice';
import type { Counts } from '../rating/usage-pieces';
import { type ChargedItem, unusedCredit } from './charged-item';
import { type CountedUse, type CreditedItem, smallestAllowances } from './unused-allowance';

/** What a credit was computed from, but the counts. */
export interface UnusedCreditFacts {
  readonly at: Instant;
  readonly basis: ProrationBasis;
  readonly timeZone: TimeZone;
  /** With its account as it stood. */
  readonly item: ChargedItem;
  readonly credited: CreditedItem;
  readonly uses: readonly CountedUse[];
}

/** A credit for what was unused of an item that includes a limited allowance. */
export interface UnusedCredit {
  readonly id: string;
  readonly facts: UnusedCreditFacts;
  /** Before tax, less what was charged again since. */
  readonly amount: Money;
}

interface CreditingAct extends Pick<UnusedCreditFacts, 'at' | 'basis' | 'timeZone' | 'uses'> {
  readonly lines: readonly LineDraft[];
  readonly charged: readonly ChargedItem[];
  readonly items: readonly CreditedItem[];
}

/** The credits of an act that usage which is told later would have made smaller. */
export function unusedCreditsOf({ lines, charged, items, uses, ...act }: CreditingAct): Omit<UnusedCredit, 'id'>[] {
  return items.flatMap((credited): Omit<UnusedCredit, 'id'>[] => {
    const { itemId } = credited;
    const line = lines.find((one) => one.kind === 'PRORATION_CREDIT' && one.itemId === itemId);
    const item = charged.find((one) => one.itemId === itemId);
    const own = uses.filter(({ held }) => held.some(({ sourceId }) => sourceId === itemId));
    if (!line || !item || line.amount.minor === 0n || own.length === 0) return [];
    return [{ facts: { ...act, item, credited, uses: own }, amount: negate(line.amount) }];
  });
}

/** What was counted by the act, as it is counted now. */
export const countsOfCredit = ({ facts }: UnusedCredit) =>
  facts.uses.map(({ featureId, counted }) => ({ featureId, window: counted }));

/** What would have been credited, had all been told in time. */
function creditNow({ facts }: UnusedCredit, counts: Counts) {
  const { at, basis, timeZone, item, credited } = facts;
  const { currency } = item.unitAmount;
  const uses = facts.uses.map((use) => ({ ...use, used: counts({ featureId: use.featureId, window: use.counted }) }));
  const share = remainingShare(basis, credited.period, at, timeZone);
  const left = smallestAllowances([credited], uses, { at, basis, timeZone, currency }).get(credited.itemId);
  return { share, ...unusedCredit(item, share, left) };
}

/** So much was credited too much: usage of before the act was told after it. Nothing is given where it is less. */
export function lateCreditLine(credit: UnusedCredit, counts: Counts): LineDraft | undefined {
  const { facts, amount } = credit;
  const { item, credited, at } = facts;
  const now = creditNow(credit, counts);
  const owed = subtract(amount, now.amount);
  if (owed.minor <= 0n) return undefined;
  const { period } = credited;
  const { amount: charge, explanation } = explain(exactOf(owed.minor), owed.currency, {
    rule: 'LATE_USAGE_OF_CREDIT',
    formula: 'credited - unused',
    operands: [
      { name: 'credited', value: amountText(amount), unit: amount.currency },
      { name: 'unused', value: amountText(now.amount), unit: amount.currency },
    ],
    sentence: (text) =>
      `Usage of before was told after ${moneyText(amount)} had been credited for ${item.name}; ${moneyText(now.amount)} was unused: ${text}. ${now.explanation.sentence}`,
  });
  return {
    kind: 'PRORATION_CHARGE',
    source: { kind: item.kind, id: item.itemId },
    itemId: item.itemId,
    description: `Late usage of what was credited of ${item.name}`,
    quantity: decimal(item.quantity),
    amount: charge,
    covers: { start: at, end: period.end },
    period: { start: period.start, end: period.end },
    share: now.share,
    explanation,
  };
}
