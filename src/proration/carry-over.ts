import { allocate } from '../core/allocate';
import type { CurrencyCode } from '../core/currency';
import { add, atLeastZero, money, sum } from '../core/money';
import type { AccountEntry, LineDraft } from '../invoicing/invoice';
import { type Lot, lotsOf, takeFromLots } from '../invoicing/lot';
import { type TaxedAccount, taxShare } from '../tax/tax-lines';

type CarriedAccount = TaxedAccount & { readonly lots?: readonly Lot[] };

interface Carried {
  readonly entry: AccountEntry;
  readonly lot: Lot;
}

const whole = (lots: readonly Lot[], currency: CurrencyCode): CarriedAccount => ({
  charged: money(
    lots.reduce((total, { amount }) => total + amount, 0n),
    currency,
  ),
  tax: money(
    lots.reduce((total, { tax }) => total + tax, 0n),
    currency,
  ),
  lots,
});

/** What each credit gives of what is carried, by the invoice lines that asked for it. */
function givenBy(
  credits: readonly LineDraft[],
  given: readonly bigint[],
  accounts: ReadonlyMap<string, CarriedAccount>,
  currency: CurrencyCode,
): Carried[] {
  return credits.flatMap((line, index) => {
    const amount = given[index]!;
    // Where a part of the credit went another way, what is left of it has its own part of the tax.
    const account = line.takesFrom ? whole(line.takesFrom, currency) : accounts.get(line.itemId);
    // The tax that was charged with it moves along.
    const tax = account ? taxShare(account, money(amount, currency), line.description).amount.minor : 0n;
    return takeFromLots(account?.lots ?? [], { amount, tax }).taken.map((lot) => ({
      lot,
      entry: {
        ...{ itemId: line.itemId, period: line.period, kind: 'CREDIT' as const, share: line.share },
        amount: money(-lot.amount, currency),
        tax: money(-lot.tax, currency),
        originLineId: lot.originLineId,
      },
    }));
  });
}

/**
 * The accounts after a change for which no money moves (waived, or a surplus that the caller does not settle): what stands for
 * the old items is carried over to the new ones, no more and no less, with the invoice lines that asked for it. So a later change
 * credits what the tenant really paid, or takes off what is still due, and change and change back still net to zero.
 */
export function accountsWithoutMoney(
  { lines }: { readonly lines: readonly LineDraft[] },
  currency: CurrencyCode,
  accounts: ReadonlyMap<string, CarriedAccount> = new Map(),
): AccountEntry[] {
  const discountsOf = (index: number) =>
    sum(
      lines.filter((line) => line.discountsLine === index).map((line) => line.amount),
      currency,
    );
  const credits = lines.filter((line) => line.kind === 'PRORATION_CREDIT');
  const charges = lines.flatMap((line, index) =>
    line.kind === 'PRORATION_CHARGE' ? [{ line, net: atLeastZero(add(line.amount, discountsOf(index))).minor }] : [],
  );
  const credited = credits.reduce((total, { amount }) => total - amount.minor, 0n);
  const charged = charges.reduce((total, { net }) => total + net, 0n);
  const carried = credited < charged ? credited : charged;
  const given = allocate(
    carried,
    credits.map((line) => -line.amount.minor),
  );
  const received = allocate(
    carried,
    charges.map(({ net }) => net),
  );
  const gifts = givenBy(credits, given, accounts, currency);
  const taxRate = credits.flatMap((line) => accounts.get(line.itemId)?.taxRate ?? []).at(0);
  let lots = lotsOf(gifts.map(({ lot }) => lot));
  const taken = charges.map((_charge, index) => {
    const amount = received[index]!;
    const whole = lots.reduce((total, lot) => total + lot.amount, 0n);
    const taxes = lots.reduce((total, lot) => total + lot.tax, 0n);
    const tax = whole === 0n ? 0n : allocate(taxes, [amount, whole - amount])[0]!;
    const split = takeFromLots(lots, { amount, tax });
    lots = split.left;
    return split.taken;
  });
  return [
    ...gifts.map(({ entry }) => entry),
    ...charges.flatMap(({ line }, index): AccountEntry[] => {
      const [first = { amount: 0n, tax: 0n }, ...others] = taken[index]!;
      const about = { itemId: line.itemId, period: line.period, share: line.share };
      const rest = others.reduce((total, lot) => total - lot.amount, line.amount.minor);
      const { originLineId } = first;
      const charge = { ...about, kind: 'CHARGE' as const, taxRate };
      return [
        { ...about, kind: 'CHARGE' as const, amount: money(rest, currency), originLineId },
        // The last movement on the account is the one that is not paid for.
        ...others.map((lot) => ({
          ...{ ...charge, originLineId: lot.originLineId },
          amount: money(lot.amount, currency),
          tax: money(lot.tax, currency),
        })),
        {
          ...{ ...about, kind: 'WAIVED' as const, taxRate, originLineId },
          amount: money(first.amount - rest, currency),
          tax: money(first.tax, currency),
        },
      ];
    }),
  ].filter((entry) => entry.amount.minor !== 0n || (entry.tax && entry.tax.minor !== 0n));
}
