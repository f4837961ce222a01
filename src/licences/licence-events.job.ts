import { isBefore } from '../core/calendar';
import { decodeId } from '../core/ids';
import { amountOf as fakeAmountOf } from '../payments/fake/fake-webhooks';
import type { Applied } from '../payments/inbound-event';
import type { InboundHandler, LocateTenant } from '../payments/inbound-handler.job';
import {
  type PaddleAdjustment,
  type PaddleTransaction,
  paddleAdjustment,
  paddleSubscription,
  paddleTransaction,
} from '../payments/paddle/paddle-event';
import { type InboundEvent, providerText } from '../payments/provider';
import type { Tx } from '../tx';
import { endSubscription } from './end-subscription.command';
import type { Licence } from './licence';
import type { LicencePurchase, PaidCheckout, Parking, ParkReason } from './licence-purchase';
import { refundLicencePurchase } from './refund-licence-purchase.command';
import { renewByProvider } from './renew-by-provider.command';
import { type Settled, settleLicencePurchase } from './settle-licence-purchase.command';

const provider = 'PADDLE';

/** A purchase that an event's own data name: a hint about whom to ask, and nothing more. */
function hintOf(reference: string | undefined) {
  const decoded = reference ? decodeId(reference) : undefined;
  return decoded?.kind === 'LicencePurchase' ? { tenantId: decoded.tenantUuid!, purchaseId: decoded.uuid } : undefined;
}

/** By our own records where they know it; else whom the event names, where its word is held against our rows. */
async function tenantOf(
  locate: LocateTenant,
  what: {
    readonly checkoutId?: string | undefined;
    readonly subscriptionId?: string | undefined;
    readonly reference?: string | undefined;
  },
): Promise<string | undefined> {
  const { checkoutId, subscriptionId, reference } = what;
  return (
    (checkoutId && (await locate('LICENCE_CHECKOUT', checkoutId))) ||
    (subscriptionId && (await locate('LICENCE_SUBSCRIPTION', subscriptionId))) ||
    hintOf(reference)?.tenantId
  );
}

const unreadable: Applied = { outcome: 'PARKED', reason: 'PAYLOAD_UNREADABLE' };

const reasonOf: Readonly<Record<ParkReason, Extract<Applied, { outcome: 'PARKED' }>['reason']>> = {
  TENANT_DIFFERS: 'REFERENCE_MISMATCH',
  CHECKOUT_DIFFERS: 'REFERENCE_MISMATCH',
  CURRENCY_DIFFERS: 'AMOUNT_DIFFERS',
  AMOUNT_DIFFERS: 'AMOUNT_DIFFERS',
  QUANTITY_DIFFERS: 'QUANTITY_DIFFERS',
  INTENT_EXPIRED: 'INTENT_EXPIRED',
  TERM_CHANGED: 'NEEDS_A_PERSON',
  CHECKOUT_REFUSED: 'NEEDS_A_PERSON',
};

function paidCheckout(transaction: PaddleTransaction): PaidCheckout {
  const { id, net, quantity, billedAt, tenant, reference, subscriptionId } = transaction;
  return {
    ...{ provider, checkoutId: id, paid: net, quantity, paidAt: billedAt },
    namedTenantId: tenant,
    namedPurchaseId: reference,
    subscriptionId,
  };
}

/** The fake's only event about checkouts: like Paddle's, its word is held against our own rows. */
const fakeCheckoutCompleted: InboundHandler = {
  locate: ({ payload }, locate) => tenantOf(locate, { checkoutId: providerText(payload['checkoutId']) }),
  async apply(tx, { payload, occurredAt }) {
    const { quantity: units } = payload;
    const checkoutId = providerText(payload['checkoutId']);
    const quantity = typeof units === 'number' ? String(units) : (providerText(units) ?? '');
    const purchase = checkoutId && (await tx.licencePurchases.byCheckout(tx.tenant.id, 'FAKE', checkoutId));
    if (!purchase || !/^[1-9][0-9]{0,15}$/.test(quantity)) return unreadable;
    const settled = await settleLicencePurchase(tx, purchase.id, {
      ...{ provider: 'FAKE', checkoutId, paid: fakeAmountOf(payload), quantity: BigInt(quantity), paidAt: occurredAt },
    });
    return settled ? answerTo(settled, checkoutId) : unreadable;
  },
};

const parkedFor = ({ reason, detail }: Parking): Applied => ({
  ...{ outcome: 'PARKED', reason: reasonOf[reason], detail, keeps: true },
});

/** Money for a purchase that is parked granted nothing, however often it is told or tried again: a person decides. */
function answerTo(settled: Settled, checkoutId: string): Applied {
  if (settled.outcome === 'PARKED') return parkedFor(settled.parking);
  const { purchase } = settled;
  if (settled.outcome === 'GRANTED' || purchase.status !== 'PARKED') return { outcome: 'APPLIED' };
  return {
    ...{ outcome: 'PARKED', reason: 'NEEDS_A_PERSON', keeps: true },
    detail: `${checkoutId} paid for a purchase that is parked: ${purchase.parkDetail}`,
  };
}

/**
 * Paid through a checkout that is not the purchase's own, which it only names: money that nobody asked for. The event waits for
 * a person; the purchase stays as it is, to be paid through its own checkout.
 */
async function namedOnly(tx: Tx, purchase: LicencePurchase, transaction: PaddleTransaction): Promise<Applied> {
  const { id, origin, subscriptionId } = transaction;
  // Our own record of the checkout, or the payment that begins the subscription, may be a moment behind.
  if (purchase.status === 'OPEN' && !purchase.checkoutId) {
    return { outcome: 'LATER', reason: 'its checkout is not written down yet' };
  }
  if (purchase.status === 'OPEN' && origin.startsWith('subscription_')) {
    return { outcome: 'LATER', reason: 'its first payment is not here yet' };
  }
  if (subscriptionId) await endSubscription(tx, purchase, provider, subscriptionId);
  return {
    ...{ outcome: 'PARKED', reason: 'REFERENCE_MISMATCH', keeps: true },
    detail: `${id} was not paid through the checkout that was made for the purchase it names.`,
  };
}

/** `transaction.completed`: the money is there. Which purchase it is for, our own record of the checkout says. */
async function completed(tx: Tx, transaction: PaddleTransaction): Promise<Applied> {
  await tx.tenants.lock(tx.tenant.id);
  const { id, subscriptionId, origin, reference } = transaction;
  const known = await tx.licencePurchases.byCheckout(tx.tenant.id, provider, id);
  const licence =
    !known && subscriptionId && origin === 'subscription_recurring'
      ? await tx.licences.bySubscription(tx.tenant.id, subscriptionId)
      : undefined;
  const hint = hintOf(reference);
  const named = !known && !licence && hint ? await tx.licencePurchases.byId(tx.tenant.id, hint.purchaseId) : undefined;
  if (named) return namedOnly(tx, named, transaction);
  const settled = licence
    ? await renewByProvider(tx, licence, paidCheckout(transaction))
    : known && (await settleLicencePurchase(tx, known.id, paidCheckout(transaction)));
  return settled ? answerTo(settled, id) : { outcome: 'PARKED', reason: 'SUBJECT_UNKNOWN' };
}

const transactionCompleted: InboundHandler = {
  async locate({ payload }, locate) {
    const transaction = paddleTransaction(payload);
    const { id: checkoutId, subscriptionId, reference } = transaction ?? {};
    return tenantOf(locate, { checkoutId: checkoutId ?? providerText(payload['id']), subscriptionId, reference });
  },
  async apply(tx, { payload }) {
    const transaction = paddleTransaction(payload);
    return transaction ? completed(tx, transaction) : unreadable;
  },
};

async function licenceOf(
  tx: Tx,
  subscriptionId: string,
  reference: string | undefined,
): Promise<Licence | LicencePurchase | undefined> {
  const licence = await tx.licences.bySubscription(tx.tenant.id, subscriptionId);
  const hint = licence ? undefined : hintOf(reference);
  return licence ?? (hint && tx.licencePurchases.byId(tx.tenant.id, hint.purchaseId));
}

/**
 * `subscription.updated`, `subscription.canceled`: will Paddle bill another year by itself? What was bought stays until its
 * expiry either way.
 */
const subscriptionChanged: InboundHandler = {
  async locate({ payload }, locate) {
    const subscription = paddleSubscription(payload);
    return tenantOf(locate, {
      subscriptionId: subscription?.id ?? providerText(payload['id']),
      reference: subscription?.reference,
    });
  },
  async apply(tx, { payload, type, occurredAt }) {
    const subscription = paddleSubscription(payload);
    if (!subscription) return unreadable;
    await tx.tenants.lock(tx.tenant.id);
    const ending = await tx.licences.endBySubscription(tx.tenant.id, provider, subscription.id);
    if (ending && !ending.endedAt && subscription.status === 'canceled') await tx.licences.ended(ending, occurredAt);
    const found = await licenceOf(tx, subscription.id, subscription.reference);
    if (ending && !(found && 'seats' in found)) return { outcome: 'APPLIED' };
    if (!found) return { outcome: 'IGNORED', reason: 'no licence of ours' };
    if (!('seats' in found)) {
      return found.status === 'OPEN'
        ? { outcome: 'LATER', reason: 'its first payment is not here yet' }
        : { outcome: 'PARKED', reason: 'REFERENCE_MISMATCH', detail: 'The purchase it names began no subscription.' };
    }
    // An older word that comes later changes nothing.
    if (found.providerChangedAt && isBefore(occurredAt, found.providerChangedAt)) return { outcome: 'APPLIED' };
    const autoRenew = subscription.renews && type !== 'subscription.canceled';
    const licence = await tx.licences.update({ ...found, autoRenew, providerChangedAt: occurredAt });
    if (autoRenew !== found.autoRenew) {
      await tx.emit({ type: autoRenew ? 'licence.auto_renew_on' : 'licence.auto_renew_off', payload: { licence } });
    }
    return { outcome: 'APPLIED' };
  },
};

const refundStatuses = { pending_approval: 'PENDING', approved: 'APPROVED', rejected: 'REJECTED' } as const;
const takesBack = ['refund', 'chargeback'];

async function adjusted(tx: Tx, adjustment: PaddleAdjustment): Promise<Applied> {
  const { id, action, status, transactionId, net } = adjustment;
  const purchase = await tx.licencePurchases.byCheckout(tx.tenant.id, provider, transactionId);
  if (!purchase) return { outcome: 'LATER', reason: 'its payment is not here yet' };
  if (!takesBack.includes(action) || !Object.hasOwn(refundStatuses, status)) {
    return { outcome: 'PARKED', reason: 'NEEDS_A_PERSON', detail: `An adjustment of kind ${action}, ${status}.` };
  }
  if (net.currency !== purchase.amount.currency) {
    return { outcome: 'PARKED', reason: 'AMOUNT_DIFFERS', detail: `Refunded in ${net.currency}.` };
  }
  await refundLicencePurchase(tx, purchase.id, {
    ...{ provider, providerRefundId: id, amount: net },
    status: refundStatuses[status as keyof typeof refundStatuses],
  });
  return { outcome: 'APPLIED' };
}

/** `adjustment.created`, `adjustment.updated`: money went back, or is about to. */
const adjustmentChanged: InboundHandler = {
  locate: ({ payload }, locate) =>
    tenantOf(locate, {
      checkoutId: paddleAdjustment(payload)?.transactionId ?? providerText(payload['transaction_id']),
    }),
  async apply(tx: Tx, { payload }: InboundEvent) {
    const adjustment = paddleAdjustment(payload);
    return adjustment ? adjusted(tx, adjustment) : unreadable;
  },
};

export const licenceHandlersOfFake: Readonly<Record<string, InboundHandler>> = {
  'checkout.completed': fakeCheckoutCompleted,
};

export const licenceHandlersOfPaddle: Readonly<Record<string, InboundHandler>> = {
  'transaction.completed': transactionCompleted,
  'subscription.updated': subscriptionChanged,
  'subscription.canceled': subscriptionChanged,
  'adjustment.created': adjustmentChanged,
  'adjustment.updated': adjustmentChanged,
};
