import type Stripe from 'stripe';
import type { SubscriptionStanding } from '../stripe-checkout';

/**
 * What the states of Stripe's objects mean here. Each list is of the SDK's own type, so a version of the SDK that adds a state
 * does not compile until it has a meaning. A state that is newer than this build means what `unheard` says.
 */
type Named<S extends string> = S extends S ? (Record<never, never> extends Record<S, 1> ? never : S) : never;
type Meanings<S extends string, M> = Readonly<Record<Named<S>, M>>;

const meaningIn =
  <S extends string, M>(meanings: Meanings<S, M>, unheard: M) =>
  (state: string | null | undefined): M =>
    state && Object.hasOwn(meanings, state) ? (meanings as Readonly<Record<string, M>>)[state]! : unheard;

/** `past_due` is Stripe's own time of grace: it tries again and then says what became of it. */
export const standingOf = meaningIn<Stripe.Subscription.Status, SubscriptionStanding>(
  {
    active: 'ACCESS',
    trialing: 'ACCESS',
    past_due: 'ACCESS',
    incomplete: 'WAITS',
    paused: 'PAUSED',
    unpaid: 'ENDED',
    canceled: 'ENDED',
    incomplete_expired: 'ENDED',
  },
  'UNKNOWN',
);

/**
 * Whose cost a pause of collecting is. Stripe's guide: drafts are kept to be collected later, and what is uncollectible is served
 * and written off: both are the partner's to give, and access goes on. What is void was never asked for: that is for a time in
 * which the partner does not serve, and access ends with what was paid.
 */
export const pauseMeans = meaningIn<
  Stripe.Subscription.PauseCollection.Behavior,
  'COLLECTED_LATER' | 'GIVEN_AWAY' | 'NOT_SERVED' | 'UNKNOWN'
>({ keep_as_draft: 'COLLECTED_LATER', mark_uncollectible: 'GIVEN_AWAY', void: 'NOT_SERVED' }, 'UNKNOWN');

/** Was it collected? Only that grants and is booked; `paid` is also what was paid outside and marked so. */
export const isCollected = meaningIn<Stripe.Invoice.Status, boolean>(
  { paid: true, draft: false, open: false, uncollectible: false, void: false },
  false,
);

export const intentMeans = meaningIn<
  Stripe.PaymentIntent.Status,
  'SUCCEEDED' | 'PROCESSING' | 'REQUIRES_ACTION' | 'CANCELLED' | 'DECLINED'
>(
  {
    succeeded: 'SUCCEEDED',
    processing: 'PROCESSING',
    // It is authorised and not taken: never by us, who take at once.
    requires_capture: 'PROCESSING',
    // Only this one can still be confirmed. An intent that the bank refused off session for want of its customer is back at
    // `requires_payment_method`, with nothing to do: declined.
    requires_action: 'REQUIRES_ACTION',
    canceled: 'CANCELLED',
    requires_payment_method: 'DECLINED',
    requires_confirmation: 'DECLINED',
  },
  'PROCESSING',
);

export const setupMeans = meaningIn<Stripe.SetupIntent.Status, 'SUCCEEDED' | 'PROCESSING' | 'DECLINED'>(
  {
    succeeded: 'SUCCEEDED',
    processing: 'PROCESSING',
    // It wants its holder: that is what the hosted setup is for.
    requires_action: 'DECLINED',
    requires_confirmation: 'DECLINED',
    requires_payment_method: 'DECLINED',
    canceled: 'DECLINED',
  },
  'PROCESSING',
);

/** The SDK has text here; these are the states that its documentation names. */
export const refundMeans = meaningIn<
  'pending' | 'requires_action' | 'succeeded' | 'failed' | 'canceled',
  'SUCCEEDED' | 'FAILED' | 'PROCESSING'
>(
  {
    succeeded: 'SUCCEEDED',
    failed: 'FAILED',
    canceled: 'FAILED',
    pending: 'PROCESSING',
    requires_action: 'PROCESSING',
  },
  'PROCESSING',
);

/** INQUIRY: the bank only asks, or it came to no dispute; no money has moved. */
export const disputeMeans = meaningIn<Stripe.Dispute.Status, 'OPEN' | 'WON' | 'LOST' | 'INQUIRY'>(
  {
    needs_response: 'OPEN',
    under_review: 'OPEN',
    appeal_needs_response: 'OPEN',
    appeal_under_review: 'OPEN',
    won: 'WON',
    lost: 'LOST',
    prevented: 'INQUIRY',
    warning_needs_response: 'INQUIRY',
    warning_under_review: 'INQUIRY',
    warning_closed: 'INQUIRY',
  },
  'OPEN',
);

/** Did money come? A charge that is pending is on its way. */
export const hasCome = meaningIn<Stripe.Charge.Status, boolean>(
  { succeeded: true, pending: false, failed: false },
  false,
);

export const pageMeans = meaningIn<Stripe.Checkout.Session.Status, 'OPEN' | 'COMPLETE' | 'EXPIRED'>(
  { open: 'OPEN', complete: 'COMPLETE', expired: 'EXPIRED' },
  'OPEN',
);
