import Stripe from 'stripe';
import type { StripeProvider } from './stripe-provider';

/** What the endpoint has to send: the rest is stored and ignored, or said by one of these too. */
export const wantedEvents = [
  'charge.dispute.closed',
  'charge.dispute.created',
  'charge.dispute.funds_reinstated',
  'charge.refunded',
  'checkout.session.async_payment_succeeded',
  'checkout.session.completed',
  'checkout.session.expired',
  'customer.deleted',
  'customer.subscription.created',
  'customer.subscription.deleted',
  'customer.subscription.paused',
  'customer.subscription.resumed',
  'customer.subscription.updated',
  'invoice.paid',
  'invoice.payment_failed',
  'payment_intent.canceled',
  'payment_intent.payment_failed',
  'payment_intent.requires_action',
  'payment_intent.succeeded',
  'payment_method.automatically_updated',
  'payment_method.detached',
  'payment_method.updated',
  'refund.created',
  'refund.failed',
  'refund.updated',
  'setup_intent.succeeded',
] as const;

type Endpoint = Pick<Stripe.WebhookEndpoint, 'url' | 'status' | 'api_version' | 'enabled_events'>;

const isOurs = ({ url }: Endpoint) => URL.canParse(url) && new URL(url).pathname.endsWith('/webhooks/stripe');

function endpointProblems({ status, api_version: version, enabled_events: enabled }: Endpoint): string[] {
  const lacks = enabled.includes('*') ? [] : wantedEvents.filter((type) => !enabled.includes(type));
  const newest = Stripe.API_VERSION;
  return [
    ...(status === 'enabled' ? [] : [`is ${status}`]),
    ...(version === newest
      ? []
      : [`sends API version ${version ?? 'of the account'}, where this build reads ${newest}`]),
    ...(lacks.length === 0 ? [] : [`lacks ${lacks.join(', ')}`]),
  ];
}

/** What is wrong with how Stripe tells of what happens there, in one line; `undefined`: nothing. */
export function problemOf(endpoints: readonly Endpoint[]): string | undefined {
  const ours = endpoints.filter(isOurs);
  if (ours.length === 0) {
    return 'Stripe has no webhook endpoint that ends with /webhooks/stripe: what happens there is heard of late, or never.';
  }
  // Two of them while one takes the other's place: it is enough that one of them is right.
  const problems = ours.map((endpoint) => ({ endpoint, found: endpointProblems(endpoint) }));
  const [best] = problems.sort((one, other) => one.found.length - other.found.length);
  if (!best || best.found.length === 0) return undefined;
  return `Stripe's webhook endpoint ${best.endpoint.url} ${best.found.join('; ')}.`;
}

/** Reads the endpoints' settings. Nothing is changed there, and nothing here waits for it. */
export async function setupProblem(provider: StripeProvider): Promise<string | undefined> {
  const found = await provider.call<{ problem: string | undefined }>(
    'setupProblem',
    async ({ webhookEndpoints }) => ({ problem: problemOf((await webhookEndpoints.list({ limit: 100 })).data) }),
    () => ({ problem: unread }),
  );
  return 'problem' in found ? found.problem : unread;
}

const unread =
  "Stripe did not let its webhook endpoints be read: the key needs read access to them, or look at the endpoint's version and events yourself.";
