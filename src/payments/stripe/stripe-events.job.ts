import { decodeId } from '../../core/ids';
import type { Tx } from '../../tx';
import { applyPaymentFact } from '../apply-payment-fact.job';
import { forgetCustomer } from '../forget-customer.command';
import type { Applied } from '../inbound-event';
import type { InboundHandler, LocateTenant } from '../inbound-handler.job';
import type { InboundEvent } from '../provider';
import type { CheckoutName } from './stripe-checkout.repository';
import { idOf, referenceOf, stripeFactOf } from './stripe-webhook';

type Payload = InboundEvent['payload'];
type Subject = 'session' | 'subscription' | 'invoice';

const member = (value: unknown, name: string): unknown => (value as Payload | null | undefined)?.[name];

/** The subscription that an invoice is for; where it stands has moved with Stripe's versions. */
const subscriptionDetails = (payload: Payload) =>
  (member(payload['parent'], 'subscription_details') ?? payload['subscription_details'] ?? {}) as Payload;

function namesOf(
  subject: Subject,
  payload: Payload,
): { name: CheckoutName | undefined; reference: string | undefined } {
  const id = idOf(payload);
  if (subject === 'session') {
    return { name: id ? { sessionExternalId: id } : undefined, reference: referenceOf(payload) };
  }
  if (subject === 'subscription') {
    return { name: id ? { subscriptionExternalId: id } : undefined, reference: referenceOf(payload) };
  }
  const details = subscriptionDetails(payload);
  const subscription = idOf(details['subscription']) ?? idOf(payload['subscription']);
  return { name: subscription ? { subscriptionExternalId: subscription } : undefined, reference: referenceOf(details) };
}

const applied: Applied = { outcome: 'APPLIED' };
const notOurs: Applied = { outcome: 'IGNORED', reason: 'it is about no checkout of ours' };

/** An event says which checkout to look at, and nothing else of it is believed: what counts is what Stripe answers then. */
async function wake(tx: Tx, { payload }: InboundEvent, subject: Subject): Promise<Applied> {
  const { id: tenantId } = tx.tenant;
  const { name, reference } = namesOf(subject, payload);
  const decoded = reference === undefined ? undefined : decodeId(reference);
  const isOurs = decoded?.kind === 'Checkout' || decoded?.kind === 'PaymentSetup';
  if (!name) return notOurs;
  await tx.tenants.lock(tenantId);
  const known = await tx.stripeCheckouts.find(tenantId, name);
  // Its own name was never heard: an answer was lost.
  const byReference =
    !known && isOurs && decoded.tenantUuid === tenantId
      ? await tx.stripeCheckouts.find(tenantId, { id: decoded.uuid })
      : undefined;
  const checkout = known ?? byReference;
  if (checkout) {
    await tx.stripeCheckouts.wake(tenantId, checkout.id);
    return applied;
  }
  if (!isOurs || decoded.tenantUuid === tenantId) return notOurs;
  return { outcome: 'PARKED', reason: 'REFERENCE_MISMATCH', detail: 'it names a checkout of another tenant' };
}

const ofCustomer = async ({ payload }: InboundEvent, locate: LocateTenant) => {
  const customerId = idOf(payload['customer']);
  return customerId ? locate('CUSTOMER', customerId) : undefined;
};

const wakes = (subject: Subject): InboundHandler => ({
  locate: ofCustomer,
  apply: (tx, event) => wake(tx, event, subject),
});

/** The payment of Stripe's that a charge, a refund or a dispute is about. */
const paymentOf = ({ payload }: InboundEvent) => idOf(payload['payment_intent']);

/** What moves money back: of a payment of ours, or of what Stripe collected for what it bills itself. */
const movesMoney: InboundHandler = {
  locate: async (event, locate) => {
    const fact = stripeFactOf(event);
    const own = fact && (await applyPaymentFact('STRIPE', fact).locate(event, locate));
    const paymentId = paymentOf(event);
    return own ?? (paymentId ? await locate('CHARGE', paymentId) : undefined) ?? ofCustomer(event, locate);
  },
  apply: async (tx, event) => {
    const paymentId = paymentOf(event);
    const checkoutId = paymentId && (await tx.stripeCheckouts.ofPayment(tx.tenant.id, paymentId));
    if (checkoutId) {
      await tx.stripeCheckouts.wake(tx.tenant.id, checkoutId);
      return applied;
    }
    const fact = stripeFactOf(event);
    return fact
      ? applyPaymentFact('STRIPE', fact).apply(tx, event)
      : { outcome: 'IGNORED', reason: 'nothing has moved' };
  },
};

/** Stripe tells of other products' refunds of the same account too. */
const refunds: InboundHandler = { ...movesMoney, ofOthers: 'a refund of no payment of ours' };

/** It was deleted there: the next card makes it anew. */
const customerGone: InboundHandler = {
  locate: ({ payload }, locate) => {
    const id = idOf(payload);
    return id ? locate('CUSTOMER', id) : Promise.resolve(undefined);
  },
  apply: async (tx, { payload }) => {
    if (payload['deleted'] !== true) return { outcome: 'IGNORED', reason: 'it is still there' };
    await forgetCustomer(tx, 'STRIPE', idOf(payload)!);
    return applied;
  },
};

/** What is done about Stripe's events that are about more than a payment of ours: they say what to look at. */
export const stripeHandlers: Readonly<Record<string, InboundHandler>> = {
  'checkout.session.completed': wakes('session'),
  'checkout.session.async_payment_succeeded': wakes('session'),
  'checkout.session.async_payment_failed': wakes('session'),
  'checkout.session.expired': wakes('session'),
  'customer.subscription.created': wakes('subscription'),
  'customer.subscription.updated': wakes('subscription'),
  'customer.subscription.deleted': wakes('subscription'),
  'customer.subscription.paused': wakes('subscription'),
  'customer.subscription.resumed': wakes('subscription'),
  'customer.subscription.trial_will_end': wakes('subscription'),
  'customer.subscription.pending_update_applied': wakes('subscription'),
  'customer.subscription.pending_update_expired': wakes('subscription'),
  'invoice.paid': wakes('invoice'),
  'invoice.payment_succeeded': wakes('invoice'),
  'invoice.payment_failed': wakes('invoice'),
  'invoice.payment_action_required': wakes('invoice'),
  'invoice.voided': wakes('invoice'),
  'invoice.marked_uncollectible': wakes('invoice'),
  'charge.refunded': refunds,
  'charge.refund.updated': refunds,
  'charge.dispute.created': movesMoney,
  'charge.dispute.updated': movesMoney,
  'charge.dispute.closed': movesMoney,
  'charge.dispute.funds_withdrawn': movesMoney,
  'charge.dispute.funds_reinstated': movesMoney,
  'refund.created': refunds,
  'refund.updated': refunds,
  'refund.failed': refunds,
  'customer.deleted': customerGone,
};
