import type { Tx } from '../tx';
import type { InvoiceLine } from './invoice';
import type { ItemAccount } from './item-charge';
import { dueByLine, type OpenInvoice } from './split-credit';

/** What stands on each of these lines with its tax, in minor units: charged, less what was credited, waived or given back. */
export async function standingByLine(
  tx: Pick<Tx, 'itemCharges'>,
  tenantId: string,
  lines: readonly InvoiceLine[],
): Promise<Map<string, bigint>> {
  const lineOf = new Map(lines.map((line) => [line.id as string, line]));
  const standing = new Map<string, bigint>();
  for (const [id, { amount, tax }] of await tx.itemCharges.standingOfLines(tenantId, [...lineOf.keys()])) {
    standing.set(id, lineOf.get(id)!.tax?.rate.inclusive ? amount : amount + tax);
  }
  return standing;
}

/** The invoices that still ask for a part of what stands on these accounts, oldest first. */
export async function openInvoicesOf(
  tx: Pick<Tx, 'invoices' | 'itemCharges'>,
  tenantId: string,
  accounts: ReadonlyMap<string, Pick<ItemAccount, 'lots'>>,
): Promise<OpenInvoice[]> {
  const lineIds = [...accounts.values()].flatMap(({ lots }) => lots.flatMap(({ originLineId }) => originLineId ?? []));
  if (lineIds.length === 0) return [];
  const invoices = await tx.invoices.openOfLines(tenantId, [...new Set(lineIds)]);
  if (invoices.length === 0) return [];
  const linesOf = await tx.invoices.linesOf(
    [tenantId],
    invoices.map(({ id }) => id),
  );
  const standing = await standingByLine(tx, tenantId, [...linesOf.values()].flat());
  return invoices.map((invoice) => ({
    invoice,
    due: dueByLine(
      invoice.amountDue.minor,
      new Map((linesOf.get(invoice.id) ?? []).map(({ id }) => [id, standing.get(id) ?? 0n])),
    ),
  }));
}
