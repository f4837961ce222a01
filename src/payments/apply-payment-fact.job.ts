import { decodeId, type IdKind } from '../core/ids';
import { equals, money } from '../core/money';
import { planTakeBack, saveTakeBack } from '../invoicing/take-back.command';
import type { Tx } from '../tx';
import { spread, totalOf } from './carried-payments';
import type { Applied } from './inbound-event';
import type { InboundHandler } from './inbound-handler.job';
import { keepPaymentMethod } from './keep-payment-method.command';
import { type Payment, type Refund, refundable } from './payment';
import type { PaymentFact, ProviderName } from './provider';
import { retirePaymentMethods } from './retire-payment-methods.command';
import { settleDispute } from './settle-dispute.command';
import { settlePayment } from './settle-payment.command';
import { settleRefund } from './settle-refund.command';
import { writeRefund } from './write-refund.command';

const applied: Applied = { outcome: 'APPLIED' };
const parked = (reason: Extract<Applied, { outcome: 'PARKED' }>['reason'], detail?: string): Applied => ({
  outcome: 'PARKED',
  reason,
  ...(detail ? { detail } : {}),
});

const later = (reason: string): Applied => ({ outcome: 'LATER', reason });

/** The row that a reference names, where it is one of this kind. */
function named(reference: string | undefined, ...kinds: IdKind[]) {
  const decoded = reference === undefined ? undefined : decodeId(reference);
  return decoded?.tenantUuid && kinds.includes(decoded.kind) ? decoded : undefined;
}

/**
 * The payment that an event is about, the one that carries the others of its charge: by the provider's own id, else by the reference.
 * Both must mean the same one.
 */
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
  if (payment.carriedBy) return parked('REFERENCE_MISMATCH', "it names a payment that another one's charge carries");
  if (byCharge && byReference && byCharge.id !== byReference.id)
    return parked('REFERENCE_MISMATCH', 'two payments are meant');
  if (payment.provider !== provider) return parked('REFERENCE_MISMATCH', 'the payment is of another provider');
  if (payment.externalId && payment.externalId !== chargeId) {
    return parked('REFERENCE_MISMATCH', 'the payment is another charge');
  }
  return payment;
}

const isPayment = (found: Payment | Applied): found is Payment => 'invoiceId' in found;

/** All payments of its charge, itself first: in this order money goes back to them. */
export const togetherWith = async (tx: Pick<Tx, 'payments'>, payment: Payment): Promise<Payment[]> => [
  payment,
  ...(await tx.payments.carriedBy(payment)),
];

async function applyCharge(tx: Tx, provider: ProviderName, fact: Extract<PaymentFact, { kind: 'CHARGE' }>) {
  const found = await paymentOf(tx, provider, fact.chargeId, fact.reference);
  if (!isPayment(found)) return found;
  if (!equals(totalOf(await togetherWith(tx, found)), fact.amount)) return parked('AMOUNT_DIFFERS');
  await settlePayment(tx, { paymentId: found.id, outcome: fact.outcome });
  return applied;
}

const asBounds = (most: bigint) => ({ first: most, most });

/**
 * Given back on the provider's own pages: it is booked as what it is, once, and moves the accounts as one of ours does. Where a charge
 * took others along it is a refund of each: of the first as far as there is something left of it, then of those.
 */
async function bookRefund(
  tx: Tx,
  together: readonly Payment[],
  { refundId, amount: whole, status }: Extract<PaymentFact, { kind: 'REFUND' }>,
): Promise<Applied> {
  const total = totalOf(together);
  if (whole.currency !== total.currency || whole.minor <= 0n || whole.minor > total.minor) {
    return parked('AMOUNT_DIFFERS');
  }
  const failed = status === 'FAILED';
  const left = together.map((payment) => (failed ? payment.amount : refundable(payment)).minor);
  // One of ours may be under way, and will fail since there is no more to give.
  if (whole.minor > left.reduce((sum, part) => sum + part, 0n)) return later('more than is left of the payment (yet)');
  const made = { externalId: refundId, failed };
  for (const [index, part] of spread(whole.minor, left.map(asBounds)).entries()) {
    if (part === 0n) continue;
    const payment = together[index]!;
    const amount = money(part, total.currency);
    const refund = await writeRefund(tx, payment, { amount, reason: 'AT_PROVIDER', made });
    if (!failed) await saveTakeBack(tx, await planTakeBack(tx, payment.invoiceId, amount), { refundId: refund.id });
  }
  return applied;
}

async function applyRefund(tx: Tx, provider: ProviderName, fact: Extract<PaymentFact, { kind: 'REFUND' }>) {
  await tx.tenants.lock(tx.tenant.id);
  const refunds: Refund[] = [];
  if (fact.reference === undefined) {
    const found = await paymentOf(tx, provider, fact.chargeId, undefined);
    if (!isPayment(found)) return found;
    const together = await togetherWith(tx, found);
    refunds.push(
      ...(await tx.payments.refundsByExternalId(
        tx.tenant.id,
        together.map(({ id }) => id),
        fact.refundId,
      )),
    );
    if (refunds.length === 0) return bookRefund(tx, together, fact);
  } else {
    const decoded = named(fact.reference, 'Refund');
    const refund = decoded && (await tx.payments.refundById(tx.tenant.id, decoded.uuid));
    if (!refund) return parked('SUBJECT_UNKNOWN', 'a refund that was not asked for here');
    refunds.push(refund);
  }
  const { refundId, status } = fact;
  for (const refund of refunds) {
    const payment = await tx.payments.byId(tx.tenant.id, refund.paymentId);
    if (payment?.provider !== provider || payment.externalId !== fact.chargeId) return parked('REFERENCE_MISMATCH');
  }
  if (!equals(totalOf(refunds), fact.amount)) return parked('AMOUNT_DIFFERS');
  if (refunds.some(({ externalId }) => externalId && externalId !== refundId)) {
    return parked('REFERENCE_MISMATCH', 'the refund is another one there');
  }
  if (refunds.some((refund) => refund.status === 'FAILED') && status === 'SUCCEEDED') {
    // What was reserved for it is free again, and may be given back otherwise by now.
    return parked('NEEDS_A_PERSON', 'the refund has failed here, and is told to have succeeded');
  }
  const outcome = status === 'SUCCEEDED' ? { status, refundId } : { status, refundId, code: 'failed' };
  for (const { id } of refunds) await settleRefund(tx, id, outcome);
  return applied;
}

async function applyDispute(tx: Tx, provider: ProviderName, fact: Extract<PaymentFact, { kind: 'DISPUTE' }>) {
  const found = await paymentOf(tx, provider, fact.chargeId, fact.reference);
  if (!isPayment(found)) return found;
  const { amount, status } = fact;
  const together = await togetherWith(tx, found);
  const total = totalOf(together);
  if (amount.currency !== total.currency || amount.minor > total.minor) return parked('AMOUNT_DIFFERS');
  // What was never paid cannot be lost: that it was paid is yet to be heard.
  if (status === 'LOST' && found.status !== 'SUCCEEDED')
    return later('the payment is not known to have succeeded (yet)');
  await settleDispute(tx, together, fact);
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
  if (!method) return later('the payment method is not known (yet)');
  if (!method.removedAt) await retirePaymentMethods(tx, [method]);
  return applied;
}

/** What its provider says of a method that is kept: a network, or the customer, gave the card another expiry or number. */
async function applyMethodChanged(
  tx: Tx,
  provider: ProviderName,
  { method: facts }: Extract<PaymentFact, { kind: 'METHOD_CHANGED' }>,
): Promise<Applied> {
  await tx.tenants.lock(tx.tenant.id);
  const known = await tx.paymentMethods.byExternalId(tx.tenant.id, provider, facts.methodId);
  if (!known || known.removedAt) return { outcome: 'IGNORED', reason: 'the payment method is not kept' };
  const { brand, last4, expiresMonth, expiresYear } = facts;
  const paymentMethod = { ...known, brand, last4, expiresMonth, expiresYear, renewedAt: tx.wallNow };
  const isSame = (['brand', 'last4', 'expiresMonth', 'expiresYear'] as const).every(
    (name) => known[name] === paymentMethod[name],
  );
  if (isSame) return applied;
  await tx.paymentMethods.update(paymentMethod);
  if (known.isDefault) await tx.collections.wake(tx.tenant.id, known.id, tx.now);
  await tx.emit({ type: 'payment_method.updated', payload: { paymentMethod } });
  return applied;
}

/** What is done about a fact of a payment, whichever provider tells it. */
export function applyPaymentFact(provider: ProviderName, fact: PaymentFact): InboundHandler {
  // Refunds of what a provider bills by itself carry no reference either, and are not ours to record.
  const isOfOthers = fact.kind === 'REFUND' && fact.reference === undefined;
  return {
    ofOthers: isOfOthers ? 'a refund of no payment of ours' : undefined,
    locate: async (_event, locate) => {
      if (fact.kind === 'METHOD_REMOVED') return locate('CUSTOMER', fact.customerId);
      if (fact.kind === 'METHOD_CHANGED') return locate('CUSTOMER', fact.method.customerId);
      // By what we wrote down where we can; the reference is only a hint where to look.
      const byId =
        fact.kind === 'METHOD'
          ? await locate('CUSTOMER', fact.method.customerId)
          : await locate('CHARGE', fact.chargeId);
      return byId ?? named(fact.reference, 'Payment', 'Refund', 'PaymentSetup')?.tenantUuid;
    },
    apply: (tx) => applyFact(tx, provider, fact),
  };
}

/** What a provider says counts, in an event or in one of its lists. */
export async function applyFact(tx: Tx, provider: ProviderName, fact: PaymentFact): Promise<Applied> {
  switch (fact.kind) {
    case 'CHARGE':
      return applyCharge(tx, provider, fact);
    case 'REFUND':
      return applyRefund(tx, provider, fact);
    case 'DISPUTE':
      return applyDispute(tx, provider, fact);
    case 'METHOD':
      return applyMethod(tx, provider, fact);
    case 'METHOD_CHANGED':
      return applyMethodChanged(tx, provider, fact);
    case 'METHOD_REMOVED':
      return applyMethodRemoved(tx, provider, fact);
  }
}
