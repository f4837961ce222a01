import { allocate } from '../core/allocate';
import type { Id } from '../core/ids';
import { least } from '../core/money';
import type { Invoice } from './invoice';
import { type Lot, takeFromLots } from './lot';

/** An invoice that still asks for money. */
export interface OpenInvoice {
  readonly invoice: Invoice;
  /** By line: what is still due of it with its tax, in minor units. */
  readonly due: ReadonlyMap<string, bigint>;
}

/** What is given back for one item. Minor units, not negative. */
export interface Credit {
  /** Without the tax that came on top. */
  readonly amount: bigint;
  readonly tax: bigint;
  /** The price holds the tax. */
  readonly inclusive: boolean;
  /** What stands on the item's account, oldest first. */
  readonly lots: readonly Lot[];
}

/** Where a credit goes. The parts sum to the credit, amount and tax alike. */
export interface SplitCredit {
  /** Off what is still due: nothing of it was paid, and nothing of it is ever spent. */
  readonly open: readonly { readonly invoiceId: Id<'Invoice'>; readonly lot: Lot }[];
  /** What was paid: it nets against a new charge, or becomes balance or refund. */
  readonly paid: readonly Lot[];
}

const grossOf = ({ amount, tax }: Pick<Lot, 'amount' | 'tax'>, inclusive: boolean): bigint =>
  inclusive ? amount : amount + tax;

/** So much of a credit, with its tax in proportion, rounded half up; the rest is the amount. Never more than the lot holds. */
export function partOf(credit: Pick<Lot, 'amount' | 'tax'>, off: bigint, lot: Lot, inclusive: boolean) {
  const left = grossOf(credit, inclusive);
  const tax = (2n * credit.tax * off + left) / (2n * left);
  if (inclusive) return { amount: off, tax };
  const amount = least(off - tax, lot.amount);
  return { amount, tax: least(off - amount, credit.tax) };
}

/**
 * What is still due of each line of an invoice: the invoice's amount due, spread by largest remainder over what stands on each of
 * its lines with their tax. The rest of each line is what is paid of it.
 */
export function dueByLine(amountDue: bigint, standing: ReadonlyMap<string, bigint>): Map<string, bigint> {
  const lines = [...standing].filter(([, stands]) => stands > 0n);
  const weights = lines.map(([, stands]) => stands);
  const whole = weights.reduce((total, weight) => total + weight, 0n);
  const parts = allocate(least(amountDue, whole), weights);
  return new Map(lines.map(([id], index) => [id, parts[index]!]));
}

/**
 * Splits the credits of one act: each first lowers what is still due for the same item, and only what was paid is left to net
 * against a new charge or to leave. So what leaves never exceeds what came in, in whatever order credits, payments and charges come.
 */
export function splitCredits(credits: readonly Credit[], open: readonly OpenInvoice[]): SplitCredit[] {
  const due = new Map<string, { readonly invoiceId: Id<'Invoice'>; left: bigint }>();
  for (const { invoice, due: byLine } of open) {
    for (const [lineId, left] of byLine) due.set(lineId, { invoiceId: invoice.id, left });
  }
  return credits.map((credit) => {
    let { amount, tax } = credit;
    let { lots } = credit;
    const offDue: { invoiceId: Id<'Invoice'>; lot: Lot }[] = [];
    for (const lot of credit.lots) {
      const owed = lot.originLineId === undefined ? undefined : due.get(lot.originLineId);
      if (!owed) continue;
      const left = grossOf({ amount, tax }, credit.inclusive);
      const off = least(left, owed.left, grossOf(lot, credit.inclusive));
      if (off <= 0n) continue;
      const part = { originLineId: lot.originLineId, ...partOf({ amount, tax }, off, lot, credit.inclusive) };
      offDue.push({ invoiceId: owed.invoiceId, lot: part });
      owed.left -= grossOf(part, credit.inclusive);
      amount -= part.amount;
      tax -= part.tax;
      lots = lots.map((each) =>
        each === lot ? { ...lot, amount: lot.amount - part.amount, tax: lot.tax - part.tax } : each,
      );
    }
    return { open: offDue, paid: takeFromLots(lots, { amount, tax }).taken };
  });
}
