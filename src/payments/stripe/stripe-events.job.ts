import { decodeId } from '../../core/ids';
import { equals } from '../../core/money';
import type { Tx } from '../../tx';
import type { Applied, ParkReason } from '../inbound-event';
import type { InboundHandler } from '../inbound-handler.job';
import type { InboundEvent } from '../provider';
import { fromStripe } from '../stripe-amount';
import { type Contradiction, contradictionIn, type StripeCheckout, totalOf } from '../stripe-checkout';
import { checkoutReference, parkCheckout } from './settle-checkout.command';
import { readSubscription } from './stripe-billing';
import type { CheckoutName } from './stripe-checkout.repository';
import { idOf, referenceOf } from './stripe-webhook';

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

/** Does the event itself contradict what was offered? What Stripe answers later is held against it all the same. */
function contradictionOf(
  subject: Subject,
  payload: Payload,
  checkout: StripeCheckout,
  customerId: string | undefined,
): Contradiction | undefined {
  if (idOf(payload['customer']) !== customerId) {
    return { reason: 'REFERENCE_MISMATCH', detail: 'it is of another customer' };
  }
  if (checkout.kind === 'PLAN') return undefined;
  if (subject === 'subscription') {
    const seen = readSubscription(payload);
    if (!seen) return { reason: 'PAYLOAD_UNREADABLE', detail: 'a subscription without its fields' };
    return contradictionIn(checkout, checkoutReference(checkout), customerId, seen);
  }
  const field = subject === 'session' ? 'amount_total' : 'total';
  const amount = fromStripe(payload[field], payload['currency']);
  if (!amount) return { reason: 'PAYLOAD_UNREADABLE', detail: `no ${field}` };
  return equals(amount, totalOf(checkout)) ? undefined : { reason: 'AMOUNT_DIFFERS', detail: `${field} is another` };
}

const parked = (reason: ParkReason, detail: string): Applied => ({ outcome: 'PARKED', reason, detail });

async function apply(tx: Tx, { payload }: InboundEvent, subject: Subject): Promise<Applied> {
  const { id: tenantId } = tx.tenant;
  const { name, reference } = namesOf(subject, payload);
  if (!name) return subject === 'invoice' ? notOurs : parked('PAYLOAD_UNREADABLE', 'it has no id');
  await tx.tenants.lock(tenantId);
  const known = await tx.stripeCheckouts.find(tenantId, name);
  const decoded = reference === undefined ? undefined : decodeId(reference);
  const isOurs = decoded?.kind === 'Checkout' || decoded?.kind === 'PaymentSetup';
  const byReference =
    isOurs && decoded.tenantUuid === tenantId
      ? await tx.stripeCheckouts.find(tenantId, { id: decoded.uuid })
      : undefined;
  const checkout = known ?? byReference;
  const another = (isOurs && decoded.tenantUuid !== tenantId) || (known && byReference && known.id !== byReference.id);
  if (!checkout) {
    if (another) return parked('REFERENCE_MISMATCH', 'it names a checkout of another tenant');
    return notOurs;
  }
  // It waits for a person, who makes everything be read anew.
  if (checkout.parkedReason) return { outcome: 'APPLIED' };
  const customerId = await tx.paymentMethods.customerOf(tenantId, 'STRIPE');
  const contradiction: Contradiction | undefined = another
    ? { reason: 'REFERENCE_MISMATCH', detail: 'it names another checkout' }
    : contradictionOf(subject, payload, checkout, customerId);
  if (contradiction) {
    const { reason, detail } = contradiction;
    await parkCheckout(tx, checkout, `${reason}: ${detail}`);
    return { outcome: 'PARKED', reason, detail, keeps: true };
  }
  await tx.stripeCheckouts.wake(tenantId, checkout.id);
  return { outcome: 'APPLIED' };
}

const notOurs: Applied = { outcome: 'IGNORED', reason: 'it is about no checkout of ours' };

const handlerOf = (subject: Subject): InboundHandler => ({
  locate: async ({ payload }, locate) => {
    const customerId = idOf(payload['customer']);
    return customerId ? locate('CUSTOMER', customerId) : undefined;
  },
  apply: (tx, event) => apply(tx, event, subject),
});

const subjects: Readonly<Record<string, Subject>> = {
  'checkout.session.completed': 'session',
  'checkout.session.async_payment_succeeded': 'session',
  'checkout.session.expired': 'session',
  'customer.subscription.created': 'subscription',
  'customer.subscription.updated': 'subscription',
  'customer.subscription.deleted': 'subscription',
  'customer.subscription.paused': 'subscription',
  'customer.subscription.resumed': 'subscription',
  'invoice.paid': 'invoice',
  'invoice.payment_failed': 'invoice',
  'invoice.payment_action_required': 'invoice',
};

/** What is done about Stripe's events that are about more than a payment: they say which checkout to look at. */
export const stripeHandlers: Readonly<Record<string, InboundHandler>> = Object.fromEntries(
  Object.entries(subjects).map(([type, subject]) => [type, handlerOf(subject)]),
);
