import type { Instant } from '../core/calendar';
import { encodeId } from '../core/ids';
import { equals, moneyText } from '../core/money';
import type { System } from '../system';
import type { Tx } from '../tx';
import { applyFact, applyPaymentFact } from './apply-payment-fact.job';
import { type Drift, mended, type Reconciliation, type Repairing } from './drift';
import { inTenant } from './dry-run.job';
import { isFurther, type Payment } from './payment';
import { locateIn } from './process-inbox.job';
import type { InboundEvent, MoneyBackFact, PaymentProvider } from './provider';
import { pagesOf, settlingMinutes } from './reconcile-payments.job';

export interface MoneyBackOptions extends Repairing {
  readonly from: Instant;
  /** Compares what went back of something that the provider bills by itself. `undefined`: it does not differ. */
  readonly compareBilled?: ((tenantId: string, chargeId: string) => Promise<Drift | undefined>) | undefined;
}

/** How a refund or a dispute of a payment of ours stands here. `undefined`: as there, or it is on its way. */
async function differenceOf(tx: Tx, payment: Payment, fact: MoneyBackFact): Promise<Omit<Drift, 'kind'> | undefined> {
  const { id: paymentId, tenantId } = payment;
  const ownId = encodeId('Payment', paymentId, tenantId);
  const there = `${fact.status} ${moneyText(fact.amount)}`;
  if (fact.kind === 'DISPUTE') {
    const known = await tx.payments.disputeByExternalId(tenantId, paymentId, fact.disputeId);
    // Of one that is asked about again after it was lost, the money is away all the same.
    if (known && (known.status === fact.status || (known.status === 'LOST' && fact.status === 'OPEN')))
      return undefined;
    const here = known ? `${known.status} ${moneyText(known.amount)}` : 'nothing';
    return { ownId, externalId: fact.disputeId, here, there };
  }
  const known = await refundOf(tx, payment, fact);
  if (!known && fact.status === 'FAILED') return undefined;
  if (known?.status === fact.status && equals(known.amount, fact.amount)) return undefined;
  const recent = tx.wallNow.subtract({ minutes: settlingMinutes }).epochMilliseconds;
  if (known?.status === 'PENDING' && (known.firstAskedAt?.epochMilliseconds ?? recent) >= recent) return undefined;
  const here = known ? `${known.status} ${moneyText(known.amount)}` : 'nothing';
  return { ownId, externalId: fact.refundId, here, there };
}

type RefundFact = Extract<MoneyBackFact, { kind: 'REFUND' }>;

async function refundOf(tx: Tx, { tenantId, id }: Payment, { refundId, reference }: RefundFact) {
  const known = await tx.payments.refundByExternalId(tenantId, id, refundId);
  return known ?? (reference === undefined ? undefined : tx.payments.refundNamed(tenantId, id, reference));
}

/** Brings it in step, as its event would have. One that was asked for before a database was restored is booked as made there. */
async function takeOver(tx: Tx, provider: PaymentProvider['name'], payment: Payment, fact: MoneyBackFact) {
  const isOurs = fact.kind === 'DISPUTE' || (await refundOf(tx, payment, fact)) !== undefined;
  const applied = await applyFact(tx, provider, isOurs ? fact : { ...fact, reference: undefined });
  if (applied.outcome !== 'APPLIED') return false;
  if (fact.kind === 'REFUND') return true;
  const known = await tx.payments.disputeByExternalId(tx.tenant.id, payment.id, fact.disputeId);
  return known !== undefined && !isFurther(fact.status, known.status);
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
        found = payment && (await differenceOf(tx, payment, fact));
        return payment && found ? takeOver(tx, name, payment, fact) : false;
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
