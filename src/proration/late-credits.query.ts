import type { Money } from '../core/money';
import type { LineDraft } from '../invoicing/invoice';
import { countAll } from '../rating/usage-bill.query';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import { countsOfCredit, lateCreditLine, type UnusedCredit } from './unused-credit';

/** A credit that was too much by what a line charges. */
export interface LateCredit {
  readonly credit: UnusedCredit;
  readonly line: LineDraft;
  readonly owed: Money;
}

/** What was credited as unused, and was used: it was told after the act. One read where nothing was. */
export async function loadLateCredits(
  tx: Pick<Tx, 'unusedCredits' | 'usage'>,
  { tenantId, currency }: Pick<Subscription, 'tenantId' | 'currency'>,
): Promise<LateCredit[]> {
  const credits = (await tx.unusedCredits.mayHaveGrown(tenantId)).filter(({ amount }) => amount.currency === currency);
  if (credits.length === 0) return [];
  const counts = await countAll(tx, tenantId, credits.flatMap(countsOfCredit));
  return credits.flatMap((credit) => {
    const line = lateCreditLine(credit, counts);
    return line ? [{ credit, line, owed: line.amount }] : [];
  });
}
