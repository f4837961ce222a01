import type { CurrencyCode } from '../core/currency';
import { exactOf } from '../core/exact';
import { type Explanation, explain, type Operand } from '../core/explain';
import { amountText, type Money, money, sum } from '../core/money';
import type { TaxSummary } from '../tax/tax';
import type { TaxedLines } from '../tax/tax-lines';
import type { Invoice, LineDraft } from './invoice';
import type { ItemAccount } from './item-charge';
import { type OpenInvoice, splitCredits } from './split-credit';

/** An act's lines by the documents that they go on; all of them together are the act's lines. */
export interface SplitDocument {
  /** Credits of what is still due: a credit note for each open invoice. Lines signed like an invoice's. */
  readonly onOpenInvoices: readonly (TaxedLines & { readonly invoice: Invoice })[];
  /** Charges, and credits of what was paid: an invoice, or a credit note in the tenant's favour. */
  readonly rest: TaxedLines;
}

interface Part {
  readonly amount: bigint;
  readonly tax: bigint;
}

/** One of the parts that a credit was split into: the rule, and then the part by largest remainder over them all. */
export function partExplained(
  explanation: Explanation,
  parts: readonly bigint[],
  position: number,
  currency: CurrencyCode,
  why: (amount: string) => string,
): Explanation {
  const lines: Operand[] = parts.map((part, index) => ({
    name: `line${index + 1}`,
    value: amountText(money(part, currency)),
    unit: currency,
  }));
  return explain(exactOf(parts[position]!), currency, {
    rule: explanation.rule,
    formula: `spread(${explanation.formula})`,
    operands: [...explanation.operands, ...lines, { name: 'position', value: String(position + 1), unit: '1' }],
    sentence: (amount) => `${explanation.sentence} ${why(amount)}`,
  }).explanation;
}

/** What one side says of tax: the document's own sums without the credits, and the credits that stay on it. */
function summaryOf(
  base: readonly TaxSummary[],
  credits: readonly { readonly line: LineDraft; readonly sign: 1n | -1n }[],
): TaxSummary[] {
  const summaries = new Map(base.map((row) => [row.rate.id as string, row]));
  for (const { line, sign } of credits) {
    if (!line.tax) continue;
    const { rate, amount } = line.tax;
    const { currency } = amount;
    const before = summaries.get(rate.id) ?? { rate, base: money(0n, currency), amount: money(0n, currency) };
    const net = rate.inclusive ? line.amount.minor - amount.minor : line.amount.minor;
    summaries.set(rate.id, {
      rate: before.rate,
      base: money(before.base.minor + sign * net, currency),
      amount: money(before.amount.minor + sign * amount.minor, currency),
    });
  }
  return [...summaries.values()].filter((row) => row.base.minor !== 0n || row.amount.minor !== 0n);
}

/** A credit line, or the tax line on it, cut to one of its parts. */
function cut(
  line: LineDraft,
  parts: readonly Part[],
  position: number,
  why: (amount: string) => string,
  takesFrom?: LineDraft['takesFrom'],
): LineDraft {
  const { currency } = line.amount;
  const part = parts[position]!;
  const isTax = line.kind === 'TAX';
  const amounts = parts.map((each) => (isTax ? each.tax : each.amount));
  return {
    ...line,
    amount: money(-amounts[position]!, currency),
    tax: line.tax && { ...line.tax, amount: money(-part.tax, currency) },
    takesFrom,
    explanation:
      parts.length === 1 ? line.explanation : partExplained(line.explanation, amounts, position, currency, why),
  };
}

const sumOf = (lots: readonly Part[]): Part =>
  lots.reduce((total, { amount, tax }) => ({ amount: total.amount + amount, tax: total.tax + tax }), {
    amount: 0n,
    tax: 0n,
  });

/** Divides the lines of an act: what its credits take off open invoices, and the rest. */
export function splitDocument(
  document: TaxedLines,
  accounts: ReadonlyMap<string, Pick<ItemAccount, 'lots'>>,
  open: readonly OpenInvoice[],
): SplitDocument {
  const { lines } = document;
  const indexes = lines.flatMap(({ kind }, index) => (kind === 'PRORATION_CREDIT' ? [index] : []));
  const splits = splitCredits(
    indexes.map((index) => ({
      amount: -lines[index]!.amount.minor,
      tax: -(lines[index]!.tax?.amount.minor ?? 0n),
      inclusive: lines[index]!.tax?.rate.inclusive ?? false,
      lots: accounts.get(lines[index]!.itemId)?.lots ?? [],
    })),
    open,
  );
  const noteLines = new Map<string, LineDraft[]>(open.map(({ invoice }) => [invoice.id, []]));
  const noteTaxes = new Map<string, LineDraft[]>(open.map(({ invoice }) => [invoice.id, []]));
  const numbers = new Map(open.map(({ invoice }) => [invoice.id, invoice.number]));
  /** By line: what is left of it on the rest; `undefined`: nothing. */
  const left = new Map<number, LineDraft | undefined>();
  for (const [position, index] of indexes.entries()) {
    const line = lines[index]!;
    const split = splits[position]!;
    const paid = sumOf(split.paid);
    const isPaid = paid.amount !== 0n || paid.tax !== 0n;
    const parts: Part[] = [...split.open.map(({ lot }) => lot), ...(isPaid || split.open.length === 0 ? [paid] : [])];
    const taxIndex = lines.findIndex(({ taxesLine }) => taxesLine === index);
    for (const [part, { invoiceId, lot }] of split.open.entries()) {
      const why = (amount: string) => `Of it ${amount} was still due on ${numbers.get(invoiceId)} and comes off there.`;
      noteLines.get(invoiceId)!.push(cut(line, parts, part, why, [lot]));
      if (taxIndex >= 0 && lot.tax !== 0n) noteTaxes.get(invoiceId)!.push(cut(lines[taxIndex]!, parts, part, why));
    }
    const why = (amount: string) => `Of it ${amount} had been paid.`;
    const last = parts.length - 1;
    const stays = isPaid || split.open.length === 0;
    left.set(index, stays ? cut(line, parts, last, why, split.paid) : undefined);
    if (taxIndex >= 0)
      left.set(taxIndex, stays && paid.tax !== 0n ? cut(lines[taxIndex]!, parts, last, why) : undefined);
  }
  return {
    onOpenInvoices: open.flatMap(({ invoice }) => {
      const credits = noteLines.get(invoice.id)!;
      if (credits.length === 0) return [];
      const taxes = summaryOf(
        [],
        credits.map((line) => ({ line, sign: 1n as const })),
      );
      return [{ invoice, lines: [...credits, ...noteTaxes.get(invoice.id)!], taxes }];
    }),
    rest: {
      lines: withoutGaps(lines, left),
      taxes: summaryOf(
        document.taxes,
        [...noteLines.values()].flat().map((line) => ({ line, sign: -1n as const })),
      ),
    },
  };
}

/** The lines with what is left of them; what points at a line by its index follows it. */
function withoutGaps(
  lines: readonly LineDraft[],
  left: ReadonlyMap<number, LineDraft | undefined>,
): readonly LineDraft[] {
  const kept = lines.flatMap((line, index) => {
    const now = left.has(index) ? left.get(index) : line;
    return now ? [{ index, line: now }] : [];
  });
  const indexNow = new Map(kept.map(({ index }, now) => [index, now]));
  const moved = (index: number | undefined) => (index === undefined ? undefined : indexNow.get(index));
  return kept.map(({ line }) => {
    const discountsLine = moved(line.discountsLine);
    const taxesLine = moved(line.taxesLine);
    const { discountsLine: _discounts, taxesLine: _taxes, ...plain } = line;
    return {
      ...plain,
      ...(discountsLine === undefined ? {} : { discountsLine }),
      ...(taxesLine === undefined ? {} : { taxesLine }),
    };
  });
}

/** What a side of an act comes to, tax included; negative: in the tenant's favour. */
export function grossOf({ lines }: Pick<TaxedLines, 'lines'>, currency: CurrencyCode): Money {
  return sum(
    lines.map(({ amount }) => amount),
    currency,
  );
}

/** The same without the tax that comes on top. */
export function beforeTax({ lines }: Pick<TaxedLines, 'lines'>, currency: CurrencyCode): Money {
  return grossOf({ lines: lines.filter(({ kind }) => kind !== 'TAX') }, currency);
}
