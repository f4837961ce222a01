import { type Instant, isBefore } from '../core/calendar';
import { decodeId } from '../core/ids';
import { amountOf as fakeAmountOf } from '../payments/fake/fake-webhooks';
import type { Applied } from '../payments/inbound-event';
import type { InboundHandler, LocateTenant } from '../payments/inbound-handler.job';
import {
  isMethodChange,
  type PaddleAdjustment,
  type PaddleSubscription,
  type PaddleTransaction,
  paddleAdjustment,
  paddleSubscription,
  paddleTransaction,
} from '../payments/paddle/paddle-event';
import { type Answer, PaddleProvider } from '../payments/paddle/paddle-provider';
import { meaningOf, transactionOrigins, transactionStatuses } from '../payments/paddle/paddle-states';
import { providerText } from '../payments/provider';
import type { Tx } from '../tx';
import { endSubscription } from './end-subscription.command';
import type { Licence } from './licence';
import type { LicencePurchase, PaidCheckout, Parking, ParkReason } from './licence-purchase';
import { type RefundNotice, refundLicencePurchase } from './refund-licence-purchase.command';
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
  if (purchase.status === 'OPEN' && meaningOf(transactionOrigins, origin) === 'RENEWAL') {
    return { outcome: 'LATER', reason: 'its first payment is not here yet' };
  }
  if (subscriptionId) await endSubscription(tx, purchase, provider, subscriptionId);
  return {
    ...{ outcome: 'PARKED', reason: 'REFERENCE_MISMATCH', keeps: true },
    detail: `${id} was not paid through the checkout that was made for the purchase it names.`,
  };
}

/** What an event says, and what Paddle answers when it is asked about the same: at least one of them. */
interface Words<T> {
  readonly told: T | undefined;
  readonly answered: T | undefined;
}

/**
 * The money is there. Which purchase it is for, our own record of the checkout says. What Paddle answers counts; an event that
 * says otherwise parks it too, since one of both is not Paddle's.
 */
export async function applyTransaction(tx: Tx, { told, answered }: Words<PaddleTransaction>): Promise<Applied> {
  const transaction = answered ?? told;
  if (!transaction) return unreadable;
  const meaning = meaningOf(transactionStatuses, transaction.status);
  if (meaning === 'OPEN') return { outcome: 'LATER', reason: 'Paddle says that it is not paid' };
  if (meaning !== 'PAID') {
    return { outcome: 'PARKED', reason: 'NEEDS_A_PERSON', detail: `${transaction.id} is ${transaction.status}.` };
  }
  await tx.tenants.lock(tx.tenant.id);
  const { id, subscriptionId, origin, reference } = transaction;
  const known = await tx.licencePurchases.byCheckout(tx.tenant.id, provider, id);
  const renews = meaningOf(transactionOrigins, origin) === 'RENEWAL';
  const licence =
    !known && subscriptionId && renews ? await tx.licences.bySubscription(tx.tenant.id, subscriptionId) : undefined;
  const hint = hintOf(reference);
  const named = !known && !licence && hint ? await tx.licencePurchases.byId(tx.tenant.id, hint.purchaseId) : undefined;
  if (named) return namedOnly(tx, named, transaction);
  const paid = paidCheckout(transaction);
  const said = answered && told && paidCheckout(told);
  const settled = licence
    ? await renewByProvider(tx, licence, paid, said)
    : known && (await settleLicencePurchase(tx, known.id, paid, said));
  return settled ? answerTo(settled, id) : { outcome: 'PARKED', reason: 'SUBJECT_UNKNOWN' };
}

/** `undefined`: Paddle does not know it, or says it in no way that can be read. */
const answeredBy = <T>(answer: Answer<T>): T | undefined => (answer.status === 'SAID' ? answer.value : undefined);

const transactionCompleted: InboundHandler = {
  ignores: ({ payload }) => (isMethodChange(payload) ? 'Paddle keeps the payment methods' : undefined),
  async locate({ payload }, locate) {
    const transaction = paddleTransaction(payload);
    const { id: checkoutId, subscriptionId, reference } = transaction ?? {};
    return tenantOf(locate, {
      checkoutId: checkoutId ?? providerText(payload['id']),
      subscriptionId: subscriptionId ?? providerText(payload['subscription_id']),
      reference,
    });
  },
  async ask(paddle, { payload }) {
    const id = providerText(payload['id']);
    const answer = id && paddle instanceof PaddleProvider ? await paddle.transaction(id) : missing;
    if (answer.status === 'UNKNOWN') return answer;
    return (tx) => applyTransaction(tx, { told: paddleTransaction(payload), answered: answeredBy(answer) });
  },
  apply: (tx, { payload }) => applyTransaction(tx, { told: paddleTransaction(payload), answered: undefined }),
};

const missing = { status: 'MISSING' } as const;

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
 * Will Paddle bill another year by itself, as it said at an instant? What was bought stays until its expiry either way.
 */
export async function applySubscription(tx: Tx, subscription: PaddleSubscription, saidAt: Instant): Promise<Applied> {
  await tx.tenants.lock(tx.tenant.id);
  const ending = await tx.licences.endBySubscription(tx.tenant.id, provider, subscription.id);
  if (ending && !ending.endedAt && subscription.ended) await tx.licences.ended(ending, saidAt);
  const found = await licenceOf(tx, subscription.id, subscription.reference);
  if (ending && !(found && 'seats' in found)) return { outcome: 'APPLIED' };
  if (!found) return { outcome: 'IGNORED', reason: 'no licence of ours' };
  if (!('seats' in found)) {
    if (found.status === 'OPEN') return { outcome: 'LATER', reason: 'its first payment is not here yet' };
    return { outcome: 'PARKED', reason: 'REFERENCE_MISMATCH', detail: 'The purchase it names began no subscription.' };
  }
  // An older word that comes later changes nothing.
  if (found.providerChangedAt && isBefore(saidAt, found.providerChangedAt)) return { outcome: 'APPLIED' };
  const autoRenew = subscription.renews && !found.replacedAt;
  const licence = await tx.licences.update({ ...found, autoRenew, providerChangedAt: saidAt });
  if (autoRenew !== found.autoRenew) {
    await tx.emit({ type: autoRenew ? 'licence.auto_renew_on' : 'licence.auto_renew_off', payload: { licence } });
  }
  return { outcome: 'APPLIED' };
}

/** The newest word counts: the event's, as old as it is, or the answer's, as old as the last change of it. */
function newestOf(told: PaddleSubscription | undefined, answered: PaddleSubscription | undefined, toldAt: Instant) {
  const changedAt = answered?.changedAt;
  if (answered && (!told || !changedAt || !isBefore(changedAt, toldAt))) {
    return { subscription: answered, saidAt: changedAt && isBefore(toldAt, changedAt) ? changedAt : toldAt };
  }
  return told && { subscription: told, saidAt: toldAt };
}

/** `subscription.updated`, `.paused`, `.canceled` and the like: how a subscription of Paddle's stands. */
const subscriptionChanged: InboundHandler = {
  async locate({ payload }, locate) {
    const subscription = paddleSubscription(payload);
    return tenantOf(locate, {
      subscriptionId: subscription?.id ?? providerText(payload['id']),
      reference: subscription?.reference,
    });
  },
  async ask(paddle, { payload, occurredAt }) {
    const id = providerText(payload['id']);
    const answer = id && paddle instanceof PaddleProvider ? await paddle.subscription(id) : missing;
    if (answer.status === 'UNKNOWN') return answer;
    const newest = newestOf(paddleSubscription(payload), answeredBy(answer), occurredAt);
    return async (tx) => (newest ? applySubscription(tx, newest.subscription, newest.saidAt) : unreadable);
  },
  async apply(tx, { payload, occurredAt }) {
    const subscription = paddleSubscription(payload);
    return subscription ? applySubscription(tx, subscription, occurredAt) : unreadable;
  },
};

/** Money of one transaction went back, is about to, or came back again: all that is known of it, in any order. */
export async function applyAdjustments(
  tx: Tx,
  transactionId: string,
  adjustments: readonly PaddleAdjustment[],
): Promise<Applied> {
  const purchase = await tx.licencePurchases.byCheckout(tx.tenant.id, provider, transactionId);
  if (!purchase) return { outcome: 'LATER', reason: 'its payment is not here yet' };
  const notices: RefundNotice[] = [];
  for (const { id, action, status, net, changedAt, said } of adjustments) {
    if (!action || !status) {
      return { outcome: 'PARKED', reason: 'NEEDS_A_PERSON', detail: `An adjustment of kind ${said}.` };
    }
    if (net.currency !== purchase.amount.currency) {
      return { outcome: 'PARKED', reason: 'AMOUNT_DIFFERS', detail: `Refunded in ${net.currency}.` };
    }
    if (action === 'NOTHING') continue;
    notices.push({ provider, providerRefundId: id, kind: action, amount: net, status, changedAt });
  }
  await refundLicencePurchase(tx, purchase.id, notices);
  return { outcome: 'APPLIED' };
}

/** `adjustment.created`, `adjustment.updated`. */
const adjustmentChanged: InboundHandler = {
  locate: ({ payload }, locate) =>
    tenantOf(locate, {
      checkoutId: providerText(payload['transaction_id']),
      // Of a renewal whose payment is not here yet.
      subscriptionId: providerText(payload['subscription_id']),
    }),
  async ask(paddle, { payload }) {
    const transactionId = providerText(payload['transaction_id']);
    const answer =
      transactionId && paddle instanceof PaddleProvider ? await paddle.adjustments(transactionId) : missing;
    if (answer.status === 'UNKNOWN') return answer;
    const told = paddleAdjustment(payload);
    const answered = answeredBy(answer) ?? [];
    // An event in a shape that nobody reads is as good as one that is, where Paddle's answer has what it is about.
    if (!transactionId || !(told || answered.some(({ id }) => id === payload['id']))) return async () => unreadable;
    return (tx) => applyAdjustments(tx, transactionId, told ? [...answered, told] : answered);
  },
  async apply(tx, { payload }) {
    const adjustment = paddleAdjustment(payload);
    return adjustment ? applyAdjustments(tx, adjustment.transactionId, [adjustment]) : unreadable;
  },
};

export const licenceHandlersOfFake: Readonly<Record<string, InboundHandler>> = {
  'checkout.completed': fakeCheckoutCompleted,
};

export const licenceHandlersOfPaddle: Readonly<Record<string, InboundHandler>> = {
  'transaction.completed': transactionCompleted,
  'subscription.activated': subscriptionChanged,
  'subscription.canceled': subscriptionChanged,
  'subscription.past_due': subscriptionChanged,
  'subscription.paused': subscriptionChanged,
  'subscription.resumed': subscriptionChanged,
  'subscription.trialing': subscriptionChanged,
  'subscription.updated': subscriptionChanged,
  'adjustment.created': adjustmentChanged,
  'adjustment.updated': adjustmentChanged,
};
