import { allocate } from '../core/allocate';
import { groupBy } from '../core/group';
import { money } from '../core/money';
import type { AccountEntry } from './invoice';
import type { ItemCharge } from './item-charge';

/** The account of one item in one period. */
export const accountKey = (charge: Pick<ItemCharge, 'itemId' | 'period'>): string =>
  `${charge.itemId} ${charge.period.start.epochMilliseconds}`;

/**
 * What takes an invoice back from the accounts of its items. What it charged is waived as far as somebody was to pay for
 * it; the part that was settled with the unused time of another item was paid before and stays with the new item. So
 * a later change credits what the tenant really paid: the same rule as for a waived change.
 */
export function reversalOf(charges: readonly ItemCharge[]): AccountEntry[] {
  const moved = charges.filter((charge) => charge.kind !== 'CREDIT');
  const accounts = [...groupBy(moved, accountKey).values()].map((rows) => {
    const net = rows.reduce((total, row) => total + row.amount.minor, 0n);
    return { charge: rows.find((row) => row.kind === 'CHARGE') ?? rows[0]!, net: net < 0n ? 0n : net };
  });
  const charged = accounts.reduce((total, { net }) => total + net, 0n);
  const credited = charges.reduce((total, row) => (row.kind === 'CREDIT' ? total - row.amount.minor : total), 0n);
  if (charged <= credited) return [];
  const parts = allocate(
    charged - credited,
    accounts.map(({ net }) => net),
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
            share: charge.share,
          },
        ],
  );
}
