import { isBefore, isSameInstant } from '../core/calendar';
import type { Id } from '../core/ids';
import { equals } from '../core/money';
import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import { type RefundStatus, returnedMoney } from '../payments/returned-money';
import type { Tx } from '../tx';
import { overAssigned } from './licence';
import {
  isAllBack,
  type LicencePurchase,
  type LicenceRefund,
  type PurchaseStatus,
  paidFor,
  seatsBackFor,
} from './licence-purchase';
import { paidTerm } from './paid-term';

export type RefundNotice = Pick<
  LicenceRefund,
  'provider' | 'providerRefundId' | 'kind' | 'amount' | 'status' | 'changedAt'
>;

const order: Readonly<Record<RefundStatus, number>> = { PENDING: 0, APPROVED: 1, REJECTED: 2, REVERSED: 2 };

/** The later word counts, by the provider's clock; of two at the same time the one that goes further. */
function isNewer(known: LicenceRefund, notice: RefundNotice): boolean {
  if (known.changedAt && notice.changedAt && !isSameInstant(known.changedAt, notice.changedAt)) {
    return isBefore(known.changedAt, notice.changedAt);
  }
  return order[known.status] < order[notice.status];
}

/**
 * Money went back, is about to, or came back again. Each notice is written down by the provider's id; what the purchase and its
 * term are then follows from all of them, so they may come twice and in any order.
 */
export async function refundLicencePurchase(
  tx: Tx,
  purchaseId: Id<'LicencePurchase'>,
  notices: readonly RefundNotice[],
): Promise<LicencePurchase | undefined> {
  await tx.tenants.lock(tx.tenant.id);
  const purchase = await tx.licencePurchases.byId(tx.tenant.id, purchaseId);
  if (!purchase) return undefined;
  for (const notice of notices) {
    const { provider, providerRefundId, amount, status, changedAt } = notice;
    const known = await tx.licencePurchases.refundByProviderId(tx.tenant.id, provider, providerRefundId);
    if (!known) {
      await tx.licencePurchases.insertRefund({
        id: tx.newId<'LicenceRefund'>(),
        ...{ tenantId: purchase.tenantId, partnerId: purchase.partnerId, purchaseId },
        ...notice,
        createdAt: tx.now,
      });
    } else if (isNewer(known, notice)) {
      await tx.licencePurchases.updateRefund({ ...known, amount, status, changedAt });
    }
  }
  // Nothing was granted yet: it is taken off when it is.
  if (purchase.status === 'OPEN') return purchase;
  const left = await applyLicenceRefunds(tx, purchase);
  if (left !== purchase) await rebuildEntitlements(tx);
  return left;
}

/** Where a purchase stands by what is back of it. */
function statusAfter(purchase: LicencePurchase, allBack: boolean): PurchaseStatus {
  if (allBack) return 'REFUNDED';
  if (purchase.status !== 'REFUNDED') return purchase.status;
  return purchase.completedAt ? 'COMPLETED' : 'PARKED';
}

/**
 * Takes back what the money that went back had bought, and gives back what came back again. The caller holds the tenant's lock.
 * The same purchase: nothing has changed.
 */
export async function applyLicenceRefunds(tx: Tx, purchase: LicencePurchase): Promise<LicencePurchase> {
  const refunds = await tx.licencePurchases.refundsOf(purchase.tenantId, purchase.id);
  const refunded = returnedMoney(refunds, paidFor(purchase));
  if (equals(refunded, purchase.refunded)) return purchase;
  const allBack = isAllBack(purchase, refunded);
  const left = await tx.licencePurchases.update({
    ...purchase,
    refunded,
    // All of a renewal is its year, and no seat.
    seatsRefunded: purchase.kind === 'RENEWAL' && allBack ? 0n : seatsBackFor(purchase, refunded),
    status: statusAfter(purchase, allBack),
  });
  // A parked purchase granted nothing: there is nothing to take back.
  const licence =
    purchase.completedAt && purchase.licenceId
      ? await tx.licences.byId(purchase.tenantId, purchase.licenceId)
      : undefined;
  if (!licence) return left;
  const purchases = await tx.licencePurchases.completedOf(purchase.tenantId, licence.id);
  const saved = await tx.licences.update({
    ...licence,
    ...paidTerm(licence, purchases, tx.now, tx.tenant.timeZone),
  });
  const wentBack = refunded.minor > purchase.refunded.minor;
  await tx.emit({
    type: wentBack ? 'licence.refunded' : 'licence.restored',
    payload: { licence: saved, purchase: left },
  });
  if (wentBack && overAssigned(saved) > 0n)
    await tx.emit({ type: 'licence.over_assigned', payload: { licence: saved } });
  return left;
}
