import { type Addon, addonAvailability, includesAddon } from '../catalog/addon';
import type { Feature, FeatureAllowance } from '../catalog/feature';
import { type Plan, type PlanVersion, priceFor } from '../catalog/plan';
import type { Instant } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { type DecimalValue, decimal } from '../core/decimal';
import { type Money, maximumMinorUnits, money } from '../core/money';
import { type IntervalUnit, intervalUnits } from '../core/period';
import { maximumSeats } from '../core/quantity';
import { usagePricesIn } from '../rating/price-model-input';
import type { AddonSubscription } from '../subscriptions/addon-subscription';
import {
  type EntitlementSource,
  entitlementSources,
  type Gate,
  gate,
  isActiveAt,
  type MergedEntitlement,
  mergeEntitlement,
  resetPeriodClash,
} from './entitlement';

export const unlockKinds = ['PAYMENT', 'MORE_UNITS', 'ADDON', 'PLAN', 'PLAN_WITH_ADDON', 'LICENCE'] as const;
export type UnlockKind = (typeof unlockKinds)[number];

/** How many ways of a kind are tried: those of the lowest list prices. */
export const mostTried = 8;
/** How many of a kind are offered: those that cost the least. */
export const mostOffered = 3;

/** What was denied. */
export interface Wanted {
  readonly feature: Feature;
  /** METERED: how much is about to be used. */
  readonly quantity: DecimalValue;
  readonly at: Instant;
  /** As it was then; `undefined`: now. */
  readonly asOf?: Instant | undefined;
}

/** What a tenant has of a feature, or would have, and what was used in the window that counts then. */
export interface Holding {
  readonly sources: readonly EntitlementSource[];
  /** The window is cut by how often the limit starts over. */
  readonly used: (merged: MergedEntitlement | undefined) => DecimalValue;
}

/** The check, over what a tenant would have. */
export function gateWith({ feature, quantity, at }: Wanted, { sources, used }: Holding): Gate {
  const active = sources.filter((source) => source.featureId === feature.id && isActiveAt(source, at));
  const merged = mergeEntitlement(active, feature.valueOrder);
  return gate(feature.kind, merged, used(merged), quantity);
}

/** Whether some of these give the feature. */
export const gives = (allowances: readonly FeatureAllowance[], { feature }: Wanted): boolean =>
  allowances.some(({ featureId }) => featureId === feature.id);

/** The fewest units that would do; `undefined`: no number of them would. */
export function unitsFor(
  wanted: Wanted,
  holding: Holding,
  unitsOf: (units: bigint) => readonly EntitlementSource[],
): bigint | undefined {
  const withUnits = (units: bigint) =>
    gateWith(wanted, { ...holding, sources: [...holding.sources, ...unitsOf(units)] });
  const one = withUnits(1n);
  if (one.allowed) return 1n;
  if (one.limit === undefined || one.used === undefined) return undefined;
  const perUnit = one.limit.minus(gateWith(wanted, holding).limit ?? decimal(0));
  if (perUnit.lessThanOrEqualTo(0)) return undefined;
  const short = wanted.quantity.minus(one.limit.minus(one.used));
  const units = 1n + BigInt(short.dividedBy(perUnit).ceil().toFixed(0));
  return units <= maximumSeats && withUnits(units).allowed ? units : undefined;
}

/** An add-on in the quantity that there is afterwards. */
export interface OrderedAddon {
  readonly addon: Addon;
  readonly quantity: bigint;
  /** Of one that is attached already. */
  readonly attached?: AddonSubscription | undefined;
}

/** A plan as it is sold to this tenant. */
export interface SoldPlan {
  readonly plan: Plan;
  readonly version: PlanVersion;
  readonly interval: IntervalUnit;
  readonly price: Money;
}

/** Where a plan has no price for the interval, the shortest that it has one for. */
export function soldPlan(
  plan: Plan,
  version: PlanVersion,
  interval: IntervalUnit,
  currency: CurrencyCode,
): SoldPlan | undefined {
  for (const one of [interval, ...intervalUnits]) {
    const price = priceFor(version.prices, one, currency);
    if (price) return { plan, version, interval: one, price: price.amount };
  }
  return undefined;
}

/** What a plan version gives of the feature by itself, with what it includes. */
export function planGives({ version }: SoldPlan, onSale: readonly Addon[], wanted: Wanted): boolean {
  return (
    gives(version.allowances, wanted) ||
    onSale.some((addon) => includesAddon(version, addon) && gives(addon.allowances, wanted))
  );
}

/** The plan beside which add-ons are bought, and what is there without them. */
export interface BuyingWith {
  readonly plan: Pick<Plan, 'rank'>;
  readonly version: PlanVersion;
  readonly interval: IntervalUnit;
  readonly currency: CurrencyCode;
  readonly onSale: readonly Addon[];
  /** Attached, and going on. */
  readonly attached: readonly AddonSubscription[];
  readonly holding: Holding;
}

function sourcesOf(
  wanted: Wanted,
  { currency }: BuyingWith,
  { addon, quantity, attached }: OrderedAddon,
): EntitlementSource[] {
  const source = {
    sourceId: attached?.id ?? addon.id,
    ...{ sourceName: addon.name, catalogId: addon.id, quantity, startsAt: wanted.at },
    allowances: addon.allowances.filter(({ featureId }) => featureId === wanted.feature.id),
    usagePrices: attached?.usagePrices ?? usagePricesIn(addon.allowances, currency),
  };
  return entitlementSources([], [source], [], new Map([[wanted.feature.id, wanted.feature]]));
}

/** What has to be bought with an add-on, each before what requires it; `undefined`: something of it is not sold with the plan. */
function withRequired(addon: Addon, buying: BuyingWith): Addon[] | undefined {
  const there = new Set<string>(buying.attached.map(({ addonId }) => addonId));
  const found: Addon[] = [];
  const look = (one: Addon): boolean => {
    if (there.has(one.id)) return true;
    there.add(one.id);
    if (addonAvailability(buying.plan, buying.version, one) !== 'AVAILABLE') return false;
    if (!priceFor(one.prices, buying.interval, buying.currency)) return false;
    for (const id of one.requiredAddonIds) {
      if (buying.version.includedAddonIds.includes(id)) continue;
      const required = buying.onSale.find((other) => other.id === id);
      if (!required) return false;
      if (!includesAddon(buying.version, required) && !look(required)) return false;
    }
    found.push(one);
    return true;
  };
  return look(addon) ? found : undefined;
}

/** For a full period; `undefined`: more than an amount can be. */
function priceOf(addons: readonly OrderedAddon[], { interval, currency }: BuyingWith): Money | undefined {
  const minor = addons
    .map(({ addon, attached, quantity }) => {
      const unit = attached?.unitAmount ?? priceFor(addon.prices, interval, currency)!.amount;
      return unit.minor * quantity;
    })
    .reduce((total, amount) => total + amount, 0n);
  return minor <= maximumMinorUnits ? money(minor, currency) : undefined;
}

/** What is ordered of add-ons, and its list price for a full period. */
export interface AddonsOrdered {
  readonly addons: readonly OrderedAddon[];
  readonly recurring: Money;
  /** More of one that is attached. */
  readonly more: boolean;
}

/** Each add-on that gives the feature, with what it requires, in the quantity that would do: the cheapest by the list. */
export function addonOrders(wanted: Wanted, buying: BuyingWith): AddonsOrdered[] {
  const { holding } = buying;
  const orders = buying.onSale
    .filter((addon) => gives(addon.allowances, wanted))
    .flatMap((addon) => {
      const attached = buying.attached.find(({ addonId }) => addonId === addon.id);
      if (attached && attached.billedBy !== 'TOLLGATE') return [];
      const required = attached ? [addon] : withRequired(addon, buying);
      if (!required) return [];
      const before: OrderedAddon[] = required
        .filter((one) => one.id !== addon.id)
        .map((one) => ({ addon: one, quantity: 1n }));
      const beside = {
        ...holding,
        sources: [...holding.sources, ...before.flatMap((order) => sourcesOf(wanted, buying, order))],
      };
      const more = (quantity: bigint) => sourcesOf(wanted, buying, { addon, quantity, attached });
      if (resetPeriodClash([...beside.sources, ...more(1n)])) return [];
      const units = unitsFor(wanted, beside, more);
      if (units === undefined) return [];
      const quantity = units + (attached?.quantity ?? 0n);
      if (quantity > maximumSeats) return [];
      const addons: OrderedAddon[] = [...before, { addon, quantity, attached }];
      const recurring = priceOf(addons, buying);
      return recurring ? [{ addons, recurring, more: attached !== undefined }] : [];
    });
  return cheapest(orders, mostTried);
}

/** Those of the lowest list prices. */
export function cheapest<T extends { readonly recurring: Money }>(some: readonly T[], most: number): T[] {
  return [...some].sort((one, other) => compareMoney(one.recurring, other.recurring)).slice(0, most);
}

const compareMoney = (one: Money, other: Money) => (one.minor < other.minor ? -1 : one.minor > other.minor ? 1 : 0);

interface Priced {
  readonly kind: UnlockKind;
  /** All documents of the act, with tax; negative: in the tenant's favour. */
  readonly dueNow: Money;
  /** Each full period of what is offered. */
  readonly recurring: Money;
  readonly plan?: { readonly id: string } | undefined;
  readonly addons?: readonly OrderedAddon[] | undefined;
}

/** Whether an offer holds all that another one does, and costs no less at once. */
function needsLess(one: Priced, other: Priced): boolean {
  if (other.kind !== 'PLAN_WITH_ADDON' || one.kind === other.kind || !one.addons) return false;
  const samePlan = !one.plan || one.plan.id === other.plan?.id;
  const sameAddons = one.addons.every(({ addon }) => other.addons?.some((order) => order.addon.id === addon.id));
  return samePlan && sameAddons && compareMoney(one.dueNow, other.dueNow) <= 0;
}

/**
 * What is offered of all that would do: of each kind those that cost the least, all together by their price now, then by
 * what each full period costs. A plan with an add-on only where it costs less than either alone.
 */
export function offered<T extends Priced>(tried: readonly T[]): T[] {
  const byPrice = tried
    .filter((other) => !tried.some((one) => needsLess(one, other)))
    .sort((one, other) => compareMoney(one.dueNow, other.dueNow) || compareMoney(one.recurring, other.recurring));
  const seen = new Map<UnlockKind, number>();
  return byPrice.filter(({ kind }) => {
    const number = (seen.get(kind) ?? 0) + 1;
    seen.set(kind, number);
    return number <= mostOffered;
  });
}
