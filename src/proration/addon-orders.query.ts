import type { Addon } from '../catalog/addon';
import { findAddon } from '../catalog/find-catalog.query';
import { type Plan, type PlanVersion, priceFor } from '../catalog/plan';
import { type Instant, isAtOrBefore } from '../core/calendar';
import type { IntervalUnit } from '../core/period';
import { parseSeats } from '../core/quantity';
import { done, type Refused, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import { type ItemAccount, wasCharged } from '../invoicing/item-charge';
import { usagePricesIn } from '../rating/price-model-input';
import { addonRefusals, judgeAddon, requirementProblem } from '../subscriptions/addon-sale.query';
import type { AddonSubscription } from '../subscriptions/addon-subscription';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import type { AddonOrder, AddonQuantity, AttachedAddon } from './plan-change';

export const addonOrderRefusals = [
  'ADDON_NOT_FOUND',
  ...addonRefusals,
  'ADDON_BILLED_BY_PROVIDER',
  'NO_CHANGE',
  'INVALID_INPUT',
] as const;
type Code = (typeof addonOrderRefusals)[number];

export interface OrderedWith {
  readonly subscription: Subscription;
  /** The plan that there is afterwards. */
  readonly target: { readonly plan: Plan; readonly version: PlanVersion; readonly interval: IntervalUnit };
  /** It is the plan that there is now. */
  readonly planGoesOn: boolean;
  readonly at: Instant;
  readonly attached: readonly AttachedAddon[];
  readonly accounts: ReadonlyMap<string, ItemAccount>;
}

type OrderTx = Pick<Tx, 'plans' | 'addons' | 'subscriptions' | 'addonSubscriptions' | 'newId'>;

/** One that is not attached yet. */
async function added(
  tx: OrderTx,
  { subscription, target, planGoesOn, at }: OrderedWith,
  addon: Addon,
  quantity: bigint,
  { charge, beside }: Pick<AddonQuantity, 'charge'> & { readonly beside: readonly Addon[] },
): Promise<Result<AddonOrder, Code>> {
  const { currency, tenantId, partnerId } = subscription;
  const { interval } = target;
  const judged = planGoesOn ? await judgeAddon(tx, subscription, addon, { beside }) : undefined;
  if (judged && !judged.ok) return judged;
  if (addon.status === 'ARCHIVED') return refuse('ADDON_ARCHIVED', `${addon.name} is no longer sold.`);
  const price = judged ? judged.value : priceFor(addon.prices, interval, currency);
  if (!price) {
    return refuse('PRICE_NOT_FOUND', `${addon.name} has no price per ${interval.toLowerCase()} in ${currency}.`, {
      facts: { interval, currency },
    });
  }
  const id = tx.newId<'AddonSubscription'>();
  const next: AddonSubscription = {
    ...{ id, originId: id, tenantId, partnerId, subscriptionId: subscription.id, addonId: addon.id },
    ...{ interval, priceId: price.id, unitAmount: price.amount, quantity, billedBy: 'TOLLGATE' },
    usagePrices: usagePricesIn(addon.allowances, currency),
    ...{ startedAt: at, version: 1, createdAt: at },
  };
  return done({ addon, next, chargedLater: charge === 'NEXT_INVOICE' });
}

/** One that is attached, in another quantity, at the price that it was bought at. */
async function changed(
  tx: OrderTx,
  { subscription, planGoesOn, at, accounts }: OrderedWith,
  before: AttachedAddon,
  quantity: bigint,
): Promise<Result<AddonOrder, Code>> {
  const { attachment, addon } = before;
  if (attachment.billedBy !== 'TOLLGATE') {
    return refuse('ADDON_BILLED_BY_PROVIDER', `${addon.name} is billed by its provider; change its quantity there.`);
  }
  if (quantity > attachment.quantity && planGoesOn) {
    // More of it is a sale like any other; who has some keeps them.
    const judged = await judgeAddon(tx, subscription, addon);
    if (!judged.ok && judged.refusal.code !== 'PRICE_NOT_FOUND') return judged;
  }
  const next: AddonSubscription = {
    ...attachment,
    ...{ id: tx.newId<'AddonSubscription'>(), quantity, startedAt: at, version: attachment.version + 2, createdAt: at },
  };
  const joinedNow = isAtOrBefore(subscription.periodStart, attachment.startedAt);
  const waits = subscription.status !== 'TRIALING' && joinedNow && !wasCharged(accounts.get(attachment.id));
  return done({ addon, before, next, chargedLater: waits });
}

/** What a call asks for of add-ons, judged: each add-on once, and each in another quantity than it has. */
export async function loadAddonOrders(
  tx: OrderTx,
  asked: readonly AddonQuantity[],
  ordered: OrderedWith,
): Promise<Result<AddonOrder[], Code>> {
  const { subscription, attached } = ordered;
  const orders: AddonOrder[] = [];
  const named = await Promise.all(
    asked.map(({ addon }) => findAddon({ addons: tx.addons, partnerId: subscription.partnerId }, addon)),
  );
  const beside = named.filter((addon) => addon !== undefined);
  for (const [index, { quantity: count, charge }] of asked.entries()) {
    const path = ['input', 'addons', String(index)];
    const addon = named[index];
    if (!addon) return refuse('ADDON_NOT_FOUND', 'No such add-on.', { path: [...path, 'addon'] });
    if (orders.some((order) => order.addon.id === addon.id)) return invalid(path.slice(1), 'Each add-on once.');
    const before = attached.find((one) => one.addon.id === addon.id);
    const quantity = parseSeats(count ?? Number(before?.attachment.quantity ?? 1n));
    if (quantity === undefined) {
      return invalid([...path.slice(1), 'quantity'], 'A quantity is a whole number from 1 to 2147483647.');
    }
    if (before && quantity === before.attachment.quantity) {
      return refuse('NO_CHANGE', `${addon.name} is attached in this quantity already.`, { path });
    }
    const order = before
      ? await changed(tx, ordered, before, quantity)
      : await added(tx, ordered, addon, quantity, { charge, beside });
    if (!order.ok) return order;
    orders.push(order.value);
  }
  return done(orders);
}

/** May what is ordered beside a plan change last? What it requires must be there for as long, too. */
export async function orderedRequirementProblem(
  tx: OrderTx,
  orders: readonly AddonOrder[],
  { subscription, target, planGoesOn }: OrderedWith,
): Promise<Refused<'ADDON_REQUIRES_ADDON'> | undefined> {
  if (planGoesOn) return undefined;
  const beside = orders.map(({ addon }) => addon);
  for (const { addon, before } of orders) {
    const problem = before
      ? undefined
      : await requirementProblem(tx, subscription, addon, { version: target.version, beside });
    if (problem) return problem;
  }
  return undefined;
}
