import { decodeId, type IdKind } from '../core/ids';
import { equals, subtract } from '../core/money';
import type { Tx } from '../tx';
import type { Applied } from './inbound-event';
import type { InboundHandler } from './inbound-handler.job';
import { keepPaymentMethod } from './keep-payment-method.command';
import type { Payment } from './payment';
import type { PaymentFact, ProviderName } from './provider';
import { settlePayment } from './settle-payment.command';
import { settleRefund } from './settle-refund.command';

const applied: Applied = { outcome: 'APPLIED' };
const parked = (reason: Extract<Applied, { outcome: 'PARKED' }>['reason'], detail?: string): Applied => ({
  outcome: 'PARKED',
  reason,
  ...(detail ? { detail } : {}),
});

/** The row that a reference names, where it is one of this kind. */
function named(reference: string | undefined, ...kinds: IdKind[]) {
  const decoded = reference === undefined ? undefined : decodeId(reference);
  return decoded?.tenantUuid && kinds.includes(decoded.kind) ? decoded : undefined;
}

/** The payment that an event is about: by the provider's own id, else by the reference. Both must mean the same one. */
async function paymentOf(
  tx: Tx,
  provider: ProviderName,
  chargeId: string,
  reference: string | undefined,
): Promise<Payment | Applied> {
  const { id: tenantId } = tx.tenant;
  await tx.tenants.lock(tenantId);
  const byCharge = await tx.payments.byExternalId(tenantId, provider, chargeId);
  const decoded = named(reference, 'Payment');
  const byReference = decoded?.tenantUuid === tenantId ? await tx.payments.byId(tenantId, decoded.uuid) : undefined;
  if (decoded && !byReference) return parked('REFERENCE_MISMATCH', 'it names a payment that is not there');
  const payment = byCharge ?? byReference;
  if (!payment) return parked('SUBJECT_UNKNOWN');
  if (byCharge && byReference && byCharge.id !== byReference.id)
    return parked('REFERENCE_MISMATCH', 'two payments are meant');
  if (payment.provider !== provider) return parked('REFERENCE_MISMATCH', 'the payment is of another provider');
  if (payment.externalId && payment.externalId !== chargeId) {
    return parked('REFERENCE_MISMATCH', 'the payment is another charge');
  }
  return payment;
}

const isPayment = (found: Payment | Applied): found is Payment => 'invoiceId' in found;

async function applyCharge(tx: Tx, provider: ProviderName, fact: Extract<PaymentFact, { kind: 'CHARGE' }>) {
  const found = await paymentOf(tx, provider, fact.chargeId, fact.reference);
  if (!isPayment(found)) return found;
  if (!equals(found.amount, fact.amount)) return parked('AMOUNT_DIFFERS');
  await settlePayment(tx, { paymentId: found.id, outcome: fact.outcome });
  return applied;
}

async function applyRefund(tx: Tx, provider: ProviderName, fact: Extract<PaymentFact, { kind: 'REFUND' }>) {
  await tx.tenants.lock(tx.tenant.id);
  const decoded = named(fact.reference, 'Refund');
  const refund = decoded && (await tx.payments.refundById(tx.tenant.id, decoded.uuid));
  if (!refund) {
    // Given back on the provider's own pages: reconciliation lists it, a person books it.
    return parked('SUBJECT_UNKNOWN', 'a refund that was not asked for here');
  }
  const payment = await tx.payments.byId(tx.tenant.id, refund.paymentId);
  if (payment?.provider !== provider || payment.externalId !== fact.chargeId) return parked('REFERENCE_MISMATCH');
  if (!equals(refund.amount, fact.amount)) return parked('AMOUNT_DIFFERS');
  const { refundId, status } = fact;
  if (refund.externalId && refund.externalId !== refundId) {
    return parked('REFERENCE_MISMATCH', 'the refund is another one there');
  }
  if (refund.status === 'FAILED' && status === 'SUCCEEDED') {
    // What was reserved for it is free again, and may be given back otherwise by now.
    return parked('NEEDS_A_PERSON', 'the refund has failed here, and is told to have succeeded');
  }
  await settleRefund(
    tx,
    refund.id,
    status === 'SUCCEEDED' ? { status, refundId } : { status, refundId, code: 'failed' },
  );
  return applied;
}

async function applyDispute(tx: Tx, provider: ProviderName, fact: Extract<PaymentFact, { kind: 'DISPUTE' }>) {
  const found = await paymentOf(tx, provider, fact.chargeId, fact.reference);
  if (!isPayment(found)) return found;
  const { amount, status, disputeId } = fact;
  if (amount.currency !== found.amount.currency || subtract(found.amount, amount).minor < 0n) {
    return parked('AMOUNT_DIFFERS');
  }
  const { tenantId, partnerId, id: paymentId } = found;
  const known = await tx.payments.disputeByExternalId(tenantId, paymentId, disputeId);
  const closedAt = status === 'OPEN' ? undefined : tx.now;
  if (!known) {
    const dispute = {
      id: tx.newId<'Dispute'>(),
      ...{ tenantId, partnerId, paymentId, externalId: disputeId, status, amount, closedAt },
      ...{ reason: fact.reason.slice(0, 200), openedAt: tx.now },
    };
    await tx.payments.insertDispute(dispute);
    await tx.emit({ type: status === 'OPEN' ? 'dispute.opened' : 'dispute.closed', payload: { dispute } });
  } else if (known.status === 'OPEN' && closedAt) {
    await tx.payments.closeDispute(known, status, closedAt);
    await tx.emit({ type: 'dispute.closed', payload: { dispute: { ...known, status, closedAt } } });
  }
  return applied;
}

async function applyMethod(tx: Tx, provider: ProviderName, fact: Extract<PaymentFact, { kind: 'METHOD' }>) {
  const decoded = named(fact.reference, 'PaymentSetup');
  const setup = decoded && (await tx.paymentMethods.setupById(tx.tenant.id, decoded.uuid));
  if (!setup) return parked('SUBJECT_UNKNOWN', 'a payment method that was not asked for here');
  const customer = await tx.paymentMethods.customerOf(tx.tenant.id, provider);
  const other = setup.externalId !== undefined && setup.externalId !== fact.setupId;
  if (setup.provider !== provider || other || customer !== fact.method.customerId) return parked('REFERENCE_MISMATCH');
  await keepPaymentMethod(tx, provider, fact.method, setup);
  return applied;
}

async function applyMethodRemoved(
  tx: Tx,
  provider: ProviderName,
  fact: Extract<PaymentFact, { kind: 'METHOD_REMOVED' }>,
): Promise<Applied> {
  await tx.tenants.lock(tx.tenant.id);
  const method = await tx.paymentMethods.byExternalId(tx.tenant.id, provider, fact.methodId);
  // It may have been removed before it was ever told of.
  if (!method) return { outcome: 'LATER', reason: 'the payment method is not known (yet)' };
  if (!method.removedAt) {
    await tx.paymentMethods.update({ ...method, isDefault: false, removedAt: tx.now });
    await tx.emit({ type: 'payment_method.removed', payload: { paymentMethod: method } });
  }
  return applied;
}

/** What is done about a fact of a payment, whichever provider tells it. */
export function applyPaymentFact(provider: ProviderName, fact: PaymentFact): InboundHandler {
  return {
    locate: async (_event, locate) => {
      if (fact.kind === 'METHOD_REMOVED') return locate('CUSTOMER', fact.customerId);
      // By what we wrote down where we can; the reference is only a hint where to look.
      const byId =
        fact.kind === 'METHOD'
          ? await locate('CUSTOMER', fact.method.customerId)
          : await locate('CHARGE', fact.chargeId);
      return byId ?? named(fact.reference, 'Payment', 'Refund', 'PaymentSetup')?.tenantUuid;
    },
    apply: async (tx) => {
      switch (fact.kind) {
        case 'CHARGE':
          return applyCharge(tx, provider, fact);
        case 'REFUND':
          return applyRefund(tx, provider, fact);
        case 'DISPUTE':
          return applyDispute(tx, provider, fact);
        case 'METHOD':
          return applyMethod(tx, provider, fact);
        case 'METHOD_REMOVED':
          return applyMethodRemoved(tx, provider, fact);
      }
    },
  };
}
