import type { Id } from '../core/ids';
import { add, type Money, sum } from '../core/money';
import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import type { ProviderName } from '../payments/provider';
import type { Tx } from '../tx';
import { expiryAfter, overAssigned } from './licence';
import { afterRefund, type LicencePurchase, type RefundStatus, seatsBackFor } from './licence-purchase';

export interface RefundNotice {
  readonly provider: ProviderName;
  readonly providerRefundId: string;
  /** Before tax. */
  readonly amount: Money;
  readonly status: RefundStatus;
}

/**
 * Money went back, or is about to. Seats are taken back once the refund is approved; the same notice again changes nothing,
 * and an older one never undoes a newer.
 */
export async function refundLicencePurchase(
  tx: Tx,
  purchaseId: Id<'LicencePurchase'>,
  notice: RefundNotice,
): Promise<LicencePurchase | undefined> {
  await tx.tenants.lock(tx.tenant.id);
  const purchase = await tx.licencePurchases.byId(tx.tenant.id, purchaseId);
  if (!purchase) return undefined;
  const { provider, providerRefundId, amount, status } = notice;
  const known = await tx.licencePurchases.refundByProviderId(tx.tenant.id, provider, providerRefundId);
  if (!known) {
    await tx.licencePurchases.insertRefund({
      id: tx.newId<'LicenceRefund'>(),
      ...{ tenantId: purchase.tenantId, partnerId: purchase.partnerId, purchaseId },
      ...{ provider, providerRefundId, amount, status },
      createdAt: tx.now,
    });
  } else if (known.status === 'PENDING' && status !== 'PENDING') {
    await tx.licencePurchases.updateRefund({ ...known, status });
  }
  // Nothing was granted yet: it is taken off when it is.
  if (purchase.status === 'OPEN') return purchase;
  const left = await applyLicenceRefunds(tx, purchase);
  if (left !== purchase) await rebuildEntitlements(tx);
  return left;
}

/** Takes back what the approved refunds of a purchase had bought, each once. The caller holds the tenant's lock. */
export async function applyLicenceRefunds(tx: Tx, purchase: LicencePurchase): Promise<LicencePurchase> {
  const refunds = await tx.licencePurchases.refundsOf(purchase.tenantId, purchase.id);
  const due = refunds.filter((refund) => refund.status === 'APPROVED' && !refund.appliedAt);
  if (due.length === 0) return purchase;
  const { currency } = purchase.amount;
  const refunded = add(
    purchase.refunded,
    sum(
      due.map((refund) => refund.amount),
      currency,
    ),
  );
  const whole = refunded.minor >= purchase.amount.minor;
  const takesYear = purchase.kind === 'RENEWAL' && whole && purchase.refunded.minor < purchase.amount.minor;
  const seatsRefunded = purchase.kind === 'RENEWAL' ? 0n : seatsBackFor(purchase, refunded);
  const left = await tx.licencePurchases.update({
    ...purchase,
    ...{ refunded, seatsRefunded },
    status: whole ? 'REFUNDED' : purchase.status,
  });
  for (const refund of due) await tx.licencePurchases.updateRefund({ ...refund, appliedAt: tx.now });
  // A parked purchase granted nothing: there is nothing to take back.
  const licence =
    purchase.completedAt && purchase.licenceId
      ? await tx.licences.byId(purchase.tenantId, purchase.licenceId)
      : undefined;
  if (licence) {
    const taken = seatsRefunded - purchase.seatsRefunded;
    const changed =
      takesYear || purchase.kind !== 'RENEWAL'
        ? afterRefund(licence, purchase, refunded, taken, (years) =>
            expiryAfter(licence.startsAt, years, tx.tenant.timeZone),
          )
        : licence;
    const saved = await tx.licences.update(changed);
    await tx.emit({ type: 'licence.refunded', payload: { licence: saved, purchase: left } });
    if (overAssigned(saved) > 0n) await tx.emit({ type: 'licence.over_assigned', payload: { licence: saved } });
  }
  return left;
}
