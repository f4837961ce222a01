import { licenceHandlersOfFake, licenceHandlersOfPaddle } from '../licences/licence-events.job';
import { applyPaymentFact } from './apply-payment-fact.job';
import type { InboundHandler } from './inbound-handler.job';
import type { InboundEvent, PaymentProvider, ProviderName } from './provider';
import { stripeHandlers } from './stripe/stripe-events.job';

/**
 * Handlers of events that are about more than a payment, by provider and type: checkouts, subscriptions that a provider
 * bills, licences. What a provider's `factOf` understands needs none.
 */
const handlers: Readonly<Record<ProviderName, Readonly<Record<string, InboundHandler>>>> = {
  STRIPE: stripeHandlers,
  PADDLE: licenceHandlersOfPaddle,
  FAKE: licenceHandlersOfFake,
};

/** `undefined`: nothing is done about this type; it is kept all the same. */
export function handlerOf(provider: PaymentProvider, event: InboundEvent): InboundHandler | undefined {
  const own = handlers[provider.name];
  if (Object.hasOwn(own, event.type)) return own[event.type];
  const fact = provider.factOf(event);
  return fact && applyPaymentFact(provider.name, fact);
}
