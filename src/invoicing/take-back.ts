import { allocate } from '../core/allocate';
import { least, money } from '../core/money';
import type { AccountEntry, Invoice, InvoiceLine } from './invoice';
import type { ItemCharge } from './item-charge';
import { dueByLine, partOf } from './split-credit';

/** An invoice of which something was paid, and all that moved of the money that its lines ask for. */
export interface PaidInvoice {
  readonly invoice: Invoice;
  readonly lines: readonly InvoiceLine[];
  readonly charges: readonly ItemCharge[];
}

/**
 * Money of an invoice goes back: it is taken off what is paid of its lines and was not given back before, each line's part by
 * largest remainder, with its tax. So what can still be credited of an item falls by what went back of it. Minor units, with tax.
 */
export function takeBackFrom(
  { invoice, lines, charges }: PaidInvoice,
  wanted: bigint,
): { readonly entries: readonly AccountEntry[]; readonly taken: bigint } {
  const { currency } = invoice.total;
  const lots = lines.flatMap((line) => {
    const moved = charges.filter(({ originLineId }) => originLineId === line.id);
    const charge = moved.find(({ kind }) => kind === 'CHARGE');
    if (!charge) return [];
    const amount = moved.reduce((total, row) => total + row.amount.minor, 0n);
    const tax = moved.reduce((total, row) => total + row.tax.minor, 0n);
    const inclusive = line.tax?.rate.inclusive ?? false;
    const gross = inclusive ? amount : amount + tax;
    return gross > 0n ? [{ id: line.id, charge, lot: { originLineId: line.id, amount, tax }, inclusive, gross }] : [];
  });
  const due = dueByLine(invoice.amountDue.minor, new Map(lots.map(({ id, gross }) => [id, gross])));
  const paid = lots.map(({ id, gross }) => gross - (due.get(id) ?? 0n));
  const taken = least(
    wanted,
    paid.reduce((total, part) => total + part, 0n),
  );
  const parts = allocate(taken, paid);
  const entries = lots.flatMap(({ charge, lot, inclusive }, index): AccountEntry[] => {
    if (parts[index] === 0n) return [];
    const part = partOf(lot, parts[index]!, lot, inclusive);
    return [
      {
        ...{ itemId: charge.itemId, period: charge.period, share: charge.share, kind: 'REFUNDED' as const },
        amount: money(-part.amount, currency),
        tax: money(-part.tax, currency),
        originLineId: lot.originLineId,
      },
    ];
  });
  return { entries, taken };
}
