import { findPlan } from '../../catalog/find-catalog.query';
import { priceFor } from '../../catalog/plan';
import { moneyText } from '../../core/money';
import type { IntervalUnit } from '../../core/period';
import { parseSeats } from '../../core/quantity';
import { done, type Result, refuse } from '../../core/result';
import { invalid } from '../../core/text';
import { trialFor } from '../../subscriptions/trial.query';
import type { Tx } from '../../tx';
import { providerOff } from '../providers';
import { toStripe } from '../stripe-amount';
import { type StripeCheckout, totalOf } from '../stripe-checkout';
import {
  addressProblem,
  newCheckout,
  type ReturnAddresses,
  type StripeMode,
  takePlaceOf,
} from './create-addon-checkout.command';

export interface CreatePlanCheckoutInput extends ReturnAddresses {
  /** Id or code. */
  readonly plan: string;
  readonly interval?: IntervalUnit | undefined;
  readonly quantity?: number | undefined;
  readonly trialDays?: number | undefined;
}

export const createPlanCheckoutRefusals = [
  'PROVIDER_NOT_CONFIGURED',
  'PROVIDER_UNAVAILABLE',
  'ALREADY_SUBSCRIBED',
  'PLAN_NOT_FOUND',
  'PLAN_ARCHIVED',
  'PRICE_NOT_FOUND',
  'AMOUNT_NOT_CHARGEABLE',
  'INVALID_INPUT',
] as const;

/**
 * The first purchase of a plan: Stripe's page saves a payment method, then the subscription starts, and its invoices are ours
 * and paid off session. What is offered here is what starts, whatever the catalog says meanwhile.
 */
export async function createPlanCheckout(
  tx: Tx,
  input: CreatePlanCheckoutInput,
  mode: StripeMode | undefined,
): Promise<Result<{ checkout: StripeCheckout }, (typeof createPlanCheckoutRefusals)[number]>> {
  const { id: tenantId, partnerId, sandbox, currency } = tx.tenant;
  if (!mode || mode.live === sandbox) return providerOff('STRIPE');
  const addressRefused = addressProblem(input);
  if (addressRefused) return addressRefused;
  const quantity = parseSeats(input.quantity ?? 1);
  if (quantity === undefined) return invalid(['quantity'], 'A quantity is a whole number from 1 to 2147483647.');
  const { interval = 'MONTH' } = input;
  await tx.tenants.lock(tenantId);
  if (await tx.subscriptions.live(tenantId)) {
    return refuse('ALREADY_SUBSCRIBED', 'The tenant has a subscription; change its plan instead.');
  }
  const plan = await findPlan(tx, input.plan);
  if (!plan) return refuse('PLAN_NOT_FOUND', 'No such plan.', { path: ['input', 'plan'] });
  if (plan.status === 'ARCHIVED') {
    return refuse('PLAN_ARCHIVED', `${plan.name} is no longer sold.`, { path: ['input', 'plan'] });
  }
  const version = (await tx.plans.currentVersion(plan.id))!;
  const price = priceFor(version.prices, interval, currency);
  if (!price) {
    return refuse('PRICE_NOT_FOUND', `${plan.name} has no price per ${interval.toLowerCase()} in ${currency}.`, {
      path: ['input', 'interval'],
      facts: { interval, currency },
    });
  }
  const found = await trialFor(tx, input.trialDays, version);
  if (!found.ok) return found;
  const trial = found.value;
  const trialDays = trial?.days;
  const { amount: unitAmount } = price;
  const terms = `${plan.name}: ${moneyText(unitAmount)}${quantity > 1n ? ` × ${quantity}` : ''} per ${interval.toLowerCase()}${
    trialDays ? `, after ${trialDays} free days` : ''
  }. It is charged to this payment method.`;
  const wanted = newCheckout(tx, {
    ...{ kind: 'PLAN', live: mode.live, planId: plan.id, planVersionId: version.id, planPriceId: price.id },
    ...{ interval, unitAmount, quantity, trialDays, planTrial: trial?.ofPlan, description: terms },
    ...{ successUrl: input.successUrl, cancelUrl: input.cancelUrl },
  });
  if (!toStripe(totalOf(wanted))) {
    return refuse('AMOUNT_NOT_CHARGEABLE', 'Stripe cannot charge exactly this amount.', { facts: { currency } });
  }
  const open = await takePlaceOf(tx, await tx.stripeCheckouts.openOne(tenantId, undefined), wanted);
  if (open) return done({ checkout: open });
  await tx.stripeCheckouts.insert(wanted);
  // The method that the page saves is one like others: whichever event comes first keeps it.
  await tx.paymentMethods.insertSetup({
    id: wanted.id as string as Parameters<Tx['paymentMethods']['insertSetup']>[0]['id'],
    ...{ tenantId, partnerId, provider: 'STRIPE', status: 'PENDING', makeDefault: true, createdAt: tx.now },
  });
  await tx.emit({ type: 'checkout.created', payload: { checkout: wanted } });
  return done({ checkout: wanted });
}
