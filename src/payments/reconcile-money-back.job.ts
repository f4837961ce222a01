import type { Instant } from '../core/calendar';
import { encodeId } from '../core/ids';
import { equals, moneyText } from '../core/money';
import type { System } from '../system';
import type { Tx } from '../tx';
import { applyFact, applyPaymentFact, togetherWith } from './apply-payment-fact.job';
import { totalOf } from './carried-payments';
import { type Drift, mended, type Reconciliation, type Repairing } from './drift';
import { inTenant } from './dry-run.job';
import { isFurther, type Payment, type Refund } from './payment';
import { locateIn } from './process-inbox.job';
import type { InboundEvent, MoneyBackFact, PaymentProvider } from './provider';
import { pagesOf, settlingMinutes } from './reconcile-payments.job';

export interface MoneyBackOptions extends Repairing {
  readonly from: Instant;
  /** Compares what went back of something that the provider bills by itself. `undefined`: it does not differ. */
  readonly compareBilled?: ((tenantId: string, chargeId: string) => Promise<Drift | undefined>) | undefined;
}

/** How a refund or a dispute of a payment of ours stands here. `undefined`: as there, or it is on its way. */
async function differenceOf(
  tx: Tx,
  together: readonly Payment[],
  fact: MoneyBackFact,
): Promise<Omit<Drift, 'kind'> | undefined> {
  const { id: paymentId, tenantId } = together[0]!;
  const ownId = encodeId('Payment', paymentId, tenantId);
  const there = `${fact.status} ${moneyText(fact.amount)}`;
  if (fact.kind === 'DISPUTE') {
    const known = await disputesOf(tx, together, fact.disputeId);
    // Of one that is asked about again after it was lost, the money is away all the same.
    const [first] = known;
    if (first && (first.status === fact.status || (first.status === 'LOST' && fact.status === 'OPEN')))
      return undefined;
    const here = first ? `${first.status} ${moneyText(totalOf(known))}` : 'nothing';
    return { ownId, externalId: fact.disputeId, here, there };
  }
  const refunds = await refundsOf(tx, together, fact);
  const [known] = refunds;
  if (!known && fact.status === 'FAILED') return undefined;
  if (known?.status === fact.status && equals(totalOf(refunds), fact.amount)) return undefined;
  const recent = tx.wallNow.subtract({ minutes: settlingMinutes }).epochMilliseconds;
  if (known?.status === 'PENDING' && (known.firstAskedAt?.epochMilliseconds ?? recent) >= recent) return undefined;
  const here = known ? `${known.status} ${moneyText(totalOf(refunds))}` : 'nothing';
  return { ownId, externalId: fact.refundId, here, there };
}

type RefundFact = Extract<MoneyBackFact, { kind: 'REFUND' }>;

/** One refund, or one dispute, of a charge is one of each payment that it is about: all of them stand alike. */
async function refundsOf(tx: Tx, together: readonly Payment[], { refundId, reference }: RefundFact): Promise<Refund[]> {
  const ids = together.map(({ id }) => id);
  const known = await tx.payments.refundsByExternalId(tx.tenant.id, ids, refundId);
  if (known.length > 0 || reference === undefined) return known;
  const named = await tx.payments.refundNamed(tx.tenant.id, ids, reference);
  return named ? [named] : [];
}

const disputesOf = (tx: Tx, together: readonly Payment[], disputeId: string) =>
  tx.payments.disputesByExternalId(
    tx.tenant.id,
    together.map(({ id }) => id),
    disputeId,
  );

/** Brings it in step, as its event would have. One that was asked for before a database was restored is booked as made there. */
async function takeOver(tx: Tx, provider: PaymentProvider['name'], together: readonly Payment[], fact: MoneyBackFact) {
  const isOurs = fact.kind === 'DISPUTE' || (await refundsOf(tx, together, fact)).length > 0;
  const applied = await applyFact(tx, provider, isOurs ? fact : { ...fact, reference: undefined });
  if (applied.outcome !== 'APPLIED') return false;
  if (fact.kind === 'REFUND') return true;
  const known = await disputesOf(tx, together, fact.disputeId);
  return known.length > 0 && known.every(({ status }) => !isFurther(fact.status, status));
}

/**
 * Compares refunds and disputes with the provider's own lists, of charges of any age: those that were made since an instant. With
 * `repair` what the provider knows better is taken over, each in a transaction of its own.
 */
export async function reconcileMoneyBack(
  system: System,
  provider: PaymentProvider,
  options: MoneyBackOptions,
): Promise<Reconciliation | undefined> {
  const { listMoneyBack, name } = provider;
  if (!listMoneyBack) return undefined;
  const locate = locateIn(system, name);
  const drift: Drift[] = [];
  const billed = new Set<string>();
  let [here, there] = [0, 0];
  for await (const { facts } of pagesOf(provider, (after) => listMoneyBack.call(provider, options.from, after))) {
    for (const fact of facts) {
      there += 1;
      const tenantId = await applyPaymentFact(name, fact).locate({} as InboundEvent, locate);
      // Another product's of the same account.
      if (!tenantId) continue;
      here += 1;
      const { chargeId } = fact;
      let found: Omit<Drift, 'kind'> | undefined;
      let isOurs = false;
      const can = await inTenant(system, tenantId, options, async (tx) => {
        await tx.tenants.lock(tenantId);
        const payment = await tx.payments.byExternalId(tenantId, name, chargeId);
        isOurs = payment !== undefined;
        const together = payment && (await togetherWith(tx, payment));
        found = together && (await differenceOf(tx, together, fact));
        return together && found ? takeOver(tx, name, together, fact) : false;
      });
      const kind = fact.kind === 'REFUND' ? 'REFUNDS_DIFFER' : 'DISPUTE_DIFFERS';
      if (found) drift.push({ ...found, kind, ...mended(can, options) });
      if (isOurs || billed.has(chargeId)) continue;
      billed.add(chargeId);
      const difference = await options.compareBilled?.(tenantId, chargeId);
      if (difference) drift.push(difference);
    }
  }
  return { provider: name, of: 'MONEY_BACK', here, there, drift };
}
