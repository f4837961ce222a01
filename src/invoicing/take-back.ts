import { allocate } from '../core/allocate';
import { groupBy } from '../core/group';
import { least, money } from '../core/money';
import type { AccountEntry, Invoice, InvoiceLine } from './invoice';
import { accountKey, type ItemCharge } from './item-charge';
import type { Lot } from './lot';
import { dueByLine, partOf } from './split-credit';

/** An invoice of which something was paid, and all that moved of the money that its lines ask for. */
export interface PaidInvoice {
  readonly invoice: Invoice;
  readonly lines: readonly InvoiceLine[];
  readonly charges: readonly ItemCharge[];
}

/** What is paid of each lot: what is due of its line is spread over the line's lots by largest remainder. */
function paidOf(lots: readonly { readonly lot: Lot; readonly gross: bigint }[], amountDue: bigint): bigint[] {
  const byLine = [...groupBy(lots, ({ lot }) => lot.originLineId!)];
  const standing = byLine.map(([id, own]) => [id, own.reduce((total, { gross }) => total + gross, 0n)] as const);
  const due = dueByLine(amountDue, new Map(standing));
  return byLine.flatMap(([id, own]) => {
    const grosses = own.map(({ gross }) => gross);
    const unpaid = allocate(due.get(id) ?? 0n, grosses);
    return grosses.map((gross, index) => gross - unpaid[index]!);
  });
}

/**
 * Money of an invoice goes back: it is taken off what is paid of its lines and was not given back before, each line's part by
 * largest remainder, with its tax, on the item for which it stands now. So what can still be credited of an item falls by what went back of it. Minor units, with tax.
 */
export function takeBackFrom(
  { invoice, lines, charges }: PaidInvoice,
  wanted: bigint,
): { readonly entries: readonly AccountEntry[]; readonly taken: bigint } {
  const { currency } = invoice.total;
  const lots = lines.flatMap((line) => {
    const moved = charges.filter(({ originLineId }) => originLineId === line.id);
    const inclusive = line.tax?.rate.inclusive ?? false;
    // A change for which no money moved carried it to another item: there it stands now.
    return [...groupBy(moved, accountKey).values()].flatMap((rows) => {
      const amount = rows.reduce((total, row) => total + row.amount.minor, 0n);
      const tax = rows.reduce((total, row) => total + row.tax.minor, 0n);
      const gross = inclusive ? amount : amount + tax;
      const about = rows.find(({ kind }) => kind === 'CHARGE') ?? rows[0]!;
      return gross > 0n ? [{ about, lot: { originLineId: line.id, amount, tax }, inclusive, gross }] : [];
    });
  });
  const paid = paidOf(lots, invoice.amountDue.minor);
  const taken = least(
    wanted,
    paid.reduce((total, part) => total + part, 0n),
  );
  const parts = allocate(taken, paid);
  const entries = lots.flatMap(({ about, lot, inclusive }, index): AccountEntry[] => {
    if (parts[index] === 0n) return [];
    const part = partOf(lot, parts[index]!, lot, inclusive);
    return [
      {
        ...{ itemId: about.itemId, period: about.period, share: about.share, kind: 'REFUNDED' as const },
        amount: money(-part.amount, currency),
        tax: money(-part.tax, currency),
        originLineId: lot.originLineId,
      },
    ];
  });
  return { entries, taken };
}
