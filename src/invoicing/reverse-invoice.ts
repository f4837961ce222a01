import { allocate } from '../core/allocate';
import { groupBy } from '../core/group';
import { money } from '../core/money';
import type { AccountEntry } from './invoice';
import { accountKey, type ItemCharge } from './item-charge';

const atLeast0 = (value: bigint): bigint => (value < 0n ? 0n : value);
const amountOf = (rows: readonly ItemCharge[]): bigint => rows.reduce((total, row) => total + row.amount.minor, 0n);
const taxOf = (rows: readonly ItemCharge[]): bigint => rows.reduce((total, row) => total + row.tax.minor, 0n);

/**
 * What takes an invoice back from the accounts of its items; `undefined`: a part of what it charged was credited or given back
 * already. What it charged is waived as far as it was to be paid with money; the part that was settled with the unused time of
 * another item was paid before and stays with the new item. So a later change credits what the tenant really paid: the same rule
 * as for a waived change.
 *
 * @param charges what the invoice's lines moved, and what moved of the money that they ask for
 */
export function reversalOf(lineIds: ReadonlySet<string>, charges: readonly ItemCharge[]): AccountEntry[] | undefined {
  const isOwn = ({ originLineId }: ItemCharge) => originLineId !== undefined && lineIds.has(originLineId);
  const own = charges.filter(isOwn);
  const written = own.filter(({ invoiceLineId }) => invoiceLineId !== undefined && lineIds.has(invoiceLineId));
  if (amountOf(own) < amountOf(written)) return undefined;
  const accounts = [...groupBy(own, (row) => `${accountKey(row)} ${row.originLineId}`).values()].map((rows) => ({
    charge: rows.find((row) => row.kind === 'CHARGE') ?? rows[0]!,
    net: atLeast0(amountOf(rows)),
    tax: atLeast0(taxOf(rows)),
  }));
  const settled = charges.filter((row) => !isOwn(row) && row.kind === 'CREDIT');
  const charged = accounts.reduce((total, { net }) => total + net, 0n);
  const waived = charged + amountOf(settled);
  if (waived <= 0n) return [];
  const parts = allocate(
    waived,
    accounts.map(({ net }) => net),
  );
  // The tax goes the same way: what was paid before is taxed as it was then.
  const taxes = accounts.reduce((total, { tax }) => total + tax, 0n);
  const taxParts = allocate(
    atLeast0(taxes + taxOf(settled)),
    accounts.map(({ tax }) => tax),
  );
  return accounts.flatMap(({ charge }, index) =>
    parts[index] === 0n
      ? []
      : [
          {
            itemId: charge.itemId,
            period: charge.period,
            kind: 'WAIVED' as const,
            amount: money(-parts[index]!, charge.amount.currency),
            tax: money(-taxParts[index]!, charge.amount.currency),
            share: charge.share,
            originLineId: charge.originLineId,
          },
        ],
  );
}
