import { allocate } from '../core/allocate';
import { groupBy } from '../core/group';
import { money } from '../core/money';
import type { AccountEntry } from './invoice';
import { accountKey, type ItemCharge } from './item-charge';

const atLeast0 = (value: bigint): bigint => (value < 0n ? 0n : value);

/**
 * What takes an invoice back from the accounts of its items. What it charged is waived as far as somebody was to pay for
 * it; the part that was settled with the unused time of another item was paid before and stays with the new item. So
 * a later change credits what the tenant really paid: the same rule as for a waived change.
 */
export function reversalOf(charges: readonly ItemCharge[]): AccountEntry[] {
  const moved = charges.filter((charge) => charge.kind !== 'CREDIT');
  const accounts = [...groupBy(moved, accountKey).values()].map((rows) => {
    const net = rows.reduce((total, row) => total + row.amount.minor, 0n);
    const tax = rows.reduce((total, row) => total + row.tax.minor, 0n);
    return { charge: rows.find((row) => row.kind === 'CHARGE') ?? rows[0]!, net: atLeast0(net), tax: atLeast0(tax) };
  });
  const charged = accounts.reduce((total, { net }) => total + net, 0n);
  const credited = charges.reduce((total, row) => (row.kind === 'CREDIT' ? total - row.amount.minor : total), 0n);
  if (charged <= credited) return [];
  const parts = allocate(
    charged - credited,
    accounts.map(({ net }) => net),
  );
  // The tax goes the same way: what was paid before is taxed as it was then.
  const taxOf = (rows: readonly { readonly tax: bigint }[]) => rows.reduce((total, row) => total + row.tax, 0n);
  const taxCredited = charges.reduce((total, row) => (row.kind === 'CREDIT' ? total - row.tax.minor : total), 0n);
  const taxParts = allocate(
    atLeast0(taxOf(accounts) - taxCredited),
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
          },
        ],
  );
}
