import { add, equals, isZero, type Money, money, smaller, subtract, zero } from '../core/money';
import { planTakeBack, putBack, saveTakeBack } from '../invoicing/take-back.command';
import type { Tx } from '../tx';
import { spread } from './carried-payments';
import { type Dispute, type DisputeStatus, isFurther, type Payment, refundable } from './payment';

export interface DisputeNotice {
  readonly disputeId: string;
  readonly amount: Money;
  readonly status: DisputeStatus;
  readonly reason: string;
}

/**
 * Records how a dispute of a charge stands, of each of its payments: of the first as far as something is left of it, then of what it
 * carries, and no more is asked of a payment than it is of. The caller holds the tenant's lock.
 */
export async function settleDispute(tx: Tx, together: readonly Payment[], notice: DisputeNotice): Promise<void> {
  const { tenantId } = together[0]!;
  const ids = together.map(({ id }) => id);
  const known = await tx.payments.disputesByExternalId(tenantId, ids, notice.disputeId);
  const asked =
    known.length > 0 ? new Map(known.map((one) => [one.paymentId, one.amount.minor])) : partsOf(together, notice);
  for (const payment of together) {
    const part = asked.get(payment.id);
    if (part !== undefined) await settlePart(tx, payment, { ...notice, amount: money(part, notice.amount.currency) });
  }
}

function partsOf(together: readonly Payment[], { amount }: DisputeNotice): ReadonlyMap<Payment['id'], bigint> {
  const bounds = together.map((payment) => ({ first: refundable(payment).minor, most: payment.amount.minor }));
  const parts = spread(amount.minor, bounds).map((part, index) => [together[index]!.id, part] as const);
  // One about nothing is about the first.
  return new Map(isZero(amount) ? parts.slice(0, 1) : parts.filter(([, part]) => part > 0n));
}

/**
 * One that is lost takes its money off the payment and off what that paid for; one that is won after it was lost brings the same back.
 */
async function settlePart(tx: Tx, payment: Payment, notice: DisputeNotice): Promise<void> {
  const { tenantId, partnerId, id: paymentId } = payment;
  const { disputeId: externalId, status, amount } = notice;
  const known = await tx.payments.disputeByExternalId(tenantId, paymentId, externalId);
  if (known && !isFurther(known.status, status)) return;
  const closedAt = status === 'OPEN' ? undefined : tx.now;
  const dispute: Dispute = known
    ? { ...known, status, closedAt }
    : {
        id: tx.newId<'Dispute'>(),
        ...{ tenantId, partnerId, paymentId, externalId, status, amount, closedAt, taken: zero(amount.currency) },
        ...{ reason: notice.reason.slice(0, 200), openedAt: tx.now },
      };
  if (known) await tx.payments.updateDispute(dispute);
  else await tx.payments.insertDispute(dispute);
  if (status === 'WON') await restore(tx, payment, dispute);
  await takeForDisputes(tx, paymentId);
  await tx.emit({ type: status === 'OPEN' ? 'dispute.opened' : 'dispute.closed', payload: { dispute } });
}

async function restore(tx: Tx, payment: Payment, dispute: Dispute): Promise<void> {
  const { taken, amount } = dispute;
  if (taken.minor === 0n) return;
  await tx.payments.update({ ...payment, disputed: subtract(payment.disputed, taken) });
  await tx.payments.updateDispute({ ...dispute, taken: zero(amount.currency) });
  await putBack(tx, { disputeId: dispute.id }, amount);
}

/**
 * The banks took it: so much less is left of the payment, and of what it paid for. They never take more than there is; what is free
 * again, since a refund failed or another dispute was won, is theirs too.
 */
export async function takeForDisputes(tx: Tx, paymentId: string): Promise<void> {
  const { id: tenantId } = tx.tenant;
  const disputes = (await tx.payments.disputesOf([tenantId], [paymentId])).get(paymentId) ?? [];
  for (const dispute of disputes) {
    if (dispute.status !== 'LOST' || equals(dispute.taken, dispute.amount)) continue;
    const payment = (await tx.payments.byId(tenantId, paymentId))!;
    const lost = smaller(subtract(dispute.amount, dispute.taken), refundable(payment));
    if (lost.minor === 0n) continue;
    await tx.payments.update({ ...payment, disputed: add(payment.disputed, lost) });
    await tx.payments.updateDispute({ ...dispute, taken: add(dispute.taken, lost) });
    await saveTakeBack(tx, await planTakeBack(tx, payment.invoiceId, lost), { disputeId: dispute.id });
  }
}
