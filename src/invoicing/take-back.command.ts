import { invariant } from '../core/invariant';
import { least, type Money, money, negate } from '../core/money';
import type { Tx } from '../tx';
import type { AccountEntry, Invoice } from './invoice';
import type { TakenBy } from './item-charge.repository';
import { takeBackFrom } from './take-back';

type TakeBackTx = Pick<Tx, 'tenant' | 'invoices' | 'itemCharges' | 'creditNotes' | 'now'>;

/** Where money that goes back is taken from. */
export interface TakeBack {
  readonly accounts: readonly { readonly invoice: Invoice; readonly entries: readonly AccountEntry[] }[];
  readonly offBalance: Money;
  /** All of it; less than was wanted where no more is there. */
  readonly taken: Money;
}

/**
 * Money of an invoice goes back: first off what is paid of it and was not given back; then, as far as that was credited before, off
 * the credit balance; then off what the credit has paid for since, the newest invoices first. So it is never given twice. The caller
 * holds the tenant's lock.
 */
export async function planTakeBack(tx: TakeBackTx, invoiceId: string, wanted: Money): Promise<TakeBack> {
  const { id: tenantId, partnerId } = tx.tenant;
  const { currency } = wanted;
  let left = wanted.minor;
  const accounts: { invoice: Invoice; entries: readonly AccountEntry[] }[] = [];
  const takeFrom = async (id: string) => {
    const invoice = await tx.invoices.byId(tenantId, id);
    invariant(invoice, 'money of an invoice goes back');
    const lines = (await tx.invoices.linesOf([tenantId], [id])).get(id) ?? [];
    const charges = await tx.itemCharges.ofInvoiceLines(
      tenantId,
      lines.map((line) => line.id),
    );
    const { entries, taken } = takeBackFrom({ invoice, lines, charges }, left);
    if (entries.length > 0) accounts.push({ invoice, entries });
    left -= taken;
  };
  await takeFrom(invoiceId);
  let offBalance = 0n;
  if (left > 0n) {
    const { minor: balance } = await tx.creditNotes.lockBalance(tenantId, partnerId, currency);
    offBalance = least(balance, left);
    left -= offBalance;
  }
  if (left > 0n) {
    for (const id of await tx.itemCharges.paidInvoices(tenantId, currency)) {
      if (left === 0n) break;
      if (id !== invoiceId) await takeFrom(id);
    }
  }
  return { accounts, offBalance: money(offBalance, currency), taken: money(wanted.minor - left, currency) };
}

export async function saveTakeBack(tx: TakeBackTx, { accounts, offBalance }: TakeBack, by: TakenBy): Promise<void> {
  const { id: tenantId, partnerId } = tx.tenant;
  for (const { invoice, entries } of accounts) {
    await tx.itemCharges.insert({ id: invoice.subscriptionId, tenantId, partnerId }, entries, by, tx.now);
  }
  if (offBalance.minor === 0n) return;
  const movement = { kind: 'REFUNDED', amount: negate(offBalance), ...by } as const;
  await tx.creditNotes.moveBalance(tenantId, partnerId, movement, tx.now);
}

/** A refund failed, or a lost dispute was won after all: what it took stands again, on the accounts and in the balance. */
export async function putBack(tx: TakeBackTx, by: TakenBy, { currency }: Money): Promise<void> {
  const { id: tenantId, partnerId } = tx.tenant;
  await tx.itemCharges.putBack(tenantId, by, tx.now);
  const amount = negate(await tx.creditNotes.movedBy(tenantId, by, currency));
  if (amount.minor === 0n) return;
  await tx.creditNotes.moveBalance(tenantId, partnerId, { kind: 'REFUNDED', amount, ...by }, tx.now);
}
