import { invariant } from '../core/invariant';
import { least, type Money, money, sum } from '../core/money';
import type { Invoice } from '../invoicing/invoice';
import { canMove, limitBelow } from './charge-limits';
import { type Charge, isNoCharge } from './payment';
import type { ProviderName } from './provider';

/** So many go along with one charge: what it is called at the provider names each invoice. */
export const mostCarried = 10;

/** The provider made no charge of it, and not since it was too much: another invoice can take it along. */
export const isTooLittle = (last: Charge): boolean => isNoCharge(last) && !limitBelow(last.provider, last.amount);

/** A bank said no to this invoice: when it is tried again, nothing that goes along stands in its way. */
export const isAskedAlone = (last: Charge | undefined): boolean =>
  last?.status === 'DECLINED' && !isNoCharge(last) && last.declineCode !== 'CANCELLED';

/** Which of those that wait, the oldest first, go along with a charge: as far as the provider still moves the sum. */
export function takenAlong(amount: Money, waiting: readonly Invoice[], provider: ProviderName): Invoice[] {
  const taken: Invoice[] = [];
  let total = amount;
  for (const invoice of waiting) {
    if (taken.length === mostCarried) break;
    const more = money(total.minor + invoice.amountDue.minor, amount.currency);
    if (!canMove(provider, more)) continue;
    taken.push(invoice);
    total = more;
  }
  return taken;
}

/** Of payments of one charge: what is charged at once. Of refunds of them: what went back at once. */
export const totalOf = (together: readonly { readonly amount: Money }[]): Money =>
  sum(
    together.map(({ amount }) => amount),
    together[0]!.amount.currency,
  );

/**
 * Spreads money of one charge over its payments, in their order: first as far as each one's first bound, then as far as its second.
 * Minor units; at most the sum of the larger bounds.
 */
export function spread(
  whole: bigint,
  bounds: readonly { readonly first: bigint; readonly most: bigint }[],
): readonly bigint[] {
  let left = whole;
  const parts = bounds.map(({ first }) => {
    const part = least(left, first);
    left -= part;
    return part;
  });
  const all = parts.map((part, index) => {
    const more = least(left, bounds[index]!.most > part ? bounds[index]!.most - part : 0n);
    left -= more;
    return part + more;
  });
  invariant(left === 0n, 'more is spread over the payments of a charge than they are of');
  return all;
}
