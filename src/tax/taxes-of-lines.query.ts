import { dateAt, type Instant } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import type { LineDraft } from '../invoicing/invoice';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import type { TaxDecision } from './tax';
import { type TaxedAccount, type TaxedLines, type TaxInput, taxLines } from './tax-lines';

export type TaxTx = Pick<Tx, 'taxes' | 'invoices'>;

type Billed = Pick<Subscription, 'tenantId' | 'partnerId' | 'timeZone'>;

/** A document's lines with their tax, and what it says about tax. */
export interface TaxedDocument extends TaxedLines {
  readonly decision: TaxDecision;
}

/**
 * Which rates hold for these lines?
 *
 * @param at when what is charged is supplied: its day in the billing zone says which rates hold, however late it is billed
 * @param catalogIds the plans and add-ons of items that are not saved yet
 */
export async function loadTaxInput(
  tx: TaxTx,
  { tenantId, partnerId, timeZone }: Billed,
  at: Instant,
  itemIds: readonly string[],
  catalogIds: ReadonlyMap<string, string> = new Map(),
): Promise<Omit<TaxInput, 'accounts'>> {
  const decision = await tx.taxes.decide({ tenantId, partnerId, date: dateAt(at, timeZone) });
  const categories = new Map<string, string>();
  // Most sellers have one rate for all they sell: then it does not matter what a line is for.
  if ([...decision.rates.keys()].some((category) => category !== '')) {
    const unknown = [...new Set(itemIds)].filter((id) => !catalogIds.has(id));
    const sources = unknown.length > 0 ? await tx.invoices.catalogSources([tenantId], unknown) : new Map();
    const catalogIdOf = new Map(catalogIds);
    for (const [id, { planId, addonId }] of sources) catalogIdOf.set(id, planId ?? addonId);
    const byCatalogId = await tx.taxes.categoriesOf(partnerId, [...new Set(catalogIdOf.values())]);
    for (const [itemId, catalogId] of catalogIdOf) {
      const category = byCatalogId.get(catalogId);
      if (category) categories.set(itemId, category);
    }
  }
  return { decision, categories };
}

export async function taxesOfLines(
  tx: TaxTx,
  subscription: Billed & { readonly currency: CurrencyCode },
  at: Instant,
  lines: readonly LineDraft[],
  known: {
    readonly catalogIds?: ReadonlyMap<string, string> | undefined;
    readonly accounts?: ReadonlyMap<string, TaxedAccount> | undefined;
  } = {},
): Promise<TaxedDocument> {
  const itemIds = lines.map((line) => line.itemId);
  const input = await loadTaxInput(tx, subscription, at, itemIds, known.catalogIds);
  return {
    ...taxLines(lines, { ...input, accounts: known.accounts ?? new Map() }, subscription.currency),
    decision: input.decision,
  };
}
