import { allocate } from '../core/allocate';
import type { CurrencyCode } from '../core/currency';
import { decimal, decimalText } from '../core/decimal';
import { exactOf, fraction, multiply } from '../core/exact';
import { type Explained, explain, type OperandSource } from '../core/explain';
import { amountText, exactMinorUnits, type Money, money, moneyText, negate, sum, zero } from '../core/money';
import type { LineDraft } from '../invoicing/invoice';
import type { AppliedRate, LineTax, TaxDecision, TaxSummary } from './tax';

/** What stands on an item's account: what a credit takes its share of the tax from. */
export interface TaxedAccount {
  readonly charged: Money;
  readonly tax: Money;
  readonly taxRate?: AppliedRate | undefined;
}

export interface TaxInput {
  readonly decision: TaxDecision;
  /** By item: the category of what it is. */
  readonly categories: ReadonlyMap<string, string>;
  /** By item: what it was charged in the period, where the lines credit it. */
  readonly accounts: ReadonlyMap<string, TaxedAccount>;
}

export interface TaxedLines {
  /** The lines as they were, each with its tax, and the TAX lines that add up to what comes on top. */
  readonly lines: readonly LineDraft[];
  readonly taxes: readonly TaxSummary[];
}

const percentText = (rate: AppliedRate) => `${decimalText(rate.percent)} %`;

const rateSource = ({ id, name }: AppliedRate): OperandSource => ({
  kind: 'TAX_RATE',
  id,
  name,
});

/** Rounded once: the tax of all that one rate charges on a document. */
export function taxOn(rate: AppliedRate, base: Money): Explained {
  const { currency } = base;
  const { numerator, denominator } = exactOf(rate.percent);
  const whole = 100n * denominator;
  const share = rate.inclusive ? fraction(numerator, whole + numerator) : fraction(numerator, whole);
  return explain(multiply(exactMinorUnits(base), share), currency, {
    rule: rate.inclusive ? 'TAX_INCLUDED' : 'TAX',
    formula: rate.inclusive ? 'base * percent / (100 + percent)' : 'base * percent / 100',
    operands: [
      { name: 'base', value: amountText(base), unit: currency },
      { name: 'percent', value: decimalText(rate.percent), unit: '%', source: rateSource(rate) },
    ],
    sentence: (amount) =>
      rate.inclusive
        ? `${rate.name}: ${percentText(rate)} within ${moneyText(base)} = ${amount}.`
        : `${rate.name}: ${percentText(rate)} of ${moneyText(base)} = ${amount}.`,
  });
}

/**
 * What a credit takes of the tax that was charged with it: its part of what stands, so that credits of all that was charged
 * give back exactly the tax that was charged, in whatever steps.
 */
export function taxShare(account: TaxedAccount, credit: Money, name: string): Explained {
  const { charged, tax } = account;
  const { currency } = tax;
  const exact = charged.minor === 0n ? fraction(0n) : fraction(tax.minor * credit.minor, charged.minor);
  return explain(exact, currency, {
    rule: 'TAX_SHARE',
    formula: charged.minor === 0n ? 'tax * 0' : 'tax * credit / charged',
    operands: [
      { name: 'tax', value: amountText(tax), unit: currency },
      { name: 'credit', value: amountText(credit), unit: currency },
      { name: 'charged', value: amountText(charged), unit: currency },
    ],
    sentence: (amount) =>
      `${name}: ${moneyText(credit)} of ${moneyText(charged)}, so of the ${moneyText(tax)} tax on it ${amount}.`,
  });
}

function taxLine(
  like: LineDraft,
  rate: AppliedRate,
  description: string,
  amount: Money,
  explained: Explained,
): LineDraft {
  return {
    kind: 'TAX',
    source: { kind: 'TAX', id: rate.id },
    itemId: like.itemId,
    description,
    quantity: decimal(1n),
    amount,
    covers: like.covers,
    period: like.period,
    share: like.share,
    explanation: explained.explanation,
  };
}

const isCharge = (line: LineDraft) =>
  line.kind !== 'DISCOUNT' && line.kind !== 'PRORATION_CREDIT' && line.kind !== 'TAX';

/**
 * The step of an invoice's assembly that comes last. Charges: for each rate the tax on their sum less discounts, rounded
 * once, spread over them by largest remainder. Credits take their share of what was charged with them then, at the rate of
 * then. What comes on top of the prices stands as TAX lines; what the prices hold is told and adds nothing.
 */
export function taxLines(drafts: readonly LineDraft[], input: TaxInput, currency: CurrencyCode): TaxedLines {
  const lines = [...drafts];
  const added: LineDraft[] = [];
  const summaries = new Map<string, { rate: AppliedRate; base: bigint; amount: bigint }>();
  const tell = (rate: AppliedRate, gross: bigint, amount: bigint) => {
    const row = summaries.get(rate.id) ?? { rate, base: 0n, amount: 0n };
    row.base += rate.inclusive ? gross - amount : gross;
    row.amount += amount;
    summaries.set(rate.id, row);
  };
  const withTax = (index: number, tax: LineTax) => {
    lines[index] = { ...lines[index]!, tax };
  };

  const discounts = new Map<number, bigint>();
  for (const { discountsLine: index, amount } of drafts) {
    if (index !== undefined) discounts.set(index, (discounts.get(index) ?? 0n) + amount.minor);
  }
  // What joined and left before it was ever invoiced: its credit lowers its own charge, here on the same document.
  const chargedHere = new Map(
    drafts.flatMap((line, index) => (line.kind === 'PRORATION_CHARGE' ? [[line.itemId, index] as const] : [])),
  );
  for (const { kind, itemId, amount } of drafts) {
    const index = chargedHere.get(itemId);
    if (kind !== 'PRORATION_CREDIT' || index === undefined || input.accounts.has(itemId)) continue;
    discounts.set(index, (discounts.get(index) ?? 0n) + amount.minor);
  }
  const groups = new Map<string, { rate: AppliedRate; indexes: number[] }>();
  for (const [index, line] of drafts.entries()) {
    if (!isCharge(line)) continue;
    const { rates } = input.decision;
    const rate = rates.get(input.categories.get(line.itemId) ?? '') ?? rates.get('');
    if (!rate) continue;
    const group = groups.get(rate.id) ?? { rate, indexes: [] };
    group.indexes.push(index);
    groups.set(rate.id, group);
  }
  for (const { rate, indexes } of groups.values()) {
    const nets = indexes.map((index) => drafts[index]!.amount.minor + (discounts.get(index) ?? 0n));
    const base = money(
      nets.reduce((total, net) => total + net, 0n),
      currency,
    );
    const explained = taxOn(rate, base);
    const parts = allocate(explained.amount.minor, nets);
    for (const [part, index] of indexes.entries()) withTax(index, { rate, amount: money(parts[part]!, currency) });
    tell(rate, base.minor, explained.amount.minor);
    if (!rate.inclusive && explained.amount.minor !== 0n) {
      const description = `${rate.name} ${percentText(rate)} on ${moneyText(base)}`;
      added.push(taxLine(drafts[indexes[0]!]!, rate, description, explained.amount, explained));
    }
  }
  for (const [index, line] of drafts.entries()) {
    if (line.kind !== 'PRORATION_CREDIT') continue;
    const account = input.accounts.get(line.itemId);
    const rate = account?.taxRate;
    if (!account || !rate) continue;
    const credit = negate(line.amount);
    const share = taxShare(account, credit, line.description);
    const amount = negate(share.amount);
    withTax(index, { rate, amount });
    tell(rate, line.amount.minor, amount.minor);
    if (!rate.inclusive && amount.minor !== 0n) {
      const description = `${rate.name} ${percentText(rate)}: ${line.description}`;
      added.push({ ...taxLine(line, rate, description, amount, share), taxesLine: index });
    }
  }
  return {
    lines: [...lines, ...added],
    taxes: [...summaries.values()].map(({ rate, base, amount }) => ({
      rate,
      base: money(base, currency),
      amount: money(amount, currency),
    })),
  };
}

/** What a document adds to its prices: nothing where they hold the tax. */
export function addedTax(lines: readonly Pick<LineDraft, 'kind' | 'amount'>[], currency: CurrencyCode): Money {
  return lines.length === 0
    ? zero(currency)
    : sum(
        lines.filter((line) => line.kind === 'TAX').map((line) => line.amount),
        currency,
      );
}
